//! What distinguishes optimizers: a formula over (parameter, gradient, moments), element by element.
//!
//! A rule's formula is a [`MapBody`] like any fused map that the macro emits: operand 0 is the
//! parameter, 1 the gradient, the others moments; results are the parameter and the moments, in
//! place. Scalars 0 and 1 are those of clipping, the rest are the rule's.

use crate::MapBody;
use std::any::TypeId;
use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash};
use std::ops::{Bound, RangeBounds};

use crate::device::{Addr, Operand};
use crate::map;
use crate::{DType, Device, Inner, Real, Reals};

/// The most moments that a rule keeps.
pub(super) const MOMENTS: usize = 3;

/// An optimizer's formula and settings.
pub trait Rule: Copy + Send + Sync + 'static {
    /// PyTorch's name of the optimizer.
    const NAME: &'static str;
    /// PyTorch's names of the moments, at most three.
    const MOMENTS: &'static [&'static str];
    /// The setting that decides whether moment `k` is kept, if it stays the same for the optimizer's life:
    /// checkpoints with the other value do not fit.
    fn kept_by(k: usize) -> Option<&'static str> {
        let _ = k;
        None
    }
    /// Whether moment `k` is kept with these settings.
    fn uses(&self, k: usize) -> bool {
        let _ = k;
        true
    }
    /// What the moments start with.
    fn initial(&self) -> f64 {
        0.0
    }
    /// What is wrong with the settings.
    fn check(&self) -> Result<(), String>;
    /// What a scalar that depends on all steps before starts with.
    const CARRIED: f64 = 0.0;
    /// The scalar after step `t` of a parameter, from 1, from that before.
    fn carry(&self, carried: f64, t: u64) -> f64 {
        let _ = t;
        carried
    }
    /// Steps go up the gradient instead of down.
    fn maximize(&self) -> bool;
    /// The momentum, or the first beta, if the rule has one.
    fn momentum(&self) -> Option<f64> {
        None
    }
    /// Sets it; nothing if the rule has none.
    fn set_momentum(&mut self, momentum: f64) {
        let _ = momentum;
    }
    /// Updates one run of parameters and their moments.
    ///
    /// # Safety
    /// `place` lies inside the network's buffers, nothing else uses them now, and the moments that
    /// the rule [`uses`](Self::uses) are there.
    unsafe fn update<D: Device>(&self, place: &Place<'_, D>, now: &Now);
}

/// The scalars of one step.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The learning rate.
    pub lr: f64,
    /// The step of these parameters, from 1.
    pub t: u64,
    /// The scalar that the rule carries, after this step.
    pub carried: f64,
    /// The moments hold nothing yet.
    pub fresh: bool,
    /// What gradients are multiplied with first: negative if steps go up.
    pub scale: f64,
    /// What their absolute values are then cut to.
    pub limit: f64,
}

/// Where a step's scalars are.
pub(super) enum Scalars<'a> {
    /// In the call: it runs now.
    Now,
    /// The call does not run: what it would be given, and which formula it is, is noted.
    Noted(&'a RefCell<Noted>),
    /// On the device, where they were written before: the call may be recorded and repeated.
    Later(Addr),
}

/// The calls of a step.
#[derive(Default)]
pub(super) struct Noted {
    /// The scalars, [`SCALARS`] for each call.
    pub(super) values: Vec<f64>,
    /// The formulas.
    pub(super) hash: DefaultHasher,
}

/// Room for the scalars of one call.
pub(super) const SCALARS: usize = 16;

/// A run of parameters with the same settings.
pub struct Place<'a, D> {
    pub(super) scalars: Scalars<'a>,
    pub(super) device: &'a D,
    pub(super) len: usize,
    pub(super) param: Addr,
    pub(super) grad: Addr,
    pub(super) moments: [Option<Addr>; MOMENTS],
}

impl<D: Device> Place<'_, D> {
    /// Runs a formula on the parameter, the gradient and `I - 2` moments, those numbered in `which`.
    ///
    /// # Safety
    /// See [`Rule::update`]; the formula has `I` operands and `O = I - 1` results, all floats.
    pub(super) unsafe fn run<M: MapBody, const I: usize, const O: usize>(
        &self,
        which: &[usize],
        scalars: &[f64],
    ) {
        let moment = |i: usize| which.get(i).and_then(|&k| *self.moments.get(k)?);
        let input = |i| match i {
            0 => Some(self.param),
            1 => Some(self.grad),
            _ => moment(i - 2),
        };
        let output = |i| {
            if i == 0 {
                Some(self.param)
            } else {
                moment(i - 1)
            }
        };
        let mut inputs = [Operand {
            addr: self.param,
            start: 0,
            strides: [1],
        }; I];
        let mut outputs = [self.param; O];
        for (i, to) in inputs.iter_mut().enumerate() {
            let Some(addr) = input(i) else { return };
            to.addr = addr;
        }
        for (i, to) in outputs.iter_mut().enumerate() {
            let Some(addr) = output(i) else { return };
            *to = addr;
        }
        // SAFETY: the caller's; every output is exactly one of the inputs, and distinct from the others.
        unsafe {
            match &self.scalars {
                Scalars::Now => {
                    let device = self.device;
                    device.map::<M, 1, I, O>([self.len], inputs, outputs, scalars);
                }
                Scalars::Noted(noted) => {
                    let mut noted = noted.borrow_mut();
                    let end = noted.values.len() + SCALARS;
                    noted.values.extend(scalars);
                    noted.values.resize(end, 0.0);
                    TypeId::of::<M>().hash(&mut noted.hash);
                }
                Scalars::Later(addr) => {
                    let device = self.device;
                    device.map_guarded::<M, 1, I, O>([self.len], inputs, outputs, *addr);
                }
            }
        };
    }
}

/// `n` operands or results, all float and contiguous.
pub(super) const fn operands(n: usize) -> &'static [map::Operand] {
    const ALL: [map::Operand; 2 + MOMENTS] =
        [map::Operand::new(DType::Float, Inner::One); 2 + MOMENTS];
    ALL.split_at(n).0
}

/// `n` float results.
pub(super) const fn results(n: usize) -> &'static [DType] {
    const ALL: [DType; 1 + MOMENTS] = [DType::Float; 1 + MOMENTS];
    ALL.split_at(n).0
}

/// The gradient, clipped.
#[inline(always)]
pub(super) fn gradient<V: Real, L: Reals<V>>(l: &L) -> V {
    let limit = l.scalar(1);
    let zero = V::splat(0.0);
    (l.float(1) * l.scalar(0)).min(limit).max(zero - limit)
}

/// `x` is a number in `range`, or an error that names it and the range.
pub(super) fn within(name: &str, x: f64, range: impl RangeBounds<f64>) -> Result<(), String> {
    if x.is_finite() && range.contains(&x) {
        return Ok(());
    }
    let least = match range.start_bound() {
        Bound::Included(a) => Some(format!("at least {a}")),
        Bound::Excluded(a) => Some(format!("above {a}")),
        Bound::Unbounded => None,
    };
    let most = match range.end_bound() {
        Bound::Included(b) => Some(format!("at most {b}")),
        Bound::Excluded(b) => Some(format!("below {b}")),
        Bound::Unbounded => None,
    };
    let wanted = match (least, most) {
        _ if !x.is_finite() => "a finite number".into(),
        (Some(least), Some(most)) => format!("{least} and {most}"),
        (least, most) => least.or(most).unwrap_or_default(),
    };
    Err(format!("{name} must be {wanted}, but it is {x}"))
}
