//! `batch_first = false`: sequences (T, B, C) through recurrent layers, attention and the Transformer give the results
//! of the same weights for (B, T, C), forward and backward, on both devices.

#[cfg(feature = "cuda")]
use netform_networks::device;
use netform_networks::finite;
use netform_networks::results;

use finite::tensor;
use netform::prelude::*;
use netform::{Network, Tensor};
use results::Gradients as _;

/// (A, B, C) as (B, A, C).
fn turned(x: &Tensor) -> Tensor {
    let [a, b, c] = x.shape()[..] else {
        panic!("{:?} is no batch of sequences", x.shape())
    };
    let data = x.to_f64_vec();
    let at = |i: usize| data[(i / c % a * b + i / c / a) * c + i % c];
    Tensor::from_vec([b, a, c], (0..a * b * c).map(at).collect::<Vec<f64>>()).unwrap()
}

/// The first `sequences` tensors of both are sequences; the others do not depend on the order.
fn equal(what: &str, batch: &[Tensor], time: &[Tensor], sequences: usize) {
    // Sums may be taken in another order.
    let tolerance = match batch.first().map(Tensor::as_slice::<f32>) {
        Some(Ok(_)) => 1e-5,
        _ => 1e-14,
    };
    assert_eq!(batch.len(), time.len(), "{what}");
    for (i, (wanted, found)) in batch.iter().zip(time).enumerate() {
        let found = match i < sequences {
            true => &turned(found),
            false => found,
        };
        assert_eq!(found.shape(), wanted.shape(), "{what}: {i}");
        for (a, b) in found.to_f64_vec().iter().zip(wanted.to_f64_vec()) {
            assert!((a - b).abs() <= tolerance, "{what}: {i}: {a} is not {b}");
        }
    }
}

/// Results and gradients of two networks, one for each order: `f f_vjp (sequences; others) -> (sequences;
/// others)`.
macro_rules! same {
    ($batch:ident, $time:ident;
     $($f:ident $v:ident ($($x:ident),*; $($o:ident),*) -> ($($y:ident),*; $($w:ident),*);)*) => {$({
        let (what, count) = (stringify!($f), <[&str]>::len(&[$(stringify!($x)),*]));
        let wanted = $batch.$f($(&$x,)* $(&$o,)*)?.tensors();
        let found = $time.$f($(&turned(&$x),)* $(&$o,)*)?.tensors();
        let results = <[&str]>::len(&[$(stringify!($y)),*]);
        equal(what, &wanted, &found, results);
        let mut salts = 50..;
        let mut dy = wanted.iter().map(|y| tensor(y.shape(), salts.next().unwrap(), (-1.0, 1.0)));
        $(let $y = dy.next().unwrap();)*
        $(let $w = dy.next().unwrap();)*
        let wanted = $batch.$v($(&$x,)* $(&$o,)* $(&$y,)* $(&$w,)*)?.tensors();
        let found = $time.$v($(&turned(&$x),)* $(&$o,)* $(&turned(&$y),)* $(&$w,)*)?.tensors();
        equal(&format!("{what}: gradients"), &wanted, &found, count);
        for p in Network::parameters(&$batch).map(|p| p.name()) {
            let (wanted, found) = ($batch.gradient(p)?, $time.gradient(p)?);
            equal(&format!("{what}: {p}"), &[wanted], &[found], 0);
        }
    })*};
}

macro_rules! recurrent {
    ($name:ident, $first:literal, [$p:ident, $q:ident]) => {
        network! {
            struct $name {
                rnn: RNN(2 -> 3, bidirectional = true, batch_first = $first),
                lstm: LSTM(2 -> 4, num_layers = 2, bidirectional = true, proj_size = 3, batch_first = $first),
                gru: GRU(2 -> 3, num_layers = 3, batch_first = $first),
            }
            fn zero(#[grad] x: [$p, $q, 2]) -> ([$p, $q, 15], [2, B, 3], [4, B, 4]) {
                let (a, h) = rnn(x);
                let (b, (_, c)) = lstm(x);
                let (d, _) = gru(x);
                (cat([a, b, d], dim = 2), h, c)
            }
            fn given(
                #[grad] x: [$p, $q, 2],
                #[grad] h: [2, B, 3],
                #[grad] k: [4, B, 3],
                #[grad] c: [4, B, 4],
                #[grad] g: [3, B, 3],
            ) -> ([$p, $q, 15], [2, B, 3], [4, B, 3], [4, B, 4], [3, B, 3]) {
                let (a, h) = rnn(x, h);
                let (b, (k, c)) = lstm(x, (k, c));
                let (d, g) = gru(x, g);
                (cat([a, b, d], dim = 2), h, k, c, g)
            }
            fn short(#[grad] x: [$p, $q, 2], #[grad] h: [3, B, 3], n: u32[B]) -> ([$p, $q, 15], [2, B, 3], [4, B, 3], [3, B, 3]) {
                let (a, ends) = rnn(x, lengths = n);
                let (b, (k, _)) = lstm(x, lengths = n);
                let (d, g) = gru(x, h, lengths = n);
                (cat([a, b, d], dim = 2), ends, k, g)
            }
            fn alone(#[grad] x: [T, 2], #[grad] h: [3, 3]) -> ([T, 15], [3, 3]) {
                let (a, _) = rnn(x);
                let (b, _) = lstm(x);
                let (d, g) = gru(x, h);
                (cat([a, b, d], dim = 1), g)
            }
        }
    };
}
recurrent!(BatchFirst, true, [B, T]);
recurrent!(TimeFirst, false, [T, B]);

