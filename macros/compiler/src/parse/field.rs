//! A field of the struct: a layer, a parameter, a buffer, an array, a network, or two parameters that are one.

use super::{attributes, expr, skip_one};
use crate::ast::{Arg, Expr, Field, FieldKind, Shared};
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
            "expected `=`: `{name} = token.weight` makes two parameters one"
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
        return Err(
            input.error("parameters of an array are shared all at once: leave out the index")
        );
    }
    Ok(path)
}

pub(super) fn field(input: ParseStream) -> syn::Result<Field> {
    let (attrs, flags) = attributes(input, &["frozen", "recompute"])?;
    if input.peek(Token![pub]) {
        return Err(input.error("a network's fields are private: leave out `pub`"));
    }
    let name: Ident = input.parse()?;
    input.parse::<Token![:]>()?;
    let kind = field_kind(input)?;
    Ok(Field {
        attrs,
        name,
        kind,
        frozen: flags[0].is_some(),
        recompute: flags[1],
    })
}

/// `Linear(8 -> 10)`, `Param[8] = ones`, `[Linear(8 -> 8); 4]`.
fn field_kind(input: ParseStream) -> syn::Result<FieldKind> {
    if input.peek(token::Bracket) {
        let content;
        let brackets = bracketed!(content in input);
        let element = Box::new(field_kind(&content)?);
        if !content.peek(Token![;]) {
            return Err(syn::Error::new(
                brackets.span.join(),
                "an array of layers says how many there are: `[Linear(8 -> 8); 4]`",
            ));
        }
        content.parse::<Token![;]>()?;
        let count = expr::expr(&content)?;
        return Ok(FieldKind::Array { element, count });
    }
    let layer = input.call(Ident::parse_any)?;
    if layer == "Param" {
        if !input.peek(token::Bracket) {
            return Err(syn::Error::new(
                layer.span(),
                "a parameter has a shape in brackets: `Param[8, 3] = zeros`",
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
                "a buffer has a shape in brackets: `Buffer[8] = zeros`, `Buffer<i64>[]` for one integer",
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
    } else if !layers::names().any(|l| layer == l) && unlike_layers(&layer) {
        return block_kind(input, layer);
    } else if input.is_empty() || input.peek(Token![,]) || input.peek(Token![;]) {
        Vec::new()
    } else {
        return Err(input.error(format!(
            "expected the arguments of `{layer}`, such as `{layer}(..)`"
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

/// Whether a name is a network's and not a misspelt layer's.
fn unlike_layers(name: &Ident) -> bool {
    let candidates = layers::names().chain(["Param", "Buffer"]);
    crate::diag::nearest(&name.to_string(), candidates).is_none()
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
            args.push(expr::sum(input)?);
            if !input.peek(Token![,]) {
                break;
            }
            input.parse::<Token![,]>()?;
        }
        if !input.peek(Token![>]) {
            return Err(input.error(format!(
                "expected `,` or `>`: the sizes of `{}` stand as in `{0}<128, 4>`",
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
