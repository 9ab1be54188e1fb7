//! Binding a call's arguments to a signature, as Python does: by position, then by keyword.
//!
//! A signature is one line of text: `"input, dim = None, keepdim = false"`.

use crate::cx::Cx;
use crate::diag::{ErrorReported, Reported, did_you_mean};
use crate::dim::{Dim, show_shape};
use crate::ir::{DType, Op};
use crate::real::Real;
use crate::takes::{Takes, enclosed, takes};
use crate::value::{Tensor, Value, nearest};
use proc_macro2::{Ident, Span};

/// An argument with its place in the source.
#[derive(Clone, Debug)]
pub struct Given {
    /// The keyword, if any.
    pub name: Option<Ident>,
    /// The value.
    pub value: Value,
    /// The token that an error underlines.
    pub span: Span,
    /// As written.
    pub text: String,
}

/// Arguments bound to a signature.
#[derive(Debug)]
pub struct Args {
    /// The function's name, as called.
    pub callee: String,
    /// The call's name token.
    pub span: Span,
    /// The op, under any of its names; empty for a layer. See `takes`.
    op: &'static str,
    names: Vec<&'static str>,
    bound: Vec<Option<Given>>,
    defaults: Vec<Option<&'static str>>,
}

/// The parameters of a signature: name and default.
pub fn parameters(signature: &'static str) -> Vec<(&'static str, Option<&'static str>)> {
    signature
        .split(',')
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .map(|p| match p.split_once('=') {
            Some((name, default)) => (name.trim(), Some(default.trim())),
            None => (p, None),
        })
        .collect()
}

/// Whether a parameter with this default is `true` or `false`.
pub fn is_flag(default: Option<&str>) -> bool {
    matches!(default, Some("true" | "false"))
}

impl Args {
    /// Binds the arguments; reports any that are surplus, unknown, given twice or missing. A parameter `*xs` takes all
    /// positional arguments as a list.
    pub fn bind(
        cx: &Cx,
        callee: &str,
        span: Span,
        signature: &'static str,
        given: Vec<Given>,
    ) -> Reported<Args> {
        let parameters = parameters(signature);
        let names: Vec<&'static str> = parameters.iter().map(|p| p.0).collect();
        let mut bound: Vec<Option<Given>> = vec![None; names.len()];
        // The signature as users write it.
        let takes = match signature.strip_prefix("in_out") {
            Some(rest) => format!("in -> out{rest}, init = .., bias_init = .."),
            None => signature.to_owned(),
        };
        let mut reported = None;
        let mut position = 0;
        let positional = given.iter().filter(|g| g.name.is_none()).count();
        for g in given {
            let index = match &g.name {
                None => {
                    position += 1;
                    position - 1
                }
                Some(name) => match names.iter().position(|n| name == n) {
                    Some(i) => i,
                    None => {
                        let hint = did_you_mean(&name.to_string(), names.iter().copied());
                        let text = format!(
                            "`{callee}` has no argument `{name}`{hint}\n`{callee}` takes ({takes})"
                        );
                        reported = Some(cx.error(name.span(), text));
                        continue;
                    }
                },
            };
            if index >= names.len() {
                if index == names.len() {
                    let text = format!(
                        "`{callee}` takes {}, but {}\n`{callee}` takes ({takes})",
                        count(names.len(), "argument"),
                        are_given(positional),
                    );
                    reported = Some(cx.error(g.span, text));
                }
                continue;
            }
            if bound[index].is_some() {
                let at = g.name.as_ref().map_or(g.span, Ident::span);
                reported = Some(cx.error(
                    at,
                    format!("`{}` of `{callee}` is given twice", names[index]),
                ));
                continue;
            }
            bound[index] = Some(g);
        }
        let missing: Vec<&str> = parameters
            .iter()
            .zip(&bound)
            .filter(|((_, default), b)| default.is_none() && b.is_none())
            .map(|((name, _), _)| *name)
            .collect();
        if !missing.is_empty() && reported.is_none() {
            let plain = |m: &&str| match *m {
                "in_out" => "`in -> out`".to_owned(),
                m => format!("`{}`", m.trim_start_matches('*')),
            };
            let list: Vec<String> = missing.iter().map(plain).collect();
            let done = match callee.starts_with(char::is_uppercase) {
                true => "declared",
                false => "called",
            };
            let text = format!(
                "`{callee}` is {done} without {}\n`{callee}` takes ({takes})",
                list.join(" and ")
            );
            reported = Some(cx.error(span, text));
        }
        match reported {
            Some(poison) => Err(poison),
            None => {
                let defaults = parameters.iter().map(|p| p.1).collect();
                Ok(Args {
                    callee: callee.to_owned(),
                    span,
                    op: "",
                    names,
                    bound,
                    defaults,
                })
            }
        }
    }

