//! The data that an entry function accepts: one trait, [`Input`], for slices, vectors, arrays and tensors.
//!
//! Takes a reference to the user's data and gives a [`Source`]: a flat slice with a shape, not generic, without a copy.
//! rustc checks the types in the user's own call: the element class ([`FloatArg`], [`IntArg`], [`BoolArg`]), the rank,
//! and every inner size against the declared shape, a tuple of [`Len`] and [`Dyn`]. The rest is checked when inputs are
//! bound.

use crate::Tensor;
use crate::data::Part;
use crate::tensor::TensorData;

pub use crate::shape::MAX_RANK;

/// A dimension known when the network is compiled.
pub struct Len<const N: usize>;
/// A dimension known when the function is called.
pub struct Dyn;

/// The argument has the network's float type. It accepts `f32` and `f64` data.
pub struct FloatArg;
/// The argument has an integer type. It accepts `u32`, `i32`, `i64`, `u8` and `usize` data.
pub struct IntArg;
/// The argument has `bool` elements.
pub struct BoolArg;

/// A dimension of the data matches one of the declared shape.
#[diagnostic::on_unimplemented(
    message = "a dimension of this argument is `{Self}`, but the network takes `{Want}`",
    label = "a dimension is `{Self}`, the network takes `{Want}`",
    note = "`Len<N>` is a size of N, `Dyn` is a size that is known at the call"
)]
pub trait Fits<Want> {}
impl<const N: usize> Fits<Len<N>> for Len<N> {}
impl<const N: usize> Fits<Dyn> for Len<N> {}
impl<const N: usize> Fits<Len<N>> for Dyn {}
impl Fits<Dyn> for Dyn {}

/// An element type is accepted by a class of arguments.
#[diagnostic::on_unimplemented(
    message = "this argument holds `{Self}`, but the network takes another type, `{Class}`",
    label = "elements of type `{Self}` here",
    note = "`FloatArg` is `f32` or `f64`; `IntArg` is `u32`, `i32`, `i64`, `u8` or `usize`; `BoolArg` is `bool`",
    note = "if the elements are arrays such as `[f32; 3]`, the argument has too many dimensions"
)]
pub trait Fills<Class>: Scalar {}

/// The element types of inputs.
pub trait Scalar: Copy + 'static {
    /// The slice with its type.
    fn data(values: &[Self]) -> SourceData<'_>;
}

macro_rules! scalar {
    ($($t:ident $variant:ident $class:ident,)*) => {$(
        impl Scalar for $t {
            fn data(values: &[Self]) -> SourceData<'_> {
                SourceData::$variant(values)
            }
        }
        impl Fills<$class> for $t {}
    )*};
}
scalar! {
    f32 F32 FloatArg, f64 F64 FloatArg,
    u32 U32 IntArg, i32 I32 IntArg, i64 I64 IntArg, u8 U8 IntArg, usize Usize IntArg,
    bool Bool BoolArg,
}

