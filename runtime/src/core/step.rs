//! A training step: a function's run, followed by the optimizer's calls.

use super::{Behind, Core, poisoned_until_done};
use crate::dims::Dims;
use crate::optim::Optimizer;
use crate::{Device, Plan, Result, Run, RunResults, Source, State, binding, device};

impl<D: Device> Core<D> {
    /// A whole training step: [`train`](Self::train), then the optimizer's update of the parameters that this function
    /// reaches. On a device that replays whole runs, the step is one run. After an error the parameters are unchanged,
    /// unless the error says otherwise.
    #[doc(hidden)]
    pub fn step<O: Optimizer>(
        &mut self,
        plan: &'static Plan,
        sources: &[Source<'_>],
        state: Option<&mut State<D>>,
        mut body: impl FnMut(&mut Run<'_, D>, &[usize]),
        optimizer: &mut O,
    ) -> Result<RunResults<D>> {
        self.device.unreported(self.id)?;
        self.make_grads()?;
        let dims = binding::bind(plan, sources)?;
        optimizer.prepare(self, Some(plan))?;
        let device = self.device.clone();
        let behind = Behind {
            key: &|| optimizer.key::<D>(),
            calls: &|poisoned| {
                poisoned_until_done(&device, poisoned, || {
                    // SAFETY: the step was prepared for this network, which `&mut self` holds.
                    unsafe { optimizer.update(&device) }
                });
            },
        };
        let call = (plan, sources, dims);
        let results = self.train_and(call, state, &mut body, false, behind);
        if results.is_err() && self.sound().is_ok() {
            optimizer.undone();
        }
        let results = results?;
        optimizer.commit(&device, results.number());
        Ok(results)
    }

    /// Makes a prepared step of an optimizer, with the present gradients.
    pub(crate) fn update<O: Optimizer>(&mut self, optimizer: &mut O) -> Result<()> {
        let device = self.device.clone();
        let key = || self.key_of_step(optimizer.key::<D>());
        device.replay(key, 0, || {
            poisoned_until_done(&device, &self.poisoned, || {
                // SAFETY: the caller has prepared the step for this network, which `&mut self` holds.
                unsafe { optimizer.update(&device) }
            });
            Ok(())
        })?;
        *self.poisoned.get_mut() = false;
        // The step is valid if the run that left the gradients is.
        optimizer.commit(&device, self.grads_run);
        Ok(())
    }

    /// The key that distinguishes an optimizer's step on this network from other runs.
    fn key_of_step(&self, optimizer: u64) -> device::Key {
        device::Key {
            plan: 0,
            dims: Dims::default(),
            buffers: [D::addr(&self.params) as usize, 0, 0, 0],
            seed: 0,
            random: false,
            host: false,
            optimizer,
            network: self.id,
            keep: 0,
            guard: self.flag_at(),
        }
    }
}
