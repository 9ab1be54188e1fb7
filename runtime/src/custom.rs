//! The arguments of a custom op's Rust functions: arrays to read and arrays to write.
//!
//! `#[custom(forward = f, backward = g)] fn name(x: [B, 8], n: u32[B]) -> [B];` calls `f(x, n, y)` and `g(x, n, y, dy,
//! dx)`. First come the arguments, the results and the gradients of float results as [`Array`]s. Then come the arrays
//! to compute as [`ArrayMut`]s: the results, or the gradients of float arguments. Arrays are contiguous, and the last
//! dimension varies fastest.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::addr::Addr;
use crate::{DType, Float};

/// An array to read: the elements in row-major order.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a, T> {
    values: &'a [T],
    shape: &'a [usize],
}

impl<'a, T> Array<'a, T> {
    /// The size of each dimension.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }
}

impl<T> Deref for Array<'_, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.values
    }
}

/// An array to write: every element must be given a value. Its contents before that are undefined (NaN if debug
/// assertions are on).
#[derive(Debug)]
pub struct ArrayMut<'a, T> {
    values: &'a mut [T],
    shape: &'a [usize],
}

impl<'a, T> ArrayMut<'a, T> {
    /// The size of each dimension.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }
}

impl<T> Deref for ArrayMut<'_, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.values
    }
}

impl<T> DerefMut for ArrayMut<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.values
    }
}

/// Custom kernels for NVIDIA GPUs, in addition to the Rust functions: `#[custom(forward = f, backward = g, ptx =
/// KERNELS)]`.
///
/// An entry's parameters are the address of each array (`.u64`), in the order of the Rust function's
/// arguments, and then their numbers of elements (`.u32`). It is launched with blocks of 256 threads,
/// at least one thread for each element of the largest array that it writes. Floats are `f32`,
/// integers `s64`, booleans bytes of 0 or 1. A kernel's accesses outside of its arrays are not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ptx {
    /// The module, with its `.version` and `.target`.
    pub text: &'static str,
    /// The entry that computes the results.
    pub forward: &'static str,
    /// The entry that computes the gradients.
    pub backward: &'static str,
}

/// One entry of a custom op's kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kernel {
    /// The module.
    pub text: &'static str,
    /// The entry.
    pub entry: &'static str,
}

/// One of two kernels.
#[doc(hidden)]
pub fn kernel(ptx: Option<Ptx>, backward: bool) -> Option<Kernel> {
    let Ptx {
        text,
        forward,
        backward: other,
    } = ptx?;
    let entry = if backward { other } else { forward };
    Some(Kernel { text, entry })
}

/// An array of a custom op on the device.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    /// The first element.
    pub addr: Addr,
    /// The type of the elements.
    pub dtype: DType,
    /// The number of elements.
    pub len: usize,
    /// The size of each dimension.
    pub shape: &'a [usize],
}

impl<'a> Raw<'a> {
    /// The elements, if their type is `dtype`; otherwise none.
    ///
    /// # Safety
    /// `len` elements of `dtype`, which `T` is if the types are equal, lie at `addr` as long as `'a`, and nothing
    /// writes them.
    unsafe fn read<T>(&self, dtype: DType) -> Array<'a, T> {
        let values = match dtype == self.dtype && self.len > 0 {
            // SAFETY: the caller's promise.
            true => unsafe { std::slice::from_raw_parts(self.addr.cast::<T>(), self.len) },
            false => &[],
        };
        let shape = self.shape;
        Array { values, shape }
    }
}

/// The arrays that an op reads.
#[doc(hidden)]
pub struct Inputs<'a, F, const I: usize> {
    all: [Raw<'a>; I],
    float: PhantomData<F>,
}

#[allow(missing_docs)]
impl<'a, F: Float, const I: usize> Inputs<'a, F, I> {
    /// # Safety
    /// Of each, `len` elements of `dtype` (floats are `F`) lie at `addr` as long as `'a`, and nothing writes them.
    pub(crate) unsafe fn new(all: [Raw<'a>; I]) -> Self {
        let float = PhantomData;
        Self { all, float }
    }

    pub fn float(&self, k: usize) -> Array<'a, F> {
        // SAFETY: `new`.
        unsafe { self.all[k].read(DType::Float) }
    }
    pub fn int(&self, k: usize) -> Array<'a, i64> {
        // SAFETY: `new`.
        unsafe { self.all[k].read(DType::Int) }
    }
    pub fn bool(&self, k: usize) -> Array<'a, bool> {
        // SAFETY: `new`; booleans are 0 or 1.
        unsafe { self.all[k].read(DType::Bool) }
    }
}

/// The arrays that an op writes; each is given out once.
#[doc(hidden)]
pub struct Outputs<'a, F, const O: usize> {
    all: [Option<Raw<'a>>; O],
    float: PhantomData<F>,
}

#[allow(missing_docs)]
impl<'a, F: Float, const O: usize> Outputs<'a, F, O> {
    /// # Safety
    /// Of each, `len` elements of `dtype` (floats are `F`) lie at `addr` as long as `'a`, apart from all others, and
    /// nothing else reads or writes them.
    pub(crate) unsafe fn new(all: [Raw<'a>; O]) -> Self {
        let (all, float) = (all.map(Some), PhantomData);
        Self { all, float }
    }

    fn take<T>(&mut self, k: usize, dtype: DType) -> ArrayMut<'a, T> {
        let raw = self.all[k].take().filter(|r| r.dtype == dtype);
        let shape = raw.map_or(&[] as &[usize], |r| r.shape);
        let values = match raw {
            // SAFETY: `new`; it is given out only once.
            Some(r) if r.len > 0 => unsafe {
                std::slice::from_raw_parts_mut(r.addr.cast::<T>(), r.len)
            },
            _ => &mut [],
        };
        ArrayMut { values, shape }
    }

    pub fn float(&mut self, k: usize) -> ArrayMut<'a, F> {
        let mut out = self.take::<F>(k, DType::Float);
        if cfg!(debug_assertions) {
            out.fill(F::from_f64(f64::NAN));
        }
        out
    }
    pub fn int(&mut self, k: usize) -> ArrayMut<'a, i64> {
        self.take(k, DType::Int)
    }
}
