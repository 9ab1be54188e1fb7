//! Lists the files of `kernels/` for `src/template.rs`: `SOURCES`, name and text of each.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=kernels");
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let dir = Path::new(&root).join("kernels");
    let mut names = Vec::new();
    files(&dir, "", &mut names)?;
    names.sort();
    let mut text = String::from("/// Name and text of each file in `kernels/`.\n");
    text += "pub(crate) const SOURCES: &[(&str, &str)] = &[\n";
    for name in &names {
        text += &format!("    ({name:?}, include_str!({:?})),\n", dir.join(name));
    }
    text += "];\n";
    fs::write(Path::new(&out).join("sources.rs"), text)
}

/// The files of a directory and its subdirectories, as paths with `/`.
fn files(dir: &Path, under: &str, all: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = format!("{under}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files(&entry.path(), &format!("{name}/"), all)?;
        } else {
            all.push(name);
        }
    }
    Ok(())
}
