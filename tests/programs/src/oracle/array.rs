//! Arrays of numbers on a tape, and the ops on them: plain loops over indices.

use super::tape::{Id, Tape};
use crate::ast::{Binary, Op, Unary};

/// An array; `data` are numbers on a tape, row by row. Integers are numbers, too.
#[derive(Clone, Debug)]
pub struct Array {
    /// Sizes.
    pub shape: Vec<usize>,
    /// Elements.
    pub data: Vec<Id>,
}

impl Array {
    /// An array from a function of the index.
    pub fn build(shape: &[usize], mut f: impl FnMut(&[usize]) -> Id) -> Array {
        let count: usize = shape.iter().product();
        let mut index = vec![0; shape.len()];
        let mut data = Vec::with_capacity(count);
        for _ in 0..count {
            data.push(f(&index));
            for d in (0..shape.len()).rev() {
                index[d] += 1;
                if index[d] < shape[d] {
                    break;
                }
                index[d] = 0;
            }
        }
        Array {
            shape: shape.to_vec(),
            data,
        }
    }

    /// The element at an index.
    pub fn at(&self, index: &[usize]) -> Id {
        let flat = self.shape.iter().zip(index).fold(0, |at, (n, i)| {
            assert!(i < n, "{index:?} of {:?}", self.shape);
            at * n + i
        });
        self.data[flat]
    }

    /// The element at the index of an array to which this one broadcasts.
    pub fn broadcast(&self, index: &[usize]) -> Id {
        let lead = index.len() - self.shape.len();
        let own: Vec<usize> = (index[lead..].iter().zip(&self.shape))
            .map(|(i, n)| if *n == 1 { 0 } else { *i })
            .collect();
        self.at(&own)
    }

    /// The part at index `i` of a dimension, which vanishes.
    pub fn select(&self, dim: usize, i: usize) -> Array {
        let mut shape = self.shape.clone();
        shape.remove(dim);
        Array::build(&shape, |index| {
            let mut from = index.to_vec();
            from.insert(dim, i);
            self.at(&from)
        })
    }

    /// The same elements, each copied to a new number.
    pub fn fresh(&self, t: &mut Tape) -> Array {
        Array {
            shape: self.shape.clone(),
            data: self.data.iter().map(|x| t.copy(*x)).collect(),
        }
    }

    /// A dimension counted from the end, if negative.
    pub fn dim(&self, dim: i64) -> usize {
        let rank = self.shape.len() as i64;
        (if dim < 0 { dim + rank } else { dim }) as usize
    }

    /// A function of each row along a dimension: as many numbers as the row has, or one.
    fn rows(&self, dim: usize, keep: bool, f: &mut dyn FnMut(&[Id]) -> Vec<Id>) -> Array {
        let rest = self.select(dim, 0).shape;
        let mut results: Vec<(Vec<usize>, Vec<Id>)> = Vec::new();
        Array::build(&rest, |index| {
            let at = |i: usize| {
                let mut from = index.to_vec();
                from.insert(dim, i);
                self.at(&from)
            };
            let row: Vec<Id> = (0..self.shape[dim]).map(at).collect();
            results.push((index.to_vec(), f(&row)));
            0
        });
        let long = results[0].1.len();
        let mut shape = rest;
        if keep {
            shape.insert(dim, long);
        }
        let ranked = shape.len() == self.shape.len();
        Array::build(&shape, |index| {
            let mut rest = index.to_vec();
            let i = if ranked { rest.remove(dim) } else { 0 };
            let found = results.iter().find(|(at, _)| *at == rest);
            found.map_or(0, |(_, row)| row[i])
        })
    }
}

/// Two arrays' common shape.
pub fn common(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let at = |s: &[usize], d: usize| (d + s.len()).checked_sub(rank).map_or(1, |d| s[d]);
    (0..rank)
        .map(|d| {
            let (m, n) = (at(a, d), at(b, d));
            assert!(m == n || m == 1 || n == 1, "{a:?} and {b:?}");
            if m == 1 { n } else { m }
        })
        .collect()
}

/// An operator, element by element.
pub fn binary(t: &mut Tape, op: Binary, a: &Array, b: &Array) -> Array {
    Array::build(&common(&a.shape, &b.shape), |index| {
        let (x, y) = (a.broadcast(index), b.broadcast(index));
        match op {
            Binary::Add => t.add(x, y),
            Binary::Sub => t.sub(x, y),
            Binary::Mul => t.mul(x, y),
            Binary::Div => t.div(x, y),
        }
    })
}

