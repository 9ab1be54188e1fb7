//! `RNNCell`, `LSTMCell`, `GRUCell` (in -> hidden): one step of a recurrence. Takes the input (B, in) or (in) and the
//! state (B, hidden) or (hidden), zeros if left out; returns the next state, for an LSTM `(h, c)`.

use super::Weights;
use super::kind::{Kind, Recurrent};
use super::state;
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::{DType, NodeId};
use crate::layers::{Call, Layer, LayerDef, ParamDecl, in_out, wrong_features};
use crate::ops;
use crate::value::Value;

/// The table's row.
pub const RNN_CELL: LayerDef = LayerDef {
    name: "RNNCell",
    signature: "in_out, bias = true, nonlinearity = \"tanh\"",
    declare: |cx, a| {
        let kind = match a.choice(cx, "nonlinearity", &["tanh", "relu"])? {
            "relu" => Kind::Relu,
            _ => Kind::Tanh,
        };
        declare(cx, a, kind)
    },
};

/// The table's row.
pub const LSTM_CELL: LayerDef = LayerDef {
    name: "LSTMCell",
    signature: "in_out, bias = true",
    declare: |cx, a| declare(cx, a, Kind::Lstm),
};

/// The table's row.
pub const GRU_CELL: LayerDef = LayerDef {
    name: "GRUCell",
    signature: "in_out, bias = true",
    declare: |cx, a| declare(cx, a, Kind::Gru),
};

fn declare(cx: &mut Cx, a: &Args, kind: Kind) -> Reported<Box<dyn Layer>> {
    let (input, hidden) = in_out(cx, a, "in_out")?;
    let bias = a.flag(cx, "bias")?;
    Ok(Box::new(Cell {
        kind,
        input,
        hidden,
        bias,
    }))
}

struct Cell {
    kind: Kind,
    input: Dim,
    hidden: Dim,
    bias: bool,
}

impl Cell {
    /// The states (B, hidden), given or zero.
    fn states(&self, cx: &mut Cx, a: &Args, batch: Option<&Dim>) -> Reported<Vec<NodeId>> {
        let count = 1 + usize::from(self.kind.has_cell());
        let full = vec![batch.cloned().unwrap_or_else(Dim::one), self.hidden.clone()];
        let want = full[usize::from(batch.is_none())..].to_vec();
        if matches!(a.value("hx"), Value::Null) {
            let zeros = (0..count).map(|_| cx.g.full(0.0, DType::Float, &full));
            return Ok(zeros.collect());
        }
        let states = state::tensors(cx, a, &vec![want; count])?;
        let batch = |id| cx.g.reshape(id, &full);
        Ok(states.into_iter().map(batch).collect())
    }
}

impl Layer for Cell {
    fn params(&self) -> Vec<ParamDecl> {
        let weights = Weights {
            kind: self.kind,
            input: self.input.clone(),
            hidden: &self.hidden,
            state: &self.hidden,
            bias: self.bias,
            layer: None,
            count: None,
            direction: "",
        };
        weights.params()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let a = Args::bind(cx, call.field, call.span, "input, hx = None", given)?;
        let x = a.float(cx, "input")?;
        let shape = cx.shape(&x);
        if !matches!(shape.len(), 1 | 2) {
            let kind = match self.kind {
                Kind::Lstm => "LSTM",
                Kind::Gru => "GRU",
                _ => "RNN",
            };
            let text = format!(
                "`{}` takes [B, {1}] or [{1}], but `{2}` has {3}{4}\nhelp: for sequences declare `{kind}({1} -> {5})`, or call the cell in `scan`",
                call.field,
                self.input,
                x.text,
                crate::args::count(shape.len(), "dimension"),
                cx.origin_note(&x),
                self.hidden
            );
            return Err(cx.error(a.span_of("input"), text));
        }
        if !shape.last().is_some_and(|have| cx.same(have, &self.input)) {
            let have = shape.last().map_or_else(String::new, Dim::to_string);
            let from = format!("{} -> {}", self.input, self.hidden);
            let to = format!("{have} -> {}", self.hidden);
            let mended = call.decl.replace(&from, &to);
            let mended = mended.split_once(": ").map_or("", |m| m.1);
            return Err(wrong_features(cx, call, &x, &self.input, mended));
        }
        let batch = (shape.len() == 2).then(|| shape[0].clone());
        let x = match batch {
            Some(_) => x.id,
            None => cx.g.unsqueeze(x.id, 0),
        };
        let states = self.states(cx, &a, batch.as_ref())?;
        let gates = ops::linear(cx, x, call.params[0], call.params.get(2).copied());
        let recurrent = Recurrent {
            weight: call.params[1],
            bias: call.params.get(3).copied(),
            projection: None,
        };
        let next = self.kind.step(cx, gates, &states, &recurrent);
        let mut out: Vec<Value> = Vec::new();
        for id in next {
            let id = match batch {
                Some(_) => id,
                None => cx.g.reshape(id, &vec![self.hidden.clone()]),
            };
            out.push(cx.tensor(id));
        }
        Ok(match out.len() {
            1 => out.pop().unwrap_or(Value::Null),
            _ => Value::Tuple(out),
        })
    }
}
