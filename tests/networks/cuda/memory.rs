//! Copies between host and device: of every size, in every type, one after the other.

use netform::prelude::*;

use crate::both::random;
use crate::device::{cuda, own};

network! {
    struct Net {
        small: Param[3],
        // Slightly less than a section of the pinned memory, exactly one, and more than all sections.
        less: Param[262_143],
        section: Param[262_144],
        all: Param[1_300_001],
    }
    fn uses() -> [] { small.sum() + less.sum() + section.sum() + all.sum() }
    fn scaled(x: [N], s: u32[N], t: i32[N]) -> [N] { x * s.float() + t.float() }
}

const NAMES: [&str; 4] = ["small", "less", "section", "all"];

/// Repeated copies of more than the pinned memory holds; all of it arrives.
#[test]
fn what_is_written_is_read_back() {
    let mut net = Net::new(own(), 1).unwrap();
    for round in 0..3 {
        let values = |net: &Net<Cuda>, name: &str| {
            let shape = net.parameters().find(|p| p.name() == name).unwrap().shape();
            random(shape, round, (-1.0, 1.0))
        };
        for name in NAMES {
            let new = values(&net, name);
            net.set_parameter(name, &new).unwrap();
        }
        for name in NAMES {
            assert_eq!(net.parameter(name).unwrap(), values(&net, name), "{name}");
        }
    }
}

/// Types that are converted during the copy, in more than one piece.
#[test]
fn inputs_of_every_type() {
    let (cuda, cpu) = (
        Net::new(cuda(), 1).unwrap(),
        Net::new(Cpu::new(), 1).unwrap(),
    );
    for n in [1, 256, 257, 16_384, 40_001] {
        let x: Vec<f64> = (0..n).map(|i| i as f64 * 0.25).collect();
        let s: Vec<u32> = (0..n as u32).map(|i| i % 7).collect();
        let wide: Vec<usize> = s.iter().map(|s| *s as usize).collect();
        let t: Vec<i64> = (0..n as i64).map(|i| i % 5 - 2).collect();
        let short: Vec<i32> = t.iter().map(|t| *t as i32).collect();
        let wanted = cpu.scaled(&x, &s, &t).unwrap().to_tensor();
        assert_eq!(cuda.scaled(&x, &s, &t).unwrap().to_tensor(), wanted);
        assert_eq!(cuda.scaled(&x, &wide, &short).unwrap().to_tensor(), wanted);
    }
    for big in [1usize << 32, usize::MAX] {
        let error = cuda
            .scaled(&[1f32; 2], &[1, big], &[0i32; 2])
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            format!("Net::scaled: `s` holds {big}, which is outside 0..=4294967295")
        );
    }
    let error = cuda
        .scaled(&[1f32; 2], &[1, -1i32], &[0i32; 2])
        .err()
        .unwrap();
    assert!(error.to_string().contains("holds -1, "), "{error}");
}
