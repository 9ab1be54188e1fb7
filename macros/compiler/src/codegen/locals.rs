//! Local variables of an emitted function: each size and each view that its steps use is computed once, at its start.
//!
//! Goes in: the expressions, while the steps are written. Comes out: names, and the `let`s. rustc's time for a function
//! grows with its expressions, and one size stands in dozens of them.

use super::dims;
use crate::dim::{Atom, Dim};
use crate::ir::DType;
use crate::passes::memory::Place;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// The variables of one program.
#[derive(Default)]
pub struct Locals(RefCell<State>);

#[derive(Default)]
struct State {
    sizes: FxHashMap<Dim, usize>,
    /// Quotients, which many sizes share.
    quotients: FxHashMap<Atom, usize>,
    views: FxHashMap<(Place, DType, Dim), usize>,
    /// The names and values, those that others need first.
    all: Vec<(Ident, TokenStream)>,
}

impl Locals {
    /// A size.
    pub fn size(&self, d: &Dim) -> TokenStream {
        self.size_and_number(d).0
    }

    /// A size, and the number of its variable. One that is a number or a variable already stays as it is.
    pub fn size_and_number(&self, d: &Dim) -> (TokenStream, Option<usize>) {
        if d.value().is_some() || is_name(d) {
            return (dims::usize(d), None);
        }
        if let Some(a @ (Atom::Quotient(p, q) | Atom::Floor(p, q))) = single(d) {
            let k = self.quotient(a, p, q);
            return (self.0.borrow().name(k), Some(k));
        }
        let known = self.0.borrow().sizes.get(d).copied();
        let k = known.unwrap_or_else(|| {
            let k = self.add("n", || dims::usize_of(d, &|a| self.atom(a)));
            self.0.borrow_mut().sizes.insert(d.clone(), k);
            k
        });
        (self.0.borrow().name(k), Some(k))
    }

    /// A factor of a size.
    fn atom(&self, a: &Atom) -> TokenStream {
        match a {
            Atom::Quotient(p, q) | Atom::Floor(p, q) => {
                let k = self.quotient(a, p, q);
                self.0.borrow().name(k)
            }
            _ => dims::atom(a),
        }
    }

    /// The number of the variable of `p / q`.
    fn quotient(&self, a: &Atom, p: &Dim, q: &Dim) -> usize {
        let known = self.0.borrow().quotients.get(a).copied();
        known.unwrap_or_else(|| {
            let k = self.add("n", || dims::quotient(p, q, &|a| self.atom(a)));
            self.0.borrow_mut().quotients.insert(a.clone(), k);
            k
        })
    }

    /// A new variable, whose value may use others.
    fn add(&self, prefix: &str, write: impl FnOnce() -> TokenStream) -> usize {
        let value = write();
        let all = &mut self.0.borrow_mut().all;
        let k = all.len();
        let name = format_ident!("__{prefix}{k}", span = Span::mixed_site());
        all.push((name, value));
        k
    }

    /// The view of a place that is the same in all steps of all loops, and the number of its variable: `write` writes its
    /// expression.
    pub fn view(
        &self,
        of: (&Place, DType, &Dim),
        write: impl FnOnce() -> TokenStream,
    ) -> (TokenStream, Option<usize>) {
        let key = (of.0.clone(), of.1, of.2.clone());
        let known = self.0.borrow().views.get(&key).copied();
        let k = known.unwrap_or_else(|| {
            let k = self.add("v", write);
            self.0.borrow_mut().views.insert(key, k);
            k
        });
        (self.0.borrow().name(k), Some(k))
    }

    /// The definitions of all.
    pub fn define(&self) -> TokenStream {
        let state = self.0.borrow();
        let lets = state
            .all
            .iter()
            .map(|(name, value)| quote!(let #name = #value;));
        lets.collect()
    }
}

impl State {
    fn name(&self, k: usize) -> TokenStream {
        let name = &self.all[k].0;
        quote!(#name)
    }
}

/// Whether the size is one variable or constant.
fn is_name(d: &Dim) -> bool {
    matches!(single(d), Some(Atom::Named(_) | Atom::Const(_)))
}

/// The only atom of a size.
fn single(d: &Dim) -> Option<&Atom> {
    let mut terms = d.terms();
    match (terms.next(), terms.next()) {
        (Some((1, [(atom, 1)])), None) => Some(atom),
        _ => None,
    }
}
