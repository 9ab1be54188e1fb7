//! No import cycles among the runtime's files; in the compiler, only among files of one folder.

use std::collections::{BTreeSet, HashMap};

use super::graph::{Imports, cycles, describe, imports};
use super::tree::{build, read};

fn of(folder: &str) -> Imports {
    imports(&read("this", folder))
}

/// The folder directly below `src` that has a file; a file outside any folder is its own.
fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or(file)
}

#[test]
fn the_runtime_has_none() {
    let imports = of("runtime/src");
    let told: Vec<String> = cycles(&imports)
        .iter()
        .map(|c| describe(&imports, c))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn those_of_the_compiler_stay_in_one_folder() {
    let imports = of("macros/compiler/src");
    let found = cycles(&imports);
    let wide =
        |cycle: &&BTreeSet<&str>| cycle.iter().map(|f| room(f)).collect::<BTreeSet<_>>().len() > 1;
    let told: Vec<String> = found
        .iter()
        .filter(wide)
        .map(|c| describe(&imports, c))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

/// The imports of a crate made of these files.
fn made(files: &[(&str, &str)]) -> Imports {
    let files: HashMap<&str, &str> = files.iter().copied().collect();
    imports(&build("this", &|file| {
        files.get(file).map(|text| (*text).to_owned())
    }))
}

/// `a -> b` for each import.
fn edges(imports: &Imports) -> Vec<String> {
    imports
        .iter()
        .flat_map(|(from, to)| to.keys().map(move |to| format!("{from} -> {to}")))
        .collect()
}

#[test]
fn a_cycle_is_found() {
    let imports = made(&[
        ("lib.rs", "mod a; mod b; mod c; pub use b::B;"),
        ("a.rs", "pub struct A(crate::B);"),
        ("b.rs", "use crate::c;\npub struct B;\nfn f() { c::g() }"),
        ("c.rs", "use super::a::A;\npub fn g() {}"),
    ]);
    let found = cycles(&imports);
    assert_eq!(found, [BTreeSet::from(["a.rs", "b.rs", "c.rs"])]);
    let told = describe(&imports, &found[0]);
    assert!(told.contains("a.rs:1 imports b.rs: crate::B"), "{told}");
    assert!(told.contains("b.rs:3 imports c.rs: c::g"), "{told}");
    assert!(told.contains("c.rs:1 imports a.rs: super::a::A"), "{told}");
}

#[test]
fn what_is_an_import() {
    // A re-export leads to the file that defines the item. A module that re-exports its own children imports nothing.
    let imports = made(&[
        ("lib.rs", "mod a; mod b; pub use a::Deep;"),
        (
            "a/mod.rs",
            "mod deep; mod user; pub use deep::Deep; pub struct Up;",
        ),
        ("a/deep.rs", "use super::Up; pub struct Deep(Up);"),
        ("a/user.rs", "use super::*; fn f(x: Deep) {}"),
        (
            "b.rs",
            "#[cfg(test)] mod tests { use crate::a::Up; } use crate::{a, Deep as D};",
        ),
    ]);
    assert_eq!(
        edges(&imports),
        [
            "a/deep.rs -> a/mod.rs",
            "a/user.rs -> a/deep.rs",
            "b.rs -> a/deep.rs"
        ]
    );
    // Tokens of macros are included; a macro resolves to its definition; names of other crates and members are ignored.
    let imports = made(&[
        (
            "lib.rs",
            "macro_rules! m { () => { $crate::b::X } } mod a; mod b;",
        ),
        (
            "a.rs",
            "use std::b; fn f() { m!(); x.X; vec![crate::b::made(), crate::b::V::new()]; }",
        ),
        ("b.rs", "pub struct X; pub use std::vec::Vec as V;"),
    ]);
    assert_eq!(
        edges(&imports),
        ["a.rs -> b.rs", "a.rs -> lib.rs", "lib.rs -> b.rs"]
    );
}
