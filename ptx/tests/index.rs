//! Copies, fills, and reads and writes at indices, right and wrong ones.
// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

mod harness;

use harness::{Gpu, Numbers, bits};
use netform_ptx::{
    Axis, DType, Error, Fault, Number, Plan, RUNS, copy, fill, gather, gather_grad, outcome, put,
    take, take_grad, take_grad_work,
};

#[test]
fn copies() {
    let mut numbers = Numbers::new(1);
    // shape, strides of the source, of the destination, elements before the source's first
    type Row = (&'static [usize], &'static [i64], &'static [i64], usize);
    let rows: [Row; 12] = [
        (&[], &[], &[], 0),
        (&[257], &[1], &[1], 0),
        (&[31], &[-1], &[1], 30),
        (&[5, 7], &[1, 5], &[7, 1], 0),
        (&[3, 8], &[8, 1], &[16, 1], 0),
        (&[3, 8], &[8, 1], &[17, 1], 0),
        (&[2, 3, 4], &[12, -4, 1], &[12, 4, 1], 8),
        (
            &[2, 1, 3, 2, 2, 2, 3],
            &[1, 9, 2, 6, 12, 24, 48],
            &[72, 5, 24, 12, 6, 3, 1],
            0,
        ),
        (&[0, 3], &[3, 1], &[3, 1], 0),
        (&[33, 65], &[1, 33], &[65, 1], 0),
        (&[3, 40, 2, 17], &[1360, 1, 680, 40], &[34, 102, 17, 1], 0),
        (&[16, 2, 3, 16], &[1, 900, -300, 16], &[96, 48, 16, 1], 600),
    ];
    for (shape, s, d, first) in rows {
        let reach = |w: &[i64]| {
            w.iter()
                .zip(shape)
                .map(|(s, n)| s.unsigned_abs() as usize * n.saturating_sub(1))
                .sum::<usize>()
                + 1
        };
        let (from, to) = (reach(s), reach(d));
        let x: Vec<f32> = numbers.floats(from);
        let x8: Vec<u8> = (0..from).map(|_| numbers.below(2) as u8).collect();
        let mut gpu = Gpu::default();
        let (a, b) = (gpu.array(&x), gpu.array(&vec![7.0f32; to]));
        let (a8, b8) = (gpu.array(&x8), gpu.array(&vec![7u8; to]));
        gpu.run(copy(DType::Float, shape, (a + 4 * first as u64, s), (b, d)));
        gpu.run(copy(DType::Bool, shape, (a8 + first as u64, s), (b8, d)));
        let (mut want, mut want8) = (vec![7.0; to], vec![7; to]);
        let total: usize = shape.iter().product();
        for e in 0..total {
            let (mut rest, mut i, mut j) = (e, first as i64, 0);
            for k in (0..shape.len()).rev() {
                let at = (rest % shape[k]) as i64;
                rest /= shape[k];
                i += at * s[k];
                j += at * d[k];
            }
            want[j as usize] = x[i as usize];
            want8[j as usize] = x8[i as usize];
        }
        assert_eq!(gpu.read::<f32>(b, to), want, "{shape:?}");
        assert_eq!(gpu.read::<u8>(b8, to), want8, "{shape:?}");
    }
}

#[test]
fn fills() {
    for n in [0usize, 1, 3, 4, 16, 17, 257, 5000] {
        for offset in [0u64, 4] {
            let mut gpu = Gpu::default();
            let (a, b) = (
                gpu.array(&vec![7.0f32; n + 2]),
                gpu.array(&vec![7u8; n + 5]),
            );
            gpu.run(fill(Number::Float(-2.5), n, a + offset));
            gpu.run(fill(Number::Bool(true), n, b + offset));
            let at = offset as usize;
            assert!(gpu.read::<f32>(a + offset, n).iter().all(|v| *v == -2.5));
            assert!(gpu.read::<u8>(b + offset, n).iter().all(|v| *v == 1));
            assert_eq!(gpu.read::<f32>(a, n + 2)[n + at / 4], 7.0);
            assert_eq!(gpu.read::<u8>(b, n + 5)[n + at], 7);
            let c = gpu.array(&vec![7i64; n + 2]);
            // A float does not hold it.
            let odd = -(1 << 53) - 1;
            gpu.run(fill(Number::Int(odd), n, c + 2 * offset));
            let (from, all) = (at / 4, gpu.read::<i64>(c, n + 2));
            assert!(all[from..from + n].iter().all(|v| *v == odd));
            assert_eq!(all[from + n], 7);
        }
    }
}

/// outer, n, inner, count.
const SIZES: [(usize, usize, usize, usize); 10] = [
    (1, 1, 1, 1),
    (1, 5, 3, 7),
    (2, 4, 8, 3),
    (3, 65, 5, 33),
    (1, 10, 129, 1030),
    (2, 700, 4, 257),
    (1, 3, 260, 31),
    (1, 2500, 1, 2000),
    (70, 40, 1, 70),
    (300, 3, 2, 33),
];

type Call = fn(Axis, usize, [u64; 3], Fault, u64) -> Result<Plan, Error>;

/// Runs a call on data of these sizes; returns the results and the error's word.
fn run(
    axis: Axis,
    count: usize,
    call: Call,
    x: &[f32],
    index: &[i64],
    y: &[f32],
) -> (Vec<f32>, i32) {
    let mut gpu = Gpu::default();
    let (ax, ai, ay) = (gpu.array(x), gpu.array(index), gpu.array(y));
    let fault = gpu.array(&[0i32]);
    let work = gpu.space(take_grad_work(axis, count));
    gpu.run(call(
        axis,
        count,
        [ax, ai, ay],
        Fault {
            addr: fault,
            code: 9,
        },
        work,
    ));
    (gpu.read(ay, y.len()), gpu.read::<i32>(fault, 1)[0])
}

#[test]
fn rows() {
    let mut numbers = Numbers::new(2);
    for (outer, n, inner, count) in SIZES {
        for wrong in [false, true] {
            let axis = Axis { outer, n, inner };
            let x = numbers.floats(outer * n * inner);
            let dy = numbers.floats(outer * count * inner);
            let mut index: Vec<i64> = (0..count).map(|_| numbers.below(n) as i64).collect();
            if wrong {
                // Its low half is a valid index.
                index[count / 2] = (1 << 32) + n as i64 - 1;
                index[count / 3] = -1;
            }
            let inside = |c: usize| usize::try_from(index[c]).ok().filter(|j| *j < n);
            let (mut y, mut dx, mut z) = (dy.clone(), vec![0.0; x.len()], x.clone());
            for o in 0..outer {
                for c in 0..count {
                    for i in 0..inner {
                        let at = (o * count + c) * inner + i;
                        y[at] = inside(c).map_or(0.0, |j| x[(o * n + j) * inner + i]);
                        if let Some(j) = inside(c) {
                            dx[(o * n + j) * inner + i] += dy[at];
                            z[(o * n + j) * inner + i] = dy[at];
                        }
                    }
                }
            }
            let code = if wrong { 9 } else { 0 };
            let call: Call = |a, c, [x, i, y], f, _| take(DType::Float, a, c, x, i, y, f);
            assert_eq!(run(axis, count, call, &x, &index, &dy), (y, code));
            let call: Call = |a, c, [x, i, y], f, w| take_grad(a, c, x, i, y, f, w);
            assert_eq!(run(axis, count, call, &dy, &index, &x), (dx, code));
            let call: Call = |a, c, [x, i, y], f, _| put(DType::Float, a, c, x, i, y, f);
            assert_eq!(run(axis, count, call, &dy, &index, &x), (z, code));
        }
    }
}

#[test]
fn elements() {
    let mut numbers = Numbers::new(3);
    for (outer, n, inner, count) in SIZES {
        for wrong in [false, true] {
            let axis = Axis { outer, n, inner };
            let all = outer * count * inner;
            let (x, dy) = (numbers.floats(outer * n * inner), numbers.floats(all));
            let mut index: Vec<i64> = (0..all).map(|_| numbers.below(n) as i64).collect();
            if wrong {
                index[all / 2] = i64::MIN;
            }
            let (mut y, mut dx) = (vec![0.0; all], vec![0.0; x.len()]);
            for at in 0..all {
                let (o, i) = (at / (count * inner), at % inner);
                if let Some(j) = usize::try_from(index[at]).ok().filter(|j| *j < n) {
                    y[at] = x[(o * n + j) * inner + i];
                    dx[(o * n + j) * inner + i] += dy[at];
                }
            }
            let code = if wrong { 9 } else { 0 };
            let call: Call = |a, c, [x, i, y], f, _| gather(DType::Float, a, c, x, i, y, f);
            assert_eq!(run(axis, count, call, &x, &index, &dy), (y, code));
            let call: Call = |a, c, [x, i, y], f, _| gather_grad(a, c, x, i, y, f);
            assert_eq!(run(axis, count, call, &dy, &index, &x), (dx, code));
        }
    }
}

#[test]
fn booleans() {
    let mut numbers = Numbers::new(4);
    for (outer, n, inner, count) in SIZES {
        let axis = Axis { outer, n, inner };
        let x: Vec<u8> = (0..outer * n * inner)
            .map(|_| numbers.below(2) as u8)
            .collect();
        let index: Vec<i64> = (0..count).map(|_| numbers.below(n) as i64).collect();
        let mut gpu = Gpu::default();
        let (ax, ai) = (gpu.array(&x), gpu.array(&index));
        let all = outer * count * inner;
        let (y, fault) = (gpu.space(all), gpu.array(&[0i32]));
        let fault = Fault {
            addr: fault,
            code: 1,
        };
        gpu.run(take(DType::Bool, axis, count, ax, ai, y, fault));
        let from = |at: usize| {
            let (o, c, i) = (at / (count * inner), at / inner % count, at % inner);
            x[(o * n + index[c] as usize) * inner + i]
        };
        assert_eq!(
            gpu.read::<u8>(y, all),
            (0..all).map(from).collect::<Vec<_>>()
        );
    }
}

#[test]
fn many_rows_and_indices() {
    let mut numbers = Numbers::new(6);
    let axis = Axis {
        outer: 1,
        n: 40_000,
        inner: 3,
    };
    let count = 3000;
    let dy = numbers.floats(count * 3);
    // Half of them are the same row.
    let index: Vec<i64> = (0..count)
        .map(|c| {
            if c % 2 == 0 {
                777
            } else {
                numbers.below(40_000) as i64
            }
        })
        .collect();
    let mut dx = vec![0.0; 120_000];
    for c in 0..count {
        for i in 0..3 {
            dx[index[c] as usize * 3 + i] += dy[c * 3 + i];
        }
    }
    let call: Call = |a, c, [x, i, y], f, w| take_grad(a, c, x, i, y, f, w);
    assert_eq!(
        run(axis, count, call, &dy, &index, &vec![1.0; 120_000]),
        (dx, 0)
    );
}

/// Sizes on both sides of the limit for buckets, of the maximum number of buckets, and of the maximum number of tiles.
#[test]
fn buckets() {
    let mut numbers = Numbers::new(7);
    for (outer, n, inner, count, launches) in [
        (1, 7, 3, 8191, 1),
        (1, 7, 3, 8192, 4),
        (1, 1, 1, 8192, 4),
        (3, 65, 130, 8193, 4),
        (130, 3, 1, 9001, 4),
        (1, 1025, 5, 8200, 4),
        (2, 3001, 4, 5000, 4),
        (1, 34_000, 1, 4097, 4),
        (1, 70_001, 1, 2800, 4),
        (1, 40, 1, 66_000, 4),
        (1, 0, 4, 9000, 0),
        (0, 9, 4, 9000, 0),
    ] {
        let axis = Axis { outer, n, inner };
        let fault = Fault { addr: 0, code: 9 };
        let plan = take_grad(axis, count, 0, 0, 0, fault, 0).unwrap();
        assert_eq!(plan.len(), launches, "{axis:?} {count}");
        assert_eq!(take_grad_work(axis, count) != 0, launches == 4);
        if launches != 4 {
            continue;
        }
        // All in one row, any, half in one row, with wrong ones, only wrong ones.
        for kind in 0..5 {
            let mut index = |c: usize| match kind {
                0 => n - 1,
                2 if c.is_multiple_of(2) => n / 2,
                3 if c % 5 == 2 => n + c,
                4 => usize::MAX,
                _ => numbers.below(n),
            };
            let index: Vec<i64> = (0..count).map(|c| index(c) as i64).collect();
            let dy = numbers.floats(outer * count * inner);
            let mut dx = vec![0.0f32; outer * n * inner];
            for (at, v) in dy.iter().enumerate() {
                let (o, c, i) = (at / (count * inner), at / inner % count, at % inner);
                if (0..n as i64).contains(&index[c]) {
                    dx[(o * n + index[c] as usize) * inner + i] += v;
                }
            }
            let call: Call = |a, c, [x, i, y], f, w| take_grad(a, c, x, i, y, f, w);
            let (found, code) = run(axis, count, call, &dy, &index, &vec![1.0; dx.len()]);
            assert!(bits(&found) == bits(&dx), "{axis:?} {count} kind {kind}");
            assert_eq!(code, if kind < 3 { 0 } else { 9 });
        }
    }
}

/// Runs are distinguished by their number, even when more have ended than are kept.
#[test]
fn outcomes() {
    let mut gpu = Gpu::default();
    let words = gpu.array(&vec![0i32; 4 + RUNS]);
    let keep = gpu.array(&[7i32]);
    let (x, y) = (gpu.array(&[1f32; 3]), gpu.array(&[0f32; 2]));
    let index = [[0i64, 2], [0, 3]].map(|i| gpu.array(&i));
    let (axis, mut found) = (
        Axis {
            outer: 1,
            n: 3,
            inner: 1,
        },
        0,
    );
    for run in 0..RUNS + 5 {
        let wrong = run % 7 == 3;
        let fault = Fault {
            addr: words,
            code: run as u32 + 1,
        };
        gpu.run(take(
            DType::Float,
            axis,
            2,
            x,
            index[usize::from(wrong)],
            y,
            fault,
        ));
        let to = if run % 2 == 0 { keep } else { 0 };
        gpu.run(Ok(vec![outcome(words, to)]));
        found += i32::from(wrong);
        let ended = run as i32 + 1;
        let code = if wrong { ended } else { 0 };
        assert_eq!(gpu.read::<i32>(words, 4), [0, found, ended, 0]);
        let place = words + 16 + 4 * (run % RUNS) as u64;
        assert_eq!(gpu.read::<i32>(place, 1), [code]);
        if to != 0 {
            assert_eq!(gpu.read::<i32>(keep, 1), [code]);
        }
    }
}
