//! Comparison of tensors within rounding.

use netform::Tensor;

/// Compares: integers and booleans exactly, floats relative to the larger of 1 and the value.
pub fn close(what: &str, cuda: &Tensor, cpu: &Tensor, tolerance: f64) {
    assert_eq!(cuda.shape(), cpu.shape(), "{what}");
    let floats = cpu.as_slice::<f32>().is_ok() || cpu.as_slice::<f64>().is_ok();
    for (i, (a, b)) in cuda.to_f64_vec().iter().zip(cpu.to_f64_vec()).enumerate() {
        let allowed = if floats {
            tolerance * (1.0 + b.abs())
        } else {
            0.0
        };
        let same = *a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= allowed;
        assert!(same, "{what}: [{i}] is {a}, on the CPU {b}");
    }
}
