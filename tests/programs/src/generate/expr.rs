//! Expressions of a given shape.

use super::{Cx, Gen, ROWS, add, scaled};
use crate::ast::{Binary, Expr, Kind, Op, Unary};
use crate::size::{Shape, Size};

impl Gen {
    /// An expression of this shape, at most `depth` ops deep.
    pub(super) fn want(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Expr {
        self.fuel -= 1;
        if depth == 0 || self.fuel < 0 {
            return self.leaf(cx, shape);
        }
        for _ in 0..6 {
            let made = match self.rng.below(32) {
                0..=4 => Some(self.unary(cx, shape, depth)),
                5..=8 => Some(self.binary(cx, shape, depth)),
                9..=10 => self.linear(cx, shape, depth),
                11 => Some(self.product(cx, shape, depth)),
                12..=13 => self.reduction(cx, shape, depth),
                14 => self.turned(cx, shape, depth),
                15 => self.along(cx, shape, depth),
                16 => self.norm(cx, shape, depth),
                17 => self.slice(cx, shape, depth),
                18 => self.select(cx, shape, depth),
                19 => self.joined(cx, shape, depth),
                20 => self.reshaped(cx, shape, depth),
                21 => self.squeezed(cx, shape, depth),
                22 => self.expanded(cx, shape, depth),
                23..=24 => self.helper(cx, shape, depth),
                25..=27 => self.block(cx, shape, depth),
                28 => self.param(cx, shape),
                29 => self.rows(cx, shape),
                30 => self.detached(cx, shape, depth),
                _ => self.special(cx, shape, depth),
            };
            if let Some(e) = made {
                return e;
            }
        }
        self.leaf(cx, shape)
    }

    /// A variable, or an expression made from one.
    pub(super) fn leaf(&mut self, cx: &mut Cx, shape: &[Size]) -> Expr {
        let all = |test: &dyn Fn(&super::Var) -> bool| -> Vec<usize> {
            (0..cx.vars.len()).filter(|k| test(&cx.vars[*k])).collect()
        };
        let exact = all(&|v| v.shape == shape);
        let unused = all(&|v| v.shape == shape && !v.used);
        let fits = all(&|v| fits(&v.shape, shape));
        let any = all(&|_| true);
        let c = self.constant();
        let full = |c| Expr::Op(Op::Full(shape.to_vec(), c), Vec::new(), false);
        let pick = if unused.is_empty() || self.rng.once_in(3) {
            &exact
        } else {
            &unused
        };
        if let Some(k) = self.rng.pick_some(pick) {
            return self.read(cx, k);
        }
        if !self.bare
            && self.coin()
            && let Some(e) = self.param(cx, shape)
        {
            return e;
        }
        if let Some(k) = self.rng.pick_some(&fits) {
            let x = self.read(cx, k);
            return match self.coin() {
                true => Expr::Op(Op::Expand(shape.to_vec()), vec![x], self.coin()),
                false => add(full(c), x),
            };
        }
        match self.rng.pick_some(&any) {
            Some(k) => {
                let x = self.read(cx, k);
                let mean = Expr::Op(Op::Mean(None, false), vec![x], self.coin());
                let c = if c == 0.0 { 0.8 } else { c };
                Expr::Binary(Binary::Mul, Box::new(full(c)), Box::new(mean))
            }
            None => full(c),
        }
    }

    fn read(&mut self, cx: &mut Cx, k: usize) -> Expr {
        cx.vars[k].used = true;
        Expr::Var(cx.vars[k].name.clone())
    }

    fn constant(&mut self) -> f64 {
        self.rng.pick(&[0.5, -0.3, 1.0, 0.7, 0.0])
    }

    pub(super) fn apply(&mut self, f: Unary, x: Expr) -> Expr {
        Expr::Unary(f, Box::new(x), self.coin())
    }

    /// A smooth function, applied where it is smooth.
    pub(super) fn smooth(&mut self, x: Expr) -> Expr {
        use Unary::*;
        let f = self.rng.pick(&[
            Neg, Tanh, Tanh, Sigmoid, Sin, Cos, Erf, Gelu, GeluTanh, Silu, Softplus, LogSigmoid,
            Mish, TanhShrink, Exp, Exp2, ExpM1, Log, Log1p, Sqrt, Rsqrt, Reciprocal, Square, Cosh,
        ]);
        let x = match f {
            Log | Sqrt | Rsqrt | Reciprocal => {
                let square = self.apply(Square, x);
                add(square, Expr::Number(self.rng.pick(&[0.7, 1.0, 1.5])))
            }
            Log1p => self.apply(Square, x),
            Exp | Exp2 | ExpM1 | Cosh => {
                let inner = self.rng.pick(&[Tanh, Sin]);
                self.apply(inner, x)
            }
            _ => x,
        };
        self.apply(f, x)
    }

    fn unary(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Expr {
        let x = self.want(cx, shape, depth - 1);
        self.smooth(x)
    }

    fn binary(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Expr {
        let op = self.rng.pick(&[
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
            Binary::Mul,
            Binary::Div,
        ]);
        let x = self.want(cx, shape, depth - 1);
        let y = if self.rng.once_in(5) {
            Expr::Number(self.rng.pick(&[0.5, 1.0, 2.0, -0.7]))
        } else {
            let small = self.narrower(shape);
            self.want(cx, &small, depth - 1)
        };
        let (x, y) = match op {
            Binary::Div => {
                let y = match y {
                    Expr::Number(_) => y,
                    y => {
                        let square = self.apply(Unary::Square, y);
                        add(square, Expr::Number(1.2))
                    }
                };
                (x, y)
            }
            _ if self.coin() => (y, x),
            _ => (x, y),
        };
        Expr::Binary(op, Box::new(x), Box::new(y))
    }

    /// A shape that broadcasts to this one.
    fn narrower(&mut self, shape: &[Size]) -> Shape {
        match self.rng.below(4) {
            0 => shape[self.rng.below(shape.len() + 1)..].to_vec(),
            1 => (shape.iter())
                .map(|s| if self.coin() { Size::Lit(1) } else { s.clone() })
                .collect(),
            _ => shape.to_vec(),
        }
    }

    fn linear(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let to = shape.last().filter(|s| cx.is_fixed(s))?.clone();
        let from = self.fixed(cx);
        let bias = !self.rng.once_in(3);
        let mut inner = shape.to_vec();
        let last = inner.len() - 1;
        inner[last] = from.clone();
        let x = self.want(cx, &inner, depth - 1);
        let place = self.field(cx, Kind::Linear(from, to, bias));
        Some(match self.rng.once_in(6) {
            true => {
                let weight = Expr::Param(place.clone(), "weight".to_owned());
                let y = Expr::Op(Op::Linear, vec![x, weight], self.coin());
                // The bias is read, too.
                let own = self.kind_of(cx, &place);
                match own {
                    Some(Kind::Linear(_, _, true)) => add(y, Expr::Param(place, "bias".to_owned())),
                    _ => y,
                }
            }
            false => Expr::Layer(place, vec![x]),
        })
    }

    fn product(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Expr {
        let k = self.size(cx);
        let (m, n) = (shape.len().checked_sub(2), shape.len().checked_sub(1));
        let last = |k: &Size| {
            let mut s = shape.to_vec();
            s.push(k.clone());
            s
        };
        let equation = self.rng.once_in(3);
        let (a, b, equation) = match (m, n) {
            (Some(m), Some(n)) => {
                let mut a = shape.to_vec();
                a[n] = k.clone();
                let mut b = shape.to_vec();
                b[m] = k;
                match shape.len() {
                    2 if equation => {
                        b.swap(0, 1);
                        (a, b, Some("ij,kj->ik"))
                    }
                    3 if equation => (a, b, Some("bij,bjk->bik")),
                    _ if self.coin() => (a, b[m..].to_vec(), None),
                    _ => (a, b, None),
                }
            }
            (None, Some(_)) if equation => (last(&k), vec![k], Some("ij,j->i")),
            (None, Some(_)) if self.coin() => (last(&k), vec![k], None),
            (None, Some(_)) => (vec![k.clone()], vec![k, shape[0].clone()], None),
            _ if equation => (vec![k.clone()], vec![k], Some("i,i->")),
            _ => (vec![k.clone()], vec![k], None),
        };
        let (a, b) = (self.want(cx, &a, depth - 1), self.want(cx, &b, depth - 1));
        let op = equation.map_or(Op::MatMul, Op::Einsum);
        let y = Expr::Op(op, vec![a, b], self.coin());
        if self.coin() { scaled(y, 0.5) } else { y }
    }

    fn reduction(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let keep: Vec<usize> = (0..shape.len())
            .filter(|d| shape[*d] == Size::Lit(1))
            .collect();
        let mut inner = shape.to_vec();
        let (dim, keep) = match self.rng.pick_some(&keep) {
            Some(d) => {
                inner[d] = self.size(cx);
                (d, true)
            }
            None if shape.len() < 3 => {
                let d = self.rng.below(shape.len() + 1);
                inner.insert(d, self.size(cx));
                (d, false)
            }
            None => return None,
        };
        let whole = shape.is_empty() && self.coin();
        if whole {
            inner = self.shape(cx, 3);
        }
        let x = self.want(cx, &inner, depth - 1);
        let at = self.signed(dim, inner.len());
        let op = match self.rng.below(4) {
            _ if whole => self
                .rng
                .pick(&[Op::Mean(None, false), Op::Sum(None, false)]),
            0 if !keep => Op::Var(at),
            1 if !keep => Op::LogSumExp(at),
            2 => Op::Sum(Some(at), keep),
            _ => Op::Mean(Some(at), keep),
        };
        Some(Expr::Op(op, vec![x], self.coin()))
    }

    /// A dimension, sometimes counted from the end.
    pub(super) fn signed(&mut self, dim: usize, rank: usize) -> i64 {
        let dim = dim as i64;
        if self.coin() { dim } else { dim - rank as i64 }
    }

    fn turned(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let rank = shape.len();
        if rank < 2 {
            return None;
        }
        let a = self.rng.below(rank);
        let b = (a + 1 + self.rng.below(rank - 1)) % rank;
        let mut inner = shape.to_vec();
        if rank == 3 && self.coin() {
            // Dimension `order[i]` becomes dimension `i`.
            let order = self.rng.pick(&[[1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0]]);
            for (i, d) in order.iter().enumerate() {
                inner[*d] = shape[i].clone();
            }
            let x = self.want(cx, &inner, depth - 1);
            return Some(Expr::Op(Op::Permute(order.to_vec()), vec![x], self.coin()));
        }
        inner.swap(a, b);
        let x = self.want(cx, &inner, depth - 1);
        let (a, b) = (self.signed(a, rank), self.signed(b, rank));
        Some(Expr::Op(Op::Transpose(a, b), vec![x], self.coin()))
    }

    fn along(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let dim = self.rng.below(shape.len().max(1));
        if shape.is_empty() {
            return None;
        }
        let dim = self.signed(dim, shape.len());
        let op = match self.rng.below(4) {
            0 => Op::Softmax(dim),
            1 => Op::LogSoftmax(dim),
            2 => Op::CumSum(dim),
            _ => Op::Flip(dim),
        };
        let x = self.want(cx, shape, depth - 1);
        Some(Expr::Op(op, vec![x], self.coin()))
    }

    fn norm(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let last = shape.last().filter(|s| cx.is_fixed(s))?.clone();
        let x = self.want(cx, shape, depth - 1);
        let kind = match self.coin() {
            true => Kind::LayerNorm(last),
            false => Kind::RmsNorm(last),
        };
        let place = self.field(cx, kind);
        Some(Expr::Layer(place, vec![x]))
    }

    fn slice(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let dim = self.rng.below(shape.len().max(1));
        let size = shape.get(dim).filter(|s| s.is_bare())?;
        let (from, end) = self.rng.pick(&[(0, 1), (1, 0), (1, 1), (2, 0)]);
        let mut inner = shape.to_vec();
        inner[dim] = size.plus(&Size::Lit(from + end));
        let x = self.want(cx, &inner, depth - 1);
        Some(Expr::Op(Op::Slice(dim, from, end), vec![x], false))
    }

    fn select(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        if shape.len() > 2 {
            return None;
        }
        let dim = self.rng.below(shape.len() + 1);
        let size = self.size(cx);
        let index = match size {
            Size::Lit(n) => self.rng.below(2 * n) as i64 - n as i64,
            _ => self.rng.pick(&[0, -1]),
        };
        let mut inner = shape.to_vec();
        inner.insert(dim, size);
        let x = self.want(cx, &inner, depth - 1);
        Some(Expr::Op(Op::Select(dim, index), vec![x], false))
    }

    fn joined(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let dim = self.rng.below(shape.len().max(1));
        let parts = match shape.get(dim)? {
            Size::Lit(n) if *n > 1 && *n < 4 && self.coin() => {
                let mut inner = shape.to_vec();
                inner.remove(dim);
                let parts = (0..*n).map(|_| self.want(cx, &inner, depth - 1)).collect();
                let dim = self.signed(dim, shape.len());
                return Some(Expr::Op(Op::Stack(dim), parts, false));
            }
            Size::Lit(n) if *n > 1 => {
                let first = 1 + self.rng.below(n - 1);
                [Size::Lit(first), Size::Lit(n - first)]
            }
            Size::Add(a, b) => [(**a).clone(), (**b).clone()],
            _ => return None,
        };
        let parts = parts.map(|part| {
            let mut inner = shape.to_vec();
            inner[dim] = part;
            self.want(cx, &inner, depth - 1)
        });
        let dim = self.signed(dim, shape.len());
        Some(Expr::Op(Op::Cat(dim), parts.to_vec(), false))
    }

    fn reshaped(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let split = shape
            .iter()
            .position(|s| matches!(s, Size::Mul(..) | Size::Lit(4)));
        let mut inner = shape.to_vec();
        match split {
            Some(d) if shape.len() < 3 => {
                let (a, b) = match &shape[d] {
                    Size::Mul(a, b) => ((**a).clone(), (**b).clone()),
                    _ => (Size::Lit(2), Size::Lit(2)),
                };
                inner.splice(d..=d, [a, b]);
            }
            _ if shape.len() > 1 => {
                let d = self.rng.below(shape.len() - 1);
                let whole = shape[d].times(&shape[d + 1]);
                inner.splice(d..=d + 1, [whole]);
            }
            _ => return None,
        }
        let x = self.want(cx, &inner, depth - 1);
        Some(Expr::Op(Op::Reshape(shape.to_vec()), vec![x], self.coin()))
    }

    fn squeezed(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let mut inner = shape.to_vec();
        if let Some(d) = shape.iter().position(|s| *s == Size::Lit(1)) {
            inner.remove(d);
            let x = self.want(cx, &inner, depth - 1);
            let d = self.signed(d, shape.len());
            return Some(Expr::Op(Op::Unsqueeze(d), vec![x], self.coin()));
        }
        if shape.len() > 2 {
            return None;
        }
        let d = self.rng.below(shape.len() + 1);
        inner.insert(d, Size::Lit(1));
        let x = self.want(cx, &inner, depth - 1);
        let d = self.signed(d, inner.len());
        Some(Expr::Op(Op::Squeeze(d), vec![x], self.coin()))
    }

    fn expanded(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let inner = self.narrower(shape);
        if inner == shape {
            return None;
        }
        let x = self.want(cx, &inner, depth - 1);
        Some(Expr::Op(Op::Expand(shape.to_vec()), vec![x], self.coin()))
    }

    fn param(&mut self, cx: &mut Cx, shape: &[Size]) -> Option<Expr> {
        if shape.is_empty() || !shape.iter().all(|s| cx.is_fixed(s)) {
            return None;
        }
        let place = self.field(cx, Kind::Param(shape.to_vec()));
        Some(Expr::Param(place, String::new()))
    }

    /// Rows of a table.
    fn rows(&mut self, cx: &mut Cx, shape: &[Size]) -> Option<Expr> {
        let (width, lead) = shape.split_last()?;
        if !cx.is_fixed(width) {
            return None;
        }
        let k = cx.ints.iter().position(|(_, s, _)| s == lead)?;
        cx.ints[k].2 = true;
        let ids = Expr::Var(cx.ints[k].0.clone());
        let place = self.field(cx, Kind::Embedding(ROWS, width.clone()));
        Some(Expr::Layer(place, vec![ids]))
    }

    /// A factor without a gradient. The variable stays marked as unread, since it would not be trained.
    fn detached(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let all: Vec<usize> = (0..cx.vars.len())
            .filter(|k| fits(&cx.vars[*k].shape, shape))
            .collect();
        let k = self.rng.pick_some(&all)?;
        let x = Expr::Var(cx.vars[k].name.clone());
        let x = self.apply(Unary::Sin, x);
        let x = Expr::Op(Op::Detach, vec![x], self.coin());
        let y = self.want(cx, shape, depth - 1);
        let op = self.rng.pick(&[Binary::Mul, Binary::Sub]);
        Some(Expr::Binary(op, Box::new(y), Box::new(x)))
    }

    fn special(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        match self.rng.below(4) {
            0 => {
                let x = self.want(cx, shape, depth - 1);
                let x = self.apply(Unary::Tanh, x);
                let n = 2 + self.rng.below(2);
                Some(Expr::Op(Op::Pow(n), vec![x], self.coin()))
            }
            1 => {
                let ends = [0, 1].map(|_| self.want(cx, shape, depth - 1));
                Some(Expr::Op(Op::Lerp(0.3), ends.to_vec(), self.coin()))
            }
            2 if shape.is_empty() => {
                let inner = self.shape(cx, 3);
                let both = [0, 1].map(|_| self.want(cx, &inner, depth - 1));
                Some(Expr::Op(Op::MseLoss, both.to_vec(), self.coin()))
            }
            2 if shape.len() > 1 => {
                let causal = self.coin();
                let (row, last) = (shape.len() - 2, shape.len() - 1);
                let keys = if causal {
                    shape[row].clone()
                } else {
                    self.size(cx)
                };
                let inner = self.fixed(cx);
                let like = |rows: &Size, width: &Size| {
                    let mut s = shape.to_vec();
                    s[row] = rows.clone();
                    s[last] = width.clone();
                    s
                };
                let q = self.want(cx, &like(&shape[row], &inner), depth - 1);
                let k = self.want(cx, &like(&keys, &inner), depth - 1);
                let v = self.want(cx, &like(&keys, &shape[last]), depth - 1);
                Some(Expr::Op(Op::Attention(causal), vec![q, k, v], false))
            }
            _ => None,
        }
    }
}

/// Whether a shape broadcasts to another.
fn fits(small: &[Size], shape: &[Size]) -> bool {
    small.len() <= shape.len()
        && (small.iter().rev().zip(shape.iter().rev())).all(|(a, b)| a == b || *a == Size::Lit(1))
}
