//! Every kernel, through `Run`, against plain f64 code: ordinary and awkward sizes, f32 and f64, and with the same bits
//! for one to four threads.

mod common;

use common::{Bench, Calls, In3, numbers};
use netform_runtime::__private::device::{Axis, Product, Softmax, by};
use netform_runtime::__private::{
    Body, DType, Identity, In, Inner, Lanes, MapBody, Number, Operand, Pack, Reads, Site, Space,
    View, Window, size,
};
use netform_runtime::{Cpu, Error, Float};

const FLOAT: Operand = Operand::new(DType::Float, Inner::One);

/// Implements a body with its constants and the code of `apply`.
macro_rules! body {
    ($name:ident, [$($input:expr),*], [$($output:ident),*], |$l:ident| $code:expr) => {
        struct $name;
        impl MapBody for $name {
            const INPUTS: &'static [Operand] = &[$($input),*];
            const OUTPUTS: &'static [DType] = &[$(DType::$output),*];
            // Not used by the CPU.
            fn body() -> Body {
                Body::IDENTITY
            }
            #[inline(always)]
            fn apply<F: Float, L: Lanes<F>>($l: &mut L) {
                $code
            }
        }
    };
}

body!(Add, [FLOAT, FLOAT], [Float], |l| {
    let y = l.float(0) + l.float(1);
    l.put_float(0, y);
});
body!(
    Affine,
    [FLOAT, Operand::new(DType::Float, Inner::Zero)],
    [Float],
    |l| {
        let y = l.float(0) * l.scalar(0) + l.float(1);
        l.put_float(0, y);
    }
);
body!(
    Crossed,
    [
        Operand::new(DType::Float, Inner::Many),
        Operand::iota(Inner::One)
    ],
    [Float, Int, Bool],
    |l| {
        let (x, i) = (l.float(0), l.int(1));
        l.put_int(1, i * netform_runtime::__private::Ints::splat(2));
        l.put_mask(2, x.gt(Pack::splat(0.0)));
        l.put_float(0, x - i.to_float());
    }
);
body!(
    Chosen,
    [
        Operand::new(DType::Bool, Inner::One),
        FLOAT,
        Operand::new(DType::Int, Inner::One)
    ],
    [Float],
    |l| {
        let y = l.mask(0).select(l.float(1), l.int(2).to_float());
        l.put_float(0, y);
    }
);
body!(Square, [FLOAT], [Float], |l| {
    let x = l.float(0);
    l.put_float(0, x * x);
});
body!(BiasRelu, [FLOAT, FLOAT], [Float, Bool], |l| {
    let c = l.float(0) + l.float(1);
    l.put_float(0, c.relu());
    l.put_mask(1, c.gt(Pack::splat(0.0)));
});
body!(IsPositive, [FLOAT], [Bool], |l| {
    let c = l.float(0);
    l.put_mask(0, c.gt(Pack::splat(0.0)));
});

const SIZES: [usize; 9] = [0, 1, 3, 10, 16, 17, 64, 100, 1030];

#[track_caller]
fn close<F: Float>(got: &[F], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    let tolerance = if F::NAME == "f64" {
        tolerance * 1e-8
    } else {
        tolerance
    };
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let (g, w) = (g.to_f64(), *w);
        let fine =
            g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= tolerance * w.abs().max(1.0);
        assert!(fine, "element {i}: {g} instead of {w}");
    }
}

/// Runs a case in both precisions with 1 to 4 threads; its results must agree to the bit.
fn everywhere(f32s: impl Fn(Cpu<f32>) -> Vec<f32>, f64s: impl Fn(Cpu<f64>) -> Vec<f64>) {
    let bits = |v: Vec<f32>| v.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let one = bits(f32s(Cpu::new().with_threads(1)));
    let one_64 = f64s(Cpu::f64().with_threads(1))
        .into_iter()
        .map(f64::to_bits)
        .collect::<Vec<_>>();
    for threads in [2, 3, 4] {
        assert_eq!(one, bits(f32s(Cpu::new().with_threads(threads))));
        let more = f64s(Cpu::f64().with_threads(threads))
            .into_iter()
            .map(f64::to_bits)
            .collect::<Vec<_>>();
        assert_eq!(one_64, more);
    }
}