    /// Marks these as arguments of `op`, which may have been called by another name.
    pub fn of(mut self, op: &'static str) -> Args {
        self.op = op;
        self
    }

    fn index(&self, name: &str) -> usize {
        self.names
            .iter()
            .position(|n| *n == name)
            .unwrap_or_else(|| panic!("{} has no parameter {name}", self.callee))
    }

    /// Whether the signature has a parameter.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    /// The argument as given, if it was.
    pub fn given(&self, name: &str) -> Option<&Given> {
        self.bound[self.index(name)].as_ref()
    }

    /// The token of an argument, or of the call.
    pub fn span_of(&self, name: &str) -> Span {
        self.given(name).map_or(self.span, |g| g.span)
    }

    /// The value, or the default.
    pub fn value(&self, name: &str) -> Value {
        let index = self.index(name);
        match &self.bound[index] {
            Some(g) => g.value.clone(),
            None => match self.defaults[index] {
                Some("true") => Value::Bool(true),
                Some("false") => Value::Bool(false),
                Some("None") | None => Value::Null,
                Some(text) if text.starts_with('"') => {
                    Value::Str(text.trim_matches('"').to_owned())
                }
                Some(text) => match text.parse() {
                    Ok(whole) => Value::Whole(whole),
                    Err(_) => Value::Number(text.parse().unwrap_or(f64::NAN)),
                },
            },
        }
    }

    fn wrong(&self, cx: &Cx, name: &str, wanted: &str) -> ErrorReported {
        let (value, span) = (self.value(name), self.span_of(name));
        let text = self
            .given(name)
            .map_or(String::new(), |g| format!(" `{}`", g.text));
        let what = match value {
            Value::Null => "`None`".to_owned(),
            Value::List(_) | Value::Tuple(_) => value.kind().to_owned(),
            _ if text.is_empty() => value.kind().to_owned(),
            _ => format!("{}{text}", value.the_kind()),
        };
        let name = name.trim_start_matches('*');
        let mut text = format!("`{name}` of `{}` must be {wanted}, not {what}", self.callee);
        if matches!(value, Value::Tensor(_)) && ["a number", "an integer"].contains(&wanted) {
            text += "\nnote: its value must be known when the program is compiled: a number or a Rust constant";
        }
        cx.error(span, text)
    }

    /// A tensor of a type that is taken here; a number becomes a scalar, and a list of numbers a vector.
    pub fn tensor(&self, cx: &mut Cx, name: &str) -> Reported<Tensor> {
        let t = match self.value(name) {
            Value::Tensor(t) => t,
            Value::Whole(_)
            | Value::Number(_)
            | Value::Real(_)
            | Value::Dim(_)
            | Value::List(_) => {
                let text = self
                    .given(name)
                    .map_or_else(|| name.to_owned(), |g| g.text.clone());
                cx.lift(&self.value(name), &text)
                    .ok_or_else(|| self.wrong(cx, name, "a tensor"))?
            }
            _ => return Err(self.wrong(cx, name, "a tensor")),
        };
        self.check(cx, name, &t)?;
        Ok(t)
    }

    /// Rejects a tensor of a type that the argument does not take.
    pub fn check(&self, cx: &Cx, name: &str, t: &Tensor) -> Reported<()> {
        let takes = takes(self.op, name);
        let dtype = cx.g[t.id].dtype;
        // A float may be written as a whole number, without a point.
        let literal = matches!(cx.g[t.id].op, Op::Whole(_) | Op::Size(_)) && dtype == DType::Int;
        if takes == Takes::Int {
            cx.small(t.id, &t.text, self.span_of(name))?;
        }
        if takes.has(dtype) || (literal && takes.has(DType::Float)) {
            return Ok(());
        }
        let (callee, have) = (&self.callee, cx.described(t.id));
        let (span, name) = (self.span_of(name), name.trim_start_matches('*'));
        let it = match name {
            "lengths" | "target" => "it",
            _ => "the indices",
        };
        let text = match (takes, dtype) {
            (Takes::Int, DType::Float) if !cx.is_argument(t.id) => format!(
                "`{name}` of `{callee}` must hold integers, but `{}` {have}\nhelp: convert {it}: `{}`",
                t.text,
                takes.conversion(dtype, &t.text),
            ),
            (Takes::Int, DType::Float) => format!(
                "`{name}` of `{callee}` must hold integers, but `{}` {have}\nhelp: declare {it} as integers: `u32{}`",
                t.text,
                show_shape(cx.g.shape(t.id)),
            ),
            (Takes::Bool, _) => format!(
                "`{name}` of `{callee}` must be bool, but `{}` {have}\nhelp: compare it: `{} {}`",
                t.text,
                enclosed(&t.text),
                if dtype == DType::Float { "> 0" } else { "!= 0" },
            ),
            _ => {
                format!(
                    "`{name}` of `{callee}` takes {}, but `{}` {have}\nhelp: convert it: `{}`",
                    takes.text(),
                    t.text,
                    takes.conversion(dtype, &t.text),
                ) + takes.meaning(self.op, name)
            }
        };
        Err(cx.error(span, text))
    }

