//! Planted errors that the emulator's own tests do not plant: a spill, which the assembler must refuse as `check.sh`
//! asks it to, and results that no thread writes.

mod harness;

use std::path::PathBuf;
use std::process::Command;

use harness::{Gpu, function};
use netform_ptx::{Arg, DType, Scalar, Scalars, map};

/// NVIDIA's assembler, in the folder of `check.sh`; with `REQUIRE_PTXAS=1` the test fails if it is missing.
fn ptxas() -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/planted
    let target = test.ancestors().nth(3).unwrap();
    let ptxas = target.join("ptxas/nvidia/cuda_nvcc/bin/ptxas");
    let required = std::env::var_os("REQUIRE_PTXAS").is_some_and(|v| v != "0");
    assert!(
        ptxas.exists() || !required,
        "{} is not there: run ptx/check.sh",
        ptxas.display()
    );
    ptxas.exists().then_some(ptxas)
}

/// A kernel that has this many live values at a time, for blocks of 1024 threads: 64 registers for each.
fn kernel(values: usize) -> String {
    let mut text = String::from(
        ".version 7.0\n.target sm_75\n.address_size 64\n\
         .visible .entry k(.param .u64 p)\n.maxntid 1024, 1, 1\n{\n    .reg .u64 %at;\n",
    );
    text += &format!("    .reg .f32 %v<{values}>;\n    ld.param.u64 %at, [p];\n");
    for k in 0..values {
        text += &format!("    ld.volatile.global.f32 %v{k}, [%at+{}];\n", 4 * k);
    }
    for k in (0..values).rev() {
        text += &format!(
            "    st.volatile.global.f32 [%at+{}], %v{k};\n",
            4 * (values - 1 - k)
        );
    }
    text + "    ret;\n}\n"
}

#[test]
fn a_spill_does_not_assemble() {
    let Some(ptxas) = ptxas() else { return };
    let folder = std::env::temp_dir().join(format!("netform-spill-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let assemble = |values: usize| {
        let file = folder.join(format!("{values}.ptx"));
        std::fs::write(&file, kernel(values)).unwrap();
        let mut command = Command::new(&ptxas);
        command.args([
            "-arch=sm_90",
            "-v",
            "--warning-as-error",
            "--warn-on-spills",
        ]);
        let output = command
            .args(["-o", "/dev/null"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (
            output.status.success(),
            text + &String::from_utf8_lossy(&output.stdout),
        )
    };
    let (fits, text) = assemble(20);
    assert!(fits, "{text}");
    let (fits, text) = assemble(200);
    assert!(!fits && text.contains("spill"), "{text}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The emulator's fresh memory is NaN, so a missing write is visible in every read.
#[test]
fn a_result_that_nobody_writes_is_no_number() {
    let mut gpu = Gpu::default();
    if !gpu.marks_fresh_memory() {
        return;
    }
    let n = 300;
    let (x, y) = (gpu.array(&vec![1.5f32; n]), gpu.space(4 * n));
    let arg = Arg {
        addr: x,
        start: 0,
        strides: vec![1],
    };
    let body = function(Scalar::Neg, &[DType::Float]);
    gpu.run(map(&body, &[n - 1], &[arg], &[y], Scalars::Values(&[])));
    let found = gpu.read::<f32>(y, n);
    assert!(found[..n - 1].iter().all(|v| *v == -1.5));
    assert!(found[n - 1].is_nan(), "{}", found[n - 1]);
}
