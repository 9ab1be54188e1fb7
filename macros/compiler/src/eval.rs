//! The reference: evaluates any graph in f64, plainly, one node at a time; or as a device of f32
//! does, with every value rounded and sums in double precision.
//!
//! In: the graph, arrays for inputs and parameters, values for the dimensions' symbols.
//! Out: one array for each output. Before and after every pass the values must agree.

mod attention;

use crate::dim::{Atom, Dim};
use crate::ir::{
    Access, DType, Graph, Instr, Integers, Map, NodeId, Op, Reduce, Role, Scan, Windows,
};

/// An array of f64; integers and bools (0, 1) too.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Sizes.
    pub shape: Vec<usize>,
    /// Row-major elements.
    pub data: Vec<f64>,
}

impl Array {
    /// From sizes and a function of the flat index.
    pub fn new(shape: &[usize], f: impl FnMut(usize) -> f64) -> Array {
        Array {
            shape: shape.to_vec(),
            data: (0..shape.iter().product()).map(f).collect(),
        }
    }
    fn at(&self, index: &[usize]) -> f64 {
        self.data[flat(&self.shape, index)]
    }
}

/// What an evaluation is given.
pub struct Env<'a> {
    /// The function's arguments.
    pub inputs: &'a [Array],
    /// The network's parameters.
    pub params: &'a [Array],
    /// The value of each symbol.
    pub dims: &'a dyn Fn(&Atom) -> i64,
    /// How floats are held.
    pub floats: Floats,
}

/// How floats are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floats {
    /// In f64.
    Double,
    /// In f32: each is rounded to the nearest.
    Single,
    /// In f32: each is rounded up or down by chance, equal ones alike. What results of several seeds differ by
    /// shows how far rounding can reach (Monte Carlo arithmetic: Parker, 1997).
    Random(u64),
}

