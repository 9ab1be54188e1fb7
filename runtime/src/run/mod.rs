//! One execution of a plan: takes checked calls and runs kernels on resolved addresses.
//!
//! Every call here is safe. It resolves each [`View`] to an address after checking that all of the elements that the
//! kernel accesses lie in the view and the view in its buffer, that types are as the body declares, and that the
//! outputs overlap nothing else that the call uses (except a map's operand that is the output itself, element for
//! element). A call that fails a check is skipped, and [`Run::finish`] returns the first such error. Checks are a few
//! comparisons for each operand.

mod call;
mod custom;
mod fault;
mod fused;
mod listing;
mod operand;
mod place;
mod refusal;

use std::cell::OnceCell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use self::fault::unravel;
pub use self::listing::{Args, Listing};
use self::place::{Places, Region, product};
use self::refusal::{OUTSIDE, OVERLAP, Refusal, TYPE};
use crate::device::{self, Addr, Stream};
use crate::map::{SameBool, SameInt};
use crate::{DType, Device, Error, Identity, MapBody, Offset, Result, Space, View, Window};

/// An execution of a plan on borrowed buffers.
pub struct Run<'a, D: Device> {
    device: &'a D,
    function: &'static str,
    places: Places,
    /// The first byte of each slot in the workspace.
    offsets: &'a [usize],
    /// The first byte of each kept value.
    kept: &'a [usize],
    /// Buffers may be written.
    training: bool,
    seed: u64,
    step: u64,
    fault: OnceCell<Error>,
    /// The poison flag of the parameters, if they belong to a network.
    poisoned: Option<&'a AtomicBool>,
    /// The run has exclusive access to the gradients and the workspace.
    exclusive: PhantomData<&'a mut D::Buffer>,
}

