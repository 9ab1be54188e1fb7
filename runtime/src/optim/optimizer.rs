//! The interface of optimizers for training loops and schedules: the trait [`Optimizer`].

use super::rates::Rates;
use super::saved::OptimizerState;
use crate::{Core, Device, Network, Plan, Result};

/// The interface of optimizers for training loops and schedules.
pub trait Optimizer: Rates {
    /// Updates the parameters that have a gradient: those that the last `_backward` reached, or a later `_accumulate`.
    /// The others do not change, not even by momentum or weight decay.
    fn step<N: Network>(&mut self, net: &mut N) -> Result<()> {
        self.apply(net.core_mut())
    }
    /// The same for a network's core. After an error nothing has changed.
    #[doc(hidden)]
    fn apply<D: Device>(&mut self, core: &mut Core<D>) -> Result<()>;
    /// Prepares a step, which allocates the moments: of the parameters that `function` reaches, which runs with the step,
    /// or else of those that have a gradient. No parameter has changed yet.
    #[doc(hidden)]
    fn prepare<D: Device>(
        &mut self,
        core: &mut Core<D>,
        function: Option<&'static Plan>,
    ) -> Result<()>;
    /// The key that distinguishes the calls of the prepared step from others.
    #[doc(hidden)]
    fn key<D: Device>(&self) -> u64;
    /// Makes these calls.
    ///
    /// # Safety
    /// The network that the step was prepared for lives on this device, and nothing else uses its parameters now.
    #[doc(hidden)]
    unsafe fn update<D: Device>(&self, device: &D);
    /// The step was started in the device's run of this number. It is valid, unless the run turns out to have failed.
    #[doc(hidden)]
    fn commit<D: Device>(&mut self, device: &D, run: u64);
    /// The prepared step has changed nothing.
    #[doc(hidden)]
    fn undone(&mut self);
    /// PyTorch's name of the optimizer.
    fn name(&self) -> &'static str;
    /// The learning rate.
    fn lr(&self) -> f64;
    /// Sets the learning rate. Groups with their own rate change in proportion.
    fn set_lr(&mut self, lr: f64);
    /// The current momentum, or Adam's first beta; 0 if there is none. (`momentum` is the setting.)
    fn current_momentum(&self) -> f64;
    /// Sets the momentum (Adam's first beta) in all groups. Does nothing if there is none.
    fn set_momentum(&mut self, momentum: f64);
    /// Everything that changes over time, for a checkpoint.
    fn state<D: Device>(&self, core: &Core<D>) -> Result<OptimizerState>;
    /// Continues from a saved state, bound to this network. An error lists every mismatch, and nothing has changed
    /// then.
    fn set_state<D: Device>(&mut self, core: &Core<D>, state: &OptimizerState) -> Result<()>;
}
