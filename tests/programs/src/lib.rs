//! Random programs for `network!`.
//!
//! A seed gives a network, or several that hold each other, as source text, with values for its parameters and
//! arguments (`generate`, `text`). A reference that shares no code with the compiler gives its loss and gradients
//! (`oracle`): plain loops over numbers on a tape, and finite differences. Everything is smooth and of moderate size,
//! so that finite differences are accurate.

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
