//! Products: every tile, orientation, alignment and split, exact on small integers.
// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

mod harness;

use harness::{Gpu, Numbers, bits};
use netform_ptx::{
    Arg, Body, DType, Inner, Operand, Plan, Precision, Product, Scalar, Scalars, Step, Way, choose,
    product_as, split_work, tiles,
};

/// `relu(c + bias)`, and `c * scale` before it.
static EPILOGUE: Body = Body {
    inputs: &[
        Operand::new(DType::Float, Inner::One),
        Operand::new(DType::Float, Inner::One),
        Operand::new(DType::Float, Inner::Many),
    ],
    steps: &[
        Step::Load(0),
        Step::Load(1),
        Step::Apply(Scalar::Add, &[0, 1]),
        Step::Apply(Scalar::Relu, &[2]),
        Step::Load(2),
        Step::Apply(Scalar::Mul, &[0, 4]),
    ],
    results: &[3, 5],
};

/// The same, long enough to be expanded only once in the kernel.
static LONG: Body = Body {
    steps: &[
        Step::Load(0),
        Step::Load(1),
        Step::Apply(Scalar::Add, &[0, 1]),
        Step::Apply(Scalar::Relu, &[2]),
        Step::Load(2),
        Step::Apply(Scalar::Mul, &[0, 4]),
        Step::Apply(Scalar::Neg, &[5]),
        Step::Apply(Scalar::Neg, &[6]),
        Step::Apply(Scalar::Neg, &[7]),
        Step::Apply(Scalar::Neg, &[8]),
        Step::Apply(Scalar::Neg, &[9]),
        Step::Apply(Scalar::Neg, &[10]),
        Step::Apply(Scalar::Neg, &[11]),
        Step::Apply(Scalar::Neg, &[12]),
    ],
    results: &[3, 13],
    ..EPILOGUE
};

fn expected(size: Product, a: &[f32], b: &[f32]) -> Vec<f32> {
    let Product {
        batch,
        m,
        n,
        k,
        ta,
        tb,
    } = size;
    let mut c = vec![0.0; batch * m * n];
    for g in 0..batch {
        for i in 0..m {
            for p in 0..k {
                let x = a[g * m * k + if ta { p * m + i } else { i * k + p }];
                for j in 0..n {
                    let y = b[g * n * k + if tb { j * k + p } else { p * n + j }];
                    c[(g * m + i) * n + j] += x * y;
                }
            }
        }
    }
    c
}

/// Runs it without and with an epilogue, `offset` bytes after an aligned address.
fn check(way: (Way, usize), size: Product, offset: usize, epilogue: &Body) -> Plan {
    let Product { batch, m, n, k, .. } = size;
    let mut numbers = Numbers::new((m * 7 + n * 3 + k) as u64);
    let a = numbers.integers(batch * m * k);
    let b = numbers.integers(batch * k * n);
    let c = expected(size, &a, &b);
    let count = batch * m * n;
    let mut gpu = Gpu::default();
    let ab = [gpu.array_at(&a, offset), gpu.array_at(&b, offset)];
    let work = gpu.space(split_work(size, way.0, way.1));
    let none = Scalars::NONE;
    let plain = |y| product_as(way, &Body::IDENTITY, size, ab, &[], &[y], none, work);
    let (y, z) = (gpu.space(4 * count), gpu.space(4 * count));
    gpu.run(plain(y));
    gpu.run(plain(z));
    let first = gpu.read::<f32>(y, count);
    assert_eq!(first, c, "{size:?} {way:?}");
    assert_eq!(bits(&gpu.read::<f32>(z, count)), bits(&first));

    let (bias, scale) = (numbers.integers(n), numbers.integers(batch * m));
    let extra = [
        Arg::new(gpu.array(&bias), &[0, 0, 1]),
        Arg::new(gpu.array(&scale), &[m as i64, 1, 0]),
    ];
    let outputs = [gpu.space(4 * count), gpu.space(4 * count)];
    gpu.run(product_as(
        way, epilogue, size, ab, &extra, &outputs, none, work,
    ));
    let got = outputs.map(|o| gpu.read::<f32>(o, count));
    for e in 0..count {
        assert_eq!(
            got[0][e],
            (c[e] + bias[e % n]).max(0.0),
            "{size:?} {way:?} {e}"
        );
        assert_eq!(got[1][e], c[e] * scale[e / n], "{size:?} {way:?} {e}");
    }
    plain(y).unwrap()
}

/// All orientations of these sizes (batch, m, n, k).
fn each(sizes: [usize; 4], mut f: impl FnMut(Product)) {
    let [batch, m, n, k] = sizes;
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        f(Product {
            batch,
            m,
            n,
            k,
            ta,
            tb,
        });
    }
}

#[test]
fn few_rows_or_columns() {
    let sizes = [
        [1, 1, 1, 1],
        [1, 1, 7, 3],
        [1, 3, 1, 31],
        [1, 5, 33, 129],
        [1, 2, 2, 4000],
        [1, 1, 300, 600],
        [1, 257, 8, 20],
        [1, 31, 2, 257],
        [1, 8, 8, 8],
        [1, 4, 1000, 7],
        [1, 10, 100, 65],
        [2, 129, 16, 31],
        [3, 2, 9, 5],
        [2, 40, 3, 2100],
    ];
    for sizes in sizes {
        each(sizes, |size| {
            let way = choose(size, Precision::Tf32);
            assert!(matches!(way.0, Way::Few { .. }));
            check(way, size, 0, &EPILOGUE);
        });
    }
}

