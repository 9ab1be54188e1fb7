//! Layers: parameters with PyTorch's names and initialisation, and a call that lowers to ops.
//!
//! A layer is one file (or one row of `function.rs`, if it is an op with remembered arguments).

mod attention;
mod channels;
mod convolution;
mod dropout;
mod embedding;
mod function;
mod linear;
mod norm;
mod recurrent;
mod transformer;

use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::{ErrorReported, Reported};
use crate::dim::Dim;
use crate::value::{Tensor, Value};

pub use crate::layer::{Call, Init, Layer, ParamDecl};

use proc_macro2::Span;

/// A kind of layer.
pub struct LayerDef {
    /// PyTorch's name.
    pub name: &'static str,
    /// The arguments of the declaration.
    pub signature: &'static str,
    /// Checks the declaration.
    pub declare: fn(&mut Cx, &Args) -> Reported<Box<dyn Layer>>,
}

const LAYERS: &[LayerDef] = &[
    linear::DEF,
    embedding::DEF,
    norm::LAYER_NORM,
    norm::RMS_NORM,
    channels::BATCH_NORM_1D,
    channels::BATCH_NORM_2D,
    channels::BATCH_NORM_3D,
    channels::GROUP_NORM,
    channels::INSTANCE_NORM_1D,
    channels::INSTANCE_NORM_2D,
    channels::INSTANCE_NORM_3D,
    dropout::DEF,
    attention::DEF,
    recurrent::RNN,
    recurrent::LSTM,
    recurrent::GRU,
    recurrent::RNN_CELL,
    recurrent::LSTM_CELL,
    recurrent::GRU_CELL,
    transformer::ENCODER_LAYER,
    transformer::DECODER_LAYER,
    transformer::ENCODER,
    transformer::DECODER,
    transformer::TRANSFORMER,
    convolution::CONV_1D,
    convolution::CONV_2D,
    convolution::TRANSPOSE_1D,
    convolution::TRANSPOSE_2D,
];

/// Checks a declaration `name(given)`; `None` if there is no such layer.
pub fn declare(
    cx: &mut Cx,
    name: &str,
    span: Span,
    given: Vec<Given>,
) -> Option<Reported<Box<dyn Layer>>> {
    if let Some(def) = LAYERS.iter().find(|d| d.name == name) {
        if let Some(told) = sizes_apart(cx, def, &given) {
            return Some(Err(told));
        }
        let args = Args::bind(cx, def.name, span, def.signature, given);
        return Some(args.and_then(|a| (def.declare)(cx, &a)));
    }
    function::declare(cx, name, span, given)
}

/// The mistake of two sizes as two arguments, as PyTorch has them; told before they are bound to
/// what follows the sizes.
fn sizes_apart(cx: &Cx, def: &LayerDef, given: &[Given]) -> Option<ErrorReported> {
    let [from, to, ..] = given else { return None };
    let size = |g: &Given| g.name.is_none() && g.value.as_dim().is_some();
    if !def.signature.starts_with("in_out") || !size(from) || !size(to) {
        return None;
    }
    let text = format!(
        "`{0}` is declared with its sizes as `in -> out`: was `{0}({1} -> {2}{3})` meant?",
        def.name,
        from.text,
        to.text,
        if given.len() > 2 { ", .." } else { "" }
    );
    Some(cx.error(from.span, text))
}

/// Every layer's name.
pub fn names() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|d| d.name).chain(function::names())
}

/// The single input of a layer that takes one tensor.
pub fn input(cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<(Tensor, Args)> {
    let args = Args::bind(cx, call.field, call.span, "input", given)?;
    let x = args.float(cx, "input")?;
    Ok((x, args))
}

/// `in -> out`, both at least 1.
pub fn in_out(cx: &mut Cx, a: &Args, name: &str) -> Reported<(Dim, Dim)> {
    let value = a.value(name);
    let both = match &value {
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

/// A size of at least 1, as far as is known now.
pub fn positive(cx: &Cx, a: &Args, name: &str, d: &Dim) -> Reported<()> {
    match d.value() {
        Some(v) if v < 1 => Err(cx.error(
            a.span_of(name),
            format!("a size of `{}` is at least 1, not {v}", a.callee),
        )),
        _ => Ok(()),
    }
}

/// The mistake of an input whose last dimension is not what the layer takes, told with both
/// declarations and a mend for each.
pub fn wrong_features(
    cx: &Cx,
    call: &Call,
    x: &Tensor,
    want: &Dim,
    mended: &str,
) -> crate::diag::ErrorReported {
    let shape = cx.shape(x);
    let Some(have) = shape.last() else {
        let text = format!(
            "`{}` takes {want} features, but `{}` is a scalar\n{}",
            call.field, x.text, call.decl
        );
        return cx.error(call.span, text);
    };
    let mut text = format!(
        "`{}` takes {want} features, but `{}` has {have}{}\n{} is declared with {want} inputs",
        call.field,
        x.text,
        cx.origin_note(x),
        call.decl
    );
    let transposed = shape.len() >= 2 && shape[shape.len() - 2] == *want;
    let flat = shape.len() > 2 && crate::dim::numel(&shape[1..]) == *want;
    if transposed {
        text += &format!(
            "\nhelp: the dimension before it is {want}: was `{}.transpose(-2, -1)` meant?",
            x.text
        );
    }
    if flat {
        text += &format!(
            "\nhelp: all but the first dimension together are {want}: was `{}.flatten(1)` meant?",
            x.text
        );
    }
    // A size that is known only when called cannot be declared.
    if !transposed && !flat && have.names().is_empty() {
        text += &format!("\nhelp: declare `{}: {mended}`", call.field);
        if let Some(origin) = cx.origin.get(&x.id)
            && origin.contains(&format!("-> {have}"))
            && origin.contains(": ")
        {
            text += &format!(
                ", or `{}`",
                origin.replace(&format!("-> {have}"), &format!("-> {want}"))
            );
        }
    }
    cx.error(call.span, text)
}
