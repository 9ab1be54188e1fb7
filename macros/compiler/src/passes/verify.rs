//! The invariants of every graph between passes:
//!
//! 1. operands come before their users, outputs exist;
//! 2. every node has the shape and type that its op's rule gives (`infer`);
//! 3. a map has an access for each operand, of that operand's rank; its steps read earlier steps and
//!    have the types they claim; its results exist;
//! 4. a further result is read through `Get` only, and there is one `Get` for each at most;
//! 5. a body's inputs and outputs match its call, and it holds no parameters: they are operands; carried values keep
//!    their type, and sliced values have the scan's count as their first dimension.

use crate::infer::{infer, scalar_type};
use crate::ir::operands::Operands;
use crate::ir::{DType, Graph, Instr, Map, Node, NodeId, Op, Reduce, Scan};

/// Checks a scan's body against its operands and results.
fn body(graph: &Graph, node: &Node, scan: &Scan) -> Result<(), String> {
    verify(&scan.body)?;
    let own: Vec<_> = std::iter::once((node.shape.clone(), node.dtype))
        .chain(node.more_results.iter().cloned())
        .collect();
    if own != scan.results() {
        return Err("a body's outputs differ from its scan's results".into());
    }
    let inputs = scan.body.inputs();
    if inputs.len() != node.args.len() || scan.shared + scan.carried > inputs.len() {
        return Err("a body's inputs are not as many as its scan's operands".into());
    }
    for (k, (input, arg)) in inputs.iter().zip(&node.args).enumerate() {
        let mut shape = scan.body.shape(*input).clone();
        if k >= scan.shared + scan.carried {
            shape.insert(0, scan.count.clone());
        }
        if (&shape, scan.body[*input].dtype) != (graph.shape(*arg), graph[*arg].dtype) {
            return Err(format!("operand {k} does not fit the body"));
        }
    }
    for (k, o) in scan.body.outputs[..scan.carried].iter().enumerate() {
        let input = inputs[scan.shared + k];
        if (scan.body.shape(*o), scan.body[*o].dtype)
            != (scan.body.shape(input), scan.body[input].dtype)
        {
            return Err(format!("carried value {k} changes its type"));
        }
    }
    match scan
        .body
        .nodes
        .iter()
        .any(|n| matches!(n.op, Op::Param { .. }))
    {
        true => Err("a body holds a parameter".into()),
        false => Ok(()),
    }
}

/// Checks all invariants; the error names the node.
pub fn verify(graph: &Graph) -> Result<(), String> {
    for id in graph.ids() {
        node(graph, id).map_err(|why| format!("{id} = {}: {why}\n{graph}", graph[id]))?;
    }
    match graph
        .outputs
        .iter()
        .find(|o| o.index() >= graph.nodes.len())
    {
        Some(o) => Err(format!("output {o} does not exist")),
        None => Ok(()),
    }
}

fn node(graph: &Graph, id: NodeId) -> Result<(), String> {
    let node = &graph[id];
    if let Some(a) = node.args.iter().find(|a| **a >= id) {
        return Err(format!("operand {a} comes later"));
    }
    match &node.op {
        Op::Input { .. } | Op::Param { .. } => return Ok(()),
        // A constant or a size has its given type.
        Op::Const(_) if node.shape.is_empty() && node.dtype != DType::Int => return Ok(()),
        Op::Size(_) if node.shape.is_empty() => return Ok(()),

        Op::Call(region) => {
            verify(&region.body)?;
            if region
                .body
                .nodes
                .iter()
                .any(|n| matches!(n.op, Op::Param { .. }))
            {
                return Err("a body holds a parameter".into());
            }
            let types: Vec<_> = region
                .body
                .outputs
                .iter()
                .map(|o| (region.body[*o].shape.clone(), region.body[*o].dtype))
                .collect();
            let own: Vec<_> = std::iter::once((node.shape.clone(), node.dtype))
                .chain(node.more_results.iter().cloned())
                .collect();
            return if types == own {
                Ok(())
            } else {
                Err("a body's outputs differ from its call's results".into())
            };
        }
        Op::Scan(scan) => return body(graph, node, scan),
        _ => {}
    }
    let (shape, dtype) = infer(graph, &node.op, &node.args, Some(&node.shape))?;
    if shape != node.shape {
        return Err(format!("the rule gives {}", crate::dim::show_shape(&shape)));
    }
    let further = match &node.op {
        Op::Kernel(kind) => {
            let (args, want) = (&node.args[..], Some(&node.shape));
            Some(kind.types(&Operands { graph, args, want })?)
        }
        Op::Reduce { kind, .. } => {
            let rest = usize::from(*kind == Reduce::Mean && !node.more_results.is_empty());
            Some(vec![(shape.clone(), dtype); 1 + rest])
        }
        _ => None,
    };
    if further.is_some_and(|results| results[1..] != node.more_results) {
        return Err("further results have other types than the rule gives".into());
    }
    let ranks: Vec<usize> = node.args.iter().map(|a| graph.shape(*a).len()).collect();
    match &node.op {
        Op::Map(m) => map(m, &ranks, node.shape.len(), &types(graph, &node.args))?,
        Op::Reduce { body: Some(b), .. } => {
            map(&b.0, &ranks, b.1.len(), &types(graph, &node.args))?
        }
        Op::MatMul {
            epilogue: Some(m), ..
        } => {
            let mut ranks = ranks.clone();
            ranks.splice(..2, [node.shape.len()]);
            let mut types = types(graph, &node.args);
            types.splice(..2, [DType::Float]);
            return map(m, &ranks, node.shape.len(), &types);
        }
        _ => {}
    }
    if dtype != node.dtype {
        return Err(format!("the rule gives {dtype}"));
    }
    Ok(())
}

fn types(graph: &Graph, args: &[NodeId]) -> Vec<DType> {
    args.iter().map(|a| graph[*a].dtype).collect()
}

fn map(m: &Map, ranks: &[usize], rank: usize, types: &[DType]) -> Result<(), String> {
    if m.access.len() != ranks.len() || m.types.len() != m.body.len() {
        return Err("a map's accesses or types are not as many as its operands or steps".into());
    }
    for (access, r) in m.access.iter().zip(ranks) {
        let inside = access.dims.iter().flatten().all(|d| d < r);
        if access.dims.len() != rank
            || access.start.len() != *r
            || access.step.len() != *r
            || !inside
        {
            return Err(format!("an access does not fit: {access:?}"));
        }
    }
    for (i, instr) in m.body.iter().enumerate() {
        let dtype = match instr {
            Instr::Load(k) => *types.get(*k).ok_or("a load of no operand")?,
            Instr::Iota(d) if *d < rank => DType::Int,
            Instr::Iota(_) => return Err("an iota of no dimension".into()),
            Instr::Const(t, _) => *t,
            Instr::Size(_) => DType::Float,
            Instr::Apply(f, args) => {
                if args.len() != f.arity() || args.iter().any(|a| *a >= i) {
                    return Err(format!("step {i} reads what is not there"));
                }
                let types: Vec<DType> = args.iter().map(|a| m.types[*a]).collect();
                scalar_type(*f, &types)?
            }
        };
        if dtype != m.types[i] {
            return Err(format!("step {i} is {dtype}, not {}", m.types[i]));
        }
    }
    if m.results.iter().any(|r| *r >= m.body.len()) || m.results.is_empty() {
        return Err("a map without its result".into());
    }
    Ok(())
}
