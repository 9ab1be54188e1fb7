//! Conversions between stored floats against the crate `half`, bit for bit.

mod common;

use common::Bench;
use half::{bf16, f16};
use netform_runtime::__private::device::{Call, Stored};
use netform_runtime::__private::{DType, View};
use netform_runtime::{Cpu, Error, Float};

/// Converts elements of type `from` to type `to` on this device. They are given as bytes, and their first elements lie
/// `apart` bytes after an aligned address.
fn converted<F: Float>(cpu: Cpu<F>, [from, to]: [Stored; 2], x: &[u8], apart: usize) -> Vec<u8> {
    let len = x.len() / from.size();
    let mut bench = Bench::new(cpu);
    let ahead = vec![0; apart];
    let whole = bench.array(&[&ahead, x].concat());
    let room = bench.empty_of(DType::Bool, len * to.size() + apart);
    let part = |view: View, size: usize| View {
        offset: view.offset + apart,
        len: len * size,
        ..view
    };
    let (x, y) = (part(whole, from.size()), part(room, to.size()));
    bench.run(|run| run.call(&Call::Convert { from, to, len }, &[x, y]));
    bench.get_bytes(room).split_off(apart)
}

/// Every 16-bit pattern.
fn patterns() -> Vec<u16> {
    (0..=u16::MAX).collect()
}

/// Values that are hard to round to the type of these numbers: the numbers themselves, the values half way between
/// neighbours, and the values next to each; then infinities, NaN, the largest, the smallest.
fn hard(value: impl Fn(u16) -> f32) -> Vec<f32> {
    let finite = (0..0x7fff).filter(|p| value(p + 1).is_finite());
    let near = finite.flat_map(|p| {
        let middle = (f64::from(value(p)) + f64::from(value(p + 1))) / 2.0;
        let near = [value(p), middle as f32].map(f32::to_bits);
        near.map(|b| [b.saturating_sub(1), b, b + 1]).concat()
    });
    let others = [
        0x7f80_0000,
        0x7f80_0001,
        0x7f80_2000,
        0x7fbf_ffff,
        0x7fc0_0000,
        0x7fff_ffff,
        0x7f7f_ffff,
        0x7f7f_8000,
        0x7f7f_7fff,
        0x477f_efff,
        0x477f_f000,
        0x477f_e000,
        0x4780_0000,
        1,
        0x007f_ffff,
        0x0080_0000,
    ];
    let all = near.chain(others).flat_map(|b| [b, b | 1 << 31]);
    all.map(f32::from_bits).collect()
}

fn bytes<T: bytemuck::NoUninit>(x: &[T]) -> Vec<u8> {
    bytemuck::cast_slice(x).to_vec()
}

#[test]
fn every_half_as_a_float() {
    let all = patterns();
    let (x, bf, f) = (bytes(&all), Stored::Bf16, Stored::F16);
    for threads in [1, 3] {
        let (f32s, f64s) = (
            Cpu::new().with_threads(threads),
            Cpu::f64().with_threads(threads),
        );
        let want: Vec<u32> = all
            .iter()
            .map(|b| bf16::from_bits(*b).to_f32_const().to_bits())
            .collect();
        assert!(converted(f32s.clone(), [bf, Stored::F32], &x, 0) == bytes(&want));
        let want: Vec<u32> = all
            .iter()
            .map(|b| f16::from_bits(*b).to_f32_const().to_bits())
            .collect();
        assert!(converted(f32s.clone(), [f, Stored::F32], &x, 0) == bytes(&want));
        let want: Vec<u64> = all
            .iter()
            .map(|b| bf16::from_bits(*b).to_f64_const().to_bits())
            .collect();
        assert!(converted(f64s.clone(), [bf, Stored::F64], &x, 0) == bytes(&want));
        let want: Vec<u64> = all
            .iter()
            .map(|b| f16::from_bits(*b).to_f64_const().to_bits())
            .collect();
        assert!(converted(f64s, [f, Stored::F64], &x, 0) == bytes(&want));
        let want: Vec<f16> = all
            .iter()
            .map(|b| f16::from_f32_const(bf16::from_bits(*b).to_f32_const()))
            .collect();
        assert!(converted(f32s.clone(), [bf, f], &x, 0) == bytes(&want));
        let want: Vec<bf16> = all
            .iter()
            .map(|b| bf16::from_f32_const(f16::from_bits(*b).to_f32_const()))
            .collect();
        assert!(converted(f32s.clone(), [f, bf], &x, 0) == bytes(&want));
        for same in [bf, f] {
            assert!(converted(f32s.clone(), [same; 2], &x, 0) == x);
        }
    }
}

