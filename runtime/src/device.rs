//! The devices' side of a run: one trait for users to bound by, a small one for each op family.
//!
//! Kernels receive resolved addresses. [`Run`](crate::Run) is their only caller: it has checked that every
//! access lies inside its buffer, that outputs overlap neither each other nor an input (unless the
//! input is exactly the output, element for element, and the kernel reads before it writes), and
//! that element types are as declared. That is the safety contract of every `unsafe fn` here.

use std::sync::{Arc, Weak};

use bytemuck::Pod;

use crate::custom::{Kernel, Raw};
pub use crate::door::Dims;
use crate::{DType, Float, MapBody, Result, Site};

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
    /// An owned, zeroed buffer.
    type Buffer: Send + Sync;
    /// Tells devices apart: buffers of one may be used by those with the same number alone.
    fn id(&self) -> u64;
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
    /// Converts host values to elements of the device, one after the other from `dst` on. At the first that
    /// cannot be converted it stops, when those before are written, or some of them.
    ///
    /// # Safety
    /// As for [`write`](Self::write), of `values.len()` elements of type `U`.
    unsafe fn write_each<T: Copy, U: Pod>(
        &self,
        dst: Addr,
        values: &[T],
        convert: impl Fn(T) -> Result<U>,
    ) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { crate::door::in_chunks(self, dst, values, convert) }
    }
    /// Copies device bytes to the host, after all that was asked before.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn read(&self, src: Addr, dst: &mut [u8]) -> Result<()>;
    /// Where the host itself can read what lies at `addr`, without a copy.
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
    /// The same with scalars, floats of the device's, that are read when the call runs, so that a call
    /// which is recorded and repeated finds new ones. Nothing is done after an index was found out of
    /// range in the same run, or if the run's [`Key::guard`] is not 0.
    ///
    /// `scalars`: the address of the first, and how many there are.
    ///
    /// # Safety
    /// See the module's contract; so many floats lie there, at least as many as `M` has scalars.
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
    /// `y[o, i] = mean over n of M(inputs at (o, n, i))`, summed in double precision and rounded once, and
    /// `rest`, if it is given, what rounding took from that.
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
    /// `log(sum over n of exp(x))` in two parts, `log(sum(exp(x - max)))` and `max`, or 0 where that is
    /// infinite; all `-inf` gives `-inf` and 0.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn logsumexp(&self, axis: Axis, x: Addr, y: [Addr; 2]);
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

/// A convolution's geometry; arrays are (height, width). x: (n, groups * c, x), w: (groups * o, c, kernel),
/// y: (n, groups * o, y). Cell k of window i lies on `i * stride + k * dilation - padding` of x, or
/// outside, where it counts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Samples.
    pub n: usize,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Input channels of a group.
    pub c: usize,
    /// Output channels of a group.
    pub o: usize,
    /// Size of an input image.
    pub x: [usize; 2],
    /// Size of a window.
    pub kernel: [usize; 2],
    /// Size of an output image.
    pub y: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Cells outside the image before its first.
    pub padding: [usize; 2],
    /// Distance between a window's cells.
    pub dilation: [usize; 2],
}

/// Windows over images x: (planes, x), y: (planes, y); the fields are those of [`Convolution`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window2 {
    /// Images.
    pub planes: usize,
    /// Size of an image.
    pub x: [usize; 2],
    /// Size of a window.
    pub kernel: [usize; 2],
    /// Number of windows.
    pub y: [usize; 2],
    /// Distance between windows.
    pub stride: [usize; 2],
    /// Cells outside the image before its first.
    pub padding: [usize; 2],
    /// Distance between a window's cells.
    pub dilation: [usize; 2],
}

/// Which argument of the form `sum(y * conv(x, w))`, whose derivatives in each are convolutions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The images that are read.
    X,
    /// The kernels.
    W,
    /// The images that come out.
    Y,
}

/// Convolutions: the derivatives of `sum(y * conv(x, w))` in each of its arguments.
pub trait ConvolutionKernels {
    /// `y[n, o, i] = sum over c, k of x[n, c, i * stride + k * dilation - padding] w[o, c, k]`.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn convolve(&self, g: Convolution, x: Addr, w: Addr, y: Addr);
    /// The adjoint in x: `x[n, c, j] = sum over o, k, i of y[n, o, i] w[o, c, k]` where window i's
    /// cell k lies on j.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn convolve_input(&self, g: Convolution, y: Addr, w: Addr, x: Addr);
    /// The adjoint in w: `w[o, c, k] = sum over n, i of x[n, c, i * stride + k * dilation - padding]
    /// y[n, o, i]`, in a fixed order.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn convolve_weight(&self, g: Convolution, x: Addr, y: Addr, w: Addr);
    /// `index[g, i]` = flat position h * W + w of the largest element of window i in image g: the first of equal ones,
    /// the last NaN if there is one. Cells outside the image are never taken; a window without a cell inside gives -1.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn window_arg_max(&self, window: Window2, x: Addr, index: Addr);
}

