//! The gradients of convolutions, pools and resizing against finite differences in f64, on ordinary and awkward shapes,
//! including second derivatives; values against plain numbers. With the feature `cuda`, the GPU must compute the same
//! values and gradients.

use netform_networks::family;
use netform_networks::finite;
use netform_networks::results;

use netform::Tensor;
use netform::prelude::*;

family! {
    convolutions in (-1.0, 1.0);
    f_conv1d f_conv1d_vjp (x: [N, 2, L], w: [3, 2, 3], b: [3]) -> [N, 3, L - 2] { conv1d(x, w, b) } at [&[2, 2, 7][..], &[3, 2, 3][..], &[3][..]], [&[1, 2, 3][..], &[3, 2, 3][..], &[3][..]];
    f_conv1d_same f_conv1d_same_vjp (x: [N, 2, L], w: [3, 2, K]) -> [N, 3, L] { conv1d(x, w, padding = "same") } at [&[2, 2, 7][..], &[3, 2, 4][..]], [&[1, 2, 1][..], &[3, 2, 3][..]], [&[1, 2, 1][..], &[3, 2, 2][..]];
    f_conv2d f_conv2d_vjp (x: [N, 2, H, W], w: [3, 2, 3, 2], b: [3]) -> [N, 3, H - 2, W - 1] { conv2d(x, w, bias = b) } at [&[2, 2, 5, 4][..], &[3, 2, 3, 2][..], &[3][..]], [&[1, 2, 3, 2][..], &[3, 2, 3, 2][..], &[3][..]], [&[1, 2, 3, 19][..], &[3, 2, 3, 2][..], &[3][..]];
    f_padded f_padded_vjp (x: [N, 2, H, W], w: [3, 2, 3, 3]) -> [N, 3, H, W] { tanh(conv2d(x, w, padding = 1)) } at [&[2, 2, 5, 4][..], &[3, 2, 3, 3][..]], [&[1, 2, 1, 1][..], &[3, 2, 3, 3][..]];
    f_strided f_strided_vjp (x: [N, 2, 7, 9], w: [3, 2, 3, 3]) -> [N, 3, 4, 5] { conv2d(x, w, stride = 2, padding = 1) } at [&[2, 2, 7, 9][..], &[3, 2, 3, 3][..]];
    f_far f_far_vjp (x: [N, 2, 7, 9], w: [3, 2, 2, 1]) -> [N, 3, 2, 3] { conv2d(x, w, stride = [4, 3]) } at [&[2, 2, 7, 9][..], &[3, 2, 2, 1][..]];
    f_dilated f_dilated_vjp (x: [N, 2, 7, 9], w: [3, 2, 3, 2]) -> [N, 3, 7, 11] { conv2d(x, w, padding = [2, 2], dilation = (2, 2)) } at [&[2, 2, 7, 9][..], &[3, 2, 3, 2][..]];
    f_groups f_groups_vjp (x: [N, 4, H, W], w: [6, 2, 3, 3]) -> [N, 6, H, W] { conv2d(x, w, padding = 1, groups = 2) } at [&[2, 4, 3, 5][..], &[6, 2, 3, 3][..]];
    f_depthwise f_depthwise_vjp (x: [N, 3, H, W], w: [3, 1, 3, 3]) -> [N, 3, H, W] { conv2d(x, w, padding = 1, groups = 3) } at [&[2, 3, 4, 5][..], &[3, 1, 3, 3][..]];
    f_one f_one_vjp (x: [N, 3, H, W], w: [2, 3, 1, 1]) -> [N, 2, H, W] { conv2d(x, w) } at [&[2, 3, 4, 5][..], &[2, 3, 1, 1][..]], [&[1, 3, 1, 1][..], &[2, 3, 1, 1][..]];
    f_open f_open_vjp (x: [N, C, H, W], w: [O, C, 2, 2]) -> [N, O, H - 1, W - 1] { conv2d(x, w) } at [&[2, 3, 4, 5][..], &[2, 3, 2, 2][..]];
    f_true f_true_vjp (x: [N, 2, L], w: [3, 2, 3]) -> [N, 3, L] { convolve1d(x, w, padding = 1) } at [&[2, 2, 5][..], &[3, 2, 3][..]];
    f_true2 f_true2_vjp (x: [N, 2, H, W], w: [3, 2, 3, 2]) -> [N, 3, H, W - 1] { convolve2d(x, w, padding = [1, 0]) } at [&[2, 2, 4, 5][..], &[3, 2, 3, 2][..]];
    f_none f_none_vjp (x: [0, 2, 5, 4], w: [3, 2, 3, 2]) -> [0, 3, 3, 3] { conv2d(x, w) } at [&[0, 2, 5, 4][..], &[3, 2, 3, 2][..]];
}

