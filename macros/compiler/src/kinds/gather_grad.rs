//! The gradient of `Gather`. Operands (dy, index): each element is added where it was read, into zeros.

use super::gather::Gather;
use crate::codegen::emit::{Emit, axis, call_at, reads};
use crate::dim::Dim;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::{Operands, ensure};
use crate::ir::{DType, Graph, NodeId, Reads};
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct GatherGrad {
    /// Which dimension.
    pub dim: usize,
    /// Its size.
    pub size: Dim,
    /// For messages.
    pub what: Reads,
}

impl Kind for GatherGrad {
    fn name(&self) -> &'static str {
        "gather_grad"
    }

    fn attributes(&self) -> String {
        format!(" dim={} size={}", self.dim, self.size)
    }

    fn types(&self, x: &Operands) -> Types {
        ensure(x.dtype(1) == DType::Int, || "an index is an integer".into())?;
        let mut s = x.shape(0)?.clone();
        s[self.dim] = self.size.clone();
        Ok(vec![(s, DType::Float)])
    }

    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let (dim, what) = (self.dim, self.what.clone());
        let back = g.push(Gather { dim, what }, &[dy, flow.args[1]], None);
        vec![Some(back), None]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (axis, count) = (
            axis(at.code, &at.node().shape, self.dim),
            at.size(&at.shape(1)[self.dim]),
        );
        let (x, i, y, what) = (
            at.x(0),
            at.x(1),
            at.y(),
            reads(at.code, at.node(), &self.what),
        );
        let call = quote!(GatherGrad { axis: #axis, count: #count });
        call_at(&call, &[x, i, y], &what)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let dx = array::scatter(x.args[0], &x.shape, |i, to| {
            to[self.dim] = x.args[1].at(i) as usize;
        });
        vec![dx]
    }
}
