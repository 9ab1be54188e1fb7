//! The values of Rust constants, read from the file that declares them.
//!
//! The macro gets names, not values. Some networks do not compile with names alone, such as one with a loop `0..DEPTH` in
//! which a tensor grows. For these the macro reads the file of its tokens, finds `const DEPTH: usize = 4;` in the scopes
//! around the network, and compiles it once more with the number. Emitted code compares each constant with the number
//! that was read (`codegen/values.rs`).
//!
//! The input is the tokens of a network; the output is its constants with their values.

mod call;
mod evaluate;
mod file;
mod replace;

pub use call::in_call;
pub use replace::replaced;

use proc_macro2::{Ident, TokenStream, TokenTree};

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

/// The constants that a network's tokens name and whose values its file gives.
pub fn of(source: &TokenStream) -> Vec<Constant> {
    let used = replace::names(source);
    let Some(scopes) = used.first().and_then(|_| scopes(source)) else {
        return Vec::new();
    };
    let value = |name: Ident| {
        let value = evaluate::constant(&scopes, &name.to_string())?;
        Some(Constant { name, value })
    };
    used.into_iter().filter_map(value).collect()
}

/// The scopes around a network in its file, innermost first.
fn scopes(source: &TokenStream) -> Option<Vec<file::Scope>> {
    let mut tokens = source.clone().into_iter();
    let name = tokens.by_ref().skip_while(|t| !is_struct(t)).nth(1)?;
    let (span, name) = (name.span(), name.to_string());
    let text = std::fs::read_to_string(span.local_file()?).ok()?;
    let start = span.start();
    file::around(&text, (start.line, start.column), &name)
}

fn is_struct(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(word) if word == "struct")
}