family! {
    transposed_convolutions in (-1.0, 1.0);
    f_plain f_plain_vjp (x: [N, 2, L], w: [2, 3, 3], b: [3]) -> [N, 3, L + 2] { conv_transpose1d(x, w, b) } at [&[2, 2, 5][..], &[2, 3, 3][..], &[3][..]], [&[1, 2, 1][..], &[2, 3, 3][..], &[3][..]];
    f_double f_double_vjp (x: [N, 2, H, W], w: [2, 3, 3, 3]) -> [N, 3, 2 * H, 2 * W] { conv_transpose2d(x, w, stride = 2, padding = 1, output_padding = 1) } at [&[2, 2, 3, 4][..], &[2, 3, 3, 3][..]], [&[1, 2, 1, 1][..], &[2, 3, 3, 3][..]];
    f_grouped f_grouped_vjp (x: [N, 4, H, W], w: [4, 3, 2, 3]) -> [N, 6, H + 1, W + 2] { conv_transpose2d(x, w, groups = 2) } at [&[2, 4, 2, 3][..], &[4, 3, 2, 3][..]];
    f_dilated f_dilated_vjp (x: [N, 2, 3, 4], w: [2, 2, 2, 2]) -> [N, 2, 6, 10] { conv_transpose2d(x, w, stride = [1, 2], padding = [1, 0], output_padding = [2, 1], dilation = [3, 2]) } at [&[2, 2, 3, 4][..], &[2, 2, 2, 2][..]];
    f_none f_none_vjp (x: [0, 2, 3, 4], w: [2, 3, 3, 3]) -> [0, 3, 5, 6] { conv_transpose2d(x, w) } at [&[0, 2, 3, 4][..], &[2, 3, 3, 3][..]];
}

family! {
    second_derivatives in (-1.0, 1.0);
    f_by_weight f_by_weight_vjp (x: [N, 2, 4, 5], w: [3, 2, 3, 3]) -> [3, 2, 3, 3] { grad(sum(sin(conv2d(x, w, stride = 2, padding = 1))), w) } at [&[2, 2, 4, 5][..], &[3, 2, 3, 3][..]];
    f_by_input f_by_input_vjp (x: [N, 2, 4, 5], w: [3, 2, 3, 3]) -> [N, 2, 4, 5] { grad(sum(sin(conv2d(x, w, padding = 1))), x) } at [&[2, 2, 4, 5][..], &[3, 2, 3, 3][..]];
    f_transposed f_transposed_vjp (x: [N, 2, 3], w: [2, 3, 3]) -> [2, 3, 3] { grad(sum(sin(conv_transpose1d(x, w, stride = 2))), w) } at [&[2, 2, 3][..], &[2, 3, 3][..]];
    f_pooled f_pooled_vjp (x: [N, 2, 4, 5]) -> [N, 2, 4, 5] { grad(sum(sin(max_pool2d(x, 3, stride = 1))), x) } at [&[2, 2, 4, 5][..]];
}

