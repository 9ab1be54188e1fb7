//! Expressions in declarations: numbers, sizes, Rust constants, arithmetic on them.

use super::booleans::{booleans, is_true};
use super::mentioned::mentioned;
use super::types::quotient;
use super::unique;
use crate::args::Given;
use crate::ast::{self, Expr, ExprKind};
use crate::cx::{Cx, WHOLE};
use crate::diag::{Diag, ErrorReported, Reported, did_you_mean};
use crate::dim::{Atom, Dim, Operator};
use crate::layers;
use crate::net::Net;
use crate::real::Real;
use crate::unit::Unit;
use crate::value::{Made, Value, nearest};
use proc_macro2::{Ident, Span};
use std::f64::consts::E;
use std::rc::Rc;

/// The constants that `use const` lists, the capitalised names in declarations, and the names that functions mention. A
/// constant is a float if it is listed so, or if it only stands where a layer takes a float.
pub(super) fn collect_consts(unit: &Unit, net: &mut Net, diag: &Diag) {
    let source = &unit.source;
    unique(diag, "constant", source.consts.iter().map(|c| &c.name));
    for c in &source.consts {
        if let Some(g) = net.generics.iter().find(|g| g.name == c.name) {
            let text = format!("`{}` is already a parameter of `{}`", g.name, source.name);
            diag.error(c.name.span(), text);
        } else {
            net.consts.push(c.clone());
        }
    }
    let (mut sizes, mut floats) = (Vec::new(), Vec::new());
    let defaults = source.generics.iter().filter_map(|p| p.default.as_ref());
    defaults
        .chain(&source.conditions)
        .chain(source.fields.iter().filter_map(|f| f.when.as_ref()))
        .for_each(|e| names(e, &mut sizes));
    (source.generics.iter())
        .filter(|p| p.ty == ast::ConstType::Float)
        .filter_map(|p| p.default.as_ref())
        .for_each(|e| names(e, &mut floats));
    for field in &source.fields {
        floats_of_kind(unit, &field.kind, &mut floats);
        of_kind(&field.kind, &mut |e| rounded(e, &mut floats));
        names_of_kind(&field.kind, &mut sizes);
    }
    // An argument may be a float for two reasons.
    each_once(&mut sizes);
    each_once(&mut floats);
    for name in &sizes {
        let uses = |of: &[Ident]| of.iter().filter(|n| *n == name).count();
        let text = name.to_string();
        if text.starts_with(char::is_uppercase)
            && text != "None"
            && !net.generics.iter().any(|g| g.name == text)
            && !net.consts.iter().any(|c| c.name == text)
        {
            net.consts.push(ast::RustConst {
                name: name.clone(),
                ty: match uses(&sizes) == uses(&floats) {
                    true => ast::ConstType::Float,
                    false => ast::ConstType::Size,
                },
                open: false,
                found: false,
                array: false,
            });
        }
    }
    for (name, array) in mentioned(source) {
        if net.generics.iter().any(|g| g.name == name) {
            continue;
        }
        match net.consts.iter_mut().find(|c| c.name == name) {
            Some(known) => known.array |= array,
            None => net.consts.push(ast::RustConst {
                name,
                ty: ast::ConstType::Size,
                open: true,
                found: false,
                array,
            }),
        }
    }
    let booleans = booleans(unit);
    let listed = |c: &ast::RustConst| source.consts.iter().any(|l| l.name == c.name);
    for c in net.consts.iter_mut().filter(|c| !listed(c)) {
        if booleans.iter().any(|b| c.name == b) {
            c.ty = ast::ConstType::Bool;
        }
    }
}

/// Drops further copies of a token.
fn each_once(names: &mut Vec<Ident>) {
    let mut seen: Vec<String> = Vec::new();
    names.retain(|name| {
        let token = format!("{name} {:?}", name.span());
        let new = !seen.contains(&token);
        seen.push(token);
        new
    });
}

/// The names in numbers that are rounded: `RATE` in `int(RATE * D)`.
fn rounded(e: &Expr, out: &mut Vec<Ident>) {
    crate::visit::expr(e, &mut |e| match &e.kind {
        ExprKind::Call(name, args) if rounds(&name.to_string()) => {
            let numbers = args
                .iter()
                .filter(|a| name != "floor" || !is_quotient(&a.value));
            numbers.for_each(|a| names(&a.value, out));
        }
        _ => {}
    });
}

