//! Integers are passed and returned in their declared types, and are 64 bits in between. None wraps: neither an
//! argument, nor a result, nor an index whose low half is a valid one.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::data::Resident;
use netform::prelude::*;
use netform::{Error, Float, Result};

network! {
    struct Widths { table: Embedding(4 -> 2) }
    fn narrowed(a: u32[N], b: i32[N], c: i64[N]) -> (u32[N], i32[N], i64[N], u32[N], i32[N]) {
        (a, b, c, a, c)
    }
    fn squared(a: u32[N], b: i32[N]) -> (u32[N], i32[N], i64[N]) {
        let square = a * a;
        (square, b - square, square)
    }
    fn rows(at: i64[N]) -> [N, 2] { table(at) }
    fn taken(x: [M], at: i64[N]) -> [N] { x.index_select(0, at) }
    fn whole(x: i64[M, 2], at: i64[N]) -> i64[N, 2] { x.index_select(0, at) }
    fn picked(x: [M, 3], at: i64[M, N]) -> [M, N] { x.gather(1, at) }
    fn copied(x: i64[M, 2], at: i64[N], y: i64[N, 2]) -> i64[M, 2] { x.index_copy(0, at, y) }
    fn padded(x: i64[N]) -> i64[N + 2] { pad(x, [1, 1], value = 9007199254740993) }
    fn loss(at: i64[N], y: i64[N]) -> [] { cross_entropy(table(at), y) }
    fn counted(x: i64[N], #[state] n: i32[], #[state] all: i64[]) -> i64[] {
        n = n + x.sum();
        all = all + x.sum();
        all
    }
    fn lessened(a: u32[N], b: i64[N]) -> (u32[N], i32[N]) { (a - 5, b - 5) }
    fn tally(x: i32[N], #[state] seen: u32[]) -> u32[] {
        seen = seen + x.sum();
        seen
    }
    fn shown(x: i64[N]) -> [N] { x }
    fn places(x: [N]) -> i64[N] { arange(N) * 4611686018427387904 + x.int() }
}

/// Integers around the last ones that f32 and f64 hold, and the ends.
const WIDE: [i64; 6] = [
    (1 << 24) + 1,
    (1 << 32) + 1,
    (1 << 53) + 1,
    -(1 << 53) - 1,
    i64::MAX,
    i64::MIN,
];

fn declared<D: Device>(device: D) -> Result<()> {
    let net = Widths::new(device, 1)?;
    let a = [0, 1, u32::MAX];
    let b = [i32::MIN, -1, i32::MAX];
    let y = net.narrowed(&a, &b, &[1, -2, 3])?;
    assert_eq!((&*y.0, &*y.1, &*y.2), (&a[..], &b[..], &[1i64, -2, 3][..]));
    assert_eq!((&*y.3, &*y.4), (&a[..], &[1, -2, 3][..]));
    assert_eq!(y.0.to_tensor().as_slice::<u32>()?, a);
    assert_eq!(y.2.to_tensor().as_slice::<i64>()?, [1, -2, 3]);
    // Other types of data, converted exactly.
    let wide = net.narrowed(&[7usize, 8], &[-3i64, 4], &[1u8, 255])?;
    assert_eq!((&*wide.0, &*wide.1), (&[7, 8][..], &[-3, 4][..]));
    assert_eq!(&*wide.2, [1, 255]);

    let y = net.squared(&[40_000u32, 2], &[-5i32, 6])?;
    assert_eq!(&*y.0, [1_600_000_000, 4]);
    assert_eq!(&*y.1, [-1_600_000_005, 2]);
    assert_eq!(&*y.2, [1_600_000_000, 4]);
    Ok(())
}

/// The error of a call.
fn message<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("it was accepted"),
        Err(e) => e.to_string(),
    }
}

fn refused<D: Device>(device: D) -> Result<()> {
    let net = Widths::new(device, 1)?;
    let argument = message(net.narrowed(&[1i64 << 32], &[0i32], &[0i64]));
    assert!(
        argument.contains("`a` holds 4294967296, which is outside 0..=4294967295"),
        "{argument}"
    );
    let argument = message(net.narrowed(&[0u32], &[1i64 << 31], &[0i64]));
    assert!(
        argument.contains("`b` holds 2147483648, which is outside -2147483648..=2147483647"),
        "{argument}"
    );
    let argument = message(net.narrowed(&[0u32], &[0i32], &[usize::MAX]));
    assert!(
        argument.contains("`c` holds 18446744073709551615"),
        "{argument}"
    );
    assert_eq!(
        message(net.narrowed(&[0u32; 3], &[0i32; 3], &[1i64, 2, -(1 << 31) - 1])),
        "Widths::narrowed: result 4 holds -2147483649 at [2], which is outside -2147483648..=2147483647\nhelp: declare it `i64`"
    );
    let result = net.squared(&[2u32, 65_536], &[0i32, 0]);
    assert!(matches!(
        result,
        Err(Error::ResultRange { result: 0, value: 4_294_967_296, ref position, .. }) if *position == [1]
    ));
    Ok(())
}

