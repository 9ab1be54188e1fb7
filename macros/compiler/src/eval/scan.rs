//! Loops, step by step.

use super::{Array, Env, eval};
use crate::ir::Scan;

/// The results of a scan, step by step.
pub fn scan(s: &Scan, args: &[&Array], env: &Env) -> Vec<Array> {
    let (count, first) = (env.dim(&s.count), s.shared + s.carried);
    let mut carried: Vec<Array> = args[s.shared..first].iter().map(|a| (*a).clone()).collect();
    let mut stacked: Vec<Array> = s.results()[s.carried..]
        .iter()
        .map(|(shape, _)| Array::new(&env.shape(shape), |_| 0.0))
        .collect();
    for step in 0..count {
        let at = if s.reverse { count - 1 - step } else { step };
        let mut inputs: Vec<Array> = args[..s.shared].iter().map(|a| (*a).clone()).collect();
        inputs.extend(carried);
        inputs.extend(args[first..].iter().map(|a| {
            let len = a.data.len() / count;
            Array {
                shape: a.shape[1..].to_vec(),
                data: a.data[at * len..(at + 1) * len].to_vec(),
            }
        }));
        carried = eval(
            &s.body,
            &Env {
                inputs: &inputs,
                params: env.params,
                dims: env.dims,
                floats: env.floats,
            },
        );
        for (whole, part) in stacked.iter_mut().zip(carried.split_off(s.carried)) {
            let len = part.data.len();
            whole.data[at * len..(at + 1) * len].copy_from_slice(&part.data);
        }
    }
    carried.into_iter().chain(stacked).collect()
}
