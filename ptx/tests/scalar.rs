//! Every scalar function against its f64 counterpart, and at the ends of the range.
// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

mod harness;

use harness::{Gpu, function};
use netform_ptx::{Arg, DType, Scalar, Scalars, map};
use netform_runtime::Elementary;

/// One function of floats on the device.
fn apply(f: Scalar, args: &[&[f32]]) -> Vec<f32> {
    let mut gpu = Gpu::default();
    let body = function(f, &vec![DType::Float; args.len()]);
    let inputs: Vec<_> = args.iter().map(|x| Arg::new(gpu.array(x), &[1])).collect();
    let n = args[0].len();
    let y = gpu.space(4 * n);
    gpu.run(map(&body, &[n], &inputs, &[y], Scalars::NONE));
    gpu.read(y, n)
}

/// The largest error in units in the last place of the f64 result, and its argument.
fn worst(f: Scalar, g: fn(f64) -> f64, keep: fn(f32) -> bool) -> (f64, f32) {
    let x: Vec<f32> = (0..u32::MAX).step_by(40_009).map(f32::from_bits).collect();
    let y = apply(f, &[&x]);
    let mut worst = (0.0, 0.0);
    for (x, y) in x.into_iter().zip(y) {
        let want = g(f64::from(x));
        if !x.is_finite() || !keep(x) || want.abs() > f64::from(f32::MAX) {
            continue;
        }
        let ulp = (want.abs() * 2f64.powi(-23)).max(f64::from(f32::from_bits(1)));
        let error = (f64::from(y) - want).abs() / ulp;
        if error > worst.0 || error.is_nan() {
            worst = (error, x);
        }
    }
    worst
}

fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

#[test]
fn against_f64() {
    type Row = (Scalar, fn(f64) -> f64, fn(f32) -> bool, f64);
    let rows: [Row; 14] = [
        (Scalar::Exp, f64::exp, |_| true, 1.5),
        (Scalar::Expm1, f64::exp_m1, |_| true, 2.0),
        (Scalar::Log, f64::ln, |x| x > 0.0, 1.5),
        (Scalar::Log1p, f64::ln_1p, |x| x > -1.0, 2.0),
        (Scalar::Tanh, f64::tanh, |_| true, 3.0),
        (Scalar::Sigmoid, sigmoid, |_| true, 2.5),
        (Scalar::Erf, libm::erf, |_| true, 2.0),
        (Scalar::Erfc, libm::erfc, |_| true, 3.0),
        (Scalar::Sin, f64::sin, |_| true, 2.0),
        (Scalar::Cos, f64::cos, |_| true, 2.0),
        (Scalar::Sqrt, f64::sqrt, |x| x >= 0.0, 0.51),
        (Scalar::Rsqrt, |x| 1.0 / x.sqrt(), |x| x > 0.0, 1.5),
        (Scalar::Recip, |x| 1.0 / x, |x| x != 0.0, 0.51),
        (Scalar::Neg, |x| -x, |_| true, 0.0),
    ];
    for (f, g, keep, bound) in rows {
        let (error, at) = worst(f, g, keep);
        assert!(error <= bound, "{}: {error} ulp at {at:e}", f.name());
    }
}

const SPECIAL: [f32; 22] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.0,
    2.5,
    -2.5,
    3.0,
    -3.0,
    1e-40,
    -1e-40,
    1e30,
    -1e30,
    3e9,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    0.1,
];

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

