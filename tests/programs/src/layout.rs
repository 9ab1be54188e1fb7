//! The parameters of a network, under PyTorch's names.

use crate::ast::{Kind, Program};
use crate::size::{Shape, Size};

/// A parameter; the parameters of an array's elements are one, with its counts as first dimensions.
#[derive(Clone, Debug)]
pub struct Param {
    /// `blocks.{}.linear.weight`.
    pub name: String,
    /// The counts of the arrays around it.
    pub stack: Vec<usize>,
    /// Its own shape.
    pub shape: Shape,
    /// Not trained.
    pub frozen: bool,
    /// The name of the parameter that it is tied to.
    pub shared: Option<String>,
}

impl Param {
    /// The name without the places in arrays, as in `left = right`.
    pub fn plain(&self) -> String {
        let parts: Vec<&str> = self.name.split('.').filter(|p| *p != "{}").collect();
        parts.join(".")
    }

    /// The name of every element.
    pub fn names(&self) -> Vec<String> {
        let mut out = vec![self.name.clone()];
        for n in &self.stack {
            let each = |name: String| (0..*n).map(move |i| name.replacen("{}", &i.to_string(), 1));
            out = out.into_iter().flat_map(each).collect();
        }
        out
    }
}

/// The names and shapes of a layer's parameters.
pub fn of_layer(kind: &Kind) -> Vec<(&'static str, Shape)> {
    match kind {
        Kind::Linear(from, to, bias) => {
            let mut out = vec![("weight", vec![to.clone(), from.clone()])];
            if *bias {
                out.push(("bias", vec![to.clone()]));
            }
            out
        }
        Kind::LayerNorm(n) => vec![("weight", vec![n.clone()]), ("bias", vec![n.clone()])],
        Kind::RmsNorm(n) => vec![("weight", vec![n.clone()])],
        Kind::Embedding(rows, width) => vec![("weight", vec![Size::Lit(*rows), width.clone()])],
        Kind::Param(shape) => vec![("", shape.clone())],
        Kind::Block(..) => Vec::new(),
    }
}

/// All parameters of a network whose const parameters have these values.
pub fn params(p: &Program, net: usize, args: &[Size]) -> Vec<Param> {
    let net = &p.nets[net];
    let value = |name: &str| {
        let at = net.generics.iter().position(|(g, _)| g == name)?;
        let default = net.generics[at].1.map(Size::Lit);
        args.get(at).cloned().or(default)
    };
    let mut out: Vec<Param> = Vec::new();
    for field in &net.fields {
        let prefix = format!("{}{}", field.name, ".{}".repeat(field.stack.len()));
        if let Kind::Block(inner, args) = &field.kind {
            let args: Vec<Size> = args.iter().map(|a| a.with(&value)).collect();
            out.extend(params(p, *inner, &args).into_iter().map(|q| Param {
                name: format!("{prefix}.{}", q.name),
                stack: [&field.stack[..], &q.stack[..]].concat(),
                frozen: q.frozen || field.frozen,
                shared: q.shared.map(|s| format!("{prefix}.{s}")),
                shape: q.shape,
            }));
            continue;
        }
        out.extend(
            of_layer(&field.kind)
                .into_iter()
                .map(|(name, shape)| Param {
                    name: format!("{prefix}.{name}").trim_end_matches('.').to_owned(),
                    stack: field.stack.clone(),
                    shape: shape.iter().map(|s| s.with(&value)).collect(),
                    frozen: field.frozen,
                    shared: None,
                }),
        );
    }
    for (left, right) in &net.shared {
        let find = |name: &str| out.iter().position(|q| q.plain() == *name);
        if let (Some(l), Some(r)) = (find(left), find(right)) {
            out[l].shared = Some(out[r].name.clone());
        }
    }
    out
}

/// The name of the parameter that stores the values of this one.
pub fn holder<'a>(all: &'a [Param], name: &'a str) -> &'a str {
    match all.iter().find(|p| p.name == name) {
        Some(Param {
            shared: Some(other),
            ..
        }) => holder(all, other),
        _ => name,
    }
}
