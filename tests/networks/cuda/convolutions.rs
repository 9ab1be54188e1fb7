//! Convolutions and pools: values and gradients as on the CPU at awkward sizes, and a network of them in
//! training.

use netform::Tensor;
use netform::prelude::*;

network! {
    struct Ops {}
    fn plain(#[grad] x: [N, 3, L], #[grad] w: [5, 3, 4]) -> [N, 5, L + 1] { conv1d(x, w, padding = 2) }
    fn far(#[grad] x: [N, 3, L], #[grad] w: [5, 3, 3]) -> [N, 5, floor((L - 1) / 3) + 1] {
        conv1d(x, w, stride = 3, padding = 2, dilation = 2)
    }
    fn image(#[grad] x: [N, 3, H, W], #[grad] w: [9, 3, 3, 2], #[grad] b: [9]) -> [N, 9, H, W + 1] {
        conv2d(x, w, b, padding = 1)
    }
    fn strided(#[grad] x: [N, 6, H, W], #[grad] w: [10, 3, 3, 3])
        -> [N, 10, floor((H - 1) / 2) + 1, floor((W - 1) / 2) + 1] {
        conv2d(x, w, stride = 2, padding = 1, groups = 2)
    }
    fn depthwise(#[grad] x: [N, 6, H, W], #[grad] w: [6, 1, 3, 3]) -> [N, 6, H, W] {
        conv2d(x, w, padding = 2, dilation = 2, groups = 6)
    }
    fn one(#[grad] x: [N, 6, H, W], #[grad] w: [20, 6, 1, 1]) -> [N, 20, H, W] { conv2d(x, w) }
    fn turned(#[grad] x: [N, 3, L], #[grad] w: [3, 7, 3]) -> [N, 7, 2 * L + 1] { conv_transpose1d(x, w, stride = 2) }
    fn double(#[grad] x: [N, 6, H, W], #[grad] w: [6, 5, 3, 3]) -> [N, 10, 2 * H, 2 * W] {
        conv_transpose2d(x, w, stride = 2, padding = 1, output_padding = 1, groups = 2)
    }
    fn largest(#[grad] x: [N, 6, H, W]) -> [N, 6, floor((H - 1) / 2) + 1, floor((W - 1) / 2) + 1] {
        max_pool2d(x, 3, stride = 2, padding = 1)
    }
    fn halves(#[grad] x: [N, 3, L]) -> [N, 3, floor(L / 2)] { max_pool1d(x, 2) }
    fn means(#[grad] x: [N, 6, H, W]) -> [N, 6, floor((H - 1) / 2) + 1, floor((W - 1) / 2) + 1] {
        avg_pool2d(x, 3, stride = 2, padding = 1, count_include_pad = false)
    }
    fn mean(#[grad] x: [N, 3, L]) -> [N, 3, floor(L / 2)] { avg_pool1d(x, 2) }
}

network! {
    struct Cnn {
        conv1: Conv2d(1 -> 6, kernel_size = 3, padding = 1),
        norm: BatchNorm2d(6),
        conv2: Conv2d(6 -> 10, kernel_size = 3, stride = 2),
        up: ConvTranspose2d(10 -> 4, kernel_size = 2, stride = 2),
        head: Linear(4 -> 3),
    }
    fn forward(x: [B, 1, 9, 9]) -> [B, 3] {
        let x = max_pool2d(relu(norm(conv1(x))), 3, stride = 2, padding = 1);
        let x = relu(up(relu(conv2(x))));
        head(adaptive_avg_pool2d(x, 1).flatten(1, 3))
    }
    fn loss(x: [B, 1, 9, 9], class: u32[B]) -> [] { cross_entropy(forward(x), class) }
}

mod scenario {
    use super::*;
    use crate::both::{Values, random};
    use netform::Result;

    /// Adds the value of a function and the gradients from another one.
    macro_rules! put {
        ($out:ident, $net:ident, $f:ident, $vjp:ident, $x:expr $(, $w:expr)*) => {{
            let y = $net.$f($x $(, $w)*)?.to_tensor();
            $out.put(stringify!($f), y.clone());
            let all = $net.$vjp($x $(, $w)*, &y)?;
            for (k, d) in crate::results::Gradients::tensors(all).into_iter().enumerate() {
                $out.put(format!("{} gradient {k}", stringify!($f)), d);
            }
        }};
    }

    pub fn values_and_gradients<D: Device>(device: D) -> Result<Values> {
        let mut net = Ops::new(device, 1)?;
        let mut out = Values::default();
        let array =
            |shape: &[usize]| random(shape, shape.iter().sum::<usize>() as u64, (-1.0, 1.0));
        let w = |shape: &[usize]| random(shape, 77, (-1.0, 1.0));
        for (n, l) in [(1, 3), (3, 14), (2, 37)] {
            let x = array(&[n, 3, l]);
            put!(out, net, plain, plain_vjp, &x, &w(&[5, 3, 4]));
            put!(out, net, far, far_vjp, &x, &w(&[5, 3, 3]));
            put!(out, net, turned, turned_vjp, &x, &w(&[3, 7, 3]));
            put!(out, net, halves, halves_vjp, &x);
            put!(out, net, mean, mean_vjp, &x);
        }
        for (n, h, v) in [(1, 3, 2), (3, 5, 8), (2, 11, 9)] {
            let (x, y) = (array(&[n, 3, h, v]), array(&[n, 6, h, v]));
            put!(out, net, image, image_vjp, &x, &w(&[9, 3, 3, 2]), &w(&[9]));
            put!(out, net, strided, strided_vjp, &y, &w(&[10, 3, 3, 3]));
            put!(out, net, depthwise, depthwise_vjp, &y, &w(&[6, 1, 3, 3]));
            put!(out, net, one, one_vjp, &y, &w(&[20, 6, 1, 1]));
            put!(out, net, double, double_vjp, &y, &w(&[6, 5, 3, 3]));
            put!(out, net, largest, largest_vjp, &y);
            put!(out, net, means, means_vjp, &y);
        }
        Ok(out)
    }

    pub fn a_network_in_training<D: Device>(device: D) -> Result<Values> {
        let mut net = Cnn::new(device, 3)?;
        let mut out = Values::default();
        let mut optimizer = Sgd::new(0.05);
        for step in 0..5 {
            // Sometimes a short batch; the steps before and after are replays.
            let b = if step == 2 { 1 } else { 4 };
            let x = random(&[b, 1, 9, 9], step, (-1.0, 1.0));
            let class: Vec<u32> = (0..b as u32).map(|i| (i + step as u32) % 3).collect();
            let loss = net.loss_step(&mut optimizer, &x, &class)?;
            out.number("loss", netform::Float::to_f64(loss.item()?));
        }
        out.network(&net);
        let y: Tensor = net
            .forward(&random(&[2, 1, 9, 9], 9, (-1.0, 1.0)))?
            .to_tensor();
        out.put("forward", y);
        Ok(out)
    }
}

same! {
    values_and_gradients within 2e-5;
    a_network_in_training within 1e-4;
}
