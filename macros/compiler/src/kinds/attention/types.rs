//! The shape rules of attention and its gradient: from the operands to the results' shapes.

use super::Attention;
use crate::dim::{Dim, Shape, show_shape};
use crate::ir::kind::Types;
use crate::ir::operands::ensure;
use crate::ir::{DType, Graph, NodeId};

/// The results of attention.
pub fn forward(a: &Attention, graph: &Graph, args: &[NodeId]) -> Types {
    ensure(args.len() >= 3, || "operands are missing".into())?;
    let shapes: Vec<&Shape> = args.iter().map(|a| graph.shape(*a)).collect();
    let [b, h, l, e] = a.sizes(shapes[0]);
    let [kb, kh, s, ke] = a.sizes(shapes[1]);
    let [vb, vh, vs, v] = a.sizes(shapes[2]);
    let scores = [&b, &h, &l, &s];
    let fits = |mask: &Shape| {
        let mut sizes = mask.iter().zip(scores);
        mask.len() == 4 && sizes.all(|(m, d)| m.is_one() || m == d)
    };
    let holds = shapes[..3].iter().all(|s| s.len() == 4)
        && args.iter().all(|a| graph[*a].dtype == DType::Float)
        && [
            (&kb, &b),
            (&vb, &b),
            (&kh, &h),
            (&vh, &h),
            (&ke, &e),
            (&vs, &s),
        ]
        .iter()
        .all(|(x, y)| x == y)
        && shapes[3..].iter().all(|m| fits(m));
    ensure(holds, || {
        let shapes: Vec<String> = shapes.iter().map(|s| show_shape(s)).collect();
        format!("attention of {}", shapes.join(", "))
    })?;
    Ok(vec![
        (a.shape([&b, &h, &l, &v]), DType::Float),
        (vec![b, h, Dim::from(2), l], DType::Float),
    ])
}

/// The results of its gradient.
pub fn backward(a: &Attention, graph: &Graph, args: &[NodeId]) -> Types {
    let inputs = args.len().saturating_sub(3);
    let (inputs, saved) = args.split_at(inputs);
    let results = forward(a, graph, inputs)?;
    let wanted = [&results[0], &results[1], &results[0]];
    let fits = saved
        .iter()
        .zip(wanted)
        .all(|(x, t)| *graph.shape(*x) == t.0);
    ensure(fits && saved.len() == 3, || {
        "the results of attention have other shapes".into()
    })?;
    let of = |x: &NodeId| (graph.shape(*x).clone(), DType::Float);
    Ok(inputs[..3].iter().map(of).collect())
}
