//! A field of the struct: a layer, a parameter, a buffer, an array, a network, or two parameters that are one.

use super::{attributes_whole, expr, near, skip_one, spans};
use crate::ast::{Arg, Expr, Field, FieldKind, GroupItem, Shared};
use crate::diag::Diag;
use crate::layers;
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Token, bracketed, parenthesized, token};

/// Skips to the end of a field.
pub(super) fn skip_field(content: ParseStream) {
    while !content.is_empty() && !content.peek(Token![,]) {
        skip_one(content);
    }
}

/// The comma between two fields.
pub(super) fn comma(content: ParseStream, diag: &Diag) -> syn::Result<()> {
    if content.peek(Token![,]) {
        content.parse::<Token![,]>()?;
    } else if !content.is_empty() {
        diag.error(content.span(), "expected `,` between two fields");
    }
    Ok(())
}

/// `head.weight = token.weight`.
pub(super) fn shared(input: ParseStream) -> syn::Result<Shared> {
    let left = param_path(input)?;
    if !input.peek(Token![=]) {
        let name = crate::ast::show_dotted(&left);
        return Err(input.error(format!(
            "`{name}` needs `=` and another parameter\nhelp: to tie two parameters, write `{name} = other.weight`"
        )));
    }
    input.parse::<Token![=]>()?;
    let right = param_path(input)?;
    Ok(Shared { left, right })
}

/// `decoder.linear.weight`.
fn param_path(input: ParseStream) -> syn::Result<Vec<Ident>> {
    let mut path = vec![input.call(Ident::parse_any)?];
    while input.peek(Token![.]) {
        input.parse::<Token![.]>()?;
        path.push(input.call(Ident::parse_any)?);
    }
    if input.peek(token::Bracket) {
        return Err(input.error(
            "the parameters of one element of an array cannot be tied\nnote: a whole array can be tied to an array of the same length",
        ));
    }
    Ok(path)
}

pub(super) fn field(input: ParseStream) -> syn::Result<Field> {
    let (attrs, found) = attributes_whole(input, &["frozen", "recompute", "name", "when"])?;
    let flags = spans(&found);
    let path = found[2].as_ref().map(own_name).transpose()?;
    let when = found[3].as_ref().map(when).transpose()?;
    if input.peek(Token![pub]) {
        return Err(input.error("a network's fields are private: remove `pub`"));
    }
    let name: Ident = input.parse()?;
    input.parse::<Token![:]>()?;
    let kind = field_kind(input)?;
    Ok(Field {
        attrs,
        name,
        path,
        kind,
        frozen: flags[0].is_some(),
        recompute: flags[1],
        when,
    })
}

/// `#[when(S != 1)]`.
fn when(attr: &syn::Attribute) -> syn::Result<Expr> {
    let Ok(list) = attr.meta.require_list() else {
        let text = "`#[when]` needs a condition on constants: `#[when(S != 1)]`";
        return Err(syn::Error::new_spanned(attr.path(), text));
    };
    list.parse_args_with(expr::condition)
}

/// `#[name = "layer1.0.conv1"]`.
fn own_name(attr: &syn::Attribute) -> syn::Result<syn::LitStr> {
    let text = "`#[name]` needs a string: `#[name = \"layer1.0.conv1\"]`";
    let wrong = || syn::Error::new_spanned(attr.path(), text);
    let pair = attr.meta.require_name_value().map_err(|_| wrong())?;
    let name = match &pair.value {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(name),
            ..
        }) => name.clone(),
        _ => return Err(wrong()),
    };
    let value = name.value();
    let part = |part: &str| !part.is_empty() && !part.replace("{}", "").contains(['{', '}']);
    match value.split('.').all(part) {
        true => Ok(name),
        false => Err(syn::Error::new(
            name.span(),
            format!(
                "`{value}` is not a valid name: single dots separate the parts, as in `layer1.0.conv1`"
            ),
        )),
    }
}

/// The layers of a group, with their names if they have any.
fn group(content: ParseStream, chain: bool) -> syn::Result<FieldKind> {
    let mut items = Vec::new();
    while !content.is_empty() {
        let mut name = None;
        if chain && content.peek(syn::Ident) && content.peek2(Token![=]) {
            name = Some(content.parse::<Ident>()?);
            content.parse::<Token![=]>()?;
        }
        let span = content.span();
        let kind = field_kind(content)?;
        items.push(GroupItem { name, span, kind });
        if content.is_empty() {
            break;
        }
        if !content.peek(Token![,]) {
            return Err(content.error("expected `,` between two layers"));
        }
        content.parse::<Token![,]>()?;
    }
    Ok(FieldKind::Group { chain, items })
}

