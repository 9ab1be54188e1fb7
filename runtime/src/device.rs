//! The devices' side of a run: one trait for users to bound by, a small one for each op family.
//!
//! Kernels receive resolved addresses. [`Run`](crate::Run) is their only caller: it has checked that every
//! access lies inside its buffer, that outputs overlap neither each other nor an input (unless the
//! input is exactly the output, element for element, and the kernel reads before it writes), and
//! that element types are as declared. That is the safety contract of every `unsafe fn` here.

use crate::custom::Raw;
use crate::{DType, Float, MapBody, Result};

/// A resolved address: on the CPU a pointer, on a GPU a device address.
pub type Addr = *mut u8;

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

/// How a reduction combines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    /// Sum, in a fixed blocked order.
    Sum,
    /// Largest; NaN wins.
    Max,
    /// Smallest; NaN wins.
    Min,
}

/// The size of a product: `C[g] (m, n) = op(A[g]) (m, k) op(B[g]) (k, n)` for `g < batch`, all row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Number of independent products, each one matrix further.
    pub batch: usize,
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Summed dimension.
    pub k: usize,
    /// `A` is stored as (k, m).
    pub ta: bool,
    /// `B` is stored as (n, k).
    pub tb: bool,
}

/// A block seen as (outer, n, inner): the op works along `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Product of the dimensions before.
    pub outer: usize,
    /// The dimension worked along.
    pub n: usize,
    /// Product of the dimensions after.
    pub inner: usize,
}

/// Which softmax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Softmax {
    /// `exp(x) / sum(exp(x))`.
    Softmax,
    /// `x - logsumexp(x)`.
    LogSoftmax,
}

/// Buffers of bytes on the device, aligned to 64.
///
/// # Safety
/// `addr` and `size` describe memory of the buffer's own, alive as long as it is: runs access all
/// of it without asking again.
pub unsafe trait Memory {
    /// Addresses are ordinary memory of this process: results can be read where they lie.
    const HOST: bool = false;
    /// An owned, zeroed buffer.
    type Buffer: Send + Sync;
    /// Allocates; an error says how much was asked for.
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
    /// Copies device bytes to the host, after all that was asked before.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn read(&self, src: Addr, dst: &mut [u8]) -> Result<()>;
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
}

/// Reductions, plain and with a fused map in front.
pub trait ReduceKernels {
    /// `y[o, i] = reduce over n of M(inputs at (o, n, i))`.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn reduce<M: MapBody, const I: usize>(
        &self,
        kind: Reduce,
        axis: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
    );
    /// `y[o, i]` = index of the first largest (`largest`) or smallest along n; the first NaN wins.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn arg_reduce(&self, largest: bool, axis: Axis, x: Addr, y: Addr);
    /// Softmax or log-softmax along n, stable.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn softmax(&self, kind: Softmax, axis: Axis, x: Addr, y: Addr);
    /// `y[o, i] = log(sum over n of exp(x))`, stable; all `-inf` gives `-inf`.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn logsumexp(&self, axis: Axis, x: Addr, y: Addr);
    /// Running sums along n, from the front or (`reverse`) from the back.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn cumsum(&self, reverse: bool, axis: Axis, x: Addr, y: Addr);
}

/// Matrix products with a fused epilogue.
pub trait ProductKernels {
    /// `outputs = M(C, extra..)` with `C` the product, over the (batch, m, n) grid: operand 0 of `M` is
    /// `C`, the others are `extra`.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn product<M: MapBody, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    );
    /// The same for one small product whose `n` and `k` are known when compiled.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn product_nk<
        M: MapBody,
        const N: usize,
        const K: usize,
        const I: usize,
        const O: usize,
    >(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    );
    /// The same for one small product whose `m` and `n` are known when compiled.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn product_mn<
        M: MapBody,
        const MM: usize,
        const N: usize,
        const I: usize,
        const O: usize,
    >(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    );
}

/// Moves of data.
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
    /// Sets `len` elements.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn fill(&self, dtype: DType, len: usize, value: f64, dst: Addr);
}

/// Reads and writes at positions held as data. Each returns `false` when an index was out of range
/// (the element is then left 0); nothing outside the buffers is touched.
pub trait IndexKernels {
    /// `y[o, c, i] = x[o, index[c], i]`, `c < count`.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn take(
        &self,
        dtype: DType,
        axis: Axis,
        count: usize,
        x: Addr,
        index: Addr,
        y: Addr,
    ) -> bool;
    /// `dx = 0; dx[o, index[c], i] += dy[o, c, i]`, in a fixed order.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn take_grad(&self, axis: Axis, count: usize, dy: Addr, index: Addr, dx: Addr) -> bool;
    /// `y[o, j, i] = x[o, index[o, j, i], i]`, `j < count`.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn gather(
        &self,
        dtype: DType,
        axis: Axis,
        count: usize,
        x: Addr,
        index: Addr,
        y: Addr,
    ) -> bool;
    /// `dx = 0; dx[o, index[o, j, i], i] += dy[o, j, i]`, in a fixed order.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn gather_grad(&self, axis: Axis, count: usize, dy: Addr, index: Addr, dx: Addr)
    -> bool;
}

/// The seed and position of a run's random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The network's seed.
    pub seed: u64,
    /// The step: every run that draws takes the next.
    pub step: u64,
    /// The node: each drawing node of a network has its own.
    /// In a loop, the step is in the upper half.
    pub node: u64,
}

/// Random numbers: Philox4x32-10 with key = seed, counter = (element / 4, node, step).
pub trait RandomKernels {
    /// Booleans, true with probability `keep`.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn bernoulli(&self, keep: f64, stream: Stream, len: usize, y: Addr);
}

/// Functions of the user's own.
pub trait CustomKernels {
    /// Calls a function with the arrays where the host can read and write them.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn on_host<'a, const I: usize, const O: usize>(
        &self,
        inputs: [Raw<'a>; I],
        outputs: [Raw<'a>; O],
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
    + IndexKernels
    + RandomKernels
    + CustomKernels
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
