//! BERT (Devlin et al., 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding").
//!
//! The names and shapes of the state dict are those of `BertModel` of Hugging Face's transformers. Tokens go in as
//! `[B, T]`, at most CONTEXT of them, with the segment of each token and a mask that is false at padding. A vector for
//! each token comes out as `[B, T, D]`, and one for each text as `[B, D]`.
//!
//! The defaults are the sizes of `bert-base-uncased`.

use netform::prelude::*;

network! {
    /// The sum of three embeddings.
    pub struct Embeddings<const D: usize, const VOCABULARY: usize, const CONTEXT: usize> {
        word_embeddings: Embedding(VOCABULARY -> D, padding_idx = 0),
        position_embeddings: Embedding(CONTEXT -> D),
        token_type_embeddings: Embedding(2 -> D),
        LayerNorm: LayerNorm(D, eps = 1e-12),
        dropout: Dropout(0.1),
    }
    fn forward(tokens: u32[B, T], segments: u32[B, T]) -> [B, T, D] {
        let x = word_embeddings(tokens) + position_embeddings(arange(T)) + token_type_embeddings(segments);
        dropout(LayerNorm(x))
    }
}

network! {
    /// Queries, keys and values.
    pub struct SelfAttention<const D: usize, const HEADS: usize> {
        query: Linear(D -> D),
        key: Linear(D -> D),
        value: Linear(D -> D),
    }
    fn heads(x: [B, T, D]) -> [B, HEADS, T, D / HEADS] { x.reshape([B, T, HEADS, D / HEADS]).transpose(1, 2) }
    fn forward(x: [B, T, D], mask: bool[B, T]) -> [B, T, D] {
        let (q, k, v) = (heads(query(x)), heads(key(x)), heads(value(x)));
        let p = if training { 0.1 } else { 0.0 };
        let y = scaled_dot_product_attention(q, k, v, attn_mask = mask[:, None, None], dropout_p = p);
        y.transpose(1, 2).flatten(2)
    }
}

network! {
    /// A linear layer, and the sum with the input of the block.
    pub struct Output<const I: usize, const D: usize> {
        dense: Linear(I -> D),
        LayerNorm: LayerNorm(D, eps = 1e-12),
        dropout: Dropout(0.1),
    }
    fn forward(x: [B, T, I], before: [B, T, D]) -> [B, T, D] { LayerNorm(dropout(dense(x)) + before) }
}

network! {
    /// Attention and the layer after it.
    pub struct Attention<const D: usize, const HEADS: usize> {
        /// `self` is a keyword.
        #[name = "self"]
        attend: SelfAttention<D, HEADS>,
        output: Output<D, D>,
    }
    fn forward(x: [B, T, D], mask: bool[B, T]) -> [B, T, D] { output(attend(x, mask), x) }
}

network! {
    /// The wide layer.
    pub struct Intermediate<const D: usize, const HIDDEN: usize> {
        dense: Linear(D -> HIDDEN),
    }
    fn forward(x: [B, T, D]) -> [B, T, HIDDEN] { gelu(dense(x)) }
}

network! {
    /// One layer, normalised after each sum.
    pub struct Layer<const D: usize, const HEADS: usize, const HIDDEN: usize> {
        attention: Attention<D, HEADS>,
        intermediate: Intermediate<D, HIDDEN>,
        output: Output<HIDDEN, D>,
    }
    fn forward(x: [B, T, D], mask: bool[B, T]) -> [B, T, D] {
        let x = attention(x, mask);
        output(intermediate(x), x)
    }
}

network! {
    /// The layers.
    pub struct Encoder<const D: usize, const HEADS: usize, const HIDDEN: usize, const LAYERS: usize> {
        layer: [Layer<D, HEADS, HIDDEN>; LAYERS],
    }
    fn forward(x: [B, T, D], mask: bool[B, T]) -> [B, T, D] {
        let mut x = x;
        for one in layer { x = one(x, mask); }
        x
    }
}

network! {
    /// A vector for the text, from its first token.
    pub struct Pooler<const D: usize> {
        dense: Linear(D -> D),
    }
    fn forward(x: [B, T, D]) -> [B, D] { tanh(dense(x[:, 0])) }
}

network! {
    /// The whole network.
    pub struct Bert<
        const D: usize = 768,
        const HEADS: usize = 12,
        const LAYERS: usize = 12,
        const HIDDEN: usize = 3072,
        const VOCABULARY: usize = 30522,
        const CONTEXT: usize = 512,
    > {
        embeddings: Embeddings<D, VOCABULARY, CONTEXT>,
        encoder: Encoder<D, HEADS, HIDDEN, LAYERS>,
        pooler: Pooler<D>,
    }
    fn forward(tokens: u32[B, T], segments: u32[B, T], mask: bool[B, T]) -> ([B, T, D], [B, D]) {
        let x = encoder(embeddings(tokens, segments), mask);
        (x, pooler(x))
    }
    /// How far both results are from given ones.
    fn loss(tokens: u32[B, T], segments: u32[B, T], mask: bool[B, T], each: [B, T, D], all: [B, D]) -> [] {
        let (x, pooled) = forward(tokens, segments, mask);
        mse_loss(x, each) + mse_loss(pooled, all)
    }
}
