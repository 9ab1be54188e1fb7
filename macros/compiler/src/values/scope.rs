//! The items of a scope from which constants come: constants, `use` items, modules and `impl` blocks.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::rc::Rc;
use syn::UseTree;

/// A file, a module, or a block.
#[derive(Default)]
pub struct Scope {
    /// The constants that it declares.
    pub constants: Vec<Constant>,
    /// The names that it takes from elsewhere.
    pub uses: Vec<Use>,
    /// Its modules.
    pub modules: Vec<Inner>,
    /// The types of its `impl` blocks, each with the constants of the block.
    pub impls: Vec<(String, Vec<Constant>)>,
}

/// What stands before an item.
#[derive(Clone, Copy)]
pub struct Marks {
    /// Marked `pub`, at least for a part of the crate.
    pub visible: bool,
    /// Whether the item is there as it stands: not if `#[cfg]` or `#[path]` decides.
    pub certain: bool,
}

/// A constant.
#[derive(Clone)]
pub struct Constant {
    /// The item.
    pub item: Rc<syn::ItemConst>,
    /// Its marks.
    pub marks: Marks,
}

/// A name of a `use` item.
pub struct Use {
    /// The names up to the item, or to the module whose items are all taken.
    pub path: Vec<String>,
    /// The name here; all names of the module if there is none: `use config::*`.
    pub name: Option<String>,
    /// The marks of the `use` item.
    pub marks: Marks,
}

/// A module in a scope.
pub struct Inner {
    /// Its name.
    pub name: String,
    /// Its tokens; `None` if these are another file.
    pub body: Option<TokenStream>,
    /// Its marks.
    pub marks: Marks,
}

impl Scope {
    /// The scope of these items or statements.
    pub fn new(tokens: &TokenStream) -> Scope {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut scope = Scope::default();
        // An item begins a scope, or follows another item or statement.
        let (mut k, mut begins) = (0, true);
        while k < tokens.len() {
            let item = begins.then(|| scope.item(&tokens[k..])).flatten();
            k += item.unwrap_or(1);
            begins = ends(&tokens[k - 1]);
        }
        scope
    }

    /// Adds the item that starts here. Returns the number of its tokens; `None` if this is no item.
    fn item(&mut self, tokens: &[TokenTree]) -> Option<usize> {
        let (at, marks) = marks(tokens);
        let rest = &tokens[at..];
        let Some(TokenTree::Ident(word)) = rest.first() else {
            return None;
        };
        let end = rest.iter().position(ends)? + 1;
        let name = match rest.get(1) {
            Some(TokenTree::Ident(name)) => Some(name.to_string()),
            _ => None,
        };
        let body = match &rest[end - 1] {
            TokenTree::Group(body) => Some(body.stream()),
            _ => None,
        };
        match (word.to_string().as_str(), name) {
            // `const fn` is no constant.
            ("const", Some(_)) if is_punct(rest.get(2), ':') => {
                let end = rest.iter().position(|t| is_punct(Some(t), ';'))? + 1;
                let item = parsed::<syn::ItemConst>(&rest[..end]).map(Rc::new);
                let constant = item.map(|item| Constant { item, marks });
                self.constants.extend(constant);
                return Some(at + end);
            }
            ("use", _) => {
                let end = rest.iter().position(|t| is_punct(Some(t), ';'))? + 1;
                let item = parsed::<syn::ItemUse>(&rest[..end]);
                // `use ::a::B` is of another crate.
                if let Some(item) = item.filter(|item| item.leading_colon.is_none()) {
                    self.take(&item.tree, &mut Vec::new(), marks);
                }
                return Some(at + end);
            }
            ("mod", Some(name)) => self.modules.push(Inner { name, body, marks }),
            // `impl Config { .. }`.
            ("impl", Some(name)) if end == 3 => {
                let constants = Scope::new(&body?).constants;
                self.impls.push((name, constants));
            }
            (
                "impl" | "trait" | "struct" | "enum" | "union" | "fn" | "const" | "static" | "type"
                | "unsafe" | "async" | "extern" | "mod",
                _,
            ) => {}
            _ => return None,
        }
        Some(at + end)
    }

    /// Adds the names of a `use` item.
    fn take(&mut self, tree: &UseTree, path: &mut Vec<String>, marks: Marks) {
        let mut add = |name: String, here: Option<String>| {
            let mut path = path.clone();
            // `use config::{self}` takes the module.
            path.extend((name != "self" && !name.is_empty()).then_some(name));
            let name = here.or_else(|| path.last().cloned());
            self.uses.push(Use { path, name, marks });
        };
        match tree {
            UseTree::Name(name) => add(name.ident.to_string(), None),
            UseTree::Rename(name) => add(name.ident.to_string(), Some(name.rename.to_string())),
            UseTree::Glob(_) => self.uses.push(Use {
                path: path.clone(),
                name: None,
                marks,
            }),
            UseTree::Path(rest) => {
                path.push(rest.ident.to_string());
                self.take(&rest.tree, path, marks);
                path.pop();
            }
            UseTree::Group(group) => {
                (group.items.iter()).for_each(|tree| self.take(tree, path, marks));
            }
        }
    }
}

/// The number of tokens before the word of an item, which are attributes and `pub`, and what they say.
fn marks(tokens: &[TokenTree]) -> (usize, Marks) {
    let (mut at, mut certain) = (0, true);
    while is_punct(tokens.get(at), '#') {
        at += 1 + usize::from(is_punct(tokens.get(at + 1), '!'));
        if let Some(TokenTree::Group(attribute)) = tokens.get(at) {
            let first = attribute.stream().into_iter().next();
            let first = first.map(|t| t.to_string()).unwrap_or_default();
            certain &= !["cfg", "cfg_attr", "path"].contains(&first.as_str());
        }
        at += 1;
    }
    let visible = matches!(tokens.get(at), Some(TokenTree::Ident(word)) if word == "pub");
    at += usize::from(visible);
    if let Some(TokenTree::Group(g)) = tokens.get(at)
        && visible
        && g.delimiter() == Delimiter::Parenthesis
    {
        at += 1;
    }
    (at.min(tokens.len()), Marks { visible, certain })
}

/// Whether a token ends an item or a statement.
fn ends(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        token => is_punct(Some(token), ';'),
    }
}

fn parsed<T: syn::parse::Parse>(tokens: &[TokenTree]) -> Option<T> {
    syn::parse2(tokens.iter().cloned().collect()).ok()
}

fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == punct)
}
