//! The float types: what a kernel may ask of a number.
//!
//! Functions of one float are those of [`Elementary`].

use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use netform_core::Combinable;

use crate::Cpu;
use crate::device::{Addr, Call, Found};
use crate::isa::Isa;
use crate::math::Elementary;
use crate::pack::LANES;

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
    /// Not a number.
    const NAN: Self;

    /// The nearest value.
    fn from_f64(x: f64) -> Self;
    /// Exact.
    fn to_f64(self) -> f64;
    /// The nearest value.
    fn from_i64(x: i64) -> Self;
    /// Towards zero; what does not fit becomes the nearest integer that does, NaN 0.
    fn to_i64(self) -> i64;

    /// x^y.
    fn pow(self, y: Self) -> Self;
    /// The larger; NaN wins.
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        #[allow(clippy::eq_op)]
        if self > other || self != self {
            self
        } else {
            other
        }
    }
    /// The smaller; NaN wins.
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        #[allow(clippy::eq_op)]
        if self < other || self != self {
            self
        } else {
            other
        }
    }

    /// `count <= LANES` elements from `from`; the other lanes are 0.
    ///
    /// # Safety
    /// `count` elements lie at `from`, and the processor has `S`'s instructions.
    #[doc(hidden)]
    unsafe fn load_part<S: Isa>(from: *const Self, count: usize) -> [Self; LANES];
    /// Writes the first `count <= LANES` lanes.
    ///
    /// # Safety
    /// `count` elements may be written at `to`, and the processor has `S`'s instructions.
    #[doc(hidden)]
    unsafe fn store_part<S: Isa>(to: *mut Self, count: usize, x: [Self; LANES]);

    /// The general product `C = A B` with strides (row, column), `C` row-major with row stride `rsc`.
    ///
    /// # Safety
    /// All elements lie inside their buffers; `C` overlaps neither `A` nor `B`.
    #[doc(hidden)]
    #[allow(clippy::too_many_arguments)]
    unsafe fn gemm(
        m: usize,
        n: usize,
        k: usize,
        a: (*const Self, isize, isize),
        b: (*const Self, isize, isize),
        c: (*mut Self, isize),
        add: bool,
    );

    /// Makes a call on the CPU. Like products, these kernels are compiled in this crate, once, and not in every crate
    /// that declares a network.
    ///
    /// # Safety
    /// The kernels' contract.
    #[doc(hidden)]
    unsafe fn launch(cpu: &Cpu<Self>, call: &Call<'_>, at: &[Addr]) -> Result<(), Found>;
}

macro_rules! scalar_math {
    ($t:ty) => {
        const NAME: &str = stringify!($t);
        const ZERO: Self = 0.0;
        const ONE: Self = 1.0;
        const INFINITY: Self = <$t>::INFINITY;
        const NAN: Self = <$t>::NAN;
        #[inline(always)]
        fn from_f64(x: f64) -> Self {
            x as $t
        }
        #[inline(always)]
        fn to_f64(self) -> f64 {
            f64::from(self)
        }
        #[inline(always)]
        fn from_i64(x: i64) -> Self {
            x as $t
        }
        #[inline(always)]
        fn to_i64(self) -> i64 {
            self as i64
        }
        #[inline(always)]
        fn pow(self, y: Self) -> Self {
            <$t>::powf(self, y)
        }
    };
}

impl Float for f32 {
    scalar_math!(f32);
    #[inline(always)]
    unsafe fn load_part<S: Isa>(from: *const f32, count: usize) -> [f32; LANES] {
        // SAFETY: the caller's.
        unsafe { S::load_f32(from, count) }
    }
    #[inline(always)]
    unsafe fn store_part<S: Isa>(to: *mut f32, count: usize, x: [f32; LANES]) {
        // SAFETY: the caller's.
        unsafe { S::store_f32(to, count, x) }
    }
    unsafe fn gemm(
        m: usize,
        n: usize,
        k: usize,
        a: (*const f32, isize, isize),
        b: (*const f32, isize, isize),
        c: (*mut f32, isize),
        add: bool,
    ) {
        // SAFETY: the caller's.
        unsafe { crate::cpu::gemm::multiply(m, n, k, a, b, c, add) }
    }
    unsafe fn launch(cpu: &Cpu<Self>, call: &Call<'_>, at: &[Addr]) -> Result<(), Found> {
        // SAFETY: the caller's.
        unsafe { crate::cpu::launch::launch(cpu, call, at) }
    }
}

impl Float for f64 {
    scalar_math!(f64);
    #[inline(always)]
    unsafe fn load_part<S: Isa>(from: *const f64, count: usize) -> [f64; LANES] {
        // SAFETY: the caller's.
        unsafe { S::load_f64(from, count) }
    }
    #[inline(always)]
    unsafe fn store_part<S: Isa>(to: *mut f64, count: usize, x: [f64; LANES]) {
        // SAFETY: the caller's.
        unsafe { S::store_f64(to, count, x) }
    }
    unsafe fn gemm(
        m: usize,
        n: usize,
        k: usize,
        a: (*const f64, isize, isize),
        b: (*const f64, isize, isize),
        c: (*mut f64, isize),
        add: bool,
    ) {
        // SAFETY: the caller's.
        unsafe { crate::cpu::gemm::multiply(m, n, k, a, b, c, add) }
    }
    unsafe fn launch(cpu: &Cpu<Self>, call: &Call<'_>, at: &[Addr]) -> Result<(), Found> {
        // SAFETY: the caller's.
        unsafe { crate::cpu::launch::launch(cpu, call, at) }
    }
}

/// -1, 0 or 1.
#[inline(always)]
pub(crate) fn sign<F: Float>(x: F) -> F {
    let below = if x < F::ZERO { -F::ONE } else { F::ZERO };
    if x > F::ZERO { F::ONE } else { below }
}

/// The larger of x and 0; NaN stays.
#[inline(always)]
pub(crate) fn relu<F: Float>(x: F) -> F {
    if x < F::ZERO { F::ZERO } else { x }
}