/// An elementwise function of a number, from its formula.
pub fn unary(t: &mut Tape, f: Unary, x: Id) -> Id {
    match f {
        Unary::Neg => t.neg(x),
        Unary::Tanh => t.tanh(x),
        Unary::Sin => t.sin(x),
        Unary::Cos => t.cos(x),
        Unary::Erf => t.erf(x),
        Unary::Exp => t.exp(x),
        Unary::Log => t.log(x),
        Unary::Sqrt => t.sqrt(x),
        Unary::Reciprocal => t.recip(x),
        Unary::Square => t.mul(x, x),
        Unary::Sigmoid => {
            let minus = t.neg(x);
            let e = t.exp(minus);
            let below = t.shift(e, 1.0);
            t.recip(below)
        }
        Unary::Silu => {
            let s = unary(t, Unary::Sigmoid, x);
            t.mul(x, s)
        }
        Unary::Gelu => {
            let scaled = t.scale(x, std::f64::consts::FRAC_1_SQRT_2);
            let e = t.erf(scaled);
            let one = t.shift(e, 1.0);
            let half = t.scale(x, 0.5);
            t.mul(half, one)
        }
        Unary::GeluTanh => {
            let square = t.mul(x, x);
            let cube = t.mul(square, x);
            let small = t.scale(cube, 0.044_715);
            let inner = t.add(x, small);
            let inner = t.scale(inner, (2.0 / std::f64::consts::PI).sqrt());
            let inner = t.tanh(inner);
            let one = t.shift(inner, 1.0);
            let half = t.scale(x, 0.5);
            t.mul(half, one)
        }
        Unary::Softplus => {
            let e = t.exp(x);
            let one = t.shift(e, 1.0);
            t.log(one)
        }
        Unary::LogSigmoid => {
            let minus = t.neg(x);
            let s = unary(t, Unary::Softplus, minus);
            t.neg(s)
        }
        Unary::Mish => {
            let s = unary(t, Unary::Softplus, x);
            let s = t.tanh(s);
            t.mul(x, s)
        }
        Unary::TanhShrink => {
            let y = t.tanh(x);
            t.sub(x, y)
        }
        Unary::Exp2 => {
            let scaled = t.scale(x, std::f64::consts::LN_2);
            t.exp(scaled)
        }
        Unary::ExpM1 => {
            let e = t.exp(x);
            t.shift(e, -1.0)
        }
        Unary::Log1p => {
            let one = t.shift(x, 1.0);
            t.log(one)
        }
        Unary::Rsqrt => {
            let root = t.sqrt(x);
            t.recip(root)
        }
        Unary::Cosh => {
            let minus = t.neg(x);
            let (a, b) = (t.exp(x), t.exp(minus));
            let sum = t.add(a, b);
            t.scale(sum, 0.5)
        }
    }
}

/// The largest element, plus the logarithm of the sum of `exp(x - max)`.
fn log_sum(t: &mut Tape, row: &[Id]) -> Id {
    let most = row
        .iter()
        .map(|x| t.value(*x))
        .fold(f64::NEG_INFINITY, f64::max);
    let parts: Vec<Id> = (row.iter())
        .map(|x| {
            let less = t.shift(*x, -most);
            t.exp(less)
        })
        .collect();
    let sum = t.sum(&parts);
    let log = t.log(sum);
    t.shift(log, most)
}

fn mean(t: &mut Tape, row: &[Id]) -> Id {
    let sum = t.sum(row);
    t.scale(sum, 1.0 / row.len() as f64)
}

fn log_softmax(t: &mut Tape, row: &[Id]) -> Vec<Id> {
    let all = log_sum(t, row);
    row.iter().map(|x| t.sub(*x, all)).collect()
}

/// `y = (x - mean) / sqrt(var + eps)`, or without the mean.
pub fn normalised(t: &mut Tape, x: &Array, centred: bool, eps: f64) -> Array {
    x.rows(x.shape.len() - 1, true, &mut |row| {
        let mut row = row.to_vec();
        if centred {
            let m = mean(t, &row);
            row = row.iter().map(|x| t.sub(*x, m)).collect();
        }
        let squares: Vec<Id> = row.iter().map(|x| t.mul(*x, *x)).collect();
        let var = mean(t, &squares);
        let var = t.shift(var, eps);
        let scale = unary(t, Unary::Rsqrt, var);
        row.iter().map(|x| t.mul(*x, scale)).collect()
    })
}

