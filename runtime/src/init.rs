//! The initial values of parameters: PyTorch's distributions, drawn from Philox.
//!
//! Each parameter has its own stream, numbered by its name. So its values depend neither on other parameters nor on the
//! device.

mod matrix;
mod truncated;

use crate::philox::{fill_normal, fill_uniform};
use crate::{DType, Float, Init, ParamSpec};

/// The values of all floats.
pub(crate) fn flat<F: Float>(params: &[ParamSpec], flat_len: usize, seed: u64) -> Vec<F> {
    let mut flat = vec![F::from_f64(0.0); flat_len];
    for param in params {
        let first = param.offset.floats;
        // A parameter outside of the buffer is reported by the checked calls.
        if let (DType::Float, Some(values)) = (
            param.dtype,
            flat.get_mut(first..first.saturating_add(param.len())),
        ) {
            fill(param, values, seed);
        }
    }
    flat
}

fn fill<F: Float>(param: &ParamSpec, values: &mut [F], seed: u64) {
    let stream = fnv(param.name);
    let mut uniform = |bound: f64| fill_uniform(seed, stream, values, -bound, bound);
    match param.init {
        Init::Constant(value) => values.fill(F::from_f64(value)),
        Init::Uniform { bound } => uniform(bound),
        Init::Xavier { fan_in, fan_out } => {
            uniform((6.0 / (fan_in + fan_out).max(1) as f64).sqrt())
        }
        Init::FanIn { fan_in } => uniform(1.0 / (fan_in.max(1) as f64).sqrt()),
        Init::XavierNormal { fan_in, fan_out } => {
            let std = (2.0 / (fan_in + fan_out).max(1) as f64).sqrt();
            fill_normal(seed, stream, values, 0.0, std);
        }
        Init::Normal { std } => fill_normal(seed, stream, values, 0.0, std),
        Init::NormalZeroRow { row } => {
            fill_normal(seed, stream, values, 0.0, 1.0);
            let width = param.shape.iter().skip(1).product::<usize>();
            each(param, values, |_, values| {
                if let Some(zero) = row
                    .checked_mul(width)
                    .and_then(|at| values.get_mut(at..at.checked_add(width)?))
                {
                    zero.fill(F::from_f64(0.0));
                }
            });
        }
        Init::Between { low, high } => fill_uniform(seed, stream, values, low, high),
        Init::Gaussian { mean, std } => fill_normal(seed, stream, values, mean, std),
        Init::Truncated {
            mean,
            std,
            low,
            high,
        } => truncated::truncated(values, [mean, std, low, high], (seed, stream)),
        Init::Scaled { fan, gain, normal } => {
            let std = gain / (fan.max(1) as f64).sqrt();
            match normal {
                true => fill_normal(seed, stream, values, 0.0, std),
                false => uniform(3.0f64.sqrt() * std),
            }
        }
        Init::Eye => each(param, values, |_, values| matrix::eye(values, param.shape)),
        Init::Dirac { groups } => each(param, values, |_, values| {
            matrix::dirac(values, param.shape, groups);
        }),
        Init::Orthogonal { gain } => each(param, values, |k, values| {
            let stream = stream.wrapping_add(k);
            matrix::orthogonal(values, param.shape, gain, (seed, stream));
        }),
        Init::Sparse { sparsity, std } => each(param, values, |k, values| {
            let stream = stream.wrapping_add(k << 32);
            matrix::sparse(values, param.shape, (sparsity, std), (seed, stream));
        }),
    }
}

/// Calls `fill` for each element of the array of layers that a parameter belongs to, with its number.
fn each<F: Float>(param: &ParamSpec, values: &mut [F], fill: impl Fn(u64, &mut [F])) {
    let len = param.shape.iter().product::<usize>().max(1);
    for (k, values) in values.chunks_mut(len).enumerate() {
        fill(k as u64, values);
    }
}

