//! Random programs that are well typed.
//!
//! Takes a seed and returns a syntax tree. Expressions are built backwards, from the required shape (`expr`);
//! statements define variables for later expressions (`stmt`, `scan`); layers, blocks and helper functions are created
//! where a call needs them (`field`). Every variable reaches the loss, so that every parameter is reached.

mod expr;
mod field;
mod scan;
mod share;
mod stmt;

use crate::ast::{Arg, Binary, Expr, Function, Kind, Network, Op, Place, Program, Unary};
use crate::rng::Rng;
use crate::size::{Shape, Size};

/// The number of rows in tables: the integers are below it.
pub const ROWS: usize = 5;

/// The program of a seed; `attempt` numbers the attempts that were skipped.
pub fn program(seed: u64, attempt: u64, size: usize) -> Program {
    let mut g = Gen {
        rng: Rng(seed ^ (attempt << 48)),
        fuel: size as i64,
        finished: Vec::new(),
        open: Vec::new(),
        names: 0,
        bare: false,
        blocks: 1 + size / 40,
        helpers: 1 + size / 25,
    };
    let dims = [1 + g.rng.below(3), 1 + g.rng.below(4)];
    let main = g.main(1 + size / 12);
    g.finished.push(main);
    Program {
        seed,
        nets: g.finished,
        dims,
    }
}

/// The state of the generator.
struct Gen {
    rng: Rng,
    /// About the number of ops that are left.
    fuel: i64,
    /// Finished networks.
    finished: Vec<Network>,
    /// Networks under construction, innermost last.
    open: Vec<Network>,
    /// A counter for names.
    names: usize,
    /// Whether expressions must have no parameters now.
    bare: bool,
    /// The number of blocks and helpers that may still be made.
    blocks: usize,
    helpers: usize,
}

/// A variable in scope.
#[derive(Clone)]
struct Var {
    name: String,
    shape: Shape,
    /// Whether some expression reads it.
    used: bool,
    mutable: bool,
    /// Set for a value without another name, to the depth of the body that makes it: the gradient with respect to it is
    /// the same for every method of computing it.
    fresh: Option<usize>,
}

/// The context of an expression.
struct Cx {
    vars: Vec<Var>,
    /// Integers, and whether each is used.
    ints: Vec<(String, Shape, bool)>,
    /// Named dimensions.
    dims: Vec<Size>,
    /// Const parameters.
    generics: Vec<Size>,
    /// The layers of the enclosing iterations.
    layers: Vec<(Place, Kind)>,
    /// The depth of bodies.
    depth: usize,
    /// The depth of scans.
    scans: usize,
    /// Variables before this one belong outside the step, which cannot assign them.
    floor: usize,
    /// Whether this is the function `loss` itself.
    main: bool,
}

