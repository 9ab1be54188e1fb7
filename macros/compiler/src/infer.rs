//! The shape rule of every op: from the operands' shapes and types to the result's.
//!
//! `Graph::push` uses it to build, `verify` to check. A broken rule is a bug in a pass, never the
//! user's mistake: those are told in `ops` and `layers`, in the user's words.

use crate::dim::{Dim, Shape, numel, show_shape};
use crate::ir::{Attention, DType, Graph, Integers, NodeId, Op, Role};
use crate::scalar::{Scalar, Typing};

/// The result's shape and type, or why the operands do not fit. `want` is the node's own shape for
/// the ops that carry it.
pub fn infer(
    graph: &Graph,
    op: &Op,
    args: &[NodeId],
    want: Option<&Shape>,
) -> Result<(Shape, DType), String> {
    let shape = |i: usize| -> Result<&Shape, String> {
        args.get(i)
            .map(|a| graph.shape(*a))
            .ok_or_else(|| format!("operand {i} is missing"))
    };
    let dtype = |i: usize| args.get(i).map_or(DType::Float, |a| graph[*a].dtype);
    let own = || {
        want.cloned()
            .ok_or_else(|| "the node's shape is missing".to_owned())
    };
    let without = |dim: usize| -> Result<Shape, String> {
        let mut s = shape(0)?.clone();
        if dim >= s.len() {
            return Err(format!("no dimension {dim} in {}", show_shape(&s)));
        }
        s.remove(dim);
        Ok(s)
    };
    Ok(match op {
        Op::Input { .. } | Op::Param { .. } | Op::Call(_) | Op::Scan(_) | Op::Custom(_) => {
            return Err("carries its own type".into());
        }
        Op::Const(_) | Op::Size(_) => (Vec::new(), DType::Float),
        Op::Iota { dim } => {
            let s = own()?;
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
                ensure(shape(i)? == shape(0)?, || {
                    format!("{} of {} and {}", f.name(), show(shape(0)), show(shape(i)))
                })?;
            }
            let types: Vec<DType> = (0..args.len()).map(dtype).collect();
            (shape(0)?.clone(), scalar_type(*f, &types)?)
        }
        Op::Expand => {
            let (from, to) = (shape(0)?, own()?);
            let fits = from.len() <= to.len()
                && from
                    .iter()
                    .rev()
                    .zip(to.iter().rev())
                    .all(|(a, b)| a == b || a.is_one());
            ensure(fits, || {
                format!("expand {} to {}", show_shape(from), show_shape(&to))
            })?;
            (to, dtype(0))
        }
        Op::Reshape => {
            let to = own()?;
            ensure(numel(shape(0)?) == numel(&to), || {
                format!("reshape {} to {}", show(shape(0)), show_shape(&to))
            })?;
            (to, dtype(0))
        }
        Op::Permute(dims) => {
            let s = shape(0)?;
            let mut sorted = dims.clone();
            sorted.sort_unstable();
            ensure(sorted.iter().copied().eq(0..s.len()), || {
                format!("permute {} by {dims:?}", show_shape(s))
            })?;
            (dims.iter().map(|d| s[*d].clone()).collect(), dtype(0))
        }
        Op::Slice { start, step } => {
            let (s, to) = (shape(0)?, own()?);
            ensure(
                start.len() == s.len() && step.len() == s.len() && to.len() == s.len(),
                || "slice rank".into(),
            )?;
            (to, dtype(0))
        }
        Op::Pad { low, step, .. } => {
            let (s, to) = (shape(0)?, own()?);
            ensure(
                low.len() == s.len() && step.len() == s.len() && to.len() == s.len(),
                || "pad rank".into(),
            )?;
            (to, dtype(0))
        }
        Op::Concat { dim } => {
            let mut s = shape(0)?.clone();
            for i in 1..args.len() {
                let t = shape(i)?;
                let fits = t.len() == s.len() && (0..s.len()).all(|d| d == *dim || t[d] == s[d]);
                ensure(fits && dtype(i) == dtype(0), || {
                    format!("concat {} and {}", show_shape(&s), show_shape(t))
                })?;
                s[*dim] = s[*dim].add(&t[*dim]);
            }
            (s, dtype(0))
        }
        Op::Flip(_) | Op::Detach | Op::Fresh => (shape(0)?.clone(), dtype(0)),
        Op::Reduce { dims, body, .. } => {
            let s = match body {
                Some(b) => b.1.clone(),
                None => shape(0)?.clone(),
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
        Op::Integers { f, .. } => {
            let from = match f {
                Integers::Cast => DType::Float,
                _ => DType::Int,
            };
            let pair = matches!(f, Integers::Add | Integers::Sub | Integers::Mul);
            let alike = (0..args.len()).all(|k| dtype(k) == from && shape(k) == shape(0));
            ensure(alike && args.len() == 1 + usize::from(pair), || {
                "operands of integers".into()
            })?;
            match f {
                Integers::Reduce { dim, .. } => (without(*dim)?, DType::Int),
                Integers::CumSum { dim } => {
                    without(*dim)?;
                    (shape(0)?.clone(), DType::Int)
                }
                _ => (shape(0)?.clone(), DType::Int),
            }
        }
        Op::ArgReduce { dim, .. } => (without(*dim)?, DType::Int),
        Op::LogSumExp { dim } => (without(*dim)?, DType::Float),
        Op::Softmax { dim, .. } | Op::CumSum { dim, .. } => {
            without(*dim)?;
            (shape(0)?.clone(), DType::Float)
        }
        Op::MatMul { ta, tb, .. } => {
            let (a, b) = (shape(0)?, shape(1)?);
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
        Op::Take { dim, .. } => {
            ensure(shape(1)?.len() == 1 && dtype(1) == DType::Int, || {
                "take's index".into()
            })?;
            let mut s = shape(0)?.clone();
            s[*dim] = shape(1)?[0].clone();
            (s, dtype(0))
        }
        Op::Put { dim, .. } => {
            let (x, index, source) = (shape(0)?, shape(1)?, shape(2)?);
            let mut part = x.clone();
            if let (Some(d), [count]) = (part.get_mut(*dim), index.as_slice()) {
                *d = count.clone();
            }
            let fits = index.len() == 1 && part == *source && dtype(2) == dtype(0);
            ensure(fits && dtype(1) == DType::Int, || {
                format!(
                    "put {} at {} of {}",
                    show_shape(source),
                    show_shape(index),
                    show_shape(x)
                )
            })?;
            (x.clone(), dtype(0))
        }
        Op::TakeGrad { dim, size, .. } | Op::GatherGrad { dim, size, .. } => {
            ensure(dtype(1) == DType::Int, || "an index is an integer".into())?;
            let mut s = shape(0)?.clone();
            s[*dim] = size.clone();
            (s, DType::Float)
        }
        Op::Gather { dim, .. } => {
            let (x, index) = (shape(0)?, shape(1)?);
            let fits =
                x.len() == index.len() && (0..x.len()).all(|d| d == *dim || x[d] == index[d]);
            ensure(fits && dtype(1) == DType::Int, || {
                format!("gather {} by {}", show_shape(x), show_shape(index))
            })?;
            (index.clone(), dtype(0))
        }
        Op::Conv { role, groups, .. } => {
            let result = own()?;
            let (x, w, y) = match role {
                Role::Y => (shape(0)?, shape(1)?, &result),
                Role::X => (&result, shape(1)?, shape(0)?),
                Role::W => (shape(0)?, &result, shape(1)?),
            };
            let fits = [x, w, y].iter().all(|s| s.len() == 4)
                && x[0] == y[0]
                && w[0] == y[1]
                && w[1].mul(groups) == x[1];
            ensure(fits, || {
                let [x, w, y] = [x, w, y].map(|s| show_shape(s));
                format!("convolution of {x} with {w} to {y} in {groups} groups")
            })?;
            (result, DType::Float)
        }
        Op::WindowArgMax { .. } => {
            let (x, result) = (shape(0)?, own()?);
            ensure(
                x.len() == 3 && result.len() == 3 && x[0] == result[0],
                || format!("windows of {} to {}", show_shape(x), show_shape(&result)),
            )?;
            (result, DType::Int)
        }
        Op::Attention(a) => attention(graph, a, args)?.swap_remove(0),
        Op::AttentionGrad(a) => attention_grad(graph, a, args)?.swap_remove(0),
        Op::Bernoulli { .. } => (own()?, DType::Bool),
        Op::Map(map) => {
            let first = map.results.first().copied().unwrap_or(0);
            (
                own()?,
                map.types.get(first).copied().unwrap_or(DType::Float),
            )
        }
        Op::Get(k) => {
            let node = args.first().map(|a| &graph[*a]).ok_or("get of nothing")?;
            match k.checked_sub(1) {
                None => (node.shape.clone(), node.dtype),
                Some(i) => node
                    .also
                    .get(i)
                    .cloned()
                    .ok_or_else(|| format!("get {k} of {} results", node.also.len() + 1))?,
            }
        }
    })
}

/// The results of attention.
pub fn attention(
    graph: &Graph,
    a: &Attention,
    args: &[NodeId],
) -> Result<Vec<(Shape, DType)>, String> {
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
pub fn attention_grad(
    graph: &Graph,
    a: &Attention,
    args: &[NodeId],
) -> Result<Vec<(Shape, DType)>, String> {
    let inputs = args.len().saturating_sub(3);
    let (inputs, saved) = args.split_at(inputs);
    let results = attention(graph, a, inputs)?;
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

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

fn show(shape: Result<&Shape, String>) -> String {
    shape.map_or_else(|e| e, |s: &Vec<Dim>| show_shape(s))
}
