//! Expressions in declarations: numbers, sizes, Rust constants, arithmetic on them.

use super::arithmetic::{arithmetic, is_of_numbers, is_quotient, of_numbers, power};
use super::booleans::is_true;
use super::collect::is_float;
use super::condition;
use super::types::quotient;
use crate::args::Given;
use crate::ast::{self, Expr, ExprKind};
use crate::cx::Cx;
use crate::diag::{ErrorReported, Reported, did_you_mean};
use crate::dim::{Atom, Dim, Operator};
use crate::layers;
use crate::net::Net;
use crate::real::Real;
use crate::value::{Made, Value};
use proc_macro2::{Ident, Span};
use std::f64::consts::E;
use std::rc::Rc;
/// An element of a Rust constant that is an array.
pub fn element_of(net: &Net, cx: &Cx, array: &Ident, index: &Value, span: Span) -> Reported<Value> {
    match index {
        Value::Whole(k) if u64::try_from(*k).is_ok() => Ok(Value::of_dim(
            net.element(&array.to_string(), &k.to_string()),
        )),
        Value::Dim(d) if let Some(index) = one_constant(d) => {
            Ok(Value::of_dim(net.element(&array.to_string(), &index)))
        }
        _ => {
            let text = format!(
                "the index of the Rust constant `{array}` must be a number of at least 0 that the macro knows, not {}\nnote: a number, or the variable of a loop over a range such as `0..3`, or `i` in an array of layers",
                index.shown()
            );
            Err(cx.error(span, text))
        }
    }
}

/// A size that is a constant, or one plus or minus a number: `STAGES`, `STAGES-1`.
fn one_constant(d: &Dim) -> Option<String> {
    let (mut name, mut more) = (None, 0);
    for (c, monomial) in d.terms() {
        match monomial {
            [] => more = c,
            [(Atom::Const(n), 1)] if c == 1 && name.is_none() && !n.contains('[') => name = Some(n),
            _ => return None,
        }
    }
    let name = name?;
    Some(match more {
        0 => name.clone(),
        more => format!("{name}{more:+}"),
    })
}

