//! Runs a program's functions statement by statement.

use super::array::{self, Array};
use super::tape::Tape;
use crate::ast::{Binary, Expr, Function, Kind, Op, Pat, Place, Program, Scan, Stmt};
use crate::layout::{self, Param};
use crate::size::Size;
use std::collections::HashMap;

/// The value of a name or an expression.
#[derive(Clone, Debug)]
enum Value {
    Array(Array),
    Tuple(Vec<Value>),
    Layer(Layer),
}

/// A field, or a part of an array.
#[derive(Clone, Debug)]
struct Layer {
    /// `blocks.{}.linear`.
    name: String,
    /// The places chosen in arrays so far, including those of enclosing networks.
    at: Vec<usize>,
    kind: Kind,
    /// The counts of the arrays in which no place is chosen yet.
    left: Vec<usize>,
}

/// A network while it runs.
#[derive(Clone, Default)]
struct Frame {
    net: usize,
    /// The prefix of its parameters' names, and the places in arrays.
    prefix: String,
    at: Vec<usize>,
    sizes: HashMap<String, usize>,
    locals: HashMap<String, Value>,
}

/// Values cut off by `detach`: kept, so that they stay constant when the arguments move a little.
#[derive(Clone, Debug, Default)]
pub struct Detached {
    values: Vec<f64>,
    next: usize,
    known: bool,
}

impl Detached {
    /// The same values again, in the same order.
    pub fn again(&self) -> Detached {
        Detached {
            values: self.values.clone(),
            next: 0,
            known: true,
        }
    }

    fn value(&mut self, now: f64) -> f64 {
        if !self.known {
            self.values.push(now);
        }
        self.next += 1;
        self.values[self.next - 1]
    }
}

/// The machine.
pub struct Machine<'a> {
    program: &'a Program,
    layout: &'a [Param],
    params: HashMap<String, Array>,
    /// The tape with all numbers.
    pub tape: Tape,
    /// The values cut off by `detach`.
    pub detached: Detached,
}

impl<'a> Machine<'a> {
    /// A machine with values for the parameters, by name.
    pub fn new(
        program: &'a Program,
        layout: &'a [Param],
        tape: Tape,
        params: HashMap<String, Array>,
        detached: Detached,
    ) -> Self {
        Machine {
            program,
            layout,
            params,
            tape,
            detached,
        }
    }

    /// The last function of the last network.
    pub fn run(&mut self, args: Vec<Array>) -> Array {
        let net = self.program.nets.len() - 1;
        let frame = Frame {
            net,
            ..Frame::default()
        };
        let program = self.program;
        let functions = &program.nets[net].functions;
        let args = args.into_iter().map(Value::Array).collect();
        one(self.function(&frame, &functions[functions.len() - 1], args))
    }

    /// Runs a function in `frame`, whatever its local names.
    fn function(&mut self, frame: &Frame, f: &Function, args: Vec<Value>) -> Value {
        let mut inner = Frame {
            locals: HashMap::new(),
            ..frame.clone()
        };
        for (arg, value) in f.args.iter().zip(args) {
            let value = Value::Array(one(value));
            if let Value::Array(a) = &value {
                assert_eq!(arg.shape.len(), a.shape.len(), "{}", f.name);
                for (size, n) in arg.shape.iter().zip(&a.shape) {
                    if let Size::Name(name) = size {
                        let bound = *inner.sizes.entry(name.clone()).or_insert(*n);
                        assert_eq!(bound, *n, "{name} of {}", f.name);
                    }
                }
            }
            inner.locals.insert(arg.name.clone(), value);
        }
        self.statements(&mut inner, &f.body);
        let result = self.all(&mut inner, &f.result);
        for (value, ret) in result.iter().zip(&f.ret) {
            assert_eq!(one(value.clone()).shape, sizes(&inner, ret), "{}", f.name);
        }
        single(result)
    }

    fn statements(&mut self, f: &mut Frame, body: &[Stmt]) {
        for stmt in body {
            match stmt {
                Stmt::Let { pat, value, .. } => {
                    let value = self.expr(f, value);
                    bind(f, pat, value);
                }
                Stmt::Assign(name, value) => {
                    let value = self.expr(f, value);
                    f.locals.insert(name.clone(), value);
                }
                Stmt::For(name, over, body) => self.rounds(f, name, over, body),
            }
        }
    }

