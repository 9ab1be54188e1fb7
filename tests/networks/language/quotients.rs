//! Sizes that are quotients: the windows of an image, the output of a convolution with a stride. Different forms of one
//! size are the same.

use netform::Tensor;
use netform::check::gradients;
use netform::prelude::*;

const SIDE: usize = 8;
const WINDOW: usize = 4;
const KERNEL: usize = 3;

network! {
    struct Swin { mask: Buffer<bool>[(SIDE / WINDOW) * (SIDE / WINDOW), WINDOW * WINDOW, WINDOW * WINDOW] = false, lin: Linear(8 -> 8) }
    fn windows(x: [B, SIDE, SIDE, 8]) -> [B * (SIDE / WINDOW) * (SIDE / WINDOW), WINDOW * WINDOW, 8] {
        x.view(B, SIDE / WINDOW, WINDOW, SIDE / WINDOW, WINDOW, 8).permute(0, 1, 3, 2, 4, 5).reshape(-1, WINDOW * WINDOW, 8)
    }
    fn back(x: [B * (SIDE / WINDOW) * (SIDE / WINDOW), WINDOW * WINDOW, 8]) -> [B, SIDE, SIDE, 8] {
        x.view(B, SIDE / WINDOW, SIDE / WINDOW, WINDOW, WINDOW, 8).permute(0, 1, 3, 2, 4, 5).reshape(B, SIDE, SIDE, 8)
    }
    fn forward(x: [B, SIDE, SIDE, 8]) -> [B, SIDE, SIDE, 8] {
        let w = windows(x).reshape(B, -1, WINDOW * WINDOW, 8);
        let s = (w @ w.transpose(-2, -1)).masked_fill(mask, -1e9).softmax(-1);
        back(lin((s @ w).reshape(-1, WINDOW * WINDOW, 8)))
    }
    fn loss(x: [B, SIDE, SIDE, 8]) -> [] { forward(x).square().mean() }
}
network! {
    struct Win<const W: usize, const C: usize> { lin: Linear(C -> C) }
    fn partition(x: [B, H, H2, C]) -> [B * (H / W) * (H2 / W), W * W, C] where H % W == 0, H2 % W == 0 {
        x.view(B, H / W, W, H2 / W, W, C).permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, W * W, C)
    }
    fn forward(x: [B, H, H2, C]) -> [B, H, H2, C] where H % W == 0, H2 % W == 0 {
        lin(partition(x)).view(B, H / W, H2 / W, W, W, C).permute(0, 1, 3, 2, 4, 5).reshape(B, H, H2, C)
    }
    fn loss(x: [B, H, H2, C]) -> [] where H % W == 0, H2 % W == 0 { forward(x).square().mean() }
}
network! {
    struct Mb<const I: usize, const O: usize, const K: usize, const S: usize> {
        dw: Conv2d(I -> I, K, stride = S, padding = K / 2, groups = I, bias = false),
        out: Conv2d(I -> O, 1),
    }
    fn forward(x: [B, I, H, W]) -> [B, O, floor((H - 1) / S) + 1, floor((W - 1) / S) + 1] { out(dw(x)) }
    fn loss(x: [B, I, H, W]) -> [] { forward(x).square().mean() }
}
network! {
    struct Whole { a: Mb<2, 4, KERNEL, 2>, b: Mb<4, 4, 5, 1>, win: Win<2, 4> }
    fn forward(x: [B, 2, 8, 8]) -> [B, 4, 4, 4] { win(b(a(x)).permute(0, 2, 3, 1)).permute(0, 3, 1, 2) }
    fn loss(x: [B, 2, 8, 8]) -> [] { forward(x).square().mean() }
}

const GRID: usize = SIDE - KERNEL + 1;

network! {
    /// The number of features is a square.
    struct Flat { conv: Conv2d(1 -> 2, KERNEL), head: Linear(2 * GRID * GRID -> 3) }
    fn forward(x: [B, 1, 8, 8]) -> [B, 3] { head(conv(x).flatten(1)) }
    fn cut(x: [B, 1, 8, 8]) -> [B, GRID * GRID, 2] { conv(x).view(B, 2, GRID * GRID).transpose(1, 2) }
}

#[test]
fn a_square_of_a_constant() -> netform::Result<()> {
    let net = Flat::new(Cpu::new(), 1)?;
    let x = image(&[2, 1, 8, 8]);
    assert_eq!(net.forward(&x)?.to_tensor().shape(), [2, 3]);
    assert_eq!(net.cut(&x)?.to_tensor().shape(), [2, 36, 2]);
    Ok(())
}

fn image(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let one = |i: usize| (i * 37 % 101) as f64 / 50.0 - 1.0;
    Tensor::from_vec(shape, (0..n).map(one).collect::<Vec<f64>>()).unwrap()
}

/// The windows of an image, in plain Rust.
fn windows(x: &Tensor, side: usize, window: usize) -> Vec<f64> {
    let (values, shape) = (x.to_f64_vec(), x.shape().to_vec());
    let (per, channels) = (side / window, shape[3]);
    let mut out = Vec::new();
    for b in 0..shape[0] {
        for (row, column) in (0..per).flat_map(|r| (0..per).map(move |c| (r, c))) {
            for (i, j) in (0..window).flat_map(|i| (0..window).map(move |j| (i, j))) {
                let at = (b * side + row * window + i) * side + column * window + j;
                out.extend_from_slice(&values[at * channels..][..channels]);
            }
        }
    }
    out
}

#[test]
fn windows_of_constants() -> netform::Result<()> {
    let mut net = Swin::new(Cpu::f64(), 1)?;
    let x = image(&[2, 8, 8, 8]);
    let cut = net.windows(&x)?.to_tensor();
    assert_eq!(cut.to_f64_vec(), windows(&x, SIDE, WINDOW));
    assert_eq!(net.back(&cut)?.to_tensor(), x);
    let report = gradients(&mut net, |net| net.loss_backward(&x)?.item())?;
    assert!(report.parameters.iter().all(|p| p.error < 1e-6), "{report}");
    Ok(())
}

#[test]
fn windows_of_parameters_and_names() -> netform::Result<()> {
    let x = image(&[2, 8, 8, 8]);
    let mut net = Win::<2, 8, _>::new(Cpu::f64(), 1)?;
    let cut = net.partition(&x)?.to_tensor();
    assert_eq!(cut.shape(), [32, 4, 8]);
    assert_eq!(cut.to_f64_vec(), windows(&x, 8, 2));
    net.loss_backward(&x)?;
    let error = Win::<3, 8, _>::new(Cpu::f64(), 1)?.loss_backward(&x).err();
    let error = error.map(|e| e.to_string()).unwrap_or_default();
    assert!(
        error.contains("H must be a multiple of W, but it is 8"),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_stride_and_half_a_kernel() -> netform::Result<()> {
    let mut net = Whole::new(Cpu::f64(), 1)?;
    let x = image(&[2, 2, 8, 8]);
    assert_eq!(net.forward(&x)?.to_tensor().shape(), [2, 4, 4, 4]);
    let report = gradients(&mut net, |net| net.loss_backward(&x)?.item())?;
    assert!(report.parameters.iter().all(|p| p.error < 1e-6), "{report}");
    Ok(())
}
