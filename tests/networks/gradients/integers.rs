//! Integers stay integers, exactly, on every device; a value that does not fit in 64 bits is an error that names it.
//! Values are PyTorch's.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::prelude::*;
use netform::{Error, Result};

network! {
    struct Whole {}
    fn each(x: i64[N], y: i64[N], m: bool[N])
        -> (i64[N], i64[N], i64[N], i64[N], i64[N], i64[N], i64[N], i64[N], i64[N], i64[N])
    {
        (
            clamp(x, -5, 10000000000000001), clamp(x, max = y), maximum(x, y), minimum(x, 7), abs(x), -x, sign(x),
            relu(x), where(m, x, y), masked_fill(x, m, 9007199254740993),
        )
    }
    fn more(x: i64[N], y: i64[N], m: bool[N])
        -> (i64[N], i64[N], i64[N], bool[N], bool[N], bool[N], bool[N], [N], i64[N], i64[2 * N])
    {
        (
            round(x), x + y, x - m.int() * N, m + (x > y), m * (x > y), maximum(m, x == y), sign(m), x / 2,
            square(y), cat([x, y]),
        )
    }
    fn reduced(x: i64[A, B], m: bool[A, B])
        -> (i64[], i64[B], i64[A, 1], i64[], i64[B], i64[A], u32[A], u32[A], u32[], i64[A, B], u32[B], bool[A])
    {
        let (most, place) = max(x, 1);
        (
            x.sum(), x.sum(0), x.sum(1, keepdim = true), max(x), amin(x, 0), most, place, argmin(x, 1),
            argmax(x), cumsum(x, 1), m.sum(0), amax(m, 1),
        )
    }
    fn several(x: i64[A, B, C]) -> (i64[B], i64[]) { (x.sum([0, 2]), amax(x, [0, 1, 2])) }
    fn powers(x: i64[N]) -> (i64[N], u32[N], [N]) { (pow(x, 3), pow(x, 0), pow(x, 2.0)) }
    fn made(x: i64[N]) -> (i64[2], i64[N], i64[N], i64[N, 3]) {
        (full([2], 9007199254740993), full_like(x, 2.7), x + (N - 10), one_hot(x.clamp(0, 2), 3))
    }
    fn stated(x: i64[N], m: bool[N]) -> [N] {
        let y: [N] = x;
        let z: [N] = m;
        y * 0.5 + z
    }
    fn sum2(a: i64[N], b: i64[N]) -> i64[N] { a + b }
    fn difference(a: i64[N], b: i64[N]) -> i64[N] { a - b }
    fn product(a: i64[N], b: i64[N]) -> i64[N] { a * b }
    fn total(a: i64[N]) -> i64[] { a.sum() }
    fn factors(a: i64[N]) -> i64[] { a.prod() }
    fn factors_of_rows(a: i64[M, N]) -> (i64[M], i64[N]) { (a.prod(1), a.prod(0)) }
    fn running(a: i64[N]) -> i64[N] { a.cumsum(0) }
    fn running_product(a: i64[N]) -> i64[N] { a.cumprod(0) }
    fn turned(a: i64[N]) -> i64[N] { abs(a) }
    fn cube(a: i64[N]) -> i64[N] { a.pow(3) }
    fn scaled(a: i64[N]) -> i64[N] { a * (N * 4000000000000000000) }
    fn cut(x: [N]) -> i64[N] { x.int() }
    fn looped(x: i64[N]) -> i64[] {
        let (last, _) = scan(x, 1, |state, x_t| (state * x_t, ()), dim = 0);
        last
    }
}

/// Elements as integers, which all of these are.
fn numbers(t: &Tensor) -> Vec<i128> {
    match t.as_slice::<i64>() {
        Ok(v) => v.iter().map(|x| i128::from(*x)).collect(),
        Err(_) => t.to_f64_vec().iter().map(|x| *x as i128).collect(),
    }
}

macro_rules! is {
    ($values:expr, $($want:expr),* $(,)?) => {{
        let values: Vec<Vec<i128>> = $values;
        let wanted = [$($want.iter().map(|x| i128::from(*x)).collect::<Vec<i128>>()),*];
        assert_eq!(values.len(), wanted.len());
        for (k, (found, want)) in values.iter().zip(&wanted).enumerate() {
            assert_eq!(found, want, "result {k}");
        }
    }};
}

