//! Finds the constants in the scopes around a place of a file.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A scope: a file, a module, or a block.
pub struct Scope {
    /// The constants that it declares.
    pub constants: Vec<syn::ItemConst>,
    /// Whether names of the scope around it are names here, too: all, or those that `use` brings in.
    outer: Outer,
}

enum Outer {
    All,
    /// The words of its `use` items.
    Used(Vec<String>),
}

impl Scope {
    /// A scope with these constants, within no other.
    #[cfg(test)]
    pub fn of_all(constants: Vec<syn::ItemConst>) -> Scope {
        Scope {
            constants,
            outer: Outer::All,
        }
    }

    /// Whether a name of the scope around it is a name here.
    pub fn sees(&self, name: &str) -> bool {
        match &self.outer {
            Outer::All => true,
            Outer::Used(words) => words.iter().any(|w| w == "*" || w == name),
        }
    }
}

/// The name before which this stands is the place that is searched: tokens of a text have no positions.
const MARK: &str = "__netform_here_";

/// The scopes around a name at a line, from 1, and a column, from 0; innermost first. `None` if the name is not there.
pub fn around(text: &str, (line, column): (usize, usize), name: &str) -> Option<Vec<Scope>> {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines
        .by_ref()
        .take(line.checked_sub(1)?)
        .map(str::len)
        .sum();
    let within = lines.next()?.char_indices().nth(column)?.0;
    let (before, after) = text.split_at(before + within);
    if !after.starts_with(name) {
        return None;
    }
    let mut scopes = Vec::new();
    let file = format!("{before}{MARK}{after}").parse().ok()?;
    search(file, Outer::All, &mut scopes).then_some(scopes)
}

/// Whether a scope holds the mark; if it does, it is pushed after the scopes inside it.
fn search(tokens: TokenStream, outer: Outer, scopes: &mut Vec<Scope>) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let found = tokens.iter().enumerate().any(|(k, token)| match token {
        TokenTree::Ident(name) => name.to_string().starts_with(MARK),
        TokenTree::Group(group) => {
            let outer = match is_word(tokens.get(k.wrapping_sub(2)), "mod") {
                true => Outer::Used(used(&group.stream())),
                false => Outer::All,
            };
            search(group.stream(), outer, scopes)
        }
        _ => false,
    });
    if found {
        let constants = constants(&tokens);
        scopes.push(Scope { constants, outer });
    }
    found
}

/// The constants among the items or statements of a scope.
fn constants(tokens: &[TokenTree]) -> Vec<syn::ItemConst> {
    let starts = (0..tokens.len()).filter(|k| is_word(tokens.get(*k), "const"));
    let item = |start: usize| {
        let end = tokens[start..]
            .iter()
            .position(|t| is_punct(Some(t), ';'))?;
        // `const fn`, `use const` and const parameters are no items.
        if !is_punct(tokens.get(start + 2), ':') {
            return None;
        }
        syn::parse2(tokens[start..=start + end].iter().cloned().collect()).ok()
    };
    starts.filter_map(item).collect()
}

/// The words of the `use` items among the items of a module.
fn used(tokens: &TokenStream) -> Vec<String> {
    let (mut words, mut within) = (Vec::new(), false);
    for token in tokens.clone() {
        match &token {
            TokenTree::Ident(word) if word == "use" => within = true,
            TokenTree::Punct(p) if p.as_char() == ';' => within = false,
            TokenTree::Group(g) if within && g.delimiter() == Delimiter::Brace => {
                all_words(&g.stream(), &mut words);
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) if within => words.push(token.to_string()),
            _ => {}
        }
    }
    words
}

fn all_words(tokens: &TokenStream, words: &mut Vec<String>) {
    for token in tokens.clone() {
        match &token {
            TokenTree::Group(g) => all_words(&g.stream(), words),
            other => words.push(other.to_string()),
        }
    }
}

fn is_word(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(i)) if i == word)
}

fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == punct)
}

#[cfg(test)]
mod tests {
    use super::around;

    const FILE: &str = "
pub const A: usize = 2;
const fn f(n: usize) -> usize { n }
mod other { const B: usize = 1; network! { struct N { } } }
mod here {
    use super::{f, A};
    pub(crate) const B: usize = 3;
    fn main() { const C: f64 = 0.5; cfg_if! { if #[cfg(all())] { network! {
        pub struct N<const K: usize = 3> { w: Param([ B ]) } } } } }
}";

    #[test]
    fn finds_the_scopes_around_a_place() {
        let scopes = around(FILE, (9, 19), "N").expect("it is there");
        let names = |s: &super::Scope| -> Vec<String> {
            s.constants.iter().map(|c| c.ident.to_string()).collect()
        };
        let all: Vec<String> = scopes.iter().flat_map(names).collect();
        assert_eq!(all, ["C", "B", "A"]);
        let module = scopes
            .iter()
            .find(|s| names(s) == ["B"])
            .expect("the module");
        assert!(module.sees("A") && !module.sees("D"));
        assert!(around(FILE, (9, 18), "N").is_none());
        assert!(around(FILE, (90, 0), "N").is_none());
    }
}
