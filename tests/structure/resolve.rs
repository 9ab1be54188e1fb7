//! Finds the file that defines the target of a path.

use std::collections::BTreeSet;

use super::tree::{To, Tree};

/// The target of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// An item that the module at this path defines: its name and its kind.
    Item(Vec<String>, String, &'static str),
    Module(Vec<String>),
}

/// The modules that define the target of `path` in the module `at`. Empty if the crate does not define it, and for
/// modules: naming one is no import.
pub fn definers(tree: &Tree, at: &[String], path: &[String], macro_call: bool) -> Vec<Vec<String>> {
    let mut found = follow(tree, at, path, 0);
    // A macro is in scope after its definition, also in modules declared there.
    let mut above = at;
    while found.is_empty() && macro_call && above.len() > 1 {
        above = &above[..above.len() - 1];
        let own = tree[above].names.get(&path[0]).into_iter().flatten();
        if own.into_iter().any(|b| matches!(b.to, To::Item(_))) {
            found.insert(Target::Item(above.to_vec(), path[0].clone(), "macro"));
        }
    }
    found
        .into_iter()
        .filter_map(|target| match target {
            Target::Item(module, ..) => Some(module),
            Target::Module(_) => None,
        })
        .collect()
}

/// The targets of a path in the module `at`.
pub fn targets(tree: &Tree, at: &[String], path: &[String]) -> BTreeSet<Target> {
    follow(tree, at, path, 0)
}

/// Follows a path. `depth` ends import cycles.
fn follow(tree: &Tree, at: &[String], path: &[String], depth: usize) -> BTreeSet<Target> {
    if depth > 16 {
        return BTreeSet::new();
    }
    let mut here = BTreeSet::new();
    let rest = match path[0].as_str() {
        "crate" => {
            here.insert(Target::Module(at[..1].to_vec()));
            &path[1..]
        }
        "self" => {
            here.insert(Target::Module(at.to_vec()));
            &path[1..]
        }
        "super" => {
            let count = path.iter().take_while(|s| *s == "super").count();
            let up = at.len().saturating_sub(count).max(1);
            here.insert(Target::Module(at[..up].to_vec()));
            &path[count..]
        }
        name => {
            here = named(tree, at, name, depth);
            if here.is_empty() && tree.contains_key(&path[..1]) {
                here.insert(Target::Module(path[..1].to_vec()));
            }
            &path[1..]
        }
    };
    for name in rest {
        let mut next = BTreeSet::new();
        for target in here {
            match target {
                // A variant or an associated function is where its type is.
                item @ Target::Item(..) => {
                    next.insert(item);
                }
                Target::Module(module) => {
                    let found = named(tree, &module, name, depth);
                    let scope = tree.get(&module);
                    if found.is_empty() && !scope.is_some_and(|s| s.names.contains_key(name)) {
                        // Not a name of another crate: a macro of that module defines it.
                        next.insert(Target::Item(module, name.clone(), "macro's"));
                    }
                    next.extend(found);
                }
            }
        }
        here = next;
    }
    here
}

/// The targets of a name in a module.
fn named(tree: &Tree, module: &[String], name: &str, depth: usize) -> BTreeSet<Target> {
    let mut found = BTreeSet::new();
    let Some(scope) = tree.get(module) else {
        return found;
    };
    for binding in scope.names.get(name).into_iter().flatten() {
        match &binding.to {
            To::Item(kind) => {
                found.insert(Target::Item(module.to_vec(), name.to_owned(), kind));
            }
            To::Module => {
                found.insert(Target::Module([module, &[name.to_owned()]].concat()));
            }
            // The name may also be that of another crate.
            To::Alias(path) if path.len() == 1 && path[0] == name => {}
            To::Alias(path) => found.extend(follow(tree, module, path, depth + 1)),
        }
    }
    if found.is_empty() {
        for glob in &scope.globs {
            let from = follow(tree, module, glob, depth + 1);
            for target in from {
                if let Target::Module(from) = target
                    && from != module
                {
                    found.extend(named(tree, &from, name, depth + 1));
                }
            }
        }
    }
    found
}
