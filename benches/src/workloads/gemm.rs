//! `gemm`: only the product of two square matrices that are on the device.

use crate::data::uniform;
use crate::place::Target;
use crate::run::{Report, Settings, run};
use netform::Result;
use netform_runtime::__private::device::Product;
use netform_runtime::__private::{Identity, size::Any};

/// Times it.
pub fn time<D: Target>(device: D, s: Settings, size: usize) -> Result<Report> {
    let bytes = size * size * size_of::<f32>();
    let matrix = |seed| -> Result<D::Buffer> {
        let buffer = device.alloc(bytes)?;
        let values = uniform::<1>(seed, size * size);
        let values: Vec<u8> = values.iter().flat_map(|v| v[0].to_ne_bytes()).collect();
        // SAFETY: the buffer is as long as the values.
        unsafe { device.write(D::addr(&buffer), &values)? };
        Ok(buffer)
    };
    let (a, b, c) = (matrix(1)?, matrix(2)?, device.alloc(bytes)?);
    let [at_a, at_b, at_c] = [&a, &b, &c].map(D::addr);
    let product = Product {
        batch: 1,
        m: size,
        n: size,
        k: size,
        ta: false,
        tb: false,
    };
    // The product's last element: it is right only after the whole product is done.
    let last = || {
        let mut value = [0; 4];
        // SAFETY: the last four bytes of a buffer.
        unsafe { device.read(at_c.wrapping_add(bytes - 4), &mut value)? };
        Ok(f64::from(f32::from_ne_bytes(value)))
    };
    let step = || {
        // SAFETY: three separate buffers of `size * size` floats.
        unsafe { device.product::<Identity, Any, 0, 1>(product, at_a, at_b, [], [at_c], &[]) };
        Ok(())
    };
    let report = run(&format!("gemm-{size}"), &device, s, step, |()| last())?;
    Ok(report.with_flops(2.0 * (size as f64).powi(3)))
}
