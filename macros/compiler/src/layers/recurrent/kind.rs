//! One step of each kind of recurrence. Takes the input's share of the gates, `x W_ih' + b_ih` (one product for the
//! whole sequence), the state, and the recurrent weights; returns the next state.
//!
//! With `g = x W_ih' + b_ih` and `s = h W_hh' + b_hh`, cut into gates of H rows:
//!
//! - RNN (Elman, 1990): `h' = tanh(g + s)`, or relu.
//! - LSTM (Hochreiter and Schmidhuber, 1997), gates i, f, g, o of `g + s`:
//!   `c' = sigmoid(f) c + sigmoid(i) tanh(g)`, `h' = sigmoid(o) tanh(c')`; with a projection,
//!   `h' = W_hr (sigmoid(o) tanh(c'))`.
//! - GRU (Cho et al., 2014), gates r, z, n: `r, z = sigmoid(g + s)`, `n = tanh(g_n + r s_n)`,
//!   `h' = (1 - z) n + z h`.

use crate::cx::Cx;
use crate::dim::Dim;
use crate::ir::{NodeId, Op};
use crate::ops;
use crate::scalar::Scalar as S;

/// The kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `tanh` of one gate.
    Tanh,
    /// `relu` of one gate.
    Relu,
    /// Four gates and a cell.
    Lstm,
    /// Three gates.
    Gru,
}

/// The recurrent weights, which a step reads besides its input.
pub struct Recurrent {
    /// `W_hh`, (gates H, state).
    pub weight: NodeId,
    /// `b_hh`, (gates H), unless it has been added to the input's share.
    pub bias: Option<NodeId>,
    /// `W_hr`, (state, H).
    pub projection: Option<NodeId>,
}

impl Kind {
    /// Rows of the weights, in units of H.
    pub fn gates(self) -> i64 {
        match self {
            Kind::Tanh | Kind::Relu => 1,
            Kind::Lstm => 4,
            Kind::Gru => 3,
        }
    }

    /// Whether a cell is carried besides the state.
    pub fn has_cell(self) -> bool {
        self == Kind::Lstm
    }

    /// One step: `g` (B, gates H), `state` h (B, S) and, for an LSTM, c (B, H).
    pub fn step(self, cx: &mut Cx, g: NodeId, state: &[NodeId], w: &Recurrent) -> Vec<NodeId> {
        let h = state[0];
        let s = ops::linear(cx, h, w.weight, w.bias);
        let gates = self.gates();
        if self == Kind::Gru {
            let [gr, gz, gn] = [0, 1, 2].map(|k| gate(cx, g, k, gates));
            let [sr, sz, sn] = [0, 1, 2].map(|k| gate(cx, s, k, gates));
            let r = sum_then(cx, gr, sr, S::Sigmoid);
            let z = sum_then(cx, gz, sz, S::Sigmoid);
            let rs = cx.g.mul2(r, sn);
            let n = sum_then(cx, gn, rs, S::Tanh);
            // (1 - z) n + z h = n + z (h - n).
            let d = cx.g.sub2(h, n);
            let zd = cx.g.mul2(z, d);
            return vec![cx.g.add2(n, zd)];
        }
        let sum = cx.g.add2(g, s);
        match self {
            Kind::Tanh => return vec![cx.g.unary(S::Tanh, sum)],
            Kind::Relu => return vec![cx.g.unary(S::Relu, sum)],
            Kind::Lstm | Kind::Gru => {}
        }
        let gates = [S::Sigmoid, S::Sigmoid, S::Tanh, S::Sigmoid];
        let mut k = -1;
        let [i, f, g, o] = gates.map(|f| {
            k += 1;
            let x = gate(cx, sum, k, 4);
            cx.g.unary(f, x)
        });
        let (kept, new) = (cx.g.mul2(f, state[1]), cx.g.mul2(i, g));
        let c = cx.g.add2(kept, new);
        let t = cx.g.unary(S::Tanh, c);
        let h = cx.g.mul2(o, t);
        let h = match w.projection {
            Some(p) => ops::linear(cx, h, p, None),
            None => h,
        };
        vec![h, c]
    }
}

fn sum_then(cx: &mut Cx, x: NodeId, y: NodeId, f: S) -> NodeId {
    let sum = cx.g.add2(x, y);
    cx.g.unary(f, sum)
}

/// Columns `k H` to `(k + 1) H` of a value of `gates H` columns.
fn gate(cx: &mut Cx, x: NodeId, k: i64, gates: i64) -> NodeId {
    let mut shape = cx.g.shape(x).clone();
    let hidden = shape[1].div(&Dim::from(gates));
    let start = vec![Dim::from(0), hidden.mul(&Dim::from(k))];
    shape[1] = hidden;
    let step = vec![1; 2];
    cx.g.push(Op::Slice { start, step }, &[x], Some(shape))
}
