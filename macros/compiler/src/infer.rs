//! The shape rule of every op: from the operands' shapes and types to those of the (first) result. The rules of kinds
//! are in `kinds`.
//!
//! `Graph::push` uses it to build, `verify` to check. A broken rule is a bug in a pass, never the user's error: `ops`
//! and `layers` report those, in the user's terms.

use crate::dim::{Shape, numel, show_shape};
use crate::ir::operands::{Operands, ensure};
use crate::ir::{DType, Graph, NodeId, Op};
use crate::scalar::{Scalar, Typing};

/// The result's shape and type, or why the operands do not fit. `want` is the node's own shape for
/// the ops that carry it.
pub fn infer(
    graph: &Graph,
    op: &Op,
    args: &[NodeId],
    want: Option<&Shape>,
) -> Result<(Shape, DType), String> {
    let of = Operands { graph, args, want };
    Ok(match op {
        Op::Input { .. } | Op::Param { .. } | Op::Call(_) | Op::Scan(_) => {
            return Err("carries its own type".into());
        }
        Op::Const(_) | Op::Size(_) => (Vec::new(), DType::Float),
        Op::Whole(_) => (Vec::new(), DType::Int),
        Op::Iota { dim } => {
            let s = of.own()?;
            ensure(*dim < s.len(), || {
                format!("iota along {dim} of {}", show_shape(&s))
            })?;
            (s, DType::Int)
        }
        Op::Scalar(f) => {
            ensure(args.len() == f.arity(), || {
                format!("{} takes {} operands", f.name(), f.arity())
            })?;
            for i in 1..args.len() {
                ensure(of.shape(i)? == of.shape(0)?, || {
                    format!("{} of {} and {}", f.name(), of.show(0), of.show(i))
                })?;
            }
            let types: Vec<DType> = (0..args.len()).map(|i| of.dtype(i)).collect();
            (of.shape(0)?.clone(), scalar_type(*f, &types)?)
        }
        Op::Expand => {
            let (from, to) = (of.shape(0)?, of.own()?);
            let fits = from.len() <= to.len()
                && from
                    .iter()
                    .rev()
                    .zip(to.iter().rev())
                    .all(|(a, b)| a == b || a.is_one());
            ensure(fits, || {
                format!("expand {} to {}", show_shape(from), show_shape(&to))
            })?;
            (to, of.dtype(0))
        }
        Op::Reshape => {
            let to = of.own()?;
            ensure(numel(of.shape(0)?) == numel(&to), || {
                format!("reshape {} to {}", of.show(0), show_shape(&to))
            })?;
            (to, of.dtype(0))
        }
        Op::Permute(dims) => {
            let s = of.shape(0)?;
            let mut sorted = dims.clone();
            sorted.sort_unstable();
            ensure(sorted.iter().copied().eq(0..s.len()), || {
                format!("permute {} by {dims:?}", show_shape(s))
            })?;
            (dims.iter().map(|d| s[*d].clone()).collect(), of.dtype(0))
        }
        Op::Slice { start, step } => {
            let (s, to) = (of.shape(0)?, of.own()?);
            ensure(
                start.len() == s.len() && step.len() == s.len() && to.len() == s.len(),
                || "slice rank".into(),
            )?;
            (to, of.dtype(0))
        }
        Op::Detach | Op::Barrier => (of.shape(0)?.clone(), of.dtype(0)),
        Op::Reduce { dims, body, .. } => {
            let s = match body {
                Some(b) => b.1.clone(),
                None => of.shape(0)?.clone(),
            };
            let ascending =
                dims.windows(2).all(|w| w[0] < w[1]) && dims.iter().all(|d| *d < s.len());
            ensure(ascending, || {
                format!("reduce {} over {dims:?}", show_shape(&s))
            })?;
            (
                s.iter()
                    .enumerate()
                    .filter(|(i, _)| !dims.contains(i))
                    .map(|(_, d)| d.clone())
                    .collect(),
                DType::Float,
            )
        }
        Op::MatMul { ta, tb, .. } => {
            let (a, b) = (of.shape(0)?, of.shape(1)?);
            ensure(a.len() == b.len() && (a.len() == 2 || a.len() == 3), || {
                format!("matmul of {} and {}", show_shape(a), show_shape(b))
            })?;
            let r = a.len() - 2;
            let (m, ka) = if *ta {
                (&a[r + 1], &a[r])
            } else {
                (&a[r], &a[r + 1])
            };
            let (kb, n) = if *tb {
                (&b[r + 1], &b[r])
            } else {
                (&b[r], &b[r + 1])
            };
            ensure(ka == kb && a[..r] == b[..r], || {
                format!("matmul of {} and {}", show_shape(a), show_shape(b))
            })?;
            let mut s = a[..r].to_vec();
            s.extend([m.clone(), n.clone()]);
            (s, DType::Float)
        }
        Op::Kernel(kind) => kind.types(&of)?.swap_remove(0),
        Op::Map(map) => {
            let first = map.results.first().copied().unwrap_or(0);
            (
                of.own()?,
                map.types.get(first).copied().unwrap_or(DType::Float),
            )
        }
        Op::Get(k) => {
            let node = args.first().map(|a| &graph[*a]).ok_or("get of nothing")?;
            match k.checked_sub(1) {
                None => (node.shape.clone(), node.dtype),
                Some(i) => {
                    node.more_results.get(i).cloned().ok_or_else(|| {
                        format!("get {k} of {} results", node.more_results.len() + 1)
                    })?
                }
            }
        }
    })
}

/// The result type of a scalar function.
pub fn scalar_type(f: Scalar, types: &[DType]) -> Result<DType, String> {
    let all = |t: DType| types.iter().all(|x| *x == t);
    let alike = types.windows(2).all(|w| w[0] == w[1]);
    let wrong = || {
        Err(format!(
            "{} of {}",
            f.name(),
            types
                .iter()
                .map(DType::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ))
    };
    match f.typing() {
        Typing::Cast(t) => Ok(t),
        Typing::Float if all(DType::Float) => Ok(DType::Float),
        Typing::Number if alike && types[0] != DType::Bool => Ok(types[0]),
        Typing::Compare if alike && types[0] != DType::Bool => Ok(DType::Bool),
        Typing::Logic if all(DType::Bool) => Ok(DType::Bool),
        Typing::Select
            if types[0] == DType::Bool && types[1] == types[2] && types[1] != DType::Bool =>
        {
            Ok(types[1])
        }
        _ => wrong(),
    }
}
