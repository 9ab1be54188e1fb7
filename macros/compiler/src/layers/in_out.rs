//! The two sizes of a layer: `Linear(8 -> 10)`, or in PyTorch's form `Linear(8, 10)` and `Linear(in_features = 8,
//! out_features = 10)`.
//!
//! Takes arguments; merges two sizes into one argument `in_out`, and then reads its sizes.

use super::{LayerDef, positive};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::value::Value;

/// PyTorch's names of a layer's sizes.
fn names(layer: &str) -> [&'static str; 2] {
    match layer {
        "Linear" => ["in_features", "out_features"],
        "Embedding" => ["num_embeddings", "embedding_dim"],
        _ if layer.starts_with("Conv") => ["in_channels", "out_channels"],
        _ => ["input_size", "hidden_size"],
    }
}

/// The arguments with two separate sizes as one `in -> out`, which comes first.
pub(super) fn joined(cx: &Cx, def: &LayerDef, given: Vec<Given>) -> Reported<Vec<Given>> {
    if !def.signature.starts_with("in_out") {
        return Ok(given);
    }
    let names = names(def.name);
    let mut sizes: [Option<Given>; 2] = [None, None];
    let mut rest = Vec::new();
    let mut position = 0;
    for g in given {
        let slot = match &g.name {
            Some(name) => names.iter().position(|n| name == n),
            // Only sizes: arguments after `in -> out` are the layer's other ones.
            None if position < 2 && g.value.as_dim().is_some() => {
                position += 1;
                Some(position - 1)
            }
            None => {
                position = 2;
                None
            }
        };
        let open = slot.and_then(|k| sizes.get_mut(k)).filter(|s| s.is_none());
        match (slot, open) {
            (_, Some(open)) => *open = Some(g),
            (Some(k), None) => {
                let text = format!("`{}` is given twice to `{}`", names[k], def.name);
                return Err(cx.error(g.span, text));
            }
            _ => rest.push(g),
        }
    }
    let both = match sizes {
        [Some(from), Some(to)] => (from, to),
        [None, None] => return Ok(rest),
        [Some(one), None] | [None, Some(one)] => {
            let text = format!(
                "`{0}` needs two sizes\nhelp: `{0}(in -> out)`, such as `{0}(8 -> 10)`",
                def.name
            );
            return Err(cx.error(one.span, text));
        }
    };
    let (from, to) = both;
    let sizes = Given {
        name: None,
        span: from.span,
        text: format!("{} -> {}", from.text, to.text),
        value: Value::Arrow(Box::new(from.value), Box::new(to.value)),
    };
    rest.insert(0, sizes);
    Ok(rest)
}

/// `in -> out`, both at least 1.
pub fn in_out(cx: &mut Cx, a: &Args, name: &str) -> Reported<(Dim, Dim)> {
    let both = match a.value(name) {
        Value::Arrow(from, to) => from.as_dim().zip(to.as_dim()),
        _ => None,
    };
    let Some((from, to)) = both else {
        let text = format!(
            "`{0}` is declared with its sizes: `{0}(in -> out)`, such as `{0}(8 -> 10)`",
            a.callee
        );
        return Err(cx.error(a.span_of(name), text));
    };
    for d in [&from, &to] {
        positive(cx, a, name, d)?;
    }
    Ok((from, to))
}
