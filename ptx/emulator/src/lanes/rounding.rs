//! Rounding in the directions that Rust's operators do not offer.
//!
//! An operation rounds to nearest first. The sign of its rounding error (exact minus rounded), found exactly by
//! [`two_sum`] or a fused product, then moves the result by one step if needed.

/// A rounding direction of the PTX ISA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// `.rn`: to nearest, ties to even.
    Nearest,
    /// `.rna`: to nearest, ties away from zero.
    NearestAway,
    /// `.rz`
    Zero,
    /// `.rm`
    Down,
    /// `.rp`
    Up,
}

impl Rounding {
    /// The direction of a suffix for floating-point results.
    pub(crate) fn of_float(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "rn" => Rounding::Nearest,
            "rna" => Rounding::NearestAway,
            "rz" => Rounding::Zero,
            "rm" => Rounding::Down,
            "rp" => Rounding::Up,
            _ => return None,
        })
    }

    /// The direction of a suffix for integer results.
    pub(crate) fn of_integer(suffix: &str) -> Option<Self> {
        suffix.strip_suffix('i').and_then(Self::of_float)
    }
}

/// Rounds `x` to an integer.
pub(crate) fn to_integer(x: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::Nearest => x.round_ties_even(),
        Rounding::NearestAway => x.round(),
        Rounding::Zero => x.trunc(),
        Rounding::Down => x.floor(),
        Rounding::Up => x.ceil(),
    }
}

/// The limits of a binary floating-point format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Significant bits, with the hidden one.
    pub(crate) precision: i32,
    /// Exponent of the smallest normal number.
    pub(crate) min_exponent: i32,
    /// Exponent of the largest.
    pub(crate) max_exponent: i32,
}

pub(crate) const F16: Format = Format {
    precision: 11,
    min_exponent: -14,
    max_exponent: 15,
};
pub(crate) const BF16: Format = Format {
    precision: 8,
    min_exponent: -126,
    max_exponent: 127,
};
pub(crate) const TF32: Format = Format {
    precision: 11,
    min_exponent: -126,
    max_exponent: 127,
};
pub(crate) const F32: Format = Format {
    precision: 24,
    min_exponent: -126,
    max_exponent: 127,
};

impl Format {
    pub(crate) fn largest(self) -> f64 {
        (2.0 - exp2i(1 - self.precision)) * exp2i(self.max_exponent)
    }

    /// `x` rounded once to this format, as f64 (which holds it exactly).
    pub(crate) fn round(self, x: f64, rounding: Rounding) -> f64 {
        if x == 0.0 || !x.is_finite() {
            return x;
        }
        let exponent = exponent_of(x).max(self.min_exponent);
        let unit = exp2i(exponent - self.precision + 1);
        // Both steps are exact: a power of two, and a quotient that fits f64's precision.
        let rounded = to_integer(x / unit, rounding) * unit;
        let rounded = if rounded == 0.0 {
            0f64.copysign(x)
        } else {
            rounded
        };
        if rounded.abs() <= self.largest() {
            return rounded;
        }
        let to_infinity = match rounding {
            Rounding::Nearest | Rounding::NearestAway => true,
            Rounding::Zero => false,
            Rounding::Down => x < 0.0,
            Rounding::Up => x > 0.0,
        };
        if to_infinity {
            f64::INFINITY.copysign(x)
        } else {
            self.largest().copysign(x)
        }
    }
}

/// Exponent of a finite, non-zero number; subnormals of f64 have that of its smallest normal number.
fn exponent_of(x: f64) -> i32 {
    ((x.to_bits() >> 52 & 0x7ff) as i32).max(1) - 1023
}

/// 2 to the power `e`; exact in f64's normal range, and beyond it by two factors.
fn exp2i(e: i32) -> f64 {
    if e < -1022 {
        return exp2i(e + 100) * exp2i(-100);
    }
    f64::from_bits(((e + 1023) as u64) << 52)
}

