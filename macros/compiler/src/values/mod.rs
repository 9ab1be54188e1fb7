//! The values of Rust constants, read from the files that declare them.
//!
//! The macro gets names, not values. Some networks do not compile with names alone, such as one with a loop `0..DEPTH` in
//! which a tensor grows. For these the macro reads the file of its tokens, finds `const DEPTH: usize = 4;` in the scopes
//! around the network, or in the modules of the crate to which `use` items lead, and compiles it once more with the
//! number. Emitted code compares each constant with the number that was read (`codegen/values.rs`).
//!
//! The input is the tokens of a network; the output is its constants with their values.

mod arithmetic;
mod call;
mod evaluate;
mod file;
mod modules;
mod names;
mod replace;
mod scope;

pub use call::in_call;
pub use replace::replaced;

use crate::word;
use modules::{Module, Modules};
use proc_macro2::{Ident, TokenStream, TokenTree};
use scope::Scope;
use std::rc::Rc;

/// The value of a constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// An integer.
    Whole(i128),
    /// A float.
    Number(f64),
    /// A `bool`.
    Bool(bool),
    /// An array or a reference to one.
    List(Vec<Known>),
    /// A tuple.
    Tuple(Vec<Known>),
}

impl Known {
    /// The value as a float.
    #[allow(clippy::cast_precision_loss)]
    pub fn number(&self) -> Option<f64> {
        match self {
            Known::Whole(v) => Some(*v as f64),
            Known::Number(v) => Some(*v),
            Known::Bool(_) | Known::List(_) | Known::Tuple(_) => None,
        }
    }
}

/// A constant and its value.
#[derive(Clone, Debug)]
pub struct Constant {
    /// The first token of the network that names it.
    pub name: Ident,
    /// Its value.
    pub value: Known,
}

/// The constants that a network's tokens name and whose values the files of its crate give.
pub fn of(source: &TokenStream) -> Vec<Constant> {
    let used = replace::names(source);
    let modules = Modules::default();
    let Some((module, blocks)) = used.first().and_then(|_| place(&modules, source)) else {
        return Vec::new();
    };
    let value = |name: Ident| {
        let word = name.to_string();
        let path = word::parts(&word).unwrap_or_else(|| vec![&word]);
        let value = evaluate::constant(&modules, (&module, &blocks), &path)?;
        Some(Constant { name, value })
    };
    used.into_iter().filter_map(value).collect()
}

/// The module and the blocks around a network.
fn place(modules: &Modules, source: &TokenStream) -> Option<(Module, Vec<Rc<Scope>>)> {
    let mut tokens = source.clone().into_iter();
    let name = tokens.by_ref().skip_while(|t| !is_struct(t)).nth(1)?;
    let (span, name) = (name.span(), name.to_string());
    let file = span.local_file()?;
    let text = std::fs::read_to_string(&file).ok()?;
    let start = span.start();
    let levels = file::around(&text, (start.line, start.column), &name)?;
    Some(modules.around(file, levels))
}

fn is_struct(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(word) if word == "struct")
}
