//! Options of convolutions, pools and resizing, in one dimension and two: gradients against finite differences in f64,
//! values against plain numbers and other computations. With the feature `cuda`, the GPU must compute the same values
//! and gradients of the ops.

use netform_networks::family;
use netform_networks::finite;
use netform_networks::near::within;
use netform_networks::results;

use netform::Tensor;
use netform::check::gradients;
use netform::prelude::*;

family! {
    strides_dilations_and_groups in (-1.0, 1.0);
    f_strided1 f_strided1_vjp (x: [N, 2, L], w: [3, 2, 3], b: [3]) -> [N, 3, floor((L - 1) / 2) + 1] { conv1d(x, w, b, stride = 2, padding = 1) } at [&[2, 2, 7][..], &[3, 2, 3][..], &[3][..]], [&[1, 2, 1][..], &[3, 2, 3][..], &[3][..]];
    f_dilated1 f_dilated1_vjp (x: [N, 2, L], w: [3, 2, 3]) -> [N, 3, L - 2] { conv1d(x, w, padding = 2, dilation = 3) } at [&[2, 2, 7][..], &[3, 2, 3][..]], [&[1, 2, 3][..], &[3, 2, 3][..]];
    f_grouped1 f_grouped1_vjp (x: [N, 6, L], w: [9, 2, 2]) -> [N, 9, L - 1] { conv1d(x, w, groups = 3) } at [&[2, 6, 5][..], &[9, 2, 2][..]], [&[1, 6, 2][..], &[9, 2, 2][..]];
    f_every1 f_every1_vjp (x: [N, 4, 9], w: [6, 2, 3]) -> [N, 6, 4] { conv1d(x, w, stride = 2, padding = 1, dilation = 2, groups = 2) } at [&[3, 4, 9][..], &[6, 2, 3][..]], [&[1, 4, 9][..], &[6, 2, 3][..]];
    f_none1 f_none1_vjp (x: [0, 4, 9], w: [6, 2, 3]) -> [0, 6, 4] { conv1d(x, w, stride = 2, padding = 1, dilation = 2, groups = 2) } at [&[0, 4, 9][..], &[6, 2, 3][..]];
    f_true1 f_true1_vjp (x: [N, 4, 9], w: [6, 2, 3], b: [6]) -> [N, 6, 4] { convolve1d(x, w, b, stride = 2, padding = 1, dilation = 2, groups = 2) } at [&[3, 4, 9][..], &[6, 2, 3][..], &[6][..]], [&[1, 4, 9][..], &[6, 2, 3][..], &[6][..]];
    f_true2 f_true2_vjp (x: [N, 4, 7, 5], w: [2, 2, 3, 2]) -> [N, 2, 3, 5] { convolve2d(x, w, stride = [2, 1], padding = [1, 1], dilation = [2, 2], groups = 2) } at [&[2, 4, 7, 5][..], &[2, 2, 3, 2][..]], [&[1, 4, 7, 5][..], &[2, 2, 3, 2][..]];
    f_true_none f_true_none_vjp (x: [0, 4, 9], w: [6, 2, 3]) -> [0, 6, 7] { convolve1d(x, w, groups = 2) } at [&[0, 4, 9][..], &[6, 2, 3][..]];
    f_up_strided f_up_strided_vjp (x: [N, 2, L], w: [2, 3, 3]) -> [N, 3, 2 * L] { conv_transpose1d(x, w, stride = 2, padding = 1, output_padding = 1) } at [&[2, 2, 3][..], &[2, 3, 3][..]], [&[1, 2, 1][..], &[2, 3, 3][..]];
    f_up_dilated f_up_dilated_vjp (x: [N, 2, L], w: [2, 3, 2]) -> [N, 3, L + 3] { conv_transpose1d(x, w, padding = 1, output_padding = 2, dilation = 3) } at [&[2, 2, 5][..], &[2, 3, 2][..]], [&[1, 2, 1][..], &[2, 3, 2][..]];
    f_up_every f_up_every_vjp (x: [N, 4, L], w: [4, 3, 3], b: [6]) -> [N, 6, 3 * L] { conv_transpose1d(x, w, b, stride = 3, padding = 2, output_padding = 2, dilation = 2, groups = 2) } at [&[2, 4, 5][..], &[4, 3, 3][..], &[6][..]], [&[1, 4, 1][..], &[4, 3, 3][..], &[6][..]];
    f_up_none f_up_none_vjp (x: [0, 4, 5], w: [4, 3, 3]) -> [0, 6, 15] { conv_transpose1d(x, w, stride = 3, padding = 2, output_padding = 2, dilation = 2, groups = 2) } at [&[0, 4, 5][..], &[4, 3, 3][..]];
}

