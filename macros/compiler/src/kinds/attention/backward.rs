//! The gradients of attention's q, k and v. Operands are those of `Attention`, its two results, and the
//! gradient of the first.

use super::{Attention, emit, types, written_out};
use crate::codegen::emit::Emit;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values};
use crate::gradient::autodiff;
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::Operands;
use crate::ir::{Graph, NodeId};
use proc_macro2::TokenStream;
use quote::quote;

/// The kind.
#[derive(Clone, Debug)]
pub struct AttentionGrad(pub Attention);

impl Kind for AttentionGrad {
    fn name(&self) -> &'static str {
        "attention_grad"
    }

    fn attributes(&self) -> String {
        self.0.attributes()
    }

    fn types(&self, x: &Operands) -> Types {
        types::backward(&self.0, x.graph, x.args)
    }

    /// Gradients of q, k, v, masks and the incoming gradient, from attention written out: attention's results are
    /// functions of these only.
    fn gradients(&self, g: &mut Graph, flow: &Flow) -> Vec<Option<NodeId>> {
        let args = flow.args;
        let (inputs, dout) = (args.len() - 3, args.len() - 1);
        let mut wrt = written_out::behind_barrier(g, &args[..inputs]);
        wrt.extend(written_out::behind_barrier(g, &args[dout..]));
        let out = written_out::attention(g, &self.0, &wrt[..inputs]);
        let first = autodiff::gradients(g, &[(out, wrt[inputs])], &wrt[..3]);
        let seeds: Vec<(NodeId, NodeId)> = (first.iter().zip(flow.dys))
            .filter_map(|(dx, ddx)| dx.zip(*ddx))
            .collect();
        let mut grads = autodiff::gradients(g, &seeds, &wrt);
        grads.splice(inputs..inputs, [None, None]);
        grads
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        emit::attention(&self.0, at, 3, &quote!(AttentionGrad))
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        super::eval::backward(&self.0, &x.args)
    }

    fn draws(&self) -> bool {
        self.0.draws()
    }
}
