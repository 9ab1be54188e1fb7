//! The items of a scope from which constants come: constants, `use` items and modules.

use proc_macro2::{TokenStream, TokenTree};
use syn::UseTree;

/// A file, a module, or a block.
#[derive(Default)]
pub struct Scope {
    /// The constants that it declares.
    pub constants: Vec<syn::ItemConst>,
    /// The names that it takes from elsewhere.
    pub uses: Vec<Use>,
    /// Its modules with their tokens, or without if these are another file.
    pub modules: Vec<(String, Option<TokenStream>)>,
    /// The types of its `impl` blocks, each with the constants of the block.
    pub impls: Vec<(String, Vec<syn::ItemConst>)>,
}

/// A name of a `use` item.
pub struct Use {
    /// The names up to the item, or to the module whose items are all taken.
    pub path: Vec<String>,
    /// The name here; all names of the module if there is none: `use config::*`.
    pub name: Option<String>,
}

impl Scope {
    /// The scope of these items or statements.
    pub fn new(tokens: &TokenStream) -> Scope {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut scope = Scope::default();
        for (k, token) in tokens.iter().enumerate() {
            let TokenTree::Ident(word) = token else {
                continue;
            };
            match word.to_string().as_str() {
                // `const fn`, `use const` and const parameters are no items.
                "const" if is_punct(tokens.get(k + 2), ':') => {
                    scope.constants.extend(item::<syn::ItemConst>(&tokens[k..]));
                }
                "use" => {
                    let Some(item) = item::<syn::ItemUse>(&tokens[k..]) else {
                        continue;
                    };
                    // `use ::a::B` is of another crate.
                    if item.leading_colon.is_none() {
                        scope.take(&item.tree, &mut Vec::new());
                    }
                }
                "mod" => {
                    let Some(TokenTree::Ident(name)) = tokens.get(k + 1) else {
                        continue;
                    };
                    let body = match tokens.get(k + 2) {
                        Some(TokenTree::Group(body)) => Some(body.stream()),
                        _ => None,
                    };
                    scope.modules.push((name.to_string(), body));
                }
                "impl" => {
                    let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                        (tokens.get(k + 1), tokens.get(k + 2))
                    else {
                        continue;
                    };
                    let constants = Scope::new(&body.stream()).constants;
                    scope.impls.push((name.to_string(), constants));
                }
                _ => {}
            }
        }
        scope
    }

    /// Adds the names of a `use` item.
    fn take(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        let mut add = |name: String, here: Option<String>| {
            let mut path = path.clone();
            // `use config::{self}` takes the module.
            path.extend((name != "self" && !name.is_empty()).then_some(name));
            let name = here.or_else(|| path.last().cloned());
            self.uses.push(Use { path, name });
        };
        match tree {
            UseTree::Name(name) => add(name.ident.to_string(), None),
            UseTree::Rename(name) => add(name.ident.to_string(), Some(name.rename.to_string())),
            UseTree::Glob(_) => self.uses.push(Use {
                path: path.clone(),
                name: None,
            }),
            UseTree::Path(rest) => {
                path.push(rest.ident.to_string());
                self.take(&rest.tree, path);
                path.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.take(tree, path)),
        }
    }
}

/// The item that starts here and ends with a semicolon.
fn item<T: syn::parse::Parse>(tokens: &[TokenTree]) -> Option<T> {
    let end = tokens.iter().position(|t| is_punct(Some(t), ';'))?;
    syn::parse2(tokens[..=end].iter().cloned().collect()).ok()
}

fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == punct)
}
