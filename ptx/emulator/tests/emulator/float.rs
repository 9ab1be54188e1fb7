//! f32 and f64: rounding directions, NaN, subnormals, and the approximations' bounds.

use crate::harness::{check, f};

const NAN: u64 = 0x7fff_ffff;
const SMALLEST: u64 = 1;

#[test]
fn sums_and_products_round_as_asked() {
    let two = &[".f32", ".f32", ".f32"];
    let next = |x: f32| f(x.next_up());
    let below = |x: f32| f(x.next_down());
    let tiny = f(1e-10);
    check(
        two,
        "add.rn.f32 %t, %s0, %s1;",
        &[(&[f(1.0), tiny], f(1.0))],
    );
    check(
        two,
        "add.rp.f32 %t, %s0, %s1;",
        &[
            (&[f(1.0), tiny], next(1.0)),
            (&[f(-1.0), f(-1e-10)], f(-1.0)),
        ],
    );
    check(
        two,
        "add.rm.f32 %t, %s0, %s1;",
        &[
            (&[f(-1.0), f(-1e-10)], below(-1.0)),
            (&[f(1.0), f(-1.0)], f(-0.0)),
        ],
    );
    check(
        two,
        "add.rz.f32 %t, %s0, %s1;",
        &[
            (&[f(1.0), f(-1e-10)], below(1.0)),
            (&[f(f32::MAX), f(f32::MAX)], f(f32::MAX)),
        ],
    );
    // (1 + e)^2 = 1 + 2e + e^2, and e^2 is lost to rounding.
    let e = 1.0 + f32::EPSILON;
    let square = 1.0 + 2.0 * f32::EPSILON;
    check(
        two,
        "mul.rn.f32 %t, %s0, %s1;",
        &[(&[f(e), f(e)], f(square))],
    );
    check(
        two,
        "mul.rp.f32 %t, %s0, %s1;",
        &[(&[f(e), f(e)], next(square))],
    );
    let three = &[".f32", ".f32", ".f32", ".f32"];
    let e2 = f(f32::EPSILON * f32::EPSILON);
    check(
        three,
        "fma.rn.f32 %t, %s0, %s1, %s2;",
        &[(&[f(e), f(e), f(-square)], e2)],
    );
    check(
        three,
        "fma.rp.f32 %t, %s0, %s1, %s2;",
        &[(&[f(1.0), f(1.0), tiny], next(1.0))],
    );
    check(
        three,
        "fma.rm.f32 %t, %s0, %s1, %s2;",
        &[(&[f(1.0), f(1.0), f(-1e-10)], below(1.0))],
    );
}

#[test]
fn quotients_and_roots_round_as_asked() {
    let two = &[".f32", ".f32", ".f32"];
    let third = 1.0f32 / 3.0; // Rounded up.
    check(
        two,
        "div.rn.f32 %t, %s0, %s1;",
        &[(&[f(1.0), f(3.0)], f(third))],
    );
    check(
        two,
        "div.rm.f32 %t, %s0, %s1;",
        &[
            (&[f(1.0), f(3.0)], f(third.next_down())),
            (&[f(-1.0), f(3.0)], f(-third)),
            (&[f(1.0), f(0.0)], f(f32::INFINITY)),
            (&[f(0.0), f(0.0)], NAN),
        ],
    );
    let one = &[".f32", ".f32"];
    let root = 2f32.sqrt(); // Rounded down.
    check(
        one,
        "sqrt.rn.f32 %t, %s0;",
        &[(&[f(2.0)], f(root)), (&[f(-1.0)], NAN)],
    );
    let up = if f64::from(root) * f64::from(root) < 2.0 {
        root.next_up()
    } else {
        root
    };
    check(
        one,
        "sqrt.rp.f32 %t, %s0;",
        &[(&[f(2.0)], f(up)), (&[f(4.0)], f(2.0))],
    );
    check(
        one,
        "rcp.rz.f32 %t, %s0;",
        &[(&[f(3.0)], f(third.next_down()))],
    );
    let wide = &[".f64", ".f64", ".f64"];
    let d = |x: f64| x.to_bits();
    check(
        wide,
        "add.rp.f64 %t, %s0, %s1;",
        &[(&[d(1.0), d(1e-30)], d(1f64.next_up()))],
    );
    check(
        wide,
        "mul.rz.f64 %t, %s0, %s1;",
        &[(&[d(0.1), d(-10.0)], d(-1.0))],
    );
    check(
        wide,
        "div.rm.f64 %t, %s0, %s1;",
        &[(&[d(1.0), d(3.0)], d(1f64 / 3.0))],
    );
}

#[test]
fn ftz_flushes_and_sat_clamps() {
    let two = &[".f32", ".f32", ".f32"];
    check(two, "add.f32 %t, %s0, %s1;", &[(&[SMALLEST, 0], SMALLEST)]);
    check(
        two,
        "add.ftz.f32 %t, %s0, %s1;",
        &[(&[SMALLEST, 0], 0), (&[0x8000_0001, f(-0.0)], f(-0.0))],
    );
    check(
        two,
        "add.sat.f32 %t, %s0, %s1;",
        &[
            (&[f(0.75), f(0.75)], f(1.0)),
            (&[f(-3.0), f(1.0)], f(0.0)),
            (&[f(f32::NAN), f(1.0)], f(0.0)),
        ],
    );
    check(
        two,
        "mul.ftz.f32 %t, %s0, %s1;",
        &[(&[f(1e-30), f(1e-10)], 0)],
    );
}

