//! `y[.., c, ..] = x[.., index[c], ..]` along a dimension; the index has rank 1.

use super::take_grad::TakeGrad;
use crate::codegen::emit::{Emit, axis, call_at, dtype, reads};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::kind::{Bounds, Flow, Kind, Types};
use crate::ir::operands::{Operands, ensure};
use crate::ir::{DType, Graph, NodeId, Reads};
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct Take {
    /// Which dimension.
    pub dim: usize,
    /// For messages.
    pub what: Reads,
}

impl Kind for Take {
    fn name(&self) -> &'static str {
        "take"
    }

    fn attributes(&self) -> String {
        format!(" dim={}", self.dim)
    }

    fn types(&self, x: &Operands) -> Types {
        ensure(x.shape(1)?.len() == 1 && x.dtype(1) == DType::Int, || {
            "take's index".into()
        })?;
        let mut s = x.shape(0)?.clone();
        s[self.dim] = x.shape(1)?[0].clone();
        Ok(vec![(s, x.dtype(0))])
    }

    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let back = TakeGrad {
            dim: self.dim,
            size: g.shape(flow.args[0])[self.dim].clone(),
            what: self.what.clone(),
        };
        vec![Some(g.push(back, &[dy, flow.args[1]], None)), None]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (axis, count) = (
            axis(at.code, at.shape(0), self.dim),
            at.size(&at.shape(1)[0]),
        );
        let (x, i, y, what) = (
            at.x(0),
            at.x(1),
            at.y(),
            reads(at.code, at.node(), &self.what),
        );
        let dtype = dtype(at.dtype(0));
        let call = quote!(Take { dtype: #dtype, axis: #axis, count: #count });
        call_at(&call, &[x, i, y], &what)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let y = array::build(&x.shape, |i| {
            let mut from = i.to_vec();
            from[self.dim] = x.args[1].data[i[self.dim]] as usize;
            x.args[0].at(&from)
        });
        vec![y]
    }

    fn bounds(&self, _operands: usize) -> Bounds {
        Bounds::Of(vec![0], None)
    }
}
