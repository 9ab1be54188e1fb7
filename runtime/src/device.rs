//! The devices' side of a run: one trait for users' bounds, and a small one for each op family.
//!
//! Kernels receive resolved addresses. [`Run`](crate::Run) is their only caller: it has checked that every
//! access lies inside its buffer, that outputs overlap neither each other nor an input (unless the
//! input is exactly the output, element for element, and the kernel reads before it writes), and
//! that element types are as declared. That is the safety contract of every `unsafe fn` here.

use std::sync::{Arc, Weak};

use bytemuck::Pod;

pub use crate::addr::Addr;
use crate::chunks::in_chunks;
use crate::custom::{Kernel, Raw};
pub use crate::dims::Dims;
use crate::size::Sizes;
use crate::{DType, Float, MapBody, Result, Site};
pub use netform_core::{
    Attention, Axis, Call, Combine, Combiner, Convolution, Dropout, Integers, Product, Role,
    ScoreMask, Softmax, Stored, Stream, Window2, by,
};

/// A resolved operand of a map over `R` dimensions.
#[derive(Clone, Copy, Debug)]
pub struct Operand<const R: usize> {
    /// The first element's address (unused for an iota).
    pub addr: Addr,
    /// An iota's first value.
    pub start: usize,
    /// Strides in elements, outermost first.
    pub strides: [usize; R],
}

/// Buffers of bytes on the device, aligned to 64.
///
/// # Safety
/// `addr` and `size` describe memory that the buffer owns, valid as long as it lives: runs access all of it without
/// further checks.
pub unsafe trait Memory {
    /// An owned, zeroed buffer.
    type Buffer: Send + Sync;
    /// Identifies the device. Buffers of one device can be used only by devices with the same number.
    fn id(&self) -> u64;
    /// Allocates. An error gives the number of bytes.
    fn alloc(&self, bytes: usize) -> Result<Self::Buffer>;
    /// The buffer's first address.
    fn addr(buffer: &Self::Buffer) -> Addr;
    /// The buffer's size in bytes.
    fn size(buffer: &Self::Buffer) -> usize;
    /// Copies host bytes to the device. `dst..dst + src.len()` must lie inside one buffer.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn write(&self, dst: Addr, src: &[u8]) -> Result<()>;
    /// Converts host values to elements of the device, one after the other from `dst` on. It stops at the first value
    /// that cannot be converted. The elements before may be written or not.
    ///
    /// # Safety
    /// As for [`write`](Self::write), of `values.len()` elements of type `U`.
    unsafe fn write_each<T: Copy, U: Pod>(
        &self,
        dst: Addr,
        values: &[T],
        convert: impl Fn(T) -> Result<U>,
    ) -> Result<()> {
        // SAFETY: the caller's promise: each chunk begins where the one before it has ended.
        unsafe { in_chunks(dst, values, convert, |at, bytes| self.write(at, bytes)) }
    }
    /// Copies device bytes to the host, after all earlier work.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn read(&self, src: Addr, dst: &mut [u8]) -> Result<()>;
    /// The address at which the host itself can read the memory at `addr`, without a copy.
    fn in_place(&self, addr: Addr) -> Option<Addr> {
        let _ = addr;
        None
    }
}

/// Fused elementwise maps.
pub trait MapKernels {
    /// `outputs[..] = M(inputs..)` over `shape`; outputs are contiguous.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn map<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    );
    /// The same with scalars, of the device's float type, that are read when the call runs, so that a recorded call
    /// reads new values each time. Nothing is done after an index out of range in the same run, or if the run's
    /// [`Key::guard`] is not 0.
    ///
    /// `scalars`: the address of the first, and their number.
    ///
    /// # Safety
    /// See the module's contract; that number of floats lies there, at least as many as `M` has scalars.
    unsafe fn map_guarded<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        scalars: (Addr, usize),
    );
}

/// Reductions, plain and with a fused map in front.
pub trait ReduceKernels {
    /// `y[o, i] = K over n of M(inputs at (o, n, i))`.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn reduce<M: MapBody, K: Combine, const I: usize>(
        &self,
        axis: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
    );
    /// `y[o, i] = mean over n of M(inputs at (o, n, i))`, summed in double precision and rounded once. `rest`, if it is
    /// given, gets the rounding error.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn mean<M: MapBody, const I: usize>(
        &self,
        axis: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
        rest: Option<Addr>,
    );
}

/// Matrix products with a fused epilogue.
pub trait ProductKernels {
    /// `outputs = M(C, extra..)` with `C` the product, over the (batch, m, n) grid: operand 0 of `M` is
    /// `C`, the others are `extra`. The type `S` holds sizes that are known when compiled.
    ///
    /// # Safety
    /// See the module's contract; `size` agrees with `S`.
    unsafe fn product<M: MapBody, S: Sizes, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    );
}

/// Copies of data.
pub trait CopyKernels {
    /// `dst[i] = src[i]` over `shape`, both strided (in elements).
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn copy<const R: usize>(
        &self,
        dtype: DType,
        shape: [usize; R],
        src: (Addr, [isize; R]),
        dst: (Addr, [isize; R]),
    );
}

