//! Compares netform with golden values made by PyTorch.
//!
//! A folder of cases has an `index.json` and a safetensors file for each case ([`index`]). Every case becomes a Rust
//! module with a network and a function that runs it ([`source`]); the modules become a program ([`project`]), which
//! compares its results with PyTorch's ([`harness`], [`compare`]). [`report`] prints the table.
//!
//! [`special`] does the same for special values, for which it lists each difference.

pub mod compare;
#[cfg(feature = "cuda")]
pub mod gpu;
pub mod harness;
pub mod index;
pub mod place;
#[cfg(feature = "generate")]
pub mod project;
#[cfg(feature = "generate")]
pub mod report;
#[cfg(feature = "generate")]
pub mod session;
#[cfg(feature = "generate")]
pub mod source;
pub mod special;
pub mod tensors;

/// The names used by generated modules.
pub mod prelude {
    #[cfg(feature = "cuda")]
    pub use crate::gpu::cuda;
    pub use crate::harness::Subject;
    pub use crate::special::upstream;
    pub use crate::tensors::{Failure, Tensors};
    pub use netform::Float;
    pub use netform::optim::schedule::*;
    pub use netform::optim::{Norm, OptimizerState, Rates};
    pub use netform::prelude::*;
}
