//! Random graphs: every pass keeps every value, `verify` holds after each, and gradients agree with
//! finite differences of the reference evaluator. A failing case prints its seed and its graph.

mod common;

use netform_compiler::dim::{Atom, Dim, Shape};
use netform_compiler::eval::{Array, Env, Floats, eval};
use netform_compiler::gradient::autodiff;
use netform_compiler::ir::{DType, Graph, NodeId, Op, Reads, Reduce, Region, Scan};
use netform_compiler::kinds::attention::{Attention, Dropout};
use netform_compiler::kinds::concat::Concat;
use netform_compiler::kinds::conv::{Conv, Role};
use netform_compiler::kinds::cum_sum::CumSum;
use netform_compiler::kinds::gather::Gather;
use netform_compiler::kinds::pad::Pad;
use netform_compiler::kinds::put::Put;
use netform_compiler::kinds::softmax::Softmax;
use netform_compiler::kinds::take::Take;
use netform_compiler::kinds::windows::Windows;
use netform_compiler::passes::placement::Placement;
use netform_compiler::passes::verify::verify;
use netform_compiler::passes::{fuse, inline, memory, schedule, separate, simplify};
use netform_compiler::scalar::Scalar as S;
use netform_core::Number;
use proptest::prelude::*;

/// A counter-based generator: the same graph for the same seed.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The symbols' values in these tests.
fn size(atom: &Atom) -> i64 {
    match atom {
        Atom::Named(n) if n == "B" => 3,
        Atom::Named(n) if n == "T" => 4,
        _ => 5,
    }
}

fn dims(shape: &Shape) -> Vec<usize> {
    shape
        .iter()
        .map(|d| d.eval(&size).unwrap_or(0) as usize)
        .collect()
}

/// Builds a graph of two inputs, two parameters and some nodes; everything is smooth.
fn graph(rng: &mut Rng, nodes: usize) -> Graph {
    let (b, t) = (Dim::named("B"), Dim::named("T"));
    let sizes = [b.clone(), t, Dim::from(2), Dim::from(5), Dim::one()];
    let mut g = Graph::default();
    let shape = |rng: &mut Rng| -> Shape {
        let rank = rng.below(4);
        (0..rank).map(|_| rng.pick(&sizes)).collect()
    };
    for index in 0..2 {
        let s = shape(rng);
        g.add_typed(Op::Input { index }, &[], s, DType::Float);
    }
    for index in 0..2 {
        let s = shape(rng);
        g.add_typed(Op::Param { index }, &[], s, DType::Float);
    }
    let mut values: Vec<NodeId> = g.ids().collect();
    for _ in 0..nodes {
        let x = rng.pick(&values);
        let y = node(&mut g, rng, x, &values);
        values.push(y);
    }
    let last = values.len() - 1 - rng.below(3.min(values.len()));
    g.outputs = vec![values[last], values[values.len() - 1]];
    g
}

