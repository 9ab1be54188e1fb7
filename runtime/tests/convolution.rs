//! Convolutions and windows, through `Run`, against their formulas in plain f64 code, in f32 and f64, and with the same
//! bits for one, two and three threads.

mod common;

use common::{Bench, Calls, numbers};
use netform_runtime::__private::DType;
use netform_runtime::__private::device::{Convolution, Window2};
use netform_runtime::{Cpu, Error, Float};

/// (n, groups, c, o, x, kernel, stride, padding, dilation, more): `more` cells of padding after the image than before
/// it.
type Case = (
    usize,
    usize,
    usize,
    usize,
    [usize; 2],
    [usize; 2],
    [usize; 2],
    [usize; 2],
    [usize; 2],
    [usize; 2],
);

const CASES: &[Case] = &[
    (1, 1, 1, 1, [1, 1], [1, 1], [1, 1], [0, 0], [1, 1], [0, 0]),
    (2, 1, 3, 4, [5, 7], [3, 3], [1, 1], [0, 0], [1, 1], [0, 0]),
    (2, 1, 3, 4, [5, 7], [3, 3], [1, 1], [1, 1], [1, 1], [0, 0]),
    (3, 1, 2, 5, [9, 40], [3, 2], [1, 1], [1, 0], [1, 1], [0, 1]),
    (2, 1, 4, 3, [9, 8], [3, 3], [2, 2], [1, 1], [1, 1], [0, 0]),
    (1, 1, 2, 3, [11, 12], [3, 2], [2, 3], [2, 1], [2, 3], [1, 0]),
    (2, 2, 3, 2, [6, 5], [3, 3], [1, 1], [1, 1], [1, 1], [0, 0]),
    (2, 5, 1, 1, [7, 35], [3, 3], [1, 1], [1, 1], [1, 1], [0, 0]),
    (2, 5, 1, 1, [7, 9], [3, 3], [2, 2], [1, 1], [1, 1], [1, 1]),
    (1, 3, 1, 2, [8, 8], [5, 5], [1, 1], [2, 2], [1, 1], [0, 0]),
    // Kernels of one cell, with and without strides.
    (3, 1, 6, 4, [5, 6], [1, 1], [1, 1], [0, 0], [1, 1], [0, 0]),
    (2, 2, 6, 4, [5, 6], [1, 1], [2, 1], [0, 0], [1, 1], [0, 0]),
    // A stride larger than the kernel, and a kernel larger than the image.
    (2, 1, 2, 2, [10, 10], [2, 2], [3, 4], [0, 0], [1, 1], [0, 0]),
    (2, 1, 2, 2, [1, 2], [3, 4], [1, 1], [2, 3], [1, 1], [0, 0]),
    // One dimension, whose tile is a piece of a row; enough work for threads.
    (
        1,
        1,
        40,
        8,
        [1, 5000],
        [1, 3],
        [1, 1],
        [0, 1],
        [1, 1],
        [0, 0],
    ),
    (
        5,
        1,
        16,
        24,
        [20, 20],
        [3, 3],
        [1, 1],
        [1, 1],
        [1, 1],
        [0, 0],
    ),
    (
        1,
        1,
        16,
        24,
        [30, 30],
        [3, 3],
        [1, 1],
        [0, 0],
        [1, 1],
        [0, 0],
    ),
    (40, 2, 8, 8, [10, 9], [3, 3], [1, 1], [1, 1], [1, 1], [0, 0]),
    (
        9,
        1,
        1,
        32,
        [28, 28],
        [3, 3],
        [1, 1],
        [0, 0],
        [1, 1],
        [0, 0],
    ),
    (
        2,
        1,
        64,
        64,
        [16, 16],
        [1, 1],
        [1, 1],
        [0, 0],
        [1, 1],
        [0, 0],
    ),
    (0, 1, 2, 3, [4, 4], [3, 3], [1, 1], [0, 0], [1, 1], [0, 0]),
];

