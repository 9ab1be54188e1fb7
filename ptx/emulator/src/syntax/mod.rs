//! Parses PTX text to a syntax tree: [`lexer`], then [`parser`]. Names are resolved later, by `decode`.

pub(crate) mod ast;
mod directives;
mod lexer;
mod operand;
mod parser;

pub(crate) use parser::parse;
