//! Steps as functions: in a large network hundreds of steps differ only in their sizes and views.
//!
//! Goes in: a step's statements, written with names of parameters for the sizes and views, and the values of these. Comes
//! out: a call of a function, which all steps with the same statements share. rustc then checks and compiles a step's
//! generic calls once.

use super::form::Form;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// The functions of a network's steps.
#[derive(Default)]
pub struct Outline {
    known: FxHashMap<Key, Ident>,
    /// The functions.
    pub items: TokenStream,
}

/// What all steps with the same function have in common.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Form(Form),
    Statements(String),
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A size.
    Size,
    /// A view.
    View,
    /// A number.
    Number,
    /// An integer.
    Integer,
    /// A stream of random numbers.
    Stream,
    /// A place in the user's source.
    Site,
}

/// A parameter: its type and its value.
pub type Parameter = (Kind, TokenStream);

/// The parameters of the step that is being written.
#[derive(Default)]
pub struct Parameters(RefCell<Option<State>>);

#[derive(Default)]
struct State {
    all: Vec<Parameter>,
    /// The numbers of those whose values are variables, by the numbers of the variables.
    known: FxHashMap<usize, usize>,
}

impl Parameters {
    /// Begins a step.
    pub fn begin(&self) {
        *self.0.borrow_mut() = Some(State::default());
    }

    /// The name of a parameter with this value, which may be a variable with this number. Outside of steps that become
    /// functions, the value itself.
    pub fn name(&self, kind: Kind, value: TokenStream, local: Option<usize>) -> TokenStream {
        if self.0.borrow().is_none() {
            return value;
        }
        let name = parameter(self.number(kind, value, local));
        quote!(#name)
    }

    /// The number of such a parameter, within a step.
    pub fn number(&self, kind: Kind, value: TokenStream, local: Option<usize>) -> usize {
        let mut state = self.0.borrow_mut();
        let state = state.get_or_insert_default();
        let next = state.all.len();
        let k = local.map_or(next, |local| *state.known.entry(local).or_insert(next));
        if k == next {
            state.all.push((kind, value));
        }
        k
    }

    /// Ends a step, and returns its parameters.
    pub fn take(&self) -> Vec<Parameter> {
        self.0.borrow_mut().take().map_or_else(Vec::new, |s| s.all)
    }
}

impl Outline {
    /// A call of a map or reduction.
    pub fn form(&mut self, form: Form, all: &[Parameter]) -> TokenStream {
        let written = form.clone();
        self.call(Key::Form(form), all, || {
            let names: Vec<TokenStream> = (0..all.len())
                .map(|k| {
                    let name = parameter(k);
                    quote!(#name)
                })
                .collect();
            written.statement(&names)
        })
    }

    /// A call of other statements.
    pub fn statements(&mut self, statements: &TokenStream, all: &[Parameter]) -> TokenStream {
        if statements.is_empty() {
            return TokenStream::new();
        }
        // The statements decide the parameters' types.
        let key = Key::Statements(statements.to_string());
        self.call(key, all, || statements.clone())
    }

    fn call(
        &mut self,
        key: Key,
        all: &[Parameter],
        statements: impl FnOnce() -> TokenStream,
    ) -> TokenStream {
        let known = self.known.get(&key).cloned();
        let name = known.unwrap_or_else(|| self.function(key, all, &statements()));
        let values = all.iter().map(|(_, value)| value);
        quote!(#name(run, #(#values),*);)
    }

    fn function(&mut self, key: Key, all: &[Parameter], statements: &TokenStream) -> Ident {
        let name = format_ident!("__call{}", self.known.len(), span = Span::mixed_site());
        let parameters = all.iter().enumerate().map(|(k, (kind, _))| {
            let name = parameter(k);
            match kind {
                Kind::Size => quote!(#name: usize),
                Kind::View => quote!(#name: __nf::View),
                Kind::Number => quote!(#name: f64),
                Kind::Integer => quote!(#name: i128),
                Kind::Stream => quote!(#name: u64),
                Kind::Site => quote!(#name: __nf::Site),
            }
        });
        self.items.extend(quote! {
            fn #name<__D: __nf::Device>(run: &__nf::Run<'_, __D>, #(#parameters),*) { #statements }
        });
        self.known.insert(key, name.clone());
        name
    }
}

fn parameter(k: usize) -> Ident {
    format_ident!("__a{k}", span = Span::mixed_site())
}
