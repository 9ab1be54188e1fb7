//! Planted errors: each must be found and reported with kernel, line, block and thread.

use crate::harness::{Shape, cuda, emulated_driver, kernel, threads};

/// Runs a faulty body and checks the code, the reported place and the message.
fn fault(body: &str, shape: Shape, code: i32, marked: &str, place: &str, says: &str) {
    let text = kernel(1, body);
    let Some(driver) = emulated_driver() else {
        return;
    };
    let got = driver.run(&text, shape, &[&[0; 256]]);
    let message = driver.message();
    assert_eq!(got, Err(code), "{message}");
    let line = text.lines().position(|l| l.contains(marked)).unwrap() + 1;
    let want = format!("kernel k, PTX line {line}: ");
    assert!(message.starts_with(&want), "{message}: not {want}");
    assert!(message.contains(place), "{message}: not {place}");
    assert!(message.contains(says), "{message}: not {says}");
    // The error stays, as on a GPU.
    assert_eq!(cuda!(cuCtxSynchronize()), code);
    driver.reset();
}

#[test]
fn an_index_too_far() {
    fault(
        "mul.wide.u32 %d0, %r0, 8;\nadd.u64 %d0, %d0, %p0;\nst.global.b32 [%d0], %r0;",
        threads(64),
        700,
        "st.global.b32",
        "block (0, 0, 0), thread (32, 0, 0)",
        "writes 4 bytes out of bounds of global memory, at offset 256 of an allocation of 256 bytes",
    );
}

#[test]
fn a_shared_address_used_as_global() {
    fault(
        ".shared .align 4 .b8 x[64];\nmov.u64 %d0, x;\nld.global.b32 %r1, [%d0];",
        threads(1),
        700,
        "ld.global",
        "thread (0, 0, 0)",
        "which is in no allocation",
    );
}

#[test]
fn the_second_block_misses() {
    let shape = Shape {
        grid: [2, 2, 1],
        block: [2, 2, 1],
        shared: 0,
    };
    fault(
        "mov.u32 %r1, %ctaid.y;\nmov.u32 %r2, %tid.y;\nand.b32 %r1, %r1, %r2;\n\
         mul.wide.u32 %d0, %r1, 1024;\nadd.u64 %d0, %d0, %p0;\nld.global.b32 %r3, [%d0];",
        shape,
        700,
        "ld.global",
        "block (0, 1, 0), thread (0, 1, 0)",
        "reads 4 bytes out of bounds",
    );
}

#[test]
fn misaligned() {
    fault(
        "add.u64 %d0, %p0, 4;\nld.global.v2.f32 {%f0, %f1}, [%d0];",
        threads(1),
        716,
        "ld.global.v2",
        "thread (0, 0, 0)",
        "misaligned",
    );
    fault(
        ".shared .align 16 .b8 x[64];\nmov.u32 %r1, x;\nst.shared.v4.b32 [%r1+8], {%r0, %r0, %r0, %r0};",
        threads(1),
        716,
        "st.shared.v4",
        "thread (0, 0, 0)",
        "misaligned",
    );
}

#[test]
fn shared_local_and_parameter_bounds() {
    fault(
        ".shared .align 4 .b8 x[64];\nshl.b32 %r1, %r0, 2;\nmov.u32 %r2, x;\nadd.u32 %r2, %r2, %r1;\n\
         st.shared.b32 [%r2], %r0;",
        threads(32),
        700,
        "st.shared",
        "thread (16, 0, 0)",
        "out of bounds",
    );
    fault(
        ".local .align 4 .b8 x[8];\nst.local.b32 [x+8], %r0;",
        threads(2),
        700,
        "st.local",
        "thread (0, 0, 0)",
        "out of bounds",
    );
    fault(
        "ld.param.u64 %d0, [p0+8];",
        threads(1),
        700,
        "[p0+8]",
        "thread (0, 0, 0)",
        "parameter",
    );
}

#[test]
fn shared_memory_read_before_written() {
    fault(
        ".shared .align 4 .b8 x[128];\nshl.b32 %r1, %r0, 2;\nmov.u32 %r2, x;\nadd.u32 %r2, %r2, %r1;\n\
         setp.ne.u32 %q0, %r0, 5;\n@%q0 st.shared.b32 [%r2], %r0;\nbar.sync 0;\nld.shared.b32 %r3, [%r2];",
        threads(32),
        719,
        "ld.shared",
        "thread (5, 0, 0)",
        "nothing in this block has written",
    );
}

