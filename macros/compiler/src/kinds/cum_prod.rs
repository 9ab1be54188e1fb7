//! The running product of floats along a dimension.

use super::cum_sum::CumSum;
use crate::codegen::emit::{Emit, axis, call, combiner};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, rows};
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::Operands;
use crate::ir::{DType, Graph, NodeId};
use crate::scalar::Scalar;
use netform_core::Combiner;
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct CumProd {
    /// Which dimension.
    pub dim: usize,
}

impl Kind for CumProd {
    fn name(&self) -> &'static str {
        "cumprod"
    }

    fn attributes(&self) -> String {
        format!(" dim={}", self.dim)
    }

    fn types(&self, x: &Operands) -> Types {
        x.without(self.dim)?;
        Ok(vec![(x.shape(0)?.clone(), DType::Float)])
    }

    /// Before the first 0, the sum of `dy y` from here on, divided by x; at the first 0, the same with products that
    /// leave it out; after it, 0.
    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let (x, dim) = (flow.args[0], self.dim);
        let shape = g.shape(x).clone();
        let (zero, one) = (
            g.full(0.0, DType::Float, &shape),
            g.full(1.0, DType::Float, &shape),
        );
        let from_here = |g: &mut Graph, x: NodeId| {
            let product = g.mul2(dy, x);
            g.push(CumSum { dim, reverse: true }, &[product], None)
        };
        let is_zero = g.scalar(Scalar::Eq, &[x, zero]);
        let zeros = g.cast(is_zero, DType::Float);
        let reverse = false;
        let zeros = g.push(CumSum { dim, reverse }, &[zeros], None);
        let is_one = g.scalar(Scalar::Eq, &[zeros, one]);
        let first = g.scalar(Scalar::And, &[is_zero, is_one]);
        let without = g.select(first, one, x);
        let without = g.push(self.clone(), &[without], None);
        let at_first = from_here(g, without);
        let factors = g.select(is_zero, one, x);
        let before = from_here(g, flow.y);
        let before = g.div2(before, factors);
        let before = g.select(is_zero, zero, before);
        vec![Some(g.select(first, at_first, before))]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (how, axis) = (
            combiner(Combiner::Prod),
            axis(at.code, at.shape(0), self.dim),
        );
        let running = quote!(Running { how: #how, reverse: false, axis: #axis });
        call(&running, &[at.x(0), at.y()])
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let row = |row: &[f64]| rows::running(Combiner::Prod, row.iter());
        vec![rows::along(x.args[0], self.dim, &x.shape, row)]
    }
}
