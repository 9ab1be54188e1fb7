//! The shapes that are timed.

use netform_runtime::__private::device::Product;

/// Sides of the grid: small and large ones, multiples of a pack and not.
const ROWS: [usize; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 33, 64, 128, 256];
const COLUMNS: [usize; 9] = [1, 3, 10, 16, 33, 64, 128, 300, 512];
const SUMMED: [usize; 7] = [3, 8, 32, 64, 127, 256, 784];
/// Multiplications of the largest product of the grid.
const LARGEST: usize = 20_000_000;

/// Whether A is stored transposed, and whether B is: those that a linear layer and its gradients have.
const STORED: [(bool, bool); 3] = [(false, true), (false, false), (true, false)];

/// Products of linear layers and recurrences of the workloads in `benches/`, in training and inference: (m, n, k), A is
/// stored transposed, B is. Those of `tiny` have kernels of their own.
#[rustfmt::skip]
const WORKLOADS: [(usize, usize, usize, bool, bool); 83] = [
    // `mlp`
    (128, 512, 784, false, true), (512, 784, 128, true, false), (1, 512, 784, false, true),
    (128, 512, 512, false, true), (512, 512, 128, true, false), (128, 512, 512, false, false),
    (1, 512, 512, false, true), (128, 10, 512, false, true), (10, 512, 128, true, false),
    (128, 512, 10, false, false), (1, 10, 512, false, true),
    // `cnn`
    (64, 128, 9216, false, true), (128, 9216, 64, true, false), (64, 9216, 128, false, false),
    (1, 128, 9216, false, true), (64, 10, 128, false, true), (10, 128, 64, true, false), (64, 128, 10, false, false),
    (1, 10, 128, false, true),
    // `lstm`
    (2048, 512, 64, false, true), (512, 64, 2048, true, false), (2048, 64, 512, false, false),
    (64, 512, 64, false, true), (32, 512, 128, false, true), (512, 128, 32, true, false),
    (32, 128, 512, false, false), (1, 512, 128, false, true), (32, 2, 128, false, true), (2, 128, 32, true, false),
    (32, 128, 2, false, false), (1, 2, 128, false, true),
    // `gru`
    (2048, 384, 64, false, true), (384, 64, 2048, true, false), (2048, 64, 384, false, false),
    (64, 384, 64, false, true), (32, 384, 128, false, true), (384, 128, 32, true, false),
    (32, 128, 384, false, false), (1, 384, 128, false, true),
    // `gpt`
    (768, 384, 128, false, true), (384, 128, 768, true, false), (768, 128, 384, false, false),
    (64, 384, 128, false, true), (768, 128, 128, false, true), (128, 128, 768, true, false),
    (768, 128, 128, false, false), (64, 128, 128, false, true), (768, 512, 128, false, true),
    (512, 128, 768, true, false), (768, 128, 512, false, false), (64, 512, 128, false, true),
    (768, 128, 512, false, true), (128, 512, 768, true, false), (768, 512, 128, false, false),
    (64, 128, 512, false, true), (768, 65, 128, false, true), (65, 128, 768, true, false),
    (768, 128, 65, false, false), (64, 65, 128, false, true),
    // `seq2seq`
    (1024, 384, 128, false, true), (384, 128, 1024, true, false), (1024, 128, 384, false, false),
    (32, 384, 128, false, true), (1024, 256, 128, false, true), (256, 128, 1024, true, false),
    (1024, 128, 256, false, false), (32, 256, 128, false, true), (1024, 128, 128, false, true),
    (128, 128, 1024, true, false), (1024, 128, 128, false, false), (32, 128, 128, false, true),
    (1024, 512, 128, false, true), (512, 128, 1024, true, false), (1024, 128, 512, false, false),
    (32, 512, 128, false, true), (1024, 128, 512, false, true), (128, 512, 1024, true, false),
    (1024, 512, 128, false, false), (32, 128, 512, false, true), (1024, 64, 128, false, true),
    (64, 128, 1024, true, false), (1024, 128, 64, false, false), (32, 64, 128, false, true),
];

fn product(m: usize, n: usize, k: usize, ta: bool, tb: bool) -> Product {
    Product {
        batch: 1,
        m,
        n,
        k,
        ta,
        tb,
    }
}

/// The workloads' shapes, then the grid's.
pub(crate) fn shapes() -> Vec<Product> {
    let mut shapes = workloads();
    for m in ROWS {
        for n in COLUMNS {
            for k in SUMMED.into_iter().filter(|k| m * n * k <= LARGEST) {
                shapes.extend(STORED.map(|(ta, tb)| product(m, n, k, ta, tb)));
            }
        }
    }
    shapes
}

/// The workloads' shapes.
pub(crate) fn workloads() -> Vec<Product> {
    let shape = |(m, n, k, ta, tb)| product(m, n, k, ta, tb);
    WORKLOADS.into_iter().map(shape).collect()
}
