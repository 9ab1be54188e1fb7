//! Softmax or its logarithm along a dimension.

use crate::codegen::emit::{Emit, axis, call};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, rows};
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::Operands;
use crate::ir::{DType, Graph, NodeId};
use crate::scalar::Scalar;
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct Softmax {
    /// The logarithm.
    pub log: bool,
    /// Which dimension.
    pub dim: usize,
}

impl Kind for Softmax {
    fn name(&self) -> &'static str {
        match self.log {
            false => "softmax",
            true => "log_softmax",
        }
    }

    fn attributes(&self) -> String {
        format!(" dim={}", self.dim)
    }

    fn types(&self, x: &Operands) -> Types {
        x.without(self.dim)?;
        Ok(vec![(x.shape(0)?.clone(), DType::Float)])
    }

    /// Softmax: `y (dy - sum(dy y))`; its logarithm: `dy - exp(y) sum(dy)`. Keeps y.
    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let y = flow.y;
        let shape = g.shape(y).clone();
        let weighted = if self.log { dy } else { g.mul2(dy, y) };
        let sum = g.sum(weighted, &[self.dim]);
        let sum = g.unreduce(sum, &[self.dim], &shape);
        let dx = if self.log {
            let p = g.unary(Scalar::Exp, y);
            let part = g.mul2(p, sum);
            g.sub2(dy, part)
        } else {
            let centred = g.sub2(dy, sum);
            g.mul2(y, centred)
        };
        vec![Some(dx)]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let kind = match self.log {
            true => quote!(LogSoftmax),
            false => quote!(Softmax),
        };
        let (axis, x, y) = (axis(at.code, at.shape(0), self.dim), at.x(0), at.y());
        let softmax = quote!(Softmax { kind: __nf::Softmax::#kind, axis: #axis });
        call(&softmax, &[x, y])
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let round = |v: f64| x.env.round(v);
        let row = |row: &[f64]| -> Vec<f64> {
            let max = rows::largest(row);
            let sum = rows::log_of_sum(row, max, round);
            let shifted = row.iter().map(|v| round(v - max));
            match self.log {
                true => shifted.map(|v| v - sum).collect(),
                false => {
                    let e: Vec<f64> = shifted.map(|v| round(v.exp())).collect();
                    let sum = round(e.iter().sum());
                    e.iter().map(|e| e / sum).collect()
                }
            }
        };
        vec![rows::along(x.args[0], self.dim, &x.shape, row)]
    }
}
