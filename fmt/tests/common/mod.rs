//! The networks of the repository, for several tests.

use std::fs;
use std::path::{Path, PathBuf};

/// The sources with networks.
pub fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders: Vec<PathBuf> = ["benches", "examples", "src", "tests"]
        .map(|f| root.join(f))
        .into();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                if text.contains("network! {") {
                    sources.push((path, text));
                }
            }
        }
    }
    assert!(sources.len() > 200, "{} sources", sources.len());
    sources
}

/// A formatted file.
pub fn formatted(path: &Path, text: &str) -> String {
    netform_fmt::format(text).unwrap_or_else(|e| panic!("{}:{e}, from\n{text}", path.display()))
}
