//! Custom functions: their operands already lie in this memory. And whole runs: a call has finished when it returns.

use super::Cpu;
use crate::Float;
use crate::custom::{Kernel, Raw};
use crate::device::{CustomKernels, Queue};

impl<F: Float> CustomKernels for Cpu<F> {
    unsafe fn custom<'a, const I: usize, const O: usize>(
        &self,
        inputs: [Raw<'a>; I],
        outputs: [Raw<'a>; O],
        _kernel: Option<Kernel>,
        call: impl FnOnce([Raw<'a>; I], [Raw<'a>; O]),
    ) {
        call(inputs, outputs);
    }
}

/// An index out of range ends the call, so there are no deferred errors.
impl<F: Float> Queue for Cpu<F> {}