/// Results whose range is not known at compile time.
fn unproved<D: Device>(device: D) -> Result<()> {
    let net = Widths::new(device, 1)?;
    let y = net.lessened(&[5u32, u32::MAX], &[-(1i64 << 31) + 5, (1 << 31) + 4])?;
    assert_eq!(
        (&*y.0, &*y.1),
        (&[0, u32::MAX - 5][..], &[i32::MIN, i32::MAX][..])
    );
    let low = net.lessened(&[7u32, 9, 4], &[0i64; 3]);
    assert!(matches!(
        low,
        Err(Error::ResultRange { result: 0, value: -1, ref position, limits: "0..=4294967295", .. })
            if *position == [2]
    ));
    let high = net.lessened(&[7u32, 9], &[0, (1i64 << 31) + 5]);
    assert!(matches!(
        high,
        Err(Error::ResultRange { result: 1, value: 2_147_483_648, ref position, .. }) if *position == [1]
    ));
    let mut state = net.state()?;
    assert_eq!(net.tally(&[3i32, -1], &mut state)?.item()?, 2);
    assert_eq!(
        message(net.tally(&[-3i32], &mut state)),
        "Widths::tally: result 0 holds -1 at [], which is outside 0..=4294967295\nhelp: declare it `i64`"
    );
    Ok(())
}

fn indices<D: Device>(device: D) -> Result<()> {
    let mut net = Widths::new(device, 1)?;
    let one = net.rows(&[1i64])?.to_tensor();
    for bad in [
        4,
        -1,
        1 << 32,
        (1 << 32) + 1,
        -(1 << 32) + 1,
        i64::MAX,
        i64::MIN,
    ] {
        let x = [1f32, 2.0, 3.0, 4.0];
        let pairs = [[1i64, 2], [3, 4], [5, 6], [7, 8]];
        let results = [
            message(net.rows(&[1, bad])),
            message(net.taken(&x, &[1, bad])),
            message(net.whole(&pairs, &[1, bad])),
            message(net.picked(&[[1f32, 2.0, 3.0]], &[[1, bad]])),
            message(net.copied(&pairs, &[1, bad], &[[0i64, 0], [9, 9]])),
            message(
                net.loss_backward(&[1, bad], &[1i64, 0])
                    .and_then(|l| l.item()),
            ),
            message(
                net.loss_backward(&[1i64, 1], &[1, bad])
                    .and_then(|l| l.item()),
            ),
        ];
        for text in results {
            assert!(text.contains("outside 0.."), "{bad}: {text}");
        }
    }
    assert_eq!(net.rows(&[1i64])?.to_tensor(), one);
    Ok(())
}

fn wide<D: Device>(device: D) -> Result<()> {
    let net = Widths::new(device.clone(), 1)?;
    let pairs: Vec<[i64; 2]> = WIDE.iter().map(|v| [*v, !*v]).collect();
    let back = [5i64, 4, 3, 2, 1, 0, 2];
    let want: Vec<[i64; 2]> = back.iter().map(|at| pairs[*at as usize]).collect();
    assert_eq!(&*net.whole(&pairs, &back)?, want);
    let mut put = pairs.clone();
    put[3] = [i64::MAX, 7];
    assert_eq!(&*net.copied(&pairs, &[3i64], &[put[3]])?, put);
    assert_eq!(
        &*net.padded(&[i64::MIN])?,
        [(1 << 53) + 1, i64::MIN, (1 << 53) + 1]
    );
    // Positions times a literal; no float holds both.
    assert_eq!(&*net.places(&[0.0f32, -1.0])?, [0, (1 << 62) - 1]);
    assert!(net.places(&[0.0f32; 3]).is_err());
    let floats = net.shown(&WIDE)?;
    for (x, y) in WIDE.iter().zip(floats.iter()) {
        assert_eq!(y.to_f64(), D::Float::from_f64(*x as f64).to_f64(), "{x}");
    }

    let mut state = net.state()?;
    assert_eq!(
        net.counted(&[1i64 << 30, 5], &mut state)?.item()?,
        (1 << 30) + 5
    );
    assert_eq!(state.get("n")?.as_slice::<i32>()?, [(1 << 30) + 5]);
    assert_eq!(
        net.counted(&[1i64 << 40], &mut state)?.item()?,
        (1 << 40) + (1 << 30) + 5
    );
    assert!(message(state.get("n")).contains("`n` holds 1100585369605, which is outside"));
    assert_eq!(state.get("all")?.as_slice::<i64>()?, [1_100_585_369_605]);

    let samples = Tensor::from_vec([3, 1], vec![i64::MAX, (1 << 53) + 1, -1])?;
    let mut kept = Resident::new(&device, &samples)?;
    let all = kept.pick(&[1, 0])?;
    let given = Tensor::from_vec([2, 1], vec![(1i64 << 53) + 1, i64::MAX])?;
    let through = Through::new(device, 1)?;
    assert_eq!(through.as_i64(&all)?.to_tensor(), given);
    assert!(message(through.as_u32(&all)).contains("which is outside 0..=4294967295"));
    Ok(())
}

network! {
    struct Through {}
    fn as_i64(x: i64[N, 1]) -> i64[N, 1] { x }
    fn as_u32(x: u32[N, 1]) -> u32[N, 1] { x }
}

macro_rules! everywhere {
    ($($f:ident)*) => {$(
        mod $f {
            use super::*;
            #[test]
            fn cpu() {
                super::$f(Cpu::new()).unwrap();
                super::$f(Cpu::f64()).unwrap();
            }
            #[cfg(feature = "cuda")]
            #[test]
            fn cuda() {
                super::$f(device::cuda()).unwrap();
            }
        }
    )*};
}
everywhere!(declared refused unproved indices wide);