family! {
    pools in (-1.0, 1.0);
    f_max1 f_max1_vjp (x: [N, 3, 7]) -> [N, 3, 3] { max_pool1d(x, 2) } at [&[2, 3, 7][..]], [&[1, 3, 7][..]];
    f_max2 f_max2_vjp (x: [N, 3, H, W]) -> [N, 3, floor(H / 2), floor(W / 2)] { max_pool2d(x, 2) } at [&[2, 3, 4, 6][..]], [&[1, 3, 2, 2][..]];
    f_max_overlap f_max_overlap_vjp (x: [N, 3, 5, 6]) -> [N, 3, 3, 3] { max_pool2d(x, 3, stride = 2, padding = 1) } at [&[2, 3, 5, 6][..]];
    f_max_dilated f_max_dilated_vjp (x: [N, 2, 7, 8]) -> [N, 2, 3, 6] { max_pool2d(x, [3, 2], stride = [2, 1], padding = [1, 0], dilation = 2) } at [&[2, 2, 7, 8][..]];
    f_max_ceil f_max_ceil_vjp (x: [N, 2, 6, 5]) -> [N, 2, 3, 3] { max_pool2d(x, 2, stride = [2, 2], ceil_mode = true) } at [&[2, 2, 6, 5][..]];
    f_max_open f_max_open_vjp (x: [N, 2, H, W]) -> [N, 2, floor((H - 3) / 2) + 1, W - 1] { max_pool2d(x, [3, 2], stride = [2, 1]) } at [&[2, 2, 6, 5][..]], [&[1, 2, 3, 2][..]];
    f_indices f_indices_vjp (x: [N, 2, 5, 4]) -> [N, 2, 2, 2] { let (y, at) = max_pool2d(x, 2, return_indices = true); y * y + at * y } at [&[2, 2, 5, 4][..]];
    f_avg1 f_avg1_vjp (x: [N, 3, 7]) -> [N, 3, 4] { avg_pool1d(x, 3, stride = 2, padding = 1) } at [&[2, 3, 7][..]];
    f_avg2 f_avg2_vjp (x: [N, 3, 6, 5]) -> [N, 3, 3, 2] { avg_pool2d(x, 2) } at [&[2, 3, 6, 5][..]];
    f_avg_inside f_avg_inside_vjp (x: [N, 3, 6, 5]) -> [N, 3, 3, 3] { avg_pool2d(x, 3, stride = 2, padding = 1, count_include_pad = false) } at [&[2, 3, 6, 5][..]];
    f_avg_ceil f_avg_ceil_vjp (x: [N, 3, 6, 5]) -> [N, 3, 4, 3] { avg_pool2d(x, [3, 2], stride = 2, padding = [1, 0], ceil_mode = true) } at [&[2, 3, 6, 5][..]];
    f_avg_divisor f_avg_divisor_vjp (x: [N, 3, 6, 5]) -> [N, 3, 5, 4] { avg_pool2d(x, 2, stride = 1, divisor_override = 3) } at [&[2, 3, 6, 5][..]];
    f_none f_none_vjp (x: [0, 3, 6, 5]) -> [0, 3, 3, 2] { avg_pool2d(x, 2) + max_pool2d(x, 2) } at [&[0, 3, 6, 5][..]];
    f_adaptive_one f_adaptive_one_vjp (x: [N, 3, H, W]) -> [N, 3, 1, 1] { adaptive_avg_pool2d(x, 1) } at [&[2, 3, 4, 5][..]], [&[1, 3, 1, 1][..]];
    f_adaptive f_adaptive_vjp (x: [N, 3, H, W]) -> [N, 3, 3, 2] { adaptive_avg_pool2d(x, [3, 2]) } at [&[2, 3, 7, 5][..]], [&[1, 3, 3, 1][..]];
    f_adaptive1 f_adaptive1_vjp (x: [N, 3, 6]) -> [N, 3, 3] { adaptive_avg_pool1d(x, 3) } at [&[2, 3, 6][..]];
    f_adaptive_max f_adaptive_max_vjp (x: [N, 3, 7, 5]) -> [N, 3, 3, 2] { adaptive_max_pool2d(x, [3, 2]) } at [&[2, 3, 7, 5][..]];
    f_adaptive_tiled f_adaptive_tiled_vjp (x: [N, 3, 6, 4]) -> [N, 3, 3, 2] { adaptive_max_pool2d(x, [3, 2]) } at [&[2, 3, 6, 4][..]];
}

