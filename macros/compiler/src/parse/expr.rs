//! Expressions, by precedence: `|`, `&`, comparisons, `+ -`, `* / @`, prefix, `**`, postfix.

use crate::ast::{Arg, Block, Closure, Expr, ExprKind, Item, Op, Slice};
use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Lit, Token, braced, bracketed, parenthesized, token};

/// An expression.
pub fn expr(input: ParseStream) -> syn::Result<Expr> {
    binary(input, 0)
}

/// A condition on constants: comparisons joined by `&&` and `||`, as in Rust, or by `&` and `|`.
pub fn condition(input: ParseStream) -> syn::Result<Expr> {
    joined(input, Op::Or)
}

fn joined(input: ParseStream, op: Op) -> syn::Result<Expr> {
    let operand = |input: ParseStream| match op {
        Op::Or => joined(input, Op::And),
        _ => term(input),
    };
    let mut left = operand(input)?;
    loop {
        let (twice, once) = match op {
            Op::Or => (input.peek(Token![||]), input.peek(Token![|])),
            _ => (input.peek(Token![&&]), input.peek(Token![&])),
        };
        if !twice && !once {
            return Ok(left);
        }
        let span = input.span();
        for _ in 0..if twice { 2 } else { 1 } {
            input.parse::<proc_macro2::Punct>()?;
        }
        let right = operand(input)?;
        let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
        left = Expr { kind, span };
    }
}

/// A comparison, its opposite, or a condition in parentheses.
fn term(input: ParseStream) -> syn::Result<Expr> {
    let span = input.span();
    if input.peek(Token![!]) {
        input.parse::<Token![!]>()?;
        let kind = ExprKind::Not(Box::new(term(input)?));
        return Ok(Expr { kind, span });
    }
    // `(A + 1) * 2 == B` begins with a parenthesis, too.
    let ahead = input.fork();
    if ahead.peek(token::Paren) && ahead.parse::<proc_macro2::Group>().is_ok() {
        let ends = ahead.is_empty()
            || ahead.peek(token::Brace)
            || ahead.peek(Token![&])
            || ahead.peek(Token![|]);
        if ends {
            let content;
            parenthesized!(content in input);
            let inner = condition(&content)?;
            return match content.is_empty() {
                true => Ok(inner),
                false => Err(content.error("expected `&&`, `||` or the end of the condition")),
            };
        }
    }
    binary(input, COMPARISON)
}

/// An expression between `<` and `>`: without comparisons, or in braces, as Rust writes it.
pub fn generic(input: ParseStream) -> syn::Result<Expr> {
    if input.peek(token::Brace) {
        let content;
        syn::braced!(content in input);
        return expr(&content);
    }
    binary(input, Op::Add.level())
}

/// The level of comparisons.
const COMPARISON: usize = Op::Lt.level();

/// The next operator, if it is of this level.
fn operator(input: ParseStream, level: usize) -> Option<(Op, Span)> {
    // Longer tokens come before their prefixes.
    let all = [
        (input.peek(Token![|]) && !input.peek(Token![||]), Op::Or),
        (input.peek(Token![&]) && !input.peek(Token![&&]), Op::And),
        (input.peek(Token![==]), Op::Eq),
        (input.peek(Token![!=]), Op::Ne),
        (input.peek(Token![<=]), Op::Le),
        (input.peek(Token![>=]), Op::Ge),
        (input.peek(Token![<]), Op::Lt),
        (input.peek(Token![>]), Op::Gt),
        (input.peek(Token![+]), Op::Add),
        (input.peek(Token![-]) && !input.peek(Token![->]), Op::Sub),
        (input.peek(Token![*]), Op::Mul),
        (input.peek(Token![/]), Op::Div),
        (input.peek(Token![%]), Op::Rem),
    ];
    // `x[0] += y` ends before its operator.
    if super::statements::operator(input).is_some() {
        return None;
    }
    let (_, op) = all.into_iter().find(|(here, _)| *here)?;
    (op.level() == level).then(|| (op, input.span()))
}

