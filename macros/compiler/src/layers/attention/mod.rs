//! `MultiheadAttention(embed_dim, num_heads)` (Vaswani et al., 2017): per head `softmax(Q K' / sqrt(d_k)) V`, with Q, K
//! and V linear in query, key and value, the heads side by side and a linear map after them. Sequences: query (B, L,
//! E), key (B, S, kdim), value (B, S, vdim), result (B, L, E), with `batch_first = false` (L, B, E) and so on, or all
//! without B; with `need_weights`, also the weights, always (B, L, S), averaged over the heads, or (B, H, L, S).
//!
//! Parameters as PyTorch's: `in_proj_weight` holds the maps of Q, K and V one after another; if `kdim` or `vdim`
//! differ, each map has its own. This file has the declaration and the parameters; `call` checks the arguments of a
//! call, `attend` builds the nodes, `mask` builds the masks.

mod attend;
mod call;
mod mask;

pub use attend::Inputs;
pub use mask::{Masks, Sizes};

use super::{Init, LayerDef, ParamDecl, positive};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::NodeId;
use crate::ops;
use crate::real::Real;
use crate::value::Value;

/// The table's row.
pub const DEF: LayerDef = LayerDef {
    name: "MultiheadAttention",
    signature: "embed_dim, num_heads, dropout = 0.0, bias = true, add_bias_kv = false, add_zero_attn = false, kdim = None, vdim = None, batch_first = true",
    declare: |cx, a| {
        let attention = Attention::declare(cx, a, ["embed_dim", "num_heads"])?;
        let or_embed = |name: &str| match a.value(name) {
            Value::Null => Ok(attention.embed.clone()),
            _ => a.dim(cx, name),
        };
        let (key, value) = (or_embed("kdim")?, or_embed("vdim")?);
        Ok(Box::new(Attention {
            key,
            value,
            bias_kv: a.flag(cx, "add_bias_kv")?,
            zero: a.flag(cx, "add_zero_attn")?,
            ..attention
        }))
    },
};

/// A declared layer.
#[derive(Clone)]
pub struct Attention {
    /// The features of queries and results.
    pub embed: Dim,
    /// The number of heads.
    pub heads: Dim,
    /// The features of one head.
    width: Dim,
    key: Dim,
    value: Dim,
    bias: bool,
    /// A learned key and value are added to each sequence.
    bias_kv: bool,
    /// A key and value of zeros are added to each sequence.
    zero: bool,
    dropout: Real,
    /// Sequences are (B, T, E) instead of (T, B, E), as arguments and results.
    batch_first: bool,
}

impl Attention {
    /// From the arguments of these names, `dropout`, `bias` and `batch_first`.
    pub fn declare(cx: &mut Cx, a: &Args, [embed, heads]: [&str; 2]) -> Reported<Attention> {
        let at = a.span_of(heads);
        let why = format!("`{heads}` must divide `{embed}`");
        let (embed, heads) = {
            let names = (embed, heads);
            let (embed, heads) = (a.dim(cx, embed)?, a.dim(cx, heads)?);
            positive(cx, a, names.0, &embed)?;
            positive(cx, a, names.1, &heads)?;
            (embed, heads)
        };
        let width = cx.divides(&embed, &heads, at, &why)?;
        Ok(Attention {
            key: embed.clone(),
            value: embed.clone(),
            bias: a.flag(cx, "bias")?,
            bias_kv: false,
            zero: false,
            dropout: ops::probability(cx, a, "dropout")?,
            batch_first: a.flag(cx, "batch_first")?,
            embed,
            heads,
            width,
        })
    }

    /// An argument's sequence, made batch first; or a batch-first sequence, in the order of results.
    pub fn turned(&self, cx: &mut Cx, x: NodeId) -> NodeId {
        match self.batch_first {
            true => x,
            false => cx.g.permute(x, &[1, 0, 2]),
        }
    }

    /// The shape of a batch of sequences, as a message shows it.
    pub fn shown(&self, length: &str, features: &Dim) -> String {
        match self.batch_first {
            true => format!("[B, {length}, {features}]"),
            false => format!("[{length}, B, {features}]"),
        }
    }

    /// A further line of a message: the order of the dimensions of sequences, unless it is the usual one.
    pub fn order(&self) -> &'static str {
        match self.batch_first {
            true => "",
            false => "\nnote: with `batch_first = false`, sequences are [T, B, C]",
        }
    }

    /// Whether Q, K and V share one weight.
    fn joint(&self) -> bool {
        self.key == self.embed && self.value == self.embed
    }

    fn three(&self) -> Dim {
        self.embed.mul(&Dim::from(3))
    }

    /// Its parameters.
    pub fn declared(&self) -> Vec<ParamDecl> {
        let mut out = Vec::new();
        let mut add = |name, shape: Shape, init| out.push(ParamDecl::new(name, shape, init));
        let xavier = |rows: &Dim, columns: &Dim| Init::Xavier(columns.clone(), rows.clone());
        let embed = || vec![self.embed.clone()];
        if self.joint() {
            let (three, init) = (self.three(), xavier(&self.three(), &self.embed));
            add("in_proj_weight", vec![three, self.embed.clone()], init);
        } else {
            for (name, width) in [
                ("q_proj_weight", &self.embed),
                ("k_proj_weight", &self.key),
                ("v_proj_weight", &self.value),
            ] {
                let shape = vec![self.embed.clone(), width.clone()];
                add(name, shape, xavier(&self.embed, width));
            }
        }
        if self.bias {
            add("in_proj_bias", vec![self.three()], Init::Constant(0.0));
        }
        if self.bias_kv {
            for name in ["bias_k", "bias_v"] {
                let shape = vec![Dim::one(), Dim::one(), self.embed.clone()];
                let init = Init::XavierNormal(self.embed.clone(), self.embed.clone());
                add(name, shape, init);
            }
        }
        let square = [embed(), embed()].concat();
        add("out_proj.weight", square, Init::FanIn(self.embed.clone()));
        if self.bias {
            add("out_proj.bias", embed(), Init::Constant(0.0));
        }
        out
    }
}
