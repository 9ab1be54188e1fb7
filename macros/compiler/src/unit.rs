//! A network together with the networks that its fields hold.
//!
//! One macro call cannot see another's tokens, so every network defines a `macro_rules!` of its name that hands its
//! tokens out. `network!` calls the macros of the networks in its fields one after another; each adds its tokens and
//! calls `network!` again. A network that holds itself is not asked. The last call has everything and compiles. The input is `[krate] { source } { held } { held
//! } ..`, where `held` is `{ source } { held } ..` in turn, or `!` for a network with errors. The output is the syntax
//! trees, or the name of the next network to ask.

use crate::ast::{self, show_path};
use crate::diag::Diag;
use proc_macro2::Ident;
use std::rc::Rc;

/// The sources of a network and of the networks in its fields.
pub struct Unit {
    /// The network's source.
    pub source: ast::Network,
    /// The networks of `source.blocks()`, in that order; `None` for one with errors, which are reported at that
    /// network.
    pub held: Vec<Option<Rc<Unit>>>,
}

impl Unit {
    /// A network without networks in its fields.
    pub fn alone(source: ast::Network) -> Unit {
        Unit {
            source,
            held: Vec::new(),
        }
    }

    /// The network for a path in a field.
    pub fn of(&self, path: &[Ident]) -> Option<Rc<Unit>> {
        let at = self.source.blocks().iter().position(|p| *p == path)?;
        let held = self.held.get(at).cloned().flatten();
        let own = || {
            let (source, held) = (self.source.clone(), self.held.clone());
            Rc::new(Unit { source, held })
        };
        held.or_else(|| is_own(&self.source, path).then(own))
    }
}

/// Whether a path in a field of a network is the network itself.
pub fn is_own(source: &ast::Network, path: &[Ident]) -> bool {
    matches!(path, [name] if *name == source.name)
}

/// Reports a network that holds itself, and has no parameter that could be smaller inside.
pub fn holds_itself(source: &ast::Network, diag: &Diag) {
    for path in source.blocks() {
        if let [name] = path
            && is_own(source, path)
            && source.generics.is_empty()
        {
            let text = format!(
                "`{0}` contains itself\nhelp: a recursive field needs a condition and a smaller const parameter: `struct {0}<const N: usize> {{ #[when(N > 1)] inner: {0}<N - 1>, .. }}`",
                show_path(path)
            );
            diag.error(name.span(), text);
        }
    }
}
