//! ViT-B/16 (Dosovitskiy et al., 2020, "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale").
//!
//! The names and shapes of the state dict are those of `torchvision.models.vit_b_16`. An image goes in as
//! `[B, 3, SIDE, SIDE]`, where SIDE is GRID * PATCH. The scores of the classes come out as `[B, CLASSES]`.
//!
//! The defaults are the sizes of the base model with patches of 16 by 16.

use netform::prelude::*;

network! {
    /// Attention, then two linear layers, each normalised first.
    pub struct EncoderBlock<const D: usize, const HEADS: usize> {
        ln_1: LayerNorm(D, eps = 1e-6),
        self_attention: MultiheadAttention(D, HEADS),
        dropout: Dropout(0.0),
        ln_2: LayerNorm(D, eps = 1e-6),
        mlp: Sequential(Linear(D -> 4 * D), GELU(), Dropout(0.0), Linear(4 * D -> D), Dropout(0.0)),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let x = x + dropout(self_attention(ln_1(x)));
        x + mlp(ln_2(x))
    }
}

network! {
    /// The positions, the blocks and the last normalisation.
    pub struct Encoder<const D: usize, const HEADS: usize, const TOKENS: usize> {
        pos_embedding: Param[1, TOKENS, D] = normal(0.02),
        #[name = "layers.encoder_layer_{}"]
        layers: [EncoderBlock<D, HEADS>; 12],
        ln: LayerNorm(D, eps = 1e-6),
    }
    fn forward(x: [B, TOKENS, D]) -> [B, TOKENS, D] {
        let mut y = x + pos_embedding;
        for layer in layers {
            y = layer(y);
        }
        ln(y)
    }
}

network! {
    /// The whole network.
    pub struct VitB16<
        const D: usize = 768,
        const HEADS: usize = 12,
        const GRID: usize = 14,
        const PATCH: usize = 16,
        const CLASSES: usize = 1000,
    > {
        class_token: Param[1, 1, D],
        conv_proj: Conv2d(3 -> D, PATCH, stride = PATCH),
        encoder: Encoder<D, HEADS, GRID * GRID + 1>,
        heads: Sequential(head = Linear(D -> CLASSES)),
    }
    fn forward(x: [B, 3, GRID * PATCH, GRID * PATCH]) -> [B, CLASSES] {
        let x = conv_proj(x).flatten(2).transpose(1, 2);
        let x = cat([class_token.expand([B, 1, D]), x], dim = 1);
        heads(encoder(x)[:, 0])
    }
    fn loss(x: [B, 3, GRID * PATCH, GRID * PATCH], class: u32[B]) -> [] { cross_entropy(forward(x), class) }
}
