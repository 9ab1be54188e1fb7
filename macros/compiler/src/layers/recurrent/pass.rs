//! One layer in one direction: the loop over the sequence.

use super::inputs::{Sequences, where_there};
use super::kind::{Kind, Recurrent};
use super::sequence::Recurrence;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::{DType, NodeId, Op};
use crate::ops;
use crate::steps::{Step, Stepped, Steps};

impl Recurrence {
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
