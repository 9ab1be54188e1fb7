//! What a large network costs the compiler: `cargo check` of a hundred linear layers written out,
//! against an empty program.
//!
//! Both are checked in a package of their own whose dependencies have been built before, in the
//! debug profile, as an editor does it after every change.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The goal, and what a busy machine may add to it.
const GOAL: Duration = Duration::from_secs(3);
const SLACK: Duration = Duration::from_secs(3);

fn deep(layers: usize) -> String {
    let mut text = String::from("use netform::prelude::*;\nnetwork! {\n    pub struct Deep {\n");
    // Writing to a String cannot fail.
    for i in 1..=layers {
        let _ = writeln!(text, "        linear_{i}: Linear(32 -> 32),");
    }
    text += "    }\n    fn forward(x: [B, 32]) -> [B, 32] {\n";
    for i in 1..=layers {
        let _ = writeln!(text, "        let x = relu(linear_{i}(x));");
    }
    text += "        x\n    }\n    fn loss(x: [B, 32], y: [B, 32]) -> [] { mse_loss(forward(x), y) }\n}\n";
    text += "fn main() { let _ = Deep::new(Cpu::new(), 1).and_then(|mut n| n.loss_backward(&[[0.0f32; 32]; 2], &[[0.0f32; 32]; 2])); }\n";
    text
}

/// The shortest of a few runs of `cargo check` after a change of `main.rs`.
fn check(package: &Path, main: &str) -> Duration {
    let mut best = Duration::MAX;
    for round in 0..3 {
        std::fs::write(package.join("src/main.rs"), format!("{main}// {round}\n"))
            .expect("the program");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["check", "--quiet", "--offline", "--target-dir"])
            .arg(package.join("target"));
        cargo.current_dir(package);
        let begin = Instant::now();
        assert!(cargo.status().expect("cargo runs").success());
        // The first round builds what the program depends on.
        if round > 0 {
            best = best.min(begin.elapsed());
        }
    }
    best
}

#[test]
fn a_hundred_layers() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = format!(
        "[package]\nname = \"deep\"\nedition = \"2024\"\n[dependencies]\nnetform = {{ path = {root:?} }}\n[workspace]\n"
    );
    std::fs::create_dir(folder.path().join("src")).expect("a folder");
    std::fs::write(folder.path().join("Cargo.toml"), manifest).expect("the manifest");
    // The versions that are at hand.
    std::fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock"))
        .expect("the lock file");
    let empty = check(folder.path(), "use netform::prelude as _;\nfn main() {}\n");
    let full = check(folder.path(), &deep(100));
    let added = full.saturating_sub(empty);
    println!(
        "a network of 100 layers adds {added:.2?} to `cargo check` ({full:.2?}, empty {empty:.2?})"
    );
    assert!(added < GOAL + SLACK, "{added:.2?} for 100 layers");
}
