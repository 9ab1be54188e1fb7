//! The nodes: one layer in one direction, a loop over the sequence; one layer; a constant number of layers.

use super::inputs::{Sequences, where_there};
use super::kind::{Kind, Recurrent};
use super::sequence::{Recurrence, concat};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::{DType, NodeId, Op};
use crate::ops;
use crate::steps::{Step, Stepped, Steps};

impl Recurrence {
    /// One layer over `x` (T, B, in): outputs (T, B, directions state), and for each kind of state the last of each
    /// direction: (1, B, size), without a batch (1, size).
    pub fn layer(
        &self,
        cx: &mut Cx,
        field: &str,
        layer: i64,
        seq: &Sequences,
        mut x: NodeId,
        params: &[NodeId],
    ) -> Reported<(NodeId, Vec<Vec<NodeId>>)> {
        if layer > 0 {
            x = ops::dropout(cx, x, &self.dropout);
        }
        let directions = self.directions as usize;
        let (mut outputs, mut last) = (Vec::new(), vec![Vec::new(); seq.first.len()]);
        let name = format!("{field} layer {layer}");
        for (direction, params) in params.chunks(params.len() / directions).enumerate() {
            let at = layer as usize * directions + direction;
            let (y, states) = self.run(cx, at, seq, x, params, &name)?;
            outputs.push(y);
            for (all, state) in last.iter_mut().zip(states) {
                all.push(match seq.batched {
                    true => cx.g.unsqueeze(state, 0),
                    false => state,
                });
            }
        }
        Ok((concat(cx, &outputs, 2), last))
    }

    /// All `count` layers after the first: a loop in which each step is one layer. `params` are stacks of weights.
    pub fn repeated(
        &self,
        cx: &mut Cx,
        field: &str,
        count: &Dim,
        seq: &Sequences,
        x: NodeId,
        params: &[NodeId],
    ) -> Reported<(NodeId, Vec<Vec<NodeId>>)> {
        let first: Vec<Option<NodeId>> = (seq.first.iter())
            .map(|given| given.map(|all| self.after_first(cx, all, count)))
            .collect();
        let given: Vec<NodeId> = first.iter().flatten().copied().collect();
        let shared: Vec<NodeId> = seq.there.into_iter().collect();
        let slices = [params, &given].concat();
        let name = format!("{field} layers");
        let steps = Steps {
            name: &name,
            count: count.clone(),
            reverse: false,
            shared: &shared,
            carried: &[x],
            slices: &slices,
        };
        let done = cx.steps(&steps, |cx, step| {
            let (weights, given) = step.slices.split_at(params.len());
            let mut given = given.iter().copied();
            let inner = Sequences {
                x: step.carried[0],
                there: step.shared.first().copied(),
                first: (first.iter())
                    .map(|f| f.and_then(|_| given.next()))
                    .collect(),
                batched: seq.batched,
            };
            let x = ops::dropout(cx, inner.x, &self.dropout);
            let (y, last) = self.layer(cx, field, 0, &inner, x, weights)?;
            Ok(Stepped {
                carried: vec![y],
                stacked: last.iter().map(|all| concat(cx, all, 0)).collect(),
            })
        })?;
        let together = |cx: &mut Cx, all: NodeId| {
            let shape = cx.g.shape(all).clone();
            let mut to = shape[1..].to_vec();
            to[0] = shape[0].mul(&shape[1]);
            cx.g.reshape(all, &to)
        };
        let last = (done.stacked.iter())
            .map(|s| vec![together(cx, *s)])
            .collect();
        Ok((done.carried[0], last))
    }

    /// The states (layers directions, B, size) of all layers after the first: (layers - 1, directions, B, size).
    fn after_first(&self, cx: &mut Cx, all: NodeId, count: &Dim) -> NodeId {
        let shape = cx.g.shape(all).clone();
        let directions = Dim::from(self.directions);
        let mut start = vec![Dim::from(0); shape.len()];
        start[0] = directions.clone();
        let step = vec![1; shape.len()];
        let mut rest = shape.clone();
        rest[0] = count.mul(&directions);
        let rest = cx.g.push(Op::Slice { start, step }, &[all], Some(rest));
        let to = [&[count.clone(), directions][..], &shape[1..]].concat();
        cx.g.reshape(rest, &to)
    }

