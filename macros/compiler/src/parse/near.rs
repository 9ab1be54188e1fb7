//! Whether a type of a field without arguments is a network, though its name resembles a layer's: `Embeddings`.

use crate::{diag, layers};
use proc_macro2::{Ident, TokenStream, TokenTree};

/// Whether a name is a network's and not a misspelt layer's: it is unlike all layers, or its file has such a type.
pub(super) fn is_network(name: &Ident) -> bool {
    let text = name.to_string();
    let candidates = layers::names().chain(["Param", "Buffer"]);
    !diag::slip(&text, candidates) || in_file(name, &text).unwrap_or(false)
}

/// Whether the file of a token declares a struct of this name, or takes the name by `use`.
fn in_file(token: &Ident, name: &str) -> Option<bool> {
    let file = std::fs::read_to_string(token.span().local_file()?).ok()?;
    Some(declares(file.parse().ok()?, name))
}

fn declares(tokens: TokenStream, name: &str) -> bool {
    let (mut taken, mut last) = (false, String::new());
    for token in tokens {
        let found = match &token {
            TokenTree::Group(group) => {
                let inner = group.stream();
                match taken {
                    true => has(inner, name),
                    false => declares(inner, name),
                }
            }
            token => (taken || last == "struct") && token.to_string() == name,
        };
        if found {
            return true;
        }
        last = match &token {
            TokenTree::Group(_) => String::new(),
            token => token.to_string(),
        };
        match last.as_str() {
            "use" => taken = true,
            ";" => taken = false,
            _ => {}
        }
    }
    false
}

/// Whether a name is among tokens, at any depth.
fn has(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => has(group.stream(), name),
        token => token.to_string() == name,
    })
}

#[cfg(test)]
mod tests {
    use super::declares;

    #[test]
    fn a_name_is_declared_or_taken() {
        let files = [
            ("network! { pub struct Embeddings { } }", true),
            ("use crate::model::{deep::Embeddings, Other};", true),
            ("use crate::model::Embeddings;", true),
            ("use a::B; fn f() { let x = Embeddings; }", false),
            ("network! { struct Net { embeddings: Embeddings } }", false),
        ];
        for (file, wanted) in files {
            let tokens = file.parse().expect("tokens");
            assert_eq!(declares(tokens, "Embeddings"), wanted, "{file}");
        }
    }
}
