//! What the code emitted by `network!` calls.
//!
//! A generated network owns a [`Core`]; an entry function binds its inputs at the door ([`plan`]),
//! borrows a workspace and executes its plan on a [`Run`], whose checked calls resolve [`View`]s
//! to addresses and hand them to the [`Device`]'s kernels.

pub mod device;
mod error;
mod map;
mod spec;
mod view;

pub use device::Device;
pub use error::{Error, Result};
pub use map::{Identity, Inner, Lanes, MapBody, Operand};
pub use spec::{ArgSpec, ArgType, DimSpec, Init, NetSpec, ParamSpec, Plan, Require};
pub use view::{DType, In, Space, View, Window};