family! {
    windows_and_sizes in (-1.0, 1.0);
    f_max1_ceil f_max1_ceil_vjp (x: [N, 2, 6]) -> [N, 2, 3] { max_pool1d(x, 3, stride = 2, ceil_mode = true) } at [&[2, 2, 6][..]], [&[1, 2, 6][..]];
    f_max1_every f_max1_every_vjp (x: [N, 2, 8]) -> [N, 2, 4] { max_pool1d(x, 3, stride = 2, padding = 1, dilation = 2, ceil_mode = true) } at [&[3, 2, 8][..]], [&[1, 2, 8][..]];
    f_max1_one f_max1_one_vjp (x: [N, 2, 1]) -> [N, 2, 1] { max_pool1d(x, 3, stride = 2, padding = 1, ceil_mode = true) } at [&[2, 2, 1][..]], [&[1, 2, 1][..]];
    f_max2_every f_max2_every_vjp (x: [N, 2, 8, 7]) -> [N, 2, 4, 3] { max_pool2d(x, [3, 2], stride = [2, 3], padding = 1, dilation = [2, 1], ceil_mode = true) } at [&[2, 2, 8, 7][..]], [&[1, 2, 8, 7][..]];
    f_max2_none f_max2_none_vjp (x: [0, 2, 8, 7]) -> [0, 2, 4, 3] { max_pool2d(x, [3, 2], stride = [2, 3], padding = 1, dilation = [2, 1], ceil_mode = true) } at [&[0, 2, 8, 7][..]];
    f_avg1_ceil f_avg1_ceil_vjp (x: [N, 2, 6]) -> [N, 2, 4] { avg_pool1d(x, 3, stride = 2, padding = 1, ceil_mode = true) } at [&[2, 2, 6][..]], [&[1, 2, 6][..]];
    f_avg1_inside f_avg1_inside_vjp (x: [N, 2, 6]) -> [N, 2, 4] { avg_pool1d(x, 3, stride = 2, padding = 1, ceil_mode = true, count_include_pad = false) } at [&[2, 2, 6][..]], [&[1, 2, 6][..]];
    f_avg2_inside f_avg2_inside_vjp (x: [N, 2, 6, 5]) -> [N, 2, 4, 3] { avg_pool2d(x, [3, 2], stride = 2, padding = [1, 0], ceil_mode = true, count_include_pad = false) } at [&[2, 2, 6, 5][..]], [&[1, 2, 6, 5][..]];
    f_avg2_divisor f_avg2_divisor_vjp (x: [N, 2, 6, 5]) -> [N, 2, 4, 3] { avg_pool2d(x, [3, 2], stride = 2, padding = [1, 0], ceil_mode = true, divisor_override = 5) } at [&[2, 2, 6, 5][..]], [&[1, 2, 6, 5][..]];
    f_avg2_none f_avg2_none_vjp (x: [0, 2, 6, 5]) -> [0, 2, 4, 3] { avg_pool2d(x, [3, 2], stride = 2, padding = [1, 0], ceil_mode = true, count_include_pad = false) } at [&[0, 2, 6, 5][..]];
    f_adaptive_max f_adaptive_max_vjp (x: [N, 3, L]) -> [N, 3, 3] { adaptive_max_pool1d(x, 3) } at [&[2, 3, 7][..]], [&[1, 3, 4][..]], [&[1, 3, 1][..]];
    f_adaptive_places f_adaptive_places_vjp (x: [N, 3, 6]) -> [N, 3, 2] { let (y, at) = adaptive_max_pool1d(x, 2, return_indices = true); y * y + at * y } at [&[2, 3, 6][..]];
    f_adaptive_none f_adaptive_none_vjp (x: [0, 3, 7]) -> [0, 3, 3] { adaptive_max_pool1d(x, 3) } at [&[0, 3, 7][..]];
    f_exact2 f_exact2_vjp (x: [N, 2, 4, 3]) -> [N, 2, 7, 2] { interpolate(x, size = [7, 2], mode = "nearest-exact") } at [&[2, 2, 4, 3][..]], [&[1, 2, 4, 3][..]];
    f_area2 f_area2_vjp (x: [N, 2, H, W]) -> [N, 2, 3, 2] { interpolate(x, size = [3, 2], mode = "area") } at [&[2, 2, 7, 5][..]], [&[1, 2, 1, 1][..]];
    f_corners1 f_corners1_vjp (x: [N, 2, L]) -> [N, 2, 7] { interpolate(x, size = 7, mode = "linear", align_corners = true) } at [&[2, 2, 5][..]], [&[1, 2, 1][..]];
    f_corner1 f_corner1_vjp (x: [N, 2, L]) -> [N, 2, 1] { interpolate(x, size = 1, mode = "linear", align_corners = true) } at [&[2, 2, 5][..]], [&[1, 2, 1][..]];
    f_half_more f_half_more_vjp (x: [N, 2, 5]) -> [N, 2, 7] { interpolate(x, scale_factor = 1.5) } at [&[2, 2, 5][..]], [&[1, 2, 5][..]];
    f_half_more_exact f_half_more_exact_vjp (x: [N, 2, 5]) -> [N, 2, 7] { interpolate(x, scale_factor = 1.5, mode = "nearest-exact") } at [&[1, 2, 5][..]];
    f_half_more_linear f_half_more_linear_vjp (x: [N, 2, 5]) -> [N, 2, 7] { interpolate(x, scale_factor = 1.5, mode = "linear") } at [&[2, 2, 5][..]], [&[1, 2, 5][..]];
    f_fractions f_fractions_vjp (x: [N, 2, 5, 4]) -> [N, 2, 3, 9] { interpolate(x, scale_factor = [0.7, 2.25], mode = "bilinear") } at [&[2, 2, 5, 4][..]], [&[1, 2, 5, 4][..]];
    f_linear_twice f_linear_twice_vjp (x: [N, 2, L]) -> [N, 2, L] { let y = interpolate(x, size = 7, mode = "linear"); grad((y * y * y).sum(), x) } at [&[2, 2, 5][..]], [&[1, 2, 1][..]];
    f_windows_twice f_windows_twice_vjp (x: [N, 2, H, W]) -> [N, 2, H, W] { let y = adaptive_avg_pool2d(x, [3, 4]); grad((y * y * y).sum(), x) } at [&[2, 2, 7, 5][..]], [&[1, 2, 3, 1][..]];
    f_fraction_area f_fraction_area_vjp (x: [N, 2, 5, 4]) -> [N, 2, 3, 2] { interpolate(x, scale_factor = 0.7, mode = "area") } at [&[1, 2, 5, 4][..]];
    f_named f_named_vjp (x: [N, 2, H, W]) -> [N, 2, floor(H / 2), floor(5 * W / 4)] { interpolate(x, scale_factor = [0.5, 1.25], mode = "bilinear") } at [&[2, 2, 5, 4][..]], [&[1, 2, 2, 3][..]];
    f_named_nearest f_named_nearest_vjp (x: [N, 2, H]) -> [N, 2, floor(3 * H / 2)] { interpolate(x, scale_factor = 1.5) } at [&[2, 2, 5][..]], [&[1, 2, 4][..]];
    f_none f_none_vjp (x: [0, 2, 5, 4]) -> [0, 2, 3, 9] { interpolate(x, scale_factor = [0.7, 2.25], mode = "bilinear") } at [&[0, 2, 5, 4][..]];
}

