//! Layers that are an op with stored arguments: activations, `Flatten`, the losses.

use super::{Call, Layer, ParamDecl};
use crate::args::{Args, Given, parameters};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::ops::{self, OpDef};
use crate::value::Value;
use proc_macro2::{Ident, Span};

/// PyTorch's layer, the op, and how many of the op's first arguments a call gives.
const ROWS: &[(&str, &str, usize)] = &[
    ("ReLU", "relu", 1),
    ("ReLU6", "relu6", 1),
    ("LeakyReLU", "leaky_relu", 1),
    ("ELU", "elu", 1),
    ("CELU", "celu", 1),
    ("SELU", "selu", 1),
    ("GELU", "gelu", 1),
    ("GLU", "glu", 1),
    ("SiLU", "silu", 1),
    ("Mish", "mish", 1),
    ("Sigmoid", "sigmoid", 1),
    ("LogSigmoid", "logsigmoid", 1),
    ("Tanh", "tanh", 1),
    ("Tanhshrink", "tanhshrink", 1),
    ("Softplus", "softplus", 1),
    ("Softsign", "softsign", 1),
    ("Hardtanh", "hardtanh", 1),
    ("Hardsigmoid", "hardsigmoid", 1),
    ("Hardswish", "hardswish", 1),
    ("Softmax", "softmax", 1),
    ("LogSoftmax", "log_softmax", 1),
    ("Flatten", "flatten", 1),
    ("Unflatten", "unflatten", 1),
    ("MaxPool1d", "max_pool1d", 1),
    ("MaxPool2d", "max_pool2d", 1),
    ("AvgPool1d", "avg_pool1d", 1),
    ("AvgPool2d", "avg_pool2d", 1),
    ("AdaptiveAvgPool1d", "adaptive_avg_pool1d", 1),
    ("AdaptiveAvgPool2d", "adaptive_avg_pool2d", 1),
    ("AdaptiveMaxPool1d", "adaptive_max_pool1d", 1),
    ("AdaptiveMaxPool2d", "adaptive_max_pool2d", 1),
    ("Upsample", "interpolate", 1),
    ("Dropout1d", "dropout1d", 1),
    ("Dropout2d", "dropout2d", 1),
    ("MSELoss", "mse_loss", 2),
    ("L1Loss", "l1_loss", 2),
    ("SmoothL1Loss", "smooth_l1_loss", 2),
    ("HuberLoss", "huber_loss", 2),
    ("BCELoss", "binary_cross_entropy", 2),
    ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits", 2),
    ("NLLLoss", "nll_loss", 2),
    ("CrossEntropyLoss", "cross_entropy", 2),
    ("KLDivLoss", "kl_div", 2),
    ("CosineEmbeddingLoss", "cosine_embedding_loss", 3),
];

/// The names.
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|r| r.0)
}

/// The arguments of a layer's declaration.
pub fn signature(layer: &str) -> Option<&'static str> {
    let (_, op, inputs) = ROWS.iter().find(|r| r.0 == layer)?;
    let signature = ops::find(op)?.signature;
    let rest = signature.splitn(inputs + 1, ',').nth(*inputs);
    Some(rest.unwrap_or_default())
}

struct Function {
    op: &'static OpDef,
    inputs: usize,
    remembered: Vec<Given>,
}

/// Checks a declaration: its arguments become keywords of the op.
pub fn declare(
    cx: &mut Cx,
    name: &str,
    span: Span,
    given: Vec<Given>,
) -> Option<Reported<Box<dyn Layer>>> {
    let (name, op, inputs) = *ROWS.iter().find(|r| r.0 == name)?;
    let op = ops::find(op)?;
    let all = parameters(op.signature);
    // Flatten keeps the batch, unlike the op.
    let named = |g: &Given| g.name.as_ref().is_none_or(|n| n == "start_dim");
    let start = (name == "Flatten" && !given.iter().any(named)).then(|| Given {
        name: Some(Ident::new("start_dim", span)),
        value: Value::Whole(1),
        span,
        text: "1".into(),
    });
    let mut rest = all[inputs..].to_vec();
    // The layer has these in the opposite order to the op.
    let place = |n: &str| rest.iter().position(|(p, _)| *p == n);
    if name.starts_with("MaxPool")
        && let Some((a, b)) = place("ceil_mode").zip(place("return_indices"))
    {
        rest.swap(a, b);
    }
    let mut remembered: Vec<Given> = start.into_iter().collect();
    let mut position = 0;
    for mut g in given {
        let known = match &g.name {
            Some(n) => rest.iter().any(|(p, _)| n == p),
            None => {
                let free = rest.get(position).map(|(p, _)| Ident::new(p, g.span));
                position += 1;
                g.name = free;
                g.name.is_some()
            }
        };
        if !known {
            let names: Vec<String> = rest.iter().map(|(p, _)| format!("`{p}`")).collect();
            let list = if names.is_empty() {
                "no arguments".to_owned()
            } else {
                names.join(", ")
            };
            let what = g
                .name
                .as_ref()
                .map_or_else(|| g.text.clone(), Ident::to_string);
            let hint = crate::diag::did_you_mean(&what, rest.iter().map(|r| r.0));
            return Some(Err(cx.error(
                g.span,
                format!("`{name}` takes {list}, not `{what}`{hint}"),
            )));
        }
        remembered.push(g);
    }
    Some(Ok(Box::new(Function {
        op,
        inputs,
        remembered,
    })))
}

impl Layer for Function {
    fn params(&self) -> Vec<ParamDecl> {
        Vec::new()
    }

    fn call(&self, cx: &mut Cx, call: &Call, mut given: Vec<Given>) -> Reported<Value> {
        let positional = given.iter().filter(|g| g.name.is_none()).count();
        if positional > self.inputs {
            let text = format!(
                "`{}` takes {}, but {}\n{}",
                call.field,
                crate::args::count(self.inputs, "argument"),
                crate::args::are_given(positional),
                call.decl
            );
            return Err(cx.error(call.span, text));
        }
        given.extend(self.remembered.iter().cloned());
        let args =
            Args::bind(cx, call.field, call.span, self.op.signature, given)?.of(self.op.name);
        self.op.build(cx, &args)
    }
}
