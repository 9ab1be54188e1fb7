//! The elements of parameters and buffers on the host: converts tensors to the bytes on a device, and back.

use bytemuck::Pod;

use crate::output::floats;
use crate::tensor::TensorData;
use crate::{DType, Float, Init, NetSpec, ParamSpec, init};

/// The initial bytes of a network's parameters and buffers: the floats, then all others.
pub(crate) fn initial<F: Float>(spec: &NetSpec, seed: u64) -> (Vec<F>, Vec<u8>) {
    let mut others = vec![0; spec.other_bytes];
    for param in spec.params.iter().filter(|p| p.dtype != DType::Float) {
        let (first, size) = (param.offset.bytes, param.dtype.size(0));
        // The compiler gives these only constant initial values.
        let Init::Constant(start) = param.init else {
            continue;
        };
        // A buffer outside of these bytes is reported by the checked calls.
        if let Some(to) = others.get_mut(first..first.saturating_add(param.len() * size)) {
            match param.dtype {
                DType::Bool => to.fill(u8::from(start != 0.0)),
                _ => each(to, std::iter::repeat_n(start as i64, param.len())),
            }
        }
    }
    (init::flat(spec.params, spec.flat_len, seed), others)
}

/// Writes elements as a device with this float type stores those of type `dtype`. Returns whether their type fits:
/// floats of either width for floats, integers of any width for integers, booleans for booleans.
pub(crate) fn write<F: Float>(dtype: DType, from: &TensorData, to: &mut [u8]) -> bool {
    match (dtype, from) {
        (DType::Float, TensorData::F32(v)) => {
            each(to, v.iter().map(|&x| F::from_f64(f64::from(x))));
        }
        (DType::Float, TensorData::F64(v)) => each(to, v.iter().map(|&x| F::from_f64(x))),
        (DType::Int, TensorData::I64(v)) => each(to, v.iter().copied()),
        (DType::Int, TensorData::I32(v)) => each(to, v.iter().map(|&x| i64::from(x))),
        (DType::Int, TensorData::U32(v)) => each(to, v.iter().map(|&x| i64::from(x))),
        (DType::Bool, TensorData::Bool(v)) => each(to, v.iter().map(|&x| u8::from(x))),
        _ => return false,
    }
    true
}

fn each<T: Pod>(to: &mut [u8], values: impl Iterator<Item = T>) {
    for (to, x) in to.chunks_exact_mut(size_of::<T>()).zip(values) {
        to.copy_from_slice(bytemuck::bytes_of(&x));
    }
}

/// The elements in these bytes.
pub(crate) fn read<F: Float>(dtype: DType, from: &[u8]) -> TensorData {
    match dtype {
        DType::Float => floats::<F>(&all(from)),
        DType::Int => TensorData::I64(all(from)),
        DType::Bool => TensorData::Bool(from.iter().map(|&x| x != 0).collect()),
    }
}

fn all<T: Pod>(from: &[u8]) -> Vec<T> {
    let each = from.chunks_exact(size_of::<T>());
    each.map(bytemuck::pod_read_unaligned).collect()
}

/// The type of such a parameter in a file of this device, and in messages.
pub(crate) fn type_name(param: &ParamSpec) -> &'static str {
    match param.dtype {
        DType::Float => "floats",
        DType::Int => "i64",
        DType::Bool => "bool",
    }
}