/// The value of an expression in a declaration: numbers, constants, arithmetic.
pub(super) fn constant(net: &Net, cx: &mut Cx, e: &Expr) -> Reported<Value> {
    Ok(match &e.kind {
        ExprKind::Whole(v) => Value::Whole(*v),
        ExprKind::Number(v) => Value::Number(*v),
        ExprKind::Str(s) => Value::Str(s.clone()),
        ExprKind::Bool(b) => Value::Bool(*b),
        ExprKind::Name(n) if n == "None" => Value::Null,
        ExprKind::Name(n) => {
            let name = n.to_string();
            let Some(value) = net.constant(&name) else {
                if net.is_array(&name) {
                    return Err(is_array(cx, n));
                }
                let text = format!(
                    "`{name}` is not a number or a constant\nhelp: the name of a Rust constant is in capitals: `{}`",
                    name.to_uppercase()
                );
                return Err(cx.error(e.span, text));
            };
            match net.is_boolean(&name) {
                true => Value::Bool(is_true(net, cx, n, &value)?),
                false => value,
            }
        }
        ExprKind::Arrow(a, b) => {
            let sides = (side(net, cx, a), side(net, cx, b));
            Value::Arrow(Box::new(sides.0?), Box::new(sides.1?))
        }
        ExprKind::List(items) | ExprKind::Tuple(items) => Value::List(
            items
                .iter()
                .map(|i| constant(net, cx, i))
                .collect::<Reported<_>>()?,
        ),
        ExprKind::Call(name, args) if name.to_string().starts_with(char::is_uppercase) => {
            return made(net, cx, e, name, args);
        }
        ExprKind::If(choice) => {
            let chosen = chosen(net, cx, e, choice)?;
            return constant(net, cx, chosen);
        }
        ExprKind::Binary(op, a, b) => {
            let (x, y) = (constant(net, cx, a)?, constant(net, cx, b)?);
            return arithmetic(cx, net, e.span, *op, (a, &x), (b, &y));
        }
        ExprKind::Call(name, args) if name == "pow" && args.len() == 2 => {
            let exponent = number(net, cx, &args[1].value)?;
            let base = match exponent {
                Value::Whole(0..) => constant(net, cx, &args[0].value)?,
                _ => number(net, cx, &args[0].value)?,
            };
            return power(cx, e.span, &base, &exponent);
        }
        ExprKind::Call(name, args) if args.len() == 1 && FUNCTIONS.iter().any(|f| name == f) => {
            let Some(x) = number(net, cx, &args[0].value)?.real() else {
                let text = format!("`{name}` in a declaration takes a number");
                return Err(cx.error(e.span, text));
            };
            Value::of_real(match name.to_string().as_str() {
                "sqrt" => x.sqrt(),
                "exp" => Real::Known(E).with(Operator::Pow, &x),
                _ => x.ln(),
            })
        }
        ExprKind::Index(x, items) => match (&x.kind, items.as_slice()) {
            (ExprKind::Name(n), [ast::Item::At(at)]) if net.is_array(&n.to_string()) => {
                let index = constant(net, cx, at)?;
                return element_of(net, cx, n, &index, at.span);
            }
            (_, [ast::Item::At(at)]) => {
                let (list, index) = (constant(net, cx, x)?, constant(net, cx, at)?);
                return listed(cx, (x, &list), &index, at.span);
            }
            _ => return Err(not_allowed(cx, e)),
        },
        ExprKind::Method(x, name, args) if name == "len" && args.is_empty() => {
            match constant(net, cx, x)? {
                Value::List(items) => Value::Whole(items.len() as i128),
                _ => return Err(not_allowed(cx, e)),
            }
        }
        ExprKind::Call(name, args) if name == "len" && args.len() == 1 => {
            match constant(net, cx, &args[0].value)? {
                Value::List(items) => Value::Whole(items.len() as i128),
                _ => return Err(not_allowed(cx, e)),
            }
        }
        ExprKind::Call(name, args)
            if is_of_numbers(&name.to_string(), args.len())
                && !(name == "floor" && is_quotient(&args[0].value)) =>
        {
            let values = args.iter().map(|a| number(net, cx, &a.value));
            let values: Vec<Value> = values.collect::<Reported<_>>()?;
            let values: Vec<&Value> = values.iter().collect();
            let value = of_numbers(&name.to_string(), &values);
            return value.ok_or_else(|| {
                let shown: Vec<String> = values.iter().map(|v| v.shown()).collect();
                let text = format!(
                    "`{name}` in a declaration takes numbers that the macro knows, not {}",
                    shown.join(" and ")
                );
                cx.error(e.span, text)
            });
        }
        // `x.sqrt()` is `sqrt(x)`.
        ExprKind::Method(x, name, args) if name == "pow" || FUNCTIONS.iter().any(|f| name == f) => {
            let first = ast::Arg {
                name: None,
                value: (**x).clone(),
            };
            let args = std::iter::once(first).chain(args.iter().cloned());
            let kind = ExprKind::Call(name.clone(), args.collect());
            return constant(net, cx, &Expr { kind, span: e.span });
        }
        ExprKind::Call(name, args) if name == "floor" => {
            let (a, b) = quotient(cx, e.span, args)?;
            let (x, y) = (constant(net, cx, a)?, constant(net, cx, b)?);
            match (x.as_dim(), y.as_dim()) {
                (Some(x), Some(y)) => Value::of_dim(x.div_floor(&y)),
                _ => {
                    return Err(cx.error(
                        e.span,
                        "`floor` in a declaration takes a quotient of integers",
                    ));
                }
            }
        }
        ExprKind::Neg(a) => {
            let x = constant(net, cx, a)?;
            return arithmetic(
                cx,
                net,
                e.span,
                ast::Op::Sub,
                (a, &Value::Whole(0)),
                (a, &x),
            );
        }
        _ => return Err(not_allowed(cx, e)),
    })
}

