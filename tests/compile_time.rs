//! What a large network costs the compiler: `cargo check` of a hundred linear layers written out,
//! against an empty program; and a language model of 4, 12 and 48 blocks, which must cost the same.
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

fn cargo(package: &Path, command: &str) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([command, "--quiet", "--offline", "--target-dir"])
        .arg(package.join("target"));
    cargo.current_dir(package);
    assert!(cargo.status().expect("cargo runs").success());
}

/// The shortest of a few runs of `cargo check` after a change of `main.rs`.
fn check(package: &Path, main: &str) -> Duration {
    let mut best = Duration::MAX;
    for round in 0..3 {
        std::fs::write(package.join("src/main.rs"), format!("{main}// {round}\n"))
            .expect("the program");
        let begin = Instant::now();
        cargo(package, "check");
        // The first round builds what the program depends on.
        if round > 0 {
            best = best.min(begin.elapsed());
        }
    }
    best
}

const BLOCK: &str = "pub struct Block<const D: usize, const HEADS: usize> {
    norm_1: LayerNorm(D),
    attention: MultiheadAttention(D, num_heads = HEADS),
    norm_2: LayerNorm(D),
    up: Linear(D -> 4 * D),
    down: Linear(4 * D -> D),
}
fn forward(x: [B, T, D]) -> [B, T, D] {
    let x = x + attention(norm_1(x), is_causal = true);
    x + down(gelu(up(norm_2(x))))
}";

fn gpt(blocks: usize) -> String {
    format!(
        "pub struct Gpt {{
    token: Embedding(65 -> 128),
    position: Embedding(64 -> 128),
    blocks: [Block<128, 4>; {blocks}],
    norm: LayerNorm(128),
    head: Linear(128 -> 65, bias = false),
}}
fn forward(tokens: u32[B, T]) -> [B, T, 65] {{
    let mut x = token(tokens) + position(arange(T));
    for block in blocks {{ x = block(x); }}
    head(norm(x))
}}
fn loss(tokens: u32[B, T], targets: u32[B, T]) -> [] {{
    cross_entropy(forward(tokens), targets)
}}"
    )
}

/// The shortest expansion of a few.
fn expansion(blocks: usize) -> Duration {
    let text = format!("[::netform] {{ {} }} {{ {{ {BLOCK} }} }}", gpt(blocks));
    let once = || {
        let tokens = text.parse().expect("tokens");
        let begin = Instant::now();
        let call = netform_compiler::unit::Call::read(tokens);
        let code = netform_compiler::expand_call(&call, "");
        let took = begin.elapsed();
        assert!(!code.to_string().contains("compile_error"));
        took
    };
    (0..20).map(|_| once()).min().unwrap_or_default()
}

#[test]
fn forty_eight_blocks_cost_what_four_do() {
    let folder = package();
    let mut seen = Vec::new();
    for blocks in [4, 12, 48] {
        let text = gpt(blocks);
        let main = format!(
            "use netform::prelude::*;\nnetwork! {{ {BLOCK} }}\nnetwork! {{ {text} }}\nfn main() {{ let _ = Gpt::new(Cpu::new(), 1).and_then(|mut n| n.loss_step(&mut AdamW::new(1e-3), &[[1u32]], &[[2u32]])); }}\n"
        );
        let check = check(folder.path(), &main);
        let expansion = expansion(blocks);
        cargo(folder.path(), "build");
        let size = std::fs::metadata(folder.path().join("target/debug/deep"))
            .expect("the program")
            .len();
        println!(
            "{blocks:2} blocks: `cargo check` {check:.2?}, expansion {expansion:.2?}, program {size} bytes"
        );
        seen.push((check.as_secs_f64(), expansion.as_secs_f64(), size as f64));
    }
    let (four, many) = (seen[0], seen[2]);
    for (what, few, many) in [
        ("`cargo check`", four.0, many.0),
        ("expansion", four.1, many.1),
        ("program", four.2, many.2),
    ] {
        assert!(
            many <= 1.2 * few,
            "{what}: {few} for 4 blocks, {many} for 48"
        );
    }
}

/// An empty package that depends on netform.
fn package() -> tempfile::TempDir {
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
    folder
}

#[test]
fn a_hundred_layers() {
    let folder = package();
    let empty = check(folder.path(), "use netform::prelude as _;\nfn main() {}\n");
    let full = check(folder.path(), &deep(100));
    let added = full.saturating_sub(empty);
    println!(
        "a network of 100 layers adds {added:.2?} to `cargo check` ({full:.2?}, empty {empty:.2?})"
    );
    assert!(added < GOAL + SLACK, "{added:.2?} for 100 layers");
}