fn binary(input: ParseStream, level: usize) -> syn::Result<Expr> {
    if level > Op::Mul.level() {
        return prefix(input);
    }
    let mut left = binary(input, level + 1)?;
    loop {
        // PyTorch's operator of products.
        if level == Op::Mul.level() && input.peek(Token![@]) {
            let span = input.parse::<Token![@]>()?.span;
            let right = binary(input, level + 1)?;
            left = call("matmul", span, [left, right]);
            continue;
        }
        let Some((op, span)) = operator(input, level) else {
            break;
        };
        for _ in op.symbol().chars() {
            // Each character is one token in a token stream.
            input.parse::<proc_macro2::Punct>()?;
        }
        let right = binary(input, level + 1)?;
        if level == COMPARISON && operator(input, level).is_some() {
            return Err(chained(input, (left, op, right))?);
        }
        left = Expr {
            kind: ExprKind::Binary(op, Box::new(left), Box::new(right)),
            span,
        };
    }
    for (wrong, text) in [
        (
            input.peek(Token![||]),
            "`||` joins only conditions on constants\nhelp: for tensors, write `(a > 0) | (b > 0)`",
        ),
        (
            input.peek(Token![&&]),
            "`&&` joins only conditions on constants\nhelp: for tensors, write `(a > 0) & (b > 0)`",
        ),
        (
            input.peek(Token![^]),
            "`^` is not an operator here\nhelp: for a power, write `**`\nhelp: for the exclusive or of conditions, write `!=`",
        ),
    ] {
        if level == 0 && wrong {
            return Err(input.error(text));
        }
    }
    Ok(left)
}

/// The error of `a < b < c`. In Rust and here comparisons do not chain; in Python they do.
fn chained(input: ParseStream, first: (Expr, Op, Expr)) -> syn::Result<syn::Error> {
    let (left, op, middle) = first;
    let of = |x: &Expr| x.above(COMPARISON + 1);
    let equal = |op: &Op| matches!(op, Op::Eq | Op::Ne);
    let (mut all, mut middle) = (
        format!("{} {} {}", of(&left), op.symbol(), of(&middle)),
        of(&middle),
    );
    // `a < b == c` compares a condition with `c`; `a < b < c` is two comparisons with `b`.
    let (mut joined, mut mixed, mut at) = (format!("({all})"), !equal(&op), None);
    while let Some((op, span)) = operator(input, COMPARISON) {
        for _ in op.symbol().chars() {
            input.parse::<proc_macro2::Punct>()?;
        }
        let right = of(&binary(input, COMPARISON + 1)?);
        joined = match mixed && equal(&op) {
            true => format!("({all}) {} {right}", op.symbol()),
            false => format!("{joined} & ({middle} {} {right})", op.symbol()),
        };
        mixed = mixed && !equal(&op);
        all = format!("{all} {} {right}", op.symbol());
        (middle, at) = (right, at.or(Some(span)));
    }
    let text = format!("comparisons do not chain: `{all}`\nhelp: write `{joined}`");
    Ok(syn::Error::new(at.unwrap_or_else(|| input.span()), text))
}

fn prefix(input: ParseStream) -> syn::Result<Expr> {
    let span = input.span();
    if input.peek(Token![-]) && !input.peek(Token![->]) {
        input.parse::<Token![-]>()?;
        let x = prefix(input)?;
        return Ok(match x.kind {
            ExprKind::Whole(v) => Expr {
                kind: ExprKind::Whole(-v),
                span: x.span,
            },
            ExprKind::Number(v) => Expr {
                kind: ExprKind::Number(-v),
                span: x.span,
            },
            _ => Expr {
                kind: ExprKind::Neg(Box::new(x)),
                span,
            },
        });
    }
    // PyTorch's `~mask`.
    if input.peek(Token![!]) || input.peek(Token![~]) {
        input.parse::<proc_macro2::Punct>()?;
        return Ok(Expr {
            kind: ExprKind::Not(Box::new(prefix(input)?)),
            span,
        });
    }
    let base = postfix(input)?;
    if !raised(input) {
        return Ok(base);
    }
    // Python's power: it binds more tightly than the sign before it, and from the right.
    let span = input.span();
    input.parse::<Token![*]>()?;
    input.parse::<Token![*]>()?;
    let exponent = prefix(input)?;
    Ok(call("pow", span, [base, exponent]))
}

