//! The names of constants in the tokens of a network, and the tokens with values in their places.

use super::Known;
use crate::check::is_constant;
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// The names in capitals that may be those of constants, each with its first token: not those that the network itself
/// declares, as const parameters, variables and arguments.
pub fn names(source: &TokenStream) -> Vec<Ident> {
    let (mut all, mut own) = (Vec::new(), Vec::new());
    collect(source, Place::Other, (&mut all, &mut own));
    let mut out: Vec<Ident> = Vec::new();
    for name in all {
        if !own.contains(&name) && !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

/// Where tokens stand.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Directly in brackets, where `K: ` begins a slice, not the type of an argument.
    Brackets,
    Other,
}

/// The names, and those of them that the network declares.
fn collect(source: &TokenStream, place: Place, (all, own): (&mut Vec<Ident>, &mut Vec<Ident>)) {
    let tokens: Vec<TokenTree> = source.clone().into_iter().collect();
    // Variables follow `let` and `for`, and stand between the bars of a closure.
    let (mut pattern, mut closure, mut used) = (false, false, false);
    for (k, token) in tokens.iter().enumerate() {
        let declares = pattern || closure;
        match token {
            TokenTree::Ident(word) if word == "let" || word == "for" => pattern = true,
            TokenTree::Ident(word) if word == "in" => pattern = false,
            // `use const RATE: f64;` declares nothing.
            TokenTree::Ident(word) if word == "use" => used = true,
            TokenTree::Punct(p) if p.as_char() == ';' => used = false,
            TokenTree::Punct(p) if p.as_char() == '|' => {
                let before = k.checked_sub(1).and_then(|k| tokens.get(k));
                let starts = before.is_none() || is_punct(before, ',') || is_punct(before, '=');
                closure = !closure && starts;
            }
            TokenTree::Punct(p) if "=:".contains(p.as_char()) => pattern = false,
            TokenTree::Group(g) if declares && g.delimiter() == Delimiter::Parenthesis => {
                collect(&g.stream(), Place::Other, (own, &mut Vec::new()));
            }
            TokenTree::Group(g) => {
                let place = match g.delimiter() {
                    Delimiter::Bracket => Place::Brackets,
                    _ => Place::Other,
                };
                collect(&g.stream(), place, (all, own));
            }
            // `let H = ..` hides a constant of this name.
            TokenTree::Ident(name) if declares && is_constant(&name.to_string()) => {
                own.push(name.clone());
            }
            TokenTree::Ident(name) if is_name(&tokens, k) => {
                let parameter = k > 0 && is_word(&tokens[k - 1], "const") && !used;
                // `x: [..]` is an argument.
                let argument = is_punct(tokens.get(k + 1), ':') && !used && place == Place::Other;
                match parameter || argument {
                    true => own.push(name.clone()),
                    false => all.push(name.clone()),
                }
            }
            _ => {}
        }
    }
}

/// The tokens with values in the places of names. `use const` is left out where all its names have values.
pub fn replaced(source: &TokenStream, value: &dyn Fn(&Ident) -> Option<Known>) -> TokenStream {
    let tokens: Vec<TokenTree> = source.clone().into_iter().collect();
    let mut out = Vec::new();
    let mut k = 0;
    while let Some(token) = tokens.get(k) {
        if is_word(token, "use") && matches!(tokens.get(k + 1), Some(t) if is_word(t, "const")) {
            let end = tokens[k..].iter().position(|t| is_punct(Some(t), ';'));
            let end = end.map_or(tokens.len(), |end| k + end + 1);
            listed(&tokens[k..end], value, &mut out);
            k = end;
            continue;
        }
        match token {
            TokenTree::Group(g) => {
                let mut inner = Group::new(g.delimiter(), replaced(&g.stream(), value));
                inner.set_span(g.span());
                out.push(TokenTree::Group(inner));
            }
            TokenTree::Ident(name) if is_name(&tokens, k) => match value(name) {
                Some(value) => out.push(tree(&value, name.span())),
                None => out.push(token.clone()),
            },
            _ => out.push(token.clone()),
        }
        k += 1;
    }
    out.into_iter().collect()
}

/// `use const A, RATE: f64;` without the names that have values.
fn listed(tokens: &[TokenTree], value: &dyn Fn(&Ident) -> Option<Known>, out: &mut Vec<TokenTree>) {
    let body = &tokens[2..tokens.len().saturating_sub(1).max(2)];
    let known = |part: &&[TokenTree]| match part.first() {
        Some(TokenTree::Ident(name)) => value(name).is_some(),
        _ => true,
    };
    let left: Vec<&[TokenTree]> = (body.split(|t| is_punct(Some(t), ',')))
        .filter(|part| !known(part))
        .collect();
    if left.is_empty() {
        return;
    }
    out.extend_from_slice(&tokens[..2]);
    for (k, part) in left.iter().enumerate() {
        if k > 0 {
            out.push(Punct::new(',', Spacing::Alone).into());
        }
        out.extend_from_slice(part);
    }
    out.push(Punct::new(';', Spacing::Alone).into());
}

/// Whether the token is a name in capitals that stands alone: not the end of a path, a method or a call.
fn is_name(tokens: &[TokenTree], k: usize) -> bool {
    let TokenTree::Ident(name) = &tokens[k] else {
        return false;
    };
    if !is_constant(&name.to_string()) {
        return false;
    }
    let before = k.checked_sub(1).and_then(|k| tokens.get(k));
    let range = k > 1 && is_punct(tokens.get(k - 2), '.');
    let colons = |at: usize| is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':');
    // `Config::S` is a path, but `x[::S]` and `x[N::S]` are slices.
    let owner = |t: &TokenTree| matches!(t, TokenTree::Ident(of) if !is_constant(&of.to_string()));
    let path = k > 2 && owner(&tokens[k - 3]) && colons(k - 2);
    let member = is_punct(before, '.') && !range;
    let call = match tokens.get(k + 1) {
        Some(TokenTree::Group(g)) => g.delimiter() == Delimiter::Parenthesis,
        next => is_punct(next, '!') && !is_punct(tokens.get(k + 2), '='),
    };
    // `f(Q = x)`.
    let keyword = is_punct(tokens.get(k + 1), '=') && !is_punct(tokens.get(k + 2), '=');
    !(path || member || call || keyword)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(i) if i == word)
}

fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == punct)
}

/// A value as a token, at a name's place.
fn tree(value: &Known, span: Span) -> TokenTree {
    let literal = |mut literal: Literal| {
        literal.set_span(span);
        TokenTree::from(literal)
    };
    let group = |delimiter, items: TokenStream| {
        let mut group = Group::new(delimiter, items);
        group.set_span(span);
        TokenTree::from(group)
    };
    let minus = |value: &Known| {
        let mut minus = Punct::new('-', Spacing::Alone);
        minus.set_span(span);
        let both = [minus.into(), tree(value, span)];
        group(Delimiter::Parenthesis, both.into_iter().collect())
    };
    let list = |delimiter, all: &[Known]| {
        let mut items = Vec::new();
        for item in all {
            items.push(tree(item, span));
            items.push(Punct::new(',', Spacing::Alone).into());
        }
        group(delimiter, items.into_iter().collect())
    };
    match value {
        Known::Whole(v) if *v < 0 => minus(&Known::Whole(-v)),
        Known::Whole(v) => literal(Literal::i128_unsuffixed(*v)),
        Known::Number(v) if v.is_sign_negative() => minus(&Known::Number(-v)),
        Known::Number(v) => literal(Literal::f64_unsuffixed(*v)),
        Known::Bool(v) => Ident::new(if *v { "true" } else { "false" }, span).into(),
        Known::List(all) => list(Delimiter::Bracket, all),
        Known::Tuple(all) => list(Delimiter::Parenthesis, all),
    }
}
