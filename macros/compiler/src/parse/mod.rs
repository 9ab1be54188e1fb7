//! Parsing: tokens to [`ast`](crate::ast).
//!
//! After an error the parser continues after the next comma or function, so that every error is reported, and the
//! struct and all readable signatures are kept.

mod budget;
mod custom;
mod expr;

use crate::ast::{
    Arg, Block, ConstParam, Expr, ExprKind, Field, FieldKind, FnArg, Function, If, Network, Op,
    Pat, Shared, Stmt, Type, Weights,
};
use crate::diag::Diag;
use crate::layers;
use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
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
    let head = (|| {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis: Visibility = input.parse()?;
        if !input.peek(Token![struct]) {
            return Err(input.error(
                "a network begins with its layers: `struct Name { layer: Linear(8 -> 10), .. }`",
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
        fields: Vec::new(),
        shared: Vec::new(),
        functions: Vec::new(),
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
        match function(input, diag) {
            Ok(f) => network.functions.push(f),
            Err(e) => {
                diag.syntax(&e);
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
            let text = "`#[weights]` names one file: `#[weights(\"model.safetensors\")]`";
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
                    "a network's parameters are sizes: `struct Block<const D: usize, const HEADS: usize = 4>`",
                ));
            }
            input.parse::<Token![const]>()?;
            let name: Ident = input.parse()?;
            input.parse::<Token![:]>()?;
            let ty: Ident = input.parse()?;
            if ty != "usize" {
                let text = format!("a size is `usize`: `const {name}: usize`");
                return Err(syn::Error::new(ty.span(), text));
            }
            let default = if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                Some(expr::sum(input)?)
            } else {
                None
            };
            network.generics.push(ConstParam { name, default });
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
                        kind: FieldKind::ErrorReported,
                        frozen: false,
                        recompute: None,
                    });
                }
                skip_field(&content);
            }
        }
        comma(&content, diag)?;
    }
    Ok(())
}

/// Skips to the end of a field.
fn skip_field(content: ParseStream) {
    while !content.is_empty() && !content.peek(Token![,]) {
        skip_one(content);
    }
}

/// The comma between two fields.
fn comma(content: ParseStream, diag: &Diag) -> syn::Result<()> {
    if content.peek(Token![,]) {
        content.parse::<Token![,]>()?;
    } else if !content.is_empty() {
        diag.error(content.span(), "expected `,` between two fields");
    }
    Ok(())
}

/// `head.weight = token.weight`.
fn shared(input: ParseStream) -> syn::Result<Shared> {
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

fn field(input: ParseStream) -> syn::Result<Field> {
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
                let text = format!(
                    "unknown attribute `{name}` here\nnetform's attributes in this place: {known}"
                );
                return Err(syn::Error::new_spanned(attr.path(), text));
            }
        }
    }
    Ok((rest, found))
}