#[test]
fn ends_of_the_range() {
    type Row = (Scalar, fn(f32) -> f32);
    // Exact functions, and others at points where they are exact.
    let rows: [Row; 9] = [
        (Scalar::Neg, |x| -x),
        (Scalar::Abs, f32::abs),
        (Scalar::Floor, f32::floor),
        (Scalar::Ceil, f32::ceil),
        (Scalar::Round, f32::round_ties_even),
        (Scalar::Sqrt, f32::sqrt),
        (Scalar::Recip, |x| 1.0 / x),
        (Scalar::Relu, |x| if x < 0.0 { 0.0 } else { x }),
        (Scalar::Sign, |x| {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                0.0
            }
        }),
    ];
    for (f, g) in rows {
        for (x, y) in SPECIAL.into_iter().zip(apply(f, &[&SPECIAL])) {
            assert!(same(y, g(x)), "{}({x}) = {y}, not {}", f.name(), g(x));
        }
    }
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let x = [inf, -inf, nan, 0.0, -0.0, -1.0];
    let rows = [
        (Scalar::Exp, [inf, 0.0, nan, 1.0, 1.0, 0.367_879_45]),
        (Scalar::Expm1, [inf, -1.0, nan, 0.0, -0.0, -0.632_120_55]),
        (Scalar::Log, [inf, nan, nan, -inf, -inf, nan]),
        (Scalar::Log1p, [inf, nan, nan, 0.0, -0.0, -inf]),
        (Scalar::Tanh, [1.0, -1.0, nan, 0.0, -0.0, -0.761_594_2]),
        (Scalar::Sigmoid, [1.0, 0.0, nan, 0.5, 0.5, 0.268_941_43]),
        (Scalar::Erf, [1.0, -1.0, nan, 0.0, -0.0, -0.842_700_8]),
        (Scalar::Erfc, [0.0, 2.0, nan, 1.0, 1.0, 1.842_700_8]),
        (Scalar::Sin, [nan, nan, nan, 0.0, -0.0, -0.841_471]),
        (Scalar::Cos, [nan, nan, nan, 1.0, 1.0, 0.540_302_3]),
        (Scalar::Rsqrt, [0.0, nan, nan, inf, -inf, nan]),
    ];
    for (f, want) in rows {
        for ((x, want), y) in x.into_iter().zip(want).zip(apply(f, &[&x])) {
            // expm1 does not guarantee the sign of zero.
            let near = (y - want).abs() <= 1.2e-7 * want.abs();
            assert!(near || same(y, want), "{}({x}) = {y}, not {want}", f.name());
        }
    }
}

/// All pairs of special values.
fn special_pairs() -> (Vec<f32>, Vec<f32>) {
    let of = |x| SPECIAL.into_iter().map(move |y| (x, y));
    SPECIAL.into_iter().flat_map(of).unzip()
}

#[test]
fn pairs() {
    let (a, b) = special_pairs();
    type Row = (Scalar, fn(f32, f32) -> f32);
    let rows: [Row; 6] = [
        (Scalar::Add, |x, y| x + y),
        (Scalar::Sub, |x, y| x - y),
        (Scalar::Mul, |x, y| x * y),
        (Scalar::Div, |x, y| x / y),
        (Scalar::Max, |x, y| if x > y || x.is_nan() { x } else { y }),
        (Scalar::Min, |x, y| if x < y || x.is_nan() { x } else { y }),
    ];
    for (f, g) in rows {
        for ((x, y), z) in a.iter().zip(&b).zip(apply(f, &[&a, &b])) {
            let want = g(*x, *y);
            assert!(same(z, want), "{}({x}, {y}) = {z}, not {want}", f.name());
        }
    }
}

#[test]
fn powers() {
    let mut numbers = harness::Numbers::new(3);
    let (mut a, mut b) = special_pairs();
    for _ in 0..20_000 {
        a.push((numbers.float() * 20.0).exp());
        b.push(numbers.float() * 8.0);
        a.push(1.0 + numbers.float() / 64.0);
        b.push(numbers.float() * 3000.0);
        a.push(numbers.float() * 30.0);
        b.push(numbers.below(13) as f32 - 6.0);
    }
    for ((x, y), z) in a.iter().zip(&b).zip(apply(Scalar::Pow, &[&a, &b])) {
        let exact = f64::from(*x).powf(f64::from(*y));
        let want = exact as f32;
        let ulp = (exact.abs() * 2f64.powi(-23)).max(f64::from(f32::from_bits(1)));
        let near = (f64::from(z) - exact).abs() <= 2.0 * ulp
            && z.is_sign_negative() == want.is_sign_negative();
        assert!(same(z, want) || near, "pow({x}, {y}) = {z}, not {want}");
    }
}

/// Exact: as Rust's `%`, for quotients of every size.
#[test]
fn remainders() {
    let mut numbers = harness::Numbers::new(5);
    let (mut a, mut b) = special_pairs();
    for _ in 0..20_000 {
        // Any bits, near numbers, and quotients that are nearly whole.
        a.push(f32::from_bits(numbers.below(1 << 32) as u32));
        b.push(f32::from_bits(numbers.below(1 << 32) as u32));
        a.push(numbers.float() * 100.0);
        b.push(numbers.float());
        let y = numbers.float();
        a.push(y * (numbers.below(1 << 25) as f32 - 100.0));
        b.push(y);
    }
    for ((x, y), z) in a.iter().zip(&b).zip(apply(Scalar::Fmod, &[&a, &b])) {
        assert!(
            same(z, x % y),
            "fmod({x:e}, {y:e}) = {z:e}, not {:e}",
            x % y
        );
    }
}

