//! `log(sum(exp(x)))` along a dimension, which vanishes, in two parts: `log(sum(exp(x - max)))` and `max`, or 0 where
//! that is infinite. Adding them would round the first away beside a large maximum. The maximum has no gradient: it
//! cancels wherever the parts are used together.

use crate::codegen::emit::{Emit, axis, call};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, rows};
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::Operands;
use crate::ir::{DType, Graph, NodeId, Op};
use crate::scalar::Scalar;
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct LogSumExp {
    /// Which dimension.
    pub dim: usize,
}

impl Kind for LogSumExp {
    fn name(&self) -> &'static str {
        "logsumexp"
    }

    fn attributes(&self) -> String {
        format!(" dim={}", self.dim)
    }

    fn types(&self, x: &Operands) -> Types {
        Ok(vec![(x.without(self.dim)?, DType::Float); 2])
    }

    /// d logsumexp / dx = softmax(x) = exp((x - max) - y). Keeps x, y and max.
    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let (x, dims) = (flow.args[0], [self.dim]);
        let shape = g.shape(x).clone();
        let max = g.push(Op::Get(1), &[flow.y], None);
        let max = g.unreduce(max, &dims, &shape);
        let y = g.unreduce(flow.y, &dims, &shape);
        let d = g.sub2(x, max);
        let d = g.sub2(d, y);
        let p = g.unary(Scalar::Exp, d);
        let dy = g.unreduce(dy, &dims, &shape);
        vec![Some(g.mul2(dy, p))]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let axis = axis(at.code, at.shape(0), self.dim);
        let operands = [at.x(0), at.result(0), at.result(1)];
        call(&quote!(LogSumExp { axis: #axis }), &operands)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let parts = |row: &[f64]| rows::log_sum_exp(row, |v| x.env.round(v));
        let of = |f: &dyn Fn(&[f64]) -> f64| {
            rows::along(x.args[0], self.dim, &x.shape, |row| vec![f(row)])
        };
        vec![of(&|row| parts(row).0), of(&|row| parts(row).1)]
    }

    fn is_shared(&self) -> bool {
        true
    }
}