macro_rules! everywhere {
    ($f:ident $(, $arg:expr)*) => {
        everywhere(|cpu| $f(cpu $(, $arg)*), |cpu| $f(cpu $(, $arg)*))
    };
}

fn maps<F: Float>(cpu: Cpu<F>, rows: usize, columns: usize) -> Vec<F> {
    let mut t = Bench::new(cpu);
    let n = rows * columns;
    let (a, b, c) = (numbers(n, 1), numbers(columns, 2), numbers(rows, 3));
    let (va, vb, vc) = (t.floats(&a), t.floats(&b), t.floats(&c));
    let [y0, y1, y2] = [t.empty(n), t.empty(n), t.empty(n)];
    let (yi, yb) = (t.empty_of(DType::Int, n), t.empty_of(DType::Bool, n));
    let transposed = t.empty(n);
    t.run(|run| {
        let whole = |view| In {
            view,
            start: 0,
            strides: [columns, 1],
        };
        let shape = [rows, columns];
        run.map::<Add, 2, 2, 1>(
            shape,
            [
                whole(va),
                In {
                    view: vb,
                    start: 0,
                    strides: [0, 1],
                },
            ],
            [y0],
            &[],
        );
        run.map::<Affine, 2, 2, 1>(
            shape,
            [
                whole(va),
                In {
                    view: vc,
                    start: 0,
                    strides: [1, 0],
                },
            ],
            [y1],
            &[2.0],
        );
        // In place.
        run.map::<Add, 2, 2, 1>(shape, [whole(y1), whole(va)], [y1], &[]);
        let position = View {
            space: Space::Nowhere,
            dtype: DType::Int,
            offset: 0,
            len: 0,
        };
        run.map::<Crossed, 2, 2, 3>(
            [columns, rows],
            [
                In {
                    view: va,
                    start: 0,
                    strides: [1, columns],
                },
                In {
                    view: position,
                    start: 5,
                    strides: [3, 1],
                },
            ],
            [transposed, yi, yb],
            &[],
        );
        let line = |view| In {
            view,
            start: 0,
            strides: [1],
        };
        run.map::<Chosen, 1, 3, 1>([n], [line(yb), line(va), line(yi)], [y2], &[]);
    });
    let got = t.get(y0);
    close(
        &got,
        &(0..n).map(|i| a[i] + b[i % columns]).collect::<Vec<_>>(),
        1e-6,
    );
    let got = t.get(y1);
    close(
        &got,
        &(0..n)
            .map(|i| a[i] * 3.0 + c[i / columns])
            .collect::<Vec<_>>(),
        1e-6,
    );
    let ints: Vec<i64> = (0..n)
        .map(|i| 2 * (5 + 3 * (i / rows) + i % rows) as i64)
        .collect();
    assert_eq!(t.get_ints(yi), ints);
    let at = |i: usize| a[i % rows * columns + i / rows];
    let masks: Vec<bool> = (0..n).map(|i| at(i) > 0.0).collect();
    assert_eq!(t.get_masks(yb), masks);
    close(
        &t.get(transposed),
        &(0..n)
            .map(|i| at(i) - ints[i] as f64 / 2.0)
            .collect::<Vec<_>>(),
        1e-6,
    );
    let got = t.get(y2);
    close(
        &got,
        &(0..n)
            .map(|i| if masks[i] { a[i] } else { ints[i] as f64 })
            .collect::<Vec<_>>(),
        1e-6,
    );
    got
}

#[test]
fn map() {
    for rows in [0, 1, 2, 7, 40] {
        for columns in SIZES {
            everywhere!(maps, rows, columns);
        }
    }
    everywhere!(maps, 3, 20_000);
    everywhere!(maps, 20_000, 3);
}

