//! One execution of a plan: checked calls in, kernels on resolved addresses out.
//!
//! Every call here is safe. It resolves each [`View`] to an address after checking that all of the
//! elements that the kernel will touch lie in the view and the view in its buffer, that types are
//! as the body declares, and that what is written overlaps nothing else that the call uses (but
//! for a map's operand that is the output itself, element for element). A call that fails a check
//! is skipped and the first such fault is what [`Run::finish`] returns. Checks are a few compares
//! per operand.

// Several arrays of one length are walked together: an index says it best.
#![allow(clippy::needless_range_loop)]

use std::cell::OnceCell;
use std::marker::PhantomData;

use crate::custom;
use crate::device::{
    self, Addr, Attention, Axis, Convolution, Integers, Product, Reduce, Role, Softmax, Stream,
    What, Window2,
};
use crate::{
    DType, Device, Error, Identity, In, Inner, MapBody, Operand, OutOfRange, Overflow, Reads,
    Result, Space, View, Window,
};

/// A buffer of the run.
#[derive(Clone, Copy)]
struct Region {
    addr: Addr,
    bytes: usize,
}

impl Region {
    fn of<D: Device>(buffer: &D::Buffer) -> Self {
        Self {
            addr: D::addr(buffer),
            bytes: D::size(buffer),
        }
    }
}

/// Addresses in use by one operand: the first byte, and the one after the last.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Range {
    from: usize,
    to: usize,
}

impl Range {
    #[inline(always)]
    fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// Why a call was refused.
#[derive(Clone, Copy)]
enum Refusal {
    /// A rule of plans is broken.
    Broken(&'static str),
    /// A position is no 32-bit integer: the sizes are too large.
    Positions,
}
/// A check's result.
type Checked<T> = std::result::Result<T, Refusal>;

/// A contiguous operand: its address, and all that it reaches.
type Whole = (Addr, Range);
/// The same of one that is strided over `R` dimensions.
type Strided<const R: usize> = (device::Operand<R>, Range);

const OUTSIDE: Refusal = Refusal::Broken("an operand reaches outside its view");
const OVERLAP: Refusal = Refusal::Broken("an output overlaps another operand");
const TYPE: Refusal = Refusal::Broken("an operand has another type than its kernel");
const COUNT: Refusal = Refusal::Broken("a call has another number of operands than its kernel");

/// An execution of a plan on borrowed buffers.
pub struct Run<'a, D: Device> {
    device: &'a D,
    function: &'static str,
    params: Region,
    grads: Option<Region>,
    arena: Region,
    offsets: &'a [usize],
    state: Option<(Region, &'a [usize])>,
    /// Buffers may be written.
    training: bool,
    seed: u64,
    step: u64,
    fault: OnceCell<Error>,
    /// The gradients and the workspace are this run's alone.
    exclusive: PhantomData<&'a mut D::Buffer>,
}

impl<'a, D: Device> Run<'a, D> {
    /// A run of `function`: reads `params`, reads and writes `grads` (if there are any) and
    /// `arena`, in which slot k begins at byte `offsets[k]`.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        device: &'a D,
        function: &'static str,
        params: &'a D::Buffer,
        grads: Option<&'a mut D::Buffer>,
        arena: &'a mut D::Buffer,
        offsets: &'a [usize],
        seed: u64,
        step: u64,
    ) -> Self {
        Self {
            device,
            function,
            params: Region::of::<D>(params),
            training: grads.is_some(),
            grads: grads.map(|g| Region::of::<D>(g)),
            arena: Region::of::<D>(arena),
            offsets,
            state: None,
            seed,
            step,
            fault: OnceCell::new(),
            exclusive: PhantomData,
        }
    }

    /// The addresses of its buffers: parameters, gradients, workspace, kept state.
    pub(crate) fn buffers(&self) -> [usize; 4] {
        let of = |region: Option<Region>| region.map_or(0, |r| r.addr as usize);
        [
            of(Some(self.params)),
            of(self.grads),
            of(Some(self.arena)),
            of(self.state.map(|s| s.0)),
        ]
    }

    /// Adds what is kept from call to call: value k begins at byte `offsets[k]`.
    pub fn with_state(mut self, buffer: &'a mut D::Buffer, offsets: &'a [usize]) -> Self {
        self.state = Some((Region::of::<D>(buffer), offsets));
        self
    }

    /// `len` elements of kept value `k`.
    #[inline]
    pub fn state(&self, k: usize, dtype: DType, len: usize) -> View {
        let offsets = self.state.map_or(&[][..], |s| s.1);
        View {
            space: Space::State,
            dtype,
            offset: offsets.get(k).copied().unwrap_or(usize::MAX),
            len,
        }
    }

    /// Writes the next value of a buffer among the parameters, unless the run has failed.
    pub fn update(&self, from: View, to: View) {
        if self.fault.get().is_some() {
            return;
        }
        self.guard("update", || {
            if from.len != to.len || from.dtype != DType::Float || to.dtype != DType::Float {
                return Err(TYPE);
            }
            if !self.training || to.space != Space::Param || from.space == Space::Param {
                return Err(Refusal::Broken("buffers are written in training"));
            }
            if to.len == 0 {
                return Ok(());
            }
            let from = device::Operand {
                addr: self.resolve(from)?,
                start: 0,
                strides: [1],
            };
            let (len, to) = ([to.len], [self.resolve(to)?]);
            // SAFETY: both views lie in their buffers, which differ; training holds the parameters
            // alone, through the network's `&mut self`. The identity has no scalars.
            unsafe {
                let none = (std::ptr::null_mut(), 0);
                self.device
                    .map_guarded::<Identity, 1, 1, 1>(len, [from], to, none);
            }
            Ok(())
        });
    }

    /// `len` elements of slot `k` of the workspace.
    #[inline]
    pub fn slot(&self, k: usize, dtype: DType, len: usize) -> View {
        // A slot that is not there lies beyond any buffer, so whoever uses it is refused.
        let offset = self.offsets.get(k).copied().unwrap_or(usize::MAX);
        View {
            space: Space::Arena,
            dtype,
            offset,
            len,
        }
    }