fn node(g: &mut Graph, rng: &mut Rng, x: NodeId, values: &[NodeId]) -> NodeId {
    let shape = g.shape(x).clone();
    let rank = shape.len();
    match rng.below(22) {
        0..=2 => {
            let f = rng.pick(&[S::Tanh, S::Sigmoid, S::Sin, S::Cos, S::Neg, S::Erf]);
            g.unary(f, x)
        }
        3..=5 => {
            let other = values
                .iter()
                .copied()
                .filter(|v| *g.shape(*v) == shape)
                .collect::<Vec<_>>();
            let y = rng.pick(&other);
            let f = rng.pick(&[S::Add, S::Sub, S::Mul]);
            g.scalar(f, &[x, y])
        }
        6 => {
            // Broadcast against a value whose trailing dimensions fit.
            let fits: Vec<NodeId> = values
                .iter()
                .copied()
                .filter(|v| {
                    let s = g.shape(*v);
                    s.len() <= rank
                        && s.iter()
                            .rev()
                            .zip(shape.iter().rev())
                            .all(|(a, b)| a == b || a.is_one())
                })
                .collect();
            match fits.is_empty() {
                true => x,
                false => {
                    let y = rng.pick(&fits);
                    let y = g.expand(y, &shape);
                    g.scalar(S::Mul, &[x, y])
                }
            }
        }
        7 if rank > 0 => match rng.below(3) {
            0 => {
                // Distances from a mean over neighbouring dimensions.
                let first = rng.below(rank);
                let dims: Vec<usize> = (first..first + 1 + rng.below(rank - first)).collect();
                let mut d = x;
                for part in g.mean_and_rest(x, &dims) {
                    let part = g.unreduce(part, &dims, &shape);
                    d = g.sub2(d, part);
                }
                d
            }
            1 => g.reduce(Reduce::Mean, x, &[rng.below(rank)]),
            _ => {
                let dims: Vec<usize> = (0..rank).filter(|_| rng.below(2) == 0).collect();
                let s = g.sum(x, &dims);
                g.unary(S::Tanh, s)
            }
        },
        8 if rank > 1 => {
            let mut order: Vec<usize> = (0..rank).collect();
            order.swap(rng.below(rank), rng.below(rank));
            g.permute(x, &order)
        }
        9 if rank > 0 => {
            let dim = rng.below(rank);
            let log = rng.below(2) == 0;
            g.push(Softmax { log, dim }, &[x], None)
        }
        10 if rank > 0 => {
            let dim = rng.below(rank);
            match rng.below(2) {
                0 => {
                    let [log, max] = g.log_sum_exp(x, dim);
                    g.add2(log, max)
                }
                _ => g.push(
                    CumSum {
                        dim,
                        reverse: rng.below(2) == 0,
                    },
                    &[x],
                    None,
                ),
            }
        }
        11 if rank == 2 => {
            // x'x and xx': a product with itself, transposed.
            let t = rng.below(2) == 0;
            let y = g.matmul(x, x, t, !t);
            g.scale(y, 0.2)
        }
        12 if rank > 0 => {
            // A slice that drops the first element of a literal dimension, padded again.
            let Some(dim) = (0..rank).find(|d| shape[*d].value().is_some_and(|v| v > 1)) else {
                return x;
            };
            let mut to = shape.clone();
            to[dim] = to[dim].sub(&Dim::one());
            let mut start = vec![Dim::from(0); rank];
            start[dim] = Dim::one();
            let step = vec![1; rank];
            let cut = g.push(
                Op::Slice {
                    start: start.clone(),
                    step: step.clone(),
                },
                &[x],
                Some(to),
            );
            let cut = g.unary(S::Sin, cut);
            match rng.below(2) {
                0 => g.push(
                    Pad {
                        low: start,
                        step,
                        value: Number::Float(0.5),
                    },
                    &[cut],
                    Some(shape),
                ),
                _ => g.push(Concat { dim }, &[cut, x], None),
            }
        }
        13 => {
            let s = g.expand(x, &shape);
            let flat = vec![netform_compiler::dim::numel(&shape)];
            let y = g.reshape(s, &flat);
            let y = g.scale(y, 0.7);
            g.reshape(y, &shape)
        }
        14 => {
            // A body: tanh(a) * a, called.
            let mut body = Graph::default();
            let a = body.add_typed(Op::Input { index: 0 }, &[], shape.clone(), DType::Float);
            let t = body.unary(S::Tanh, a);
            let p = body.mul2(t, a);
            body.outputs = vec![p, t];
            let types = vec![(shape.clone(), DType::Float); 2];
            let region = Region {
                name: "body".to_owned(),
                body,
                recompute: rng.below(2) == 0,
            };
            let all = g.add_many(Op::Call(Box::new(region)), &[x], &types);
            rng.pick(&all)
        }
        15 if rank > 0 => {
            // Picks along a dimension, by positions that are in range.
            let dim = rng.below(rank);
            let mut at = shape.clone();
            at[dim] = Dim::one();
            let index = g.full(0.0, DType::Int, &at);
            let what = Reads::default();
            let x = if rng.below(2) == 0 {
                g.push(Softmax { log: true, dim }, &[x], None)
            } else {
                x
            };
            g.push(Gather { dim, what }, &[x, index], None)
        }
        16..=18 if rank > 0 => scan(g, rng, x, values),
        19 if rank > 0 => {
            // The last elements of a literal dimension, read at their positions and put back changed.
            let Some(dim) = (0..rank).find(|d| shape[*d].value().is_some_and(|v| v > 1)) else {
                return x;
            };
            let count = shape[dim].sub(&Dim::one());
            let one = g.whole(1);
            let iota = g.iota(&vec![count], 0);
            let index = g.binary(S::Add, iota, one);
            let what = Reads::default();
            let part = g.push(
                Take {
                    dim,
                    what: what.clone(),
                },
                &[x, index],
                None,
            );
            let part = g.unary(S::Sin, part);
            g.push(Put { dim, what }, &[x, index, part], None)
        }
        20 if rank == 3 => convolution(g, rng, x, values),
        21 if rank == 3 => attention(g, rng, x, values),
        _ => {
            let zero = g.constant(0.0);
            let c = g.binary(S::Gt, x, zero);
            let e = g.unary(S::Tanh, x);
            let y = g.scale(x, 0.5);
            g.scalar(S::Where, &[c, e, y])
        }
    }
}

