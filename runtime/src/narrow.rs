//! Converts floats of one stored type to another: f32, f64, bf16 and f16.
//!
//! Each result is the nearest number, ties to even. Numbers that are too large become infinite, and NaN becomes a quiet
//! NaN.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// Elements that are converted at a time, through f32.
const BLOCK: usize = 256;

/// A float in memory.
pub(crate) trait Narrow: Copy {
    /// These elements as f32, stored in `room` if they need conversion: exact, or rounded so that rounding again gives
    /// the nearest number of a narrower type.
    fn widen<'a>(from: &'a [Self], room: &'a mut [f32; BLOCK]) -> &'a [f32];
    /// The nearest numbers.
    fn narrow(from: &[f32], to: &mut [Self]);
}

/// Converts as many elements as both have; not from f64 to f32.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn convert<A: Narrow, B: Narrow>(from: &[A], to: &mut [B]) {
    let mut room = [0.0; BLOCK];
    for (from, to) in from.chunks(BLOCK).zip(to.chunks_mut(BLOCK)) {
        B::narrow(A::widen(from, &mut room), to);
    }
}

/// The nearest f32 of each f64.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn singles(from: &[f64], to: &mut [f32]) {
    each(from, to, |x| x as f32);
}

#[cfg_attr(not(debug_assertions), inline(always))]
fn each<A: Copy, B>(from: &[A], to: &mut [B], f: impl Fn(A) -> B) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = f(*from);
    }
}

impl Narrow for f32 {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn widen<'a>(from: &'a [f32], _: &'a mut [f32; BLOCK]) -> &'a [f32] {
        from
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn narrow(from: &[f32], to: &mut [f32]) {
        each(from, to, |x| x);
    }
}

impl Narrow for f64 {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn widen<'a>(from: &'a [f64], room: &'a mut [f32; BLOCK]) -> &'a [f32] {
        each(from, room, odd);
        &room[..from.len()]
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn narrow(from: &[f32], to: &mut [f64]) {
        each(from, to, f64::from);
    }
}

impl Narrow for bf16 {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn widen<'a>(from: &'a [bf16], room: &'a mut [f32; BLOCK]) -> &'a [f32] {
        each(from, room, bf16::to_f32);
        &room[..from.len()]
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn narrow(from: &[f32], to: &mut [bf16]) {
        each(from, to, bf16::from_f32);
    }
}

// Slices, for which the crate checks the processor's features once.
impl Narrow for f16 {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn widen<'a>(from: &'a [f16], room: &'a mut [f32; BLOCK]) -> &'a [f32] {
        let room = &mut room[..from.len()];
        from.convert_to_f32_slice(room);
        room
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn narrow(from: &[f32], to: &mut [f16]) {
        to.convert_from_f32_slice(from);
    }
}

/// Rounds to odd: towards zero, and an inexact result gets 1 as its last digit. So ties stay ties, and no other number
/// becomes a tie. (The crate `half` converts f64 through the nearest f32, which rounds twice.)
#[cfg_attr(not(debug_assertions), inline(always))]
fn odd(x: f64) -> f32 {
    let nearest = x as f32;
    let back = f64::from(nearest);
    let away = u32::from(back.abs() > x.abs());
    match back == x || x.is_nan() {
        true => nearest,
        false => f32::from_bits((nearest.to_bits() - away) | 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one<A: Narrow, B: Narrow + Default>(x: A) -> B {
        let mut y = [B::default()];
        convert(&[x], &mut y);
        y[0]
    }

    #[test]
    fn doubles_are_rounded_once() {
        // A little more than half way from 1 to the next number; as an f32 it is exactly half way.
        let little = f64::from_bits(1);
        for (x, bits) in [
            (1.0 + 2f64.powi(-8), 0x3f80),
            (1.0 + 2f64.powi(-8) + 2f64.powi(-40), 0x3f81),
            (1.0 + 2f64.powi(-8) - 2f64.powi(-40), 0x3f80),
            (-1.0 - 2f64.powi(-8) - 2f64.powi(-52), 0xbf81),
            (f64::MAX, 0x7f80),
            (-f64::MAX, 0xff80),
            (little, 0),
            (-little, 0x8000),
            // Half the smallest number, and a little more.
            (2f64.powi(-134), 0),
            (2f64.powi(-134) + 2f64.powi(-180), 1),
        ] {
            assert_eq!(one::<f64, bf16>(x).to_bits(), bits, "{x:e}");
        }
        for (x, bits) in [
            (1.0 + 2f64.powi(-11), 0x3c00),
            (1.0 + 2f64.powi(-11) + 2f64.powi(-40), 0x3c01),
            (1.0 + 3.0 * 2f64.powi(-11) - 2f64.powi(-40), 0x3c01),
            (65520.0, 0x7c00),
            (65520.0 - 1e-9, 0x7bff),
            (2f64.powi(-25), 0),
            (2f64.powi(-25) + 2f64.powi(-70), 1),
            (f64::INFINITY, 0x7c00),
        ] {
            assert_eq!(one::<f64, f16>(x).to_bits(), bits, "{x:e}");
        }
        assert!(one::<f64, f16>(f64::NAN).is_nan() && one::<f64, bf16>(f64::NAN).is_nan());
    }
}
