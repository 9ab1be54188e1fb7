//! The reference: evaluates any graph one node at a time, either in f64, or as an f32 device does, with every value
//! rounded and sums in double precision. Integers are f64, too, so tests keep them below 2^53.
//!
//! Takes the graph, arrays for inputs and parameters, and values for the dimensions' symbols; returns one array for
//! each output. The values must agree before and after every pass.

pub mod array;
mod env;
mod map;
mod matmul;
pub mod reduce;
pub mod rows;
mod scan;
mod values;

use crate::ir::{DType, Graph, NodeId, Op};
use array::build;

pub use array::Array;
pub use env::{Env, Floats};
pub use values::Values;

/// The outputs' values.
pub fn eval(graph: &Graph, env: &Env) -> Vec<Array> {
    let values = eval_all(graph, env);
    graph
        .outputs
        .iter()
        .map(|o| values[o.index()][0].clone())
        .collect()
}

/// Every node's values.
pub fn eval_all(graph: &Graph, env: &Env) -> Vec<Vec<Array>> {
    let mut values: Vec<Vec<Array>> = Vec::new();
    for id in graph.ids() {
        let value = eval_node(graph, id, &values, env);
        values.push(value);
    }
    values
}

/// One node's values, from its operands'.
pub fn eval_node(graph: &Graph, id: NodeId, values: &[Vec<Array>], env: &Env) -> Vec<Array> {
    let mut results = exact(graph, id, values, env);
    let node = &graph[id];
    let types = std::iter::once(node.dtype).chain(node.more_results.iter().map(|t| t.1));
    for (array, dtype) in results.iter_mut().zip(types) {
        if dtype == DType::Float {
            array.data.iter_mut().for_each(|x| *x = env.round(*x));
        }
    }
    results
}

/// The same before the results are rounded.
fn exact(graph: &Graph, id: NodeId, values: &[Vec<Array>], env: &Env) -> Vec<Array> {
    let node = &graph[id];
    let x = |i: usize| &values[node.args[i].index()][0];
    let operands = || (0..node.args.len()).map(x).collect::<Vec<&Array>>();
    let shape = env.shape(&node.shape);
    vec![match &node.op {
        Op::Input { index } => env.inputs[*index].clone(),
        Op::Param { index } => env.params[*index].clone(),
        Op::Const(v) => Array {
            shape,
            data: vec![*v],
        },
        Op::Whole(v) => Array {
            shape,
            data: vec![*v as f64],
        },
        Op::Size(d) => Array {
            shape,
            data: vec![env.dim(d) as f64],
        },
        Op::Iota { dim } => build(&shape, |i| i[*dim] as f64),
        Op::Scalar(f) => Array::new(&shape, |at| {
            let args: Vec<f64> = (0..node.args.len()).map(|k| x(k).data[at]).collect();
            f.eval(&args)
        }),
        Op::Expand => {
            let lead = shape.len() - x(0).shape.len();
            build(&shape, |i| {
                let from: Vec<usize> = i[lead..]
                    .iter()
                    .zip(&x(0).shape)
                    .map(|(&i, &n)| if n == 1 { 0 } else { i })
                    .collect();
                x(0).at(&from)
            })
        }
        Op::Reshape | Op::Detach | Op::Barrier => Array {
            shape,
            data: x(0).data.clone(),
        },
        Op::Permute(dims) => build(&shape, |i| {
            let mut from = vec![0; i.len()];
            for (k, d) in dims.iter().enumerate() {
                from[*d] = i[k];
            }
            x(0).at(&from)
        }),
        Op::Slice { start, step } => build(&shape, |i| {
            let from: Vec<usize> = (0..i.len())
                .map(|d| env.dim(&start[d]) + i[d] * step[d] as usize)
                .collect();
            x(0).at(&from)
        }),
        Op::Reduce { kind, dims, body } => {
            let whole = match body {
                None => x(0).clone(),
                Some(b) => map::map(&b.0, &operands(), &env.shape(&b.1), env).swap_remove(0),
            };
            // Kernels round partial sums, in their own order.
            let partial = |x: f64| match env.floats {
                Floats::Random(_) => env.round(x),
                Floats::Double | Floats::Single => x,
            };
            let y = reduce::reduce(*kind, &whole, dims, &shape, partial);
            let rest = Array::new(&shape, |i| y.data[i] - env.round(y.data[i]));
            return std::iter::once(y)
                .chain((!node.more_results.is_empty()).then_some(rest))
                .collect();
        }
        Op::MatMul { ta, tb, epilogue } => {
            let product = matmul::matmul(x(0), x(1), *ta, *tb);
            match epilogue {
                None => product,
                Some(m) => {
                    let shape = product.shape.clone();
                    let mut operands = vec![&product];
                    operands.extend((2..node.args.len()).map(x));
                    return map::map(m, &operands, &shape, env);
                }
            }
        }
        Op::Map(m) => return map::map(m, &operands(), &shape, env),
        Op::Kernel(kind) => {
            let args = operands();
            return kind.eval(&Values { env, args, shape });
        }
        Op::Call(region) => {
            let inputs: Vec<Array> = (0..node.args.len()).map(|k| x(k).clone()).collect();
            return eval(
                &region.body,
                &Env {
                    inputs: &inputs,
                    params: &[],
                    dims: env.dims,
                    floats: env.floats,
                },
            );
        }
        Op::Scan(s) => return scan::scan(s, &operands(), env),
        Op::Get(k) => values[node.args[0].index()][*k].clone(),
    }]
}
