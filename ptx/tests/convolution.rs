//! Convolutions, their adjoints and windows' largest elements: every kernel on every geometry, exact on small integers.

mod harness;

use harness::{Gpu, Numbers, bits};
use netform_ptx::{
    CONVOLUTIONS, Convolution, Convolving, Error, Role, Way, Window2, choose_convolution,
    convolution, convolution_as, convolution_work, convolving_work, window_arg_max,
};

/// (n, groups, c, o), x, kernel, stride, padding, dilation.
type Row = (
    [usize; 4],
    [usize; 2],
    [usize; 2],
    [usize; 2],
    [usize; 2],
    [usize; 2],
);
const GEOMETRIES: [Row; 14] = [
    ([1, 1, 1, 1], [1, 1], [1, 1], [1, 1], [0, 0], [1, 1]),
    ([2, 1, 3, 5], [6, 7], [3, 3], [1, 1], [1, 1], [1, 1]),
    ([1, 1, 2, 9], [7, 5], [2, 3], [2, 1], [0, 2], [1, 2]),
    ([3, 2, 2, 3], [5, 8], [3, 2], [2, 3], [2, 1], [2, 1]),
    ([2, 4, 1, 1], [6, 6], [3, 3], [2, 2], [1, 1], [1, 1]),
    ([2, 3, 1, 2], [5, 5], [3, 3], [1, 1], [1, 1], [1, 1]),
    // One dimension.
    ([2, 1, 4, 6], [1, 33], [1, 5], [1, 2], [0, 2], [1, 3]),
    // A product.
    ([2, 1, 17, 18], [3, 5], [1, 1], [1, 1], [0, 0], [1, 1]),
    // Cells apart, of which a stride reaches only some.
    ([1, 1, 2, 2], [11, 9], [3, 3], [4, 2], [3, 0], [2, 2]),
    // A stride larger than the kernel: pixels under no window.
    ([1, 1, 3, 2], [9, 9], [2, 2], [3, 4], [0, 1], [1, 1]),
    // Windows outside of the image.
    ([1, 1, 2, 3], [3, 2], [2, 2], [2, 1], [5, 4], [1, 3]),
    // More residues than the maximum number of launches.
    ([1, 1, 9, 2], [11, 12], [5, 5], [5, 5], [1, 2], [1, 1]),
    ([1, 1, 40, 36], [5, 6], [3, 3], [1, 1], [1, 1], [1, 1]),
    // No channel of x: zeros.
    ([2, 1, 0, 2], [3, 3], [2, 2], [1, 1], [0, 0], [1, 1]),
];

fn geometry((sizes, x, kernel, stride, padding, dilation): Row) -> Convolution {
    let windows = |d: usize| {
        let room = x[d] + 2 * padding[d];
        let reach = (kernel[d] - 1) * dilation[d] + 1;
        (room - reach) / stride[d] + 1
    };
    let [n, groups, c, o] = sizes;
    Convolution {
        n,
        groups,
        c,
        o,
        x,
        kernel,
        y: [windows(0), windows(1)],
        stride,
        padding,
        dilation,
    }
}

fn sizes(g: &Convolution) -> [usize; 3] {
    let plane = |p: [usize; 2]| p[0] * p[1];
    [
        g.n * g.groups * g.c * plane(g.x),
        g.groups * g.o * g.c * plane(g.kernel),
        g.n * g.groups * g.o * plane(g.y),
    ]
}

/// Calls `f` with the elements of x, w and y that are multiplied.
fn meet(g: &Convolution, mut f: impl FnMut(usize, usize, usize)) {
    let under = |d: usize, i: usize, k: usize| {
        let at = (i * g.stride[d] + k * g.dilation[d]).checked_sub(g.padding[d]);
        at.filter(|at| *at < g.x[d])
    };
    for row in 0..g.n * g.groups * g.o {
        let (sample, channel) = (row / (g.groups * g.o), row % (g.groups * g.o));
        for i in 0..g.y[0] * g.y[1] {
            for cell in 0..g.c * g.kernel[0] * g.kernel[1] {
                let (kw, rest) = (cell % g.kernel[1], cell / g.kernel[1]);
                let (kh, c) = (rest % g.kernel[0], rest / g.kernel[0]);
                let places = (under(0, i / g.y[1], kh), under(1, i % g.y[1], kw));
                let (Some(h), Some(v)) = places else { continue };
                let image = (sample * g.groups + channel / g.o) * g.c + c;
                f(
                    (image * g.x[0] + h) * g.x[1] + v,
                    channel * g.c * g.kernel[0] * g.kernel[1] + cell,
                    row * g.y[0] * g.y[1] + i,
                );
            }
        }
    }
}

