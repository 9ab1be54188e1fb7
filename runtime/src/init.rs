//! The initial values of parameters: PyTorch's distributions, drawn from Philox.
//!
//! Each parameter has its own stream, numbered by its name. So its values depend neither on other parameters nor on the
//! device.

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
            if let Some(zero) = row
                .checked_mul(width)
                .and_then(|at| values.get_mut(at..at.checked_add(width)?))
            {
                zero.fill(F::from_f64(0.0));
            }
        }
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
