//! Cells, recurrent layers, attention and Transformers with all kinds of inputs: one sequence, one element, no
//! elements; first states, dropout between layers, masks of the memory. Gradients of inputs and parameters against
//! finite differences in f64, values against other computations.

use netform_networks::calls;
use netform_networks::finite;
use netform_networks::near::within;
use netform_networks::results;
use netform_networks::values::booleans;

use std::cell::RefCell;

use finite::{gradients, tensor};
use netform::prelude::*;
use netform::{Network, Tensor};
use results::Gradients as _;

/// The gradients of some functions with respect to their arguments and all parameters, at several shapes.
macro_rules! differences {
    ($net:ident; $($f:ident $v:ident ($($arg:ident),*) at $($shapes:expr),+;)*) => {$(
        for shapes in [$($shapes),+] {
            let shapes: &[&[usize]] = &shapes;
            let (f, vjp) = calls!($net $f $v ($($arg),*));
            finite::check(stringify!($f), shapes, (-1.0, 1.0), f, vjp);
            let mut salt = 10..;
            $(let $arg = tensor(shapes[salt.start - 10], salt.next().unwrap(), (-1.0, 1.0));)*
            let dy = tensor($net.borrow().$f($(&$arg),*)?.shape(), 77, (-1.0, 1.0)).to_f64_vec();
            gradients(&mut *$net.borrow_mut(), |net| {
                let y = net.$f($(&$arg),*)?.to_tensor();
                net.$v($(&$arg,)* &Tensor::from_vec(y.shape(), dy.clone())?)?;
                Ok(y.to_f64_vec().iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>())
            })?;
        }
    )*};
}

/// Moves every parameter from its initial value, which may be zero.
fn scatter(net: &mut impl Network) -> netform::Result<()> {
    let all: Vec<(&str, Vec<usize>)> = (net.parameters())
        .map(|p| (p.name(), p.shape().to_vec()))
        .collect();
    for (salt, (name, shape)) in all.iter().enumerate() {
        net.set_parameter(name, &tensor(shape, 100 + salt, (-0.8, 0.8)))?;
    }
    Ok(())
}

