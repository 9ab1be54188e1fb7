//! A whole check of a folder: write, build, run.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use proc_macro2::{TokenStream, TokenTree};

use crate::harness::Outcome;
use crate::index::Index;
use crate::place::{PLACES, Place};
use crate::project::Project;
use crate::source;
use crate::special::compare::Difference;
use crate::special::{self, Table};
use crate::tensors::Failure;

/// The status of a case in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything within tolerance.
    Passed,
    /// Wrong, or rejected by a compiler that knows all its words.
    Failed(String),
    /// The language does not have a word of it yet.
    NotCovered(String),
}

/// The status of every case.
pub type Statuses = BTreeMap<(String, Place), Status>;

/// Checks all cases of an index; progress goes to standard error.
pub fn check(index: &Index) -> Result<Statuses, Failure> {
    let start = Instant::now();
    let mut statuses = Statuses::new();
    let mut set = |k: usize, status: Status| {
        for &place in PLACES {
            statuses.insert((index.cases[k].id.clone(), place), status.clone());
        }
    };
    let mut project = Project::new(
        &build_dir(),
        &name(&index.set, &index.dir),
        "netform_fixtures::harness::main",
    );
    for (k, case) in index.cases.iter().enumerate() {
        let module = match source::module(index, case) {
            Ok(module) => module,
            Err(reason) => {
                set(k, Status::NotCovered(reason));
                continue;
            }
        };
        match refused(&module.network) {
            Some(text) if unknown(&text) => set(k, Status::NotCovered(text)),
            Some(text) => set(k, Status::Failed(text)),
            None => project.add(k, &case.id, module.file(&case.id)),
        }
    }
    eprintln!("written in {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    for (k, text) in project.build()? {
        set(k, Status::Failed(text));
    }
    eprintln!("built in {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    for outcome in project.run::<Outcome>(&index.dir)? {
        let status = outcome.wrong.map_or(Status::Passed, Status::Failed);
        statuses.insert((outcome.id, outcome.place), status);
    }
    eprintln!("run in {:.1} s", start.elapsed().as_secs_f64());
    Ok(statuses)
}

/// The elements of a table that differ from PyTorch's.
pub fn special(table: &Table) -> Result<Vec<Difference>, Failure> {
    let name = name("special", &table.dir);
    let mut project = Project::new(&build_dir(), &name, "netform_fixtures::special::main");
    for (k, group) in table.groups().into_iter().enumerate() {
        let module = special::source::module(table, group)?;
        if let Some(text) = refused(&module.network) {
            return Err(format!("{group}: {text}").into());
        }
        project.add(k, group, module.file(group));
    }
    let start = Instant::now();
    if let Some(text) = project.build()?.into_values().next() {
        return Err(text.into());
    }
    eprintln!("built in {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let differences = project.run(&table.dir)?;
    eprintln!("run in {:.1} s", start.elapsed().as_secs_f64());
    Ok(differences)
}

/// The build directory of the workspace.
fn build_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| dir.into()),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
    }
}

/// A distinct name for each folder.
fn name(set: &str, dir: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    dir.hash(&mut hasher);
    let set = if set.is_empty() { "set" } else { set };
    format!("{set}-{:08x}", hasher.finish() as u32)
}

/// The messages of netform's compiler, if it rejects a network: much faster than with rustc.
fn refused(network: &str) -> Option<String> {
    if network.is_empty() {
        return None;
    }
    match network.parse::<TokenStream>() {
        Ok(tokens) => {
            let messages = messages(netform_compiler::expand(tokens));
            (!messages.is_empty()).then(|| messages.join("\n"))
        }
        Err(e) => Some(e.to_string()),
    }
}

/// The texts of all `compile_error!`.
fn messages(tokens: TokenStream) -> Vec<String> {
    let mut out = Vec::new();
    let mut armed = false;
    for tree in tokens {
        match tree {
            TokenTree::Ident(ident) => armed = ident == "compile_error",
            TokenTree::Punct(_) => {}
            TokenTree::Group(group) if armed => {
                armed = false;
                let text = group.stream().to_string();
                out.push(serde_json::from_str(&text).unwrap_or(text));
            }
            TokenTree::Group(_) | TokenTree::Literal(_) => armed = false,
        }
    }
    out
}

/// Whether a message reports a missing word.
fn unknown(text: &str) -> bool {
    let first = text.lines().next().unwrap_or(text);
    [
        "there is no layer",
        "there is no op",
        "no kind of layer",
        "has no argument",
    ]
    .iter()
    .any(|t| first.contains(t))
}