/// Whether `**` comes next.
fn raised(input: ParseStream) -> bool {
    input.peek(Token![*]) && input.peek2(Token![*])
}

/// `name(a, b)`, for an operator that is an op.
fn call(name: &str, span: Span, args: [Expr; 2]) -> Expr {
    let args = args.map(|value| Arg { name: None, value });
    Expr {
        kind: ExprKind::Call(Ident::new(name, span), args.into()),
        span,
    }
}

/// `x.0`, an item of a tuple.
fn part(x: Expr, at: &syn::LitInt) -> syn::Result<Expr> {
    let (span, kind) = (at.span(), ExprKind::Whole(at.base10_parse()?));
    let items = vec![Item::At(Expr { kind, span })];
    Ok(Expr {
        kind: ExprKind::Index(Box::new(x), items),
        span,
    })
}

fn postfix(input: ParseStream) -> syn::Result<Expr> {
    let mut x = atom(input)?;
    loop {
        if input.peek(Token![.]) && !input.peek(Token![..]) {
            input.parse::<Token![.]>()?;
            if input.peek(syn::LitInt) {
                let at: syn::LitInt = input.parse()?;
                x = part(x, &at)?;
                continue;
            }
            if input.peek(syn::LitFloat) {
                // `x.0.1`: Rust's tokens hold `0.1`.
                let both: syn::LitFloat = input.parse()?;
                for number in both.to_string().split('.') {
                    x = part(x, &syn::LitInt::new(number, both.span()))?;
                }
                continue;
            }
            let name = input
                .call(Ident::parse_any)
                .map_err(|e| syn::Error::new(e.span(), "expected a name after `.`"))?;
            let span = name.span();
            let kind = if input.peek(token::Paren) {
                ExprKind::Method(Box::new(x), unraw(&name), args(input)?)
            } else {
                ExprKind::Field(Box::new(x), name)
            };
            x = Expr { kind, span };
        } else if input.peek(token::Paren) {
            let span = x.span;
            let kind = ExprKind::Apply(Box::new(x), args(input)?);
            x = Expr { kind, span };
        } else if input.peek(token::Bracket) {
            let content;
            let brackets = bracketed!(content in input);
            let items = content.parse_terminated(item, Token![,])?;
            x = Expr {
                kind: ExprKind::Index(Box::new(x), items.into_iter().collect()),
                span: brackets.span.join(),
            };
        } else {
            return Ok(x);
        }
    }
}

/// `r#where` is the op `where`.
fn unraw(name: &Ident) -> Ident {
    Ident::new(&name.unraw().to_string(), name.span())
}

fn item(input: ParseStream) -> syn::Result<Item> {
    let span = input.span();
    if input.peek(Token![...]) {
        input.parse::<Token![...]>()?;
        return Ok(Item::Rest(span));
    }
    let from = match input.peek(Token![..]) || input.peek(Token![:]) {
        true => None,
        false => Some(expr(input)?),
    };
    if input.peek(Token![:]) {
        return colons(input, from);
    }
    if !input.peek(Token![..]) {
        return match from {
            Some(at) => Ok(Item::At(at)),
            None => Err(input.error("expected an index")),
        };
    }
    let span = input.span();
    if input.peek(Token![..=]) {
        input.parse::<Token![..=]>()?;
        return Ok(Item::Range(Slice {
            from,
            to: Some(expr(input)?),
            step: None,
            colon: false,
            closed: true,
            span,
        }));
    }
    input.parse::<Token![..]>()?;
    Ok(Item::Range(Slice {
        from,
        to: end(input)?,
        step: None,
        colon: false,
        closed: false,
        span,
    }))
}

