//! Reversed order in some dimensions.

use crate::codegen::emit::{Emit, Side, copy, forwards};
use crate::dim::Dim;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::kind::{Bounds, Flow, Kind, Types};
use crate::ir::operands::Operands;
use crate::ir::strides::row_major;
use crate::ir::{Graph, NodeId};
use proc_macro2::TokenStream;

/// The kind.
#[derive(Clone, Debug)]
pub struct Flip {
    /// The dimensions.
    pub dims: Vec<usize>,
}

impl Kind for Flip {
    fn name(&self) -> &'static str {
        "flip"
    }

    fn attributes(&self) -> String {
        format!(" {:?}", self.dims)
    }

    fn types(&self, x: &Operands) -> Types {
        Ok(vec![(x.shape(0)?.clone(), x.dtype(0))])
    }

    fn gradient(&self, g: &mut Graph, _: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        vec![Some(g.push(self.clone(), &[dy], None))]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let shape = &at.node().shape;
        let strides = row_major(shape);
        let last = |d: &usize| shape[*d].sub(&Dim::one()).mul(&strides[*d]);
        let start = (self.dims.iter().map(last)).fold(Dim::from(0), |s, d| s.add(&d));
        let signed: Vec<(bool, Dim)> = (strides.iter().enumerate())
            .map(|(d, s)| (self.dims.contains(&d), s.clone()))
            .collect();
        let src = Side {
            view: at.x(0),
            start: &start,
            strides: &signed,
        };
        let dst = Side {
            view: at.y(),
            start: &Dim::from(0),
            strides: &forwards(&strides),
        };
        copy(at.code, shape, src, dst)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let y = array::build(&x.shape, |i| {
            let place = |d: usize| match self.dims.contains(&d) {
                true => x.shape[d] - 1 - i[d],
                false => i[d],
            };
            let from: Vec<usize> = (0..i.len()).map(place).collect();
            x.args[0].at(&from)
        });
        vec![y]
    }

    fn bounds(&self, _operands: usize) -> Bounds {
        Bounds::Of(vec![0], None)
    }
}
