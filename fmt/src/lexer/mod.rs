//! Lexing: the text of a Rust file to its tokens, with comments.
//!
//! It knows as much of Rust as is needed to tell code from strings and comments. What it does not know is a
//! [`Mark`](Kind::Mark) of one character.

mod literals;

use crate::error::{Error, Problem};
use crate::token::{Kind, Token};

/// Longer marks come before their beginnings. `<<` and `>>` are two marks: they close two lists of sizes.
const MARKS: [&str; 21] = [
    "..=", "...", "..", "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "**", "+=", "-=",
    "*=", "/=", "%=", "&=", "|=", "^=",
];

/// All tokens of a source.
pub fn lex(source: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut lexer = Lexer {
        source,
        at: shebang(source),
    };
    let mut tokens: Vec<Token<'_>> = Vec::new();
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

/// The length of a first line for the shell, such as `#!/usr/bin/env rust-script`; `#![..]` is none.
fn shebang(source: &str) -> usize {
    match source.strip_prefix("#!") {
        Some(rest) if !rest.trim_start().starts_with('[') => {
            source.find('\n').unwrap_or(source.len())
        }
        _ => 0,
    }
}

/// The source and the byte that comes next.
struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// The character `n` after the next one.
    fn peek(&self, n: usize) -> Option<char> {
        self.rest().chars().nth(n)
    }

    fn token(&mut self) -> Result<Option<Token<'a>>, Error> {
        let space = |c: char| c.is_whitespace() || c == '\u{feff}';
        self.at += self.rest().len() - self.rest().trim_start_matches(space).len();
        let start = self.at;
        let Some(first) = self.peek(0) else {
            return Ok(None);
        };
        let kind = self.kind(first)?;
        let text = &self.source[start..self.at];
        Ok(Some(Token { kind, text, start }))
    }

    /// Moves behind the next token.
    fn kind(&mut self, first: char) -> Result<Kind, Error> {
        if self.rest().starts_with("//") {
            let line = self.rest().split('\n').next().unwrap_or_default();
            self.at += line.trim_end_matches('\r').len();
            return Ok(Kind::LineComment);
        }
        if self.rest().starts_with("/*") {
            return self.block_comment();
        }
        if let Some(kind) = self.literal(first)? {
            return Ok(kind);
        }
        let bracket = match first {
            '(' | '[' | '{' => Some(Kind::Open),
            ')' | ']' | '}' => Some(Kind::Close),
            _ => None,
        };
        let mark = MARKS.iter().find(|m| self.rest().starts_with(**m));
        self.at += mark.map_or(first.len_utf8(), |m| m.len());
        Ok(bracket.unwrap_or(Kind::Mark))
    }

    fn block_comment(&mut self) -> Result<Kind, Error> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
            } else {
                let Some(c) = self.peek(0) else {
                    let problem = Problem::Unended("comment");
                    return Err(Error::at(self.source, start, problem));
                };
                self.at += c.len_utf8();
            }
            if depth == 0 {
                return Ok(Kind::BlockComment);
            }
        }
    }

    /// Moves behind the characters that fit.
    fn skip(&mut self, fits: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(fits).len();
    }
}

#[cfg(test)]
mod tests;
