//! Parameters that no loss trains: reported at the op that stops their gradient, or, if no loss uses them, at their
//! declaration.

use crate::ast::{self, ExprKind};
use crate::diag::Diag;
use crate::gradient::stops::{Dependence, between};
use crate::ir::{DType, Graph, NodeId};
use crate::lower;
use crate::net::{Field, FieldKind, Net};
use crate::passes::inline;
use crate::visit;
use proc_macro2::Span;

/// A loss as a graph: its value, and the nodes of the parameters.
struct Loss {
    graph: Graph,
    value: NodeId,
    params: Vec<Option<NodeId>>,
}

/// A field whose parameters `names` have no gradient.
struct Idle<'a> {
    field: &'a Field,
    names: Vec<String>,
    params: Vec<usize>,
}

/// The function of a network in a field that has this token: `Inner::forward`.
fn held(net: &Net, token: Span) -> Option<String> {
    let is = |span: Span| same_place(span, token);
    net.fields.iter().find_map(|field| {
        let FieldKind::Block(block) = &field.kind else {
            return None;
        };
        let has = |f: &&ast::Function| {
            let mut found = false;
            f.body.iter().for_each(|body| {
                visit::block(body, &mut |e| {
                    found |= match &e.kind {
                        ExprKind::Call(name, _) | ExprKind::Method(_, name, _) => is(name.span()),
                        _ => is(e.span),
                    }
                });
            });
            found
        };
        let function = block.unit.source.functions.iter().find(has);
        let own = function.map(|f| format!("{}::{}", block.net.name, f.name));
        own.or_else(|| held(&block.net, token))
    })
}

/// Whether two tokens are at one place of the source.
fn same_place(a: Span, b: Span) -> bool {
    (a.start(), a.end(), a.file()) == (b.start(), b.end(), b.file())
}

/// An op that stops gradients, and the fields that it leaves untrained.
struct Stop<'a> {
    op: String,
    at: Span,
    idle: Vec<Idle<'a>>,
}

/// Reports the parameters that no loss trains, but for frozen ones. Of those that have a gradient (`reached`), yet one
/// that is always 0, only those behind an op that stops gradients.
pub fn report(
    net: &Net,
    source: &ast::Network,
    (reached, trained): (&[bool], &[bool]),
    diag: &Diag,
) {
    let idle = idle(net, trained);
    if idle.is_empty() {
        return;
    }
    let losses = losses(net, source);
    // A function that computes something of its arguments alone is no loss of this network, which a field may hold, unless
    // its name says so.
    let unused = |loss: &Loss| loss.params.iter().all(Option::is_none);
    if losses.iter().all(unused) && !net.signatures.iter().any(|s| s.name == "loss") {
        return;
    }
    let mut stops: Vec<Stop> = Vec::new();
    for one in idle {
        let found = one
            .params
            .iter()
            .map(|p| stopped(&losses, net.holder(*p)))
            .find(|found| !matches!(found, Dependence::None));
        match found {
            Some(Dependence::Through((op, at))) => {
                // A network in a field is right where it is declared.
                let (op, at) = match held(net, at) {
                    Some(function) => (format!("`{op}` in `{function}`"), one.field.name.span()),
                    None => (format!("`{op}`"), at),
                };
                let same = |s: &&mut Stop| s.op == op && same_place(s.at, at);
                match stops.iter_mut().find(same) {
                    Some(stop) => stop.idle.push(one),
                    None => stops.push(Stop {
                        op,
                        at,
                        idle: vec![one],
                    }),
                }
            }
            _ if one.params.iter().any(|p| reached[net.holder(*p)]) => {}
            other => {
                let (why, help) = match other {
                    Some(_) => (
                        "no gradient reaches",
                        format!("if `{}` is not trained", one.field.path),
                    ),
                    None => (
                        "no loss depends on",
                        format!("use `{}` in a loss, or", one.field.path),
                    ),
                };
                let text = format!(
                    "{} cannot be trained: {why} {}\n{}\nhelp: {help} mark it `#[frozen]`",
                    list(&one.names),
                    it(&one.names),
                    one.field.decl,
                );
                diag.error(one.field.name.span(), text);
            }
        }
    }
    for stop in stops {
        let names: Vec<String> = stop.idle.iter().flat_map(|i| i.names.clone()).collect();
        let fields: Vec<String> = stop
            .idle
            .iter()
            .map(|i| format!("`{}`", i.field.path))
            .collect();
        let mut text = format!("{} stops the gradient of {}", stop.op, list(&names));
        for one in &stop.idle {
            text += &format!("\n{}", one.field.decl);
        }
        text += &format!(
            "\nnote: every path from {} to a loss goes through ops without a gradient\nhelp: to leave {} untrained, mark {} `#[frozen]`",
            it(&names),
            list(&fields),
            it(&fields)
        );
        diag.error(stop.at, text);
    }
}

fn idle<'a>(net: &'a Net, reached: &[bool]) -> Vec<Idle<'a>> {
    let mut out = Vec::new();
    let group = |f: &&Field| matches!(f.kind, FieldKind::Group { .. });
    for field in net.fields.iter().filter(|f| !group(f)) {
        let idle = |p: &usize| !reached[net.holder(*p)] && !net.params[*p].frozen;
        let params: Vec<usize> = field.params.clone().filter(idle).collect();
        // Of a network in a field, the rest may belong to functions that are not called here.
        let partly = matches!(field.kind, FieldKind::Block(_)) && params.len() < field.params.len();
        if !params.is_empty() && !partly {
            // Without the places in arrays.
            let plain = |name: &str| name.replace("{}.", "");
            let names = params
                .iter()
                .map(|p| format!("`{}`", plain(&net.params[*p].name)));
            out.push(Idle {
                field,
                names: names.collect(),
                params,
            });
        }
    }
    out
}

/// The losses, before differentiation and with all calls inlined.
fn losses(net: &Net, source: &ast::Network) -> Vec<Loss> {
    // They have been lowered before, without an error.
    let diag = Diag::default();
    let loss = |index: usize| {
        let lowered = lower::lower(net, source, index, (true, false), &diag).ok()?;
        let mut graph = lowered.graph;
        // The parameters' places survive inlining as further outputs.
        let results = graph.outputs.len();
        let used: Vec<NodeId> = lowered.params.iter().flatten().copied().collect();
        graph.outputs.extend(&used);
        let graph = inline::inline(&graph);
        let mut places = graph.outputs[results..].iter().copied();
        let params = lowered.params.iter();
        let params = params.map(|p| p.and_then(|_| places.next())).collect();
        let float = |o: &&NodeId| graph[**o].dtype == DType::Float;
        let value = *graph.outputs[..results].iter().find(float)?;
        Some(Loss {
            graph,
            value,
            params,
        })
    };
    let losses = (0..net.signatures.len()).filter(|i| net.signatures[*i].is_loss());
    losses.filter_map(loss).collect()
}

/// How the losses depend on a parameter without a gradient.
fn stopped(losses: &[Loss], param: usize) -> Dependence {
    let mut found = Dependence::None;
    for loss in losses {
        let Some(node) = loss.params[param] else {
            continue;
        };
        match between(&loss.graph, node, loss.value) {
            Dependence::None => {}
            Dependence::Hidden => found = Dependence::Hidden,
            through => return through,
        }
    }
    found
}

fn list(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [first, second, _, _, ..] => format!("{first}, {second} and {} more", names.len() - 2),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
        [] => String::new(),
    }
}

fn it(names: &[String]) -> &'static str {
    match names.len() {
        1 => "it",
        _ => "them",
    }
}
