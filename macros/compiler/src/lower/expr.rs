//! Expressions: names, calls, operators, indices.

use super::Lower;
use crate::args::{Args, Given, no_such};
use crate::ast::{self, Expr, ExprKind, Item};
use crate::check::{argument, arithmetic, is_constant};
use crate::diag::{ErrorReported, Reported, did_you_mean};
use crate::dim::Dim;
use crate::foreign;
use crate::ir::{DType, Here};
use crate::layers;
use crate::net::FieldKind;
use crate::ops;
use crate::scalar::Scalar as S;
use crate::takes::{Takes, enclosed, takes};
use crate::value::{LayerRef, Tensor, Value};
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

    fn kind(&mut self, e: &Expr) -> Reported<Value> {
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
            ExprKind::List(items) => Ok(Value::List(self.all(items)?)),
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

    fn name(&mut self, n: &Ident, span: Span) -> Reported<Value> {
        let name = n.to_string();
        if let Some(value) = self.local(&name) {
            return value;
        }
        if let Some(d) = self.dims.get(&name) {
            return Ok(Value::of_dim(d.clone()));
        }
        if let Some(d) = self.net.constant(&name) {
            return Ok(Value::of_dim(d));
        }
        if let Some(i) = self.net.fields.iter().position(|f| f.name == name) {
            return self.field_value(i, span);
        }
        match name.as_str() {
            "None" => return Ok(Value::Null),
            "inf" => return Ok(Value::Number(f64::INFINITY)),
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
        let hint = did_you_mean(&name, candidates.iter().map(String::as_str));
        if hint.is_empty() && is_constant(&name) {
            self.cx.diag.constant(&self.net.prefix, n);
        }
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

    pub(super) fn given(&mut self, args: &[ast::Arg]) -> Reported<Vec<Given>> {
        let mut out = Vec::new();
        let mut reported = None;
        for a in args {
            // Whether a `&mut` argument is allowed is decided when the callee is known.
            let (value, text) = match &a.value.kind {
                ExprKind::Mut(name) => (self.name(name, a.value.span), name.to_string()),
                _ => (self.expr(&argument(a)), a.value.to_string()),
            };
            match value {
                Ok(value) => out.push(Given {
                    name: a.name.clone(),
                    value,
                    span: a.value.span,
                    text,
                }),
                Err(p) => reported = Some(p),
            }
        }
        reported.map_or(Ok(out), Err)
    }

    /// Rejects `&mut` arguments: ops and layers do not change their arguments.
    fn unchanged(&mut self, args: &[ast::Arg]) -> Reported<()> {
        let mut reported = Ok(());
        for a in args {
            if let ExprKind::Mut(_) = a.value.kind {
                reported = self.kind(&a.value).map(|_| ());
            }
        }
        reported
    }

    /// Locals before fields before functions before ops.
    fn call(&mut self, name: &Ident, args: &[ast::Arg]) -> Reported<Value> {
        let text = name.to_string();
        let span = name.span();
        let free = !self.scope.contains_key(&text)
            && !self.net.fields.iter().any(|f| f.name == text)
            && !self.net.signatures.iter().any(|s| s.name == text);
        if text == "scan" && free {
            return self.scan(span, args);
        }
        if text == "grad" && free {
            return self.grad(span, args);
        }
        if text == "floor"
            && free
            && let Some((a, b)) = self.quotient(args)
        {
            let (a, b) = (self.expr(a)?.as_dim(), self.expr(b)?.as_dim());
            let (a, b) = (a.ok_or(ErrorReported)?, b.ok_or(ErrorReported)?);
            return Ok(Value::of_dim(a.div_floor(&b)));
        }
        let given = self.given(args);
        if let Some(value) = self.local(&text) {
            if let Value::Layer(layer) = value? {
                return self.call_layer(layer, span, given?, args);
            }
            // A variable may hide a function or a layer.
            let hidden = ops::find(&text).is_some()
                || self.net.fields.iter().any(|f| f.name == text)
                || self.net.signatures.iter().any(|s| s.name == text);
            let help = match hidden {
                true => "\nhelp: the variable hides the function: give it another name",
                false => "",
            };
            let text = format!("`{text}` is a variable, not a function{help}");
            return Err(self.cx.error(span, text));
        }
        if let Some(i) = self.net.fields.iter().position(|f| f.name == text) {
            self.uses(i);
            let layer = self.whole(i);
            return self.call_layer(layer, span, given?, args);
        }
        if let Some(i) = self.net.signatures.iter().position(|s| s.name == text) {
            let value = self.call_function(None, i, span, given?, args)?;
            return self.take_back(value, &self.net.signatures[i], args);
        }
        if ops::find(&text).is_some() {
            self.unchanged(args)?;
            return self.op(&text, span, given?);
        }
        let names: Vec<String> = (self.net.fields.iter().map(|f| f.name.to_string()))
            .chain(self.net.signatures.iter().map(|s| s.name.to_string()))
            .chain(ops::all().map(|o| o.name.to_owned()))
            .chain(["scan".to_owned(), "grad".to_owned()])
            .collect();
        let message = if layers::names().any(|l| l == text) {
            format!(
                "`{text}` is a type of layer, not a function\nhelp: declare a field `{0}: {text}(..)` and call `{0}(x)`",
                text.to_lowercase()
            )
        } else {
            let near = || did_you_mean(&text, names.iter().map(String::as_str));
            let help = foreign::help(&text).unwrap_or_else(near);
            format!("there is no layer, function or op `{text}`{help}")
        };
        Err(self.cx.error(span, message))
    }

    /// Numerator and denominator of `floor(T / 2)`, a size that is rounded down.
    fn quotient<'e>(&self, args: &'e [ast::Arg]) -> Option<(&'e Expr, &'e Expr)> {
        let [ast::Arg { name: None, value }] = args else {
            return None;
        };
        match &value.kind {
            ExprKind::Binary(ast::Op::Div, a, b)
                if self.is_size(a) && self.is_size(b) && !matches!(b.kind, ExprKind::Whole(0)) =>
            {
                Some((a, b))
            }
            _ => None,
        }
    }

    /// Whether an expression is made of sizes alone.
    fn is_size(&self, e: &Expr) -> bool {
        match &e.kind {
            ExprKind::Whole(_) => true,
            ExprKind::Name(n) => {
                let name = n.to_string();
                !self.scope.contains_key(&name)
                    && (self.dims.contains_key(&name) || self.net.constant(&name).is_some())
            }
            ExprKind::Binary(_, a, b) => self.is_size(a) && self.is_size(b),
            ExprKind::Neg(a) => self.is_size(a),
            _ => false,
        }
    }

    /// `layers[0](x)`.
    fn apply(&mut self, of: &Expr, args: &[ast::Arg]) -> Reported<Value> {
        if let Some(value) = self.inner_call(of, of.span, args) {
            return value;
        }
        let (value, given) = (self.expr(of), self.given(args));
        match value? {
            Value::Layer(layer) => self.call_layer(layer, of.span, given?, args),
            other => {
                let text = format!(
                    "`{of}` is {}, not a layer: it cannot be called",
                    other.kind()
                );
                Err(self.cx.error(of.span, text))
            }
        }
    }

    pub(super) fn call_layer(
        &mut self,
        of: LayerRef,
        span: Span,
        given: Vec<Given>,
        args: &[ast::Arg],
    ) -> Reported<Value> {
        let net = self.net;
        let field = &net.fields[of.field];
        if of.level < field.stack.len()
            && let [
                Given {
                    name: None,
                    value: Value::Tensor(t),
                    ..
                },
            ] = given.as_slice()
        {
            let value = Value::Tensor(t.clone());
            return self.call_array(of, span, value);
        }
        if of.level < field.stack.len() {
            let mistake = match given.as_slice() {
                [one] => match &one.name {
                    Some(name) => format!(
                        "the array `{}` takes its argument by position: remove `{name} =`",
                        field.path
                    ),
                    None => format!(
                        "the array `{}` takes a tensor, not {}",
                        field.path,
                        one.value.kind()
                    ),
                },
                all => format!(
                    "the array `{}` takes 1 argument, but {}",
                    field.path,
                    crate::args::are_given(all.len())
                ),
            };
            let more = match given.len() {
                1 => String::new(),
                n => {
                    let alone = match args.first() {
                        Some(x) if n > 1 => format!("\nhelp: write `{}({})`", field.path, x.value),
                        _ => String::new(),
                    };
                    format!(
                        "\nnote: the layers are called one after another: each takes the result of the layer before it{alone}\nhelp: to give each layer a different argument, write `for layer in {} {{ .. }}`",
                        field.path
                    )
                }
            };
            let text = format!("{mistake}\n{}{more}", field.decl);
            return Err(self.cx.error(span, text));
        }
        let layer = match &field.kind {
            FieldKind::ErrorReported => return Err(ErrorReported),
            FieldKind::Absent(_) => return Err(self.absent(of.field, span)),
            FieldKind::Param | FieldKind::Buffer => {
                let what = match field.kind {
                    FieldKind::Buffer => "buffer",
                    _ => "parameter",
                };
                let text = format!(
                    "`{}` is a {what} and cannot be called\n{}",
                    field.path, field.decl
                );
                return Err(self.cx.error(span, text));
            }
            FieldKind::Block(block) => {
                return self.call_block(&of, block, None, span, given, args);
            }
            FieldKind::Group { .. } => return self.call_group(&of, span, given, args),
            FieldKind::Layer(layer) => layer,
        };
        self.unchanged(args)?;
        let name = field.path.clone();
        let here = std::mem::replace(
            &mut self.cx.g.here,
            Here {
                span,
                name: name.clone(),
            },
        );
        let called = self.layer(field);
        let by = std::mem::replace(&mut self.cx.by, called);
        let value = self.again(of.field, &of.params, given, |lower, params, given| {
            let placement = params;
            let params: Vec<_> = (placement.iter())
                .map(|p| lower.updates.latest(&mut lower.cx.g, *p))
                .collect();
            let call = layers::Call {
                field: &name,
                decl: &field.decl,
                span,
                params: &params,
            };
            let value = layer.call(&mut lower.cx, &call, given);
            let updates = std::mem::take(&mut lower.cx.updates);
            if lower.updating() {
                for (param, new) in updates {
                    lower.updates.assign(&mut lower.cx.g, placement[param], new);
                }
            }
            value
        });
        self.cx.g.here = here;
        self.cx.by = by;
        if let Ok(Value::Tensor(t)) = &value {
            self.called(of.field, t.id);
            self.cx.origin.insert(t.id, field.decl.clone());
        }
        value
    }

    /// The name of a layer for messages at run time: its kind and its name, and the network in a field that has it.
    fn layer(&self, field: &crate::net::Field) -> String {
        let kind = field.decl.split_once(':').map_or("", |(_, kind)| kind);
        let kind = kind.trim_start_matches(|c: char| !c.is_alphanumeric());
        let end = kind.find(|c: char| !c.is_alphanumeric() && c != '_');
        let kind = &kind[..end.unwrap_or(kind.len())];
        match &self.instance {
            Some(_) => format!("`{kind}` `{}` of `{}`", field.path, self.net.name),
            None => format!("`{kind}` `{}`", field.path),
        }
    }

    fn op(&mut self, name: &str, span: Span, given: Vec<Given>) -> Reported<Value> {
        let Some(def) = ops::find(name) else {
            return Err(self.cx.error(span, format!("there is no op `{name}`")));
        };
        let given = layers::inplace::without(name, variadic(def.signature, given));
        // `max(x, y)` of two tensors is elementwise.
        let two = matches!(
            given.get(1),
            Some(Given {
                name: None,
                value: Value::Tensor(_),
                ..
            })
        );
        let other = match (name, two) {
            ("max", true) => ops::find("maximum"),
            ("min", true) => ops::find("minimum"),
            _ => None,
        };
        let def = other.unwrap_or(def);
        let first = given.iter().find_map(|g| match &g.value {
            Value::Tensor(t) => Some(t.id),
            _ => None,
        });
        let args = Args::bind(&self.cx, name, span, def.signature, given)?.of(def.name);
        let here = std::mem::replace(
            &mut self.cx.g.here,
            Here {
                span,
                name: String::new(),
            },
        );
        let by = std::mem::replace(&mut self.cx.by, format!("`{name}`"));
        let value = def.build(&mut self.cx, &args);
        self.cx.g.here = here;
        self.cx.by = by;
        // A result with its input's shape has the input's origin in messages.
        if let (Ok(Value::Tensor(t)), Some(x)) = (&value, first)
            && t.id != x
            && self.cx.g.shape(x) == self.cx.g.shape(t.id)
            && let Some(origin) = self.cx.origin.get(&x).cloned()
        {
            self.cx.origin.entry(t.id).or_insert(origin);
        }
        value
    }

    fn method(&mut self, x: &Expr, name: &Ident, args: &[ast::Arg]) -> Reported<Value> {
        if name == "scan" {
            let receiver = ast::Arg {
                name: None,
                value: x.clone(),
            };
            let all: Vec<ast::Arg> = std::iter::once(receiver).chain(args.to_vec()).collect();
            return self.scan(name.span(), &all);
        }
        let callee = Expr {
            kind: ExprKind::Field(Box::new(x.clone()), name.clone()),
            span: name.span(),
        };
        if let Some(value) = self.inner_call(&callee, name.span(), args) {
            return value;
        }
        if let Some(layer) = self.block_at(x) {
            let given = self.given(args);
            return self.call_of_block(layer?, x, name, given?, args);
        }
        self.unchanged(args)?;
        let receiver = self.expr(x);
        // PyTorch's copies: values have no layout, and never change.
        if args.is_empty() && ["contiguous", "clone"].iter().any(|n| name == n) {
            return receiver;
        }
        let given = self.given(args);
        let text = name.to_string();
        if ops::find(&text).is_none() {
            let mut message = format!("there is no op `{text}`");
            if self.net.fields.iter().any(|f| f.name == text) {
                message += &format!("\nhelp: layers are called as functions: `{text}({x})`");
            } else if text == "shape" || text == "size" {
                message += "\nhelp: write the name of a size in the shapes of the arguments, such as `B` or `T`";
            } else if text == "backward" || text == "step" {
                message += "\nhelp: remove this call: the macro generates the gradients of each function that returns one float";
            } else {
                let near = || did_you_mean(&text, ops::all().map(|o| o.name));
                message += &foreign::help(&text).unwrap_or_else(near);
            }
            return Err(self.cx.error(name.span(), message));
        }
        let (receiver, given) = (receiver?, given?);
        let mut all = vec![plain(receiver, x)];
        // `where` reads `x.where(condition, y)`.
        let at = if text == "where" {
            1.min(given.len())
        } else {
            0
        };
        let mut given = given;
        if at == 1 {
            all.insert(0, given.remove(0));
        }
        all.extend(given);
        self.op(&text, name.span(), all)
    }

    /// `layer.weight`: a parameter of a layer; `block.layer.weight`: of a layer of a network.
    fn member(&mut self, x: &Expr, name: &Ident) -> Reported<Value> {
        let mut path = name.to_string();
        let mut root = x;
        while let ExprKind::Field(inner, part) = &root.kind {
            path = format!("{part}.{path}");
            root = inner;
        }
        if let ExprKind::Field(..) = x.kind
            && let Some(layer) = self.layer_at(root)
        {
            return self.layer_param(&layer?, root, &path, name.span());
        }
        if let ExprKind::Name(base) = &x.kind
            && !self.scope.contains_key(&base.to_string())
            && let Some(i) = self.net.fields.iter().position(|f| *base == f.name)
            && self.net.fields[i].stack.is_empty()
        {
            self.uses(i);
            let field = &self.net.fields[i];
            let full = format!("{}.{name}", field.prefix);
            if let Some(p) = self.net.params.iter().position(|p| p.name == full) {
                let id = self.param(p);
                let text = format!("{base}.{name}");
                return Ok(Value::Tensor(Tensor { id, text }));
            }
            match field.kind {
                FieldKind::ErrorReported => return Err(ErrorReported),
                FieldKind::Absent(_) => return Err(self.absent(i, name.span())),
                _ => {}
            }
            let names: Vec<&str> = field
                .params
                .clone()
                .filter_map(|p| self.net.params[p].name.get(field.prefix.len() + 1..))
                .collect();
            let has = no_such("parameter", &name.to_string(), &names);
            let hint = did_you_mean(&name.to_string(), names);
            return Err(self.cx.error(
                name.span(),
                format!("`{base}` has {has}{hint}\n{}", field.decl),
            ));
        }
        let v = self.expr(x)?;
        if let Value::Layer(layer) = &v {
            return self.layer_param(layer, x, &path, name.span());
        }
        if *name == "T" {
            return self.op("t", name.span(), vec![plain(v, x)]);
        }
        let help = match &v {
            Value::Tensor(t) if *name == "shape" && !self.cx.g.shape(t.id).is_empty() => {
                let sizes = self.cx.g.shape(t.id).iter().map(|d| format!("`{d}`"));
                format!(
                    "\nhelp: in place of `{x}.shape`, write the size itself, {}: `{x}` is {}",
                    sizes.collect::<Vec<_>>().join(" or "),
                    self.cx.typed(t.id)
                )
            }
            _ => String::new(),
        };
        Err(self
            .cx
            .error(name.span(), format!("a tensor has no field `{name}`{help}")))
    }

    /// `layer.weight` of a layer in an array, `block.layer.weight` of a network.
    fn layer_param(
        &mut self,
        layer: &LayerRef,
        x: &Expr,
        name: &str,
        span: Span,
    ) -> Reported<Value> {
        let field = &self.net.fields[layer.field];
        if layer.level < field.stack.len() {
            let text = format!(
                "`{x}` is an array of layers: choose one layer, `{x}[0].{name}`\n{}",
                field.decl
            );
            return Err(self.cx.error(span, text));
        }
        // The offset after the field's name and the array's places.
        let begin = field.prefix.len() + 1;
        let own = |p: usize| self.net.params[p].name.get(begin..).unwrap_or_default();
        let names: Vec<&str> = field.params.clone().map(own).collect();
        if let Some(k) = names.iter().position(|n| name == *n) {
            return Ok(Value::Tensor(Tensor {
                id: self.updates.latest(&mut self.cx.g, layer.params[k]),
                text: format!("{x}.{name}"),
            }));
        }
        let has = no_such("parameter", name, &names);
        let hint = did_you_mean(name, names);
        let text = format!("`{x}` has {has}{hint}\n{}", field.decl);
        Err(self.cx.error(span, text))
    }

    fn binary(&mut self, span: Span, op: ast::Op, a: &Expr, b: &Expr) -> Reported<Value> {
        let (x, y) = (self.expr(a), self.expr(b));
        let (x, y) = (x?, y?);
        let tensor = |v: &Value| matches!(v, Value::Tensor(_) | Value::List(_));
        if !tensor(&x) && !tensor(&y) {
            // Arithmetic of a size and a number that is not whole gives a number that is known at the call.
            let mixed = x.as_dim().is_some() != y.as_dim().is_some()
                && (matches!(x, Value::Dim(_)) || matches!(y, Value::Dim(_)));
            if !mixed && op != ast::Op::Rem {
                return arithmetic(&mut self.cx, self.net, span, op, (a, &x), (b, &y));
            }
        }
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
            ast::Op::Rem => return Err(self.cx.error(span, "`%` is supported only between sizes")),
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
                        DType::Float => format!("{} > 0", enclosed(&t.text)),
                        dtype => Takes::Bool.conversion(dtype, &t.text),
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

    fn index(&mut self, span: Span, x: &Expr, items: &[Item]) -> Reported<Value> {
        let by = std::mem::replace(&mut self.cx.by, format!("`{x}[..]`"));
        let value = self.indexed(span, x, items);
        self.cx.by = by;
        value
    }

    fn indexed(&mut self, span: Span, x: &Expr, items: &[Item]) -> Reported<Value> {
        if let Some(part) = self.part_of_pair(x, items) {
            return part;
        }
        if let Some(field) = self.lone_layer(x) {
            let text = format!(
                "`{x}` is one layer, not an array: remove the index\n{}",
                field.decl
            );
            return Err(self.cx.error(span, text));
        }
        let v = self.expr(x)?;
        let tuple = match (&v, items) {
            (Value::Tuple(list) | Value::List(list), [Item::At(i)]) => Some((list.clone(), i)),
            _ => None,
        };
        if let Some((list, i)) = tuple {
            let at = match self.expr(i)? {
                Value::Whole(n) if n >= 0 => usize::try_from(n).unwrap_or(usize::MAX),
                Value::Whole(n) if n + list.len() as i128 >= 0 => (n + list.len() as i128) as usize,
                other => {
                    return Err(self.cx.error(
                        i.span,
                        format!(
                            "the index of a tuple must be an integer, not {}",
                            other.kind()
                        ),
                    ));
                }
            };
            return list.get(at).cloned().ok_or_else(|| {
                self.cx.error(
                    i.span,
                    format!(
                        "index {at} is out of range: `{x}` has {}",
                        crate::args::count(list.len(), "item")
                    ),
                )
            });
        }
        if let (Value::Layer(layers), [Item::At(at)]) = (&v, items) {
            let i = self.expr(at)?;
            return self.element(layers, &i, at.span);
        }
        if let (Value::Layer(layers), [Item::Range(part)]) = (&v, items) {
            return self.layers(layers, part);
        }
        let Value::Tensor(t) = v else {
            return Err(self.cx.error(
                span,
                format!("`{x}` is {}, which cannot be indexed", v.kind()),
            ));
        };
        self.slice(span, t, items)
    }

    /// A part of a tensor.
    pub(super) fn slice(&mut self, span: Span, mut t: Tensor, items: &[Item]) -> Reported<Value> {
        let rank = self.cx.shape(&t).len();
        // `None` makes a dimension, as in PyTorch; the other items take one each.
        let added = |i: &&Item| matches!(i, Item::At(e) if matches!(&e.kind, ExprKind::Name(n) if n == "None"));
        let rest = |i: &&Item| matches!(i, Item::Rest(_));
        let fixed = items.iter().filter(|i| !rest(i) && !added(i)).count();
        let rests = items.iter().filter(rest).count();
        if fixed > rank || rests > 1 {
            let text = format!(
                "`{}` has {}, but {} given{}",
                t.text,
                crate::args::count(rank, "dimension"),
                match fixed {
                    1 => "1 index is".to_owned(),
                    n => format!("{n} indices are"),
                },
                self.cx.origin_note(&t)
            );
            return Err(self.cx.error(span, text));
        }
        let mut dim = 0;
        for item in items {
            match item {
                Item::Rest(_) => dim += rank - fixed,
                Item::At(_) if added(&item) => {
                    t.id = self.cx.g.unsqueeze(t.id, dim);
                    dim += 1;
                }
                Item::At(e) => {
                    let at = self.expr(e)?;
                    if let Value::Tensor(index) = &at
                        && self.cx.g[index.id].dtype == DType::Bool
                    {
                        let text = format!(
                            "a condition cannot be an index: the number of chosen elements depends on the data\nhelp: `where({}, {1}, 0)` keeps the shape\nhelp: `({1} * {2}).sum() / {2}.int().sum()` is the mean of the chosen elements",
                            index.text,
                            t.text,
                            enclosed(&index.text)
                        );
                        return Err(self.cx.error(e.span, text));
                    }
                    if let Value::Tensor(index) = &at {
                        let (x, i) = (&t.text, &index.text);
                        let rank = self.cx.shape(index).len();
                        let integer = self.cx.g[index.id].dtype == DType::Int;
                        let help = match (integer, rank) {
                            (true, 0) => format!(
                                "\nhelp: write `index_select({x}, {dim}, {}.reshape([1])).squeeze({dim})`",
                                enclosed(i)
                            ),
                            (true, 1) => format!("\nhelp: write `index_select({x}, {dim}, {i})`"),
                            _ => String::new(),
                        };
                        let text = format!(
                            "an index must be a number, but `{i}` is the tensor {}{help}",
                            self.cx.typed(index.id)
                        );
                        return Err(self.cx.error(e.span, text));
                    }
                    t.id = ops::select_dim(&mut self.cx, e.span, &t, dim, &at)?;
                }
                Item::Range(s) => {
                    let mut end =
                        |e: &Option<Expr>| e.as_ref().map_or(Ok(Value::Null), |e| self.expr(e));
                    let (mut from, mut to, step) = (end(&s.from)?, end(&s.to)?, end(&s.step)?);
                    let size = self.cx.shape(&t)[dim].clone();
                    for (value, e) in [(&mut from, &s.from), (&mut to, &s.to)] {
                        from_the_end(value, e.as_ref(), &size);
                    }
                    let step = match (step, &s.step) {
                        (Value::Null, _) | (_, None) => 1,
                        (Value::Whole(v), Some(e)) => i64::try_from(v)
                            .map_err(|_| self.cx.error(e.span, "this step is too large"))?,
                        (other, Some(e)) => {
                            let found = other.shown();
                            let text =
                                format!("the step of a slice must be an integer, not {found}");
                            return Err(self.cx.error(e.span, text));
                        }
                    };
                    // As in Python, where the size is known.
                    if let (true, Some(n)) = (s.colon, self.cx.shape(&t)[dim].value()) {
                        for end in [&mut from, &mut to] {
                            if let Value::Whole(v) = end {
                                *v = (*v).clamp(-i128::from(n), n.into());
                            }
                        }
                    }
                    t.id = ops::slice_dim(&mut self.cx, s.span, &t, dim, (&from, &to), step)?;
                    dim += 1;
                }
            }
        }
        Ok(self.cx.tensor(t.id))
    }
}

/// An end that is written with a minus counts from the end, also if only rustc knows its value: `-K` is `size - K`.
fn from_the_end(value: &mut Value, e: Option<&Expr>, size: &Dim) {
    fn minus(e: &Expr) -> bool {
        match &e.kind {
            ExprKind::Neg(_) => true,
            ExprKind::Whole(v) => *v < 0,
            ExprKind::Binary(ast::Op::Mul | ast::Op::Div, a, _) => minus(a),
            ExprKind::Binary(ast::Op::Add | ast::Op::Sub, a, _) => minus(a),
            _ => false,
        }
    }
    if let (Value::Dim(d), Some(e)) = (&*value, e)
        && minus(e)
    {
        *value = Value::of_dim(size.add(d));
    }
}

fn plain(value: Value, e: &Expr) -> Given {
    Given {
        name: None,
        value,
        span: e.span,
        text: e.to_string(),
    }
}

/// A parameter `*xs` takes all positional arguments from its place on, unless one list is given.
fn variadic(signature: &'static str, given: Vec<Given>) -> Vec<Given> {
    let Some(place) = crate::args::parameters(signature)
        .iter()
        .position(|p| p.0.starts_with('*'))
    else {
        return given;
    };
    let (mut positional, keywords): (Vec<Given>, Vec<Given>) =
        given.into_iter().partition(|g| g.name.is_none());
    let rest = positional.split_off(place.min(positional.len()));
    let listed = matches!(
        rest.first(),
        Some(Given {
            value: Value::List(_) | Value::Tuple(_),
            ..
        })
    );
    if listed {
        positional.extend(rest);
    } else if let Some(first) = rest.first() {
        let values = rest.iter().map(|g| g.value.clone()).collect();
        let text = rest
            .iter()
            .map(|g| g.text.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        positional.push(Given {
            name: None,
            value: Value::List(values),
            span: first.span,
            text,
        });
    }
    // `shape = [..]` names the same parameter.
    positional.extend(keywords.into_iter().map(|mut k| {
        let starred = crate::args::parameters(signature)[place].0;
        if k.name.as_ref().is_some_and(|n| *n == starred[1..]) {
            k.name = None;
        }
        k
    }));
    positional
}
