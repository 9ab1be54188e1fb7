//! Scaled dot-product attention that does not store the scores. Operands are q (B, H, L, E), k (B, H, S, E), v (B, H,
//! S, V), then masks, floats of rank 4 that broadcast to the scores (B, H, L, S) and are added to them. Results are (B,
//! H, L, V) and, for each softmax, the logarithm of its sum and its largest score (B, H, 2, L).

pub mod backward;
mod emit;
#[cfg(feature = "eval")]
mod eval;
mod types;
mod written_out;

use crate::codegen::emit::Emit;
use crate::dim::{Dim, Shape};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values};
use crate::gradient::autodiff;
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::Operands;
use crate::ir::{Graph, NodeId, Op};
use crate::real::Real;
use backward::AttentionGrad;
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Query i sees keys up to i.
    pub causal: bool,
    /// Factor of the scores; `1 / sqrt(E)` by default.
    pub scale: Option<Real>,
    /// q, k, v and the result have their heads side by side in a row: (B, L, H, E) and so on.
    pub interleaved: bool,
    /// Dropout after the softmax.
    pub dropout: Option<Dropout>,
}

/// Dropout of attention's weights: kept weights are multiplied by `1 / (1 - p)`. The draw is that of a `Bernoulli` of
/// the same stream and shape (B, H, L, S rounded up to four), forward and backward.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    /// The probability that a weight is dropped.
    pub p: Real,
    /// The node's own stream.
    pub stream: u32,
}

impl Dropout {
    /// The factor of a kept weight.
    pub fn factor(&self) -> Real {
        self.p.kept_factor()
    }
}

impl Attention {
    /// B, H, the length and the width of an operand or result.
    pub fn sizes(&self, shape: &[Dim]) -> [Dim; 4] {
        let order = if self.interleaved {
            [0, 2, 1, 3]
        } else {
            [0, 1, 2, 3]
        };
        order.map(|d| shape.get(d).cloned().unwrap_or_else(Dim::one))
    }

    /// The shape with these sizes.
    pub fn shape(&self, [batch, heads, length, width]: [&Dim; 4]) -> Shape {
        let middle = match self.interleaved {
            true => [length, heads],
            false => [heads, length],
        };
        [batch, middle[0], middle[1], width]
            .map(Clone::clone)
            .into()
    }
}

impl Kind for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn attributes(&self) -> String {
        let mut out = String::new();
        out.push_str(if self.causal { " causal" } else { "" });
        out.push_str(if self.interleaved { " interleaved" } else { "" });
        let scale = self.scale.as_ref().map(|scale| format!(" scale={scale}"));
        let drop = (self.dropout.as_ref()).map(|d| format!(" p={} stream={}", d.p, d.stream));
        [scale, drop].iter().flatten().for_each(|x| out.push_str(x));
        out
    }

    fn types(&self, x: &Operands) -> Types {
        types::forward(self, x.graph, x.args)
    }

    /// One node that computes the weights again, block by block. That node gives no gradient of a mask; it comes from
    /// attention written out. Keeps q, k, v, masks and the results.
    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        if flow.wanted[3..].contains(&true) {
            let inputs = written_out::behind_barrier(g, flow.args);
            let out = written_out::attention(g, self, &inputs);
            return autodiff::gradients(g, &[(out, dy)], &inputs);
        }
        let sums = g.push(Op::Get(1), &[flow.y], None);
        let all = [flow.args, &[flow.y, sums, dy]].concat();
        let mut out = flow.none();
        let back = g.kernel(AttentionGrad(self.clone()), &all, None);
        for (slot, dx) in out.iter_mut().zip(back) {
            *slot = Some(dx);
        }
        out
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        emit::attention(self, at, 0, &quote!(Attention))
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        eval::forward(self, &x.args)
    }

    fn draws(&self) -> bool {
        self.dropout.is_some()
    }
}
