//! Names, numbers, strings, characters and lifetimes.

use super::Lexer;
use crate::error::{Error, Problem};
use crate::token::Kind;

fn name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn name_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

impl Lexer<'_> {
    /// Moves behind the literal or name that comes next, if one does.
    pub(super) fn literal(&mut self, first: char) -> Result<Option<Kind>, Error> {
        if let Some(kind) = self.prefixed()? {
            return Ok(Some(kind));
        }
        Ok(Some(match first {
            '"' => self.string(0)?,
            '\'' => self.quote(0)?,
            c if c.is_ascii_digit() => self.number(),
            c if name_start(c) => {
                self.skip(name_part);
                Kind::Name
            }
            _ => return Ok(None),
        }))
    }

    /// `r"..`, `br#".."#`, `b'..`, `c"..`, `r#name`.
    fn prefixed(&mut self) -> Result<Option<Kind>, Error> {
        let rest = self.rest();
        let prefixes = ["br", "cr", "r", "b", "c"];
        let Some(prefix) = prefixes.iter().find(|p| rest.starts_with(**p)) else {
            return Ok(None);
        };
        let (prefix, after) = rest.split_at(prefix.len());
        let raw = prefix.ends_with('r');
        let hashes = after.len() - after.trim_start_matches('#').len();
        let quoted = after.trim_start_matches('#');
        Ok(match quoted.chars().next() {
            Some('"') if raw => Some(self.raw_string(prefix.len() + hashes, hashes)?),
            Some('"') if hashes == 0 => Some(self.string(prefix.len())?),
            Some('\'') if hashes == 0 && prefix == "b" => Some(self.quote(1)?),
            Some(c) if prefix == "r" && hashes == 1 && name_start(c) => {
                self.at += 2;
                self.skip(name_part);
                Some(Kind::Name)
            }
            _ => None,
        })
    }

    /// The string that begins after `before` bytes.
    fn string(&mut self, before: usize) -> Result<Kind, Error> {
        self.escaped(before, '"', "string")
    }

    /// A character or a lifetime after `before` bytes.
    fn quote(&mut self, before: usize) -> Result<Kind, Error> {
        let first = self.peek(before + 1);
        let closed = self.peek(before + 2) == Some('\'');
        match first {
            // `'a` of `'a'` is no lifetime.
            Some(c) if name_start(c) && !closed => {
                self.at += before + 1;
                self.skip(name_part);
                Ok(Kind::Lifetime)
            }
            _ => self.escaped(before, '\'', "character"),
        }
    }

    /// Up to the next quote that no backslash precedes.
    fn escaped(&mut self, before: usize, quote: char, what: &'static str) -> Result<Kind, Error> {
        let start = self.at;
        self.at += before + 1;
        loop {
            let Some(c) = self.peek(0) else {
                return Err(Error::at(self.source, start, Problem::Unended(what)));
            };
            self.at += c.len_utf8();
            match c {
                '\\' => self.at += self.peek(0).map_or(0, char::len_utf8),
                // No character holds a line break: the error is better here than at the end of the file.
                '\n' if quote == '\'' => {
                    return Err(Error::at(self.source, start, Problem::Unended(what)));
                }
                c if c == quote => return Ok(Kind::Text),
                _ => {}
            }
        }
    }

    /// Up to a quote with as many hashes as before the first.
    fn raw_string(&mut self, before: usize, hashes: usize) -> Result<Kind, Error> {
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = self.rest().get(before + 1..).unwrap_or_default();
        let Some(length) = inside.find(&end) else {
            let problem = Problem::Unended("string");
            return Err(Error::at(self.source, self.at, problem));
        };
        self.at += before + 1 + length + end.len();
        Ok(Kind::Text)
    }

    /// `12`, `0xff`, `0.5`, `1.`, `1e-5`, `3f32`; not the point of `1..3` and `1.sum()`.
    fn number(&mut self) -> Kind {
        let digit = |c: char| c.is_ascii_digit() || c == '_';
        let other = ["0x", "0o", "0b"];
        if other.iter().any(|p| self.rest().starts_with(p)) {
            self.skip(name_part);
            return Kind::Number;
        }
        self.skip(digit);
        let point = self.peek(0) == Some('.');
        if point && !self.peek(1).is_some_and(|c| c == '.' || name_start(c)) {
            self.at += 1;
            self.skip(digit);
        }
        if matches!(self.peek(0), Some('e' | 'E')) {
            let signed = matches!(self.peek(1), Some('+' | '-'));
            let first = self.peek(if signed { 2 } else { 1 });
            if first.is_some_and(|c| c.is_ascii_digit()) {
                self.at += if signed { 2 } else { 1 };
                self.skip(digit);
            }
        }
        // What follows without a space is its type.
        self.skip(name_part);
        Kind::Number
    }
}
