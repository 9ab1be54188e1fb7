//! Puts kernels on the stream.

use std::ffi::c_void;

use netform_ptx::{Error as Refused, Plan};

use super::gpu::{Gpu, State};
use crate::Result;
use crate::custom::{Kernel, Raw};

impl Gpu {
    /// The address of at least `bytes` bytes of scratch memory.
    pub fn scratch(&self, state: &mut State, bytes: usize) -> Result<u64> {
        state.scratch.at_least(&self.id, bytes)
    }

    /// Puts a custom kernel on the stream: the arrays' addresses, then their lengths.
    pub fn launch_own(
        &self,
        state: &mut State,
        kernel: Kernel,
        arrays: &[Raw<'_>],
        threads: usize,
    ) -> Result<()> {
        let too_large = |_| {
            self.id
                .fails(format!("kernel `{}`: an array is too large", kernel.entry))
        };
        let addrs: Vec<u64> = arrays.iter().map(|a| a.addr as u64).collect();
        let lens = arrays.iter().map(|a| u32::try_from(a.len));
        let lens: Vec<u32> = lens.collect::<Result<_, _>>().map_err(too_large)?;
        let blocks = u32::try_from(threads.div_ceil(256)).map_err(too_large)?;
        let addrs = addrs
            .iter()
            .map(|a| std::ptr::from_ref(a).cast_mut().cast());
        let mut args: Vec<*mut c_void> = addrs
            .chain(lens.iter().map(|n| std::ptr::from_ref(n).cast_mut().cast()))
            .collect();
        let function = state.modules.own(&self.id, kernel)?;
        let (grid, block) = ([blocks.max(1), 1, 1], [256, 1, 1]);
        // SAFETY: the entry takes these parameters, as documented for its author; the arrays are those that the run has
        // checked.
        let done = unsafe { (state.stream).launch(function, grid, block, 0, &mut args) };
        done.map_err(|e| self.id.error(e, kernel.entry))
    }

    /// Puts the launches of a call on the stream.
    pub fn launch(
        &self,
        state: &mut State,
        plan: std::result::Result<Plan, Refused>,
    ) -> Result<()> {
        let plan = plan.map_err(|e| self.id.fails(e.to_string()))?;
        for launch in &plan {
            let kernel = state
                .modules
                .kernel(&self.id, &launch.module, launch.shared)?;
            let bytes = launch.params.bytes().as_ptr();
            let mut args: Vec<*mut c_void> = (launch.params.offsets().iter())
                .map(|at| bytes.wrapping_add(*at).cast_mut().cast())
                .collect();
            let (grid, block) = (launch.grid, launch.block);
            // SAFETY: the parameters are laid out as the entry declares them, and the run that makes this call has
            // checked the addresses among them.
            let done =
                unsafe { (state.stream).launch(kernel, grid, block, launch.shared, &mut args) };
            done.map_err(|e| self.id.error(e, launch.entry()))?;
        }
        Ok(())
    }
}