#[test]
fn an_asynchronous_copy_not_waited_for() {
    fault(
        ".shared .align 16 .b8 x[64];\nmov.u32 %r1, x;\ncp.async.ca.shared.global [%r1], [%p0], 16;\n\
         cp.async.commit_group;\nld.shared.b32 %r3, [%r1];\ncp.async.wait_group 0;",
        threads(1),
        719,
        "ld.shared",
        "thread (0, 0, 0)",
        "cp.async",
    );
}

const NEIGHBOUR: &str = ".shared .align 4 .b8 x[512];\nshl.b32 %r1, %r0, 2;\nmov.u32 %r2, x;\n\
    add.u32 %r2, %r2, %r1;\nst.shared.b32 [%r2], %r0;\nMIDDLE\nxor.b32 %r4, %r0, FLIP;\n\
    shl.b32 %r4, %r4, 2;\nmov.u32 %r5, x;\nadd.u32 %r4, %r4, %r5;\nld.shared.b32 %r3, [%r4];";

fn neighbour(middle: &str, flip: &str) -> String {
    NEIGHBOUR.replace("MIDDLE", middle).replace("FLIP", flip)
}

#[test]
fn a_missing_barrier() {
    // Between warps, a barrier of the warp is not enough.
    fault(
        &neighbour("bar.warp.sync -1;\nsetp.ge.u32 %q0, %r0, 32;", "32")
            .replace("ld.shared", "@%q0 ld.shared"),
        threads(64),
        719,
        "ld.shared",
        "thread (32, 0, 0)",
        "race: reads shared memory at offset 0x0, which thread (0, 0, 0) wrote with no barrier",
    );
    // If the writer has not run yet, the memory is unwritten.
    fault(
        &neighbour("", "32"),
        threads(64),
        719,
        "ld.shared",
        "thread (0, 0, 0)",
        "nothing in this block has written",
    );
    // Lanes are not ordered without a barrier.
    fault(
        &neighbour("", "1"),
        threads(32),
        719,
        "ld.shared",
        "thread (0, 0, 0)",
        "which thread (1, 0, 0) wrote",
    );
}

#[test]
fn a_missing_second_barrier() {
    // Overwrites memory that the other warp has read, without a barrier after the read.
    let again = "\nsetp.ge.u32 %q0, %r0, 32;\n@%q0 st.shared.b32 [%r2], %r3; // again";
    fault(
        &(neighbour("bar.sync 0;", "32") + again),
        threads(64),
        719,
        "again",
        "thread (32, 0, 0)",
        "which thread (0, 0, 0) read with no barrier in between",
    );
    // Overwrites memory that the other warp has not read yet.
    fault(
        &(neighbour("bar.sync 0;", "32") + "\nst.shared.b32 [%r2], %r3;"),
        threads(64),
        719,
        "ld.shared",
        "thread (32, 0, 0)",
        "which thread (0, 0, 0) wrote with no barrier in between",
    );
}

#[test]
fn races_that_are_none() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    for body in [
        neighbour("bar.sync 0;", "32"),
        neighbour("bar.warp.sync -1;", "1"),
        neighbour("bar.sync 0;", "32") + "\nbar.sync 0;\nst.shared.b32 [%r2], %r3;",
        // All threads write the same value.
        ".shared .align 4 .b8 x[4];\nst.shared.b32 [x], 7;".to_string(),
    ] {
        let got = driver.run(&kernel(1, &body), threads(64), &[&[0; 256]]);
        assert!(got.is_ok(), "{}", driver.message());
    }
}

#[test]
fn a_barrier_in_divergent_code() {
    fault(
        "setp.lt.u32 %q0, %r0, 16;\n@!%q0 bra PAST;\nbar.sync 0;\nPAST:\nmul.wide.u32 %d0, %r0, 4;\n\
         add.u64 %d0, %d0, %p0;\nst.global.b32 [%d0], %r0;",
        threads(32),
        719,
        "ret;",
        "thread (16, 0, 0)",
        "barrier that not all threads reach",
    );
}

#[test]
fn two_barriers_that_wait_for_each_other() {
    fault(
        "setp.lt.u32 %q0, %r0, 32;\n@%q0 bra LOW;\nbar.sync 1;\nbra PAST;\nLOW:\nbar.sync 2;\nPAST:",
        threads(64),
        719,
        "bar.sync 2",
        "thread (0, 0, 0)",
        "barrier that not all threads reach: of 64 threads, 32 threads at barrier 2",
    );
}

#[test]
fn lanes_that_never_come() {
    fault(
        "setp.lt.u32 %q0, %r0, 16;\n@%q0 bra LOW;\nbar.sync 1;\nLOW:\nshfl.sync.idx.b32 %r1, %r0, 0, 31, -1;",
        threads(32),
        719,
        "shfl.sync",
        "thread (0, 0, 0)",
        "waits for threads of its warp",
    );
}