    /// `len` parameters from float `offset` of the flat buffer.
    #[inline]
    pub fn param(&self, offset: usize, len: usize) -> View {
        View {
            space: Space::Param,
            dtype: DType::Float,
            offset,
            len,
        }
    }

    /// `len` gradients from float `offset` of the flat buffer.
    #[inline]
    pub fn grad(&self, offset: usize, len: usize) -> View {
        View {
            space: Space::Grad,
            dtype: DType::Float,
            offset,
            len,
        }
    }

    /// The part of a view that step `step` of a loop uses: `len` elements behind those of the steps
    /// before.
    #[inline]
    pub fn part(&self, whole: View, step: usize, len: usize) -> View {
        let first = step.saturating_mul(len);
        let unit = match whole.space {
            Space::Arena | Space::State => Self::size(whole.dtype),
            _ => 1,
        };
        let lies_within = first.saturating_add(len) <= whole.len;
        View {
            // What lies beyond the view is put beyond any buffer, so whoever uses it is refused.
            offset: match lies_within {
                true => whole.offset.saturating_add(first * unit),
                false => usize::MAX,
            },
            len,
            ..whole
        }
    }

    /// `to = from`, whole views of one length.
    #[inline]
    pub fn assign(&self, from: View, to: View) {
        if from.len != to.len {
            return self.refuse("assign", OUTSIDE);
        }
        let window = |view| Window {
            view,
            start: 0,
            strides: [1],
        };
        self.copy([from.len], window(from), window(to));
    }

    /// The first fault of the run, if there was one.
    pub fn finish(mut self) -> Result<()> {
        self.fault()
    }

    /// The same of a run that goes on.
    pub(crate) fn fault(&mut self) -> Result<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// Notes a refusal.
    #[cold]
    #[inline(never)]
    fn refuse(&self, call: &'static str, why: Refusal) {
        let why = match why {
            Refusal::Positions => {
                let what = Reads {
                    index: "a position",
                    ..Reads::default()
                };
                return self.overflow(what, None);
            }
            Refusal::Broken(why) => why,
        };
        let what = format!("{call}: {why}");
        // Later faults follow from the first more often than not.
        let _ = self.fault.set(Error::Internal {
            function: self.function,
            what,
        });
    }

    /// A call, for messages.
    fn what(&self, reads: Reads<'_>) -> What {
        What {
            function: self.function,
            index: reads.index,
            site: reads.site,
        }
    }

    /// Notes that one of the `len` positions at `index` is outside 0..limit, and the first that is.
    ///
    /// # Safety
    /// The positions are checked ([`indexed`](Self::indexed)).
    #[cold]
    #[inline(never)]
    unsafe fn out_of_range(&self, reads: Reads<'_>, limit: usize, index: Addr, len: usize) {
        let mut found = None;
        if let Some(index) = self.device.in_place(index) {
            // SAFETY: the caller's promise; calls of the host have ended, so the positions are not written now.
            let all = unsafe { std::slice::from_raw_parts(index.cast::<i32>(), len) };
            let outside = |i: &i32| usize::try_from(*i).map_or(true, |i| i >= limit);
            found = all.iter().position(outside).map(|at| OutOfRange {
                value: i64::from(all[at]),
                position: unravel(at, len, reads.shape),
            });
        }
        let _ = self.fault.set(Error::IndexOutOfRange {
            function: self.function,
            site: reads.site,
            index: reads.index,
            limit,
            found,
        });
    }

    /// Notes a result of integers that does not fit.
    #[cold]
    fn overflow(&self, what: Reads<'_>, found: Option<(f64, Vec<usize>)>) {
        let _ = self.fault.set(Error::IntegerOverflow {
            function: self.function,
            site: what.site,
            what: what.index,
            found: found.map(|(value, position)| Overflow { value, position }),
        });
    }

    /// Runs a call's checks and kernel.
    #[inline(always)]
    fn guard(&self, call: &'static str, f: impl FnOnce() -> Checked<()>) {
        if let Err(why) = f() {
            self.refuse(call, why);
        }
    }

    /// Bytes of an element.
    #[inline(always)]
    fn size(dtype: DType) -> usize {
        match dtype {
            DType::Float => size_of::<D::Float>(),
            DType::Int => 4,
            DType::Bool => 1,
        }
    }

    /// The address of a view that lies in its buffer.
    #[inline(always)]
    fn resolve(&self, view: View) -> Checked<Addr> {
        let size = Self::size(view.dtype);
        let (region, unit) = match view.space {
            Space::Param => (self.params, size_of::<D::Float>()),
            Space::Grad => (
                self.grads
                    .ok_or(Refusal::Broken("gradients are used in a run without them"))?,
                size_of::<D::Float>(),
            ),
            Space::Arena => (self.arena, 1),
            Space::State => (
                self.state
                    .ok_or(Refusal::Broken("nothing is kept in this run"))?
                    .0,
                1,
            ),
            Space::Nowhere => return Err(Refusal::Broken("an operand in memory has no buffer")),
        };
        let first = view.offset.checked_mul(unit);
        let last = view
            .len
            .checked_mul(size)
            .zip(first)
            .and_then(|(len, first)| first.checked_add(len));
        match (first, last) {
            (Some(first), Some(last)) if last <= region.bytes => {
                if first % size != 0 {
                    return Err(Refusal::Broken("an operand is not aligned"));
                }
                Ok(region.addr.wrapping_add(first))
            }
            _ => Err(Refusal::Broken("a view reaches outside its buffer")),
        }
    }

    /// A whole contiguous operand of `len` elements that is read.
    #[inline(always)]
    fn whole(&self, view: View, dtype: DType, len: Option<usize>) -> Checked<(Addr, Range)> {
        let len = len.ok_or(OUTSIDE)?;
        if view.dtype != dtype {
            return Err(TYPE);
        }
        if len > view.len {
            return Err(OUTSIDE);
        }
        let addr = self.resolve(view)?;
        // `len <= view.len`, whose bytes were found to fit.
        Ok((
            addr,
            Range {
                from: addr as usize,
                to: addr as usize + len * Self::size(dtype),
            },
        ))
    }

    /// A whole contiguous operand of `len` elements that is written.
    #[inline(always)]
    fn written(&self, view: View, dtype: DType, len: Option<usize>) -> Checked<(Addr, Range)> {
        if view.space == Space::Param {
            return Err(Refusal::Broken("parameters are only read in a run"));
        }
        self.whole(view, dtype, len)
    }

