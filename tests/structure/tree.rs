//! The modules of a crate, read from its files: what each defines, imports and names.

use std::collections::HashMap;
use std::path::Path;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Item, UseTree, Visibility};

use super::items::{Parts, Shown, defined, only_for_tests, parts, shown};

/// A name of a module.
#[derive(Clone, Debug)]
pub struct Binding {
    pub to: To,
    pub shown: Shown,
}

/// The target of a name.
#[derive(Clone, Debug)]
pub enum To {
    /// An item defined in the module itself, and its kind.
    Item(&'static str),
    /// A child module.
    Module,
    /// An import or a re-export of this path.
    Alias(Vec<String>),
}

/// A path that a module names, and its line.
#[derive(Debug)]
pub struct Mention {
    pub path: Vec<String>,
    pub line: usize,
    /// `name!`: looked up among macros.
    pub macro_call: bool,
}

/// One module, in a separate file or inline.
#[derive(Debug)]
pub struct Module {
    pub file: String,
    pub names: HashMap<String, Vec<Binding>>,
    /// Paths of `use path::*`.
    pub globs: Vec<Vec<String>>,
    pub parts: Vec<Parts>,
    pub mentions: Vec<Mention>,
}

/// All modules of crates, by their paths, which begin with the crate's name.
pub type Tree = HashMap<Vec<String>, Module>;

/// The crate of this name whose root is `lib.rs` in a folder of the repository.
pub fn read(name: &str, folder: &str) -> Tree {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    build(name, &|file| {
        std::fs::read_to_string(folder.join(file)).ok()
    })
}

/// The same for any source of texts: `text` returns that of a file, if it exists.
pub fn build(name: &str, text: &dyn Fn(&str) -> Option<String>) -> Tree {
    let mut tree = Tree::new();
    let source = text("lib.rs").expect("a crate has a `lib.rs`");
    let items = parse("lib.rs", &source);
    walk(&mut tree, text, vec![name.to_owned()], "lib.rs", "", items);
    tree
}

fn parse(file: &str, source: &str) -> Vec<Item> {
    syn::parse_file(source)
        .unwrap_or_else(|e| panic!("{file}: {e}"))
        .items
}

/// Reads the items of a module. Files of its children are in `folder`.
fn walk(
    tree: &mut Tree,
    text: &dyn Fn(&str) -> Option<String>,
    path: Vec<String>,
    file: &str,
    folder: &str,
    items: Vec<Item>,
) {
    let mut module = Module {
        file: file.to_owned(),
        names: HashMap::new(),
        globs: Vec::new(),
        parts: Vec::new(),
        mentions: Vec::new(),
    };
    for item in items {
        if only_for_tests(&item) {
            continue;
        }
        match item {
            Item::Mod(item) => {
                let name = item.ident.to_string();
                module.bind(&name, To::Module, shown(&item.vis, &item.attrs));
                let below = [path.as_slice(), std::slice::from_ref(&name)].concat();
                let inside = format!("{folder}{name}/");
                if let Some((_, items)) = item.content {
                    walk(tree, text, below, file, &inside, items);
                    continue;
                }
                let at = [format!("{folder}{name}.rs"), format!("{inside}mod.rs")];
                let (at, source) = at
                    .into_iter()
                    .find_map(|at| text(&at).map(|source| (at, source)))
                    .unwrap_or_else(|| panic!("no file of the module {}", below.join("::")));
                let items = parse(&at, &source);
                walk(tree, text, below, &at, &inside, items);
            }
            Item::Use(item) => {
                let shown = match (&item.vis, shown(&item.vis, &item.attrs)) {
                    (Visibility::Inherited, _) => None,
                    (_, shown) => Some(shown),
                };
                module.import(&path, &mut Vec::new(), &item.tree, shown);
            }
            item => {
                if let Some((name, kind, shown)) = defined(&item) {
                    module.bind(&name, To::Item(kind), shown);
                    if kind == "macro" && shown == Shown::Public && path.len() > 1 {
                        panic!("{file}: macros are exported from the root alone");
                    }
                }
                module.parts.extend(parts(&item));
                if let Item::Macro(item) = &item {
                    module.made(item.mac.tokens.clone());
                }
                module.scan(item.into_token_stream(), &[]);
            }
        }
    }
    tree.insert(path, module);
}

impl Module {
    fn bind(&mut self, name: &str, to: To, shown: Shown) {
        let binding = Binding { to, shown };
        self.names.entry(name.to_owned()).or_default().push(binding);
    }