/// A convolution of `x` (N, C, L) with a value (O, C, k), with windows outside where possible.
fn convolution(g: &mut Graph, rng: &mut Rng, x: NodeId, values: &[NodeId]) -> NodeId {
    let shape = g.shape(x).clone();
    let fits: Vec<NodeId> = (values.iter().copied())
        .filter(|v| matches!(&g.shape(*v)[..], [_, c, _] if *c == shape[1]))
        .collect();
    let w = rng.pick(&fits);
    let (out, kernel) = (g.shape(w)[0].clone(), g.shape(w)[2].clone());
    let image = |g: &mut Graph, v: NodeId| g.unsqueeze(v, 2);
    let (x, w) = (image(g, x), image(g, w));
    let outside = kernel.sub(&Dim::one());
    let stride = 1 + rng.below(2) as i64;
    let count = shape[2].add(&outside).sub(&Dim::one());
    let count = count.div_floor(&Dim::from(stride)).add(&Dim::one());
    let op = Conv {
        role: Role::Y,
        windows: Windows {
            stride: [1, stride].map(Dim::from),
            padding: [Dim::from(0), outside],
            dilation: [1, 1].map(Dim::from),
        },
        groups: Dim::one(),
    };
    let to = vec![shape[0].clone(), out.clone(), Dim::one(), count.clone()];
    let y = g.push(op, &[x, w], Some(to));
    let y = g.scale(y, 0.2);
    g.reshape(y, &vec![shape[0].clone(), out, count])
}

/// Attention of `x` (B, T, E) to a value of its shape; a mask may depend on `x`.
fn attention(g: &mut Graph, rng: &mut Rng, x: NodeId, values: &[NodeId]) -> NodeId {
    let shape = g.shape(x).clone();
    let like: Vec<NodeId> = (values.iter().copied())
        .filter(|v| *g.shape(*v) == shape)
        .collect();
    let interleaved = rng.below(2) == 0;
    let keys = rng.pick(&like);
    let values = g.unary(S::Sin, keys);
    let at = if interleaved { 2 } else { 1 };
    let mut args: Vec<NodeId> = [x, keys, values].map(|x| g.unsqueeze(x, at)).into();
    let one = Dim::one();
    let row = vec![one.clone(), one.clone(), one.clone(), shape[1].clone()];
    match rng.below(3) {
        0 => args.push(g.full(0.3, DType::Float, &row)),
        1 => {
            let sums = g.sum(x, &[0, 2]);
            args.push(g.reshape(sums, &row));
        }
        _ => {}
    }
    let op = Attention {
        causal: rng.below(2) == 0,
        scale: Some(0.4.into()),
        interleaved,
        dropout: (rng.below(2) == 0).then_some(Dropout {
            p: 0.3.into(),
            stream: 5,
        }),
    };
    let y = g.kernel(op, &args, None)[0];
    g.reshape(y, &shape)
}

