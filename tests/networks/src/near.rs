//! Comparison with wanted numbers.

use netform::Tensor;

/// Numbers of a shape.
pub trait Numbers {
    /// The shape.
    fn sizes(&self) -> Vec<usize>;
    /// The numbers, row by row.
    fn numbers(&self) -> Vec<f64>;
}

impl Numbers for Tensor {
    fn sizes(&self) -> Vec<usize> {
        self.shape().to_vec()
    }
    fn numbers(&self) -> Vec<f64> {
        self.to_f64_vec()
    }
}

impl Numbers for [f64] {
    fn sizes(&self) -> Vec<usize> {
        vec![self.len()]
    }
    fn numbers(&self) -> Vec<f64> {
        self.to_vec()
    }
}

impl Numbers for Vec<f64> {
    fn sizes(&self) -> Vec<usize> {
        self.as_slice().sizes()
    }
    fn numbers(&self) -> Vec<f64> {
        self.clone()
    }
}

impl<const N: usize> Numbers for [f64; N] {
    fn sizes(&self) -> Vec<usize> {
        self.as_slice().sizes()
    }
    fn numbers(&self) -> Vec<f64> {
        self.to_vec()
    }
}

/// Checks that each number is within the tolerance of the wanted one.
#[track_caller]
pub fn within(found: &(impl Numbers + ?Sized), wanted: &(impl Numbers + ?Sized), tolerance: f64) {
    compare("", found, wanted, |_| tolerance);
}

/// The same, where the tolerance is multiplied by `1 + |wanted|`.
#[track_caller]
pub fn near(
    what: &str,
    found: &(impl Numbers + ?Sized),
    wanted: &(impl Numbers + ?Sized),
    tolerance: f64,
) {
    compare(what, found, wanted, |wanted| {
        tolerance * (1.0 + wanted.abs())
    });
}

#[track_caller]
fn compare(
    what: &str,
    found: &(impl Numbers + ?Sized),
    wanted: &(impl Numbers + ?Sized),
    allowed: impl Fn(f64) -> f64,
) {
    assert_eq!(found.sizes(), wanted.sizes(), "{what}");
    let (found, wanted) = (found.numbers(), wanted.numbers());
    for (i, (a, b)) in found.iter().zip(&wanted).enumerate() {
        assert!(
            (a - b).abs() <= allowed(*b),
            "{what}[{i}] is {a}, not {b}: {found:?}, not {wanted:?}"
        );
    }
}