impl<'a, D: Device> Run<'a, D> {
    /// A run of `function`: reads `params`, reads and writes `grads` (if there are any) and
    /// `arena`, in which slot k begins at byte `offsets[k]`.
    ///
    /// # Safety
    /// With gradients, the run may [`update`](Self::update) parameters: while it lives, nothing else reads or writes
    /// `params`. Without them, nothing else writes `params`.
    #[allow(clippy::too_many_arguments)]
    pub unsafe fn new(
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
            training: grads.is_some(),
            places: Places {
                params: Region::of::<D>(params),
                grads: grads.map(|g| Region::of::<D>(g)),
                arena: Region::of::<D>(arena),
                state: None,
            },
            offsets,
            kept: &[],
            seed,
            step,
            fault: OnceCell::new(),
            poisoned: None,
            exclusive: PhantomData,
        }
    }

    /// The addresses of its buffers: parameters, gradients, workspace, kept state.
    pub(crate) fn buffers(&self) -> [usize; 4] {
        let of = |region: Option<Region>| region.map_or(0, |r| r.addr as usize);
        [
            of(Some(self.places.params)),
            of(self.places.grads),
            of(Some(self.places.arena)),
            of(self.places.state),
        ]
    }

    /// Adds the state that is kept from call to call: value k begins at byte `offsets[k]`.
    pub fn with_state(mut self, buffer: &'a mut D::Buffer, offsets: &'a [usize]) -> Self {
        self.places.state = Some(Region::of::<D>(buffer));
        self.kept = offsets;
        self
    }

    /// Adds the poison flag of the parameters. The first buffer that is written among them sets it; the caller clears it
    /// after the run has succeeded.
    pub(crate) fn with_poison(mut self, poisoned: &'a AtomicBool) -> Self {
        self.poisoned = Some(poisoned);
        self
    }

    /// Lets the run [`update`](Self::update) parameters.
    ///
    /// # Safety
    /// While it lives, nothing else reads or writes the parameters.
    pub(crate) unsafe fn with_updates(mut self) -> Self {
        self.training = true;
        self
    }

    /// `len` elements of kept value `k`.
    #[inline]
    pub fn state(&self, k: usize, dtype: DType, len: usize) -> View {
        View {
            space: Space::State,
            dtype,
            offset: self.kept.get(k).copied().unwrap_or(usize::MAX),
            len,
        }
    }

    /// Writes the next value of a buffer among the parameters, unless the run has failed.
    pub fn update(&self, from: View, to: View) {
        if self.fault.get().is_some() {
            return;
        }
        self.guard("update", || {
            if from.len != to.len || from.dtype != to.dtype {
                return Err(TYPE);
            }
            if !self.training || to.space != Space::Param || from.space == Space::Param {
                return Err(Refusal::Broken("buffers are written in training"));
            }
            if to.len == 0 {
                return Ok(());
            }
            let (dtype, len) = (to.dtype, to.len);
            let (from, to) = (self.resolve(from)?, self.resolve(to)?);
            if let (Some(poisoned), false) = (self.poisoned, self.device.failing()) {
                poisoned.store(true, Ordering::Relaxed);
            }
            // SAFETY: both views lie in their buffers, which differ, and have this type; training holds the parameters
            // alone, through the network's `&mut self`.
            unsafe {
                match dtype {
                    DType::Float => self.overwrite::<Identity>(len, from, to),
                    DType::Int => self.overwrite::<SameInt>(len, from, to),
                    DType::Bool => self.overwrite::<SameBool>(len, from, to),
                }
            }
            Ok(())
        });
    }

    /// `to = from` of `len` elements, unless the run has failed on the device.
    ///
    /// # Safety
    /// Both hold `len` elements of the type of `M`, an identity; `to` may be written.
    unsafe fn overwrite<M: MapBody>(&self, len: usize, from: Addr, to: Addr) {
        let from = device::Operand {
            addr: from,
            start: 0,
            strides: [1],
        };
        // SAFETY: the caller's. An identity has no scalars.
        unsafe {
            let none = (std::ptr::null_mut(), 0);
            self.device
                .map_guarded::<M, 1, 1, 1>([len], [from], [to], none);
        }
    }

    /// `len` elements of slot `k` of the workspace.
    #[inline]
    pub fn slot(&self, k: usize, dtype: DType, len: usize) -> View {
        // A slot that does not exist is placed beyond any buffer, so each use of it is refused.
        let offset = self.offsets.get(k).copied().unwrap_or(usize::MAX);
        View {
            space: Space::Arena,
            dtype,
            offset,
            len,
        }
    }

    /// `len` floats of slot `k` of the workspace.
    #[inline]
    pub fn floats(&self, k: usize, len: usize) -> View {
        self.slot(k, DType::Float, len)
    }

    /// `len` floats of the parameters from `offset` on.
    #[inline]
    pub fn param(&self, offset: Offset, len: usize) -> View {
        self.buffer(offset, DType::Float, len)
    }

    /// `len` elements of a buffer among the parameters.
    #[inline]
    pub fn buffer(&self, offset: Offset, dtype: DType, len: usize) -> View {
        View {
            space: Space::Param,
            dtype,
            offset: offset.in_bytes(size_of::<D::Float>()),
            len,
        }
    }

    /// `len` gradients of the parameters from `offset` on.
    #[inline]
    pub fn grad(&self, offset: Offset, len: usize) -> View {
        View {
            space: Space::Grad,
            ..self.param(offset, len)
        }
    }

    /// `len` floats of parameter `p`. rustc takes longer for an index in emitted code than for an argument.
    #[inline]
    pub fn param_of(&self, places: &[Offset], p: usize, len: usize) -> View {
        self.param(place(places, p), len)
    }

    /// `len` elements of buffer `p`.
    #[inline]
    pub fn buffer_of(&self, places: &[Offset], p: usize, dtype: DType, len: usize) -> View {
        self.buffer(place(places, p), dtype, len)
    }

    /// `len` gradients of parameter `p`.
    #[inline]
    pub fn grad_of(&self, places: &[Offset], p: usize, len: usize) -> View {
        self.grad(place(places, p), len)
    }

    /// The part of a view that step `step` of a loop uses: `len` elements after those of the steps before.
    #[inline]
    pub fn part(&self, whole: View, step: usize, len: usize) -> View {
        let first = step.saturating_mul(len);
        let unit = Self::size(whole.dtype);
        let lies_within = first.saturating_add(len) <= whole.len;
        View {
            // A part outside of the view is placed beyond any buffer, so each use of it is refused.
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

    /// The first error of the run, if there was one.
    pub fn finish(mut self) -> Result<()> {
        self.fault()
    }

    /// The same while the run continues.
    pub(crate) fn fault(&mut self) -> Result<()> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// The random numbers of a drawing node.
    pub fn stream(&self, node: u64) -> Stream {
        Stream {
            seed: self.seed,
            step: self.step,
            node,
        }
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
}

/// The place of a parameter. One that does not exist is beyond any buffer, so each use of it is refused.
fn place(places: &[Offset], p: usize) -> Offset {
    let nowhere = Offset::of_floats(usize::MAX);
    places.get(p).copied().unwrap_or(nowhere)
}