/// A scan over the first dimension of `x`: carries one or two values, reads another value in every
/// step, stacks some of its results.
fn scan(g: &mut Graph, rng: &mut Rng, x: NodeId, values: &[NodeId]) -> NodeId {
    let (count, part) = (g.shape(x)[0].clone(), g.shape(x)[1..].to_vec());
    let shared = rng.pick(values);
    let carried = 1 + rng.below(2);
    let mut args = vec![shared];
    let mut body = Graph::default();
    let input = |body: &mut Graph, shape: &Shape| {
        let index = body.nodes.len();
        body.add_typed(Op::Input { index }, &[], shape.clone(), DType::Float)
    };
    let mut inner = vec![input(&mut body, g.shape(shared))];
    for _ in 0..carried {
        let like: Vec<NodeId> = (values.iter().copied())
            .filter(|v| *g.shape(*v) == part)
            .collect();
        args.push(match like.is_empty() {
            true => g.full(0.3, DType::Float, &part),
            false => rng.pick(&like),
        });
        inner.push(input(&mut body, &part));
    }
    args.push(x);
    inner.push(input(&mut body, &part));
    // Products of the step's slice, where it is a matrix, and a few random nodes.
    if let (2, [n, _]) = (part.len(), &part[..])
        && *g.shape(shared) == vec![n.clone(), part[1].clone()]
    {
        let y = body.matmul(inner[0], inner[inner.len() - 1], true, false);
        let y = body.scale(y, 0.3);
        inner.push(y);
    }
    for _ in 0..1 + rng.below(5) {
        let x = rng.pick(&inner);
        let y = node(&mut body, rng, x, &inner.clone());
        inner.push(y);
    }
    let same: Vec<NodeId> = (inner.iter().copied())
        .filter(|v| *body.shape(*v) == part)
        .collect();
    for _ in 0..carried {
        let (a, b) = (rng.pick(&same), rng.pick(&same));
        let next = match rng.below(3) {
            0 => a,
            1 => body.add2(a, b),
            _ => body.unary(S::Tanh, a),
        };
        body.outputs.push(next);
    }
    for _ in 0..1 + rng.below(2) {
        let y = rng.pick(&inner);
        body.outputs.push(y);
    }
    let scan = Scan {
        name: "scan".to_owned(),
        body,
        count,
        reverse: rng.below(2) == 0,
        shared: 1,
        carried,
    };
    let types = scan.results();
    let all = g.add_many(Op::Scan(Box::new(scan)), &args, &types);
    rng.pick(&all)
}

/// Values for the inputs and parameters, in the order of their indices.
fn leaves(g: &Graph, rng: &mut Rng) -> (Vec<Array>, Vec<Array>) {
    let (mut inputs, mut params) = (Vec::new(), Vec::new());
    for n in &g.nodes {
        let a = Array::new(&dims(&n.shape), |_| rng.unit() * 2.0 - 1.0);
        match n.op {
            Op::Input { .. } => inputs.push(a),
            Op::Param { .. } => params.push(a),
            _ => {}
        }
    }
    (inputs, params)
}

