//! Adadelta (Zeiler): steps as large as the steps before, relative to the gradients before.

use super::Optim;
use super::group::settings;
use super::rule::{Now, Place, Rule, gradient, operands, results, within};
use crate::map::Operand;
use crate::{DType, Device, Formula, Real, Reals};

/// `torch.optim.Adadelta`.
pub type Adadelta = Optim<AdadeltaRule>;

/// The settings of [`Adadelta`].
#[derive(Clone, Copy, Debug)]
pub struct AdadeltaRule {
    rho: f64,
    eps: f64,
    weight_decay: f64,
    maximize: bool,
}

impl Adadelta {
    /// With PyTorch's defaults: rho 0.9, eps 1e-6. PyTorch's own rate is 1.
    pub fn new(lr: f64) -> Self {
        Self::from_rule(
            lr,
            AdadeltaRule {
                rho: 0.9,
                eps: 1e-6,
                weight_decay: 0.0,
                maximize: false,
            },
        )
    }
}

settings!(AdadeltaRule {
    /// How much of the mean squares is kept.
    rho: f64,
    /// What is added under the roots.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for AdadeltaRule {
    const NAME: &'static str = "Adadelta";
    const MOMENTS: &'static [&'static str] = &["square_avg", "acc_delta"];

    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), String> {
        within("rho", self.rho, 0.0..=1.0)?;
        within("eps", self.eps, 0.0..)?;
        within("weight_decay", self.weight_decay, 0.0..)
    }
    unsafe fn update<D: Device>(&self, place: &Place<'_, D>, now: &Now) {
        let scalars = [
            now.scale,
            now.limit,
            self.weight_decay,
            self.rho,
            1.0 - self.rho,
            self.eps,
            now.lr,
        ];
        // SAFETY: the caller's.
        unsafe { place.run::<Body, 4, 3>(&[0, 1], &scalars) };
    }
}

/// Scalars: scale, limit, weight_decay, rho, 1 - rho, eps, lr.
struct Body;

impl Formula for Body {
    const INPUTS: &'static [Operand] = operands(4);
    const OUTPUTS: &'static [DType] = results(3);
    #[inline(always)]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let p = l.float(0);
        let g = gradient(l) + l.scalar(2) * p;
        let v = l.float(2) * l.scalar(3) + l.scalar(4) * g * g;
        let acc = l.float(3);
        let delta = (acc + l.scalar(5)).sqrt() / (v + l.scalar(5)).sqrt() * g;
        let acc = acc * l.scalar(3) + l.scalar(4) * delta * delta;
        let p = p - l.scalar(6) * delta;
        l.put_float(0, p);
        l.put_float(1, v);
        l.put_float(2, acc);
    }
}
