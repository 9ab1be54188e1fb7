//! `bool` const parameters and Rust constants: in conditions, as arguments of layers and ops, and as parameters of
//! networks in fields. Each network has the parameters and the values of the same network written without them.

use netform::Network;
use netform::prelude::*;

const CAUSAL: bool = true;
const BIAS: bool = false;
const KEEP: bool = true;

mod parts {
    use netform::prelude::*;

    const SCALED: bool = true;

    network! {
        pub struct Block<const D: usize, const SHORTCUT: bool, const BIAS: bool = true> {
            fc: Linear(D -> D, bias = BIAS),
            #[when(!SHORTCUT)]
            project: Linear(D -> D),
        }
        fn forward(x: [B, D]) -> [B, D] {
            let y = fc(x).tanh();
            let y = if SCALED { 0.5 * y } else { y };
            if SHORTCUT { x + y } else { project(x) + y }
        }
    }
    network! {
        pub struct Around<const D: usize, const FIRST: bool> {
            inner: Block<D, FIRST>,
            other: Block<D, { !FIRST }, FIRST>,
        }
        fn forward(x: [B, D]) -> [B, D] {
            if FIRST || SCALED { other(inner(x)) } else { x }
        }
    }
}

network! {
    struct Net {
        a: parts::Block<4, true>,
        b: parts::Block<4, false, BIAS>,
        c: [parts::Block<4, { i > 0 }>; 2],
        d: parts::Around<4, CAUSAL>,
        attention: MultiheadAttention(4, 2, bias = BIAS, batch_first = KEEP),
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut y = b(a(x));
        for block in c {
            y = block(y);
        }
        let y = d(y).unsqueeze(0);
        let y = attention(scaled_dot_product_attention(y, y, y, is_causal = CAUSAL));
        let mean = y.mean(1, keepdim = KEEP);
        let y = if CAUSAL && !BIAS { y - mean } else { y };
        y.squeeze(0)
    }
    fn loss(x: [B, 4]) -> [] { forward(x).square().mean() }
}

network! {
    struct WithProjection {
        fc: Linear(4 -> 4),
        project: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { project(x) + 0.5 * fc(x).tanh() }
}
network! {
    struct WithoutBias {
        fc: Linear(4 -> 4, bias = false),
        project: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { project(x) + 0.5 * fc(x).tanh() }
}
network! {
    struct WithShortcut {
        fc: Linear(4 -> 4),
    }
    fn forward(x: [B, 4]) -> [B, 4] { x + 0.5 * fc(x).tanh() }
}
network! {
    struct Plain {
        a: WithShortcut,
        b: WithoutBias,
        c: [WithProjection, WithShortcut],
        #[name = "d.inner"]
        d_inner: WithShortcut,
        #[name = "d.other"]
        d_other: WithProjection,
        attention: MultiheadAttention(4, 2, bias = false, batch_first = true),
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut y = b(a(x));
        for block in c {
            y = block(y);
        }
        let y = d_other(d_inner(y)).unsqueeze(0);
        let y = attention(scaled_dot_product_attention(y, y, y, is_causal = true));
        (y - y.mean(1, keepdim = true)).squeeze(0)
    }
    fn loss(x: [B, 4]) -> [] { forward(x).square().mean() }
}

fn shapes(net: &impl Network) -> Vec<(String, Vec<usize>)> {
    let all = net.parameters();
    all.map(|p| (p.name().to_string(), p.shape().to_vec()))
        .collect()
}

#[test]
fn booleans_choose_as_written() -> netform::Result<()> {
    let (mut net, mut plain) = (Net::new(Cpu::f64(), 1)?, Plain::new(Cpu::f64(), 1)?);
    assert_eq!(shapes(&net), shapes(&plain));
    let x: Vec<[f64; 4]> = (0..5)
        .map(|b| std::array::from_fn(|i| ((b * 4 + i) as f64 * 0.7).sin()))
        .collect();
    assert_eq!(net.forward(&x)?.to_vec(), plain.forward(&x)?.to_vec());
    let (mut adam, mut other) = (Adam::new(1e-2), Adam::new(1e-2));
    for _ in 0..3 {
        let (a, b) = (
            net.loss_step(&mut adam, &x)?,
            plain.loss_step(&mut other, &x)?,
        );
        assert_eq!(a.item()?, b.item()?);
    }
    Ok(())
}

#[test]
fn programs_give_boolean_parameters() -> netform::Result<()> {
    let with = shapes(&parts::Block::<3, false>::new(Cpu::new(), 1)?);
    assert_eq!(with.len(), 4);
    let without = shapes(&parts::Block::<3, true, false>::new(Cpu::new(), 1)?);
    assert_eq!(without, [("fc.weight".to_owned(), vec![3, 3])]);
    Ok(())
}
