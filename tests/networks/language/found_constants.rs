//! Rust constants that only the shape of an argument names: the error without them suggests that they are constants.

use netform::prelude::*;

const HEADS: usize = 2;
const IMAGE: usize = 6;
const CELLS: usize = 9;

network! {
    struct Attention {
        q: Linear(8 -> 8),
    }
    /// 8 features are 2 heads of 4.
    fn forward(x: [B, T, 8], bias: [1, HEADS, T, T]) -> [B, T, 8] {
        let q = q(x).view(B, T, HEADS, 4).transpose(1, 2);
        let scores = softmax(q.matmul(q.transpose(2, 3)) + bias, dim = -1);
        scores.matmul(q).transpose(1, 2).flatten(2)
    }
}

network! {
    struct Outer {
        attention: Attention,
        patches: Conv2d(3 -> 8, 2, stride = 2),
        mix: Linear(CELLS -> CELLS),
    }
    /// The cells of the image are the inputs of `mix`: an equation in `IMAGE` that rustc checks.
    fn forward(x: [B, 3, IMAGE, IMAGE], bias: [1, 2, CELLS, CELLS]) -> [B, CELLS, 8] {
        attention(mix(patches(x).flatten(2)).transpose(1, 2), bias)
    }
    fn loss(x: [B, 3, IMAGE, IMAGE], bias: [1, 2, CELLS, CELLS]) -> [] { forward(x, bias).mean() }
}

#[test]
fn a_name_of_a_signature_is_a_constant_where_it_must_be() -> netform::Result<()> {
    let net = Attention::new(Cpu::new(), 1)?;
    let x = Tensor::zeros::<f32>([3, 5, 8])?;
    assert_eq!(
        net.forward(&x, &Tensor::zeros::<f32>([1, 2, 5, 5])?)?
            .shape(),
        [3, 5, 8]
    );
    // Not a dimension: another number of heads is refused.
    assert!(
        net.forward(&x, &Tensor::zeros::<f32>([1, 3, 5, 5])?)
            .is_err()
    );

    let mut net = Outer::new(Cpu::new(), 1)?;
    let (x, bias) = (
        Tensor::zeros::<f32>([2, 3, 6, 6])?,
        Tensor::zeros::<f32>([1, 2, 9, 9])?,
    );
    assert_eq!(net.forward(&x, &bias)?.shape(), [2, 9, 8]);
    net.loss_step(&mut Adam::new(1e-3), &x, &bias)?;
    assert!(
        net.forward(&Tensor::zeros::<f32>([2, 3, 7, 7])?, &bias)
            .is_err()
    );
    Ok(())
}
