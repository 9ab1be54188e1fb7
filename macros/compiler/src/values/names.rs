//! Finds the constant that a name or path is, by Rust's rules: items of a scope come before those of `use items::*`.
//! Privacy is not looked at.

use super::modules::{Module, Modules};
use super::scope::{Scope, Use};
use std::rc::Rc;

/// The most modules in which a name is looked for.
const DEEPEST: usize = 256;

/// A constant, and the place of its expression.
pub struct Found<'a> {
    /// The constant.
    pub item: syn::ItemConst,
    /// Its module.
    pub module: Module,
    /// The blocks around it, innermost first.
    pub blocks: &'a [Rc<Scope>],
}

/// Finds constants.
pub struct Names<'a> {
    /// The modules of the crate.
    pub modules: &'a Modules,
}

/// What a scope says of a name: nothing, that it cannot be known, or the constant.
type Answer<T> = Option<Option<T>>;

/// A module, and the blocks around a place of it, innermost first.
type Place<'a> = (&'a Module, &'a [Rc<Scope>]);

/// The names that were looked up in modules.
type Seen = Vec<(Module, String)>;

impl Names<'_> {
    /// The constant that a name is in a module, in the blocks around a place of it.
    pub fn find<'b>(
        &self,
        (module, blocks): (&Module, &'b [Rc<Scope>]),
        name: &str,
    ) -> Option<Found<'b>> {
        for (at, block) in blocks.iter().enumerate() {
            if let Some(item) = declared(block, name) {
                return Some(Found {
                    item: item?,
                    module: module.clone(),
                    blocks: &blocks[at..],
                });
            }
            if let Some(found) = self.imported(module, block, name, &mut Vec::new()) {
                return found;
            }
        }
        self.item(module, name, &mut Vec::new()).flatten()
    }

    /// The constant that a path is.
    pub fn path<'b>(&self, place: (&Module, &'b [Rc<Scope>]), path: &[&str]) -> Option<Found<'b>> {
        let (name, modules) = path.split_last()?;
        if modules.is_empty() {
            return self.find(place, name);
        }
        let module = self.module(place, modules, &mut Vec::new())?;
        self.item(&module, name, &mut Vec::new()).flatten()
    }

    /// A constant of a module. `seen` are the names whose `use` items led here.
    fn item<'b>(&self, module: &Module, name: &str, seen: &mut Seen) -> Answer<Found<'b>> {
        let here = (module.clone(), name.to_owned());
        if seen.contains(&here) || seen.len() > DEEPEST {
            return None;
        }
        seen.push(here);
        let scope = self.modules.scope(module)?;
        match declared(&scope, name) {
            Some(item) => Some(item.map(|item| Found {
                item,
                module: module.clone(),
                blocks: &[],
            })),
            None => self.imported(module, &scope, name, seen),
        }
    }

    /// A constant that the `use` items of a scope bring in.
    fn imported<'b>(
        &self,
        module: &Module,
        scope: &Scope,
        name: &str,
        seen: &mut Seen,
    ) -> Answer<Found<'b>> {
        let place = (module, &[][..]);
        if let Some(path) = imports(scope, name) {
            let (name, modules) = path.split_last()?;
            let from = match modules {
                [] => None,
                modules => self.module(place, modules, &mut Vec::new()),
            };
            return Some(from.and_then(|from| self.item(&from, name, seen)?));
        }
        let all = scope.uses.iter().filter(|u| u.name.is_none());
        all.filter_map(|u| self.module(place, &u.path, &mut Vec::new()))
            .find_map(|from| self.item(&from, name, seen))
    }

    /// The module of a path at a place. `seen` are the names whose modules are not found, or are looked for.
    fn module(
        &self,
        (module, blocks): Place,
        path: &[impl AsRef<str>],
        seen: &mut Seen,
    ) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let mut at = match first.as_ref() {
            "crate" => self.modules.root(module),
            "self" | "Self" => module.clone(),
            "super" => self.modules.parent(module)?,
            name => self.named((module, blocks), name, seen)?,
        };
        for name in rest {
            at = match name.as_ref() {
                "super" => self.modules.parent(&at)?,
                name => self.named((&at, &[]), name, seen)?,
            };
        }
        Some(at)
    }

    /// The module that a name is at a place.
    fn named(&self, (module, blocks): Place, name: &str, seen: &mut Seen) -> Option<Module> {
        if let Some(child) = self.modules.child(module, name) {
            return Some(child);
        }
        let here = (module.clone(), name.to_owned());
        if seen.contains(&here) || seen.len() > DEEPEST {
            return None;
        }
        seen.push(here.clone());
        let scope = self.modules.scope(module);
        let scopes = || blocks.iter().chain(&scope);
        let found = match scopes().find_map(|s| imports(s, name)) {
            Some(path) => self.module((module, blocks), path, seen),
            None => {
                let mut all = scopes().flat_map(|s| s.uses.iter().filter(|u| u.name.is_none()));
                all.find_map(|u| {
                    let from = self.module((module, blocks), &u.path, seen)?;
                    self.named((&from, &[]), name, seen)
                })
            }
        };
        if found.is_some() {
            seen.retain(|s| *s != here);
        }
        found
    }
}

/// The constant of a name in a scope; `Some(None)` if there are several: `#[cfg]` decides.
fn declared(scope: &Scope, name: &str) -> Answer<syn::ItemConst> {
    let mut all = scope.constants.iter().filter(|c| c.ident == name);
    let first = all.next()?;
    Some(all.next().is_none().then(|| first.clone()))
}

/// The path from which a `use` item takes a name.
fn imports<'s>(scope: &'s Scope, name: &str) -> Option<&'s [String]> {
    let is = |u: &&Use| u.name.as_deref() == Some(name);
    scope.uses.iter().find(is).map(|u| &u.path[..])
}
