//! What training loops and schedules need of an optimizer: the trait [`Optimizer`].

use super::rates::Rates;
use super::saved::OptimizerState;
use crate::{Core, Device, Network, Plan, Result};

/// What training loops and schedules need of an optimizer.
pub trait Optimizer: Rates {
    /// Updates the parameters that have a gradient: those that the last `_backward` reached, or an
    /// `_accumulate` after it. The others stay as they are, whatever momentum or weight decay would do.
    fn step<N: Network>(&mut self, net: &mut N) -> Result<()> {
        self.apply(net.core_mut())
    }
    /// The same for a network's core. After an error nothing has changed.
    #[doc(hidden)]
    fn apply<D: Device>(&mut self, core: &mut Core<D>) -> Result<()>;
    /// All of a step but its calls of the device: of the parameters that a function reaches which runs with
    /// them, or else of those that have a gradient. Nothing has changed yet.
    #[doc(hidden)]
    fn prepare<D: Device>(
        &mut self,
        core: &mut Core<D>,
        function: Option<&'static Plan>,
    ) -> Result<()>;
    /// What tells the calls of the step that was prepared from those of others.
    #[doc(hidden)]
    fn key<D: Device>(&self) -> u64;
    /// Makes these calls.
    #[doc(hidden)]
    fn update<D: Device>(&self, device: &D);
    /// The step is under way in the device's run of this number: it counts, unless the run turns out to
    /// have failed.
    #[doc(hidden)]
    fn commit<D: Device>(&mut self, device: &D, run: u64);
    /// The step that was prepared has changed nothing.
    #[doc(hidden)]
    fn undone(&mut self);
    /// PyTorch's name of the optimizer.
    fn name(&self) -> &'static str;
    /// The learning rate.
    fn lr(&self) -> f64;
    /// Sets the learning rate; groups with a rate of their own change in proportion.
    fn set_lr(&mut self, lr: f64);
    /// The momentum in force, or Adam's first beta; 0 where there is none. (`momentum` is the setting.)
    fn current_momentum(&self) -> f64;
    /// Sets the momentum (Adam's first beta), in all groups; nothing where there is none.
    fn set_momentum(&mut self, momentum: f64);
    /// Everything that changes over time, for a checkpoint.
    fn state<D: Device>(&self, core: &Core<D>) -> Result<OptimizerState>;
    /// Continues from a saved state, bound to this network. What does not fit is listed; after an
    /// error nothing has changed.
    fn set_state<D: Device>(&mut self, core: &Core<D>, state: &OptimizerState) -> Result<()>;
}
