//! Why a source stays as it is: the problem and its place.

use std::fmt;

/// A problem and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A string, character or block comment has no end.
    Unended(&'static str),
    /// A closing bracket closes nothing.
    Unopened(char),
    /// A bracket is never closed.
    Unclosed(char),
    /// A closing bracket is of another sort than the open one.
    Mismatched {
        /// The open bracket.
        open: char,
        /// The one that should close it.
        close: char,
    },
    /// The file is not UTF-8.
    Encoding,
    /// The result would have had other tokens, which is a mistake of the formatter.
    Tokens,
}

impl Error {
    /// A problem at a byte of a source.
    pub(crate) fn at(source: &str, byte: usize, problem: Problem) -> Self {
        let before = source.get(..byte).unwrap_or(source);
        let line = before.rsplit('\n').next().unwrap_or(before);
        Error {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            problem,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unended(what) => write!(f, "this {what} does not end"),
            Problem::Unopened(close) => write!(f, "this `{close}` closes nothing"),
            Problem::Unclosed(open) => write!(f, "this `{open}` is never closed"),
            Problem::Mismatched { open, close } => {
                write!(f, "this `{close}` cannot close a `{open}`")
            }
            Problem::Encoding => write!(f, "the file is not UTF-8"),
            Problem::Tokens => write!(
                f,
                "this network would have other tokens after it was formatted: a mistake of netform-fmt"
            ),
        }
    }
}

impl std::error::Error for Error {}