fn expected(g: &Convolution, side: Role, [x, w, y]: [&[f32]; 3]) -> Vec<f64> {
    let [xs, ws, ys] = sizes(g);
    let all = match side {
        Role::X => xs,
        Role::W => ws,
        Role::Y => ys,
    };
    let mut out = vec![0.0; all];
    meet(g, |i, j, k| {
        let (x, w, y) = (x.get(i), w.get(j), y.get(k));
        let (at, a, b) = match side {
            Role::X => (i, w, y),
            Role::W => (j, x, y),
            Role::Y => (k, x, w),
        };
        let (a, b) = (a.copied().unwrap_or(0.0), b.copied().unwrap_or(0.0));
        out[at] += f64::from(a) * f64::from(b);
    });
    out
}

/// Every kernel, with sums whole and in segments.
fn ways(side: Role) -> Vec<(Convolving, usize)> {
    let mut all = vec![(Convolving::Each, 1), (Convolving::Each, 3)];
    for (way, ..) in CONVOLUTIONS {
        let Way::Tiles(tile) = way else {
            unreachable!("convolutions have tiles")
        };
        all.extend([1, 3].map(|parts| (Convolving::Tiles(tile), parts)));
    }
    if side != Role::W {
        all.extend([1, 2, 4, 8].map(|few| (Convolving::Few(few), 1)));
    }
    all
}

fn run(
    gpu: &mut Gpu,
    g: Convolution,
    side: Role,
    arrays: [&[f32]; 3],
    way: (Convolving, usize),
) -> Vec<f32> {
    let at = match side {
        Role::X => 0,
        Role::W => 1,
        Role::Y => 2,
    };
    let mut addresses = arrays.map(|a| gpu.array(a));
    let count = sizes(&g)[at];
    addresses[at] = gpu.space(4 * count);
    let work = gpu.space(convolving_work(g, side, way));
    gpu.run(convolution_as(way, g, side, addresses, work));
    gpu.read(addresses[at], count)
}

#[test]
fn every_way_on_every_geometry() {
    for (at, row) in GEOMETRIES.into_iter().enumerate() {
        let g = geometry(row);
        let mut numbers = Numbers::new(at as u64);
        let [x, w, y] = sizes(&g).map(|n| numbers.integers(n));
        let mut gpu = Gpu::default();
        for side in [Role::Y, Role::X, Role::W] {
            let want = expected(&g, side, [&x, &w, &y]);
            let mut all = ways(side);
            all.push(choose_convolution(g, side));
            // The larger ones with few kernels, because the emulator is slow.
            let step = if want.len() > 2000 || at > 10 { 3 } else { 1 };
            for way in all.into_iter().step_by(step) {
                let got = run(&mut gpu, g, side, [&x, &w, &y], way);
                let got: Vec<f64> = got.into_iter().map(f64::from).collect();
                assert_eq!(got, want, "{g:?} {side:?} {way:?}");
            }
        }
    }
}

/// Against f64, with a bound that grows with the root of the sums' length; and the same result twice.
#[test]
fn random_numbers() {
    let g = geometry(([3, 1, 20, 24], [9, 8], [3, 3], [1, 2], [1, 1], [1, 1]));
    let mut numbers = Numbers::new(5);
    let [x, w, y] = sizes(&g).map(|n| numbers.floats(n));
    let mut gpu = Gpu::default();
    for side in [Role::Y, Role::X, Role::W] {
        let want = expected(&g, side, [&x, &w, &y]);
        let way = choose_convolution(g, side);
        let got = run(&mut gpu, g, side, [&x, &w, &y], way);
        let again = run(&mut gpu, g, side, [&x, &w, &y], way);
        assert_eq!(bits(&got), bits(&again));
        for (a, b) in got.iter().zip(&want) {
            assert!((f64::from(*a) - b).abs() < 2e-5, "{side:?}: {a} and {b}");
        }
    }
}