network! {
    /// Every cell with biases and without, beside the layer with the same weights.
    struct Cells {
        rnn: RNNCell(2 -> 3),
        relu: RNNCell(2 -> 3, bias = false, nonlinearity = "relu"),
        lstm: LSTMCell(2 -> 3),
        lstm_bare: LSTMCell(2 -> 3, bias = false),
        gru: GRUCell(2 -> 3),
        gru_bare: GRUCell(2 -> 3, bias = false),
        rnn_layer: RNN(2 -> 3),
        rnn_layer.weight_ih_l0 = rnn.weight_ih,
        rnn_layer.weight_hh_l0 = rnn.weight_hh,
        rnn_layer.bias_ih_l0 = rnn.bias_ih,
        rnn_layer.bias_hh_l0 = rnn.bias_hh,
        relu_layer: RNN(2 -> 3, bias = false, nonlinearity = "relu"),
        relu_layer.weight_ih_l0 = relu.weight_ih,
        relu_layer.weight_hh_l0 = relu.weight_hh,
        lstm_layer: LSTM(2 -> 3, bias = false),
        lstm_layer.weight_ih_l0 = lstm_bare.weight_ih,
        lstm_layer.weight_hh_l0 = lstm_bare.weight_hh,
        gru_layer: GRU(2 -> 3),
        gru_layer.weight_ih_l0 = gru.weight_ih,
        gru_layer.weight_hh_l0 = gru.weight_hh,
        gru_layer.bias_ih_l0 = gru.bias_ih,
        gru_layer.bias_hh_l0 = gru.bias_hh,
        gru_layer_bare: GRU(2 -> 3, bias = false),
        gru_layer_bare.weight_ih_l0 = gru_bare.weight_ih,
        gru_layer_bare.weight_hh_l0 = gru_bare.weight_hh,
    }
    fn given(#[grad] x: [B, 2], #[grad] h: [B, 3], #[grad] c: [B, 3]) -> [B, 24] {
        let (a, b) = lstm(x, (h, c));
        let (d, e) = lstm_bare(x, (h, c));
        cat([rnn(x, h), relu(x, h), a, b, d, e, gru(x, h), gru_bare(x, h)], dim = 1)
    }
    fn zero(#[grad] x: [B, 2]) -> [B, 24] {
        let (a, b) = lstm(x);
        let (d, e) = lstm_bare(x);
        cat([rnn(x), relu(x), a, b, d, e, gru(x), gru_bare(x)], dim = 1)
    }
    fn one(#[grad] x: [2], #[grad] h: [3], #[grad] c: [3]) -> [24] {
        let (a, b) = lstm(x, (h, c));
        let (d, e) = lstm_bare(x, (h, c));
        cat([rnn(x, h), relu(x, h), a, b, d, e, gru(x, h), gru_bare(x, h)], dim = 0)
    }
    fn nobody(#[grad] x: [0, 2], #[grad] h: [0, 3], #[grad] c: [0, 3]) -> [0, 24] { given(x, h, c) }
    fn layers(x: [B, 2], h: [B, 3], c: [B, 3]) -> [B, 18] {
        let (x, h, c) = (x.unsqueeze(1), h.unsqueeze(0), c.unsqueeze(0));
        let (_, r) = rnn_layer(x, h);
        let (_, s) = relu_layer(x, h);
        let (_, (d, e)) = lstm_layer(x, (h, c));
        let (_, g) = gru_layer(x, h);
        let (_, k) = gru_layer_bare(x, h);
        cat([r, s, d, e, g, k], dim = 2).squeeze(0)
    }
    fn cells(x: [B, 2], h: [B, 3], c: [B, 3]) -> [B, 18] {
        let (d, e) = lstm_bare(x, (h, c));
        cat([rnn(x, h), relu(x, h), d, e, gru(x, h), gru_bare(x, h)], dim = 1)
    }
}

#[test]
fn cells() -> netform::Result<()> {
    let net = RefCell::new(Cells::new(Cpu::f64(), 3)?);
    differences! {
        net;
        given given_vjp (x, h, c) at [&[3, 2][..], &[3, 3], &[3, 3]], [&[1, 2][..], &[1, 3], &[1, 3]];
        zero zero_vjp (x) at [&[5, 2][..]], [&[1, 2][..]];
        one one_vjp (x, h, c) at [&[2][..], &[3], &[3]];
        nobody nobody_vjp (x, h, c) at [&[0, 2][..], &[0, 3], &[0, 3]];
    }
    let net = net.borrow();
    let [x, h, c] = [2, 3, 3].map(|n| tensor(&[4, n], n, (-1.0, 1.0)));
    let found = net.cells(&x, &h, &c)?.to_tensor();
    within(&found, &net.layers(&x, &h, &c)?.to_tensor(), 1e-12);
    Ok(())
}

network! {
    struct Sequences {
        rnn: RNN(2 -> 3, num_layers = 2, bidirectional = true),
        lstm: LSTM(2 -> 3, bias = false),
        gru: GRU(2 -> 3, num_layers = 2, bidirectional = true),
    }
    /// With first states: of all directions and layers for two, of one for the other.
    fn given(#[grad] x: [B, T, 2], #[grad] h: [4, B, 3], #[grad] k: [1, B, 3], #[grad] c: [1, B, 3]) -> [B, T + 4, 15] {
        let (a, ha) = rnn(x, h);
        let (b, (hb, cb)) = lstm(x, (k, c));
        let (d, hd) = gru(x, h);
        let ends = cat([ha.flip([0]), ha, hd, hd * hd, hb.expand([4, B, 3]) * cb], dim = 2);
        cat([cat([a, b, d], dim = 2), ends.transpose(0, 1)], dim = 1)
    }
    fn zero(#[grad] x: [B, T, 2]) -> [B, T, 15] {
        let (a, _) = rnn(x);
        let (b, _) = lstm(x);
        let (d, _) = gru(x);
        cat([a, b, d], dim = 2)
    }
    fn alone(#[grad] x: [T, 2], #[grad] h: [4, 3], #[grad] k: [1, 3], #[grad] c: [1, 3]) -> [T, 15] {
        let (a, _) = rnn(x, h);
        let (b, _) = lstm(x, (k, c));
        let (d, _) = gru(x, h);
        cat([a, b, d], dim = 1)
    }
    fn nobody(#[grad] x: [0, T, 2]) -> [0, T, 15] { zero(x) }
}

#[test]
fn sequences_of_one_and_of_none() -> netform::Result<()> {
    let net = RefCell::new(Sequences::new(Cpu::f64(), 5)?);
    let of = |b, t| [vec![b, t, 2], vec![4, b, 3], vec![1, b, 3], vec![1, b, 3]];
    for (b, t) in [(1, 1), (1, 5), (3, 1), (2, 3)] {
        let shapes = of(b, t);
        differences! { net; given given_vjp (x, h, k, c) at shapes.each_ref().map(|s| &s[..]); }
    }
    differences! {
        net;
        zero zero_vjp (x) at [&[1, 1, 2][..]], [&[3, 1, 2][..]], [&[1, 4, 2][..]];
        alone alone_vjp (x, h, k, c) at [&[1, 2][..], &[4, 3], &[1, 3], &[1, 3]], [&[3, 2][..], &[4, 3], &[1, 3], &[1, 3]];
        nobody nobody_vjp (x) at [&[0, 3, 2][..]], [&[0, 1, 2][..]];
    }
    Ok(())
}

network! {
    /// Dropout between layers, beside the same layers one by one.
    struct Between {
        x: Param[2, 4, 2] = normal(1.0),
        h: Param[2, 2, 3] = normal(1.0),
        c: Param[2, 2, 3] = normal(1.0),
        rnn: RNN(2 -> 3, num_layers = 2, dropout = 0.5),
        lstm: LSTM(2 -> 3, num_layers = 2, dropout = 0.5),
        rnn_0: RNN(2 -> 3),
        rnn_0.weight_ih_l0 = rnn.weight_ih_l0,
        rnn_0.weight_hh_l0 = rnn.weight_hh_l0,
        rnn_0.bias_ih_l0 = rnn.bias_ih_l0,
        rnn_0.bias_hh_l0 = rnn.bias_hh_l0,
        rnn_1: RNN(3 -> 3),
        rnn_1.weight_ih_l0 = rnn.weight_ih_l1,
        rnn_1.weight_hh_l0 = rnn.weight_hh_l1,
        rnn_1.bias_ih_l0 = rnn.bias_ih_l1,
        rnn_1.bias_hh_l0 = rnn.bias_hh_l1,
    }
    fn loss(w: []) -> [] {
        let (a, ha) = rnn(x, h);
        let (b, (hb, cb)) = lstm(x, (h, c));
        (a.square().sum() + sin(ha).sum() + b.square().sum() + sin(hb).sum() + cos(cb).sum()) * w
    }
    /// The gradient of `w` are the last states in training.
    fn states(#[grad] w: [2, 2, 3]) -> [] {
        let (_, ends) = rnn(x, h);
        (ends * w).sum() + loss(0.0)
    }
    fn at_once(z: [B, T, 2]) -> [B, T, 3] {
        let (y, _) = rnn(z);
        y
    }
    fn one_by_one(z: [B, T, 2]) -> [B, T, 3] {
        let (y, _) = rnn_0(z);
        let (y, _) = rnn_1(y);
        y
    }
    fn ends() -> [2, 2, 3] {
        let (_, ends) = rnn(x, h);
        ends
    }
}

#[test]
fn dropout_between_layers() -> netform::Result<()> {
    let mut net = Between::new(Cpu::f64(), 6)?;
    gradients(&mut net, |net| net.loss_backward(1.2)?.item())?;
    let z = tensor(&[3, 5, 2], 1, (-1.0, 1.0));
    let wanted = net.one_by_one(&z)?.to_tensor();
    within(&net.at_once(&z)?.to_tensor(), &wanted, 1e-12);
    // The first layer's state is complete, in training, too; the second sees half of it.
    let ones = Tensor::from_vec([2, 2, 3], vec![1.0; 12])?;
    let evaluated = net.ends()?.to_tensor().to_f64_vec();
    let trained = net.states_backward(&ones)?.1.to_tensor().to_f64_vec();
    let again = net.states_backward(&ones)?.1.to_tensor().to_f64_vec();
    assert_eq!(evaluated[..6], trained[..6]);
    assert_ne!(evaluated[6..], trained[6..]);
    assert_ne!(again[6..], trained[6..]);
    Ok(())
}

network! {
    /// Attention and the layers of the Transformer, of any sizes and of none.
    struct Attends {
        attention: MultiheadAttention(4, 2),
        encode: TransformerEncoderLayer(4, 2, dim_feedforward = 3, dropout = 0.0),
        first: TransformerEncoderLayer(4, 1, dim_feedforward = 3, dropout = 0.0, norm_first = true, bias = false, activation = gelu),
        decode: TransformerDecoderLayer(4, 2, dim_feedforward = 3, dropout = 0.0, norm_first = true),
    }
    fn own(#[grad] x: [B, T, 4]) -> [B, T, 12] {
        cat([attention(x, is_causal = true), encode(x), first(x)], dim = 2)
    }
    fn cross(#[grad] x: [B, T, 4], #[grad] y: [B, S, 4]) -> [B, T, 8] {
        cat([attention(x, y), decode(x, y, tgt_is_causal = true)], dim = 2)
    }
    fn alone(#[grad] x: [T, 4], #[grad] y: [S, 4]) -> [T, 4] { attention(x, y) }
    fn layers_alone(#[grad] x: [T, 4], #[grad] y: [S, 4]) -> [T, 12] {
        cat([encode(x), first(x), decode(x, y, tgt_is_causal = true)], dim = 1)
    }
    fn nobody(#[grad] x: [0, T, 4], #[grad] y: [0, S, 4]) -> [0, T, 20] { cat([own(x), cross(x, y)], dim = 2) }
}

#[test]
fn attention_of_one_and_of_none() -> netform::Result<()> {
    let mut net = Attends::new(Cpu::f64(), 7)?;
    scatter(&mut net)?;
    let net = RefCell::new(net);
    differences! {
        net;
        own own_vjp (x) at [&[1, 1, 4][..]], [&[3, 1, 4][..]], [&[1, 5, 4][..]];
        cross cross_vjp (x, y) at [&[1, 1, 4][..], &[1, 1, 4]], [&[1, 3, 4][..], &[1, 1, 4]], [&[1, 1, 4][..], &[1, 3, 4]], [&[2, 3, 4][..], &[2, 5, 4]];
        alone alone_vjp (x, y) at [&[1, 4][..], &[1, 4]], [&[3, 4][..], &[1, 4]];
        layers_alone layers_alone_vjp (x, y) at [&[1, 4][..], &[1, 4]], [&[3, 4][..], &[2, 4]];
        nobody nobody_vjp (x, y) at [&[0, 3, 4][..], &[0, 2, 4]], [&[0, 1, 4][..], &[0, 1, 4]];
    }
    Ok(())
}

network! {
    /// Every mask of the decoder.
    struct Masked {
        src: Param[2, 4, 4] = normal(1.0),
        tgt: Param[2, 3, 4] = normal(1.0),
        scores: Param[3, 4] = normal(1.0),
        by_head: Param[4, 3, 4] = normal(1.0),
        padding: Param[2, 3] = normal(1.0),
        model: Transformer(4, 2, num_encoder_layers = 1, num_decoder_layers = 2, dim_feedforward = 3, dropout = 0.1),
    }
    fn masked(s: [B, S, 4], t: [B, T, 4], seen: bool[T, S], hidden: bool[B, S], padded: bool[B, T]) -> [B, T, 4] {
        model(
            s,
            t,
            memory_mask = seen,
            src_key_padding_mask = hidden,
            tgt_key_padding_mask = padded,
            memory_key_padding_mask = hidden,
        )
    }
    fn by_floats(s: [B, S, 4], t: [B, T, 4], seen: [T, S], hidden: [B, S], padded: [B, T]) -> [B, T, 4] {
        model(
            s,
            t,
            memory_mask = seen,
            src_key_padding_mask = hidden,
            tgt_key_padding_mask = padded,
            memory_key_padding_mask = hidden,
        )
    }
    fn causal(s: [B, S, 4], t: [B, T, 4]) -> [B, T, 4] { model(s, t, memory_is_causal = true) }
    fn causal_masked(s: [B, S, 4], t: [B, T, 4], seen: bool[T, S]) -> [B, T, 4] {
        model(s, t, memory_mask = seen)
    }
    fn loss(w: [], seen: bool[3, 4], hidden: bool[2, 4], padded: bool[2, 3]) -> [] {
        let a = masked(src, tgt, seen, hidden, padded);
        let b = causal(src, tgt);
        let c = model(src, tgt, memory_mask = scores, tgt_key_padding_mask = padding, tgt_is_causal = true);
        let d = model(src, tgt, memory_mask = by_head, memory_key_padding_mask = hidden, memory_is_causal = true);
        (sin(a) + sin(b) * cos(c) + sin(d)).sum() * w
    }
}

/// Minus infinity where a boolean hides.
fn floats(mask: &Tensor) -> Tensor {
    let one = |hidden: f64| {
        if hidden == 1.0 {
            f64::NEG_INFINITY
        } else {
            0.0
        }
    };
    let mask_of = mask.to_f64_vec().into_iter().map(one).collect();
    Tensor::from_vec(mask.shape(), mask_of).unwrap()
}

#[test]
fn masks_of_the_memory() -> netform::Result<()> {
    let mut net = Masked::new(Cpu::f64(), 8)?;
    scatter(&mut net)?;
    let seen = booleans(&[3, 4], |i| i % 4 == 2 && i < 8);
    let hidden = booleans(&[2, 4], |i| i == 3 || i > 5);
    let padded = booleans(&[2, 3], |i| i == 2);
    gradients(&mut net, |net| {
        net.loss_backward(1.1, &seen, &hidden, &padded)?.item()
    })?;

    let (s, t) = (
        tensor(&[2, 4, 4], 1, (-1.0, 1.0)),
        tensor(&[2, 3, 4], 2, (-1.0, 1.0)),
    );
    let wanted = net.masked(&s, &t, &seen, &hidden, &padded)?.to_tensor();
    let found = net.by_floats(&s, &t, &floats(&seen), &floats(&hidden), &floats(&padded))?;
    within(&found.to_tensor(), &wanted, 1e-12);
    let later = booleans(&[3, 4], |i| i % 4 > i / 4);
    let found = net.causal(&s, &t)?.to_tensor();
    within(
        &found,
        &net.causal_masked(&s, &t, &later)?.to_tensor(),
        1e-12,
    );
    // Hidden elements may have any value: elements 3, 6 and 7 of the sources, element 2 of the targets.
    let mut s = s.to_f64_vec();
    s[12..16].fill(7.0);
    s[24..].fill(-9.0);
    let mut t = t.to_f64_vec();
    t[8..12].copy_from_slice(&[5.0, -3.0, 2.0, 1.0]);
    let (s, t) = (
        Tensor::from_vec([2, 4, 4], s)?,
        Tensor::from_vec([2, 3, 4], t)?,
    );
    let found = net
        .masked(&s, &t, &seen, &hidden, &padded)?
        .to_tensor()
        .to_f64_vec();
    for (i, (a, b)) in found.iter().zip(wanted.to_f64_vec()).enumerate() {
        assert_eq!(
            (a - b).abs() <= 1e-12,
            !(8..12).contains(&i),
            "[{i}]: {a} and {b}"
        );
    }
    Ok(())
}