#[test]
fn minima_and_nan() {
    let two = &[".f32", ".f32", ".f32"];
    check(
        two,
        "min.f32 %t, %s0, %s1;",
        &[
            (&[f(f32::NAN), f(2.0)], f(2.0)),
            (&[f(0.0), f(-0.0)], f(-0.0)),
            (&[f(f32::NAN), f(f32::NAN)], NAN),
        ],
    );
    check(
        two,
        "max.NaN.f32 %t, %s0, %s1;",
        &[(&[f(f32::NAN), f(2.0)], NAN)],
    );
    check(
        two,
        "max.f32 %t, %s0, %s1;",
        &[(&[f(-0.0), f(0.0)], f(0.0))],
    );
    check(
        two,
        "copysign.f32 %t, %s0, %s1;",
        &[(&[f(-1.0), f(3.0)], f(-3.0))],
    );
    check(
        two,
        "add.f32 %t, %s0, %s1;",
        &[(&[f(f32::INFINITY), f(f32::NEG_INFINITY)], NAN)],
    );
    check(
        &[".f32", ".f32"],
        "neg.f32 %t, %s0;",
        &[(&[f(0.0)], f(-0.0))],
    );
}

#[test]
fn comparisons_ordered_and_not() {
    let two = &[".f32", ".f32", ".b32"];
    let nan = f(f32::NAN);
    for (operator, less, equal, greater, unordered) in [
        ("eq", 0, 1, 0, 0),
        ("ne", 1, 0, 1, 0),
        ("lt", 1, 0, 0, 0),
        ("le", 1, 1, 0, 0),
        ("gt", 0, 0, 1, 0),
        ("ge", 0, 1, 1, 0),
        ("equ", 0, 1, 0, 1),
        ("neu", 1, 0, 1, 1),
        ("ltu", 1, 0, 0, 1),
        ("leu", 1, 1, 0, 1),
        ("gtu", 0, 0, 1, 1),
        ("geu", 0, 1, 1, 1),
        ("num", 1, 1, 1, 0),
        ("nan", 0, 0, 0, 1),
    ] {
        check(
            two,
            &format!("setp.{operator}.f32 %q0, %s0, %s1;\nselp.b32 %t, 1, 0, %q0;"),
            &[
                (&[f(1.0), f(2.0)], less),
                (&[f(0.0), f(-0.0)], equal),
                (&[f(2.0), f(1.0)], greater),
                (&[nan, f(1.0)], unordered),
            ],
        );
    }
    let one = &[".f32", ".b32"];
    for (kind, zero, subnormal, infinite, not) in [
        ("finite", 1, 1, 0, 0),
        ("infinite", 0, 0, 1, 0),
        ("number", 1, 1, 1, 0),
        ("notanumber", 0, 0, 0, 1),
        ("normal", 1, 0, 0, 0),
        ("subnormal", 0, 1, 0, 0),
    ] {
        check(
            one,
            &format!("testp.{kind}.f32 %q0, %s0;\nselp.b32 %t, 1, 0, %q0;"),
            &[
                (&[f(0.0)], zero),
                (&[SMALLEST], subnormal),
                (&[f(f32::INFINITY)], infinite),
                (&[nan], not),
            ],
        );
    }
}

/// Powers of two and special values, where a GPU's approximations are exact, too.
#[test]
fn approximations_at_exact_points() {
    let one = &[".f32", ".f32"];
    check(
        one,
        "ex2.approx.f32 %t, %s0;",
        &[(&[f(3.0)], f(8.0)), (&[f(f32::NEG_INFINITY)], 0)],
    );
    check(one, "ex2.approx.ftz.f32 %t, %s0;", &[(&[f(-149.0)], 0)]);
    check(
        one,
        "lg2.approx.f32 %t, %s0;",
        &[
            (&[f(8.0)], f(3.0)),
            (&[f(0.0)], f(f32::NEG_INFINITY)),
            (&[f(-1.0)], NAN),
        ],
    );
    check(
        one,
        "rsqrt.approx.f32 %t, %s0;",
        &[(&[f(4.0)], f(0.5)), (&[f(0.0)], f(f32::INFINITY))],
    );
    check(
        one,
        "rcp.approx.ftz.f32 %t, %s0;",
        &[(&[f(4.0)], f(0.25)), (&[SMALLEST], f(f32::INFINITY))],
    );
    check(one, "sqrt.approx.f32 %t, %s0;", &[(&[f(9.0)], f(3.0))]);
    check(
        one,
        "sin.approx.f32 %t, %s0;",
        &[(&[f(0.0)], f(0.0)), (&[f(f32::INFINITY)], NAN)],
    );
    check(one, "cos.approx.f32 %t, %s0;", &[(&[f(0.0)], f(1.0))]);
    check(
        one,
        "tanh.approx.f32 %t, %s0;",
        &[(&[f(0.0)], f(0.0)), (&[f(f32::INFINITY)], f(1.0))],
    );
}

#[test]
fn halves_in_pairs() {
    let three = &[".b32", ".b32", ".b32", ".b32"];
    // 1 and 2 times 3 and 4 plus 0.5 and -1.
    check(
        three,
        "fma.rn.f16x2 %t, %s0, %s1, %s2;",
        &[(&[0x4000_3c00, 0x4400_4200, 0xbc00_3800], 0x4700_4300)],
    );
    check(
        &[".b32", ".b32", ".b32"],
        "add.rn.f16x2 %t, %s0, %s1;",
        &[(&[0x3c00_3c00, 0x4000_bc00], 0x4200_0000)],
    );
    check(
        three,
        "fma.rn.bf16x2 %t, %s0, %s1, %s2;",
        &[(&[0x3f80_4000, 0x3f80_4000, 0x0000_3f80], 0x3f80_40a0)],
    );
    check(
        &[".b32", ".b32", ".b32"],
        "max.bf16x2 %t, %s0, %s1;",
        &[(&[0x3f80_4000, 0x4000_bf80], 0x4000_4000)],
    );
}
