//! Paths of Rust constants: `config::WIDTH` is one word while a network is compiled.
//!
//! The compiler works with names. Before it starts, each path becomes the word `WIDTH__IN__config`; afterwards, in the
//! emitted code and in messages, each such word becomes the path again.

use crate::call::Call;
use crate::check::is_constant;
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, TokenStream, TokenTree};

/// Stands between the parts of a path.
const IN: &str = "__IN__";

/// The call with words in the places of paths; `None` if it has no path.
pub fn in_words(call: &Call) -> Option<Call> {
    let mut any = false;
    let mut words = |tokens: &TokenStream| words(tokens.clone(), Place::Other, &mut any);
    let with = Call {
        krate: call.krate.clone(),
        source: words(&call.source),
        held: call.held.iter().map(&mut words).collect(),
    };
    any.then_some(with)
}

/// The parts of a path that became a word.
pub fn parts(word: &str) -> Option<Vec<&str>> {
    let (name, path) = word.split_once(IN)?;
    // Names that the compiler made from such a word stay.
    let made = word.starts_with("__");
    (!made).then(|| path.split(IN).chain([name]).collect())
}

/// The name at the end of a path, or a name.
pub fn last(word: &str) -> &str {
    word.split_once(IN).map_or(word, |(name, _)| name)
}

/// A text with paths in the places of words.
pub fn shown(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        match parts(word) {
            Some(parts) => out += &parts.join("::"),
            None => out += word,
        }
        let between = after.find(is_word).unwrap_or(after.len());
        out += &after[..between];
        rest = &after[between..];
    }
    out
}

/// Tokens with paths in the places of words, also in texts.
pub fn in_paths(tokens: TokenStream) -> TokenStream {
    let mut out = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(word) => match parts(&word.to_string()) {
                Some(parts) => path(&parts, &word, &mut out),
                None => out.push(word.into()),
            },
            TokenTree::Group(group) => out.push(with(&group, in_paths(group.stream()))),
            TokenTree::Literal(literal) => out.push(text(literal).into()),
            TokenTree::Punct(_) => out.push(token),
        }
    }
    out.into_iter().collect()
}

fn path(parts: &[&str], word: &Ident, out: &mut Vec<TokenTree>) {
    for (k, part) in parts.iter().enumerate() {
        if k > 0 {
            for spacing in [Spacing::Joint, Spacing::Alone] {
                let mut colon = Punct::new(':', spacing);
                colon.set_span(word.span());
                out.push(colon.into());
            }
        }
        out.push(Ident::new(part, word.span()).into());
    }
}

fn text(literal: Literal) -> Literal {
    let written = literal.to_string();
    if !written.contains(IN) {
        return literal;
    }
    let Ok(text) = syn::parse_str::<syn::LitStr>(&written) else {
        return literal;
    };
    let mut with = Literal::string(&shown(&text.value()));
    with.set_span(literal.span());
    with
}

/// Where tokens stand.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The fields of a network.
    Fields,
    /// A list of layers in a field: its elements may be networks.
    Layers,
    Other,
}

fn words(tokens: TokenStream, place: Place, any: &mut bool) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = Vec::new();
    let mut k = 0;
    while let Some(token) = tokens.get(k) {
        let before = |n: usize| k.checked_sub(n).and_then(|k| tokens.get(k));
        match token {
            TokenTree::Group(group) => {
                let inner = match (place, group.delimiter()) {
                    (_, Delimiter::Brace) if follows_struct(&tokens[..k]) => Place::Fields,
                    (Place::Fields | Place::Layers, Delimiter::Bracket)
                        if before(1).is_none_or(|t| is_punct(t, ':') || is_punct(t, ',')) =>
                    {
                        Place::Layers
                    }
                    _ => Place::Other,
                };
                out.push(with(group, words(group.stream(), inner, any)));
            }
            TokenTree::Ident(_) => {
                let (parts, name) = path_at(&tokens[k..]);
                // After a colon stands the network of a field, or the rest of `::other_crate::NAME`.
                let layer = match before(1) {
                    Some(t) if is_punct(t, ':') => true,
                    Some(t) if is_punct(t, ',') => place == Place::Layers,
                    None => place == Place::Layers,
                    _ => false,
                };
                let next = tokens.get(k + 3 * parts.len() + 1);
                let called = next.is_some_and(|t| is_punct(t, ':') || is_call(t));
                if parts.is_empty() || layer || called || !is_constant(&name.to_string()) {
                    out.push(token.clone());
                } else {
                    let word = format!("{name}{IN}{}", parts.join(IN));
                    out.push(Ident::new(&word, name.span()).into());
                    *any = true;
                    k += 3 * parts.len();
                }
            }
            _ => out.push(token.clone()),
        }
        k += 1;
    }
    out.into_iter().collect()
}

/// The parts of the path that starts here, and its last name.
fn path_at(tokens: &[TokenTree]) -> (Vec<String>, &Ident) {
    let mut parts = Vec::new();
    let mut at = 0;
    loop {
        let [TokenTree::Ident(part), rest @ ..] = &tokens[at..] else {
            unreachable!("starts with a name");
        };
        match rest {
            [first, second, TokenTree::Ident(_), ..]
                if is_punct(first, ':') && is_punct(second, ':') && is_plain(part) =>
            {
                parts.push(part.to_string());
                at += 3;
            }
            _ => return (parts, part),
        }
    }
}

/// Not `$crate`, a raw name, or a name that would be taken for one of the compiler.
fn is_plain(part: &Ident) -> bool {
    let text = part.to_string();
    !text.starts_with(['$', '_']) && !text.starts_with("r#")
}

fn follows_struct(before: &[TokenTree]) -> bool {
    let start = before
        .iter()
        .rposition(|t| matches!(t, TokenTree::Group(_)));
    let item = &before[start.map_or(0, |s| s + 1)..];
    let named = |at: usize| matches!(&item[at], TokenTree::Ident(word) if word == "struct");
    (0..item.len()).any(named)
}

fn is_punct(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == punct)
}

fn is_call(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(g) if g.delimiter() == Delimiter::Parenthesis)
        || is_punct(token, '!')
}

fn with(group: &Group, tokens: TokenStream) -> TokenTree {
    let mut with = Group::new(group.delimiter(), tokens);
    with.set_span(group.span());
    with.into()
}