#[test]
fn floats_that_are_hard_to_round() {
    for (to, value) in [
        (
            Stored::Bf16,
            (|b| bf16::from_bits(b).to_f32_const()) as fn(u16) -> f32,
        ),
        (Stored::F16, |b| f16::from_bits(b).to_f32_const()),
    ] {
        let all = hard(value);
        let want: Vec<u16> = all
            .iter()
            .map(|x| match to {
                Stored::Bf16 => bf16::from_f32_const(*x).to_bits(),
                _ => f16::from_f32_const(*x).to_bits(),
            })
            .collect();
        assert!(converted(Cpu::new(), [Stored::F32, to], &bytes(&all), 0) == bytes(&want));
        // The same numbers as f64.
        let all: Vec<f64> = all.into_iter().map(f64::from).collect();
        assert!(converted(Cpu::f64(), [Stored::F64, to], &bytes(&all), 0) == bytes(&want));
    }
}

/// Written by hand.
#[test]
fn known_values() {
    let x = [
        1.0f32,
        -1.0 - 1.0 / 256.0,
        1.0 + 3.0 / 256.0,
        65504.0,
        65519.996,
        65520.0,
        1e-40,
        f32::MAX,
        -0.0,
        2f32.powi(-25),
    ];
    let bf16s: [u16; 10] = [
        0x3f80, 0xbf80, 0x3f82, 0x4780, 0x4780, 0x4780, 0x0001, 0x7f80, 0x8000, 0x3300,
    ];
    let f16s: [u16; 10] = [
        0x3c00, 0xbc04, 0x3c0c, 0x7bff, 0x7bff, 0x7c00, 0, 0x7c00, 0x8000, 0,
    ];
    for (to, want) in [(Stored::Bf16, bf16s), (Stored::F16, f16s)] {
        let got = converted(Cpu::new(), [Stored::F32, to], &bytes(&x), 0);
        assert_eq!(got, bytes(&want), "{to}");
    }
}

#[test]
fn awkward_lengths_and_addresses() {
    let floats = [Stored::F32, Stored::F64, Stored::Bf16, Stored::F16];
    for len in [0usize, 1, 3, 5, 1027] {
        let small: Vec<f32> = (0..len).map(|i| (i % 100) as f32 - 50.0).collect();
        let as_bytes = |s: Stored| -> Vec<u8> {
            match s {
                Stored::F32 => bytes(&small),
                Stored::F64 => small
                    .iter()
                    .flat_map(|x| f64::from(*x).to_ne_bytes())
                    .collect(),
                Stored::Bf16 => small
                    .iter()
                    .flat_map(|x| bf16::from_f32(*x).to_ne_bytes())
                    .collect(),
                _ => small
                    .iter()
                    .flat_map(|x| f16::from_f32(*x).to_ne_bytes())
                    .collect(),
            }
        };
        for (from, to) in floats
            .into_iter()
            .flat_map(|from| floats.map(|to| (from, to)))
        {
            let apart = from.size().max(to.size());
            let got = converted(Cpu::new(), [from, to], &as_bytes(from), apart);
            assert_eq!(got, as_bytes(to), "{from} to {to}, {len}");
        }
    }
}

#[test]
fn values_and_bytes() {
    let mut bench = Bench::new(Cpu::new());
    let x = bench.floats(&[1.0, -2.5, 3.25]);
    let (bits, back) = (bench.empty_of(DType::Bool, 6), bench.empty(3));
    let (float, half, len) = (Stored::F32, Stored::Bf16, 3);
    bench.run(|run| {
        run.call(
            &Call::Convert {
                from: float,
                to: half,
                len,
            },
            &[x, bits],
        );
        run.call(
            &Call::Convert {
                from: half,
                to: float,
                len,
            },
            &[bits, back],
        );
    });
    assert_eq!(bench.get_bytes(bits), bytes(&[0x3f80u16, 0xc020, 0x4050]));
    assert_eq!(bench.get(back), [1.0, -2.5, 3.25]);
}

#[test]
fn what_is_refused() {
    let refused = |from, to, len, change: fn(&mut [View; 2])| {
        let mut bench = Bench::new(Cpu::new());
        let mut views = [bench.array(&[0; 64]), bench.array(&[0; 64])];
        change(&mut views);
        let error = bench.fault(|run| run.call(&Call::Convert { from, to, len }, &views));
        assert!(matches!(error, Error::Internal { .. }), "{error}");
        error.to_string()
    };
    let (float, half) = (Stored::F32, Stored::Bf16);
    let has = |text: String, what: &str| assert!(text.contains(what), "{text}");
    has(refused(float, half, 17, |_| ()), "outside its view");
    has(refused(half, float, 17, |_| ()), "outside its view");
    has(
        refused(half, half, usize::MAX / 2, |_| ()),
        "outside its view",
    );
    has(refused(half, half, 3, |v| v[0].offset += 1), "not aligned");
    has(refused(half, float, 3, |v| v[1].offset += 2), "not aligned");
    has(
        refused(half, half, 3, |v| v[0].dtype = DType::Int),
        "another type",
    );
    has(refused(half, half, 3, |v| v[1] = v[0]), "overlaps");
    has(
        refused(half, Stored::I32, 3, |_| ()),
        "convert: a conversion is not between floats",
    );
}