/// Sums of products: the last dimension of `a` with the last but one of `b`.
pub fn matmul(t: &mut Tape, a: &Array, b: &Array) -> Array {
    let (m, n) = (a.shape.len(), b.shape.len());
    let vector = (m == 1, n == 1);
    let two = |x: &Array, at: usize| {
        let mut shape = x.shape.clone();
        shape.insert(at, 1);
        Array {
            shape,
            data: x.data.clone(),
        }
    };
    let a = if vector.0 { two(a, 0) } else { a.clone() };
    let b = if vector.1 { two(b, 1) } else { b.clone() };
    let (ra, rb) = (a.shape.len() - 2, b.shape.len() - 2);
    let lead = common(&a.shape[..ra], &b.shape[..rb]);
    let shape = [&lead[..], &[a.shape[ra], b.shape[rb + 1]]].concat();
    let batch = |x: &Array, index: &[usize], own: &[usize]| {
        let r = x.shape.len() - 2;
        let lead = &index[index.len() - r..];
        let mut at: Vec<usize> = (lead.iter().zip(&x.shape))
            .map(|(i, n)| if *n == 1 { 0 } else { *i })
            .collect();
        at.extend(own);
        x.at(&at)
    };
    assert_eq!(a.shape[ra + 1], b.shape[rb]);
    let mut y = Array::build(&shape, |index| {
        let (lead, at) = index.split_at(index.len() - 2);
        let parts: Vec<Id> = (0..b.shape[rb])
            .map(|k| {
                let (x, y) = (batch(&a, lead, &[at[0], k]), batch(&b, lead, &[k, at[1]]));
                t.mul(x, y)
            })
            .collect();
        t.sum(&parts)
    });
    if vector.1 {
        y.shape.pop();
    }
    if vector.0 {
        y.shape.remove(y.shape.len() - if vector.1 { 1 } else { 2 });
    }
    y
}

/// `einsum`, index by index.
fn einsum(t: &mut Tape, equation: &str, x: &[Array]) -> Array {
    let (left, right) = equation.split_once("->").unwrap_or((equation, ""));
    let terms: Vec<Vec<char>> = left.split(',').map(|s| s.chars().collect()).collect();
    let mut names: Vec<char> = right.chars().collect();
    for c in terms.iter().flatten() {
        if !names.contains(c) {
            names.push(*c);
        }
    }
    let size = |c: &char| {
        let found = terms.iter().zip(x).find_map(|(term, x)| {
            let at = term.iter().position(|d| d == c)?;
            Some(x.shape[at])
        });
        found.unwrap_or(1)
    };
    let sizes: Vec<usize> = names.iter().map(size).collect();
    let (free, summed) = sizes.split_at(right.len());
    Array::build(free, |outer| {
        let mut parts = Vec::new();
        Array::build(summed, |inner| {
            let index = [outer, inner].concat();
            let factors: Vec<Id> = (terms.iter().zip(x))
                .map(|(term, x)| {
                    let place = |c: &char| names.iter().position(|n| n == c).unwrap_or(0);
                    let at: Vec<usize> = term.iter().map(|c| index[place(c)]).collect();
                    x.at(&at)
                })
                .collect();
            let product = (factors[1..].iter()).fold(factors[0], |p, x| t.mul(p, *x));
            parts.push(product);
            0
        });
        t.sum(&parts)
    })
}

fn permuted(x: &Array, order: &[usize]) -> Array {
    let shape: Vec<usize> = order.iter().map(|d| x.shape[*d]).collect();
    Array::build(&shape, |index| {
        let mut from = vec![0; index.len()];
        for (i, d) in order.iter().enumerate() {
            from[*d] = index[i];
        }
        x.at(&from)
    })
}

fn attention(t: &mut Tape, x: &[Array], causal: bool) -> Array {
    let (q, k, v) = (&x[0], &x[1], &x[2]);
    let rank = q.shape.len();
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(rank - 2, rank - 1);
    let mut scores = matmul(t, q, &permuted(k, &order));
    let by = 1.0 / (q.shape[rank - 1] as f64).sqrt();
    let shape = scores.shape.clone();
    scores = Array::build(&shape, |index| {
        if causal && index[rank - 1] > index[rank - 2] {
            // Low enough to have no weight.
            return t.leaf(-300.0);
        }
        t.scale(scores.at(index), by)
    });
    let weights = op(t, &Op::Softmax(-1), &[scores], &[]);
    matmul(t, &weights, v)
}

