//! The functions of one float: a table with one row for each, and branch-free f32 functions. Each takes a scalar and
//! returns a scalar; loops over lanes vectorise. The functions of f64 are those of the standard library and `libm`.
//!
//! Multiplications and additions are separate (no fused multiply-add), so that every instruction set gives the same
//! bits. Errors are below about 2 units in the last place. The tests compare each function with its f64 counterpart.

use std::ops::Neg;

use crate::lanes::{Pack, each};

macro_rules! elementary {
    ($($(#[doc = $doc:literal])* $name:ident: $f32:expr, $f64:expr;)*) => {
        /// Functions of one float. The names are those of the compiler's table of scalar functions.
        pub trait Elementary: Copy + Default {
            $($(#[doc = $doc])* fn $name(self) -> Self;)*
        }

        impl Elementary for f32 {
            $(#[cfg_attr(not(debug_assertions), inline(always))] fn $name(self) -> Self { ($f32)(self) })*
        }

        impl Elementary for f64 {
            $(#[cfg_attr(not(debug_assertions), inline(always))] fn $name(self) -> Self { ($f64)(self) })*
        }

        impl<F: Elementary> Pack<F> {
            $(
                $(#[doc = $doc])*
                #[cfg_attr(not(debug_assertions), inline(always))]
                pub fn $name(self) -> Self {
                    Self(each(&self.0, F::default(), F::$name))
                }
            )*
        }
    };
}

elementary! {
    /// e^x.
    exp: exp, f64::exp;
    /// Natural logarithm.
    log: ln, f64::ln;
    /// Square root.
    sqrt: f32::sqrt, f64::sqrt;
    /// 1 / sqrt(x).
    rsqrt: |x: f32| 1.0 / x.sqrt(), |x: f64| 1.0 / x.sqrt();
    /// 1 / x.
    recip: |x: f32| 1.0 / x, |x: f64| 1.0 / x;
    /// Sine.
    sin: f32::sin, f64::sin;
    /// Cosine.
    cos: f32::cos, f64::cos;
    /// Hyperbolic tangent.
    tanh: tanh, f64::tanh;
    /// 1 / (1 + e^-x).
    sigmoid: sigmoid, sigmoid_f64;
    /// Error function.
    erf: erf, libm::erf;
    /// 1 - erf(x), with relative accuracy for large x.
    erfc: erfc, libm::erfc;
    /// e^x - 1.
    expm1: expm1, f64::exp_m1;
    /// log(1 + x).
    log1p: log1p, f64::ln_1p;
    /// Absolute value.
    abs: f32::abs, f64::abs;
    /// Largest integer that is not larger.
    floor: f32::floor, f64::floor;
    /// Smallest integer that is not smaller.
    ceil: f32::ceil, f64::ceil;
    /// Nearest integer, halves to the even one.
    round: f32::round_ties_even, f64::round_ties_even;
    /// -1, 0 or 1.
    sign: |x: f32| sign(x, 1.0), |x: f64| sign(x, 1.0);
    /// The larger of x and 0; NaN if x is NaN.
    relu: relu, relu;
}

/// -1, 0 or 1.
#[cfg_attr(not(debug_assertions), inline(always))]
fn sign<F: Copy + Default + PartialOrd + Neg<Output = F>>(x: F, one: F) -> F {
    let zero = F::default();
    let below = if x < zero { -one } else { zero };
    if x > zero { one } else { below }
}

/// The larger of x and 0; NaN if x is NaN.
#[cfg_attr(not(debug_assertions), inline(always))]
fn relu<F: Default + PartialOrd>(x: F) -> F {
    let zero = F::default();
    if x < zero { zero } else { x }
}

const LN2_HI: f32 = 0.693_359_4; // 0.693359375: nine bits, so that n * LN2_HI is exact
const LN2_LO: f32 = -2.121_944_4e-4;
/// ln 2 in two parts: k times the first is exact for every exponent k.
const LOG_HI: f32 = f32::from_bits(0x3f31_7180);
const LOG_LO: f32 = f32::from_bits(0x3717_f7d1);
/// Adding and subtracting it rounds to the nearest integer, which is left in the low bits.
const MAGIC: f32 = 12_582_912.0;

/// 2^n for n in -126..=127.
#[cfg_attr(not(debug_assertions), inline(always))]
fn exp2_int(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `x = n ln 2 + r`: the integer and the remainder, for |x| up to a few hundred.
#[cfg_attr(not(debug_assertions), inline(always))]
fn split(x: f32) -> (i32, f32) {
    let t = x * std::f32::consts::LOG2_E + MAGIC;
    let n = (t.to_bits() as i32).wrapping_sub(MAGIC.to_bits() as i32);
    let nf = t - MAGIC;
    (n, (x - nf * LN2_HI) - nf * LN2_LO)
}

/// `(exp(r) - 1 - r) / r^2` for |r| <= ln 2 / 2.
#[cfg_attr(not(debug_assertions), inline(always))]
fn exp_tail(r: f32) -> f32 {
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    p * r + 0.5
}

/// Clamps `x`; NaN stays NaN.
#[cfg_attr(not(debug_assertions), inline(always))]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > high { high } else { x };
    if x < low { low } else { x }
}

/// e^x.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn exp(x: f32) -> f32 {
    // Beyond these bounds the two scalings below give infinity and 0 by themselves.
    let (n, r) = split(clamp(x, -104.0, 89.0));
    let y = exp_tail(r) * (r * r) + r + 1.0;
    // In two steps, so that results below the smallest normal number are rounded once.
    let half = n >> 1;
    y * exp2_int(half) * exp2_int(n.wrapping_sub(half))
}

/// e^x - 1, with relative accuracy near 0.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn expm1(x: f32) -> f32 {
    let (n, r) = split(clamp(x, -104.0, 89.0));
    let p = exp_tail(r) * (r * r) + r;
    let half = n >> 1;
    let (s, t) = (exp2_int(half), exp2_int(n.wrapping_sub(half)));
    let near = p * s * t + (s * t - 1.0);
    let far = (p + 1.0) * s * t;
    // The sums above turn -0 into 0.
    (if x > 60.0 { far } else { near }).copysign(x)
}

/// `log(m)` for `m = 1 + f` in [sqrt(1/2), sqrt(2)), times 2^k; `c` corrects `f` (fdlibm's scheme).
#[cfg_attr(not(debug_assertions), inline(always))]
fn log_core(f: f32, k: f32, c: f32) -> f32 {
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let even = w * (0.400_009_72 + w * 0.242_790_79);
    let odd = z * (0.666_666_6 + w * 0.284_987_87);
    let half = 0.5 * f * f;
    s * (half + (odd + even)) + (k * LOG_LO + c) - half + f + k * LOG_HI
}

/// `x = 2^k m` with `m` in [sqrt(1/2), sqrt(2)), for positive normal x.
#[cfg_attr(not(debug_assertions), inline(always))]
fn decompose(x: f32) -> (i32, f32) {
    let bits = x.to_bits().wrapping_add(0x3f80_0000 - 0x3f35_04f3);
    let k = (bits >> 23) as i32 - 127;
    (k, f32::from_bits((bits & 0x007f_ffff) + 0x3f35_04f3))
}

/// The natural logarithm.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn ln(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let scaled = if tiny { x * 8_388_608.0 } else { x };
    let (k, m) = decompose(scaled);
    let k = k as f32 - if tiny { 23.0 } else { 0.0 };
    ends(x, x, log_core(m - 1.0, k, 0.0))
}

/// The logarithm's values outside the positive finite numbers: `at` is the argument.
#[cfg_attr(not(debug_assertions), inline(always))]
fn ends(at: f32, infinite: f32, y: f32) -> f32 {
    let y = if at == 0.0 { f32::NEG_INFINITY } else { y };
    let y = if at >= 0.0 { y } else { f32::NAN };
    if at == f32::INFINITY { infinite } else { y }
}

/// log(1 + x), with relative accuracy near 0.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn log1p(x: f32) -> f32 {
    let u = 1.0 + x;
    let (k, m) = decompose(u);
    // The rounding error of 1 + x.
    let lost = if k >= 2 { 1.0 - (u - x) } else { x - (u - 1.0) };
    let near = k == 0;
    let f = if near { x } else { m - 1.0 };
    let c = if near { 0.0 } else { lost / u };
    // The sums above turn -0 into 0.
    ends(u, u, log_core(f, k as f32, c)).copysign(x)
}

/// tanh x, with relative accuracy near 0.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn tanh(x: f32) -> f32 {
    let t = expm1(2.0 * clamp(x.abs(), 0.0, 10.0));
    (t / (t + 2.0)).copysign(x)
}

/// 1 / (1 + e^-x), with relative accuracy for negative x.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let top = if x >= 0.0 { 1.0 } else { e };
    top / (1.0 + e)
}

/// The same in f64.
#[cfg_attr(not(debug_assertions), inline(always))]
fn sigmoid_f64(x: f64) -> f64 {
    let e = f64::exp(-f64::abs(x));
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

/// The error function (coefficients by N. Juffa).
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn erf(x: f32) -> f32 {
    let t = clamp(x.abs(), 0.0, 4.0);
    let s = x * x;
    let p = -1.728_534_7e-5 * t + 3.831_972e-4;
    let q = -3.883_964_4e-3 * t + 2.425_462_2e-2;
    let p = p * (t * t) + q;
    let p = p * t - 1.067_778_8e-1;
    let p = p * t - 6.348_467e-1;
    let p = p * t - 1.287_175_1e-1;
    let far = (1.0 - exp(p * t - t)).copysign(x);
    let r = -5.967_617e-4 * s + 4.991_194e-3;
    let r = r * s - 2.676_813_5e-2;
    let r = r * s + 1.128_199_25e-1;
    let r = r * s - 3.761_253_4e-1;
    let r = r * s + 1.283_791_7e-1;
    if t > 0.927_734_4 { far } else { r * x + x }
}

/// The complementary error function, `exp(-x^2) erfcx(x)`: `(1 + 2 x) erfcx(x)` is a polynomial in
/// `(x - 2) / (x + 2)`, fitted by least squares on 0 to 10.2, and `x^2` is taken in two parts, the first exact.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn erfc(x: f32) -> f32 {
    let a = clamp(x.abs(), 0.0, 10.2);
    let q = (a - 2.0) / (a + 2.0);
    let p = -4.077_202e-4 * q - 1.237_999_2e-3;
    let p = p * q + 1.320_777e-3;
    let p = p * q + 8.640_138e-3;
    let p = p * q - 8.062_51e-3;
    let p = p * q - 5.420_708_3e-2;
    let p = p * q + 1.640_557_6e-1;
    let p = p * q - 1.660_311_4e-1;
    let p = p * q - 9.276_400_5e-2;
    let p = p * q + 1.276_978_4;
    let p = p / (a + a + 1.0);
    let high = f32::from_bits(a.to_bits() & 0xFFFF_F000);
    let r = (high - a) * (high + a);
    let low = exp_tail(r) * (r * r) + r + 1.0;
    let y = p * low * exp(-(high * high));
    if x < 0.0 { 2.0 - y } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error in units in the last place of the f64 result rounded to f32.
    fn worst(f: fn(f32) -> f32, g: fn(f64) -> f64, keep: fn(f32) -> bool) -> (f64, f32) {
        let (mut worst, mut at) = (0.0, 0.0);
        for bits in (0..u32::MAX).step_by(4_001) {
            let x = f32::from_bits(bits);
            let want = g(f64::from(x));
            if !x.is_finite() || !keep(x) || want.abs() > f64::from(f32::MAX) {
                continue;
            }
            let ulp = (want.abs() * 2f64.powi(-23)).max(f64::from(f32::from_bits(1)));
            let error = (f64::from(f(x)) - want).abs() / ulp;
            if error > worst || error.is_nan() {
                (worst, at) = (error, x);
            }
        }
        (worst, at)
    }

    #[test]
    fn against_f64() {
        type Row = (
            &'static str,
            fn(f32) -> f32,
            fn(f64) -> f64,
            fn(f32) -> bool,
            f64,
        );
        let rows: [Row; 8] = [
            ("exp", exp, f64::exp, |_| true, 1.5),
            ("expm1", expm1, f64::exp_m1, |_| true, 2.0),
            ("ln", ln, f64::ln, |x| x > 0.0, 1.5),
            ("log1p", log1p, f64::ln_1p, |x| x > -1.0, 2.0),
            ("tanh", tanh, f64::tanh, |_| true, 3.0),
            (
                "sigmoid",
                sigmoid,
                |x| {
                    let e = f64::exp(-f64::abs(x));
                    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
                },
                |_| true,
                2.5,
            ),
            ("erf", erf, libm::erf, |_| true, 2.0),
            ("erfc", erfc, libm::erfc, |_| true, 3.0),
        ];
        for (name, f, g, keep, bound) in rows {
            let (error, at) = worst(f, g, keep);
            assert!(error <= bound, "{name}: {error} ulp at {at:e}");
        }
    }

    #[test]
    fn ends_of_the_range() {
        let inf = f32::INFINITY;
        for f in [exp, expm1, ln, log1p, tanh, sigmoid, erf, erfc] {
            assert!(f(f32::NAN).is_nan());
        }
        assert_eq!(
            (exp(inf), exp(-inf), exp(0.0), exp(1e30), exp(-1e30)),
            (inf, 0.0, 1.0, inf, 0.0)
        );
        assert_eq!(
            (expm1(inf), expm1(-inf), expm1(0.0), expm1(1e30)),
            (inf, -1.0, 0.0, inf)
        );
        assert_eq!((ln(inf), ln(0.0), ln(1.0)), (inf, -inf, 0.0));
        assert!(ln(-1.0).is_nan() && ln(-inf).is_nan());
        assert_eq!((log1p(inf), log1p(-1.0), log1p(0.0)), (inf, -inf, 0.0));
        assert!(log1p(-2.0).is_nan());
        assert_eq!((tanh(inf), tanh(-inf), tanh(0.0)), (1.0, -1.0, 0.0));
        assert_eq!((sigmoid(inf), sigmoid(-inf), sigmoid(0.0)), (1.0, 0.0, 0.5));
        assert_eq!((erf(inf), erf(-inf), erf(0.0)), (1.0, -1.0, 0.0));
        for f in [expm1, log1p, tanh, erf] {
            assert!(f(-0.0).is_sign_negative() && f(0.0).is_sign_positive());
        }
    }
}