fn reductions<F: Float>(cpu: Cpu<F>, axis: Axis) -> Vec<F> {
    let mut t = Bench::new(cpu);
    let Axis { outer, n, inner } = axis;
    let x = numbers(outer * n * inner, 4);
    let vx = t.floats(&x);
    let small = outer * inner;
    let [sum, max, min, squares, lse, top, mean, rest, alone] =
        std::array::from_fn(|_| t.empty(small));
    let [soft, log, running, back] = std::array::from_fn(|_| t.empty(x.len()));
    let (most, least) = (t.empty_of(DType::Int, small), t.empty_of(DType::Int, small));
    t.run(|run| {
        let input = In3::block(vx, axis);
        run.reduce::<Identity, by::Sum, 1>(axis, [input], &[], sum);
        run.reduce::<Identity, by::Max, 1>(axis, [input], &[], max);
        run.reduce::<Identity, by::Min, 1>(axis, [input], &[], min);
        run.reduce::<Square, by::Sum, 1>(axis, [input], &[], squares);
        run.arg_reduce(true, axis, vx, most);
        run.arg_reduce(false, axis, vx, least);
        run.softmax(Softmax::Softmax, axis, vx, soft);
        run.softmax(Softmax::LogSoftmax, axis, vx, log);
        run.logsumexp(axis, vx, [lse, top]);
        run.mean::<Square, 1>(axis, [input], &[], mean, Some(rest));
        run.mean::<Square, 1>(axis, [input], &[], alone, None);
        run.cumsum(false, axis, vx, running);
        run.cumsum(true, axis, vx, back);
    });
    let lines: Vec<Vec<f64>> = (0..small)
        .map(|u| {
            (0..n)
                .map(|j| x[(u / inner * n + j) * inner + u % inner])
                .collect()
        })
        .collect();
    let each = |f: &dyn Fn(&[f64]) -> f64| lines.iter().map(|l| f(l)).collect::<Vec<_>>();
    let total = |l: &[f64]| l.iter().sum::<f64>();
    let largest = |l: &[f64]| l.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials = |l: &[f64]| l.iter().map(|v| v.exp()).sum::<f64>();
    close(&t.get(sum), &each(&total), 1e-5);
    close(&t.get(max), &each(&largest), 1e-7);
    close(
        &t.get(min),
        &each(&|l| l.iter().copied().fold(f64::INFINITY, f64::min)),
        1e-7,
    );
    close(
        &t.get(squares),
        &each(&|l| l.iter().map(|v| v * v).sum()),
        1e-5,
    );
    let both: Vec<F> = (t.get(lse).iter().zip(t.get(top)))
        .map(|(log, max)| F::from_f64(log.to_f64() + max.to_f64()))
        .collect();
    close(&both, &each(&|l| exponentials(l).ln()), 1e-5);
    let mean = t.get(mean);
    // The mean of no elements is NaN.
    assert_eq!(format!("{mean:?}"), format!("{:?}", t.get(alone)));
    // In chunks: a plain sum of this many is less accurate than the kernel's.
    let average = |l: &[f64]| {
        let chunk = |c: &[f64]| c.iter().map(|v| v * v).sum::<f64>();
        l.chunks(500).map(chunk).sum::<f64>() / n as f64
    };
    close(&mean, &each(&average), 1e-5);
    // A mean of n rounded floats is accurate to half a unit, and its rounding error is small in comparison.
    for (m, r) in mean.iter().zip(t.get(rest)) {
        assert!(
            n == 0 || r.to_f64().abs() <= m.to_f64().abs() * 6e-8,
            "{m} {r}"
        );
    }
    let first = |l: &[f64], v: f64| l.iter().position(|&w| w == v).unwrap_or(0) as i64;
    let rounded: Vec<Vec<f64>> = lines
        .iter()
        .map(|l| l.iter().map(|&v| F::from_f64(v).to_f64()).collect())
        .collect();
    assert_eq!(
        t.get_ints(most),
        rounded
            .iter()
            .map(|l| first(l, largest(l)))
            .collect::<Vec<_>>()
    );
    let smallest = |l: &[f64]| l.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(
        t.get_ints(least),
        rounded
            .iter()
            .map(|l| first(l, smallest(l)))
            .collect::<Vec<_>>()
    );
    // Along every line, with its sum of exponentials.
    let spread = |f: &dyn Fn(&[f64], f64) -> Vec<f64>| {
        let lines: Vec<Vec<f64>> = lines.iter().map(|l| f(l, exponentials(l))).collect();
        (0..x.len())
            .map(|e| lines[e / (n * inner) * inner + e % inner][e / inner % n])
            .collect::<Vec<_>>()
    };
    let scan = |l: &mut dyn Iterator<Item = &f64>| {
        l.scan(0.0, |sum, v| {
            *sum += v;
            Some(*sum)
        })
        .collect::<Vec<_>>()
    };
    close(
        &t.get(soft),
        &spread(&|l, sum| l.iter().map(|v| v.exp() / sum).collect()),
        1e-6,
    );
    close(
        &t.get(log),
        &spread(&|l, sum| l.iter().map(|v| v - sum.ln()).collect()),
        1e-5,
    );
    close(&t.get(running), &spread(&|l, _| scan(&mut l.iter())), 1e-5);
    close(
        &t.get(back),
        &spread(&|l, _| scan(&mut l.iter().rev()).into_iter().rev().collect()),
        1e-5,
    );
    [
        t.get(sum),
        t.get(squares),
        t.get(soft),
        t.get(log),
        t.get(lse),
    ]
    .concat()
}

