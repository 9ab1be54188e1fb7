//! Gaps: whether a space stands between two pieces of a line.

use crate::lexer;
use crate::piece::{Bracket, Piece, Role};

/// Whether a space stands between two neighbours.
pub(crate) fn space(a: &Piece<'_>, b: &Piece<'_>) -> bool {
    // Two marks that may be one operator of Rust stay as they are.
    let twins = matches!(a.token.text, "<" | ">") && a.token.text == b.token.text;
    if twins && b.touches && a.role == Role::Binary {
        return false;
    }
    wanted(a, b) || !b.touches && fuse(a.token.text, b.token.text)
}

fn wanted(a: &Piece<'_>, b: &Piece<'_>) -> bool {
    use Role::*;
    match (a.role, b.role) {
        (Open(open), Close(_)) if open.brace() => false,
        (Open(bracket), _) | (_, Close(bracket)) => bracket.brace(),
        (_, Comma | Semicolon | Colon) => a.role == Binary,
        (Comma | Semicolon | Colon | Comment | Binary, _) | (_, Comment | Binary) => true,
        (_, Open(bracket)) if bracket.brace() => true,
        (Prefix | Tight | BarOpen, _) | (_, Postfix | BarClose) => false,
        // `pub(crate)`.
        (Keyword, Open(Bracket::Call)) => false,
        (Keyword | BarClose | Close(Bracket::Attribute), _) => true,
        (Close(bracket), Tight) if bracket.brace() => b.token.text != ".",
        (_, Tight | Open(Bracket::Call | Bracket::Index | Bracket::Sizes)) => false,
        // Another bracket after a macro's mark or a repetition's.
        (Postfix, Open(_)) => a.token.text != "!",
        _ => true,
    }
}

/// Whether two tokens without a space between them would be others.
fn fuse(a: &str, b: &str) -> bool {
    let both = format!("{a}{b}");
    match lexer::lex(&both) {
        Ok(tokens) => !matches!(&tokens[..], [x, y] if x.text == a && y.text == b),
        Err(_) => true,
    }
}
