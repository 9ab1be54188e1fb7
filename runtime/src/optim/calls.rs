//! The calls of a step: prepared before it runs, and made as part of a run, which a device may replay as a whole. The
//! values that differ from step to step, the scalars, are written to the device before.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::Rule;
use super::clip::{Clip, Order, Root, coefficient, sum_all};
use super::formula::{Addrs, Call, Update, operands, results};
use super::rule::Now;
use super::segment::Segment;
use crate::cpu::SCALARS;
use crate::device::{Addr, Operand};
use crate::{DType, Device, Float, Formula, OptimizerProblem, Real, Reals, Result, map};

/// The work of a step on the device.
pub(super) struct Calls<D: Device> {
    /// One for each segment.
    calls: Vec<Call<D>>,
    /// The gradients whose norm is computed: an address and a number of floats for each.
    pieces: Vec<(usize, usize)>,
    /// [`SCALARS`] for each call, then those of clipping.
    values: Vec<D::Float>,
    /// The same on the device.
    scalars: D::Buffer,
    /// Norms of the pieces, and of all. Allocated at first use.
    norms: Option<D::Buffer>,
    /// The maximum number of parameters.
    params: usize,
}

impl<D: Device> Calls<D> {
    /// For steps of at most `params` parameters.
    pub(super) fn new(device: &D, params: usize) -> Result<Self> {
        Ok(Self {
            calls: Vec::with_capacity(params),
            pieces: Vec::with_capacity(params),
            values: Vec::with_capacity(params * SCALARS + 2),
            scalars: device.alloc((params * SCALARS + 2) * size_of::<D::Float>())?,
            norms: None,
            params,
        })
    }

    /// Begins a new step.
    pub(super) fn clear(&mut self) {
        self.calls.clear();
        self.pieces.clear();
        self.values.clear();
    }

    /// Asks a rule for the call of a segment, whose buffers are at these addresses: parameter, gradient, and all
    /// moments, 0 for missing ones. Gradients are clamped to `limit`.
    pub(super) fn ask<R: Rule>(
        &mut self,
        rule: &R,
        (segment, lr): (&Segment, f64),
        addrs: Addrs,
        limit: f64,
    ) -> std::result::Result<(), OptimizerProblem> {
        let up = rule.maximize();
        let now = Now {
            lr,
            t: segment.after.t,
            carried: segment.after.carried,
            fresh: !segment.before.begun,
        };
        let at = self.values.len();
        let float = D::Float::from_f64;
        self.values.resize(at + SCALARS, float(0.0));
        let scalars = &mut self.values[at..];
        scalars[0] = float(if up { -1.0 } else { 1.0 });
        scalars[1] = float(limit);
        let mut call = Call::new(addrs, segment.len, up);
        let update = Update {
            call: &mut call,
            scalars,
        };
        rule.update(&now, update)?;
        if !call.is_chosen() {
            return Err(OptimizerProblem::NoFormula);
        }
        self.calls.push(call);
        Ok(())
    }

    /// Makes the step compute the norm of the gradients of these parameters: an address and a number of floats for
    /// each.
    pub(super) fn measure(
        &mut self,
        device: &D,
        (max, order): (f64, Order),
        params: impl Iterator<Item = (usize, usize)>,
    ) -> Result<()> {
        match order.skips_zeros() {
            // Fewer and longer pieces, which include the padding.
            true => (self.pieces).extend(self.calls.iter().map(|c| (c.addrs[1], c.len))),
            false => self.pieces.extend(params.filter(|p| p.1 > 0)),
        }
        self.values
            .extend([max, order.inverse()].map(D::Float::from_f64));
        if self.norms.is_none() {
            self.norms = Some(device.alloc((self.params + 1) * size_of::<D::Float>())?);
        }
        Ok(())
    }

    /// Writes the scalars.
    pub(super) fn write(&self, device: &D) -> Result<()> {
        let bytes = bytemuck::cast_slice(&self.values);
        // SAFETY: `new` has made room for the scalars of as many calls as there are parameters, and two more.
        unsafe { device.write(D::addr(&self.scalars), bytes) }
    }

