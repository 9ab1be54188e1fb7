//! Every way to compute a product, against `matrixmultiply` within what rounding allows, and on any number of threads.

use netform_runtime::__private::device::Product;
use netform_runtime::__private::products::{Way, product_by};
use netform_runtime::{Cpu, Float, fill_uniform};
use proptest::prelude::*;

/// `C = A B` by a way, on so many threads.
fn product<F: Float>(cpu: &Cpu<F>, way: Way, size: Product, a: &[F], b: &[F]) -> Vec<F> {
    let mut c = vec![F::NAN; size.batch * size.m * size.n];
    // SAFETY: the slices hold matrices of these sizes.
    unsafe { product_by(cpu, way, size, [a.as_ptr(), b.as_ptr()], c.as_mut_ptr()) };
    c
}

/// Numbers of all signs and of different magnitudes.
fn numbers<F: Float>(seed: u64, count: usize) -> Vec<F> {
    let mut values = vec![0.0; count];
    fill_uniform(seed, 0, &mut values, -1.0, 1.0);
    values
        .into_iter()
        .map(|v: f64| F::from_f64(v * v * v))
        .collect()
}

/// Compares all ways; `epsilon` is the distance from 1 to the next float.
fn compare<F: Float>(cpu: Cpu<F>, size: Product, seed: u64, epsilon: f64) {
    let Product { batch, m, n, k, .. } = size;
    let (a, b) = (
        numbers::<F>(seed, batch * m * k),
        numbers::<F>(seed + 1, batch * k * n),
    );
    let absolute = |x: &[F]| {
        x.iter()
            .map(|v| F::from_f64(v.to_f64().abs()))
            .collect::<Vec<F>>()
    };
    let one = cpu.clone().with_threads(1);
    let want = product(&one, Way::MatrixMultiply, size, &a, &b);
    // A sum of k products is off by at most `k epsilon / 2` of the sum of their magnitudes, in any order; two sums
    // by twice that. Magnitudes are rounded too, hence the 2.
    let room = product(
        &one,
        Way::MatrixMultiply,
        size,
        &absolute(&a),
        &absolute(&b),
    );
    for way in [Way::Rows, Way::Plain, Way::Gemm, Way::MatrixMultiply] {
        let c = product(&one, way, size, &a, &b);
        for (at, ((c, want), room)) in c.iter().zip(&want).zip(&room).enumerate() {
            let off = (c.to_f64() - want.to_f64()).abs();
            let most = 2.0 * k as f64 * epsilon * room.to_f64();
            assert!(off <= most, "{way:?} {size:?} at {at}: {c} is not {want}");
        }
        let three = product(&cpu.clone().with_threads(3), way, size, &a, &b);
        assert!(c == three, "{way:?} {size:?}: threads change the result");
    }
}

fn both(size: Product, seed: u64) {
    compare(Cpu::new(), size, seed, f64::from(f32::EPSILON));
    compare(Cpu::f64(), size, seed, f64::EPSILON);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn ways_agree(
        batch in 1usize..4,
        m in 0usize..70,
        n in 0usize..150,
        k in 0usize..150,
        ta: bool,
        tb: bool,
        seed in 0u64..1000,
    ) {
        both(Product { batch, m, n, k, ta, tb }, seed);
    }

    /// One side, or two, of a single element.
    #[test]
    fn skinny_ones_agree(sides in [1usize..200, 1..200, 1..200], thin in 0usize..6, ta: bool, tb: bool) {
        let mut sides = sides;
        sides[thin % 3] = 1;
        if thin > 2 {
            sides[(thin + 1) % 3] = 1;
        }
        let [m, n, k] = sides;
        both(Product { batch: 1, m, n, k, ta, tb }, 7);
    }
}

/// Products that are cut into blocks, and go to several threads.
#[test]
fn large_ones_agree() {
    for (m, n, k) in [(257, 300, 129), (65, 1_000, 131), (400, 33, 700)] {
        for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
            let size = Product {
                batch: 1,
                m,
                n,
                k,
                ta,
                tb,
            };
            both(size, 3);
        }
    }
}