impl Floats {
    fn round(self, x: f64) -> f64 {
        let near = x as f32;
        match self {
            Floats::Double => x,
            Floats::Random(seed) if f64::from(near) != x && near.is_finite() => {
                let low = if f64::from(near) < x {
                    near
                } else {
                    near.next_down()
                };
                let mix = (x.to_bits() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let mix = (mix ^ (mix >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                f64::from(if mix >> 63 == 0 { low } else { low.next_up() })
            }
            Floats::Single | Floats::Random(_) => f64::from(near),
        }
    }
}

impl Env<'_> {
    fn dim(&self, d: &Dim) -> usize {
        usize::try_from(d.eval(self.dims).unwrap_or(0)).unwrap_or(0)
    }
    /// A float, as it is held.
    fn round(&self, x: f64) -> f64 {
        self.floats.round(x)
    }
    /// The sizes of a shape.
    pub fn shape(&self, shape: &[Dim]) -> Vec<usize> {
        shape.iter().map(|d| self.dim(d)).collect()
    }
}

fn flat(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |at, (n, i)| at * n + i)
}

fn unflat(shape: &[usize], mut at: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for d in (0..shape.len()).rev() {
        index[d] = at % shape[d];
        at /= shape[d];
    }
    index
}

/// An array whose element at each index is computed.
fn build(shape: &[usize], mut f: impl FnMut(&[usize]) -> f64) -> Array {
    Array::new(shape, |at| f(&unflat(shape, at)))
}

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
    let types = std::iter::once(node.dtype).chain(node.also.iter().map(|t| t.1));
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
        Op::Reshape | Op::Detach | Op::Fresh => Array {
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
        Op::Pad { low, step, value } => {
            let mut out = Array::new(&shape, |_| *value);
            for at in 0..x(0).data.len() {
                let i = unflat(&x(0).shape, at);
                let to: Vec<usize> = (0..i.len())
                    .map(|d| env.dim(&low[d]) + i[d] * step[d] as usize)
                    .collect();
                out.data[flat(&shape, &to)] = x(0).data[at];
            }
            out
        }
        Op::Concat { dim } => build(&shape, |i| {
            let mut i = i.to_vec();
            let mut k = 0;
            while i[*dim] >= x(k).shape[*dim] {
                i[*dim] -= x(k).shape[*dim];
                k += 1;
            }
            x(k).at(&i)
        }),
        Op::Flip(dims) => build(&shape, |i| {
            let from: Vec<usize> = (0..i.len())
                .map(|d| {
                    if dims.contains(&d) {
                        shape[d] - 1 - i[d]
                    } else {
                        i[d]
                    }
                })
                .collect();
            x(0).at(&from)
        }),
        Op::Reduce { kind, dims, body } => {
            let whole = match body {
                None => x(0).clone(),
                Some(b) => {
                    let operands: Vec<&Array> = (0..node.args.len()).map(x).collect();
                    eval_map(&b.0, &operands, &env.shape(&b.1), env).swap_remove(0)
                }
            };
            // As kernels add up, whose order of terms is their own.
            let partial = |x: f64| match env.floats {
                Floats::Random(_) => env.round(x),
                Floats::Double | Floats::Single => x,
            };
            let y = reduce(*kind, &whole, dims, &shape, partial);
            let rest = Array::new(&shape, |i| y.data[i] - env.round(y.data[i]));
            return std::iter::once(y)
                .chain((!node.also.is_empty()).then_some(rest))
                .collect();
        }
        Op::Integers { f, .. } => match f {
            Integers::Add => Array::new(&shape, |at| x(0).data[at] + x(1).data[at]),
            Integers::Sub => Array::new(&shape, |at| x(0).data[at] - x(1).data[at]),
            Integers::Mul => Array::new(&shape, |at| x(0).data[at] * x(1).data[at]),
            Integers::Cast => Array::new(&shape, |at| x(0).data[at].trunc()),
            Integers::Reduce { kind, dim } => reduce(*kind, x(0), &[*dim], &shape, |x| x),
            Integers::CumSum { dim } => along(x(0), *dim, &shape, running_sum),
        },
        Op::ArgReduce { largest, dim } => along(x(0), *dim, &shape, |row| {
            let better =
                |a: f64, b: f64| a.is_nan() && !b.is_nan() || if *largest { a > b } else { a < b };
            let mut best = 0;
            for (i, v) in row.iter().enumerate() {
                if better(*v, row[best]) {
                    best = i;
                }
            }
            vec![best as f64]
        }),
        Op::Softmax { log, dim } => along(x(0), *dim, &shape, |row| {
            let max = largest(row);
            let sum = log_of_sum(row, max, |x| env.round(x));
            let shifted = row.iter().map(|v| env.round(v - max));
            match log {
                true => shifted.map(|v| v - sum).collect(),
                false => {
                    let e: Vec<f64> = shifted.map(|v| env.round(v.exp())).collect();
                    let sum = env.round(e.iter().sum());
                    e.iter().map(|e| e / sum).collect()
                }
            }
        }),
        Op::LogSumExp { dim } => {
            let part = |f: &dyn Fn((f64, f64)) -> f64| {
                along(x(0), *dim, &shape, |row| {
                    vec![f(log_sum_exp(row, |x| env.round(x)))]
                })
            };
            return vec![part(&|p| p.0), part(&|p| p.1)];
        }
        Op::CumSum { dim, reverse } => along(x(0), *dim, &shape, |row| {
            let mut out = row.to_vec();
            let n = out.len();
            for i in 1..n {
                if *reverse {
                    out[n - 1 - i] += out[n - i];
                } else {
                    out[i] += out[i - 1];
                }
            }
            out
        }),
        Op::MatMul { ta, tb, epilogue } => {
            let product = matmul(x(0), x(1), *ta, *tb);
            match epilogue {
                None => product,
                Some(map) => {
                    let shape = product.shape.clone();
                    let mut operands = vec![&product];
                    operands.extend((2..node.args.len()).map(x));
                    return eval_map(map, &operands, &shape, env);
                }
            }
        }
        Op::Take { dim, .. } => build(&shape, |i| {
            let mut from = i.to_vec();
            from[*dim] = x(1).data[i[*dim]] as usize;
            x(0).at(&from)
        }),
        Op::Put { dim, .. } => {
            let mut out = x(0).clone();
            for at in 0..x(2).data.len() {
                let mut i = unflat(&x(2).shape, at);
                i[*dim] = x(1).data[i[*dim]] as usize;
                out.data[flat(&shape, &i)] = x(2).data[at];
            }
            out
        }
        Op::TakeGrad { dim, .. } => {
            scatter(x(0), &shape, |i, to| to[*dim] = x(1).data[i[*dim]] as usize)
        }
        Op::Gather { dim, .. } => build(&shape, |i| {
            let mut from = i.to_vec();
            from[*dim] = x(1).at(i) as usize;
            x(0).at(&from)
        }),
        Op::GatherGrad { dim, .. } => scatter(x(0), &shape, |i, to| to[*dim] = x(1).at(i) as usize),
        Op::Conv {
            role,
            windows,
            groups,
        } => convolution(env, *role, windows, env.dim(groups), [x(0), x(1)], &shape),
        Op::WindowArgMax { windows, kernel } => build(&shape, |i| {
            let mut best: Option<(f64, usize)> = None;
            for kh in 0..kernel[0] {
                for kw in 0..kernel[1] {
                    let at =
                        |d: usize, k: i64| windows.cell(env, d, i[1 + d], k, x(0).shape[1 + d]);
                    let (Some(h), Some(w)) = (at(0, kh), at(1, kw)) else {
                        continue;
                    };
                    let v = x(0).at(&[i[0], h, w]);
                    // Of several NaN the last.
                    if best.is_none_or(|(b, _)| v > b || v.is_nan()) {
                        best = Some((v, h * x(0).shape[2] + w));
                    }
                }
            }
            best.map_or(0.0, |b| b.1 as f64)
        }),
        Op::Attention(a) => return attention::forward(a, &operands()),
        Op::AttentionGrad(a) => return attention::backward(a, &operands()),
        Op::Bernoulli { keep, stream, .. } => {
            Array::new(&shape, |at| f64::from(u8::from(drawn(*keep, *stream, at))))
        }
        Op::Map(map) => {
            let operands: Vec<&Array> = (0..node.args.len()).map(x).collect();
            return eval_map(map, &operands, &shape, env);
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
        // Only the emitted code can call it.
        Op::Custom(_) => {
            let also = node.also.iter().map(|t| env.shape(&t.0));
            let unknown = |shape: Vec<usize>| Array::new(&shape, |_| f64::NAN);
            return std::iter::once(shape.clone())
                .chain(also)
                .map(unknown)
                .collect();
        }
        Op::Scan(s) => {
            let args: Vec<&Array> = (0..node.args.len()).map(x).collect();
            return scan(s, &args, env);
        }
        Op::Get(k) => values[node.args[0].index()][*k].clone(),
    }]
}

