//! GPT-2 (Radford et al., 2019, "Language Models are Unsupervised Multitask Learners").
//!
//! The names and shapes of the state dict are those of `GPT2LMHeadModel` of Hugging Face's transformers. Tokens go in
//! as `[B, T]`, at most CONTEXT of them. The scores of each next token come out as `[B, T, VOCABULARY]`.
//!
//! The defaults are the sizes of the smallest model, `gpt2`.

use netform::prelude::*;

network! {
    /// A linear layer whose weight is stored as `[in, out]`.
    pub struct Conv1D<const I: usize, const O: usize> {
        weight: Param[I, O] = normal(0.02),
        bias: Param[O],
    }
    fn forward(x: [B, T, I]) -> [B, T, O] { x @ weight + bias }
}

network! {
    /// Attention to earlier positions.
    pub struct Attention<const D: usize, const HEADS: usize> {
        c_attn: Conv1D<D, 3 * D>,
        c_proj: Conv1D<D, D>,
        resid_dropout: Dropout(0.1),
    }
    fn heads(x: [B, T, D]) -> [B, HEADS, T, D / HEADS] { x.reshape([B, T, HEADS, D / HEADS]).transpose(1, 2) }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let (q, k, v) = c_attn(x).split(D, dim = 2);
        let p = if training { 0.1 } else { 0.0 };
        let y = scaled_dot_product_attention(heads(q), heads(k), heads(v), dropout_p = p, is_causal = true);
        resid_dropout(c_proj(y.transpose(1, 2).flatten(2)))
    }
}

network! {
    /// Two linear layers with a wider one between.
    pub struct Mlp<const D: usize> {
        c_fc: Conv1D<D, 4 * D>,
        c_proj: Conv1D<4 * D, D>,
        dropout: Dropout(0.1),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] { dropout(c_proj(gelu(c_fc(x), approximate = "tanh"))) }
}

network! {
    /// Attention, then the linear layers, each normalised first.
    pub struct Block<const D: usize, const HEADS: usize> {
        ln_1: LayerNorm(D),
        attn: Attention<D, HEADS>,
        ln_2: LayerNorm(D),
        mlp: Mlp<D>,
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let x = x + attn(ln_1(x));
        x + mlp(ln_2(x))
    }
}

network! {
    /// All but the last linear layer.
    pub struct Gpt2Model<
        const D: usize,
        const HEADS: usize,
        const LAYERS: usize,
        const VOCABULARY: usize,
        const CONTEXT: usize,
    > {
        wte: Embedding(VOCABULARY -> D),
        wpe: Embedding(CONTEXT -> D),
        drop: Dropout(0.1),
        h: [Block<D, HEADS>; LAYERS],
        ln_f: LayerNorm(D),
    }
    fn forward(tokens: u32[B, T]) -> [B, T, D] {
        let mut x = drop(wte(tokens) + wpe(arange(T)));
        for block in h { x = block(x); }
        ln_f(x)
    }
}

network! {
    /// The whole network. The last layer shares its weight with the embedding of tokens.
    pub struct Gpt2<
        const D: usize = 768,
        const HEADS: usize = 12,
        const LAYERS: usize = 12,
        const VOCABULARY: usize = 50257,
        const CONTEXT: usize = 1024,
    > {
        transformer: Gpt2Model<D, HEADS, LAYERS, VOCABULARY, CONTEXT>,
        lm_head: Linear(D -> VOCABULARY, bias = false),
        lm_head.weight = transformer.wte.weight,
    }
    fn forward(tokens: u32[B, T]) -> [B, T, VOCABULARY] { lm_head(transformer(tokens)) }
    /// As in transformers, each position is compared with the token after it.
    fn loss(tokens: u32[B, T + 1]) -> [] {
        let scores = forward(tokens[:, :-1]);
        cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten())
    }
}