/// A float type on which [`adjust`] and [`two_sum`] work.
pub(crate) trait Float: Copy {
    const LARGEST: Self;
    fn sum(self, other: Self) -> Self;
    fn difference(self, other: Self) -> Self;
    fn is_infinite(self) -> bool;
    fn is_negative(self) -> bool;
    fn negated(self) -> Self;
    fn above(self) -> Self;
    fn below(self) -> Self;
}

macro_rules! float {
    ($T:ty) => {
        impl Float for $T {
            const LARGEST: Self = <$T>::MAX;
            fn sum(self, other: Self) -> Self {
                self + other
            }
            fn difference(self, other: Self) -> Self {
                self - other
            }
            fn is_infinite(self) -> bool {
                <$T>::is_infinite(self)
            }
            fn is_negative(self) -> bool {
                self.is_sign_negative()
            }
            fn negated(self) -> Self {
                -self
            }
            fn above(self) -> Self {
                self.next_up()
            }
            fn below(self) -> Self {
                self.next_down()
            }
        }
    };
}
float!(f32);
float!(f64);

/// Moves a result rounded to nearest in the given direction; `missing` has the sign of exact minus rounded. An infinite
/// `rounded` must come from finite operands: it means an overflow.
pub(crate) fn adjust<F: Float>(rounded: F, missing: f64, rounding: Rounding) -> F {
    if rounded.is_infinite() {
        let keep = match rounding {
            Rounding::Zero => false,
            Rounding::Down => rounded.is_negative(),
            Rounding::Up => !rounded.is_negative(),
            _ => true,
        };
        let largest = if rounded.is_negative() {
            F::LARGEST.negated()
        } else {
            F::LARGEST
        };
        return if keep { rounded } else { largest };
    }
    let down = match rounding {
        Rounding::Zero => !rounded.is_negative(),
        Rounding::Down => true,
        Rounding::Up => false,
        _ => return rounded,
    };
    if down && missing < 0.0 {
        rounded.below()
    } else if !down && missing > 0.0 {
        rounded.above()
    } else {
        rounded
    }
}

/// The rounded sum and its exact rounding error.
pub(crate) fn two_sum<F: Float>(a: F, b: F) -> (F, F) {
    let sum = a.sum(b);
    let from_a = sum.difference(b);
    let from_b = sum.difference(from_a);
    (sum, a.difference(from_a).sum(b.difference(from_b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_round_once_in_each_direction() {
        let x = 1.0 + exp2i(-11); // Half a unit of f16 above 1.
        assert_eq!(F16.round(x, Rounding::Nearest), 1.0);
        assert_eq!(F16.round(x, Rounding::NearestAway), 1.0 + exp2i(-10));
        assert_eq!(F16.round(x, Rounding::Down), 1.0);
        assert_eq!(F16.round(x, Rounding::Up), 1.0 + exp2i(-10));
        assert_eq!(F16.round(-x, Rounding::Zero), -1.0);
        assert_eq!(F16.round(65520.0, Rounding::Nearest), f64::INFINITY);
        assert_eq!(F16.round(65520.0, Rounding::Zero), 65504.0);
        assert_eq!(F16.round(exp2i(-25), Rounding::Nearest), 0.0);
        assert_eq!(F16.round(exp2i(-25), Rounding::Up), exp2i(-24));
        assert_eq!(F32.round(1.0 + exp2i(-24), Rounding::Nearest), 1.0);
        assert_eq!(BF16.round(exp2i(-140), Rounding::Up), exp2i(-133));
    }

    #[test]
    fn adjusting_moves_one_step() {
        let (sum, missing) = two_sum(1.0f32, 1e-10);
        assert_eq!(adjust(sum, missing.into(), Rounding::Up), 1.0f32.next_up());
        assert_eq!(adjust(sum, missing.into(), Rounding::Down), 1.0);
        let (sum, missing) = two_sum(-1.0f32, 1e-10);
        assert_eq!(
            adjust(sum, missing.into(), Rounding::Zero),
            (-1.0f32).next_up()
        );
        assert_eq!(adjust(f32::INFINITY, 0.0, Rounding::Zero), f32::MAX);
    }
}
