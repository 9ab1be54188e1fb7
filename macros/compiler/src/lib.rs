//! The compiler of `network!`, as an ordinary crate on `proc_macro2` tokens.

pub mod args;
pub mod ast;
pub mod budget;
pub mod build;
pub mod call;
pub mod check;
pub mod codegen;
pub mod condition;
pub mod cx;
pub mod diag;
pub mod dim;
pub mod display;
pub mod draw;
pub mod elem;
pub mod equal;
#[cfg(feature = "eval")]
pub mod eval;
pub mod expand;
pub mod foreign;
pub mod gradient;
pub mod infer;
pub mod integers;
pub mod ir;
pub mod kinds;
pub mod layer;
pub mod layers;
pub mod lower;
pub mod net;
pub mod ops;
pub mod parse;
pub mod passes;
mod paths;
pub mod pipeline;
pub mod probe;
pub mod program;
pub mod ranges;
pub mod real;
pub mod shared;
pub mod steps;
pub mod takes;
pub mod uncalled;
pub mod unify;
pub mod unit;
pub mod unreached;
pub mod value;
pub mod values;
pub mod variant;
pub mod visit;
pub mod weights;
mod word;

pub use expand::{expand, expand_call};

pub use netform_core::scalar;
