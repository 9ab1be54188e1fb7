//! The compiler behind `network!`, as an ordinary crate on `proc_macro2` tokens.

pub mod build;
pub mod dim;
pub mod display;
pub mod infer;
pub mod ir;
pub mod scalar;
pub mod eval;
pub mod gradient;
pub mod passes;
pub mod ast;
pub mod diag;
pub mod parse;
pub mod args;
pub mod cx;
pub mod value;
pub mod ops;
pub mod layers;
pub mod check;
pub mod net;
pub mod lower;
pub mod codegen;
pub mod pipeline;

pub use pipeline::expand;