/// The same with all sizes of f32, each array of one kind: near each other with a large mean, of any exponent, all
/// equal.
fn wide_leaves(g: &Graph, rng: &mut Rng) -> (Vec<Array>, Vec<Array>) {
    let (mut inputs, mut params) = leaves(g, rng);
    for array in inputs.iter_mut().chain(&mut params) {
        let (kind, size) = (rng.below(5), rng.pick(&[1e-30, 1e-4, 1.0, 1e4, 1e7, 1e30]));
        for x in &mut array.data {
            let value = match kind {
                0 => size + 3.0 * *x,
                1 => *x * 10f64.powf(60.0 * rng.unit() - 30.0),
                2 => size,
                3 => *x * size,
                _ => *x,
            };
            *x = f64::from(value as f32);
        }
    }
    (inputs, params)
}

/// A unit in the last place of f32.
fn unit_of(x: f64) -> f64 {
    let next = f32::from_bits((x.abs() as f32).to_bits() + 1);
    (f64::from(next) - f64::from(x.abs() as f32)).max(f64::from(f32::from_bits(1)))
}

/// The error of each result of a graph in f32. Rounding to nearest alone may be close by luck.
fn errors(env: &dyn Fn(Floats) -> Vec<Array>, rng: &mut Rng) -> Vec<Vec<f64>> {
    let want = env(Floats::Double);
    let mut errors: Vec<Vec<f64>> = want.iter().map(|w| vec![0.0; w.data.len()]).collect();
    for trial in 0..8 {
        let got = env(match trial {
            0 => Floats::Single,
            _ => Floats::Random(rng.next()),
        });
        for ((errors, want), got) in errors.iter_mut().zip(&want).zip(&got) {
            for ((error, w), b) in errors.iter_mut().zip(&want.data).zip(&got.data) {
                let off = (b - w).abs();
                if off.is_finite() {
                    *error = error.max(off);
                }
            }
        }
    }
    errors
}

/// On an f32 device, values after every pass are as close to the exact ones as before the first: at most twice the
/// error, and four units in the last place.
fn check_single(g: &Graph, rng: &mut Rng) -> Result<(), TestCaseError> {
    let (inputs, params) = wide_leaves(g, rng);
    let held = |g: &Graph, floats| {
        let (inputs, params) = (&inputs[..], &params[..]);
        eval(
            g,
            &Env {
                inputs,
                params,
                dims: &size,
                floats,
            },
        )
    };
    let (want, before) = (held(g, Floats::Double), held(g, Floats::Single));
    let errors = errors(&|floats| held(g, floats), rng);
    let mut at = g.clone();
    for (name, pass) in PASSES {
        at = pass(&at);
        let after = held(&at, Floats::Single);
        let each = want.iter().zip(&before).zip(&after).zip(&errors);
        for (((want, before), after), errors) in each {
            for (i, error) in errors.iter().enumerate() {
                let [w, b, a] = [want, before, after].map(|v| v.data[i]);
                if !w.is_finite() || w.abs() > f64::from(f32::MAX) || !b.is_finite() {
                    continue;
                }
                let bound = 2.0 * error + 4.0 * unit_of(w);
                prop_assert!(
                    (a - w).abs() <= bound,
                    "{} made {} of {}, which is {}\nfrom\n{}\nto\n{}\n{:?} {:?}",
                    name,
                    a,
                    b,
                    w,
                    g,
                    at,
                    inputs,
                    params
                );
            }
        }
    }
    Ok(())
}

fn close(a: &[Array], b: &[Array]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a.shape == b.shape
                && a.data
                    .iter()
                    .zip(&b.data)
                    .all(|(x, y)| (x - y).abs() <= 1e-9 * (1.0 + y.abs()))
        })
}

/// The graph with its backward: outputs, then the gradients of inputs and parameters of the sum of
/// the outputs.
fn with_gradients(g: &Graph) -> Graph {
    let mut g = g.clone();
    let wrt: Vec<NodeId> = g
        .ids()
        .filter(|id| matches!(g[*id].op, Op::Input { .. } | Op::Param { .. }))
        .collect();
    let mut seeds: Vec<(NodeId, NodeId)> = Vec::new();
    for o in g.outputs.clone() {
        let shape = g.shape(o).clone();
        seeds.push((o, g.full(1.0, DType::Float, &shape)));
    }
    let grads = autodiff::gradients(&mut g, &seeds, &wrt);
    for (w, grad) in wrt.into_iter().zip(grads) {
        let shape = g.shape(w).clone();
        let grad = grad.unwrap_or_else(|| g.full(0.0, DType::Float, &shape));
        g.outputs.push(grad);
    }
    g
}