network! {
    /// Values that PyTorch's documentation or a pencil gives, and the same in two ways.
    struct Known {}

    fn turned(x: [2, 4, 9], w: [6, 2, 3]) -> ([2, 6, 4], [2, 6, 4]) {
        let a = convolve1d(x, w, stride = 2, padding = 1, dilation = 2, groups = 2);
        (a, conv1d(x, w.flip([2]), stride = 2, padding = 1, dilation = 2, groups = 2))
    }
    fn turned2(x: [2, 4, 7, 5], w: [2, 2, 3, 2]) -> ([2, 2, 3, 5], [2, 2, 3, 5]) {
        let a = convolve2d(x, w, stride = [2, 1], padding = 1, dilation = 2, groups = 2);
        (a, conv2d(x, w.flip([2, 3]), stride = [2, 1], padding = 1, dilation = 2, groups = 2))
    }
    fn cells(x: [1, 2, 5], w: [2, 1, 2]) -> [1, 2, 3] { conv1d(x, w, stride = 2, padding = 1, dilation = 2, groups = 2) }
    fn up(x: [1, 1, 2], w: [1, 1, 2]) -> [1, 1, 5] { conv_transpose1d(x, w, stride = 2, padding = 1, output_padding = 1, dilation = 3) }
    fn most(x: [1, 1, 6]) -> ([1, 1, 3], [1, 1, 3]) {
        let (y, at) = max_pool1d(x, 2, stride = 2, padding = 1, dilation = 3, ceil_mode = true, return_indices = true);
        (y, at.float())
    }
    fn over(x: [1, 1, 5]) -> [1, 1, 2] { max_pool1d(x, 2, stride = 3, padding = 1, ceil_mode = true) }
    fn counted(x: [1, 1, 6]) -> [1, 1, 4] { avg_pool1d(x, 3, stride = 2, padding = 1, ceil_mode = true) }
    fn inside(x: [1, 1, 6]) -> [1, 1, 4] { avg_pool1d(x, 3, stride = 2, padding = 1, ceil_mode = true, count_include_pad = false) }
    fn divided(x: [1, 1, 1, 6]) -> [1, 1, 1, 4] { avg_pool2d(x, [1, 3], stride = 2, padding = [0, 1], ceil_mode = true, divisor_override = 2) }
    fn adapted(x: [1, 1, 7]) -> ([1, 1, 3], [1, 1, 3]) {
        let (y, at) = adaptive_max_pool1d(x, 3, return_indices = true);
        (y, at.float())
    }
    fn exact(x: [1, 1, 3, 2]) -> [1, 1, 2, 3] { interpolate(x, size = [2, 3], mode = "nearest-exact") }
    fn area(x: [1, 1, 3, 2]) -> [1, 1, 2, 1] { interpolate(x, size = [2, 1], mode = "area") }
    fn corners(x: [1, 1, 3]) -> [1, 1, 5] { interpolate(x, size = 5, mode = "linear", align_corners = true) }
    fn more(x: [1, 1, 5]) -> [1, 1, 7] { interpolate(x, scale_factor = 1.5) }
    fn not_whole(x: [1, 1, 3]) -> ([1, 1, 3], [1, 1, 3]) {
        (interpolate(x, scale_factor = 1.2), interpolate(x, scale_factor = 1.3, mode = "nearest-exact"))
    }
    fn not_twice(x: [1, 1, 5]) -> [1, 1, 10] { interpolate(x, scale_factor = 2.1) }
    fn between(x: [1, 1, 3]) -> [1, 1, 4] { interpolate(x, scale_factor = 1.6, mode = "linear") }
}

