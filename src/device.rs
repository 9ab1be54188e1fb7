//! Custom devices: the traits that a type implements to be a [`Device`](crate::Device).
//!
//! A device allocates ([`Memory`]), makes calls in their order ([`Queue`]) and computes. Three families of kernels are
//! generic, in code that is compiled with the network: maps ([`MapKernels`]), reductions ([`ReduceKernels`]) and matrix
//! products ([`ProductKernels`]). Every other kernel is a [`Call`], a value ([`Launch`]). The other traits copy data
//! ([`CopyKernels`]) and call the functions of custom ops ([`CustomKernels`]).
//!
//! A method that computes returns nothing. After a call has failed, the device does nothing more, reports it in
//! [`Queue::failing`], and returns the error from the [`Queue::replay`] around the calls. A step that fails leaves the
//! network unchanged, or [poisoned](crate::Error::Poisoned) until its parameters are loaded again.
//!
//! The shortest device wraps another one and forwards every call. `tests/networks/training/custom_device.rs` of this
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
