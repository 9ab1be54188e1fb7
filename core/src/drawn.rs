//! The form of a drawn graph: the macro writes it as a text, and the runtime reads it. A table of structs for thousands of
//! nodes would take rustc seconds.
//!
//! [`SEPARATOR`] stands between the strings of a function. Nodes are separated by `;`, and the words of a node by spaces:
//! its kind ([`INPUT`], [`PARAM`] or [`OP`]), the numbers of the strings that are its op, name, element type, shape and
//! constant, and the numbers of its operands, separated by commas.
//!
//! In the text of layers each line is a layer: its name, its declaration, its results, and the start and end of its
//! parameters, separated by [`SEPARATOR`].

/// Stands between strings. The macro replaces control characters in names.
pub const SEPARATOR: char = '\u{1f}';

/// An argument.
pub const INPUT: &str = "i";

/// A parameter.
pub const PARAM: &str = "p";

/// An op.
pub const OP: &str = "o";
