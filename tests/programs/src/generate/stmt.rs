//! Statements: variables, assignments, loops over layers, gradients, calls with several results.

use super::{Cx, Gen, add, scaled};
use crate::ast::{Binary, Expr, Kind, Op, Pat, Place, Stmt, Unary};
use crate::size::{Shape, Size};

impl Gen {
    /// About `count` statements.
    pub(super) fn statements(&mut self, cx: &mut Cx, count: usize, out: &mut Vec<Stmt>) {
        for _ in 0..count {
            if self.fuel < 0 {
                return;
            }
            match self.rng.below(14) {
                0..=3 => self.variable(cx, out),
                4..=6 => self.rounds(cx, out),
                7..=9 if cx.scans < 2 => self.scan(cx, out),
                10 => self.assignment(cx, out),
                11..=12 => self.gradient(cx, out),
                _ => self.several(cx, out),
            }
        }
    }

    fn variable(&mut self, cx: &mut Cx, out: &mut Vec<Stmt>) {
        let shape = self.shape(cx, 3);
        let value = self.want(cx, &shape, 4);
        let mutable = self.rng.once_in(3);
        self.bound(cx, shape, value, mutable, out);
    }

    /// A `let`.
    fn bound(
        &mut self,
        cx: &mut Cx,
        shape: Shape,
        value: Expr,
        mutable: bool,
        out: &mut Vec<Stmt>,
    ) -> String {
        let name = self.name("v");
        let ty = self.rng.once_in(4).then(|| shape.clone());
        cx.bind(&name, shape, mutable, false);
        out.push(Stmt::Let {
            pat: Pat::Name(name.clone()),
            mutable,
            ty,
            value,
        });
        name
    }

    fn assignment(&mut self, cx: &mut Cx, out: &mut Vec<Stmt>) {
        let may = |k: &usize| cx.vars[*k].mutable;
        let all: Vec<usize> = (cx.floor..cx.vars.len()).filter(may).collect();
        let Some(k) = self.rng.pick_some(&all) else {
            return self.variable(cx, out);
        };
        let (name, shape) = (cx.vars[k].name.clone(), cx.vars[k].shape.clone());
        let value = self.want(cx, &shape, 3);
        let value = add(scaled(Expr::Var(name.clone()), 0.5), value);
        cx.vars[k].used = false;
        out.push(Stmt::Assign(name, value));
    }

    /// `let mut v = ..; for layer in layers { .. v = ..; }`.
    fn rounds(&mut self, cx: &mut Cx, out: &mut Vec<Stmt>) {
        let width = self.fixed(cx);
        let rank = 1 + self.rng.below(3);
        let mut shape: Shape = (1..rank).map(|_| self.size(cx)).collect();
        shape.push(width.clone());
        let block = match rank {
            1 => None,
            _ if self.coin() => self.block_of(rank),
            _ => None,
        };
        // Networks with one function of one argument, as loops require.
        let simple = |net: usize, g: &Gen| {
            let f = g.finished[net]
                .functions
                .iter()
                .find(|f| f.name == "forward");
            f.is_some_and(|f| f.args.len() == 1)
        };
        let kind = match block.filter(|n| simple(*n, self)) {
            Some(net) => self.kind_of_block(cx, net, &width),
            None if self.rng.once_in(4) => Kind::LayerNorm(width),
            None => Kind::Linear(width.clone(), width, self.coin()),
        };
        let stack = self
            .rng
            .pick(&[vec![1], vec![2], vec![3], vec![2, 2], vec![3, 1]]);
        let value = self.want(cx, &shape, 2);
        let carried = self.bound(cx, shape, value, true, out);
        let field = self.new_field(kind.clone(), stack.clone());
        let field = Place {
            name: field.name,
            at: Vec::new(),
        };
        let body = self.round(cx, &carried, &field, &kind, &stack);
        out.push(body);
    }

    /// The loop over an array, with inner loops over its elements.
    fn round(
        &mut self,
        cx: &mut Cx,
        carried: &str,
        over: &Place,
        kind: &Kind,
        stack: &[usize],
    ) -> Stmt {
        let layer = Place {
            name: self.name("l"),
            at: Vec::new(),
        };
        let (first, layers) = (cx.vars.len(), cx.layers.len());
        cx.depth += 1;
        let mut body = Vec::new();
        if stack.len() > 1 {
            body.push(self.round(cx, carried, &layer, kind, &stack[1..]));
        } else {
            cx.layers.push((layer.clone(), kind.clone()));
            let n = self.rng.below(3);
            self.statements(cx, n, &mut body);
            let v = Expr::Var(carried.to_owned());
            let y = Expr::Layer(layer.clone(), vec![v.clone()]);
            let y = self.smooth(y);
            let y = self.with_unused(cx, first, y);
            body.push(Stmt::Assign(carried.to_owned(), add(scaled(v, 0.6), y)));
        }
        cx.depth -= 1;
        cx.vars.truncate(first);
        cx.layers.truncate(layers);
        for v in cx.vars.iter_mut().filter(|v| v.name == carried) {
            v.used = false;
        }
        Stmt::For(layer.name, over.clone(), body)
    }