fn geometry(case: &Case) -> Convolution {
    let (n, groups, c, o, x, kernel, stride, padding, dilation, more) = *case;
    let size = |d: usize| {
        let reach = dilation[d] * (kernel[d] - 1) + 1;
        (x[d] + 2 * padding[d] + more[d] - reach) / stride[d] + 1
    };
    Convolution {
        n,
        groups,
        c,
        o,
        x,
        kernel,
        y: [size(0), size(1)],
        stride,
        padding,
        dilation,
    }
}

fn sizes(g: &Convolution) -> [usize; 3] {
    [
        g.n * g.groups * g.c * g.x[0] * g.x[1],
        g.groups * g.o * g.c * g.kernel[0] * g.kernel[1],
        g.n * g.groups * g.o * g.y[0] * g.y[1],
    ]
}

/// Calls `f` with the positions in x, w and y of every product of the form.
fn products(g: &Convolution, mut f: impl FnMut(usize, usize, usize)) {
    let cell = |d: usize, i: usize, k: usize| {
        (i * g.stride[d] + k * g.dilation[d])
            .checked_sub(g.padding[d])
            .filter(|at| *at < g.x[d])
    };
    for at in 0..sizes(g)[2] {
        let (j, rest) = (at % g.y[1], at / g.y[1]);
        let (i, rest) = (rest % g.y[0], rest / g.y[0]);
        let (o, rest) = (rest % g.o, rest / g.o);
        let (group, s) = (rest % g.groups, rest / g.groups);
        for c in 0..g.c {
            for kh in 0..g.kernel[0] {
                for kw in 0..g.kernel[1] {
                    let (Some(h), Some(v)) = (cell(0, i, kh), cell(1, j, kw)) else {
                        continue;
                    };
                    let x = (((s * g.groups + group) * g.c + c) * g.x[0] + h) * g.x[1] + v;
                    let w = (((group * g.o + o) * g.c + c) * g.kernel[0] + kh) * g.kernel[1] + kw;
                    f(x, w, at);
                }
            }
        }
    }
}

/// y of (x, w), x of (y, w), w of (x, y), with this number of threads.
fn all<F: Float>(cpu: Cpu<F>, g: Convolution, [x, w, y]: [&[f64]; 3]) -> [Vec<F>; 3] {
    let mut bench = Bench::new(cpu);
    let (x_in, w_in, y_in) = (bench.floats(x), bench.floats(w), bench.floats(y));
    let (x_out, w_out, y_out) = (
        bench.empty(x.len()),
        bench.empty(w.len()),
        bench.empty(y.len()),
    );
    bench.run(|run| {
        run.convolve(g, x_in, w_in, y_out);
        run.convolve_input(g, y_in, w_in, x_out);
        run.convolve_weight(g, x_in, y_in, w_out);
    });
    [bench.get(y_out), bench.get(x_out), bench.get(w_out)]
}

fn compare<F: Float>(cpu: Cpu<F>, tolerance: f64) {
    for (seed, case) in CASES.iter().enumerate() {
        let g = geometry(case);
        let [xs, ws, ys] = sizes(&g);
        let seed = seed as u64;
        let (x, w, y) = (
            numbers(xs, seed),
            numbers(ws, seed + 100),
            numbers(ys, seed + 200),
        );
        let mut want = [vec![0.0; ys], vec![0.0; xs], vec![0.0; ws]];
        products(&g, |i, k, j| {
            want[0][j] += x[i] * w[k];
            want[1][i] += y[j] * w[k];
            want[2][k] += x[i] * y[j];
        });
        let found = all(cpu.clone().with_threads(2), g, [&x, &w, &y]);
        for (part, (found, want)) in found.iter().zip(&want).enumerate() {
            let largest = want.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            for (at, (a, b)) in found.iter().zip(want).enumerate() {
                let a = a.to_f64();
                assert!(
                    (a - b).abs() <= tolerance * largest,
                    "{g:?}, part {part}, element {at}: {a}, not {b}"
                );
            }
        }
        for threads in [1, 3] {
            let other = all(cpu.clone().with_threads(threads), g, [&x, &w, &y]);
            assert!(found == other, "{g:?} with {threads} threads");
        }
    }
}

