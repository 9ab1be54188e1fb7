//! Integers stay integers, exactly, on every device; what does not fit 32 bits is an error that names the
//! value. Values are PyTorch's.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::prelude::*;
use netform::{Error, Result};

network! {
    struct Whole {}
    fn each(x: i32[N], y: i32[N], m: bool[N])
        -> (i32[N], i32[N], i32[N], i32[N], i32[N], i32[N], i32[N], i32[N], i32[N], i32[N])
    {
        (
            clamp(x, -5, 100000001), clamp(x, max = y), maximum(x, y), minimum(x, 7), abs(x), -x, sign(x),
            relu(x), where(m, x, y), masked_fill(x, m, 16777217),
        )
    }
    fn more(x: i32[N], y: i32[N], m: bool[N])
        -> (i32[N], i32[N], i32[N], bool[N], bool[N], bool[N], bool[N], [N], i32[N], i32[2 * N])
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
    fn several(x: i32[A, B, C]) -> (i32[B], i32[]) { (x.sum([0, 2]), amax(x, [0, 1, 2])) }
    fn powers(x: i32[N]) -> (i32[N], u32[N], [N]) { (pow(x, 3), pow(x, 0), pow(x, 2.0)) }
    fn made(x: i32[N]) -> (i32[2], i32[N], i32[N], i32[N, 3]) {
        (full([2], 16777217), full_like(x, 2.7), x + (N - 10), one_hot(x.clamp(0, 2), 3))
    }
    fn stated(x: i32[N], m: bool[N]) -> [N] {
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
    fn scaled(a: i64[N]) -> i64[N] { a * (N * 1000000000) }
    fn cut(x: [N]) -> i32[N] { x.int() }
    fn looped(x: i32[N]) -> i32[] {
        let (last, _) = scan(x, 1, |state, x_t| (state * x_t, ()), dim = 0);
        last
    }
}

/// Elements as `f64`, which holds all integers of 32 bits.
fn numbers(t: &Tensor) -> Vec<f64> {
    t.to_f64_vec()
}

macro_rules! is {
    ($values:expr, $($want:expr),* $(,)?) => {{
        let values: Vec<Vec<f64>> = $values;
        let wanted = [$($want.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>()),*];
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

const MOST: i32 = i32::MAX;
const LEAST: i32 = i32::MIN;

fn exact<D: Device>(device: D) -> Result<()> {
    let net = Whole::new(device, 1)?;
    let x = [16777217, -16777217, 3, MOST, 0];
    let y = [16777216, -16777218, 3, 5, -9];
    let m = [true, false, true, false, true];
    is!(
        all!(net.each(&x, &y, &m)?; 0 1 2 3 4 5 6 7 8 9),
        [16777217, -5, 3, 100000001, 0],
        [16777216, -16777218, 3, 5, -9],
        [16777217, -16777217, 3, MOST, 0],
        [7, -16777217, 3, 7, 0],
        [16777217, 16777217, 3, MOST, 0],
        [-16777217, 16777217, -3, -MOST, 0],
        [1, -1, 1, 1, 0],
        [16777217, 0, 3, MOST, 0],
        [16777217, -16777218, 3, 5, 0],
        [16777217, -16777217, 16777217, MOST, 16777217],
    );
    let x = [16777217, -16777217, 3, MOST - 8, 0];
    let y = [5, -46340, 3, 8, -9];
    is!(
        all!(net.more(&x, &y, &m)?; 0 1 2 3 4 5 6 8 9),
        x,
        [16777222, -16823557, 6, MOST, -9],
        [16777212, -16777217, -2, MOST - 8, -5],
        [1, 0, 1, 1, 1],
        [1, 0, 0, 0, 1],
        [1, 0, 1, 0, 1],
        [1, 0, 1, 0, 1],
        [25, 2147395600, 9, 64, 81],
        [16777217, -16777217, 3, MOST - 8, 0, 5, -46340, 3, 8, -9],
    );
    assert_eq!(numbers(&net.more(&x, &y, &m)?.7.to_tensor())[2], 1.5);

    let x = [[16777217i64, 16777216, 16777217], [-7, 16777216, -16777218]];
    let m = [[true, false, true], [true, false, false]];
    is!(
        all!(net.reduced(&x, &m)?; 0 1 2 3 4 5 6 7 8 9 10 11),
        [50331641],
        [16777210, 33554432, -1],
        [50331650, -9],
        [16777217],
        [-7, 16777216, -16777218],
        [16777217, 16777216],
        [0, 1],
        [1, 2],
        [0],
        [16777217, 33554433, 50331650, -7, 16777209, -9],
        [2, 0, 1],
        [1, 1],
    );
    // Many rows and columns: every way in which lines are laid out.
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
            .map(|i| (i * 7919 % 20011) as i64 - 10000)
            .collect();
        let m = vec![true; a * b];
        let (sum, most) = (
            x.iter().sum::<i64>() as f64,
            x.iter().max().map_or(0.0, |x| *x as f64),
        );
        let columns = |f: &dyn Fn(i64, i64) -> i64| -> Vec<f64> {
            let column = |c: usize| (0..a).map(|r| x[r * b + c]).reduce(f).unwrap_or(0) as f64;
            (0..b).map(column).collect()
        };
        let (sums, least) = (columns(&|p, q| p + q), columns(&|p, q| p.min(q)));
        let running: Vec<f64> = x
            .chunks(b)
            .flat_map(|row| {
                let mut sum = 0;
                row.iter().map(move |x| {
                    sum += x;
                    sum as f64
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
        assert_eq!(numbers(&y.10.to_tensor()), vec![a as f64; b], "{a} {b}");
    }
    let x = Tensor::from_vec([2, 3, 2], (16777217..16777229).collect::<Vec<i32>>())?;
    is!(
        all!(net.several(&x)?; 0 1),
        [67108882, 67108890, 67108898],
        [16777228],
    );
    is!(
        all!(net.powers(&[1290, -1290, 0, -1])?; 0 1 2),
        [2146689000, -2146689000, 0, -1],
        [1, 1, 1, 1],
        [1664100, 1664100, 0, 1],
    );
    is!(
        all!(net.made(&[16777217, 1, -3])?; 0 1 2 3),
        [16777217, 16777217],
        [2, 2, 2],
        [16777210, -6, -10],
        [0, 0, 1, 0, 1, 0, 1, 0, 0],
    );
    is!(all!((net.looped(&[3, -5, 1118481])?,); 0), [-16777215]);
    let stated = net.stated(&[3, -2], &[true, false])?;
    assert_eq!(numbers(&stated.to_tensor()), [2.5, -1.0]);
    Ok(())
}

/// The last values that fit, and the error of the next.
fn fitting<D: Device>(device: D, host: bool) -> Result<()> {
    let net = Whole::new(device, 1)?;
    let most = i64::from(MOST);
    let least = i64::from(LEAST);
    // A device that runs on its own knows the expression, not the value, except for sizes.
    let told = |e: Result<Tensor>, text: &str, value: &str| match e {
        Err(e @ Error::IntegerOverflow { .. }) => {
            let known = format!("`{text}` is {value}, which does not fit 32-bit integers\n  at ");
            let unknown = format!("`{text}` does not fit 32-bit integers\n  at ");
            let message = e.to_string();
            let told = message.contains(&known) || !host && message.contains(&unknown);
            assert!(told, "{message}");
            assert!(message.contains("integers.rs:"), "{message}");
        }
        e => panic!("{text}: {e:?}"),
    };
    let fits = |e: Result<Tensor>, want: &[i64]| {
        let found = e.unwrap_or_else(|e| panic!("{e}"));
        let want: Vec<f64> = want.iter().map(|x| *x as f64).collect();
        assert_eq!(numbers(&found), want);
    };
    macro_rules! run {
        ($f:ident $($x:expr),*) => { net.$f($(&$x),*).map(|y| y.to_tensor()) };
    }
    fits(run!(sum2 [1, least], [most - 1, 0]), &[most, least]);
    told(run!(sum2 [1, 1], [1, most]), "a + b", "2147483648 at [1]");
    told(
        run!(sum2 [least, 1], [-1, 1]),
        "a + b",
        "-2147483649 at [0]",
    );
    fits(run!(difference [-1, 0], [most, -most]), &[least, most]);
    told(run!(difference[0], [least]), "a - b", "2147483648 at [0]");
    told(run!(difference[least], [1]), "a - b", "-2147483649 at [0]");
    fits(
        run!(product [46340, -65536], [46341, 32768]),
        &[2147441940, least],
    );
    told(run!(product[46341], [46341]), "a * b", "2147488281 at [0]");
    told(
        run!(product [2, 65536], [3, 65536]),
        "a * b",
        "4294967296 at [1]",
    );
    told(run!(product[least], [-1]), "a * b", "2147483648 at [0]");
    fits(run!(total [most, 1, -1]), &[most]);
    told(run!(total [most, 1]), "a.sum()", "2147483648");
    told(run!(total vec![1i64 << 20; 3000]), "a.sum()", "3145728000");
    fits(run!(factors [-65536, 32768]), &[least]);
    fits(run!(factors vec![0i64; 0]), &[1]);
    // Beyond 64 bits, and back to 0.
    let mut far = vec![i64::from(MOST); 40];
    told(run!(factors far), "a.prod()", "9223372036854776000");
    far.push(0);
    fits(run!(factors far), &[0]);
    told(run!(factors [65536, 65536]), "a.prod()", "4294967296");
    let (rows, columns) = net.factors_of_rows(&[[1i64, 2, -3], [4, 5, 6]])?;
    assert_eq!(numbers(&rows.to_tensor()), [-6.0, 120.0]);
    assert_eq!(numbers(&columns.to_tensor()), [4.0, 10.0, -18.0]);
    fits(run!(running [most - 1, 1, -5]), &[most - 1, most, most - 5]);
    told(
        run!(running [most, 1, -1]),
        "a.cumsum(0)",
        "2147483648 at [1]",
    );
    fits(run!(running_product [3, -5, 0, 7]), &[3, -15, 0, 0]);
    told(
        run!(running_product [most, 2]),
        "a.cumprod(0)",
        "4294967294 at [1]",
    );
    fits(run!(turned [-most, 3]), &[most, 3]);
    told(run!(turned[least]), "abs(a)", "2147483648 at [0]");
    fits(run!(cube [1290, -1]), &[2146689000, -1]);
    told(run!(cube[1291]), "a.pow(3)", "2151685171 at [0]");
    // A factor does not fit.
    told(run!(cube[1 << 20]), "pow(a, 2)", "1099511627776 at [0]");
    fits(run!(scaled [1, -1]), &[2000000000, -2000000000]);
    told(run!(scaled [0, 0, 0]), "1000000000*N", "3000000000");
    fits(
        run!(cut [2147483520.0f32, -2147483648.0, 1.9, -1.9, 0.0]),
        &[2147483520, least, 1, -1, 0],
    );
    for wrong in [
        2147483648.0f32,
        -2147483904.0,
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
    // After an error, all is as before.
    fits(run!(sum2[1], [2]), &[3]);
    let x = vec![2i32; 31];
    assert!(matches!(net.looped(&x), Err(Error::IntegerOverflow { .. })));
    assert_eq!(numbers(&net.looped(&x[1..])?.to_tensor()), [1073741824.0]);
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
