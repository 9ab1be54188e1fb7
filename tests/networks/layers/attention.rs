//! Attention as one node against attention written out in the language: values and gradients, on sizes around those of
//! blocks, with every mask; the same bits on any number of threads; memory linear in the sequence. With the feature
//! `cuda`, the GPU must compute the same.

use netform_networks::family;
use netform_networks::finite;
use netform_networks::near::near;
use netform_networks::results;

use finite::{noise, tensor};
use netform::Tensor;
use netform::prelude::*;
use results::Gradients;

network! {
    struct Attend {}

    /// Written out. Masks come whole, the causal one too.
    fn whole(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [B, H, L, S]) -> [B, H, L, V] {
        matmul(softmax(matmul(q, k.transpose(-2, -1)) * 0.3 + m, -1), v)
    }
    fn plain(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, scale = 0.3)
    }
    fn causal(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, scale = 0.3, is_causal = true)
    }
    fn masked(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [L, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, scale = 0.3, attn_mask = m)
    }
    fn boolean(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: bool[L, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, scale = 0.3, attn_mask = m)
    }
    fn padded(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [B, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, scale = 0.3, attn_mask = m.unsqueeze(1).unsqueeze(1))
    }
    fn headed(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [H, L, 1]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, scale = 0.3, attn_mask = m)
    }
    fn dropped(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [L, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, attn_mask = m, dropout_p = 0.5)
    }
    fn learnt(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], #[grad] m: [L, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, attn_mask = m)
    }
    fn every(#[grad] q: [B, H, L, E], #[grad] k: [B, H, S, E], #[grad] v: [B, H, S, V], m: [B, H, L, S]) -> [B, H, L, V] {
        scaled_dot_product_attention(q, k, v, scale = 0.3, attn_mask = m)
    }
}

/// B, H, L, S, E, V.
const SIZES: [[usize; 6]; 8] = [
    [1, 1, 1, 1, 1, 1],
    [2, 3, 5, 7, 4, 3],
    [1, 2, 1, 70, 16, 16],
    [2, 1, 70, 1, 8, 5],
    [1, 2, 64, 128, 16, 16],
    [1, 1, 65, 129, 17, 9],
    [1, 2, 150, 300, 20, 33],
    [2, 1, 300, 150, 8, 8],
];

fn arguments([b, h, l, s, e, v]: [usize; 6], wide: f64) -> [Tensor; 4] {
    [
        tensor(&[b, h, l, e], 1, (-wide, wide)),
        tensor(&[b, h, s, e], 2, (-wide, wide)),
        tensor(&[b, h, s, v], 3, (-1.0, 1.0)),
        tensor(&[b, h, l, v], 4, (-1.0, 1.0)),
    ]
}

fn close(what: &str, got: &[Tensor], want: &[Tensor], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (n, (got, want)) in got.iter().zip(want).enumerate() {
        near(&format!("{what}: result {n}"), got, want, tolerance);
    }
}

/// Value and gradients.
macro_rules! all {
    ($net:expr, $f:ident, $vjp:ident, $args:expr $(, $mask:expr)?) => {{
        let [q, k, v, dy] = $args;
        let mut out = vec![$net.$f(q, k, v $(, $mask)?)?.to_tensor()];
        out.extend($net.$vjp(q, k, v $(, $mask)?, dy)?.tensors());
        out
    }};
}

/// A mask of some sizes, floats of which every third is minus infinity, except for the first key.
fn floats(shape: &[usize], salt: usize) -> Vec<f64> {
    let (n, s) = (shape.iter().product(), shape[shape.len() - 1]);
    let one = |i: usize| match noise(i + 1000 * salt) {
        x if x < 0.3 && !i.is_multiple_of(s) => f64::NEG_INFINITY,
        x => 2.0 * x - 1.0,
    };
    (0..n).map(one).collect()
}

/// A whole mask from a function of each pair.
fn spread([b, h, l, s, ..]: [usize; 6], f: impl Fn([usize; 4]) -> f64) -> Tensor {
    let at = |i: usize| f([i / (s * l * h), i / (s * l) % h, i / s % l, i % s]);
    Tensor::from_vec(
        [b, h, l, s],
        (0..b * h * l * s).map(at).collect::<Vec<f64>>(),
    )
    .unwrap()
}

