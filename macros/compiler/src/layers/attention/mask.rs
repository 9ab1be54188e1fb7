//! Masks of attention. Booleans are true where a position may not be attended to, the opposite of
//! `scaled_dot_product_attention`'s; floats are added to the scores. A query that may attend to no key gets 0, or NaN
//! if the weights are requested, both as in PyTorch.
//!
//! Takes the masks of a call, checked against the sizes; returns masks in the shape of the scores.

use crate::args::Args;
use crate::cx::Cx;
use crate::diag::{ErrorReported, Reported};
use crate::dim::{Dim, Shape};
use crate::ir::{DType, NodeId};
use crate::kinds::concat::Concat;
use crate::takes::enclosed;
use crate::value::{Tensor, Value};

/// The scores' sizes: (B, H, L, S), each query of L with each key of S.
#[derive(Clone)]
pub struct Sizes {
    /// B.
    pub batch: Dim,
    /// H.
    pub heads: Dim,
    /// L.
    pub queries: Dim,
    /// S.
    pub keys: Dim,
}

impl Sizes {
    /// As a shape.
    pub fn shape(&self) -> Shape {
        vec![
            self.batch.clone(),
            self.heads.clone(),
            self.queries.clone(),
            self.keys.clone(),
        ]
    }
}

/// The pairs of query and key that are masked.
#[derive(Clone, Debug, Default)]
pub struct Masks {
    /// (L, S) for all, or (B * H, L, S).
    pub attention: Option<NodeId>,
    /// Keys: (B, S).
    pub padding: Option<NodeId>,
    /// No position attends to a later one.
    pub causal: bool,
}

impl Masks {
    /// From the arguments of these names: the mask, the keys' mask, and the flag. `alone`: nothing has a batch.
    pub fn of(
        cx: &mut Cx,
        a: &Args,
        [attention, padding, causal]: [&str; 3],
        sizes: &Sizes,
        alone: bool,
    ) -> Reported<Masks> {
        // PyTorch's `None` detects whether the mask is causal, which changes no value.
        let causal = match a.value(causal) {
            Value::Null => false,
            _ => a.flag(cx, causal)?,
        };
        let mask = a.optional_tensor(cx, attention)?;
        let mask = mask.map(|m| attention_mask(cx, a, attention, &m, sizes));
        let keys = a.optional_tensor(cx, padding)?;
        let keys = keys.map(|m| padding_mask(cx, a, padding, &m, sizes, alone));
        Ok(Masks {
            attention: mask.transpose()?,
            padding: keys.transpose()?,
            causal,
        })
    }

    /// All masks on scores of these sizes, (B, H, L, S); `more` further keys at the end are visible to all.
    pub fn apply(
        &self,
        cx: &mut Cx,
        scores: &mut crate::ops::Attention,
        sizes: &Sizes,
        more: &Dim,
    ) {
        let shape = sizes.shape();
        let mut masks = Vec::new();
        if self.causal && more.value() == Some(0) {
            scores.causal(cx);
        } else if self.causal {
            let square = shape[2..].to_vec();
            let (row, column) = (cx.g.iota(&square, 0), cx.g.iota(&square, 1));
            let later = cx.g.scalar(crate::scalar::Scalar::Gt, &[column, row]);
            masks.push(cx.g.expand(later, &shape));
        }
        if let Some(mask) = self.attention {
            masks.push(match cx.g.shape(mask).len() {
                2 => cx.g.expand(mask, &shape),
                _ => cx.g.reshape(mask, &shape),
            });
        }
        if let Some(mask) = self.padding {
            let one = Dim::one();
            let wide = vec![sizes.batch.clone(), one.clone(), one, sizes.keys.clone()];
            let mask = cx.g.reshape(mask, &wide);
            masks.push(cx.g.expand(mask, &shape));
        }
        for mask in masks {
            let mask = match more.value() {
                Some(0) => mask,
                _ => {
                    let mut free = shape.clone();
                    free[3] = more.clone();
                    let free = cx.g.full(0.0, cx.g[mask].dtype, &free);
                    cx.g.push(Concat { dim: 3 }, &[mask, free], None)
                }
            };
            scores.masked_out(cx, mask);
        }
    }

