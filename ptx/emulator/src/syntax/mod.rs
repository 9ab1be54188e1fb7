//! PTX text to syntax tree: [`lexer`], then [`parser`]; names are resolved later, by `decode`.

pub(crate) mod ast;
mod directives;
mod lexer;
mod operand;
mod parser;

pub(crate) use parser::parse;
