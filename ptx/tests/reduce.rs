//! Reductions along an axis, in every layout: rows, columns, in two stages.
// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

mod harness;

use harness::{Gpu, Numbers, bits, function};
use netform_ptx::{
    Arg, Axis, Body, Combiner, DType, Scalar, Scalars, Softmax, arg_reduce, logsumexp, mean,
    mean_work, reduce, reduce_work, running, softmax,
};

const AXES: [(usize, usize, usize); 20] = [
    (1, 1, 1),
    (3, 1, 1),
    (5, 3, 1),
    (31, 10, 1),
    (7, 17, 1),
    (9, 33, 1),
    (3, 129, 1),
    (300, 70, 1),
    (2, 1500, 1),
    (1, 20_000, 1),
    (2, 5000, 1),
    (1, 17_000, 1),
    (3, 4, 5),
    (2, 31, 33),
    (1, 257, 3),
    (2, 9000, 1),
    (1, 1000, 129),
    (4, 2, 65),
    (2, 1, 7),
    (1, 9000, 2),
];

fn axis((outer, n, inner): (usize, usize, usize)) -> Axis {
    Axis { outer, n, inner }
}

/// Calls f with each line of x: its number, and its elements.
fn lines(axis: Axis, x: &[f32], mut f: impl FnMut(usize, &[f32])) {
    for c in 0..axis.outer * axis.inner {
        let (o, i) = (c / axis.inner, c % axis.inner);
        let at = |j: usize| x[(o * axis.n + j) * axis.inner + i];
        f(c, &(0..axis.n).map(at).collect::<Vec<_>>());
    }
}

fn total(
    body: &Body,
    kind: Combiner,
    a: Axis,
    inputs: impl FnOnce(&mut Gpu) -> Vec<Arg>,
) -> Vec<f32> {
    let mut gpu = Gpu::default();
    let inputs = inputs(&mut gpu);
    let count = a.outer * a.inner;
    let (y, work) = (gpu.space(4 * count), gpu.space(reduce_work(a)));
    gpu.run(reduce(body, kind, a, &inputs, y, Scalars::NONE, work));
    gpu.read(y, count)
}

fn whole(a: Axis) -> [i64; 3] {
    [(a.n * a.inner) as i64, a.inner as i64, 1]
}

#[test]
fn sums_and_extremes() {
    let mut numbers = Numbers::new(1);
    for a in AXES.map(axis) {
        let mut x = numbers.integers(a.outer * a.n * a.inner);
        for &kind in Combiner::ALL {
            let run = |x: &[f32]| {
                total(&Body::IDENTITY, kind, a, |gpu| {
                    vec![Arg::new(gpu.array(x), &whole(a))]
                })
            };
            // Products of other numbers would leave the range.
            let x: Vec<f32> = match kind {
                Combiner::Prod => x
                    .iter()
                    .map(|v| [1.0, -1.0][(*v as i32 & 1) as usize])
                    .collect(),
                _ => x.clone(),
            };
            let y = run(&x);
            lines(a, &x, |c, line| {
                let want = match kind {
                    Combiner::Sum => line.iter().sum(),
                    Combiner::Prod => line.iter().product(),
                    Combiner::Max => line.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                    Combiner::Min => line.iter().copied().fold(f32::INFINITY, f32::min),
                };
                assert_eq!(y[c], want, "{kind:?} {a:?} line {c}");
            });
            assert_eq!(bits(&y), bits(&run(&x)));
        }
        let middle = x.len() / 2;
        x[middle] = f32::NAN;
        for &kind in Combiner::ALL {
            let y = total(&Body::IDENTITY, kind, a, |gpu| {
                vec![Arg::new(gpu.array(&x), &whole(a))]
            });
            lines(a, &x, |c, line| {
                assert_eq!(
                    y[c].is_nan(),
                    line.iter().any(|v| v.is_nan()),
                    "{kind:?} {a:?}"
                );
            });
        }
    }
}