#[test]
fn reduce() {
    for outer in [0, 1, 3] {
        for n in [0, 1, 5, 16, 17, 300] {
            for inner in [0, 1, 2, 16, 19, 64, 70] {
                everywhere!(reductions, Axis { outer, n, inner });
            }
        }
    }
    for (outer, n, inner) in [
        (1, 100_003, 1),
        (1, 40_000, 3),
        (700, 50, 1),
        (2, 300, 200),
        (5_000, 3, 1),
    ] {
        everywhere!(reductions, Axis { outer, n, inner });
    }
}

#[test]
fn a_million_floats_keep_their_accuracy() {
    let mut t = Bench::new(Cpu::new());
    let n = 1_000_000;
    let x: Vec<f64> = (0..n)
        .map(|i| f64::from(0.1f32 + (i % 7) as f32 * 0.01))
        .collect();
    let (vx, y) = (t.floats(&x), t.empty(1));
    let axis = Axis {
        outer: 1,
        n,
        inner: 1,
    };
    t.run(|run| run.reduce::<Identity, by::Sum, 1>(axis, [In3::block(vx, axis)], &[], y));
    let want: f64 = x.iter().map(|&v| f64::from(v as f32)).sum();
    assert!((f64::from(t.get(y)[0]) / want - 1.0).abs() < 2e-7);
}

/// Means of equal values are those values, to the bit, at both ends of the range and in every layout. The second result
/// is the rounding error of the mean.
fn exact_means<F: Float>(cpu: Cpu<F>, values: &[f64]) {
    for (outer, n, inner) in [
        (3, 14, 1),
        (1, 40_000, 1),
        (2, 1000, 1),
        (2, 7, 5),
        (1, 9001, 70),
    ] {
        let axis = Axis { outer, n, inner };
        for &value in values {
            let mut t = Bench::new(cpu.clone());
            let x = t.floats(&vec![value; outer * n * inner]);
            let (mean, rest) = (t.empty(outer * inner), t.empty(outer * inner));
            let input = In3::block(x, axis);
            t.run(|run| run.mean::<Identity, 1>(axis, [input], &[], mean, Some(rest)));
            let want = vec![F::from_f64(value); outer * inner];
            assert_eq!(t.get(mean), want, "{axis:?}");
            assert_eq!(
                t.get(rest),
                vec![F::ZERO; outer * inner],
                "{axis:?} {value}"
            );
        }
    }
}

#[test]
fn means_of_equal_values() {
    let values = [
        1_000.000_24,
        10_000_004.0,
        0.1,
        -3e38,
        3.4e38,
        1e-38,
        1e-45,
        0.0,
    ];
    exact_means(Cpu::new(), &values);
    exact_means(Cpu::f64(), &values);
    // The values differ by one unit: the mean is between two floats, and the rest gives its place.
    let mut t = Bench::new(Cpu::new());
    let axis = Axis {
        outer: 1,
        n: 2,
        inner: 1,
    };
    let x = t.floats(&[10_000_003.0, 10_000_004.0]);
    let (mean, rest) = (t.empty(1), t.empty(1));
    let input = In3::block(x, axis);
    t.run(|run| run.mean::<Identity, 1>(axis, [input], &[], mean, Some(rest)));
    assert_eq!((t.get(mean)[0], t.get(rest)[0]), (10_000_004.0, -0.5));
}

