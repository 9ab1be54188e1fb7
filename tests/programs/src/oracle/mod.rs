//! The reference: computes a program from its syntax tree alone.
//!
//! Takes a program, and values for parameters and arguments. Returns the loss and its derivatives: the tape computes
//! them, and finite differences confirm them.

pub(crate) mod array;
pub(crate) mod run;
pub(crate) mod tape;
