//! A training step: a function's run, and the optimizer's calls behind it.

use super::{Behind, Core, poisoned_until_done};
use crate::dims::Dims;
use crate::optim::Optimizer;
use crate::{Device, Plan, Result, Run, RunResults, Source, State, binding, device};

impl<D: Device> Core<D> {
    /// A whole training step: [`train`](Self::train), then the optimizer's update of the parameters that
    /// this function reaches. One unit where the device repeats runs as a whole. After an error the parameters
    /// are as before, unless the error says that they are not.
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
            calls: &|poisoned| poisoned_until_done(&device, poisoned, || optimizer.update(&device)),
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

    /// An optimizer's step that was prepared, on the gradients that are there.
    pub(crate) fn update<O: Optimizer>(&mut self, optimizer: &mut O) -> Result<()> {
        let device = self.device.clone();
        let key = || self.key_of_step(optimizer.key::<D>());
        device.replay(key, 0, || {
            poisoned_until_done(&device, &self.poisoned, || optimizer.update(&device));
            Ok(())
        })?;
        *self.poisoned.get_mut() = false;
        // It is as good as the run that left the gradients.
        optimizer.commit(&device, self.grads_run);
        Ok(())
    }

    /// What tells an optimizer's step on this network from other runs.
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
