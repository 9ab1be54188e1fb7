//! Finds a network in the tokens of a file, and the constants in the scopes around it.

use super::{is_struct, visible};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The constants that a scope declares.
pub type Scope = Vec<syn::ItemConst>;

/// The scopes around the network whose tokens are `wanted`, innermost first; `None` if the file does not have it.
pub fn around(file: TokenStream, wanted: &str) -> Option<Vec<Scope>> {
    let mut scopes = Vec::new();
    search(file, wanted, &mut scopes).then_some(scopes)
}

/// Whether a scope holds the network; if it does, it is pushed after the scopes inside it.
fn search(tokens: TokenStream, wanted: &str, scopes: &mut Vec<Scope>) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let found = tokens.iter().enumerate().any(|(k, token)| {
        let TokenTree::Group(group) = token else {
            return false;
        };
        let called = k > 0 && matches!(&tokens[k - 1], TokenTree::Punct(p) if p.as_char() == '!');
        match called {
            true => flat(&group.stream()) == wanted,
            false => search(group.stream(), wanted, scopes),
        }
    });
    if found {
        scopes.push(constants(&tokens));
    }
    found
}

/// The constants among the items or statements of a scope.
fn constants(tokens: &[TokenTree]) -> Scope {
    let starts = tokens
        .iter()
        .enumerate()
        .filter(|(_, t)| is_word(t, "const"));
    let item = |(start, _): (usize, &TokenTree)| {
        let end = tokens[start..].iter().position(|t| is_punct(t, ';'))?;
        // `const fn`, `use const` and const parameters are no items.
        if !matches!(tokens.get(start + 2), Some(t) if is_punct(t, ':')) {
            return None;
        }
        let item = tokens[start..=start + end].iter().cloned().collect();
        syn::parse2(item).ok()
    };
    starts.filter_map(item).collect()
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(i) if i == word)
}

fn is_punct(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == punct)
}

/// The tokens of a network from `struct` on as one text, which is the same however they are spaced. Without comments,
/// whose tokens differ in a macro and in a file.
pub fn flat(source: &TokenStream) -> String {
    let mut out = String::new();
    append(
        source.clone().into_iter().skip_while(|t| !is_struct(t)),
        &mut out,
    );
    out
}

fn append(tokens: impl Iterator<Item = TokenTree>, out: &mut String) {
    let mut tokens = tokens.peekable();
    while let Some(token) = tokens.next() {
        let comment = |t: &TokenTree| matches!(t, TokenTree::Group(g) if is_comment(g));
        if is_punct(&token, '#') && tokens.next_if(comment).is_some() {
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                debug_assert_eq!(visible(group.delimiter()), !open.is_empty());
                out.push_str(open);
                append(group.stream().into_iter(), out);
                out.push_str(close);
            }
            token => {
                out.push_str(&token.to_string());
                out.push(' ');
            }
        }
    }
}

/// `[doc = ".."]`.
fn is_comment(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    matches!(first, Some(TokenTree::Ident(word)) if word == "doc")
}

#[cfg(test)]
mod tests {
    use super::{around, flat};

    fn names(file: &str, network: &str) -> Option<Vec<Vec<String>>> {
        let network = network.parse().expect("tokens");
        let scopes = around(file.parse().expect("tokens"), &flat(&network))?;
        let of = |s: super::Scope| s.iter().map(|c| c.ident.to_string()).collect();
        Some(scopes.into_iter().map(of).collect())
    }

    #[test]
    fn finds_the_scopes_around_a_network() {
        let file = "
            pub const A: usize = 2;
            const fn f(n: usize) -> usize { n }
            mod other { const B: usize = 1; network! { struct M { } } }
            mod here {
                use super::*;
                pub(crate) const B: usize = 3;
                fn main() { const C: f64 = 0.5; netform::network! { /// Doc.
                    pub struct N<const K: usize = 3> { w: Param([ B ]) } } }
            }";
        let network =
            "use const X; #[doc = \" Doc.\"] pub struct N<const K: usize = 3> {w: Param([B])}";
        let scopes = names(file, network).expect("it is there");
        assert_eq!(scopes, [vec!["C"], vec!["B"], vec!["A"]]);
        assert_eq!(names(file, "struct N {}"), None);
    }
}
