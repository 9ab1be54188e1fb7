//! Operands (x, index, source): `x`, but `y[.., index[c], ..] = source[.., c, ..]` along a dimension; the index has
//! rank 1. Of equal indices the last one wins.

use super::take::Take;
use crate::codegen::emit::{Emit, axis, reads};
use crate::dim::show_shape;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::kind::{Bounds, Flow, Kind, Types};
use crate::ir::operands::{Operands, ensure};
use crate::ir::{DType, Graph, NodeId, Reads};
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct Put {
    /// Which dimension.
    pub dim: usize,
    /// For messages.
    pub what: Reads,
}

impl Kind for Put {
    fn name(&self) -> &'static str {
        "put"
    }

    fn attributes(&self) -> String {
        format!(" dim={}", self.dim)
    }

    fn types(&self, of: &Operands) -> Types {
        let (x, index, source) = (of.shape(0)?, of.shape(1)?, of.shape(2)?);
        let mut part = x.clone();
        if let (Some(d), [count]) = (part.get_mut(self.dim), index.as_slice()) {
            *d = count.clone();
        }
        let fits = index.len() == 1 && part == *source && of.dtype(2) == of.dtype(0);
        ensure(fits && of.dtype(1) == DType::Int, || {
            let [source, index, x] = [source, index, x].map(|s| show_shape(s));
            format!("put {source} at {index} of {x}")
        })?;
        Ok(vec![(x.clone(), of.dtype(0))])
    }

    /// Overwritten elements of `x` have no gradient; those of `source` have the gradient of their place.
    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let (dim, index) = (self.dim, flow.args[1]);
        let shape = g.shape(flow.args[2]).clone();
        let zeros = g.full(0.0, DType::Float, &shape);
        let dx = g.push(self.clone(), &[dy, index, zeros], None);
        let what = self.what.clone();
        let dsource = g.push(Take { dim, what }, &[dy, index], None);
        vec![Some(dx), None, Some(dsource)]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (axis, count) = (
            axis(at.code, &at.node().shape, self.dim),
            at.size(&at.shape(1)[0]),
        );
        let (x, i, source, y) = (at.x(0), at.x(1), at.x(2), at.y());
        let what = reads(at.code, at.node(), &self.what);
        quote!(run.put(#axis, #count, [#source, #i, #x, #y], #what);)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let mut out = x.args[0].clone();
        let source = x.args[2];
        for (at, v) in source.data.iter().enumerate() {
            let mut i = array::unflat(&source.shape, at);
            i[self.dim] = x.args[1].data[i[self.dim]] as usize;
            out.data[array::flat(&x.shape, &i)] = *v;
        }
        vec![out]
    }

    fn over(&self) -> Option<usize> {
        Some(0)
    }

    fn bounds(&self, _operands: usize) -> Bounds {
        Bounds::Of(vec![0, 2], None)
    }
}