    /// `let (a, b) = helper(..)`.
    fn several(&mut self, cx: &mut Cx, out: &mut Vec<Stmt>) {
        let shape = self.shape(cx, 2);
        let call = self.helper(cx, &shape, 3);
        let Some(Expr::Item(call, 0)) = call else {
            let Some(e) = call else {
                return self.variable(cx, out);
            };
            self.bound(cx, shape, e, false, out);
            return;
        };
        // Both items are used, whatever their shapes: in a function of the function's own results.
        let name = self.name("v");
        out.push(Stmt::Let {
            pat: Pat::Name(name.clone()),
            mutable: false,
            ty: None,
            value: *call,
        });
        let mean = |k| {
            let item = Expr::Item(Box::new(Expr::Var(name.clone())), k);
            Expr::Op(Op::Mean(None, false), vec![item], true)
        };
        let value = add(
            mean(0),
            Expr::Binary(Binary::Mul, Box::new(mean(1)), Box::new(mean(0))),
        );
        self.bound(cx, Vec::new(), value, false, out);
    }

    /// `let g = grad(y, x)`.
    fn gradient(&mut self, cx: &mut Cx, out: &mut Vec<Stmt>) {
        if cx.main && cx.depth == 0 && self.rng.once_in(3) {
            return self.gradient_of_layer(cx, out);
        }
        let known = |k: &usize| cx.vars[*k].fresh == Some(cx.depth);
        let known: Vec<usize> = (0..cx.vars.len()).filter(known).collect();
        let count = 1 + self.rng.below(2);
        let mut xs: Vec<(String, Shape)> = Vec::new();
        for _ in 0..count {
            let x = match self.rng.pick_some(&known) {
                Some(k) if self.coin() => (cx.vars[k].name.clone(), cx.vars[k].shape.clone()),
                _ => self.fresh(cx, out),
            };
            if !xs.contains(&x) {
                xs.push(x);
            }
        }
        let mut terms = Vec::new();
        for (name, shape) in &xs {
            for v in cx.vars.iter_mut().filter(|v| v.name == *name) {
                v.used = true;
            }
            let x = self.smooth(Expr::Var(name.clone()));
            let other = self.want(cx, shape, 2);
            let op = self.rng.pick(&[Binary::Mul, Binary::Add]);
            terms.push(Expr::Binary(op, Box::new(x), Box::new(other)));
        }
        let y = self.energy(terms);
        let y = self.perhaps_bound(cx, y, out);
        let by = xs.iter().map(|(n, _)| Expr::Var(n.clone())).collect();
        let shapes = xs.into_iter().map(|(_, s)| s).collect();
        self.bind_gradients(cx, y, by, shapes, out);
    }

    /// The product of curved functions, so that every part of each affects the gradient.
    fn energy(&mut self, terms: Vec<Expr>) -> Expr {
        let mut sum: Option<Expr> = None;
        for t in terms {
            let f = self
                .rng
                .pick(&[Unary::Square, Unary::Sin, Unary::Tanh, Unary::Softplus]);
            let t = self.apply(f, t);
            let op = self
                .rng
                .pick(&[Op::Mean(None, false), Op::Sum(None, false)]);
            let t = Expr::Op(op, vec![t], self.coin());
            sum = Some(match sum {
                None => t,
                Some(s) => Expr::Binary(Binary::Mul, Box::new(s), Box::new(t)),
            });
        }
        sum.unwrap_or(Expr::Number(0.0))
    }

    /// Sometimes binds the value to a name.
    fn perhaps_bound(&mut self, cx: &mut Cx, y: Expr, out: &mut Vec<Stmt>) -> Expr {
        if self.coin() {
            return y;
        }
        let name = self.bound(cx, Vec::new(), y, false, out);
        Expr::Var(name)
    }

    /// A variable whose value has no other name.
    fn fresh(&mut self, cx: &mut Cx, out: &mut Vec<Stmt>) -> (String, Shape) {
        let shape = self.shape(cx, 2);
        let value = self.want(cx, &shape, 2);
        let value = self.apply(Unary::Tanh, value);
        let name = self.bound(cx, shape.clone(), value, false, out);
        let last = cx.vars.len() - 1;
        cx.vars[last].fresh = Some(cx.depth);
        (name, shape)
    }

    /// A gradient with respect to a layer's parameters.
    fn gradient_of_layer(&mut self, cx: &mut Cx, out: &mut Vec<Stmt>) {
        let (from, to) = (self.number(), self.number());
        let kind = Kind::Linear(from.clone(), to.clone(), true);
        let field = self.new_field(kind, Vec::new());
        let place = Place {
            name: field.name,
            at: Vec::new(),
        };
        let lead = self.size(cx);
        let x = self.want(cx, &[lead, from.clone()], 3);
        let y = self.energy(vec![Expr::Layer(place.clone(), vec![x])]);
        let y = self.perhaps_bound(cx, y, out);
        let mut by = vec![Expr::Param(place.clone(), "weight".to_owned())];
        let mut shapes: Vec<Vec<Size>> = vec![vec![to.clone(), from]];
        if self.coin() {
            by.push(Expr::Param(place, "bias".to_owned()));
            shapes.push(vec![to]);
        }
        self.bind_gradients(cx, y, by, shapes, out);
    }

    fn bind_gradients(
        &mut self,
        cx: &mut Cx,
        y: Expr,
        by: Vec<Expr>,
        shapes: Vec<Shape>,
        out: &mut Vec<Stmt>,
    ) {
        let names: Vec<String> = shapes.iter().map(|_| self.name("g")).collect();
        let pats: Vec<Pat> = names.iter().cloned().map(Pat::Name).collect();
        for (name, shape) in names.iter().zip(shapes) {
            cx.bind(name, shape, false, false);
        }
        let pat = match pats.len() {
            1 => pats[0].clone(),
            _ => Pat::Tuple(pats),
        };
        out.push(Stmt::Let {
            pat,
            mutable: false,
            ty: None,
            value: Expr::Grad(Box::new(y), by),
        });
    }
}
