//! Scans.

use super::{Cx, Gen, Var};
use crate::ast::{Expr, Op, Pat, Scan, Stmt, Unary};
use crate::size::Shape;

impl Gen {
    /// `let (last, all) = scan(..)`.
    pub(super) fn scan(&mut self, cx: &mut Cx, out: &mut Vec<Stmt>) {
        let dim = self.rng.below(2);
        let count = self.size(cx);
        let mut input = Vec::new();
        let mut items: Vec<(String, Option<Shape>)> = Vec::new();
        for _ in 0..1 + self.rng.below(2) {
            let mut shape = self.shape(cx, 2);
            while shape.len() < dim {
                shape.push(self.size(cx));
            }
            items.push((self.name("x"), Some(shape.clone())));
            shape.insert(dim, count.clone());
            input.push(self.want(cx, &shape, 2));
        }
        let ints = cx.ints.len();
        let words = cx
            .ints
            .iter()
            .position(|(_, s, _)| s.get(dim) == Some(&count));
        if let Some(k) = words.filter(|_| self.coin()) {
            let name = self.name("x");
            let mut shape = cx.ints[k].1.clone();
            shape.remove(dim);
            input.push(Expr::Var(cx.ints[k].0.clone()));
            cx.ints.push((name.clone(), shape, false));
            items.push((name, None));
        }
        let mut states: Vec<(String, Shape)> = Vec::new();
        let mut init = Vec::new();
        for _ in 0..1 + self.rng.below(2) {
            let shape = self.shape(cx, 2);
            init.push(match self.coin() {
                true => Expr::Op(Op::Full(shape.clone(), 0.0), Vec::new(), false),
                false => self.want(cx, &shape, 1),
            });
            states.push((self.name("s"), shape));
        }
        let (first, floor) = (cx.vars.len(), cx.floor);
        (cx.depth, cx.scans, cx.floor) = (cx.depth + 1, cx.scans + 1, first);
        let floats = items
            .iter()
            .filter_map(|(n, s)| Some((n.clone(), s.clone()?)));
        for (name, shape) in states.iter().cloned().chain(floats) {
            cx.vars.push(Var {
                name,
                shape,
                used: false,
                mutable: false,
                fresh: Some(cx.depth),
            });
        }
        let mut body = Vec::new();
        let n = self.rng.below(3);
        self.statements(cx, n, &mut body);
        let mut outs: Vec<Shape> = Vec::new();
        let mut results = Vec::new();
        for _ in 0..self.rng.below(3) {
            let shape = self.shape(cx, 2);
            results.push(self.want(cx, &shape, 2));
            outs.push(shape);
        }
        let mut next: Vec<Expr> = Vec::new();
        for (_, shape) in &states {
            let value = self.want(cx, shape, 3);
            next.push(self.apply(Unary::Tanh, value));
        }
        // Unread values are added to a state whose shape allows it.
        let unused: Vec<usize> = (first..cx.vars.len())
            .filter(|k| !cx.vars[*k].used)
            .collect();
        if !unused.is_empty() {
            next[0] = self.with_unused(cx, first, next[0].clone());
        }
        cx.vars.truncate(first);
        cx.ints.truncate(ints);
        (cx.depth, cx.scans, cx.floor) = (cx.depth - 1, cx.scans - 1, floor);
        let stacked: Vec<Shape> = (outs.into_iter())
            .map(|mut s| {
                s.insert(dim.min(s.len()), count.clone());
                s
            })
            .collect();
        let last: Vec<Shape> = states.iter().map(|(_, s)| s.clone()).collect();
        let scan = Scan {
            input,
            init,
            states: states.into_iter().map(|(n, _)| n).collect(),
            items: items.into_iter().map(|(n, _)| n).collect(),
            body,
            next,
            out: results,
            dim,
            reverse: self.rng.once_in(2),
        };
        let pat = Pat::Tuple(vec![self.names_for(cx, last), self.names_for(cx, stacked)]);
        out.push(Stmt::Let {
            pat,
            mutable: false,
            ty: None,
            value: Expr::Scan(Box::new(scan)),
        });
    }

    /// New variables of these shapes.
    fn names_for(&mut self, cx: &mut Cx, shapes: Vec<Shape>) -> Pat {
        let mut pats = Vec::new();
        for shape in shapes {
            let name = self.name("r");
            cx.bind(&name, shape, false, false);
            pats.push(Pat::Name(name));
        }
        match pats.len() {
            1 => pats.remove(0),
            _ => Pat::Tuple(pats),
        }
    }
}