#[test]
fn a_body_in_front() {
    let body = function(Scalar::Mul, &[DType::Float, DType::Float]);
    let mut numbers = Numbers::new(2);
    for a in AXES.map(axis) {
        let x = numbers.integers(a.outer * a.n * a.inner);
        let w = numbers.integers(a.n);
        let y = total(&body, Combiner::Sum, a, |gpu| {
            vec![
                Arg::new(gpu.array(&x), &whole(a)),
                Arg::new(gpu.array(&w), &[0, 1, 0]),
            ]
        });
        lines(a, &x, |c, line| {
            let want: f32 = line.iter().zip(&w).map(|(x, w)| x * w).sum();
            assert_eq!(y[c], want, "{a:?} line {c}");
        });
    }
}

#[test]
fn long_sums_keep_their_accuracy() {
    let a = axis((1, 1 << 20, 1));
    let x = vec![0.1f32; a.n];
    let y = total(&Body::IDENTITY, Combiner::Sum, a, |gpu| {
        vec![Arg::new(gpu.array(&x), &whole(a))]
    });
    let want = f64::from(0.1f32) * a.n as f64;
    assert!(
        (f64::from(y[0]) - want).abs() < 1e-6 * want,
        "{} {want}",
        y[0]
    );
}

/// Means are rounded once, and the second result is the rounding error. Means of equal values are those values, at both
/// ends of the range.
#[test]
fn means() {
    let mut numbers = Numbers::new(6);
    for a in AXES.map(axis) {
        let len = a.outer * a.n * a.inner;
        let equal = [1_000.000_24, 10_000_004.0, 3.4e38, 1e-38].map(|v| vec![v; len]);
        let mixed: Vec<f32> = numbers.floats(len).iter().map(|v| 1e4 + v).collect();
        for x in equal.iter().chain([&mixed]) {
            let mut gpu = Gpu::default();
            let count = a.outer * a.inner;
            let at = gpu.array(x);
            let ys = [0; 3].map(|_| gpu.space(4 * count));
            let work = gpu.space(mean_work(a));
            let input = [Arg::new(at, &whole(a))];
            let to = [Some(ys[0]), Some(ys[1])];
            gpu.run(mean(&Body::IDENTITY, a, &input, to, Scalars::NONE, work));
            let to = [Some(ys[2]), None];
            gpu.run(mean(&Body::IDENTITY, a, &input, to, Scalars::NONE, work));
            let [y, rest, alone] = ys.map(|y| gpu.read::<f32>(y, count));
            assert_eq!(bits(&y), bits(&alone));
            lines(a, x, |c, line| {
                let want = line.iter().map(|v| f64::from(*v)).sum::<f64>() / line.len() as f64;
                assert_eq!(y[c], want as f32, "{a:?} line {c}");
                let error = f64::from(y[c]) + f64::from(rest[c]) - want;
                assert!(error.abs() <= 1e-12 * want.abs(), "{a:?} line {c}");
            });
        }
    }
}

#[test]
fn indices_of_extremes() {
    let mut numbers = Numbers::new(3);
    for a in AXES.map(axis) {
        for nan in [false, true] {
            let mut x = numbers.integers(a.outer * a.n * a.inner);
            if nan {
                for _ in 0..5 {
                    let at = numbers.below(x.len());
                    x[at] = f32::NAN;
                }
            }
            for largest in [true, false] {
                let mut gpu = Gpu::default();
                let (at, count) = (gpu.array(&x), a.outer * a.inner);
                let y = gpu.space(8 * count);
                gpu.run(arg_reduce(largest, a, at, y));
                let y = gpu.read::<i64>(y, count);
                lines(a, &x, |c, line| {
                    let mut best = 0;
                    for (j, v) in line.iter().enumerate() {
                        let wins = if largest {
                            *v > line[best]
                        } else {
                            *v < line[best]
                        };
                        if (wins || v.is_nan()) && !line[best].is_nan() {
                            best = j;
                        }
                    }
                    assert_eq!(y[c], best as i64, "{a:?} line {c}");
                });
            }
        }
    }
}