    /// Records the public types and traits that a macro defines, if it names them.
    fn made(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (i, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.made(group.stream()),
                TokenTree::Ident(first) if first == "pub" => {
                    let (Some(TokenTree::Ident(kind)), Some(TokenTree::Ident(name))) =
                        (tokens.get(i + 1), tokens.get(i + 2))
                    else {
                        continue;
                    };
                    let kinds = ["struct", "enum", "trait", "type"];
                    if let Some(kind) = kinds.into_iter().find(|k| kind == k) {
                        self.bind(&name.to_string(), To::Item(kind), Shown::Public);
                    }
                }
                _ => {}
            }
        }
    }

    /// Records the names of a `use`; `shown` is the visibility of a re-export. A private `use` mentions the items that
    /// it imports. A module does not import what it re-exports from its own children, so only its other re-exports are
    /// mentioned.
    fn import(
        &mut self,
        at: &[String],
        prefix: &mut Vec<String>,
        tree: &UseTree,
        shown: Option<Shown>,
    ) {
        match tree {
            UseTree::Path(p) => {
                prefix.push(p.ident.to_string());
                self.import(at, prefix, &p.tree, shown);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(at, prefix, tree, shown);
                }
            }
            UseTree::Glob(_) => self.globs.push(prefix.clone()),
            UseTree::Name(_) | UseTree::Rename(_) => {
                let (name, to) = match tree {
                    UseTree::Name(n) => (&n.ident, &n.ident),
                    UseTree::Rename(r) => (&r.ident, &r.rename),
                    _ => unreachable!(),
                };
                let mut path = prefix.clone();
                if name != "self" {
                    path.push(name.to_string());
                }
                let to = if to == "self" {
                    path.last().cloned().unwrap_or_default()
                } else {
                    to.to_string()
                };
                self.bind(
                    &to,
                    To::Alias(path.clone()),
                    shown.unwrap_or(Shown::Private),
                );
                let own = |first: &String| {
                    first == "self" || self.is_child(first) || {
                        first == "crate" && path[1..].starts_with(&at[1..])
                    }
                };
                if !(shown.is_some() && path.first().is_some_and(own)) {
                    self.mention(path, name, false);
                }
            }
        }
    }

    fn is_child(&self, name: &str) -> bool {
        let bound = self.names.get(name).into_iter().flatten();
        bound.into_iter().any(|b| matches!(b.to, To::Module))
    }

    fn mention(&mut self, path: Vec<String>, at: &Ident, macro_call: bool) {
        let line = at.span().start().line;
        self.mentions.push(Mention {
            path,
            line,
            macro_call,
        });
    }

    /// Records every path in tokens; `prefix` is the path before a group of a `use`.
    fn scan(&mut self, tokens: TokenStream, prefix: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let punct = |i: usize, c: char| matches!(tokens.get(i), Some(TokenTree::Punct(p)) if p.as_char() == c);
        let colons = |i: usize| punct(i, ':') && punct(i + 1, ':');
        let mut i = 0;
        while i < tokens.len() {
            match &tokens[i] {
                TokenTree::Group(group) => self.scan(group.stream(), &[]),
                TokenTree::Ident(first) => {
                    // `.name` is a field or a method, unless it ends a range.
                    let member = i > 0 && punct(i - 1, '.') && !(i > 1 && punct(i - 2, '.'));
                    let mut path = prefix.to_vec();
                    path.push(first.to_string());
                    while colons(i + 1) {
                        match tokens.get(i + 3) {
                            Some(TokenTree::Ident(next)) => {
                                path.push(next.to_string());
                                i += 3;
                            }
                            Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Brace => {
                                self.scan(g.stream(), &path);
                                i += 3;
                                break;
                            }
                            _ => break,
                        }
                    }
                    if !member {
                        self.mention(path, first, punct(i + 1, '!'));
                    }
                }
                _ => {}
            }
            i += 1;
        }
    }
}
