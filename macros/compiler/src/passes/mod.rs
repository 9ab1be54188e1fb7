//! The passes, in the order in which `pipeline` runs them. Each is a value in, a value out.

pub mod autodiff;
