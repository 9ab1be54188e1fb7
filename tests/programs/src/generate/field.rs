//! Layers, networks in fields and helper functions, made where a call needs them.

use super::{Cx, Gen, arg};
use crate::ast::{Expr, Field, Function, Kind, Network, Op, Place};
use crate::size::{Shape, Size};

impl Gen {
    /// A place that holds this kind of layer: an existing field, or a new one.
    pub(super) fn field(&mut self, cx: &Cx, kind: Kind) -> Place {
        let known: Vec<Place> = (cx.layers.iter().filter(|(_, k)| alike(k, &kind)))
            .map(|(place, _)| place.clone())
            .collect();
        if let Some(place) = self.rng.pick_some(&known) {
            return place;
        }
        let same = |f: &&Field| alike(&f.kind, &kind);
        let known: Vec<Field> = self.net().fields.iter().filter(same).cloned().collect();
        match self.rng.pick_some(&known) {
            Some(field) if self.coin() => self.element(&field),
            _ => {
                let stack = match self.rng.below(8) {
                    _ if matches!(kind, Kind::Param(_)) => Vec::new(),
                    0..=1 => vec![2],
                    2 if self.coin() => vec![2, 2],
                    _ => Vec::new(),
                };
                let field = self.new_field(kind, stack);
                self.element(&field)
            }
        }
    }

    /// A new field.
    pub(super) fn new_field(&mut self, kind: Kind, stack: Vec<usize>) -> Field {
        let own = matches!(kind, Kind::Param(_));
        let field = Field {
            name: self.name("f"),
            kind,
            stack,
            recompute: !own && self.rng.once_in(6),
            frozen: self.rng.once_in(12),
        };
        self.net().fields.push(field.clone());
        field
    }

    fn element(&mut self, field: &Field) -> Place {
        let index = |n: &usize| self.rng.below(2 * n) as i64 - *n as i64;
        Place {
            name: field.name.clone(),
            at: field.stack.iter().map(index).collect(),
        }
    }

    /// The kind at a place.
    pub(super) fn kind_of(&mut self, cx: &Cx, place: &Place) -> Option<Kind> {
        let round = cx.layers.iter().find(|(p, _)| p.name == place.name);
        let field = |g: &mut Gen| {
            g.net()
                .fields
                .iter()
                .find(|f| f.name == place.name)
                .cloned()
        };
        round
            .map(|(_, k)| k.clone())
            .or_else(|| field(self).map(|f| f.kind))
    }

    /// A call of a network in a field.
    pub(super) fn block(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        let (width, lead) = shape.split_last()?;
        if lead.is_empty() || !cx.is_fixed(width) {
            return None;
        }
        let net = self.block_of(shape.len())?;
        let place = self.place_of(cx, net, width);
        let f = self.function_of(net);
        let args = self.args_of(cx, &f, shape, depth);
        Some(match f.name.as_str() {
            "forward" => Expr::Layer(place, args),
            _ => Expr::Item(Box::new(Expr::Method(place, f.name, args)), 0),
        })
    }

    /// A random function of a network.
    fn function_of(&mut self, net: usize) -> Function {
        let entries = |f: &&Function| f.name == "forward" || f.name == "both";
        let all: Vec<Function> = (self.finished[net].functions.iter())
            .filter(entries)
            .cloned()
            .collect();
        self.rng.pick(&all)
    }

    /// Arguments for a function of a network, such that its first result has a given shape.
    fn args_of(&mut self, cx: &mut Cx, f: &Function, shape: &[Size], depth: usize) -> Vec<Expr> {
        let formal = f.ret[0].clone();
        let value = |name: &str| {
            let at = formal.iter().position(|s| *s == Size::name(name));
            at.map(|d| shape[d].clone())
        };
        let shapes: Vec<Shape> = (f.args.iter())
            .map(|a| a.shape.iter().map(|s| s.with(&value)).collect())
            .collect();
        shapes.iter().map(|s| self.want(cx, s, depth - 1)).collect()
    }

