//! The results of entry functions.
//!
//! An [`Output`] reads its values where the run left them: it shares the run's workspace and returns it when dropped.
//! It derefs to a slice of rows as wide as the result's static dimensions.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use crate::binding::element_size;
use crate::input::{Fills, Input, Scalar, Source};
use crate::pool::{Workspace, shape_of};
use crate::shape::Shape;
use crate::tensor::{Element, Tensor, TensorData};
use crate::{ArgType, Device, Error, Float, Plan, Result};

/// The rows of a result: an element, or an array of rows.
///
/// # Safety
/// The type consists only of elements of `Row::Element`, and has as many as `shape` says.
pub unsafe trait Row: Copy + 'static {
    /// The innermost type: a device's float, `u32`, `i32`, `i64` or `bool`.
    type Element: Row<Element = Self::Element> + fmt::Debug;
    /// Writes the array's lengths, from the outermost, into `dims`; returns their number.
    #[doc(hidden)]
    fn shape(dims: &mut [usize]) -> usize;
    /// A copy for a tensor.
    #[doc(hidden)]
    fn to_data(values: &[Self::Element]) -> TensorData;
}

// SAFETY: one element of its own type.
unsafe impl<F: Float> Row for F {
    type Element = F;
    fn shape(_: &mut [usize]) -> usize {
        0
    }
    fn to_data(values: &[F]) -> TensorData {
        floats(values)
    }
}

/// Floats of a device, in the types of tensors: `f64` is unchanged, all others become `f32`.
pub(crate) fn floats<F: Float>(values: &[F]) -> TensorData {
    if TypeId::of::<F>() == TypeId::of::<f64>() {
        TensorData::F64(bytemuck::cast_slice(values).to_vec())
    } else if TypeId::of::<F>() == TypeId::of::<f32>() {
        TensorData::F32(bytemuck::cast_slice(values).to_vec())
    } else {
        TensorData::F32(values.iter().map(|x| x.to_f64() as f32).collect())
    }
}

macro_rules! row {
    ($($t:ty)*) => {$(
        // SAFETY: one element of its own type.
        unsafe impl Row for $t {
            type Element = $t;
            fn shape(_: &mut [usize]) -> usize {
                0
            }
            fn to_data(values: &[$t]) -> TensorData {
                Element::wrap(values.to_vec())
            }
        }
    )*};
}
row!(u32 i32 i64 bool);

// SAFETY: an array is its elements, one after the other.
unsafe impl<R: Row, const N: usize> Row for [R; N] {
    type Element = R::Element;
    fn shape(dims: &mut [usize]) -> usize {
        match dims.split_first_mut() {
            Some((first, rest)) => {
                *first = N;
                1 + R::shape(rest)
            }
            // Deeper than any result: no shape has it as its end.
            None => 1,
        }
    }
    fn to_data(values: &[R::Element]) -> TensorData {
        R::to_data(values)
    }
}

/// One result of a run. Derefs to `[T]`: for a result of shape `[B, 3]`, `T` is `[f32; 3]`.
pub struct Output<D: Device, T: Row> {
    /// Holds the memory. Nothing writes to it while it is shared.
    ws: Arc<Workspace<D>>,
    k: usize,
    /// Number of elements.
    len: usize,
    shape: Shape,
    rows: PhantomData<fn() -> T>,
}

impl<D: Device, T: Row> Output<D, T> {
    /// Result `k` of the run that `ws` was prepared for. All conditions of `Deref` are checked here.
    pub(crate) fn new(
        ws: Arc<Workspace<D>>,
        plan: &'static Plan,
        dims: &[usize],
        k: usize,
    ) -> Result<Self> {
        let internal = |what: String| Error::Internal {
            function: plan.name,
            what,
        };
        let Some((arg, _)) = plan.outputs.get(k) else {
            return Err(internal(format!("no result {k}")));
        };
        let (shape, bytes) = shape_of::<D>(arg, dims);
        let (Some(bytes), Some(first)) = (bytes, ws.result(k)) else {
            return Err(internal(format!("result {k} is not in memory")));
        };
        let element = TypeId::of::<T::Element>();
        let same = match arg.ty {
            ArgType::Float => element == TypeId::of::<D::Float>(),
            ArgType::Bool => element == TypeId::of::<bool>(),
            ArgType::U32 => element == TypeId::of::<u32>(),
            ArgType::I32 => element == TypeId::of::<i32>(),
            ArgType::I64 => element == TypeId::of::<i64>(),
        };
        let mut row = [0; 16];
        let depth = T::shape(&mut row);
        let row = &row[..depth.min(row.len())];
        if !same
            || !shape.as_slice().ends_with(row)
            || row.contains(&0)
            || !first.cast::<T>().is_aligned()
        {
            return Err(internal(format!(
                "result {k} does not consist of {}",
                std::any::type_name::<T>()
            )));
        }
        if arg.ty == ArgType::Bool {
            // SAFETY: as in `elements`, but read as bytes.
            let values = unsafe { std::slice::from_raw_parts(first, bytes) };
            if values.iter().any(|&b| b > 1) {
                return Err(internal(format!("result {k} holds a byte that is no bool")));
            }
        }
        let len = bytes / element_size::<D::Float>(arg.ty);
        Ok(Self {
            ws,
            k,
            len,
            shape,
            rows: PhantomData,
        })
    }