type Pass = fn(&Graph) -> Graph;

const PASSES: [(&str, Pass); 7] = [
    ("inline", inline::inline),
    ("simplify", simplify::simplify),
    ("simplify again", simplify::simplify),
    ("fuse", fuse::fuse),
    ("separate bodies", |g| separate::bodies(g.clone())),
    ("separate outputs", |g| {
        separate::outputs(g.clone(), &Placement::default())
    }),
    ("schedule", |g| {
        schedule::schedule(g.clone(), &Placement::default())
    }),
];

fn check_passes(g: &Graph, rng: &mut Rng) -> Result<(), TestCaseError> {
    let (inputs, params) = leaves(g, rng);
    let env = Env {
        inputs: &inputs,
        params: &params,
        dims: &size,
        floats: Floats::Double,
    };
    let want = eval(g, &env);
    let mut at = g.clone();
    for (name, pass) in PASSES {
        let next = pass(&at);
        if let Err(why) = verify(&next) {
            return Err(TestCaseError::fail(format!(
                "after {name}: {why}\nfrom\n{at}"
            )));
        }
        let got = eval(&next, &env);
        prop_assert!(
            close(&got, &want),
            "{} changed a value\nfrom\n{}\nto\n{}",
            name,
            at,
            next
        );
        prop_assert!(
            name != "schedule"
                || memory::bytes(&next, &Placement::default())
                    <= memory::bytes(&at, &Placement::default()),
            "the schedule takes more memory\nfrom\n{}\nto\n{}",
            at,
            next
        );
        at = next;
    }
    places(&at, &Placement::default(), &env, &want)
}

/// Values kept from call to call, replaced by others of the same shape: in place where the plan finds no later read of
/// the old ones.
fn check_kept(mut g: Graph, rng: &mut Rng) -> Result<(), TestCaseError> {
    let mut placement = Placement::default();
    let inputs = g.inputs();
    for (entry, input) in inputs.iter().enumerate() {
        let shape = g.shape(*input).clone();
        let like: Vec<NodeId> = (g.ids())
            .filter(|v| *g.shape(*v) == shape && v != input)
            .collect();
        let next = match like.is_empty() {
            true => g.unary(S::Tanh, *input),
            false => rng.pick(&like),
        };
        placement.states.push((entry, entry));
        placement.kept.push((g.outputs.len(), entry));
        g.outputs.push(next);
    }
    let (inputs, params) = leaves(&g, rng);
    let env = Env {
        inputs: &inputs,
        params: &params,
        dims: &size,
        floats: Floats::Double,
    };
    let want = eval(&g, &env);
    let fused = fuse::fuse(&simplify::simplify(&inline::inline(&g)));
    let owned = separate::outputs(separate::bodies(fused), &placement);
    let planned = schedule::schedule(owned, &placement);
    places(&planned, &placement, &env, &want)
}

/// The plan's places give the same values.
fn places(
    g: &Graph,
    placement: &Placement,
    env: &Env,
    want: &[Array],
) -> Result<(), TestCaseError> {
    let m = memory::memory(g, placement);
    let got = common::run(g, &m, env);
    prop_assert!(
        close(&got, want),
        "a place is taken too early\n{}\n{:?}\n{:?}",
        g,
        m.place,
        m.bodies
    );
    Ok(())
}