macro_rules! all {
    ($outputs:expr; $($k:tt)*) => {{
        let y = $outputs;
        vec![$(numbers(&y.$k.to_tensor())),*]
    }};
}

const MOST: i64 = i64::MAX;
const LEAST: i64 = i64::MIN;
/// The first integer that f64 cannot hold, and its neighbour, which f64 can.
const ODD: i64 = (1 << 53) + 1;
const EVEN: i64 = 1 << 53;

fn exact<D: Device>(device: D) -> Result<()> {
    let net = Whole::new(device, 1)?;
    let x = [ODD, -ODD, 3, MOST, 0];
    let y = [EVEN, -ODD - 1, 3, 5, -9];
    let m = [true, false, true, false, true];
    is!(
        all!(net.each(&x, &y, &m)?; 0 1 2 3 4 5 6 7 8 9),
        [ODD, -5, 3, 10_000_000_000_000_001, 0],
        [EVEN, -ODD - 1, 3, 5, -9],
        [ODD, -ODD, 3, MOST, 0],
        [7, -ODD, 3, 7, 0],
        [ODD, ODD, 3, MOST, 0],
        [-ODD, ODD, -3, -MOST, 0],
        [1, -1, 1, 1, 0],
        [ODD, 0, 3, MOST, 0],
        [ODD, -ODD - 1, 3, 5, 0],
        [ODD, -ODD, ODD, MOST, ODD],
    );
    let x = [ODD, -ODD, 3, MOST - 8, 0];
    let y = [5, -3_037_000_499i64, 3, 8, -9];
    is!(
        all!(net.more(&x, &y, &m)?; 0 1 2 3 4 5 6 8 9),
        x,
        [ODD + 5, -ODD - 3_037_000_499, 6, MOST, -9],
        [ODD - 5, -ODD, -2, MOST - 8, -5],
        [1, 0, 1, 1, 1],
        [1, 0, 0, 0, 1],
        [1, 0, 1, 0, 1],
        [1, 0, 1, 0, 1],
        [25, 9_223_372_030_926_249_001i64, 9, 64, 81],
        [ODD, -ODD, 3, MOST - 8, 0, 5, -3_037_000_499, 3, 8, -9],
    );
    assert_eq!(net.more(&x, &y, &m)?.7.to_tensor().to_f64_vec()[2], 1.5);

    let x = [[ODD, EVEN, ODD], [-7, EVEN, -ODD - 1]];
    let m = [[true, false, true], [true, false, false]];
    is!(
        all!(net.reduced(&x, &m)?; 0 1 2 3 4 5 6 7 8 9 10 11),
        [3 * EVEN - 7],
        [EVEN - 6, 2 * EVEN, -1],
        [3 * EVEN + 2, -9],
        [ODD],
        [-7, EVEN, -ODD - 1],
        [ODD, EVEN],
        [0, 1],
        [1, 2],
        [0],
        [ODD, 2 * EVEN + 1, 3 * EVEN + 2, -7, EVEN - 7, -9],
        [2, 0, 1],
        [1, 1],
    );
    // Many rows and columns, to cover every layout of lines.
    for (a, b) in [
        (1, 1),
        (2, 40),
        (3, 700),
        (700, 3),
        (2, 5000),
        (5000, 2),
        (1, 3000),
    ] {
        let x: Vec<i64> = (0..a * b)
            .map(|i| (i, (1 << 50) + (i * 7919 % 20011) as i64 - 10000))
            .map(|(i, x)| if i % 2 == 0 { x } else { -x })
            .collect();
        let m = vec![true; a * b];
        let wide = |x: &i64| i128::from(*x);
        let sum: i128 = x.iter().map(wide).sum();
        let most = x.iter().map(wide).max().unwrap_or(0);
        let columns = |f: &dyn Fn(i128, i128) -> i128| -> Vec<i128> {
            let column = |c: usize| {
                let column = (0..a).map(|r| wide(&x[r * b + c]));
                column.reduce(f).unwrap_or(0)
            };
            (0..b).map(column).collect()
        };
        let (sums, least) = (columns(&|p, q| p + q), columns(&|p, q| p.min(q)));
        let running: Vec<i128> = x
            .chunks(b)
            .flat_map(|row| {
                let mut sum = 0;
                row.iter().map(move |x| {
                    sum += i128::from(*x);
                    sum
                })
            })
            .collect();
        let (x, m) = (Tensor::from_vec([a, b], x)?, Tensor::from_vec([a, b], m)?);
        let y = net.reduced(&x, &m)?;
        assert_eq!(numbers(&y.0.to_tensor()), [sum], "{a} {b}");
        assert_eq!(numbers(&y.1.to_tensor()), sums, "{a} {b}");
        assert_eq!(numbers(&y.3.to_tensor()), [most], "{a} {b}");
        assert_eq!(numbers(&y.4.to_tensor()), least, "{a} {b}");
        assert_eq!(numbers(&y.9.to_tensor()), running, "{a} {b}");
        assert_eq!(numbers(&y.10.to_tensor()), vec![a as i128; b], "{a} {b}");
    }
    let x = Tensor::from_vec([2, 3, 2], (ODD..ODD + 12).collect::<Vec<i64>>())?;
    is!(
        all!(net.several(&x)?; 0 1),
        [4 * ODD + 14, 4 * ODD + 22, 4 * ODD + 30],
        [ODD + 11],
    );
    is!(
        all!(net.powers(&[2_097_151i64, -2_097_152, 0, -1])?; 0 1),
        [9_223_358_842_721_533_951i64, LEAST, 0, -1],
        [1, 1, 1, 1],
    );
    is!(
        all!(net.powers(&[1290, -1290, 0, -1])?; 0 1 2),
        [2146689000, -2146689000, 0, -1],
        [1, 1, 1, 1],
        [1664100, 1664100, 0, 1],
    );
    is!(
        all!(net.made(&[ODD, 1, -3])?; 0 1 2 3),
        [ODD, ODD],
        [2, 2, 2],
        [ODD - 7, -6, -10],
        [0, 0, 1, 0, 1, 0, 1, 0, 0],
    );
    let factors = [3i64, -5, 600_479_950_316_067];
    is!(all!((net.looped(&factors)?,); 0), [-15 * factors[2]]);
    let stated = net.stated(&[3, -2], &[true, false])?;
    assert_eq!(stated.to_tensor().to_f64_vec(), [2.5, -1.0]);
    Ok(())
}

