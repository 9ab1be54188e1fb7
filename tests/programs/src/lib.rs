//! Random programs for `network!`.
//!
//! In: a seed. Out: a network, or several that hold each other, as source text, with values for
//! its parameters and arguments (`generate`, `text`); and its loss and gradients by a reference that
//! shares no code with the compiler (`oracle`): plain loops over numbers on a tape, and finite
//! differences. Everything is smooth and of moderate size, so that differences mean something.

pub mod ast;
pub mod case;
mod generate;
pub mod layout;
pub mod oracle;
mod rng;
pub mod size;
mod text;

pub use case::{Case, Reference};
pub use generate::program;