/// The elements of an input, in row-major order.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SourceData<'a> {
    /// `f32`.
    F32(&'a [f32]),
    /// `f64`.
    F64(&'a [f64]),
    /// `i32`.
    I32(&'a [i32]),
    /// `i64`.
    I64(&'a [i64]),
    /// `u32`.
    U32(&'a [u32]),
    /// `u8`.
    U8(&'a [u8]),
    /// `usize`.
    Usize(&'a [usize]),
    /// `bool`.
    Bool(&'a [bool]),
    /// Elements that are already on the device, in a state that is kept from call to call: type and number.
    #[doc(hidden)]
    Kept(crate::ArgType, usize),
    /// Elements that are already on a device, a batch of the samples that stay there.
    #[doc(hidden)]
    Resident(Part<'a>),
    /// An array whose rows are not contiguous: refused when inputs are bound.
    Strided,
}

impl SourceData<'_> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U32(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::Usize(v) => v.len(),
            Self::Bool(v) => v.len(),
            Self::Kept(_, len) => *len,
            Self::Resident(part) => part.len(),
            Self::Strided => 0,
        }
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The element type's name.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::I32(_) => "i32",
            Self::I64(_) => "i64",
            Self::U32(_) => "u32",
            Self::U8(_) => "u8",
            Self::Usize(_) => "usize",
            Self::Bool(_) => "bool",
            Self::Kept(..) => "kept values",
            Self::Resident(part) => match part.ty {
                crate::ArgType::Float => "floats on the device",
                crate::ArgType::Bool => "bool on the device",
                _ => "integers on the device",
            },
            Self::Strided => "strided",
        }
    }
}

/// An input without its Rust type.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The elements.
    pub data: SourceData<'a>,
    /// The dimensions; only the first `rank` are used.
    pub dims: [usize; MAX_RANK],
    /// Number of dimensions; more than [`MAX_RANK`] is refused when inputs are bound.
    pub rank: usize,
}

impl<'a> Source<'a> {
    /// A view of this shape.
    pub fn new(data: SourceData<'a>, shape: &[usize]) -> Self {
        let mut dims = [1; MAX_RANK];
        for (to, &from) in dims.iter_mut().zip(shape) {
            *to = from;
        }
        Self {
            data,
            dims,
            rank: shape.len(),
        }
    }
    /// The sizes (at most the first six).
    pub fn shape(&self) -> &[usize] {
        &self.dims[..self.rank.min(MAX_RANK)]
    }
}

/// Data that an entry function's argument accepts: of class `Class` and shape `S`, a tuple of
/// [`Len`] and [`Dyn`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not fit this argument: the network takes `{Class}` data of shape `{S}`",
    label = "the network takes shape `{S}`",
    note = "pass a reference to rows in one piece, such as `&[[f32; 8]]`, `&Vec<[f32; 8]>`, `&[[u32; 16]; 4]`, or a `&Tensor` of any shape",
    note = "`Dyn` is a dimension known at the call, `Len<N>` one that the network's shapes fix"
)]
pub trait Input<Class, S> {
    /// The elements and their shape.
    fn source(&self) -> Source<'_>;
}

/// Any shape: the sizes are checked when inputs are bound.
impl<Class, S> Input<Class, S> for &Tensor {
    fn source(&self) -> Source<'_> {
        let data = match self.data() {
            TensorData::F32(v) => SourceData::F32(v),
            TensorData::F64(v) => SourceData::F64(v),
            TensorData::I64(v) => SourceData::I64(v),
            TensorData::I32(v) => SourceData::I32(v),
            TensorData::U32(v) => SourceData::U32(v),
            TensorData::Bool(v) => SourceData::Bool(v),
        };
        Source::new(data, self.shape())
    }
}

impl<Class, T: Fills<Class>> Input<Class, ()> for T {
    fn source(&self) -> Source<'_> {
        Source::new(T::data(std::slice::from_ref(self)), &[])
    }
}

/// `[[T; N2]; N1]`, from the outermost to the innermost dimension.
macro_rules! nested {
    ($t:ty;) => { $t };
    ($t:ty; $n:ident $($rest:ident)*) => { [nested!($t; $($rest)*); $n] };
}

/// Flattens a slice of nested arrays: one step for each inner dimension.
macro_rules! flat {
    ($x:expr;) => { $x };
    ($x:expr; $n:ident $($rest:ident)*) => { flat!($x.as_flattened(); $($rest)*) };
}

macro_rules! input {
    ($($d:ident $n:ident)*) => {
        impl<Class, T: Fills<Class>, D0, $($d,)* $(const $n: usize,)*> Input<Class, (D0, $($d,)*)>
            for &[nested!(T; $($n)*)]
        where
            Dyn: Fits<D0>,
            $(Len<$n>: Fits<$d>,)*
        {
            fn source(&self) -> Source<'_> {
                Source::new(T::data(flat!(self; $($n)*)), &[self.len(), $($n),*])
            }
        }
        impl<Class, T: Fills<Class>, D0, $($d,)* $(const $n: usize,)*> Input<Class, (D0, $($d,)*)>
            for &Vec<nested!(T; $($n)*)>
        where
            Dyn: Fits<D0>,
            $(Len<$n>: Fits<$d>,)*
        {
            fn source(&self) -> Source<'_> {
                Source::new(T::data(flat!(self.as_slice(); $($n)*)), &[self.len(), $($n),*])
            }
        }
        impl<Class, T: Fills<Class>, D0, $($d,)* const N0: usize, $(const $n: usize,)*>
            Input<Class, (D0, $($d,)*)> for &[nested!(T; $($n)*); N0]
        where
            Len<N0>: Fits<D0>,
            $(Len<$n>: Fits<$d>,)*
        {
            fn source(&self) -> Source<'_> {
                Source::new(T::data(flat!(self.as_slice(); $($n)*)), &[N0, $($n),*])
            }
        }
    };
}
input!();
input!(D1 N1);
input!(D1 N1 D2 N2);
input!(D1 N1 D2 N2 D3 N3);
input!(D1 N1 D2 N2 D3 N3 D4 N4);
input!(D1 N1 D2 N2 D3 N3 D4 N4 D5 N5);

