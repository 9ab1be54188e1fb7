//! Initial values of parameters: `normal(0.02)`, `xavier_uniform(gain = 2)`, with the names and arguments of
//! `torch.nn.init`.
//!
//! Takes the expression and the shape of the parameter; returns its `Init`.

use super::constant::{given, number};
use crate::args::Args;
use crate::ast::{Expr, ExprKind};
use crate::cx::Cx;
use crate::diag::{Reported, did_you_mean};
use crate::dim::{Dim, Operator, numel};
use crate::elem::Elem;
use crate::layers::Init;
use crate::net::Net;
use crate::real::Real;

/// The functions, with their arguments.
const FUNCTIONS: &[(&str, &str)] = &[
    ("zeros", ""),
    ("ones", ""),
    ("constant", "val"),
    ("full", "fill_value"),
    ("uniform", "a = None, b = None"),
    ("normal", "mean = None, std = None"),
    ("trunc_normal", "mean = 0.0, std = 1.0, a = -2.0, b = 2.0"),
    ("eye", ""),
    ("dirac", "groups = 1"),
    ("xavier_uniform", "gain = 1.0"),
    ("xavier_normal", "gain = 1.0"),
    (
        "kaiming_uniform",
        "a = 0.0, mode = \"fan_in\", nonlinearity = \"leaky_relu\"",
    ),
    (
        "kaiming_normal",
        "a = 0.0, mode = \"fan_in\", nonlinearity = \"leaky_relu\"",
    ),
    ("orthogonal", "gain = 1.0"),
    ("sparse", "sparsity, std = 0.01"),
];

/// The initial values of a parameter or buffer of this shape; zeros if none are given.
pub(super) fn init(
    net: &Net,
    cx: &mut Cx,
    elem: Elem,
    e: Option<&Expr>,
    shape: &[Dim],
) -> Reported<Init> {
    let Some(e) = e else {
        return Ok(Init::Constant(0.0));
    };
    match &e.kind {
        ExprKind::Whole(v) => return Ok(Init::Constant(*v as f64)),
        ExprKind::Bool(v) if elem == Elem::Bool => {
            return Ok(Init::Constant(f64::from(u8::from(*v))));
        }
        ExprKind::Number(v) => return Ok(Init::Constant(*v)),
        ExprKind::Name(n) if n.to_string().starts_with(char::is_lowercase) => {
            return function(net, cx, e, &n.to_string(), &[], shape);
        }
        ExprKind::Call(n, args) if !is_number(n) => {
            return function(net, cx, e, &n.to_string(), args, shape);
        }
        ExprKind::Name(_)
        | ExprKind::Neg(_)
        | ExprKind::Binary(..)
        | ExprKind::Call(..)
        | ExprKind::Method(..)
            if elem == Elem::Float =>
        {
            if let Some(value) = number(net, cx, e)?.real() {
                return Ok(filled(value));
            }
        }
        _ => {}
    }
    Err(cx.error(
        e.span,
        format!(
            "`{e}` is not an initial value\nnote: a parameter starts as `zeros`, `ones`, a number, or a function such as `normal(0.02)`"
        ),
    ))
}

/// Functions that give a number, not the values of a parameter.
fn is_number(name: &proc_macro2::Ident) -> bool {
    ["floor", "pow", "sqrt", "exp", "log"]
        .iter()
        .any(|f| name == f)
}

fn filled(value: Real) -> Init {
    match value {
        Real::Known(v) => Init::Constant(v),
        formula => Init::Formula(formula),
    }
}

