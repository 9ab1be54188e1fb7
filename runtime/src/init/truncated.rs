//! A normal distribution within bounds: `torch.nn.init.trunc_normal_`.

use crate::Float;
use crate::philox::{fill_normal, fill_uniform};

/// Rounds of draws before an element takes the bound nearest to the mean.
const ROUNDS: u64 = 10_000;

/// Normal numbers with `mean` and `std` under the condition that they lie in `low..=high`.
pub(super) fn truncated<F: Float>(
    values: &mut [F],
    [mean, std, low, high]: [f64; 4],
    (seed, stream): (u64, u64),
) {
    let nearest = mean.clamp(low.min(high), high.max(low));
    // Normal draws are rarely in a narrow interval; then uniform draws are, and are kept with the density's ratio to its
    // largest value there.
    let normal = (low - mean) / std < 1.0 && (high - mean) / std > -1.0 && (high - low) / std > 2.0;
    let density = |x: f64| (-0.5 * ((x - mean) / std).powi(2)).exp();
    let peak = density(nearest);
    let mut open: Vec<usize> = (0..values.len()).collect();
    for round in 0..ROUNDS {
        if open.is_empty() {
            return;
        }
        let mut drawn = vec![0.0f64; open.len()];
        let stream = stream.wrapping_add(round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut keep = vec![0.0f64; open.len()];
        if normal {
            fill_normal(seed, stream, &mut drawn, mean, std);
        } else {
            fill_uniform(seed, stream, &mut drawn, low, high);
            fill_uniform(seed, stream ^ 1, &mut keep, 0.0, peak);
        }
        let mut at = 0;
        open.retain(|place| {
            let (x, limit) = (drawn[at], keep[at]);
            at += 1;
            let inside = (low..=high).contains(&x) && (normal || limit <= density(x));
            if inside {
                values[*place] = F::from_f64(x);
            }
            !inside
        });
    }
    for place in open {
        values[place] = F::from_f64(nearest);
    }
}
