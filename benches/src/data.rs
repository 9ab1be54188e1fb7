//! The workloads' data: the same numbers in every peer's program, from a counter-based splitmix64.

/// The i-th number of a stream.
fn splitmix(seed: u64, i: usize) -> u64 {
    let step = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = seed.wrapping_add(step);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `rows` rows of floats in [0, 1).
pub fn uniform<const N: usize>(seed: u64, rows: usize) -> Vec<[f32; N]> {
    let value = |i| (splitmix(seed, i) >> 40) as f32 / (1u32 << 24) as f32;
    (0..rows)
        .map(|r| std::array::from_fn(|c| value(r * N + c)))
        .collect()
}

/// `n` integers below `modulus`.
pub fn ints(seed: u64, modulus: u64, n: usize) -> Vec<u32> {
    (0..n)
        .map(|i| ((splitmix(seed, i) >> 33) % modulus) as u32)
        .collect()
}
