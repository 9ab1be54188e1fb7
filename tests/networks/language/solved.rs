//! Sizes that follow from a multiple or a sum: `x: [B, 4 * H]`, `[B, T + 1]`.

use netform::Tensor;
use netform::prelude::*;

const HALF: usize = 2;

network! {
    use const HALF;
    struct Sizes {
        conv: Conv2d(1 -> 2, 4, stride = 4),
        unit: Unit,
    }
    fn quarters(x: [B, 1, 4 * H, 4 * W]) -> [B, H, W] { conv(x).sum(1) }
    fn next(tokens: i64[B, T + 1]) -> (i64[B, T], i64[B, T]) { (tokens[:, :-1], tokens[:, 1:]) }
    fn pairs(x: [B, 2 * N + 1], y: [M, N + M], _z: [B - 1]) -> ([B, N], [M]) {
        (x[:, ..2 * N].reshape([B, N, 2]).sum(2), y.mean(1))
    }
    fn halves(x: [HALF * D, HALF + E]) -> [D, E] { x[..D, ..E] }
    fn called(x: [B, 6 * K]) -> [B, 3 * K] { unit(x) }
    fn fixed(x: [B, 8]) -> [B, 4] { unit(x) }
}

network! {
    struct Unit { one: Param[1] }
    fn forward(x: [B, 2 * D]) -> [B, D] { x.unflatten(1, [D, 2]).sum(2) * one }
    fn sum(x: [B, 2 * D]) -> [] { forward(x).sum() }
}

fn numbers(shape: &[usize]) -> Tensor {
    let n = shape.iter().product::<usize>();
    Tensor::from_vec(shape, (0..n).map(|i| i as f64).collect()).expect("the sizes fit")
}

#[test]
fn sizes_are_solved() -> netform::Result<()> {
    let net = Sizes::new(Cpu::f64(), 1)?;
    assert_eq!(net.quarters(&numbers(&[2, 1, 8, 12]))?.shape(), [2, 2, 3]);
    assert_eq!(net.quarters(&numbers(&[0, 1, 4, 4]))?.shape(), [0, 1, 1]);
    let tokens = Tensor::from_vec([2, 4], vec![1i64, 2, 3, 4, 5, 6, 7, 8])?;
    let (now, next) = net.next(&tokens)?;
    assert_eq!(now.to_tensor().as_slice::<i64>()?, [1, 2, 3, 5, 6, 7]);
    assert_eq!(next.to_tensor().as_slice::<i64>()?, [2, 3, 4, 6, 7, 8]);
    let (a, b) = net.pairs(&numbers(&[3, 5]), &numbers(&[4, 6]), &numbers(&[2]))?;
    assert_eq!(a.to_tensor().to_f64_vec(), [1.0, 5.0, 11.0, 15.0, 21.0, 25.0]);
    assert_eq!(b.to_tensor().to_f64_vec(), [2.5, 8.5, 14.5, 20.5]);
    assert_eq!(net.halves(&numbers(&[6, 3]))?.to_tensor().to_f64_vec(), [0.0, 3.0, 6.0]);
    assert_eq!(net.called(&numbers(&[1, 12]))?.shape(), [1, 6]);
    assert_eq!(net.fixed(&numbers(&[1, 8]))?.shape(), [1, 4]);
    Ok(())
}

#[test]
fn other_sizes_are_errors() -> netform::Result<()> {
    let net = Sizes::new(Cpu::f64(), 1)?;
    let text = |e: netform::Error| e.to_string();
    let error = text(net.quarters(&numbers(&[2, 1, 8, 13])).unwrap_err());
    assert!(error.contains("4*W") && error.contains("13"), "{error}");
    let none = Tensor::from_vec([2, 0], Vec::<i64>::new())?;
    let error = text(net.next(&none).unwrap_err());
    assert!(error.contains("T + 1"), "{error}");
    let error = text(net.pairs(&numbers(&[3, 4]), &numbers(&[4, 6]), &numbers(&[2])).unwrap_err());
    assert!(error.contains("2*N + 1"), "{error}");
    let error = text(net.pairs(&numbers(&[3, 5]), &numbers(&[4, 7]), &numbers(&[2])).unwrap_err());
    assert!(error.contains("N + M") || error.contains("M + N"), "{error}");
    let error = text(net.called(&numbers(&[1, 8])).unwrap_err());
    assert!(error.contains("6*K"), "{error}");
    Ok(())
}
