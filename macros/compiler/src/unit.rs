//! A network together with the networks that its fields hold.
//!
//! One macro call cannot see another's tokens, so every network leaves a `macro_rules!` of its own
//! name that hands them out. `network!` calls those of its fields one after another, each of which
//! adds its tokens and calls `network!` again; the last call has everything and compiles. In:
//! `[krate] { source } { held } { held } ..`, where `held` is `{ source } { held } ..` in turn, or
//! `!` for a network with mistakes. Out: the syntax trees, or the name of the next to be asked.

use crate::ast::{self, show_path};
use crate::diag::Diag;
use proc_macro2::Ident;
use std::rc::Rc;

/// A network's source and those of its fields.
pub struct Unit {
    /// Its own.
    pub source: ast::Network,
    /// Those of `source.blocks()`, in that order; `None` for one with mistakes, told where it is.
    pub held: Vec<Option<Rc<Unit>>>,
}

impl Unit {
    /// A network without others in it.
    pub fn alone(source: ast::Network) -> Unit {
        Unit {
            source,
            held: Vec::new(),
        }
    }

    /// The network that a path in a field means.
    pub fn of(&self, path: &[Ident]) -> Option<Rc<Unit>> {
        let at = self.source.blocks().iter().position(|p| *p == path)?;
        self.held.get(at)?.clone()
    }
}

/// A network that holds itself can never be asked for its own tokens.
pub fn holds_itself(source: &ast::Network, diag: &Diag) {
    for path in source.blocks() {
        if let [name] = path
            && *name == source.name
        {
            let text = format!("`{}` holds itself: it would never end", show_path(path));
            diag.error(name.span(), text);
        }
    }
}