#[test]
fn an_endless_loop() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    driver.set("NETFORM_EMULATOR_MAX_STEPS", "100000");
    let text = kernel(0, "AGAIN:\nadd.u32 %r1, %r1, 1;\nbra AGAIN;");
    assert_eq!(driver.run(&text, threads(32), &[]), Err(702));
    let message = driver.message();
    assert!(
        message.contains("infinite loop") && message.contains("kernel k, PTX line"),
        "{message}"
    );
}

#[test]
fn blocks_that_write_to_one_place() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    let text = kernel(1, "mov.u32 %r1, %ctaid.x;\nst.global.b32 [%p0], %r1;");
    let shape = Shape {
        grid: [2, 1, 1],
        ..threads(1)
    };
    assert!(driver.run(&text, shape, &[&[0; 4]]).is_ok());
    driver.set("CHECK_BLOCKS", "1");
    assert_eq!(driver.run(&text, shape, &[&[0; 4]]), Err(719));
    let message = driver.message();
    assert!(
        message.contains("race between blocks") && message.contains("block (1, 0, 0)"),
        "{message}"
    );
}

#[test]
fn what_is_not_known_is_named() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    for (instruction, says) in [
        ("wgmma.fence.sync.aligned;", "not known to the emulator"),
        ("cp.async.bulk.commit_group;", "not known to the emulator"),
        (
            "cp.async.bulk.tensor.2d.shared::cluster.global.tile [%r1], [%d0, {%r2, %r3}], [%r4];",
            "not known",
        ),
        (
            "add.wild.u32 %r1, %r1, 1;",
            "suffix .wild not known to the emulator",
        ),
        ("add.u32 %r1, %d1, 1;", "does not fit"),
        ("add.u32 %nowhere, %r1, 1;", "not a declared register"),
        ("bra NOWHERE;", "not a label"),
        ("mov.u32 %r1;", "mov takes"),
        ("add.u32 %r1, %r1;", "takes 2 sources"),
        ("cvt.s32.f32 %r1, %f1;", "needs .rni"),
        ("ld.shared.b32 %r1, [p0];", "param memory"),
        ("add.u64 %d1, %d1, p0;", "goes through mov"),
    ] {
        let text = kernel(1, instruction);
        assert_eq!(driver.load(&text), Err(218), "{instruction}");
        let message = driver.message();
        let line = text.lines().position(|l| l == instruction).unwrap() + 1;
        assert!(
            message.contains(&format!("kernel k, PTX line {line}: ")),
            "{message}"
        );
        assert!(message.contains(says), "{message}: not {says}");
        assert!(
            message.contains(instruction.split(' ').next().unwrap().trim_end_matches(';')),
            "{message}"
        );
    }
}

/// Invalid texts are refused, whatever the error.
#[test]
fn broken_texts_do_no_harm() {
    let Some(driver) = emulated_driver() else {
        return;
    };
    let whole = include_str!("../ptx/mma_sm80.ptx");
    for end in (1..whole.len()).step_by(97) {
        let _ = driver.load(&whole[..end]);
    }
    for hole in (0..whole.len() - 4).step_by(41) {
        let text = format!("{}{}", &whole[..hole], &whole[hole + 3..]);
        let _ = driver.load(&text);
    }
    // Texts that still load are run, with too little memory.
    for (text, name) in [
        (whole, "mma_bf16_16x8x16"),
        (include_str!("../ptx/reduce.ptx"), "block_sum"),
        (include_str!("../ptx/sfu.ptx"), "sfu"),
    ] {
        for hole in (0..text.len() - 1).step_by(7) {
            let text = format!("{}{}", &text[..hole], &text[hole + 1..]);
            let Some(function) = driver.load(&text).ok().and_then(|m| driver.find(m, name)) else {
                continue;
            };
            driver.set("MAX_STEPS", "10000");
            let buffer = driver.upload(&[0; 512]);
            driver.launch(function, threads(32), 0, &[buffer, buffer, buffer]);
            driver.reset();
            driver.start();
        }
    }
    let deep = format!(
        ".version 8.0\n.target sm_80\n.entry k() {{{}",
        "{".repeat(100_000)
    );
    assert!(driver.load(&deep).is_err());
    let deep = format!(
        ".version 8.0\n.target sm_80\n.global .u32 x = {}1;",
        "(".repeat(100_000)
    );
    assert!(driver.load(&deep).is_err());
}
