//! RAdam (Liu et al.): Adam that waits until its mean square can be trusted.

use super::Optim;
use super::adam::{check_betas, correction};
use super::group::settings;
use super::rule::{Now, Place, Rule, gradient, operands, results};
use crate::map::Operand;
use crate::{DType, Device, Formula, Real, Reals};

/// `torch.optim.RAdam`.
pub type RAdam = Optim<RAdamRule>;

/// The settings of [`RAdam`].
#[derive(Clone, Copy, Debug)]
pub struct RAdamRule {
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    decoupled_weight_decay: bool,
    maximize: bool,
}

impl RAdam {
    /// With PyTorch's defaults: betas (0.9, 0.999), eps 1e-8.
    pub fn new(lr: f64) -> Self {
        let rule = RAdamRule {
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled_weight_decay: false,
            maximize: false,
        };
        Self::from_rule(lr, rule)
    }
}

settings!(RAdamRule {
    /// How much of the means is kept.
    betas: (f64, f64),
    /// What is added to the denominator.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// The weights decay by themselves, as in AdamW.
    decoupled_weight_decay: bool,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for RAdamRule {
    const NAME: &'static str = "RAdam";
    const MOMENTS: &'static [&'static str] = &["exp_avg", "exp_avg_sq"];

    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), String> {
        check_betas(self.betas, self.eps, self.weight_decay)
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.betas.0)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.betas.0 = momentum;
    }
    unsafe fn update<D: Device>(&self, place: &Place<'_, D>, now: &Now) {
        let (b1, b2) = self.betas;
        let (penalty, keep) = match self.decoupled_weight_decay {
            true => (0.0, 1.0 - now.lr * self.weight_decay),
            false => (self.weight_decay, 1.0),
        };
        let unbias = correction(b2, now.t);
        let limit = 2.0 / (1.0 - b2) - 1.0;
        let rho = limit - 2.0 * now.t as f64 * (1.0 - unbias) / unbias;
        let step = now.lr / correction(b1, now.t);
        let scalars = |rectified| {
            [
                now.scale,
                now.limit,
                penalty,
                keep,
                1.0 - b1,
                b2,
                1.0 - b2,
                self.eps,
                rectified,
            ]
        };
        // SAFETY: the caller's.
        unsafe {
            if rho > 5.0 {
                let rect =
                    (rho - 4.0) * (rho - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * rho);
                place
                    .run::<Body<true>, 4, 3>(&[0, 1], &scalars(step * rect.sqrt() * unbias.sqrt()));
            } else {
                place.run::<Body<false>, 4, 3>(&[0, 1], &scalars(step));
            }
        }
    }
}

/// Scalars: scale, limit, penalty, keep, 1 - b1, b2, 1 - b2, eps, step.
struct Body<const RECTIFIED: bool>;

impl<const RECTIFIED: bool> Formula for Body<RECTIFIED> {
    const INPUTS: &'static [Operand] = operands(4);
    const OUTPUTS: &'static [DType] = results(3);
    #[inline(always)]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let p = l.float(0);
        let g = gradient(l) + l.scalar(2) * p;
        let p = p * l.scalar(3);
        let m = l.float(2);
        let m = m + l.scalar(4) * (g - m);
        let v = l.float(3) * l.scalar(5) + l.scalar(6) * g * g;
        let step = l.scalar(8) * m;
        let p = p - if RECTIFIED {
            step / (v.sqrt() + l.scalar(7))
        } else {
            step
        };
        l.put_float(0, p);
        l.put_float(1, m);
        l.put_float(2, v);
    }
}
