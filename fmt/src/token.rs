//! Tokens of a source file. Their texts are parts of the source, so nothing is lost; white space lies between them.

/// A piece of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its text.
    pub text: &'a str,
    /// The byte of the source at which it starts.
    pub start: usize,
}

impl Token<'_> {
    /// The byte after the last one.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is a comment.
    pub fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::LineComment | Kind::BlockComment)
    }
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword, also a raw one: `x`, `let`, `r#where`.
    Name,
    /// A number without its sign: `3`, `0.5`, `1e-5`.
    Number,
    /// A string or a character, of any sort.
    Text,
    /// A lifetime: `'a`.
    Lifetime,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// An operator or another mark, as long as possible: `->`, `**`, `::`.
    Mark,
    /// `//` to the end of the line, also `///` and `//!`.
    LineComment,
    /// `/* .. */`, also in each other.
    BlockComment,
}