/// FNV-1a.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Offset;

    fn param(name: &'static str, shape: &'static [usize], init: Init) -> ParamSpec {
        ParamSpec {
            name,
            stack: &[],
            shape,
            dtype: DType::Float,
            offset: Offset::default(),
            init,
            frozen: false,
            buffer: false,
            optional: false,
        }
    }

    fn moments(v: &[f64]) -> (f64, f64) {
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        (
            mean,
            v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / v.len() as f64,
        )
    }

    #[test]
    fn distributions_have_their_moments() {
        let v: Vec<f64> = flat(
            &[param("a", &[40_000], Init::FanIn { fan_in: 4 })],
            40_000,
            1,
        );
        let (mean, var) = moments(&v);
        assert!(v.iter().all(|x| (-0.5..0.5).contains(x)));
        assert!(
            mean.abs() < 0.005 && (var - 1.0 / 12.0).abs() < 0.002,
            "{mean} {var}"
        );
        let v: Vec<f64> = flat(
            &[param("a", &[40_000], Init::Normal { std: 2.0 })],
            40_000,
            1,
        );
        let (mean, var) = moments(&v);
        assert!(mean.abs() < 0.05 && (var - 4.0).abs() < 0.1, "{mean} {var}");
    }

    #[test]
    fn bounds_and_gains_hold() {
        let drawn = |init: Init| -> Vec<f64> { flat(&[param("a", &[100, 400], init)], 40_000, 1) };
        let v = drawn(Init::Between {
            low: 1.0,
            high: 3.0,
        });
        let (mean, var) = moments(&v);
        assert!(v.iter().all(|x| (1.0..3.0).contains(x)));
        assert!(
            (mean - 2.0).abs() < 0.02 && (var - 1.0 / 3.0).abs() < 0.01,
            "{mean} {var}"
        );
        for normal in [false, true] {
            let v = drawn(Init::Scaled {
                fan: 50,
                gain: 2.0,
                normal,
            });
            let (mean, var) = moments(&v);
            assert!(
                mean.abs() < 0.01 && (var - 4.0 / 50.0).abs() < 0.005,
                "{mean} {var}"
            );
        }
        // Mean, deviation, bounds; and the moments of the distribution (scipy.stats.truncnorm).
        for (of, mean, var) in [
            ([0.0, 1.0, -2.0, 2.0], 0.0, 0.773_741),
            ([0.0, 0.02, -2.0, 2.0], 0.0, 0.0004),
            ([1.0, 2.0, 2.0, 2.5], 2.243_506, 0.020_765),
            ([0.0, 1.0, 3.0, 9.0], 3.283_098, 0.070_559),
        ] {
            let [m, std, low, high] = of;
            let v = drawn(Init::Truncated {
                mean: m,
                std,
                low,
                high,
            });
            assert!(v.iter().all(|x| (low..=high).contains(x)), "{of:?}");
            let (a, b) = moments(&v);
            let tolerance = 0.02 * f64::sqrt(var);
            assert!(
                (a - mean).abs() < tolerance && (b / var - 1.0).abs() < 0.03,
                "{of:?}: {a} {b}"
            );
        }
    }

    #[test]
    fn matrices_have_their_structure() {
        let of = |shape: &'static [usize], init: Init| -> Vec<f64> {
            let n = shape.iter().product();
            flat(&[param("a", shape, init)], n, 3)
        };
        assert_eq!(of(&[2, 3], Init::Eye), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        // Two groups of two channels, kernels of three cells.
        let kernel = of(&[4, 2, 3], Init::Dirac { groups: 2 });
        let ones: Vec<usize> = (0..24).filter(|i| kernel[*i] == 1.0).collect();
        assert_eq!(ones, [1, 10, 13, 22]);
        assert_eq!(kernel.iter().sum::<f64>(), 4.0);
        for shape in [&[3, 7][..], &[7, 3], &[4, 4], &[5, 2, 2]] {
            let shape: &'static [usize] = Box::leak(shape.into());
            let q = of(shape, Init::Orthogonal { gain: 2.0 });
            let (rows, columns) = (shape[0], q.len() / shape[0]);
            for i in 0..rows.min(columns) {
                for j in 0..=i {
                    let at = |k: usize, l: usize| match rows <= columns {
                        true => q[k * columns + l],
                        false => q[l * columns + k],
                    };
                    let dot: f64 = (0..rows.max(columns)).map(|l| at(i, l) * at(j, l)).sum();
                    let want = if i == j { 4.0 } else { 0.0 };
                    assert!((dot - want).abs() < 1e-12, "{shape:?} {i} {j}: {dot}");
                }
            }
        }
        let v = of(
            &[10, 6],
            Init::Sparse {
                sparsity: 0.25,
                std: 1.0,
            },
        );
        for column in 0..6 {
            assert_eq!((0..10).filter(|row| v[row * 6 + column] == 0.0).count(), 3);
        }
        // In an array of layers, each has its own.
        let array = ParamSpec {
            stack: &[2],
            ..param("a", &[3, 2], Init::NormalZeroRow { row: 1 })
        };
        let v: Vec<f64> = flat(&[array], 12, 3);
        let zeros: Vec<usize> = (0..12).filter(|i| v[*i] == 0.0).collect();
        assert_eq!(zeros, [2, 3, 8, 9]);
    }

    #[test]
    fn streams_depend_on_seed_and_name_only() {
        let init = Init::Uniform { bound: 1.0 };
        let alone: Vec<f32> = flat(&[param("b", &[5], init)], 5, 7);
        let a = ParamSpec {
            offset: Offset::of_floats(16),
            ..param("a", &[9], init)
        };
        let two: Vec<f32> = flat(&[param("b", &[5], init), a], 32, 7);
        assert_eq!(alone[..], two[..5]);
        assert_ne!(two[..5], two[16..21]);
        assert_ne!(alone, flat::<f32>(&[param("b", &[5], init)], 5, 8));
        let wide: Vec<f64> = flat(&[param("b", &[5], init)], 5, 7);
        assert!(alone.iter().zip(&wide).all(|(a, b)| *a == *b as f32));
        let rows: Vec<f32> = flat(
            &[param("e", &[3, 4], Init::NormalZeroRow { row: 1 })],
            12,
            7,
        );
        assert!(rows[4..8].iter().all(|&x| x == 0.0) && rows[8..].iter().all(|&x| x != 0.0));
        let padded: Vec<f32> = flat(
            &[param("e", &[3, 4], Init::NormalZeroRow { row: 9 })],
            12,
            7,
        );
        assert!(padded.iter().all(|&x| x != 0.0));
    }
}
