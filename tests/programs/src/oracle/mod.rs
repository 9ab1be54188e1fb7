//! The reference: what a program computes, from its syntax tree alone.
//!
//! In: a program, values for parameters and arguments. Out: the loss, and its derivatives, which
//! the tape knows and finite differences confirm.

pub(crate) mod array;
pub(crate) mod run;
pub(crate) mod tape;