/// The last values that fit, and the error of the next.
fn fitting<D: Device>(device: D, host: bool) -> Result<()> {
    let net = Whole::new(device, 1)?;
    let (most, least) = (MOST, LEAST);
    // A device that runs ahead knows the expression, not the value, except for sizes.
    let told = |e: Result<Tensor>, text: &str, value: &str| match e {
        Err(e @ Error::IntegerOverflow { .. }) => {
            let known = format!("`{text}` is {value}, which does not fit 64-bit integers\n  at ");
            let unknown = format!("`{text}` does not fit 64-bit integers\n  at ");
            let message = e.to_string();
            let told = message.contains(&known) || !host && message.contains(&unknown);
            assert!(told, "{message}");
            assert!(message.contains("integers.rs:"), "{message}");
        }
        e => panic!("{text}: {e:?}"),
    };
    let fits = |e: Result<Tensor>, want: &[i64]| {
        let found = e.unwrap_or_else(|e| panic!("{e}"));
        let want: Vec<i128> = want.iter().map(|x| i128::from(*x)).collect();
        assert_eq!(numbers(&found), want);
    };
    macro_rules! run {
        ($f:ident $($x:expr),*) => { net.$f($(&$x),*).map(|y| y.to_tensor()) };
    }
    fits(run!(sum2 [1, least], [most - 1, 0]), &[most, least]);
    told(
        run!(sum2 [1, 1], [1, most]),
        "a + b",
        "9223372036854775808 at [1]",
    );
    told(
        run!(sum2 [least, 1], [-1, 1]),
        "a + b",
        "-9223372036854775809 at [0]",
    );
    fits(run!(difference [-1, 0], [most, -most]), &[least, most]);
    told(
        run!(difference[0], [least]),
        "a - b",
        "9223372036854775808 at [0]",
    );
    told(
        run!(difference[least], [1]),
        "a - b",
        "-9223372036854775809 at [0]",
    );
    fits(
        run!(product [3037000499, -(1i64 << 32)], [3037000500i64, 1 << 31]),
        &[9223372033963249500, least],
    );
    told(
        run!(product[3037000500i64], [3037000500i64]),
        "a * b",
        "9223372037000250000 at [0]",
    );
    told(
        run!(product [2, 1i64 << 32], [3, 1i64 << 32]),
        "a * b",
        "18446744073709551616 at [1]",
    );
    told(
        run!(product[least], [-1]),
        "a * b",
        "9223372036854775808 at [0]",
    );
    fits(run!(total [most, 1, -1]), &[most]);
    told(run!(total [most, 1]), "a.sum()", "9223372036854775808");
    let many = vec![1i64 << 52; 3000];
    told(run!(total many), "a.sum()", "13510798882111488000");
    // Intermediate values that do not fit are no error.
    fits(run!(factors [1i64 << 62, 2, -1]), &[least]);
    fits(run!(factors [-(1i64 << 32), 1 << 31]), &[least]);
    fits(run!(factors vec![0i64; 0]), &[1]);
    // Beyond 128 bits, and back to 0.
    let mut far = vec![MOST; 40];
    told(
        run!(factors far),
        "a.prod()",
        "170141183460469231731687303715884105727",
    );
    far.push(0);
    fits(run!(factors far), &[0]);
    told(
        run!(factors [1i64 << 32, 1 << 32]),
        "a.prod()",
        "18446744073709551616",
    );
    let (rows, columns) = net.factors_of_rows(&[[1i64, 2, -3], [4, 5, 6]])?;
    assert_eq!(numbers(&rows.to_tensor()), [-6, 120]);
    assert_eq!(numbers(&columns.to_tensor()), [4, 10, -18]);
    fits(run!(running [most - 1, 1, -5]), &[most - 1, most, most - 5]);
    told(
        run!(running [most, 1, -1]),
        "a.cumsum(0)",
        "9223372036854775808 at [1]",
    );
    fits(run!(running_product [3, -5, 0, 7]), &[3, -15, 0, 0]);
    told(
        run!(running_product [most, 2]),
        "a.cumprod(0)",
        "18446744073709551614 at [1]",
    );
    fits(run!(turned [-most, 3]), &[most, 3]);
    told(run!(turned[least]), "abs(a)", "9223372036854775808 at [0]");
    fits(run!(cube [2097151, -1]), &[9223358842721533951, -1]);
    told(
        run!(cube[2097152]),
        "a.pow(3)",
        "9223372036854775808 at [0]",
    );
    // A factor does not fit.
    told(
        run!(cube[1i64 << 40]),
        "pow(a, 2)",
        "1208925819614629174706176 at [0]",
    );
    fits(
        run!(scaled [1, -1]),
        &[8000000000000000000, -8000000000000000000],
    );
    told(
        run!(scaled [0, 0, 0]),
        "4000000000000000000*N",
        "12000000000000000000",
    );
    fits(
        run!(cut [9.2233715e18f32, -9.223372e18, 1.9, -1.9, 0.0]),
        &[9223371487098961920, least, 1, -1, 0],
    );
    for wrong in [
        9.223372e18f32,
        -9.223373e18,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
    ] {
        told(
            run!(cut [0.0f32, wrong]),
            "x.int()",
            &format!("{} at [1]", f64::from(wrong)),
        );
    }
    // After an error nothing has changed.
    fits(run!(sum2[1], [2]), &[3]);
    let x = vec![2i64; 63];
    assert!(matches!(net.looped(&x), Err(Error::IntegerOverflow { .. })));
    assert_eq!(numbers(&net.looped(&x[1..])?.to_tensor()), [1 << 62]);
    Ok(())
}

#[test]
fn integers_stay_integers_on_the_cpu() {
    exact(Cpu::new()).unwrap();
    exact(Cpu::f64()).unwrap();
}

#[test]
fn what_does_not_fit_is_an_error_on_the_cpu() {
    fitting(Cpu::new(), true).unwrap();
    fitting(Cpu::f64(), true).unwrap();
}

#[cfg(feature = "cuda")]
#[test]
fn the_gpu_does_the_same() {
    exact(device::cuda()).unwrap();
    fitting(device::cuda(), false).unwrap();
}