/// The results of a scan, step by step.
fn scan(s: &Scan, args: &[&Array], env: &Env) -> Vec<Array> {
    let (count, first) = (env.dim(&s.count), s.shared + s.carried);
    let mut carried: Vec<Array> = args[s.shared..first].iter().map(|a| (*a).clone()).collect();
    let mut stacked: Vec<Array> = s.results()[s.carried..]
        .iter()
        .map(|(shape, _)| Array::new(&env.shape(shape), |_| 0.0))
        .collect();
    for step in 0..count {
        let at = if s.reverse { count - 1 - step } else { step };
        let mut inputs: Vec<Array> = args[..s.shared].iter().map(|a| (*a).clone()).collect();
        inputs.extend(carried);
        inputs.extend(args[first..].iter().map(|a| {
            let len = a.data.len() / count;
            Array {
                shape: a.shape[1..].to_vec(),
                data: a.data[at * len..(at + 1) * len].to_vec(),
            }
        }));
        carried = eval(
            &s.body,
            &Env {
                inputs: &inputs,
                params: env.params,
                dims: env.dims,
                floats: env.floats,
            },
        );
        for (whole, part) in stacked.iter_mut().zip(carried.split_off(s.carried)) {
            let len = part.data.len();
            whole.data[at * len..(at + 1) * len].copy_from_slice(&part.data);
        }
    }
    carried.into_iter().chain(stacked).collect()
}

