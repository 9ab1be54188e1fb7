//! One layer of an encoder or decoder: its declaration, its parameters, its nodes.

use super::Around;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::NodeId;
use crate::layers::attention::{Attention, Inputs};
use crate::layers::linear::Linear;
use crate::layers::norm::Norm;
use crate::layers::{Call, Layer, ParamDecl, positive, wrong_features};
use crate::ops;
use crate::real::Real;
use crate::scalar::Scalar as S;
use proc_macro2::Span;

/// The arguments of a layer's declaration.
pub const LAYER: &str = "d_model, nhead, dim_feedforward = 2048, dropout = 0.1, activation = \"relu\", layer_norm_eps = 1e-5, batch_first = true, norm_first = false, bias = true";

/// A layer of an encoder, or of a decoder.
#[derive(Clone)]
pub struct Block {
    /// Attention to the sequence itself.
    pub own: Attention,
    /// It also attends to a memory.
    pub decodes: bool,
    /// The features between the two linear maps.
    hidden: Dim,
    dropout: Real,
    gelu: bool,
    eps: Real,
    norm_first: bool,
    bias: bool,
}

/// Parameters one after another, taken in turn by the parts of a layer.
struct Parts<'a>(&'a [NodeId]);

impl<'a> Parts<'a> {
    fn take(&mut self, count: usize) -> &'a [NodeId] {
        let (first, rest) = self.0.split_at(count);
        self.0 = rest;
        first
    }
}

impl Block {
    /// From the arguments of `LAYER`.
    pub fn declare(cx: &mut Cx, a: &Args, decodes: bool) -> Reported<Block> {
        let own = Attention::declare(cx, a, ["d_model", "nhead"])?;
        let hidden = a.dim(cx, "dim_feedforward")?;
        positive(cx, a, "dim_feedforward", &hidden)?;
        Ok(Block {
            own,
            decodes,
            hidden,
            dropout: ops::probability(cx, a, "dropout")?,
            gelu: a.choice(cx, "activation", &["relu", "gelu"])? == "gelu",
            eps: a.real(cx, "layer_norm_eps")?,
            norm_first: a.flag(cx, "norm_first")?,
            bias: a.flag(cx, "bias")?,
        })
    }

    /// The same for a decoder, or for an encoder.
    pub fn decoding(self, decodes: bool) -> Block {
        Block { decodes, ..self }
    }

    /// The features of the sequences.
    pub fn model(&self) -> &Dim {
        &self.own.embed
    }

    fn linears(&self) -> [Linear; 2] {
        let linear = |inner: &Dim, out: &Dim| Linear {
            inner: inner.clone(),
            out: out.clone(),
            bias: self.bias,
        };
        [
            linear(self.model(), &self.hidden),
            linear(&self.hidden, self.model()),
        ]
    }

    /// A LayerNorm over the features.
    pub fn norm(&self) -> Norm {
        Norm {
            shape: vec![self.model().clone()],
            eps: self.eps.clone(),
            weight: true,
            bias: self.bias,
            centred: true,
        }
    }

    /// All parameters, under PyTorch's names.
    pub fn params(&self) -> Vec<ParamDecl> {
        let mut out = Vec::new();
        let mut add = |name: &str, params: Vec<ParamDecl>| {
            out.extend(params.into_iter().map(|p| p.within(name)));
        };
        add("self_attn", self.own.declared());
        if self.decodes {
            add("multihead_attn", self.own.declared());
        }
        let [first, second] = self.linears();
        add("linear1", first.params());
        add("linear2", second.params());
        for name in &["norm1", "norm2", "norm3"][..if self.decodes { 3 } else { 2 }] {
            add(name, self.norm().params());
        }
        out
    }

    /// The layer's nodes.
    pub fn forward(
        &self,
        cx: &mut Cx,
        span: Span,
        params: &[NodeId],
        x: NodeId,
        around: &Around,
    ) -> Reported<NodeId> {
        let (attention, each) = (self.own.declared().len(), if self.bias { 2 } else { 1 });
        let mut parts = Parts(params);
        let own = parts.take(attention);
        let other = parts.take(if self.decodes { attention } else { 0 });
        let (first, second) = (parts.take(each), parts.take(each));
        let mut x = self.residual(cx, x, parts.take(each), |cx, x| {
            let inputs = Inputs {
                query: x,
                key: x,
                value: x,
                masks: around.own.clone(),
            };
            self.own.attend(cx, span, own, &inputs)
        })?;
        if let Some((memory, masks)) = &around.memory {
            x = self.residual(cx, x, parts.take(each), |cx, x| {
                let inputs = Inputs {
                    query: x,
                    key: *memory,
                    value: *memory,
                    masks: masks.clone(),
                };
                self.own.attend(cx, span, other, &inputs)
            })?;
        }
        self.residual(cx, x, parts.take(each), |cx, x| {
            let x = ops::linear(cx, x, first[0], first.get(1).copied());
            let x = match self.gelu {
                true => ops::gelu(cx, x),
                false => cx.g.unary(S::Relu, x),
            };
            let x = ops::dropout(cx, x, &self.dropout);
            Ok(ops::linear(cx, x, second[0], second.get(1).copied()))
        })
    }