#[test]
fn exponentials() {
    let mut numbers = Numbers::new(4);
    for a in AXES.map(axis) {
        let n = a.outer * a.n * a.inner;
        let mut x: Vec<f32> = numbers.floats(n).iter().map(|v| 20.0 * v).collect();
        x[n / 3] = f32::NEG_INFINITY;
        let mut gpu = Gpu::default();
        let (count, addr) = (a.outer * a.inner, gpu.array(&x));
        let (y, z, l) = (gpu.array(&x), gpu.space(4 * n), gpu.space(4 * count));
        let top = gpu.space(4 * count);
        gpu.run(softmax(Softmax::Softmax, a, y, y));
        gpu.run(softmax(Softmax::LogSoftmax, a, addr, z));
        gpu.run(logsumexp(a, addr, [l, top]));
        let (y, z, l) = (
            gpu.read::<f32>(y, n),
            gpu.read::<f32>(z, n),
            gpu.read::<f32>(l, count),
        );
        let top = gpu.read::<f32>(top, count);
        let lines_of = |v: &[f32]| {
            let mut out = Vec::new();
            lines(a, v, |_, line| out.push(line.to_vec()));
            out
        };
        let (ys, zs) = (lines_of(&y), lines_of(&z));
        lines(a, &x, |c, line| {
            let max = f64::from(line.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let e: Vec<f64> = line.iter().map(|v| (f64::from(*v) - max).exp()).collect();
            let sum: f64 = e.iter().sum();
            if max == f64::NEG_INFINITY {
                assert!(ys[c].iter().all(|v| v.is_nan()));
                assert_eq!(l[c], f32::NEG_INFINITY);
                return;
            }
            assert_eq!(f64::from(top[c]), max, "{a:?}");
            let log = f64::from(l[c]);
            assert!((log - sum.ln()).abs() < 2e-6 * (1.0 + sum.ln()), "{a:?}");
            for j in 0..a.n {
                let want = e[j] / sum;
                assert!(
                    (f64::from(ys[c][j]) - want).abs() <= 4e-6 * want + 1e-38,
                    "{a:?}"
                );
                let want = f64::from(line[j]) - max - sum.ln();
                let got = f64::from(zs[c][j]);
                assert!(
                    got == want || (got - want).abs() < 3e-6 * (1.0 + want.abs()),
                    "{a:?} {got} {want}"
                );
            }
        });
    }
}

#[test]
fn running_results() {
    let mut numbers = Numbers::new(5);
    for a in AXES.map(axis) {
        let n = a.outer * a.n * a.inner;
        let x = numbers.floats(n);
        for (how, reverse) in [
            (Combiner::Sum, false),
            (Combiner::Sum, true),
            (Combiner::Prod, false),
        ] {
            // Products of numbers near 1 stay in the range.
            let x: Vec<f32> = match how {
                Combiner::Prod => x.iter().map(|v| v.abs().min(1.0) * 0.01 + 0.995).collect(),
                _ => x.clone(),
            };
            let mut gpu = Gpu::default();
            let y = gpu.array(&x);
            gpu.run(running(how, reverse, a, y, y));
            let y = gpu.read::<f32>(y, n);
            let mut ys = Vec::new();
            lines(a, &y, |_, line| ys.push(line.to_vec()));
            lines(a, &x, |c, line| {
                let mut want = how.neutral();
                for k in 0..a.n {
                    let j = if reverse { a.n - 1 - k } else { k };
                    want = how.combine(want, f64::from(line[j]));
                    let close = (f64::from(ys[c][j]) - want).abs() <= 1e-7 * want.abs() + 1e-12;
                    assert!(close, "{how:?} {a:?} {reverse} {j}: {} {want}", ys[c][j]);
                }
            });
        }
    }
}
