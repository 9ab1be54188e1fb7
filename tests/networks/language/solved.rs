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
    assert_eq!(
        a.to_tensor().to_f64_vec(),
        [1.0, 5.0, 11.0, 15.0, 21.0, 25.0]
    );
    assert_eq!(b.to_tensor().to_f64_vec(), [2.5, 8.5, 14.5, 20.5]);
    assert_eq!(
        net.halves(&numbers(&[6, 3]))?.to_tensor().to_f64_vec(),
        [0.0, 3.0, 6.0]
    );
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
    let error = text(
        net.pairs(&numbers(&[3, 4]), &numbers(&[4, 6]), &numbers(&[2]))
            .unwrap_err(),
    );
    assert!(error.contains("2*N + 1"), "{error}");
    let error = text(
        net.pairs(&numbers(&[3, 5]), &numbers(&[4, 7]), &numbers(&[2]))
            .unwrap_err(),
    );
    assert!(
        error.contains("N + M") || error.contains("M + N"),
        "{error}"
    );
    let error = text(net.called(&numbers(&[1, 8])).unwrap_err());
    assert!(error.contains("6*K"), "{error}");
    Ok(())
}

network! {
    struct UNet {
        down1: Conv2d(1 -> 4, 3, padding = 1),
        down2: Conv2d(4 -> 8, 3, padding = 1),
        middle: Conv2d(8 -> 8, 3, stride = 1, padding = 1),
        up1: ConvTranspose2d(8 -> 4, 2, stride = 2),
        join: Conv2d(8 -> 1, 3, padding = 1),
    }
    /// Both levels are joined: H and W are multiples of 4, as the compiler finds out.
    fn forward(x: [B, 1, H, W]) -> [B, 1, H, W] {
        let a = relu(down1(x));
        let b = relu(down2(max_pool2d(a, 2)));
        let c = middle(max_pool2d(b, 2));
        let d = interpolate(c, scale_factor = 2, mode = "nearest");
        join(cat([a, up1(d + b)], dim = 1))
    }
    fn loss(x: [B, 1, H, W], y: [B, 1, H, W]) -> [] { mse_loss(forward(x), y) }
    /// The same, stated: then sizes are exact.
    fn stated(x: [B, 1, H, W]) -> [B, 8, H / 4, W / 2] where H % 4 == 0, W % 2 == 0, W >= 4 {
        let b = max_pool2d(relu(down2(relu(down1(x)))), 2);
        max_pool2d(b, [2, 1])
    }
    fn twice(x: [B, 1, H, W]) -> [B, 8, H / 4, W / 2] where H % 4 == 0, W % 2 == 0 { stated(x) * 2 }
}

#[test]
fn sizes_of_skip_connections_are_checked_when_called() -> netform::Result<()> {
    let mut net = UNet::new(Cpu::f64(), 1)?;
    let (x, y) = (numbers(&[2, 1, 8, 12]), numbers(&[2, 1, 8, 12]));
    assert_eq!(net.forward(&x)?.shape(), [2, 1, 8, 12]);
    net.loss_backward(&x, &y)?;
    assert_eq!(net.twice(&x)?.shape(), [2, 8, 2, 6]);
    let error = net
        .forward(&numbers(&[2, 1, 8, 10]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("W must be a multiple of 4"), "{error}");
    let error = net.twice(&numbers(&[2, 1, 6, 10])).unwrap_err().to_string();
    assert!(error.contains("H must be a multiple of 4"), "{error}");
    let error = net.twice(&numbers(&[2, 1, 8, 2])).unwrap_err().to_string();
    assert!(error.contains("W must be at least 4"), "{error}");
    Ok(())
}

network! {
    struct Odd<const K: usize>
    where
        K % 2 != 0,
    {
        same: Conv1d(2 -> 2, K, padding = K / 2),
    }
    fn forward(x: [B, 2, N]) -> [B, 2, floor(N / 4)] where N % 4 == 1, N % 2 == 1 {
        let x = same(x);
        let rest = if K % 4 == 3 { 0.25 } else { 0.5 };
        rest * x[.., .., 1..].reshape([B, 2, -1, 4])[.., .., .., 0..=2].sum(-1)
    }
    fn doubled(x: [B, 2, 2 * M + 1]) -> [B, 2, M] { x[.., .., 1..].reshape([B, 2, M, 2])[.., .., .., 0] }
    fn both(x: [B, 2, N]) -> [B, 2, floor(N / 4)] where N % 4 == 1 { forward(x) }
    fn convolved(x: [B, 2, N]) -> [B, 2, N] { same(x) }
}

#[test]
fn remainders_are_known() -> netform::Result<()> {
    let odd = Odd::<3, _>::new(Cpu::f64(), 1)?;
    let x = numbers(&[1, 2, 9]);
    let y = odd.both(&x)?;
    assert_eq!(y.shape(), [1, 2, 2]);
    let same = odd.convolved(&x)?.to_vec();
    let want = 0.25 * (same[5] + same[6] + same[7]);
    assert!((y.as_slice()[1] - want).abs() < 1e-12);
    assert_eq!(
        Odd::<5, _>::new(Cpu::f64(), 1)?.doubled(&x)?.shape(),
        [1, 2, 4]
    );
    let messages = [
        (8, "N - 1 must be a multiple of 4"),
        (0, "N must be at least 1"),
    ];
    for (n, message) in messages {
        let error = odd.both(&numbers(&[1, 2, n])).unwrap_err().to_string();
        assert!(error.contains(message), "{n}: {error}");
    }
    Ok(())
}
