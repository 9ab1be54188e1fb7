//! Recurrent networks: `RNN`, `LSTM`, `GRU` over sequences, and their cells, with PyTorch's names,
//! layouts and gate orders.
//!
//! | file | contents |
//! |---|---|
//! | `kind.rs` | the three kinds: gates, and one step of each |
//! | `cell.rs` | `RNNCell`, `LSTMCell`, `GRUCell`: one step as a layer |
//! | `sequence.rs` | `RNN`, `LSTM`, `GRU`: declaration, layers, directions, results |
//! | `inputs.rs` | the inputs of a call: sequences, lengths, first states |
//! | `state.rs` | the argument `hx` |
//! | `pass.rs` | one layer in one direction |

mod cell;
mod inputs;
mod kind;
mod pass;
mod sequence;
mod state;

pub use cell::{GRU_CELL, LSTM_CELL, RNN_CELL};
pub use sequence::{GRU, LSTM, RNN};

use super::{Init, ParamDecl};
use crate::dim::{Dim, Shape};
use kind::Kind;

/// The weights of one layer in one direction.
struct Weights<'a> {
    kind: Kind,
    /// Features of the input.
    input: Dim,
    /// Features of the cell.
    hidden: &'a Dim,
    /// Features of the state that is passed on: `hidden`, or the projection's.
    state: &'a Dim,
    bias: bool,
    /// The suffix of PyTorch's names: `_l0_reverse`.
    suffix: String,
}

impl Weights<'_> {
    /// All start uniform within `1 / sqrt(hidden)`.
    fn params(&self) -> Vec<ParamDecl> {
        let rows = self.hidden.mul(&Dim::from(self.kind.gates()));
        let mut out = Vec::new();
        let mut add = |name: &str, shape: Shape| {
            let init = Init::FanIn(self.hidden.clone());
            out.push(ParamDecl::new(
                format!("{name}{}", self.suffix),
                shape,
                init,
            ));
        };
        add("weight_ih", vec![rows.clone(), self.input.clone()]);
        add("weight_hh", vec![rows.clone(), self.state.clone()]);
        if self.bias {
            add("bias_ih", vec![rows.clone()]);
            add("bias_hh", vec![rows]);
        }
        if self.state != self.hidden {
            add("weight_hr", vec![self.state.clone(), self.hidden.clone()]);
        }
        out
    }
}
