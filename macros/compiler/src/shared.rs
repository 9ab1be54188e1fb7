//! Tied parameters: `head.weight = token.weight`.
//!
//! Takes a network whose fields are declared. After: the parameter on the left has no separate values; reading it reads
//! the one on the right, whose gradient is the sum of both gradients.

use crate::args::no_such;
use crate::ast::{Shared, show_dotted};
use crate::cx::Cx;
use crate::diag::{Diag, ErrorReported, Reported, did_you_mean};
use crate::dim::{Dim, show_shape};
use crate::net::{FieldKind, Net};
use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;

/// Ties two parameters.
pub fn share(net: &mut Net, shared: &Shared, diag: &Diag) -> Reported<()> {
    // Without one of the fields there is nothing to tie.
    let absent = |path: &[Ident]| {
        let field = net.fields.iter().find(|f| f.name == path[0]);
        field.is_some_and(|f| matches!(f.kind, FieldKind::Absent(_)))
    };
    if absent(&shared.left) || absent(&shared.right) {
        return Ok(());
    }
    // The errors of both sides are reported.
    let (left, right) = (
        find(net, &shared.left, diag),
        find(net, &shared.right, diag),
    );
    let (left, right) = (left?, right?);
    let (name, other) = (show_dotted(&shared.left), show_dotted(&shared.right));
    let span = end(&shared.left);
    if let Some(already) = net.params[left].shared {
        let text = format!(
            "`{name}` is tied twice: another line ties it to `{}`\nhelp: to tie all three, replace this line by `{other} = {}`",
            plain(&net.params[already].name),
            plain(&net.params[already].name)
        );
        return Err(diag.error(span, text));
    }
    if net.holder(right) == left {
        let text =
            format!("`{name}` and `{other}` are already one parameter\nhelp: remove this line");
        return Err(diag.error(span, text));
    }
    let (p, q) = (&net.params[left], &net.params[right]);
    let decls = format!("{}\n{}", net.fields[p.field].decl, net.fields[q.field].decl);
    let same = |a: &[Dim], b: &[Dim]| Cx::new(diag, false).same_shape(a, b);
    if !same(&p.stack, &q.stack) || !same(&p.shape, &q.shape) {
        let help = match (p.stack.is_empty(), q.stack.is_empty()) {
            (true, true) => "",
            (false, false) => "\nhelp: an array can be tied to an array of the same length",
            _ => "\nhelp: to use a layer several times, declare it once and call it several times",
        };
        let text = format!(
            "`{name}` is {}, but `{other}` is {}: they cannot be tied\n{decls}{help}",
            shape(p),
            shape(q)
        );
        return Err(diag.error(span, text));
    }
    if p.frozen != q.frozen {
        let (frozen, trained) = match p.frozen {
            true => (&name, &other),
            false => (&other, &name),
        };
        let text = format!(
            "`{frozen}` is frozen, but `{trained}`, the same parameter, is trained\n{decls}\nhelp: mark both `#[frozen]`, or neither"
        );
        return Err(diag.error(span, text));
    }
    net.params[left].shared = Some(right);
    Ok(())
}

/// The parameter of this name, without the places in arrays.
fn find(net: &Net, path: &[Ident], diag: &Diag) -> Reported<usize> {
    let first = &path[0];
    let Some(field) = net.fields.iter().find(|f| f.name.unraw() == first.unraw()) else {
        let names: Vec<String> = net.fields.iter().map(|f| f.name.to_string()).collect();
        let hint = did_you_mean(&first.to_string(), names.iter().map(String::as_str));
        return Err(diag.error(first.span(), format!("there is no field `{first}`{hint}")));
    };
    if matches!(field.kind, FieldKind::ErrorReported) {
        return Err(ErrorReported);
    }
    let name = show_dotted(path);
    // A parameter's name in files begins as the field's, which may be another than the field's in the program.
    let full = |p: usize| {
        let rest = net.params[p].name.get(field.prefix.len()..);
        format!("{}{}", first.unraw(), plain(rest.unwrap_or_default()))
    };
    if let Some(found) = field.params.clone().find(|p| full(*p) == name) {
        return Ok(found);
    }
    let known: Vec<String> = field.params.clone().map(full).collect();
    let hint = did_you_mean(&name, known.iter().map(String::as_str));
    let has = no_such("parameter", &name, &known);
    let text = format!("`{first}` has {has}{hint}\n{}", field.decl);
    Err(diag.error(end(path), text))
}

/// `blocks.{}.weight` without the array's places.
fn plain(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').filter(|part| *part != "{}").collect();
    parts.join(".")
}

fn shape(p: &crate::net::Param) -> String {
    let (stack, shape) = p.shape.split_at(p.stack.len());
    match stack {
        [] => show_shape(shape),
        _ => format!("an array {} of {}", show_shape(stack), show_shape(shape)),
    }
}

fn end(path: &[Ident]) -> Span {
    path.last().map_or_else(Span::call_site, Ident::span)
}
