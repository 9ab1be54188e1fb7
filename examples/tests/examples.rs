//! Every example, on a run of a few steps: it prints one plain last line, and writes its files. With `NETFORM_FULL=1` the
//! runs are longer, and the results must be good.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::time::SystemTime;

/// When the last source of the workspace's libraries and examples was changed.
fn changed(folder: &Path) -> SystemTime {
    let mut last = SystemTime::UNIX_EPOCH;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let at = match path.is_dir() {
            true => changed(&path),
            false => path.metadata().and_then(|m| m.modified()).expect("a file"),
        };
        last = last.max(at);
    }
    last
}

/// Whether all programs are there, and newer than their sources. `cargo test` builds them, but not for a single test.
fn are_current(examples: &Path) -> bool {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [
        "src",
        "core/src",
        "runtime/src",
        "macros",
        "ptx/src",
        "ptx/kernels",
    ];
    let sources = sources.map(|folder| changed(&root.join("..").join(folder)));
    let last = sources.into_iter().fold(changed(root), SystemTime::max);
    let programs = std::fs::read_dir(root).expect("a folder").flatten();
    let programs = programs.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        name.strip_suffix(".rs").map(str::to_owned)
    });
    programs.into_iter().all(|name| {
        let program = examples
            .join(name)
            .with_extension(std::env::consts::EXE_EXTENSION);
        let built = program.metadata().and_then(|m| m.modified());
        built.is_ok_and(|built| built >= last)
    })
}