    /// `x + f(norm(x))`, or `norm(x + f(x))`, with dropout after `f`.
    fn residual(
        &self,
        cx: &mut Cx,
        x: NodeId,
        norm: &[NodeId],
        f: impl FnOnce(&mut Cx, NodeId) -> Reported<NodeId>,
    ) -> Reported<NodeId> {
        let dims = [cx.g.shape(x).len() - 1];
        let inner = match self.norm_first {
            true => self.norm().normalise(cx, x, &dims, norm),
            false => x,
        };
        let y = f(cx, inner)?;
        let y = ops::dropout(cx, y, &self.dropout);
        let y = cx.g.add2(x, y);
        Ok(match self.norm_first {
            true => y,
            false => self.norm().normalise(cx, y, &dims, norm),
        })
    }

    /// Checks that all sequences of one call have the same batch, or none.
    pub fn one_batch(
        &self,
        cx: &Cx,
        call: &Call,
        a: &Args,
        (tgt, alone): (NodeId, bool),
        (other, like): (NodeId, bool),
    ) -> Reported<()> {
        // `memory` of a decoder, `tgt` of a whole Transformer is compared with the other sequence.
        let (name, first) = match a.has("memory") {
            true => ("memory", "tgt"),
            false => ("tgt", "src"),
        };
        let batch = |x: NodeId| cx.g.shape(x)[0].clone();
        let (tgt_batch, other_batch) = (batch(tgt), batch(other));
        let (here, there) = match name {
            "memory" => ((like, other_batch), (alone, tgt_batch)),
            _ => ((alone, tgt_batch), (like, other_batch)),
        };
        let mistake = if here.0 != there.0 {
            let has = |alone: bool| if alone { "no" } else { "a" };
            format!(
                "`{name}` of `{}` has {} batch dimension, but `{first}` has {}",
                call.field,
                has(here.0),
                if there.0 { "none" } else { "one" }
            )
        } else if !cx.same(&here.1, &there.1) {
            format!(
                "`{name}` of `{}` has batch size {}, but `{first}` has batch size {}",
                call.field, here.1, there.1
            )
        } else {
            return Ok(());
        };
        let mut text = mistake;
        for name in ["src", "tgt", "memory"] {
            if a.has(name)
                && let Some(given) = a.given(name)
                && let crate::value::Value::Tensor(t) = &given.value
            {
                if t.text != name {
                    text += &format!("\nthe argument `{name}` is `{}`", t.text);
                }
                text += &cx.origin_note(t);
            }
        }
        if !alone {
            text += self.own.order();
        }
        text += &format!("\n{}", call.decl);
        Err(cx.error(a.span_of(name), text))
    }
}

/// A sequence of a call, as (B, T, E), and whether it came without a batch, as (T, E).
pub fn sequence(
    cx: &mut Cx,
    call: &Call,
    a: &Args,
    name: &str,
    block: &Block,
) -> Reported<(NodeId, bool)> {
    let x = a.float(cx, name)?;
    let (shape, want) = (cx.shape(&x), block.model());
    let alone = shape.len() == 2;
    let fits = |have| cx.same(have, want);
    if (alone || shape.len() == 3) && !shape.last().is_some_and(fits) {
        // With two sequences, another declaration would not fit the other one.
        let both = match name {
            "memory" => {
                Some("help: declare the encoder and the decoder with the same `d_model`".to_owned())
            }
            _ if a.has("src") && a.has("tgt") => Some(format!(
                "note: `src` and `tgt` must both have `d_model` = {want} features"
            )),
            _ => None,
        };
        if let Some(both) = both {
            let text = format!(
                "`{name}` of `{}` must have {want} features, but `{}` has {}{}\n{}\n{both}",
                call.field,
                x.text,
                shape[shape.len() - 1],
                cx.origin_note(&x),
                call.decl
            );
            return Err(cx.error(a.span_of(name), text));
        }
        let mended = match a.has("memory") {
            true => String::new(),
            false => mended(call, want, &shape[shape.len() - 1]),
        };
        return Err(wrong_features(cx, call, &x, want, &mended));
    }
    if !alone && shape.len() != 3 {
        let letter = if name == "tgt" { "T" } else { "S" };
        let text = format!(
            "`{name}` of `{}` must be {} or [{letter}, {want}], but has {}{}\n{}",
            call.field,
            block.own.shown(letter, want),
            crate::args::count(shape.len(), "dimension"),
            cx.origin_note(&x),
            call.decl
        );
        return Err(cx.error(a.span_of(name), text));
    }
    let batch = match alone {
        true => cx.g.unsqueeze(x.id, 0),
        false => block.own.turned(cx, x.id),
    };
    Ok((batch, alone))
}

/// The declaration with another number of features, if it is clear which number that is.
fn mended(call: &Call, want: &Dim, have: &Dim) -> String {
    let declared = call.decl.split_once(": ").map_or("", |d| d.1);
    declared.replacen(&want.to_string(), &have.to_string(), 1)
}