#[test]
fn written_out() -> netform::Result<()> {
    let mut net = Attend::new(Cpu::f64().with_threads(2), 1)?;
    for size in SIZES {
        let [b, h, l, s, ..] = size;
        let args = &arguments(size, 1.0);
        let check = |what: &str, got: Vec<Tensor>, want: Vec<Tensor>| {
            close(&format!("{what} {size:?}"), &got, &want, 1e-12);
        };
        let mut whole = |f: &dyn Fn([usize; 4]) -> f64| -> netform::Result<Vec<Tensor>> {
            let mask = spread(size, f);
            Ok(all!(net, whole, whole_vjp, args, &mask))
        };
        let (plain, causal) = (
            whole(&|_| 0.0)?,
            whole(&|[_, _, i, j]| if j > i { f64::NEG_INFINITY } else { 0.0 })?,
        );
        let pairs = floats(&[l, s], 5);
        let masked = whole(&|[_, _, i, j]| pairs[i * s + j])?;
        let seen: Vec<bool> = pairs.iter().map(|x| x.is_finite()).collect();
        let boolean = whole(&|[_, _, i, j]| {
            if seen[i * s + j] {
                0.0
            } else {
                f64::NEG_INFINITY
            }
        })?;
        let padding = floats(&[b, s], 6);
        let padded = whole(&|[b, _, _, j]| padding[b * s + j])?;
        let rows = (0..h * l).map(noise).collect::<Vec<f64>>();
        let headed = whole(&|[_, h, i, _]| rows[h * l + i])?;
        let each = floats(&[b, h, l, s], 7);
        let every = whole(&|[b, n, i, j]| each[((b * h + n) * l + i) * s + j])?;

        check("plain", all!(net, plain, plain_vjp, args), plain);
        check("causal", all!(net, causal, causal_vjp, args), causal);
        let mask = Tensor::from_vec([l, s], pairs.clone())?;
        check("masked", all!(net, masked, masked_vjp, args, &mask), masked);
        let mask = Tensor::from_vec([l, s], seen.clone())?;
        check(
            "boolean",
            all!(net, boolean, boolean_vjp, args, &mask),
            boolean,
        );
        let mask = Tensor::from_vec([b, s], padding.clone())?;
        check("padded", all!(net, padded, padded_vjp, args, &mask), padded);
        let mask = Tensor::from_vec([h, l, 1], rows.clone())?;
        check("headed", all!(net, headed, headed_vjp, args, &mask), headed);
        let mask = Tensor::from_vec([b, h, l, s], each.clone())?;
        check("every", all!(net, every, every_vjp, args, &mask), every);
    }
    Ok(())
}

#[test]
fn large_scores() -> netform::Result<()> {
    let mut net = Attend::new(Cpu::f64(), 1)?;
    let size = [1, 1, 70, 300, 16, 8];
    let args = &arguments(size, 40.0);
    let none = spread(size, |_| 0.0);
    let want = all!(net, whole, whole_vjp, args, &none);
    // Scores reach thousands; their last digits change an exponential by 1e-12.
    close("large", &all!(net, plain, plain_vjp, args), &want, 1e-10);
    assert!(
        want.iter()
            .all(|t| t.to_f64_vec().iter().all(|x| x.is_finite()))
    );
    Ok(())
}

/// As in PyTorch: 0, and gradients of 0 from it, in every form of attention.
#[test]
fn a_query_that_sees_nothing() -> netform::Result<()> {
    let mut net = Attend::new(Cpu::f64(), 1)?;
    let args = &arguments([1, 2, 3, 200, 4, 4], 1.0);
    let mut mask = vec![0.0; 600];
    mask[200..400].fill(f64::NEG_INFINITY);
    // Only the keys of the first block.
    mask[400..528].fill(f64::NEG_INFINITY);
    let mask = &Tensor::from_vec([3, 200], mask)?;
    let fused = all!(net, masked, masked_vjp, args, mask);
    let dropped = all!(net, dropped, dropped_vjp, args, mask);
    let learnt = all!(net, learnt, learnt_vjp, args, mask);
    for all in [fused, dropped, learnt] {
        for t in &all {
            assert!(t.to_f64_vec().iter().all(|x| x.is_finite()));
        }
        // The result, and the gradient of queries.
        for t in &all[..2] {
            for (i, x) in t.to_f64_vec().iter().enumerate() {
                assert_eq!(*x == 0.0, i / 4 % 3 == 1, "[{i}] is {x}");
            }
        }
    }
    Ok(())
}

