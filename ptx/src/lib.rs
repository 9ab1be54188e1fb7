//! Hand-written PTX kernels, and what composes them with the fused bodies of a network.
//!
//! Without features there are only the data types of bodies: [`Body`], [`Step`], [`Fn`], which the
//! macro emits as constants beside each body's Rust closure. With the feature `kernels`, there is a
//! function for each kind of call that a device implements. It decides how the call runs and
//! returns a `Plan`: launches, each a `Module` (a key to cache loaded modules by, whose `text()` is
//! PTX), its entry, grid, block and parameters. Nothing here needs a GPU or a driver: whoever has
//! one loads and launches.
//!
//! | call | functions |
//! |---|---|
//! | maps | `map` |
//! | reductions | `reduce` (with `reduce_work`), `mean` (with `mean_work`), `arg_reduce`, `softmax`, `logsumexp`, `cumsum` |
//! | integers | `integers` |
//! | products | `product` (with `product_work`), `product_as` (with `split_work`) |
//! | attention | `attention`, `attention_as`, `attention_grad`, `attention_grad_as` (with `attention_work`) |
//! | convolutions | `convolution` (with `convolution_work`), `convolution_as` (with `convolving_work`), `window_arg_max` |
//! | moves | `copy`, `fill` |
//! | indices | `take`, `take_grad` (with `take_grad_work`), `gather`, `gather_grad`, `put`, `verdict` |
//! | random numbers | `bernoulli`, `advance` |
//!
//! Floats are f32, integers i32, booleans u8 (0 or 1); arrays have fewer than 2^31 elements. What a
//! call needs as working memory is told beforehand by the function in brackets. Addresses and
//! scalars may be frozen in a captured graph: scalars that change are read from device memory
//! (`Scalars::Device`), as the random numbers' step is. Every kernel has a fixed order: the same
//! call gives the same bits, on every GPU.
//!
//! The kernels stand in `kernels/`, as PTX with the variants spelt out by a template engine.
//! `check.sh` assembles all of them with NVIDIA's `ptxas`; the tests run all of them on the emulator.

mod body;
mod function;

pub use body::{Body, Inner, Operand, Step, Type};
pub use function::{Fn, Typing};

#[cfg(feature = "kernels")]
mod kernels {
    pub use crate::attention::{
        Attention, Dropout, Rows, attention, attention_as, attention_grad, attention_grad_as,
        attention_work,
    };
    pub use crate::call::{Addr, Arg, Scalars};
    pub use crate::convolution::{
        Convolving, choose_convolution, convolution, convolution_as, convolution_work,
        convolving_work,
    };
    pub use crate::form::{Attending, Exponential, Form};
    pub use crate::geometry::{Convolution, Side};
    pub use crate::index::{Fault, RUNS, gather, gather_grad, put, take, verdict};
    pub use crate::integers::{Integers, Pair, integers};
    pub use crate::launch::{Error, Launch, Module, Params, Plan};
    pub use crate::lines::{Axis, Lines};
    pub use crate::map::map;
    pub use crate::moves::{copy, fill};
    pub use crate::product::{product, product_as, product_work, split_work};
    pub use crate::random::{Stream, advance, bernoulli};
    pub use crate::reduce::{
        Reduce, Softmax, arg_reduce, cumsum, logsumexp, mean, mean_work, reduce, reduce_work,
        softmax,
    };
    pub use crate::take_grad::{take_grad, take_grad_work};
    pub use crate::tile::{
        CONVOLUTIONS, Precision, Product, Rated, TensorTile, Tile, Way, choose, tiles,
    };
    pub use crate::window::{Window2, window_arg_max};
}
#[cfg(feature = "kernels")]
pub use kernels::*;

#[cfg(feature = "kernels")]
mod attention;
#[cfg(feature = "kernels")]
mod call;
#[cfg(feature = "kernels")]
mod convolution;
#[cfg(feature = "kernels")]
mod form;
#[cfg(feature = "kernels")]
mod geometry;
#[cfg(feature = "kernels")]
mod index;
#[cfg(feature = "kernels")]
mod integers;
#[cfg(feature = "kernels")]
mod launch;
#[cfg(feature = "kernels")]
mod lines;
#[cfg(feature = "kernels")]
mod map;
#[cfg(feature = "kernels")]
mod moves;
#[cfg(feature = "kernels")]
mod product;
#[cfg(feature = "kernels")]
mod random;
#[cfg(feature = "kernels")]
mod reduce;
#[cfg(feature = "kernels")]
mod splice;
#[cfg(feature = "kernels")]
mod take_grad;
#[cfg(feature = "kernels")]
mod template;
#[cfg(feature = "kernels")]
mod tile;
#[cfg(feature = "kernels")]
mod values;
#[cfg(feature = "kernels")]
mod window;