    /// An iteration carries the outer variables that it assigns: in every iteration, and after the loop, they are new
    /// numbers.
    fn rounds(&mut self, f: &mut Frame, name: &str, over: &Place, body: &[Stmt]) {
        let layers = self.layer(f, over);
        let mut carried = Vec::new();
        assigned(body, &mut carried);
        carried.retain(|c| f.locals.contains_key(c));
        for i in 0..layers.left[0] {
            self.renew(f, &carried);
            let mut inner = f.clone();
            let layer = Value::Layer(chosen(&layers, i as i64));
            inner.locals.insert(name.to_owned(), layer);
            self.statements(&mut inner, body);
            for variable in &carried {
                f.locals
                    .insert(variable.clone(), inner.locals[variable].clone());
            }
        }
        self.renew(f, &carried);
    }

    fn renew(&mut self, f: &mut Frame, names: &[String]) {
        for name in names {
            let fresh = one(f.locals[name].clone()).fresh(&mut self.tape);
            f.locals.insert(name.clone(), Value::Array(fresh));
        }
    }

    fn all(&mut self, f: &mut Frame, items: &[Expr]) -> Vec<Value> {
        items.iter().map(|e| self.expr(f, e)).collect()
    }

    fn arrays(&mut self, f: &mut Frame, items: &[Expr]) -> Vec<Array> {
        self.all(f, items).into_iter().map(one).collect()
    }

    fn expr(&mut self, f: &mut Frame, e: &Expr) -> Value {
        let array = match e {
            Expr::Number(v) => Array {
                shape: Vec::new(),
                data: vec![self.tape.leaf(*v)],
            },
            Expr::Var(name) => return f.locals[name].clone(),
            Expr::Param(place, name) => {
                let layer = self.layer(f, place);
                let full = format!("{}.{name}", layer.name);
                self.param(full.trim_end_matches('.'), &layer.at)
            }
            Expr::Unary(g, x, _) => {
                let x = one(self.expr(f, x));
                let t = &mut self.tape;
                Array {
                    data: x.data.iter().map(|x| array::unary(t, *g, *x)).collect(),
                    shape: x.shape,
                }
            }
            Expr::Binary(op, a, b) => {
                let (a, b) = (one(self.expr(f, a)), one(self.expr(f, b)));
                array::binary(&mut self.tape, *op, &a, &b)
            }
            Expr::Op(Op::Detach, x, _) => {
                let x = self.arrays(f, x).remove(0);
                let mut cut = |id: &u32| {
                    let value = self.detached.value(self.tape.value(*id));
                    self.tape.leaf(value)
                };
                Array {
                    data: x.data.iter().map(&mut cut).collect(),
                    shape: x.shape,
                }
            }
            Expr::Op(Op::Full(shape, v), ..) => {
                Array::build(&sizes(f, shape), |_| self.tape.leaf(*v))
            }
            Expr::Op(op, x, _) => {
                let x = self.arrays(f, x);
                let to = match op {
                    Op::Reshape(to) | Op::Expand(to) => sizes(f, to),
                    _ => Vec::new(),
                };
                array::op(&mut self.tape, op, &x, &to)
            }
            Expr::Layer(place, x) => {
                let x = self.all(f, x);
                let layer = self.layer(f, place);
                return self.call(f, &layer, "forward", x);
            }
            Expr::Method(place, function, x) => {
                let x = self.all(f, x);
                let layer = self.layer(f, place);
                return self.call(f, &layer, function, x);
            }
            Expr::Call(name, x) => {
                let x = self.all(f, x);
                let program = self.program;
                let functions = &program.nets[f.net].functions;
                let Some(function) = functions.iter().find(|g| g.name == *name) else {
                    panic!("no function {name}")
                };
                let inner = Frame {
                    sizes: generics(program, f),
                    ..f.clone()
                };
                return self.function(&inner, function, x);
            }
            Expr::Item(x, k) => match self.expr(f, x) {
                Value::Tuple(items) => return items[*k].clone(),
                other => panic!("{other:?} is no tuple"),
            },
            Expr::Tuple(items) => return Value::Tuple(self.all(f, items)),
            Expr::Grad(y, xs) => return self.grad(f, y, xs),
            Expr::Scan(scan) => return self.scan(f, scan),
        };
        Value::Array(array)
    }

