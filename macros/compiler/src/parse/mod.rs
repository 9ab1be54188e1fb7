//! Parsing: tokens to [`ast`](crate::ast).
//!
//! After an error the parser continues after the next comma or function, so that every error is reported, and the
//! struct and all readable signatures are kept.

mod budget;
mod custom;
mod expr;
mod field;
mod near;
mod statements;

use self::field::{comma, field, shared, skip_field};
use self::statements::block;
use crate::ast::{
    ConstParam, ConstType, Field, FieldKind, FnArg, Function, Network, RustConst, Type, Weights,
};
use crate::diag::Diag;
use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Token, Visibility, braced, bracketed, parenthesized, token};

/// Reads one `network!`. `None` only if not even the struct's name can be read.
pub fn parse(tokens: TokenStream, diag: &Diag) -> Option<Network> {
    let mut found = None;
    let parser = |input: ParseStream| {
        found = network(input, diag);
        Ok(())
    };
    // Tokens left over after an error are not reported again.
    if let Err(e) = parser.parse2(tokens)
        && !diag.any()
    {
        diag.syntax(&e);
    }
    found
}

fn network(input: ParseStream, diag: &Diag) -> Option<Network> {
    let mut consts = Vec::new();
    let head = (|| {
        while input.peek(Token![use]) {
            constants(input, &mut consts)?;
        }
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        if !input.peek(Token![struct]) {
            return Err(input.error(
                "a network begins with its struct: `struct Name { layer: Linear(8 -> 10), .. }`",
            ));
        }
        input.parse::<Token![struct]>()?;
        Ok((attrs, vis, input.parse::<Ident>()?))
    })();
    let (mut attrs, vis, name) = match head {
        Ok(head) => head,
        Err(e) => {
            diag.syntax(&e);
            skip_all(input);
            return None;
        }
    };
    let weights = weights(&mut attrs, diag);
    let mut network = Network {
        attrs,
        weights,
        vis: vis.into_token_stream(),
        name,
        generics: Vec::new(),
        conditions: Vec::new(),
        consts,
        fields: Vec::new(),
        shared: Vec::new(),
        functions: Vec::new(),
        unread: Vec::new(),
    };
    if let Err(e) = generics(input, &mut network) {
        diag.syntax(&e);
        while !input.is_empty() && !input.peek(token::Brace) {
            skip_one(input);
        }
    }
    if input.peek(Token![;]) {
        let _ = input.parse::<Token![;]>();
    } else if let Err(e) = fields(input, &mut network, diag) {
        diag.syntax(&e);
    }
    while !input.is_empty() {
        if input.peek(Token![use]) {
            if let Err(e) = constants(input, &mut network.consts) {
                diag.syntax(&e);
            }
            continue;
        }
        let ahead = input.fork();
        match function(input, diag) {
            Ok(f) => network.functions.push(f),
            Err(e) => {
                diag.syntax(&e);
                network.unread.push(function_name(&ahead));
                // Skips at least one token, up to the next function.
                skip_one(input);
                while !input.is_empty() && !input.peek(Token![fn]) && !input.peek(Token![#]) {
                    skip_one(input);
                }
            }
        }
    }
    Some(network)
}

/// `use const D, RATE: f64;`.
fn constants(input: ParseStream, out: &mut Vec<RustConst>) -> syn::Result<()> {
    input.parse::<Token![use]>()?;
    if !input.peek(Token![const]) {
        let text = "a network takes only `use const`, as in `use const D, RATE: f64;`\nhelp: write this `use` before `network!`";
        return Err(input.error(text));
    }
    input.parse::<Token![const]>()?;
    loop {
        let name: Ident = input.parse()?;
        let ty = match input.peek(Token![:]) {
            true => {
                input.parse::<Token![:]>()?;
                let ty: Ident = input.parse()?;
                const_type(&ty).ok_or_else(|| {
                    let text = format!(
                        "a constant of a network is `usize`, `f64` or `bool`, not `{ty}`\nhelp: declare another constant before `network!`: `const SIZE: usize = {name} as usize;`"
                    );
                    syn::Error::new(ty.span(), text)
                })?
            }
            false => ConstType::Size,
        };
        out.push(RustConst {
            name,
            ty,
            open: false,
            found: false,
            array: false,
        });
        if !input.peek(Token![,]) {
            break;
        }
        input.parse::<Token![,]>()?;
        if input.peek(Token![;]) {
            break;
        }
    }
    input.parse::<Token![;]>()?;
    Ok(())
}

/// Takes `#[weights("file.safetensors")]` out of a struct's attributes.
fn weights(attrs: &mut Vec<Attribute>, diag: &Diag) -> Option<Weights> {
    let at = attrs.iter().position(|a| a.path().is_ident("weights"))?;
    let attr = attrs.remove(at);
    match attr.parse_args::<syn::LitStr>() {
        Ok(path) => Some(Weights {
            path: path.value(),
            span: path.span(),
        }),
        Err(_) => {
            let text = "`#[weights]` must name one file: `#[weights(\"model.safetensors\")]`";
            diag.syntax(&syn::Error::new_spanned(attr.path(), text));
            None
        }
    }
}

/// `<const D: usize, const HEADS: usize = 4> where D % HEADS == 0`.
fn generics(input: ParseStream, network: &mut Network) -> syn::Result<()> {
    if input.peek(Token![<]) {
        input.parse::<Token![<]>()?;
        while !input.peek(Token![>]) {
            if !input.peek(Token![const]) {
                return Err(input.error(
                    "this is not a const parameter\nhelp: a network can have only const parameters: `struct Block<const D: usize, const HEADS: usize = 4>`",
                ));
            }
            input.parse::<Token![const]>()?;
            let name: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            let ty: Ident = input.parse()?;
            let Some(ty) = const_type(&ty) else {
                let text = format!(
                    "a const parameter is `usize`, `bool` or `f64`, not `{ty}`\nhelp: `const {name}: usize`"
                );
                return Err(syn::Error::new(ty.span(), text));
            };
            let default = if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                Some(expr::generic(input)?)
            } else {
                None
            };
            network.generics.push(ConstParam { name, ty, default });
            if !input.peek(Token![,]) {
                break;
            }
            input.parse::<Token![,]>()?;
        }
        input.parse::<Token![>]>()?;
    }
    if input.peek(Token![where]) {
        input.parse::<Token![where]>()?;
        while !input.is_empty() && !input.peek(token::Brace) {
            network.conditions.push(expr::expr(input)?);
            if !input.peek(Token![,]) {
                break;
            }
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

/// The type of a constant.
fn const_type(name: &Ident) -> Option<ConstType> {
    match name.to_string().as_str() {
        "usize" => Some(ConstType::Size),
        "f64" => Some(ConstType::Float),
        "bool" => Some(ConstType::Bool),
        _ => None,
    }
}

/// The name after the next `fn`; empty if there is none.
fn function_name(input: ParseStream) -> String {
    while !input.is_empty() && !input.peek(Token![fn]) {
        skip_one(input);
    }
    skip_one(input);
    let name = input.parse::<Ident>();
    name.map_or_else(|_| String::new(), |name| name.to_string())
}

fn skip_one(input: ParseStream) {
    let _ = input.parse::<proc_macro2::TokenTree>();
}

fn skip_all(input: ParseStream) {
    let _ = input.parse::<TokenStream>();
}

fn fields(input: ParseStream, network: &mut Network, diag: &Diag) -> syn::Result<()> {
    let content;
    braced!(content in input);
    while !content.is_empty() {
        let start = content.fork();
        if content.peek(syn::Ident) && (content.peek2(Token![.]) || content.peek2(token::Bracket)) {
            match shared(&content) {
                Ok(s) => network.shared.push(s),
                Err(e) => {
                    diag.syntax(&e);
                    skip_field(&content);
                }
            }
            comma(&content, diag)?;
            continue;
        }
        match field(&content) {
            Ok(f) => network.fields.push(f),
            Err(e) => {
                diag.syntax(&e);
                // Keep the name, so that its uses are no further errors.
                let _ = start.call(Attribute::parse_outer);
                let _ = start.parse::<Visibility>();
                if let Ok(name) = start.parse::<Ident>() {
                    network.fields.push(Field {
                        attrs: Vec::new(),
                        name,
                        path: None,
                        kind: FieldKind::ErrorReported,
                        frozen: false,
                        recompute: None,
                        when: None,
                    });
                }
                skip_field(&content);
            }
        }
        comma(&content, diag)?;
    }
    Ok(())
}

/// Attributes without those in `flags`; for each flag, its span if present.
fn attributes(
    input: ParseStream,
    flags: &[&str],
) -> syn::Result<(Vec<Attribute>, Vec<Option<Span>>)> {
    let (rest, found) = attributes_whole(input, flags)?;
    Ok((rest, spans(&found)))
}

fn spans(found: &[Option<Attribute>]) -> Vec<Option<Span>> {
    let span = |a: &Attribute| a.path().get_ident().map(Ident::span);
    found.iter().map(|a| a.as_ref().and_then(span)).collect()
}

/// The same, with whole attributes instead of spans.
fn attributes_whole(
    input: ParseStream,
    flags: &[&str],
) -> syn::Result<(Vec<Attribute>, Vec<Option<Attribute>>)> {
    let mut found = vec![None; flags.len()];
    let mut rest = Vec::new();
    for attr in input.call(Attribute::parse_outer)? {
        let name = attr
            .path()
            .get_ident()
            .map(Ident::to_string)
            .unwrap_or_default();
        match flags.iter().position(|f| *f == name) {
            Some(i) => found[i] = Some(attr),
            None if ["doc", "allow", "expect", "deprecated"].contains(&name.as_str()) => {
                rest.push(attr)
            }
            None => {
                let known: Vec<String> = flags.iter().map(|f| format!("`#[{f}]`")).collect();
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                // PyTorch's words.
                let word = match name.as_str() {
                    "freeze" => "frozen",
                    "checkpoint" => "recompute",
                    other => other,
                };
                let hint = match crate::diag::nearest(word, flags.iter().copied()) {
                    Some(near) => format!("\nhelp: did you mean `#[{near}]`?"),
                    None => String::new(),
                };
                let text = format!(
                    "unknown attribute `#[{name}]` here{hint}\nnote: this place takes {known}"
                );
                return Err(syn::Error::new_spanned(attr.path(), text));
            }
        }
    }
    Ok((rest, found))
}

fn function(input: ParseStream, diag: &Diag) -> syn::Result<Function> {
    let (attrs, found) = attributes_whole(input, &["draw", "eval", "custom", "memory", "train"])?;
    let flags = spans(&found);
    let own = found[2].as_ref().map(custom::read).transpose();
    let budget = found[3].as_ref().map(budget::read).transpose();
    let budget = budget.unwrap_or_else(|e| {
        diag.syntax(&e);
        None
    });
    if input.peek(Token![pub]) {
        return Err(input.error("a network's functions are as public as the network: remove `pub`"));
    }
    if !input.peek(Token![fn]) {
        let ahead = input.fork();
        let text = match ahead.call(Ident::parse_any) {
            Ok(word)
                if [
                    "const", "static", "struct", "enum", "type", "impl", "trait", "mod",
                ]
                .iter()
                .any(|w| word == w) =>
            {
                format!("`{word}` is not allowed in a network: write it before `network!`")
            }
            _ => "expected a function: `fn forward(x: [B, 8]) -> [B, 3] { .. }`".to_owned(),
        };
        return Err(input.error(text));
    }
    input.parse::<Token![fn]>()?;
    let name: Ident = input.parse()?;
    if name.to_string().starts_with("r#") {
        return Err(syn::Error::new(
            name.span(),
            "a function's name cannot be a raw identifier",
        ));
    }
    let content;
    parenthesized!(content in input);
    let mut args = Vec::new();
    while !content.is_empty() {
        args.push(fn_arg(&content)?);
        if content.is_empty() {
            break;
        }
        content.parse::<Token![,]>()?;
    }
    if !input.peek(Token![->]) {
        let text = format!(
            "`{name}` has no result type\nhelp: write a result type after the arguments: `fn {name}(..) -> [B, 3]`, or `-> []` for a scalar"
        );
        return Err(syn::Error::new(name.span(), text));
    }
    input.parse::<Token![->]>()?;
    let (ret, tuple) = if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        (
            content
                .parse_terminated(ty, Token![,])?
                .into_iter()
                .collect(),
            true,
        )
    } else {
        (vec![ty(input)?], false)
    };
    let mut conditions = Vec::new();
    if input.peek(Token![where]) {
        input.parse::<Token![where]>()?;
        while !input.is_empty() && !input.peek(token::Brace) && !input.peek(Token![;]) {
            conditions.push(expr::expr(input)?);
            if !input.peek(Token![,]) {
                break;
            }
            input.parse::<Token![,]>()?;
        }
    }
    if input.peek(Token![;]) {
        let end = input.parse::<Token![;]>()?.span;
        let custom = own.unwrap_or_else(|e| {
            diag.syntax(&e);
            None
        });
        if found[2].is_none() {
            let text = format!(
                "`{name}` has no body\nhelp: write a body `{{ .. }}`, or `#[custom(..)]` for a custom op"
            );
            diag.error(name.span(), text);
        }
        return Ok(Function {
            attrs,
            draw: flags[0],
            eval: flags[1].is_some(),
            train: flags[4],
            name,
            args,
            ret,
            tuple,
            body: None,
            conditions,
            budget,
            custom,
            end,
        });
    }
    if let Some(span) = flags[2] {
        let text =
            "a `#[custom]` function cannot have a body\nhelp: write `;` in place of the body";
        diag.error(span, text);
    }
    let body;
    let brace = braced!(body in input);
    let body = match block(&body) {
        Ok(b) => Some(b),
        Err(e) => {
            diag.syntax(&e);
            skip_all(&body);
            None
        }
    };
    Ok(Function {
        attrs,
        draw: flags[0],
        eval: flags[1].is_some(),
        train: flags[4],
        name,
        args,
        ret,
        tuple,
        body,
        conditions,
        budget,
        custom: None,
        end: brace.span.close(),
    })
}

fn fn_arg(input: ParseStream) -> syn::Result<FnArg> {
    let (_, flags) = attributes(input, &["grad", "state"])?;
    if input.peek(Token![self]) || input.peek(Token![&]) {
        return Err(input.error("a function takes no `self`: layers are in scope by their names"));
    }
    let name: Ident = input.parse()?;
    if !input.peek(Token![:]) {
        let text = format!(
            "the argument `{name}` has no shape\nhelp: write `{name}: [B, 8]`, with names for sizes that are known only at the call"
        );
        return Err(syn::Error::new(name.span(), text));
    }
    input.parse::<Token![:]>()?;
    Ok(FnArg {
        grad: flags[0],
        state: flags[1],
        name,
        ty: ty(input)?,
    })
}

/// A scalar, written as its Rust type.
fn scalar(elem: Ident) -> syn::Result<Type> {
    let span = elem.span();
    let elem = match elem.to_string().as_str() {
        "f32" | "f64" => None,
        "u32" | "i32" | "i64" | "bool" => Some(elem),
        "usize" | "u64" | "isize" => {
            let text = format!(
                "`{elem}` is not an element type: integers are `u32`, `i32` or `i64`\nhelp: a size is named in a shape, `x: [B, N]`, or is a const parameter, `struct Net<const N: usize>`"
            );
            return Err(syn::Error::new(span, text));
        }
        _ => {
            let text = format!(
                "`{elem}` is not a shape\nhelp: write `[]` for a scalar, `[B, 8]` for a matrix, `u32[B]` for integers"
            );
            return Err(syn::Error::new(span, text));
        }
    };
    Ok(Type {
        elem,
        dims: Vec::new(),
        rest: None,
        span,
    })
}

fn ty(input: ParseStream) -> syn::Result<Type> {
    let elem = if input.peek(token::Bracket) {
        None
    } else {
        let elem = input.call(Ident::parse_any)?;
        if !input.peek(token::Bracket) {
            return scalar(elem);
        }
        Some(elem)
    };
    let content;
    let brackets = bracketed!(content in input);
    let (mut dims, mut rest) = (Vec::new(), None);
    while !content.is_empty() {
        if content.peek(Token![..]) {
            let dots = content.parse::<Token![..]>()?;
            if rest.replace(dims.len()).is_some() {
                let text =
                    "`..` is given twice in a shape: it stands for all dimensions without a name";
                return Err(syn::Error::new(dots.spans[0], text));
            }
        } else {
            dims.push(expr::expr(&content)?);
        }
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(Type {
        elem,
        dims,
        rest,
        span: brackets.span.join(),
    })
}
