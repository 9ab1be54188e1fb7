//! The elements of a file's entries: converts a tensor's elements to bytes and their type, and back.
//!
//! bf16 and f16 are read as f32, which can hold all of their values.

use half::{bf16, f16};
use safetensors::tensor::Dtype;

use crate::narrow::{Narrow, convert, singles};
use crate::tensor::TensorData;
use crate::{Stored, Tensor};

/// The type of an entry, and its bytes.
pub(super) type Encoded = (Dtype, Vec<u8>);

/// The elements without conversion.
pub(super) fn encode(tensor: &Tensor) -> Encoded {
    match tensor.data() {
        TensorData::F32(v) => (Dtype::F32, bytes(v, f32::to_le_bytes)),
        TensorData::F64(v) => (Dtype::F64, bytes(v, f64::to_le_bytes)),
        TensorData::I64(v) => (Dtype::I64, bytes(v, i64::to_le_bytes)),
        TensorData::I32(v) => (Dtype::I32, bytes(v, i32::to_le_bytes)),
        TensorData::U32(v) => (Dtype::U32, bytes(v, u32::to_le_bytes)),
        TensorData::Bool(v) => (Dtype::BOOL, bytes(v, |x| [u8::from(x)])),
    }
}

/// Floats as the nearest number of this type, if it is a float type; other elements without conversion.
pub(super) fn encode_as(tensor: &Tensor, stored: Stored) -> Encoded {
    match (tensor.data(), stored) {
        (TensorData::F32(v), Stored::F64) => (Dtype::F64, converted(v, f64::to_le_bytes)),
        (TensorData::F32(v), Stored::Bf16) => (Dtype::BF16, converted(v, bf16::to_le_bytes)),
        (TensorData::F32(v), Stored::F16) => (Dtype::F16, converted(v, f16::to_le_bytes)),
        (TensorData::F64(v), Stored::Bf16) => (Dtype::BF16, converted(v, bf16::to_le_bytes)),
        (TensorData::F64(v), Stored::F16) => (Dtype::F16, converted(v, f16::to_le_bytes)),
        (TensorData::F64(v), Stored::F32) => {
            let mut to = vec![0.0; v.len()];
            singles(v, &mut to);
            (Dtype::F32, bytes(&to, f32::to_le_bytes))
        }
        _ => encode(tensor),
    }
}

/// The elements in these bytes; `None` if no tensor has their type.
pub(super) fn decode(dtype: Dtype, bytes: &[u8]) -> Option<TensorData> {
    Some(match dtype {
        Dtype::F32 => TensorData::F32(words(bytes, f32::from_le_bytes)),
        Dtype::F64 => TensorData::F64(words(bytes, f64::from_le_bytes)),
        Dtype::F16 => TensorData::F32(words(bytes, |b| f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => TensorData::F32(words(bytes, |b| bf16::from_le_bytes(b).to_f32())),
        Dtype::I64 => TensorData::I64(words(bytes, i64::from_le_bytes)),
        Dtype::I32 => TensorData::I32(words(bytes, i32::from_le_bytes)),
        Dtype::U32 => TensorData::U32(words(bytes, u32::from_le_bytes)),
        Dtype::BOOL => TensorData::Bool(bytes.iter().map(|&b| b != 0).collect()),
        _ => return None,
    })
}

fn bytes<T: Copy, const N: usize>(from: &[T], to: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    from.iter().flat_map(|x| to(*x)).collect()
}

fn converted<A: Narrow, B: Narrow + Default, const N: usize>(
    from: &[A],
    to: impl Fn(B) -> [u8; N],
) -> Vec<u8> {
    let mut nearest = vec![B::default(); from.len()];
    convert(from, &mut nearest);
    bytes(&nearest, to)
}

fn words<const N: usize, T>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (words, _) = bytes.as_chunks::<N>();
    words.iter().map(|word| from(*word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision() {
        let cases = [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
        ];
        let one = |bits: u16| match decode(Dtype::F16, &bits.to_le_bytes()) {
            Some(TensorData::F32(x)) => x[0],
            other => panic!("{other:?}"),
        };
        for (bits, value) in cases {
            assert_eq!(one(bits), value);
        }
        assert_eq!(one(0xfc00), f32::NEG_INFINITY);
        assert!(one(0x7e00).is_nan() && one(0x8000).to_bits() == 0x8000_0000);
        let bf16 = decode(Dtype::BF16, &[0x80, 0x3f, 0xc0, 0xbf]).unwrap();
        assert_eq!(bf16, TensorData::F32(vec![1.0, -1.5]));
    }

    #[test]
    fn floats_in_other_types() {
        let single = Tensor::from(vec![1.0f32, 65520.0, -1.0 - 1.0 / 256.0]);
        let double = Tensor::from(vec![1.0 + 1e-12f64, 65520.0, -1.0 - 1.0 / 256.0 - 1e-12]);
        let words =
            |words: &[u16]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
        let bf16s = (Dtype::BF16, words(&[0x3f80, 0x4780, 0xbf80]));
        assert_eq!(encode_as(&single, Stored::Bf16), bf16s);
        // More than half way, which cannot be seen in an f32.
        let bf16s = (Dtype::BF16, words(&[0x3f80, 0x4780, 0xbf81]));
        assert_eq!(encode_as(&double, Stored::Bf16), bf16s);
        let f16s = (Dtype::F16, words(&[0x3c00, 0x7c00, 0xbc04]));
        assert_eq!(encode_as(&single, Stored::F16), f16s);
        assert_eq!(encode_as(&double, Stored::F16), f16s);
        assert_eq!(encode_as(&double, Stored::F32), encode(&single));
        assert_eq!(encode_as(&single, Stored::F32), encode(&single));
        let wide = Tensor::from(single.to_f64_vec());
        assert_eq!(encode_as(&single, Stored::F64), encode(&wide));
        let count = Tensor::scalar(7i64);
        assert_eq!(encode_as(&count, Stored::F16), encode(&count));
    }
}