fn function(
    net: &Net,
    cx: &mut Cx,
    e: &Expr,
    name: &str,
    args: &[crate::ast::Arg],
    shape: &[Dim],
) -> Reported<Init> {
    // PyTorch's functions end in `_`, since they write into a parameter.
    let name = name.trim_end_matches('_');
    let Some((name, signature)) = FUNCTIONS.iter().find(|f| f.0 == name) else {
        let hint = did_you_mean(name, FUNCTIONS.iter().map(|f| f.0));
        let all: Vec<String> = FUNCTIONS.iter().map(|f| format!("`{}`", f.0)).collect();
        let known = match hint.is_empty() {
            true => format!("\nnote: initial values are {}", all.join(", ")),
            false => hint,
        };
        let text = format!("there is no initial value `{name}`{known}");
        return Err(cx.error(e.span, text));
    };
    let given = given(net, cx, args, &|_| *name != "dirac")?;
    let count = given.len();
    let keyword = given.first().is_some_and(|g| g.name.is_some());
    let a = Args::bind(cx, name, e.span, signature, given)?;
    let rank = |cx: &Cx, fits: bool, wanted: &str| match fits {
        true => Ok(()),
        false => {
            let shown = crate::dim::show_shape(shape);
            let text =
                format!("`{name}` fills only {wanted}, but this parameter has the shape {shown}");
            Err(cx.error(e.span, text))
        }
    };
    Ok(match *name {
        "zeros" => Init::Constant(0.0),
        "ones" => Init::Constant(1.0),
        "constant" => filled(a.real(cx, "val")?),
        "full" => filled(a.real(cx, "fill_value")?),
        // One number is a bound, and the standard deviation.
        "uniform" => match (a.optional_real(cx, "a")?, a.optional_real(cx, "b")?) {
            (Some(bound), None) if !keyword => Init::Uniform(bound),
            (low, high) => Init::Between(low.unwrap_or(0.0.into()), high.unwrap_or(1.0.into())),
        },
        "normal" => match (a.optional_real(cx, "mean")?, a.optional_real(cx, "std")?) {
            (Some(std), None) if !keyword && count == 1 => Init::Normal(std),
            (mean, std) => Init::Gaussian(mean.unwrap_or(0.0.into()), std.unwrap_or(1.0.into())),
        },
        "trunc_normal" => Init::Truncated([
            a.real(cx, "mean")?,
            a.real(cx, "std")?,
            a.real(cx, "a")?,
            a.real(cx, "b")?,
        ]),
        "eye" => {
            rank(cx, shape.len() == 2, "matrices")?;
            Init::Eye
        }
        "dirac" => {
            rank(
                cx,
                (3..=5).contains(&shape.len()),
                "kernels of convolutions",
            )?;
            let groups = a.dim(cx, "groups")?;
            let why = "`groups` of `dirac` must divide the output channels";
            cx.divides(&shape[0], &groups, a.span_of("groups"), why)?;
            Init::Dirac(groups)
        }
        "orthogonal" => {
            rank(cx, shape.len() >= 2, "matrices and kernels")?;
            Init::Orthogonal(a.real(cx, "gain")?)
        }
        "sparse" => {
            rank(cx, shape.len() == 2, "matrices")?;
            Init::Sparse(a.real(cx, "sparsity")?, a.real(cx, "std")?)
        }
        scaled => {
            rank(cx, shape.len() >= 2, "matrices and kernels")?;
            let normal = scaled.ends_with("normal");
            let cells = numel(&shape[2..]);
            let (fan_in, fan_out) = (shape[1].mul(&cells), shape[0].mul(&cells));
            let (fan, gain) = match scaled.starts_with("xavier") {
                true => (
                    fan_in.add(&fan_out),
                    a.real(cx, "gain")?.times(2.0f64.sqrt()),
                ),
                false => {
                    let fan = match a.choice(cx, "mode", &["fan_in", "fan_out"])? {
                        "fan_in" => fan_in,
                        _ => fan_out,
                    };
                    (fan, gain(cx, &a)?)
                }
            };
            Init::Scaled { fan, gain, normal }
        }
    })
}

/// `torch.nn.init.calculate_gain`.
fn gain(cx: &Cx, a: &Args) -> Reported<Real> {
    let names = [
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "selu",
    ];
    Ok(match a.choice(cx, "nonlinearity", &names)? {
        "tanh" => Real::Known(5.0 / 3.0),
        "relu" => Real::Known(2.0).sqrt(),
        "selu" => Real::Known(0.75),
        "leaky_relu" => {
            let slope = a.real(cx, "a")?;
            let squares = slope.with(Operator::Mul, &slope);
            let half = Real::Known(1.0).with(Operator::Add, &squares).times(0.5);
            half.inverse().sqrt()
        }
        _ => Real::Known(1.0),
    })
}

/// The arguments `init` and `bias_init` of a layer, without the layer's own.
pub(super) fn of_layer(args: &[crate::ast::Arg]) -> (Vec<crate::ast::Arg>, [Option<Expr>; 2]) {
    let mut found = [None, None];
    let mut rest = Vec::new();
    for a in args {
        let place = ["init", "bias_init"]
            .iter()
            .position(|n| a.name.as_ref().is_some_and(|name| name == n));
        match place {
            Some(i) => found[i] = Some(a.value.clone()),
            None => rest.push(a.clone()),
        }
    }
    (rest, found)
}

/// Gives parameters of a layer other initial values: `init` to its weights, `bias_init` to its biases. Weights are the
/// parameters with two or more dimensions, or `weight` where there are none.
pub(super) fn replace(
    net: &Net,
    cx: &mut Cx,
    [weights, biases]: &[Option<Expr>; 2],
    params: &mut [crate::layer::ParamDecl],
) -> Reported<()> {
    let bias = |p: &crate::layer::ParamDecl| {
        p.name
            .rsplit('.')
            .next()
            .is_some_and(|n| n.starts_with("bias") || n.ends_with("bias"))
    };
    let matrices = params.iter().any(|p| !p.buffer && p.shape.len() >= 2);
    for (e, of_biases) in [(weights, false), (biases, true)] {
        let Some(e) = e else { continue };
        let mut any = false;
        for p in params.iter_mut().filter(|p| !p.buffer) {
            let meant = match of_biases {
                true => bias(p),
                false => !bias(p) && (p.shape.len() >= 2 || !matrices),
            };
            if meant {
                any = true;
                p.init = init(net, cx, Elem::Float, Some(e), &p.shape)?;
            }
        }
        if !any {
            let (what, given) = match of_biases {
                true => ("bias", "bias_init"),
                false => ("weight", "init"),
            };
            // Without the layer's type.
            let name = cx.by.rsplit(' ').next().unwrap_or_default();
            let text = format!("{name} has no {what}, so it takes no `{given}`");
            return Err(cx.error(e.span, text));
        }
    }
    Ok(())
}
