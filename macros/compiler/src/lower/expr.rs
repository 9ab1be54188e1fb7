//! Expressions: names, operators, literals.

use super::Lower;
use super::call::plain;
use crate::ast::{self, Expr, ExprKind};
use crate::check::{self, arithmetic, is_constant};
use crate::diag::{Reported, did_you_mean};
use crate::ir::{DType, Here, NodeId, Op};
use crate::ops;
use crate::scalar::Scalar as S;
use crate::takes::{Takes, takes};
use crate::value::{Tensor, Value};
use proc_macro2::{Ident, Span};

impl Lower<'_> {
    /// The value of an expression; an error in it has been reported.
    pub fn expr(&mut self, e: &Expr) -> Reported<Value> {
        let outer = std::mem::replace(&mut self.cx.expression, e.to_string());
        let value = self.kind(e);
        let text = std::mem::replace(&mut self.cx.expression, outer);
        let value = value?;
        // A tensor has the text of its expression, until it is bound to a name.
        Ok(match value {
            Value::Tensor(t) if t.text.is_empty() => Value::Tensor(Tensor { id: t.id, text }),
            Value::Tuple(items) => Value::Tuple(
                items
                    .into_iter()
                    .map(|v| match v {
                        Value::Tensor(t) if t.text.is_empty() => Value::Tensor(Tensor {
                            id: t.id,
                            text: text.clone(),
                        }),
                        v => v,
                    })
                    .collect(),
            ),
            v => v,
        })
    }

    pub(super) fn kind(&mut self, e: &Expr) -> Reported<Value> {
        match &e.kind {
            ExprKind::Whole(v) => Ok(Value::Whole(*v)),
            ExprKind::Number(v) => Ok(Value::Number(*v)),
            ExprKind::Str(s) => Ok(Value::Str(s.clone())),
            ExprKind::Bool(b) => Ok(Value::Bool(*b)),
            ExprKind::Name(n) => self.name(n, e.span),
            ExprKind::Arrow(..) => Err(self.cx.error(
                e.span,
                "`in -> out` is allowed only in the declaration of a layer",
            )),
            ExprKind::Call(name, args) => self.call(name, args),
            ExprKind::Apply(x, args) => self.apply(x, args),
            ExprKind::Method(x, name, args) => self.method(x, name, args),
            ExprKind::Field(x, name) => self.member(x, name),
            ExprKind::Binary(op, a, b) => self.binary(e.span, *op, a, b),
            ExprKind::Neg(x) => self.negative(e.span, x),
            ExprKind::Not(x) => {
                let v = self.expr(x)?;
                if let Value::Tensor(t) = &v
                    && self.cx.g[t.id].dtype != DType::Bool
                {
                    let text = format!(
                        "`!` needs a condition, but `{}` {}\nhelp: compare it: `{}`",
                        t.text,
                        self.cx.described(t.id),
                        Takes::Bool.conversion(self.cx.g[t.id].dtype, &t.text).replace("!=", "==")
                    );
                    return Err(self.cx.error(e.span, text));
                }
                self.op("logical_not", e.span, vec![plain(v, x)])
            }
            ExprKind::Tuple(items) => Ok(Value::Tuple(self.all(items)?)),
            ExprKind::List(items) => {
                let values = self.all(items)?.into_iter().zip(items);
                // An element of a constant array may be any number.
                let number = |(value, item): (Value, &Expr)| match (value, &item.kind) {
                    (Value::Dim(d), ExprKind::Index(..)) if self.net.is_open(&d) => Value::Real(d),
                    (value, _) => value,
                };
                Ok(Value::List(values.map(number).collect()))
            }
            ExprKind::Index(x, items) => self.index(e.span, x, items),
            ExprKind::Put(x, items, value) => self.put(e.span, x, items, value),
            ExprKind::If(choice) => self.choose(choice, e.span),
            ExprKind::Mut(name) => {
                let text = format!(
                    "`&mut {name}` is not allowed here: only `#[state]` arguments take `&mut`\nhelp: remove `&mut`"
                );
                Err(self.cx.error(e.span, text))
            }
            ExprKind::Closure(_) => Err(self.cx.error(
                e.span,
                "a closure is allowed only as the step of `scan`\nhelp: the step is a closure, as in `scan(x, init, |state, x_t| { .. (next, result) })`",
            )),
        }
    }

    /// Every item; errors in all of them are reported.
    fn all(&mut self, items: &[Expr]) -> Reported<Vec<Value>> {
        let values: Vec<Reported<Value>> = items.iter().map(|i| self.expr(i)).collect();
        values.into_iter().collect()
    }

    pub(super) fn name(&mut self, n: &Ident, span: Span) -> Reported<Value> {
        let name = n.to_string();
        if let Some(value) = self.local(&name) {
            return value;
        }
        if let Some(d) = self.dims.get(&name) {
            return Ok(Value::of_dim(d.clone()));
        }
        if let Some(value) = self.net.constant(&name) {
            return match self.net.is_boolean(&name) {
                true => check::is_true(self.net, &self.cx, n, &value).map(Value::Bool),
                false => Ok(value),
            };
        }
        if self.is_array(n) {
            return Err(check::is_array(&self.cx, n));
        }
        if let Some(i) = self.net.fields.iter().position(|f| f.name == name) {
            return self.field_value(i, span);
        }
        match name.as_str() {
            "None" => return Ok(Value::Null),
            "inf" => return Ok(Value::Number(f64::INFINITY)),
            "pi" => return Ok(Value::Number(std::f64::consts::PI)),
            _ => {}
        }
        let own = self.net.signatures.iter().find(|s| s.name == name);
        let takes: Option<Vec<String>> = own
            .map(|s| s.args.iter().map(|a| a.name.to_string()).collect())
            .or_else(|| {
                let needed = crate::args::parameters(ops::find(&name)?.signature);
                let needed = needed.into_iter().filter(|p| p.1.is_none());
                Some(needed.map(|p| p.0.to_owned()).collect())
            });
        if let Some(takes) = takes {
            let text = format!(
                "`{name}` is a function, not a value\nhelp: call it: `{name}({})`",
                takes.join(", ")
            );
            return Err(self.cx.error(span, text));
        }
        let candidates: Vec<String> = self
            .scope
            .keys()
            .chain(self.dims.keys())
            .cloned()
            .chain(self.net.fields.iter().map(|f| f.name.to_string()))
            .collect();
        // `SCALE` is not a misspelt `scale`.
        let alike = |c: &&String| !is_constant(&name) || is_constant(c);
        let near = candidates.iter().filter(alike).map(String::as_str);
        let hint = did_you_mean(&name, near);
        let mut text = format!("there is no value `{name}` here{hint}");
        if ["null", "nil", "nullptr"].contains(&name.as_str()) {
            text += "\nhelp: write `None` for a missing value";
        }
        if name == "training" {
            text += "\nnote: `training` can be used only as the condition of `if`";
        }
        if name.starts_with(char::is_uppercase) && hint.is_empty() {
            text += &format!(
                "\nhelp: to use a size, name it in the shape of an argument or in the declaration of a layer\nhelp: to use a Rust constant, declare it before the struct: `use const {name};`, or `use const {name}: f64;`"
            );
        }
        Err(self.cx.error(span, text))
    }

    fn binary(&mut self, span: Span, op: ast::Op, a: &Expr, b: &Expr) -> Reported<Value> {
        let (x, y) = match self.is_fraction(a) {
            true => {
                let y = self.expr(b);
                (self.beside(a, &y), y)
            }
            false => {
                let x = self.expr(a);
                let y = self.beside(b, &x);
                (x, y)
            }
        };
        let (x, y) = (x?, y?);
        if !is_tensor(&x) && !is_tensor(&y) {
            if let (ast::Op::Div, Some(p), Some(q)) = (op, x.as_dim(), y.as_dim())
                && let Some(quotient) = self.float_of((a, &p), (b, &q))
            {
                return Ok(quotient);
            }
            // Arithmetic of a named dimension and a number that is not whole gives a number that is known at the call.
            let named = |v: &Value| matches!(v, Value::Dim(d) if !d.names().is_empty());
            let mixed = x.as_dim().is_some() != y.as_dim().is_some() && (named(&x) || named(&y));
            let sizes = x.as_dim().is_some() && y.as_dim().is_some();
            if !mixed && (op != ast::Op::Rem || sizes) {
                return arithmetic(&mut self.cx, self.net, span, op, (a, &x), (b, &y));
            }
        }
        let sums = matches!(
            op,
            ast::Op::Add | ast::Op::Sub | ast::Op::Mul | ast::Op::Div
        );
        let x = self.number_beside(x, &y, sums);
        let y = self.number_beside(y, &x, sums);
        let (Some(tx), Some(ty)) = (
            self.cx.lift(&x, &a.to_string()),
            self.cx.lift(&y, &b.to_string()),
        ) else {
            let text = format!(
                "`{}` takes tensors and numbers, not {} and {}",
                op.symbol(),
                x.kind(),
                y.kind()
            );
            return Err(self.cx.error(span, text));
        };
        let f = match op {
            ast::Op::Rem => {
                let id = ops::remainder(&mut self.cx, span, "`%`", (&tx, &ty), true)?;
                return Ok(self.cx.tensor(id));
            }
            ast::Op::Add => S::Add,
            ast::Op::Sub => S::Sub,
            ast::Op::Mul => S::Mul,
            ast::Op::Div => S::Div,
            ast::Op::Eq => S::Eq,
            ast::Op::Ne => S::Ne,
            ast::Op::Lt => S::Lt,
            ast::Op::Le => S::Le,
            ast::Op::Gt => S::Gt,
            ast::Op::Ge => S::Ge,
            ast::Op::And => S::And,
            ast::Op::Or => S::Or,
        };
        if matches!(f, S::And | S::Or) {
            for t in [&tx, &ty] {
                if self.cx.g[t.id].dtype != DType::Bool {
                    let help = match self.cx.g[t.id].dtype {
                        DType::Float => format!("({} > 0)", t.text),
                        dtype => format!("({})", Takes::Bool.conversion(dtype, &t.text)),
                    };
                    let text = format!(
                        "the operands of `{}` must be bool, but `{}` {}{}\nhelp: compare it: `{help}`",
                        op.symbol(),
                        t.text,
                        self.cx.described(t.id),
                        self.cx.origin_line(t)
                    );
                    return Err(self.cx.error(span, text));
                }
            }
        }
        if f == S::Sub {
            for t in [&tx, &ty] {
                let (dtype, takes) = (self.cx.g[t.id].dtype, takes("sub", "input"));
                if !takes.has(dtype) {
                    let text = format!(
                        "`-` takes {}, but `{}` is {}\nhelp: convert it: `{}`",
                        takes.text(),
                        t.text,
                        self.cx.typed(t.id),
                        takes.conversion(dtype, &t.text)
                    );
                    return Err(self.cx.error(span, text));
                }
            }
        }
        let here = std::mem::replace(
            &mut self.cx.g.here,
            Here {
                span,
                name: String::new(),
            },
        );
        let id = self
            .cx
            .elementwise(f, span, &format!("`{}`", op.symbol()), &tx, &ty);
        self.cx.g.here = here;
        Ok(self.cx.tensor(id?))
    }

    /// A constant of any type of numbers is a float beside positions, in `sums` and products: `arange(5) * STEP`. Beside
    /// other integers, such as the words of a text, it is an integer.
    fn number_beside(&self, value: Value, other: &Value, sums: bool) -> Value {
        match value {
            Value::Dim(d) if sums && self.net.is_open(&d) => match other {
                Value::Tensor(t) if self.is_position(t.id) => Value::Real(d),
                _ => Value::Dim(d),
            },
            value => value,
        }
    }

    /// Whether a value is computed from positions alone: those of `arange`, and the numbers of loops.
    fn is_position(&self, id: NodeId) -> bool {
        let node = &self.cx.g[id];
        if node.dtype != DType::Int {
            return false;
        }
        match &node.op {
            Op::Iota { .. } => true,
            _ if self.positions.contains(&id) => true,
            Op::Scalar(_) | Op::Reshape | Op::Expand | Op::Permute(_) | Op::Slice { .. } => {
                let number = |id: NodeId| {
                    let mut node = &self.cx.g[id];
                    while let Op::Expand | Op::Reshape = node.op {
                        node = &self.cx.g[node.args[0]];
                    }
                    matches!(node.op, Op::Whole(_) | Op::Size(_))
                };
                let mut others = node.args.iter().filter(|a| !number(**a)).peekable();
                others.peek().is_some() && others.all(|a| self.is_position(*a))
            }
            _ => false,
        }
    }

    fn negative(&mut self, span: Span, x: &Expr) -> Reported<Value> {
        let v = self.expr(x)?;
        match v {
            Value::Tensor(_) => self.op("neg", span, vec![plain(v, x)]),
            v => arithmetic(
                &mut self.cx,
                self.net,
                span,
                ast::Op::Sub,
                (x, &Value::Whole(0)),
                (x, &v),
            ),
        }
    }
}

/// Whether arithmetic with a value is that of tensors.
fn is_tensor(value: &Value) -> bool {
    matches!(value, Value::Tensor(_) | Value::List(_))
}