    fn grad(&mut self, f: &mut Frame, y: &Expr, xs: &[Expr]) -> Value {
        let y = one(self.expr(f, y));
        let out = xs.iter().map(|x| {
            let x = one(self.expr(f, x));
            Value::Array(Array {
                data: self.tape.gradient(y.data[0], &x.data),
                shape: x.shape,
            })
        });
        single(out.collect())
    }

    fn scan(&mut self, f: &mut Frame, s: &Scan) -> Value {
        let input = self.arrays(f, &s.input);
        let mut states = self.arrays(f, &s.init);
        let count = input[0].shape[s.dim];
        let mut outs: Vec<Vec<Array>> = vec![Vec::new(); s.out.len()];
        for step in 0..count {
            let at = if s.reverse { count - 1 - step } else { step };
            let mut inner = f.clone();
            for (name, x) in s.items.iter().zip(&input) {
                let item = x.select(s.dim, at).fresh(&mut self.tape);
                inner.locals.insert(name.clone(), Value::Array(item));
            }
            for (name, state) in s.states.iter().zip(&states) {
                let state = state.fresh(&mut self.tape);
                inner.locals.insert(name.clone(), Value::Array(state));
            }
            self.statements(&mut inner, &s.body);
            let next = self.arrays(&mut inner, &s.next);
            for (next, state) in next.iter().zip(&states) {
                assert_eq!(next.shape, state.shape);
            }
            for (all, out) in outs.iter_mut().zip(self.arrays(&mut inner, &s.out)) {
                all.push(out);
            }
            states = next;
        }
        let stacked = outs.into_iter().map(|mut parts| {
            if s.reverse {
                parts.reverse();
            }
            let dim = s.dim.min(parts[0].shape.len()) as i64;
            Value::Array(array::op(&mut self.tape, &Op::Stack(dim), &parts, &[]))
        });
        let stacked = single(stacked.collect());
        let last = states.iter().map(|s| Value::Array(s.fresh(&mut self.tape)));
        Value::Tuple(vec![single(last.collect()), stacked])
    }

    /// The field or the iteration's layer of this name, with the places in its array chosen.
    fn layer(&self, f: &Frame, place: &Place) -> Layer {
        let whole = match f.locals.get(&place.name) {
            Some(Value::Layer(layer)) => layer.clone(),
            _ => {
                let fields = &self.program.nets[f.net].fields;
                let Some(field) = fields.iter().find(|g| g.name == place.name) else {
                    panic!("no field {}", place.name)
                };
                let value = |name: &str| f.sizes.get(name).map(|n| Size::Lit(*n));
                let kind = match &field.kind {
                    Kind::Block(net, args) => {
                        Kind::Block(*net, args.iter().map(|a| a.with(&value)).collect())
                    }
                    other => other.clone(),
                };
                Layer {
                    name: format!(
                        "{}{}{}",
                        f.prefix,
                        field.name,
                        ".{}".repeat(field.stack.len())
                    ),
                    at: f.at.clone(),
                    kind,
                    left: field.stack.clone(),
                }
            }
        };
        place.at.iter().fold(whole, |layer, i| chosen(&layer, *i))
    }

    fn param(&self, name: &str, at: &[usize]) -> Array {
        let whole = &self.params[layout::holder(self.layout, name)];
        at.iter().fold(whole.clone(), |x, i| x.select(0, *i))
    }