/// An example's program, built if it is not there.
fn program(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    let me = std::env::current_exe().expect("a test has a path");
    let profile = me
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps");
    BUILT.call_once(|| {
        // Programs without the feature would be as new.
        if !cfg!(feature = "cuda") && are_current(&profile.join("examples")) {
            return;
        }
        let mut cargo = Command::new(env!("CARGO"));
        // The whole workspace, so that the build of `cargo test --workspace` is reused; its libraries for the emulator.
        cargo.args(["build", "--quiet", "--workspace", "--lib", "--examples"]);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        cargo.arg("--target-dir").args(profile.parent());
        if cfg!(feature = "cuda") {
            cargo.args(["--features", "cuda"]);
        }
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

/// Runs an example from a separate folder; returns the part of its last line after `label`, and the folder with its
/// files.
fn last_line(name: &str, args: &[&str], label: &str) -> (String, tempfile::TempDir) {
    last_line_with(name, args, label, None)
}

/// The same, with a folder that is searched first for libraries.
fn last_line_with(
    name: &str,
    args: &[&str],
    label: &str,
    libraries: Option<&Path>,
) -> (String, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program(name));
    command
        .args(args)
        .arg("--out")
        .arg(folder.path())
        .current_dir(folder.path());
    if let Some(libraries) = libraries {
        command.env("LD_LIBRARY_PATH", libraries);
    }
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

/// The arguments of a short run, or of a longer one; and whether it is the longer one.
fn args(short: &'static str, long: &'static str) -> (Vec<&'static str>, bool) {
    let full = std::env::var_os("NETFORM_FULL").is_some_and(|v| v != "0");
    let args = if full { long } else { short };
    (args.split_whitespace().collect(), full)
}

fn number(text: &str, unit: &str) -> f64 {
    let digits = text
        .strip_suffix(unit)
        .unwrap_or_else(|| panic!("`{text}` is not in `{unit}`"));
    digits
        .parse()
        .unwrap_or_else(|_| panic!("`{digits}` is not a number"))
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
    let (args, full) = args(
        "--epochs 1 --train-samples 640 --test-samples 200",
        "--epochs 2 --train-samples 3000",
    );
    let (accuracy, out) = last_line("mnist_mlp", &args, "test accuracy: ");
    let accuracy = number(&accuracy, " %");
    let least = if full { 85.0 } else { 20.0 };
    assert!(accuracy > least && accuracy < 98.0, "{accuracy} %");
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
fn mnist_cnn() {
    let (args, full) = args(
        "--epochs 1 --train-samples 320 --test-samples 50",
        "--epochs 4 --train-samples 2000 --test-samples 500",
    );
    let (accuracy, out) = last_line("mnist_cnn", &args, "test accuracy: ");
    let accuracy = number(&accuracy, " %");
    let least = if full { 85.0 } else { 5.0 };
    assert!(accuracy > least && accuracy < 99.5, "{accuracy} %");
    for file in ["mnist_cnn.safetensors", "mnist_cnn_accuracy.svg"] {
        assert!(out.path().join(file).exists(), "{file}");
    }
}

#[test]
fn char_gpt() {
    let (args, full) = args(
        "--epochs 1 --train-samples 3000 --test-samples 600 --write 50",
        "--epochs 1 --train-samples 60000 --test-samples 4000 --write 50",
    );
    let (nats, out) = last_line("char_gpt", &args, "test loss: ");
    let nats = number(&nats, " nats a character");
    // Uniform characters give 4.56, character frequencies 3.3.
    let most = if full { 3.2 } else { 4.5 };
    assert!(nats > 2.0 && nats < most, "{nats}");
    let text = std::fs::read_to_string(out.path().join("char_gpt.txt")).expect("the text");
    assert_eq!(text.chars().count(), "PROSPERO.\n".len() + 50);
}

#[test]
fn house_prices() {
    let (args, full) = args("--epochs 1 --networks 1", "--epochs 25 --networks 1");
    let (error, _) = last_line("house_prices", &args, "test error: ");
    let error = number(&error, " dollars");
    let most = if full { 34_000.0 } else { 50_000.0 };
    assert!(error > 20_000.0 && error < most, "{error} dollars");
}

#[test]
fn names() {
    let (args, full) = args(
        "--epochs 1 --networks 1 --train-samples 1000 --test-samples 200",
        "--epochs 6 --networks 1",
    );
    let (accuracy, _) = last_line("names", &args, "test accuracy: ");
    let accuracy = number(&accuracy, " %");
    let least = if full { 60.0 } else { 10.0 };
    assert!(accuracy > least && accuracy < 85.0, "{accuracy} %");
}

#[test]
fn mnist1d() {
    let (sizes, full) = args(
        "--train-samples 100 --test-samples 100",
        "--train-samples 2000",
    );
    for (model, epochs, least) in [("conv", "3", 45.0), ("gru", "3", 20.0), ("mlp", "10", 30.0)] {
        let epochs = if full { epochs } else { "1" };
        let args = [&sizes[..], &["--model", model, "--epochs", epochs]].concat();
        let (accuracy, out) = last_line("mnist1d", &args, "test accuracy: ");
        let accuracy = number(&accuracy, " %");
        let least = if full { least } else { 1.0 };
        assert!(accuracy > least && accuracy < 99.0, "{model}: {accuracy} %");
        for kind in ["loss", "accuracy", "curves"] {
            let file = format!("mnist1d_{model}_{kind}.svg");
            assert!(out.path().join(&file).exists(), "{file}");
        }
    }
}

#[test]
fn sentiment() {
    let (sizes, full) = args(
        "--epochs 1 --networks 1 --train-samples 200 --test-samples 100",
        "--epochs 2 --networks 1 --train-samples 3000",
    );
    for model in ["lstm", "gru"] {
        let args = [&sizes[..], &["--model", model]].concat();
        let (accuracy, _) = last_line("sentiment", &args, "test accuracy: ");
        let accuracy = number(&accuracy, " %");
        let least = if full { 60.0 } else { 20.0 };
        assert!(accuracy > least && accuracy < 85.0, "{model}: {accuracy} %");
    }
}

#[test]
fn sunspots() {
    let (args, full) = args("--epochs 3 --networks 2", "--epochs 60 --networks 2");
    let (error, out) = last_line("sunspots", &args, "test error: ");
    let error = number(&error, " sunspots");
    let most = if full { 25.0 } else { 80.0 };
    assert!(error > 12.0 && error < most, "{error} sunspots");
    let plot = std::fs::read_to_string(out.path().join("sunspots.svg")).expect("the plot");
    roxmltree::Document::parse(&plot).expect("well-formed XML");
}

#[test]
fn char_rnn() {
    let (args, full) = args(
        "--epochs 1 --train-samples 5000 --test-samples 1000 --write 80",
        "--epochs 1 --train-samples 100000 --test-samples 20000 --write 80",
    );
    let (nats, out) = last_line("char_rnn", &args, "test nats a character: ");
    let nats = number(&nats, "");
    let most = if full { 3.0 } else { 4.5 };
    assert!(nats > 1.5 && nats < most, "{nats} nats");
    assert!(out.path().join("char_rnn.svg").exists());
}

/// Checks that a picture exists and is XML.
fn picture(folder: &Path, file: &str) -> String {
    let text = std::fs::read_to_string(folder.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    roxmltree::Document::parse(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
    text
}

#[test]
fn dates() {
    let (args, full) = args(
        "--epochs 1 --train-samples 320 --test-samples 50 --batch 32",
        "--epochs 4 --train-samples 2000 --test-samples 200 --batch 32",
    );
    let (exact, out) = last_line("dates", &args, "test exact: ");
    let exact = number(&exact, " %");
    // Guessing one of 20,000 dates is almost never right.
    let least = if full { 5.0 } else { -1.0 };
    assert!(exact > least && exact < 99.0, "{exact} %");
    picture(out.path(), "dates_loss.svg");
    picture(out.path(), "dates_exact.svg");
    assert!(out.path().join("dates.safetensors").exists());
}

#[test]
fn translate() {
    let (args, full) = args(
        "--epochs 1 --train-samples 96 --test-samples 10 --batch 16 --beam 2",
        "--epochs 2 --train-samples 1500 --test-samples 60 --batch 16 --beam 2",
    );
    let (errors, out) = last_line("translate", &args, "test exact: ");
    let errors = errors.split_once(" %, character error rate ");
    let (exact, errors) = errors.expect("two measures");
    let (exact, errors) = (number(exact, ""), number(errors, " %"));
    // Empty translations have 100 % errors.
    assert!(
        exact < 30.0 && errors > 40.0 && (errors < 95.0 || !full),
        "{exact} %, {errors} %"
    );
    for file in ["translate_loss.svg", "translate_errors.svg"] {
        picture(out.path(), file);
    }
    // A square for each pair of at least eight pieces.
    let map = picture(out.path(), "translate_attention.svg");
    assert!(map.matches("<rect").count() > 8);
}

#[test]
fn autoencoder() {
    let (args, full) = args(
        "--epochs 1 --train-samples 640 --test-samples 100 --batch 32",
        "--epochs 2 --train-samples 3000 --test-samples 300 --batch 32",
    );
    let (errors, out) = last_line("autoencoder", &args, "test error: ");
    let (error, trivial) = errors
        .split_once(", of the mean image ")
        .expect("two errors");
    let (error, trivial) = (number(error, ""), number(trivial, ""));
    assert!(trivial > 0.06 && trivial < 0.08, "{trivial}");
    let most = if full { 0.6 * trivial } else { 0.25 };
    assert!(error > 0.005 && error < most, "{error}, {trivial}");
    picture(out.path(), "autoencoder_error.svg");
    // Three rows of ten digits; each pixel that is not black is a square.
    let digits = picture(out.path(), "autoencoder.svg");
    assert!(digits.matches("<rect").count() > 30 * 50);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn without_the_feature() {
    let mut program = Command::new(program("simple_mlp"));
    let done = program.args(["--device", "cuda"]).output();
    let done = done.expect("it runs");
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(!done.status.success());
    assert!(err.contains("built without the feature `cuda`"), "{err}");
}

/// On the GPU; or, unless `REQUIRE_CUDA=1` is set, on the emulator that replaces its driver.
#[cfg(feature = "cuda")]
mod cuda {
    use super::{last_line, last_line_with, number};
    use std::path::Path;

    /// The results in the last lines on the GPU and on the CPU.
    fn both(name: &str, args: &[&str], label: &str) -> [String; 2] {
        let folder = tempfile::tempdir().expect("a folder");
        let required = std::env::var_os("REQUIRE_CUDA").is_some_and(|v| v != "0");
        if !required {
            let exe = std::env::current_exe().expect("a test has a path");
            let emulator = exe.with_file_name("libnetform_ptx_emulator.so");
            std::os::unix::fs::symlink(emulator, folder.path().join("libcuda.so.1"))
                .expect("a link to the emulator");
        }
        let libraries: Option<&Path> = (!required).then(|| folder.path());
        let gpu = [args, &["--device", "cuda"]].concat();
        [
            last_line_with(name, &gpu, label, libraries).0,
            last_line(name, args, label).0,
        ]
    }

    #[test]
    fn computation_graph() {
        let [gpu, cpu] = both("computation_graph", &[], "f(2, 1) = ");
        assert_eq!(gpu, cpu);
    }

    #[test]
    fn simple_mlp() {
        let losses = both("simple_mlp", &["--epochs", "10"], "loss: ");
        let [gpu, cpu] = losses.map(|loss| number(&loss, ""));
        assert!((gpu - cpu).abs() < 2e-4, "{gpu}, {cpu}");
    }

    #[test]
    fn mnist_mlp() {
        let args = "--epochs 1 --train-samples 256 --test-samples 200".split(' ');
        let args: Vec<&str> = args.collect();
        let accuracies = both("mnist_mlp", &args, "test accuracy: ");
        let [gpu, cpu] = accuracies.map(|accuracy| number(&accuracy, " %"));
        assert!(gpu > 15.0 && (gpu - cpu).abs() < 3.0, "{gpu}, {cpu} %");
    }

    #[test]
    fn house_prices() {
        let args = ["--epochs", "4", "--networks", "1"];
        let errors = both("house_prices", &args, "test error: ");
        let [gpu, cpu] = errors.map(|error| number(&error, " dollars"));
        assert!((gpu - cpu).abs() < 0.02 * cpu, "{gpu}, {cpu} dollars");
    }
}
