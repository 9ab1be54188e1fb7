//! The command: what it writes and prints, and its exit status.

use std::fs;
use std::path::Path;
use std::process::Command;

const BEFORE: &str = "network! {\nstruct Net{ }\n}\n";
const AFTER: &str = "network! {\n    struct Net {}\n}\n";

/// Runs the command in a folder: its exit status, output and errors.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netform-fmt"));
    let output = command.current_dir(folder).args(args).output();
    let output = output.expect("the command runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace('\\', "/");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn write(folder: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn read(folder: &Path, path: &str) -> String {
    fs::read_to_string(folder.join(path)).expect("a file")
}

#[test]
fn folders_are_searched() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let skipped = ["a/target/d.rs", ".hidden/e.rs", "a/f.txt"];
    for path in ["a/b/c.rs", "a/z.rs"].iter().chain(&skipped) {
        write(folder, path, BEFORE);
    }
    write(folder, "a/done.rs", AFTER);
    let names = "./a/b/c.rs\n./a/z.rs\n".to_owned();
    assert_eq!(
        run(folder, &["--check", "."]),
        (Some(1), names, String::new())
    );
    assert_eq!(read(folder, "a/z.rs"), BEFORE);
    let nothing = (Some(0), String::new(), String::new());
    assert_eq!(run(folder, &["."]), nothing);
    assert_eq!(run(folder, &["--check", "."]), nothing);
    assert_eq!(read(folder, "a/b/c.rs"), AFTER);
    for path in skipped {
        assert_eq!(read(folder, path), BEFORE);
    }
    // A file that is named is formatted wherever it is.
    assert_eq!(run(folder, &["a/f.txt"]), nothing);
    assert_eq!(read(folder, "a/f.txt"), AFTER);
}

#[test]
fn mistakes_name_their_places() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let broken = "network! {\nstruct Net{ }\n f(]\n}\n";
    write(folder, "broken.rs", broken);
    write(folder, "bytes.rs", b"network! {\n\xff}");
    write(folder, "good.rs", BEFORE);
    let files = ["broken.rs", "bytes.rs", "missing.rs", "good.rs"];
    let (status, out, errors) = run(folder, &files);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines[0], "broken.rs:3:4: this `]` cannot close a `(`");
    assert_eq!(lines[1], "bytes.rs:2:1: the file is not UTF-8");
    assert!(lines[2].starts_with("missing.rs: "), "{errors}");
    assert_eq!(lines.len(), 3);
    assert_eq!(read(folder, "broken.rs"), broken);
    assert_eq!(read(folder, "good.rs"), AFTER);
    // A mistake counts for more than a change.
    write(folder, "good.rs", BEFORE);
    let (status, out, _) = run(folder, &["--check", "good.rs", "broken.rs"]);
    assert_eq!((status, out.as_str()), (Some(2), "good.rs\n"));
    assert_eq!(run(folder, &[]).0, Some(2));
}
