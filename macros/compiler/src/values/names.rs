//! Finds the constant that a path is, by Rust's rules: items of a scope come before those of `use items::*`, which takes
//! what is visible.

use super::modules::{Module, Modules};
use super::scope::{Constant, Scope, Use};
use std::rc::Rc;

/// The most modules in which a name is looked for.
const DEEPEST: usize = 256;

/// The most `use` items that lead to another crate.
const MOST: usize = 8;

/// A constant, and the place of its expression.
pub struct Found<'a> {
    /// The constant.
    pub item: Rc<syn::ItemConst>,
    /// Its module.
    pub module: Module,
    /// The blocks around it, innermost first.
    pub blocks: &'a [Rc<Scope>],
    /// The constants of the type that it belongs to: `Self::WIDTH` is one of these.
    pub own: Vec<Constant>,
}

/// Finds constants.
pub struct Names<'a> {
    /// The modules of the crate.
    pub modules: &'a Modules,
}

/// What a scope says of a name: nothing, that it cannot be known, or the item.
type Answer<T> = Option<Option<T>>;

/// Those items of one kind in a scope that are visible, or all.
type Kind<T> = fn(&Scope, &str, Seeing) -> Answer<T>;

/// Which items of a module are taken.
#[derive(Clone, Copy, PartialEq)]
enum Seeing {
    /// Those that other modules see.
    Visible,
    All,
}

/// A module, and the blocks around a place of it, innermost first.
type Place<'p, 'b> = (&'p Module, &'b [Rc<Scope>]);

/// An item, its module, and the blocks around it.
type Item<'b, T> = (T, Module, &'b [Rc<Scope>]);

/// The names that were looked up in modules.
type Seen = Vec<(Module, String)>;

