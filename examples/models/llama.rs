//! Llama (Touvron et al., 2023, "Llama 2: Open Foundation and Fine-Tuned Chat Models").
//!
//! The names and shapes of the state dict are those of `LlamaForCausalLM` of Hugging Face's transformers. Tokens go in
//! as `[B, T]`. The scores of each next token come out as `[B, T, VOCABULARY]`.
//!
//! The defaults are the sizes of Llama-2-7B. If KV_HEADS is less than HEADS, several heads share keys and values.

use netform::prelude::*;

network! {
    /// Attention to earlier positions, with rotary positions.
    pub struct Attention<const D: usize, const HEADS: usize, const KV_HEADS: usize>
    where
        D % HEADS == 0,
        HEADS % KV_HEADS == 0,
    {
        q_proj: Linear(D -> D, bias = false),
        k_proj: Linear(D -> KV_HEADS * (D / HEADS), bias = false),
        v_proj: Linear(D -> KV_HEADS * (D / HEADS), bias = false),
        o_proj: Linear(D -> D, bias = false),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let q = q_proj(x).reshape([B, T, HEADS, D / HEADS]).transpose(1, 2);
        let k = k_proj(x).reshape([B, T, KV_HEADS, D / HEADS]).transpose(1, 2);
        let v = v_proj(x).reshape([B, T, KV_HEADS, D / HEADS]).transpose(1, 2);
        let q = rotary(q, interleaved = false);
        let k = rotary(k, interleaved = false);
        let y = scaled_dot_product_attention(q, k, v, is_causal = true, enable_gqa = true);
        o_proj(y.transpose(1, 2).flatten(2))
    }
}

network! {
    /// A gated linear unit.
    pub struct Mlp<const D: usize, const HIDDEN: usize> {
        gate_proj: Linear(D -> HIDDEN, bias = false),
        up_proj: Linear(D -> HIDDEN, bias = false),
        down_proj: Linear(HIDDEN -> D, bias = false),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] { down_proj(silu(gate_proj(x)) * up_proj(x)) }
}

network! {
    /// Attention, then the gated unit, each normalised first.
    pub struct DecoderLayer<const D: usize, const HEADS: usize, const KV_HEADS: usize, const HIDDEN: usize> {
        self_attn: Attention<D, HEADS, KV_HEADS>,
        mlp: Mlp<D, HIDDEN>,
        input_layernorm: RMSNorm(D, eps = 1e-5),
        post_attention_layernorm: RMSNorm(D, eps = 1e-5),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let x = x + self_attn(input_layernorm(x));
        x + mlp(post_attention_layernorm(x))
    }
}

network! {
    /// All but the last linear layer.
    pub struct LlamaModel<
        const D: usize,
        const HEADS: usize,
        const KV_HEADS: usize,
        const HIDDEN: usize,
        const LAYERS: usize,
        const VOCABULARY: usize,
    > {
        embed_tokens: Embedding(VOCABULARY -> D),
        layers: [DecoderLayer<D, HEADS, KV_HEADS, HIDDEN>; LAYERS],
        norm: RMSNorm(D, eps = 1e-5),
    }
    fn forward(tokens: u32[B, T]) -> [B, T, D] {
        let mut x = embed_tokens(tokens);
        for layer in layers { x = layer(x); }
        norm(x)
    }
}

network! {
    /// The whole network.
    pub struct Llama<
        const D: usize = 4096,
        const HEADS: usize = 32,
        const KV_HEADS: usize = 32,
        const HIDDEN: usize = 11008,
        const LAYERS: usize = 32,
        const VOCABULARY: usize = 32000,
    > {
        model: LlamaModel<D, HEADS, KV_HEADS, HIDDEN, LAYERS, VOCABULARY>,
        lm_head: Linear(D -> VOCABULARY, bias = false),
    }
    fn forward(tokens: u32[B, T]) -> [B, T, VOCABULARY] { lm_head(model(tokens)) }
    /// As in transformers, each position is compared with the token after it.
    fn loss(tokens: u32[B, T + 1]) -> [] {
        let scores = forward(tokens[:, :-1]);
        cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten())
    }
}
