//! `RNN`, `LSTM`, `GRU` (in -> hidden) over sequences x (B, T, in), with `batch_first = false` (T, B, in), or (T, in)
//! without a batch. Results as PyTorch's: `(output, h_n)`, for an LSTM `(output, (h_n, c_n))`, with output (B, T, D
//! hidden) or (T, B, D hidden), D = 2 if bidirectional, and the states always (D num_layers, B, hidden).
//!
//! With `lengths` (B), sequence b ends after `lengths[b]` elements: later elements are never read, their outputs are 0,
//! `h_n` is the state at the end, and the reverse direction starts there. A length above T is taken as T; a length of 0
//! leaves the first state.

use super::Weights;
use super::kind::Kind;
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::NodeId;
use crate::kinds::concat::Concat;
use crate::layers::{Call, Layer, LayerDef, ParamDecl, in_out, positive};
use crate::ops;
use crate::real::Real;
use crate::value::Value;

/// The table's row.
pub const RNN: LayerDef = LayerDef {
    name: "RNN",
    signature: "in_out, num_layers = 1, nonlinearity = \"tanh\", bias = true, batch_first = true, dropout = 0.0, bidirectional = false",
    declare: |cx, a| {
        let kind = match a.choice(cx, "nonlinearity", &["tanh", "relu"])? {
            "relu" => Kind::Relu,
            _ => Kind::Tanh,
        };
        declare(cx, a, kind)
    },
};

/// The table's row.
pub const LSTM: LayerDef = LayerDef {
    name: "LSTM",
    signature: "in_out, num_layers = 1, bias = true, batch_first = true, dropout = 0.0, bidirectional = false, proj_size = 0",
    declare: |cx, a| declare(cx, a, Kind::Lstm),
};

/// The table's row.
pub const GRU: LayerDef = LayerDef {
    name: "GRU",
    signature: "in_out, num_layers = 1, bias = true, batch_first = true, dropout = 0.0, bidirectional = false",
    declare: |cx, a| declare(cx, a, Kind::Gru),
};

fn declare(cx: &mut Cx, a: &Args, kind: Kind) -> Reported<Box<dyn Layer>> {
    let (input, hidden) = in_out(cx, a, "in_out")?;
    let layers = a.dim(cx, "num_layers")?;
    let why = format!("`num_layers` of `{}` must be at least 1", a.callee);
    match layers.value() {
        Some(0) => return Err(cx.error(a.span_of("num_layers"), format!("{why}, not 0"))),
        _ => cx.at_least(&layers, &Dim::one(), a.span_of("num_layers"), &why)?,
    }
    let dropout = ops::probability(cx, a, "dropout")?;
    // A constant may be 1 in one network and 2 in the next.
    let written = a
        .given("num_layers")
        .is_none_or(|g| g.text.parse::<i64>().is_ok());
    if !dropout.is(0.0) && layers.is_one() && written {
        let text = format!(
            "`dropout` of `{}` acts between layers, but `num_layers` is 1\nhelp: declare `num_layers = 2` or more, or a `Dropout` layer after this layer",
            a.callee
        );
        return Err(cx.error(a.span_of("dropout"), text));
    }
    let mut state = hidden.clone();
    if kind == Kind::Lstm && a.given("proj_size").is_some() {
        let size = a.dim(cx, "proj_size")?;
        if size.value() != Some(0) {
            positive(cx, a, "proj_size", &size)?;
            if size == hidden
                || matches!((size.value(), hidden.value()), (Some(p), Some(h)) if p > h)
            {
                let text = format!(
                    "`proj_size` is {size}, but must be less than `hidden_size`, which is {hidden}"
                );
                return Err(cx.error(a.span_of("proj_size"), text));
            }
            state = size;
        }
    }
    Ok(Box::new(Recurrence {
        kind,
        input,
        hidden,
        state,
        layers,
        bias: a.flag(cx, "bias")?,
        batch_first: a.flag(cx, "batch_first")?,
        dropout,
        directions: 1 + i64::from(a.flag(cx, "bidirectional")?),
    }))
}

/// A declared layer.
pub struct Recurrence {
    pub kind: Kind,
    pub input: Dim,
    pub hidden: Dim,
    /// Features of h: `hidden`, or those of the projection.
    pub state: Dim,
    /// A number, or a Rust constant: then one loop runs through all layers after the first.
    pub layers: Dim,
    pub bias: bool,
    /// Sequences are (B, T, C) instead of (T, B, C).
    pub batch_first: bool,
    pub dropout: Real,
    pub directions: i64,
}

impl Recurrence {
    /// The layers: the number of each, and how many it stands for if that is a constant.
    fn levels(&self) -> Vec<(i64, Option<Dim>)> {
        match self.layers.value() {
            Some(n) => (0..n).map(|layer| (layer, None)).collect(),
            None => vec![(0, None), (1, Some(self.layers.sub(&Dim::one())))],
        }
    }

    /// Weights by layer and direction.
    fn weights(&self) -> Vec<Weights<'_>> {
        let mut out = Vec::new();
        for (layer, count) in self.levels() {
            for direction in ["", "_reverse"].iter().take(self.directions as usize) {
                out.push(Weights {
                    kind: self.kind,
                    input: match layer {
                        0 => self.input.clone(),
                        _ => self.state.mul(&Dim::from(self.directions)),
                    },
                    hidden: &self.hidden,
                    state: &self.state,
                    bias: self.bias,
                    layer: Some(layer),
                    count: count.clone(),
                    direction,
                });
            }
        }
        out
    }
}

/// Values one after another along a dimension.
pub fn concat(cx: &mut Cx, values: &[NodeId], dim: usize) -> NodeId {
    match values {
        [one] => *one,
        _ => cx.g.push(Concat { dim }, values, None),
    }
}

impl Layer for Recurrence {
    fn params(&self) -> Vec<ParamDecl> {
        self.weights().iter().flat_map(Weights::params).collect()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let a = Args::bind(
            cx,
            call.field,
            call.span,
            "input, hx = None, lengths = None",
            given,
        )?;
        let seq = self.sequences(cx, call, &a)?;
        let per = self.directions as usize * self.weights()[0].params().len();
        let mut x = seq.x;
        let mut last: Vec<Vec<NodeId>> = vec![Vec::new(); seq.first.len()];
        for ((layer, count), params) in self.levels().into_iter().zip(call.params.chunks(per)) {
            let states;
            (x, states) = match count {
                None => self.layer(cx, call.field, layer, &seq, x, params)?,
                Some(count) => self.repeated(cx, call.field, &count, &seq, x, params)?,
            };
            for (all, states) in last.iter_mut().zip(states) {
                all.extend(states);
            }
        }
        let mut output = x;
        if self.batch_first || !seq.batched {
            output = cx.g.permute(x, &[1, 0, 2]);
        }
        if !seq.batched {
            let shape = cx.g.shape(output)[1..].to_vec();
            output = cx.g.reshape(output, &shape);
        }
        let states: Vec<Value> = (last.iter())
            .map(|all| {
                let all = concat(cx, all, 0);
                cx.tensor(all)
            })
            .collect();
        let states = match states.len() {
            1 => states.into_iter().next().unwrap_or(Value::Null),
            _ => Value::Tuple(states),
        };
        Ok(Value::Tuple(vec![cx.tensor(output), states]))
    }
}
