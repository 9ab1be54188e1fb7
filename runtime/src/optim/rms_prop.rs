//! RMSprop (Hinton): steps divided by the root of the gradient's mean square.

use super::Optim;
use super::group::settings;
use super::rule::{Now, Place, Rule, gradient, operands, results, within};
use crate::map::Operand;
use crate::{DType, Device, Formula, Real, Reals};

/// `torch.optim.RMSprop`.
pub type RmsProp = Optim<RmsPropRule>;

/// The settings of [`RmsProp`].
#[derive(Clone, Copy, Debug)]
pub struct RmsPropRule {
    alpha: f64,
    eps: f64,
    weight_decay: f64,
    momentum: f64,
    centered: bool,
    maximize: bool,
}

impl RmsProp {
    /// With PyTorch's defaults: alpha 0.99, eps 1e-8, no momentum.
    pub fn new(lr: f64) -> Self {
        let rule = RmsPropRule {
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
            maximize: false,
        };
        Self::from_rule(lr, rule)
    }
}

settings!(RmsPropRule {
    /// How much of the mean square is kept.
    alpha: f64,
    /// What is added to the denominator.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// How much of the last step is kept.
    momentum: f64,
    /// Divides by the deviation from the mean gradient.
    centered: bool,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for RmsPropRule {
    const NAME: &'static str = "RMSprop";
    const MOMENTS: &'static [&'static str] = &["square_avg", "momentum_buffer", "grad_avg"];

    fn kept_by(k: usize) -> Option<&'static str> {
        (k == 2).then_some("centered")
    }
    fn uses(&self, k: usize) -> bool {
        match k {
            1 => self.momentum > 0.0,
            2 => self.centered,
            _ => true,
        }
    }
    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), String> {
        within("alpha", self.alpha, 0.0..)?;
        within("eps", self.eps, 0.0..)?;
        within("momentum", self.momentum, 0.0..)?;
        within("weight_decay", self.weight_decay, 0.0..)
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.momentum)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.momentum = momentum;
    }
    unsafe fn update<D: Device>(&self, place: &Place<'_, D>, now: &Now) {
        let scalars = [
            now.scale,
            now.limit,
            self.weight_decay,
            self.alpha,
            1.0 - self.alpha,
            self.eps,
            now.lr,
            self.momentum,
        ];
        // SAFETY: the caller's.
        unsafe {
            match (self.momentum > 0.0, self.centered) {
                (false, false) => place.run::<Body<false, false>, 3, 2>(&[0], &scalars),
                (true, false) => place.run::<Body<true, false>, 4, 3>(&[0, 1], &scalars),
                (false, true) => place.run::<Body<false, true>, 4, 3>(&[0, 2], &scalars),
                (true, true) => place.run::<Body<true, true>, 5, 4>(&[0, 1, 2], &scalars),
            }
        }
    }
}

/// Scalars: scale, limit, weight_decay, alpha, 1 - alpha, eps, lr, momentum. Moments: the mean square,
/// then the momentum and the mean, if there are such.
struct Body<const MOMENTUM: bool, const CENTERED: bool>;

impl<const MOMENTUM: bool, const CENTERED: bool> Formula for Body<MOMENTUM, CENTERED> {
    const INPUTS: &'static [Operand] = operands(3 + MOMENTUM as usize + CENTERED as usize);
    const OUTPUTS: &'static [DType] = results(2 + MOMENTUM as usize + CENTERED as usize);
    #[inline(always)]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let p = l.float(0);
        let g = gradient(l) + l.scalar(2) * p;
        let v = l.float(2) * l.scalar(3) + l.scalar(4) * g * g;
        let mut spread = v;
        if CENTERED {
            let at = if MOMENTUM { 4 } else { 3 };
            let mean = l.float(at);
            let mean = mean + l.scalar(4) * (g - mean);
            spread = v - mean * mean;
            l.put_float(at - 1, mean);
        }
        let mut step = g / (spread.sqrt() + l.scalar(5));
        if MOMENTUM {
            step = l.float(3) * l.scalar(7) + step;
            l.put_float(2, step);
        }
        let p = p - l.scalar(6) * step;
        l.put_float(0, p);
        l.put_float(1, v);
    }
}