    /// A strided operand, and the addresses that it reaches.
    #[inline(always)]
    fn operand<const R: usize>(
        &self,
        shape: &[usize; R],
        input: &In<R>,
        declared: &Operand,
        fixed: bool,
    ) -> Checked<(device::Operand<R>, Range)> {
        let mut strides = input.strides;
        if fixed && R > 0 {
            // Bodies are compiled for the stride that they declare.
            let stride = match declared.inner {
                Inner::Zero => 0,
                Inner::One => 1,
                Inner::Many => strides[R - 1],
            };
            if strides[R - 1] != stride && shape[R - 1] > 1 {
                return Err(Refusal::Broken(
                    "an operand has another inner stride than its kernel",
                ));
            }
            strides[R - 1] = stride;
        }
        if declared.iota {
            let reach = (0..R).map(|d| strides[d].saturating_mul(shape[d] - 1));
            let last = reach.fold(input.start, usize::saturating_add);
            if i32::try_from(last).is_err() {
                return Err(Refusal::Positions);
            }
            let operand = device::Operand {
                addr: std::ptr::null_mut(),
                start: input.start,
                strides,
            };
            return Ok((operand, Range { from: 0, to: 0 }));
        }
        if input.view.dtype != declared.ty {
            return Err(TYPE);
        }
        let mut last = input.start;
        for d in 0..R {
            // Shapes are not empty here. Saturated sums are beyond every view.
            last = last.saturating_add(strides[d].saturating_mul(shape[d] - 1));
        }
        if last >= input.view.len {
            return Err(OUTSIDE);
        }
        let size = Self::size(declared.ty);
        let addr = self.resolve(input.view)?.wrapping_add(input.start * size);
        let from = addr as usize;
        Ok((
            device::Operand {
                addr,
                start: 0,
                strides,
            },
            Range {
                from,
                to: from + (last - input.start + 1) * size,
            },
        ))
    }

    /// Refuses outputs that overlap each other or an input that is not the output itself.
    #[inline(always)]
    fn apart<const R: usize, const I: usize, const O: usize>(
        shape: &[usize; R],
        inputs: &[(device::Operand<R>, Range); I],
        outputs: &[(Addr, Range); O],
    ) -> Checked<()> {
        for (k, (_, output)) in outputs.iter().enumerate() {
            for (operand, input) in inputs {
                if output.overlaps(*input)
                    && !(output == input && contiguous(shape, &operand.strides))
                {
                    return Err(OVERLAP);
                }
            }
            for (_, other) in &outputs[k + 1..] {
                if output.overlaps(*other) {
                    return Err(OVERLAP);
                }
            }
        }
        Ok(())
    }

    /// The operands of a body: `declared` are its inputs that are in memory.
    #[inline(always)]
    fn operands<const R: usize, const I: usize>(
        &self,
        shape: &[usize; R],
        inputs: &[In<R>; I],
        declared: &[Operand],
        fixed: bool,
    ) -> Checked<[(device::Operand<R>, Range); I]> {
        let nothing = device::Operand {
            addr: std::ptr::null_mut(),
            start: 0,
            strides: [0; R],
        };
        let mut all = [(nothing, Range { from: 0, to: 0 }); I];
        for k in 0..I {
            all[k] = self.operand(shape, &inputs[k], &declared[k], fixed)?;
        }
        Ok(all)
    }

    /// The outputs of a body.
    #[inline(always)]
    fn outputs<const O: usize>(
        &self,
        outputs: &[View; O],
        declared: &[DType],
        len: usize,
    ) -> Checked<[(Addr, Range); O]> {
        let mut all = [(std::ptr::null_mut(), Range { from: 0, to: 0 }); O];
        for k in 0..O {
            all[k] = self.written(outputs[k], declared[k], Some(len))?;
        }
        Ok(all)
    }

    /// `outputs = M(inputs)` over `shape`; outputs are contiguous.
    #[inline]
    pub fn map<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [In<R>; I],
        outputs: [View; O],
        scalars: &[f64],
    ) {
        self.guard("map", || {
            if const { M::INPUTS.len() != I || M::OUTPUTS.len() != O } {
                return Err(COUNT);
            }
            let len = product(&shape).ok_or(OUTSIDE)?;
            if len == 0 {
                return Ok(());
            }
            let inputs = self.operands(&shape, &inputs, M::INPUTS, true)?;
            let outputs = self.outputs(&outputs, M::OUTPUTS, len)?;
            Self::apart(&shape, &inputs, &outputs)?;
            // SAFETY: checked above.
            unsafe {
                self.device.map::<M, R, I, O>(
                    shape,
                    inputs.map(|i| i.0),
                    outputs.map(|o| o.0),
                    scalars,
                )
            };
            Ok(())
        });
    }

    /// `y[o, i] = reduce over n of M(inputs at (o, n, i))`.
    #[inline]
    pub fn reduce<M: MapBody, const I: usize>(
        &self,
        kind: Reduce,
        axis: Axis,
        inputs: [In<3>; I],
        scalars: &[f64],
        y: View,
    ) {
        self.guard("reduce", || {
            if let Some((operands, [y])) = self.reduced::<M, I, 1>(axis, &inputs, [y])? {
                // SAFETY: checked by `reduced`.
                unsafe { self.device.reduce::<M, I>(kind, axis, operands, scalars, y) };
            }
            Ok(())
        });
    }

    /// `y[o, i] = mean over n of M(inputs at (o, n, i))`, summed in double precision and rounded once, and
    /// `rest`, if it is given, what rounding took from that.
    pub fn mean<M: MapBody, const I: usize>(
        &self,
        axis: Axis,
        inputs: [In<3>; I],
        scalars: &[f64],
        y: View,
        rest: Option<View>,
    ) {
        self.guard("mean", || {
            let both = self.reduced::<M, I, 2>(axis, &inputs, [y, rest.unwrap_or(y)])?;
            let Some((operands, [y, other])) = both else {
                return Ok(());
            };
            let rest = rest.map(|_| other);
            if rest == Some(y) {
                return Err(OVERLAP);
            }
            // SAFETY: checked by `reduced`, and the results lie apart.
            unsafe { self.device.mean::<M, I>(axis, operands, scalars, y, rest) };
            Ok(())
        });
    }