/// Functions of numbers in declarations.
const FUNCTIONS: &[&str] = &["sqrt", "exp", "log"];

/// An element of a list or tuple.
fn listed(cx: &Cx, (e, list): (&Expr, &Value), index: &Value, span: Span) -> Reported<Value> {
    let Value::List(items) = list else {
        let text = format!("`{e}` has no elements: it is {}", list.shown());
        return Err(cx.error(e.span, text));
    };
    let Value::Whole(k) = index else {
        let text = format!(
            "an index must be a number that the macro knows, not {}",
            index.shown()
        );
        return Err(cx.error(span, text));
    };
    let count = items.len() as i128;
    let at = if *k < 0 { count + k } else { *k };
    match usize::try_from(at).ok().and_then(|at| items.get(at)) {
        Some(item) => Ok(item.clone()),
        None => {
            let text = format!(
                "index {k} is out of range: `{e}` has {}",
                crate::args::count(items.len(), "element")
            );
            Err(cx.error(span, text))
        }
    }
}

/// Reports the use of a whole array.
pub fn is_array(cx: &Cx, array: &Ident) -> ErrorReported {
    let text = format!(
        "the Rust constant `{array}` is an array, since this network indexes it\nhelp: index it here, too: `{array}[0]`\nhelp: `[{array}[0], {array}[1]]` is a list of its elements"
    );
    cx.error(array.span(), text)
}

fn not_allowed(cx: &Cx, e: &Expr) -> ErrorReported {
    let text = format!(
        "`{e}` is not allowed in a declaration\nnote: a declaration takes numbers, strings, `true`, `false`, Rust constants, const parameters and arithmetic with them"
    );
    cx.error(e.span, text)
}

/// The value of an expression where a number is wanted, which may be a fraction: `/` is the quotient of numbers.
pub(super) fn number(net: &Net, cx: &mut Cx, e: &Expr) -> Reported<Value> {
    let (op, left, right) = match &e.kind {
        ExprKind::Binary(op, a, b) => (*op, &**a, &**b),
        ExprKind::Neg(a) => {
            let x = number(net, cx, a)?;
            let zero = Value::Whole(0);
            return arithmetic(cx, net, e.span, ast::Op::Sub, (a, &zero), (a, &x));
        }
        ExprKind::Call(name, args) if name == "pow" && args.len() == 2 => {
            let base = number(net, cx, &args[0].value)?;
            let exponent = number(net, cx, &args[1].value)?;
            return power(cx, e.span, &base, &exponent);
        }
        ExprKind::If(choice) => {
            let chosen = chosen(net, cx, e, choice)?;
            return number(net, cx, chosen);
        }
        _ => return constant(net, cx, e),
    };
    let (x, y) = (number(net, cx, left)?, number(net, cx, right)?);
    let whole = matches!((&x, &y), (Value::Whole(a), Value::Whole(b)) if *b != 0 && a % b == 0);
    match (op, x.real(), y.real()) {
        (ast::Op::Div, Some(a), Some(b)) if !whole && !b.is(0.0) => {
            Ok(Value::of_real(a.with(Operator::Div, &b)))
        }
        _ => arithmetic(cx, net, e.span, op, (left, &x), (right, &y)),
    }
}

/// The value of an `if` whose condition the macro can decide.
fn chosen<'e>(net: &Net, cx: &mut Cx, e: &Expr, choice: &'e ast::If) -> Reported<&'e Expr> {
    if choice.otherwise.is_none() {
        let text = "an `if` in a declaration needs an `else` branch\nhelp: for example, `if i == 0 { 8 } else { 16 }`";
        return Err(cx.error(e.span, text));
    }
    let block = match condition::holds(net, cx, &choice.condition, None)? {
        true => Some(&choice.then),
        false => choice.otherwise.as_ref(),
    };
    let value = block.filter(|b| b.stmts.is_empty());
    value.and_then(|b| b.tail.as_ref()).ok_or_else(|| {
        let text =
            "each branch of an `if` in a declaration must be one expression\nhelp: for example, `if i == 0 { 8 } else { 16 }`";
        cx.error(e.span, text)
    })
}

