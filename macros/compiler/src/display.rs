//! The graph as stable text, one node a line, which the tests of passes compare.

use crate::dim::{Dim, show_shape};
use crate::ir::{Access, DType, Graph, Instr, Map, Node, NodeId, Op};
use std::fmt::{self, Write};

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for id in self.ids() {
            let node = &self[id];
            write!(f, "{id} = {}", node)?;
            writeln!(f, " : {}{}", node.dtype, show_shape(&node.shape))?;
            let body = match &node.op {
                Op::Call(region) => Some(&region.body),
                Op::Scan(scan) => Some(&scan.body),
                _ => None,
            };
            if let Some(body) = body {
                for line in body.to_string().lines() {
                    writeln!(f, "    {line}")?;
                }
            }
        }
        writeln!(f, "return {}", list(&self.outputs))
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn debug<T: fmt::Debug>(items: &[T]) -> String {
    items
        .iter()
        .map(|i| format!("{i:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&op_name(&self.op))?;
        if !self.args.is_empty() {
            write!(f, "({})", list(&self.args))?;
        }
        f.write_str(&attributes(&self.op))
    }
}

/// The op's name in text, tables and pictures.
pub fn op_name(op: &Op) -> String {
    match op {
        Op::Input { index } => return format!("input {index}"),
        Op::Param { index } => return format!("param {index}"),
        Op::Const(v) => return format!("const {v}"),
        Op::Whole(v) => return format!("const {v}"),
        Op::Size(d) => return format!("size {d}"),
        Op::Scalar(s) => s.name(),
        Op::Iota { .. } => "iota",
        Op::Expand => "expand",
        Op::Reshape => "reshape",
        Op::Permute(_) => "permute",
        Op::Slice { .. } => "slice",
        Op::Reduce { kind, .. } => kind.name(),
        Op::MatMul { .. } => "matmul",
        Op::Detach => "detach",
        Op::Kernel(kind) => kind.name(),
        Op::Barrier => "barrier",
        Op::Map(_) => "map",
        Op::Call(region) => return format!("call {}", region.name),
        Op::Scan(scan) => return format!("scan {}", scan.name),
        Op::Get(k) => return format!("get {k}"),
    }
    .to_owned()
}

fn attributes(op: &Op) -> String {
    let mut out = String::new();
    let o = &mut out;
    // Writing to a String cannot fail.
    let _ = match op {
        Op::Iota { dim } => write!(o, " dim={dim}"),
        Op::Permute(dims) => write!(o, " [{}]", debug(dims)),
        Op::Slice { start, step } => {
            write!(o, " start={} step=[{}]", show_shape(start), debug(step))
        }
        Op::Reduce { dims, body, .. } => {
            let _ = write!(o, " [{}]", debug(dims));
            match body {
                Some(b) => write!(o, " over {} {}", show_shape(&b.1), show_map(&b.0)),
                None => Ok(()),
            }
        }
        Op::MatMul { ta, tb, epilogue } => {
            o.push_str(if *ta { " ta" } else { "" });
            o.push_str(if *tb { " tb" } else { "" });
            match epilogue {
                Some(map) => write!(o, " then {}", show_map(map)),
                None => Ok(()),
            }
        }
        Op::Kernel(kind) => {
            o.push_str(&kind.attributes());
            Ok(())
        }
        Op::Map(map) => write!(o, " {}", show_map(map)),
        Op::Scan(s) => write!(
            o,
            " count={}{} shared={} carried={}",
            s.count,
            if s.reverse { " reverse" } else { "" },
            s.shared,
            s.carried
        ),
        _ => Ok(()),
    };
    out
}

/// `{ a = load 0; b = exp(a) -> b }`.
pub fn show_map(map: &Map) -> String {
    let mut out = String::from("{ ");
    for (i, instr) in map.body.iter().enumerate() {
        let step = match instr {
            Instr::Load(k) => match map.access.get(*k) {
                Some(a) if !a.is_identity() => format!("load {k} {}", show_access(a)),
                _ => format!("load {k}"),
            },
            Instr::Iota(d) => format!("iota {d}"),
            Instr::Const(DType::Float, bits) => format!("{}", f64::from_bits(*bits)),
            Instr::Const(DType::Int, bits) => format!("int {}", bits.cast_signed()),
            Instr::Const(t, bits) => format!("{t} {}", f64::from_bits(*bits)),
            Instr::Size(d) => format!("size {d}"),
            Instr::Apply(s, args) => {
                let args: Vec<String> = args.iter().map(|a| format!("v{a}")).collect();
                format!("{}({})", s.name(), args.join(", "))
            }
        };
        let _ = write!(out, "v{i} = {step}; ");
    }
    let results: Vec<String> = map.results.iter().map(|r| format!("v{r}")).collect();
    let _ = write!(out, "-> {} }}", results.join(", "));
    out
}

fn show_access(a: &Access) -> String {
    let dims: Vec<String> = a
        .dims
        .iter()
        .map(|d| match d {
            None => "_".to_owned(),
            Some(d) => {
                let mut text = format!("d{d}");
                if a.step[*d] != 1 {
                    let _ = write!(text, "*{}", a.step[*d]);
                }
                if a.start[*d] != Dim::from(0) {
                    let _ = write!(text, "+{}", a.start[*d]);
                }
                text
            }
        })
        .collect();
    format!("[{}]", dims.join(", "))
}
