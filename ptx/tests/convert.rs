//! Conversions between stored floats: the same bits as on the CPU.

mod harness;

use half::{bf16, f16};
use harness::{Gpu, Numbers};
use netform_ptx::{Call, Context, Error, Fault, Stored, call, convert};
use netform_runtime::__private::device::{Launch, What};
use netform_runtime::Cpu;

const FLOATS: [Stored; 3] = [Stored::F32, Stored::Bf16, Stored::F16];

/// Elements as words, so that they are aligned.
fn words(bytes: &[u8]) -> Vec<u64> {
    let eight = |c: &[u8]| {
        let mut word = [0; 8];
        word[..c.len()].copy_from_slice(c);
        u64::from_ne_bytes(word)
    };
    bytes.chunks(8).map(eight).collect()
}

fn on_cpu([from, to]: [Stored; 2], x: &[u8]) -> Vec<u8> {
    let len = x.len() / from.size();
    let (mut x, mut y) = (words(x), words(&vec![0; len * to.size()]));
    let at = [x.as_mut_ptr().cast(), y.as_mut_ptr().cast()];
    let call = Call::Convert { from, to, len };
    // SAFETY: there are as many elements.
    unsafe { Cpu::new().launch(&call, &at, What::default()) }.unwrap();
    let mut y: Vec<u8> = y.iter().flat_map(|w| w.to_ne_bytes()).collect();
    y.truncate(len * to.size());
    y
}

/// Checks a conversion; x and y begin this many bytes after an aligned address.
#[track_caller]
fn agrees(types: [Stored; 2], x: &[u8], apart: [usize; 2]) {
    let [from, to] = types;
    let len = x.len() / from.size();
    let mut gpu = Gpu::default();
    let at = gpu.array_at(x, apart[0]);
    let y = gpu.array_at(&vec![7u8; len * to.size() + 8], apart[1]);
    let context = Context {
        fault: Fault::default(),
        step: 0,
        work: 0,
    };
    gpu.run(call(&Call::Convert { from, to, len }, &[at, y], context));
    let (got, want) = (gpu.read::<u8>(y, len * to.size() + 8), on_cpu(types, x));
    let (got, after) = got.split_at(len * to.size());
    let differs = got.chunks(to.size()).zip(want.chunks(to.size()));
    if let Some(i) = { differs }.position(|(a, b)| a != b) {
        let size = from.size();
        panic!("{from} to {to}, element {i}: {:x?}", &x[i * size..][..size]);
    }
    assert_eq!(after, [7; 8], "{from} to {to}, {len}: after the end");
}

#[test]
fn every_half() {
    let all: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_ne_bytes).collect();
    for from in [Stored::Bf16, Stored::F16] {
        FLOATS
            .into_iter()
            .for_each(|to| agrees([from, to], &all, [0, 0]));
    }
}

/// The values half way between neighbours, the values next to them on both sides, and values that the other type cannot
/// hold.
#[test]
fn floats_that_are_hard_to_round() {
    let value = |to, p: u16| match to {
        Stored::Bf16 => bf16::from_bits(p).to_f64(),
        _ => f16::from_bits(p).to_f64(),
    };
    let mut numbers = Numbers::new(5);
    for to in FLOATS {
        let finite = (0..0x7fffu16).filter(|p| value(to, p + 1).is_finite());
        let near = finite.flat_map(|p| {
            let middle = ((value(to, p) + value(to, p + 1)) / 2.0) as f32;
            let half = [value(to, p) as f32, middle].map(f32::to_bits);
            half.map(|b| [b.saturating_sub(1), b, b + 1]).concat()
        });
        let mut all: Vec<u32> = near.collect();
        all.extend([
            1,
            0x007f_ffff,
            0x0080_0000,
            0x7f7f_7fff,
            0x7f7f_8000,
            0x7f7f_ffff,
        ]);
        all.extend([
            0x7f80_0000,
            0x7f80_0001,
            0x7f80_2000,
            0x7fbf_ffff,
            0x7fc0_0000,
            0x7fff_ffff,
        ]);
        all.extend([0x477f_e000, 0x477f_efff, 0x477f_f000, 0x4780_0000]);
        all.extend((0..20_000).map(|_| numbers.bits()));
        let signs = all.iter().flat_map(|b| [*b, b ^ 1 << 31]);
        let bytes: Vec<u8> = signs.flat_map(u32::to_ne_bytes).collect();
        agrees([Stored::F32, to], &bytes, [0, 0]);
    }
}

#[test]
fn awkward_lengths_and_addresses() {
    let mut numbers = Numbers::new(6);
    for (from, to) in FLOATS.into_iter().flat_map(|f| FLOATS.map(|to| (f, to))) {
        for len in [0usize, 1, 3, 5, 8, 1027] {
            let floats = numbers.floats(len);
            let x: Vec<u8> = match from {
                Stored::F32 => floats.iter().flat_map(|x| x.to_ne_bytes()).collect(),
                Stored::Bf16 => { floats.iter() }
                    .flat_map(|x| bf16::from_f32(*x).to_ne_bytes())
                    .collect(),
                _ => { floats.iter() }
                    .flat_map(|x| f16::from_f32(*x).to_ne_bytes())
                    .collect(),
            };
            for apart in [[0, 0], [from.size(), 0], [0, to.size()]] {
                agrees([from, to], &x, apart);
            }
        }
    }
}

#[test]
fn other_types_have_no_kernel() {
    for other in [Stored::F64, Stored::I32, Stored::Bool] {
        assert_eq!(convert([other, Stored::F32], 1, [0, 0]), Err(Error::Types));
        assert_eq!(convert([Stored::Bf16, other], 1, [0, 0]), Err(Error::Types));
    }
}
