//! Exchanges between lanes: shuffles with their clamps and segments, votes, matches, reductions.

use crate::harness::per_thread;

/// All lanes' own numbers, shuffled; 1000 is added in lanes whose predicate is false.
fn shuffle(mode: &str, lane: &str, clamp: &str) -> Vec<u32> {
    per_thread(
        32,
        &format!(
            "shfl.sync.{mode}.b32 %r1|%q0, %r0, {lane}, {clamp}, -1;\n@!%q0 add.u32 %r1, %r1, 1000;"
        ),
    )
}

#[test]
fn shuffles_move_up_down_across_and_by_index() {
    let want = |f: &dyn Fn(u32) -> Option<u32>| -> Vec<u32> {
        (0..32).map(|i| f(i).unwrap_or(i + 1000)).collect()
    };
    assert_eq!(shuffle("up", "3", "0"), want(&|i| i.checked_sub(3)));
    assert_eq!(
        shuffle("down", "3", "31"),
        want(&|i| (i + 3 < 32).then_some(i + 3))
    );
    assert_eq!(shuffle("bfly", "5", "31"), want(&|i| Some(i ^ 5)));
    assert_eq!(shuffle("idx", "7", "31"), want(&|_| Some(7)));
    assert_eq!(shuffle("idx", "%r0", "31"), want(&Some));
}

#[test]
fn shuffles_stay_in_their_segments() {
    // Segments of 8: the mask 0x18 in bits 8 to 12, the bound 7 below.
    let inside = |i: u32, j: u32| (i / 8 == j / 8).then_some(j);
    let want = |f: &dyn Fn(u32) -> Option<u32>| -> Vec<u32> {
        (0..32).map(|i| f(i).unwrap_or(i + 1000)).collect()
    };
    assert_eq!(shuffle("down", "2", "0x1807"), want(&|i| inside(i, i + 2)));
    assert_eq!(
        shuffle("up", "2", "0x1800"),
        want(&|i| inside(i, i.wrapping_sub(2)))
    );
    assert_eq!(shuffle("bfly", "4", "0x1807"), want(&|i| Some(i ^ 4)));
    assert_eq!(
        shuffle("bfly", "8", "0x1807"),
        want(&|i| (i ^ 8 <= (i | 7)).then_some(i ^ 8))
    );
    assert_eq!(
        shuffle("idx", "3", "0x1807"),
        want(&|i| Some(i / 8 * 8 + 3))
    );
    // A bound of 3 lets only the first half of each segment be read.
    assert_eq!(shuffle("idx", "6", "0x1803"), want(&|_| None));
}

#[test]
fn votes() {
    let even = "and.b32 %r2, %r0, 1;\nsetp.eq.u32 %q0, %r2, 0;\n";
    let ballot = per_thread(32, &format!("{even}vote.sync.ballot.b32 %r1, %q0, -1;"));
    assert_eq!(ballot, [0x5555_5555; 32]);
    let negated = per_thread(32, &format!("{even}vote.sync.ballot.b32 %r1, !%q0, -1;"));
    assert_eq!(negated, [0xaaaa_aaaa; 32]);
    for (mode, mixed, all) in [("all", 0, 1), ("any", 1, 1), ("uni", 0, 1)] {
        let select = "selp.b32 %r1, 1, 0, %q1;";
        let got = per_thread(
            32,
            &format!("{even}vote.sync.{mode}.pred %q1, %q0, -1;\n{select}"),
        );
        assert_eq!(got, [mixed; 32], "{mode}");
        let yes = "setp.eq.u32 %q0, 0, 0;\n";
        let got = per_thread(
            32,
            &format!("{yes}vote.sync.{mode}.pred %q1, %q0, -1;\n{select}"),
        );
        assert_eq!(got, [all; 32], "{mode}");
    }
}

#[test]
fn matches() {
    let pairs = "shr.u32 %r2, %r0, 1;\n";
    let any = per_thread(32, &format!("{pairs}match.any.sync.b32 %r1, %r2, -1;"));
    assert_eq!(any, (0..32).map(|i| 3 << (i / 2 * 2)).collect::<Vec<u32>>());
    let all = "match.all.sync.b32 %r1|%q0, %r2, -1;\n@%q0 add.u32 %r1, %r1, 2;";
    assert_eq!(per_thread(32, &format!("{pairs}{all}")), [0; 32]);
    assert_eq!(per_thread(32, &format!("mov.u32 %r2, 9;\n{all}")), [1; 32]);
}

#[test]
fn reductions() {
    let run = |op: &str| {
        per_thread(
            32,
            &format!("sub.s32 %r2, %r0, 4;\nredux.sync.{op} %r1, %r2, -1;"),
        )[0]
    };
    assert_eq!(run("add.s32"), 31 * 16 - 128);
    assert_eq!(run("min.s32"), -4i32 as u32);
    assert_eq!(run("max.u32"), u32::MAX);
    assert_eq!(run("min.u32"), 0);
    assert_eq!(run("and.b32"), 0);
    assert_eq!(run("or.b32"), u32::MAX);
}

/// Halves of a warp exchange values among themselves in the two arms of a branch.
#[test]
fn members_meet_in_divergent_code() {
    let got = per_thread(
        32,
        "
        setp.lt.u32 %q0, %r0, 16;
        @%q0 bra LOW;
        redux.sync.add.u32 %r1, %r0, 0xffff0000;
        bra DONE;
    LOW:
        redux.sync.add.u32 %r1, %r0, 0x0000ffff;
    DONE:",
    );
    let want: Vec<u32> = (0..32).map(|i| if i < 16 { 120 } else { 376 }).collect();
    assert_eq!(got, want);
}

/// Lanes of one mask arrive at the same instruction one after the other.
#[test]
fn late_members_are_waited_for() {
    let got = per_thread(
        32,
        "
        mov.u32 %r3, 0;
    AGAIN:
        setp.ge.u32 %q0, %r3, %r0;
        @%q0 bra MEET;
        add.u32 %r3, %r3, 1;
        bra AGAIN;
    MEET:
        shfl.sync.bfly.b32 %r1, %r3, 1, 31, -1;",
    );
    assert_eq!(got, (0..32).map(|i| i ^ 1).collect::<Vec<u32>>());
}

#[test]
fn special_registers() {
    assert_eq!(per_thread(64, "mov.u32 %r1, %laneid;")[33], 1);
    assert_eq!(per_thread(64, "mov.u32 %r1, %warpid;")[33], 1);
    assert_eq!(per_thread(64, "mov.u32 %r1, %ntid.x;")[5], 64);
    assert_eq!(per_thread(32, "mov.u32 %r1, %lanemask_lt;")[5], 31);
    assert_eq!(per_thread(32, "mov.u32 %r1, %lanemask_ge;")[31], 1 << 31);
    assert_eq!(per_thread(32, "mov.u32 %r1, WARP_SZ;")[0], 32);
    assert_eq!(per_thread(20, "activemask.b32 %r1;")[0], 0xf_ffff);
}