    /// A tensor, or nothing.
    pub fn optional_tensor(&self, cx: &mut Cx, name: &str) -> Reported<Option<Tensor>> {
        if matches!(self.value(name), Value::Null) {
            Ok(None)
        } else {
            self.tensor(cx, name).map(Some)
        }
    }

    /// A tensor as floats; other types that the argument takes are converted.
    pub fn float(&self, cx: &mut Cx, name: &str) -> Reported<Tensor> {
        let t = self.tensor(cx, name)?;
        Ok(cx.to_float(&t))
    }

    /// Floats, or nothing.
    pub fn optional_float(&self, cx: &mut Cx, name: &str) -> Reported<Option<Tensor>> {
        let t = self.optional_tensor(cx, name)?;
        Ok(t.map(|t| cx.to_float(&t)))
    }

    /// A number.
    pub fn number(&self, cx: &Cx, name: &str) -> Reported<f64> {
        let value = self.value(name);
        if let Value::Dim(d) | Value::Real(d) = &value {
            let text = format!(
                "`{name}` of `{}` must be a number, but the macro does not know the value of `{d}`\nhelp: write the number",
                self.callee
            );
            return Err(cx.error(self.span_of(name), text));
        }
        value
            .number()
            .ok_or_else(|| self.wrong(cx, name, "a number"))
    }

    /// A number, which may be a formula of Rust constants.
    pub fn real(&self, cx: &Cx, name: &str) -> Reported<Real> {
        let number = self.value(name).real();
        number.ok_or_else(|| self.wrong(cx, name, "a number"))
    }

    /// The same, or nothing.
    pub fn optional_real(&self, cx: &Cx, name: &str) -> Reported<Option<Real>> {
        match self.value(name) {
            Value::Null => Ok(None),
            _ => self.real(cx, name).map(Some),
        }
    }

    /// An integer known to the macro.
    pub fn integer(&self, cx: &Cx, name: &str) -> Reported<i64> {
        match self.value(name) {
            Value::Whole(v) => Ok(nearest(v)),
            _ => Err(self.wrong(cx, name, "an integer")),
        }
    }

    /// An integer, or a size that only rustc knows.
    pub fn whole(&self, cx: &Cx, name: &str) -> Reported<Dim> {
        let value = self.value(name).as_dim();
        value.ok_or_else(|| self.wrong(cx, name, "an integer"))
    }

    /// A boolean.
    pub fn flag(&self, cx: &Cx, name: &str) -> Reported<bool> {
        match self.value(name) {
            Value::Bool(b) => Ok(b),
            _ => Err(self.wrong(cx, name, "`true` or `false`")),
        }
    }

    /// A layer of one kind, or nothing; `example` is how one is written.
    pub fn layer<T: std::any::Any>(
        &self,
        cx: &Cx,
        name: &str,
        example: &str,
    ) -> Reported<Option<&T>> {
        let Some(given) = self.given(name) else {
            return Ok(None);
        };
        let found = match &given.value {
            Value::Null => return Ok(None),
            Value::Made(made) => {
                if let Some(layer) = made.layer.downcast_ref() {
                    return Ok(Some(layer));
                }
                format!("`{}`", made.text)
            }
            other => format!("{} `{}`", other.the_kind(), given.text),
        };
        let text = format!(
            "`{name}` of `{}` must be a layer such as `{example}`, not {found}",
            self.callee
        );
        Err(cx.error(given.span, text))
    }

