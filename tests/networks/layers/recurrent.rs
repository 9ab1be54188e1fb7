//! RNN, LSTM, GRU and their cells: gradients against finite differences, sequences of different
//! lengths, odd sizes, streaming. Values against PyTorch's are in the fixtures.

use netform::check::gradients;
use netform::prelude::*;
use netform::{Network, Tensor};
use netform_networks::near::near;

/// Pseudorandom numbers in (-1, 1).
fn noise(shape: &[usize], salt: usize) -> Tensor {
    let n: usize = shape.iter().product();
    let one = |i: usize| {
        let z = ((i + 977 * salt) as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((z ^ (z >> 29)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    Tensor::from_vec(shape, (0..n).map(one).collect::<Vec<f64>>()).unwrap()
}

/// Declares a network whose inputs are parameters, and checks the gradients of all of them.
macro_rules! differences {
    ($($name:ident: $layer:ident($($args:tt)*), $batch:literal x $steps:literal x $input:literal,
       |$net:ident, $x:ident, $lengths:ident| { $($loss:tt)* }, fields { $($fields:tt)* };)*) => {$(
        #[test]
        fn $name() {
            network! {
                struct Net {
                    $net: $layer($($args)*),
                    $x: Param[$batch, $steps, $input] = ones,
                    $($fields)*
                }
                fn loss($lengths: u32[$batch]) -> [] { $($loss)* }
            }
            let mut net = Net::new(Cpu::f64(), 3).unwrap();
            let names: Vec<(String, Vec<usize>)> = (net.parameters())
                .map(|p| (p.name().to_owned(), p.shape().to_vec()))
                .collect();
            for (salt, (name, shape)) in names.iter().enumerate() {
                net.set_parameter(name, &noise(shape, salt)).unwrap();
            }
            let lengths: Vec<u32> = (0..$batch).map(|b| (b * 2 + 1).min($steps)).collect();
            let report = gradients(&mut net, |net| net.loss_backward(&lengths)?.item()).unwrap();
            assert!(report.parameters.iter().all(|p| p.error < 1e-6), "{report}");
        }
    )*};
}

differences! {
    rnn: RNN(3 -> 4), 2 x 5 x 3, |rnn, x, lengths| {
        let (y, h) = rnn(x);
        (y * y).sum() + h.sin().sum() + lengths.float().sum() * 0.0
    }, fields {};
    rnn_relu_bidirectional: RNN(3 -> 4, nonlinearity = "relu", bidirectional = true), 2 x 5 x 3, |rnn, x, lengths| {
        let (y, h) = rnn(x, lengths = lengths);
        (y * y).sum() + h.sin().sum()
    }, fields {};
    lstm_everything: LSTM(3 -> 4, num_layers = 2, bidirectional = true), 3 x 5 x 3, |lstm, x, lengths| {
        let (y, (h, c)) = lstm(x, (h0, c0), lengths = lengths);
        (y * y).sum() + h.sin().sum() + c.cos().sum()
    }, fields { h0: Param[4, 3, 4] = zeros, c0: Param[4, 3, 4] = zeros };
    lstm_of_one_step: LSTM(1 -> 1), 1 x 1 x 1, |lstm, x, lengths| {
        let (y, (h, c)) = lstm(x, lengths = lengths);
        (y * y).sum() + h.sin().sum() + c.cos().sum()
    }, fields {};
    lstm_projected: LSTM(3 -> 5, proj_size = 2, num_layers = 2, bidirectional = true, bias = false), 2 x 4 x 3, |lstm, x, lengths| {
        let (y, (h, c)) = lstm(x, (h0, c0), lengths = lengths);
        (y * y).sum() + h.sin().sum() + c.cos().sum()
    }, fields { h0: Param[4, 2, 2] = zeros, c0: Param[4, 2, 5] = zeros };
    gru_everything: GRU(3 -> 4, num_layers = 2, bidirectional = true), 3 x 5 x 3, |gru, x, lengths| {
        let (y, h) = gru(x, h0, lengths = lengths);
        (y * y).sum() + h.sin().sum()
    }, fields { h0: Param[4, 3, 4] = zeros };
    gru_with_dropout: GRU(2 -> 3, num_layers = 3, dropout = 0.4, bias = false), 2 x 7 x 2, |gru, x, lengths| {
        let (y, h) = gru(x);
        (y * y).sum() + h.sin().sum() + lengths.float().sum() * 0.0
    }, fields {};
    pooled: GRU(2 -> 3), 3 x 7 x 2, |gru, x, lengths| {
        let (y, _) = gru(x, lengths = lengths);
        sequence_mean(y, lengths).square().sum() + sequence_max(y.sin(), lengths).sum()
    }, fields {};
}

network! {
    /// Three kinds over sequences of any lengths.
    struct Kinds {
        rnn: RNN(3 -> 4, bidirectional = true),
        lstm: LSTM(3 -> 4, num_layers = 2, bidirectional = true),
        gru: GRU(3 -> 4, num_layers = 2),
    }
    fn all(x: [B, T, 3], lengths: u32[B]) -> ([B, T, 20], [2, B, 4], [4, B, 4], [4, B, 4], [2, B, 4]) {
        let (a, ha) = rnn(x, lengths = lengths);
        let (b, (hb, cb)) = lstm(x, lengths = lengths);
        let (c, hc) = gru(x, lengths = lengths);
        (cat([a, b, c], dim = 2), ha, hb, cb, hc)
    }
    fn whole(x: [B, T, 3]) -> ([B, T, 20], [2, B, 4], [4, B, 4], [4, B, 4], [2, B, 4]) {
        let (a, ha) = rnn(x);
        let (b, (hb, cb)) = lstm(x);
        let (c, hc) = gru(x);
        (cat([a, b, c], dim = 2), ha, hb, cb, hc)
    }
    fn alone(x: [T, 3]) -> ([T, 20], [2, 4], [4, 4], [4, 4], [2, 4]) {
        let (a, ha) = rnn(x);
        let (b, (hb, cb)) = lstm(x);
        let (c, hc) = gru(x);
        (cat([a, b, c], dim = 1), ha, hb, cb, hc)
    }
    fn loss(x: [B, T, 3], lengths: u32[B]) -> [] {
        let (y, ha, hb, cb, hc) = all(x, lengths);
        (y * y).sum() + ha.sum() + hb.sum() + cb.sum() + hc.sum()
    }
}

/// Sequences in a batch give the same results as each alone, and elements after the end are never read: here they are
/// NaN.
#[test]
fn lengths_are_sequences_alone() {
    let mut net = Kinds::new(Cpu::f64(), 5).unwrap();
    let lengths = [5u32, 1, 3, 0];
    let t = 5;
    let mut x = noise(&[4, t, 3], 1).to_f64_vec();
    for (b, &n) in lengths.iter().enumerate() {
        x[(b * t + n as usize) * 3..(b + 1) * t * 3].fill(f64::NAN);
    }
    let x = Tensor::from_vec([4, t, 3], x).unwrap();
    let (y, ha, hb, cb, hc) = net.all(&x, &lengths).unwrap();
    let y = y.to_tensor().to_f64_vec();
    let states = [
        ha.to_tensor(),
        hb.to_tensor(),
        cb.to_tensor(),
        hc.to_tensor(),
    ];
    for (b, &n) in lengths.iter().enumerate() {
        let n = n as usize;
        if n == 0 {
            let zero = |s: &Tensor| {
                (0..s.shape()[0]).all(|l| s.to_f64_vec()[(l * 4 + b) * 4..][..4] == [0.0; 4])
            };
            assert!(states.iter().all(zero), "no element leaves the first state");
            continue;
        }
        let rows = x.to_f64_vec()[b * t * 3..(b * t + n) * 3].to_vec();
        let one = Tensor::from_vec([n, 3], rows).unwrap();
        let (alone, ha, hb, cb, hc) = net.alone(&one).unwrap();
        near(
            "outputs",
            &y[b * t * 20..(b * t + n) * 20],
            &alone.to_tensor().to_f64_vec(),
            1e-12,
        );
        assert!(
            y[(b * t + n) * 20..(b + 1) * t * 20]
                .iter()
                .all(|&v| v == 0.0)
        );
        let alone = [
            ha.to_tensor(),
            hb.to_tensor(),
            cb.to_tensor(),
            hc.to_tensor(),
        ];
        for (all, one) in states.iter().zip(&alone) {
            let (all, layers) = (all.to_f64_vec(), all.shape()[0]);
            let found: Vec<f64> = (0..layers)
                .flat_map(|l| all[(l * 4 + b) * 4..(l * 4 + b + 1) * 4].to_vec())
                .collect();
            near("states", &found, &one.to_f64_vec(), 1e-12);
        }
    }
    net.loss_backward(&x, &lengths).unwrap();
    for p in net.parameters().map(|p| p.name()).collect::<Vec<_>>() {
        let g = net.gradient(p).unwrap().to_f64_vec();
        assert!(g.iter().all(|v| v.is_finite()), "{p}");
    }
}

/// Full lengths are the same as no lengths; a length above T is taken as T; an empty batch has no lengths.
#[test]
fn edges() {
    let mut net = Kinds::new(Cpu::f64(), 5).unwrap();
    let x = noise(&[3, 6, 3], 2);
    let whole = net.whole(&x).unwrap().0.to_tensor();
    for lengths in [[6u32; 3], [9; 3]] {
        let some = net.all(&x, &lengths).unwrap().0.to_tensor();
        near("outputs", &some.to_f64_vec(), &whole.to_f64_vec(), 1e-12);
    }
    let none = Tensor::from_vec([0, 6, 3], Vec::<f64>::new()).unwrap();
    let lengths: [u32; 0] = [];
    assert_eq!(net.all(&none, &lengths).unwrap().0.shape(), [0, 6, 20]);
    let loss = net.loss_backward(&none, &lengths).unwrap();
    assert_eq!(loss.item().unwrap(), 0.0);
}

network! {
    /// Step by step, with what is kept between calls.
    struct Stream {
        lstm: LSTM(3 -> 4),
        cell: LSTMCell(3 -> 4),
        gru: GRU(3 -> 4, num_layers = 2),
        gru_cell: GRUCell(3 -> 4),
        rnn_cell: RNNCell(3 -> 4, nonlinearity = "relu"),
    }
    fn whole(x: [B, T, 3]) -> ([B, T, 4], [B, T, 4]) {
        let (a, _) = lstm(x);
        let (b, _) = gru(x);
        (a, b)
    }
    fn part(x: [B, T, 3], #[state] h: [1, B, 4], #[state] c: [1, B, 4], #[state] s: [2, B, 4])
        -> ([B, T, 4], [B, T, 4])
    {
        let (a, (h_next, c_next)) = lstm(x, (h, c));
        let (b, s_next) = gru(x, s);
        h = h_next;
        c = c_next;
        s = s_next;
        (a, b)
    }
    fn steps(x: [B, T, 3]) -> [B, T, 4] {
        let ((_, _), y) = scan(x, (zeros([B, 4]), zeros([B, 4])), |(h, c), x_t| {
            let (h, c) = cell(x_t, (h, c));
            ((h, c), h)
        });
        y
    }
    fn one(x: [3]) -> ([4], [4]) {
        (gru_cell(x), rnn_cell(x))
    }
    fn two(x: [B, 3]) -> ([B, 4], [B, 4]) {
        (gru_cell(x), rnn_cell(x))
    }
    fn nobody(x: [0, 6, 3]) -> ([0, 6, 4], [2, 0, 4]) {
        gru(x)
    }
}

/// A sequence in parts with the states passed on equals the whole sequence; a cell in `scan` equals the layer.
#[test]
fn streams_and_cells() {
    let mut net = Stream::new(Cpu::f64(), 8).unwrap();
    for name in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] {
        let value = net.parameter(&format!("lstm.{name}_l0")).unwrap();
        net.set_parameter(&format!("cell.{name}"), &value).unwrap();
    }
    let x = noise(&[2, 6, 3], 4);
    let (a, b) = net.whole(&x).unwrap();
    let (a, b) = (a.to_tensor().to_f64_vec(), b.to_tensor().to_f64_vec());
    near(
        "cells",
        &net.steps(&x).unwrap().to_tensor().to_f64_vec(),
        &a,
        1e-12,
    );
    let mut state = net.state(2).unwrap();
    let x = x.to_f64_vec();
    for t in 0..6 {
        let part: Vec<f64> = (0..2)
            .flat_map(|b| x[(b * 6 + t) * 3..(b * 6 + t + 1) * 3].to_vec())
            .collect();
        let part = Tensor::from_vec([2, 1, 3], part).unwrap();
        let (ya, yb) = net.part(&part, &mut state).unwrap();
        for (y, whole) in [(ya.to_tensor(), &a), (yb.to_tensor(), &b)] {
            let wanted: Vec<f64> = (0..2)
                .flat_map(|b| whole[(b * 6 + t) * 4..(b * 6 + t + 1) * 4].to_vec())
                .collect();
            near("a part", &y.to_f64_vec(), &wanted, 1e-12);
        }
    }
    let none = Tensor::from_vec([0, 6, 3], Vec::<f64>::new()).unwrap();
    assert_eq!(net.nobody(&none).unwrap().0.shape(), [0, 6, 4]);
    let one = noise(&[3], 9);
    let (g, r) = net.one(&one).unwrap();
    let two = Tensor::from_vec([1, 3], one.to_f64_vec()).unwrap();
    let (g2, r2) = net.two(&two).unwrap();
    near(
        "a cell",
        &g.to_tensor().to_f64_vec(),
        &g2.to_tensor().to_f64_vec(),
        1e-12,
    );
    near(
        "a cell",
        &r.to_tensor().to_f64_vec(),
        &r2.to_tensor().to_f64_vec(),
        1e-12,
    );
}
