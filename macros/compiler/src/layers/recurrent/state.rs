//! The argument `hx`: the state before the first step, one tensor, or the pair `(h, c)` of an LSTM.

use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Shape, show_shape};
use crate::ir::NodeId;
use crate::value::Value;

/// The tensors of `hx`, which was given; `wants` are their shapes.
pub fn tensors(cx: &mut Cx, a: &Args, wants: &[Shape]) -> Reported<Vec<NodeId>> {
    let value = a.value("hx");
    let kind = value.kind();
    let items = match value {
        Value::Tuple(items) if wants.len() > 1 => items,
        one => vec![one],
    };
    let (callee, span) = (&a.callee, a.span_of("hx"));
    let text = a
        .given("hx")
        .map_or("hx", |g: &Given| g.text.as_str())
        .to_owned();
    if items.len() != wants.len() {
        let message = format!(
            "`hx` of `{callee}` must be a pair `(h, c)`, not {}\nnote: `h` must be {}, and `c` must be {}",
            match items.len() {
                1 => "one tensor".to_owned(),
                n => format!("{n} values"),
            },
            show_shape(&wants[0]),
            show_shape(&wants[wants.len() - 1])
        );
        return Err(cx.error(span, message));
    }
    let mut out = Vec::new();
    for ((item, want), part) in items.iter().zip(wants).zip(["first", "second"]) {
        let Some(t) = cx.lift(item, &text) else {
            let text = format!("`hx` of `{callee}` must be a tensor, not {kind}");
            return Err(cx.error(span, text));
        };
        a.check(cx, "hx", &t)?;
        let t = cx.to_float(&t);
        if !cx.same_shape(&cx.shape(&t), want) {
            let what = match wants.len() {
                1 => format!("`hx` of `{callee}`"),
                _ => format!("the {part} state in `hx` of `{callee}`"),
            };
            let pair = match wants.len() {
                1 => "",
                _ => "\nnote: `hx` is the pair `(h, c)` of states",
            };
            let text = format!(
                "{what} must be {}, but `{}` is {}{}{pair}",
                show_shape(want),
                t.text,
                cx.typed(t.id),
                cx.origin_line(&t)
            );
            return Err(cx.error(span, text));
        }
        out.push(t.id);
    }
    Ok(out)
}
