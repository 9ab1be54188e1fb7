//! Functions of values of any rank: `fn swish(x: [..]) -> [..]`, lowered again at every call.

use netform::prelude::*;
use netform::{Network, Tensor};

network! {
    struct Helpers<const D: usize> {
        norm: LayerNorm(D),
        scale: Param[D] = 2.0,
        #[recompute]
        inner: Inner<D>,
    }
    fn swish(x: [..]) -> [..] { x * sigmoid(x) }
    /// The last dimension is known, those before are not.
    fn scaled(x: [.., D], gate: [D]) -> [.., D] {
        let y: [.., D] = norm(x) * scale;
        swish(y) * gate
    }
    fn first(x: [B, ..]) -> [..] { x[0] }
    fn both(x: [..], y: [..], keep: bool[..]) -> ([..], [..]) {
        (where(keep, x, y), where(keep, y, x))
    }
    fn ids(i: u32[..]) -> u32[..] { i }

    fn matrix(x: [B, D]) -> [B, D] { scaled(x, scale) }
    fn cube(x: [B, T, D]) -> [T, D] {
        let (y, z) = both(x, scaled(x, scale), x > 0.0);
        first(swish(y + z)) + inner(x)[0]
    }
    fn number(x: []) -> [] { swish(swish(x)) }
    fn row(x: [D], i: u32[D]) -> [D] { scaled(x, scale) + ids(i).float() }
    fn loss(x: [B, T, D]) -> [] { cube(x).square().sum() }
}

network! {
    struct Inner<const D: usize> {
        up: Linear(D -> D),
    }
    fn residual(x: [.., D]) -> [.., D] { x + gelu(up(x)) }
    fn forward(x: [B, T, D]) -> [B, T, D] { residual(residual(x)) }
}

fn swish(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

#[test]
fn each_call_has_a_rank_of_its_own() {
    let net = Helpers::<2, _>::new(Cpu::f64(), 1).unwrap();
    let y = net.number(1.5).unwrap().item().unwrap();
    assert!((y - swish(swish(1.5))).abs() < 1e-14);
    // Normalised rows of two are about -1 and 1.
    let normal = 1.0 / (1.0f64 + 1e-5 / 0.25).sqrt();
    let wanted = [-normal, normal].map(|x| swish(2.0 * x) * 2.0);
    let y = net.matrix(&[[0.0, 1.0], [3.0, 2.0]]).unwrap().to_tensor();
    let wanted = [wanted[0], wanted[1], wanted[1], wanted[0]];
    for (a, b) in y.to_f64_vec().iter().zip(wanted) {
        assert!((a - b).abs() < 1e-14, "{a} is not {b}");
    }
    let y = net.row(&[0.0, 1.0], &[10u32, 20]).unwrap().to_tensor();
    for (a, b) in y
        .to_f64_vec()
        .iter()
        .zip([wanted[0] + 10.0, wanted[1] + 20.0])
    {
        assert!((a - b).abs() < 1e-13, "{a} is not {b}");
    }
    let y = net.cube(&[[[0.5, -0.5]; 3]; 2]).unwrap();
    assert_eq!(y.shape(), [3, 2]);
}

#[test]
fn gradients_go_through() {
    let mut net = Helpers::<3, _>::new(Cpu::f64(), 1).unwrap();
    let mut x = vec![0f32; 2 * 2 * 3];
    netform::fill_uniform(2, 0, &mut x, -1.0, 1.0);
    let x = Tensor::from_vec([2, 2, 3], x).unwrap();
    netform::check::gradients(&mut net, |net| net.loss_backward(&x)?.item()).unwrap();
    assert_eq!(net.parameters().count(), 5);
}

network! {
    /// Hugging Face's `Conv1D`: a linear layer whose weight is stored transposed.
    struct Transposed<const I: usize, const O: usize> { weight: Param[I, O] = normal(0.5), bias: Param[O] = ones }
    fn forward(x: [.., I]) -> [.., O] { x @ weight + bias }
}

network! {
    struct Caller { up: Transposed<4, 6>, down: Transposed<6, 2> }
    fn rows(x: [B, 4]) -> [B, 2] { down(relu(up(x))) }
    fn sequences(x: [B, T, 4]) -> [B, T, 2] { down(relu(up(x))) }
}

#[test]
fn a_network_of_any_rank_is_called_by_another() -> netform::Result<()> {
    let net = Caller::new(Cpu::f64(), 1)?;
    let x = netform::Tensor::from_vec([6, 4], (0..24).map(|i| f64::from(i) / 8.0 - 1.0).collect())?;
    let rows = net.rows(&x)?.to_tensor();
    let sequences = net.sequences(&x.reshape([2, 3, 4])?)?.to_tensor();
    assert_eq!(sequences.shape(), [2, 3, 2]);
    assert_eq!(rows.to_f64_vec(), sequences.to_f64_vec());
    Ok(())
}