/// Terms that are small compared to the largest's own 1 are not rounded away.
#[test]
fn logarithms_of_sums_beside_a_one() {
    for inner in [1, 3] {
        let axis = Axis {
            outer: 1,
            n: 3,
            inner,
        };
        let mut t = Bench::new(Cpu::new());
        let x: Vec<f64> = [100.0, 85.0, 84.0]
            .iter()
            .flat_map(|v| vec![*v; inner])
            .collect();
        let x = t.floats(&x);
        let (log, max, soft) = (t.empty(inner), t.empty(inner), t.empty(3 * inner));
        t.run(|run| {
            run.logsumexp(axis, x, [log, max]);
            run.softmax(Softmax::LogSoftmax, axis, x, soft);
        });
        let want = (f64::exp(-15.0) + f64::exp(-16.0)).ln_1p();
        for log in [f64::from(t.get(log)[0]), -f64::from(t.get(soft)[0])] {
            assert!((log / want - 1.0).abs() < 3e-7, "{log} {want}");
        }
        assert_eq!(t.get(max), vec![100.0; inner]);
    }
}

#[test]
fn rows_without_a_finite_number() {
    for inner in [1, 2] {
        let mut t = Bench::new(Cpu::new());
        let axis = Axis {
            outer: 1,
            n: 3,
            inner,
        };
        let low = vec![f64::NEG_INFINITY; 3 * inner];
        let mut mixed = vec![1.0; 3 * inner];
        mixed[inner] = f64::NAN;
        let (vl, vm) = (t.floats(&low), t.floats(&mixed));
        let (soft, max) = (t.empty(3 * inner), t.empty(inner));
        let (lse, top) = (t.empty(inner), t.empty(inner));
        let arg = t.empty_of(DType::Int, inner);
        t.run(|run| {
            run.softmax(Softmax::Softmax, axis, vl, soft);
            run.logsumexp(axis, vl, [lse, top]);
            run.reduce::<Identity, by::Max, 1>(axis, [In3::block(vm, axis)], &[], max);
            run.arg_reduce(true, axis, vm, arg);
        });
        assert!(t.get(soft).iter().all(|v| v.is_nan()));
        assert_eq!(t.get(lse), vec![f32::NEG_INFINITY; inner]);
        assert_eq!(t.get(top), vec![0.0; inner]);
        assert!(t.get(max)[0].is_nan());
        assert_eq!(t.get_ints(arg)[0], 1);
    }
}

/// The product in f64.
fn reference(size: Product, a: &[f64], b: &[f64]) -> Vec<f64> {
    let Product {
        batch,
        m,
        n,
        k,
        ta,
        tb,
    } = size;
    let mut c = vec![0.0; batch * m * n];
    for (at, c) in c.iter_mut().enumerate() {
        let (g, i, j) = (at / (m * n), at / n % m, at % n);
        for l in 0..k {
            let x = a[g * m * k + if ta { l * m + i } else { i * k + l }];
            let y = b[g * k * n + if tb { j * k + l } else { l * n + j }];
            *c += x * y;
        }
    }
    c
}

fn products<F: Float>(cpu: Cpu<F>, size: Product) -> Vec<F> {
    let mut t = Bench::new(cpu);
    let Product { batch, m, n, k, .. } = size;
    let (a, b, bias) = (
        numbers(batch * m * k, 5),
        numbers(batch * k * n, 6),
        numbers(n, 7),
    );
    let (va, vb, vbias) = (t.floats(&a), t.floats(&b), t.floats(&bias));
    let total = batch * m * n;
    let [plain, relu, sum] = std::array::from_fn(|_| t.empty(total));
    let [mask, positive] = std::array::from_fn(|_| t.empty_of(DType::Bool, total));
    let ones = vec![1.0; total];
    t.set(sum, &ones);
    t.run(|run| {
        run.product::<Identity, size::Any, 0, 1>(size, va, vb, [], [plain], &[]);
        let extra = In {
            view: vbias,
            start: 0,
            strides: [0, 0, 1],
        };
        run.product::<BiasRelu, size::Any, 1, 2>(size, va, vb, [extra], [relu, mask], &[]);
        run.product::<IsPositive, size::Any, 0, 1>(size, va, vb, [], [positive], &[]);
        // Added to the present values.
        let here = In {
            view: sum,
            start: 0,
            strides: [m * n, n, 1],
        };
        run.product::<Add, size::Any, 1, 1>(size, va, vb, [here], [sum], &[]);
    });
    let c = reference(size, &a, &b);
    let got = t.get(plain);
    close(&got, &c, 1e-4);
    let with: Vec<f64> = c.iter().enumerate().map(|(i, c)| c + bias[i % n]).collect();
    close(
        &t.get(relu),
        &with.iter().map(|v| v.max(0.0)).collect::<Vec<_>>(),
        1e-4,
    );
    close(
        &t.get(sum),
        &c.iter().map(|c| c + 1.0).collect::<Vec<_>>(),
        1e-4,
    );
    for (i, m) in t.get_masks(mask).into_iter().enumerate() {
        assert!(m == (with[i] > 0.0) || with[i].abs() < 1e-4);
    }
    for (i, m) in t.get_masks(positive).into_iter().enumerate() {
        assert!(m == (c[i] > 0.0) || c[i].abs() < 1e-4);
    }
    [got, t.get(relu)].concat()
}

