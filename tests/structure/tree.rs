//! The modules of a crate, read from its files: what each defines, imports and names.

use std::collections::HashMap;
use std::path::Path;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Item, UseTree, Visibility};

/// What a name of a module stands for.
#[derive(Clone, Debug)]
pub enum Binding {
    /// An item that the module itself defines.
    Item,
    /// A module below.
    Module,
    /// An import or a re-export of this path.
    Alias(Vec<String>),
}

/// A path that a module names, and its line.
#[derive(Debug)]
pub struct Mention {
    pub path: Vec<String>,
    pub line: usize,
    /// `name!`: looked up where macros are.
    pub macro_call: bool,
}

/// One module, in a file of its own or inside one.
#[derive(Debug)]
pub struct Module {
    pub file: String,
    pub names: HashMap<String, Vec<Binding>>,
    /// Paths of `use path::*`.
    pub globs: Vec<Vec<String>>,
    pub mentions: Vec<Mention>,
}

/// All modules of a crate, by their paths; the root is the empty path.
pub type Tree = HashMap<Vec<String>, Module>;

/// The crate whose root is `lib.rs` in `folder`.
pub fn read(folder: &Path) -> Tree {
    build(&|file| std::fs::read_to_string(folder.join(file)).ok())
}

/// The same from any source of texts: `text` of a file, if there is one.
pub fn build(text: &dyn Fn(&str) -> Option<String>) -> Tree {
    let mut tree = Tree::new();
    let source = text("lib.rs").expect("a crate has a `lib.rs`");
    let items = parse("lib.rs", &source);
    walk(&mut tree, text, Vec::new(), "lib.rs", "", items);
    tree
}

fn parse(file: &str, source: &str) -> Vec<Item> {
    syn::parse_file(source)
        .unwrap_or_else(|e| panic!("{file}: {e}"))
        .items
}

/// Reads the items of a module. Files of its children lie in `folder`.
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
        mentions: Vec::new(),
    };
    for item in items {
        if only_for_tests(&item) {
            continue;
        }
        match item {
            Item::Mod(item) => {
                let name = item.ident.to_string();
                module.bind(&name, Binding::Module);
                let below = [path.as_slice(), &[name.clone()]].concat();
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
                let public = !matches!(item.vis, Visibility::Inherited);
                module.import(&path, &mut Vec::new(), &item.tree, public);
            }
            item => {
                if let Some(name) = defined(&item) {
                    module.bind(&name, Binding::Item);
                }
                module.scan(item.into_token_stream(), &[]);
            }
        }
    }
    tree.insert(path, module);
}

impl Module {
    fn bind(&mut self, name: &str, to: Binding) {
        self.names.entry(name.to_owned()).or_default().push(to);
    }

    /// Notes what a `use` brings. A private one is a mention of what it imports; of a public one, a module that hands
    /// on what its own children define has no need, so only what else it hands on is mentioned.
    fn import(&mut self, at: &[String], prefix: &mut Vec<String>, tree: &UseTree, public: bool) {
        match tree {
            UseTree::Path(p) => {
                prefix.push(p.ident.to_string());
                self.import(at, prefix, &p.tree, public);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(at, prefix, tree, public);
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
                self.bind(&to, Binding::Alias(path.clone()));
                let own = |first: &String| {
                    first == "self" || self.is_child(first) || {
                        first == "crate" && path[1..].starts_with(at)
                    }
                };
                if !(public && path.first().is_some_and(own)) {
                    self.mention(path, name, false);
                }
            }
            _ => {}
        }
    }

    fn is_child(&self, name: &str) -> bool {
        let bound = self.names.get(name).into_iter().flatten();
        bound.into_iter().any(|b| matches!(b, Binding::Module))
    }

    fn mention(&mut self, path: Vec<String>, at: &Ident, macro_call: bool) {
        let line = at.span().start().line;
        self.mentions.push(Mention {
            path,
            line,
            macro_call,
        });
    }

    /// Notes every path in tokens; `prefix` stands in front of those in a group of a `use`.
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

/// The name that an item defines.
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(x) => &x.ident,
        Item::Enum(x) => &x.ident,
        Item::Fn(x) => &x.sig.ident,
        Item::Macro(x) => x.ident.as_ref()?,
        Item::Static(x) => &x.ident,
        Item::Struct(x) => &x.ident,
        Item::Trait(x) => &x.ident,
        Item::Type(x) => &x.ident,
        Item::Union(x) => &x.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Whether an item is compiled in tests alone.
fn only_for_tests(item: &Item) -> bool {
    let attrs = match item {
        Item::Const(x) => &x.attrs,
        Item::Fn(x) => &x.attrs,
        Item::Impl(x) => &x.attrs,
        Item::Macro(x) => &x.attrs,
        Item::Mod(x) => &x.attrs,
        Item::Static(x) => &x.attrs,
        Item::Struct(x) => &x.attrs,
        Item::Use(x) => &x.attrs,
        _ => return false,
    };
    attrs.iter().any(|attr| {
        let text: String = attr.meta.to_token_stream().to_string();
        let text: String = text.split_whitespace().collect();
        text == "cfg(test)" || text.starts_with("cfg(all(test,")
    })
}