fn values(y: impl results::Gradients) -> Vec<Vec<f64>> {
    y.tensors().iter().map(Tensor::to_f64_vec).collect()
}

#[test]
fn known_values() -> netform::Result<()> {
    let net = Known::new(Cpu::f64(), 1)?;
    let of = |shape: &[usize], x: &[f64]| Tensor::from_vec(shape, x.to_vec()).unwrap();
    let noise = |shape: &[usize], salt| finite::tensor(shape, salt, (-1.0, 1.0));
    // The reversed kernel is the kernel rotated by half a turn.
    for both in [
        values(net.turned(&noise(&[2, 4, 9], 1), &noise(&[6, 2, 3], 2))?),
        values(net.turned2(&noise(&[2, 4, 7, 5], 3), &noise(&[2, 2, 3, 2], 4))?),
    ] {
        within(&both[0], &both[1], 1e-12);
    }
    // Cells -1 and 1, 1 and 3, 3 and 5, of each channel with its own kernel.
    let x = of(&[1, 2, 5], &[1., 2., 3., 4., 5., 6., 7., 8., 9., 10.]);
    let y = net.cells(&x, &of(&[2, 1, 2], &[1., 10., 2., 3.]))?;
    within(&values(y)[0], &[20., 42., 4., 21., 41., 18.], 1e-12);
    // 1 and 10 at 0 and 3, 3 and 30 at 2 and 5; the first cell is cut off, one is added at the end.
    let y = net.up(&of(&[1, 1, 2], &[1., 3.]), &of(&[1, 1, 2], &[1., 10.]))?;
    within(&values(y)[0], &[0., 3., 10., 0., 30.], 1e-12);

    let x = of(&[1, 1, 6], &[6., 1., 5., 2., 4., 3.]);
    // Cells -1 and 2, 1 and 4, 3 and 6.
    let (y, at) = (vec![5., 4., 2.], vec![2., 4., 3.]);
    assert_eq!(values(net.most(&x)?), [y, at]);
    // A third window would start after the start of the padding.
    let y = net.over(&of(&[1, 1, 5], &[1., 2., 3., 5., 4.]))?;
    assert_eq!(values(y), [[1., 5.]]);
    // Cells -1..2, 1..4, 3..6, and 5..7, where the padding ends.
    within(
        &values(net.counted(&x)?)[0],
        &[7. / 3., 8. / 3., 3., 1.5],
        1e-12,
    );
    within(&values(net.inside(&x)?)[0], &[3.5, 8. / 3., 3., 3.], 1e-12);
    let plane = of(&[1, 1, 1, 6], &x.to_f64_vec());
    within(
        &values(net.divided(&plane)?)[0],
        &[3.5, 4., 4.5, 1.5],
        1e-12,
    );
    // Cells 0..3, 2..5, 4..7; of equal cells the first.
    let x = of(&[1, 1, 7], &[1., 3., 3., 2., 0., 0., 0.]);
    let (y, at) = (vec![3., 3., 0.], vec![1., 2., 4.]);
    assert_eq!(values(net.adapted(&x)?), [y, at]);

    let x = of(&[1, 1, 3, 2], &[1., 2., 3., 4., 5., 6.]);
    // Rows at 0.75 and 2.25, columns at 1/3, 1 and 5/3.
    let y = values(net.exact(&x)?);
    assert_eq!(y, [[1., 2., 2., 5., 6., 6.]]);
    within(&values(net.area(&x)?)[0], &[2.5, 4.5], 1e-12);
    let x = of(&[1, 1, 3], &[1., 2., 4.]);
    within(&values(net.corners(&x)?)[0], &[1., 1.5, 2., 3., 4.], 1e-12);
    // The factor itself gives the distance of neighbours: 2/3 and 5/8.
    let five = of(&[1, 1, 5], &[1., 2., 3., 4., 5.]);
    assert_eq!(values(net.more(&five)?), [[1., 1., 2., 3., 3., 4., 5.]]);
    // Also where the sizes are whole multiples but the factor is not whole.
    let y = values(net.not_whole(&of(&[1, 1, 3], &[1., 2., 3.]))?);
    assert_eq!(y, [[1., 1., 2.], [1., 2., 2.]]);
    let y = values(net.not_twice(&five)?);
    assert_eq!(y, [[1., 1., 1., 2., 2., 3., 3., 4., 4., 5.]]);
    let y = values(net.between(&x)?);
    within(
        &y[0],
        &[1., 1. + 7. / 16., 2. + 2. / 16., 2. + 22. / 16.],
        1e-12,
    );
    Ok(())
}

