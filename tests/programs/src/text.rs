//! A program as the source text of its networks.

use crate::ast::{Arg, Binary, Expr, Field, Function, Kind, Network, Op, Pat, Place, Program};
use crate::ast::{Scan, Stmt, Unary};
use crate::size::list;
use std::fmt::Write;

impl Program {
    /// The text inside each `network! { .. }`, in order.
    pub fn texts(&self) -> Vec<String> {
        self.nets.iter().map(|n| network(self, n)).collect()
    }
}

fn network(p: &Program, net: &Network) -> String {
    let generics: Vec<String> = (net.generics.iter())
        .map(|(name, default)| match default {
            Some(n) => format!("const {name}: usize = {n}"),
            None => format!("const {name}: usize"),
        })
        .collect();
    let generics = match generics.is_empty() {
        true => String::new(),
        false => format!("<{}>", generics.join(", ")),
    };
    let mut out = format!("struct {}{generics} {{\n", net.name);
    for f in &net.fields {
        out += &field(p, f);
    }
    for (left, right) in &net.shared {
        let _ = writeln!(out, "    {left} = {right},");
    }
    out += "}\n";
    for f in &net.functions {
        out += &function(f);
    }
    out
}

fn field(p: &Program, f: &Field) -> String {
    let mut kind = match &f.kind {
        Kind::Linear(from, to, true) => format!("Linear({from} -> {to})"),
        Kind::Linear(from, to, false) => format!("Linear({from} -> {to}, bias = false)"),
        Kind::LayerNorm(size) => format!("LayerNorm({size}, eps = 0.1)"),
        Kind::RmsNorm(size) => format!("RMSNorm({size}, eps = 0.1)"),
        Kind::Embedding(rows, width) => format!("Embedding({rows} -> {width})"),
        Kind::Param(shape) => format!("Param[{}]", list(shape)),
        Kind::Block(net, args) => match args.is_empty() {
            true => p.nets[*net].name.clone(),
            false => format!("{}<{}>", p.nets[*net].name, list(args)),
        },
    };
    for n in f.stack.iter().rev() {
        kind = format!("[{kind}; {n}]");
    }
    let mark = |on: bool, text: &str| {
        if on {
            format!("    {text}\n")
        } else {
            String::new()
        }
    };
    let marks = mark(f.frozen, "#[frozen]") + &mark(f.recompute, "#[recompute]");
    format!("{marks}    {}: {kind},\n", f.name)
}

fn function(f: &Function) -> String {
    let arg = |a: &Arg| {
        let mark = if a.grad { "#[grad] " } else { "" };
        let elem = if a.int { "u32" } else { "" };
        format!("{mark}{}: {elem}[{}]", a.name, list(&a.shape))
    };
    let args: Vec<String> = f.args.iter().map(arg).collect();
    let ret: Vec<String> = f.ret.iter().map(|s| format!("[{}]", list(s))).collect();
    let ret = match ret.as_slice() {
        [one] => one.clone(),
        all => format!("({})", all.join(", ")),
    };
    let mut out = format!("fn {}({}) -> {ret} {{\n", f.name, args.join(", "));
    statements(&f.body, 1, &mut out);
    let _ = writeln!(out, "    {}\n}}", several(&f.result));
    out
}

fn statements(body: &[Stmt], depth: usize, out: &mut String) {
    let pad = "    ".repeat(depth);
    for stmt in body {
        let _ = match stmt {
            Stmt::Let {
                pat: p,
                mutable,
                ty,
                value,
            } => {
                let mutable = if *mutable { "mut " } else { "" };
                let ty = ty.as_ref().map(|s| format!(": [{}]", list(s)));
                let ty = ty.unwrap_or_default();
                writeln!(out, "{pad}let {mutable}{}{ty} = {};", pat(p), expr(value))
            }
            Stmt::Assign(name, value) => writeln!(out, "{pad}{name} = {};", expr(value)),
            Stmt::For(name, over, body) => {
                let _ = writeln!(out, "{pad}for {name} in {} {{", place(over));
                statements(body, depth + 1, out);
                writeln!(out, "{pad}}}")
            }
        };
    }
}

fn pat(p: &Pat) -> String {
    match p {
        Pat::Name(n) => n.clone(),
        Pat::Tuple(items) => {
            let items: Vec<String> = items.iter().map(pat).collect();
            format!("({})", items.join(", "))
        }
    }
}