#[test]
fn convolutions() {
    compare(Cpu::new(), 2e-6);
    compare(Cpu::f64(), 1e-14);
}

#[test]
fn nothing_of_nothing_is_zero() {
    let g = geometry(CASES.last().unwrap());
    let (x, w) = (Vec::new(), numbers(sizes(&g)[1], 1));
    let [_, _, w] = all(Cpu::new(), g, [&x, &w, &[]]);
    assert!(w.iter().all(|v| *v == 0.0) && !w.is_empty());
}

#[test]
fn the_largest_of_windows() {
    let windows = [
        ([4, 6], [2, 2], [2, 2], [0, 0], [1, 1], [2, 3]),
        ([5, 7], [3, 3], [2, 2], [1, 1], [1, 1], [3, 4]),
        ([5, 7], [3, 2], [1, 2], [1, 1], [2, 1], [3, 4]),
        ([1, 9], [1, 3], [1, 2], [0, 0], [1, 1], [1, 5]),
        ([40, 50], [3, 3], [1, 1], [1, 1], [1, 1], [40, 50]),
    ];
    for (seed, (x, kernel, stride, padding, dilation, y)) in windows.into_iter().enumerate() {
        let planes = 3;
        let w = Window2 {
            planes,
            x,
            kernel,
            y,
            stride,
            padding,
            dilation,
        };
        let mut data = numbers(planes * x[0] * x[1], seed as u64);
        // Equal elements, some NaN, some without a finite competitor.
        data.iter_mut().for_each(|v| *v = (*v * 2.0).round());
        for at in (5..data.len()).step_by(17) {
            data[at] = f64::NAN;
        }
        for at in (0..data.len()).step_by(5) {
            data[at] = f64::NEG_INFINITY;
        }
        let mut want = Vec::new();
        for at in 0..planes * y[0] * y[1] {
            let (j, i, plane) = (at % y[1], at / y[1] % y[0], at / y[1] / y[0]);
            let mut best: Option<(f64, usize)> = None;
            for k in 0..kernel[0] * kernel[1] {
                let h = (i * stride[0] + k / kernel[1] * dilation[0]).wrapping_sub(padding[0]);
                let v = (j * stride[1] + k % kernel[1] * dilation[1]).wrapping_sub(padding[1]);
                if h < x[0] && v < x[1] {
                    let at = h * x[1] + v;
                    let value = data[plane * x[0] * x[1] + at];
                    let larger = |b: f64| value > b || value.is_nan();
                    if best.is_none_or(|b| larger(b.0)) {
                        best = Some((value, at));
                    }
                }
            }
            want.push(best.map_or(-1, |b| b.1 as i64));
        }
        for threads in [1, 2, 3] {
            let mut bench = Bench::new(Cpu::new().with_threads(threads));
            let x = bench.floats(&data);
            let index = bench.empty_of(DType::Int, want.len());
            bench.run(|run| run.window_arg_max(w, x, index));
            assert_eq!(bench.get_ints(index), want, "{w:?}");
        }
    }
}

#[test]
fn wrong_calls_are_refused() {
    let g = geometry(&CASES[1]);
    let [xs, ws, ys] = sizes(&g);
    let mut bench = Bench::new(Cpu::new());
    let (x, w, y) = (bench.empty(xs), bench.empty(ws), bench.empty(ys));
    let short = bench.empty(ys - 1);
    let refused = |e: Error| matches!(e, Error::Internal { .. });
    assert!(refused(bench.fault(|run| run.convolve(g, x, w, short))));
    assert!(refused(
        bench.fault(|run| run.convolve_input(g, short, w, x))
    ));
    assert!(refused(bench.fault(|run| run.convolve_weight(g, x, w, w))));
    assert!(refused(bench.fault(|run| run.convolve(g, x, w, x))));
    let endless = Convolution {
        stride: [0, 1],
        ..g
    };
    assert!(refused(bench.fault(|run| run.convolve(endless, x, w, y))));
    let far = Convolution {
        padding: [usize::MAX, 0],
        ..g
    };
    assert!(refused(bench.fault(|run| run.convolve(far, x, w, y))));
}