    /// A reduction's operands and the addresses of its results, unless nothing is written. With `n == 0` no
    /// operand is read. Results that are not the same lie apart.
    #[inline(always)]
    fn reduced<M: MapBody, const I: usize, const O: usize>(
        &self,
        axis: Axis,
        inputs: &[In<3>; I],
        results: [View; O],
    ) -> Checked<Option<([device::Operand<3>; I], [Addr; O])>> {
        if const { M::INPUTS.len() != I || M::OUTPUTS.len() != 1 } {
            return Err(COUNT);
        }
        if M::OUTPUTS[0] != DType::Float {
            return Err(TYPE);
        }
        let shape = [axis.outer, axis.n, axis.inner];
        let total = product(&shape).ok_or(OUTSIDE)?;
        let len = product(&[axis.outer, axis.inner]).ok_or(OUTSIDE)?;
        if len == 0 {
            return Ok(None);
        }
        let nothing = device::Operand {
            addr: std::ptr::null_mut(),
            start: 0,
            strides: [0; 3],
        };
        let mut operands = [nothing; I];
        let mut read = [Range { from: 0, to: 0 }; I];
        if total > 0 {
            let inputs = self.operands(&shape, inputs, M::INPUTS, false)?;
            operands = inputs.map(|i| i.0);
            read = inputs.map(|i| i.1);
        }
        let mut to = [std::ptr::null_mut(); O];
        let mut written: [Range; O] = [Range { from: 0, to: 0 }; O];
        for k in 0..O {
            let y = self.written(results[k], DType::Float, Some(len))?;
            let apart = |r: &Range| !r.overlaps(y.1);
            let same = |r: &Range| *r == y.1 || apart(r);
            if !read.iter().all(apart) || !written[..k].iter().all(same) {
                return Err(OVERLAP);
            }
            (to[k], written[k]) = y;
        }
        Ok(Some((operands, to)))
    }

    /// A call that reads one block and writes another: the addresses, unless nothing is written.
    #[inline(always)]
    fn line(
        &self,
        axis: Axis,
        x: View,
        y: View,
        ty: DType,
        rows: usize,
        in_place: bool,
    ) -> Checked<Option<[Addr; 2]>> {
        let len = product(&[axis.outer, rows, axis.inner]).ok_or(OUTSIDE)?;
        if len == 0 {
            return Ok(None);
        }
        let x = self.whole(x, DType::Float, product(&[axis.outer, axis.n, axis.inner]))?;
        let y = self.written(y, ty, Some(len))?;
        if x.1.overlaps(y.1) && !(in_place && x.1 == y.1) {
            return Err(OVERLAP);
        }
        Ok(Some([x.0, y.0]))
    }

    /// Arithmetic of integers: `y = f(a, b)`, where `b` is `a` if there is one operand. `what` names the
    /// result, of which some may not fit, and its shape.
    pub fn integers(&self, f: Integers, [a, b]: [View; 2], y: View, what: Reads<'_>) {
        self.guard("integers", || {
            let (from, to) = match f {
                Integers::Add(len)
                | Integers::Sub(len)
                | Integers::Mul(len)
                | Integers::Cast(len) => (product(&[len]), product(&[len])),
                Integers::Reduce(_, axis) => (
                    product(&[axis.outer, axis.n, axis.inner]),
                    product(&[axis.outer, axis.inner]),
                ),
                Integers::CumSum(axis) => {
                    let all = product(&[axis.outer, axis.n, axis.inner]);
                    (all, all)
                }
            };
            if to == Some(0) {
                return Ok(());
            }
            let ty = match f {
                Integers::Cast(_) => DType::Float,
                _ => DType::Int,
            };
            let (a, b) = (self.whole(a, ty, from)?, self.whole(b, ty, from)?);
            let y = self.written(y, DType::Int, to)?;
            if y.1.overlaps(a.1) || y.1.overlaps(b.1) {
                return Err(OVERLAP);
            }
            let arrays = [a.0, b.0, y.0];
            // SAFETY: checked above.
            if let Err(unfit) = unsafe { self.device.integers(f, arrays, self.what(what)) } {
                let len = to.unwrap_or(0);
                let position = unravel(unfit.at, len, what.shape);
                self.overflow(what, Some((unfit.value, position)));
            }
            Ok(())
        });
    }

    /// The integer `value`, a size, in all of a view.
    pub fn integer(&self, y: View, value: f64, what: Reads<'_>) {
        match (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value) {
            true => self.fill(y, value),
            false => self.overflow(what, Some((value, Vec::new()))),
        }
    }

    /// `y[o, i]` = index of the first largest (`largest`) or smallest along n.
    pub fn arg_reduce(&self, largest: bool, axis: Axis, x: View, y: View) {
        self.guard("arg_reduce", || {
            if i32::try_from(axis.n).is_err() {
                return Err(Refusal::Positions);
            }
            if let Some([x, y]) = self.line(axis, x, y, DType::Int, 1, false)? {
                // SAFETY: checked by `line`.
                unsafe { self.device.arg_reduce(largest, axis, x, y) };
            }
            Ok(())
        });
    }

    /// Softmax or log-softmax along n; `y` may be `x`.
    pub fn softmax(&self, kind: Softmax, axis: Axis, x: View, y: View) {
        self.guard("softmax", || {
            if let Some([x, y]) = self.line(axis, x, y, DType::Float, axis.n, true)? {
                // SAFETY: checked by `line`.
                unsafe { self.device.softmax(kind, axis, x, y) };
            }
            Ok(())
        });
    }

    /// `log(sum over n of exp(x))` in two parts: `log(sum(exp(x - max)))` and `max`, or 0 where that is
    /// infinite.
    pub fn logsumexp(&self, axis: Axis, x: View, [log, max]: [View; 2]) {
        self.guard("logsumexp", || {
            let to_log = self.line(axis, x, log, DType::Float, 1, false)?;
            let to_max = self.line(axis, x, max, DType::Float, 1, false)?;
            let (Some([x, to_log]), Some([_, to_max])) = (to_log, to_max) else {
                return Ok(());
            };
            let len = product(&[axis.outer, axis.inner]);
            let log = self.whole(log, DType::Float, len)?;
            if log.1.overlaps(self.whole(max, DType::Float, len)?.1) {
                return Err(OVERLAP);
            }
            // SAFETY: checked by `line`, and the results lie apart.
            unsafe { self.device.logsumexp(axis, x, [to_log, to_max]) };
            Ok(())
        });
    }