/// The names in arguments for which a layer takes a float.
fn floats_of_kind(unit: &Unit, kind: &ast::FieldKind, out: &mut Vec<Ident>) {
    match kind {
        ast::FieldKind::Layer { layer, args } => {
            for a in args {
                let float = is_float(&layer.to_string(), args, a);
                let init = (a.name.as_ref()).is_some_and(|n| n == "init" || n == "bias_init");
                if init || float {
                    names(&a.value, out);
                }
                if let ExprKind::Call(layer, args) = &a.value.kind {
                    let (layer, args) = (layer.clone(), args.clone());
                    floats_of_kind(unit, &ast::FieldKind::Layer { layer, args }, out);
                }
            }
        }
        ast::FieldKind::Param { init, .. } | ast::FieldKind::Buffer { init, .. } => {
            init.iter().for_each(|e| names(e, out));
        }
        ast::FieldKind::Array { element, .. } => floats_of_kind(unit, element, out),
        ast::FieldKind::Group { items, .. } => {
            items
                .iter()
                .for_each(|i| floats_of_kind(unit, &i.kind, out));
        }
        ast::FieldKind::Block { path, args } => {
            let Some(inner) = unit.of(path) else { return };
            let taken = inner.source.generics.iter().zip(args);
            taken
                .filter(|(p, _)| p.ty == ast::ConstType::Float)
                .for_each(|(_, e)| names(e, out));
        }
        _ => {}
    }
}

/// Whether a layer takes a float for one of its arguments.
pub(super) fn is_float(layer: &str, args: &[ast::Arg], a: &ast::Arg) -> bool {
    let mut positional = args.iter().filter(|a| a.name.is_none());
    match &a.name {
        Some(name) => layers::takes_float(layer, |_, n| name == n),
        None => match positional.position(|p| std::ptr::eq(p, a)) {
            Some(position) => layers::takes_float(layer, |i, _| i == position),
            None => false,
        },
    }
}

pub(super) fn names_of_kind(kind: &ast::FieldKind, out: &mut Vec<Ident>) {
    of_kind(kind, &mut |e| names(e, out));
}

/// The expressions in a declaration.
pub(super) fn of_kind(kind: &ast::FieldKind, f: &mut dyn FnMut(&Expr)) {
    match kind {
        ast::FieldKind::Layer { args, .. } => args.iter().for_each(|a| f(&a.value)),
        ast::FieldKind::Param { shape, init } | ast::FieldKind::Buffer { shape, init, .. } => {
            shape.iter().chain(init).for_each(f);
        }
        ast::FieldKind::Block { args, .. } => args.iter().for_each(f),
        ast::FieldKind::Array { element, count } => {
            of_kind(element, f);
            f(count);
        }
        ast::FieldKind::Group { items, .. } => {
            items.iter().for_each(|i| of_kind(&i.kind, f));
        }
        ast::FieldKind::ErrorReported => {}
    }
}

pub(super) fn names(e: &Expr, out: &mut Vec<Ident>) {
    match &e.kind {
        ExprKind::Name(n) => out.push(n.clone()),
        ExprKind::Arrow(a, b) | ExprKind::Binary(_, a, b) => {
            names(a, out);
            names(b, out);
        }
        ExprKind::Neg(a) | ExprKind::Not(a) => names(a, out),
        ExprKind::Call(_, args) => args.iter().for_each(|a| names(&a.value, out)),
        ExprKind::Method(x, _, args) => {
            names(x, out);
            args.iter().for_each(|a| names(&a.value, out));
        }
        ExprKind::Tuple(items) | ExprKind::List(items) => items.iter().for_each(|e| names(e, out)),
        // `RATES[i]`: the name before the index is not a number.
        ExprKind::Index(x, items) => {
            if !matches!(x.kind, ExprKind::Name(_)) {
                names(x, out);
            }
            items.iter().for_each(|item| {
                if let ast::Item::At(e) = item {
                    names(e, out);
                }
            });
        }
        _ => {}
    }
}

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

