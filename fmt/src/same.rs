//! Whether two sources have the same tokens, apart from commas at the ends of lists and white space in comments.

use crate::token::{Kind, Token};

/// Whether formatting changed white space and last commas alone.
pub(crate) fn same(before: &[Token<'_>], after: &[Token<'_>]) -> bool {
    texts(before) == texts(after)
}

fn texts(tokens: &[Token<'_>]) -> Vec<String> {
    let mut texts = Vec::with_capacity(tokens.len());
    for (i, token) in tokens.iter().enumerate() {
        let next = tokens[i + 1..].iter().find(|t| !t.is_comment());
        // `>` closes sizes.
        let closes = next.is_some_and(|t| t.kind == Kind::Close || t.text == ">");
        if token.text == "," && closes {
            continue;
        }
        texts.push(match token.is_comment() {
            true => token.text.split_whitespace().collect::<Vec<_>>().join(" "),
            false => token.text.to_owned(),
        });
    }
    texts
}
