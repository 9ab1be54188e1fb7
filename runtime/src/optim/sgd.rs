//! Stochastic gradient descent: `p -= lr * (momentum of g + weight_decay * p)`.

use super::Optim;
use super::formula::{Chosen, StepFormula, Update};
use super::rule::{Now, Rule, within};
use super::settings::settings;
use crate::{Device, OptimizerProblem, Real};

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
    /// The fraction of the last step that is kept (0).
    momentum: f64,
    /// The fraction of the gradient that the momentum leaves out (0).
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
    fn check(&self) -> Result<(), OptimizerProblem> {
        within("momentum", self.momentum, 0.0..)?;
        within("weight_decay", self.weight_decay, 0.0..)?;
        within("dampening", self.dampening, ..)?;
        if self.nesterov && (self.momentum == 0.0 || self.dampening != 0.0) {
            return Err(OptimizerProblem::Nesterov {
                momentum: self.momentum,
                dampening: self.dampening,
            });
        }
        Ok(())
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.momentum)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.momentum = momentum;
    }
    fn update<D: Device>(
        &self,
        now: &Now,
        update: Update<'_, D>,
    ) -> Result<Chosen, OptimizerProblem> {
        // The first gradient is used whole, without dampening.
        let take = if now.fresh { 1.0 } else { 1.0 - self.dampening };
        let (lr, penalty) = (now.lr, self.weight_decay);
        let scalars = [lr, penalty, self.momentum, take];
        match (self.momentum != 0.0, self.nesterov) {
            (false, _) => update.with(Plain, [], [lr, penalty]),
            (true, false) => update.with(Momentum::<false>, [0], scalars),
            (true, true) => update.with(Momentum::<true>, [0], scalars),
        }
    }
}

struct Plain;

impl StepFormula<0, 2> for Plain {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(p: V, g: V, _: [V; 0], [lr, penalty]: [V; 2]) -> (V, [V; 0]) {
        let g = g + penalty * p;
        (p - lr * g, [])
    }
}

/// `take`: 1 - dampening.
struct Momentum<const NESTEROV: bool>;

impl<const NESTEROV: bool> StepFormula<1, 4> for Momentum<NESTEROV> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn step<V: Real>(
        p: V,
        g: V,
        [m]: [V; 1],
        [lr, penalty, momentum, take]: [V; 4],
    ) -> (V, [V; 1]) {
        let g = g + penalty * p;
        let m = m * momentum + take * g;
        let g = if NESTEROV { g + momentum * m } else { m };
        (p - lr * g, [m])
    }
}
