//! A function and its gradients on both devices.

use netform::Tensor;

use crate::finite::{Call, Vjp, tensor};

/// Checks that a function and its gradients on the GPU equal those on the CPU in f64.
pub fn same(
    name: &str,
    shapes: &[&[usize]],
    range: (f64, f64),
    (cpu, cpu_vjp): (Call<'_>, Vjp<'_>),
    (cuda, cuda_vjp): (Call<'_>, Vjp<'_>),
) {
    let args: Vec<Tensor> = (shapes.iter().enumerate())
        .map(|(k, s)| tensor(s, k, range))
        .collect();
    let name = format!("{name} {shapes:?}");
    let failed = |e| panic!("{name}: {e}");
    let wanted = cpu(&args).unwrap_or_else(failed);
    let found = cuda(&args).unwrap_or_else(failed);
    crate::close::close(&name, &found, &wanted, 2e-5);
    let dy = tensor(wanted.shape(), 77, (-1.0, 1.0));
    let wanted = cpu_vjp(&args, &dy).unwrap_or_else(|e| panic!("{name}: {e}"));
    let found = cuda_vjp(&args, &dy).unwrap_or_else(|e| panic!("{name}: {e}"));
    for (k, (a, b)) in found.iter().zip(&wanted).enumerate() {
        crate::close::close(&format!("{name}: gradient {k}"), a, b, 5e-5);
    }
}
