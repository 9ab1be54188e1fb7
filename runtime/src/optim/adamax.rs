//! Adamax (Kingma and Ba): Adam with the largest gradient instead of the mean square.

use super::Optim;
use super::adam::{check_betas, correction};
use super::group::settings;
use super::rule::{Now, Place, Rule, gradient, operands, results};
use crate::map::Operand;
use crate::{DType, Device, Formula, Real, Reals};

/// `torch.optim.Adamax`.
pub type Adamax = Optim<AdamaxRule>;

/// The settings of [`Adamax`].
#[derive(Clone, Copy, Debug)]
pub struct AdamaxRule {
    betas: (f64, f64),
    eps: f64,
    weight_decay: f64,
    maximize: bool,
}

impl Adamax {
    /// With PyTorch's defaults: betas (0.9, 0.999), eps 1e-8.
    pub fn new(lr: f64) -> Self {
        Self::from_rule(
            lr,
            AdamaxRule {
                betas: (0.9, 0.999),
                eps: 1e-8,
                weight_decay: 0.0,
                maximize: false,
            },
        )
    }
}

settings!(AdamaxRule {
    /// How much of the mean and of the largest gradient is kept.
    betas: (f64, f64),
    /// What is added to each absolute gradient.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for AdamaxRule {
    const NAME: &'static str = "Adamax";
    const MOMENTS: &'static [&'static str] = &["exp_avg", "exp_inf"];

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
        let step = now.lr / correction(b1, now.t);
        let scalars = [
            now.scale,
            now.limit,
            self.weight_decay,
            1.0 - b1,
            b2,
            self.eps,
            step,
        ];
        // SAFETY: the caller's.
        unsafe { place.run::<Body, 4, 3>(&[0, 1], &scalars) };
    }
}

/// Scalars: scale, limit, weight_decay, 1 - b1, b2, eps, lr / (1 - b1^t).
struct Body;

impl Formula for Body {
    const INPUTS: &'static [Operand] = operands(4);
    const OUTPUTS: &'static [DType] = results(3);
    #[inline(always)]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let p = l.float(0);
        let g = gradient(l) + l.scalar(2) * p;
        let m = l.float(2);
        let m = m + l.scalar(3) * (g - m);
        let u = (l.float(3) * l.scalar(4)).max(g.abs() + l.scalar(5));
        let p = p - l.scalar(6) * m / u;
        l.put_float(0, p);
        l.put_float(1, m);
        l.put_float(2, u);
    }
}
