//! The values of Rust constants, read from the file that declares them.
//!
//! The macro is given names, not values. If a network does not compile with names alone, as a loop `0..DEPTH` whose
//! tensor grows, the macro reads the file of its tokens, finds `const DEPTH: usize = 4;` in the scopes around the
//! network, and compiles it once more with the number. That is never taken on trust: emitted code compares each
//! constant with the number that was read (`codegen/values.rs`).
//!
//! What goes in is the tokens of a network; what comes out is its constants with their values.

mod call;
mod evaluate;
mod file;
mod replace;

pub use call::in_call;
pub use replace::replaced;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

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

/// The constants around a network in its file, innermost first.
fn scopes(source: &TokenStream) -> Option<Vec<file::Scope>> {
    let first = source
        .clone()
        .into_iter()
        .skip_while(|t| !is_struct(t))
        .nth(1)?;
    let text = std::fs::read_to_string(first.span().local_file()?).ok()?;
    file::around(text.parse().ok()?, &file::flat(source))
}

fn is_struct(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(word) if word == "struct")
}

/// Whether a group holds arguments, an index or a block; the others are invisible.
fn visible(delimiter: Delimiter) -> bool {
    delimiter != Delimiter::None
}