/// Attention's sizes: queries (batch, heads, queries, width), keys (.., keys, width), values
/// (.., keys, value_width), results (.., queries, value_width).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Samples.
    pub batch: usize,
    /// Heads of a sample.
    pub heads: usize,
    /// Number of queries.
    pub queries: usize,
    /// Number of keys and values.
    pub keys: usize,
    /// Of a query and a key.
    pub width: usize,
    /// Of a value and a result.
    pub value_width: usize,
    /// A row has all heads side by side: (batch, length, heads, width) instead of
    /// (batch, heads, length, width).
    pub interleaved: bool,
    /// Query i sees keys up to i.
    pub causal: bool,
    /// Factor of the scores.
    pub scale: f64,
    /// Weights that are dropped behind the softmax.
    pub dropout: Option<Dropout>,
}

/// Dropout of attention's weights: those that are kept are multiplied by `1 / (1 - p)`. The bits are those
/// of [`RandomKernels::bernoulli`] over (batch, heads, queries, keys rounded up to four): a function of
/// the stream, so that forward and backward drop the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The probability of a weight to be dropped.
    pub p: f64,
    /// Of the random numbers.
    pub stream: Stream,
}

impl Attention {
    /// In arrays of rows of `width`, `length` for each head: where a head's first row begins, and the
    /// distance between its rows.
    pub fn rows(&self, length: usize, width: usize, batch: usize, head: usize) -> (usize, usize) {
        match self.interleaved {
            true => (
                (batch * length * self.heads + head) * width,
                self.heads * width,
            ),
            false => ((batch * self.heads + head) * length * width, width),
        }
    }
}

/// Scaled dot-product attention that does not hold the weights of all queries and keys.
pub trait AttentionKernels {
    /// Of q, k, v and masks, floats over (batch, heads, queries, keys) that are added to the scores:
    /// `out[i] = sum over j of w[i, j] v[j]`, `w[i] = softmax over j of scale q[i] k[j] + masks[i, j]`, and
    /// `lse`, (batch, heads, 2, queries): the logarithm of the softmax's sum of `exp(score - max)`, and `max`,
    /// the largest score or 0 where that is infinite. A query that sees no key gets 0; without any key `max` holds
    /// anything. A mask's last stride is 0 or 1.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn attention(
        &self,
        g: Attention,
        inputs: [Addr; 3],
        masks: &[Operand<4>],
        outputs: [Addr; 2],
    );
    /// The gradients of q, k and v, from those, the results and the gradient of `out`: `saved` is
    /// (out, lse, dout). In a fixed order.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn attention_grad(
        &self,
        g: Attention,
        inputs: [Addr; 3],
        masks: &[Operand<4>],
        saved: [Addr; 3],
        outputs: [Addr; 3],
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

/// What a call that reads positions is, for messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct What {
    /// The entry function.
    pub function: &'static str,
    /// The positions, in the user's names.
    pub index: &'static str,
    /// Who reads at them.
    pub site: Site,
}

/// Reads and writes at positions held as data. Each returns `false` when an index was found out of
/// range (the element is then left 0); nothing outside the buffers is touched. A device that runs on
/// its own while the host goes on returns `true`, and tells of `what` in [`Queue::verdict`].
pub trait IndexKernels {
    /// `y[o, c, i] = x[o, index[c], i]`, `c < count`, of the arrays x, index, y.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn take(
        &self,
        dtype: DType,
        axis: Axis,
        count: usize,
        arrays: [Addr; 3],
        what: What,
    ) -> bool;
    /// `dx = 0; dx[o, index[c], i] += dy[o, c, i]`, in a fixed order, of the arrays dy, index, dx.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn take_grad(&self, axis: Axis, count: usize, arrays: [Addr; 3], what: What) -> bool;
    /// `y[o, index[c], i] = src[o, c, i]`, `c < count`, in the order of c, of the arrays src, index, y;
    /// the rest of y stays. An index out of range writes nothing.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn put(
        &self,
        dtype: DType,
        axis: Axis,
        count: usize,
        arrays: [Addr; 3],
        what: What,
    ) -> bool;
    /// `y[o, j, i] = x[o, index[o, j, i], i]`, `j < count`, of the arrays x, index, y.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn gather(
        &self,
        dtype: DType,
        axis: Axis,
        count: usize,
        arrays: [Addr; 3],
        what: What,
    ) -> bool;
    /// `dx = 0; dx[o, index[o, j, i], i] += dy[o, j, i]`, in a fixed order, of the arrays dy, index, dx.
    ///
    /// # Safety
    /// See the module's contract.
    #[must_use]
    unsafe fn gather_grad(&self, axis: Axis, count: usize, arrays: [Addr; 3], what: What) -> bool;
}