    /// One layer in one direction over `x` (T, B, in): outputs (T, B, state) and last states.
    pub fn run(
        &self,
        cx: &mut Cx,
        at: usize,
        seq: &Sequences,
        x: NodeId,
        params: &[NodeId],
        name: &str,
    ) -> Reported<(NodeId, Vec<NodeId>)> {
        let [ih, hh] = [params[0], params[1]];
        let (mut bias_ih, mut bias_hh, mut projection) = (None, None, None);
        let mut rest = params[2..].iter().copied();
        if self.bias {
            (bias_ih, bias_hh) = (rest.next(), rest.next());
        }
        if self.state != self.hidden {
            projection = rest.next();
        }
        if self.kind != Kind::Gru
            && let (Some(i), Some(h)) = (bias_ih, bias_hh)
        {
            // Both biases are added to every element: once, outside the loop.
            bias_ih = Some(cx.g.add2(i, h));
            bias_hh = None;
        }
        let gates = ops::linear(cx, x, ih, bias_ih);
        let shape = cx.g.shape(x).clone();
        let (count, batch) = (shape[0].clone(), shape[1].clone());
        let sizes = [&self.state, &self.hidden];
        let first: Vec<NodeId> = (seq.first.iter().zip(sizes))
            .map(|(given, size)| {
                let shape = vec![batch.clone(), size.clone()];
                match given {
                    Some(all) => self.part(cx, *all, at, &shape),
                    None => cx.g.full(0.0, DType::Float, &shape),
                }
            })
            .collect();
        let shared: Vec<NodeId> = [Some(hh), bias_hh, projection]
            .into_iter()
            .flatten()
            .collect();
        let slices: Vec<NodeId> = std::iter::once(gates).chain(seq.there).collect();
        let steps = Steps {
            name,
            count,
            reverse: at % self.directions as usize == 1,
            shared: &shared,
            carried: &first,
            slices: &slices,
        };
        let done = cx.steps(&steps, |cx, step| {
            Ok(self.step(cx, &step, bias_hh.is_some()))
        })?;
        Ok((done.stacked[0], done.carried))
    }

    /// The body of the loop.
    fn step(&self, cx: &mut Cx, step: &Step, bias: bool) -> Stepped {
        let mut shared = step.shared.iter().copied();
        let recurrent = Recurrent {
            weight: shared.next().unwrap_or(NodeId(0)),
            bias: if bias { shared.next() } else { None },
            projection: shared.next(),
        };
        let next = self
            .kind
            .step(cx, step.slices[0], &step.carried, &recurrent);
        let Some(there) = step.slices.get(1) else {
            let stacked = vec![next[0]];
            return Stepped {
                carried: next,
                stacked,
            };
        };
        let carried = (next.iter().zip(&step.carried))
            .map(|(new, old)| {
                let shape = cx.g.shape(*new).clone();
                let last = cx.g.unsqueeze(*there, 1);
                let there = cx.g.expand(last, &shape);
                cx.g.select(there, *new, *old)
            })
            .collect();
        let stacked = vec![where_there(cx, *there, next[0])];
        Stepped { carried, stacked }
    }

    /// Element `at` of the first dimension.
    fn part(&self, cx: &mut Cx, all: NodeId, at: usize, shape: &Shape) -> NodeId {
        let mut start = vec![Dim::from(0); 3];
        start[0] = Dim::from(at as i64);
        let step = vec![1; 3];
        let one = [&[Dim::one()][..], shape].concat();
        let one = cx.g.push(Op::Slice { start, step }, &[all], Some(one));
        cx.g.reshape(one, shape)
    }
}
