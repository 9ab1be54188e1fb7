//! Finds a place of a file, and the scopes around it.

use super::scope::Scope;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A scope around a place.
pub struct Level {
    /// Its items.
    pub scope: Scope,
    /// Its name, if it is the body of a module.
    pub module: Option<String>,
}

/// The name before which this stands is the place that is searched: tokens of a text have no positions.
const MARK: &str = "__netform_here_";

/// The scopes around a name at a line, from 1, and a column, from 0; innermost first, the file last. `None` if the name is
/// not there.
pub fn around(text: &str, (line, column): (usize, usize), name: &str) -> Option<Vec<Level>> {
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
    let mut levels = Vec::new();
    let file = format!("{before}{MARK}{after}").parse().ok()?;
    search(&file, (None, false), &mut levels).then_some(levels)
}

/// Whether a scope holds the mark; if it does, it is pushed after the scopes inside it.
fn search(
    tokens: &TokenStream,
    (module, associated): (Option<String>, bool),
    levels: &mut Vec<Level>,
) -> bool {
    let all: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let found = all.iter().enumerate().any(|(k, token)| match token {
        TokenTree::Ident(name) => name.to_string().starts_with(MARK),
        TokenTree::Group(group) => {
            let before = |n| k.checked_sub(n).and_then(|k| all.get(k));
            let module = match (before(2), before(1)) {
                (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) if word == "mod" => {
                    Some(name.to_string())
                }
                _ => None,
            };
            search(&group.stream(), (module, is_associated(&all[..k])), levels)
        }
        _ => false,
    });
    if found {
        // The constants of an `impl` block are no names in it.
        let scope = match associated {
            true => Scope::default(),
            false => Scope::new(tokens),
        };
        levels.push(Level { scope, module });
    }
    found
}

/// Whether a group after these tokens is the body of an `impl` block or a trait.
fn is_associated(before: &[TokenTree]) -> bool {
    let ends = |t: &TokenTree| match t {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(p) => p.as_char() == ';',
        _ => false,
    };
    let start = before.iter().rposition(ends).map_or(0, |end| end + 1);
    // `fn f() -> impl Trait { .. }` is no `impl` block.
    let item = before[start..].iter().find_map(|t| match t {
        TokenTree::Ident(word) => {
            let word = word.to_string();
            ["impl", "trait", "fn", "mod"]
                .contains(&word.as_str())
                .then_some(word)
        }
        _ => None,
    });
    item.is_some_and(|word| word == "impl" || word == "trait")
}

#[cfg(test)]
mod tests {
    use super::{Level, around};

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
        let levels = around(FILE, (9, 19), "N").expect("it is there");
        let names = |l: &Level| -> Vec<String> {
            let all = l.scope.constants.iter();
            all.map(|c| c.item.ident.to_string()).collect()
        };
        let all: Vec<String> = levels.iter().flat_map(names).collect();
        assert_eq!(all, ["C", "B", "A"]);
        let modules: Vec<&str> = (levels.iter())
            .filter_map(|l| l.module.as_deref())
            .collect();
        assert_eq!(modules, ["here"]);
        let file = "const A: usize = 2; impl S { const A: usize = 5; fn g() -> impl T { const B: usize = 3; network! { struct M } } }";
        let levels =
            around(file, (1, file.find("M }").expect("a name")), "M").expect("it is there");
        let all: Vec<String> = levels.iter().flat_map(names).collect();
        assert_eq!(all, ["B", "A"]);
        assert!(around(FILE, (9, 18), "N").is_none());
        assert!(around(FILE, (90, 0), "N").is_none());
    }
}
