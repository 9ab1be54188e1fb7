//! Fused maps, element by element.

use super::array::unflat;
use super::{Array, Env};
use crate::ir::{Access, DType, Instr, Map};
use crate::real::Real;

/// The results of a map over `shape`.
pub fn map(m: &Map, operands: &[&Array], shape: &[usize], env: &Env) -> Vec<Array> {
    let mut out: Vec<Array> = m
        .results
        .iter()
        .map(|_| Array::new(shape, |_| 0.0))
        .collect();
    for at in 0..shape.iter().product() {
        let index = unflat(shape, at);
        let mut steps: Vec<f64> = Vec::new();
        for (instr, dtype) in m.body.iter().zip(&m.types) {
            let value = match instr {
                Instr::Load(k) => operands[*k].at(&accessed(&m.access[*k], &index, env)),
                Instr::Iota(d) => index[*d] as f64,
                Instr::Const(DType::Int, bits) => bits.cast_signed() as f64,
                Instr::Const(_, bits) => f64::from_bits(*bits),
                Instr::Size(d) => env.real(&Real::Rust(d.clone())),
                Instr::Apply(f, args) => {
                    f.eval(&args.iter().map(|a| steps[*a]).collect::<Vec<_>>())
                }
            };
            steps.push(match dtype {
                DType::Float => env.round(value),
                _ => value,
            });
        }
        for (result, array) in m.results.iter().zip(&mut out) {
            array.data[at] = steps[*result];
        }
    }
    out
}

fn accessed(access: &Access, index: &[usize], env: &Env) -> Vec<usize> {
    let mut from: Vec<usize> = access.start.iter().map(|s| env.dim(s)).collect();
    for (i, d) in access.dims.iter().enumerate() {
        if let Some(d) = d {
            from[*d] += index[i] * access.step[*d] as usize;
        }
    }
    from
}
