//! `cvt` and `mov`: every pair of kinds, every rounding direction.

use crate::harness::{check, f};

#[test]
fn floats_become_integers() {
    let to = &[".f32", ".b32"];
    let x = |v: f32, y: i32| ([f(v)], u64::from(y as u32));
    for (mode, values) in [
        ("rni", [2, -2, 2, 1]),
        ("rzi", [2, -2, 1, 0]),
        ("rmi", [2, -3, 1, 0]),
        ("rpi", [3, -2, 2, 1]),
    ] {
        let cases: Vec<_> = [2.5, -2.5, 1.5, 0.75]
            .iter()
            .zip(values)
            .map(|(&v, y)| x(v, y))
            .collect();
        let cases: Vec<(&[u64], u64)> = cases.iter().map(|(s, y)| (&s[..], *y)).collect();
        check(to, &format!("cvt.{mode}.s32.f32 %t, %s0;"), &cases);
    }
    check(
        to,
        "cvt.rzi.s32.f32 %t, %s0;",
        &[
            (&[f(1e20)], 0x7fff_ffff),
            (&[f(-1e20)], 0x8000_0000),
            (&[f(f32::NAN)], 0),
        ],
    );
    check(
        to,
        "cvt.rzi.u32.f32 %t, %s0;",
        &[(&[f(-5.0)], 0), (&[f(1e20)], 0xffff_ffff)],
    );
    check(
        &[".f32", ".f32"],
        "cvt.rni.f32.f32 %t, %s0;",
        &[(&[f(2.5)], f(2.0)), (&[f(-0.25)], f(-0.0))],
    );
    check(
        &[".f64", ".b64"],
        "cvt.rmi.s64.f64 %t, %s0;",
        &[(&[(-1.5f64).to_bits()], (-2i64) as u64)],
    );
}

/// If either type has 64 bits, NaN becomes the highest bit alone instead of 0.
#[test]
fn nan_becomes_a_wide_integer() {
    check(
        &[".f32", ".b64"],
        "cvt.rzi.s64.f32 %t, %s0;",
        &[
            (&[f(f32::NAN)], 1 << 63),
            (&[f(f32::INFINITY)], i64::MAX as u64),
            (&[f(-1e20)], 1 << 63),
            (&[f(-16_777_216.5)], (-16_777_216i64) as u64),
        ],
    );
    check(
        &[".f64", ".b32"],
        "cvt.rzi.s32.f64 %t, %s0;",
        &[(&[f64::NAN.to_bits()], 1 << 31)],
    );
}

#[test]
fn integers_become_floats() {
    let to = &[".b32", ".f32"];
    check(
        to,
        "cvt.rn.f32.s32 %t, %s0;",
        &[(&[0xffff_ffff], f(-1.0)), (&[16_777_217], f(16_777_216.0))],
    );
    check(
        to,
        "cvt.rp.f32.u32 %t, %s0;",
        &[(&[16_777_217], f(16_777_218.0))],
    );
    check(
        to,
        "cvt.rz.f32.u32 %t, %s0;",
        &[(&[0xffff_ffff], f(4_294_967_040.0))],
    );
    // A tie at 24 bits is decided by the last of 64.
    check(
        &[".b64", ".f32"],
        "cvt.rn.f32.u64 %t, %s0;",
        &[
            (&[(1 << 60) + (1 << 36)], f(2f32.powi(60))),
            (&[(1 << 60) + (1 << 36) + 1], f(2f32.powi(60).next_up())),
        ],
    );
    check(
        &[".b64", ".f64"],
        "cvt.rm.f64.s64 %t, %s0;",
        &[
            (&[(1 << 53) + 1], 2f64.powi(53).to_bits()),
            (&[i64::MAX as u64], 2f64.powi(63).next_down().to_bits()),
        ],
    );
}

