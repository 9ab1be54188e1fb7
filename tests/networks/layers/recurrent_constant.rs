//! The number of layers of a recurrent network as a Rust constant: as with a number.

use netform::Network;
use netform::prelude::*;

const LAYERS: usize = 3;
const ONE: usize = 1;
const RATE: f64 = 0.4;

/// Two networks of one source: the number of layers is a constant, and a number.
macro_rules! twice {
    ($($module:ident $layers:tt $count:tt $layer:ident ($($more:tt)*) { $($functions:tt)* })*) => {$(
        mod $module {
            use super::*;
            pub mod constant {
                use super::*;
                network! { pub struct Net { rnn: $layer(3 -> 4, num_layers = $layers, $($more)*) } $($functions)* }
            }
            pub mod number {
                use super::*;
                network! { pub struct Net { rnn: $layer(3 -> 4, num_layers = $count, $($more)*) } $($functions)* }
            }
        }
    )*};
}

twice! {
    lstm LAYERS 3 LSTM () {
        fn forward(x: [B, T, 3]) -> ([B, T, 4], [3, B, 4], [3, B, 4]) {
            let (y, (h, c)) = rnn(x);
            (y, h, c)
        }
        fn loss(x: [B, T, 3]) -> [] {
            let (y, h, c) = forward(x);
            y.square().mean() + h.mean() * c.square().sum()
        }
    }
    projected LAYERS 3 LSTM (bidirectional = true, proj_size = 2, bias = false) {
        fn forward(x: [B, T, 3]) -> ([B, T, 4], [6, B, 2], [6, B, 4]) {
            let (y, (h, c)) = rnn(x);
            (y, h, c)
        }
        fn loss(x: [B, T, 3]) -> [] {
            let (y, h, c) = forward(x);
            y.square().mean() + h.mean() * c.square().sum()
        }
    }
    gru LAYERS 3 GRU (bidirectional = true, batch_first = false) {
        fn forward(x: [T, B, 3], h: [6, B, 4], ends: u32[B]) -> ([T, B, 8], [6, B, 4]) { rnn(x, h, lengths = ends) }
        fn loss(x: [T, B, 3], h: [6, B, 4], ends: u32[B]) -> [] {
            let (y, h) = forward(x, h, ends);
            y.square().mean() + h.sum()
        }
    }
}

twice! {
    unbatched LAYERS 3 GRU (bidirectional = true) {
        fn forward(x: [T, 3], h: [6, 4]) -> ([T, 8], [6, 4]) { rnn(x, h) }
        fn loss(x: [T, 3], h: [6, 4]) -> [] {
            let (y, h) = forward(x, h);
            y.square().mean() + h.sum()
        }
    }
    one ONE 1 LSTM (bidirectional = true) {
        fn forward(x: [B, T, 3], h: [2, B, 4]) -> ([B, T, 8], [2, B, 4], [2, B, 4]) {
            let (y, (h, c)) = rnn(x, (h, h));
            (y, h, c)
        }
        fn loss(x: [B, T, 3], h: [2, B, 4]) -> [] {
            let (y, h, c) = forward(x, h);
            y.square().mean() + h.mean() * c.square().sum()
        }
    }
}

fn names<N: Network>(net: &N) -> Vec<(String, Vec<usize>)> {
    let all = net.parameters();
    all.map(|p| (p.name().to_owned(), p.shape().to_vec()))
        .collect()
}

fn value(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let one = |i: usize| ((i * 37 % 101) as f64 - 50.0) / 40.0;
    Tensor::from_vec(shape, (0..n).map(one).collect::<Vec<f64>>()).unwrap()
}

macro_rules! alike {
    ($module:ident, $($argument:expr),*; $($result:ident)*) => {{
        let mut constant = $module::constant::Net::new(Cpu::f64(), 3)?;
        let mut number = $module::number::Net::new(Cpu::f64(), 3)?;
        assert_eq!(names(&constant), names(&number));
        let start: Vec<_> = names(&constant).iter().map(|(n, _)| constant.parameter(n).unwrap()).collect();
        let other: Vec<_> = names(&number).iter().map(|(n, _)| number.parameter(n).unwrap()).collect();
        assert_eq!(start, other);
        let ($($result,)*) = constant.forward($($argument),*)?.into();
        let outputs = vec![$($result.to_tensor()),*];
        let ($($result,)*) = number.forward($($argument),*)?.into();
        assert_eq!(outputs, vec![$($result.to_tensor()),*]);
        let (mut a, mut b) = (Sgd::new(0.1), Sgd::new(0.1));
        for _ in 0..3 {
            let (y, z) = (constant.loss_step(&mut a, $($argument),*)?, number.loss_step(&mut b, $($argument),*)?);
            assert_eq!(y.item()?, z.item()?);
        }
        let end: Vec<_> = names(&constant).iter().map(|(n, _)| constant.parameter(n).unwrap()).collect();
        let other: Vec<_> = names(&number).iter().map(|(n, _)| number.parameter(n).unwrap()).collect();
        assert_eq!(end, other);
    }};
}

#[test]
fn as_with_a_number() -> netform::Result<()> {
    let x = value(&[2, 5, 3]);
    alike!(lstm, &x; y h c);
    alike!(projected, &x; y h c);
    let ends = [3u32, 0, 5, 4];
    alike!(gru, &value(&[5, 4, 3]), &value(&[6, 4, 4]), &ends[..]; y h);
    alike!(unbatched, &value(&[5, 3]), &value(&[6, 4]); y h);
    alike!(one, &x, &value(&[2, 2, 4]); y h c);
    Ok(())
}

network! {
    /// The number is a const parameter, in an array, with dropout.
    struct Inner<const N: usize> { rnns: [GRU(4 -> 4, num_layers = N, dropout = RATE); 2] }
    fn forward(x: [B, T, 4]) -> [B, T, 4] {
        let mut y = x;
        for rnn in rnns {
            let (z, _) = rnn(y);
            y = z;
        }
        y
    }
}

network! {
    struct Outer { first: Linear(3 -> 4), inner: Inner<LAYERS>, single: Inner<1>, rest: Inner<{ LAYERS + 1 }> }
    fn forward(x: [B, T, 3]) -> [B, T, 4] { rest(single(inner(first(x)))) }
    fn loss(x: [B, T, 3]) -> [] { forward(x).square().mean() }
}

#[test]
fn in_networks_and_arrays() -> netform::Result<()> {
    let mut net = Outer::new(Cpu::new(), 1)?;
    let has = |name: &str| names(&net).iter().any(|(n, _)| n == name);
    for (name, wanted) in [
        ("inner.rnns.1.weight_ih_l2", true),
        ("inner.rnns.1.weight_ih_l3", false),
        ("single.rnns.0.bias_hh_l0", true),
        ("single.rnns.0.bias_hh_l1", false),
        ("rest.rnns.0.weight_hh_l3", true),
    ] {
        assert_eq!(has(name), wanted, "{name}");
    }
    let x = value(&[2, 5, 3]);
    let mut adam = Adam::new(0.01);
    let first = net.loss_step(&mut adam, &x)?.item()?;
    for _ in 0..50 {
        net.loss_step(&mut adam, &x)?;
    }
    let last = net.loss_step(&mut adam, &x)?.item()?;
    assert!(last < 0.5 * first);
    Ok(())
}
