//! The vocabulary that the compiler, the runtime and the CUDA kernels share. Each word is defined here once.
//!
//! | file | holds |
//! |---|---|
//! | [`dtype`] | element types and their sizes |
//! | [`number`] | one element's value, exact in its type |
//! | [`stored`] | types of elements in memory and in files |
//! | [`scalar`] | the table of scalar functions |
//! | [`reduce`] | the table of reductions |
//! | [`body`] | fused elementwise functions as data |
//! | [`product`], [`window`], [`attention`], [`lines`] | sizes of products, convolutions, attention, and work along a dimension |
//! | [`call`] | kernel calls as data, with the operands that each declares |
//! | [`place`] | numbers of array elements in the names of parameters |
//! | [`drawn`] | the form of drawn graphs |
//! | [`listing`] | the form of large programs as bytes |
//! | [`abi`] | the number that emitted code and runtime must agree on |
//! | [`equal`] | equalities of constants that rustc checks |
//!
//! This crate does not allocate and does not need the standard library.

#![no_std]

pub mod abi;
pub mod attention;
pub mod body;
pub mod call;
pub mod drawn;
pub mod dtype;
pub mod equal;
pub mod lines;
pub mod listing;
mod message;
pub mod number;
pub mod place;
pub mod product;
pub mod reduce;
pub mod scalar;
pub mod stored;
pub mod window;

pub use attention::{Attention, Dropout, Stream};
pub use body::{Body, Inner, Operand, Step};
pub use call::{Access, Call, Declared, Elements, ScoreMask};
pub use dtype::DType;
pub use lines::{Axis, Integers, Softmax};
pub use number::Number;
pub use product::Product;
pub use reduce::{Combinable, Combine, Combiner, Reduce, by};
pub use scalar::{Cost, Scalar, Typing};
pub use stored::Stored;
pub use window::{Convolution, Role, Window2};
