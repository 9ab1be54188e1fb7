//! The ops of the language: PyTorch's names and arguments, each lowered to graph nodes.
//!
//! One row per op: its name, its signature, and the function that checks shapes in the user's terms and builds nodes.
//! The ops of one operand that are scalar functions come from the table of scalar functions. A composite op is a few
//! lines of other builders; its gradient follows.

mod activation;
mod adaptive;
mod attention;
pub mod channels;
mod convolution;
mod create;
mod einsum;
mod elementwise;
mod index;
mod integer;
mod interpolate;
mod join;
mod loss;
mod matmul;
mod norm;
mod pad;
mod pool;
mod position;
mod reduce;
mod sequence;
mod shape;
mod slice;
pub mod spatial;

pub use activation::{dropout, gelu, probability};
pub use attention::{Attention, dropout_of_weights};
pub use convolution::{Conv, conv, transpose};
pub use elementwise::remainder;
pub use index::{at, embedding, padding_row};
pub use matmul::linear;
pub use norm::{RMS_EPS, layer_norm, rms_norm, trailing};
pub use reduce::mean;
pub use shape::flatten_dims;
pub use slice::{select_dim, slice_dim, unbound};

use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::scalar::Scalar;
use crate::value::Value;
use std::sync::LazyLock;

/// An op.
pub struct OpDef {
    /// Its name.
    pub name: &'static str,
    /// Its arguments and defaults, in the form of a call.
    pub signature: &'static str,
    /// The function that checks and builds.
    pub build: Build,
}

/// The function that checks an op's arguments and builds its nodes.
#[derive(Clone, Copy)]
pub enum Build {
    /// A scalar function of one operand.
    Unary(Scalar),
    /// A function of the arguments.
    With(fn(&mut Cx, &Args) -> Reported<Value>),
}

impl OpDef {
    /// Checks the arguments and builds the nodes.
    pub fn build(&self, cx: &mut Cx, args: &Args) -> Reported<Value> {
        match self.build {
            Build::Unary(f) => elementwise::unary(cx, args, f),
            Build::With(build) => build(cx, args),
        }
    }
}

/// The scalar functions that are ops of one operand.
static UNARY: LazyLock<Vec<OpDef>> = LazyLock::new(|| {
    let op = |f: &Scalar| {
        Some(OpDef {
            name: f.op()?,
            signature: "input",
            build: Build::Unary(*f),
        })
    };
    Scalar::ALL.iter().filter_map(op).collect()
});

/// All tables.
const TABLES: &[&[OpDef]] = &[
    elementwise::OPS,
    activation::OPS,
    reduce::OPS,
    sequence::OPS,
    shape::OPS,
    slice::OPS,
    join::OPS,
    pad::OPS,
    index::OPS,
    matmul::OPS,
    einsum::OPS,
    attention::OPS,
    norm::OPS,
    channels::OPS,
    position::OPS,
    loss::OPS,
    create::OPS,
    convolution::OPS,
    pool::OPS,
    adaptive::OPS,
    interpolate::OPS,
];

/// Other names that PyTorch has for the same op.
const ALIASES: &[(&str, &str)] = &[
    ("view", "reshape"),
    ("swapaxes", "transpose"),
    ("swapdims", "transpose"),
    ("multiply", "mul"),
    ("divide", "div"),
    ("subtract", "sub"),
    ("absolute", "abs"),
    ("negative", "neg"),
    ("clip", "clamp"),
    ("mm", "matmul"),
    ("bmm", "matmul"),
    ("mv", "matmul"),
    ("dot", "matmul"),
    ("concat", "cat"),
    ("concatenate", "cat"),
    ("swish", "silu"),
    ("greater", "gt"),
    ("less", "lt"),
    ("greater_equal", "ge"),
    ("less_equal", "le"),
    ("not_equal", "ne"),
    ("long", "int"),
    ("to_float", "float"),
    ("special_erf", "erf"),
    ("special_expm1", "expm1"),
    ("log_sigmoid", "logsigmoid"),
    ("upsample", "interpolate"),
    ("vector_norm", "norm"),
];

/// The op of a name.
pub fn find(name: &str) -> Option<&'static OpDef> {
    let name = ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(name, |(_, op)| op);
    all().find(|op| op.name == name)
}

/// Every op.
pub fn all() -> impl Iterator<Item = &'static OpDef> {
    UNARY.iter().chain(TABLES.iter().flat_map(|t| t.iter()))
}

macro_rules! ops {
    ($($name:literal ($signature:literal) $build:expr;)*) => {
        /// The ops of this file.
        pub const OPS: &[$crate::ops::OpDef] = &[
            $($crate::ops::OpDef { name: $name, signature: $signature, build: $crate::ops::Build::With($build) }),*
        ];
    };
}
use ops;