/// Describes a call that reads positions, for messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct What {
    /// The entry function.
    pub function: &'static str,
    /// The positions, as named in the network.
    pub index: &'static str,
    /// The op that reads at them.
    pub site: Site,
}

/// An error that a call found in its data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The element, as a row-major index: the first index that is out of range, or the first result that does not fit.
    pub at: usize,
    /// The index, or the result.
    pub value: Exact,
}

pub use crate::error::Exact;

/// The limit of an error without one: a result of integers does not fit.
pub const NO_LIMIT: usize = usize::MAX;

/// Every kernel that does not depend on a body of the network.
pub trait Launch {
    /// Makes the call on operands at these addresses, in the order of [`Call::declare`]. Returns the first index out of
    /// range or the first result that does not fit. Nothing outside the buffers is accessed. A device that runs
    /// asynchronously returns `Ok`, and reports `what` in [`Queue::outcome`].
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn launch(
        &self,
        call: &Call<'_>,
        at: &[Addr],
        what: What,
    ) -> std::result::Result<(), Found>;
}

/// Identifies runs: equal keys make the same calls on the same buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The plan's address.
    pub plan: usize,
    /// The named dimensions.
    pub dims: Dims,
    /// Parameters, gradients, workspace, kept state.
    pub buffers: [usize; 4],
    /// The network's seed.
    pub seed: u64,
    /// It draws random numbers.
    pub random: bool,
    /// It calls custom functions on the host.
    pub host: bool,
    /// The optimizer's step that is part of it; 0: none.
    pub optimizer: u64,
    /// The network's number.
    pub network: u64,
    /// The address of the run's flag: a word that becomes 0, or something else if an index was out of range. 0: none.
    pub keep: usize,
    /// The address of the flag of an earlier run whose results this one uses. 0: none.
    pub guard: usize,
}

/// A run with possible deferred errors. Its number identifies it on the device. While a `RunId` lives, its outcome can
/// still be asked for.
#[derive(Clone, Debug, Default)]
pub struct RunId(Option<Arc<u64>>);

impl RunId {
    /// The run of this number, from 1.
    pub fn new(number: u64) -> Self {
        Self(Some(Arc::new(number)))
    }
    /// The number; 0 if there are no deferred errors.
    pub fn number(&self) -> u64 {
        self.0.as_deref().copied().unwrap_or(0)
    }
    /// A reference that shows whether the outcome can still be asked for.
    pub fn asker(&self) -> Weak<u64> {
        self.0.as_ref().map(Arc::downgrade).unwrap_or_default()
    }
}

/// A device is a queue: calls are done in the order in which they are made, possibly after they have returned. The
/// default methods are for a queue that has finished a call when it returns.
pub trait Queue: Memory {
    /// Makes the calls of `record`, or repeats the calls that it made under this key before. `step`: the step of random
    /// numbers. An error of `record` is an error of the run, which is not repeated then.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn replay(
        &self,
        key: impl FnOnce() -> Key,
        step: u64,
        record: impl FnOnce() -> Result<()>,
    ) -> Result<RunId> {
        let _ = (key, step);
        record().map(|()| RunId::default())
    }
    /// A flag of 64 bits, for runs that leave something: 0 if there was no error, anything else if an index was out of
    /// range ([`Key::keep`], [`Key::guard`]). None if such runs end in an error.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn flag(&self) -> Result<Option<Self::Buffer>> {
        Ok(None)
    }
    /// A call of the run that is being recorded has failed, so that later calls do nothing. The run's error gives the
    /// reason.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn failing(&self) -> bool {
        false
    }
    /// Waits for that run. Returns an error, each time, if it has met an index out of range. Run 0 has not.
    fn outcome(&self, run: u64) -> Result<()> {
        let _ = run;
        Ok(())
    }
    /// Whether the run had no error, if that is known yet. Does not wait.
    fn known(&self, run: u64) -> Option<bool> {
        let _ = run;
        Some(true)
    }
    /// The first known error of this network's runs that [`outcome`](Self::outcome) has not reported, and whose
    /// [`RunId`] no longer exists. All such errors are reported by this call: the next call finds none.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn unreported(&self, network: u64) -> Result<()> {
        let _ = network;
        Ok(())
    }
}

/// Custom functions.
pub trait CustomKernels {
    /// Launches the kernel, on a device that supports it. Otherwise calls the function with the arrays where the host
    /// can read and write them.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn custom<'a, const I: usize, const O: usize>(
        &self,
        inputs: [Raw<'a>; I],
        outputs: [Raw<'a>; O],
        kernel: Option<Kernel>,
        call: impl FnOnce([Raw<'a>; I], [Raw<'a>; O]),
    );
}

/// A place where networks run. Users bound generic code by `D: Device`.
pub trait Device:
    Memory
    + MapKernels
    + ReduceKernels
    + ProductKernels
    + CopyKernels
    + Launch
    + CustomKernels
    + Queue
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The type of parameters, activations and gradients.
    type Float: Float;
    /// The device's name for messages and tables, such as `cpu f32`.
    fn name(&self) -> String;
}
