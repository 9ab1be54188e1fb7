//! What an expression is worth while a function is lowered.

use crate::dim::Dim;
use crate::ir::NodeId;
use std::any::Any;
use std::rc::Rc;

/// A tensor: a node, and how the user calls it.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The node.
    pub id: NodeId,
    /// `x`, or `linear_1(x)`: for messages.
    pub text: String,
}

/// A layer of an array, or what is left of the array behind some indices.
#[derive(Clone, Debug)]
pub struct LayerRef {
    /// The field's number.
    pub field: usize,
    /// How many dimensions of the array have been chosen.
    pub level: usize,
    /// Its parameters, in the order declared.
    pub params: Vec<NodeId>,
}

/// A layer as an argument of a declaration: `TransformerEncoder(TransformerEncoderLayer(512, 8), ..)`.
#[derive(Clone)]
pub struct Made {
    /// What it is: a layer, whose type is known to those that take it.
    pub layer: Rc<dyn Any>,
    /// As written.
    pub text: String,
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A layer in a declaration.
    Made(Made),
    /// A layer, or an array of layers.
    Layer(LayerRef),
    /// A tensor.
    Tensor(Tensor),
    /// A number; whether it was written as an integer.
    Number(f64, bool),
    /// A dimension that is no literal.
    Dim(Dim),
    /// `true` or `false`.
    Bool(bool),
    /// A string.
    Str(String),
    /// `[2, -1]`.
    List(Vec<Value>),
    /// `(a, b)`.
    Tuple(Vec<Value>),
    /// `8 -> 10`.
    Arrow(Box<Value>, Box<Value>),
    /// `None`, or an argument left out.
    Null,
}

impl Value {
    /// The dimension it can be, if it can.
    pub fn as_dim(&self) -> Option<Dim> {
        match self {
            Value::Number(v, true) => Some(Dim::from(*v as i64)),
            Value::Dim(d) => Some(d.clone()),
            _ => None,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Made(_) | Value::Layer(_) => "a layer",
            Value::Tensor(_) => "a tensor",
            Value::Number(_, true) => "an integer",
            Value::Number(_, false) => "a number",
            Value::Dim(_) => "a dimension",
            Value::Bool(_) => "a boolean",
            Value::Str(_) => "a string",
            Value::List(_) => "a list",
            Value::Tuple(_) => "a tuple",
            Value::Arrow(..) => "a map `in -> out`",
            Value::Null => "nothing",
        }
    }
}
