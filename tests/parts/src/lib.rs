//! Networks for the tests of networks inside networks: a block of a transformer with its attention, which is a network
//! of another module. Both use netform under another name.

mod attention {
    /// Visible only here.
    const LEAST: usize = 2;

    renamed::network! {
        /// Causal self-attention of several heads.
        pub struct Attention<const D: usize, const HEADS: usize = 2>
        where
            D % HEADS == 0,
            D / HEADS >= LEAST,
        {
            qkv: Linear(D -> 3 * D, bias = false),
            proj: Linear(D -> D),
        }

        fn forward(x: [B, T, D]) -> [B, T, D] {
            let (q, k, v) = qkv(x).chunk(3, dim = 2);
            let q = q.reshape([B, T, HEADS, D / HEADS]).transpose(1, 2);
            let k = k.reshape([B, T, HEADS, D / HEADS]).transpose(1, 2);
            let v = v.reshape([B, T, HEADS, D / HEADS]).transpose(1, 2);
            let y = scaled_dot_product_attention(q, k, v, is_causal = true);
            proj(y.transpose(1, 2).reshape([B, T, D]))
        }
    }
}

pub mod block {
    //! The block.

    use crate::attention::Attention;

    /// Visible only here.
    const TIMES: usize = 4;

    renamed::network! {
        /// A block of a pre-norm transformer.
        pub struct Block<const D: usize, const HEADS: usize = 2> {
            ln_1: LayerNorm(D),
            attn: Attention<D, HEADS>,
            ln_2: LayerNorm(D),
            fc: Linear(D -> TIMES * D),
            out: Linear(TIMES * D -> D),
        }

        fn forward(x: [B, T, D]) -> [B, T, D] {
            let x = x + attn(ln_1(x));
            x + out(gelu(fc(ln_2(x))))
        }

        fn residual(x: [B, T, D]) -> [B, T, D] {
            out(gelu(fc(ln_2(x))))
        }
    }
}