/// `Linear(8 -> 10)`, `Param[8] = ones`, `[Linear(8 -> 8); 4]`.
fn field_kind(input: ParseStream) -> syn::Result<FieldKind> {
    if input.peek(token::Bracket) {
        let content;
        let brackets = bracketed!(content in input);
        let span = content.span();
        if content.is_empty() {
            let text = "a list needs at least one layer\nhelp: for example, `[Linear(8 -> 16), Linear(16 -> 8)]`";
            return Err(syn::Error::new(brackets.span.join(), text));
        }
        let element = field_kind(&content)?;
        if content.is_empty() || content.peek(Token![,]) {
            let first = GroupItem {
                name: None,
                span,
                kind: element,
            };
            if content.peek(Token![,]) {
                content.parse::<Token![,]>()?;
            }
            return Ok(match group(&content, false)? {
                FieldKind::Group { chain, mut items } => {
                    items.insert(0, first);
                    FieldKind::Group { chain, items }
                }
                other => other,
            });
        }
        if !content.peek(Token![;]) {
            return Err(content.error(
                "expected `;` and a length, or `,` and another layer\nhelp: an array has a length: `[Linear(8 -> 8); 4]`\nhelp: a list has commas: `[Linear(8 -> 16), Linear(16 -> 8)]`",
            ));
        }
        let element = Box::new(element);
        content.parse::<Token![;]>()?;
        let count = expr::expr(&content)?;
        return Ok(FieldKind::Array { element, count });
    }
    expr::skip_prefix(input);
    let layer = input.call(Ident::parse_any)?;
    if layer == "Sequential" {
        if !input.peek(token::Paren) {
            let text =
                "`Sequential` needs layers in parentheses: `Sequential(Linear(8 -> 8), ReLU())`";
            return Err(syn::Error::new(layer.span(), text));
        }
        let content;
        parenthesized!(content in input);
        if content.is_empty() {
            let text = "`Sequential` needs at least one layer\nhelp: for example, `Sequential(Linear(8 -> 8), ReLU())`";
            return Err(syn::Error::new(layer.span(), text));
        }
        return group(&content, true);
    }
    if layer == "ModuleList" && input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        return field_kind(&content);
    }
    if layer == "Param" {
        if !input.peek(token::Bracket) {
            return Err(syn::Error::new(
                layer.span(),
                "a parameter needs a shape in brackets: `Param[8, 3] = zeros`",
            ));
        }
        let (shape, init) = shape_and_start(input)?;
        return Ok(FieldKind::Param { shape, init });
    }
    if layer == "Buffer" {
        let elem = if input.peek(Token![<]) {
            input.parse::<Token![<]>()?;
            let elem = input.call(Ident::parse_any)?;
            input.parse::<Token![>]>()?;
            Some(elem)
        } else {
            None
        };
        if !input.peek(token::Bracket) {
            return Err(syn::Error::new(
                layer.span(),
                "a buffer needs a shape in brackets: `Buffer[8] = zeros`, `Buffer<i64>[]` for one integer",
            ));
        }
        let (shape, init) = shape_and_start(input)?;
        return Ok(FieldKind::Buffer { elem, shape, init });
    }
    if input.peek(Token![::]) || input.peek(Token![<]) {
        return block_kind(input, layer);
    }
    let args = if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        layer_args(&content)?
    } else if !layers::names().any(|l| layer == l) && near::is_network(&layer) {
        return block_kind(input, layer);
    } else if input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) {
        Vec::new()
    } else {
        return Err(input.error(format!(
            "expected parentheses after `{layer}`: `{layer}(..)`"
        )));
    };
    Ok(FieldKind::Layer { layer, args })
}

/// `[8, 3] = zeros`.
fn shape_and_start(input: ParseStream) -> syn::Result<(Vec<Expr>, Option<Expr>)> {
    let content;
    bracketed!(content in input);
    let shape = content.parse_terminated(expr::expr, Token![,])?;
    let init = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        Some(expr::expr(input)?)
    } else {
        None
    };
    Ok((shape.into_iter().collect(), init))
}

/// `Block`, `Block<128, 4>`, `models::Block`.
fn block_kind(input: ParseStream, first: Ident) -> syn::Result<FieldKind> {
    let mut path = vec![first];
    while input.peek(Token![::]) {
        input.parse::<Token![::]>()?;
        path.push(input.call(Ident::parse_any)?);
    }
    let mut args = Vec::new();
    if input.peek(Token![<]) {
        input.parse::<Token![<]>()?;
        while !input.peek(Token![>]) {
            args.push(expr::generic(input)?);
            if !input.peek(Token![,]) {
                break;
            }
            input.parse::<Token![,]>()?;
        }
        if !input.peek(Token![>]) {
            return Err(input.error(format!(
                "expected `,` or `>` after a size of `{}`\nhelp: commas separate sizes: `{0}<128, 4>`",
                crate::ast::show_path(&path)
            )));
        }
        input.parse::<Token![>]>()?;
    }
    Ok(FieldKind::Block { path, args })
}

fn layer_args(content: ParseStream) -> syn::Result<Vec<Arg>> {
    let mut args = Vec::new();
    while !content.is_empty() {
        args.push(expr::arg(content)?);
        if content.is_empty() {
            break;
        }
        content.parse::<Token![,]>()?;
    }
    Ok(args)
}