/// Functions from numbers to integers. `int` rounds towards zero, and `round` to the nearest even integer, as in Python.
const ROUNDINGS: &[&str] = &["floor", "ceil", "round", "int", "trunc"];

/// Whether `floor` of it is a quotient of sizes, rounded down.
fn is_quotient(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Binary(ast::Op::Div, ..))
}

/// Whether a function makes an integer of a number.
pub fn rounds(name: &str) -> bool {
    ROUNDINGS.contains(&name)
}

/// Whether a function makes a number of so many numbers.
fn is_of_numbers(name: &str, count: usize) -> bool {
    match count {
        1 => rounds(name),
        2 => name == "max" || name == "min",
        _ => false,
    }
}

/// The integer nearest to a number, or the larger or smaller of two numbers; `None` of other values.
pub fn of_numbers(name: &str, values: &[&Value]) -> Option<Value> {
    if !is_of_numbers(name, values.len()) {
        return None;
    }
    let [x, y] = values else {
        let v = match values.first()? {
            Value::Number(v) => *v,
            whole @ (Value::Whole(_) | Value::Dim(_)) => return Some((*whole).clone()),
            _ => return None,
        };
        let v = match name {
            "floor" => v.floor(),
            "ceil" => v.ceil(),
            "round" => v.round_ties_even(),
            _ => v.trunc(),
        };
        #[allow(clippy::cast_possible_truncation)]
        return (v.abs() < 2.0_f64.powi(63)).then(|| Value::Whole(v as i128));
    };
    let first = match (x.number(), y.number()) {
        _ if let (Value::Whole(a), Value::Whole(b)) = (x, y) => a >= b,
        (Some(a), Some(b)) => a >= b,
        // Of two sizes with a known difference, one is larger whatever their values are.
        _ => x.as_dim()?.sub(&y.as_dim()?).value()? >= 0,
    };
    Some(if first == (name == "max") {
        (*x).clone()
    } else {
        (*y).clone()
    })
}

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