fn place(p: &Place) -> String {
    let at: Vec<String> = p.at.iter().map(|i| format!("[{i}]")).collect();
    format!("{}{}", p.name, at.concat())
}

/// One expression, or a tuple of several.
fn several(items: &[Expr]) -> String {
    match items {
        [one] => expr(one),
        all => format!("({})", args(all)),
    }
}

fn args(items: &[Expr]) -> String {
    let items: Vec<String> = items.iter().map(expr).collect();
    items.join(", ")
}

fn expr(e: &Expr) -> String {
    match e {
        Expr::Number(v) => format!("{v:?}"),
        Expr::Var(n) => n.clone(),
        Expr::Param(p, name) if name.is_empty() => place(p),
        Expr::Param(p, name) => format!("{}.{name}", place(p)),
        Expr::Unary(Unary::Neg, x, false) => format!("-{}", tight(x)),
        Expr::Unary(f, x, method) => {
            let (name, more) = unary(*f);
            call(name, std::slice::from_ref(&**x), more, *method)
        }
        Expr::Binary(op, a, b) => {
            let op = match op {
                Binary::Add => "+",
                Binary::Sub => "-",
                Binary::Mul => "*",
                Binary::Div => "/",
            };
            format!("{} {op} {}", tight(a), tight(b))
        }
        Expr::Op(op, x, method) => op_text(op, x, *method),
        Expr::Layer(p, x) => format!("{}({})", place(p), args(x)),
        Expr::Method(p, f, x) => format!("{}.{f}({})", place(p), args(x)),
        Expr::Call(f, x) => format!("{f}({})", args(x)),
        Expr::Item(x, k) => format!("{}[{k}]", tight(x)),
        Expr::Tuple(items) => format!("({})", args(items)),
        Expr::Grad(y, x) => format!("grad({}, {})", expr(y), several(x)),
        Expr::Scan(s) => scan(s),
    }
}

/// In parentheses where an operator would bind to a part of it.
fn tight(e: &Expr) -> String {
    let loose = match e {
        Expr::Binary(..) | Expr::Unary(Unary::Neg, _, false) => true,
        Expr::Number(v) => *v < 0.0,
        _ => false,
    };
    if loose {
        format!("({})", expr(e))
    } else {
        expr(e)
    }
}

/// `f(x, more)` or `x.f(more)`.
fn call(name: &str, x: &[Expr], more: &str, method: bool) -> String {
    let (first, rest) = (&x[0], &x[1..]);
    let join = |parts: &[String]| {
        let parts: Vec<&str> = (parts.iter().map(String::as_str))
            .filter(|p| !p.is_empty())
            .collect();
        parts.join(", ")
    };
    // A number cannot be a receiver.
    if method && !matches!(first, Expr::Number(_)) {
        format!(
            "{}.{name}({})",
            tight(first),
            join(&[args(rest), more.to_owned()])
        )
    } else {
        format!("{name}({})", join(&[args(x), more.to_owned()]))
    }
}

fn unary(f: Unary) -> (&'static str, &'static str) {
    match f {
        Unary::Neg => ("neg", ""),
        Unary::Tanh => ("tanh", ""),
        Unary::Sigmoid => ("sigmoid", ""),
        Unary::Sin => ("sin", ""),
        Unary::Cos => ("cos", ""),
        Unary::Erf => ("erf", ""),
        Unary::Gelu => ("gelu", ""),
        Unary::GeluTanh => ("gelu", "approximate = \"tanh\""),
        Unary::Silu => ("silu", ""),
        Unary::Softplus => ("softplus", ""),
        Unary::LogSigmoid => ("logsigmoid", ""),
        Unary::Mish => ("mish", ""),
        Unary::TanhShrink => ("tanhshrink", ""),
        Unary::Exp => ("exp", ""),
        Unary::Exp2 => ("exp2", ""),
        Unary::ExpM1 => ("expm1", ""),
        Unary::Log => ("log", ""),
        Unary::Log1p => ("log1p", ""),
        Unary::Sqrt => ("sqrt", ""),
        Unary::Rsqrt => ("rsqrt", ""),
        Unary::Reciprocal => ("reciprocal", ""),
        Unary::Square => ("square", ""),
        Unary::Cosh => ("cosh", ""),
    }
}

