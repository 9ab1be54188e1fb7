//! Custom functions: kernels, or Rust functions whose arrays are copied to the host and back.

use super::Cuda;
use crate::custom::{Kernel, Raw};
use crate::device::{CustomKernels, Memory};

/// The bytes of an array, with room for its alignment.
fn bytes(raw: &Raw<'_>) -> usize {
    raw.len * raw.dtype.size(size_of::<f32>())
}

impl CustomKernels for Cuda {
    unsafe fn custom<'a, const I: usize, const O: usize>(
        &self,
        inputs: [Raw<'a>; I],
        outputs: [Raw<'a>; O],
        kernel: Option<Kernel>,
        call: impl FnOnce([Raw<'a>; I], [Raw<'a>; O]),
    ) {
        if let Some(kernel) = kernel {
            let arrays: Vec<Raw<'a>> = inputs.iter().chain(&outputs).copied().collect();
            let threads = outputs.iter().map(|r| r.len).max().unwrap_or(0);
            return self
                .gpu
                .put(|state| self.gpu.launch_own(state, kernel, &arrays, threads));
        }
        // In whole words, so that every element type is aligned.
        let room = |raw: &Raw<'_>| vec![0u64; bytes(raw).div_ceil(8)];
        let mut read = inputs.each_ref().map(room);
        let mut written = outputs.each_ref().map(room);
        let mut failed = None;
        for (raw, to) in inputs.iter().zip(&mut read) {
            let to = &mut bytemuck::cast_slice_mut(to)[..bytes(raw)];
            // SAFETY: the array lies in a buffer of this device, as the caller promises.
            if let Err(e) = unsafe { self.read(raw.addr, to) } {
                failed.get_or_insert(e);
            }
        }
        if failed.is_none() {
            let mut x = inputs;
            let mut y = outputs;
            for (raw, at) in x.iter_mut().zip(&mut read) {
                raw.addr = at.as_mut_ptr().cast();
            }
            for (raw, at) in y.iter_mut().zip(&mut written) {
                raw.addr = at.as_mut_ptr().cast();
            }
            call(x, y);
            for (raw, from) in outputs.iter().zip(&written) {
                let from = &bytemuck::cast_slice(from)[..bytes(raw)];
                // SAFETY: as above.
                if let Err(e) = unsafe { self.write(raw.addr, from) } {
                    failed.get_or_insert(e);
                }
            }
        }
        if let Some(e) = failed {
            self.gpu.put(|_| Err(e));
        }
    }
}
