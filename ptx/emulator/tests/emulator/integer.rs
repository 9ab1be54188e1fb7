//! Integer arithmetic and bit operations at the limits.

use crate::harness::check;

const MIN: u64 = 0x8000_0000;
const ONES: u64 = 0xffff_ffff;

#[test]
fn sums_wrap_and_saturate() {
    let two = &[".b32", ".b32", ".b32"];
    check(
        two,
        "add.s32 %t, %s0, %s1;",
        &[(&[0x7fff_ffff, 1], MIN), (&[ONES, 1], 0)],
    );
    check(
        two,
        "add.sat.s32 %t, %s0, %s1;",
        &[(&[0x7fff_ffff, 1], 0x7fff_ffff), (&[MIN, ONES], MIN)],
    );
    check(
        two,
        "sub.sat.s32 %t, %s0, %s1;",
        &[(&[MIN, 1], MIN), (&[5, 7], 0xffff_fffe)],
    );
    let wide = &[".b64", ".b64", ".b64"];
    check(wide, "sub.u64 %t, %s0, %s1;", &[(&[0, 1], u64::MAX)]);
}

#[test]
fn products_low_high_and_wide() {
    let two = &[".b32", ".b32", ".b32"];
    check(
        two,
        "mul.lo.u32 %t, %s0, %s1;",
        &[(&[0x10001, 0x10001], 0x20001)],
    );
    check(
        two,
        "mul.hi.u32 %t, %s0, %s1;",
        &[(&[ONES, ONES], 0xffff_fffe), (&[MIN, 2], 1)],
    );
    check(
        two,
        "mul.hi.s32 %t, %s0, %s1;",
        &[(&[ONES, ONES], 0), (&[MIN, 2], ONES)],
    );
    let wide = &[".b32", ".b32", ".b64"];
    check(
        wide,
        "mul.wide.s32 %t, %s0, %s1;",
        &[(&[ONES, 2], (-2i64) as u64)],
    );
    check(
        wide,
        "mul.wide.u32 %t, %s0, %s1;",
        &[(&[ONES, 2], 0x1_ffff_fffe)],
    );
    let three = &[".b32", ".b32", ".b64", ".b64"];
    check(
        three,
        "mad.wide.u32 %t, %s0, %s1, %s2;",
        &[(&[ONES, ONES, 1], 0xffff_fffe_0000_0002)],
    );
    let three = &[".b32", ".b32", ".b32", ".b32"];
    check(
        three,
        "mad.lo.s32 %t, %s0, %s1, %s2;",
        &[(&[3, 5, ONES], 14)],
    );
    check(
        three,
        "mad.hi.u32 %t, %s0, %s1, %s2;",
        &[(&[ONES, ONES, 3], 1)],
    );
    check(
        &[".b64", ".b64", ".b64"],
        "mul.hi.u64 %t, %s0, %s1;",
        &[(&[u64::MAX, u64::MAX], u64::MAX - 1)],
    );
    check(
        &[".b16", ".b16", ".b32"],
        "mul.wide.s16 %t, %s0, %s1;",
        &[(&[0xffff, 3], 0xffff_fffd)],
    );
    check(
        two,
        "mul24.lo.s32 %t, %s0, %s1;",
        &[(&[0xff_ffff, 2], 0xffff_fffe)],
    );
}

#[test]
fn quotients_round_to_zero() {
    let two = &[".b32", ".b32", ".b32"];
    check(
        two,
        "div.s32 %t, %s0, %s1;",
        &[(&[0xffff_fff9, 2], 0xffff_fffd), (&[MIN, ONES], MIN)],
    );
    check(
        two,
        "rem.s32 %t, %s0, %s1;",
        &[(&[0xffff_fff9, 2], ONES), (&[7, 0xffff_fffe], 1)],
    );
    check(
        two,
        "div.u32 %t, %s0, %s1;",
        &[(&[0xffff_fff9, 2], 0x7fff_fffc)],
    );
}

#[test]
fn shifts_clamp_at_the_width() {
    let two = &[".b32", ".b32", ".b32"];
    check(
        two,
        "shl.b32 %t, %s0, %s1;",
        &[(&[1, 31], MIN), (&[1, 32], 0), (&[1, ONES], 0)],
    );
    check(
        two,
        "shr.u32 %t, %s0, %s1;",
        &[(&[MIN, 31], 1), (&[MIN, 33], 0)],
    );
    check(
        two,
        "shr.s32 %t, %s0, %s1;",
        &[(&[MIN, 31], ONES), (&[MIN, 99], ONES)],
    );
    check(
        &[".b64", ".b32", ".b64"],
        "shr.s64 %t, %s0, %s1;",
        &[(&[1 << 63, 64], u64::MAX)],
    );
    check(
        &[".b16", ".b32", ".b16"],
        "shl.b16 %t, %s0, %s1;",
        &[(&[0x8001, 1], 2)],
    );
    let three = &[".b32", ".b32", ".b32", ".b32"];
    check(
        three,
        "shf.l.wrap.b32 %t, %s0, %s1, %s2;",
        &[(&[0x8000_0000, 1, 1], 3), (&[7, 9, 32], 9)],
    );
    check(
        three,
        "shf.l.clamp.b32 %t, %s0, %s1, %s2;",
        &[(&[7, 9, 40], 7)],
    );
    check(
        three,
        "shf.r.wrap.b32 %t, %s0, %s1, %s2;",
        &[(&[2, 1, 1], 0x8000_0001)],
    );
    check(
        three,
        "shf.r.clamp.b32 %t, %s0, %s1, %s2;",
        &[(&[7, 9, 40], 9)],
    );
}

