//! Pieces: the tokens of one network with what the rules need to know about them.

use crate::token::Token;

/// A token with its role and its place in the source.
#[derive(Clone, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) token: Token<'a>,
    /// What it does there.
    pub(crate) role: Role,
    /// Line breaks between the token before and this one.
    pub(crate) breaks: usize,
    /// Whether nothing lies between the token before and this one.
    pub(crate) touches: bool,
    /// The characters before it in its line.
    pub(crate) column: usize,
    /// Whether it opens a list, which may end with a comma.
    pub(crate) list: bool,
}

/// What a token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A name or a literal: the end of a value.
    Word,
    /// A keyword, after which a value may begin.
    Keyword,
    /// It belongs to what follows: `-x`, `!x`, `&mut`, `#[`, `$x`.
    Prefix,
    /// It belongs to what precedes: `?`, the mark of a macro.
    Postfix,
    /// It stands between two spaces.
    Binary,
    /// It stands without spaces: `.`, `::`, `..`, the colon of a slice.
    Tight,
    /// The colon after a name.
    Colon,
    Comma,
    Semicolon,
    Open(Bracket),
    Close(Bracket),
    /// The first bar of a closure.
    BarOpen,
    /// The second bar of a closure.
    BarClose,
    Comment,
}

/// The sorts of brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bracket {
    /// Parentheses of a call.
    Call,
    /// Other parentheses.
    Group,
    /// Square brackets after a name: `x[0]`, `u32[B]`.
    Index,
    /// Other square brackets.
    List,
    /// Braces around statements.
    Block,
    /// Braces around fields.
    Fields,
    /// `<` and `>` around sizes.
    Sizes,
    /// `[..]` of `#[..]`.
    Attribute,
    /// `$(..)` in a macro.
    Repeat,
}

impl Bracket {
    /// Whether it is `{`.
    pub(crate) fn brace(self) -> bool {
        matches!(self, Bracket::Block | Bracket::Fields)
    }
}

/// The tokens of a network, whose roles are still unknown.
pub(crate) fn pieces<'a>(source: &str, tokens: &[Token<'a>]) -> Vec<Piece<'a>> {
    let mut end = tokens.first().map_or(0, |t| t.start);
    let piece = |token: &Token<'a>| {
        let gap = source.get(end..token.start).unwrap_or_default();
        end = token.end();
        let before = source.get(..token.start).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        Piece {
            token: *token,
            role: match token.is_comment() {
                true => Role::Comment,
                false => Role::Word,
            },
            breaks: gap.matches('\n').count(),
            touches: gap.is_empty(),
            column: line.chars().count(),
            list: false,
        }
    };
    tokens.iter().map(piece).collect()
}
