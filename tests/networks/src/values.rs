//! Test tensors, the same in every run.

use netform::{Element, Float, Tensor};

/// A sine along the elements.
pub fn wave(shape: &[usize], step: f64) -> Tensor {
    made(shape, |i| (step * i as f64).sin())
}

/// Booleans, from the index of each element.
pub fn booleans(shape: &[usize], one: impl Fn(usize) -> bool) -> Tensor {
    made(shape, one)
}

/// Integers, from the index of each element.
pub fn integers(shape: &[usize], one: impl Fn(usize) -> i64) -> Tensor {
    made(shape, one)
}

/// Pseudorandom numbers in -1..1, different for each seed.
pub fn noise(shape: &[usize], seed: u64) -> Tensor {
    uniform::<f64>(shape, seed, (-1.0, 1.0))
}

/// The same in another range, in f32 or f64.
pub fn uniform<F: Float + Element>(shape: &[usize], seed: u64, (low, high): (f64, f64)) -> Tensor {
    let mut values = vec![F::from_f64(0.0); shape.iter().product()];
    netform::fill_uniform(seed, 0, &mut values, low, high);
    Tensor::from_vec(shape, values).expect("as many values as the shape has")
}

fn made<T: Element>(shape: &[usize], one: impl Fn(usize) -> T) -> Tensor {
    let values: Vec<T> = (0..shape.iter().product()).map(one).collect();
    Tensor::from_vec(shape, values).expect("as many values as the shape has")
}
