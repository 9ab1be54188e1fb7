//! The state of lowering one function: its graph, the facts known about its values, and the questions that ops and
//! layers ask while they build nodes.

use crate::diag::{Diag, ErrorReported, Reported};
use crate::dim::{Atom, Dim, Shape, show_shape};
use crate::equal::is_no_power;
use crate::ir::{DType, Graph, NodeId, Op, Reads};
use crate::kinds::concat::Concat;
use crate::ranges::Ranges;
use crate::scalar::Scalar;
use crate::unify::may_be_equal;
use crate::value::{Tensor, Value};
use netform_core::Number;
use proc_macro2::Span;
use std::collections::HashMap;

/// A condition on dimensions that is checked when the function is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Require {
    /// The second divides the first.
    Divides(Dim, Dim),
    /// The first is at least the second.
    AtLeast(Dim, Dim),
    /// A number from 0 to 1.
    Probability(Dim),
}

impl Require {
    /// Whether it is known when the network is compiled.
    pub fn is_constant(&self) -> bool {
        match self {
            Require::Divides(p, q) | Require::AtLeast(p, q) => {
                p.names().is_empty() && q.names().is_empty()
            }
            Require::Probability(p) => p.names().is_empty(),
        }
    }
}

impl std::fmt::Display for Require {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Require::Divides(p, q) => write!(f, "{p} must be a multiple of {q}"),
            Require::AtLeast(p, q) => write!(f, "{p} must be at least {q}"),
            Require::Probability(p) => write!(f, "{p} must be a probability, from 0 to 1"),
        }
    }
}

impl Require {
    /// The two sizes that the condition compares, neither with a term below 0.
    pub fn sides(&self) -> (Dim, Dim) {
        match self {
            Require::Divides(p, q) => (p.clone(), q.clone()),
            Require::AtLeast(p, q) => p.sub(q).sides(),
            Require::Probability(p) => (p.clone(), Dim::one()),
        }
    }
}

/// The reason why a quotient of sizes is exact.
pub const WHOLE: &str = "a size must be an integer";

/// A condition, and the layer or op that demands it.
#[derive(Clone, Debug)]
pub struct Demand {
    /// The condition.
    pub what: Require,
    /// The layer or op: `` `BatchNorm1d` `norm` ``.
    pub by: String,
    /// Its reason.
    pub why: String,
    /// Where it is written.
    pub span: Span,
}

/// Equal conditions are checked once; the first layer or op that demands one is named.
impl PartialEq for Demand {
    fn eq(&self, other: &Demand) -> bool {
        self.what == other.what
    }
}

impl Demand {
    /// Whether it is known when the network is compiled.
    pub fn is_constant(&self) -> bool {
        self.what.is_constant()
    }

    /// A further line of its message.
    pub fn help(&self) -> String {
        match &self.what {
            Require::Divides(p, q) if self.why == WHOLE => {
                format!("\nhelp: to round down, write `floor({p} / {q})`")
            }
            _ => String::new(),
        }
    }
}

/// The state.
pub struct Cx<'a> {
    /// Where errors are reported.
    pub diag: &'a Diag,
    /// The graph.
    pub g: Graph,
    /// Dropout is on, statistics are updated.
    pub train: bool,
    /// Conditions to check when inputs are bound.
    pub require: Vec<Demand>,
    /// Quotients of constants of any type of numbers, with these constants: numbers, unless they become sizes.
    pub open_quotients: Vec<(Vec<Atom>, Demand)>,
    /// The layer or op that is being called, for messages at run time.
    pub by: String,
    /// The expression that is being computed, as written.
    pub expression: String,
    /// The ranges of integers, and their declared types.
    pub ranges: Ranges,
    /// Where values come from, for messages.
    pub origin: HashMap<NodeId, String>,
    /// For a value that was made from another: the value that a message shows instead.
    pub shown: HashMap<NodeId, NodeId>,
    /// The number of random streams in use.
    pub streams: u32,
    /// New values of buffers of the layer being called, by the parameter's number in the layer.
    pub updates: Vec<(usize, NodeId)>,
}

