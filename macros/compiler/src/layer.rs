//! A layer: parameters, and a call that builds nodes.

use crate::args::Given;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::elem::Elem;
use crate::ir::NodeId;
use crate::real::Real;
use crate::value::Value;
use proc_macro2::Span;

/// The initialisation of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// One value.
    Constant(f64),
    /// One value, a formula of constants.
    Formula(Real),
    /// Uniform within `1 / sqrt(fan_in)`.
    FanIn(Dim),
    /// Uniform within `sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio, 2010).
    Xavier(Dim, Dim),
    /// Normal, with the same variance.
    XavierNormal(Dim, Dim),
    /// Uniform within a bound.
    Uniform(Real),
    /// Uniform between two numbers.
    Between(Real, Real),
    /// Normal with a mean and a standard deviation.
    Gaussian(Real, Real),
    /// Normal with mean and standard deviation, within two bounds.
    Truncated([Real; 4]),
    /// A standard deviation of `gain / sqrt(fan)`, normal or uniform.
    Scaled {
        /// Inputs, outputs, or both.
        fan: Dim,
        /// A factor.
        gain: Real,
        /// Normal, not uniform.
        normal: bool,
    },
    /// Ones on the diagonal.
    Eye,
    /// A kernel that keeps channels, in groups.
    Dirac(Dim),
    /// Orthogonal rows or columns of this length.
    Orthogonal(Real),
    /// Normal with this standard deviation, a part of each column zero.
    Sparse(Real, Real),
    /// Normal with a standard deviation.
    Normal(Real),
    /// Standard normal, one row zero.
    NormalZeroRow(Dim),
}

/// A parameter or buffer of a layer.
#[derive(Clone, Debug)]
pub struct ParamDecl {
    /// PyTorch's name within the layer: `weight`; `layers.{}.weight` in a stack of layers.
    pub name: String,
    /// The numbers in place of `{}`; they come first in the node's shape.
    pub stack: Vec<Dim>,
    /// Its shape, without these numbers.
    pub shape: Shape,
    /// Its initialisation.
    pub init: Init,
    /// Training assigns it (`Cx::update`), and optimizers leave it alone.
    pub buffer: bool,
    /// The type of its elements: floats, unless it is a buffer.
    pub elem: Elem,
    /// A file may lack it.
    pub optional: bool,
}

impl ParamDecl {
    /// A parameter.
    pub fn new(name: impl Into<String>, shape: Shape, init: Init) -> ParamDecl {
        ParamDecl {
            name: name.into(),
            stack: Vec::new(),
            shape,
            init,
            buffer: false,
            elem: Elem::Float,
            optional: false,
        }
    }

    /// A buffer, filled with `start`.
    pub fn buffer(name: impl Into<String>, shape: Shape, start: f64) -> ParamDecl {
        ParamDecl {
            buffer: true,
            ..ParamDecl::new(name, shape, Init::Constant(start))
        }
    }

    /// The same in a layer of this name: `self_attn.in_proj_weight`.
    pub fn within(self, layer: &str) -> ParamDecl {
        let name = format!("{layer}.{}", self.name);
        ParamDecl { name, ..self }
    }

    /// The same in each of `count` layers of this name: `layers.{}.weight`.
    pub fn repeated(mut self, layers: &str, count: &Dim) -> ParamDecl {
        self.stack.insert(0, count.clone());
        let name = format!("{layers}.{{}}.{}", self.name);
        ParamDecl { name, ..self }
    }

    /// The same in each of `count` layers, numbered from `from` at the end of the name: `weight_ih_l{1}`.
    pub fn numbered(mut self, from: i64, count: &Dim, suffix: &str) -> ParamDecl {
        self.stack.insert(0, count.clone());
        let name = format!("{}{{{from}}}{suffix}", self.name);
        ParamDecl { name, ..self }
    }

    /// A buffer that counts from 0, an `i64`. A file may lack it.
    pub fn count(name: impl Into<String>) -> ParamDecl {
        ParamDecl {
            elem: Elem::I64,
            optional: true,
            ..ParamDecl::buffer(name, Vec::new(), 0.0)
        }
    }
}

/// A call of a layer.
pub struct Call<'a> {
    /// The field.
    pub field: &'a str,
    /// Its declaration: `linear_1: Linear(8 -> 10)`.
    pub decl: &'a str,
    /// The name token of the call.
    pub span: Span,
    /// The layer's parameters and buffers, in the order declared.
    pub params: &'a [NodeId],
}

/// A declared layer.
pub trait Layer: std::any::Any {
    /// Its parameters and buffers.
    fn params(&self) -> Vec<ParamDecl>;
    /// The keyword that makes a call return a pair, if PyTorch returns one without it.
    fn pair(&self) -> Option<&'static str> {
        None
    }
    /// Checks the arguments and builds the nodes.
    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value>;
}