impl Names<'_> {
    /// The constant that a path is at a place. `own` are the constants of the type around the place.
    pub fn path<'b>(
        &self,
        place: Place<'_, 'b>,
        own: &[Constant],
        path: &[&str],
    ) -> Option<Found<'b>> {
        let (name, owner) = path.split_last()?;
        let (constants, module, blocks) = match owner {
            ["Self"] => (own.to_vec(), place.0.clone(), place.1),
            [] => return self.find(place, name, constant).map(found),
            owner => {
                let module = self.module(place, owner, &mut Vec::new());
                let item = module
                    .and_then(|m| self.item(&m, name, (constant, Seeing::All), &mut Vec::new()));
                match item {
                    Some(item) => return item.map(found),
                    None => self.owner(place, owner)?,
                }
            }
        };
        let item = only(&constants, name)??;
        Some(Found {
            item,
            module,
            blocks,
            own: constants,
        })
    }

    /// The paths that a path may be in other crates, by the `use` items at a place.
    pub fn elsewhere(&self, (module, blocks): Place, path: &[&str]) -> Vec<Vec<String>> {
        let scope = self.modules.scope(module);
        let scopes = || blocks.iter().chain(&scope);
        let mut path: Vec<String> = path.iter().map(ToString::to_string).collect();
        for _ in 0..MOST {
            let from = scopes().find_map(|s| imports(s, path.first()?, Seeing::All));
            let Some(Some(from)) = from else {
                break;
            };
            path.splice(..1, from.iter().cloned());
        }
        let all = scopes().flat_map(|s| s.uses.iter().filter(|u| u.name.is_none()));
        let all: Vec<_> = all.map(|u| [&u.path[..], &path].concat()).collect();
        std::iter::once(path).chain(all).collect()
    }

    /// The constants of the type that a path is.
    fn owner<'b>(&self, place: Place<'_, 'b>, path: &[&str]) -> Option<Item<'b, Vec<Constant>>> {
        let (name, modules) = path.split_last()?;
        if modules.is_empty() {
            return self.find(place, name, associated);
        }
        let module = self.module(place, modules, &mut Vec::new())?;
        self.item(&module, name, (associated, Seeing::All), &mut Vec::new())
            .flatten()
    }

    /// The item that a name is in a module, or in the blocks around a place of it.
    fn find<'b, T>(
        &self,
        (module, blocks): Place<'_, 'b>,
        name: &str,
        kind: Kind<T>,
    ) -> Option<Item<'b, T>> {
        for (at, block) in blocks.iter().enumerate() {
            if let Some(item) = kind(block, name, Seeing::All) {
                return item.map(|item| (item, module.clone(), &blocks[at..]));
            }
            let kind = (kind, Seeing::All);
            if let Some(item) = self.imported((module, block), name, kind, &mut Vec::new()) {
                return item;
            }
        }
        self.item(module, name, (kind, Seeing::All), &mut Vec::new())
            .flatten()
    }

    /// An item of a module. `seen` are the names whose `use` items led here.
    fn item<'b, T>(
        &self,
        module: &Module,
        name: &str,
        (kind, seeing): (Kind<T>, Seeing),
        seen: &mut Seen,
    ) -> Answer<Item<'b, T>> {
        let here = (module.clone(), name.to_owned());
        if seen.contains(&here) || seen.len() > DEEPEST {
            return None;
        }
        seen.push(here);
        let scope = self.modules.scope(module)?;
        match kind(&scope, name, seeing) {
            Some(item) => Some(item.map(|item| (item, module.clone(), &[][..]))),
            None => self.imported((module, &scope), name, (kind, seeing), seen),
        }
    }

    /// An item that the `use` items of a scope bring in.
    fn imported<'b, T>(
        &self,
        (module, scope): (&Module, &Scope),
        name: &str,
        (kind, seeing): (Kind<T>, Seeing),
        seen: &mut Seen,
    ) -> Answer<Item<'b, T>> {
        let place = (module, &[][..]);
        if let Some(path) = imports(scope, name, seeing) {
            let item = path.and_then(|path| {
                let (name, modules) = path.split_last()?;
                let from = self.module(place, modules, &mut Vec::new())?;
                self.item(&from, name, (kind, Seeing::All), seen)?
            });
            return Some(item);
        }
        let all = scope.uses.iter().filter(|u| u.name.is_none());
        for each in all.filter(|u| seeing == Seeing::All || u.marks.visible) {
            let Some(from) = self.module(place, &each.path, &mut Vec::new()) else {
                // The name may be in a module that cannot be read.
                if (scope.modules.iter()).any(|m| each.path.first() == Some(&m.name)) {
                    return Some(None);
                }
                continue;
            };
            let seeing = match self.modules.is_within(module, &from) {
                true => Seeing::All,
                false => Seeing::Visible,
            };
            if let Some(item) = self.item(&from, name, (kind, seeing), seen) {
                return Some(item.filter(|_| each.marks.certain));
            }
        }
        None
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
            "crate" => self.modules.root(module)?,
            "self" => module.clone(),
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
        let found = match scopes().find_map(|s| imports(s, name, Seeing::All)) {
            Some(path) => path.and_then(|path| self.module((module, blocks), path, seen)),
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

fn found((item, module, blocks): Item<'_, Rc<syn::ItemConst>>) -> Found<'_> {
    Found {
        item,
        module,
        blocks,
        own: Vec::new(),
    }
}

/// The constant of a name among these; `Some(None)` if it is not certain: there are several, or `#[cfg]` decides.
fn only<'c>(all: impl IntoIterator<Item = &'c Constant>, name: &str) -> Answer<Rc<syn::ItemConst>> {
    let mut all = all.into_iter().filter(|c| c.item.ident == name);
    let first = all.next()?;
    let certain = first.marks.certain && all.next().is_none();
    Some(certain.then(|| first.item.clone()))
}

/// The constant of a name in a scope.
fn constant(scope: &Scope, name: &str, seeing: Seeing) -> Answer<Rc<syn::ItemConst>> {
    let all = scope.constants.iter();
    only(
        all.filter(|c| seeing == Seeing::All || c.marks.visible),
        name,
    )
}

/// The constants of a type, if the scope has an `impl` of it.
fn associated(scope: &Scope, name: &str, _: Seeing) -> Answer<Vec<Constant>> {
    let mut impls = scope.impls.iter().filter(|(ty, _)| ty == name).peekable();
    impls.peek()?;
    Some(Some(impls.flat_map(|(_, all)| all.clone()).collect()))
}

/// The path from which a `use` item takes a name; `Some(None)` if it is not certain.
fn imports<'s>(scope: &'s Scope, name: &str, seeing: Seeing) -> Answer<&'s [String]> {
    let is =
        |u: &&Use| u.name.as_deref() == Some(name) && (seeing == Seeing::All || u.marks.visible);
    let mut all = scope.uses.iter().filter(is);
    let first = all.next()?;
    let certain = first.marks.certain && all.all(|u| u.path == first.path);
    Some(certain.then_some(&first.path[..]))
}
