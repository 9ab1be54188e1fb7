//! What the code emitted by `network!` calls.
//!
//! A generated network owns a [`Core`]; an entry function binds its inputs at the door ([`plan`]),
//! borrows a workspace and executes its plan on a [`Run`], whose checked calls resolve [`View`]s
//! to addresses and hand them to the [`Device`]'s kernels.

mod cpu;
pub mod device;
mod error;
mod float;
mod isa;
mod map;
mod math;
mod pack;
mod parallel;
mod philox;
mod run;
mod spec;
mod view;

pub use cpu::{Cpu, CpuBuffer};
pub use device::Device;
pub use error::{Error, Result};
pub use float::Float;
pub use map::{Identity, Inner, Lanes, MapBody, Operand};
pub use pack::{Ints, LANES, Mask, Pack};
pub use philox::{fill_normal, fill_uniform, permutation};
pub use run::Run;
pub use spec::{ArgSpec, ArgType, DimSpec, Init, NetSpec, ParamSpec, Plan, Require};
pub use view::{DType, In, Space, View, Window};