fn function(input: ParseStream, diag: &Diag) -> syn::Result<Function> {
    let (attrs, found) = attributes_whole(input, &["draw", "eval", "custom", "memory"])?;
    let flags = spans(&found);
    let own = found[2].as_ref().map(custom::read).transpose();
    let budget = found[3].as_ref().map(budget::read).transpose();
    let budget = budget.unwrap_or_else(|e| {
        diag.syntax(&e);
        None
    });
    if input.peek(Token![pub]) {
        return Err(
            input.error("a network's functions are as public as the network: leave out `pub`")
        );
    }
    if !input.peek(Token![fn]) {
        return Err(input.error("expected a function: `fn forward(x: [B, 8]) -> [B, 3] { .. }`"));
    }
    input.parse::<Token![fn]>()?;
    let name: Ident = input.parse()?;
    if name.to_string().starts_with("r#") {
        return Err(syn::Error::new(
            name.span(),
            "a function's name is plain: methods are named after it",
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
            "`{name}` returns nothing\nhelp: say what it returns: `fn {name}(..) -> [B, 3]`, or `-> []` for a scalar"
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
    if input.peek(Token![;]) {
        let end = input.parse::<Token![;]>()?.span;
        let custom = own.unwrap_or_else(|e| {
            diag.syntax(&e);
            None
        });
        if found[2].is_none() {
            let text = format!(
                "`{name}` has no body\nhelp: write what it computes: `{{ .. }}`; a custom op says where: `#[custom(forward = f, backward = g)]`"
            );
            diag.error(name.span(), text);
        }
        return Ok(Function {
            attrs,
            draw: flags[0],
            eval: flags[1].is_some(),
            name,
            args,
            ret,
            tuple,
            body: None,
            budget,
            custom,
            end,
        });
    }
    if let Some(span) = flags[2] {
        let text = format!(
            "`{name}` has a body, but `#[custom]` says that it is computed elsewhere\nhelp: end it with `;`"
        );
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
        name,
        args,
        ret,
        tuple,
        body,
        budget,
        custom: None,
        end: brace.span.close(),
    })
}

fn fn_arg(input: ParseStream) -> syn::Result<FnArg> {
    let (_, flags) = attributes(input, &["grad", "state"])?;
    if input.peek(Token![self]) || input.peek(Token![&]) {
        return Err(
            input.error("a network's functions name no `self`: layers are in scope by their names")
        );
    }
    let name: Ident = input.parse()?;
    if !input.peek(Token![:]) {
        let text = format!(
            "`{name}` has no shape\nhelp: write `{name}: [B, 8]`, with a name for each size that is known only when called"
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

fn ty(input: ParseStream) -> syn::Result<Type> {
    let elem = if input.peek(token::Bracket) {
        None
    } else {
        let elem = input.call(Ident::parse_any)?;
        if !input.peek(token::Bracket) {
            let text = format!(
                "`{elem}` is no shape\nhelp: write `[]` for one number, `[B, 8]` for a matrix, `u32[B]` for integers"
            );
            return Err(syn::Error::new(elem.span(), text));
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
                let text = "`..` stands once in a shape: it is all dimensions that have no name";
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

/// Statements and, at the end, a value.
fn block(input: ParseStream) -> syn::Result<Block> {
    let mut stmts = Vec::new();
    while !input.is_empty() {
        if input.peek(Token![let]) {
            stmts.push(let_stmt(input)?);
            continue;
        }
        if input.peek(Token![for]) {
            stmts.push(for_stmt(input)?);
            continue;
        }
        if input.peek(Token![if]) {
            let (choice, span) = if_block(input)?;
            if input.is_empty() && choice.then.tail.is_some() {
                let kind = ExprKind::If(Box::new(choice));
                let tail = Some(Expr { kind, span });
                return Ok(Block { stmts, tail });
            }
            stmts.push(Stmt::If(Box::new(choice)));
            continue;
        }
        for (token, text) in [
            (
                input.peek(Token![while]),
                "a network's function has no `while`: what it computes is fixed when it is compiled",
            ),
            (
                input.peek(Token![loop]),
                "a network's function has no `loop`: what it computes is fixed when it is compiled",
            ),
            (
                input.peek(Token![return]),
                "a network's function has no `return`\nhelp: leave the result as the last expression, without `;`",
            ),
        ] {
            if token {
                return Err(input.error(text));
            }
        }
        if input.peek(syn::Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
            let name: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let value = expr::expr(input)?;
            semicolon(input)?;
            stmts.push(Stmt::Assign { name, value });
            continue;
        }
        if let Some((op, span)) = updating(input) {
            let name: Ident = input.parse()?;
            for _ in 0..op.symbol().len() + 1 {
                input.parse::<proc_macro2::Punct>()?;
            }
            let before = Expr {
                kind: ExprKind::Name(name.clone()),
                span: name.span(),
            };
            let by = expr::expr(input)?;
            semicolon(input)?;
            let value = Expr {
                kind: ExprKind::Binary(op, Box::new(before), Box::new(by)),
                span,
            };
            stmts.push(Stmt::Assign { name, value });
            continue;
        }
        let value = expr::expr(input)?;
        if input.is_empty() {
            return Ok(Block {
                stmts,
                tail: Some(value),
            });
        }
        semicolon(input)?;
        stmts.push(Stmt::Expr(value));
    }
    Ok(Block { stmts, tail: None })
}

/// The operator of `x += y`, and its place, if a variable is updated by one here.
fn updating(input: ParseStream) -> Option<(Op, Span)> {
    let ahead = input.fork();
    ahead.parse::<Ident>().ok()?;
    let all = [
        (ahead.peek(Token![+=]), Op::Add),
        (ahead.peek(Token![-=]), Op::Sub),
        (ahead.peek(Token![*=]), Op::Mul),
        (ahead.peek(Token![/=]), Op::Div),
        (ahead.peek(Token![%=]), Op::Rem),
        (ahead.peek(Token![&=]), Op::And),
        (ahead.peek(Token![|=]), Op::Or),
    ];
    let (_, op) = all.into_iter().find(|(here, _)| *here)?;
    Some((op, ahead.span()))
}

fn semicolon(input: ParseStream) -> syn::Result<()> {
    if input.peek(Token![;]) {
        input.parse::<Token![;]>()?;
        return Ok(());
    }
    Err(input.error("expected `;`, an operator, or the end of the function"))
}

/// `if training { .. } else { .. }`.
pub(crate) fn if_block(input: ParseStream) -> syn::Result<(If, Span)> {
    let span = input.parse::<Token![if]>()?.span;
    let condition = expr::expr(input)?;
    if !matches!(&condition.kind, ExprKind::Name(n) if n == "training") {
        return Err(syn::Error::new(
            condition.span,
            "`if` asks for `training` alone, which is known when the function is compiled\nhelp: `where(condition, x, y)` chooses element by element",
        ));
    }
    let content;
    braced!(content in input);
    let then = block(&content)?;
    let otherwise = if input.peek(Token![else]) {
        input.parse::<Token![else]>()?;
        let content;
        braced!(content in input);
        Some(block(&content)?)
    } else {
        None
    };
    let choice = If {
        condition,
        then,
        otherwise,
    };
    Ok((choice, span))
}

/// `for name in over { .. }`, `for (name, ..) in zip(over, ..) { .. }`.
fn for_stmt(input: ParseStream) -> syn::Result<Stmt> {
    input.parse::<Token![for]>()?;
    let mut names: Vec<Ident> = Vec::new();
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        names.extend(content.parse_terminated(Ident::parse, Token![,])?);
    } else if input.peek(syn::Ident) {
        names.push(input.parse()?);
    } else {
        return Err(input.error("`for` binds a name: `for block in blocks { x = block(x); }`"));
    }
    if !input.peek(Token![in]) {
        return Err(input.error("expected `in` and an array of layers: `for block in blocks`"));
    }
    input.parse::<Token![in]>()?;
    let over = expr::expr(input)?;
    if input.peek(Token![..]) {
        return Err(input.error(
            "`for` goes over an array of layers, not over numbers\nhelp: `scan` goes over a dimension of a tensor",
        ));
    }
    let overs = match (over.kind, names.len()) {
        (ExprKind::Call(f, args), n) if f == "zip" => {
            if args.len() != n {
                let text = format!(
                    "`for` binds {}, but `zip` joins {}\nhelp: `for (block, cache) in zip(blocks, caches)`",
                    crate::args::count(n, "name"),
                    args.len()
                );
                return Err(syn::Error::new(f.span(), text));
            }
            args.into_iter().map(|a| a.value).collect()
        }
        (kind, 1) => vec![Expr {
            kind,
            span: over.span,
        }],
        _ => {
            let text = "several names go over several things at once: `for (block, cache) in zip(blocks, caches)`";
            return Err(syn::Error::new(over.span, text));
        }
    };
    let content;
    braced!(content in input);
    let body = block(&content)?;
    if let Some(tail) = &body.tail {
        return Err(syn::Error::new(
            tail.span,
            "a round of `for` has no value\nhelp: assign it to a variable: `x = ..;`, declared before as `let mut x = ..`",
        ));
    }
    Ok(Stmt::For { names, overs, body })
}

fn let_stmt(input: ParseStream) -> syn::Result<Stmt> {
    input.parse::<Token![let]>()?;
    let pat = pattern(input)?;
    let ty = if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        Some(ty(input)?)
    } else {
        None
    };
    input.parse::<Token![=]>()?;
    let value = expr::expr(input)?;
    semicolon(input)?;
    Ok(Stmt::Let { pat, ty, value })
}

/// A name, `_`, or several in parentheses.
pub(crate) fn pattern(input: ParseStream) -> syn::Result<Pat> {
    if input.peek(Token![_]) {
        input.parse::<Token![_]>()?;
        return Ok(Pat::Wild);
    }
    if input.peek(token::Paren) {
        let content;
        let paren = parenthesized!(content in input);
        let items = content.parse_terminated(pattern, Token![,])?;
        return Ok(Pat::Tuple(items.into_iter().collect(), paren.span.join()));
    }
    let mutable = input.peek(Token![mut]);
    if mutable {
        input.parse::<Token![mut]>()?;
    }
    Ok(Pat::Name(input.parse()?, mutable))
}
