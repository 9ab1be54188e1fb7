//! The networks of a file: tokens to the pairs of braces of `network! { .. }`.

use std::ops::RangeInclusive;

use crate::token::Token;

/// The indices of each network's tokens, from its opening brace to its closing one.
pub(crate) fn find(tokens: &[Token<'_>], pairs: &[Option<usize>]) -> Vec<RangeInclusive<usize>> {
    let code: Vec<usize> = (0..tokens.len())
        .filter(|i| !tokens[*i].is_comment())
        .collect();
    let mut found: Vec<RangeInclusive<usize>> = Vec::new();
    for three in code.windows(3) {
        let &[name, bang, open] = three else { continue };
        let texts = [name, bang, open].map(|i| tokens[i].text);
        let inside = found.last().is_some_and(|f| f.contains(&open));
        if let (["network", "!", "{"], Some(close), false) = (texts, pairs[open], inside) {
            found.push(open..=close);
        }
    }
    found
}