#[test]
fn ways_are_chosen() {
    let way = |sizes, kernel: usize, x: usize, stride, side| {
        let pad = kernel / 2;
        let g = geometry((sizes, [x; 2], [kernel; 2], [stride; 2], [pad; 2], [1, 1]));
        match choose_convolution(g, side) {
            (Convolving::Tiles(tile), parts) => (tile.bm, parts),
            (Convolving::Each, parts) => (1, parts),
            (Convolving::Few(_), parts) => (0, parts),
        }
    };
    assert_eq!(way([64, 1, 128, 128], 3, 28, 1, Role::Y), (128, 1));
    assert_eq!(way([64, 1, 128, 128], 3, 28, 2, Role::X).1, 1);
    assert!(way([64, 1, 128, 128], 3, 28, 1, Role::W).1 > 1);
    assert_eq!(way([64, 128, 1, 1], 3, 28, 1, Role::Y).0, 0);
    assert_eq!(way([64, 128, 1, 1], 3, 28, 1, Role::X).0, 0);
    assert_eq!(way([64, 128, 1, 1], 3, 28, 1, Role::W).0, 1);
    assert_eq!(way([64, 1, 1, 32], 3, 28, 1, Role::Y).0, 32);
    assert_eq!(way([8, 1, 512, 1], 1, 4, 1, Role::Y).0, 1);
}

#[test]
fn nothing_and_too_much() {
    let g = geometry(GEOMETRIES[1]);
    let empty = Convolution { n: 0, ..g };
    for side in [Role::X, Role::Y] {
        assert_eq!(convolution_work(empty, side), 0);
        assert_eq!(convolution(empty, side, [0; 3], 0), Ok(vec![]));
    }
    let large = Convolution { n: 1 << 30, ..g };
    assert_eq!(convolution(large, Role::Y, [0; 3], 0), Err(Error::TooLarge));
    let far = Convolution {
        padding: [1 << 30, 0],
        ..g
    };
    assert_eq!(convolution(far, Role::Y, [0; 3], 0), Err(Error::TooLarge));
    // No samples: no weight has a gradient.
    let mut gpu = Gpu::default();
    let got = run(
        &mut gpu,
        empty,
        Role::W,
        [&[], &[], &[]],
        (Convolving::Each, 1),
    );
    assert!(got.iter().all(|v| *v == 0.0));
}

/// As on the CPU.
fn largest(w: Window2, x: &[f32]) -> Vec<i64> {
    let mut out = Vec::new();
    for at in 0..w.planes * w.y[0] * w.y[1] {
        let (plane, i) = (at / (w.y[0] * w.y[1]), at % (w.y[0] * w.y[1]));
        let window = [i / w.y[1], i % w.y[1]];
        let mut best = (f32::NEG_INFINITY, -1);
        for cell in 0..w.kernel[0] * w.kernel[1] {
            let k = [cell / w.kernel[1], cell % w.kernel[1]];
            let under = |d: usize| {
                let at = window[d] * w.stride[d] + k[d] * w.dilation[d];
                at.checked_sub(w.padding[d]).filter(|at| *at < w.x[d])
            };
            if let (Some(h), Some(v)) = (under(0), under(1)) {
                let at = h * w.x[1] + v;
                let value = x[plane * w.x[0] * w.x[1] + at];
                let larger = value > best.0 || value.is_nan();
                if best.1 < 0 || larger {
                    best = (value, at as i64);
                }
            }
        }
        out.push(best.1);
    }
    out
}

#[test]
fn largest_elements() {
    for (at, row) in GEOMETRIES.into_iter().enumerate() {
        let g = geometry(row);
        let w = Window2 {
            planes: g.n * 3,
            x: g.x,
            kernel: g.kernel,
            y: g.y,
            stride: g.stride,
            padding: g.padding,
            dilation: g.dilation,
        };
        let mut numbers = Numbers::new(at as u64);
        let mut x = numbers.integers(w.planes * w.x[0] * w.x[1]);
        for _ in 0..x.len() / 7 {
            let special = [f32::NAN, f32::NEG_INFINITY, f32::INFINITY, -0.0];
            let at = numbers.below(x.len());
            x[at] = special[numbers.below(4)];
        }
        let mut gpu = Gpu::default();
        let want = largest(w, &x);
        let (from, to) = (gpu.array(&x), gpu.space(8 * want.len()));
        gpu.run(window_arg_max(w, from, to));
        assert_eq!(gpu.read::<i64>(to, want.len()), want, "{w:?}");
    }
}