    /// Running sums along n; `y` may be `x`.
    pub fn cumsum(&self, reverse: bool, axis: Axis, x: View, y: View) {
        self.guard("cumsum", || {
            if let Some([x, y]) = self.line(axis, x, y, DType::Float, axis.n, true)? {
                // SAFETY: checked by `line`.
                unsafe { self.device.cumsum(reverse, axis, x, y) };
            }
            Ok(())
        });
    }

    /// A call of a user's own function with arrays to read and arrays to write.
    pub fn custom<const I: usize, const O: usize>(
        &self,
        inputs: [(View, &[usize]); I],
        outputs: [(View, &[usize]); O],
        kernel: Option<custom::Kernel>,
        call: impl FnOnce(&custom::Inputs<'_, D::Float, I>, &mut custom::Outputs<'_, D::Float, O>),
    ) {
        self.guard("custom", || {
            let none = Range { from: 0, to: 0 };
            let mut read = [none; I];
            let mut written = [none; O];
            let nowhere = custom::Raw {
                addr: std::ptr::null_mut(),
                dtype: DType::Float,
                len: 0,
                shape: &[],
            };
            let (mut x, mut y) = ([nowhere; I], [nowhere; O]);
            for (k, (view, shape)) in inputs.into_iter().enumerate() {
                let len = product(shape);
                let (addr, range) = self.whole(view, view.dtype, len)?;
                let (dtype, len) = (view.dtype, len.unwrap_or(0));
                read[k] = range;
                x[k] = custom::Raw {
                    addr,
                    dtype,
                    len,
                    shape,
                };
            }
            for (k, (view, shape)) in outputs.into_iter().enumerate() {
                let len = product(shape);
                let (addr, range) = self.written(view, view.dtype, len)?;
                let (dtype, len) = (view.dtype, len.unwrap_or(0));
                let others = read.iter().chain(&written[..k]);
                if others.into_iter().any(|r| range.overlaps(*r)) {
                    return Err(OVERLAP);
                }
                written[k] = range;
                y[k] = custom::Raw {
                    addr,
                    dtype,
                    len,
                    shape,
                };
            }
            // SAFETY: each lies in its buffer, which this run holds; what is written lies apart.
            unsafe {
                self.device.custom(x, y, kernel, |x, y| {
                    call(&custom::Inputs::new(x), &mut custom::Outputs::new(y));
                });
            }
            Ok(())
        });
    }