    /// One of some strings.
    pub fn choice(&self, cx: &Cx, name: &str, choices: &[&'static str]) -> Reported<&'static str> {
        if let Value::Str(s) = self.value(name) {
            if let Some(c) = choices.iter().find(|c| **c == s) {
                return Ok(c);
            }
            let list: Vec<String> = choices.iter().map(|c| format!("{c:?}")).collect();
            let hint = did_you_mean(&s, choices.iter().copied());
            let text = format!(
                "`{name}` of `{}` must be one of {}, not {s:?}{hint}",
                self.callee,
                list.join(", ")
            );
            return Err(cx.error(self.span_of(name), text));
        }
        Err(self.wrong(cx, name, "a string"))
    }

    /// A dimension: an integer, a named dimension, a Rust constant, or arithmetic on these.
    pub fn dim(&self, cx: &Cx, name: &str) -> Reported<Dim> {
        let negative = |d: &Dim| d.value().is_some_and(|v| v < 0);
        if let Some(d) = self.value(name).as_dim().filter(negative) {
            let text = format!(
                "`{name}` of `{}` must not be negative, but is {d}",
                self.callee
            );
            return Err(cx.error(self.span_of(name), text));
        }
        self.value(name)
            .as_dim()
            .ok_or_else(|| self.wrong(cx, name, "a size"))
    }

    /// A list of dimensions; a single one is a list, too. Where the op allows it, -1 is a size that follows from the
    /// others.
    pub fn dims(&self, cx: &Cx, name: &str) -> Reported<Vec<Dim>> {
        let items = match self.value(name) {
            Value::List(items) | Value::Tuple(items) => items,
            one => vec![one],
        };
        let free = ["reshape", "view", "expand", "unflatten"].contains(&self.callee.as_str());
        let dim = |v: &Value| match v.as_size() {
            Some(d) if d.value().is_some_and(|v| v < -i64::from(free)) => {
                let text = format!(
                    "a size of `{}` must not be negative, but {d} is given",
                    self.callee
                );
                Err(cx.error(self.span_of(name), text))
            }
            Some(d) => Ok(d),
            None => Err(self.wrong(cx, name, "a list of sizes")),
        };
        items.iter().map(dim).collect()
    }

    /// A list of sizes of any sign; a single one is a list, too.
    pub fn offsets(&self, cx: &Cx, name: &str) -> Reported<Vec<Dim>> {
        let items = match self.value(name) {
            Value::List(items) | Value::Tuple(items) => items,
            one => vec![one],
        };
        let offset = |v: &Value| {
            v.as_dim()
                .ok_or_else(|| self.wrong(cx, name, "an integer or a list of integers"))
        };
        items.iter().map(offset).collect()
    }

    /// A list of integers known to the macro; a single one is a list, too; `None` if not given.
    pub fn integers(&self, cx: &Cx, name: &str) -> Reported<Option<Vec<i64>>> {
        let items = match self.value(name) {
            Value::Null => return Ok(None),
            Value::List(items) | Value::Tuple(items) => items,
            one => vec![one],
        };
        let int = |v: &Value| match v {
            Value::Whole(v) => Ok(nearest(*v)),
            _ => Err(self.wrong(cx, name, "an integer or a list of integers")),
        };
        items
            .iter()
            .map(int)
            .collect::<Reported<Vec<i64>>>()
            .map(Some)
    }

    /// An index of one of `x`'s dimensions; negative ones count from the end.
    pub fn axis(&self, cx: &Cx, name: &str, x: &Tensor) -> Reported<usize> {
        let d = self.integer(cx, name)?;
        cx.axis(d, x, self.span_of(name), name)
    }

    /// Indices of `x`'s dimensions, sorted; all of them if not given.
    pub fn axes(&self, cx: &Cx, name: &str, x: &Tensor) -> Reported<Vec<usize>> {
        let rank = cx.g.shape(x.id).len();
        let Some(list) = self.integers(cx, name)? else {
            return Ok((0..rank).collect());
        };
        let mut out = Vec::new();
        for d in list {
            let d = cx.axis(d, x, self.span_of(name), name)?;
            if out.contains(&d) {
                return Err(cx.error(
                    self.span_of(name),
                    format!(
                        "dimension {d} is given twice in `{}`",
                        name.trim_start_matches('*')
                    ),
                ));
            }
            out.push(d);
        }
        out.sort_unstable();
        Ok(out)
    }
}

/// `1 argument`, `2 arguments`.
pub fn count(n: usize, what: &str) -> String {
    match (n, what) {
        (1, _) => format!("1 {what}"),
        (_, "index") => format!("{n} indices"),
        _ => format!("{n} {what}s"),
    }
}

/// `1 channel`, `N channels`.
pub fn several(n: &Dim, what: &str) -> String {
    format!("{n} {what}{}", if n.is_one() { "" } else { "s" })
}

/// `1 is given`, `2 are given`.
pub fn are_given(n: usize) -> String {
    match n {
        0 => "none are given".to_owned(),
        1 => "1 is given".to_owned(),
        _ => format!("{n} are given"),
    }
}

/// `` `a`, `b` and `c` ``.
pub fn listed(names: &[impl std::fmt::Display]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

/// ``no function `f`, only `g` and `h` ``, or `no functions`.
pub fn no_such(what: &str, name: &str, known: &[impl std::fmt::Display]) -> String {
    match known {
        [] => format!("no {what}s"),
        _ => format!("no {what} `{name}`, only {}", listed(known)),
    }
}