fn recurrent<D: Device>(device: D) -> netform::Result<()> {
    let mut batch = BatchFirst::new(device.clone(), 4)?;
    let mut time = TimeFirst::new(device, 4)?;
    for (b, t) in [(3, 5), (1, 4), (5, 1), (1, 1)] {
        let x = tensor(&[b, t, 2], 1, (-1.0, 1.0));
        let h = tensor(&[2, b, 3], 2, (-1.0, 1.0));
        let k = tensor(&[4, b, 3], 3, (-1.0, 1.0));
        let c = tensor(&[4, b, 4], 4, (-1.0, 1.0));
        let g = tensor(&[3, b, 3], 5, (-1.0, 1.0));
        let n: Vec<u32> = (0..b as u32).map(|i| (i * 2) % (t as u32 + 2)).collect();
        let one = tensor(&[t, 2], 6, (-1.0, 1.0));
        let state = tensor(&[3, 3], 7, (-1.0, 1.0));
        same! {
            batch, time;
            zero zero_vjp (x;) -> (dy; dh, dc);
            given given_vjp (x; h, k, c, g) -> (dy; dh, dk, dc, dg);
            short short_vjp (x; g, n) -> (dy; dh, dk, dg);
            alone alone_vjp (; one, state) -> (; dy, dg);
        }
    }
    Ok(())
}

macro_rules! attention {
    ($name:ident, $first:literal, [$t0:ident, $t1:ident], [$s0:ident, $s1:ident]) => {
        network! {
            struct $name {
                attention: MultiheadAttention(4, 2, batch_first = $first),
                further: MultiheadAttention(4, 2, kdim = 3, vdim = 5, add_bias_kv = true, add_zero_attn = true, batch_first = $first),
            }
            fn own(#[grad] x: [$t0, $t1, 4], padded: bool[B, T]) -> [$t0, $t1, 4] {
                attention(x, key_padding_mask = padded, is_causal = true)
            }
            fn cross(#[grad] x: [$t0, $t1, 4], #[grad] y: [$s0, $s1, 4], #[grad] scores: [B * 2, T, S]) -> [$t0, $t1, 4] {
                attention(x, y, attn_mask = scores)
            }
            fn weighed(
                #[grad] q: [$t0, $t1, 4],
                #[grad] k: [$s0, $s1, 3],
                #[grad] v: [$s0, $s1, 5],
                #[grad] scores: [T, S],
            ) -> ([$t0, $t1, 4], [B, T, S + 2]) {
                further(q, k, v, attn_mask = scores, need_weights = true)
            }
            fn by_head(#[grad] x: [$t0, $t1, 4]) -> ([$t0, $t1, 4], [B, 2, T, T]) {
                attention(x, need_weights = true, average_attn_weights = false)
            }
            fn alone(#[grad] x: [T, 4], #[grad] y: [S, 4]) -> ([T, 4], [T, S]) {
                attention(x, y, need_weights = true)
            }
        }
    };
}
attention!(BatchAttends, true, [B, T], [B, S]);
attention!(TimeAttends, false, [T, B], [S, B]);

/// True where a position is padding, which the first never is.
fn padding(b: usize, t: usize) -> Tensor {
    let one = |i: usize| !i.is_multiple_of(t) && i % 3 == 2;
    Tensor::from_vec([b, t], (0..b * t).map(one).collect::<Vec<bool>>()).unwrap()
}

