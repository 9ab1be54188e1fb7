//! Packs of [`LANES`] elements, on which the bodies of fused maps compute.
//!
//! Every operation is a loop over lanes, inlined into the kernel that is compiled for each instruction set. LLVM turns
//! it into vector instructions.

// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

use netform_core::Combinable;

use crate::Float;
use crate::lanes::{LANES, Pack, each};

/// Signed 64-bit integers; arithmetic wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Ints(pub [i64; LANES]);

/// Booleans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
pub struct Mask(pub [bool; LANES]);

#[cfg_attr(not(debug_assertions), inline(always))]
fn both<A: Copy, B: Copy>(
    a: &[A; LANES],
    b: &[A; LANES],
    zero: B,
    f: impl Fn(A, A) -> B,
) -> [B; LANES] {
    let mut y = [zero; LANES];
    for i in 0..LANES {
        y[i] = f(a[i], b[i]);
    }
    y
}

macro_rules! compares {
    ($element:ty) => {
        /// `==`, lane by lane.
        #[cfg_attr(not(debug_assertions), inline(always))]
        #[allow(clippy::should_implement_trait)]
        pub fn eq(self, other: Self) -> Mask {
            Mask(both(
                &self.0,
                &other.0,
                false,
                |a: $element, b: $element| a == b,
            ))
        }
        /// `!=`, lane by lane.
        #[cfg_attr(not(debug_assertions), inline(always))]
        #[allow(clippy::should_implement_trait)]
        pub fn ne(self, other: Self) -> Mask {
            Mask(both(
                &self.0,
                &other.0,
                false,
                |a: $element, b: $element| a != b,
            ))
        }
        /// `<`, lane by lane.
        #[cfg_attr(not(debug_assertions), inline(always))]
        pub fn lt(self, other: Self) -> Mask {
            Mask(both(
                &self.0,
                &other.0,
                false,
                |a: $element, b: $element| a < b,
            ))
        }
        /// `<=`, lane by lane.
        #[cfg_attr(not(debug_assertions), inline(always))]
        pub fn le(self, other: Self) -> Mask {
            Mask(both(
                &self.0,
                &other.0,
                false,
                |a: $element, b: $element| a <= b,
            ))
        }
        /// `>`, lane by lane.
        #[cfg_attr(not(debug_assertions), inline(always))]
        pub fn gt(self, other: Self) -> Mask {
            Mask(both(
                &self.0,
                &other.0,
                false,
                |a: $element, b: $element| a > b,
            ))
        }
        /// `>=`, lane by lane.
        #[cfg_attr(not(debug_assertions), inline(always))]
        pub fn ge(self, other: Self) -> Mask {
            Mask(both(
                &self.0,
                &other.0,
                false,
                |a: $element, b: $element| a >= b,
            ))
        }
    };
}

impl<F: Float> Pack<F> {
    /// The same number in every lane.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn splat(x: f64) -> Self {
        Self([F::from_f64(x); LANES])
    }
    /// The same element in every lane.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn all(x: F) -> Self {
        Self([x; LANES])
    }
    /// x^y.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn pow(self, y: Self) -> Self {
        Self(both(&self.0, &y.0, F::ZERO, F::pow))
    }
    /// `x - y * trunc(x / y)`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn fmod(self, y: Self) -> Self {
        Self(both(&self.0, &y.0, F::ZERO, F::fmod))
    }
    /// The larger; NaN wins.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn max(self, y: Self) -> Self {
        Self(both(&self.0, &y.0, F::ZERO, F::max))
    }
    /// The smaller; NaN wins.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn min(self, y: Self) -> Self {
        Self(both(&self.0, &y.0, F::ZERO, F::min))
    }
    compares!(F);
    /// Rounds towards zero. A number out of range becomes the nearest integer in range, and NaN becomes 0.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn to_ints(self) -> Ints {
        Ints(each(&self.0, 0, F::to_i64))
    }
    /// The lanes that are not 0.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn to_mask(self) -> Mask {
        Mask(each(&self.0, false, |x| x != F::ZERO))
    }
    /// The lanes combined in a fixed order: a tree.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn fold(self, f: impl Fn(F, F) -> F) -> F {
        let mut x = self.0;
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                x[i] = f(x[i], x[i + width]);
            }
            width /= 2;
        }
        x[0]
    }
}

impl<F: Float> Combinable for Pack<F> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn times(self, other: Self) -> Self {
        self * other
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn smaller(self, other: Self) -> Self {
        self.min(other)
    }
}

macro_rules! float_operator {
    ($trait:ident $name:ident $op:tt) => {
        impl<F: Float> $trait for Pack<F> {
            type Output = Self;
            #[cfg_attr(not(debug_assertions), inline(always))]
            fn $name(self, other: Self) -> Self {
                Self(both(&self.0, &other.0, F::ZERO, |a, b| a $op b))
            }
        }
    };
}
float_operator!(Add add +);
float_operator!(Sub sub -);
float_operator!(Mul mul *);
float_operator!(Div div /);

impl<F: Float> Neg for Pack<F> {
    type Output = Self;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn neg(self) -> Self {
        Self(each(&self.0, F::ZERO, |x| -x))
    }
}