#[test]
fn product() {
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        for (batch, m, n, k) in [
            (1, 0, 3, 4),
            (0, 2, 2, 2),
            (1, 3, 4, 0),
            (1, 1, 1, 1),
            (2, 3, 5, 7),
            (1, 1, 200, 40),
            (1, 1, 37, 100),
            (3, 1, 130, 33),
            (1, 17, 33, 65),
            (2, 40, 50, 30),
            (1, 200, 3, 100),
            (1, 65, 200, 129),
            (5, 31, 64, 64),
        ] {
            everywhere!(
                products,
                Product {
                    batch,
                    m,
                    n,
                    k,
                    ta,
                    tb
                }
            );
        }
    }
    for (m, n, k) in [(130, 500, 200), (400, 120, 300), (1, 700, 300)] {
        everywhere!(
            products,
            Product {
                batch: 1,
                m,
                n,
                k,
                ta: false,
                tb: true
            }
        );
    }
}

fn small<F: Float, const M: usize, const N: usize, const K: usize>(
    cpu: Cpu<F>,
    batch: usize,
    ta: bool,
    tb: bool,
) -> Vec<F> {
    let mut t = Bench::new(cpu);
    let size = Product {
        batch,
        m: M,
        n: N,
        k: K,
        ta,
        tb,
    };
    let (a, b, bias) = (
        numbers(batch * M * K, 5),
        numbers(batch * K * N, 6),
        numbers(M * N, 7),
    );
    let (va, vb, vbias) = (t.floats(&a), t.floats(&b), t.floats(&bias));
    let (nk, mn) = (t.empty(batch * M * N), t.empty(batch * M * N));
    t.run(|run| {
        let extra = In {
            view: vbias,
            start: 0,
            strides: [0, N, 1],
        };
        run.product::<Add, size::Nk<N, K>, 1, 1>(size, va, vb, [extra], [nk], &[]);
        run.product::<Add, size::Mn<M, N>, 1, 1>(size, va, vb, [extra], [mn], &[]);
    });
    let mut c = reference(size, &a, &b);
    for (i, c) in c.iter_mut().enumerate() {
        *c += bias[i % (M * N)];
    }
    close(&t.get(nk), &c, 1e-5);
    close(&t.get(mn), &c, 1e-5);
    [t.get(nk), t.get(mn)].concat()
}

#[test]
fn small_products() {
    for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
        for batch in [0, 1, 3] {
            everywhere!(small_10_10_8, batch, ta, tb);
            everywhere!(small_1_1_1, batch, ta, tb);
            everywhere!(small_9_17_5, batch, ta, tb);
            everywhere!(small_23_64_33, batch, ta, tb);
            everywhere!(small_4_100_70, batch, ta, tb);
            everywhere!(small_8_3_0, batch, ta, tb);
        }
    }
}

macro_rules! small_of {
    ($($name:ident $m:literal $n:literal $k:literal),*) => { $(
        fn $name<F: Float>(cpu: Cpu<F>, batch: usize, ta: bool, tb: bool) -> Vec<F> {
            small::<F, $m, $n, $k>(cpu, batch, ta, tb)
        }
    )* };
}
small_of!(small_10_10_8 10 10 8, small_1_1_1 1 1 1, small_9_17_5 9 17 5, small_23_64_33 23 64 33, small_4_100_70 4 100 70, small_8_3_0 8 3 0);