    /// The checks that all products share; `kernel` is called unless the result is empty.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn multiply<M: MapBody, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: View,
        b: View,
        extra: &[In<3>; I],
        outputs: &[View; O],
        kernel: impl FnOnce(Addr, Addr, [device::Operand<3>; I], [Addr; O]),
    ) -> Checked<()> {
        if const { M::INPUTS.len() != I + 1 || M::OUTPUTS.len() != O } {
            return Err(COUNT);
        }
        if M::INPUTS[0].ty != DType::Float || M::INPUTS[0].iota {
            return Err(TYPE);
        }
        let Product { batch, m, n, k, .. } = size;
        let shape = [batch, m, n];
        let len = product(&shape).ok_or(OUTSIDE)?;
        if len == 0 {
            return Ok(());
        }
        let a = self.whole(a, DType::Float, product(&[batch, m, k]))?;
        let b = self.whole(b, DType::Float, product(&[batch, k, n]))?;
        let extra = self.operands(&shape, extra, &M::INPUTS[1..], true)?;
        let outputs = self.outputs(outputs, M::OUTPUTS, len)?;
        Self::apart(&shape, &extra, &outputs)?;
        if outputs
            .iter()
            .any(|o| o.1.overlaps(a.1) || o.1.overlaps(b.1))
        {
            return Err(OVERLAP);
        }
        kernel(a.0, b.0, extra.map(|e| e.0), outputs.map(|o| o.0));
        Ok(())
    }

    /// `outputs = M(C, extra..)` with `C` the product, over the (batch, m, n) grid.
    #[inline]
    pub fn product<M: MapBody, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: View,
        b: View,
        extra: [In<3>; I],
        outputs: [View; O],
        scalars: &[f64],
    ) {
        self.guard("product", || {
            self.multiply::<M, I, O>(size, a, b, &extra, &outputs, |a, b, extra, outputs| {
                // SAFETY: checked by `multiply`.
                unsafe {
                    self.device
                        .product::<M, I, O>(size, a, b, extra, outputs, scalars)
                }
            })
        });
    }

    /// The same with `n` and `k` known when compiled.
    #[inline]
    pub fn product_nk<
        M: MapBody,
        const N: usize,
        const K: usize,
        const I: usize,
        const O: usize,
    >(
        &self,
        size: Product,
        a: View,
        b: View,
        extra: [In<3>; I],
        outputs: [View; O],
        scalars: &[f64],
    ) {
        self.guard("product_nk", || {
            if size.n != N || size.k != K {
                return Err(Refusal::Broken("a product has other sizes than its kernel"));
            }
            self.multiply::<M, I, O>(size, a, b, &extra, &outputs, |a, b, extra, outputs| {
                // SAFETY: checked by `multiply`, and the sizes above.
                unsafe {
                    self.device
                        .product_nk::<M, N, K, I, O>(size, a, b, extra, outputs, scalars)
                }
            })
        });
    }

    /// The same with `m` and `n` known when compiled.
    #[inline]
    pub fn product_mn<
        M: MapBody,
        const MM: usize,
        const N: usize,
        const I: usize,
        const O: usize,
    >(
        &self,
        size: Product,
        a: View,
        b: View,
        extra: [In<3>; I],
        outputs: [View; O],
        scalars: &[f64],
    ) {
        self.guard("product_mn", || {
            if size.m != MM || size.n != N {
                return Err(Refusal::Broken("a product has other sizes than its kernel"));
            }
            self.multiply::<M, I, O>(size, a, b, &extra, &outputs, |a, b, extra, outputs| {
                // SAFETY: checked by `multiply`, and the sizes above.
                unsafe {
                    self.device
                        .product_mn::<M, MM, N, I, O>(size, a, b, extra, outputs, scalars)
                }
            })
        });
    }

    /// The checks that convolutions share: two operands that are read, with the result last.
    fn convolution(
        &self,
        g: &Convolution,
        views: [(View, Role); 2],
        result: (View, Role),
    ) -> Checked<Option<[Addr; 3]>> {
        windows(g.stride, g.padding, g.dilation, [g.x, g.kernel, g.y])?;
        let len = |part: Role| match part {
            Role::X => product(&[g.n, g.groups, g.c, g.x[0], g.x[1]]),
            Role::W => product(&[g.groups, g.o, g.c, g.kernel[0], g.kernel[1]]),
            Role::Y => product(&[g.n, g.groups, g.o, g.y[0], g.y[1]]),
        };
        if len(result.1) == Some(0) {
            return Ok(None);
        }
        let y = self.written(result.0, DType::Float, len(result.1))?;
        let mut all = [y.0; 3];
        for (addr, (view, part)) in all.iter_mut().zip(views) {
            let x = self.whole(view, DType::Float, len(part))?;
            if x.1.overlaps(y.1) {
                return Err(OVERLAP);
            }
            *addr = x.0;
        }
        Ok(Some(all))
    }

    /// The convolution y of x with w.
    pub fn convolve(&self, g: Convolution, x: View, w: View, y: View) {
        self.guard("convolve", || {
            let views = [(x, Role::X), (w, Role::W)];
            if let Some([x, w, y]) = self.convolution(&g, views, (y, Role::Y))? {
                // SAFETY: checked by `convolution`.
                unsafe { self.device.convolve(g, x, w, y) };
            }
            Ok(())
        });
    }

    /// Its adjoint in x.
    pub fn convolve_input(&self, g: Convolution, y: View, w: View, x: View) {
        self.guard("convolve_input", || {
            let views = [(y, Role::Y), (w, Role::W)];
            if let Some([y, w, x]) = self.convolution(&g, views, (x, Role::X))? {
                // SAFETY: checked by `convolution`.
                unsafe { self.device.convolve_input(g, y, w, x) };
            }
            Ok(())
        });
    }

    /// Its adjoint in w.
    pub fn convolve_weight(&self, g: Convolution, x: View, y: View, w: View) {
        self.guard("convolve_weight", || {
            let views = [(x, Role::X), (y, Role::Y)];
            if let Some([x, y, w]) = self.convolution(&g, views, (w, Role::W))? {
                // SAFETY: checked by `convolution`.
                unsafe { self.device.convolve_weight(g, x, y, w) };
            }
            Ok(())
        });
    }

    /// The position of the first largest element of each window.
    pub fn window_arg_max(&self, w: Window2, x: View, index: View) {
        self.guard("window_arg_max", || {
            windows(w.stride, w.padding, w.dilation, [w.x, w.kernel, w.y])?;
            let plane = product(&w.x).filter(|p| i32::try_from(*p).is_ok());
            plane.ok_or(Refusal::Positions)?;
            let (from, to) = (
                product(&[w.planes, w.x[0], w.x[1]]),
                product(&[w.planes, w.y[0], w.y[1]]),
            );
            if to == Some(0) {
                return Ok(());
            }
            let x = self.whole(x, DType::Float, from)?;
            let index = self.written(index, DType::Int, to)?;
            if x.1.overlaps(index.1) {
                return Err(OVERLAP);
            }
            // SAFETY: checked above.
            unsafe { self.device.window_arg_max(w, x.0, index.0) };
            Ok(())
        });
    }

    /// The checks that attention and its gradient share: q, k and v, and masks over
    /// (batch, heads, queries, keys).
    fn attending<const M: usize>(
        &self,
        g: &Attention,
        inputs: [View; 3],
        masks: &[In<4>; M],
    ) -> Checked<([Whole; 3], [Strided<4>; M])> {
        let len = |length: usize, width: usize| product(&[g.batch, g.heads, length, width]);
        // Kernels count heads also where these have nothing.
        len(1, 1).ok_or(OUTSIDE)?;
        let shape = [g.batch, g.heads, g.queries, g.keys];
        let scores = product(&shape).ok_or(OUTSIDE)?;
        let lens = [
            len(g.queries, g.width),
            len(g.keys, g.width),
            len(g.keys, g.value_width),
        ];
        let mut all = [(std::ptr::null_mut(), Range { from: 0, to: 0 }); 3];
        for ((x, view), len) in all.iter_mut().zip(inputs).zip(lens) {
            *x = self.whole(view, DType::Float, len)?;
        }
        let declared = Operand::new(DType::Float, Inner::Many);
        let nothing = device::Operand {
            addr: std::ptr::null_mut(),
            start: 0,
            strides: [0; 4],
        };
        let mut operands = [(nothing, Range { from: 0, to: 0 }); M];
        if scores > 0 {
            operands = self.operands(&shape, masks, &[declared; M], false)?;
            if masks.iter().any(|m| m.strides[3] > 1) {
                return Err(Refusal::Broken("a mask's keys do not lie side by side"));
            }
        }
        Ok((all, operands))
    }

    /// Attention: the results are `out` and `lse`, two numbers of each query.
    pub fn attention<const M: usize>(
        &self,
        g: Attention,
        inputs: [View; 3],
        masks: [In<4>; M],
        [out, lse]: [View; 2],
    ) {
        self.guard("attention", || {
            let (inputs, masks) = self.attending(&g, inputs, &masks)?;
            let rows = [g.batch, g.heads, g.queries];
            if product(&rows) == Some(0) {
                return Ok(());
            }
            let width = product(&[g.batch, g.heads, g.queries, g.value_width]);
            let out = self.written(out, DType::Float, width)?;
            let pairs = product(&[g.batch, g.heads, 2, g.queries]);
            let lse = self.written(lse, DType::Float, pairs)?;
            let read = inputs.iter().map(|x| x.1).chain(masks.iter().map(|m| m.1));
            if out.1.overlaps(lse.1) || { read }.any(|x| x.overlaps(out.1) || x.overlaps(lse.1)) {
                return Err(OVERLAP);
            }
            let (inputs, masks) = (inputs.map(|x| x.0), masks.map(|m| m.0));
            // SAFETY: checked above.
            unsafe { self.device.attention(g, inputs, &masks, [out.0, lse.0]) };
            Ok(())
        });
    }

    /// The gradients of q, k and v; `saved` are `out`, `lse` and the gradient of `out`.
    pub fn attention_grad<const M: usize>(
        &self,
        g: Attention,
        inputs: [View; 3],
        masks: [In<4>; M],
        saved: [View; 3],
        outputs: [View; 3],
    ) {
        self.guard("attention_grad", || {
            let (inputs, masks) = self.attending(&g, inputs, &masks)?;
            let pairs = product(&[g.batch, g.heads, 2, g.queries]);
            let width = product(&[g.batch, g.heads, g.queries, g.value_width]);
            let mut kept = inputs;
            for ((x, view), len) in kept.iter_mut().zip(saved).zip([width, pairs, width]) {
                *x = self.whole(view, DType::Float, len)?;
            }
            let lens = [
                product(&[g.batch, g.heads, g.queries, g.width]),
                product(&[g.batch, g.heads, g.keys, g.width]),
                product(&[g.batch, g.heads, g.keys, g.value_width]),
            ];
            let mut written = inputs;
            for k in 0..3 {
                written[k] = self.written(outputs[k], DType::Float, lens[k])?;
                let range = written[k].1;
                let read = inputs.iter().chain(&kept).map(|x| x.1);
                let others = read.chain(written[..k].iter().map(|x| x.1));
                if others
                    .chain(masks.iter().map(|m| m.1))
                    .any(|x| x.overlaps(range))
                {
                    return Err(OVERLAP);
                }
            }
            if g.batch * g.heads == 0 {
                return Ok(());
            }
            let [inputs, kept, written] = [inputs, kept, written].map(|x| x.map(|x| x.0));
            let masks = masks.map(|m| m.0);
            // SAFETY: checked above.
            unsafe { self.device.attention_grad(g, inputs, &masks, kept, written) };
            Ok(())
        });
    }

    /// A window's first address and the range that it reaches.
    #[inline(always)]
    fn window<const R: usize>(
        &self,
        shape: &[usize; R],
        window: &Window<R>,
    ) -> Checked<(Addr, Range)> {
        let (mut low, mut high) = (window.start, window.start);
        for d in 0..R {
            let reach = window.strides[d]
                .unsigned_abs()
                .saturating_mul(shape[d] - 1);
            if window.strides[d] < 0 {
                low = low.checked_sub(reach).ok_or(OUTSIDE)?;
            } else {
                high = high.saturating_add(reach);
            }
        }
        if high >= window.view.len {
            return Err(OUTSIDE);
        }
        let size = Self::size(window.view.dtype);
        let first = self.resolve(window.view)?;
        let range = Range {
            from: first as usize + low * size,
            to: first as usize + (high + 1) * size,
        };
        Ok((first.wrapping_add(window.start * size), range))
    }

    /// `dst[i] = src[i]` over `shape`.
    #[inline]
    pub fn copy<const R: usize>(&self, shape: [usize; R], src: Window<R>, dst: Window<R>) {
        self.guard("copy", || {
            if product(&shape).ok_or(OUTSIDE)? == 0 {
                return Ok(());
            }
            if src.view.dtype != dst.view.dtype {
                return Err(TYPE);
            }
            if dst.view.space == Space::Param {
                return Err(Refusal::Broken("parameters are only read in a run"));
            }
            let (from, source) = self.window(&shape, &src)?;
            let (to, target) = self.window(&shape, &dst)?;
            if source.overlaps(target) {
                return Err(OVERLAP);
            }
            // SAFETY: checked above.
            unsafe {
                self.device.copy::<R>(
                    src.view.dtype,
                    shape,
                    (from, src.strides),
                    (to, dst.strides),
                )
            };
            Ok(())
        });
    }

    /// Sets all of a view.
    #[inline]
    pub fn fill(&self, y: View, value: f64) {
        self.guard("fill", || {
            if y.len == 0 {
                return Ok(());
            }
            let (addr, _) = self.written(y, y.dtype, Some(y.len))?;
            // SAFETY: checked above.
            unsafe { self.device.fill(y.dtype, y.len, value, addr) };
            Ok(())
        });
    }

    /// The checks that indexed reads and writes share: x, index, y with their lengths.
    #[inline(always)]
    fn indexed(
        &self,
        x: (View, DType, Option<usize>),
        index: (View, Option<usize>),
        y: (View, DType, Option<usize>),
    ) -> Checked<Option<[Addr; 3]>> {
        if y.2 == Some(0) {
            return Ok(None);
        }
        let x = self.whole(x.0, x.1, x.2)?;
        let index = self.whole(index.0, DType::Int, index.1)?;
        let y = self.written(y.0, y.1, y.2)?;
        if y.1.overlaps(x.1) || y.1.overlaps(index.1) {
            return Err(OVERLAP);
        }
        Ok(Some([x.0, index.0, y.0]))
    }

    /// `y[o, c, i] = x[o, index[c], i]`, `c < count`; `what` names the op and its index.
    pub fn take(&self, axis: Axis, count: usize, x: View, index: View, y: View, what: Reads<'_>) {
        self.guard("take", || {
            let (from, to) = (
                product(&[axis.outer, axis.n, axis.inner]),
                product(&[axis.outer, count, axis.inner]),
            );
            let dtype = x.dtype;
            if let Some([x, index, y]) =
                self.indexed((x, dtype, from), (index, Some(count)), (y, dtype, to))?
            {
                // SAFETY: checked by `indexed`.
                if !unsafe {
                    self.device
                        .take(dtype, axis, count, [x, index, y], self.what(what))
                } {
                    // SAFETY: checked by `indexed`.
                    unsafe { self.out_of_range(what, axis.n, index, count) };
                }
            }
            Ok(())
        });
    }

    /// `y = x`, then `y[o, index[c], i] = source[o, c, i]`, `c < count`; `y` may be `x`.
    #[allow(clippy::too_many_arguments)]
    pub fn put(
        &self,
        axis: Axis,
        count: usize,
        x: View,
        index: View,
        source: View,
        y: View,
        what: Reads<'_>,
    ) {
        if x != y {
            self.assign(x, y);
        }
        self.guard("put", || {
            let (to, from) = (
                product(&[axis.outer, axis.n, axis.inner]),
                product(&[axis.outer, count, axis.inner]),
            );
            if from == Some(0) {
                return Ok(());
            }
            let dtype = y.dtype;
            if let Some([source, index, y]) =
                self.indexed((source, dtype, from), (index, Some(count)), (y, dtype, to))?
            {
                // SAFETY: checked by `indexed`.
                if !unsafe {
                    self.device
                        .put(dtype, axis, count, [source, index, y], self.what(what))
                } {
                    // SAFETY: checked by `indexed`.
                    unsafe { self.out_of_range(what, axis.n, index, count) };
                }
            }
            Ok(())
        });
    }

    /// `dx = 0; dx[o, index[c], i] += dy[o, c, i]`.
    pub fn take_grad(
        &self,
        axis: Axis,
        count: usize,
        dy: View,
        index: View,
        dx: View,
        what: Reads<'_>,
    ) {
        self.guard("take_grad", || {
            let (to, from) = (
                product(&[axis.outer, axis.n, axis.inner]),
                product(&[axis.outer, count, axis.inner]),
            );
            let float = DType::Float;
            if let Some([dy, index, dx]) =
                self.indexed((dy, float, from), (index, Some(count)), (dx, float, to))?
            {
                // SAFETY: checked by `indexed`.
                if !unsafe {
                    self.device
                        .take_grad(axis, count, [dy, index, dx], self.what(what))
                } {
                    // SAFETY: checked by `indexed`.
                    unsafe { self.out_of_range(what, axis.n, index, count) };
                }
            }
            Ok(())
        });
    }

    /// `y[o, j, i] = x[o, index[o, j, i], i]`, `j < count`.
    pub fn gather(&self, axis: Axis, count: usize, x: View, index: View, y: View, what: Reads<'_>) {
        self.guard("gather", || {
            let (from, to) = (
                product(&[axis.outer, axis.n, axis.inner]),
                product(&[axis.outer, count, axis.inner]),
            );
            let dtype = x.dtype;
            if let Some([x, index, y]) =
                self.indexed((x, dtype, from), (index, to), (y, dtype, to))?
            {
                // SAFETY: checked by `indexed`.
                if !unsafe {
                    self.device
                        .gather(dtype, axis, count, [x, index, y], self.what(what))
                } {
                    // SAFETY: checked by `indexed`.
                    unsafe { self.out_of_range(what, axis.n, index, to.unwrap_or(0)) };
                }
            }
            Ok(())
        });
    }

    /// `dx = 0; dx[o, index[o, j, i], i] += dy[o, j, i]`.
    pub fn gather_grad(
        &self,
        axis: Axis,
        count: usize,
        dy: View,
        index: View,
        dx: View,
        what: Reads<'_>,
    ) {
        self.guard("gather_grad", || {
            let (to, from) = (
                product(&[axis.outer, axis.n, axis.inner]),
                product(&[axis.outer, count, axis.inner]),
            );
            let float = DType::Float;
            if let Some([dy, index, dx]) =
                self.indexed((dy, float, from), (index, from), (dx, float, to))?
            {
                // SAFETY: checked by `indexed`.
                if !unsafe {
                    self.device
                        .gather_grad(axis, count, [dy, index, dx], self.what(what))
                } {
                    // SAFETY: checked by `indexed`.
                    unsafe { self.out_of_range(what, axis.n, index, from.unwrap_or(0)) };
                }
            }
            Ok(())
        });
    }

    /// The random numbers of a drawing node.
    pub fn stream(&self, node: u64) -> Stream {
        Stream {
            seed: self.seed,
            step: self.step,
            node,
        }
    }

    /// Booleans, true with probability `keep`; `node` is the drawing node's number.
    pub fn bernoulli(&self, keep: f64, node: u64, y: View) {
        self.guard("bernoulli", || {
            if y.len == 0 {
                return Ok(());
            }
            let (addr, _) = self.written(y, DType::Bool, Some(y.len))?;
            // SAFETY: checked above.
            unsafe { self.device.bernoulli(keep, self.stream(node), y.len, addr) };
            Ok(())
        });
    }
}

