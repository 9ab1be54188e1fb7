//! Adagrad (Duchi et al.): steps divided by the root of the sum of all squared gradients.

use super::Optim;
use super::group::settings;
use super::rule::{Now, Place, Rule, gradient, operands, results, within};
use crate::map::Operand;
use crate::{DType, Device, Formula, Real, Reals};

/// `torch.optim.Adagrad`.
pub type Adagrad = Optim<AdagradRule>;

/// The settings of [`Adagrad`].
#[derive(Clone, Copy, Debug)]
pub struct AdagradRule {
    lr_decay: f64,
    eps: f64,
    weight_decay: f64,
    initial_accumulator_value: f64,
    maximize: bool,
}

impl Adagrad {
    /// With PyTorch's defaults: eps 1e-10.
    pub fn new(lr: f64) -> Self {
        let rule = AdagradRule {
            lr_decay: 0.0,
            eps: 1e-10,
            weight_decay: 0.0,
            initial_accumulator_value: 0.0,
            maximize: false,
        };
        Self::from_rule(lr, rule)
    }
}

settings!(AdagradRule {
    /// How fast the learning rate falls.
    lr_decay: f64,
    /// What is added to the denominator.
    eps: f64,
    /// An L2 penalty.
    weight_decay: f64,
    /// What the sums start with; the optimizer's own counts for all groups.
    initial_accumulator_value: f64,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for AdagradRule {
    const NAME: &'static str = "Adagrad";
    const MOMENTS: &'static [&'static str] = &["sum"];

    fn initial(&self) -> f64 {
        self.initial_accumulator_value
    }
    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), String> {
        within("lr_decay", self.lr_decay, 0.0..)?;
        within("eps", self.eps, 0.0..)?;
        within(
            "initial_accumulator_value",
            self.initial_accumulator_value,
            0.0..,
        )?;
        within("weight_decay", self.weight_decay, 0.0..)
    }
    unsafe fn update<D: Device>(&self, place: &Place<'_, D>, now: &Now) {
        let lr = now.lr / (1.0 + (now.t - 1) as f64 * self.lr_decay);
        let scalars = [now.scale, now.limit, self.weight_decay, self.eps, lr];
        // SAFETY: the caller's.
        unsafe { place.run::<Body, 3, 2>(&[0], &scalars) };
    }
}

/// Scalars: scale, limit, weight_decay, eps, lr.
struct Body;

impl Formula for Body {
    const INPUTS: &'static [Operand] = operands(3);
    const OUTPUTS: &'static [DType] = results(2);
    #[inline(always)]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let p = l.float(0);
        let g = gradient(l) + l.scalar(2) * p;
        let sum = l.float(2) + g * g;
        let p = p - l.scalar(4) * g / (sum.sqrt() + l.scalar(3));
        l.put_float(0, p);
        l.put_float(1, sum);
    }
}
