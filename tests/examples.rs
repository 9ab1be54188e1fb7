//! Every example, on a short run: it ends in one plain line, and its result makes sense.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// An example's program, built if it is not there yet (a test that runs alone does not ask for it).
fn program(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    let me = std::env::current_exe().expect("a test has a path");
    let profile = me
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps");
    BUILT.call_once(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--examples", "--manifest-path"]);
        cargo.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
        cargo.arg("--target-dir").args(profile.parent());
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success());
    });
    profile
        .join("examples")
        .join(name)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

/// Runs an example from a folder of its own; returns what its last line says after `label`, and
/// the folder with what it wrote.
fn last_line(name: &str, args: &[&str], label: &str) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program(name));
    command
        .args(args)
        .arg("--out")
        .arg(folder.path())
        .current_dir(folder.path());
    let done = command.output().expect("it runs");
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(done.status.success(), "{name}: {out}\n{err}");
    let last = out.lines().last().unwrap_or_default();
    let rest = last.strip_prefix(label);
    (
        rest.unwrap_or_else(|| panic!("{name} ends in `{last}`, not in `{label}..`"))
            .to_owned(),
        folder,
    )
}

fn number(text: &str, unit: &str) -> f64 {
    let digits = text
        .strip_suffix(unit)
        .unwrap_or_else(|| panic!("`{text}` is not in `{unit}`"));
    digits
        .parse()
        .unwrap_or_else(|_| panic!("`{digits}` is no number"))
}

#[test]
fn computation_graph() {
    let (result, out) = last_line("computation_graph", &[], "f(2, 1) = ");
    assert_eq!(result, "6, df/dx = 5, df/dy = 6");
    for ending in ["svg", "dot"] {
        assert!(
            out.path()
                .join("computation_graph")
                .with_extension(ending)
                .exists()
        );
    }
    let (result, _) = last_line(
        "computation_graph",
        &["--x", "-3", "--y", "0.5"],
        "f(-3, 0.5) = ",
    );
    assert_eq!(result, "3, df/dx = -2.5, df/dy = 6");
}

#[test]
fn simple_mlp() {
    let (loss, out) = last_line("simple_mlp", &[], "loss: ");
    let short = number(&last_line("simple_mlp", &["--epochs", "5"], "loss: ").0, "");
    let loss = number(&loss, "");
    assert!(
        loss > 0.0 && loss < short && short < 0.5,
        "{loss} after 100 epochs, {short} after 5"
    );
    let weights = netform::files::safetensors::read(out.path().join("simple_mlp.safetensors"));
    let weights = weights.expect("a safetensors file");
    assert_eq!(weights.len(), 6);
    let (name, first) = &weights[1];
    assert_eq!(
        (name.as_str(), first.shape()),
        ("linear_1.weight", &[10, 8][..])
    );
}

#[test]
fn mnist_mlp() {
    let args = ["--epochs", "2", "--train-samples", "3000"];
    let (accuracy, out) = last_line("mnist_mlp", &args, "test accuracy: ");
    let accuracy = number(&accuracy, " %");
    assert!(accuracy > 85.0 && accuracy < 98.0, "{accuracy} %");
    for file in [
        "mnist_mlp.safetensors",
        "mnist_mlp_loss.svg",
        "mnist_mlp_accuracy.svg",
    ] {
        assert!(out.path().join(file).exists(), "{file}");
    }
    let curve = std::fs::read_to_string(out.path().join("mnist_mlp_loss.svg")).expect("the curve");
    roxmltree::Document::parse(&curve).expect("well-formed XML");
}

#[test]
fn house_prices() {
    let args = ["--epochs", "25", "--networks", "1"];
    let (error, _) = last_line("house_prices", &args, "test error: ");
    let error = number(&error, " dollars");
    assert!(error > 20_000.0 && error < 34_000.0, "{error} dollars");
}
