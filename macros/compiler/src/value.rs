//! The value of an expression while a function is lowered.

use crate::dim::Dim;
use crate::ir::NodeId;
use crate::real::Real;
use std::any::Any;
use std::rc::Rc;

/// A tensor: a node, and its text in the user's code.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The node.
    pub id: NodeId,
    /// `x`, or `linear_1(x)`: for messages.
    pub text: String,
}

/// A layer of an array, or the rest of the array after some indices.
#[derive(Clone, Debug)]
pub struct LayerRef {
    /// The field's number.
    pub field: usize,
    /// The number of the array's dimensions that have been indexed.
    pub level: usize,
    /// Its parameters, in the order declared.
    pub params: Vec<NodeId>,
    /// Of a part of an array or list, `layers[1..3]`: its first layer, and the number of layers.
    pub part: Option<(Dim, Dim)>,
}

/// A layer as an argument of a declaration: `TransformerEncoder(TransformerEncoderLayer(512, 8), ..)`.
#[derive(Clone)]
pub struct Made {
    /// The layer; the layer that takes it knows its type.
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
    /// A number that was written as an integer, or a size that is known.
    Whole(i128),
    /// Any other number.
    Number(f64),
    /// A dimension that is not a literal.
    Dim(Dim),
    /// A number that only rustc knows.
    Real(Dim),
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
    /// The value as a dimension, if it can be one.
    pub fn as_dim(&self) -> Option<Dim> {
        match self {
            Value::Whole(v) => Some(Dim::from(nearest(*v))),
            Value::Dim(d) => Some(d.clone()),
            _ => None,
        }
    }

    /// The same, if it may also be an element of a constant array, which may be any number.
    pub fn as_size(&self) -> Option<Dim> {
        match self {
            Value::Real(d) if !d.is_fraction() => Some(d.clone()),
            value => value.as_dim(),
        }
    }

    /// The dimension, or its integer if it is known.
    pub fn of_dim(d: Dim) -> Self {
        match d.value() {
            Some(v) => Value::Whole(i128::from(v)),
            None if d.is_fraction() => Value::Real(d),
            None => Value::Dim(d),
        }
    }

    /// The value as a number, known or not.
    pub fn real(&self) -> Option<Real> {
        match self {
            Value::Dim(d) | Value::Real(d) => Some(Real::Rust(d.clone())),
            known => known.number().map(Real::Known),
        }
    }

    /// The value of a number.
    pub fn of_real(real: Real) -> Self {
        match real {
            Real::Known(v) => Value::Number(v),
            Real::Rust(d) => Value::Real(d),
        }
    }

    /// The value as a number, rounded to a float.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Whole(v) => Some(*v as f64),
            Value::Number(v) => Some(*v),
            _ => None,
        }
    }

    /// Whether it is a number or a size.
    pub fn is_number(&self) -> bool {
        self.real().is_some()
    }

    /// The kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Made(_) | Value::Layer(_) => "a layer",
            Value::Tensor(_) => "a tensor",
            Value::Whole(_) => "an integer",
            Value::Number(_) | Value::Real(_) => "a number",
            Value::Dim(_) => "a dimension",
            Value::Bool(_) => "a boolean",
            Value::Str(_) => "a string",
            Value::List(_) => "a list",
            Value::Tuple(_) => "a tuple",
            Value::Arrow(..) => "a map `in -> out`",
            Value::Null => "nothing",
        }
    }

    /// Its kind as a certain one: `the tensor`.
    pub fn the_kind(&self) -> String {
        let kind = self.kind();
        let noun = kind.split_once(' ').map_or(kind, |(_, noun)| noun);
        format!("the {noun}")
    }

    /// The value itself if it is short, otherwise its kind, for messages.
    pub fn shown(&self) -> String {
        match self {
            Value::Whole(v) => v.to_string(),
            Value::Number(v) => v.to_string(),
            Value::Bool(v) => format!("`{v}`"),
            Value::Str(s) => format!("the string {s:?}"),
            Value::Null => "`None`".to_owned(),
            other => other.kind().to_owned(),
        }
    }
}

/// The value as a 64-bit integer, if it is one.
pub fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Whole(v) => i64::try_from(*v).ok(),
        Value::Number(v) if v.fract() == 0.0 => i64::try_from(*v as i128).ok(),
        _ => None,
    }
}

/// The nearest 64-bit integer.
pub fn nearest(v: i128) -> i64 {
    v.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}
