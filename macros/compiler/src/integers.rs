//! Arithmetic of 64-bit integers. A result that surely fits is computed directly, one that may not fit is checked at
//! run time (`Checked`), and one that never fits is an error here.
//!
//! Takes nodes of one shape and returns a node of integers. The user's expression is passed along for the error.

use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Atom, Dim, numel};
use crate::ir::kind::Bounds;
use crate::ir::{DType, NodeId, Op, Reduce};
use crate::kinds::arg_reduce::ArgReduce;
use crate::kinds::checked::{Checked, Integers};
use crate::ranges::{EVERY, Range};
use crate::scalar::Scalar as S;
use netform_core::Combiner;
use netform_core::number::POSITIONS;
use proc_macro2::Span;

/// The range of the integers.
const LEAST: i128 = EVERY.0;
const MOST: i128 = EVERY.1;
/// Positions and named dimensions are below this; a run rejects larger ones.
const SIZES: i128 = POSITIONS as i128;
/// How many functions of several operands the search for a range goes back.
const DEPTH: usize = 8;

impl Cx<'_> {
    /// The least and the largest value that integers can have, as far as known.
    pub fn range(&self, id: NodeId) -> Range {
        self.range_to(id, DEPTH)
    }

    /// Whether integers can have a value.
    pub fn may_be(&self, id: NodeId, value: i64) -> bool {
        let (least, most) = self.range(id);
        (least..=most).contains(&value.into())
    }

    /// Notes that a value is not below 0.
    pub fn not_negative(&mut self, id: NodeId) {
        let given = self.ranges.given.get(&id).copied().unwrap_or(EVERY);
        self.ranges.insert(id, (given.0.max(0), given.1));
    }

    fn range_to(&self, id: NodeId, depth: usize) -> Range {
        let known = self.ranges.found.borrow().get(&(id, depth)).copied();
        known.unwrap_or_else(|| {
            let range = self.find_range(id, depth);
            let mut ranges = self.ranges.found.borrow_mut();
            ranges.insert((id, depth), range);
            range
        })
    }

    fn find_range(&self, id: NodeId, depth: usize) -> Range {
        let node = &self.g[id];
        let any = self.ranges.given.get(&id).copied().unwrap_or(EVERY);
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
        let both = |a: Range, b: Range| (a.0.min(b.0), a.1.max(b.1));
        let found = match &node.op {
            Op::Whole(v) => {
                let v = (*v).clamp(LEAST, MOST);
                (v, v)
            }
            Op::Size(d) => size(d),
            Op::Iota { dim } => match node.shape[*dim].value() {
                Some(n) => (0, i128::from(n - 1).clamp(0, SIZES)),
                None => (0, SIZES),
            },
            Op::Scalar(S::Where) => both(of(1), of(2)),
            Op::Scalar(S::Cast(DType::Int)) if self.g[node.args[0]].dtype == DType::Bool => (0, 1),
            Op::Scalar(f @ (S::Add | S::Sub | S::Mul)) => result(*f, of(0), of(1)),
            // Nearer to 0 than both operands.
            Op::Scalar(S::Fmod) => {
                let (a, b) = (of(0), of(1));
                let most = b.0.abs().max(b.1.abs()) - 1;
                (a.0.max(-most).min(0), a.1.min(most).max(0))
            }
            Op::Reshape | Op::Expand | Op::Permute(_) | Op::Slice { .. } | Op::Detach => of(0),
            _ => match bounds {
                Bounds::None => any,
                Bounds::Positions => (0, SIZES),
                Bounds::Of(operands, value) => (operands.into_iter().map(of))
                    .chain(value.map(|v| (v.into(), v.into())))
                    .reduce(both)
                    .unwrap_or(any),
            },
        };
        (found.0.max(any.0), found.1.min(any.1))
    }

    /// A sum, difference or product of integers of one shape; messages call it `text`.
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
            let text = format!("`{text}` never fits 64-bit integers\nhelp: compute it in floats");
            return Err(self.error(span, text));
        }
        let kind = match f {
            S::Add => Integers::Add,
            S::Sub => Integers::Sub,
            _ => Integers::Mul,
        };
        Ok(self.checked(kind, &[x, y], (least, most), text))
    }

    /// The current expression as the user wrote it; `text` if there is none.
    fn written(&self, text: &str) -> String {
        match self.expression.is_empty() {
            true => text.to_owned(),
            false => self.expression.clone(),
        }
    }

    /// A node that checks its result; results that fit are in this range.
    pub fn checked(&mut self, f: Integers, args: &[NodeId], range: Range, text: &str) -> NodeId {
        let what = self.written(text);
        let id = self.g.push(Checked { f, what }, args, None);
        self.ranges
            .insert(id, (range.0.max(LEAST), range.1.min(MOST)));
        id
    }

    /// The range of some or all of `size` integers combined.
    pub fn range_along(&self, how: Combiner, x: NodeId, size: &Dim) -> Range {
        let (least, most) = self.range(x);
        match how {
            Combiner::Sum => {
                let n = size.value().map_or(SIZES, i128::from);
                (least.min(0) * n, most.max(0) * n)
            }
            Combiner::Prod if least >= 0 => (0, MOST),
            Combiner::Prod => EVERY,
            Combiner::Max | Combiner::Min => (least, most),
        }
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
        let (x, dim) = match dims {
            [] => return x,
            [dim] => (x, *dim),
            // Several dimensions are merged first.
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
        let range = match kind.combiner() {
            Some(how) => self.range_along(how, x, &self.g.shape(x)[dim].clone()),
            None => EVERY,
        };
        self.checked(Integers::Reduce { kind, dim }, &[x], range, text)
    }

    /// The position of the first largest or smallest integer along `dim`, which vanishes.
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

    /// Truncated towards zero; a value that does not fit is an error at run time.
    pub fn to_int(&mut self, x: NodeId, text: &str) -> NodeId {
        match self.g[x].dtype {
            DType::Float => self.checked(Integers::Cast, &[x], EVERY, text),
            _ => self.g.cast(x, DType::Int),
        }
    }

    /// Reports a whole number that is not a 64-bit integer, where one is required.
    pub fn small(&self, id: NodeId, text: &str, span: Span) -> Reported<()> {
        match self.g[id].op {
            Op::Whole(v) if !(LEAST..=MOST).contains(&v) => {
                let help = match text.trim_start_matches('-').parse::<u128>() {
                    Ok(_) => format!("\nhelp: for a float, write `{text}.0`"),
                    Err(_) => String::new(),
                };
                let text = format!("`{text}` is outside the 64-bit integers{help}");
                Err(self.error(span, text))
            }
            _ => Ok(()),
        }
    }
}

