//! Arithmetic of integers, which are 32 bits wide: what surely fits is computed as it is, what may not
//! fit is checked when it is computed (`Checked`), what never fits is an error here.
//!
//! In: nodes of one shape. Out: a node of integers. The user's words for it go along, for the error.

use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, numel};
use crate::ir::kind::Bounds;
use crate::ir::{DType, NodeId, Op, Reduce};
use crate::kinds::arg_reduce::ArgReduce;
use crate::kinds::checked::{Checked, Integers};
use crate::scalar::Scalar as S;
use proc_macro2::Span;

/// The integers that there are.
const LEAST: i64 = i32::MIN as i64;
const MOST: i64 = i32::MAX as i64;
/// How many functions of several operands back ranges are looked for.
const DEPTH: usize = 8;

impl Cx<'_> {
    /// The least and the largest that integers can be, as far as is known.
    pub fn range(&self, id: NodeId) -> (i64, i64) {
        self.range_to(id, DEPTH)
    }

    /// Whether a value can occur among integers.
    pub fn may_be(&self, id: NodeId, value: i64) -> bool {
        let (least, most) = self.range(id);
        (least..=most).contains(&value)
    }

    fn range_to(&self, id: NodeId, depth: usize) -> (i64, i64) {
        let known = self.unsigned.ranges.borrow().get(&(id, depth)).copied();
        known.unwrap_or_else(|| {
            let range = self.find_range(id, depth);
            let mut ranges = self.unsigned.ranges.borrow_mut();
            ranges.insert((id, depth), range);
            range
        })
    }

    fn find_range(&self, id: NodeId, depth: usize) -> (i64, i64) {
        let node = &self.g[id];
        let any = match self.unsigned.contains(id) {
            true => (0, MOST),
            false => (LEAST, MOST),
        };
        let bounds = match &node.op {
            Op::Kernel(kind) => kind.bounds(node.args.len()),
            _ => Bounds::None,
        };
        let several = match &bounds {
            Bounds::Of(operands, _) => operands.len() > 1,
            _ => matches!(node.op, Op::Scalar(_)),
        };
        let Some(depth) = depth.checked_sub(usize::from(several)) else {
            return any;
        };
        let of = |k: usize| self.range_to(node.args[k], depth);
        let both = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        let found = match &node.op {
            Op::Const(v) => {
                let v = (*v as i64).clamp(LEAST, MOST);
                (v, v)
            }
            Op::Size(_) => (0, MOST),
            Op::Iota { dim } => match node.shape[*dim].value() {
                Some(n) => (0, (n - 1).clamp(0, MOST)),
                None => (0, MOST),
            },
            Op::Scalar(S::Where) => both(of(1), of(2)),
            Op::Scalar(S::Cast(DType::Int)) if self.g[node.args[0]].dtype == DType::Bool => (0, 1),
            Op::Scalar(f @ (S::Add | S::Sub | S::Mul)) => result(*f, of(0), of(1)),
            Op::Reshape | Op::Expand | Op::Permute(_) | Op::Slice { .. } | Op::Detach => of(0),
            _ => match bounds {
                Bounds::None => any,
                Bounds::Positions => (0, MOST),
                Bounds::Of(operands, value) => (operands.into_iter().map(of))
                    .chain(value.map(|v| (v as i64, v as i64)))
                    .reduce(both)
                    .unwrap_or(any),
            },
        };
        (found.0.max(any.0), found.1.min(any.1))
    }

    /// A sum, difference or product of integers of one shape, called `text`.
    pub fn integers(
        &mut self,
        f: S,
        x: NodeId,
        y: NodeId,
        span: Span,
        text: &str,
    ) -> Reported<NodeId> {
        let (a, b) = (self.range(x), self.range(y));
        let (least, most) = result(f, a, b);
        if least >= LEAST && most <= MOST {
            return Ok(self.g.scalar(f, &[x, y]));
        }
        if least > MOST || most < LEAST {
            let text = self.written(text);
            let text = format!("`{text}` never fits 32-bit integers\nhelp: compute it in floats");
            return Err(self.error(span, text));
        }
        let kind = match f {
            S::Add => Integers::Add,
            S::Sub => Integers::Sub,
            _ => Integers::Mul,
        };
        Ok(self.checked(kind, &[x, y], least >= 0, text))
    }

    /// The expression at hand as the user wrote it; `text` where there is none.
    fn written(&self, text: &str) -> String {
        match self.expression.is_empty() {
            true => text.to_owned(),
            false => self.expression.clone(),
        }
    }

    /// A node that checks what it computes.
    pub fn checked(&mut self, f: Integers, args: &[NodeId], unsigned: bool, text: &str) -> NodeId {
        let what = self.written(text);
        let id = self.g.push(Checked { f, what }, args, None);
        if unsigned {
            self.unsigned.insert(id);
        }
        id
    }

    /// A reduction of integers over some dimensions, which vanish.
    pub fn reduce_integers(
        &mut self,
        kind: Reduce,
        x: NodeId,
        dims: &[usize],
        text: &str,
    ) -> NodeId {
        let shape = self.g.shape(x).clone();
        let unsigned = self.range(x).0 >= 0;
        let (x, dim) = match dims {
            [] => return x,
            [dim] => (x, *dim),
            // Several are brought together first.
            _ => {
                let mut order: Vec<usize> =
                    (0..shape.len()).filter(|d| !dims.contains(d)).collect();
                let rest = order.len();
                order.extend(dims);
                let x = self.g.permute(x, &order);
                let mut flat: Vec<Dim> = self.g.shape(x)[..rest].to_vec();
                flat.push(numel(&self.g.shape(x)[rest..]));
                (self.g.reshape(x, &flat), rest)
            }
        };
        self.checked(Integers::Reduce { kind, dim }, &[x], unsigned, text)
    }

    /// Where the first largest or smallest integers are along `dim`, which vanishes.
    pub fn place_of_extreme(&mut self, largest: bool, x: NodeId, dim: usize, text: &str) -> NodeId {
        let kind = if largest { Reduce::Max } else { Reduce::Min };
        let shape = self.g.shape(x).clone();
        let best = self.reduce_integers(kind, x, &[dim], text);
        let best = self.g.unreduce(best, &[dim], &shape);
        let hit = self.g.scalar(S::Eq, &[x, best]);
        let hit = self.g.cast(hit, DType::Float);
        let op = ArgReduce { largest: true, dim };
        self.g.push(op, &[hit], None)
    }

    /// Truncated towards zero; what does not fit is an error when it is computed.
    pub fn to_int(&mut self, x: NodeId, text: &str) -> NodeId {
        match self.g[x].dtype {
            DType::Float => self.checked(Integers::Cast, &[x], false, text),
            _ => self.g.cast(x, DType::Int),
        }
    }

    /// Tells a whole number that is no 32-bit integer, where one is due.
    pub fn small(&self, id: NodeId, text: &str, span: Span) -> Reported<()> {
        match self.g[id].op {
            Op::Const(v)
                if self.g[id].dtype == DType::Int && !(LEAST as f64..=MOST as f64).contains(&v) =>
            {
                let help = match text.trim_start_matches('-').parse::<u128>() {
                    Ok(_) => format!("\nhelp: with a point it is a float: `{text}.0`"),
                    Err(_) => String::new(),
                };
                let text = format!("`{text}` is outside the 32-bit integers{help}");
                Err(self.error(span, text))
            }
            _ => Ok(()),
        }
    }
}

/// The range of a sum, difference or product.
fn result(f: S, a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    match f {
        S::Add => (a.0.saturating_add(b.0), a.1.saturating_add(b.1)),
        S::Sub => (a.0.saturating_sub(b.1), a.1.saturating_sub(b.0)),
        _ => {
            let of = |x: i64, y: i64| x.saturating_mul(y);
            let all = [of(a.0, b.0), of(a.0, b.1), of(a.1, b.0), of(a.1, b.1)];
            let least = all.iter().copied().fold(i64::MAX, i64::min);
            (least, all.iter().copied().fold(i64::MIN, i64::max))
        }
    }
}