family! {
    other_sizes in (-1.0, 1.0);
    f_double f_double_vjp (x: [N, 2, H, W]) -> [N, 2, 2 * H, 2 * W] { interpolate(x, scale_factor = 2) } at [&[2, 2, 2, 3][..]], [&[1, 2, 1, 1][..]];
    f_nearest f_nearest_vjp (x: [N, 2, 4, 3]) -> [N, 2, 7, 2] { interpolate(x, size = [7, 2]) } at [&[2, 2, 4, 3][..]];
    f_exact f_exact_vjp (x: [N, 2, 5]) -> [N, 2, 7] { interpolate(x, size = 7, mode = "nearest-exact") } at [&[2, 2, 5][..]];
    f_linear f_linear_vjp (x: [N, 2, L]) -> [N, 2, 7] { interpolate(x, size = 7, mode = "linear") } at [&[2, 2, 4][..]], [&[1, 2, 1][..]];
    f_bilinear f_bilinear_vjp (x: [N, 2, H, W]) -> [N, 2, 2 * H, 2 * W] { interpolate(x, scale_factor = 2.0, mode = "bilinear") } at [&[2, 2, 3, 2][..]];
    f_corners f_corners_vjp (x: [N, 2, 3, 4]) -> [N, 2, 5, 1] { interpolate(x, size = [5, 1], mode = "bilinear", align_corners = true) } at [&[2, 2, 3, 4][..]];
    f_area f_area_vjp (x: [N, 2, 5]) -> [N, 2, 2] { interpolate(x, size = 2, mode = "area") } at [&[2, 2, 5][..]];
    f_replicate f_replicate_vjp (x: [N, 2, W]) -> [N, 2, W + 5] { pad(x, [2, 3], mode = "replicate") } at [&[2, 2, 4][..]], [&[1, 2, 1][..]];
    f_circular f_circular_vjp (x: [N, 3, W]) -> [N, 5, W + 3] { pad(x, [1, 2, 2, 0], mode = "circular") } at [&[2, 3, 4][..]];
}

network! {
    /// Values that PyTorch's documentation or a pencil gives.
    struct Known {}

    fn cross(x: [1, 1, 5], w: [1, 1, 3]) -> [1, 1, 3] { conv1d(x, w) }
    fn real(x: [1, 1, 5], w: [1, 1, 3]) -> [1, 1, 3] { convolve1d(x, w) }
    fn same(x: [1, 1, 5], w: [1, 1, 2]) -> [1, 1, 5] { conv1d(x, w, padding = "same") }
    fn places(x: [1, 1, 5]) -> ([1, 1, 2], [1, 1, 2]) { let (y, at) = max_pool1d(x, 2, return_indices = true); (y, at.float()) }
    fn rows(x: [1, 1, 4, 3]) -> ([1, 1, 3, 2], [1, 1, 3, 2]) { let (y, at) = adaptive_max_pool2d(x, [3, 2], return_indices = true); (y, at.float()) }
    fn inside(x: [1, 1, 5]) -> [1, 1, 3] { avg_pool1d(x, 2, ceil_mode = true) }
    fn halves(x: [1, 1, 2]) -> [1, 1, 4] { interpolate(x, scale_factor = 2, mode = "linear") }
    fn corners(x: [1, 1, 2]) -> [1, 1, 4] { interpolate(x, scale_factor = 2, mode = "linear", align_corners = true) }
    fn thirds(x: [1, 1, 3]) -> [1, 1, 7] { interpolate(x, size = 7) }
    fn around(x: [1, 1, 3]) -> [1, 1, 7] { pad(x, [2, 2], mode = "circular") }
}

fn values(y: impl results::Gradients) -> Vec<Vec<f64>> {
    y.tensors().iter().map(Tensor::to_f64_vec).collect()
}