/// A draw's element. Any fixed sequence will do here: the distribution is the runtime's to test.
fn drawn(keep: f64, stream: u32, at: usize) -> bool {
    let mix = (at as u64 + 1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(17 + stream % 31);
    let u = (mix.wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 53) as f64;
    u < keep
}

/// The results of a map over `shape`.
fn eval_map(map: &Map, operands: &[&Array], shape: &[usize], env: &Env) -> Vec<Array> {
    let mut out: Vec<Array> = map
        .results
        .iter()
        .map(|_| Array::new(shape, |_| 0.0))
        .collect();
    for at in 0..shape.iter().product() {
        let index = unflat(shape, at);
        let mut steps: Vec<f64> = Vec::new();
        for (instr, dtype) in map.body.iter().zip(&map.types) {
            let value = match instr {
                Instr::Load(k) => operands[*k].at(&accessed(&map.access[*k], &index, env)),
                Instr::Iota(d) => index[*d] as f64,
                Instr::Const(_, bits) => f64::from_bits(*bits),
                Instr::Size(d) => env.dim(d) as f64,
                Instr::Apply(f, args) => {
                    f.eval(&args.iter().map(|a| steps[*a]).collect::<Vec<_>>())
                }
            };
            steps.push(match dtype {
                DType::Float => env.round(value),
                _ => value,
            });
        }
        for (result, array) in map.results.iter().zip(&mut out) {
            array.data[at] = steps[*result];
        }
    }
    out
}

fn accessed(access: &Access, index: &[usize], env: &Env) -> Vec<usize> {
    let mut from: Vec<usize> = access.start.iter().map(|s| env.dim(s)).collect();
    for (i, d) in access.dims.iter().enumerate() {
        if let Some(d) = d {
            from[*d] += index[i] * access.step[*d] as usize;
        }
    }
    from
}

/// A reduction over dimensions; `partial` holds partial sums.
fn reduce(
    kind: Reduce,
    x: &Array,
    dims: &[usize],
    shape: &[usize],
    partial: impl Fn(f64) -> f64,
) -> Array {
    let start = match kind {
        Reduce::Sum | Reduce::Mean => 0.0,
        Reduce::Max => f64::NEG_INFINITY,
        Reduce::Min => f64::INFINITY,
    };
    let mut out = Array::new(shape, |_| start);
    for (at, v) in x.data.iter().enumerate() {
        let index = unflat(&x.shape, at);
        let to: Vec<usize> = (0..index.len())
            .filter(|d| !dims.contains(d))
            .map(|d| index[d])
            .collect();
        let slot = &mut out.data[flat(shape, &to)];
        *slot = match kind {
            Reduce::Sum => partial(*slot + v),
            Reduce::Mean => *slot + v,
            Reduce::Max if slot.is_nan() || *slot > *v => *slot,
            Reduce::Min if slot.is_nan() || *slot < *v => *slot,
            _ => *v,
        };
    }
    if kind == Reduce::Mean {
        let n: usize = dims.iter().map(|d| x.shape[*d]).product();
        out.data.iter_mut().for_each(|y| *y /= n as f64);
    }
    out
}

/// Applies `f` to each row along `dim`; the result's rows go to the same places of `shape`, in
/// which `dim` is as long as they are, or missing if they are single.
fn along(x: &Array, dim: usize, shape: &[usize], f: impl Fn(&[f64]) -> Vec<f64>) -> Array {
    let mut out = Array::new(shape, |_| 0.0);
    let (n, inner): (usize, usize) = (x.shape[dim], x.shape[dim + 1..].iter().product());
    let outer: usize = x.shape[..dim].iter().product();
    for o in 0..outer {
        for i in 0..inner {
            let row: Vec<f64> = (0..n).map(|j| x.data[(o * n + j) * inner + i]).collect();
            let result = f(&row);
            let m = if shape.len() == x.shape.len() { n } else { 1 };
            for (j, v) in result.iter().enumerate().take(m) {
                out.data[(o * m + j) * inner + i] = *v;
            }
        }
    }
    out
}

fn running_sum(row: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    row.iter()
        .map(|v| {
            sum += v;
            sum
        })
        .collect()
}

/// `log(sum(exp(x - max)))`, where a 1 is the maximum's own, and `max`, or 0 where that is infinite.
fn log_sum_exp(row: &[f64], round: impl Fn(f64) -> f64) -> (f64, f64) {
    let max = largest(row);
    let max = if max.is_infinite() { 0.0 } else { max };
    (log_of_sum(row, max, round), max)
}

fn largest(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn log_of_sum(row: &[f64], max: f64, round: impl Fn(f64) -> f64) -> f64 {
    let (mut ones, mut rest) = (0.0, 0.0);
    for v in row {
        match round(round(v - max).exp()) {
            1.0 => ones += 1.0,
            e => rest += e,
        }
    }
    round((ones - 1.0 + rest).ln_1p())
}

fn matmul(a: &Array, b: &Array, ta: bool, tb: bool) -> Array {
    let r = a.shape.len() - 2;
    let (m, k) = if ta {
        (a.shape[r + 1], a.shape[r])
    } else {
        (a.shape[r], a.shape[r + 1])
    };
    let n = if tb { b.shape[r] } else { b.shape[r + 1] };
    let mut shape = a.shape[..r].to_vec();
    shape.extend([m, n]);
    build(&shape, |i| {
        let (g, i, j) = (&i[..r], i[r], i[r + 1]);
        let at = |x: &Array, t: bool, i: usize, j: usize| {
            let mut index = g.to_vec();
            index.extend(if t { [j, i] } else { [i, j] });
            x.at(&index)
        };
        (0..k).map(|l| at(a, ta, i, l) * at(b, tb, l, j)).sum()
    })
}

impl Windows {
    /// The image's index along dimension `d` (of the image) that cell k of window i lies on.
    fn cell(&self, env: &Env, d: usize, i: usize, k: i64, size: usize) -> Option<usize> {
        let at =
            i as i64 * self.stride[d] + k * self.dilation[d] - env.dim(&self.padding[d]) as i64;
        usize::try_from(at).ok().filter(|at| *at < size)
    }
}

/// All products of the form, each added where the result lies.
fn convolution(
    env: &Env,
    role: Role,
    windows: &Windows,
    groups: usize,
    args: [&Array; 2],
    shape: &[usize],
) -> Array {
    let mut out = Array::new(shape, |_| 0.0);
    let sizes = args.map(|a| a.shape.clone());
    let (x, w, y) = match role {
        Role::Y => (&sizes[0][..], &sizes[1][..], shape),
        Role::X => (shape, &sizes[1][..], &sizes[0][..]),
        Role::W => (&sizes[0][..], shape, &sizes[1][..]),
    };
    // Over (n, o, i, j) of y and (c, k, l) of w.
    let over = [y, &w[1..]].concat();
    for at in 0..over.iter().product() {
        let i = unflat(&over, at);
        let h = windows.cell(env, 0, i[2], i[5] as i64, x[2]);
        let v = windows.cell(env, 1, i[3], i[6] as i64, x[3]);
        let (Some(h), Some(v)) = (h, v) else { continue };
        let channel = i[1] / (w[0] / groups) * w[1] + i[4];
        let (xi, wi, yi) = ([i[0], channel, h, v], [i[1], i[4], i[5], i[6]], &i[..4]);
        match role {
            Role::Y => out.data[flat(y, yi)] += args[0].at(&xi) * args[1].at(&wi),
            Role::X => out.data[flat(x, &xi)] += args[0].at(yi) * args[1].at(&wi),
            Role::W => out.data[flat(w, &wi)] += args[0].at(&xi) * args[1].at(yi),
        }
    }
    out
}

fn scatter(dy: &Array, shape: &[usize], place: impl Fn(&[usize], &mut Vec<usize>)) -> Array {
    let mut out = Array::new(shape, |_| 0.0);
    for (at, v) in dy.data.iter().enumerate() {
        let index = unflat(&dy.shape, at);
        let mut to = index.clone();
        place(&index, &mut to);
        out.data[flat(shape, &to)] += v;
    }
    out
}