fn op_text(op: &Op, x: &[Expr], method: bool) -> String {
    let reduction = |dim: &Option<i64>, keep: bool| match (dim, keep) {
        (None, _) => String::new(),
        (Some(d), false) => format!("{d}"),
        (Some(d), true) => format!("dim = {d}, keepdim = true"),
    };
    let plain = |name: &str, more: String| call(name, x, &more, method);
    match op {
        Op::Sum(dim, keep) => plain("sum", reduction(dim, *keep)),
        Op::Mean(dim, keep) => plain("mean", reduction(dim, *keep)),
        Op::Var(dim) => plain("var", format!("dim = {dim}, correction = 0")),
        Op::LogSumExp(dim) => plain("logsumexp", format!("{dim}")),
        Op::Softmax(dim) => plain("softmax", format!("dim = {dim}")),
        Op::LogSoftmax(dim) => plain("log_softmax", format!("{dim}")),
        Op::CumSum(dim) => plain("cumsum", format!("{dim}")),
        Op::Reshape(to) if method => plain("reshape", list(to)),
        Op::Reshape(to) => plain("reshape", format!("[{}]", list(to))),
        Op::Transpose(a, b) => plain("transpose", format!("{a}, {b}")),
        Op::Permute(order) => plain("permute", numbers(order)),
        Op::Squeeze(dim) => plain("squeeze", format!("{dim}")),
        Op::Unsqueeze(dim) => plain("unsqueeze", format!("{dim}")),
        Op::Expand(to) => plain("expand", format!("[{}]", list(to))),
        Op::Flip(dim) => plain("flip", format!("{dim}")),
        Op::Slice(dim, from, 0) => at(&x[0], *dim, &format!("{from}..")),
        Op::Slice(dim, 0, to) => at(&x[0], *dim, &format!("..-{to}")),
        Op::Slice(dim, from, to) => at(&x[0], *dim, &format!("{from}..-{to}")),
        Op::Select(dim, index) => at(&x[0], *dim, &index.to_string()),
        Op::Cat(dim) => format!("cat([{}], dim = {dim})", args(x)),
        Op::Stack(dim) => format!("stack([{}], dim = {dim})", args(x)),
        Op::MatMul => plain("matmul", String::new()),
        Op::Linear => plain("linear", String::new()),
        Op::Einsum(equation) => format!("einsum({equation:?}, {})", args(x)),
        Op::Pow(n) => plain("pow", n.to_string()),
        Op::Lerp(weight) => plain("lerp", format!("{weight:?}")),
        Op::Detach => plain("detach", String::new()),
        Op::Full(shape, v) => match v {
            0.0 => format!("zeros([{}])", list(shape)),
            1.0 => format!("ones([{}])", list(shape)),
            v => format!("full([{}], {v:?})", list(shape)),
        },
        Op::MseLoss => plain("mse_loss", String::new()),
        Op::CrossEntropy => plain("cross_entropy", String::new()),
        Op::Attention(causal) => format!(
            "scaled_dot_product_attention({}, is_causal = {causal})",
            args(x)
        ),
    }
}

fn numbers(items: &[usize]) -> String {
    let items: Vec<String> = items.iter().map(usize::to_string).collect();
    items.join(", ")
}

/// `x[.., .., item]`.
fn at(x: &Expr, dim: usize, item: &str) -> String {
    format!("{}[{}{item}]", tight(x), ".., ".repeat(dim))
}

fn scan(s: &Scan) -> String {
    let names = |n: &[String]| match n {
        [one] => one.clone(),
        all => format!("({})", all.join(", ")),
    };
    let mut body = String::new();
    statements(&s.body, 2, &mut body);
    let options = match (s.dim, s.reverse) {
        (1, false) => String::new(),
        (d, false) => format!(", dim = {d}"),
        (1, true) => ", reverse = true".to_owned(),
        (d, true) => format!(", dim = {d}, reverse = true"),
    };
    format!(
        "scan({}, {}, |{}, {}| {{\n{body}        ({}, {})\n    }}{options})",
        several(&s.input),
        several(&s.init),
        names(&s.states),
        names(&s.items),
        several(&s.next),
        several(&s.out),
    )
}
