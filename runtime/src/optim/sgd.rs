//! Stochastic gradient descent: `p -= lr * (momentum of g + weight_decay * p)`.

use super::Optim;
use super::group::settings;
use super::rule::{Now, Place, Rule, gradient, operands, results, within};
use crate::map::Operand;
use crate::{DType, Device, Formula, Real, Reals};

/// `torch.optim.SGD`.
pub type Sgd = Optim<SgdRule>;

/// The settings of [`Sgd`].
#[derive(Clone, Copy, Debug)]
pub struct SgdRule {
    momentum: f64,
    dampening: f64,
    weight_decay: f64,
    nesterov: bool,
    maximize: bool,
}

impl Sgd {
    /// Plain gradient descent with this learning rate.
    pub fn new(lr: f64) -> Self {
        Self::from_rule(
            lr,
            SgdRule {
                momentum: 0.0,
                dampening: 0.0,
                weight_decay: 0.0,
                nesterov: false,
                maximize: false,
            },
        )
    }
}

settings!(SgdRule {
    /// How much of the last step is kept (0).
    momentum: f64,
    /// How much less of the gradient enters the momentum (0).
    dampening: f64,
    /// An L2 penalty (0).
    weight_decay: f64,
    /// Nesterov's momentum; needs momentum and no dampening.
    nesterov: bool,
    /// Steps go up the gradient instead of down.
    maximize: bool,
});

impl Rule for SgdRule {
    const NAME: &'static str = "SGD";
    const MOMENTS: &'static [&'static str] = &["momentum_buffer"];

    fn uses(&self, _: usize) -> bool {
        self.momentum != 0.0
    }
    fn maximize(&self) -> bool {
        self.maximize
    }
    fn check(&self) -> Result<(), String> {
        within("momentum", self.momentum, 0.0..)?;
        within("weight_decay", self.weight_decay, 0.0..)?;
        within("dampening", self.dampening, ..)?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            return Err(format!(
                "Nesterov's momentum needs momentum above 0 and dampening 0, but they are {} and {}",
                self.momentum, self.dampening
            ));
        }
        Ok(())
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.momentum)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.momentum = momentum;
    }
    unsafe fn update<D: Device>(&self, place: &Place<'_, D>, now: &Now) {
        // The first gradient enters whole, whatever the dampening.
        let take = if now.fresh { 1.0 } else { 1.0 - self.dampening };
        let scalars = [
            now.scale,
            now.limit,
            now.lr,
            self.weight_decay,
            self.momentum,
            take,
        ];
        // SAFETY: the caller's.
        unsafe {
            match (self.momentum != 0.0, self.nesterov) {
                (false, _) => place.run::<Plain, 2, 1>(&[], &scalars),
                (true, false) => place.run::<Momentum<false>, 3, 2>(&[0], &scalars),
                (true, true) => place.run::<Momentum<true>, 3, 2>(&[0], &scalars),
            }
        }
    }
}

/// Scalars: scale, limit, lr, weight_decay.
struct Plain;

impl Formula for Plain {
    const INPUTS: &'static [Operand] = operands(2);
    const OUTPUTS: &'static [DType] = results(1);
    #[inline(always)]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let p = l.float(0);
        let g = gradient(l) + l.scalar(3) * p;
        let p = p - l.scalar(2) * g;
        l.put_float(0, p);
    }
}

/// Scalars: scale, limit, lr, weight_decay, momentum, 1 - dampening.
struct Momentum<const NESTEROV: bool>;

impl<const NESTEROV: bool> Formula for Momentum<NESTEROV> {
    const INPUTS: &'static [Operand] = operands(3);
    const OUTPUTS: &'static [DType] = results(2);
    #[inline(always)]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let p = l.float(0);
        let g = gradient(l) + l.scalar(3) * p;
        let m = l.float(2) * l.scalar(4) + l.scalar(5) * g;
        let g = if NESTEROV { g + l.scalar(4) * m } else { m };
        let p = p - l.scalar(2) * g;
        l.put_float(0, p);
        l.put_float(1, m);
    }
}
