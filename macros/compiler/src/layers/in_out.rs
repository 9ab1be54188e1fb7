//! The two sizes of a layer: `Linear(8 -> 10)`, or in PyTorch's form `Linear(8, 10)` and `Linear(in_features = 8,
//! out_features = 10)`.
//!
//! Takes arguments; merges two sizes into one argument `in_out`, and then reads its sizes.

use super::{LayerDef, positive};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::{ErrorReported, Reported, did_you_mean};
use crate::dim::Dim;
use crate::value::Value;
use proc_macro2::Ident;

/// PyTorch's names of a layer's sizes.
fn names(layer: &str) -> [&'static str; 2] {
    match layer {
        "Linear" => ["in_features", "out_features"],
        "Embedding" => ["num_embeddings", "embedding_dim"],
        _ if layer.starts_with("Conv") => ["in_channels", "out_channels"],
        _ => ["input_size", "hidden_size"],
    }
}

/// PyTorch's names of the sizes of all such layers.
const PAIRS: [[&str; 2]; 4] = [
    ["in_features", "out_features"],
    ["num_embeddings", "embedding_dim"],
    ["in_channels", "out_channels"],
    ["input_size", "hidden_size"],
];

/// The error for a keyword that the layer lacks.
fn unknown(cx: &Cx, def: &LayerDef, name: &Ident) -> ErrorReported {
    let own = names(def.name);
    let written = name.to_string();
    // The name of the same size in another layer.
    let side = (0..2).find(|k| PAIRS.iter().any(|p| p[*k] == written));
    let all = crate::args::parameters(def.signature).into_iter().skip(1);
    let known = all.map(|p| p.0).chain(own);
    let hint = match side {
        Some(k) => format!("\nhelp: did you mean `{}`?", own[k]),
        None => did_you_mean(&written, known),
    };
    let takes = def.signature.replacen("in_out", &own.join(" -> "), 1);
    let text = format!(
        "`{0}` has no argument `{name}`{hint}\n`{0}` takes ({takes}, init = .., bias_init = ..)",
        def.name
    );
    cx.error(name.span(), text)
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
    let mut reported = None;
    for g in given {
        let parameters = crate::args::parameters(def.signature);
        if let Some(name) = g.name.as_ref().filter(|name| {
            !names.iter().any(|n| name == n) && !parameters.iter().any(|p| *name == p.0)
        }) {
            reported = Some(unknown(cx, def, name));
            continue;
        }
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
                let text = format!("`{}` of `{}` is given twice", names[k], def.name);
                return Err(cx.error(g.span, text));
            }
            _ => rest.push(g),
        }
    }
    if let Some(reported) = reported {
        return Err(reported);
    }
    let both = match sizes {
        [Some(from), Some(to)] => (from, to),
        [None, None] => return Ok(rest),
        [Some(one), None] | [None, Some(one)] => {
            let text = format!(
                "`{0}` needs two sizes, but only one is given\nhelp: write `{0}({1} -> {2})`, such as `{0}(8 -> 10)`",
                def.name, names[0], names[1]
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
            "the sizes of `{0}` must be two integers\nhelp: write `{0}({1} -> {2})`, such as `{0}(8 -> 10)`",
            a.callee,
            names(&a.callee)[0],
            names(&a.callee)[1]
        );
        return Err(cx.error(a.span_of(name), text));
    };
    for d in [&from, &to] {
        positive(cx, a, name, d)?;
    }
    Ok((from, to))
}
