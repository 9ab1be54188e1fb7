//! Conversions between stored floats: the same bits as on the CPU, from aligned addresses and from others.

use netform::device::{Call, Memory, What};
use netform::{Cpu, Device, Stored};

use crate::device::cuda;

/// Converts bytes of this type on this device; the first elements are at this offset from an aligned address.
fn converted(
    device: &impl Device,
    [from, to]: [Stored; 2],
    x: &[u8],
    [before, after]: [usize; 2],
) -> Vec<u8> {
    let len = x.len() / from.size();
    let (source, target) = (
        device.alloc(before + x.len()).unwrap(),
        device.alloc(after + len * to.size()).unwrap(),
    );
    fn at<D: Memory>(_: &D, buffer: &D::Buffer, by: usize) -> *mut u8 {
        D::addr(buffer).wrapping_add(by)
    }
    let (a, b) = (at(device, &source, before), at(device, &target, after));
    let mut y = vec![0; len * to.size()];
    // SAFETY: both are in their buffers, which hold that many elements and are aligned to one.
    unsafe {
        device.write(a, x).unwrap();
        let call = Call::Convert { from, to, len };
        device.launch(&call, &[a, b], What::default()).unwrap();
        device.read(b, &mut y).unwrap();
    }
    y
}

#[test]
fn conversions_are_the_cpu_s() {
    let (cuda, cpu) = (cuda(), Cpu::new());
    // Every half; and floats with every upper half and lower halves that are hard to round.
    let halves: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_ne_bytes).collect();
    let behind = [
        0u32, 1, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001, 0xffff,
    ];
    let floats = (0..1u32 << 16).step_by(3).flat_map(|upper| {
        let low = behind[(upper / 3) as usize % behind.len()];
        (upper << 16 | low).to_ne_bytes()
    });
    let floats: Vec<u8> = floats.collect();
    let (narrow, wide) = ([Stored::Bf16, Stored::F16], Stored::F32);
    let pairs = narrow.into_iter().flat_map(|n| {
        let others = [(n, wide), (wide, n), (n, n)];
        others.into_iter().chain(narrow.map(|other| (n, other)))
    });
    for (from, to) in pairs.chain([(wide, wide)]) {
        let all = if from == wide { &floats } else { &halves };
        for (len, apart) in [
            (usize::MAX, [0, 0]),
            (7, [from.size(), 0]),
            (9, [0, to.size()]),
            (1, [4, 8]),
            (0, [0, 0]),
        ] {
            let x = &all[..all.len().min(len.saturating_mul(from.size()))];
            let (ours, theirs) = (
                converted(&cuda, [from, to], x, apart),
                converted(&cpu, [from, to], x, apart),
            );
            assert!(ours == theirs, "{from} to {to}, {len}, {apart:?}");
        }
    }
}
