//! Attention: values and gradients as on the CPU at sizes around those of tiles, with every form of mask and both
//! layouts; repeated runs give the same bits.

use netform::Tensor;
use netform::prelude::*;

use crate::both::random;

network! {
    struct Attend {
        layer: MultiheadAttention(33, 3, kdim = 20, vdim = 7),
    }
    fn plain(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v)
    }
    fn causal(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, is_causal = true)
    }
    fn whole(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [B, H, L, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, scale = -0.4, attn_mask = m)
    }
    fn queries(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [B, 1, L, 1]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, attn_mask = m)
    }
    fn single(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [1, 1]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, attn_mask = m)
    }
    fn padded(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [B, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, attn_mask = m.unsqueeze(1).unsqueeze(1))
    }
    fn headed(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [H, L, 1]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, attn_mask = m)
    }
    fn boolean(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: bool[L, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, attn_mask = m)
    }
    /// Heads side by side, and two masks.
    fn cross(#[grad] q: [B, L, 33], #[grad] k: [B, S, 20], #[grad] v: [B, S, 7], p: bool[B, S], m: bool[L, S]) -> [B, L, 33] {
        layer(q, k, v, key_padding_mask = p, attn_mask = m)
    }
}

/// B, H, L, S, E, V.
const SIZES: [[usize; 6]; 10] = [
    [1, 1, 1, 1, 1, 1],
    [2, 3, 5, 7, 4, 3],
    [1, 2, 1, 70, 16, 16],
    [2, 1, 70, 1, 8, 5],
    [1, 2, 33, 65, 5, 33],
    [2, 1, 31, 63, 33, 64],
    [1, 1, 32, 64, 64, 32],
    [1, 1, 40, 66, 80, 128],
    [1, 1, 9, 5, 128, 65],
    [1, 1, 3, 4, 130, 200],
];

fn arguments([b, h, l, s, e, v]: [usize; 6]) -> [Tensor; 4] {
    [
        random(&[b, h, l, e], 1, (-1.0, 1.0)),
        random(&[b, h, s, e], 2, (-1.0, 1.0)),
        random(&[b, h, s, v], 3, (-1.0, 1.0)),
        random(&[b, h, l, v], 4, (-1.0, 1.0)),
    ]
}

/// Value and gradients, to `out`.
macro_rules! all {
    ($out:ident, $name:expr, $net:ident.$f:ident $vjp:ident, $args:expr $(, $mask:expr)*) => {{
        let [q, k, v, dy] = $args;
        $out.put($name, $net.$f(q, k, v $(, $mask)*)?.to_tensor());
        for (i, g) in $net.$vjp(q, k, v $(, $mask)*, dy)?.tensors().into_iter().enumerate() {
            $out.put(format!("{}: gradient {i}", $name), g);
        }
    }};
}

/// Booleans; the first along the last dimension is `first`.
fn booleans(shape: &[usize], seed: u64, first: bool) -> netform::Result<Tensor> {
    let x = random(shape, seed, (0.0, 1.0)).to_f64_vec();
    let last = shape[shape.len() - 1];
    let one = |(i, x): (usize, &f64)| if i % last == 0 { first } else { *x < 0.5 };
    Tensor::from_vec(shape, x.iter().enumerate().map(one).collect::<Vec<bool>>())
}

mod scenario {
    use super::*;
    use crate::both::Values;
    use crate::results::Gradients;
    use netform::Result;

    pub fn attention_at_awkward_sizes<D: Device>(device: D) -> Result<Values> {
        let mut net = Attend::new(device, 1)?;
        let mut out = Values::default();
        for size in SIZES {
            let args = &arguments(size);
            all!(out, format!("plain {size:?}"), net.plain plain_vjp, args);
            all!(out, format!("causal {size:?}"), net.causal causal_vjp, args);
        }
        Ok(out)
    }

    pub fn attention_with_masks<D: Device>(device: D) -> Result<Values> {
        let mut net = Attend::new(device, 1)?;
        let mut out = Values::default();
        for size in [[2, 3, 5, 7, 4, 3], [2, 2, 33, 66, 8, 4]] {
            let ([b, h, l, s, ..], args) = (size, &arguments(size));
            let mask = random(&[b, h, l, s], 4, (-2.0, 2.0));
            all!(out, format!("whole {size:?}"), net.whole whole_vjp, args, &mask);
            let mask = random(&[b, 1, l, 1], 5, (-2.0, 2.0));
            all!(out, format!("queries {size:?}"), net.queries queries_vjp, args, &mask);
            let mask = random(&[1, 1], 5, (-2.0, 2.0));
            all!(out, format!("single {size:?}"), net.single single_vjp, args, &mask);
            let mask = random(&[b, s], 6, (-2.0, 2.0));
            all!(out, format!("padded {size:?}"), net.padded padded_vjp, args, &mask);
            let mask = random(&[h, l, 1], 7, (-2.0, 2.0));
            all!(out, format!("headed {size:?}"), net.headed headed_vjp, args, &mask);
            let mask = booleans(&[l, s], 8, true)?;
            all!(out, format!("boolean {size:?}"), net.boolean boolean_vjp, args, &mask);
        }
        Ok(out)
    }

    pub fn attention_between_heads_side_by_side<D: Device>(device: D) -> Result<Values> {
        let mut net = Attend::new(device, 2)?;
        let mut out = Values::default();
        for [b, l, s] in [[2, 5, 9], [1, 35, 66]] {
            let args = &[
                random(&[b, l, 33], 1, (-1.0, 1.0)),
                random(&[b, s, 20], 2, (-1.0, 1.0)),
                random(&[b, s, 7], 3, (-1.0, 1.0)),
                random(&[b, l, 33], 4, (-1.0, 1.0)),
            ];
            let (padding, mask) = (booleans(&[b, s], 5, false)?, booleans(&[l, s], 6, false)?);
            all!(out, format!("cross {b} {l} {s}"), net.cross cross_vjp, args, &padding, &mask);
            out.network(&net);
        }
        Ok(out)
    }
}

same! {
    attention_at_awkward_sizes within 3e-5;
    attention_with_masks within 3e-5;
    attention_between_heads_side_by_side within 3e-5;
}

#[test]
fn attention_has_the_same_bits_each_time() -> netform::Result<()> {
    use crate::results::Gradients;
    let mut net = Attend::new(crate::device::cuda(), 1)?;
    let [q, k, v, dy] = &arguments([1, 2, 40, 70, 20, 20]);
    let mut runs = Vec::new();
    // The third run of a shape is a replay.
    for _ in 0..4 {
        let y = net.causal(q, k, v)?.to_tensor();
        let grads = net.causal_vjp(q, k, v, &dy.clone())?.tensors();
        let all = [vec![y], grads].concat();
        runs.push(all.iter().map(Tensor::to_f64_vec).collect::<Vec<_>>());
    }
    assert!(runs.iter().all(|r| *r == runs[0]));
    Ok(())
}

#[test]
fn a_query_that_sees_no_key() -> netform::Result<()> {
    let [q, k, v, _] = &arguments([1, 2, 3, 70, 4, 4]);
    let mut mask = vec![true; 210];
    mask[..64].fill(false);
    mask[70..140].fill(false);
    let mask = Tensor::from_vec([3, 70], mask)?;
    let net = Attend::new(crate::device::cuda(), 1)?;
    let y = net.boolean(q, k, v, &mask)?.to_tensor().to_f64_vec();
    for (i, y) in y.iter().enumerate() {
        assert_eq!(*y == 0.0, i / 4 % 3 == 1, "[{i}] is {y}");
    }
    Ok(())
}
