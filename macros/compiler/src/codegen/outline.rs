//! Steps as functions: in a large network hundreds of steps differ only in their sizes and views.
//!
//! Goes in: a step's statements, written with names of parameters for the sizes and views, and the values of these. Comes
//! out: a step of the listing, or in a loop a call. All steps with the same statements share a function, which rustc
//! checks and compiles once.

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
    /// The statements, and the kinds of the parameters.
    Statements(String, Vec<Kind>),
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A view.
    View,
    /// A size.
    Size,
    /// A number.
    Number,
    /// An integer.
    Integer,
    /// A stream of random numbers.
    Stream,
    /// A place in the user's source.
    Site,
}

impl Kind {
    /// All, in the order in which the runtime reads them.
    pub const ALL: [Kind; 6] = [
        Kind::View,
        Kind::Size,
        Kind::Number,
        Kind::Integer,
        Kind::Stream,
        Kind::Site,
    ];

    /// The field of the runtime's `Args`.
    fn field(self) -> Ident {
        let name = match self {
            Kind::View => "views",
            Kind::Size => "sizes",
            Kind::Number => "numbers",
            Kind::Integer => "integers",
            Kind::Stream => "streams",
            Kind::Site => "sites",
        };
        Ident::new(name, Span::call_site())
    }
}

/// A value that a step uses.
#[derive(Clone, Debug)]
pub enum Value {
    /// An expression.
    Written(TokenStream),
    /// The number of an entry in the table of its kind.
    Entry(usize),
}

/// A parameter: its type and its value.
pub type Parameter = (Kind, Value);

/// The parameters of the functions that are being written: of a step, and of the loop around it.
#[derive(Default)]
pub struct Parameters(RefCell<Vec<Level>>);

#[derive(Default)]
struct Level {
    /// It is a loop, whose function holds expressions as they are.
    is_loop: bool,
    all: Vec<Parameter>,
    /// The numbers of parameters, by the number of the entry or variable.
    known: FxHashMap<(Kind, usize), usize>,
}

impl Parameters {
    /// Begins a function: of a step, or of a loop, which holds steps.
    pub fn begin(&self, is_loop: bool) {
        self.0.borrow_mut().push(Level {
            is_loop,
            ..Level::default()
        });
    }

    /// The value in the function that is being written: the name of a parameter, or outside of functions the value
    /// itself. `local` is the number of the variable that holds the value, if one does.
    pub fn name(&self, kind: Kind, value: Value, local: Option<usize>) -> TokenStream {
        let depth = self.0.borrow().len();
        self.at(depth, kind, value, local)
    }

    /// The same in the code around a step: in the loop, if there is one.
    pub fn around(&self, kind: Kind, value: Value, local: Option<usize>) -> TokenStream {
        let loops = self.0.borrow().iter().filter(|l| l.is_loop).count();
        self.at(loops, kind, value, local)
    }

    fn at(&self, depth: usize, kind: Kind, value: Value, local: Option<usize>) -> TokenStream {
        let mut levels = self.0.borrow_mut();
        let levels = levels.get_mut(..depth).unwrap_or_default();
        match (value, levels.last()) {
            (Value::Written(value), None) => value,
            (Value::Written(value), Some(level)) if level.is_loop => value,
            (value, _) => {
                let name = parameter(number(levels, kind, value, local));
                quote!(#name)
            }
        }
    }

    /// The number of a parameter of the innermost function.
    pub fn number(&self, kind: Kind, value: Value, local: Option<usize>) -> usize {
        number(&mut self.0.borrow_mut(), kind, value, local)
    }

    /// Ends a function, and returns its parameters.
    pub fn take(&self) -> Vec<Parameter> {
        self.0.borrow_mut().pop().map_or_else(Vec::new, |l| l.all)
    }
}

/// The number of a parameter of the last level. It is an entry for the outermost level, and a parameter of the level
/// around it for another.
fn number(levels: &mut [Level], kind: Kind, value: Value, local: Option<usize>) -> usize {
    let Some((level, around)) = levels.split_last_mut() else {
        return 0;
    };
    let key = match &value {
        Value::Entry(entry) => Some((kind, *entry)),
        Value::Written(_) => local.map(|local| (kind, local)),
    };
    if let Some(k) = key.and_then(|key| level.known.get(&key)) {
        return *k;
    }
    let value = match value {
        Value::Entry(_) if !around.is_empty() => {
            let name = parameter(number(around, kind, value, local));
            Value::Written(quote!(#name))
        }
        value => value,
    };
    level.all.push((kind, value));
    let k = level.all.len() - 1;
    if let Some(key) = key {
        level.known.insert(key, k);
    }
    k
}

impl Outline {
    /// The function of a map or reduction.
    pub fn form(&mut self, form: Form, all: &[Parameter]) -> Ident {
        let written = form.clone();
        self.function(Key::Form(form), all, || {
            let names = (0..all.len()).map(|k| {
                let name = parameter(k);
                quote!(#name)
            });
            written.statement(&names.collect::<Vec<_>>())
        })
    }

    /// The function of other statements.
    pub fn statements(&mut self, statements: &TokenStream, all: &[Parameter]) -> Ident {
        let kinds = all.iter().map(|(kind, _)| *kind).collect();
        let key = Key::Statements(statements.to_string(), kinds);
        self.function(key, all, || statements.clone())
    }

    fn function(
        &mut self,
        key: Key,
        all: &[Parameter],
        statements: impl FnOnce() -> TokenStream,
    ) -> Ident {
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let name = format_ident!("__call{}", self.known.len(), span = Span::mixed_site());
        let lets = Kind::ALL.into_iter().map(|kind| {
            let of = all.iter().enumerate().filter(|(_, (k, _))| *k == kind);
            let names: Vec<Ident> = of.map(|(k, _)| parameter(k)).collect();
            match names.is_empty() {
                true => TokenStream::new(),
                false => {
                    let field = kind.field();
                    quote!(let [#(#names),*] = *__args.#field else { return run.refuse_arguments() };)
                }
            }
        });
        let statements = statements();
        self.items.extend(quote! {
            fn #name<__D: __nf::Device>(run: &__nf::Run<'_, __D>, __args: &__nf::Args<'_>) { #(#lets)* #statements }
        });
        self.known.insert(key, name.clone());
        name
    }
}

/// A call in a loop, with values that the loop's function computes.
pub fn call(function: &Ident, all: &[Parameter]) -> TokenStream {
    let fields = Kind::ALL.into_iter().map(|kind| {
        let of = all.iter().filter(|(k, _)| *k == kind);
        let values = of.map(|(_, value)| match value {
            Value::Written(value) => value.clone(),
            Value::Entry(_) => TokenStream::new(),
        });
        let (values, field) = (values.collect::<Vec<_>>(), kind.field());
        match values.is_empty() {
            true => TokenStream::new(),
            false => quote!(#field: &[#(#values),*],),
        }
    });
    quote!(#function(run, &__nf::Args { #(#fields)* ..__nf::Args::NONE });)
}

fn parameter(k: usize) -> Ident {
    format_ident!("__a{k}", span = Span::mixed_site())
}
