//! An owned host array: for the content of files, the values of parameters, and inputs of any shape.
//!
//! Row-major, with a shape and one of six element types. Takes vectors and nested arrays, and gives typed slices. A
//! tensor has no arithmetic, which is done by networks.

use std::fmt;

use crate::shape::elements;
use crate::{Error, Result};

/// The elements of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// 32-bit unsigned integers.
    U32(Vec<u32>),
    /// Booleans.
    Bool(Vec<bool>),
}

/// Makes the same call for each type of [`TensorData`].
macro_rules! each {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            TensorData::F32($v) => $body,
            TensorData::F64($v) => $body,
            TensorData::I64($v) => $body,
            TensorData::I32($v) => $body,
            TensorData::U32($v) => $body,
            TensorData::Bool($v) => $body,
        }
    };
}

impl TensorData {
    /// Number of elements.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The element type's name in Rust.
    pub fn type_name(&self) -> &'static str {
        fn name<T: Element>(_: &[T]) -> &'static str {
            T::NAME
        }
        each!(self, v => name(v))
    }
}

mod sealed {
    pub trait Sealed {}
}

/// The element types of a [`Tensor`]: `f32`, `f64`, `i64`, `i32`, `u32` or `bool`.
pub trait Element:
    sealed::Sealed + Copy + Default + fmt::Display + fmt::Debug + Send + Sync + 'static
{
    /// The type's name.
    const NAME: &'static str;
    /// Wraps the elements.
    #[doc(hidden)]
    fn wrap(data: Vec<Self>) -> TensorData;
    /// The elements, if they are of this type.
    #[doc(hidden)]
    fn slice(data: &TensorData) -> Option<&[Self]>;
    /// The elements, if they are of this type.
    #[doc(hidden)]
    fn slice_mut(data: &mut TensorData) -> Option<&mut [Self]>;
    /// The nearest `f64`; true is 1.
    fn as_f64(self) -> f64;
}

macro_rules! element {
    ($t:ident, $variant:ident, $x:ident => $as_f64:expr) => {
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const NAME: &'static str = stringify!($t);
            fn wrap(data: Vec<Self>) -> TensorData {
                TensorData::$variant(data)
            }
            fn slice(data: &TensorData) -> Option<&[Self]> {
                if let TensorData::$variant(v) = data {
                    Some(v)
                } else {
                    None
                }
            }
            fn slice_mut(data: &mut TensorData) -> Option<&mut [Self]> {
                if let TensorData::$variant(v) = data {
                    Some(v)
                } else {
                    None
                }
            }
            fn as_f64(self) -> f64 {
                let $x = self;
                $as_f64
            }
        }
    };
}
element!(f32, F32, x => f64::from(x));
element!(f64, F64, x => x);
element!(i64, I64, x => x as f64);
element!(i32, I32, x => f64::from(x));
element!(u32, U32, x => f64::from(x));
element!(bool, Bool, x => f64::from(u8::from(x)));

/// An owned, row-major array on the host.
///
/// ```
/// use netform_runtime::Tensor;
/// let t = Tensor::from_vec([2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(t.shape(), [2, 3]);
/// assert_eq!(t.as_slice::<f32>()?[4], 5.0);
/// # Ok::<(), netform_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
}

impl Tensor {
    /// An array of this shape; `data` must have the number of elements of the shape.
    pub fn from_vec<T: Element>(shape: impl AsRef<[usize]>, data: Vec<T>) -> Result<Self> {
        Self::from_data(shape, T::wrap(data))
    }

    /// The same for elements of any type.
    pub fn from_data(shape: impl AsRef<[usize]>, data: TensorData) -> Result<Self> {
        let shape = shape.as_ref();
        if elements(shape) != Some(data.len()) {
            return Err(Error::ShapeLen {
                shape: shape.to_vec(),
                len: data.len(),
            });
        }
        Ok(Self {
            shape: shape.to_vec(),
            data,
        })
    }

    /// Without a check of the number of elements, which the caller has made.
    pub(crate) fn from_parts(shape: &[usize], data: TensorData) -> Self {
        debug_assert_eq!(elements(shape), Some(data.len()));
        Self {
            shape: shape.to_vec(),
            data,
        }
    }

    /// All zero (`false`).
    pub fn zeros<T: Element>(shape: impl AsRef<[usize]>) -> Result<Self> {
        let shape = shape.as_ref();
        let mut data = Vec::new();
        let len = elements(shape).filter(|&n| data.try_reserve_exact(n).is_ok());
        let Some(len) = len else {
            return Err(Error::OutOfMemory {
                device: "host".into(),
                what: format!("a tensor of shape {shape:?}"),
                bytes: elements(shape)
                    .and_then(|n| n.checked_mul(size_of::<T>()))
                    .unwrap_or(usize::MAX),
            });
        };
        data.resize(len, T::default());
        Ok(Self {
            shape: shape.to_vec(),
            data: T::wrap(data),
        })
    }

