//! Operands one after another along a dimension.

use crate::codegen::emit::{Emit, Side, copy, forwards};
use crate::dim::{Dim, show_shape};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::kind::{Bounds, Flow, Kind, Types};
use crate::ir::operands::{Operands, ensure};
use crate::ir::strides::row_major;
use crate::ir::{Graph, NodeId, Op};
use proc_macro2::TokenStream;

/// The kind.
#[derive(Clone, Debug)]
pub struct Concat {
    /// Which dimension.
    pub dim: usize,
}

impl Kind for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn attributes(&self) -> String {
        format!(" dim={}", self.dim)
    }

    fn types(&self, x: &Operands) -> Types {
        let dim = self.dim;
        let mut s = x.shape(0)?.clone();
        for i in 1..x.args.len() {
            let t = x.shape(i)?;
            let fits = t.len() == s.len() && (0..s.len()).all(|d| d == dim || t[d] == s[d]);
            ensure(fits && x.dtype(i) == x.dtype(0), || {
                format!("concat {} and {}", show_shape(&s), show_shape(t))
            })?;
            s[dim] = s[dim].add(&t[dim]);
        }
        Ok(vec![(s, x.dtype(0))])
    }

    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let mut at = Dim::from(0);
        let mut part = |arg: &NodeId| {
            let shape = g.shape(*arg).clone();
            let mut start = vec![Dim::from(0); shape.len()];
            start[self.dim] = at.clone();
            at = at.add(&shape[self.dim]);
            let step = vec![1; shape.len()];
            Some(g.push(Op::Slice { start, step }, &[dy], Some(shape)))
        };
        flow.args.iter().map(&mut part).collect()
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let to = row_major(&at.node().shape);
        let mut before = Dim::from(0);
        let part = |i: usize| {
            let shape = at.shape(i);
            let src = Side {
                view: at.x(i),
                start: &Dim::from(0),
                strides: &forwards(&row_major(shape)),
            };
            let dst = Side {
                view: at.y(),
                start: &before.mul(&to[self.dim]),
                strides: &forwards(&to),
            };
            let copied = copy(at.code, shape, src, dst);
            before = before.add(&shape[self.dim]);
            copied
        };
        (0..at.node().args.len()).map(part).collect()
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let y = array::build(&x.shape, |i| {
            let mut i = i.to_vec();
            let mut k = 0;
            while i[self.dim] >= x.args[k].shape[self.dim] {
                i[self.dim] -= x.args[k].shape[self.dim];
                k += 1;
            }
            x.args[k].at(&i)
        });
        vec![y]
    }

    fn bounds(&self, operands: usize) -> Bounds {
        Bounds::Of((0..operands).collect(), None)
    }
}