impl Gen {
    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    fn net(&mut self) -> &mut Network {
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn main(&mut self, statements: usize) -> Network {
        self.open.push(Network {
            name: "Net".to_owned(),
            ..Network::default()
        });
        let dims = [Size::name("B"), Size::name("T")];
        let mut cx = self.cx(&dims, &[]);
        cx.main = true;
        let mut args = vec![arg(
            "x",
            vec![dims[0].clone(), dims[1].clone(), self.number()],
        )];
        for name in ["y", "z"] {
            if self.rng.once_in(2) {
                let shape = self.shape(&cx, 3);
                args.push(arg(name, shape));
            }
        }
        for a in &mut args {
            a.grad = !self.rng.once_in(4);
        }
        let ids = match self.rng.below(3) {
            0 => None,
            1 => Some(dims.to_vec()),
            _ => Some(vec![dims[0].clone()]),
        };
        args.extend(ids.map(|shape| Arg {
            int: true,
            ..arg("ids", shape)
        }));
        let f = self.function("loss", args, vec![Vec::new()], cx, statements);
        self.net().functions.push(f);
        self.close()
    }

    /// Finishes the network under construction.
    fn close(&mut self) -> Network {
        let net = self.open.pop().unwrap_or_default();
        self.share(net)
    }

    fn cx(&self, dims: &[Size], generics: &[Size]) -> Cx {
        Cx {
            vars: Vec::new(),
            ints: Vec::new(),
            dims: dims.to_vec(),
            generics: generics.to_vec(),
            layers: Vec::new(),
            depth: 0,
            scans: 0,
            floor: 0,
            main: false,
        }
    }

    /// A function with a body.
    fn function(
        &mut self,
        name: &str,
        args: Vec<Arg>,
        ret: Vec<Shape>,
        mut cx: Cx,
        statements: usize,
    ) -> Function {
        for a in &args {
            match a.int {
                true => cx.ints.push((a.name.clone(), a.shape.clone(), false)),
                false => cx.vars.push(Var {
                    name: a.name.clone(),
                    shape: a.shape.clone(),
                    used: false,
                    mutable: false,
                    fresh: cx.main.then_some(0),
                }),
            }
        }
        let mut body = Vec::new();
        self.statements(&mut cx, statements, &mut body);
        let mut result = vec![self.want(&mut cx, &ret[0], 3)];
        // Of several results some may be unused, so the first one reads all variables.
        self.bare = true;
        let used: Vec<bool> = cx.vars.iter().map(|v| v.used).collect();
        for shape in &ret[1..] {
            let value = self.leaf(&mut cx, shape);
            result.push(self.smooth(value));
        }
        self.bare = false;
        cx.vars.iter_mut().zip(used).for_each(|(v, u)| v.used = u);
        result[0] = self.with_unused(&mut cx, 0, result[0].clone());
        if cx.main {
            result[0] = self.with_ints(&mut cx, result[0].clone());
        }
        Function {
            name: name.to_owned(),
            args,
            ret,
            body,
            result,
        }
    }

    /// Adds a term for every unread variable from `from` on.
    fn with_unused(&mut self, cx: &mut Cx, from: usize, mut e: Expr) -> Expr {
        for k in from..cx.vars.len() {
            if !std::mem::replace(&mut cx.vars[k].used, true) {
                let x = Expr::Var(cx.vars[k].name.clone());
                let x = match self.rng.below(3) {
                    0 => x,
                    1 => Expr::Unary(Unary::Tanh, Box::new(x), self.coin()),
                    _ => Expr::Unary(Unary::Square, Box::new(x), self.coin()),
                };
                let mean = match cx.vars[k].shape.is_empty() {
                    true => x,
                    false => Expr::Op(Op::Mean(None, false), vec![x], true),
                };
                e = add(e, scaled(mean, 0.3));
            }
        }
        e
    }

    /// Uses the integers as classes or rows of a table.
    fn with_ints(&mut self, cx: &mut Cx, mut e: Expr) -> Expr {
        for k in 0..cx.ints.len() {
            let (name, shape, used) = cx.ints[k].clone();
            if used && self.coin() {
                continue;
            }
            cx.ints[k].2 = true;
            let ids = Expr::Var(name);
            let term = if shape.len() == 1 {
                let scores = self.want(cx, &[shape[0].clone(), Size::Lit(ROWS)], 2);
                Expr::Op(Op::CrossEntropy, vec![scores, ids], self.coin())
            } else {
                let table = self.field(cx, Kind::Embedding(ROWS, Size::Lit(3)));
                let rows = Expr::Layer(table, vec![ids]);
                let rows = Expr::Unary(Unary::Square, Box::new(rows), self.coin());
                Expr::Op(Op::Mean(None, false), vec![rows], self.coin())
            };
            e = add(e, term);
        }
        e
    }

    fn coin(&mut self) -> bool {
        self.rng.once_in(2)
    }

    /// A number as a size.
    fn number(&mut self) -> Size {
        let n = self.rng.pick(&[1, 2, 2, 3, 3, 4, 4]);
        Size::Lit(n)
    }

    /// A size that parameters may have.
    fn fixed(&mut self, cx: &Cx) -> Size {
        match self.rng.pick_some(&cx.generics) {
            Some(g) if self.coin() => g,
            _ => self.number(),
        }
    }

    fn size(&mut self, cx: &Cx) -> Size {
        match self.rng.pick_some(&cx.dims) {
            Some(d) if self.coin() => d,
            _ => self.fixed(cx),
        }
    }

    fn shape(&mut self, cx: &Cx, most: usize) -> Shape {
        let rank = self.rng.below(most + 1);
        (0..rank).map(|_| self.size(cx)).collect()
    }
}

impl Cx {
    /// Whether parameters may have this size.
    fn is_fixed(&self, size: &Size) -> bool {
        match size {
            Size::Lit(_) => true,
            Size::Name(_) => self.generics.contains(size),
            Size::Add(a, b) | Size::Mul(a, b) => self.is_fixed(a) && self.is_fixed(b),
        }
    }

    fn bind(&mut self, name: &str, shape: Shape, mutable: bool, fresh: bool) {
        self.vars.push(Var {
            name: name.to_owned(),
            shape,
            used: false,
            mutable,
            fresh: fresh.then_some(self.depth),
        });
    }
}

fn arg(name: &str, shape: Shape) -> Arg {
    Arg {
        name: name.to_owned(),
        shape,
        int: false,
        grad: false,
    }
}

fn add(a: Expr, b: Expr) -> Expr {
    Expr::Binary(Binary::Add, Box::new(a), Box::new(b))
}

fn scaled(x: Expr, by: f64) -> Expr {
    Expr::Binary(Binary::Mul, Box::new(x), Box::new(Expr::Number(by)))
}
