//! Brackets: for each token that is one, the index of its partner.

use crate::error::{Error, Problem};
use crate::token::{Kind, Token};

/// The partners of all brackets, `None` for other tokens.
pub(crate) fn pairs(source: &str, tokens: &[Token<'_>]) -> Result<Vec<Option<usize>>, Error> {
    let mut pairs = vec![None; tokens.len()];
    let mut open: Vec<(usize, char)> = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let Some(bracket) = token.text.chars().next() else {
            continue;
        };
        if token.kind == Kind::Open {
            open.push((i, bracket));
        }
        if token.kind != Kind::Close {
            continue;
        }
        let error = |problem| Err(Error::at(source, token.start, problem));
        let Some((partner, begin)) = open.pop() else {
            return error(Problem::Unopened(bracket));
        };
        if !matches!((begin, bracket), ('(', ')') | ('[', ']') | ('{', '}')) {
            let (open, close) = (begin, bracket);
            return error(Problem::Mismatched { open, close });
        }
        pairs[i] = Some(partner);
        pairs[partner] = Some(i);
    }
    match open.pop() {
        None => Ok(pairs),
        Some((i, bracket)) => {
            let problem = Problem::Unclosed(bracket);
            Err(Error::at(source, tokens[i].start, problem))
        }
    }
}
