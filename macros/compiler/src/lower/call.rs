//! Calls: of ops, layers, functions and methods.

use super::Lower;
use crate::args::{Args, Given};
use crate::ast::{self, Expr, ExprKind};
use crate::check;
use crate::check::argument;
use crate::diag::{ErrorReported, Reported, did_you_mean};
use crate::dim::Dim;
use crate::foreign;
use crate::ir::Here;
use crate::layers;
use crate::net::FieldKind;
use crate::ops;
use crate::value::{LayerRef, Value};
use proc_macro2::{Ident, Span};

/// Parameters of ops that take tensors: a quotient of sizes is a float there, as in `sqrt(T / 2)`.
const TENSORS: &[&str] = &["input", "other", "exponent", "value"];

impl Lower<'_> {
    pub(super) fn given(&mut self, args: &[ast::Arg]) -> Reported<Vec<Given>> {
        self.given_to(&[], args)
    }

    /// The arguments of a function, given the names of its parameters.
    fn given_to(&mut self, parameters: &[&str], args: &[ast::Arg]) -> Reported<Vec<Given>> {
        let mut out = Vec::new();
        let mut reported = None;
        for (k, a) in args.iter().enumerate() {
            let float = match &a.name {
                Some(name) => TENSORS.iter().any(|t| name == t),
                None => parameters.get(k).is_some_and(|p| TENSORS.contains(p)),
            };
            // Whether a `&mut` argument is allowed is decided when the callee is known.
            let (value, text) = match &a.value.kind {
                ExprKind::Mut(name) => (self.name(name, a.value.span), name.to_string()),
                _ if float && !parameters.is_empty() => {
                    (self.float(&argument(a)), a.value.to_string())
                }
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
    pub(super) fn call(&mut self, name: &Ident, args: &[ast::Arg]) -> Reported<Value> {
        let text = name.to_string();
        let span = name.span();
        let free = !self.scope.contains_key(&text)
            && !self.net.fields.iter().any(|f| f.name == text)
            && !self.net.signatures.iter().any(|s| s.name == text);
        if text == "scan" && free {
            return self.scan(span, args);
        }
        if let ("float", [arg]) = (text.as_str(), args)
            && let ExprKind::Str(number) = &arg.value.kind
            && let Some(number) = infinite(number)
        {
            return Ok(Value::Number(number));
        }
        if text == "grad" && free {
            return self.grad(span, args);
        }
        if let "floor" | "int" | "trunc" | "ceil" = text.as_str()
            && free
            && let Some((a, b)) = self.quotient(args)
        {
            let (a, b) = (self.expr(a)?.as_dim(), self.expr(b)?.as_dim());
            let (a, b) = (a.ok_or(ErrorReported)?, b.ok_or(ErrorReported)?);
            // A constant that only bodies mention may be a float.
            if text == "floor" || !self.net.is_open(&a) && !self.net.is_open(&b) {
                let a = match text == "ceil" {
                    true => a.add(&b).sub(&Dim::one()),
                    false => a,
                };
                return Ok(Value::of_dim(a.div_floor(&b)));
            }
        }
        if text == "pow"
            && free
            && let Some(power) = self.power(args)
        {
            return Ok(power);
        }
        if let ("len" | "numel", [arg]) = (text.as_str(), args)
            && free
        {
            match self.expr(&arg.value)? {
                Value::Tensor(t) => {
                    if let Some(size) = self.size_of(&t, name, &[]) {
                        return size;
                    }
                }
                Value::Layer(layers) => {
                    if let Some(members) = self.members(&layers) {
                        return Ok(Value::Whole(members.len() as i128));
                    }
                    if let Some(count) = self.count(&layers) {
                        return Ok(Value::of_dim(count));
                    }
                }
                Value::Tuple(items) | Value::List(items) => {
                    return Ok(Value::Whole(items.len() as i128));
                }
                _ => {}
            }
        }
        let mut given = self.given_to(&self.parameters(&text, args), args);
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
        if self.source.unread.contains(&text) {
            return Err(ErrorReported);
        }
        if let (true, Ok(given)) = (free, &mut given)
            && given.iter().all(|g| g.name.is_none())
        {
            // A constant that only bodies mention may be a float.
            let fraction = |g: &Given| matches!(&g.value, Value::Dim(d) if self.net.is_open(d));
            match given.as_mut_slice() {
                [one] if check::rounds(&text) && fraction(one) => {
                    if let Value::Dim(d) = &one.value {
                        one.value = Value::Real(d.clone());
                    }
                }
                all if all.iter().any(fraction) => {}
                all => {
                    let values: Vec<&Value> = all.iter().map(|g| &g.value).collect();
                    if let Some(number) = check::of_numbers(&text, &values) {
                        return Ok(number);
                    }
                }
            }
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

    /// The names of an op's parameters. None, if the name is not that of an op here, or is a function of sizes too.
    fn parameters(&self, name: &str, args: &[ast::Arg]) -> Vec<&'static str> {
        let own = self.scope.contains_key(name)
            || self.net.fields.iter().any(|f| f.name == name)
            || self.net.signatures.iter().any(|s| s.name == name);
        match ops::find(name) {
            Some(op) if !own && !check::is_of_numbers(name, args.len()) => {
                let all = crate::args::parameters(op.signature).into_iter();
                all.map(|p| p.0).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A power of a size: `2 ** i` is a size again.
    fn power(&mut self, args: &[ast::Arg]) -> Option<Value> {
        let [
            ast::Arg {
                name: None,
                value: base,
            },
            ast::Arg {
                name: None,
                value: exponent,
            },
        ] = args
        else {
            return None;
        };
        if !self.is_size(base) || !self.is_size(exponent) {
            return None;
        }
        let base = self.expr(base).ok()?.as_dim()?;
        let times = self.expr(exponent).ok()?.as_dim()?.value()?;
        let times = (0..=64).contains(&times).then_some(times)?;
        let power = base.power(times);
        // One that does not fit is a float.
        let fits = power
            .terms()
            .all(|(c, _)| c.unsigned_abs() < i64::MAX.unsigned_abs());
        fits.then(|| Value::of_dim(power))
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
    pub(super) fn is_size(&self, e: &Expr) -> bool {
        match &e.kind {
            ExprKind::Whole(_) => true,
            ExprKind::Name(n) => {
                let name = n.to_string();
                match self.scope.get(&name) {
                    Some(local) => {
                        let size = local.value.as_ref().is_some_and(|v| v.as_dim().is_some());
                        size || local.fraction.is_some()
                    }
                    None => {
                        let known = self.net.constant(&name).is_some();
                        self.dims.contains_key(&name) || known && !self.net.is_boolean(&name)
                    }
                }
            }
            ExprKind::Binary(_, a, b) => self.is_size(a) && self.is_size(b),
            ExprKind::Neg(a) => self.is_size(a),
            // An element of a constant array, or `x.shape[0]`.
            ExprKind::Index(x, _) => match &x.kind {
                ExprKind::Name(n) => self.is_array(n),
                ExprKind::Field(_, name) => name == "shape",
                _ => false,
            },
            ExprKind::Method(_, name, args) => match name.to_string().as_str() {
                "size" => args.len() == 1,
                "dim" | "ndimension" | "numel" | "nelement" => args.is_empty(),
                _ => false,
            },
            ExprKind::Call(name, args) => {
                let of_sizes = name == "pow" || check::is_of_numbers(&name.to_string(), args.len());
                name == "len" || of_sizes && args.iter().all(|a| self.is_size(&a.value))
            }
            _ => false,
        }
    }

    /// `layers[0](x)`.
    pub(super) fn apply(&mut self, of: &Expr, args: &[ast::Arg]) -> Reported<Value> {
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

    pub(super) fn op(&mut self, name: &str, span: Span, given: Vec<Given>) -> Reported<Value> {
        let Some(def) = ops::find(name) else {
            return Err(self.cx.error(span, format!("there is no op `{name}`")));
        };
        let given = layers::inplace::without(name, variadic(def.signature, given));
        // `max(x, y)` of two tensors is elementwise, and `max(N, 1)` is the larger number.
        let two = match given.as_slice() {
            [one, two] if one.name.is_none() && two.name.is_none() => {
                let scalar = match &one.value {
                    // A scalar has no dimension 1.
                    Value::Tensor(t) => {
                        self.cx.shape(t).is_empty() && !matches!(two.value, Value::Whole(-1 | 0))
                    }
                    value => value.is_number(),
                };
                scalar || matches!(&two.value, Value::Tensor(_))
            }
            _ => false,
        };
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

    pub(super) fn method(&mut self, x: &Expr, name: &Ident, args: &[ast::Arg]) -> Reported<Value> {
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
        let text = name.to_string();
        // `(T / 2).sqrt()`.
        let float = self.parameters(&text, args).first() == Some(&"input");
        let mut receiver = match float {
            true => self.float(x),
            false => self.expr(x),
        };
        // `[0.5, 0.25].view(2, 1)`: a list of numbers is a tensor.
        if let Ok(list @ Value::List(_)) = &receiver
            && let Some(t) = self.cx.lift(list, &x.to_string())
        {
            receiver = Ok(Value::Tensor(t));
        }
        // PyTorch's copies: values have no layout, and never change.
        if args.is_empty() && ["contiguous", "clone"].iter().any(|n| name == n) {
            return receiver;
        }
        let given = self.given(args);
        if let (Ok(Value::Tensor(t)), Ok(given)) = (&receiver, &given)
            && let Some(size) = self.size_of(t, name, given)
        {
            return size;
        }
        if ops::find(&text).is_none() {
            let mut message = format!("there is no op `{text}`");
            if self.net.fields.iter().any(|f| f.name == text) {
                message += &format!("\nhelp: layers are called as functions: `{text}({x})`");
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
}

pub(super) fn plain(value: Value, e: &Expr) -> Given {
    Given {
        name: None,
        value,
        span: e.span,
        text: e.to_string(),
    }
}

/// The number that Python's `float("-inf")` makes of a string.
fn infinite(text: &str) -> Option<f64> {
    match text {
        "inf" | "+inf" => Some(f64::INFINITY),
        "-inf" => Some(f64::NEG_INFINITY),
        "nan" => Some(f64::NAN),
        _ => None,
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