/// A function of integers, on the arrays a, b and y; where it takes one array, b is a.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integers {
    /// `y[i] = a[i] + b[i]` of so many.
    Add(usize),
    /// `y[i] = a[i] - b[i]`.
    Sub(usize),
    /// `y[i] = a[i] * b[i]`.
    Mul(usize),
    /// Floats `a[i]`, cut towards zero.
    Cast(usize),
    /// A reduction of a along n.
    Reduce(Reduce, Axis),
    /// Running sums of a along n.
    CumSum(Axis),
}

/// A fault's limit that is none: a result of integers does not fit.
pub const NO_LIMIT: usize = usize::MAX;

/// A result of integers that does not fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unfit {
    /// The number of the element, row by row.
    pub at: usize,
    /// The exact result, as near as a float is.
    pub value: f64,
}

/// Arithmetic of integers. Returns the first result that does not fit (what is written there is
/// unspecified), or tells of `what` later, as [`IndexKernels`] do.
pub trait IntegerKernels {
    /// One function.
    ///
    /// # Safety
    /// See the module's contract.
    unsafe fn integers(
        &self,
        f: Integers,
        arrays: [Addr; 3],
        what: What,
    ) -> std::result::Result<(), Unfit>;
}

/// What tells runs apart: equal keys make the same calls on the same buffers.
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
    /// It calls functions of the user's on the host.
    pub host: bool,
    /// What else is done in it: an optimizer's step.
    pub also: u64,
    /// The network's number.
    pub network: u64,
    /// The address of a word that becomes 0, or something else if an index was out of range. 0: none.
    pub keep: usize,
    /// The address of such a word, written by an earlier run on whose results this one builds. 0: none.
    pub guard: usize,
}

/// A run of which more may be found while the host goes on: by its number a device is asked for it, and
/// while this lives, somebody may ask.
#[derive(Clone, Debug, Default)]
pub struct RunId(Option<Arc<u64>>);

impl RunId {
    /// The run of this number, from 1.
    pub fn new(number: u64) -> Self {
        Self(Some(Arc::new(number)))
    }
    /// The number; 0 if nothing is found later.
    pub fn number(&self) -> u64 {
        self.0.as_deref().copied().unwrap_or(0)
    }
    /// Tells whether anybody may ask still.
    pub fn asker(&self) -> Weak<u64> {
        self.0.as_ref().map(Arc::downgrade).unwrap_or_default()
    }
}

/// A device is a queue: calls are done in the order in which they are made, and it may go on with them when
/// they have returned. What is not said here is that of a queue which has finished when a call returns.
pub trait Queue: Memory {
    /// Makes the calls of `record`, or repeats those that it made under this key before. `step`: that of
    /// random numbers. An error of `record` is that of the run, and is not repeated.
    #[inline(always)]
    fn replay(
        &self,
        key: impl FnOnce() -> Key,
        step: u64,
        record: impl FnOnce() -> Result<()>,
    ) -> Result<RunId> {
        let _ = (key, step);
        record().map(|()| RunId::default())
    }
    /// A word that runs write which leave something: 0 if it is good, anything else if an index was out of
    /// range ([`Key::keep`], [`Key::guard`]). None where such runs end in an error.
    #[inline(always)]
    fn flag(&self) -> Result<Option<Self::Buffer>> {
        Ok(None)
    }
    /// A call of the run that is being recorded has failed, so that those after it do nothing; the run's
    /// error says why.
    #[inline(always)]
    fn failing(&self) -> bool {
        false
    }
    /// Waits for that run; the error, each time, if it has met an index out of range. Run 0 has not.
    fn verdict(&self, run: u64) -> Result<()> {
        let _ = run;
        Ok(())
    }
    /// The same without waiting: whether the run was good, if that is known yet.
    fn known(&self, run: u64) -> Option<bool> {
        let _ = run;
        Some(true)
    }
    /// The error of a run of this network that is known, was not told by [`verdict`](Self::verdict), and
    /// is held as a [`RunId`] by nobody. It tells of all such runs of the network; the next time there is none.
    #[inline(always)]
    fn unreported(&self, network: u64) -> Result<()> {
        let _ = network;
        Ok(())
    }
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
    /// Launches the kernel, on a device that takes such; otherwise calls the function with the arrays
    /// where the host can read and write them.
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
    + ConvolutionKernels
    + AttentionKernels
    + CopyKernels
    + IndexKernels
    + IntegerKernels
    + RandomKernels
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