/// `:to:step` of a slice, after its first number.
fn colons(input: ParseStream, from: Option<Expr>) -> syn::Result<Item> {
    let span = input.span();
    // `::` is one token of Rust.
    let (to, stepped) = if input.peek(Token![::]) {
        input.parse::<Token![::]>()?;
        (None, true)
    } else {
        input.parse::<Token![:]>()?;
        let to = end(input)?;
        let stepped = input.peek(Token![:]);
        if stepped {
            input.parse::<Token![:]>()?;
        }
        (to, stepped)
    };
    let step = if stepped { end(input)? } else { None };
    Ok(Item::Range(Slice {
        from,
        to,
        step,
        colon: true,
        closed: false,
        span,
    }))
}

/// The number at the end of a slice, if it is there.
fn end(input: ParseStream) -> syn::Result<Option<Expr>> {
    match input.is_empty() || input.peek(Token![,]) || input.peek(Token![:]) {
        true => Ok(None),
        false => Ok(Some(expr(input)?)),
    }
}

/// Arguments in parentheses.
pub fn args(input: ParseStream) -> syn::Result<Vec<Arg>> {
    let content;
    parenthesized!(content in input);
    let args = content.parse_terminated(arg, Token![,])?;
    Ok(args.into_iter().collect())
}

/// An expression, or the range of a loop: `0..N`.
fn ranged(input: ParseStream) -> syn::Result<Expr> {
    let from = expr(input)?;
    match input.peek(Token![..]) {
        true => super::statements::integers(input, from),
        false => Ok(from),
    }
}

/// One argument.
pub fn arg(input: ParseStream) -> syn::Result<Arg> {
    let keyword =
        input.peek(syn::Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]);
    let name = if keyword {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Some(unraw(&name))
    } else {
        None
    };
    if input.peek(Token![&]) {
        let span = input.parse::<Token![&]>()?.span;
        if !input.peek(Token![mut]) {
            let text = "an argument takes no `&`: remove it\nnote: only a `#[state]` argument is passed as `&mut`";
            return Err(syn::Error::new(span, text));
        }
        input.parse::<Token![mut]>()?;
        let variable: Ident = input.parse()?;
        let span = variable.span();
        let kind = ExprKind::Mut(variable);
        return Ok(Arg {
            name,
            value: Expr { kind, span },
        });
    }
    let mut value = ranged(input)?;
    // A layer's sizes, also for a layer as an argument.
    if input.peek(Token![->]) {
        let arrow: Token![->] = input.parse()?;
        let to = expr(input)?;
        value = Expr {
            kind: ExprKind::Arrow(Box::new(value), Box::new(to)),
            span: arrow.spans[0],
        };
    }
    Ok(Arg { name, value })
}

/// `|h, x_t| { .. }`, or with a single value after the bars.
fn closure(input: ParseStream) -> syn::Result<Closure> {
    input.parse::<Token![|]>()?;
    let mut args = Vec::new();
    while !input.peek(Token![|]) {
        args.push(super::statements::pattern(input)?);
        if !input.peek(Token![|]) {
            input.parse::<Token![,]>()?;
        }
    }
    input.parse::<Token![|]>()?;
    if input.peek(token::Brace) {
        let content;
        let brace = braced!(content in input);
        let body = super::statements::block(&content)?;
        let end = brace.span.close();
        return Ok(Closure { args, body, end });
    }
    let tail = expr(input)?;
    let end = tail.span;
    let body = Block {
        stmts: Vec::new(),
        tail: Some(tail),
    };
    Ok(Closure { args, body, end })
}

/// The names that stand before layers and ops in Python.
const PREFIXES: [&str; 9] = [
    "self",
    "torch",
    "nn",
    "functional",
    "F",
    "linalg",
    "math",
    "np",
    "jnp",
];

/// Skips such names: `self.`, `torch.nn.`, `math.`.
pub fn skip_prefix(input: ParseStream) {
    loop {
        let ahead = input.fork();
        let Ok(name) = ahead.call(Ident::parse_any) else {
            return;
        };
        let prefix = PREFIXES.iter().any(|p| name == p);
        if !prefix
            || !ahead.peek(Token![.])
            || ahead.peek(Token![..])
            || !ahead.peek2(Ident::peek_any)
        {
            return;
        }
        let _ = input.call(Ident::parse_any);
        let _ = input.parse::<Token![.]>();
    }
}

