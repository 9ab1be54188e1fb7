//! Arrays and their indices.

/// An array of f64; integers and bools (0, 1) too.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Sizes.
    pub shape: Vec<usize>,
    /// Row-major elements.
    pub data: Vec<f64>,
}

impl Array {
    /// From sizes and a function of the flat index.
    pub fn new(shape: &[usize], f: impl FnMut(usize) -> f64) -> Array {
        Array {
            shape: shape.to_vec(),
            data: (0..shape.iter().product()).map(f).collect(),
        }
    }

    /// The element at an index.
    pub fn at(&self, index: &[usize]) -> f64 {
        self.data[flat(&self.shape, index)]
    }
}

/// The flat index of an index.
pub fn flat(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |at, (n, i)| at * n + i)
}

/// The index of a flat index.
pub fn unflat(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for d in (0..shape.len()).rev() {
        index[d] = at % shape[d];
        at /= shape[d];
    }
    index
}

/// An array whose element at each index is computed.
pub fn build(shape: &[usize], mut f: impl FnMut(&[usize]) -> f64) -> Array {
    Array::new(shape, |at| f(&unflat(shape, at)))
}

/// Adds every element into zeros of `shape`, at its own index as changed by `place`.
pub fn scatter(dy: &Array, shape: &[usize], place: impl Fn(&[usize], &mut Vec<usize>)) -> Array {
    let mut out = Array::new(shape, |_| 0.0);
    for (at, v) in dy.data.iter().enumerate() {
        let index = unflat(&dy.shape, at);
        let mut to = index.clone();
        place(&index, &mut to);
        out.data[flat(shape, &to)] += v;
    }
    out
}