/// Whether positions of windows can be computed without overflow; strides and dilations are not 0.
fn windows(
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    sizes: [[usize; 2]; 3],
) -> Checked<()> {
    const LIMIT: usize = 1 << 30;
    let numbers = [stride, padding, dilation, sizes[0], sizes[1], sizes[2]];
    let small = numbers.iter().flatten().all(|n| *n < LIMIT);
    let steps = stride.iter().chain(&dilation).all(|n| *n > 0);
    (small && steps)
        .then_some(())
        .ok_or(Refusal::Broken("windows are out of bounds"))
}

/// Element `at` of `len` as a place in an array of this shape; in a flat one if the shape is another's.
fn unravel(at: usize, len: usize, shape: &[usize]) -> Vec<usize> {
    if product(shape) != Some(len) {
        return vec![at];
    }
    let mut place = vec![0; shape.len()];
    let mut rest = at;
    for (to, size) in place.iter_mut().zip(shape).rev() {
        (*to, rest) = (rest % size, rest / size);
    }
    place
}

/// The number of elements, if it can be counted.
#[inline(always)]
fn product(shape: &[usize]) -> Option<usize> {
    let mut total = 1usize;
    for &d in shape {
        if d == 0 {
            return Some(0);
        }
        total = total.saturating_mul(d);
    }
    // Kernels compute with bytes and signed offsets.
    (total <= isize::MAX as usize / 8).then_some(total)
}

/// Whether strides are those of a contiguous block.
#[inline(always)]
fn contiguous<const R: usize>(shape: &[usize; R], strides: &[usize; R]) -> bool {
    let mut next = 1;
    for d in (0..R).rev() {
        if shape[d] > 1 {
            if strides[d] != next {
                return false;
            }
            next *= shape[d];
        }
    }
    true
}
