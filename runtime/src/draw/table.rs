//! A network as a table.

use std::fmt;

use super::{Graph, Layer};
use crate::ParamSpec;

/// The number of parameters' elements, without buffers.
fn count<'a>(params: impl IntoIterator<Item = &'a ParamSpec>) -> usize {
    let params = params.into_iter().filter(|p| !p.buffer);
    params.map(ParamSpec::len).sum()
}

/// `1234567` as `1,234,567`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |head: &str, of: fn(&Layer) -> &'static str| {
            let cells = self.layers.iter().map(|l| of(l).chars().count());
            cells.chain([head.len()]).max().unwrap_or_default()
        };
        let a = width("layer", |l| l.name);
        let b = width("declared as", |l| l.declared);
        let c = width("output", |l| l.output);
        let rule = "-".repeat(a + b + c + 18);
        writeln!(f, "{}", self.name)?;
        writeln!(f, "{rule}")?;
        writeln!(
            f,
            "{:<a$}  {:<b$}  {:<c$}  {:>12}",
            "layer", "declared as", "output", "parameters"
        )?;
        writeln!(f, "{rule}")?;
        for l in &self.layers {
            let n = grouped(count(l.params));
            writeln!(
                f,
                "{:<a$}  {:<b$}  {:<c$}  {n:>12}",
                l.name, l.declared, l.output
            )?;
        }
        writeln!(f, "{rule}")?;
        let params = || self.layers.iter().flat_map(|l| l.params);
        let total = count(params());
        let frozen = count(params().filter(|p| p.frozen));
        let bytes = grouped(total * size_of::<f32>());
        write!(f, "{} parameters", grouped(total))?;
        if frozen > 0 {
            write!(f, ", {} of them frozen", grouped(frozen))?;
        }
        writeln!(f, ", {bytes} bytes in f32")?;
        for function in &self.functions {
            let ops = function
                .nodes
                .iter()
                .filter(|n| n.constant.is_empty() && n.kind == super::Kind::Op);
            write!(f, "fn {}: {} ops", function.signature, ops.count())?;
            if !std::ptr::eq(function, &self.functions[self.functions.len() - 1]) {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
