//! A step on a device that repeats runs as a whole: its calls are recorded once, and what differs from
//! step to step, the scalars, is written to the device before.

use std::hash::{Hash, Hasher};

use super::bound::Segment;
use super::clip::{Clip, Order, Root, coefficient};
use super::rule::{MOMENTS, Noted, Place, SCALARS, Scalars, operands, results};
use crate::device::{Addr, Operand};
use crate::{DType, Device, Float, Formula, Real, Reals, Result, map};

/// A segment's addresses, as numbers so that they may be sent to other threads.
pub(super) struct Part {
    pub(super) segment: Segment,
    /// Steps go up the gradient.
    up: bool,
    /// Parameter, gradient, moments; 0 where there is none.
    addrs: [usize; 2 + MOMENTS],
}

impl Part {
    pub(super) fn new<D: Device>(segment: &Segment, up: bool, place: &Place<'_, D>) -> Self {
        let mut addrs = [0; 2 + MOMENTS];
        let all = [Some(place.param), Some(place.grad)];
        let all = all.into_iter().chain(place.moments);
        for (to, from) in addrs.iter_mut().zip(all) {
            *to = from.map_or(0, Addr::expose_provenance);
        }
        Self {
            segment: *segment,
            up,
            addrs,
        }
    }

    fn addr(&self, k: usize) -> Addr {
        std::ptr::with_exposed_provenance_mut(self.addrs[k])
    }

    pub(super) fn place<'a, D: Device>(&self, device: &'a D, scalars: Addr) -> Place<'a, D> {
        let moment = |k: usize| (self.addrs[2 + k] != 0).then(|| self.addr(2 + k));
        Place {
            scalars: Scalars::Later(scalars),
            device,
            len: self.segment.len,
            param: self.addr(0),
            grad: self.addr(1),
            moments: [0, 1, 2].map(moment),
        }
    }
}

/// What a recorded step refers to.
pub(super) struct Later<D: Device> {
    pub(super) parts: Vec<Part>,
    /// The gradients over which the norm is taken: an address and a number of floats for each.
    pub(super) pieces: Vec<(usize, usize)>,
    pub(super) noted: Noted,
    /// [`SCALARS`] for each part, then those of clipping.
    scalars: D::Buffer,
    /// Norms of the pieces, and of all.
    norms: D::Buffer,
    floats: Vec<D::Float>,
}

impl<D: Device> Later<D> {
    /// For steps of so many parameters at most.
    pub(super) fn new(device: &D, params: usize) -> Result<Self> {
        let float = size_of::<D::Float>();
        Ok(Self {
            parts: Vec::with_capacity(params),
            pieces: Vec::with_capacity(params),
            noted: Noted::default(),
            scalars: device.alloc((params * SCALARS + 2) * float)?,
            norms: device.alloc((params + 1) * float)?,
            floats: Vec::new(),
        })
    }

    /// The pieces of gradients whose norm is taken, of these parameters.
    pub(super) fn cut(&mut self, order: Order, params: impl Iterator<Item = (usize, usize)>) {
        self.pieces.clear();
        match order.skips_zeros() {
            // Fewer and longer ones, with the padding.
            true => {
                let parts = self.parts.iter().map(|p| (p.addrs[1], p.segment.len));
                self.pieces.extend(parts);
            }
            false => self.pieces.extend(params.filter(|p| p.1 > 0)),
        }
    }

    /// Writes the scalars; returns what tells this step's calls from those of others.
    pub(super) fn write(&mut self, device: &D, clip: &Clip, name: &str) -> Result<u64> {
        let max = clip.norm.map_or(0.0, |n| n.0);
        let order = clip.norm.map(|n| Order::of(n.1));
        self.floats.clear();
        let values = self.noted.values.drain(..);
        let values = values.chain([max, order.map_or(0.0, Order::inverse)]);
        self.floats.extend(values.map(D::Float::from_f64));
        let bytes = bytemuck::cast_slice(&self.floats);
        // SAFETY: `new` has made room for the scalars of as many parts as there are parameters, and two more.
        unsafe { device.write(D::addr(&self.scalars), bytes)? };
        let mut hash = std::mem::take(&mut self.noted.hash);
        name.hash(&mut hash);
        order.map(Order::bits).hash(&mut hash);
        self.pieces.hash(&mut hash);
        // The recorded calls refer to these: another optimizer has others.
        for buffer in [&self.scalars, &self.norms] {
            (D::addr(buffer) as usize).hash(&mut hash);
        }
        for part in &self.parts {
            (part.addrs, part.segment.len, part.up).hash(&mut hash);
        }
        // 0 is a run without a step.
        Ok(hash.finish().max(1))
    }

    /// Where part `k` finds its scalars.
    pub(super) fn scalars(&self, k: usize) -> Addr {
        D::addr(&self.scalars).wrapping_add(k * SCALARS * size_of::<D::Float>())
    }

    /// Computes what gradients are multiplied with, and leaves it with every part's scalars.
    pub(super) fn clip(&self, device: &D, clip: &Clip) {
        let Some((_, norm)) = clip.norm else { return };
        let order = Order::of(norm);
        let at = |i: usize| D::addr(&self.norms).wrapping_add(i * size_of::<D::Float>());
        let (count, total) = (self.pieces.len(), at(self.pieces.len()));
        if count == 0 {
            return;
        }
        let max = self.scalars(self.parts.len());
        let norm_of_all = || {
            [Operand {
                addr: total,
                start: 0,
                strides: [1],
            }]
        };
        // SAFETY: gradients, norms and scalars lie in their buffers, which are alive; results are apart
        // from operands.
        unsafe {
            for (i, (grad, len)) in self.pieces.iter().enumerate() {
                order.sum(
                    device,
                    *len,
                    std::ptr::with_exposed_provenance_mut(*grad),
                    at(i),
                );
            }
            order.sum_of_sums(device, count, at(0), total);
            for (k, part) in self.parts.iter().enumerate() {
                let (x, to) = (norm_of_all(), [self.scalars(k)]);
                match (order.root(), part.up) {
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

/// [`coefficient`] of the norm scalar 0. The norm is the operand, with `ROOT` its
/// square root or its power of scalar 1. With `UP` the sign is turned.
struct Coefficient<const ROOT: u8, const UP: bool>;

impl<const ROOT: u8, const UP: bool> Formula for Coefficient<ROOT, UP> {
    const INPUTS: &'static [map::Operand] = operands(1);
    const OUTPUTS: &'static [DType] = results(1);
    #[inline(always)]
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