network! {
    /// Linear in `x`, so that infinity shows what counts.
    struct Infinite {}

    fn linear(#[grad] x: [1, 1, 4]) -> [1, 1, 7] { interpolate(x, size = 7, mode = "linear") }
    fn fewer(#[grad] x: [1, 1, 9]) -> [1, 1, 4] { interpolate(x, size = 4, mode = "linear") }
    fn corners(#[grad] x: [1, 1, 4]) -> [1, 1, 7] { interpolate(x, size = 7, mode = "linear", align_corners = true) }
    fn factor(#[grad] x: [1, 1, 3]) -> [1, 1, 4] { interpolate(x, scale_factor = 1.6, mode = "linear") }
    fn plane(#[grad] x: [1, 1, 4, 3]) -> [1, 1, 7, 5] { interpolate(x, size = [7, 5], mode = "bilinear") }
    fn adaptive(#[grad] x: [1, 1, 7, 5]) -> [1, 1, 3, 2] { adaptive_avg_pool2d(x, [3, 2]) }
    fn windows(#[grad] x: [1, 1, 3]) -> [1, 1, 5] { adaptive_avg_pool1d(x, 5) }
    fn area(#[grad] x: [1, 1, L]) -> [1, 1, 4] { interpolate(x, size = 4, mode = "area") }
}

/// One element is infinity, the others 0: only results that depend on it are infinite, also in backward.
#[test]
fn infinity_stays_where_it_counts() -> netform::Result<()> {
    let mut net = Infinite::new(Cpu::f64(), 1)?;
    let single = |shape: &[usize], at: usize, v: f64| {
        let mut x = vec![0.0; shape.iter().product()];
        x[at] = v;
        Tensor::from_vec(shape, x).unwrap()
    };
    let spread = |shape: &[usize], f: &mut dyn FnMut(&Tensor) -> netform::Result<Tensor>| {
        for at in 0..shape.iter().product() {
            let share = f(&single(shape, at, 1.0))?.to_f64_vec();
            let found = f(&single(shape, at, f64::INFINITY))?.to_f64_vec();
            let infinite = |s: &f64| if *s > 0.0 { f64::INFINITY } else { 0.0 };
            let wanted: Vec<f64> = share.iter().map(infinite).collect();
            assert_eq!(found, wanted, "{shape:?}, element {at}");
        }
        netform::Result::Ok(())
    };
    macro_rules! both {
        ($($f:ident $vjp:ident $from:expr => $to:expr;)*) => {$(
            spread(&$from, &mut |x| Ok(net.$f(x)?.to_tensor()))?;
            let x = single(&$from, 0, 1.0);
            spread(&$to, &mut |dy| Ok(net.$vjp(&x, dy)?.to_tensor()))?;
        )*};
    }
    both! {
        linear linear_vjp [1, 1, 4] => [1, 1, 7];
        fewer fewer_vjp [1, 1, 9] => [1, 1, 4];
        corners corners_vjp [1, 1, 4] => [1, 1, 7];
        factor factor_vjp [1, 1, 3] => [1, 1, 4];
        plane plane_vjp [1, 1, 4, 3] => [1, 1, 7, 5];
        adaptive adaptive_vjp [1, 1, 7, 5] => [1, 1, 3, 2];
        windows windows_vjp [1, 1, 3] => [1, 1, 5];
        area area_vjp [1, 1, 6] => [1, 1, 4];
        area area_vjp [1, 1, 3] => [1, 1, 4];
    }
    Ok(())
}

network! {
    /// Padding of every mode, beside options of the convolution.
    struct Padded {
        line: Param[2, 2, 5] = normal(1.0),
        short: Param[1, 2, 1] = normal(1.0),
        plane: Param[2, 2, 3, 5] = normal(1.0),
        point: Param[1, 2, 1, 1] = normal(1.0),
        reflect1: Conv1d(2 -> 4, kernel_size = 3, stride = 2, padding = 2, groups = 2, padding_mode = "reflect"),
        replicate1: Conv1d(2 -> 3, kernel_size = 4, padding = "same", dilation = 2, bias = false, padding_mode = "replicate"),
        circular1: Conv1d(2 -> 3, kernel_size = 3, padding = 1, padding_mode = "circular"),
        reflect2: Conv2d(2 -> 3, kernel_size = (3, 2), padding = (2, 1), dilation = (1, 2), padding_mode = "reflect"),
        replicate2: Conv2d(2 -> 4, kernel_size = (3, 2), stride = (1, 2), padding = (2, 1), groups = 2, padding_mode = "replicate"),
        circular2: Conv2d(2 -> 3, kernel_size = 3, padding = 1, bias = false, padding_mode = "circular"),
    }
    fn lines(x: [N, 2, 5]) -> ([N, 4, 4], [N, 3, 5], [N, 3, 5]) {
        (reflect1(x), replicate1(x), circular1(x))
    }
    fn planes(x: [N, 2, 3, 5]) -> ([N, 3, 5, 5], [N, 4, 5, 3], [N, 3, 3, 5]) {
        (reflect2(x), replicate2(x), circular2(x))
    }
    fn lines_by_hand(x: [N, 2, 5]) -> ([N, 4, 4], [N, 3, 5], [N, 3, 5]) {
        let a = pad(x, [2, 2], mode = "reflect");
        let b = pad(x, [3, 3], mode = "replicate");
        let c = pad(x, [1, 1], mode = "circular");
        (
            conv1d(a, reflect1.weight, reflect1.bias, stride = 2, groups = 2),
            conv1d(b, replicate1.weight, dilation = 2),
            conv1d(c, circular1.weight, circular1.bias),
        )
    }
    fn planes_by_hand(x: [N, 2, 3, 5]) -> ([N, 3, 5, 5], [N, 4, 5, 3], [N, 3, 3, 5]) {
        let a = pad(x, [1, 1, 2, 2], mode = "reflect");
        let b = pad(x, [1, 1, 2, 2], mode = "replicate");
        let c = pad(x, [1, 1, 1, 1], mode = "circular");
        (
            conv2d(a, reflect2.weight, reflect2.bias, dilation = (1, 2)),
            conv2d(b, replicate2.weight, replicate2.bias, stride = (1, 2), groups = 2),
            conv2d(c, circular2.weight),
        )
    }
    fn nobody(#[grad] x: [0, 2, 3, 5]) -> ([0, 3, 5, 5], [0, 4, 5, 3], [0, 3, 3, 5]) { planes(x) }
    fn loss(w: []) -> [] {
        let (a, b, c) = lines(line);
        let (d, e, f) = planes(plane);
        let lines = sin(a).sum() + sin(b).sum() + sin(c).sum();
        let planes = sin(d).sum() + sin(e).sum() + sin(f).sum();
        let small = sin(replicate1(short)).sum() + sin(circular1(short)).sum();
        (lines + planes + small + sin(replicate2(point)).sum() + sin(circular2(point)).sum()) * w
    }
}

#[test]
fn padding_of_every_mode() -> netform::Result<()> {
    let mut net = Padded::new(Cpu::f64(), 3)?;
    gradients(&mut net, |net| net.loss_backward(1.3)?.item())?;
    for batch in [1, 3] {
        let x = finite::tensor(&[batch, 2, 5], 1, (-1.0, 1.0));
        let (found, wanted) = (values(net.lines(&x)?), values(net.lines_by_hand(&x)?));
        for (a, b) in found.iter().zip(&wanted) {
            within(a, b, 1e-12);
        }
        let x = finite::tensor(&[batch, 2, 3, 5], 2, (-1.0, 1.0));
        let (found, wanted) = (values(net.planes(&x)?), values(net.planes_by_hand(&x)?));
        for (a, b) in found.iter().zip(&wanted) {
            within(a, b, 1e-12);
        }
    }
    let x = Tensor::from_vec([0, 2, 3, 5], Vec::<f64>::new())?;
    let none = values(net.nobody(&x)?);
    assert!(none.iter().all(Vec::is_empty));
    let dy = |shape| Tensor::from_vec(shape, Vec::<f64>::new());
    let dx = net.nobody_vjp(
        &x,
        &dy([0, 3, 5, 5])?,
        &dy([0, 4, 5, 3])?,
        &dy([0, 3, 3, 5])?,
    )?;
    assert_eq!(dx.shape(), [0, 2, 3, 5]);
    let none = net.gradient("replicate2.weight")?.to_f64_vec();
    assert!(none.iter().all(|&g| g == 0.0));
    Ok(())
}