    /// The key that distinguishes this step's calls from others. It is not 0, the key of a run without a step.
    pub(super) fn key(&self, clip: &Clip) -> u64 {
        let mut hash = DefaultHasher::new();
        clip.norm.map(|n| Order::of(n.1).bits()).hash(&mut hash);
        self.pieces.hash(&mut hash);
        // The recorded calls refer to these buffers. Other optimizers have other buffers.
        for buffer in [Some(&self.scalars), self.norms.as_ref()] {
            buffer.map(|b| D::addr(b) as usize).hash(&mut hash);
        }
        for call in &self.calls {
            (call.id, call.addrs, call.len, call.up).hash(&mut hash);
        }
        hash.finish().max(1)
    }

    /// The address of the scalars of call `k`.
    fn scalars(&self, k: usize) -> Addr {
        D::addr(&self.scalars).wrapping_add(k * SCALARS * size_of::<D::Float>())
    }

    /// Makes the calls.
    ///
    /// # Safety
    /// The buffers are those for which the calls were prepared, and nothing else uses them now.
    pub(super) unsafe fn run(&self, device: &D, clip: &Clip) {
        if let Some((_, norm)) = clip.norm {
            self.clip(device, Order::of(norm));
        }
        for (k, call) in self.calls.iter().enumerate() {
            // SAFETY: the caller's; `write` has written the scalars.
            unsafe { call.run(device, self.scalars(k)) };
        }
    }

    /// Computes the factor of the gradients, and stores it with every call's scalars.
    fn clip(&self, device: &D, order: Order) {
        let Some(norms) = &self.norms else { return };
        let pieces = self.pieces.iter();
        let pieces = pieces.map(|(at, len)| (std::ptr::with_exposed_provenance_mut(*at), *len));
        // SAFETY: the gradients are alive; `measure` has made room for the norm of each and of all.
        let count = unsafe { sum_all(device, order, pieces, D::addr(norms)) };
        if count == 0 {
            return;
        }
        let total = D::addr(norms).wrapping_add(count * size_of::<D::Float>());
        let max = (self.scalars(self.calls.len()), 2);
        let norm_of_all = || {
            [Operand {
                addr: total,
                start: 0,
                strides: [1],
            }]
        };
        // SAFETY: norms and scalars lie in their buffers, which are alive; results are apart from operands.
        unsafe {
            for (k, call) in self.calls.iter().enumerate() {
                let (x, to) = (norm_of_all(), [self.scalars(k)]);
                match (order.root(), call.up) {
                    (Root::None, false) => {
                        device.map_guarded::<Coefficient<NONE, false>, 1, 1, 1>([1], x, to, max)
                    }
                    (Root::None, true) => {
                        device.map_guarded::<Coefficient<NONE, true>, 1, 1, 1>([1], x, to, max)
                    }
                    (Root::Square, false) => {
                        device.map_guarded::<Coefficient<SQUARE, false>, 1, 1, 1>([1], x, to, max)
                    }
                    (Root::Square, true) => {
                        device.map_guarded::<Coefficient<SQUARE, true>, 1, 1, 1>([1], x, to, max)
                    }
                    (Root::Any, false) => {
                        device.map_guarded::<Coefficient<ANY, false>, 1, 1, 1>([1], x, to, max)
                    }
                    (Root::Any, true) => {
                        device.map_guarded::<Coefficient<ANY, true>, 1, 1, 1>([1], x, to, max)
                    }
                }
            }
        }
    }
}

const NONE: u8 = 0;
const SQUARE: u8 = 1;
const ANY: u8 = 2;

/// [`coefficient`] of the norm scalar 0. The norm is the operand or, depending on `ROOT`, its square root or its power
/// with exponent scalar 1. With `UP` the sign is changed.
struct Coefficient<const ROOT: u8, const UP: bool>;

impl<const ROOT: u8, const UP: bool> Formula for Coefficient<ROOT, UP> {
    const INPUTS: &'static [map::Operand] = operands(1);
    const OUTPUTS: &'static [DType] = results(1);
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let x = l.float(0);
        let norm = match ROOT {
            SQUARE => x.sqrt(),
            ANY => x.pow(l.scalar(1)),
            _ => x,
        };
        let c = coefficient(l.scalar(0), norm);
        l.put_float(0, if UP { -c } else { c });
    }
}
