//! Hand-written PTX kernels, and their composition with the fused bodies of a network.
//!
//! There is a function for each kind of call that a device implements. It chooses kernels for the call and returns a
//! `Plan`: launches, each with a `Module` (a key for a cache of loaded modules, whose `text()` is PTX), its entry,
//! grid, block and parameters. Nothing here needs a GPU or a driver: a program that has one loads and launches.
//!
//! | call | functions |
//! |---|---|
//! | calls that do not depend on a body of the network | `call` (with `work`), which includes all calls below |
//! | maps | `map` |
//! | reductions | `reduce` (with `reduce_work`), `mean` (with `mean_work`), `arg_reduce`, `softmax`, `logsumexp`, `running` |
//! | integers | `integers` |
//! | products | `product` (with `product_work`), `product_as` (with `split_work`) |
//! | attention | `attention`, `attention_as`, `attention_grad`, `attention_grad_as` (with `attention_work`) |
//! | convolutions | `convolution` (with `convolution_work`), `convolution_as` (with `convolving_work`), `window_arg_max` |
//! | copies | `copy`, `fill`, `convert` |
//! | indices | `take`, `take_grad` (with `take_grad_work`), `gather`, `gather_grad`, `put`, `outcome` |
//! | random numbers | `bernoulli`, `advance` |
//!
//! Floats are f32, integers i64, booleans u8 (0 or 1); `convert` supports bf16 and f16, too. Arrays have fewer than
//! 2^31 elements. The function in brackets gives the size of the working memory of a call. Addresses and scalars may be
//! constant in a captured graph: scalars that change are read from device memory (`Scalars::Device`), like the step of
//! random numbers. Every kernel has a fixed order: the same call gives the same bits, on every GPU.
//!
//! The kernels are in `kernels/`, as PTX whose variants are expanded by a template engine. `check.sh` assembles all of
//! them with NVIDIA's `ptxas`; the tests run all of them on the emulator.

mod attention;
mod call;
mod convert;
mod convolution;
mod dispatch;
mod form;
mod geometry;
mod index;
mod integers;
mod launch;
mod lines;
mod map;
mod moves;
mod product;
mod random;
mod reduce;
mod splice;
mod take_grad;
mod template;
mod tile;
mod values;
mod window;

pub use attention::{
    Rows, attention, attention_as, attention_grad, attention_grad_as, attention_work,
};
pub use call::{Addr, Arg, FLOAT, Scalars};
pub use convert::convert;
pub use convolution::{
    Convolving, choose_convolution, convolution, convolution_as, convolution_work, convolving_work,
};
pub use dispatch::{Context, call, work};
pub use form::{Attending, Exponential, Form};
pub use index::{Fault, RUNS, gather, gather_grad, outcome, put, take};
pub use integers::{Pair, integers};
pub use launch::{Error, Launch, Module, Params, Plan};
pub use lines::Lines;
pub use map::map;
pub use moves::{copy, fill};
pub use netform_core::{
    Attention, Axis, Body, Call, Combiner, Convolution, DType, Dropout, Inner, Integers, Number,
    Operand, Product, Role, Scalar, ScoreMask, Softmax, Step, Stored, Stream, Typing, Window2,
};
pub use product::{product, product_as, product_work, split_work};
pub use random::{advance, bernoulli};
pub use reduce::{arg_reduce, logsumexp, mean, mean_work, reduce, reduce_work, running, softmax};
pub use take_grad::{take_grad, take_grad_work};
pub use tile::{CONVOLUTIONS, Precision, Rated, TensorTile, Tile, Way, choose, tiles};
pub use window::window_arg_max;