#[test]
fn integers_change_width() {
    check(
        &[".b32", ".b64"],
        "cvt.s64.s32 %t, %s0;",
        &[(&[0x8000_0000], 0xffff_ffff_8000_0000)],
    );
    check(
        &[".b32", ".b64"],
        "cvt.u64.u32 %t, %s0;",
        &[(&[0x8000_0000], 0x8000_0000)],
    );
    check(
        &[".b32", ".b32"],
        "cvt.s32.s8 %t, %s0;",
        &[(&[0x180], 0xffff_ff80)],
    );
    check(
        &[".b32", ".b32"],
        "cvt.sat.u8.s32 %t, %s0;",
        &[(&[300], 255), (&[0xffff_ffff], 0)],
    );
    check(
        &[".b64", ".b32"],
        "cvt.u32.u64 %t, %s0;",
        &[(&[0x1_2345_6789], 0x2345_6789)],
    );
    check(
        &[".b32", ".b16"],
        "cvt.sat.s16.s32 %t, %s0;",
        &[(&[0x8000], 0x7fff)],
    );
}

#[test]
fn floats_change_format() {
    let half = &[".f32", ".b16"];
    check(
        half,
        "cvt.rn.f16.f32 %t, %s0;",
        &[
            (&[f(1.0)], 0x3c00),
            (&[f(65520.0)], 0x7c00),
            (&[f(2f32.powi(-24))], 1),
            (&[f(2f32.powi(-25))], 0),
            (&[f(1.0 + 2f32.powi(-11))], 0x3c00),
            (&[f(1.0 + 3.0 * 2f32.powi(-11))], 0x3c02),
            (&[f(f32::NAN)], 0x7fff),
        ],
    );
    check(half, "cvt.rz.f16.f32 %t, %s0;", &[(&[f(65520.0)], 0x7bff)]);
    check(
        half,
        "cvt.rn.bf16.f32 %t, %s0;",
        &[
            (&[f(1.0)], 0x3f80),
            (&[0x3f80_8000], 0x3f80),
            (&[0x3f81_8000], 0x3f82),
            (&[f(f32::MAX)], 0x7f80),
        ],
    );
    check(
        &[".b16", ".f32"],
        "cvt.f32.f16 %t, %s0;",
        &[
            (&[0x3c01], f(1.0 + 2f32.powi(-10))),
            (&[0x0001], f(2f32.powi(-24))),
            (&[0xfc00], f(f32::NEG_INFINITY)),
        ],
    );
    check(
        &[".f32", ".f32", ".b32"],
        "cvt.rn.f16x2.f32 %t, %s0, %s1;",
        &[(&[f(1.0), f(2.0)], 0x3c00_4000)],
    );
    check(
        &[".f32", ".f32", ".b32"],
        "cvt.rn.bf16x2.f32 %t, %s0, %s1;",
        &[(&[f(1.0), f(2.0)], 0x3f80_4000)],
    );
    // To nearest, ties away from zero, at the 10th bit.
    check(
        &[".f32", ".b32"],
        "cvt.rna.tf32.f32 %t, %s0;",
        &[
            (&[0x3f80_1000], 0x3f80_2000),
            (&[0x3f80_0fff], 0x3f80_0000),
            (&[0xbf80_1000], 0xbf80_2000),
        ],
    );
    check(
        &[".f64", ".f32"],
        "cvt.rp.f32.f64 %t, %s0;",
        &[(&[(1.0f64 + 1e-12).to_bits()], f(1f32.next_up()))],
    );
    check(
        &[".f32", ".f64"],
        "cvt.f64.f32 %t, %s0;",
        &[(&[f(0.1)], f64::from(0.1f32).to_bits())],
    );
    check(
        &[".f32", ".f32"],
        "cvt.sat.f32.f32 %t, %s0;",
        &[(&[f(1.5)], f(1.0)), (&[f(f32::NAN)], 0)],
    );
}

#[test]
fn vectors_are_packed() {
    check(
        &[".b32", ".b32", ".b64"],
        "mov.b64 %t, {%s0, %s1};",
        &[(&[1, 2], 0x2_0000_0001)],
    );
    check(
        &[".b64", ".b32"],
        "{.reg .b32 %x;\nmov.b64 {%x, %t}, %s0;\nadd.u32 %t, %t, %x;}",
        &[(&[0x5_0000_0003], 8)],
    );
    check(
        &[".b16", ".b16", ".b32"],
        "mov.b32 %t, {%s0, %s1};",
        &[(&[0x1111, 0x2222], 0x2222_1111)],
    );
    check(
        &[".b32", ".b16"],
        "{.reg .b16 %x;\nmov.b32 {%x, %t}, %s0;}",
        &[(&[0xabcd_1234], 0xabcd)],
    );
}