/// One size of `in -> out`.
fn side(net: &Net, cx: &mut Cx, e: &Expr) -> Reported<Value> {
    let value = constant(net, cx, e)?;
    let mistake = match &value {
        Value::Number(v) => format!("a size must be an integer, not {v}"),
        Value::Whole(v @ ..=0) => format!("a size must be at least 1, not {v}"),
        _ => return Ok(value),
    };
    Err(cx.error(e.span, mistake))
}

/// A layer inside another layer's declaration.
fn made(net: &Net, cx: &mut Cx, e: &Expr, name: &Ident, args: &[ast::Arg]) -> Reported<Value> {
    let text = name.to_string();
    let given = given(net, cx, args, &|a| is_float(&text, args, a))?;
    let Some(declared) = layers::declare(cx, &text, name.span(), given) else {
        let hint = did_you_mean(&text, layers::names());
        return Err(cx.error(name.span(), format!("there is no layer `{text}`{hint}")));
    };
    let layer: Rc<dyn layers::Layer> = Rc::from(declared?);
    Ok(Value::Made(Made {
        layer,
        text: e.to_string(),
    }))
}

/// A function as an argument: `activation = gelu`, the same as `activation = "gelu"`.
fn function(a: &ast::Arg) -> Option<Value> {
    let takes = ["activation", "nonlinearity"];
    match (&a.name, &a.value.kind) {
        (Some(name), ExprKind::Name(n)) if takes.iter().any(|t| name == t) => {
            Some(Value::Str(n.to_string()))
        }
        _ => None,
    }
}

/// The value of an argument as it is meant.
pub fn argument(a: &ast::Arg) -> Expr {
    match a.name.as_ref().is_some_and(|n| n == "padding") {
        true => rounded_down(&a.value),
        false => a.value.clone(),
    }
}

/// `padding = K / 2` is half of a kernel, rounded down, as `K // 2` is in Python.
fn rounded_down(e: &Expr) -> Expr {
    let kind = match &e.kind {
        ExprKind::Binary(ast::Op::Div, _, _) => {
            let value = e.clone();
            let args = vec![ast::Arg { name: None, value }];
            ExprKind::Call(Ident::new("floor", e.span), args)
        }
        ExprKind::Binary(op, a, b) => {
            ExprKind::Binary(*op, Box::new(rounded_down(a)), Box::new(rounded_down(b)))
        }
        ExprKind::List(items) => ExprKind::List(items.iter().map(rounded_down).collect()),
        ExprKind::Tuple(items) => ExprKind::Tuple(items.iter().map(rounded_down).collect()),
        _ => return e.clone(),
    };
    Expr { kind, span: e.span }
}

/// Arguments of a declaration. `float` says which of them are numbers that may be fractions.
pub(super) fn given(
    net: &Net,
    cx: &mut Cx,
    args: &[ast::Arg],
    float: &dyn Fn(&ast::Arg) -> bool,
) -> Reported<Vec<Given>> {
    let mut out = Vec::new();
    let mut reported = None;
    for a in args {
        let value = |cx: &mut Cx| match float(a) {
            true => number(net, cx, &a.value),
            false => constant(net, cx, &argument(a)),
        };
        match function(a).map_or_else(|| value(cx), Ok) {
            Ok(value) => out.push(Given {
                name: a.name.clone(),
                value,
                span: a.value.span,
                text: a.value.to_string(),
            }),
            Err(p) => reported = Some(p),
        }
    }
    reported.map_or(Ok(out), Err)
}