    /// Calls a layer, or a function of a network.
    fn call(&mut self, f: &Frame, layer: &Layer, function: &str, args: Vec<Value>) -> Value {
        let own = |name: &str| self.param(&format!("{}.{name}", layer.name), &layer.at);
        if let Kind::Block(net, _) = &layer.kind {
            let mut inner = Frame {
                net: *net,
                prefix: format!("{}.", layer.name),
                at: layer.at.clone(),
                ..Frame::default()
            };
            inner.sizes = values_of(self.program, &layer.kind);
            let program = self.program;
            let functions = &program.nets[*net].functions;
            let Some(function) = functions.iter().find(|g| g.name == function) else {
                panic!("no function {function}")
            };
            return self.function(&inner, function, args);
        }
        let mut args = args.into_iter().map(one);
        let Some(x) = args.next() else {
            panic!("{} needs an argument", layer.name)
        };
        let y = match &layer.kind {
            Kind::Linear(_, _, bias) => {
                let weight = own("weight");
                let bias = bias.then(|| own("bias"));
                let y = array::op(&mut self.tape, &Op::Linear, &[x, weight], &[]);
                match bias {
                    Some(b) => array::binary(&mut self.tape, Binary::Add, &y, &b),
                    None => y,
                }
            }
            Kind::LayerNorm(_) | Kind::RmsNorm(_) => {
                let centred = matches!(layer.kind, Kind::LayerNorm(_));
                let weight = own("weight");
                let bias = centred.then(|| own("bias"));
                let y = array::normalised(&mut self.tape, &x, centred, 0.1);
                let y = array::binary(&mut self.tape, Binary::Mul, &y, &weight);
                match bias {
                    Some(b) => array::binary(&mut self.tape, Binary::Add, &y, &b),
                    None => y,
                }
            }
            Kind::Embedding(..) => {
                let weight = own("weight");
                let shape = [&x.shape[..], &weight.shape[1..]].concat();
                Array::build(&shape, |index| {
                    let row = self.tape.value(x.at(&index[..index.len() - 1]));
                    weight.at(&[row as usize, index[index.len() - 1]])
                })
                .fresh(&mut self.tape)
            }
            Kind::Param(_) | Kind::Block(..) => {
                panic!("{} is not called: {}", layer.name, f.prefix)
            }
        };
        Value::Array(y)
    }
}

/// The values of the const parameters of the current network.
fn generics(p: &Program, f: &Frame) -> HashMap<String, usize> {
    let names = p.nets[f.net].generics.iter().map(|g| &g.0);
    names.map(|n| (n.clone(), f.sizes[n])).collect()
}

/// The same for a network in a field.
fn values_of(p: &Program, kind: &Kind) -> HashMap<String, usize> {
    let Kind::Block(net, args) = kind else {
        return HashMap::new();
    };
    let given = args
        .iter()
        .map(|a| Some(a.eval(&|n| panic!("{n} has no value"))));
    let given = given.chain(std::iter::repeat(None));
    (p.nets[*net].generics.iter().zip(given))
        .map(|((name, default), value)| (name.clone(), value.or(*default).unwrap_or(0)))
        .collect()
}

fn sizes(f: &Frame, shape: &[Size]) -> Vec<usize> {
    shape.iter().map(|s| s.eval(&|n| f.sizes[n])).collect()
}

fn chosen(layer: &Layer, i: i64) -> Layer {
    let count = layer.left[0] as i64;
    let i = if i < 0 { count + i } else { i };
    Layer {
        at: [&layer.at[..], &[i as usize]].concat(),
        left: layer.left[1..].to_vec(),
        ..layer.clone()
    }
}

fn bind(f: &mut Frame, pat: &Pat, value: Value) {
    match (pat, value) {
        (Pat::Name(n), value) => {
            f.locals.insert(n.clone(), value);
        }
        (Pat::Tuple(pats), Value::Tuple(items)) => {
            assert_eq!(pats.len(), items.len());
            pats.iter().zip(items).for_each(|(p, v)| bind(f, p, v));
        }
        (Pat::Tuple(_), other) => panic!("{other:?} is no tuple"),
    }
}

/// The variables that a body assigns. No name in a program is bound twice.
fn assigned(body: &[Stmt], out: &mut Vec<String>) {
    for stmt in body {
        match stmt {
            Stmt::Let { .. } => {}
            Stmt::Assign(name, _) if !out.contains(name) => out.push(name.clone()),
            Stmt::Assign(..) => {}
            Stmt::For(_, _, body) => assigned(body, out),
        }
    }
}

fn one(value: Value) -> Array {
    match value {
        Value::Array(a) => a,
        other => panic!("{other:?} is no array"),
    }
}

fn single(mut items: Vec<Value>) -> Value {
    match items.len() {
        1 => items.remove(0),
        _ => Value::Tuple(items),
    }
}