fn attends<D: Device>(device: D) -> netform::Result<()> {
    let mut batch = BatchAttends::new(device.clone(), 5)?;
    let mut time = TimeAttends::new(device, 5)?;
    for (b, t, s) in [(3, 5, 4), (1, 4, 3), (5, 1, 2), (2, 3, 1), (1, 1, 1)] {
        let x = tensor(&[b, t, 4], 1, (-1.0, 1.0));
        let y = tensor(&[b, s, 4], 2, (-1.0, 1.0));
        let (k, v) = (
            tensor(&[b, s, 3], 3, (-1.0, 1.0)),
            tensor(&[b, s, 5], 4, (-1.0, 1.0)),
        );
        let scores = tensor(&[t, s], 5, (-1.0, 1.0));
        let heads = tensor(&[b * 2, t, s], 6, (-1.0, 1.0));
        let padded = padding(b, t);
        let one = tensor(&[t, 4], 7, (-1.0, 1.0));
        let other = tensor(&[s, 4], 8, (-1.0, 1.0));
        same! {
            batch, time;
            own own_vjp (x; padded) -> (dy;);
            cross cross_vjp (x, y; heads) -> (dy;);
            weighed weighed_vjp (x, k, v; scores) -> (dy; dw);
            by_head by_head_vjp (x;) -> (dy; dw);
            alone alone_vjp (; one, other) -> (; dy, dw);
        }
    }
    Ok(())
}

macro_rules! transformer {
    ($name:ident, $first:literal, [$t0:ident, $t1:ident], [$s0:ident, $s1:ident]) => {
        network! {
            struct $name {
                encode: TransformerEncoderLayer(4, 2, dim_feedforward = 3, dropout = 0.0, batch_first = $first),
                decode: TransformerDecoderLayer(4, 2, dim_feedforward = 3, dropout = 0.0, norm_first = true, batch_first = $first),
                encoder: TransformerEncoder(TransformerEncoderLayer(4, 2, dim_feedforward = 3, dropout = 0.0, batch_first = $first), num_layers = 3, norm = LayerNorm(4)),
                decoder: TransformerDecoder(TransformerDecoderLayer(4, 1, dim_feedforward = 3, dropout = 0.0, batch_first = $first), num_layers = 2),
                whole: Transformer(4, 2, num_encoder_layers = 1, num_decoder_layers = 2, dim_feedforward = 3, dropout = 0.0, batch_first = $first),
            }
            fn layers(#[grad] x: [$t0, $t1, 4], #[grad] y: [$s0, $s1, 4], padded: bool[B, T]) -> [$t0, $t1, 4] {
                decode(encode(x, src_key_padding_mask = padded), y, tgt_is_causal = true)
            }
            fn stacks(#[grad] x: [$t0, $t1, 4], #[grad] y: [$s0, $s1, 4], padded: bool[B, T], hidden: bool[B, S]) -> [$t0, $t1, 4] {
                let x = encoder(x, src_key_padding_mask = padded, is_causal = true);
                decoder(x, y, memory_key_padding_mask = hidden)
            }
            fn all(
                #[grad] x: [$t0, $t1, 4],
                #[grad] y: [$s0, $s1, 4],
                #[grad] scores: [T, S],
                #[grad] heads: [B * 2, T, S],
                hidden: bool[B, S],
            ) -> [$t0, $t1, 4] {
                let first = whole(y, x, memory_mask = scores, src_key_padding_mask = hidden, memory_key_padding_mask = hidden);
                whole(y, first, tgt_is_causal = true, memory_mask = heads)
            }
        }
    };
}
transformer!(BatchModel, true, [B, T], [B, S]);
transformer!(TimeModel, false, [T, B], [S, B]);

fn transforms<D: Device>(device: D) -> netform::Result<()> {
    let mut batch = BatchModel::new(device.clone(), 6)?;
    let mut time = TimeModel::new(device, 6)?;
    for (b, t, s) in [(3, 5, 4), (1, 4, 3), (5, 1, 2), (2, 3, 1), (1, 1, 1)] {
        let x = tensor(&[b, t, 4], 1, (-1.0, 1.0));
        let y = tensor(&[b, s, 4], 2, (-1.0, 1.0));
        let scores = tensor(&[t, s], 3, (-1.0, 1.0));
        let heads = tensor(&[b * 2, t, s], 4, (-1.0, 1.0));
        let (padded, hidden) = (padding(b, t), padding(b, s));
        same! {
            batch, time;
            layers layers_vjp (x, y; padded) -> (dy;);
            stacks stacks_vjp (x, y; padded, hidden) -> (dy;);
            all all_vjp (x, y; scores, heads, hidden) -> (dy;);
        }
    }
    Ok(())
}

macro_rules! on_both_devices {
    ($($test:ident: $f:ident;)*) => {$(
        #[test]
        fn $test() {
            $f(Cpu::f64()).unwrap();
            #[cfg(feature = "cuda")]
            $f(device::cuda()).unwrap();
        }
    )*};
}
on_both_devices! {
    recurrent_layers: recurrent;
    attention: attends;
    transformers: transforms;
}