/// The verb of a message about two sizes that are not proved to be equal.
pub fn differ(a: &Dim, b: &Dim) -> &'static str {
    let rest = a.sub(b);
    match rest.value().is_some() || is_no_power(&rest) {
        true => "differ",
        false => "may differ",
    }
}

impl<'a> Cx<'a> {
    /// A fresh state.
    pub fn new(diag: &'a Diag, train: bool) -> Cx<'a> {
        Cx {
            diag,
            g: Graph::default(),
            train,
            require: Vec::new(),
            open_quotients: Vec::new(),
            by: String::new(),
            expression: String::new(),
            ranges: Ranges::default(),
            origin: HashMap::new(),
            shown: HashMap::new(),
            streams: 0,
            updates: Vec::new(),
        }
    }

    /// Reports an error.
    pub fn error(&self, span: Span, text: impl Into<String>) -> ErrorReported {
        self.diag.error(span, text)
    }

    /// Whether two sizes are one. If not, report the error at once: if values of constants make the sizes equal, the
    /// network is compiled again with them.
    pub fn same(&self, left: &Dim, right: &Dim) -> bool {
        let same = left == right;
        if !same {
            self.diag.differ(left, right);
        }
        same
    }

    /// The same for two shapes.
    pub fn same_shape(&self, left: &[Dim], right: &[Dim]) -> bool {
        let pairs = || left.iter().zip(right);
        if left.len() != right.len()
            || pairs()
                .any(|(p, q)| p != q && !may_be_equal(p, q) && p.equal_if_divided(q).is_none())
        {
            return false;
        }
        pairs().fold(true, |all, (p, q)| self.same(p, q) && all)
    }

    /// The shape of a tensor.
    pub fn shape(&self, x: &Tensor) -> Shape {
        self.g.shape(x.id).clone()
    }

    /// A tensor named after the expression that made it.
    pub fn tensor(&self, id: NodeId) -> Value {
        Value::Tensor(Tensor {
            id,
            text: String::new(),
        })
    }

    /// A number or dimension as a scalar tensor.
    pub fn lift(&mut self, value: &Value, text: &str) -> Option<Tensor> {
        let id = match value {
            Value::Tensor(t) => return Some(t.clone()),
            Value::Whole(v) => self.g.whole(*v),
            Value::Number(v) => self.g.constant(*v),
            Value::Real(d) => self.g.size(d),
            Value::Dim(d) if self.is_open_quotient(d) => self.g.size(d),
            Value::Dim(d) => self.g.whole_size(d),
            Value::List(items) => self.numbers(items)?,
            _ => return None,
        };
        Some(Tensor {
            id,
            text: text.to_owned(),
        })
    }

    /// `true` or `false` as a tensor.
    pub fn boolean(&mut self, value: bool) -> Tensor {
        let id = self.g.whole(i128::from(value));
        let text = value.to_string();
        let number = Tensor { id, text };
        Tensor {
            id: self.as_type(&number, DType::Bool),
            text: number.text,
        }
    }

    /// A number or size as a tensor.
    pub fn tensor_of(&mut self, value: &Value, text: &str) -> Tensor {
        let lifted = self.lift(value, text);
        lifted.unwrap_or_else(|| Tensor {
            id: self.g.whole(0),
            text: text.to_owned(),
        })
    }

    /// A list of numbers, or of lists of them of one length, as a tensor: floats, if one of them is a float.
    fn numbers(&mut self, items: &[Value]) -> Option<NodeId> {
        fn only(items: &[Value], is: &dyn Fn(&Value) -> bool) -> bool {
            !items.is_empty()
                && items.iter().all(|v| match v {
                    Value::List(items) => only(items, is),
                    v => is(v),
                })
        }
        let whole = |v: &Value| matches!(v, Value::Whole(_) | Value::Dim(_));
        if !only(items, &|v| {
            whole(v) || matches!(v, Value::Number(_) | Value::Real(_))
        }) {
            return None;
        }
        let whole = only(items, &whole);
        let mut parts = Vec::with_capacity(items.len());
        for item in items {
            let mut part = self.lift(item, "")?;
            if !whole {
                part = self.to_float(&part);
            }
            parts.push(self.g.unsqueeze(part.id, 0));
        }
        let same = |id: &NodeId| self.g.shape(*id) == self.g.shape(parts[0]);
        if !parts.iter().all(same) {
            return None;
        }
        Some(self.g.push(Concat { dim: 0 }, &parts, None))
    }

    /// Whether a value is a number that was written.
    pub fn is_literal(&self, id: NodeId) -> bool {
        matches!(self.g[id].op, Op::Const(_) | Op::Whole(_))
    }

    /// Whether a value is an argument of the function.
    pub fn is_argument(&self, id: NodeId) -> bool {
        let node = &self.g[id];
        // Inputs of bodies, and results of calls, have other origins.
        matches!(node.op, Op::Input { index } if index != usize::MAX)
            && self.origin.get(&id) == Some(&node.name)
    }

    /// As floats.
    pub fn to_float(&mut self, x: &Tensor) -> Tensor {
        // A literal or a size is a float without a conversion.
        let id = match self.g[x.id].op.clone() {
            Op::Const(v) => self.g.constant(v),
            Op::Whole(v) => self.g.constant(v as f64),
            _ => match self.holds_size(x.id) {
                true => self.numbers_of(x.id),
                false => self.g.cast(x.id, DType::Float),
            },
        };
        Tensor {
            id,
            text: x.text.clone(),
        }
    }

    /// Whether a value consists of sizes and literals, as those of `full([2], C)` and `[C, 1]` do.
    fn holds_size(&self, id: NodeId) -> bool {
        let node = &self.g[id];
        let part = |id: &NodeId| self.holds_size(*id);
        let literal = |id: &NodeId| matches!(self.g[self.spread_from(*id)].op, Op::Whole(_));
        match &node.op {
            Op::Size(_) => true,
            Op::Expand | Op::Reshape => node.args.iter().all(part),
            op if op.kernel::<Concat>().is_some() => {
                node.args.iter().any(part) && node.args.iter().all(|id| part(id) || literal(id))
            }
            _ => false,
        }
    }

    /// The value that is repeated or written in another shape.
    fn spread_from(&self, id: NodeId) -> NodeId {
        match self.g[id].op {
            Op::Expand | Op::Reshape => self.spread_from(self.g[id].args[0]),
            _ => id,
        }
    }

    /// Such a value as floats, without a conversion: a constant in it may be a number of any type.
    fn numbers_of(&mut self, id: NodeId) -> NodeId {
        let (op, shape) = (self.g[id].op.clone(), self.g.shape(id).clone());
        match &op {
            Op::Size(d) => return self.g.size(d),
            Op::Whole(v) => return self.g.constant(*v as f64),
            _ => {}
        }
        let args: Vec<NodeId> = self.g[id].args.to_vec();
        let args: Vec<NodeId> = args.into_iter().map(|id| self.numbers_of(id)).collect();
        match op {
            Op::Expand => self.g.expand(args[0], &shape),
            Op::Reshape => self.g.reshape(args[0], &shape),
            op => self.g.push(op, &args, None),
        }
    }

    /// As another type; a literal is made in that type directly.
    pub fn as_type(&mut self, x: &Tensor, to: DType) -> NodeId {
        let truth = match (&self.g[x.id].op, to) {
            (_, DType::Float) => return self.to_float(x).id,
            // Rounds towards zero; `small` reports NaN and numbers that are too large.
            (Op::Const(v), DType::Int) => {
                let whole = if v.is_nan() { i128::MAX } else { *v as i128 };
                return self.g.whole(whole);
            }
            (Op::Whole(v), DType::Int) => return self.g.whole(*v),
            (Op::Const(v), DType::Bool) => *v != 0.0,
            (Op::Whole(v), DType::Bool) => *v != 0,
            _ => return self.g.cast(x.id, to),
        };
        self.g.filled(Number::Bool(truth), &Vec::new())
    }

    /// A further line with a tensor's shape and the place it comes from.
    pub fn origin_note(&self, x: &Tensor) -> String {
        let shape = self.typed(*self.shown.get(&x.id).unwrap_or(&x.id));
        match self.origin_of(x) {
            Some(origin) => format!("\n`{}` is {shape} and comes from `{origin}`", x.text),
            None => format!("\n`{}` is {shape}", x.text),
        }
    }

    /// The same without the shape, for messages that show it: nothing, if there is no more to say.
    pub fn origin_line(&self, x: &Tensor) -> String {
        match self.origin_of(x) {
            Some(origin) => format!("\n`{}` comes from `{origin}`", x.text),
            None => String::new(),
        }
    }

    /// Where a tensor comes from, unless its text says so.
    fn origin_of(&self, x: &Tensor) -> Option<&String> {
        let id = self.shown.get(&x.id).unwrap_or(&x.id);
        let origin = self.origin.get(id)?;
        // `floor(x)` comes from `x`, and `forward(x)` from `forward(..)`.
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let named = x.text.split(|c| !word(c)).any(|part| part == origin);
        let call = named
            || origin
                .strip_suffix("..)")
                .is_some_and(|c| x.text.starts_with(c));
        (*origin != x.text && !call).then_some(origin)
    }

    /// `u32[B, T]`-like text of a value's type; floats show the shape alone.
    pub fn typed(&self, id: NodeId) -> String {
        let shape = show_shape(self.g.shape(id));
        match self.g[id].dtype {
            DType::Float => shape,
            DType::Int => format!("{}{shape}", self.ranges.declared(id).prefix()),
            DType::Bool => format!("bool{shape}"),
        }
    }

    /// ``is u32[B, T]``; of floats also the type, which their shape does not show.
    pub fn described(&self, id: NodeId) -> String {
        match self.g[id].dtype {
            DType::Float => format!("holds floats of shape {}", self.typed(id)),
            _ => format!("is {}", self.typed(id)),
        }
    }

    /// A dimension's index, from one that may count from the end.
    pub fn axis(&self, d: i64, x: &Tensor, span: Span, name: &str) -> Reported<usize> {
        let rank = self.g.shape(x.id).len() as i64;
        let at = if d < 0 { d + rank } else { d };
        if (0..rank).contains(&at) {
            return Ok(at as usize);
        }
        let range = match rank {
            0 => "is a scalar, which has no dimensions".to_owned(),
            1 => "has only the dimension 0 (or -1)".to_owned(),
            _ => format!("has the dimensions 0 to {} (or -{rank} to -1)", rank - 1),
        };
        let text = format!(
            "`{name}` is {d}, but `{}` {range}{}",
            x.text,
            self.origin_note(x)
        );
        Err(self.error(span, text))
    }

    /// The shape to which values broadcast, or an error at `span`.
    pub fn broadcast(&self, span: Span, what: &str, xs: &[&Tensor]) -> Reported<Shape> {
        let rank = xs
            .iter()
            .map(|x| self.g.shape(x.id).len())
            .max()
            .unwrap_or(0);
        let mut out = vec![Dim::one(); rank];
        for x in xs {
            let shape = self.g.shape(x.id);
            for (from_end, d) in shape.iter().rev().enumerate() {
                let slot = &mut out[rank - 1 - from_end];
                if slot.is_one() {
                    *slot = d.clone();
                } else if !d.is_one() && !self.same(slot, d) {
                    let differ = differ(slot, d);
                    let mut text = format!(
                        "{what} cannot broadcast: sizes {slot} and {d} {differ} in dimension -{}",
                        from_end + 1
                    );
                    for x in xs {
                        text += &self.origin_note(x);
                    }
                    if !slot.names().is_empty() && !d.names().is_empty() {
                        text += &format!(
                            "\nhelp: if {slot} and {d} are always equal, use one name for both"
                        );
                    }
                    return Err(self.error(span, text));
                }
            }
        }
        Ok(out)
    }

    /// Records that `q` divides `p`; reports an error at once if both are known.
    pub fn divides(&mut self, p: &Dim, q: &Dim, span: Span, why: &str) -> Reported<Dim> {
        if let Some(exact) = p.div_exact(q) {
            return Ok(exact);
        }
        if p.value().is_some() && q.value().is_some() {
            return Err(self.error(span, format!("{why}: {p} is not divisible by {q}")));
        }
        self.demand(Require::Divides(p.clone(), q.clone()), span, why);
        Ok(p.div(q))
    }

    /// The quotient of constants of any type of numbers. Whether it is a size is known at the end of the function.
    pub fn open_quotient(&mut self, p: &Dim, q: &Dim, span: Span, why: &str) -> Dim {
        let mut constants = Vec::new();
        for d in [p, q] {
            d.visit(&mut |atom| {
                if let Atom::Const(_) = atom {
                    constants.push(atom.clone());
                }
            });
        }
        let demand = Demand {
            what: Require::Divides(p.clone(), q.clone()),
            by: self.by.clone(),
            why: why.to_owned(),
            span,
        };
        self.open_quotients.push((constants, demand));
        p.div(q)
    }

    /// Whether a size is such a quotient, or has one in it.
    pub fn is_open_quotient(&self, d: &Dim) -> bool {
        let mut found = false;
        d.visit(&mut |atom| {
            if let Atom::Quotient(..) = atom {
                let inner = Dim::atom(atom.clone());
                found |= (self.open_quotients.iter())
                    .any(|(constants, _)| constants.iter().any(|c| inner.has(c)));
            }
        });
        found
    }

    /// Demands that such quotients are integers where they are part of a shape or a position.
    pub fn close_quotients(&mut self) {
        if self.open_quotients.is_empty() {
            return;
        }
        let mut used: Vec<(Dim, Dim)> = Vec::new();
        sizes_of(&self.g, &mut |d| {
            d.visit(&mut |atom| {
                if let Atom::Quotient(p, q) = atom
                    && self.is_open_quotient(&Dim::atom(atom.clone()))
                    && !used.iter().any(|(a, b)| *a == **p && *b == **q)
                {
                    used.push(((**p).clone(), (**q).clone()));
                }
            });
        });
        for (p, q) in used {
            let both = |c: &Atom| p.has(c) || q.has(c);
            let from = self
                .open_quotients
                .iter()
                .find(|(all, _)| all.iter().any(both));
            let Some((_, demand)) = from else { continue };
            let demand = Demand {
                what: Require::Divides(p.clone(), q.clone()),
                ..demand.clone()
            };
            if !self.require.contains(&demand) {
                self.require.push(demand);
            }
        }
    }

    /// Records that `p >= q`; reports an error at once if both are known.
    pub fn at_least(&mut self, p: &Dim, q: &Dim, span: Span, why: &str) -> Reported<()> {
        match p.sub(q).value() {
            Some(d) if d >= 0 => Ok(()),
            Some(_) => Err(self.error(span, format!("{why}: {p} is less than {q}"))),
            None => {
                self.demand(Require::AtLeast(p.clone(), q.clone()), span, why);
                Ok(())
            }
        }
    }

    /// Records that a number is a probability.
    pub fn probability(&mut self, p: &Dim, span: Span, why: &str) {
        self.demand(Require::Probability(p.clone()), span, why);
    }

    fn demand(&mut self, what: Require, span: Span, why: &str) {
        let demand = Demand {
            what,
            by: self.by.clone(),
            why: why.to_owned(),
            span,
        };
        if !self.require.contains(&demand) {
            self.require.push(demand);
        }
    }

    /// The layer or op being called reads at the positions in `index`.
    pub fn reads(&self, index: &Tensor) -> Reads {
        Reads {
            by: self.by.clone(),
            index: index.text.clone(),
            shape: self.shape(index),
        }
    }

    /// The layer or op reads at positions that it has computed itself.
    pub fn own_reads(&self, index: NodeId) -> Reads {
        Reads {
            by: self.by.clone(),
            index: "positions of its own".to_owned(),
            shape: self.g.shape(index).clone(),
        }
    }

    /// Brings two values to one element type, as PyTorch promotes: bool, then integer, then float.
    /// A literal outside the 64-bit integers is an error at `span`.
    pub fn promote(&mut self, span: Span, x: &Tensor, y: &Tensor) -> Reported<(Tensor, Tensor)> {
        let order = |t: DType| match t {
            DType::Bool => 0,
            DType::Int => 1,
            DType::Float => 2,
        };
        let (a, b) = (self.g[x.id].dtype, self.g[y.id].dtype);
        let to = if order(a) >= order(b) { a } else { b };
        let mut cast = |t: &Tensor| -> Reported<Tensor> {
            if to == DType::Int {
                self.small(t.id, &t.text, span)?;
            }
            Ok(Tensor {
                id: self.as_type(t, to),
                text: t.text.clone(),
            })
        };
        Ok((cast(x)?, cast(y)?))
    }

    /// An elementwise function of two values: promoted, broadcast.
    pub fn elementwise(
        &mut self,
        f: Scalar,
        span: Span,
        what: &str,
        x: &Tensor,
        y: &Tensor,
    ) -> Reported<NodeId> {
        let both = |t: DType| self.g[x.id].dtype == t && self.g[y.id].dtype == t;
        // Sums and products of booleans are booleans.
        let f = match f {
            Scalar::Add | Scalar::Max if both(DType::Bool) => Scalar::Or,
            Scalar::Mul | Scalar::Min if both(DType::Bool) => Scalar::And,
            f => f,
        };
        let (mut x, mut y) = self.promote(span, x, y)?;
        let number = !matches!(f, Scalar::And | Scalar::Or);
        if number && self.g[x.id].dtype == DType::Bool {
            x.id = self.g.cast(x.id, DType::Int);
            y.id = self.g.cast(y.id, DType::Int);
        }
        let extreme = matches!(f, Scalar::Max | Scalar::Min);
        let float_only = f.typing() == crate::scalar::Typing::Float && !extreme;
        if float_only {
            x = self.to_float(&x);
            y = self.to_float(&y);
        }
        let shape = self.broadcast(span, what, &[&x, &y])?;
        let (a, b) = (self.g.expand(x.id, &shape), self.g.expand(y.id, &shape));
        // The gradient of `Recip` has no quotient of small numbers.
        if f == Scalar::Div && matches!(self.g[x.id].op, Op::Const(1.0)) {
            return Ok(self.g.unary(Scalar::Recip, b));
        }
        match f {
            Scalar::Add | Scalar::Sub | Scalar::Mul if self.g[a].dtype == DType::Int => {
                let text = match what.trim_matches('`') {
                    name if name.starts_with(char::is_alphabetic) => {
                        format!("{name}({}, {})", x.text, y.text)
                    }
                    symbol => format!("{} {symbol} {}", x.text, y.text),
                };
                self.integers(f, a, b, span, &text)
            }
            Scalar::Max | Scalar::Min if self.g[a].dtype == DType::Int => {
                let f = match f {
                    Scalar::Max => Scalar::Gt,
                    _ => Scalar::Lt,
                };
                let (p, q) = (self.range(a), self.range(b));
                let range = match f {
                    Scalar::Gt => (p.0.max(q.0), p.1.max(q.1)),
                    _ => (p.0.min(q.0), p.1.min(q.1)),
                };
                let first = self.g.scalar(f, &[a, b]);
                let y = self.g.scalar(Scalar::Where, &[first, a, b]);
                self.ranges.insert(y, range);
                Ok(y)
            }
            _ => Ok(self.g.scalar(f, &[a, b])),
        }
    }

    /// Whether integers cannot be below 0: positions, `u32` arguments, and values computed from them.
    pub fn is_unsigned(&self, id: NodeId) -> bool {
        self.range(id).0 >= 0
    }

    /// In training, the next value of a buffer: number `param` of the layer being called. The value belongs to the
    /// graph of the call, not to a body inside it.
    pub fn update(&mut self, param: usize, value: NodeId) {
        if self.train {
            self.updates.push((param, value));
        }
    }

    /// A new random stream.
    pub fn stream(&mut self) -> u32 {
        self.streams += 1;
        self.streams - 1
    }
}

/// The sizes in shapes and positions of a graph and of the bodies in it.
fn sizes_of(g: &Graph, f: &mut dyn FnMut(&Dim)) {
    for node in &g.nodes {
        node.shape.iter().for_each(&mut *f);
        match &node.op {
            Op::Slice { start, .. } => start.iter().for_each(&mut *f),
            Op::Scan(scan) => {
                f(&scan.count);
                sizes_of(&scan.body, f);
            }
            _ => {}
        }
    }
}