/// An op. `to`: the sizes in its arguments. Results are new numbers.
pub fn op(t: &mut Tape, op: &Op, x: &[Array], to: &[usize]) -> Array {
    let first = &x[0];
    let rank = first.shape.len();
    let result = match op {
        Op::Sum(None, _) => Array {
            shape: Vec::new(),
            data: vec![t.sum(&first.data)],
        },
        Op::Mean(None, _) => Array {
            shape: Vec::new(),
            data: vec![mean(t, &first.data)],
        },
        Op::Sum(Some(d), keep) => first.rows(first.dim(*d), *keep, &mut |row| vec![t.sum(row)]),
        Op::Mean(Some(d), keep) => first.rows(first.dim(*d), *keep, &mut |row| vec![mean(t, row)]),
        Op::Var(d) => first.rows(first.dim(*d), false, &mut |row| {
            let m = mean(t, row);
            let squares: Vec<Id> = (row.iter())
                .map(|x| {
                    let off = t.sub(*x, m);
                    t.mul(off, off)
                })
                .collect();
            vec![mean(t, &squares)]
        }),
        Op::LogSumExp(d) => first.rows(first.dim(*d), false, &mut |row| vec![log_sum(t, row)]),
        Op::Softmax(d) => first.rows(first.dim(*d), true, &mut |row| {
            let logs = log_softmax(t, row);
            logs.iter().map(|x| t.exp(*x)).collect()
        }),
        Op::LogSoftmax(d) => first.rows(first.dim(*d), true, &mut |row| log_softmax(t, row)),
        Op::CumSum(d) => first.rows(first.dim(*d), true, &mut |row| {
            let mut out: Vec<Id> = vec![row[0]];
            for x in &row[1..] {
                let sum = t.add(out[out.len() - 1], *x);
                out.push(sum);
            }
            out
        }),
        Op::Reshape(_) | Op::Squeeze(_) | Op::Unsqueeze(_) => {
            let mut shape = first.shape.clone();
            match op {
                Op::Squeeze(d) => assert_eq!(shape.remove(first.dim(*d)), 1),
                Op::Unsqueeze(d) => {
                    let at = if *d < 0 { rank as i64 + 1 + d } else { *d };
                    shape.insert(at as usize, 1);
                }
                _ => shape = to.to_vec(),
            }
            assert_eq!(shape.iter().product::<usize>(), first.data.len());
            Array {
                shape,
                data: first.data.clone(),
            }
        }
        Op::Transpose(a, b) => {
            let mut order: Vec<usize> = (0..rank).collect();
            order.swap(first.dim(*a), first.dim(*b));
            permuted(first, &order)
        }
        Op::Permute(order) => permuted(first, order),
        Op::Expand(_) => Array::build(to, |index| first.broadcast(index)),
        Op::Flip(d) => {
            let d = first.dim(*d);
            Array::build(&first.shape, |index| {
                let mut from = index.to_vec();
                from[d] = first.shape[d] - 1 - from[d];
                first.at(&from)
            })
        }
        Op::Slice(d, from, end) => {
            let mut shape = first.shape.clone();
            shape[*d] -= from + end;
            Array::build(&shape, |index| {
                let mut at = index.to_vec();
                at[*d] += from;
                first.at(&at)
            })
        }
        Op::Select(d, i) => {
            let i = if *i < 0 {
                first.shape[*d] as i64 + i
            } else {
                *i
            };
            first.select(*d, i as usize)
        }
        Op::Cat(d) => {
            let d = first.dim(*d);
            let mut shape = first.shape.clone();
            shape[d] = x.iter().map(|x| x.shape[d]).sum();
            Array::build(&shape, |index| {
                let mut at = index.to_vec();
                let mut k = 0;
                while at[d] >= x[k].shape[d] {
                    at[d] -= x[k].shape[d];
                    k += 1;
                }
                x[k].at(&at)
            })
        }
        Op::Stack(d) => {
            let mut shape = first.shape.clone();
            let d = if *d < 0 { rank as i64 + 1 + d } else { *d } as usize;
            shape.insert(d, x.len());
            Array::build(&shape, |index| {
                let mut at = index.to_vec();
                let k = at.remove(d);
                x[k].at(&at)
            })
        }
        Op::MatMul => matmul(t, first, &x[1]),
        Op::Linear => {
            let weight = permuted(&x[1], &[1, 0]);
            matmul(t, first, &weight)
        }
        Op::Einsum(equation) => einsum(t, equation, x),
        Op::Pow(n) => Array::build(&first.shape, |index| {
            let x = first.at(index);
            (1..*n).fold(x, |p, _| t.mul(p, x))
        }),
        Op::Lerp(weight) => Array::build(&common(&first.shape, &x[1].shape), |index| {
            let (a, b) = (first.broadcast(index), x[1].broadcast(index));
            let way = t.sub(b, a);
            let part = t.scale(way, *weight);
            t.add(a, part)
        }),
        Op::MseLoss => {
            let off = binary(t, Binary::Sub, first, &x[1]);
            let squares: Vec<Id> = off.data.iter().map(|x| t.mul(*x, *x)).collect();
            Array {
                shape: Vec::new(),
                data: vec![mean(t, &squares)],
            }
        }
        Op::CrossEntropy => {
            let mut losses = Vec::new();
            for (i, class) in x[1].data.iter().enumerate() {
                let row = first.select(0, i);
                let logs = log_softmax(t, &row.data);
                losses.push(t.neg(logs[t.value(*class) as usize]));
            }
            Array {
                shape: Vec::new(),
                data: vec![mean(t, &losses)],
            }
        }
        Op::Attention(causal) => attention(t, x, *causal),
        // `run` computes these, since it knows the values.
        Op::Detach | Op::Full(..) => first.clone(),
    };
    result.fresh(t)
}