    /// The size of each dimension.
    pub fn shape(&self) -> &[usize] {
        self.shape.as_slice()
    }

    /// The elements, in row-major order.
    pub fn as_slice(&self) -> &[T::Element] {
        self.slice()
    }

    /// The elements at these indices of the first dimensions: of a result of shape `[B, T, 3]`, `at([b, t])` are the 3 of
    /// time `t` of sample `b`.
    ///
    /// # Errors
    ///
    /// [`Error::NoElement`] if there are more indices than dimensions, or one is too large.
    pub fn at(&self, index: impl AsRef<[usize]>) -> Result<&[T::Element]> {
        let (index, shape) = (index.as_ref(), self.shape());
        let within = index.iter().zip(shape).all(|(i, n)| i < n);
        if !within || index.len() > shape.len() {
            return Err(Error::NoElement {
                index: index.to_vec(),
                shape: shape.to_vec(),
            });
        }
        let (outer, inner) = shape.split_at(index.len());
        let first = index.iter().zip(outer).fold(0, |at, (i, n)| at * n + i);
        let len: usize = inner.iter().product();
        Ok(&self.as_slice()[first * len..(first + 1) * len])
    }

    /// The value of a result with one element.
    pub fn item(&self) -> Result<T::Element> {
        match self.as_slice() {
            [x] => Ok(*x),
            _ => Err(Error::NotScalar {
                shape: self.shape().to_vec(),
            }),
        }
    }

    /// A copy that owns its values.
    pub fn to_tensor(&self) -> Tensor {
        let data = T::to_data(self.as_slice());
        // The shape has as many elements as the slice: `len` is computed from it.
        Tensor::from_parts(self.shape(), data)
    }

    /// The values as rows of `U`, which is `T` or its element.
    fn slice<U: Row<Element = T::Element>>(&self) -> &[U] {
        let width = size_of::<U>() / size_of::<T::Element>();
        match self.ws.result(self.k) {
            // SAFETY: `new` has checked that the elements are of this type (and booleans 0 or 1), that `len` of them
            // lie there, that rows of `T` divide them and are aligned. While `self.ws` shares the workspace, the pool
            // does not lend it again, so nothing writes.
            Some(first) => unsafe { std::slice::from_raw_parts(first.cast(), self.len / width) },
            None => &[],
        }
    }
}

impl<D: Device, T: Row> Deref for Output<D, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.slice()
    }
}

impl<D: Device, T: Row> Clone for Output<D, T> {
    fn clone(&self) -> Self {
        Self {
            ws: Arc::clone(&self.ws),
            ..*self
        }
    }
}

impl<D: Device, T: Row + fmt::Debug> fmt::Debug for Output<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The number, if the result is a scalar, and nested lists otherwise: `[[1, 2], [3, 4]]`. Options such as `{:.3}` are those
/// of each number.
impl<D: Device, T: Row<Element: fmt::Display>> fmt::Display for Output<D, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        nested(self.as_slice(), self.shape(), f)
    }
}

fn nested<E: fmt::Display>(
    values: &[E],
    shape: &[usize],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let Some((size, inner)) = shape.split_first() else {
        return values.iter().try_for_each(|value| value.fmt(f));
    };
    let each: usize = inner.iter().product();
    f.write_str("[")?;
    for k in 0..*size {
        if k > 0 {
            f.write_str(", ")?;
        }
        nested(&values[k * each..(k + 1) * each], inner, f)?;
    }
    f.write_str("]")
}

/// The result of one network is an input of the next; its shape is checked when inputs are bound.
impl<Class, S, D: Device, T: Row<Element: Fills<Class>>> Input<Class, S> for &Output<D, T> {
    fn source(&self) -> Source<'_> {
        Source::new(T::Element::data(self.as_slice()), self.shape())
    }
}
