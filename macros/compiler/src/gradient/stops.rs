//! Where a gradient stops between two values: at `detach`, or at values that are not floats, such as positions and
//! conditions. For messages.

use crate::display::op_name;
use crate::ir::{DType, Graph, NodeId, Op};
use crate::scalar::Scalar;
use proc_macro2::Span;

/// How one value depends on another whose gradient is missing.
pub enum Dependence {
    /// Not at all.
    None,
    /// Through an op without a gradient: its name, and its place.
    Through(String, Span),
    /// In a way that is not visible here, such as in a loop's body.
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
    let mut after = vec![false; g.nodes.len()];
    after[x.index()] = true;
    for id in g.ids().filter(|id| before[id.index()] && *id != x) {
        let node = &g[id];
        if !node.args.iter().any(|a| after[a.index()]) {
            continue;
        }
        match stop(g, id) {
            Some(name) => return Dependence::Through(name, node.span),
            None => after[id.index()] = true,
        }
    }
    Dependence::Hidden
}

/// The name of an op without a gradient.
fn stop(g: &Graph, id: NodeId) -> Option<String> {
    let node = &g[id];
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
        op => Some(op_name(op)),
    }
}
