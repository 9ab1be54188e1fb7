//! The compile time of a large network: `cargo check` of a hundred written-out linear layers, against an empty program;
//! and a language model of 4 and 48 blocks, which must take the same time.
//!
//! Both are checked in a separate package whose dependencies have been built before, in the debug profile, as an editor
//! does after every change.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proc_macro2::{TokenStream, TokenTree};

/// The package of both tests. Two measurements at once would disturb each other.
static PACKAGE: LazyLock<Mutex<PathBuf>> = LazyLock::new(|| Mutex::new(make_package()));

fn package() -> MutexGuard<'static, PathBuf> {
    PACKAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The goal, and an allowance for a busy machine.
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

/// `cargo check` after a change of `main.rs`.
fn check(package: &Path, main: &str) -> Duration {
    std::fs::write(package.join("src/main.rs"), main).expect("the program");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["check", "--quiet", "--offline", "--target-dir"])
        .arg(package.join("target"));
    cargo.current_dir(package);
    let begin = Instant::now();
    assert!(cargo.status().expect("cargo runs").success());
    begin.elapsed()
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

/// A network of unlike layers, as in DenseNet: each adds its channels to those before it.
const UNLIKE: &str = "pub struct Unlike<const N: usize> {
    norm: BatchNorm2d(8 * N),
    conv: Conv2d(8 * N -> 8, 3, padding = 1, bias = false),
}
fn forward(x: [B, 8 * N, H, W]) -> [B, 8 * N + 8, H, W] {
    cat([x, conv(relu(norm(x)))], dim = 1)
}";

fn unlike(blocks: usize) -> String {
    let fields: String = (1..=blocks)
        .map(|n| format!("    block_{n}: Unlike<{n}>,\n"))
        .collect();
    let calls: String = (1..=blocks)
        .map(|n| format!("    let x = block_{n}(x);\n"))
        .collect();
    format!(
        "pub struct Dense {{
{fields}    head: Linear({channels} -> 10),
}}
fn forward(x: [B, 8, H, W]) -> [B, 10] {{
{calls}    head(adaptive_avg_pool2d(x, 1).flatten(1))
}}
fn loss(x: [B, 8, H, W], class: u32[B]) -> [] {{ cross_entropy(forward(x), class) }}",
        channels = 8 * blocks + 8
    )
}

/// The time of one expansion, and its number of tokens.
fn expand(network: &str, block: &str) -> (Duration, usize) {
    fn count(tokens: TokenStream) -> usize {
        let inner = |t| match t {
            TokenTree::Group(g) => 1 + count(g.stream()),
            _ => 1,
        };
        tokens.into_iter().map(inner).sum()
    }
    let text = format!("[::netform] {{ {network} }} {{ {{ {block} }} }}");
    let tokens = text.parse().expect("tokens");
    let begin = Instant::now();
    let call = netform_compiler::call::Call::read(tokens);
    let code = netform_compiler::expand_call(&call, "");
    let took = begin.elapsed();
    assert!(!code.to_string().contains("compile_error"));
    (took, count(code))
}

/// The shortest of many runs of each, in turns, so that a busy moment affects all alike.
fn shortest<const N: usize>(
    rounds: usize,
    mut once: impl FnMut(usize) -> Duration,
) -> [Duration; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..rounds {
        for (k, best) in best.iter_mut().enumerate() {
            *best = once(k).min(*best);
        }
    }
    best
}

#[test]
fn forty_eight_blocks_cost_what_four_do() {
    let folder = package();
    let blocks = [4, 48];
    let main = blocks.map(|blocks| {
        let text = gpt(blocks);
        format!(
            "use netform::prelude::*;\nnetwork! {{ {BLOCK} }}\nnetwork! {{ {text} }}\nfn main() {{ let _ = Gpt::new(Cpu::new(), 1).and_then(|mut n| n.loss_step(&mut AdamW::new(1e-3), &[[1u32]], &[[2u32]])); }}\n"
        )
    });
    // Builds the program's dependencies; later checks change only the program.
    check(&folder, &main[1]);
    let check: [Duration; 2] = shortest(7, |k| check(&folder, &main[k]));
    let expansion: [Duration; 2] = shortest(15, |k| expand(&gpt(blocks[k]), BLOCK).0);
    let mut seen = Vec::new();
    for (k, blocks) in blocks.into_iter().enumerate() {
        let (check, expansion) = (check[k], expansion[k]);
        let tokens = expand(&gpt(blocks), BLOCK).1;
        println!(
            "{blocks:2} blocks: `cargo check` {check:.2?}, expansion {expansion:.2?} to {tokens} tokens"
        );
        let [check, expansion] = [check, expansion].map(|d| d.as_secs_f64());
        seen.push([check, expansion, tokens as f64]);
    }
    for (k, what) in ["`cargo check`", "expansion", "tokens"].iter().enumerate() {
        let (few, many) = (seen[0][k], seen[1][k]);
        assert!(
            many <= 1.2 * few,
            "{what}: {few} for 4 blocks, {many} for 48"
        );
    }
}

/// rustc's time grows with the tokens. Steps that differ only in their sizes and views share a function, so a layer of the
/// same kind with other sizes adds calls only.
#[test]
fn unlike_layers_share_their_steps() {
    let [few, many] = [16, 32].map(|blocks| expand(&unlike(blocks), UNLIKE).1);
    let added = (many - few) / 16;
    println!("{few} tokens for 16 unlike layers, {added} for each further one");
    assert!(added < 4000, "{added} tokens for each further layer");
}

/// An empty package that depends on netform, in the target folder.
fn make_package() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deep");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = format!(
        "[package]\nname = \"deep\"\nedition = \"2024\"\n[dependencies]\nnetform = {{ path = {root:?} }}\n[profile.dev]\ndebug = false\n[workspace]\n"
    );
    std::fs::create_dir_all(folder.join("src")).expect("a folder");
    std::fs::write(folder.join("Cargo.toml"), manifest).expect("the manifest");
    // The locked versions, which are available offline.
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the lock file");
    folder
}

#[test]
fn a_hundred_layers() {
    let folder = package();
    let main = [
        "use netform::prelude as _;\nfn main() {}\n".to_owned(),
        deep(100),
    ];
    // Builds the program's dependencies; later checks change only the program.
    check(&folder, &main[1]);
    let [empty, full] = shortest(3, |k| check(&folder, &main[k]));
    let added = full.saturating_sub(empty);
    println!(
        "a network of 100 layers adds {added:.2?} to `cargo check` ({full:.2?}, empty {empty:.2?})"
    );
    assert!(added < GOAL + SLACK, "{added:.2?} for 100 layers");
}
