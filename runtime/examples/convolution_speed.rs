//! The shortest times of convolutions and max pooling, through `Run`:
//! `cargo run --release -p netform-runtime --example convolution_speed [threads]`.

use std::time::Instant;

use netform_runtime::__private::device::{Call, Convolution, Memory, Role, Window2};
use netform_runtime::__private::{DType, Run};
use netform_runtime::Cpu;

/// The layers of a small network for digits, of a residual network, and one by depth.
const LAYERS: &[(&str, [usize; 7])] = &[
    // batch, groups, c, o, size, kernel, padding
    ("1 -> 32 of 28", [64, 1, 1, 32, 28, 3, 0]),
    ("3 -> 64 of 32", [16, 1, 3, 64, 32, 3, 1]),
    ("32 -> 64 of 26", [64, 1, 32, 64, 26, 3, 0]),
    ("64 -> 64 of 32", [8, 1, 64, 64, 32, 3, 1]),
    ("64 -> 256 of 16, 1 x 1", [8, 1, 64, 256, 16, 1, 0]),
    ("64 by depth of 32", [8, 64, 1, 1, 32, 3, 1]),
    ("64 -> 64 of 32, one image", [1, 1, 64, 64, 32, 3, 1]),
];

fn fastest(mut f: impl FnMut()) -> f64 {
    f();
    let mut times: Vec<f64> = (0..15)
        .map(|_| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    // The shortest is what the machine can do while others use it too.
    times[0] * 1e3
}

fn main() -> netform_runtime::Result<()> {
    let threads = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let cpu = Cpu::new().with_threads(threads.unwrap_or(1));
    let params = cpu.alloc(64)?;
    let mut arena = cpu.alloc(256 << 20)?;
    let offsets = [0, 64 << 20, 128 << 20, 192 << 20];
    for &(name, [n, groups, c, o, size, kernel, padding]) in LAYERS {
        let out = size + 2 * padding + 1 - kernel;
        let g = Convolution {
            n,
            groups,
            c,
            o,
            x: [size; 2],
            kernel: [kernel; 2],
            y: [out; 2],
            stride: [1; 2],
            padding: [padding; 2],
            dilation: [1; 2],
        };
        // SAFETY: nothing else uses the parameters.
        let run = unsafe { Run::new(&cpu, "time", &params, None, &mut arena, &offsets, 0, 0) };
        let x = run.slot(0, DType::Float, n * groups * c * size * size);
        let w = run.slot(1, DType::Float, groups * o * c * kernel * kernel);
        let y = run.slot(2, DType::Float, n * groups * o * out * out);
        let work = 2e-6 * (n * groups * o * out * out * c * kernel * kernel) as f64;
        let show = |what: &str, ms: f64| {
            println!("{name:>26} {what:>7} {ms:8.3} ms {:7.1} GFLOP/s", work / ms);
        };
        let sides = [
            ("y", Role::Y, [x, w, y]),
            ("x", Role::X, [w, y, x]),
            ("w", Role::W, [x, y, w]),
        ];
        for (what, role, operands) in sides {
            let call = Call::Convolve { role, size: g };
            show(what, fastest(|| run.call(&call, &operands)));
        }
        run.finish()?;
    }
    // SAFETY: nothing else uses the parameters.
    let run = unsafe { Run::new(&cpu, "time", &params, None, &mut arena, &offsets, 0, 0) };
    let windows = Window2 {
        planes: 64 * 64,
        x: [24; 2],
        kernel: [2; 2],
        y: [12; 2],
        stride: [2; 2],
        padding: [0; 2],
        dilation: [1; 2],
    };
    let x = run.slot(0, DType::Float, 64 * 64 * 24 * 24);
    let index = run.slot(1, DType::Int, 64 * 64 * 12 * 12);
    let ms = fastest(|| run.call(&Call::WindowArgMax(windows), &[x, index]));
    println!("{:>26} {:>7} {ms:8.3} ms", "pool of 64 x 24", "max");
    run.finish()
}