impl Ints {
    /// The same number in every lane.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn splat(x: i64) -> Self {
        Self([x; LANES])
    }
    compares!(i64);
    /// The remainder of the quotient rounded towards zero; 0 if `y` is 0.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn fmod(self, y: Self) -> Self {
        let rest = |a: i64, b: i64| if b == 0 { 0 } else { a.wrapping_rem(b) };
        Self(both(&self.0, &y.0, 0, rest))
    }
    /// The nearest floats.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn to_float<F: Float>(self) -> Pack<F> {
        Pack(each(&self.0, F::ZERO, F::from_i64))
    }
    /// The lanes that are not 0.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn to_mask(self) -> Mask {
        Mask(each(&self.0, false, |x| x != 0))
    }
}

impl Add for Ints {
    type Output = Self;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn add(self, other: Self) -> Self {
        Self(both(&self.0, &other.0, 0, i64::wrapping_add))
    }
}
impl Sub for Ints {
    type Output = Self;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn sub(self, other: Self) -> Self {
        Self(both(&self.0, &other.0, 0, i64::wrapping_sub))
    }
}
impl Mul for Ints {
    type Output = Self;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mul(self, other: Self) -> Self {
        Self(both(&self.0, &other.0, 0, i64::wrapping_mul))
    }
}

impl Mask {
    /// The same value in every lane.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn splat(x: bool) -> Self {
        Self([x; LANES])
    }
    /// The first `count` lanes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn first(count: usize) -> Self {
        let mut y = [false; LANES];
        for (i, lane) in y.iter_mut().enumerate() {
            *lane = i < count;
        }
        Self(y)
    }
    /// `a` where set, `b` elsewhere.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn select<F: Float>(self, a: Pack<F>, b: Pack<F>) -> Pack<F> {
        let mut y = b.0;
        for i in 0..LANES {
            y[i] = if self.0[i] { a.0[i] } else { b.0[i] };
        }
        Pack(y)
    }
    /// `a` where set, `b` elsewhere.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn select_ints(self, a: Ints, b: Ints) -> Ints {
        let mut y = b.0;
        for i in 0..LANES {
            y[i] = if self.0[i] { a.0[i] } else { b.0[i] };
        }
        Ints(y)
    }
    /// 1 where set, 0 elsewhere.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn to_float<F: Float>(self) -> Pack<F> {
        Pack(each(&self.0, F::ZERO, |m| if m { F::ONE } else { F::ZERO }))
    }
    /// 1 where set, 0 elsewhere.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn to_ints(self) -> Ints {
        Ints(each(&self.0, 0, i64::from))
    }
}

impl BitAnd for Mask {
    type Output = Self;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn bitand(self, other: Self) -> Self {
        Self(both(&self.0, &other.0, false, |a, b| a & b))
    }
}
impl BitOr for Mask {
    type Output = Self;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn bitor(self, other: Self) -> Self {
        Self(both(&self.0, &other.0, false, |a, b| a | b))
    }
}
impl Not for Mask {
    type Output = Self;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn not(self) -> Self {
        Self(each(&self.0, false, |a| !a))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp<F: Float>() -> Pack<F> {
        let mut y = Pack::splat(0.0);
        for (i, lane) in y.0.iter_mut().enumerate() {
            *lane = F::from_f64(i as f64 * 0.5 - 3.0);
        }
        y
    }

    fn check<F: Float>() {
        let x = ramp::<F>();
        let two = Pack::<F>::splat(2.0);
        for i in 0..LANES {
            let v = x.0[i];
            assert_eq!((x + two).0[i], v + F::from_f64(2.0));
            assert_eq!((x * two / two - x).0[i], F::ZERO);
            assert_eq!((-x).0[i], -v);
            assert_eq!(x.relu().0[i], if v > F::ZERO { v } else { F::ZERO });
            assert_eq!(x.to_ints().0[i], v.to_f64() as i64);
            assert_eq!(x.lt(two).select(x, two).0[i], x.min(two).0[i]);
            assert_eq!((x.ge(two) & !x.gt(two)).0[i], x.eq(two).0[i]);
            assert_eq!(
                (x.lt(two) | x.gt(two)).to_float::<F>().to_mask().0[i],
                x.ne(two).0[i]
            );
            assert_eq!(x.round().0[i].to_f64(), v.to_f64().round_ties_even());
            assert_eq!(
                x.sign().0[i].to_f64(),
                if v == F::ZERO {
                    0.0
                } else {
                    v.to_f64().signum()
                }
            );
        }
        assert_eq!(x.fold(|a, b| a + b).to_f64(), 12.0);
        let nan = Pack::all(F::NAN);
        for y in [nan.max(x), x.max(nan), nan.min(x), x.min(nan), nan.relu()] {
            assert!(y.0.iter().all(|v| v.to_f64().is_nan()));
        }
    }

    #[test]
    fn lanes_are_independent() {
        check::<f32>();
        check::<f64>();
        assert_eq!(Ints::splat(-3).to_float::<f32>().to_ints(), Ints::splat(-3));
        assert_eq!((Ints::splat(i64::MAX) + Ints::splat(1)).0[3], i64::MIN);
        assert_eq!(Mask::first(5).to_ints().0.iter().sum::<i64>(), 5);
        assert_eq!(
            Mask::first(5).select_ints(Ints::splat(2), Ints::splat(1)).0[4..6],
            [2, 1]
        );
        assert!(Ints::splat(4).le(Ints::splat(4)).0[0]);
    }
}
