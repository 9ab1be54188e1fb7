//! A step on a device that repeats runs as a whole: its calls are recorded once, and what differs from
//! step to step, the scalars, is written to the device before.

use std::hash::{Hash, Hasher};

use super::bound::Segment;
use super::clip::{Abs, Clip, Norm, Square};
use super::rule::{MOMENTS, Noted, Place, SCALARS, Scalars, operands, results};
use crate::device::{Addr, Axis, Operand, Reduce};
use crate::{DType, Device, Float, Formula, Identity, Real, Reals, Result, map};

/// A segment's addresses, as numbers so that they may be sent to other threads.
pub(super) struct Part {
    pub(super) segment: Segment,
    /// Parameter, gradient, moments; 0 where there is none.
    addrs: [usize; 2 + MOMENTS],
}

impl Part {
    pub(super) fn new<D: Device>(segment: &Segment, place: &Place<'_, D>) -> Self {
        let mut addrs = [0; 2 + MOMENTS];
        let all = [Some(place.param), Some(place.grad)];
        let all = all.into_iter().chain(place.moments);
        for (to, from) in addrs.iter_mut().zip(all) {
            *to = from.map_or(0, Addr::expose_provenance);
        }
        Self {
            segment: *segment,
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
    pub(super) noted: Noted,
    /// The moments were made in this step.
    pub(super) fresh: bool,
    /// [`SCALARS`] for each part, and what the norm of gradients may be at most.
    scalars: D::Buffer,
    /// Norms of the parts, and of all.
    norms: D::Buffer,
    floats: Vec<D::Float>,
}

impl<D: Device> Later<D> {
    pub(super) fn new(device: &D, segments: usize) -> Result<Self> {
        let float = size_of::<D::Float>();
        Ok(Self {
            parts: Vec::new(),
            noted: Noted::default(),
            fresh: false,
            scalars: device.alloc((segments * SCALARS + 1) * float)?,
            norms: device.alloc((segments + 1) * float)?,
            floats: Vec::new(),
        })
    }

    /// Writes the scalars; returns what tells this step's calls from those of others.
    pub(super) fn write(&mut self, device: &D, clip: &Clip, name: &str) -> Result<u64> {
        let max = clip.norm.map_or(0.0, |n| n.0);
        self.floats.clear();
        let values = self.noted.values.drain(..).chain([max]);
        self.floats.extend(values.map(D::Float::from_f64));
        let bytes = bytemuck::cast_slice(&self.floats);
        // SAFETY: `new` has made room for the scalars of as many parts as there are segments, and one more.
        unsafe { device.write(D::addr(&self.scalars), bytes)? };
        let mut hash = std::mem::take(&mut self.noted.hash);
        name.hash(&mut hash);
        clip.norm.map(|n| n.1 == Norm::L2).hash(&mut hash);
        // The recorded calls refer to these: another optimizer has others.
        for buffer in [&self.scalars, &self.norms] {
            (D::addr(buffer) as usize).hash(&mut hash);
        }
        for part in &self.parts {
            part.addrs.hash(&mut hash);
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
        let at = |i: usize| D::addr(&self.norms).wrapping_add(i * size_of::<D::Float>());
        let along = |addr| Operand {
            addr,
            start: 0,
            strides: [0, 1, 0],
        };
        let axis = |n| Axis {
            outer: 1,
            n,
            inner: 1,
        };
        let (count, total) = (self.parts.len(), at(self.parts.len()));
        let kind = match norm {
            Norm::L2 => Reduce::Sum,
            Norm::Inf => Reduce::Max,
        };
        // SAFETY: gradients, norms and scalars lie in their buffers, which are alive; results are apart
        // from operands.
        unsafe {
            for (i, part) in self.parts.iter().enumerate() {
                let (axis, x) = (axis(part.segment.len), [along(part.addr(1))]);
                match norm {
                    Norm::L2 => device.reduce::<Square, 1>(kind, axis, x, &[], at(i)),
                    Norm::Inf => device.reduce::<Abs, 1>(kind, axis, x, &[], at(i)),
                }
            }
            device.reduce::<Identity, 1>(kind, axis(count), [along(at(0))], &[], total);
            let max = self.scalars(count);
            for k in 0..count {
                let norm_of_all = [Operand {
                    addr: total,
                    start: 0,
                    strides: [1],
                }];
                let to = [self.scalars(k)];
                match norm {
                    Norm::L2 => {
                        device.map_guarded::<Coefficient<true>, 1, 1, 1>([1], norm_of_all, to, max)
                    }
                    Norm::Inf => {
                        device.map_guarded::<Coefficient<false>, 1, 1, 1>([1], norm_of_all, to, max)
                    }
                }
            }
        }
    }
}

/// `min(scalar 0 / (norm + 1e-6), 1)`: PyTorch's, and NaN stays NaN. With `ROOT` the norm is the root of
/// the operand.
struct Coefficient<const ROOT: bool>;

impl<const ROOT: bool> Formula for Coefficient<ROOT> {
    const INPUTS: &'static [map::Operand] = operands(1);
    const OUTPUTS: &'static [DType] = results(1);
    #[inline(always)]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let x = l.float(0);
        let norm = if ROOT { x.sqrt() } else { x };
        let c = l.scalar(0) / (norm + V::splat(1e-6));
        l.put_float(0, c.min(V::splat(1.0)));
    }
}
