//! `MultiheadAttention(embed_dim, num_heads)` (Vaswani et al., 2017): per head
//! `softmax(Q K' / sqrt(d_k)) V`, with Q, K and V linear in query, key and value, the heads side by
//! side and a linear map behind. Sequences are batch first: query (B, L, E), key (B, S, kdim), value
//! (B, S, vdim), result (B, L, E), or all without B; with `need_weights`, also the weights (B, L, S),
//! averaged over the heads, or (B, H, L, S).
//!
//! Parameters as PyTorch's: `in_proj_weight` holds the maps of Q, K and V one after another, or,
//! where `kdim` or `vdim` differ, there is one for each. Here stand the declaration and the parameters;
//! `call` checks what a call brings, `attend` builds the nodes, `mask` is about masks.

mod attend;
mod call;
mod mask;

pub use attend::Inputs;
pub use mask::{Masks, Sizes};

use super::{Init, LayerDef, ParamDecl, positive};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Told;
use crate::dim::{Dim, Shape};
use crate::ops;
use crate::value::Value;

/// The table's row.
pub const DEF: LayerDef = LayerDef {
    name: "MultiheadAttention",
    signature: "embed_dim, num_heads, dropout = 0.0, bias = true, add_bias_kv = false, add_zero_attn = false, kdim = null, vdim = null, batch_first = true",
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
    /// Of one head.
    width: Dim,
    key: Dim,
    value: Dim,
    bias: bool,
    /// A learned key and value are added to each sequence.
    bias_kv: bool,
    /// A key and value of zeros are added to each sequence.
    zero: bool,
    dropout: f64,
}

/// Sequences are batch first: the argument that says so, or the mistake.
pub fn batch_first(cx: &Cx, a: &Args) -> Told<()> {
    if a.flag(cx, "batch_first")? {
        return Ok(());
    }
    let text = "sequences are batch first here: (B, T, E)\nhelp: leave `batch_first` out, and transpose what comes otherwise: `x.transpose(0, 1)`";
    Err(cx.error(a.span_of("batch_first"), text))
}

impl Attention {
    /// From the arguments of these names, `dropout`, `bias` and `batch_first`.
    pub fn declare(cx: &mut Cx, a: &Args, [embed, heads]: [&str; 2]) -> Told<Attention> {
        let at = a.span_of(heads);
        let why = format!("`{heads}` divides `{embed}`");
        let (embed, heads) = {
            let names = (embed, heads);
            let (embed, heads) = (a.dim(cx, embed)?, a.dim(cx, heads)?);
            positive(cx, a, names.0, &embed)?;
            positive(cx, a, names.1, &heads)?;
            (embed, heads)
        };
        let width = cx.divides(&embed, &heads, at, &why)?;
        batch_first(cx, a)?;
        Ok(Attention {
            key: embed.clone(),
            value: embed.clone(),
            bias: a.flag(cx, "bias")?,
            bias_kv: false,
            zero: false,
            dropout: ops::probability(cx, a, "dropout")?,
            embed,
            heads,
            width,
        })
    }

    /// Whether Q, K and V have one weight together.
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