/// The range of a size. A size outside the integers is an error when the function is called.
fn size(d: &Dim) -> Range {
    let (mut least, mut most) = (0i128, 0i128);
    for (c, monomial) in d.terms() {
        // A constant may have any sign.
        if monomial.iter().any(|(a, _)| matches!(a, Atom::Const(_))) {
            return (LEAST, MOST);
        }
        let factors = monomial
            .iter()
            .flat_map(|(a, power)| (0..*power).map(|_| largest(a)));
        let end = factors.fold(i128::from(c), i128::saturating_mul);
        // A named dimension may be 0; a term without one is constant.
        let nothing = if monomial.is_empty() { end } else { 0 };
        least = least.saturating_add(end.min(nothing));
        most = most.saturating_add(end.max(nothing));
    }
    (least.clamp(LEAST, MOST), most.clamp(LEAST, MOST))
}

fn largest(a: &Atom) -> i128 {
    match a {
        Atom::Named(_) | Atom::Part(..) => SIZES,
        // Rust constants are numbers, not necessarily sizes.
        // A float is no integer: it is never asked for.
        Atom::Const(_) | Atom::Float(_) | Atom::Formula(_) => u64::MAX.into(),
        Atom::Quotient(p, _) | Atom::Floor(p, _) => size(p).1,
    }
}

/// The range of a sum, difference or product.
fn result(f: S, a: Range, b: Range) -> Range {
    match f {
        S::Add => (a.0 + b.0, a.1 + b.1),
        S::Sub => (a.0 - b.1, a.1 - b.0),
        _ => {
            let all = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
            let least = all.iter().copied().fold(i128::MAX, i128::min);
            (least, all.iter().copied().fold(i128::MIN, i128::max))
        }
    }
}