#[test]
fn threads_change_no_bit() -> netform::Result<()> {
    for size in [[2, 3, 70, 70, 16, 16], [1, 1, 300, 700, 16, 24]] {
        let [q, k, v, dy] = arguments(size, 1.0).map(|t| {
            let data: Vec<f32> = t.to_f64_vec().iter().map(|x| *x as f32).collect();
            Tensor::from_vec(t.shape(), data).unwrap()
        });
        let args = &[q, k, v, dy];
        let bits = |threads| -> netform::Result<Vec<Vec<f64>>> {
            let mut net = Attend::new(Cpu::new().with_threads(threads), 1)?;
            let all = [
                all!(net, plain, plain_vjp, args),
                all!(net, causal, causal_vjp, args),
            ];
            Ok(all.concat().iter().map(Tensor::to_f64_vec).collect())
        };
        let one = bits(1)?;
        assert_eq!(one, bits(2)?);
        assert_eq!(one, bits(3)?);
    }
    Ok(())
}

#[test]
fn memory_grows_as_the_sequence() {
    let plain = |t| Attend::plain_memory(1, 4, t, 16, t, 16);
    assert!(
        plain(2048) <= 2 * plain(1024),
        "{} {}",
        plain(2048),
        plain(1024)
    );
    let causal = |t| Attend::causal_vjp_memory(1, 4, t, 16, t, 16);
    assert!(
        causal(2048) <= 2 * causal(1024),
        "{} {}",
        causal(2048),
        causal(1024)
    );
    let layer = |t| Layer::forward_vjp_memory(2, t);
    assert!(
        layer(2048) <= 2 * layer(1024),
        "{} {}",
        layer(2048),
        layer(1024)
    );
}

