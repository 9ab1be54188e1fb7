//! Maps: ranks, strides, broadcasts, tails, types, in place.
// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

mod harness;

use harness::{Gpu, Numbers, function, leak, strides};
use netform_ptx::{Arg, Body, DType, Form, Inner, Operand, Scalar, Scalars, Step, map};

/// `a * s0 + b`, and whether that is below `c`.
static BODY: Body = Body {
    inputs: &[
        Operand::new(DType::Float, Inner::One),
        Operand::new(DType::Float, Inner::Many),
        Operand::iota(Inner::Many),
    ],
    steps: &[
        Step::Load(0),
        Step::Scalar(0),
        Step::Apply(Scalar::Mul, &[0, 1]),
        Step::Load(1),
        Step::Apply(Scalar::Add, &[2, 3]),
        Step::Load(2),
        Step::Apply(Scalar::Cast(DType::Float), &[5]),
        Step::Apply(Scalar::Lt, &[4, 6]),
        Step::Const(DType::Int, -3i64 as u64),
        Step::Apply(Scalar::Sub, &[5, 8]),
    ],
    results: &[4, 7, 9],
};

fn check(shape: &[usize], b: &[i64], iota: (i64, &[i64]), offset: usize, device: bool) {
    let n: usize = shape.iter().product();
    let mut numbers = Numbers::new(n as u64);
    let x = numbers.integers(n);
    let reach: i64 = b.iter().zip(shape).map(|(s, n)| s * (*n as i64 - 1)).sum();
    let y = numbers.integers(reach as usize + 1);
    let mut gpu = Gpu::default();
    let (ax, ay) = (gpu.array_at(&x, offset), gpu.array(&y));
    let outputs = [gpu.space(4 * n), gpu.space(n), gpu.space(8 * n)];
    let inputs = [
        Arg::new(ax, &strides(shape)),
        Arg::new(ay, b),
        Arg::iota(iota.0, iota.1),
    ];
    let scalar = gpu.array(&[3.0f32]);
    let scalars = if device {
        let guard = gpu.array(&[0.0f32]);
        Scalars::Device {
            addr: scalar,
            guard,
        }
    } else {
        Scalars::Values(&[3.0])
    };
    gpu.run(map(&BODY, shape, &inputs, &outputs, scalars));
    let got = (
        gpu.read::<f32>(outputs[0], n),
        gpu.read::<u8>(outputs[1], n),
        gpu.read::<i64>(outputs[2], n),
    );
    let mut at = vec![0i64; shape.len()];
    for e in 0..n {
        let dot = |s: &[i64]| s.iter().zip(&at).map(|(s, i)| s * i).sum::<i64>();
        let v = x[e] * 3.0 + y[dot(b) as usize];
        let i = iota.0 + dot(iota.1);
        assert_eq!(got.0[e], v, "{shape:?} at {at:?}");
        assert_eq!(got.1[e], u8::from(v < i as f32), "{shape:?} at {at:?}");
        assert_eq!(got.2[e], i + 3, "{shape:?} at {at:?}");
        for d in (0..shape.len()).rev() {
            at[d] += 1;
            if (at[d] as usize) < shape[d] {
                break;
            }
            at[d] = 0;
        }
    }
}

#[test]
fn ranks_and_strides() {
    check(&[], &[], (2, &[]), 0, false);
    for n in [1, 3, 4, 5, 31, 33, 127, 129, 257, 1030] {
        check(&[n], &[1], (-1, &[1]), 0, n % 2 == 1);
        check(&[n], &[0], (-1, &[2]), 0, false);
        check(&[n], &[3], (5, &[-1]), 0, false);
        check(&[n], &[1], (5, &[1]), 4, false);
    }
    check(&[3, 8], &[0, 1], (0, &[1, 0]), 0, true);
    check(&[3, 8], &[1, 0], (0, &[0, 1]), 0, false);
    check(&[3, 7], &[0, 1], (0, &[0, 1]), 0, false);
    check(&[5, 4], &[8, 1], (0, &[0, 1]), 0, false);
    check(&[5, 4], &[6, 1], (0, &[0, 1]), 0, false);
    check(&[3, 1, 5], &[1, 9, 3], (0, &[0, 7, 1]), 0, false);
    check(
        &[2, 3, 2, 3, 2, 3],
        &[1, 2, 6, 12, 36, 72],
        (0, &[1, 0, 0, 0, 0, 1]),
        0,
        false,
    );
    check(
        &[2, 3, 2, 3, 2, 4],
        &[1, 2, 6, 12, 36, 0],
        (9, &[0, 1, 0, 1, 0, 1]),
        0,
        false,
    );
    check(
        &[1, 2, 1, 3, 2, 3, 2, 3, 1],
        &[0, 1, 0, 2, 6, 12, 36, 72, 5],
        (0, &[0; 9]),
        0,
        false,
    );
}

