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
    /// The number of the layer; `None` for a cell.
    layer: Option<i64>,
    /// How many layers from this one on have weights of the same shapes; `None`: only this one.
    count: Option<Dim>,
    /// The end of PyTorch's names: `_reverse` or nothing.
    direction: &'static str,
}

impl Weights<'_> {
    /// All start uniform within `1 / sqrt(hidden)`.
    fn params(&self) -> Vec<ParamDecl> {
        let rows = self.hidden.mul(&Dim::from(self.kind.gates()));
        let mut out = Vec::new();
        let mut add = |name: &str, shape: Shape| {
            let init = Init::FanIn(self.hidden.clone());
            let param = |name: String| ParamDecl::new(name, shape, init);
            let direction = self.direction;
            out.push(match (self.layer, &self.count) {
                (None, _) => param(name.to_owned()),
                (Some(layer), None) => param(format!("{name}_l{layer}{direction}")),
                (Some(layer), Some(count)) => {
                    param(format!("{name}_l")).numbered(layer, count, direction)
                }
            });
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