network! {
    /// The layer with masks, with and without its weights, which are another way to the same result.
    struct Layer {
        attention: MultiheadAttention(12, 3),
    }
    fn forward(#[grad] x: [B, T, 12]) -> [B, T, 12] { attention(x, is_causal = true) }
    fn both(#[grad] x: [B, T, 12], #[grad] z: [B, S, 12], m: bool[T, S], p: bool[B, S]) -> [B, T, 12] {
        attention(x, z, attn_mask = m, key_padding_mask = p)
    }
    fn both_weighing(#[grad] x: [B, T, 12], #[grad] z: [B, S, 12], m: bool[T, S], p: bool[B, S]) -> [B, T, 12] {
        let (y, _w) = attention(x, z, attn_mask = m, key_padding_mask = p, need_weights = true);
        y
    }
    fn heads(#[grad] x: [B, T, 12], m: [3 * B, T, T]) -> [B, T, 12] { attention(x, attn_mask = m) }
    fn heads_weighing(#[grad] x: [B, T, 12], m: [3 * B, T, T]) -> [B, T, 12] {
        let (y, _w) = attention(x, attn_mask = m, need_weights = true);
        y
    }
}

#[test]
fn the_layer_with_and_without_weights() -> netform::Result<()> {
    let mut net = Layer::new(Cpu::f64(), 7)?;
    let (x, z) = (
        tensor(&[2, 9, 12], 1, (-1.0, 1.0)),
        tensor(&[2, 5, 12], 2, (-1.0, 1.0)),
    );
    let dy = tensor(&[2, 9, 12], 3, (-1.0, 1.0));
    let mask: Vec<bool> = (0..45).map(|i| i % 5 > 0 && noise(i) < 0.4).collect();
    let padding: Vec<bool> = (0..10).map(|i| i % 5 > 2).collect();
    let (m, p) = (
        Tensor::from_vec([9, 5], mask)?,
        Tensor::from_vec([2, 5], padding)?,
    );
    let gradients = |net: &Layer<Cpu<f64>>| -> Vec<Tensor> {
        [
            "in_proj_weight",
            "in_proj_bias",
            "out_proj.weight",
            "out_proj.bias",
        ]
        .map(|name| net.gradient(&format!("attention.{name}")).unwrap())
        .to_vec()
    };
    let mut one = vec![net.both(&x, &z, &m, &p)?.to_tensor()];
    one.extend(net.both_vjp(&x, &z, &m, &p, &dy)?.tensors());
    one.extend(gradients(&net));
    let mut other = vec![net.both_weighing(&x, &z, &m, &p)?.to_tensor()];
    other.extend(net.both_weighing_vjp(&x, &z, &m, &p, &dy)?.tensors());
    other.extend(gradients(&net));
    close("both masks", &one, &other, 1e-12);

    let m = tensor(&[6, 9, 9], 8, (-1.0, 1.0));
    let mut one = vec![net.heads(&x, &m)?.to_tensor()];
    one.extend(net.heads_vjp(&x, &m, &dy)?.tensors());
    let mut other = vec![net.heads_weighing(&x, &m)?.to_tensor()];
    other.extend(net.heads_weighing_vjp(&x, &m, &dy)?.tensors());
    close("masks of heads", &one, &other, 1e-12);
    Ok(())
}

family! {
    attention_by_differences in (-1.0, 1.0);
    f_plain f_plain_vjp (q: [B, L, E], k: [B, S, E], v: [B, S, V]) -> [B, L, V] { scaled_dot_product_attention(q, k, v) } at [&[2, 3, 4][..], &[2, 5, 4][..], &[2, 5, 3][..]], [&[1, 66, 2][..], &[1, 3, 2][..], &[1, 3, 2][..]], [&[1, 2, 3][..], &[1, 130, 3][..], &[1, 130, 1][..]];
    f_causal f_causal_vjp (q: [L, E], k: [S, E], v: [S, V]) -> [L, V] { scaled_dot_product_attention(q, k, v, is_causal = true) } at [&[3, 4][..], &[5, 4][..], &[5, 2][..]], [&[7, 4][..], &[5, 4][..], &[5, 2][..]];
    f_shared f_shared_vjp (q: [B, H, L, E], k: [S, E]) -> [B, H, L, E] { scaled_dot_product_attention(q, k, tanh(k), scale = -0.5) } at [&[2, 2, 3, 4][..], &[5, 4][..]];
    f_learned f_learned_vjp (q: [B, L, E], k: [B, S, E], v: [B, S, V], m: [L, S]) -> [B, L, V] { scaled_dot_product_attention(q, k, v, attn_mask = sin(m)) } at [&[2, 3, 4][..], &[2, 5, 4][..], &[2, 5, 3][..], &[3, 5][..]];
    f_no_batch f_no_batch_vjp (q: [0, L, E], k: [0, S, E]) -> [0, L, E] { scaled_dot_product_attention(q, k, k) } at [&[0, 3, 4][..], &[0, 5, 4][..]];
    f_no_keys f_no_keys_vjp (q: [B, L, E], k: [B, 0, E]) -> [B, L, E] { q + scaled_dot_product_attention(q, k, k) } at [&[2, 3, 4][..], &[2, 0, 4][..]];
    f_no_queries f_no_queries_vjp (q: [B, 0, E], k: [B, S, E]) -> [B, S, E] { k + scaled_dot_product_attention(q, k, k).sum(1, keepdim = true) } at [&[2, 0, 4][..], &[2, 3, 4][..]];
    f_second f_second_vjp (q: [B, L, E], k: [B, S, E], v: [B, S, V]) -> [B, L, E] { grad(sum(sin(scaled_dot_product_attention(q, k, v))), q) } at [&[2, 3, 4][..], &[2, 5, 4][..], &[2, 5, 3][..]];
    f_second_key f_second_key_vjp (q: [B, L, E], k: [B, L, E], m: [L, L]) -> [B, L, E] { grad(sum(sin(scaled_dot_product_attention(q, k, k * k, attn_mask = m))), k) } at [&[2, 3, 4][..], &[2, 3, 4][..], &[3, 3][..]];
    f_second_causal f_second_causal_vjp (q: [B, L, E], k: [B, L, E]) -> [B, L, E] { grad(sum(sin(scaled_dot_product_attention(q, k, q + k, is_causal = true))), k) } at [&[2, 3, 4][..], &[2, 3, 4][..]];
}
