//! The float types, and their operations.
//!
//! Functions of one float are in [`Elementary`].

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use netform_core::Combinable;

use crate::math::Elementary;

/// f32 or f64: a device's type of parameters, activations and gradients.
pub trait Float:
    Elementary
    + Combinable
    + bytemuck::Pod
    + Send
    + Sync
    + PartialOrd
    + Default
    + Debug
    + Display
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + 'static
{
    /// `f32` or `f64`.
    const NAME: &str;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// NaN.
    const NAN: Self;

    /// The nearest value.
    fn from_f64(x: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
    /// The nearest value.
    fn from_i64(x: i64) -> Self;
    /// Rounds towards zero. A number out of range becomes the nearest integer in range, and NaN becomes 0.
    fn to_i64(self) -> i64;

    /// x^y.
    fn pow(self, y: Self) -> Self;
    /// `x - y * trunc(x / y)`, exact: C's `fmod`.
    fn fmod(self, y: Self) -> Self;
    /// The larger; NaN wins.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn max(self, other: Self) -> Self {
        #[allow(clippy::eq_op)]
        if self > other || self != self {
            self
        } else {
            other
        }
    }
    /// The smaller; NaN wins.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn min(self, other: Self) -> Self {
        #[allow(clippy::eq_op)]
        if self < other || self != self {
            self
        } else {
            other
        }
    }

    /// Calls the implementation of `P` for this type.
    ///
    /// # Safety
    /// That of `P`.
    #[doc(hidden)]
    unsafe fn per<P: PerFloat>(args: P::Args<'_, Self>) -> P::Output<Self>;
}

/// A function with an implementation for each float type, such as a kernel for elements of one width. [`Float`] does
/// not name them: each implementation is next to its kernels.
#[doc(hidden)]
pub trait PerFloat {
    /// The arguments.
    type Args<'a, F: Float>;
    /// The result.
    type Output<F: Float>;
    /// For `f32`.
    ///
    /// # Safety
    /// That of the implementation.
    unsafe fn f32(args: Self::Args<'_, f32>) -> Self::Output<f32>;
    /// For `f64`.
    ///
    /// # Safety
    /// That of the implementation.
    unsafe fn f64(args: Self::Args<'_, f64>) -> Self::Output<f64>;
}

macro_rules! scalar_math {
    ($t:ty) => {
        const NAME: &str = stringify!($t);
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const INFINITY: Self = <$t>::INFINITY;
        const NAN: Self = <$t>::NAN;
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn from_f64(x: f64) -> Self {
            x as $t
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn to_f64(self) -> f64 {
            f64::from(self)
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn from_i64(x: i64) -> Self {
            x as $t
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn to_i64(self) -> i64 {
            self as i64
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn pow(self, y: Self) -> Self {
            <$t>::powf(self, y)
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        fn fmod(self, y: Self) -> Self {
            self % y
        }
    };
}

impl Float for f32 {
    scalar_math!(f32);
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn per<P: PerFloat>(args: P::Args<'_, Self>) -> P::Output<Self> {
        // SAFETY: the caller's.
        unsafe { P::f32(args) }
    }
}

impl Float for f64 {
    scalar_math!(f64);
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn per<P: PerFloat>(args: P::Args<'_, Self>) -> P::Output<Self> {
        // SAFETY: the caller's.
        unsafe { P::f64(args) }
    }
}
