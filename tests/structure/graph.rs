//! Imports among the files of a crate, and import cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::definers;
use super::tree::Tree;

/// For each file, the files that it imports from, with the line and path of one import each.
pub type Imports = BTreeMap<String, BTreeMap<String, (usize, String)>>;

/// The imports of every file.
pub fn imports(tree: &Tree) -> Imports {
    let mut all = Imports::new();
    for (at, module) in tree {
        let of = all.entry(module.file.clone()).or_default();
        for mention in &module.mentions {
            for definer in definers(tree, at, &mention.path, mention.macro_call) {
                let to = &tree[&definer].file;
                if *to != module.file {
                    let first = (mention.line, mention.path.join("::"));
                    let known = of.entry(to.clone()).or_insert_with(|| first.clone());
                    *known = first.min(known.clone());
                }
            }
        }
    }
    all
}

/// The sets of files that import each other, directly or through others (Tarjan).
pub fn cycles(imports: &Imports) -> Vec<BTreeSet<&str>> {
    let mut search = Search {
        imports,
        number: BTreeMap::new(),
        open: Vec::new(),
        found: Vec::new(),
    };
    for file in imports.keys() {
        if !search.number.contains_key(file.as_str()) {
            search.visit(file);
        }
    }
    search.found
}

struct Search<'a> {
    imports: &'a Imports,
    /// The order in which files were first visited.
    number: BTreeMap<&'a str, usize>,
    /// Visited files whose component is not complete.
    open: Vec<&'a str>,
    found: Vec<BTreeSet<&'a str>>,
}

impl<'a> Search<'a> {
    /// The first visited of the open files that `file` reaches.
    fn visit(&mut self, file: &'a str) -> usize {
        let number = self.number.len();
        self.number.insert(file, number);
        let depth = self.open.len();
        self.open.push(file);
        let mut low = number;
        for to in self.imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            match self.number.get(to.as_str()) {
                None => low = low.min(self.visit(to)),
                Some(&seen) if self.open.contains(&to.as_str()) => low = low.min(seen),
                Some(_) => {}
            }
        }
        if low == number {
            let component: BTreeSet<&str> = self.open.drain(depth..).collect();
            if component.len() > 1 {
                self.found.push(component);
            }
        }
        low
    }
}

/// The edges inside a cycle, a line each.
pub fn describe(imports: &Imports, cycle: &BTreeSet<&str>) -> String {
    let mut text = format!("{} files import each other:\n", cycle.len());
    for from in cycle {
        for (to, (line, path)) in &imports[*from] {
            if cycle.contains(to.as_str()) {
                text += &format!("    {from}:{line} imports {to}: {path}\n");
            }
        }
    }
    text
}
