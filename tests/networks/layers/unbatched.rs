//! One sample without a batch dimension gives the values and gradients of a batch of that sample, wherever PyTorch
//! takes both.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::prelude::*;
use netform::{Float, Network, Tensor};
use netform_networks::near::near;
use netform_networks::values::noise;

network! {
    struct Samples {
        line: Conv1d(3 -> 4, kernel_size = 3, padding = 1, padding_mode = "circular"),
        plane: Conv2d(3 -> 4, kernel_size = 3, stride = 2, padding = 1),
        grouped: Conv2d(4 -> 4, kernel_size = 2, groups = 2, padding = "same"),
        up_line: ConvTranspose1d(4 -> 2, kernel_size = 2, stride = 2),
        up_plane: ConvTranspose2d(4 -> 2, kernel_size = 3, stride = 2, output_padding = 1),
        norm: InstanceNorm2d(3),
        drop: Dropout1d(0.0),
    }

    fn planes(#[grad] x: [3, H, 6], w: [2, 3, 2, 2], v: [3, 2, 2, 2]) -> [] {
        let y = grouped(plane(norm(x)));
        let (largest, places) = max_pool2d(x, 2, return_indices = true);
        let (most, _) = adaptive_max_pool2d(x, [2, 3], return_indices = true);
        let pools = sin(largest).sum() + (places * largest).sum() + sin(most).sum()
            + sin(avg_pool2d(x, 3, 2, padding = 1, count_include_pad = false)).sum()
            + sin(adaptive_avg_pool2d(x, [1, 4])).sum();
        pools + sin(up_plane(y)).sum() + sin(conv2d(x, w)).sum() + sin(convolve2d(x, w)).sum()
            + sin(conv_transpose2d(x, v)).sum()
    }
    fn planes_of_batch(#[grad] x: [1, 3, H, 6], w: [2, 3, 2, 2], v: [3, 2, 2, 2]) -> [] {
        let y = grouped(plane(norm(x)));
        let (largest, places) = max_pool2d(x, 2, return_indices = true);
        let (most, _) = adaptive_max_pool2d(x, [2, 3], return_indices = true);
        let pools = sin(largest).sum() + (places * largest).sum() + sin(most).sum()
            + sin(avg_pool2d(x, 3, 2, padding = 1, count_include_pad = false)).sum()
            + sin(adaptive_avg_pool2d(x, [1, 4])).sum();
        pools + sin(up_plane(y)).sum() + sin(conv2d(x, w)).sum() + sin(convolve2d(x, w)).sum()
            + sin(conv_transpose2d(x, v)).sum()
    }

    /// The shapes are those of the signatures, without a batch.
    fn shapes(x: [3, H, 6]) -> ([4, floor((H - 1) / 2) + 1, 3], [3, floor(H / 2), 3], [3, 1, 1]) {
        (plane(x), max_pool2d(x, 2), adaptive_avg_pool2d(x, 1))
    }

    fn lines(#[grad] x: [3, L], class: u32[]) -> [] {
        let y = line(drop(x));
        let scores = adaptive_max_pool1d(y, 1).flatten();
        sin(up_line(y)).sum() + sin(avg_pool1d(y, 2)).sum() + sin(max_pool1d(y, 3, 1)).sum()
            + sin(adaptive_avg_pool1d(y, 2)).sum() + cross_entropy(scores, class)
    }
    fn lines_of_batch(#[grad] x: [1, 3, L], class: u32[1]) -> [] {
        let y = line(drop(x));
        let scores = adaptive_max_pool1d(y, 1).flatten(1);
        sin(up_line(y)).sum() + sin(avg_pool1d(y, 2)).sum() + sin(max_pool1d(y, 3, 1)).sum()
            + sin(adaptive_avg_pool1d(y, 2)).sum() + cross_entropy(scores, class)
    }
}

fn gradients<N: Network>(net: &N) -> Vec<f64> {
    let all = net.parameters().filter_map(|p| net.gradient(p.name()).ok());
    all.flat_map(|g| g.to_f64_vec()).collect()
}

fn check<D: Device>(device: D, tolerance: f64) -> netform::Result<()> {
    let mut net = Samples::new(device, 5)?;
    let (w, v) = (noise(&[2, 3, 2, 2], 2), noise(&[3, 2, 2, 2], 3));
    for height in [5, 6] {
        let x = noise(&[3, height, 6], 1);
        let whole = Tensor::from_vec([1, 3, height, 6], x.to_f64_vec())?;
        let (one, dx) = net.planes_backward(&x, &w, &v)?;
        let (one, dx) = ([one.item()?.to_f64()], dx.to_tensor().to_f64_vec());
        let own = gradients(&net);
        let (all, dall) = net.planes_of_batch_backward(&whole, &w, &v)?;
        near("planes", &one, &[all.item()?.to_f64()], tolerance);
        near("d planes", &dx, &dall.to_tensor().to_f64_vec(), tolerance);
        near("parameters of planes", &own, &gradients(&net), tolerance);
        let (y, pooled, mean) = net.shapes(&x)?;
        assert_eq!(y.shape(), [4, height.div_ceil(2), 3]);
        assert_eq!(pooled.shape(), [3, height / 2, 3]);
        assert_eq!(mean.shape(), [3, 1, 1]);
    }
    let x = noise(&[3, 7], 4);
    let whole = Tensor::from_vec([1, 3, 7], x.to_f64_vec())?;
    let (one, dx) = net.lines_backward(&x, 2)?;
    let (one, dx) = ([one.item()?.to_f64()], dx.to_tensor().to_f64_vec());
    let own = gradients(&net);
    let (all, dall) = net.lines_of_batch_backward(&whole, &[2])?;
    near("lines", &one, &[all.item()?.to_f64()], tolerance);
    near("d lines", &dx, &dall.to_tensor().to_f64_vec(), tolerance);
    near("parameters of lines", &own, &gradients(&net), tolerance);
    Ok(())
}

#[test]
fn on_the_cpu() -> netform::Result<()> {
    check(Cpu::new(), 1e-6)?;
    check(Cpu::f64(), 1e-14)
}

#[cfg(feature = "cuda")]
#[test]
fn on_the_gpu() -> netform::Result<()> {
    check(device::cuda(), 2e-6)
}