fn copies<F: Float>(cpu: Cpu<F>, a: usize, b: usize, c: usize) -> Vec<F> {
    let mut t = Bench::new(cpu);
    let x = numbers(a * b * c, 8);
    let vx = t.floats(&x);
    let (turned, flipped, wide) = (t.empty(x.len()), t.empty(x.len()), t.empty(a * b * (c + 2)));
    let filled = t.empty_of(DType::Int, 5);
    let (sa, sb) = ((b * c) as isize, c as isize);
    t.run(|run| {
        let whole = |view| Window {
            view,
            start: 0,
            strides: [sa, sb, 1],
        };
        // (a, b, c) to (c, b, a), and to (b, a, c).
        let to = Window {
            view: turned,
            start: 0,
            strides: [1, a as isize, (a * b) as isize],
        };
        run.copy([a, b, c], whole(vx), to);
        let start = (a * b * c).saturating_sub(1);
        run.copy(
            [a, b, c],
            whole(vx),
            Window {
                view: flipped,
                start,
                strides: [-sa, -sb, -1],
            },
        );
        run.fill(wide, Number::Float(7.0));
        let inside = [(b * (c + 2)) as isize, (c + 2) as isize, 1];
        run.copy(
            [a, b, c],
            whole(vx),
            Window {
                view: wide,
                start: 1,
                strides: inside,
            },
        );
        run.fill(filled, Number::Int(-3));
    });
    let at = |i: usize, j: usize, k: usize| x[(i * b + j) * c + k];
    let want: Vec<f64> = (0..x.len())
        .map(|e| at(e % a, e / a % b, e / (a * b)))
        .collect();
    close(&t.get(turned), &want, 1e-7);
    close(
        &t.get(flipped),
        &x.iter().rev().copied().collect::<Vec<_>>(),
        1e-7,
    );
    let padded = |e: usize| match e % (c + 2) {
        0 => 7.0,
        k if k > c => 7.0,
        k => x[e / (c + 2) * c + k - 1],
    };
    close(
        &t.get(wide),
        &(0..a * b * (c + 2)).map(padded).collect::<Vec<_>>(),
        1e-7,
    );
    assert_eq!(t.get_ints(filled), [-3; 5]);
    t.get(turned)
}

#[test]
fn copy() {
    for (a, b, c) in [
        (1, 1, 1),
        (2, 3, 4),
        (0, 2, 2),
        (17, 5, 33),
        (3, 200, 100),
        (2, 1, 40_000),
    ] {
        everywhere!(copies, a, b, c);
    }
}

fn indices<F: Float>(cpu: Cpu<F>, axis: Axis, count: usize) -> Vec<F> {
    let mut t = Bench::new(cpu);
    let Axis { outer, n, inner } = axis;
    let (x, dy) = (
        numbers(outer * n * inner, 9),
        numbers(outer * count * inner, 10),
    );
    let few: Vec<i64> = (0..count).map(|c| (c * 7 % n) as i64).collect();
    let many: Vec<i64> = (0..dy.len()).map(|e| (e * 5 % n) as i64).collect();
    let (vx, vdy, vf, vm) = (t.floats(&x), t.floats(&dy), t.ints(&few), t.ints(&many));
    let (taken, gathered) = (t.empty(dy.len()), t.empty(dy.len()));
    let (dt, dg) = (t.empty(x.len()), t.empty(x.len()));
    t.run(|run| {
        run.take(axis, count, vx, vf, taken, Reads::default());
        run.gather(axis, count, vx, vm, gathered, Reads::default());
        run.take_grad(axis, count, vdy, vf, dt, Reads::default());
        run.gather_grad(axis, count, vdy, vm, dg, Reads::default());
    });
    let mut want = [
        vec![0.0; dy.len()],
        vec![0.0; dy.len()],
        vec![0.0; x.len()],
        vec![0.0; x.len()],
    ];
    for e in 0..dy.len() {
        let (o, c, i) = (e / (count * inner), e / inner % count, e % inner);
        let (a, b) = (
            (o * n + few[c] as usize) * inner + i,
            (o * n + many[e] as usize) * inner + i,
        );
        want[0][e] = x[a];
        want[1][e] = x[b];
        want[2][a] += dy[e];
        want[3][b] += dy[e];
    }
    for (view, want) in [taken, gathered, dt, dg].into_iter().zip(&want) {
        close(&t.get(view), want, 1e-5);
    }
    [t.get(dt), t.get(dg)].concat()
}

