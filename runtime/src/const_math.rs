//! Functions of numbers that rustc evaluates in constants, where those of `f64` are not available.
//!
//! They agree with `f64`'s to about 15 digits.

use std::f64::consts::{LOG2_E, SQRT_2};

/// `x` to the power of `e`.
pub const fn power(x: f64, e: f64) -> f64 {
    if e == 0.0 {
        return 1.0;
    }
    // Twice the exponent is whole for roots and their powers.
    let twice = 2.0 * e;
    if twice == twice.trunc() && twice.abs() <= 2048.0 {
        return match e == e.trunc() {
            true => whole_power(x, e as i64),
            false => whole_power(sqrt(x), twice as i64),
        };
    }
    if x == 0.0 {
        return if e > 0.0 { 0.0 } else { f64::INFINITY };
    }
    exp(e * ln(x))
}

/// The logarithm of `x` to a base.
pub const fn logarithm(x: f64, base: f64) -> f64 {
    match base == std::f64::consts::E {
        true => ln(x),
        false => ln(x) / ln(base),
    }
}

const fn whole_power(x: f64, e: i64) -> f64 {
    let (mut left, mut square, mut out) = (e.unsigned_abs(), x, 1.0);
    while left > 0 {
        if left % 2 == 1 {
            out *= square;
        }
        square *= square;
        left /= 2;
    }
    if e < 0 { 1.0 / out } else { out }
}

/// A float above 0 as `m * 2^e` with `m` from 1 to 2.
const fn parts(x: f64) -> (f64, i64) {
    // The smallest floats have leading zeros, which this shifts out.
    let (x, shift) = match x < f64::MIN_POSITIVE {
        true => (x * (1u64 << 54) as f64, 54),
        false => (x, 0),
    };
    let bits = x.to_bits();
    let m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    (m, (bits >> 52) as i64 - 1023 - shift)
}

/// `2^e`, for exponents of normal floats.
const fn two_to(e: i64) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}

const fn sqrt(x: f64) -> f64 {
    if x == 0.0 || x == f64::INFINITY {
        return x;
    }
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    let (mut m, mut e) = parts(x);
    if e % 2 != 0 {
        m *= 2.0;
        e -= 1;
    }
    // Newton's method doubles the digits.
    let (mut root, mut round) = (1.0 + (m - 1.0) / 3.0, 0);
    while round < 5 {
        root = 0.5 * (root + m / root);
        round += 1;
    }
    // Once more, with all digits of the square: the halves of a root have exact products.
    let square = root * root;
    let high = root * 134_217_729.0;
    let high = high - (high - root);
    let low = root - high;
    let rest = ((high * high - square) + 2.0 * high * low) + low * low;
    root += ((m - square) - rest) / (2.0 * root);
    root * two_to(e / 2)
}

const fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 710.0 {
        return f64::INFINITY;
    }
    if x < -746.0 {
        return 0.0;
    }
    // `x = k ln 2 + r`: a series for `e^r`, from its last term.
    let k = (x * LOG2_E).round();
    let r = (x - k * LN_2_HIGH) - k * LN_2_LOW;
    let (mut sum, mut n) = (1.0, 20.0);
    while n > 0.0 {
        sum = 1.0 + sum * r / n;
        n -= 1.0;
    }
    // In two steps, as `2^k` alone may be too large or too small.
    let half = k as i64 / 2;
    sum * two_to(half) * two_to(k as i64 - half)
}

const fn ln(x: f64) -> f64 {
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    let (mut m, mut e) = parts(x);
    if m > SQRT_2 {
        m *= 0.5;
        e += 1;
    }
    // `ln m = 2 (s + s^3/3 + s^5/5 + ..)`, from its last term.
    let s = (m - 1.0) / (m + 1.0);
    let (mut sum, mut n) = (0.0, 31.0);
    while n > 0.0 {
        sum = sum * s * s + 1.0 / n;
        n -= 2.0;
    }
    let e = e as f64;
    e * LN_2_HIGH + (2.0 * s * sum + e * LN_2_LOW)
}

/// `ln 2` in 32 bits, whose products with exponents are exact, and the rest.
const LN_2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::LN_2;

    #[test]
    fn agrees_with_the_functions_of_floats() {
        let near = |a: f64, b: f64, what: &str| {
            let same = a == b || (a.is_nan() && b.is_nan());
            assert!(
                same || (a - b).abs() <= 1e-13 * b.abs(),
                "{what}: {a} and {b}"
            );
        };
        let mut numbers = vec![
            0.0,
            -1.0,
            -2.5,
            1.0,
            f64::INFINITY,
            f64::NAN,
            5e-324,
            1e-310,
        ];
        numbers.extend([f64::MIN_POSITIVE, f64::MAX, 1e100, 1e-100, LN_2, SQRT_2]);
        numbers.extend((1..400).map(|k| f64::from(k) * 0.037));
        for x in numbers.iter().copied() {
            near(sqrt(x), x.sqrt(), &format!("sqrt({x})"));
            near(exp(x), x.exp(), &format!("exp({x})"));
            near(exp(-x), (-x).exp(), &format!("exp(-{x})"));
            near(ln(x), x.ln(), &format!("ln({x})"));
            for e in [
                0.0,
                0.5,
                -0.5,
                1.0,
                -1.0,
                2.0,
                3.0,
                -2.5,
                0.3,
                -0.7,
                1.0 / 3.0,
            ] {
                near(power(x, e), x.powf(e), &format!("{x} ** {e}"));
            }
        }
        near(logarithm(8.0, 2.0), 3.0, "log");
        for k in 1..1000 {
            let x = f64::from(k);
            assert_eq!(sqrt(x), x.sqrt(), "sqrt({x})");
        }
    }
}
