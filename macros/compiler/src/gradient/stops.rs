//! Where a gradient stops between two values: at `detach`, or at values that are not floats, such as positions and
//! conditions. For messages.

use crate::display::op_name;
use crate::ir::{DType, Graph, Node, NodeId, Op};
use crate::scalar::Scalar;
use proc_macro2::Span;

/// An op without a gradient: its name, and its place.
pub type Stop = (String, Span);

/// How one value depends on another whose gradient is missing.
pub enum Dependence {
    /// Not at all.
    None,
    /// Through an op without a gradient.
    Through(Stop),
    /// In another way.
    Hidden,
}

/// The dependence of `y` on `x`, between which no gradient flows.
pub fn between(g: &Graph, x: NodeId, y: NodeId) -> Dependence {
    let mut before = vec![false; g.nodes.len()];
    before[y.index()] = true;
    for id in g.ids().rev() {
        if before[id.index()] {
            g[id].args.iter().for_each(|a| before[a.index()] = true);
        }
    }
    if !before[x.index()] {
        return Dependence::None;
    }
    let (_, stops) = after(g, &[x]);
    let stop = stops.into_iter().find(|(id, _)| before[id.index()]);
    stop.map_or(Dependence::Hidden, |(_, stop)| Dependence::Through(stop))
}

/// The values that depend on `xs` with a gradient, and the ops at which gradients of these stop.
fn after(g: &Graph, xs: &[NodeId]) -> (Vec<bool>, Vec<(NodeId, Stop)>) {
    let mut after = vec![false; g.nodes.len()];
    let mut stops = Vec::new();
    xs.iter().for_each(|x| after[x.index()] = true);
    for id in g.ids() {
        let node = &g[id];
        if after[id.index()] || !node.args.iter().any(|a| after[a.index()]) {
            continue;
        }
        let reached: Vec<bool> = node.args.iter().map(|a| after[a.index()]).collect();
        let inner = match &node.op {
            Op::Call(region) => Some(within(&region.body, reached, 0..0)),
            Op::Scan(scan) => {
                let carried = scan.shared..scan.shared + scan.carried;
                Some(within(&scan.body, reached, carried))
            }
            _ => None,
        };
        match inner {
            Some((flows, stop)) => {
                after[id.index()] = flows;
                stops.extend(stop.filter(|_| !flows).map(|stop| (id, stop)));
            }
            None => match name(g, node) {
                Some(name) => stops.push((id, (name, node.span))),
                None => after[id.index()] = true,
            },
        }
    }
    (after, stops)
}

/// Whether any result of a body depends on the reached inputs with a gradient, and an op at which one stops. The first
/// results are the next values of the inputs `carried`.
fn within(
    body: &Graph,
    mut reached: Vec<bool>,
    carried: std::ops::Range<usize>,
) -> (bool, Option<Stop>) {
    loop {
        let inputs: Vec<NodeId> = body
            .ids()
            .filter(|id| matches!(body[*id].op, Op::Input { index } if reached[index]))
            .collect();
        let (after, stops) = after(body, &inputs);
        let flows = |o: &NodeId| after[o.index()];
        let next: Vec<usize> = carried
            .clone()
            .zip(&body.outputs)
            .filter(|(k, o)| flows(o) && !reached[*k])
            .map(|(k, _)| k)
            .collect();
        if next.is_empty() {
            let any = body.outputs.iter().any(flows);
            return (any, stops.into_iter().next().map(|(_, stop)| stop));
        }
        next.into_iter().for_each(|k| reached[k] = true);
    }
}

/// The name of an op without a gradient.
fn name(g: &Graph, node: &Node) -> Option<String> {
    let symbol = |s: Scalar| match s {
        Scalar::Eq => Some("=="),
        Scalar::Ne => Some("!="),
        Scalar::Lt => Some("<"),
        Scalar::Le => Some("<="),
        Scalar::Gt => Some(">"),
        Scalar::Ge => Some(">="),
        Scalar::Cast(DType::Int) => Some("int"),
        Scalar::Cast(DType::Bool) => Some("bool"),
        _ => None,
    };
    match &node.op {
        Op::Detach => Some("detach".to_owned()),
        _ if node.dtype == DType::Float => None,
        Op::Scalar(s) => Some(symbol(*s).map_or_else(|| op_name(&node.op), str::to_owned)),
        // The positions of `max(x, dim)`.
        Op::Get(_) => Some(op_name(&g[node.args[0]].op)),
        op => Some(match op_name(op).as_str() {
            "to_ints" => "int".to_owned(),
            name => name.to_owned(),
        }),
    }
}
