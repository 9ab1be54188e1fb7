//! Layers: parameters with PyTorch's names and initialisation, and a call that lowers to ops.
//!
//! A layer is one file (or one row of `function.rs`, if it is an op with stored arguments).

mod attention;
mod channels;
mod convolution;
mod dropout;
mod embedding;
mod function;
mod identity;
mod in_out;
pub mod inplace;
mod linear;
mod norm;
mod recurrent;
mod transformer;

use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::takes::enclosed;
use crate::value::Tensor;

pub use self::in_out::in_out;
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
    if name == identity::NAME {
        return Some(Ok(Box::new(identity::Identity)));
    }
    let given = inplace::without(name, given);
    if let Some(def) = LAYERS.iter().find(|d| d.name == name) {
        let given = in_out::joined(cx, def, given);
        let args = given.and_then(|g| Args::bind(cx, def.name, span, def.signature, g));
        return Some(args.and_then(|a| (def.declare)(cx, &a)));
    }
    function::declare(cx, name, span, given)
}

/// Whether an argument of a layer, found by its position and name, is a float.
pub fn takes_float(layer: &str, is: impl Fn(usize, &str) -> bool) -> bool {
    let float = |d: &str| d.parse::<i64>().is_err() && d.parse::<f64>().is_ok();
    argument(layer, is).is_some_and(|(name, default)| name == "eps" || default.is_some_and(float))
}

/// Whether an argument of a layer, found by its position and name, is `true` or `false`.
pub fn takes_boolean(layer: &str, is: impl Fn(usize, &str) -> bool) -> bool {
    argument(layer, is).is_some_and(|(_, default)| crate::args::is_flag(default))
}

fn argument(
    layer: &str,
    is: impl Fn(usize, &str) -> bool,
) -> Option<(&'static str, Option<&'static str>)> {
    let def = LAYERS.iter().find(|d| d.name == layer);
    let signature = def.map_or_else(|| function::signature(layer), |d| Some(d.signature))?;
    let mut all = crate::args::parameters(signature).into_iter().enumerate();
    all.find(|(i, (name, _))| is(*i, name)).map(|(_, p)| p)
}

/// Every layer's name.
pub fn names() -> impl Iterator<Item = &'static str> {
    let all = LAYERS.iter().map(|d| d.name).chain(function::names());
    all.chain([identity::NAME])
}

/// The single input of a layer that takes one tensor.
pub fn input(cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<(Tensor, Args)> {
    let args = Args::bind(cx, call.field, call.span, "input", given)?;
    let x = args.float(cx, "input")?;
    Ok((x, args))
}

/// A size of at least 1, as far as the macro knows.
pub fn positive(cx: &Cx, a: &Args, name: &str, d: &Dim) -> Reported<()> {
    match d.value() {
        Some(v) if v < 1 => Err(cx.error(
            a.span_of(name),
            format!("`{name}` of `{}` must be at least 1, not {v}", a.callee),
        )),
        _ => Ok(()),
    }
}

/// The error for an input whose last dimension is not the layer's, with both declarations and a fix for each.
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
    // A name does not say which dimension it is.
    let found = match have.names().is_empty() {
        true => format!("`{}` has {have}", x.text),
        false => format!("the last dimension of `{}` has size {have}", x.text),
    };
    let mut text = format!(
        "`{}` takes {want} features, but {found}{}\n{} is declared with {want} inputs",
        call.field,
        cx.origin_note(x),
        call.decl
    );
    let transposed = shape.len() >= 2 && shape[shape.len() - 2] == *want;
    let flat = shape.len() > 2 && crate::dim::numel(&shape[1..]) == *want;
    if transposed {
        text += &format!(
            "\nhelp: dimension -2 has size {want}: did you mean `{}.transpose(-2, -1)`?",
            enclosed(&x.text)
        );
    }
    if flat {
        text += &format!(
            "\nhelp: the dimensions after the first have {want} elements together: did you mean `{}.flatten(1)`?",
            enclosed(&x.text)
        );
    }
    // A size that is known only at the call cannot be declared.
    if !transposed && !flat && have.names().is_empty() && !mended.is_empty() {
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
