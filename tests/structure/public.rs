//! Every public item is supported and is a line of `tests/public`, with its kind.
//!
//! Items of all features are listed, except those that only a macro names. `NETFORM_UPDATE=1` writes the lists; a
//! change of the public items commits them.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::items::Shown;
use super::resolve::{Target, targets};
use super::tree::{To, Tree, build, read};

/// The crates whose paths are resolved.
const CRATES: [(&str, &str); 5] = [
    ("netform", "src"),
    ("netform_runtime", "runtime/src"),
    ("netform_macros", "macros/src"),
    ("netform_core", "core/src"),
    ("netform_ptx", "ptx/src"),
];

#[test]
fn netform() {
    check("netform");
}

#[test]
fn netform_runtime() {
    check("netform_runtime");
}

#[test]
fn netform_macros() {
    check("netform_macros");
}

fn check(name: &str) {
    let tree: Tree = CRATES
        .iter()
        .flat_map(|(name, at)| read(name, at))
        .collect();
    let found = list(&tree, name);
    let file = format!("{}/tests/public/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("NETFORM_UPDATE").is_some() {
        let lines: String = found.iter().map(|line| format!("{line}\n")).collect();
        std::fs::create_dir_all(Path::new(&file).parent().unwrap()).unwrap();
        std::fs::write(&file, lines).unwrap();
    }
    let listed = std::fs::read_to_string(&file).unwrap_or_default();
    let listed: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    let missing: Vec<&String> = found.difference(&listed).collect();
    let gone: Vec<&String> = listed.difference(&found).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "tests/public/{name}.txt lacks {missing:#?}, and lists what is not public: {gone:#?}"
    );
}

/// The public items of a crate: `path kind`.
fn list(tree: &Tree, name: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let root = [name.to_owned()];
    module(tree, &root, name, &mut out);
    out
}

/// The public items of a module that users call `path`.
fn module(tree: &Tree, at: &[String], path: &str, out: &mut BTreeSet<String>) {
    for (name, bindings) in &tree[at].names {
        for binding in bindings.iter().filter(|b| b.shown == Shown::Public) {
            let path = format!("{path}::{name}");
            match &binding.to {
                To::Item(kind) => item(tree, (at, name, kind), &path, out),
                To::Module => {
                    let below = [at, std::slice::from_ref(name)].concat();
                    out.insert(format!("{path} mod"));
                    module(tree, &below, &path, out);
                }
                To::Alias(to) => {
                    let found = targets(tree, at, to);
                    assert!(!found.is_empty(), "{path}: nothing of this workspace");
                    for target in found {
                        match target {
                            Target::Item(at, name, kind) => {
                                item(tree, (&at, &name, kind), &path, out);
                            }
                            Target::Module(below) => {
                                out.insert(format!("{path} mod"));
                                module(tree, &below, &path, out);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// An item that users call `path`, and its parts.
fn item(
    tree: &Tree,
    (at, name, kind): (&[String], &str, &str),
    path: &str,
    out: &mut BTreeSet<String>,
) {
    out.insert(format!("{path} {kind}"));
    // The parts of an item in the prelude are listed at its definition.
    if path.contains("::prelude::") || !["enum", "struct", "trait", "union"].contains(&kind) {
        return;
    }
    let own = |(from, of): (&[String], &[String])| {
        let is = |t: &Target| matches!(t, Target::Item(m, n, _) if m == at && n == name);
        of.last().is_some_and(|last| last == name || from != at)
            && targets(tree, from, of).iter().any(is)
    };
    for (from, module) in tree {
        for parts in module.parts.iter().filter(|p| own((from, &p.of))) {
            let lines = parts
                .parts
                .iter()
                .map(|(part, kind)| format!("{path}::{part} {kind}"));
            out.extend(lines);
        }
    }
}

#[test]
fn what_is_listed() {
    let files = HashMap::from([
        (
            "lib.rs",
            "mod a; pub use a::{A, E as F}; #[doc(hidden)] pub mod __private {} pub mod m;",
        ),
        (
            "a.rs",
            "pub struct A { pub x: u8, y: u8 } pub enum E { V } struct Own; pub struct Hidden;",
        ),
        (
            "m.rs",
            "use crate::A; impl A { pub fn f(&self) {} fn g(&self) {} #[doc(hidden)] pub fn h() {} } pub trait T { fn t(); }",
        ),
    ]);
    let tree = build("c", &|file| files.get(file).map(|text| (*text).to_owned()));
    let found: Vec<String> = list(&tree, "c").into_iter().collect();
    let want = [
        "c::A struct",
        "c::A::f fn",
        "c::A::x field",
        "c::F enum",
        "c::F::V variant",
        "c::m mod",
        "c::m::T trait",
        "c::m::T::t fn",
    ];
    assert_eq!(found, want);
}
