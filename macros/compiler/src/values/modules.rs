//! The modules of a crate, as files and as parts of files. A file is read when a name leads to it.

use super::file::Level;
use super::scope::{Inner, Scope};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The most modules in each other.
const DEEPEST: usize = 64;

/// A module: a file, and the names of the modules in it that lead to this one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Module {
    file: PathBuf,
    within: Vec<String>,
}

/// The modules that were looked up so far, with their items; `None` where there is no such module.
#[derive(Default)]
pub struct Modules {
    known: RefCell<HashMap<Module, Option<Rc<Scope>>>>,
}

impl Modules {
    /// The innermost module around a place of a file, and the blocks of this module around it, innermost first.
    pub fn around(&self, file: PathBuf, levels: Vec<Level>) -> (Module, Vec<Rc<Scope>>) {
        let names = levels.iter().rev().filter_map(|l| l.module.clone());
        let mut module = Module {
            file,
            within: names.collect(),
        };
        let innermost = module.clone();
        let mut blocks = Vec::new();
        let last = levels.len().saturating_sub(1);
        for (k, level) in levels.into_iter().enumerate() {
            let scope = Rc::new(level.scope);
            if level.module.is_none() && k < last {
                // Items of a function around a module are no names in the module.
                if module == innermost {
                    blocks.push(scope);
                }
                continue;
            }
            let of = module.clone();
            module.within.pop();
            self.known.borrow_mut().insert(of, Some(scope));
        }
        (innermost, blocks)
    }

    /// The items of a module.
    pub fn scope(&self, module: &Module) -> Option<Rc<Scope>> {
        if let Some(known) = self.known.borrow().get(module) {
            return known.clone();
        }
        let scope = self.read(module).map(Rc::new);
        let mut known = self.known.borrow_mut();
        known.insert(module.clone(), scope.clone());
        scope
    }

    fn read(&self, module: &Module) -> Option<Scope> {
        let Some((name, outer)) = module.within.split_last() else {
            let text = std::fs::read_to_string(&module.file).ok()?;
            return Some(Scope::new(&text.parse().ok()?));
        };
        let outer = self.scope(&Module {
            file: module.file.clone(),
            within: outer.to_vec(),
        })?;
        let body = only(&outer, name)?.body.as_ref();
        body.map(Scope::new)
    }

    /// A module of a module.
    pub fn child(&self, module: &Module, name: &str) -> Option<Module> {
        let scope = self.scope(module)?;
        if only(&scope, name)?.body.is_some() {
            let mut within = module.within.clone();
            within.push(name.to_owned());
            let file = module.file.clone();
            return Some(Module { file, within });
        }
        let mut folder = self.folder(&module.file);
        folder.extend(&module.within);
        let files = [
            folder.join(name).with_extension("rs"),
            folder.join(name).join("mod.rs"),
        ];
        let file = files.into_iter().find(|file| file.is_file())?;
        Some(Module {
            file,
            within: Vec::new(),
        })
    }

    /// The folder in which the modules of a file are.
    fn folder(&self, file: &Path) -> PathBuf {
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let stem = file.file_stem().and_then(|s| s.to_str());
        let module = Module {
            file: file.to_owned(),
            within: Vec::new(),
        };
        match stem {
            None | Some("main" | "lib" | "mod") => folder,
            Some(stem) if self.parent(&module).is_some() => folder.join(stem),
            // The root of a crate, such as a test or an example.
            Some(_) => folder,
        }
    }

    /// The module that a module is in.
    pub fn parent(&self, module: &Module) -> Option<Module> {
        if let Some((_, outer)) = module.within.split_last() {
            let within = outer.to_vec();
            let file = module.file.clone();
            return Some(Module { file, within });
        }
        let (file, folder) = (&module.file, module.file.parent()?);
        let (name, folder) = match file.file_stem()?.to_str()? {
            "main" | "lib" => return None,
            "mod" => (folder.file_name()?.to_str()?, folder.parent()?),
            name => (name, folder),
        };
        // `mod a { mod b; }` of `main.rs` is in `a/b.rs`.
        let mut within = Vec::new();
        for folder in folder.ancestors() {
            let beside = ["mod.rs", "lib.rs", "main.rs"].map(|file| folder.join(file));
            for file in beside.into_iter().chain([folder.with_extension("rs")]) {
                let outer = Module {
                    file,
                    within: within.clone(),
                };
                let scope = self.scope(&outer);
                let inner = scope.iter().flat_map(|s| &s.modules);
                if inner
                    .into_iter()
                    .any(|m| m.name == name && m.body.is_none())
                {
                    return Some(outer);
                }
            }
            within.insert(0, folder.file_name()?.to_str()?.to_owned());
            if within.len() > DEEPEST {
                break;
            }
        }
        None
    }

    /// Whether a module is another one, or inside it.
    pub fn is_within(&self, module: &Module, outer: &Module) -> bool {
        let mut at = module.clone();
        for _ in 0..DEEPEST {
            if at == *outer {
                return true;
            }
            match self.parent(&at) {
                Some(next) => at = next,
                None => break,
            }
        }
        false
    }

    /// The crate; `None` if the file that declares the module is not found.
    pub fn root(&self, module: &Module) -> Option<Module> {
        let mut root = module.clone();
        for _ in 0..DEEPEST {
            match self.parent(&root) {
                Some(outer) => root = outer,
                None => break,
            }
        }
        // `mod.rs` is no root of a crate.
        (root.file.file_stem()? != "mod").then_some(root)
    }
}

/// The module of a name in a scope, if it is certain.
fn only<'s>(scope: &'s Scope, name: &str) -> Option<&'s Inner> {
    let mut all = scope.modules.iter().filter(|m| m.name == name);
    let first = all.next()?;
    (first.marks.certain && all.next().is_none()).then_some(first)
}
