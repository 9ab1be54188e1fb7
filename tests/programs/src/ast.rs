//! A program: networks, of which the last is the whole one, with sizes for its dimensions.

use crate::size::{Shape, Size};

/// Networks, each before the networks that hold it.
#[derive(Clone, Debug)]
pub struct Program {
    /// The seed it was made from.
    pub seed: u64,
    /// The last network has the function `loss`, which is its last function.
    pub nets: Vec<Network>,
    /// The values of `B` and `T`.
    pub dims: [usize; 2],
}

/// A network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The struct's name.
    pub name: String,
    /// Const parameters, with defaults.
    pub generics: Vec<(String, Option<usize>)>,
    /// Layers, parameters and networks.
    pub fields: Vec<Field>,
    /// Tied parameters: `(left, right)`.
    pub shared: Vec<(String, String)>,
    /// Functions, each before the functions that call it.
    pub functions: Vec<Function>,
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The kind of one element.
    pub kind: Kind,
    /// For arrays, the counts, outermost first.
    pub stack: Vec<usize>,
    /// `#[recompute]`.
    pub recompute: bool,
    /// `#[frozen]`.
    pub frozen: bool,
}

/// The kinds of fields.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `Linear(in -> out, bias = ..)`.
    Linear(Size, Size, bool),
    /// `LayerNorm(size, eps = 0.1)`.
    LayerNorm(Size),
    /// `RMSNorm(size, eps = 0.1)`.
    RmsNorm(Size),
    /// `Embedding(rows -> width)`.
    Embedding(usize, Size),
    /// `Param[..]`.
    Param(Shape),
    /// A network, with values for its const parameters.
    Block(usize, Vec<Size>),
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Vec<Arg>,
    /// Its results; several are a tuple.
    pub ret: Vec<Shape>,
    /// Its statements.
    pub body: Vec<Stmt>,
    /// Its results.
    pub result: Vec<Expr>,
}

/// An argument.
#[derive(Clone, Debug)]
pub struct Arg {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// `u32` instead of floats.
    pub int: bool,
    /// `#[grad]`.
    pub grad: bool,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// `let`.
    Let {
        /// The bound names.
        pat: Pat,
        /// `let mut`.
        mutable: bool,
        /// The type, if it is written down.
        ty: Option<Shape>,
        /// The value.
        value: Expr,
    },
    /// `x = ..`.
    Assign(String, Expr),
    /// `for layer in layers`.
    For(String, Place, Vec<Stmt>),
}

/// The pattern of a `let` or a closure.
#[derive(Clone, Debug)]
pub enum Pat {
    /// A name.
    Name(String),
    /// Several names.
    Tuple(Vec<Pat>),
}

/// A field or an iteration's layer, with indices.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The name.
    pub name: String,
    /// `[0][-1]`.
    pub at: Vec<i64>,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Expr {
    /// A number.
    Number(f64),
    /// A variable.
    Var(String),
    /// `layer.weight`; a custom parameter if the name is empty.
    Param(Place, String),
    /// An elementwise function; whether it is written as a method.
    Unary(Unary, Box<Expr>, bool),
    /// An operator.
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// An op; whether it is written as a method.
    Op(Op, Vec<Expr>, bool),
    /// A layer called, or a network's `forward`.
    Layer(Place, Vec<Expr>),
    /// Another function of a network in a field.
    Method(Place, String, Vec<Expr>),
    /// A function of the network itself.
    Call(String, Vec<Expr>),
    /// An item of a tuple.
    Item(Box<Expr>, usize),
    /// `(a, b)`; `()`.
    Tuple(Vec<Expr>),
    /// `grad(y, x)`, `grad(y, (x, z))`.
    Grad(Box<Expr>, Vec<Expr>),
    /// A scan.
    Scan(Box<Scan>),
}

/// `scan(input, init, |state, item| { .. (next, out) })`.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The values that are cut.
    pub input: Vec<Expr>,
    /// The first states.
    pub init: Vec<Expr>,
    /// The states' names.
    pub states: Vec<String>,
    /// The items' names.
    pub items: Vec<String>,
    /// The step.
    pub body: Vec<Stmt>,
    /// The next states.
    pub next: Vec<Expr>,
    /// The step's results.
    pub out: Vec<Expr>,
    /// The dimension along which they are cut.
    pub dim: usize,
    /// From the end.
    pub reverse: bool,
}

/// Operators.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

/// Elementwise functions, by their names in the language.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Unary {
    Neg,
    Tanh,
    Sigmoid,
    Sin,
    Cos,
    Erf,
    Gelu,
    GeluTanh,
    Silu,
    Softplus,
    LogSigmoid,
    Mish,
    TanhShrink,
    Exp,
    Exp2,
    ExpM1,
    Log,
    Log1p,
    Sqrt,
    Rsqrt,
    Reciprocal,
    Square,
    Cosh,
}

/// The other ops.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Op {
    Sum(Option<i64>, bool),
    Mean(Option<i64>, bool),
    /// Variance without correction.
    Var(i64),
    LogSumExp(i64),
    Softmax(i64),
    LogSoftmax(i64),
    CumSum(i64),
    Reshape(Shape),
    Transpose(i64, i64),
    Permute(Vec<usize>),
    Squeeze(i64),
    Unsqueeze(i64),
    Expand(Shape),
    Flip(i64),
    /// `x[.., from..to]`: the dimension, first and, counted from the end, last.
    Slice(usize, usize, usize),
    /// `x[.., at]`.
    Select(usize, i64),
    Cat(i64),
    Stack(i64),
    MatMul,
    /// `linear(x, weight)`.
    Linear,
    Einsum(&'static str),
    Pow(usize),
    Lerp(f64),
    Detach,
    Full(Shape, f64),
    MseLoss,
    CrossEntropy,
    /// `scaled_dot_product_attention`; whether it is causal.
    Attention(bool),
}
