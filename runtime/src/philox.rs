//! Philox4x32-10 (Salmon et al., 2011): takes a seed and a counter and gives four random words.
//!
//! There is no state: element e of a stream is a function of (seed, stream, e), on every device and for any number of
//! threads.

use crate::Float;

/// The second counter word of the streams in this file. Nodes of networks use their own, smaller numbers.
const FILL: u32 = u32::MAX;
const PERMUTE: u32 = u32::MAX - 1;

/// Ten rounds on one counter; the key is the seed.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn block(counter: [u32; 4], seed: u64) -> [u32; 4] {
    blocks::<1>(counter, seed).map(|[word]| word)
}

/// The same for N counters, whose first words are consecutive: word w of block i is `[w][i]`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn blocks<const N: usize>(counter: [u32; 4], seed: u64) -> [[u32; N]; 4] {
    let [mut a, mut b, mut c, mut d] = counter.map(|word| [word; N]);
    for (i, word) in a.iter_mut().enumerate() {
        *word = word.wrapping_add(i as u32);
    }
    let (mut k0, mut k1) = (seed as u32, (seed >> 32) as u32);
    for _ in 0..10 {
        for (((a, b), c), d) in a.iter_mut().zip(&mut b).zip(&mut c).zip(&mut d) {
            let (p0, p1) = (u64::from(*a) * 0xD251_1F53, u64::from(*c) * 0xCD9E_8D57);
            *a = (p1 >> 32) as u32 ^ *b ^ k0;
            *b = p1 as u32;
            *c = (p0 >> 32) as u32 ^ *d ^ k1;
            *d = p0 as u32;
        }
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [a, b, c, d]
}

/// Two uniform numbers in [0, 1) with 53 bits.
fn pair(i: usize, kind: u32, stream: u64, seed: u64) -> [f64; 2] {
    let [a, b, c, d] = block([i as u32, kind, stream as u32, (stream >> 32) as u32], seed);
    let unit = |high: u32, low: u32| {
        ((u64::from(high) << 21) | (u64::from(low) >> 11)) as f64 / 9_007_199_254_740_992.0
    };
    [unit(a, b), unit(c, d)]
}

/// Fills `x` with uniform numbers in [low, high). f32 and f64 get the same numbers, rounded.
pub fn fill_uniform<F: Float>(
    seed: u64,
    stream: u64,
    x: &mut [F],
    low: impl Into<f64>,
    high: impl Into<f64>,
) {
    let (low, high) = (low.into(), high.into());
    for (i, chunk) in x.chunks_mut(2).enumerate() {
        for (x, u) in chunk.iter_mut().zip(pair(i, FILL, stream, seed)) {
            let y = F::from_f64(low + (high - low) * u);
            // Rounding may have reached the excluded upper end.
            *x = if y < F::from_f64(high) {
                y
            } else {
                F::from_f64(low)
            };
        }
    }
}

/// Fills `x` with normal numbers (Box and Muller). f32 and f64 get the same numbers, rounded.
pub fn fill_normal<F: Float>(
    seed: u64,
    stream: u64,
    x: &mut [F],
    mean: impl Into<f64>,
    std: impl Into<f64>,
) {
    let (mean, std) = (mean.into(), std.into());
    for (i, chunk) in x.chunks_mut(2).enumerate() {
        let [u, v] = pair(i, FILL, stream, seed);
        // 1 - u is in (0, 1]: the logarithm is finite.
        let radius = (-2.0 * (1.0 - u).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * v).sin_cos();
        for (x, z) in chunk.iter_mut().zip([radius * cos, radius * sin]) {
            *x = F::from_f64(mean + std * z);
        }
    }
}

/// The numbers 0..n in random order (Fisher and Yates), different for each epoch.
#[must_use]
pub fn permutation(seed: u64, epoch: u64, n: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    permute(seed, epoch, &mut order);
    order
}

/// Puts the numbers into the random order of an epoch.
pub(crate) fn permute(seed: u64, epoch: u64, order: &mut [usize]) {
    for i in (1..order.len()).rev() {
        let [a, b, ..] = block(
            [i as u32, PERMUTE, epoch as u32, (epoch >> 32) as u32],
            seed,
        );
        let word = (u64::from(a) << 32) | u64::from(b);
        let j = (u128::from(word) * (i as u128 + 1)) >> 64;
        order.swap(i, j as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of Random123's `kat_vectors`.
    #[test]
    fn known_answers() {
        let ones = u32::MAX;
        assert_eq!(
            block([0; 4], 0),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            block([ones; 4], u64::MAX),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            block(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                0x299f_31d0_a409_3822
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn side_by_side() {
        let [a, b, c, d] = [u32::MAX - 2, 3, 5, 7];
        let all = blocks::<5>([a, b, c, d], 11);
        for i in 0..5 {
            let one = block([a.wrapping_add(i as u32), b, c, d], 11);
            assert_eq!(all.map(|words| words[i]), one);
        }
    }

    #[test]
    fn moments() {
        let mut x = vec![0f32; 200_001];
        fill_uniform(7, 3, &mut x, -2.0, 2.0);
        assert!(x.iter().all(|&v| (-2.0..2.0).contains(&v)));
        let mean = |x: &[f32], p: i32| {
            x.iter().map(|&v| f64::from(v).powi(p)).sum::<f64>() / x.len() as f64
        };
        assert!(mean(&x, 1).abs() < 0.01 && (mean(&x, 2) - 4.0 / 3.0).abs() < 0.01);
        fill_normal(7, 4, &mut x, 1.0, 3.0);
        assert!((mean(&x, 1) - 1.0).abs() < 0.03 && (mean(&x, 2) - 10.0).abs() < 0.1);
        let mut y = vec![0f64; 101];
        fill_normal(7, 4, &mut y, 1.0, 3.0);
        assert!(x.iter().zip(&y).all(|(&a, &b)| a == b as f32));
    }

    #[test]
    fn permutations() {
        for n in [0, 1, 2, 100] {
            let mut p = permutation(1, 2, n);
            assert_eq!(p, permutation(1, 2, n));
            p.sort_unstable();
            assert_eq!(p, (0..n).collect::<Vec<_>>());
        }
        assert_ne!(permutation(1, 2, 100), permutation(1, 3, 100));
    }
}