#[test]
fn index() {
    for (outer, n, inner, count) in [
        (1, 5, 1, 3),
        (2, 3, 4, 7),
        (1, 65, 128, 300),
        (30, 11, 70, 20),
        (2, 3, 0, 1),
        (1, 4, 2, 0),
        // Rows, and columns and rows, with more threads than columns.
        (1, 1000, 64, 700),
        (1, 3, 5, 9000),
        (1, 150, 130, 400),
        (3, 65, 7, 3000),
        (500, 40, 1, 90),
    ] {
        everywhere!(indices, Axis { outer, n, inner }, count);
    }
}

#[test]
fn indices_out_of_range_are_errors() {
    // An index beyond 32 bits must not be truncated to its low half.
    for bad in [-1, 3, (1 << 32) + 1, i64::MIN, i64::MAX] {
        let axis = Axis {
            outer: 1,
            n: 3,
            inner: 2,
        };
        let mut t = Bench::new(Cpu::new());
        let (x, index) = (t.floats(&[1.0; 6]), t.ints(&[0, bad]));
        let wide = t.ints(&[0, 0, bad, 0]);
        let y = t.floats(&[9.0; 4]);
        let by = |index, shape| Reads {
            site: Site {
                by: "`embedding`",
                file: "net.rs",
                line: 7,
            },
            index,
            shape,
        };
        let fault = t.fault(|run| run.take(axis, 2, x, index, y, by("ids", &[2, 1])));
        let wanted = format!(
            "test: `embedding`: `ids` holds {bad} at [1, 0], which is outside 0..3\n  at net.rs:7"
        );
        assert_eq!(fault.to_string(), wanted);
        let found = |fault: Error| match fault {
            Error::IndexOutOfRange {
                function: "test",
                limit: 3,
                found: Some(found),
                ..
            } => (found.value, found.position),
            other => panic!("{other}"),
        };
        assert_eq!(found(fault), (bad, vec![1, 0]));
        assert_eq!(t.get(y), [1.0, 1.0, 0.0, 0.0]);
        // If the shape is not that of the index, the position is that in a flat array.
        let fault = t.fault(|run| run.gather(axis, 2, x, wide, y, by("ids", &[3, 2])));
        assert_eq!(found(fault), (bad, vec![2]));
        assert_eq!(t.get(y), [1.0, 1.0, 0.0, 1.0]);
        let dx = t.empty(6);
        let fault = t.fault(|run| run.take_grad(axis, 2, y, index, dx, by("ids", &[2])));
        assert_eq!(found(fault), (bad, vec![1]));
        assert_eq!(t.get(dx), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let fault = t.fault(|run| run.gather_grad(axis, 2, y, wide, dx, by("ids", &[1, 2, 2])));
        assert_eq!(found(fault), (bad, vec![0, 1, 0]));
        let (out, all) = (t.floats(&[9.0; 6]), t.floats(&[1.0; 4]));
        let fault = t.fault(|run| run.put(axis, 2, [all, index, x, out], by("ids", &[1, 1, 2])));
        assert_eq!(found(fault), (bad, vec![0, 0, 1]));
    }
}

#[test]
fn bernoulli() {
    for keep in [0.0, 0.3, 1.0] {
        let draw = |threads, node| {
            let mut t = Bench::new(Cpu::new().with_threads(threads));
            let y = t.empty_of(DType::Bool, 100_003);
            t.run(|run| run.bernoulli(keep, node, y));
            t.get_masks(y)
        };
        let one = draw(1, 0);
        assert_eq!(one, draw(2, 0));
        assert_eq!(one, draw(3, 0));
        let share = one.iter().filter(|&&b| b).count() as f64 / one.len() as f64;
        assert!(
            (share - keep).abs() < 0.01 * f64::from(u8::from(keep == 0.3)) + 1e-12,
            "{share}"
        );
        assert_eq!(one == draw(1, 1), keep != 0.3);
    }
}

#[test]
fn concurrent_runs_on_one_device() {
    let cpu = Cpu::new().with_threads(2);
    let want = products(
        cpu.clone(),
        Product {
            batch: 1,
            m: 100,
            n: 100,
            k: 100,
            ta: false,
            tb: true,
        },
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let size = Product {
                        batch: 1,
                        m: 100,
                        n: 100,
                        k: 100,
                        ta: false,
                        tb: true,
                    };
                    assert_eq!(products(cpu.clone(), size), want);
                    maps(cpu.clone(), 5, 10_000);
                }
            });
        }
    });
}
