//! What the code emitted by `network!` calls.
//!
//! A generated network owns a [`Core`]; an entry function binds its inputs at the door ([`door`]),
//! borrows a workspace and executes its plan on a [`Run`], whose checked calls resolve [`View`]s
//! to addresses and hand them to the [`Device`]'s kernels.

pub mod check;
mod core;
mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
pub mod custom;
pub mod data;
pub mod device;
pub mod door;
pub mod emit;
mod error;
pub mod files;
mod float;
mod formula;
pub mod generate;
mod init;
pub mod input;
mod isa;
#[cfg(any(feature = "cuda", test))]
mod ledger;
pub mod look;
mod loss;
mod map;
mod math;
mod narrow;
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
mod returned;
mod run;
pub mod size;
mod spec;
mod stack;
mod state;
mod tensor;
mod view;

pub use core::Core;
pub use cpu::{Cpu, CpuBuffer};
#[cfg(feature = "cuda")]
pub use cuda::{Cuda, CudaBuffer, Precision, driver::open_or as open_driver_or};
pub use device::Device;
pub use error::{Error, Exact, FileProblem, OutOfRange, Overflow, Result};
pub use float::Float;
pub use formula::{Formula, Real, Reals};
pub use input::{BoolArg, Dyn, FloatArg, Input, IntArg, Len, Source, SourceData};
pub use loss::Loss;
pub use map::{Identity, Inner, Lanes, MapBody, Operand};
pub use math::Elementary;
#[doc(hidden)]
pub use netform_core::abi;
pub use netform_core::{Body, Number, Scalar, Step};
pub use network::{Network, Parameter};
pub use output::{Output, Row};
pub use pack::{Ints, LANES, Mask, Pack};
pub use philox::{fill_normal, fill_uniform, permutation};
pub use pool::Lent;
pub use run::Run;
pub use spec::{
    ArgSpec, ArgType, DimSpec, Init, NetSpec, ParamSpec, Plan, Reached, Reads, Require, Room,
    Shared, Site,
};
pub use state::{State, StateSpec};
pub use tensor::{Element, Tensor, TensorData};
pub use view::{DType, In, Space, Stored, View, Window};
