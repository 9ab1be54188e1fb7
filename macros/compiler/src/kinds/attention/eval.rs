//! Attention and its gradient, one pair of query and key at a time.

use super::Attention;
use crate::eval::Array;
use crate::eval::array::flat;
use crate::eval::rows::log_sum_exp;
use crate::kinds::bernoulli::drawn;
use crate::real::Real;

/// The operands, indexed by head, position and column.
struct Heads<'a> {
    a: &'a Attention,
    args: &'a [&'a Array],
    masks: usize,
    batch: usize,
    heads: usize,
    queries: usize,
    keys: usize,
    width: usize,
    value_width: usize,
}

impl<'a> Heads<'a> {
    fn new(a: &'a Attention, args: &'a [&'a Array], masks: usize) -> Heads<'a> {
        let (q, v) = (&args[0].shape, &args[2].shape);
        let (h, t) = if a.interleaved { (2, 1) } else { (1, 2) };
        Heads {
            a,
            args,
            masks,
            batch: q[0],
            heads: q[h],
            queries: q[t],
            keys: v[t],
            width: q[3],
            value_width: v[3],
        }
    }

    /// The index of column e of row i of a head.
    fn place(&self, head: usize, i: usize, e: usize) -> [usize; 4] {
        let (b, h) = (head / self.heads, head % self.heads);
        match self.a.interleaved {
            true => [b, i, h, e],
            false => [b, h, i, e],
        }
    }

    fn at(&self, k: usize, head: usize, i: usize, e: usize) -> f64 {
        self.args[k].at(&self.place(head, i, e))
    }

    fn scale(&self) -> f64 {
        let usual = 1.0 / (self.width as f64).sqrt();
        // A formula has no value here; NaN shows.
        let known = |scale: &Real| scale.known().unwrap_or(f64::NAN);
        self.a.scale.as_ref().map_or(usual, known)
    }

    fn score(&self, head: usize, i: usize, j: usize) -> f64 {
        if self.a.causal && j > i {
            return f64::NEG_INFINITY;
        }
        let product = |e| self.at(0, head, i, e) * self.at(1, head, j, e);
        let mut score = self.scale() * (0..self.width).map(product).sum::<f64>();
        for mask in &self.args[3..3 + self.masks] {
            let index = [head / self.heads, head % self.heads, i, j];
            let at = std::array::from_fn::<_, 4, _>(|d| index[d].min(mask.shape[d] - 1));
            score += mask.at(&at);
        }
        score
    }
}

impl Heads<'_> {
    /// The factor of dropout for a weight.
    fn factor(&self, head: usize, i: usize, j: usize) -> f64 {
        let Some(d) = &self.a.dropout else { return 1.0 };
        let at = (head * self.queries + i) * self.keys.next_multiple_of(4) + j;
        let known = |number: Real| number.known().unwrap_or(f64::NAN);
        match drawn(known(d.p.rest()), d.stream, at) {
            true => known(d.factor()),
            false => 0.0,
        }
    }
}

fn add(to: &mut Array, at: &[usize], x: f64) {
    let at = flat(&to.shape, at);
    to.data[at] += x;
}

/// 0 if it is infinite: a query that sees no key has weights of 0, `exp(-inf - 0)`.
fn finite(log: f64) -> f64 {
    if log == f64::NEG_INFINITY { 0.0 } else { log }
}

/// The result, and each softmax's logarithm of the sum and largest score.
pub fn forward(a: &Attention, args: &[&Array]) -> Vec<Array> {
    let heads = Heads::new(a, args, args.len() - 3);
    let mut shape = args[0].shape.clone();
    shape[3] = heads.value_width;
    let mut out = Array::new(&shape, |_| 0.0);
    let mut all = Array::new(&[heads.batch, heads.heads, 2, heads.queries], |_| 0.0);
    for head in 0..heads.batch * heads.heads {
        for i in 0..heads.queries {
            let scores: Vec<f64> = (0..heads.keys).map(|j| heads.score(head, i, j)).collect();
            let (log, max) = log_sum_exp(&scores, |x| x);
            all.data[2 * head * heads.queries + i] = log;
            all.data[(2 * head + 1) * heads.queries + i] = max;
            let log = finite(log);
            for (j, score) in scores.iter().enumerate() {
                let weight = (score - max - log).exp() * heads.factor(head, i, j);
                for e in 0..heads.value_width {
                    let x = weight * heads.at(2, head, j, e);
                    add(&mut out, &heads.place(head, i, e), x);
                }
            }
        }
    }
    vec![out, all]
}

/// The gradients of q, k and v.
pub fn backward(a: &Attention, args: &[&Array]) -> Vec<Array> {
    let first = args.len() - 3;
    let heads = Heads::new(a, args, first - 3);
    let (out, dout) = (first, first + 2);
    let mut grads: Vec<Array> = (0..3)
        .map(|k| Array::new(&args[k].shape, |_| 0.0))
        .collect();
    for head in 0..heads.batch * heads.heads {
        for i in 0..heads.queries {
            let lse = &args[first + 1].data;
            let log = finite(lse[2 * head * heads.queries + i]);
            let max = lse[(2 * head + 1) * heads.queries + i];
            let dy = |e| heads.at(dout, head, i, e);
            let values = 0..heads.value_width;
            let mean: f64 = (values.clone())
                .map(|e| dy(e) * heads.at(out, head, i, e))
                .sum();
            for j in 0..heads.keys {
                let weight = (heads.score(head, i, j) - max - log).exp();
                let factor = heads.factor(head, i, j);
                let products = values.clone().map(|e| dy(e) * heads.at(2, head, j, e));
                let dw = factor * products.sum::<f64>();
                let ds = weight * (dw - mean) * heads.scale();
                for e in values.clone() {
                    add(
                        &mut grads[2],
                        &heads.place(head, j, e),
                        weight * factor * dy(e),
                    );
                }
                for e in 0..heads.width {
                    let (q, k) = (heads.at(0, head, i, e), heads.at(1, head, j, e));
                    add(&mut grads[0], &heads.place(head, i, e), ds * k);
                    add(&mut grads[1], &heads.place(head, j, e), ds * q);
                }
            }
        }
    }
    grads
}
