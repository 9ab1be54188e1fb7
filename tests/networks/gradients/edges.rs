//! The edges of functions, names and dimensions: values that are easily NaN, out of range or taken.

use netform::prelude::*;

const IN: usize = 4;

network! {
    struct Edges {
        linear: Linear(IN -> 2),
        flatten: Flatten(end_dim = 2),
        pool: MaxPool1d(3, 2, 0, 1, true),
    }

    fn bce(#[grad] p: [B], t: [B]) -> [] { binary_cross_entropy(p, t, reduction = "sum") }
    fn std(#[grad] x: [B, 3]) -> [] { x.std(1).sum() }
    fn norm(#[grad] x: [B]) -> [] { x.norm() }
    fn halves(x: [B], y: [B / 2]) -> [B] { x + cat([y, y]) }
    fn after(x: [T], y: [T - 3]) -> [] { x.sum() + y.sum() }
    fn each(#[grad] x: [B, C], y: u32[B]) -> [B] { nll_loss(x, y, reduction = "none") }
    fn pick(i: u32[], #[grad] v: []) -> [] { where(arange(10) == i, v, 0.0).sum(0) }
    fn scaled(ids: u32[B]) -> ([B], i32[B]) { (ids * 1.0, ids - 5) }
    fn chosen(c: bool[B], x: [B]) -> bool[B] { where(c, x > 0, x < -1) }

    // Arguments in the order of PyTorch's layers.
    fn flattened(x: [B, 2, 3, 4]) -> [B, 6, 4] { flatten(x) }
    fn pooled(x: [B, C, 6]) -> ([B, C, 2], i32[B, C, 2]) { pool(x) }

    // Names that generated code uses, or could not use.
    fn named(optimizer: [AS, IN], results: [AS, 2], run: [TYPE]) -> [] {
        mse_loss(linear(optimizer), results) + run.sum()
    }
}

fn net() -> Edges {
    Edges::new(Cpu::new(), 0).unwrap()
}

#[test]
fn gradients_are_finite_where_functions_are_flat() {
    let mut net = net();
    let (loss, dp) = net
        .bce_backward(&[0.0, 1.0, 1.0, 0.5], &[0.0, 1.0, 0.0, 1.0])
        .unwrap();
    assert!((loss.item().unwrap() - 100.693_15).abs() < 1e-3);
    assert!(dp.iter().all(|d| d.is_finite()), "{dp:?}");
    let (_, dx) = net.std_backward(&[[2.0, 2.0, 2.0]]).unwrap();
    assert_eq!(*dx, [[0.0; 3]]);
    let (_, dx) = net.norm_backward(&[0.0, 0.0]).unwrap();
    assert_eq!(*dx, [0.0; 2]);
}

#[test]
fn arguments_of_layers_come_in_pytorchs_order() -> netform::Result<()> {
    let net = net();
    let x = netform::Tensor::from_vec([1, 2, 3, 4], vec![0.5f32; 24])?;
    assert_eq!(net.flattened(&x)?.shape(), [1, 6, 4]);
    let x = netform::Tensor::from_vec([1, 1, 6], vec![1.0f32, 3.0, 2.0, 0.0, 5.0, 4.0])?;
    let (largest, at) = net.pooled(&x)?;
    assert_eq!(largest.to_tensor().to_f64_vec(), [3.0, 5.0]);
    assert_eq!(at.to_tensor().to_f64_vec(), [1.0, 4.0]);
    Ok(())
}

#[test]
fn conditions_stated_in_signatures_are_checked() {
    let mut net = net();
    assert_eq!(
        *net.halves(&[1.0; 4], &[1.0, 2.0]).unwrap(),
        [2.0, 3.0, 2.0, 3.0]
    );
    let odd = net.halves(&[1.0; 5], &[1.0, 2.0]).unwrap_err().to_string();
    assert!(odd.contains("B must be a multiple of 2"), "{odd}");
    assert_eq!(
        net.after(&[1.0; 5], &[1.0, 2.0]).unwrap().item().unwrap(),
        8.0
    );
    let short = net.after(&[1.0; 1], &[1.0; 0]).unwrap_err().to_string();
    assert!(
        short.contains("T must be at least 3, but it is 1"),
        "{short}"
    );
    let one = net.after_backward(&[1.0; 2], &[1.0; 0]);
    assert!(one.is_err());
}

#[test]
fn positions_out_of_range_are_told_backward_too() {
    let mut net = net();
    assert!(net.each(&[[0.0f32; 3]; 2], &[1, 99]).is_err());
    assert!(
        net.each_vjp(&[[0.0f32; 3]; 2], &[1, 99], &[1.0, 1.0])
            .is_err()
    );
    assert!(
        net.each_vjp(&[[0.0f32; 3]; 2], &[1, 2], &[1.0, 1.0])
            .is_ok()
    );
    for (i, want) in [(3u32, 2.5), (12, 0.0)] {
        let (sum, dv) = net.pick_backward(i, 2.5).unwrap();
        assert_eq!(
            (sum.item().unwrap(), dv.item().unwrap()),
            (want, if want > 0.0 { 1.0 } else { 0.0 })
        );
    }
}

#[test]
fn numbers_keep_their_types() {
    let net = net();
    let (floats, integers) = net.scaled(&[3u32, 7]).unwrap();
    assert_eq!(
        (floats.as_slice(), integers.as_slice()),
        (&[3.0f32, 7.0][..], &[-2, 2][..])
    );
    let chosen = net
        .chosen(&[true, false, false], &[1.0, -2.0, 1.0])
        .unwrap();
    assert_eq!(chosen.as_slice(), [true, true, false]);
}

#[test]
fn names_of_generated_code_are_free() {
    let mut net = net();
    let mut sgd = Sgd::new(0.1);
    let x = [[0.5f32; IN]; 3];
    net.named_step(&mut sgd, &x, &[[0.0f32; 2]; 3], &[0.0f32])
        .unwrap();
    let bytes = Edges::named_backward_memory(3, 1);
    assert!(bytes > 0);
}
