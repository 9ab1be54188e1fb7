//! Signatures: arguments, results and named dimensions of functions.

use super::conditions::condition;
use super::types::{bare, resolve};
use super::unique;
use crate::ast;
use crate::cx::Cx;
use crate::diag::Diag;
use crate::dim::{Dim, Shape};
use crate::elem::Elem;
use crate::lower::show_type;
use crate::net::{Arg, Custom, Net, Remainder, Signature};
use proc_macro2::Span;

pub(super) fn signature(net: &Net, f: &ast::Function, diag: &Diag) -> Signature {
    let mut out = Signature {
        name: f.name.clone(),
        attrs: f.attrs.clone(),
        dims: Vec::new(),
        solved: Vec::new(),
        divided: Vec::new(),
        args: Vec::new(),
        ret: Vec::new(),
        tuple: f.tuple,
        draw: f.draw.is_some(),
        eval: f.eval,
        train: f.train.is_some(),
        budget: f.budget.clone(),
        poisoned: false,
        require: Vec::new(),
    };
    unique(diag, "argument", f.args.iter().map(|a| &a.name));
    let mut cx = Cx::new(diag, false);
    for a in &f.args {
        match resolve(net, &mut cx, &a.ty, None) {
            Ok(ty) => {
                // A dimension that is only a name is introduced by its argument.
                for d in &ty.shape {
                    if let Some(name) = bare(d)
                        && !out.dims.contains(&name)
                    {
                        out.dims.push(name);
                    }
                }
                if let (Some(span), true) = (a.grad, ty.elem != Elem::Float) {
                    let text = format!(
                        "`{}` holds {}, which have no gradient",
                        a.name,
                        if ty.elem == Elem::Bool {
                            "booleans"
                        } else {
                            "integers"
                        }
                    );
                    diag.error(span, text);
                    out.poisoned = true;
                }
                if ty.shape.len() > 6 {
                    let text = format!(
                        "`{}` has {} dimensions, but an argument can have at most 6",
                        a.name,
                        ty.shape.len()
                    );
                    diag.error(a.ty.span, text);
                    out.poisoned = true;
                }
                if let (Some(_), Some(span)) = (a.grad, a.state) {
                    let text = format!(
                        "`{}` cannot be both `#[state]` and `#[grad]`\nnote: gradients do not flow from call to call\nhelp: remove `#[grad]`",
                        a.name
                    );
                    diag.error(span, text);
                    out.poisoned = true;
                }
                out.args.push(Arg {
                    name: a.name.clone(),
                    ty,
                    grad: a.grad.is_some(),
                    state: a.state.is_some(),
                });
            }
            Err(_) => out.poisoned = true,
        }
    }
    solve(&mut out);
    if out.dims.len() > 8 {
        let text = format!(
            "`{}` has {} named dimensions, but a function can have at most 8",
            f.name,
            out.dims.len()
        );
        diag.error(f.name.span(), text);
        out.poisoned = true;
    }
    if !out.poisoned {
        for (a, arg) in f.args.iter().zip(&out.args) {
            for name in arg.ty.shape.iter().flat_map(Dim::names) {
                if !out.dims.contains(&name) {
                    let text = format!(
                        "no dimension of an argument determines the size `{name}`\nhelp: one argument needs a dimension such as `{name}`, `4 * {name}` or `{name} + 1`"
                    );
                    diag.error(a.ty.span, text);
                    out.poisoned = true;
                }
            }
        }
    }
    if let (Some(budget), Some(name), false) = (&f.budget, out.dims.first(), out.poisoned) {
        let lower = name.to_lowercase();
        let text = format!(
            "the memory of `{0}` depends on `{name}`, which is known only at the call\nhelp: write a number instead of `{name}`\nhelp: `{1}::{0}_memory({lower})` returns the bytes for a given `{name}`",
            f.name, net.name
        );
        diag.error(budget.span, text);
    }
    let shapes: Vec<Shape> = out.args.iter().map(|a| a.ty.shape.clone()).collect();
    for d in shapes.iter().flatten() {
        // A difference of sizes must not be negative.
        if d.terms().any(|(c, _)| c < 0) {
            let _ = cx.at_least(
                d,
                &Dim::from(0),
                f.name.span(),
                "a size must not be negative",
            );
        }
    }
    for r in &f.ret {
        let known = if out.poisoned {
            None
        } else {
            Some(out.dims.as_slice())
        };
        match resolve(net, &mut cx, r, known) {
            Ok(ty) => out.ret.push(ty),
            Err(_) => out.poisoned = true,
        }
    }
    if let (Some(span), false, false) = (f.draw, out.poisoned, out.is_scalar()) {
        let found = out.ret.iter().map(|ty| show_type(ty, &ty.shape));
        let found: Vec<String> = found.collect();
        let text = format!(
            "`#[draw]` needs a function that returns one float, but `{}` returns {}\nhelp: put `#[draw]` on a function that returns `[]`",
            f.name,
            found.join(", ")
        );
        diag.error(span, text);
    }
    if let (Some(span), true) = (f.train, f.eval) {
        let text = format!(
            "`{0}` cannot be marked both `#[eval]` and `#[train]`\nnote: `#[train]` adds the method `{0}_train`, which runs in training mode\nnote: `#[eval]` makes `{0}` run in evaluation mode, even if its caller runs in training mode\nhelp: remove one of the attributes",
            f.name
        );
        diag.error(span, text);
    }
    divide(net, f, &mut out, &mut cx);
    out.require = cx.require;
    any_rank(f, &mut out, diag);
    out
}

