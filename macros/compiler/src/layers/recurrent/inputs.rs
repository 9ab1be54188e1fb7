//! The inputs of a recurrent layer's call: the sequences, their lengths, the first states.

use super::sequence::Recurrence;
use super::state;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, show_shape};
use crate::ir::NodeId;
use crate::layers::{Call, wrong_features};
use crate::scalar::Scalar as S;
use crate::value::Value;

/// A call's tensors, time first.
pub struct Sequences {
    /// (T, B, in).
    pub x: NodeId,
    /// (T, B): whether the element is there; `None` if all are.
    pub there: Option<NodeId>,
    /// First states: of h, and of c: (layers directions, B, size).
    pub first: Vec<Option<NodeId>>,
    /// There is a dimension B, not only one sequence.
    pub batched: bool,
}

/// `x`, (T, B, n) or (B, n), where the element is there, 0 elsewhere.
pub fn where_there(cx: &mut Cx, there: NodeId, x: NodeId) -> NodeId {
    let shape = cx.g.shape(x).clone();
    let last = cx.g.unsqueeze(there, shape.len() - 1);
    let there = cx.g.expand(last, &shape);
    let zero = cx.g.constant(0.0);
    cx.g.select(there, x, zero)
}

impl Recurrence {
    /// Checks the inputs and moves time to the front.
    pub fn sequences(&self, cx: &mut Cx, call: &Call, a: &Args) -> Reported<Sequences> {
        let x = a.float(cx, "input")?;
        let shape = cx.shape(&x);
        if !matches!(shape.len(), 2 | 3) {
            let text = format!(
                "`{}` takes [{}, {2}] or [T, {2}], but `{3}` has {4}{5}",
                call.field,
                if self.batch_first { "B, T" } else { "T, B" },
                self.input,
                x.text,
                crate::args::count(shape.len(), "dimension"),
                cx.origin_note(&x)
            );
            return Err(cx.error(a.span_of("input"), text));
        }
        if !shape.last().is_some_and(|have| cx.same(have, &self.input)) {
            let have = shape.last().map_or_else(String::new, Dim::to_string);
            let mended = call.decl.replace(
                &format!("{} -> {}", self.input, self.hidden),
                &format!("{have} -> {}", self.hidden),
            );
            let mended = mended.split_once(": ").map_or("", |m| m.1);
            return Err(wrong_features(cx, call, &x, &self.input, mended));
        }
        let batched = shape.len() == 3;
        let id = if batched {
            x.id
        } else {
            cx.g.unsqueeze(x.id, 0)
        };
        let mut x = match self.batch_first || !batched {
            true => cx.g.permute(id, &[1, 0, 2]),
            false => id,
        };
        let batch = cx.g.shape(x)[1].clone();
        let mut there = None;
        if let Some(lengths) = self.lengths(cx, a, &batch, batched)? {
            let (t, b) = (cx.g.shape(x)[0].clone(), batch.clone());
            let position = cx.g.iota(&vec![t.clone(), b.clone()], 0);
            let ends = cx.g.expand(lengths, &vec![t, b]);
            let is = cx.g.scalar(S::Lt, &[position, ends]);
            // Elements after the end may be anything, also NaN.
            x = where_there(cx, is, x);
            there = Some(is);
        }
        let first = self.first(cx, a, &batch, batched)?;
        Ok(Sequences {
            x,
            there,
            first,
            batched,
        })
    }

    fn lengths(
        &self,
        cx: &mut Cx,
        a: &Args,
        batch: &Dim,
        batched: bool,
    ) -> Reported<Option<NodeId>> {
        if a.given("lengths").is_none() || matches!(a.value("lengths"), Value::Null) {
            return Ok(None);
        }
        let lengths = a.tensor(cx, "lengths")?;
        let want = if batched {
            vec![batch.clone()]
        } else {
            Vec::new()
        };
        if !cx.same_shape(&cx.shape(&lengths), &want) {
            let text = format!(
                "`lengths` of `{}` must have the shape {}, one length for each sequence, but `{}` is {}{}{}",
                a.callee,
                show_shape(&want),
                lengths.text,
                cx.typed(lengths.id),
                cx.origin_line(&lengths),
                self.time_first(batched)
            );
            return Err(cx.error(a.span_of("lengths"), text));
        }
        Ok(Some(lengths.id))
    }

    /// Which dimension is the batch, as a further line, where it is not the first.
    fn time_first(&self, batched: bool) -> &'static str {
        match batched && !self.batch_first {
            true => "\nnote: with `batch_first = false`, dimension 1 of the input is the batch",
            false => "",
        }
    }

    /// The first states that were given.
    fn first(
        &self,
        cx: &mut Cx,
        a: &Args,
        batch: &Dim,
        batched: bool,
    ) -> Reported<Vec<Option<NodeId>>> {
        let states = 1 + usize::from(self.kind.has_cell());
        if matches!(a.value("hx"), Value::Null) {
            return Ok(vec![None; states]);
        }
        let count = self.layers.mul(&Dim::from(self.directions));
        let sizes = [&self.state, &self.hidden].map(|size| {
            let mut shape = vec![count.clone(), batch.clone(), size.clone()];
            if !batched {
                shape.remove(1);
            }
            shape
        });
        let reported = cx.diag.count();
        let first = state::tensors(cx, a, &sizes[..states]);
        if first.is_err() {
            cx.diag.append(reported, self.time_first(batched));
        }
        let first = first?;
        let batch = |id| match batched {
            true => id,
            false => cx.g.unsqueeze(id, 1),
        };
        Ok(first.into_iter().map(batch).map(Some).collect())
    }
}