#[cfg(feature = "ndarray")]
mod arrays {
    //! `ndarray`'s owned arrays and views of rank 0 to 6 (or dynamic), in standard layout.

    use ndarray::{ArrayBase, ArrayView, Data, Ix0, Ix1, Ix2, Ix3, Ix4, Ix5, Ix6, IxDyn};

    use super::{Fills, Input, Source, SourceData};

    macro_rules! arrays {
        ($ix:ty, $shape:ty, $($d:ident)*) => {
            impl<Class, T: Fills<Class>, S: Data<Elem = T>, $($d),*> Input<Class, $shape> for &ArrayBase<S, $ix> {
                fn source(&self) -> Source<'_> {
                    let data = self.as_slice().map_or(SourceData::Strided, T::data);
                    Source::new(data, self.shape())
                }
            }
            impl<Class, T: Fills<Class>, $($d),*> Input<Class, $shape> for ArrayView<'_, T, $ix> {
                fn source(&self) -> Source<'_> {
                    let data = self.as_slice().map_or(SourceData::Strided, T::data);
                    Source::new(data, self.shape())
                }
            }
        };
    }
    arrays!(Ix0, (),);
    arrays!(Ix1, (D0,), D0);
    arrays!(Ix2, (D0, D1), D0 D1);
    arrays!(Ix3, (D0, D1, D2), D0 D1 D2);
    arrays!(Ix4, (D0, D1, D2, D3), D0 D1 D2 D3);
    arrays!(Ix5, (D0, D1, D2, D3, D4), D0 D1 D2 D3 D4);
    arrays!(Ix6, (D0, D1, D2, D3, D4, D5), D0 D1 D2 D3 D4 D5);
    arrays!(IxDyn, Shape, Shape);

    #[test]
    fn a_transposed_array_is_refused() {
        let a = ndarray::Array2::<f32>::zeros((2, 3));
        let owned = &a;
        let source = Input::<super::FloatArg, (super::Dyn, super::Len<3>)>::source(&owned);
        assert_eq!((source.shape(), source.data.len()), (&[2, 3][..], 6));
        let turned = a.t();
        let source = Input::<super::FloatArg, (super::Dyn, super::Len<2>)>::source(&turned);
        assert!(matches!(source.data, SourceData::Strided));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape<C, S>(x: impl Input<C, S>) -> Vec<usize> {
        x.source().shape().to_vec()
    }

    #[test]
    fn every_form_gives_its_shape() {
        let rows = vec![[0.5f32; 8]; 3];
        assert_eq!(shape::<FloatArg, (Dyn, Len<8>)>(&rows), [3, 8]);
        assert_eq!(shape::<FloatArg, (Dyn, Len<8>)>(&rows[1..]), [2, 8]);
        assert_eq!(shape::<FloatArg, (Len<3>, Dyn)>(&rows), [3, 8]);
        assert_eq!(
            shape::<FloatArg, (Dyn, Len<2>)>(&[[1.0, 2.0], [3.0, 4.0]]),
            [2, 2]
        );
        assert_eq!(shape::<FloatArg, (Len<2>,)>(&[1.0, 2.0]), [2]);
        assert_eq!(shape::<IntArg, (Dyn, Dyn)>(&[[1u32; 5]; 2]), [2, 5]);
        assert_eq!(shape::<IntArg, (Dyn,)>(&vec![7usize]), [1]);
        assert_eq!(
            shape::<BoolArg, (Dyn, Len<1>, Dyn)>(&vec![[[true; 2]; 1]; 3]),
            [3, 1, 2]
        );
        let deep = [[[[[[1.0f64; 2]; 3]; 1]; 2]; 1]; 4];
        assert_eq!(
            shape::<FloatArg, (Dyn, Dyn, Len<2>, Dyn, Dyn, Len<2>)>(&deep),
            [4, 1, 2, 1, 3, 2]
        );
        assert_eq!(shape::<FloatArg, ()>(2.0), [0usize; 0]);
        assert_eq!(
            shape::<FloatArg, (Dyn, Len<4>)>(&Tensor::from(1.0f32)),
            [0usize; 0]
        );
        let Source {
            data: SourceData::F64(v),
            ..
        } = Input::<FloatArg, (Dyn, Dyn)>::source(&&[[1.0, 2.0], [3.0, 4.0]])
        else {
            panic!("a float literal is an f64")
        };
        assert_eq!(v, [1.0, 2.0, 3.0, 4.0]);
    }
}
