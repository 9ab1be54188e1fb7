//! The workloads' data: the same numbers in every peer's program, from a counter-based splitmix64.

use netform::{Network, Tensor};

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

/// Rows of `N`.
pub fn rows<const N: usize>(values: &[u32]) -> Vec<[u32; N]> {
    let rows = values.chunks_exact(N);
    rows.map(|r| std::array::from_fn(|i| r[i])).collect()
}

/// Parameters times a factor: a smaller start.
pub fn scale<N: Network>(net: &mut N, names: &[&str], by: f64) -> netform::Result<()> {
    for name in names {
        let value = net.parameter(name)?;
        let scaled: Vec<f64> = value.to_f64_vec().iter().map(|x| x * by).collect();
        let scaled = Tensor::from_vec(value.shape(), scaled)?;
        net.set_parameter(name, &scaled)?;
    }
    Ok(())
}
