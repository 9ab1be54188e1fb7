//! `netform-fmt FILES..`: formats the networks of Rust files in place; with `--check` it only names the files that would
//! change.
//!
//! Exit status: 0, or 1 if `--check` names a file, or 2 if a file could not be read, written or understood.

mod files;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// Formats the bodies of `network! { .. }`, which rustfmt leaves as they are.
#[derive(Parser)]
#[command(name = "netform-fmt", version)]
struct Args {
    /// Print the paths of files that would change, and change nothing.
    #[arg(long)]
    check: bool,
    /// Rust files, and folders to search for them (without `target`).
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// What went wrong with a file, with its path.
type Failure = String;

fn main() -> ExitCode {
    let args = Args::parse();
    let (mut changes, mut failures) = (false, false);
    let mut note = |outcome: Result<bool, Failure>| match outcome {
        Ok(changed) => changes |= changed,
        Err(failure) => {
            eprintln!("{failure}");
            failures = true;
        }
    };
    for path in &args.files {
        match files::rust_files(path) {
            Ok(files) => files.iter().for_each(|f| note(file(f, args.check))),
            Err(e) => note(Err(format!("{}: {}", e.path.display(), e.error))),
        }
    }
    match (failures, args.check && changes) {
        (true, _) => ExitCode::from(2),
        (false, true) => ExitCode::from(1),
        (false, false) => ExitCode::SUCCESS,
    }
}

/// Formats one file. Whether it changes.
fn file(path: &Path, check: bool) -> Result<bool, Failure> {
    let name = path.display();
    let bytes = fs::read(path).map_err(|e| format!("{name}: {e}"))?;
    let source = netform_fmt::decode(bytes).map_err(|e| format!("{name}:{e}"))?;
    let text = netform_fmt::format(&source).map_err(|e| format!("{name}:{e}"))?;
    if text == source {
        return Ok(false);
    }
    if check {
        println!("{name}");
    } else {
        fs::write(path, text).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(true)
}