    /// All but the causal mask, to be added to scores of these sizes, of rank 4 with 1 where they repeat.
    pub fn added(&self, cx: &mut Cx, sizes: &Sizes) -> Vec<NodeId> {
        let [batch, heads, queries, keys] = &sizes.shape()[..] else {
            return Vec::new();
        };
        let one = Dim::one();
        let mut out = Vec::new();
        if let Some(mask) = self.attention {
            let shape = match cx.g.shape(mask).len() {
                2 => [&one, &one, queries, keys],
                _ => [batch, heads, queries, keys],
            };
            out.push((mask, shape));
        }
        if let Some(mask) = self.padding {
            out.push((mask, [batch, &one, &one, keys]));
        }
        let mut added = |(mask, shape): (NodeId, [&Dim; 4])| {
            let shape: Shape = shape.map(Clone::clone).into();
            let mask = cx.g.reshape(mask, &shape);
            if cx.g[mask].dtype != DType::Bool {
                return mask;
            }
            let never = cx.g.full(f64::NEG_INFINITY, DType::Float, &shape);
            let zero = cx.g.constant(0.0);
            cx.g.select(mask, never, zero)
        };
        out.into_iter().map(&mut added).collect()
    }

    /// The tensors of the masks.
    pub fn tensors(&self) -> Vec<NodeId> {
        self.attention.into_iter().chain(self.padding).collect()
    }

    /// The same masks with these tensors instead.
    pub fn with(&self, tensors: &mut impl Iterator<Item = NodeId>) -> Masks {
        let mut next = |old: Option<NodeId>| old.and_then(|_| tensors.next());
        Masks {
            attention: next(self.attention),
            padding: next(self.padding),
            causal: self.causal,
        }
    }
}

/// The error for a mask of another shape, with further lines.
fn wrong(
    cx: &Cx,
    a: &Args,
    name: &str,
    (mask, wanted): (&Tensor, &str),
    more: &str,
) -> ErrorReported {
    let text = format!(
        "`{name}` of `{}` must be {wanted}, but `{}` is {}{}{more}",
        a.callee,
        mask.text,
        crate::dim::show_shape(&cx.shape(mask)),
        cx.origin_line(mask)
    );
    cx.error(a.span_of(name), text)
}

/// (L, S) for all, or (B * H, L, S).
fn attention_mask(cx: &mut Cx, a: &Args, name: &str, mask: &Tensor, s: &Sizes) -> Reported<NodeId> {
    let (have, flat) = (cx.shape(mask), s.batch.mul(&s.heads));
    let one = [s.queries.clone(), s.keys.clone()];
    let all = [flat, s.queries.clone(), s.keys.clone()];
    if cx.same_shape(&have, &one) || cx.same_shape(&have, &all) {
        return Ok(mask.id);
    }
    let wanted = format!(
        "[{0}, {1}] or [{2}, {0}, {1}]",
        s.queries,
        s.keys,
        s.batch.mul(&s.heads)
    );
    let mut more = format!(
        "\nnote: there are {} queries, {} keys, {} sequences and {} heads",
        s.queries, s.keys, s.batch, s.heads
    );
    if have[..] == [s.batch.clone(), s.queries.clone(), s.keys.clone()] {
        more += &format!(
            "\nhelp: repeat the mask of each sequence over the heads: `{}.unsqueeze(1).expand({}, {}, {}, {}).flatten(0, 1)`",
            enclosed(&mask.text),
            s.batch,
            s.heads,
            s.queries,
            s.keys
        );
    }
    Err(wrong(cx, a, name, (mask, &wanted), &more))
}

/// (B, S), or (S) where nothing has a batch.
fn padding_mask(
    cx: &mut Cx,
    a: &Args,
    name: &str,
    mask: &Tensor,
    s: &Sizes,
    alone: bool,
) -> Reported<NodeId> {
    let have = cx.shape(mask);
    let wanted = match alone {
        true => vec![s.keys.clone()],
        false => vec![s.batch.clone(), s.keys.clone()],
    };
    if !cx.same_shape(&have, &wanted) {
        let turned: Shape = have.iter().rev().cloned().collect();
        let help = match turned == wanted {
            true => format!("\nhelp: did you mean `{}.t()`?", enclosed(&mask.text)),
            false => String::new(),
        };
        let wanted = crate::dim::show_shape(&wanted);
        let more = format!("\nnote: true marks a key that is padding{help}");
        return Err(wrong(cx, a, name, (mask, &wanted), &more));
    }
    Ok(cx
        .g
        .reshape(mask.id, &vec![s.batch.clone(), s.keys.clone()]))
}
