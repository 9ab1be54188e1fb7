//! Custom devices: what a type implements to be a [`Device`](crate::Device).
//!
//! A device allocates ([`Memory`]), makes calls in their order ([`Queue`]) and computes. Three families of kernels are
//! generic in code that is compiled with the network: maps ([`MapKernels`]), reductions ([`ReduceKernels`]) and matrix
//! products ([`ProductKernels`]). Every other kernel is a [`Call`], a value ([`Launch`]). Moves of data
//! ([`CopyKernels`]) and functions of custom ops ([`CustomKernels`]) are the rest.
//!
//! A method that computes returns nothing: a device on which a call fails does nothing from there on, says so in
//! [`Queue::failing`], and returns the error from the [`Queue::replay`] around the calls. What a step has changed by
//! then is not lost from sight: the network is unchanged, or it is [poisoned](crate::Error::Poisoned) until its parameters
//! are loaded again.
//!
//! The shortest device wraps another one and hands every call on; `tests/networks/training/custom_device.rs` of this
//! crate's repository has one that counts calls and fails on demand.

#[doc(inline)]
pub use netform_runtime::__private::device::{
    Addr, Attention, Axis, Call, Combine, Combiner, Convolution, CopyKernels, CustomKernels, Dims,
    Dropout, Found, Integers, Key, Launch, MapKernels, Memory, NO_LIMIT, Operand, Product,
    ProductKernels, Queue, ReduceKernels, Role, RunId, ScoreMask, Softmax, Stream, What, Window2,
};
#[doc(inline)]
pub use netform_runtime::__private::size::{Sizes, Visitor};
#[doc(inline)]
pub use netform_runtime::__private::{
    Body, CpuBuffer, DType, Inner, Ints, LANES, Lanes, MapBody, Mask, Number, Pack, Scalar, Step,
};
#[doc(inline)]
pub use netform_runtime::custom::{Kernel, Raw};
