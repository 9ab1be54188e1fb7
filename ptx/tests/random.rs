//! Random booleans against an independent Philox4x32-10.

mod harness;

use harness::Gpu;
use netform_ptx::{Stream, advance, bernoulli};

fn block(mut c: [u32; 4], seed: u64) -> [u32; 4] {
    let (mut k0, mut k1) = (seed as u32, (seed >> 32) as u32);
    for _ in 0..10 {
        let p0 = u64::from(c[0]) * 0xD251_1F53;
        let p1 = u64::from(c[2]) * 0xCD9E_8D57;
        let high = [(p1 >> 32) as u32 ^ c[1] ^ k0, (p0 >> 32) as u32 ^ c[3] ^ k1];
        c = [high[0], p1 as u32, high[1], p0 as u32];
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    c
}

/// The known answers of Random123's `kat_vectors`.
#[test]
fn the_reference_is_right() {
    assert_eq!(
        block([0; 4], 0),
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
    );
}

fn expected(keep: f64, seed: u64, step: u64, node: u64, len: usize) -> Vec<u8> {
    let bound = (keep * 4_294_967_296.0) as u64;
    let word = |e: usize| {
        let last = (step >> 32) as u32 ^ (node >> 32) as u32;
        block([(e / 4) as u32, node as u32, step as u32, last], seed)[e % 4]
    };
    (0..len)
        .map(|e| u8::from(u64::from(word(e)) < bound))
        .collect()
}

#[test]
fn the_bits_of_the_cpu() {
    let (seed, node) = (0x1234_5678_9ABC_DEF0, 5 << 32 | 77);
    for len in [1usize, 3, 4, 31, 129, 1030, 5000] {
        for offset in [0, 1] {
            for keep in [0.0, 0.3, 1.0] {
                let mut gpu = Gpu::default();
                let first = 41 | 1u64 << 40;
                let step = gpu.array(&[first]);
                let y = gpu.array_at(&vec![7u8; len + 1], offset);
                let stream = Stream {
                    seed,
                    step: first,
                    node,
                };
                for later in 0..2 {
                    gpu.run(bernoulli(keep, stream, step, len, y));
                    assert_eq!(
                        gpu.read::<u8>(y, len),
                        expected(keep, seed, first + later, node, len)
                    );
                    gpu.run(Ok(vec![advance(step)]));
                }
                assert_eq!(gpu.read::<u8>(y, len + 1)[len], 7);
                assert_eq!(gpu.read::<u64>(step, 1), [first + 2]);
            }
        }
    }
}
