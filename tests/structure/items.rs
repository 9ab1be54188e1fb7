//! The facts that an item states: its name, its kind, its visibility, and its public parts.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, ImplItem, Item, TraitItem, Type, Visibility};

/// The visibility of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// At most the crate.
    Private,
    /// Also other crates, but documentation leaves it out.
    Hidden,
    Public,
}

/// Public parts of a type or trait: methods, variants, fields.
#[derive(Debug)]
pub struct Parts {
    /// The type, as the module names it.
    pub of: Vec<String>,
    /// The name and the kind of each.
    pub parts: Vec<(String, &'static str)>,
}

/// The name that an item defines, its kind, and its visibility.
pub fn defined(item: &Item) -> Option<(String, &'static str, Shown)> {
    let (name, kind, vis, attrs) = match item {
        Item::Const(x) => (&x.ident, "const", &x.vis, &x.attrs),
        Item::Enum(x) => (&x.ident, "enum", &x.vis, &x.attrs),
        Item::Fn(x) => (&x.sig.ident, "fn", &x.vis, &x.attrs),
        Item::Static(x) => (&x.ident, "static", &x.vis, &x.attrs),
        Item::Struct(x) => (&x.ident, "struct", &x.vis, &x.attrs),
        Item::Trait(x) => (&x.ident, "trait", &x.vis, &x.attrs),
        Item::Type(x) => (&x.ident, "type", &x.vis, &x.attrs),
        Item::Union(x) => (&x.ident, "union", &x.vis, &x.attrs),
        Item::Macro(x) => {
            let exported = x.attrs.iter().any(|a| a.path().is_ident("macro_export"));
            let shown = match exported && !hidden(&x.attrs) {
                true => Shown::Public,
                false => Shown::Private,
            };
            return Some((x.ident.as_ref()?.to_string(), "macro", shown));
        }
        _ => return None,
    };
    let kind = match attrs.iter().any(|a| a.path().is_ident("proc_macro")) {
        true => "macro",
        false => kind,
    };
    Some((name.to_string(), kind, shown(vis, attrs)))
}

/// The documented public parts of a type or trait that an item states.
pub fn parts(item: &Item) -> Option<Parts> {
    let of = |name: &Ident| vec![name.to_string()];
    let mut parts = Vec::new();
    let of = match item {
        Item::Enum(x) => {
            let shown = x.variants.iter().filter(|v| !hidden(&v.attrs));
            parts.extend(shown.map(|v| (v.ident.to_string(), "variant")));
            of(&x.ident)
        }
        Item::Struct(x) => {
            let shown = x.fields.iter().filter(|f| is_public(&f.vis, &f.attrs));
            let names = shown.filter_map(|f| f.ident.as_ref());
            parts.extend(names.map(|f| (f.to_string(), "field")));
            of(&x.ident)
        }
        Item::Trait(x) => {
            for item in &x.items {
                let (name, kind, attrs) = match item {
                    TraitItem::Fn(x) => (&x.sig.ident, "fn", &x.attrs),
                    TraitItem::Const(x) => (&x.ident, "const", &x.attrs),
                    TraitItem::Type(x) => (&x.ident, "type", &x.attrs),
                    _ => continue,
                };
                if !hidden(attrs) {
                    parts.push((name.to_string(), kind));
                }
            }
            of(&x.ident)
        }
        Item::Impl(x) if x.trait_.is_none() => {
            for item in &x.items {
                let (name, kind, vis, attrs) = match item {
                    ImplItem::Fn(x) => (&x.sig.ident, "fn", &x.vis, &x.attrs),
                    ImplItem::Const(x) => (&x.ident, "const", &x.vis, &x.attrs),
                    _ => continue,
                };
                if is_public(vis, attrs) {
                    parts.push((name.to_string(), kind));
                }
            }
            let Type::Path(path) = &*x.self_ty else {
                return None;
            };
            let names = path.path.segments.iter().map(|s| s.ident.to_string());
            names.collect()
        }
        _ => return None,
    };
    Some(Parts { of, parts })
}

fn is_public(vis: &Visibility, attrs: &[Attribute]) -> bool {
    shown(vis, attrs) == Shown::Public
}

pub fn shown(vis: &Visibility, attrs: &[Attribute]) -> Shown {
    match vis {
        Visibility::Public(_) if hidden(attrs) => Shown::Hidden,
        Visibility::Public(_) => Shown::Public,
        _ => Shown::Private,
    }
}

/// `#[doc(hidden)]`.
fn hidden(attrs: &[Attribute]) -> bool {
    let text = |a: &Attribute| a.meta.to_token_stream().to_string().replace(' ', "");
    attrs.iter().any(|a| text(a) == "doc(hidden)")
}

/// Whether an item is compiled only in tests.
pub fn only_for_tests(item: &Item) -> bool {
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
