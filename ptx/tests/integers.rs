//! Arithmetic of integers at the ends of 64 bits: results that fit are exact, others are reported.

mod harness;

use harness::{Gpu, Numbers};
use netform_ptx::{Addr, Axis, Combiner, Fault, Integers, integers};

/// The results of a function over `count` elements, and whether it reported an error.
fn run(gpu: &mut Gpu, f: Integers, [a, b]: [Addr; 2], count: usize) -> (Vec<i64>, bool) {
    let (y, word) = (gpu.space(8 * count), gpu.array(&[0i32]));
    let fault = Fault {
        addr: word,
        code: 9,
    };
    gpu.run(integers(f, [a, b, y], fault));
    (gpu.read(y, count), gpu.read::<i32>(word, 1)[0] == 9)
}

const ENDS: [i64; 13] = [
    0,
    1,
    -1,
    3,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
    1 << 31,
    1 << 32,
    -(1 << 32),
    3_037_000_499,
    3_037_000_500,
];

#[test]
fn pairs() {
    type Row = (fn(usize) -> Integers, fn(i64, i64) -> (i64, bool));
    let rows: [Row; 3] = [
        (Integers::Add, i64::overflowing_add),
        (Integers::Sub, i64::overflowing_sub),
        (Integers::Mul, i64::overflowing_mul),
    ];
    for (f, want) in rows {
        for a in ENDS {
            for b in ENDS {
                let mut gpu = Gpu::default();
                let at = [gpu.array(&[a, 5]), gpu.array(&[b, 2])];
                let (y, fault) = run(&mut gpu, f(2), at, 2);
                let (value, over) = want(a, b);
                assert_eq!((y[0], fault), (value, over), "{a}, {b}");
                assert_eq!(y[1], want(5, 2).0);
            }
        }
    }
}

#[test]
fn floats_are_cut() {
    let fit = [0.0, -0.0, 2.9, -2.9, 9.2e18, -9_223_372_036_854_775_808.0];
    let unfit = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 9.3e18, -9.3e18];
    for (values, wrong) in [(&fit[..], false), (&unfit[..], true)] {
        for v in values {
            let mut gpu = Gpu::default();
            let x = gpu.array(&[*v]);
            let (y, fault) = run(&mut gpu, Integers::Cast(1), [x, x], 1);
            assert_eq!(fault, wrong, "{v}");
            if !wrong {
                assert_eq!(y, [*v as i64]);
            }
        }
    }
}

fn exact(how: Combiner, line: &[i64]) -> i128 {
    let wide = line.iter().map(|v| i128::from(*v));
    wide.reduce(|a, b| how.combine(a, b)).unwrap_or(i128::MAX)
}

/// Lines along n, of several columns: intermediate values may exceed 64 bits.
#[test]
fn reductions() {
    let lines: [&[i64]; 12] = [
        &[i64::MAX, 1, -1],
        &[i64::MAX, 1],
        &[i64::MIN, i64::MIN, i64::MAX, i64::MAX, 1],
        &[i64::MIN, -1],
        &[1 << 62, 2, -1],
        &[1 << 62, 2],
        &[1 << 62, 1 << 62, 0, 7],
        &[i64::MIN, -1, -1],
        &[i64::MIN, i64::MIN],
        &[-3, 5, -7],
        &[i64::MIN, i64::MAX],
        &[1 << 53 | 1],
    ];
    for how in [Combiner::Sum, Combiner::Prod, Combiner::Max, Combiner::Min] {
        for line in lines {
            for (n, inner) in [(line.len(), 1), (40, 1), (300, 1), (line.len(), 3), (70, 3)] {
                // Filled with the neutral element.
                let neutral = match how {
                    Combiner::Prod => 1,
                    Combiner::Sum => 0,
                    _ => line[0],
                };
                let mut numbers = Numbers::new(7);
                let mut whole = vec![neutral; n];
                whole[..line.len()].copy_from_slice(line);
                for k in (1..n).rev() {
                    whole.swap(k, numbers.below(k + 1));
                }
                let x: Vec<i64> = (0..n * inner).map(|e| whole[e / inner]).collect();
                let mut gpu = Gpu::default();
                let at = gpu.array(&x);
                let axis = Axis { outer: 1, n, inner };
                let (y, fault) = run(&mut gpu, Integers::Reduce(how, axis), [at; 2], inner);
                let want = i64::try_from(exact(how, &whole));
                assert_eq!(fault, want.is_err(), "{how:?} {line:?} of {n}");
                if let Ok(want) = want {
                    assert_eq!(y, vec![want; inner], "{how:?} {line:?} of {n}");
                }
            }
        }
    }
}

#[test]
fn extremes_of_nothing_do_not_fit() {
    let axis = Axis {
        outer: 1,
        n: 0,
        inner: 2,
    };
    for how in [Combiner::Max, Combiner::Min] {
        let mut gpu = Gpu::default();
        let at = gpu.array(&[0i64]);
        assert!(run(&mut gpu, Integers::Reduce(how, axis), [at; 2], 2).1);
    }
    let mut gpu = Gpu::default();
    let at = gpu.array(&[0i64]);
    for (how, nothing) in [(Combiner::Sum, 0), (Combiner::Prod, 1)] {
        let found = run(&mut gpu, Integers::Reduce(how, axis), [at; 2], 2);
        assert_eq!(found, (vec![nothing; 2], false));
    }
}

#[test]
fn running_results() {
    let axis = Axis {
        outer: 2,
        n: 3,
        inner: 1,
    };
    let mut gpu = Gpu::default();
    let x = [i64::MAX - 3, 2, 1, i64::MIN + 1, -1, 5];
    let at = gpu.array(&x);
    let f = Integers::Running(Combiner::Sum, axis);
    let want = [
        i64::MAX - 3,
        i64::MAX - 1,
        i64::MAX,
        i64::MIN + 1,
        i64::MIN,
        i64::MIN + 5,
    ];
    assert_eq!(run(&mut gpu, f, [at; 2], 6), (want.to_vec(), false));
    let over = gpu.array(&[i64::MAX, 1, -1, 0, 0, 0]);
    assert!(run(&mut gpu, f, [over; 2], 6).1);
    let f = Integers::Running(Combiner::Prod, axis);
    let x = gpu.array(&[1i64 << 31, -(1 << 32), 1, -7, 6, 1]);
    let want = vec![1 << 31, i64::MIN, i64::MIN, -7, -42, -42];
    assert_eq!(run(&mut gpu, f, [x; 2], 6), (want, false));
}
