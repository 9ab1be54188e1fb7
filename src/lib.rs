#![doc = include_str!("../README.md")]

#[doc(inline)]
pub use netform_runtime::{
    BoolArg, ChoiceProblem, Core, Cpu, DataProblem, Device, Dyn, Element, Elementary, Error, Exact,
    FileProblem, Float, FloatArg, Input, IntArg, Len, Loss, MismatchProblem, Network,
    OptimizerProblem, OutOfRange, Output, Overflow, Parameter, Result, Row, State, StateProblem,
    Stored, Tensor, TensorData, check, data, draw, files, fill_normal, fill_uniform, generate,
    input, optim, permutation,
};

/// The older name of [`draw`].
#[doc(hidden)]
pub use netform_runtime::draw as look;

#[cfg(feature = "cuda")]
#[doc(inline)]
pub use netform_runtime::{Cuda, Precision};

pub mod custom;
pub mod device;

/// Declares a network: layers, and functions that are checked, differentiated and planned.
#[macro_export]
macro_rules! network {
    ($($tokens:tt)*) => { $crate::__private::network! { [$crate] { $($tokens)* } } };
}

/// The items that most programs need: `use netform::prelude::*;`.
pub mod prelude {
    #[cfg(feature = "cuda")]
    pub use crate::Cuda;
    pub use crate::optim::schedule::Curve;
    pub use crate::optim::{
        Adadelta, Adagrad, Adam, AdamW, Adamax, NAdam, Optimizer, RAdam, Rates, RmsProp, Sgd,
    };
    pub use crate::{Cpu, Device, Network, Tensor, network};
}

/// The names that emitted code uses; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use netform_macros::network;
    pub use netform_runtime::__private::device::{
        Attention, Axis, Call, Combiner, Convolution, Dropout, Integers, Product, Role, ScoreMask,
        Softmax, Window2, by,
    };
    pub use netform_runtime::__private::*;
    pub use netform_runtime::optim::Optimizer;
    pub use netform_runtime::*;
}

/// The listings in the documentation pages are compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../docs/language.md")]
    struct Language;
    #[doc = include_str!("../docs/training.md")]
    struct Training;
    #[doc = include_str!("../docs/devices.md")]
    struct Devices;
    #[doc = include_str!("../docs/internals.md")]
    struct Internals;
    #[doc = include_str!("../CONTRIBUTING.md")]
    struct Contributing;
    #[doc = include_str!("../docs/book/first_evening.md")]
    struct FirstEveningChapter;
    #[doc = include_str!("../docs/book/from_pytorch.md")]
    struct FromPytorchChapter;
    #[doc = include_str!("../docs/book/shapes.md")]
    struct ShapesChapter;
    #[doc = include_str!("../docs/book/layers.md")]
    struct LayersChapter;
    #[doc = include_str!("../docs/book/functions.md")]
    struct FunctionsChapter;
    #[doc = include_str!("../docs/book/loops.md")]
    struct LoopsChapter;
    #[doc = include_str!("../docs/book/state.md")]
    struct StateChapter;
    #[doc = include_str!("../docs/book/training.md")]
    struct TrainingChapter;
    #[doc = include_str!("../docs/book/generation.md")]
    struct GenerationChapter;
    #[doc = include_str!("../docs/book/devices.md")]
    struct DevicesChapter;
    #[doc = include_str!("../docs/book/numbers.md")]
    struct NumbersChapter;
    #[doc = include_str!("../docs/book/recipes.md")]
    struct RecipesChapter;
    #[doc = include_str!("../docs/book/errors.md")]
    struct ErrorsChapter;
}
