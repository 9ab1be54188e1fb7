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
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The variables of one program.
#[derive(Default)]
pub struct Locals(RefCell<State>);

/// Numbers of variables.
pub type Used = BTreeSet<usize>;

#[derive(Default)]
struct State {
    sizes: FxHashMap<Dim, usize>,
    /// Quotients, which many sizes share.
    quotients: FxHashMap<Atom, usize>,
    views: FxHashMap<(Place, DType, Dim), usize>,
    all: Vec<Local>,
    /// The variables of the step that is being written.
    used: Used,
}

struct Local {
    name: Ident,
    value: Value,
    /// The variables in the value, and those in their values.
    needs: Used,
}

/// The value of a variable.
enum Value {
    /// An expression.
    Of(TokenStream),
    /// A view of floats: the number of its slot or parameter, and its length.
    Floats(Floats, usize, TokenStream),
}

/// Where floats lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Floats {
    /// In a slot.
    Slot,
    /// In a parameter.
    Param,
    /// In the gradient of a parameter.
    Grad,
}

impl Floats {
    const ALL: [Floats; 3] = [Floats::Slot, Floats::Param, Floats::Grad];

    fn one(self, k: usize, len: &TokenStream) -> TokenStream {
        match self {
            Floats::Slot => quote!(run.floats(#k, #len)),
            Floats::Param => quote!(run.param_of(Self::__OFFSETS, #k, #len)),
            Floats::Grad => quote!(run.grad_of(Self::__OFFSETS, #k, #len)),
        }
    }

    /// The same for several.
    fn all(self, views: &[TokenStream]) -> TokenStream {
        let views = quote!(&[#(#views),*]);
        match self {
            Floats::Slot => quote!(run.all_floats(&mut __views, #views);),
            Floats::Param => quote!(run.all_params(&mut __views, Self::__OFFSETS, #views);),
            Floats::Grad => quote!(run.all_grads(&mut __views, Self::__OFFSETS, #views);),
        }
    }
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
            return (self.0.borrow_mut().name(k), Some(k));
        }
        let known = self.0.borrow().sizes.get(d).copied();
        let k = known.unwrap_or_else(|| {
            let k = self.add("n", || Value::Of(dims::usize_of(d, &|a| self.atom(a))));
            self.0.borrow_mut().sizes.insert(d.clone(), k);
            k
        });
        (self.0.borrow_mut().name(k), Some(k))
    }

    /// A factor of a size.
    fn atom(&self, a: &Atom) -> TokenStream {
        match a {
            Atom::Quotient(p, q) | Atom::Floor(p, q) => {
                let k = self.quotient(a, p, q);
                self.0.borrow_mut().name(k)
            }
            _ => dims::atom(a),
        }
    }

    /// The number of the variable of `p / q`.
    fn quotient(&self, a: &Atom, p: &Dim, q: &Dim) -> usize {
        let known = self.0.borrow().quotients.get(a).copied();
        known.unwrap_or_else(|| {
            let k = self.add("n", || Value::Of(dims::quotient(p, q, &|a| self.atom(a))));
            self.0.borrow_mut().quotients.insert(a.clone(), k);
            k
        })
    }

    /// A new variable, whose value may use others.
    fn add(&self, prefix: &str, write: impl FnOnce() -> Value) -> usize {
        let before = self.take();
        let value = write();
        let used = self.take();
        let mut state = self.0.borrow_mut();
        state.used = before;
        let inner = used.iter().flat_map(|k| &state.all[*k].needs).copied();
        let needs = inner.chain(used.iter().copied()).collect();
        let k = state.all.len();
        let name = format_ident!("__{prefix}{k}", span = Span::mixed_site());
        state.all.push(Local { name, value, needs });
        k
    }

    /// The view of a place that is the same in all steps of all loops, and the number of its variable: `write` writes its
    /// expression.
    pub fn view(
        &self,
        of: (&Place, DType, &Dim),
        write: impl FnOnce() -> TokenStream,
    ) -> (TokenStream, Option<usize>) {
        self.view_as(of, || Value::Of(write()))
    }

    /// The same for floats of slot or parameter `k`; `len` writes their number.
    pub fn floats(
        &self,
        of: (&Place, DType, &Dim),
        (floats, k): (Floats, usize),
        len: impl FnOnce() -> TokenStream,
    ) -> (TokenStream, Option<usize>) {
        self.view_as(of, || Value::Floats(floats, k, len()))
    }

    fn view_as(
        &self,
        of: (&Place, DType, &Dim),
        write: impl FnOnce() -> Value,
    ) -> (TokenStream, Option<usize>) {
        let key = (of.0.clone(), of.1, of.2.clone());
        let known = self.0.borrow().views.get(&key).copied();
        let k = known.unwrap_or_else(|| {
            let k = self.add("v", write);
            self.0.borrow_mut().views.insert(key, k);
            k
        });
        (self.0.borrow_mut().name(k), Some(k))
    }

    /// The variables that were used since the last call.
    pub fn take(&self) -> Used {
        std::mem::take(&mut self.0.borrow_mut().used)
    }

    /// Their definitions, after those that they need. In a `large` function views are made together: rustc's time grows
    /// with the number of calls.
    pub fn define(&self, used: &Used, large: bool) -> TokenStream {
        let state = self.0.borrow();
        let mut all = used.clone();
        // Needed variables have smaller numbers.
        all.extend(used.iter().flat_map(|k| &state.all[*k].needs));
        let mut lets = TokenStream::new();
        let mut groups = Floats::ALL.map(|_| (Vec::new(), Vec::new()));
        for Local { name, value, .. } in all.iter().map(|k| &state.all[*k]) {
            match value {
                Value::Of(value) => lets.extend(quote!(let #name = #value;)),
                Value::Floats(floats, k, len) if large => {
                    let (names, views) = &mut groups[*floats as usize];
                    names.push(name);
                    views.push(quote!((#k, #len)));
                }
                Value::Floats(floats, k, len) => {
                    let view = floats.one(*k, len);
                    lets.extend(quote!(let #name = #view;));
                }
            }
        }
        for (floats, (names, views)) in Floats::ALL.into_iter().zip(groups) {
            if !names.is_empty() {
                let (count, all) = (names.len(), floats.all(&views));
                lets.extend(quote! {
                    let mut __views = [__nf::View::NOWHERE; #count];
                    #all
                    let [#(#names),*] = __views;
                });
            }
        }
        lets
    }
}

impl State {
    fn name(&mut self, k: usize) -> TokenStream {
        self.used.insert(k);
        let name = &self.all[k].name;
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
