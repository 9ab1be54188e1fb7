//! Parts of arrays and lists of layers: `blocks[1..3]`.

use netform::Network;
use netform::prelude::*;

network! {
    struct Parts {
        blocks: [Linear(4 -> 4); 5],
        norms: [BatchNorm1d(4); 3],
        unlike: [Linear(4 -> 6), Linear(6 -> 6), Linear(6 -> 4)],
        chain: Sequential(Linear(4 -> 8), ReLU(), Linear(8 -> 4)),
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut h = blocks[1..3](x);
        for block in blocks[3..] { h = h + tanh(block(h)); }
        for (block, scale) in zip(blocks[..-3], [2, 3].view([2])) { h = h + block(h) * scale; }
        let inner = blocks[1:9];
        h = inner[-1](h) + blocks[2:2](h);
        for norm in norms[1..] { h = norm(h); }
        for layer in unlike[..2] { h = layer(h); }
        h = unlike[-1](h);
        chain[1:](chain[:1](h)) + chain[:0](h)
    }
    fn loss(x: [B, 4]) -> [] { forward(x).square().mean() }
}

network! {
    /// The same, element by element.
    struct Whole {
        blocks: [Linear(4 -> 4); 5],
        norms: [BatchNorm1d(4); 3],
        unlike: [Linear(4 -> 6), Linear(6 -> 6), Linear(6 -> 4)],
        chain: Sequential(Linear(4 -> 8), ReLU(), Linear(8 -> 4)),
    }
    fn forward(x: [B, 4]) -> [B, 4] {
        let h = blocks[2](blocks[1](x));
        let h = h + tanh(blocks[3](h));
        let h = h + tanh(blocks[4](h));
        let h = h + 2 * blocks[0](h);
        let h = h + 3 * blocks[1](h);
        let h = blocks[4](h) + h;
        let h = norms[2](norms[1](h));
        let h = unlike[2](unlike[1](unlike[0](h)));
        chain(h) + h
    }
    fn loss(x: [B, 4]) -> [] { forward(x).square().mean() }
}

const X: [[f64; 4]; 3] = [
    [0.1, 0.9, -0.4, 0.3],
    [-1.2, 0.5, 0.8, -0.6],
    [0.7, -0.2, 1.5, 0.4],
];

/// Values, gradients and running statistics are those of the same layers one by one.
#[test]
fn a_part_is_its_layers_in_order() -> netform::Result<()> {
    let mut parts = Parts::new(Cpu::f64(), 3)?;
    let mut whole = Whole::new(Cpu::f64(), 3)?;
    assert_eq!(parts.forward(&X)?.to_vec(), whole.forward(&X)?.to_vec());
    parts.loss_backward(&X)?;
    whole.loss_backward(&X)?;
    let names: Vec<String> = whole.parameters().map(|p| p.name().to_owned()).collect();
    for name in names {
        let (a, b) = (parts.gradient(&name)?, whole.gradient(&name)?);
        for (a, b) in a
            .as_slice::<f64>()?
            .to_vec()
            .iter()
            .zip(b.as_slice::<f64>()?.to_vec())
        {
            assert!((a - b).abs() < 1e-12, "{name}: {a} and {b}");
        }
    }
    // The first norm is not called.
    assert_eq!(
        parts
            .parameter("norms.0.running_mean")?
            .as_slice::<f64>()?
            .to_vec(),
        [0.0; 4]
    );
    for name in ["norms.1.running_mean", "norms.2.running_var"] {
        let (a, b) = (parts.parameter(name)?, whole.parameter(name)?);
        for (a, b) in a
            .as_slice::<f64>()?
            .to_vec()
            .iter()
            .zip(b.as_slice::<f64>()?.to_vec())
        {
            assert!((a - b).abs() < 1e-12, "{name}: {a} and {b}");
        }
        assert_ne!(a.as_slice::<f64>()?.to_vec(), [0.0; 4], "{name}");
    }
    Ok(())
}
