//! The parameters that a function's gradient reaches: those that have a `.grad` in PyTorch after `backward`.
//!
//! Takes a graph before differentiation. Returns the parameters that its float results depend on other than through
//! `detach`, indices and comparisons; for an array of layers, the elements. A gradient that is zero everywhere (`sign`,
//! `floor`) reaches a parameter, too.

use crate::dim::Dim;
use crate::ir::{DType, Graph, NodeId, Op, Scan};

/// Some elements of a value: a range of indices for each of its first dimensions, and all of the other dimensions.
pub type Range = Vec<(Dim, Dim)>;

/// A parameter's number, and the ranges that are reached.
pub type Reached = (usize, Vec<Range>);

/// The parameters that the float outputs of `g` reach, in the order of the graph.
pub fn reach(g: &Graph) -> Vec<Reached> {
    let all = g.outputs.iter().map(|o| (*o, 0, vec![Vec::new()]));
    let parts = values(g, all.collect());
    let params = g.ids().filter_map(|id| match g[id].op {
        Op::Param { index } if !parts[id.index()][0].is_empty() => {
            Some((index, parts[id.index()][0].clone()))
        }
        _ => None,
    });
    params.collect()
}

/// The reached ranges of every result of every node, from the seeds.
fn values(g: &Graph, seeds: Vec<(NodeId, usize, Vec<Range>)>) -> Vec<Vec<Vec<Range>>> {
    let results = |n: &crate::ir::Node| vec![Vec::new(); 1 + n.more_results.len()];
    let mut out: Vec<Vec<Vec<Range>>> = g.nodes.iter().map(results).collect();
    for (id, result, ranges) in seeds {
        join(g, &mut out, id, result, ranges);
    }
    for id in g.ids().rev() {
        let mine = out[id.index()].clone();
        if mine.iter().all(Vec::is_empty) {
            continue;
        }
        let node = &g[id];
        let operands: Vec<Vec<Range>> = match &node.op {
            Op::Get(k) => {
                join(g, &mut out, node.args[0], *k, mine[0].clone());
                continue;
            }
            Op::Detach => continue,
            Op::Slice { start, step } if step.iter().all(|s| *s == 1) => {
                let from = g.shape(node.args[0]);
                vec![
                    mine[0]
                        .iter()
                        .map(|r| sliced(r, start, &node.shape, from))
                        .collect(),
                ]
            }
            Op::Reshape if g.shape(node.args[0]).get(1..) == Some(&node.shape) => {
                let first = || (Dim::from(0), Dim::one());
                let longer =
                    |r: &Range| std::iter::once(first()).chain(r.iter().cloned()).collect();
                vec![mine[0].iter().map(longer).collect()]
            }
            Op::Barrier => vec![mine[0].clone()],
            Op::Call(region) => call(&region.body, &mine, node.args.len()),
            Op::Scan(steps) => scan(steps, &mine, node.args.len()),
            _ => vec![vec![Vec::new()]; node.args.len()],
        };
        for (arg, ranges) in node.args.clone().into_iter().zip(operands) {
            join(g, &mut out, arg, 0, ranges);
        }
    }
    out
}

/// Adds ranges to those of a value that holds floats.
fn join(g: &Graph, out: &mut [Vec<Vec<Range>>], id: NodeId, result: usize, ranges: Vec<Range>) {
    let dtype = match result {
        0 => g[id].dtype,
        k => g[id].more_results[k - 1].1,
    };
    if dtype != DType::Float {
        return;
    }
    let known = &mut out[id.index()][result];
    for r in ranges {
        if !known.contains(&r) {
            known.push(r);
        }
    }
}

/// Converts a range of a slice to one of the whole, for as many dimensions as have a range or are cut.
fn sliced(range: &Range, start: &[Dim], shape: &[Dim], from: &[Dim]) -> Range {
    let cut = |d: usize| shape[d] != from[d];
    let last = (0..shape.len())
        .rev()
        .find(|d| cut(*d))
        .map_or(0, |d| d + 1);
    (0..last.max(range.len()))
        .map(|d| match range.get(d) {
            Some((first, count)) => (start[d].add(first), count.clone()),
            None => (start[d].clone(), shape[d].clone()),
        })
        .collect()
}

/// The ranges of a call's operands, from those of its results.
fn call(g: &Graph, results: &[Vec<Range>], operands: usize) -> Vec<Vec<Range>> {
    let seeds = g.outputs.iter().zip(results);
    let parts = values(g, seeds.map(|(o, r)| (*o, 0, r.clone())).collect());
    let mut out = vec![Vec::new(); operands];
    for id in g.ids() {
        if let Op::Input { index } = g[id].op
            && let Some(to) = out.get_mut(index)
        {
            to.clone_from(&parts[id.index()][0]);
        }
    }
    out
}

/// The ranges of a loop's operands: if a step reaches a carried value, it reaches the step before that computes it.
fn scan(scan: &Scan, results: &[Vec<Range>], operands: usize) -> Vec<Vec<Range>> {
    let whole = |r: &Vec<Range>| r.iter().take(1).map(|_| Vec::new()).collect();
    let mut results: Vec<Vec<Range>> = results.iter().map(whole).collect();
    loop {
        let mut out = call(&scan.body, &results, operands);
        let carried = |k: &usize| results[*k].is_empty() && !out[scan.shared + k].is_empty();
        let more: Vec<usize> = (0..scan.carried).filter(carried).collect();
        if more.is_empty() {
            // A step reads one index of a sliced value; the loop reads all.
            for r in out[scan.shared + scan.carried..].iter_mut().flatten() {
                r.insert(0, (Dim::from(0), scan.count.clone()));
            }
            return out;
        }
        more.into_iter().for_each(|k| results[k] = vec![Vec::new()]);
    }
}