fn atom(input: ParseStream) -> syn::Result<Expr> {
    skip_prefix(input);
    let span = input.span();
    if input.peek(Token![|]) && !input.peek(Token![||]) {
        let closure = Box::new(closure(input)?);
        return Ok(Expr {
            kind: ExprKind::Closure(closure),
            span,
        });
    }
    if input.peek(Token![if]) {
        let (choice, span) = super::statements::if_block(input)?;
        let kind = ExprKind::If(Box::new(choice));
        return Ok(Expr { kind, span });
    }
    let ok = |kind| Ok(Expr { kind, span });
    if input.peek(Lit) {
        return match input.parse::<Lit>()? {
            Lit::Int(n) if n.suffix().is_empty() => {
                let whole = n.base10_parse::<i128>().map_err(|_| {
                    let text = format!(
                        "`{n}` is outside the 64-bit integers\nhelp: for a float, write `{n}.0`"
                    );
                    syn::Error::new(span, text)
                })?;
                ok(ExprKind::Whole(whole))
            }
            Lit::Float(n) if n.suffix().is_empty() => {
                ok(ExprKind::Number(n.base10_parse::<f64>()?))
            }
            Lit::Int(n) => Err(syn::Error::new(
                span,
                format!(
                    "a number takes no suffix here: write `{}`",
                    n.base10_digits()
                ),
            )),
            Lit::Float(n) => Err(syn::Error::new(
                span,
                format!(
                    "a number takes no suffix here: write `{}`",
                    n.base10_digits()
                ),
            )),
            Lit::Str(s) => ok(ExprKind::Str(s.value())),
            Lit::Bool(b) => ok(ExprKind::Bool(b.value)),
            _ => Err(syn::Error::new(
                span,
                "expected a number, a string, or `true` or `false`",
            )),
        };
    }
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        let items = content.parse_terminated(ranged, Token![,])?;
        let single = items.len() == 1 && !items.trailing_punct();
        let mut items: Vec<Expr> = items.into_iter().collect();
        return match (single, items.pop()) {
            (true, Some(x)) => Ok(x),
            (_, last) => {
                items.extend(last);
                ok(ExprKind::Tuple(items))
            }
        };
    }
    if input.peek(token::Bracket) {
        let content;
        bracketed!(content in input);
        let items = content.parse_terminated(expr, Token![,])?;
        return ok(ExprKind::List(items.into_iter().collect()));
    }
    if input.peek(syn::Ident::peek_any) {
        let name = input.call(Ident::parse_any)?;
        if name == "self" && input.peek(Token![.]) {
            return Err(syn::Error::new(
                span,
                "layers are in scope by their names: remove `self.`",
            ));
        }
        if input.peek(Token![::]) {
            let ahead = input.fork();
            let mut last = name.clone();
            while ahead.peek(Token![::]) {
                ahead.parse::<Token![::]>()?;
                last = ahead.call(Ident::parse_any)?;
            }
            let text = format!("a path is not allowed here: write only the name, `{last}`");
            return Err(input.error(text));
        }
        if input.peek(Token![!]) && !input.peek(Token![!=]) {
            let text = format!("the macro `{name}!` is not allowed in a network's function");
            return Err(input.error(text));
        }
        if input.peek(token::Paren) {
            let args = args(input)?;
            return ok(ExprKind::Call(unraw(&name), args));
        }
        return ok(match name.to_string().as_str() {
            // Python's spelling.
            "True" => ExprKind::Bool(true),
            "False" => ExprKind::Bool(false),
            _ => ExprKind::Name(name),
        });
    }
    Err(match input.is_empty() {
        true => syn::Error::new(
            input.span(),
            "expected a value here, such as a name, a number or a call",
        ),
        false => input.error("expected a value, such as a name, a number or a call"),
    })
}
