//! Control flow: loops that lanes leave one by one, calls, barriers, scopes.

use crate::harness::{HEADER, Shape, driver, kernel, per_thread, threads, words};

#[test]
fn lanes_leave_a_loop_one_by_one() {
    let got = per_thread(
        40,
        "
        mov.u32 %r1, 0;
        mov.u32 %r2, %r0;
    NEXT:
        setp.eq.u32 %q0, %r2, 0;
        @%q0 bra.uni DONE;
        add.u32 %r1, %r1, %r2;
        sub.u32 %r2, %r2, 1;
        bra NEXT;
    DONE:",
    );
    assert_eq!(got, (0..40).map(|i| i * (i + 1) / 2).collect::<Vec<u32>>());
}

#[test]
fn scopes_repeat_names() {
    let got = per_thread(
        2,
        "
        { .reg .u32 %x; mov.u32 %x, 5; bra L; mov.u32 %x, 6; L: mov.u32 %r2, %x; }
        { .reg .u32 %x; mov.u32 %x, 7; bra L; mov.u32 %x, 6; L: add.u32 %r1, %r2, %x; }",
    );
    assert_eq!(got, [12, 12]);
}

#[test]
fn functions_are_called() {
    let text = kernel(
        1,
        "
        .param .b32 given;
        .param .b32 taken;
        st.param.b32 [given], %r0;
        call (taken), square, (given);
        ld.param.b32 %r1, [taken];
        setp.gt.u32 %q0, %r0, 1;
        @%q0 call (%r1), add_one, (%r1);
        mul.wide.u32 %d0, %r0, 4;
        add.u64 %d0, %d0, %p0;
        st.global.u32 [%d0], %r1;",
    )
    .replace(
        ".visible",
        "
        .func (.param .b32 result) square(.param .b32 x)
        {
            .reg .b32 %v;
            ld.param.b32 %v, [x];
            mul.lo.u32 %v, %v, %v;
            st.param.b32 [result], %v;
            ret;
        }
        .func (.reg .b32 %out) add_one(.reg .b32 %in)
        {
            .reg .pred %big;
            setp.gt.u32 %big, %in, 8;
            add.u32 %out, %in, 1;
            @!%big ret;
            add.u32 %out, %out, 100;
        }
        .visible",
    );
    let driver = driver();
    let out = driver
        .run(&text, threads(4), &[&[0; 16]])
        .unwrap_or_else(|code| panic!("{code}: {}", driver.message()));
    assert_eq!(words(&out[0]), [0, 1, 5, 110]);
}

#[test]
fn barriers_reduce() {
    let got = per_thread(
        96,
        "
        setp.lt.u32 %q0, %r0, 40;
        bar.red.popc.u32 %r1, 1, %q0;
        bar.red.and.pred %q1, 1, %q0;
        bar.red.or.pred %q2, 1, !%q0;
        @%q1 add.u32 %r1, %r1, 1000;
        @%q2 add.u32 %r1, %r1, 100;",
    );
    assert_eq!(got, [140; 96]);
}

/// One warp produces, one consumes, by barriers for 64 threads.
#[test]
fn barriers_with_a_count_hand_over() {
    let text = kernel(
        1,
        "
        .shared .align 4 .b8 buffer[128];
        and.b32 %r1, %r0, 31;
        shl.b32 %r1, %r1, 2;
        mov.u32 %r2, buffer;
        add.u32 %r2, %r2, %r1;
        setp.ge.u32 %q0, %r0, 32;
        @%q0 bra CONSUMER;
        st.shared.u32 [%r2], %r0;
        bar.arrive 1, 64;
        bar.sync 2, 64;
        ret;
    CONSUMER:
        bar.sync 1, 64;
        ld.shared.u32 %r3, [%r2];
        cvt.u64.u32 %d0, %r1;
        add.u64 %d0, %d0, %p0;
        st.global.u32 [%d0], %r3;
        bar.arrive 2, 64;",
    );
    let driver = driver();
    let out = driver
        .run(&text, threads(64), &[&[0; 128]])
        .unwrap_or_else(|code| panic!("{code}: {}", driver.message()));
    assert_eq!(words(&out[0]), (0..32).collect::<Vec<u32>>());
}

#[test]
fn threads_may_exit_before_a_barrier() {
    let got = per_thread(
        50,
        "
        .shared .align 4 .u32 cell;
        mul.wide.u32 %d0, %r0, 4;
        setp.ge.u32 %q0, %r0, 40;
        @%q0 ret;
        setp.eq.u32 %q1, %r0, 3;
        @%q1 st.shared.u32 [cell], 77;
        bar.sync 0;
        ld.shared.u32 %r1, [cell];",
    );
    assert_eq!(got[..40], [77; 40]);
    assert_eq!(got[40..], [0; 10]);
}

#[test]
fn grids_and_blocks_have_three_axes() {
    let text = kernel(
        1,
        "
        mov.u32 %r1, %ctaid.z;
        mov.u32 %r2, %nctaid.y;
        mov.u32 %r3, %ctaid.y;
        mad.lo.u32 %r1, %r1, %r2, %r3;
        mov.u32 %r2, %nctaid.x;
        mov.u32 %r3, %ctaid.x;
        mad.lo.u32 %r1, %r1, %r2, %r3;
        mov.u32 %r4, %tid.z;
        mov.u32 %r2, %ntid.y;
        mov.u32 %r3, %tid.y;
        mad.lo.u32 %r4, %r4, %r2, %r3;
        mov.u32 %r2, %ntid.x;
        mad.lo.u32 %r4, %r4, %r2, %r0;
        mad.lo.u32 %r5, %r1, 24, %r4;
        mul.wide.u32 %d0, %r5, 4;
        add.u64 %d0, %d0, %p0;
        st.global.u32 [%d0], %r5;",
    );
    let driver = driver();
    let shape = Shape {
        grid: [3, 2, 2],
        block: [4, 3, 2],
        shared: 0,
    };
    let out = driver.run(&text, shape, &[&[0; 4 * 12 * 24]]).unwrap();
    assert_eq!(words(&out[0]), (0..288).collect::<Vec<u32>>());
}

#[test]
fn directives_are_read_and_kept() {
    let text = format!(
        "{HEADER}
        .file 1 \"a.cu\"
        .visible .entry k()
        .maxntid 64, 1, 1
        .minnctapersm 2
        {{
            .loc 1 2 3
            .pragma \"nounroll\";
            ret;
        }}"
    );
    let driver = driver();
    assert_eq!(driver.run(&text, threads(64), &[]), Ok(vec![]));
    assert_eq!(driver.run(&text, threads(65), &[]), Err(1));
}
