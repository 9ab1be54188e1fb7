//! Calls of custom functions.

use super::Run;
use super::place::{Range, product};
use super::refusal::OVERLAP;
use crate::custom;
use crate::{DType, Device, View};

impl<D: Device> Run<'_, D> {
    /// A call of a custom function with arrays to read and arrays to write.
    pub fn custom<const I: usize, const O: usize>(
        &self,
        inputs: [(View, &[usize]); I],
        outputs: [(View, &[usize]); O],
        kernel: Option<custom::Kernel>,
        call: impl FnOnce(&custom::Inputs<'_, D::Float, I>, &mut custom::Outputs<'_, D::Float, O>),
    ) {
        self.guard("custom", || {
            let none = Range::NONE;
            let mut read = [none; I];
            let mut written = [none; O];
            let nowhere = custom::Raw {
                addr: std::ptr::null_mut(),
                dtype: DType::Float,
                len: 0,
                shape: &[],
            };
            let (mut x, mut y) = ([nowhere; I], [nowhere; O]);
            for (k, (view, shape)) in inputs.into_iter().enumerate() {
                let len = product(shape);
                let (addr, range) = self.whole(view, view.dtype, len)?;
                let (dtype, len) = (view.dtype, len.unwrap_or(0));
                read[k] = range;
                x[k] = custom::Raw {
                    addr,
                    dtype,
                    len,
                    shape,
                };
            }
            for (k, (view, shape)) in outputs.into_iter().enumerate() {
                let len = product(shape);
                let (addr, range) = self.written(view, view.dtype, len)?;
                let (dtype, len) = (view.dtype, len.unwrap_or(0));
                let others = read.iter().chain(&written[..k]);
                if others.into_iter().any(|r| range.overlaps(*r)) {
                    return Err(OVERLAP);
                }
                written[k] = range;
                y[k] = custom::Raw {
                    addr,
                    dtype,
                    len,
                    shape,
                };
            }
            // SAFETY: each lies in its buffer, which this run holds; the arrays that are written lie apart.
            unsafe {
                self.device.custom(x, y, kernel, |x, y| {
                    call(&custom::Inputs::new(x), &mut custom::Outputs::new(y));
                });
            }
            Ok(())
        });
    }
}