#[test]
fn in_place() {
    let mut gpu = Gpu::default();
    let body = function(Scalar::Mul, &[DType::Float, DType::Float]);
    for n in [3usize, 129] {
        let x: Vec<f32> = (0..n).map(|i| i as f32 - 5.0).collect();
        let a = gpu.array(&x);
        let inputs = [Arg::new(a, &[1]), Arg::new(a, &[1])];
        gpu.run(map(&body, &[n], &inputs, &[a], Scalars::NONE));
        let want: Vec<f32> = x.iter().map(|v| v * v).collect();
        assert_eq!(gpu.read::<f32>(a, n), want);
    }
}

#[test]
fn booleans_in_fours() {
    let body = function(Scalar::And, &[DType::Bool, DType::Bool]);
    let mut numbers = Numbers::new(5);
    for n in [4usize, 6, 257] {
        let a: Vec<u8> = (0..n).map(|_| numbers.below(2) as u8).collect();
        let b: Vec<u8> = (0..n).map(|_| numbers.below(2) as u8).collect();
        for offset in [0, 1] {
            let mut gpu = Gpu::default();
            let inputs = [
                Arg::new(gpu.array_at(&a, offset), &[1]),
                Arg::new(gpu.array(&b), &[1]),
            ];
            let y = gpu.space(n);
            gpu.run(map(&body, &[n], &inputs, &[y], Scalars::NONE));
            let want: Vec<u8> = a.iter().zip(&b).map(|(a, b)| a & b).collect();
            assert_eq!(gpu.read::<u8>(y, n), want);
        }
    }
}

#[test]
fn forms_are_chosen() {
    let body = function(Scalar::Add, &[DType::Float, DType::Float]);
    let form = |shape: &[usize], b: &[i64], addr| {
        let inputs = [Arg::new(addr, &strides(shape)), Arg::new(0, b)];
        let plan = map(&body, shape, &inputs, &[0], Scalars::NONE).unwrap();
        match plan[0].module.form {
            Form::Map { rank, vector, .. } => (rank, vector),
            _ => unreachable!(),
        }
    };
    assert_eq!(form(&[4, 5], &[5, 1], 0), (1, Some(3)));
    assert_eq!(form(&[4, 5], &[0, 0], 0), (1, Some(1)));
    assert_eq!(form(&[4, 5], &[0, 1], 0), (2, None));
    assert_eq!(form(&[4, 8], &[0, 1], 0), (2, Some(3)));
    assert_eq!(form(&[4, 8], &[0, 1], 4), (2, None));
    assert_eq!(form(&[4, 1, 8], &[1, 7, 0], 16), (2, Some(1)));
    let none = map(
        &body,
        &[0, 3],
        &[Arg::new(0, &[3, 1]), Arg::new(0, &[0, 0])],
        &[0],
        Scalars::NONE,
    );
    assert_eq!(none.unwrap(), []);
    let large = map(
        &body,
        &[1 << 40],
        &[Arg::new(0, &[1]), Arg::new(0, &[0])],
        &[0],
        Scalars::NONE,
    );
    assert_eq!(large, Err(netform_ptx::Error::TooLarge));
    let wrong = map(&body, &[3], &[Arg::new(0, &[1])], &[0], Scalars::NONE);
    assert_eq!(wrong, Err(netform_ptx::Error::Malformed));
    let _ = leak(&[0]);
}

/// After an error nothing is written.
#[test]
fn a_guard_keeps_a_map_from_running() {
    for n in [3, 400] {
        let mut gpu = Gpu::default();
        let x = gpu.array(&vec![2.0f32; n]);
        let (scalar, guard) = (gpu.array(&[3.0f32]), gpu.array(&[f32::from_bits(7)]));
        static SCALED: Body = Body {
            inputs: &[Operand::new(DType::Float, Inner::One)],
            steps: &[
                Step::Load(0),
                Step::Scalar(0),
                Step::Apply(Scalar::Mul, &[0, 1]),
            ],
            results: &[2],
        };
        let scalars = Scalars::Device {
            addr: scalar,
            guard,
        };
        gpu.run(map(&SCALED, &[n], &[Arg::new(x, &[1])], &[x], scalars));
        assert_eq!(gpu.read::<f32>(x, n), vec![2.0; n]);
    }
}
