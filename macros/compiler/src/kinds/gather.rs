//! `y[i.., j, k..] = x[i.., index[i.., j, k..], k..]` along a dimension; shapes differ only there.

use super::gather_grad::GatherGrad;
use crate::codegen::emit::{Emit, axis, call_at, dtype, reads};
use crate::dim::show_shape;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::kind::{Bounds, Flow, Kind, Types};
use crate::ir::operands::{Operands, ensure};
use crate::ir::{DType, Graph, NodeId, Reads};
use crate::scalar::Scalar;
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct Gather {
    /// Which dimension.
    pub dim: usize,
    /// For messages.
    pub what: Reads,
}

impl Kind for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn attributes(&self) -> String {
        format!(" dim={}", self.dim)
    }

    fn types(&self, of: &Operands) -> Types {
        let (x, index) = (of.shape(0)?, of.shape(1)?);
        let fits =
            x.len() == index.len() && (0..x.len()).all(|d| d == self.dim || x[d] == index[d]);
        ensure(fits && of.dtype(1) == DType::Int, || {
            format!("gather {} by {}", show_shape(x), show_shape(index))
        })?;
        Ok(vec![(index.clone(), of.dtype(0))])
    }

    /// If one element is picked along `dim`, the gradient is a comparison, which fuses with its users; the general case
    /// adds into zeros.
    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let (dim, index) = (self.dim, flow.args[1]);
        let shape = g.shape(flow.args[0]).clone();
        if !g.shape(index)[dim].is_one() {
            let back = GatherGrad {
                dim,
                size: shape[dim].clone(),
                what: self.what.clone(),
            };
            return vec![Some(g.push(back, &[dy, index], None)), None];
        }
        let index = g.expand(index, &shape);
        let position = g.iota(&shape, dim);
        let hit = g.scalar(Scalar::Eq, &[position, index]);
        let dy = g.expand(dy, &shape);
        let zero = g.constant(0.0);
        vec![Some(g.select(hit, dy, zero)), None]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (axis, count) = (
            axis(at.code, at.shape(0), self.dim),
            at.size(&at.node().shape[self.dim]),
        );
        let (x, i, y, what) = (
            at.x(0),
            at.x(1),
            at.y(),
            reads(at.code, at.node(), &self.what),
        );
        let dtype = dtype(at.dtype(0));
        let call = quote!(Gather { dtype: #dtype, axis: #axis, count: #count });
        call_at(&call, &[x, i, y], &what)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let y = array::build(&x.shape, |i| {
            let mut from = i.to_vec();
            from[self.dim] = x.args[1].at(i) as usize;
            x.args[0].at(&from)
        });
        vec![y]
    }

    fn bounds(&self, _operands: usize) -> Bounds {
        Bounds::Of(vec![0], None)
    }
}