    /// A finished network whose `forward` takes values of this rank.
    pub(super) fn block_of(&mut self, rank: usize) -> Option<usize> {
        let fits = |k: &usize| {
            self.finished[*k]
                .functions
                .iter()
                .any(|f| f.ret[0].len() == rank && f.name == "forward")
        };
        let known: Vec<usize> = (0..self.finished.len()).filter(fits).collect();
        let again = self.blocks == 0 || !self.rng.once_in(3);
        match self.rng.pick_some(&known) {
            Some(k) if again => Some(k),
            _ if self.blocks > 0 && self.open.len() < 3 => Some(self.new_block(rank)),
            _ => None,
        }
    }

    fn place_of(&mut self, cx: &Cx, net: usize, width: &Size) -> Place {
        let kind = self.kind_of_block(cx, net, width);
        self.field(cx, kind)
    }

    /// A field's kind: the network with sizes.
    pub(super) fn kind_of_block(&mut self, cx: &Cx, net: usize, width: &Size) -> Kind {
        let mut args = vec![width.clone()];
        if self.finished[net].generics.len() > 1 && self.coin() {
            args.push(self.fixed(cx));
        }
        Kind::Block(net, args)
    }

    /// A network over the last dimension of values of this rank.
    fn new_block(&mut self, rank: usize) -> usize {
        self.blocks -= 1;
        let mut generics = vec![("D".to_owned(), None)];
        if self.coin() {
            generics.push(("W".to_owned(), Some(3)));
        }
        let sizes: Vec<Size> = generics.iter().map(|(g, _)| Size::name(g)).collect();
        let name = self.name("Block");
        self.open.push(Network {
            name,
            generics,
            ..Network::default()
        });
        let mut lead = vec![Size::name("N")];
        if rank > 2 {
            lead.push(Size::name("L"));
        }
        let shape: Shape = lead.iter().chain(&sizes[..1]).cloned().collect();
        let n = 1 + self.rng.below(2);
        let mut args = vec![arg("x", shape.clone())];
        if self.rng.once_in(3) {
            args.push(arg("y", shape[rank - 2..].to_vec()));
        }
        let cx = self.cx(&lead, &sizes);
        let forward = self.function("forward", args, vec![shape.clone()], cx, n);
        let forward = self.with_a_param(forward);
        self.net().functions.push(forward);
        if self.coin() {
            let cx = self.cx(&lead, &sizes);
            let ret = vec![shape.clone(), shape[..rank - 1].to_vec()];
            let both = self.function("both", vec![arg("x", shape)], ret, cx, 1);
            let both = self.with_a_param(both);
            self.net().functions.push(both);
        }
        let net = self.close();
        self.finished.push(net);
        self.finished.len() - 1
    }

    /// Adds a parameter to a function of a block, so that every function of the block reaches some parameter.
    fn with_a_param(&mut self, mut f: Function) -> Function {
        let kind = Kind::Param(vec![Size::name("D")]);
        let known = self.net().fields.iter().find(|g| g.kind == kind).cloned();
        let field = match known {
            Some(field) => field,
            None => self.new_field(kind, Vec::new()),
        };
        let place = Place {
            name: field.name,
            at: Vec::new(),
        };
        f.result[0] = super::add(f.result[0].clone(), Expr::Param(place, String::new()));
        f
    }

    /// A call of a helper function, existing or new.
    pub(super) fn helper(&mut self, cx: &mut Cx, shape: &[Size], depth: usize) -> Option<Expr> {
        // A block with a scalar function would have to be trained by that function alone.
        if shape.is_empty() && self.open.len() > 1 {
            return None;
        }
        let known: Vec<Function> = (self.net().functions.iter())
            .filter(|f| f.name.starts_with("help"))
            .cloned()
            .collect();
        let mut fits = Vec::new();
        for f in known {
            for k in 0..f.ret.len() {
                if let Some(names) = unified(&f.ret[k], shape, &cx.generics) {
                    fits.push((f.clone(), k, names));
                }
            }
        }
        let again = self.helpers == 0 || self.coin();
        let (f, k, mut names) = match self.rng.pick_some(&fits) {
            Some(found) if again => found,
            _ if self.helpers > 0 => {
                let (f, names) = self.new_helper(cx, shape);
                (f, 0, names)
            }
            _ => return None,
        };
        // Dimensions that the result does not have are free.
        for a in &f.args {
            for s in &a.shape {
                let free = matches!(s, Size::Name(_)) && !cx.generics.contains(s);
                if let (true, Size::Name(n)) = (free, s)
                    && !names.iter().any(|(m, _)| m == n)
                {
                    let size = self.size(cx);
                    names.push((n.clone(), size));
                }
            }
        }
        let value = |n: &str| names.iter().find(|(m, _)| m == n).map(|(_, s)| s.clone());
        let shapes: Vec<Shape> = (f.args.iter())
            .map(|a| a.shape.iter().map(|s| s.with(&value)).collect())
            .collect();
        let args = shapes.iter().map(|s| self.want(cx, s, depth - 1)).collect();
        let call = Expr::Call(f.name.clone(), args);
        let item = |k| Expr::Item(Box::new(call.clone()), k);
        Some(match (f.ret.len(), k) {
            (1, _) => call,
            (_, 0) => item(0),
            // Parameters are in the first result, which must reach the loss.
            _ => {
                let first = Expr::Op(Op::Mean(None, false), vec![item(0)], true);
                super::add(item(k), super::scaled(first, 0.3))
            }
        })
    }