/// Against the CPU's functions.
#[test]
fn the_same_bits_as_on_the_cpu() {
    type Row = (Scalar, fn(f32) -> f32);
    let rows: [Row; 8] = [
        (Scalar::Exp, <f32 as Elementary>::exp),
        (Scalar::Expm1, <f32 as Elementary>::expm1),
        (Scalar::Log, <f32 as Elementary>::log),
        (Scalar::Log1p, <f32 as Elementary>::log1p),
        (Scalar::Tanh, <f32 as Elementary>::tanh),
        (Scalar::Sigmoid, <f32 as Elementary>::sigmoid),
        (Scalar::Erf, <f32 as Elementary>::erf),
        (Scalar::Erfc, <f32 as Elementary>::erfc),
    ];
    let x: Vec<f32> = (0..u32::MAX).step_by(70_001).map(f32::from_bits).collect();
    for (f, g) in rows {
        for (x, y) in x.iter().zip(apply(f, &[&x])) {
            assert!(
                same(y, g(*x)),
                "{}({x:e}) = {y:e}, not {:e}",
                f.name(),
                g(*x)
            );
        }
    }
}

#[test]
fn types() {
    let ints = [0, 1, -1, 7, i64::MAX, i64::MIN, -5, 1 << 53 | 1];
    let floats = [0.0, -0.0, 1.9, -1.9, 3e19, -3e19, f32::NAN, 0.5];
    let bools = [0u8, 1, 1, 0, 1, 0, 0, 1];
    let mut gpu = Gpu::default();
    let (i, x, b) = (gpu.array(&ints), gpu.array(&floats), gpu.array(&bools));
    let others = ints.map(|v| v ^ 1);
    let other = gpu.array(&others);
    let mut run = |f: Scalar, args: &[(DType, u64)]| {
        let types: Vec<_> = args.iter().map(|a| a.0).collect();
        let inputs: Vec<_> = args.iter().map(|a| Arg::new(a.1, &[1])).collect();
        let y = gpu.space(64);
        gpu.run(map(
            &function(f, &types),
            &[8],
            &inputs,
            &[y],
            Scalars::NONE,
        ));
        (
            gpu.read::<i64>(y, 8),
            gpu.read::<f32>(y, 8),
            gpu.read::<u8>(y, 8),
        )
    };
    let (ti, tf, tb) = (DType::Int, DType::Float, DType::Bool);
    let remainders = run(Scalar::Fmod, &[(ti, i), (ti, other)]).0;
    for ((x, y), rest) in ints.iter().zip(others).zip(remainders) {
        let want = if y == 0 { 0 } else { x.wrapping_rem(y) };
        assert_eq!(rest, want, "{x} % {y}");
    }
    assert_eq!(
        run(Scalar::Cast(DType::Int), &[(tf, x)]).0,
        floats.map(|v| v as i64)
    );
    assert_eq!(
        run(Scalar::Cast(DType::Int), &[(tb, b)]).0,
        bools.map(i64::from)
    );
    assert_eq!(
        run(Scalar::Cast(DType::Float), &[(ti, i)]).1,
        ints.map(|v| v as f32)
    );
    assert_eq!(
        run(Scalar::Cast(DType::Float), &[(tb, b)]).1,
        bools.map(f32::from)
    );
    assert_eq!(
        run(Scalar::Cast(DType::Bool), &[(tf, x)]).2,
        floats.map(|v| u8::from(v != 0.0))
    );
    assert_eq!(
        run(Scalar::Cast(DType::Bool), &[(ti, i)]).2,
        ints.map(|v| u8::from(v != 0))
    );
    assert_eq!(run(Scalar::Neg, &[(ti, i)]).0, ints.map(i64::wrapping_neg));
    assert_eq!(
        run(Scalar::Mul, &[(ti, i), (ti, i)]).0,
        ints.map(|v| v.wrapping_mul(v))
    );
    assert_eq!(
        run(Scalar::Add, &[(ti, i), (ti, i)]).0,
        ints.map(|v| v.wrapping_add(v))
    );
    assert_eq!(run(Scalar::Not, &[(tb, b)]).2, bools.map(|v| 1 - v));
    assert_eq!(run(Scalar::And, &[(tb, b), (tb, b)]).2, bools);
    assert_eq!(run(Scalar::Or, &[(tb, b), (tb, b)]).2, bools);
    assert_eq!(
        run(Scalar::Ne, &[(tf, x), (tf, x)]).2,
        floats.map(|v| u8::from(v.is_nan()))
    );
    assert_eq!(run(Scalar::Le, &[(ti, i), (ti, i)]).2, [1; 8]);
    let less = run(Scalar::Lt, &[(ti, i), (ti, other)]).2;
    let chosen = run(Scalar::Where, &[(tb, b), (ti, i), (ti, other)]).0;
    for k in 0..8 {
        let (a, b) = (ints[k], others[k]);
        assert_eq!(less[k], u8::from(a < b));
        assert_eq!(chosen[k], if bools[k] == 1 { a } else { b });
    }
}