/// A power: a size, if it is one of a size and the exponent is whole.
fn power(cx: &Cx, span: Span, base: &Value, exponent: &Value) -> Reported<Value> {
    if let (Some(base), Value::Whole(n @ 0..=64)) = (base.as_dim(), exponent) {
        let power = base.power(nearest(*n));
        // One that does not fit is a float.
        if (power.terms()).all(|(c, _)| c.unsigned_abs() < i64::MAX.unsigned_abs()) {
            return Ok(Value::of_dim(power));
        }
    }
    let (Some(base), Some(exponent)) = (base.real(), exponent.real()) else {
        let text = "a power in a declaration takes numbers: `2 ** 3`, `D ** -0.5`";
        return Err(cx.error(span, text));
    };
    Ok(Value::of_real(base.with(Operator::Pow, &exponent)))
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

/// How a quotient becomes an integer. In a field's network, the sizes that the field gives decide.
fn mended(net: &Net, left: &Expr, right: &Expr) -> String {
    let mut sizes = Vec::new();
    names(left, &mut sizes);
    names(right, &mut sizes);
    let given = |name: &Ident| net.generics.iter().any(|g| g.name == *name);
    if net.prefix.is_empty() || sizes.is_empty() || !sizes.iter().all(given) {
        return format!("to round down, write `floor({})`", quotient_of(left, right));
    }
    let level = ast::Op::Rem.level();
    let condition = format!("{} % {} == 0", left.above(level), right.above(level + 1));
    let size = match (&left.kind, &right.kind) {
        (ExprKind::Name(_), ExprKind::Whole(2)) => "an even size".to_owned(),
        (ExprKind::Name(_), ExprKind::Whole(n)) => format!("a multiple of {n}"),
        _ => format!("sizes with `{condition}`"),
    };
    format!("use {size}, or add `where {condition}` to `{}`", net.name)
}

/// A quotient as it is written.
fn quotient_of(left: &Expr, right: &Expr) -> String {
    let level = ast::Op::Div.level();
    format!("{} / {}", left.above(level), right.above(level + 1))
}

/// Arithmetic on sizes and numbers.
///
/// Each operand is given as it is written and as its value.
pub fn arithmetic(
    cx: &mut Cx,
    net: &Net,
    span: Span,
    op: ast::Op,
    (left, x): (&Expr, &Value),
    (right, y): (&Expr, &Value),
) -> Reported<Value> {
    if let (Value::Whole(a), Value::Whole(b)) = (x, y)
        && let Some(all) = whole(op, *a, *b)
    {
        return all.map(Value::Whole).ok_or_else(|| {
            let text = format!("`{a} {} {b}` is outside the 64-bit integers", op.symbol());
            cx.error(span, text)
        });
    }
    if let (Some(a), Some(b)) = (x.number(), y.number())
        && let Some(holds) = compared(op, a, b)
    {
        let text = format!(
            "`{} {} {}` is always {holds}: write `{holds}`",
            x.shown(),
            op.symbol(),
            y.shown()
        );
        return Err(cx.error(span, text));
    }
    if let (Some(a), Some(b)) = (x.as_dim(), y.as_dim()) {
        if op == ast::Op::Div
            && let (Some(p), Some(q)) = (a.value(), b.value())
            && (q == 0 || p % q != 0)
        {
            let (written, values) = (quotient_of(left, right), format!("{p} / {q}"));
            let value = match written == values {
                true => String::new(),
                false => format!(": {values}"),
            };
            let text = match q {
                0 => format!("the size `{written}` divides by 0{value}"),
                _ => format!(
                    "the size `{written}` is not an integer{value}\nhelp: {}",
                    mended(net, left, right)
                ),
            };
            return Err(cx.error(span, text));
        }
        let d = match op {
            ast::Op::Add => a.add(&b),
            ast::Op::Sub => a.sub(&b),
            ast::Op::Mul => a.mul(&b),
            ast::Op::Div if net.is_open(&a) || net.is_open(&b) => {
                cx.open_quotient(&a, &b, span, WHOLE)
            }
            ast::Op::Div => cx.divides(&a, &b, span, WHOLE)?,
            ast::Op::Rem if b.value() == Some(0) => {
                let text = format!("`{} % {}` divides by 0", left, right);
                return Err(cx.error(span, text));
            }
            ast::Op::Rem => a.sub(&a.div_floor(&b).mul(&b)),
            _ => {
                let text = format!("`{}` between sizes is allowed only in `where`", op.symbol());
                return Err(cx.error(span, text));
            }
        };
        return Ok(Value::of_dim(d));
    }
    if let (Some(a), Some(b)) = (x.real(), y.real()) {
        let v = match op {
            ast::Op::Add => a.with(Operator::Add, &b),
            ast::Op::Sub => a.with(Operator::Sub, &b),
            ast::Op::Mul => a.with(Operator::Mul, &b),
            ast::Op::Div => a.with(Operator::Div, &b),
            _ => {
                let text = format!("`{}` is not allowed between numbers here", op.symbol());
                return Err(cx.error(span, text));
            }
        };
        return Ok(Value::of_real(v));
    }
    let text = format!(
        "`{}` takes numbers and sizes, not {} and {}",
        op.symbol(),
        x.shown(),
        y.shown()
    );
    Err(cx.error(span, text))
}

/// The outcome of a comparison of two numbers; `None` for another operator.
fn compared(op: ast::Op, a: f64, b: f64) -> Option<bool> {
    Some(match op {
        ast::Op::Eq => a == b,
        ast::Op::Ne => a != b,
        ast::Op::Lt => a < b,
        ast::Op::Le => a <= b,
        ast::Op::Gt => a > b,
        ast::Op::Ge => a >= b,
        _ => return None,
    })
}

/// A sum, difference, product, exact quotient or remainder of whole numbers; `Some(None)` on overflow, `None` for another
/// operator.
fn whole(op: ast::Op, a: i128, b: i128) -> Option<Option<i128>> {
    match op {
        ast::Op::Add => Some(a.checked_add(b)),
        ast::Op::Sub => Some(a.checked_sub(b)),
        ast::Op::Mul => Some(a.checked_mul(b)),
        ast::Op::Div if b != 0 && a.checked_rem(b) == Some(0) => Some(a.checked_div(b)),
        ast::Op::Rem if b > 0 => Some(a.checked_rem_euclid(b)),
        _ => None,
    }
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