    /// A helper function whose first result has this shape, sometimes with renamed dimensions, and the sizes of its
    /// names.
    fn new_helper(&mut self, cx: &Cx, shape: &[Size]) -> (Function, Vec<(String, Size)>) {
        self.helpers -= 1;
        let own = self.coin();
        let rename = |n: &str| {
            let at = cx.dims.iter().position(|d| *d == Size::name(n))?;
            own.then(|| Size::name(["P", "Q", "R"][at.min(2)]))
        };
        let ret: Shape = shape.iter().map(|s| s.with(&rename)).collect();
        let dims: Vec<Size> = cx.dims.iter().map(|d| d.with(&rename)).collect();
        // The first argument introduces the names.
        let mut first = dims.clone();
        if self.coin() {
            first.reverse();
        }
        if first.len() < 3 && self.coin() {
            first.push(self.fixed(cx));
        }
        let inner = self.cx(&dims, &cx.generics);
        let mut args = vec![arg("a", first)];
        if self.coin() {
            let shape = self.shape(&inner, 2);
            args.push(arg("b", shape));
        }
        let mut rets = vec![ret];
        if self.rng.once_in(3) {
            rets.push(self.shape(&inner, 2));
        }
        let name = self.name("help");
        let n = self.rng.below(3);
        let f = self.function(&name, args, rets, inner, n);
        self.net().functions.push(f.clone());
        let names = dims
            .iter()
            .zip(&cx.dims)
            .filter_map(|(own, outer)| match own {
                Size::Name(n) => Some((n.clone(), outer.clone())),
                _ => None,
            });
        (f, names.collect())
    }
}

/// Whether a place of kind `have` can be used as kind `want`.
fn alike(have: &Kind, want: &Kind) -> bool {
    match (have, want) {
        (Kind::Linear(a, b, _), Kind::Linear(c, d, _)) => a == c && b == d,
        (Kind::Block(a, s), Kind::Block(b, t)) => a == b && s[0] == t[0],
        (a, b) => a == b,
    }
}

/// The sizes of names, if a formal shape is to equal an actual one.
fn unified(formal: &[Size], actual: &[Size], generics: &[Size]) -> Option<Vec<(String, Size)>> {
    if formal.len() != actual.len() {
        return None;
    }
    let mut names: Vec<(String, Size)> = Vec::new();
    for (f, a) in formal.iter().zip(actual) {
        if let Size::Name(n) = f
            && !generics.contains(f)
            && !names.iter().any(|(m, _)| m == n)
        {
            names.push((n.clone(), a.clone()));
        }
    }
    // Names inside sums and products must be the same on both sides, or there is no match.
    for f in formal.iter().filter(|f| !f.is_bare()) {
        f.names(&mut |n| {
            let free = !generics.contains(&Size::name(n));
            if free && !names.iter().any(|(m, _)| m == n) {
                names.push((n.to_owned(), Size::name(n)));
            }
        });
    }
    let value = |n: &str| names.iter().find(|(m, _)| m == n).map(|(_, s)| s.clone());
    let same = formal.iter().zip(actual).all(|(f, a)| f.with(&value) == *a);
    same.then_some(names)
}