fn check_gradients(g: &Graph, rng: &mut Rng) -> Result<(), TestCaseError> {
    let whole = with_gradients(g);
    verify(&whole).map_err(TestCaseError::fail)?;
    let (inputs, params) = leaves(g, rng);
    let env = Env {
        inputs: &inputs,
        params: &params,
        dims: &size,
        floats: Floats::Double,
    };
    let got = eval(&whole, &env);
    let sum = |inputs: &[Array], params: &[Array]| -> f64 {
        let env = Env {
            inputs,
            params,
            dims: &size,
            floats: Floats::Double,
        };
        eval(g, &env).iter().flat_map(|a| &a.data).sum()
    };
    let size_of_outputs: f64 = (got[..g.outputs.len()].iter())
        .flat_map(|a| &a.data)
        .map(|x| x.abs())
        .sum();
    let mut leaf = 0;
    for (is_param, arrays) in [(false, &inputs), (true, &params)] {
        for k in 0..arrays.len() {
            let grad = &got[g.outputs.len() + leaf];
            leaf += 1;
            for e in 0..arrays[k].data.len() {
                let h = 1e-5;
                let moved = |by: f64| {
                    let (mut i, mut p) = (inputs.clone(), params.clone());
                    let side = if is_param { &mut p } else { &mut i };
                    side[k].data[e] += by;
                    sum(&i, &p)
                };
                let numeric = (moved(h) - moved(-h)) / (2.0 * h);
                let error = (numeric - grad.data[e]).abs();
                // The rounding of large outputs in a small difference.
                let noise = 4.0 * f64::EPSILON * size_of_outputs / h;
                // A step or a corner within `h`, such as that of `where(x > 0, ..)` at 0: no difference is a derivative.
                let bend = || (moved(h) - 2.0 * moved(0.0) + moved(-h)).abs() / h;
                prop_assert!(
                    error <= 1e-5 * (1.0 + numeric.abs()) + noise
                        || bend() > 1e-2 * (1.0 + numeric.abs()) + noise,
                    "gradient {} of leaf {leaf}: {} against {numeric}\n{g}",
                    e,
                    grad.data[e]
                );
            }
        }
    }
    Ok(())
}

/// 300 of each, or the number in `NETFORM_CASES`.
fn cases() -> u32 {
    let wanted = std::env::var("NETFORM_CASES").ok();
    wanted.and_then(|n| n.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn passes_keep_values(seed: u64, nodes in 1usize..14) {
        let mut rng = Rng(seed);
        let g = graph(&mut rng, nodes);
        verify(&g).map_err(TestCaseError::fail)?;
        check_passes(&g, &mut rng)?;
    }

    #[test]
    fn passes_keep_gradients(seed: u64, nodes in 1usize..10) {
        let mut rng = Rng(seed);
        let g = with_gradients(&graph(&mut rng, nodes));
        check_passes(&g, &mut rng)?;
    }

    #[test]
    fn passes_keep_the_accuracy_of_f32(seed: u64, nodes in 1usize..12) {
        let mut rng = Rng(seed);
        let g = graph(&mut rng, nodes);
        check_single(&g, &mut rng)?;
        check_single(&with_gradients(&g), &mut rng)?;
    }

    #[test]
    fn what_is_kept_is_not_overwritten_too_early(seed: u64, nodes in 1usize..14) {
        let mut rng = Rng(seed);
        let g = graph(&mut rng, nodes);
        check_kept(g, &mut rng)?;
    }

    #[test]
    fn gradients_agree_with_finite_differences(seed: u64, nodes in 1usize..8) {
        let mut rng = Rng(seed);
        let g = graph(&mut rng, nodes);
        check_gradients(&g, &mut rng)?;
    }

    #[test]
    fn second_derivatives_agree_with_finite_differences(seed: u64, nodes in 1usize..5) {
        let mut rng = Rng(seed);
        // The gradients, as a function of the same leaves, are differentiated again.
        let mut g = with_gradients(&graph(&mut rng, nodes));
        g.outputs.drain(..2);
        check_gradients(&g, &mut rng)?;
    }
}
