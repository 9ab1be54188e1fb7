//! The running sum of floats along a dimension.

use crate::codegen::emit::{Emit, axis, call, combiner};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, rows};
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::Operands;
use crate::ir::{DType, Graph, NodeId};
use netform_core::Combiner;
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct CumSum {
    /// Which dimension.
    pub dim: usize,
    /// From the end.
    pub reverse: bool,
}

impl Kind for CumSum {
    fn name(&self) -> &'static str {
        "cumsum"
    }

    fn attributes(&self) -> String {
        let reverse = if self.reverse { " reverse" } else { "" };
        format!(" dim={}{reverse}", self.dim)
    }

    fn types(&self, x: &Operands) -> Types {
        x.without(self.dim)?;
        Ok(vec![(x.shape(0)?.clone(), DType::Float)])
    }

    fn gradient(&self, g: &mut Graph, _: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let back = CumSum {
            dim: self.dim,
            reverse: !self.reverse,
        };
        vec![Some(g.push(back, &[dy], None))]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (reverse, axis) = (self.reverse, axis(at.code, at.shape(0), self.dim));
        let (x, y) = (at.x(0), at.y());
        let how = combiner(Combiner::Sum);
        let running = quote!(Running { how: #how, reverse: #reverse, axis: #axis });
        call(&running, &[x, y])
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let row = |row: &[f64]| match self.reverse {
            false => rows::running(Combiner::Sum, row.iter()),
            true => {
                let mut out = rows::running(Combiner::Sum, row.iter().rev());
                out.reverse();
                out
            }
        };
        vec![rows::along(x.args[0], self.dim, &x.shape, row)]
    }
}