#[test]
fn fields_are_cut_and_put() {
    let three = &[".b32", ".b32", ".b32", ".b32"];
    check(
        three,
        "bfe.u32 %t, %s0, %s1, %s2;",
        &[
            (&[0xabcd_1234, 4, 8], 0x23),
            (&[ONES, 28, 8], 0xf),
            (&[ONES, 40, 4], 0),
            (&[ONES, 3, 0], 0),
        ],
    );
    check(
        three,
        "bfe.s32 %t, %s0, %s1, %s2;",
        &[
            (&[0x80, 4, 4], 0xffff_fff8),
            (&[MIN, 30, 8], 0xffff_fffe),
            (&[MIN, 40, 4], ONES),
            (&[MIN, 31, 0], 0),
        ],
    );
    let four = &[".b32", ".b32", ".b32", ".b32", ".b32"];
    check(
        four,
        "bfi.b32 %t, %s0, %s1, %s2, %s3;",
        &[
            (&[0xff, 0, 8, 4], 0xf00),
            (&[0, ONES, 28, 8], 0x0fff_ffff),
            (&[ONES, 5, 32, 4], 5),
        ],
    );
}

#[test]
fn bits_are_counted_and_permuted() {
    let one = &[".b32", ".b32"];
    check(one, "popc.b32 %t, %s0;", &[(&[0xf0f0], 8)]);
    check(one, "clz.b32 %t, %s0;", &[(&[0], 32), (&[1], 31)]);
    check(
        one,
        "brev.b32 %t, %s0;",
        &[(&[1], MIN), (&[0x6], 0x6000_0000)],
    );
    check(one, "bfind.u32 %t, %s0;", &[(&[0], ONES), (&[0x90], 7)]);
    check(
        one,
        "bfind.s32 %t, %s0;",
        &[(&[ONES], ONES), (&[0xffff_ff00], 7)],
    );
    check(one, "bfind.shiftamt.u32 %t, %s0;", &[(&[1], 31)]);
    check(&[".b64", ".b32"], "clz.b64 %t, %s0;", &[(&[1], 63)]);
    let three = &[".b32", ".b32", ".b32", ".b32"];
    let ab = [0x3322_1100, 0x7766_5584];
    check(
        three,
        "prmt.b32 %t, %s0, %s1, %s2;",
        &[
            (&[ab[0], ab[1], 0x0123], 0x0011_2233),
            (&[ab[0], ab[1], 0x7654], 0x7766_5584),
            (&[ab[0], ab[1], 0x00c0], 0x0000_ff00),
        ],
    );
    check(
        three,
        "prmt.b32.f4e %t, %s0, %s1, %s2;",
        &[(&[ab[0], ab[1], 1], 0x8433_2211)],
    );
    check(
        three,
        "prmt.b32.b4e %t, %s0, %s1, %s2;",
        &[(&[ab[0], ab[1], 0], 0x5566_7700)],
    );
    check(
        three,
        "prmt.b32.rc16 %t, %s0, %s1, %s2;",
        &[(&[ab[0], ab[1], 1], 0x3322_3322)],
    );
    // (a & b) ^ c has the table 0x6a: bits for abc = 001, 011, 101, 110.
    check(
        three,
        "lop3.b32 %t, %s0, %s1, %s2, 0x6a;",
        &[(&[0xc, 0xa, 0x6], 0xe)],
    );
}

#[test]
fn carries_chain() {
    check(
        &[".b32", ".b32", ".b32", ".b32", ".b32"],
        "add.cc.u32 %t, %s0, %s1;\naddc.u32 %t, %s2, %s3;",
        &[(&[ONES, 1, 5, 6], 12), (&[1, 1, 5, 6], 11)],
    );
    check(
        &[".b32", ".b32", ".b32", ".b32", ".b32"],
        "sub.cc.u32 %t, %s0, %s1;\nsubc.u32 %t, %s2, %s3;",
        &[(&[0, 1, 5, 3], 1), (&[1, 1, 5, 3], 2)],
    );
    check(
        &[".b32", ".b32", ".b32", ".b32"],
        "mad.lo.cc.u32 %t, %s0, %s1, %s2;\nmadc.hi.u32 %t, %s0, %s1, 0;",
        &[(&[ONES, ONES, ONES], 0xffff_ffff), (&[2, 3, 4], 0)],
    );
}

#[test]
fn selections_and_signs() {
    let two = &[".b32", ".b32", ".b32"];
    check(
        two,
        "setp.lt.s32 %q0, %s0, %s1;\nselp.b32 %t, 7, 9, %q0;",
        &[(&[ONES, 0], 7), (&[0, ONES], 9)],
    );
    check(
        two,
        "setp.lo.u32 %q0|%q1, %s0, %s1;\nselp.b32 %t, 7, 9, %q1;",
        &[(&[ONES, 0], 7)],
    );
    check(
        two,
        "setp.eq.u32 %q2, 0, 0;\nsetp.gt.and.s32 %q0|%q1, %s0, %s1, !%q2;\nselp.b32 %t, 1, 2, %q0;",
        &[(&[5, 1], 2)],
    );
    let three = &[".b32", ".b32", ".b32", ".b32"];
    check(
        three,
        "slct.b32.s32 %t, %s0, %s1, %s2;",
        &[(&[1, 2, 0], 1), (&[1, 2, MIN], 2)],
    );
    check(
        &[".b32", ".b32"],
        "abs.s32 %t, %s0;",
        &[(&[MIN], MIN), (&[ONES], 1)],
    );
    check(
        two,
        "set.gt.u32.s32 %t, %s0, %s1;",
        &[(&[1, 0], ONES), (&[0, 1], 0)],
    );
    check(
        three,
        "dp4a.s32.s32 %t, %s0, %s1, %s2;",
        &[(&[0xff02_0304, 0x0101_0101, 10], 18)],
    );
}