fn in_tiles(precision: Precision) {
    for &(way, ..) in tiles(precision) {
        each([1, 9, 33, 1], |size| {
            drop(check((way, 1), size, 0, &EPILOGUE))
        });
        each([1, 31, 130, 37], |size| {
            drop(check((way, 1), size, 0, &LONG))
        });
        each([2, 36, 68, 20], |size| {
            drop(check((way, 1), size, 0, &EPILOGUE))
        });
        each([1, 129, 12, 32], |size| {
            drop(check((way, 1), size, 4, &LONG))
        });
        each([1, 132, 132, 36], |size| {
            drop(check((way, 1), size, 0, &EPILOGUE))
        });
        each([2, 10, 14, 333], |size| {
            assert_eq!(check((way, 3), size, 0, &EPILOGUE).len(), 2);
        });
        each([1, 12, 16, 1000], |size| {
            assert_eq!(check((way, 4), size, 0, &LONG).len(), 2);
        });
    }
}

#[test]
fn tiles_in_f32() {
    in_tiles(Precision::F32);
}

#[test]
fn tiles_in_tf32() {
    in_tiles(Precision::Tf32);
}

#[test]
fn tiles_in_bf16() {
    in_tiles(Precision::Bf16);
}

#[test]
fn no_depth() {
    let all = [Precision::F32, Precision::Tf32, Precision::Bf16];
    for m in [2, 20] {
        each([1, m, 20, 0], |size| {
            for precision in all {
                check(choose(size, precision), size, 0, &EPILOGUE);
            }
        });
    }
}

/// Against f64, within the rounding of the operands and a bound that grows with the root of the depth.
#[test]
fn random_numbers() {
    let (m, n, k) = (70, 50, 900);
    let mut numbers = Numbers::new(9);
    let (a, b) = (numbers.floats(m * k), numbers.floats(n * k));
    let rows = [
        (Precision::F32, 6e-8),
        (Precision::Tf32, 4.9e-4),
        (Precision::Bf16, 3.9e-3),
    ];
    for (precision, unit) in rows {
        let size = Product {
            batch: 1,
            m,
            n,
            k,
            ta: false,
            tb: true,
        };
        let way = choose(size, precision);
        let mut gpu = Gpu::default();
        let ab = [gpu.array(&a), gpu.array(&b)];
        let (y, work) = (
            gpu.space(4 * m * n),
            gpu.space(split_work(size, way.0, way.1)),
        );
        gpu.run(product_as(
            way,
            &Body::IDENTITY,
            size,
            ab,
            &[],
            &[y],
            Scalars::NONE,
            work,
        ));
        let y = gpu.read::<f32>(y, m * n);
        let mut worst = 0.0f64;
        for i in 0..m {
            for j in 0..n {
                let one = |p: usize| f64::from(a[i * k + p]) * f64::from(b[j * k + p]);
                let want: f64 = (0..k).map(one).sum();
                worst = worst.max((f64::from(y[i * n + j]) - want).abs());
            }
        }
        assert!(
            worst < 20.0 * (k as f64).sqrt() * unit / 2.0,
            "{precision:?}: {worst}"
        );
        assert!(precision == Precision::F32 || worst > unit / 10.0);
    }
}

#[test]
fn ways_are_chosen() {
    let side = |m, n, k| {
        let size = Product {
            batch: 1,
            m,
            n,
            k,
            ta: false,
            tb: false,
        };
        match choose(size, Precision::F32) {
            (Way::Tiles(tile), parts) => (tile.bm, parts),
            _ => (0, 1),
        }
    };
    assert_eq!(side(4096, 4096, 4096), (128, 1));
    assert_eq!(side(1, 4096, 4096).0, 0);
    assert_eq!(side(128, 512, 784).0, 32);
    assert!(side(128, 128, 8192).1 > 1);
}

/// `y = y + s * c`, with s in device memory: the output is exactly an operand.
#[test]
fn in_place_with_a_scalar_on_the_device() {
    static BODY: Body = Body {
        inputs: &[
            Operand::new(DType::Float, Inner::One),
            Operand::new(DType::Float, Inner::One),
        ],
        steps: &[
            Step::Load(0),
            Step::Scalar(0),
            Step::Apply(Scalar::Mul, &[0, 1]),
            Step::Load(1),
            Step::Apply(Scalar::Add, &[2, 3]),
        ],
        results: &[4],
    };
    let all = [Precision::F32, Precision::Tf32, Precision::Bf16];
    for (m, n, k) in [(3, 40, 9), (40, 36, 9), (33, 35, 400)] {
        for (precision, parts) in all
            .into_iter()
            .zip([1, 1, 1])
            .chain(all.into_iter().zip([3; 3]))
        {
            let size = Product {
                batch: 2,
                m,
                n,
                k,
                ta: false,
                tb: true,
            };
            let mut numbers = Numbers::new(8);
            let (a, b) = (numbers.integers(2 * m * k), numbers.integers(2 * n * k));
            let y = numbers.integers(2 * m * n);
            let c = expected(size, &a, &b);
            let mut gpu = Gpu::default();
            let ab = [gpu.array(&a), gpu.array(&b)];
            let (at, s) = (gpu.array(&y), gpu.array(&[3.0f32]));
            let guard = gpu.array(&[0.0f32]);
            let extra = [Arg::new(at, &[(m * n) as i64, n as i64, 1])];
            let way = (choose(size, precision).0, parts);
            let work = gpu.space(split_work(size, way.0, parts));
            let plan = product_as(
                way,
                &BODY,
                size,
                ab,
                &extra,
                &[at],
                Scalars::Device { addr: s, guard },
                work,
            );
            gpu.run(plan);
            let got = gpu.read::<f32>(at, y.len());
            for e in 0..y.len() {
                assert_eq!(got[e], 3.0 * c[e] + y[e], "{size:?} {way:?} {e}");
            }
        }
    }
}
