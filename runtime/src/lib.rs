//! The items that code emitted by `network!` calls.
//!
//! A generated network owns a [`Core`]. An entry function binds its inputs (`binding`), borrows a workspace and
//! executes its plan on a `Run`, whose checked calls resolve views to addresses and pass them to the [`Device`]'s
//! kernels.
//!
//! The public items are for users, under the same paths in the crate `netform`.

mod addr;
mod binding;
pub mod check;
mod chunks;
mod const_math;
mod core;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
pub mod custom;
pub mod data;
mod device;
mod dims;
pub mod draw;
mod emit;
mod error;
pub mod files;
mod float;
mod formula;
pub mod generate;
mod init;
pub mod input;
mod isa;
mod lanes;
#[cfg(any(feature = "cuda", test))]
mod ledger;
mod loss;
mod map;
mod math;
mod narrow;
mod nearest;
mod network;
pub mod optim;
mod output;
mod pack;
mod parallel;
mod philox;
mod pool;
mod reach;
#[cfg(any(feature = "cuda", test))]
mod replay;
mod results;
mod returned;
mod run;
mod shape;
mod size;
mod spec;
mod stack;
mod state;
mod tensor;
mod values;
mod view;

pub use core::Core;
pub use cpu::Cpu;
#[cfg(feature = "cuda")]
pub use cuda::{Cuda, Precision};
pub use device::Device;
pub use error::{
    ChoiceProblem, DataProblem, Error, Exact, FileProblem, MismatchProblem, OptimizerProblem,
    OutOfRange, Overflow, Result, StateProblem,
};
pub use float::Float;
pub use input::{BoolArg, Dyn, FloatArg, Input, IntArg, Len};
pub use loss::Loss;
pub use math::Elementary;
pub use network::{Network, Parameter};
pub use output::{Output, Row};
pub use philox::{fill_normal, fill_uniform, permutation};
pub use state::State;
pub use tensor::{Element, Tensor, TensorData};
pub use view::Stored;

use formula::{Formula, Real, Reals};
use input::{Source, SourceData};
use lanes::Pack;
use map::{Identity, Inner, Lanes, MapBody, Operand};
use netform_core::Number;
use pack::{Ints, Mask};
use results::RunResults;
use run::Run;
use spec::{ArgSpec, ArgType, DimSpec, Init, NetSpec, Offset, ParamSpec, Plan, Reads, Site};
use view::{DType, In, Space, View, Window};

/// The items that emitted code and tests of kernels use; not for use by hand.
#[doc(hidden)]
pub mod __private {
    /// The traits of a device.
    pub mod device {
        pub use crate::device::*;
    }
    /// Inputs, checked.
    pub mod binding {
        pub use crate::binding::*;
    }
    /// Sizes of products, as types.
    pub mod size {
        pub use crate::size::*;
    }
    /// The CPU's products by a given way, for the program that writes their table and for tests.
    pub mod products {
        pub use crate::cpu::{Way, has_wide, product_by, way_of};
    }
    pub use crate::const_math::{logarithm, power};
    pub use crate::cpu::CpuBuffer;
    #[cfg(feature = "cuda")]
    pub use crate::cuda::{CudaBuffer, driver::open_or as open_driver_or};
    pub use crate::emit::*;
    pub use crate::formula::{Formula, Real, Reals};
    pub use crate::input::{Source, SourceData};
    pub use crate::lanes::{LANES, Pack};
    pub use crate::map::{Identity, Inner, Lanes, MapBody, Operand};
    pub use crate::pack::{Ints, Mask};
    pub use crate::results::RunResults;
    pub use crate::run::{Args, Listing, Run};
    pub use crate::spec::{
        ArgSpec, ArgType, DimSpec, Init, NetSpec, Offset, ParamSpec, Plan, Reached, Reads, Require,
        Room, Shared, Site,
    };
    pub use crate::state::StateSpec;
    pub use crate::view::{DType, In, Space, View, Window};
    pub use netform_core::{Body, Number, Scalar, Step, abi, equal};
}