/// Finds the names that no argument has alone, but that follow from a dimension such as `4 * H` or `T + 1`.
fn solve(out: &mut Signature) {
    loop {
        let unknown = |d: &Dim| {
            let mut names = d.names();
            names.retain(|n| !out.dims.contains(n));
            match names.as_slice() {
                [name] => Some(name.clone()),
                _ => None,
            }
        };
        let next = out.args.iter().enumerate().find_map(|(i, arg)| {
            arg.ty.shape.iter().enumerate().find_map(|(k, d)| {
                let name = unknown(d)?;
                d.linear(&name).map(|_| (i, k, name))
            })
        });
        let Some(next) = next else { return };
        out.dims.push(next.2.clone());
        out.solved.push(next);
    }
}

/// The conditions of a function's `where` clause, and those that its body needs.
fn divide(net: &Net, f: &ast::Function, out: &mut Signature, cx: &mut Cx) {
    let mut add = |new: Remainder| match out.divided.iter_mut().find(|d| d.name == new.name) {
        Some(known) => known.join(&new),
        None => out.divided.push(new),
    };
    for e in &f.conditions {
        if let Ok(Some(known)) = condition(net, cx, e, Some(&out.dims)) {
            add(known);
        }
    }
    if net.prefix.is_empty() {
        let own = net.equal.divided.iter().filter(|d| f.name == d.function);
        for d in own {
            let (size, by) = (Dim::named(&d.name), Dim::from(d.by));
            let _ = cx.divides(&size, &by, d.span, &d.text);
            add(Remainder {
                name: d.name.clone(),
                by: d.by,
                rest: 0,
            });
        }
    }
}

/// Reports features that a function of values of any rank must not have.
pub(super) fn any_rank(f: &ast::Function, out: &mut Signature, diag: &Diag) {
    if out.poisoned || !out.any_rank() {
        return;
    }
    let mut wrong = |span: Span, text: String| {
        diag.error(span, text);
        out.poisoned = true;
    };
    if let Some(ty) = f.ret.iter().find(|ty| ty.rest.is_some())
        && f.args.iter().all(|a| a.ty.rest.is_none())
    {
        let text = format!(
            "no argument of `{}` has `..`, so the dimensions of its result are unknown",
            f.name
        );
        return wrong(ty.span, text);
    }
    // The first argument with `..`, or with other dimensions in its place.
    let shape = |rest: &str| {
        let mut shapes = f.args.iter().filter_map(|a| {
            let mut dims: Vec<String> = a.ty.dims.iter().map(ast::Expr::to_string).collect();
            dims.insert(a.ty.rest?, rest.to_owned());
            Some(format!("[{}]", dims.join(", ")))
        });
        shapes.next().unwrap_or_default()
    };
    for (span, what) in [
        (f.draw, "`#[draw]`"),
        (f.train, "`#[train]`"),
        (f.budget.as_ref().map(|b| b.span), "`#[memory]`"),
        (f.custom.as_ref().map(|_| f.name.span()), "`#[custom]`"),
        (f.args.iter().find_map(|a| a.grad), "`#[grad]`"),
        (f.args.iter().find_map(|a| a.state), "`#[state]`"),
    ] {
        if let Some(span) = span {
            let text = format!(
                "{what} cannot be used on `{}`, which takes `{}`\nhelp: name the dimensions: `{}`",
                f.name,
                shape(".."),
                shape("B, T")
            );
            return wrong(span, text);
        }
    }
}

/// A custom op: its results are floats or integers.
pub(super) fn custom(
    f: &ast::Function,
    functions: &ast::Custom,
    signature: &mut Signature,
    diag: &Diag,
) -> Custom {
    for (ty, source) in signature.ret.iter().zip(&f.ret) {
        if ty.elem == Elem::Bool {
            let text = format!(
                "`{}` returns booleans, but a custom op returns floats or integers\nhelp: return `i32[..]` of 0 and 1, and compare the result: `{}(..) != 0`",
                f.name, f.name
            );
            diag.error(source.span, text);
            signature.poisoned = true;
        }
    }
    Custom {
        name: f.name.to_string(),
        args: signature.args.iter().map(|a| a.ty.elem).collect(),
        ret: signature.ret.iter().map(|ty| ty.elem).collect(),
        functions: Some(functions.clone()),
    }
}
