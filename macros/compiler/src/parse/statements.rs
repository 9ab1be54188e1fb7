//! The statements of a function: `let`, assignments, `for`, `if training`, and the value at the end.

use super::{expr, ty};
use crate::ast::{Arg, Block, Expr, ExprKind, If, Op, Pat, Stmt};
use proc_macro2::{Ident, Span};
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Token, braced, parenthesized, token};

/// Statements and, at the end, a value.
pub(super) fn block(input: ParseStream) -> syn::Result<Block> {
    let mut stmts = Vec::new();
    while !input.is_empty() {
        expr::skip_prefix(input);
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
                "a network's function cannot contain `while`\nhelp: use `for` to iterate over layers, tensors or numbers, and `scan` to carry a state from step to step",
            ),
            (
                input.peek(Token![loop]),
                "a network's function cannot contain `loop`\nhelp: use `for` to iterate over layers, tensors or numbers, and `scan` to carry a state from step to step",
            ),
            (
                input.peek(Token![return]),
                "a network's function cannot contain `return`\nhelp: write the result as the last expression, without `;`",
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
            let target = Pat::Name(name, false);
            stmts.push(Stmt::Assign { target, value });
            continue;
        }
        if let Some(target) = several(input) {
            input.parse::<Token![=]>()?;
            let value = expr::expr(input)?;
            semicolon(input)?;
            stmts.push(Stmt::Assign { target, value });
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
            let target = Pat::Name(name, false);
            stmts.push(Stmt::Assign { target, value });
            continue;
        }
        let value = expr::expr(input)?;
        if let Some(stmt) = assigned_slice(input, &value)? {
            stmts.push(stmt);
            continue;
        }
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

/// The rest of `x[0] = y;` or `x[0] += y;` after its left side.
fn assigned_slice(input: ParseStream, left: &Expr) -> syn::Result<Option<Stmt>> {
    let ExprKind::Index(base, items) = &left.kind else {
        return Ok(None);
    };
    let plain = input.peek(Token![=]) && !input.peek(Token![==]);
    let op = operator(input).filter(|_| !plain);
    if !plain && op.is_none() {
        return Ok(None);
    }
    let ExprKind::Name(name) = &base.kind else {
        let text = format!("cannot assign to a part of `{base}`, which is not a variable");
        return Err(syn::Error::new(left.span, text));
    };
    for _ in 0..op.map_or(1, |op| op.symbol().len() + 1) {
        input.parse::<proc_macro2::Punct>()?;
    }
    let mut value = expr::expr(input)?;
    semicolon(input)?;
    let span = left.span;
    if let Some(op) = op {
        let kind = ExprKind::Binary(op, Box::new(left.clone()), Box::new(value));
        value = Expr { kind, span };
    }
    let kind = ExprKind::Put(base.clone(), items.clone(), Box::new(value));
    let (target, value) = (Pat::Name(name.clone(), false), Expr { kind, span });
    Ok(Some(Stmt::Assign { target, value }))
}

/// The left side of `(h, c) = ..` or `_ = ..`, if it is what follows.
fn several(input: ParseStream) -> Option<Pat> {
    if !input.peek(token::Paren) && !input.peek(Token![_]) {
        return None;
    }
    let ahead = input.fork();
    let target = pattern(&ahead).ok()?;
    if !ahead.peek(Token![=]) || ahead.peek(Token![==]) {
        return None;
    }
    input.advance_to(&ahead);
    Some(target)
}

/// The operator of `x += y`, and its place, if a variable is updated by one here.
fn updating(input: ParseStream) -> Option<(Op, Span)> {
    let ahead = input.fork();
    ahead.parse::<Ident>().ok()?;
    operator(&ahead).map(|op| (op, ahead.span()))
}

/// The operator that updates what is before it: `+=`.
pub(super) fn operator(ahead: ParseStream) -> Option<Op> {
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
    Some(op)
}

fn semicolon(input: ParseStream) -> syn::Result<()> {
    if input.peek(Token![;]) {
        input.parse::<Token![;]>()?;
        return Ok(());
    }
    Err(input.error("expected `;`, an operator, or the end of the function"))
}

/// `if training { .. } else { .. }`.
pub(super) fn if_block(input: ParseStream) -> syn::Result<(If, Span)> {
    let span = input.parse::<Token![if]>()?.span;
    let condition = expr::condition(input)?;
    let content;
    braced!(content in input);
    let then = block(&content)?;
    let otherwise = if input.peek(Token![else]) {
        input.parse::<Token![else]>()?;
        Some(match input.peek(Token![if]) {
            true => else_if(input)?,
            false => {
                let content;
                braced!(content in input);
                block(&content)?
            }
        })
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

/// The `if ..` of `else if ..`, as the only statement or the value of a block.
fn else_if(input: ParseStream) -> syn::Result<Block> {
    let (choice, span) = if_block(input)?;
    let (mut stmts, mut tail) = (Vec::new(), None);
    let kind = ExprKind::If(Box::new(choice.clone()));
    match choice.then.tail {
        Some(_) => tail = Some(Expr { kind, span }),
        None => stmts.push(Stmt::If(Box::new(choice))),
    }
    Ok(Block { stmts, tail })
}

/// `for name in over { .. }`, `for (name, ..) in zip(over, ..) { .. }`.
fn for_stmt(input: ParseStream) -> syn::Result<Stmt> {
    input.parse::<Token![for]>()?;
    if !input.peek(token::Paren) && !input.peek(syn::Ident) && !input.peek(Token![_]) {
        return Err(
            input.error("expected a variable after `for`: `for block in blocks { x = block(x); }`")
        );
    }
    let names = loop_names(input)?;
    if !input.peek(Token![in]) {
        return Err(input.error("expected `in`, as in `for block in blocks`"));
    }
    input.parse::<Token![in]>()?;
    let mut over = expr::expr(input)?;
    if input.peek(Token![..]) {
        over = integers(input, over)?;
    }
    let mut pairs = Vec::new();
    pair(names, over, &mut pairs)?;
    let (names, overs) = pairs.into_iter().unzip();
    let content;
    braced!(content in input);
    let body = block(&content)?;
    if let Some(tail) = &body.tail {
        let text = format!(
            "`{tail}` at the end of this `for` is not used\nhelp: assign the value to a variable that is declared `let mut` before the loop"
        );
        return Err(syn::Error::new(tail.span, text));
    }
    Ok(Stmt::For { names, overs, body })
}

/// The variables of a loop.
enum Names {
    One(Ident),
    Many(Vec<Names>),
}

fn loop_names(input: ParseStream) -> syn::Result<Names> {
    if !input.peek(token::Paren) {
        return loop_name(input).map(Names::One);
    }
    let content;
    parenthesized!(content in input);
    let all = content.parse_terminated(loop_names, Token![,])?;
    let mut all: Vec<Names> = all.into_iter().collect();
    Ok(match all.len() {
        1 => all.remove(0),
        _ => Names::Many(all),
    })
}

/// What each variable of a loop goes over: `zip` and `enumerate` give one value for each of theirs.
fn pair(names: Names, over: Expr, out: &mut Vec<(Ident, Expr)>) -> syn::Result<()> {
    let Expr { kind, span } = iterated(over);
    let mut names = match names {
        Names::One(name) => {
            out.push((name, Expr { kind, span }));
            return Ok(());
        }
        Names::Many(names) => names,
    };
    match (kind, names.len()) {
        // `for (i, layer) in enumerate(layers)`
        (ExprKind::Call(f, mut args), 2) if f == "enumerate" && args.len() == 1 => {
            let (rest, first) = (names.pop(), names.pop());
            let kind = ExprKind::Call(Ident::new("range", f.span()), Vec::new());
            let span = f.span();
            if let (Some(first), Some(rest)) = (first, rest) {
                pair(first, Expr { kind, span }, out)?;
                pair(rest, args.remove(0).value, out)?;
            }
            Ok(())
        }
        (ExprKind::Call(f, args), n) if f == "zip" => {
            if args.len() != n {
                let text = format!(
                    "`zip` joins {0}, but `for` has {1}\nhelp: write {2} before `in`, one for each value",
                    crate::args::count(args.len(), "value"),
                    crate::args::count(n, "name"),
                    crate::args::count(args.len(), "name")
                );
                return Err(syn::Error::new(f.span(), text));
            }
            for (names, arg) in names.into_iter().zip(args) {
                pair(names, arg.value, out)?;
            }
            Ok(())
        }
        // `for (kernel, stride) in [(3, 1), (5, 2)]`: each name goes over a column.
        (ExprKind::List(rows), n) if !rows.is_empty() && rows.iter().all(|r| has(r, n)) => {
            for (k, names) in names.into_iter().enumerate() {
                let column = rows.iter().filter_map(|r| parts(r)?.get(k).cloned());
                let kind = ExprKind::List(column.collect());
                pair(names, Expr { kind, span }, out)?;
            }
            Ok(())
        }
        // A constant: an array of tuples, if the macro knows its value.
        (ExprKind::Name(array), _) if crate::check::is_constant(&array.to_string()) => {
            for (k, names) in names.into_iter().enumerate() {
                let array = Expr {
                    kind: ExprKind::Name(array.clone()),
                    span,
                };
                let column = Ident::new(&format!("_{k}"), span);
                let kind = ExprKind::Field(Box::new(array), column);
                pair(names, Expr { kind, span }, out)?;
            }
            Ok(())
        }
        _ => {
            let text = "two names in `for` need `zip` or `enumerate`: `for (block, cache) in zip(blocks, caches)`";
            Err(syn::Error::new(span, text))
        }
    }
}

/// The items of a tuple or list.
fn parts(e: &Expr) -> Option<&[Expr]> {
    match &e.kind {
        ExprKind::Tuple(items) | ExprKind::List(items) => Some(items),
        _ => None,
    }
}

fn has(e: &Expr, count: usize) -> bool {
    parts(e).is_some_and(|items| items.len() == count)
}

/// `blocks.iter().enumerate()` as `enumerate(blocks)`, and so on.
fn iterated(over: Expr) -> Expr {
    let span = over.span;
    let ExprKind::Method(x, name, args) = over.kind else {
        return over;
    };
    let first = |x: Expr| Arg {
        name: None,
        value: iterated(x),
    };
    let kind = match (name.to_string().as_str(), args.len()) {
        ("iter" | "into_iter", 0) => return iterated(*x),
        ("enumerate", 0) => ExprKind::Call(name, vec![first(*x)]),
        ("rev", 0) => ExprKind::Call(Ident::new("reversed", name.span()), vec![first(*x)]),
        ("zip", 1) => ExprKind::Call(name, [first(*x)].into_iter().chain(args).collect()),
        ("step_by", 1) => match iterated(*x) {
            // `(a..b).step_by(c)` as `range(a, b, c)`.
            Expr {
                kind: ExprKind::Call(range, mut bounds),
                ..
            } if range == "range" && (1..=2).contains(&bounds.len()) => {
                if bounds.len() == 1 {
                    let start = Expr {
                        kind: ExprKind::Whole(0),
                        span,
                    };
                    bounds.insert(
                        0,
                        Arg {
                            name: None,
                            value: start,
                        },
                    );
                }
                bounds.extend(args);
                ExprKind::Call(range, bounds)
            }
            other => ExprKind::Method(Box::new(other), name, args),
        },
        _ => ExprKind::Method(x, name, args),
    };
    Expr { kind, span }
}

/// A variable of a loop; `_` for one without use.
fn loop_name(input: ParseStream) -> syn::Result<Ident> {
    if input.peek(Token![_]) {
        let unused = input.parse::<Token![_]>()?;
        return Ok(Ident::new("_", unused.span));
    }
    input.parse()
}

/// The rest of `from..to` or `from..=to`, as `range(from, to)`.
pub(super) fn integers(input: ParseStream, from: Expr) -> syn::Result<Expr> {
    let closed = input.peek(Token![..=]);
    let span = match closed {
        true => input.parse::<Token![..=]>()?.spans[0],
        false => input.parse::<Token![..]>()?.spans[0],
    };
    if input.peek(token::Brace) {
        return Err(input.error("a loop needs an end: `for i in 0..3`"));
    }
    let mut to = expr::expr(input)?;
    if closed {
        to = to.plus_one(span);
    }
    let args = [from, to].map(|value| Arg { name: None, value });
    let kind = ExprKind::Call(Ident::new("range", span), args.into());
    Ok(Expr { kind, span })
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
pub(super) fn pattern(input: ParseStream) -> syn::Result<Pat> {
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
