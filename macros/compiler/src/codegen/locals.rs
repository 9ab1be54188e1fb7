//! Local variables of an emitted function: each size and each view that its steps use is computed once, at its start.
//!
//! Goes in: the expressions, while the steps are written. Comes out: names, and the `let`s of the steps of one
//! function. rustc's time for a function grows with its expressions, and one size stands in dozens of them.

use super::dims;
use crate::dim::{Atom, Dim};
use crate::ir::DType;
use crate::passes::memory::Place;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

/// The variables of one program.
#[derive(Default)]
pub struct Locals(RefCell<State>);

/// Numbers of variables.
pub type Used = BTreeSet<usize>;

#[derive(Default)]
struct State {
    sizes: HashMap<Dim, usize>,
    views: HashMap<(Place, DType, Dim), usize>,
    all: Vec<Local>,
    /// The variables of the step that is being written.
    used: Used,
}

struct Local {
    name: Ident,
    value: TokenStream,
    /// The variables in the value.
    needs: Used,
}

impl Locals {
    /// A size. One that is a number or a variable already stays as it is.
    pub fn size(&self, d: &Dim) -> TokenStream {
        if d.value().is_some() || is_name(d) {
            return dims::usize(d);
        }
        let known = self.0.borrow().sizes.get(d).copied();
        let k = known.unwrap_or_else(|| {
            let mut state = self.0.borrow_mut();
            let k = state.add("n", dims::usize(d), Used::new());
            state.sizes.insert(d.clone(), k);
            k
        });
        self.0.borrow_mut().name(k)
    }

    /// The view of a place that is the same in all steps of all loops: `write` writes its expression.
    pub fn view(
        &self,
        of: (&Place, DType, &Dim),
        write: impl FnOnce() -> TokenStream,
    ) -> TokenStream {
        let key = (of.0.clone(), of.1, of.2.clone());
        let known = self.0.borrow().views.get(&key).copied();
        let k = known.unwrap_or_else(|| {
            let before = self.take();
            let value = write();
            let needs = self.take();
            let mut state = self.0.borrow_mut();
            state.used = before;
            let k = state.add("v", value, needs);
            state.views.insert(key, k);
            k
        });
        self.0.borrow_mut().name(k)
    }

    /// The variables that were used since the last call.
    pub fn take(&self) -> Used {
        std::mem::take(&mut self.0.borrow_mut().used)
    }

    /// Their definitions, after those that they need.
    pub fn define(&self, used: &Used) -> TokenStream {
        let state = self.0.borrow();
        let mut all = used.clone();
        // Needed variables have smaller numbers, and need none themselves.
        all.extend(used.iter().flat_map(|k| &state.all[*k].needs));
        let lets = all.iter().map(|k| {
            let Local { name, value, .. } = &state.all[*k];
            quote!(let #name = #value;)
        });
        lets.collect()
    }
}

impl State {
    fn add(&mut self, prefix: &str, value: TokenStream, needs: Used) -> usize {
        let k = self.all.len();
        let name = format_ident!("__{prefix}{k}", span = Span::mixed_site());
        self.all.push(Local { name, value, needs });
        k
    }

    fn name(&mut self, k: usize) -> TokenStream {
        self.used.insert(k);
        let name = &self.all[k].name;
        quote!(#name)
    }
}

/// Whether the size is one variable or constant.
fn is_name(d: &Dim) -> bool {
    let mut terms = d.terms();
    matches!(
        (terms.next(), terms.next()),
        (Some((1, [(Atom::Named(_) | Atom::Const(_), 1)])), None)
    )
}