#[test]
fn known_values() -> netform::Result<()> {
    let net = Known::new(Cpu::new(), 1)?;
    let x = Tensor::from_vec([1, 1, 5], vec![1.0f32, 2.0, 4.0, 8.0, 16.0])?;
    let w = Tensor::from_vec([1, 1, 3], vec![1.0f32, 10.0, 100.0])?;
    // The kernel as it is, and reversed.
    assert_eq!(values(net.cross(&x, &w)?), [[421.0, 842.0, 1684.0]]);
    assert_eq!(values(net.real(&x, &w)?), [[124.0, 248.0, 496.0]]);
    // The odd cell is at the end.
    let two = Tensor::from_vec([1, 1, 2], vec![1.0f32, 10.0])?;
    assert_eq!(
        values(net.same(&x, &two)?),
        [[21.0, 42.0, 84.0, 168.0, 16.0]]
    );
    let ties = Tensor::from_vec([1, 1, 5], vec![3.0f32, 3.0, 1.0, 2.0, 9.0])?;
    assert_eq!(values(net.places(&ties)?), [[3.0, 2.0], [0.0, 3.0]]);
    let rows = [
        5.0f32, 5.0, 1.0, 0.0, 7.0, 7.0, 2.0, 7.0, 3.0, 2.0, 2.0, 2.0,
    ];
    let rows = Tensor::from_vec([1, 1, 4, 3], rows.to_vec())?;
    // Windows of rows 0..2, 1..3, 2..4 and columns 0..2, 1..3; of equal cells the first in reading order.
    let (y, at) = ([7.0; 6], [4.0, 4.0, 4.0, 4.0, 7.0, 7.0]);
    assert_eq!(values(net.rows(&rows)?), [y, at]);
    assert_eq!(values(net.inside(&x)?), [[1.5, 6.0, 16.0]]);
    let ends = Tensor::from_vec([1, 1, 2], vec![0.0f32, 4.0])?;
    assert_eq!(values(net.halves(&ends)?), [[0.0, 1.0, 3.0, 4.0]]);
    let corners = values(net.corners(&ends)?);
    for (a, b) in corners[0].iter().zip([0.0, 4.0 / 3.0, 8.0 / 3.0, 4.0]) {
        assert!((a - b).abs() < 1e-6, "{corners:?}");
    }
    let three = Tensor::from_vec([1, 1, 3], vec![1.0f32, 2.0, 3.0])?;
    assert_eq!(
        values(net.thirds(&three)?),
        [[1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]]
    );
    assert_eq!(
        values(net.around(&three)?),
        [[2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0]]
    );
    Ok(())
}

network! {
    /// Layers, with padding of every mode, a const parameter and a Rust constant.
    struct Layers<const C: usize> {
        zeros: Conv2d(1 -> C, kernel_size = 3, padding = "same"),
        reflect: Conv2d(C -> C, kernel_size = (3, 5), padding = (1, 2), padding_mode = "reflect", groups = C),
        replicate: Conv1d(C -> 2 * C, kernel_size = 3, padding = 1, padding_mode = "replicate"),
        circular: Conv1d(2 * C -> 2, kernel_size = 4, padding = "same", padding_mode = "circular", bias = false),
        up: ConvTranspose1d(2 -> 1, kernel_size = 2, stride = 2),
        drop: Dropout2d(p = 0.5),
        pool: MaxPool2d(2),
    }
    fn forward(x: [B, 1, 8, T]) -> [B, 1, 2 * floor(T / 2)] {
        let x = pool(relu(reflect(zeros(x))));
        let x = drop(x);
        up(circular(replicate(x.mean(2))))
    }
    fn loss(x: [B, 1, 8, T]) -> [] { mean(forward(x).square()) }
}

#[test]
fn layers() -> netform::Result<()> {
    let mut net = Layers::<3>::new(Cpu::new(), 1)?;
    let names: Vec<&str> = net.parameters().map(|p| p.name()).collect();
    assert_eq!(names[..2], ["zeros.weight", "zeros.bias"]);
    assert_eq!(net.parameter("reflect.weight")?.shape(), [3, 1, 3, 5]);
    assert_eq!(net.parameter("up.weight")?.shape(), [2, 1, 2]);
    // Within 1 / sqrt(fan_in), and not all near 0.
    let weight = net.parameter("circular.weight")?.to_f64_vec();
    let bound = (1.0f64 / (6.0 * 4.0)).sqrt();
    let largest = weight.iter().fold(0.0f64, |m, w| m.max(w.abs()));
    assert!(largest <= bound && largest > 0.8 * bound);
    for (batch, length) in [(2, 8), (1, 13), (3, 4)] {
        let x = finite::tensor(&[batch, 1, 8, length], 3, (-1.0, 1.0));
        let y = net.forward(&x)?.to_tensor();
        assert_eq!(y.shape(), [batch, 1, length / 2 * 2]);
        let mut sgd = Sgd::new(0.1);
        let first = net.loss(&x)?.item()?;
        for _ in 0..20 {
            net.loss_backward(&x)?;
            sgd.step(&mut net)?;
        }
        assert!(net.loss(&x)?.item()? < first);
    }
    Ok(())
}

#[test]
fn sizes_that_do_not_fit_are_refused_at_the_door() -> netform::Result<()> {
    let net = Layers::<3>::new(Cpu::new(), 1)?;
    // Reflection takes the two columns next to the edge.
    let x = finite::tensor(&[1, 1, 8, 2], 3, (-1.0, 1.0));
    let error = net.forward(&x).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains('T'), "{error}");
    Ok(())
}
