//! The operand at `low + i * step` of each dimension, and a fill value elsewhere: the gradient of a slice.

use crate::codegen::emit::{Emit, Side, copy, exact, forwards};
use crate::dim::{Dim, show_shape};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::kind::{Bounds, Flow, Kind, Types};
use crate::ir::operands::{Operands, ensure};
use crate::ir::strides::row_major;
use crate::ir::{Graph, NodeId, Op};
use netform_core::Number;
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct Pad {
    /// Elements before the first.
    pub low: Vec<Dim>,
    /// Distance between neighbours, at least 1.
    pub step: Vec<i64>,
    /// The fill value.
    pub value: Number,
}

impl Kind for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn attributes(&self) -> String {
        let (low, step, value) = (show_shape(&self.low), &self.step, text(self.value));
        format!(" low={low} step={step:?} value={value}")
    }

    fn types(&self, x: &Operands) -> Types {
        let (s, to) = (x.shape(0)?, x.own()?);
        let ranks = [self.low.len(), self.step.len(), to.len()];
        ensure(ranks == [s.len(); 3], || "pad rank".into())?;
        Ok(vec![(to, x.dtype(0))])
    }

    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let shape = g.shape(flow.args[0]).clone();
        let (start, step) = (self.low.clone(), self.step.clone());
        vec![Some(g.push(Op::Slice { start, step }, &[dy], Some(shape)))]
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let (to, from) = (row_major(&at.node().shape), row_major(at.shape(0)));
        let start = (self.low.iter().zip(&to)).fold(Dim::from(0), |s, (l, t)| s.add(&l.mul(t)));
        let spread: Vec<(bool, Dim)> = (to.iter().zip(&self.step))
            .map(|(t, s)| (false, t.mul(&Dim::from(*s))))
            .collect();
        let src = Side {
            view: at.x(0),
            start: &Dim::from(0),
            strides: &forwards(&from),
        };
        let dst = Side {
            view: at.y(),
            start: &start,
            strides: &spread,
        };
        let (y, value, copy) = (
            at.y(),
            exact(self.value),
            copy(at.code, at.shape(0), src, dst),
        );
        quote!(run.fill(#y, #value); #copy)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let mut out = Array::new(&x.shape, |_| near(self.value));
        let from = x.args[0];
        for (at, v) in from.data.iter().enumerate() {
            let i = array::unflat(&from.shape, at);
            let to: Vec<usize> = (0..i.len())
                .map(|d| x.env.dim(&self.low[d]) + i[d] * self.step[d] as usize)
                .collect();
            out.data[array::flat(&x.shape, &to)] = *v;
        }
        vec![out]
    }

    fn bounds(&self, _operands: usize) -> Bounds {
        let value = match self.value {
            Number::Int(v) => Some(v),
            _ => None,
        };
        Bounds::Of(vec![0], value)
    }
}

fn text(value: Number) -> String {
    match value {
        Number::Float(v) => v.to_string(),
        Number::Int(v) => v.to_string(),
        Number::Bool(v) => u8::from(v).to_string(),
    }
}

/// The fill value as a float.
#[cfg(feature = "eval")]
fn near(value: Number) -> f64 {
    match value {
        Number::Float(v) => v,
        Number::Int(v) => v as f64,
        Number::Bool(v) => f64::from(u8::from(v)),
    }
}