    /// A tensor of rank 0.
    pub fn scalar<T: Element>(value: T) -> Self {
        Self {
            shape: Vec::new(),
            data: T::wrap(vec![value]),
        }
    }

    /// The size of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }
    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
    /// The elements with their type.
    pub fn data(&self) -> &TensorData {
        &self.data
    }
    /// The elements, in row-major order. A type other than the tensor's is an error: nothing is converted.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        T::slice(&self.data).ok_or(Error::TensorType {
            found: self.data.type_name(),
            asked: T::NAME,
        })
    }
    /// The elements, for writing.
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        let found = self.data.type_name();
        T::slice_mut(&mut self.data).ok_or(Error::TensorType {
            found,
            asked: T::NAME,
        })
    }
    /// The element of a tensor with one element.
    pub fn item<T: Element>(&self) -> Result<T> {
        match self.as_slice::<T>()? {
            [x] => Ok(*x),
            _ => Err(Error::NotScalar {
                shape: self.shape.clone(),
            }),
        }
    }
    /// A copy of the elements as `f64`, whatever their type.
    pub fn to_f64_vec(&self) -> Vec<f64> {
        each!(&self.data, v => v.iter().map(|x| x.as_f64()).collect())
    }
    /// The same elements in another shape.
    pub fn reshape(self, shape: impl AsRef<[usize]>) -> Result<Self> {
        Self::from_data(shape, self.data)
    }
}

impl<T: Element> From<T> for Tensor {
    fn from(value: T) -> Self {
        Self::scalar(value)
    }
}
impl<T: Element> From<Vec<T>> for Tensor {
    fn from(data: Vec<T>) -> Self {
        Self {
            shape: vec![data.len()],
            data: T::wrap(data),
        }
    }
}
impl<T: Element> From<&[T]> for Tensor {
    fn from(data: &[T]) -> Self {
        data.to_vec().into()
    }
}
impl<T: Element, const N: usize> From<&[[T; N]]> for Tensor {
    fn from(rows: &[[T; N]]) -> Self {
        Self {
            shape: vec![rows.len(), N],
            data: T::wrap(rows.as_flattened().to_vec()),
        }
    }
}
impl<T: Element, const N: usize, const M: usize> From<&[[[T; N]; M]]> for Tensor {
    fn from(rows: &[[[T; N]; M]]) -> Self {
        let data = rows.as_flattened().as_flattened().to_vec();
        Self {
            shape: vec![rows.len(), M, N],
            data: T::wrap(data),
        }
    }
}
impl<T: Element, const N: usize> From<&[T; N]> for Tensor {
    fn from(data: &[T; N]) -> Self {
        data.to_vec().into()
    }
}
impl<T: Element, const N: usize, const M: usize> From<&[[T; N]; M]> for Tensor {
    fn from(rows: &[[T; N]; M]) -> Self {
        rows[..].into()
    }
}
impl<T: Element, const N: usize> From<&Vec<[T; N]>> for Tensor {
    fn from(rows: &Vec<[T; N]>) -> Self {
        rows[..].into()
    }
}

impl fmt::Display for Tensor {
    /// The type, the shape and the first elements: `f32[2, 3] [1, 2, 3, 4, 5, 6]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        write!(f, "{}{:?} [", self.data.type_name(), self.shape)?;
        each!(&self.data, v => for (i, x) in v.iter().take(SHOWN).enumerate() {
            write!(f, "{}{x}", if i == 0 { "" } else { ", " })?;
        });
        f.write_str(if self.len() > SHOWN { ", ..]" } else { "]" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_types_are_checked() {
        let t = Tensor::from(&[[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]]);
        assert_eq!(t.shape(), [3, 2]);
        assert_eq!(t.to_string(), "f32[3, 2] [1, 2, 3, 4, 5, 6]");
        let error = t.as_slice::<f64>().unwrap_err().to_string();
        assert_eq!(error, "Tensor: f64 was asked for, but the elements are f32");
        let error = Tensor::from_vec([2, 3], vec![1i64; 5])
            .unwrap_err()
            .to_string();
        assert_eq!(error, "shape [2, 3] has 6 elements, but 5 are given");
        assert!(Tensor::from_vec([usize::MAX, 2], vec![0u32; 2]).is_err());
        assert!(Tensor::zeros::<f64>([usize::MAX / 4, 3]).is_err());
        assert_eq!(Tensor::zeros::<bool>([0, 4]).unwrap().len(), 0);
        assert_eq!(Tensor::from(2.5f64).item::<f64>().unwrap(), 2.5);
        assert!(Tensor::from(vec![1, 2]).item::<i32>().is_err());
    }
}
