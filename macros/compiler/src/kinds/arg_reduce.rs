//! The index of the first largest or smallest element along a dimension, which vanishes.

use crate::codegen::emit::{Emit, axis, call};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, rows};
use crate::ir::DType;
use crate::ir::kind::{Bounds, Kind, Types};
use crate::ir::operands::Operands;
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct ArgReduce {
    /// Largest, or smallest.
    pub largest: bool,
    /// Which dimension.
    pub dim: usize,
}

impl Kind for ArgReduce {
    fn name(&self) -> &'static str {
        match self.largest {
            true => "argmax",
            false => "argmin",
        }
    }

    fn attributes(&self) -> String {
        format!(" dim={}", self.dim)
    }

    fn types(&self, x: &Operands) -> Types {
        Ok(vec![(x.without(self.dim)?, DType::Int)])
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (largest, axis) = (self.largest, axis(at.code, at.shape(0), self.dim));
        let (x, y) = (at.x(0), at.y());
        let arg_reduce = quote!(ArgReduce { largest: #largest, axis: #axis });
        call(&arg_reduce, &[x, y])
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let further = |a: f64, b: f64| if self.largest { a > b } else { a < b };
        let better = |a: f64, b: f64| a.is_nan() && !b.is_nan() || further(a, b);
        let place = |row: &[f64]| {
            let first = |best, i: usize| if better(row[i], row[best]) { i } else { best };
            vec![(0..row.len()).fold(0, first) as f64]
        };
        vec![rows::along(x.args[0], self.dim, &x.shape, place)]
    }

    fn bounds(&self, _operands: usize) -> Bounds {
        Bounds::Positions
    }
}
