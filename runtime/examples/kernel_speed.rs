//! Medians of the kernels' times, through `Run`: `cargo run --release --example kernel_speed`.

use std::hint::black_box;
use std::time::Instant;

use netform_runtime::__private::device::{Call, Memory, Product, Softmax, by};
use netform_runtime::__private::{
    Body, DType, Identity, In, Inner, Lanes, MapBody, Operand, Run, View, size,
};
use netform_runtime::{Cpu, Float};

const FLOAT: Operand = Operand::new(DType::Float, Inner::One);

/// y = sigmoid(x).
struct Sigmoid;
impl MapBody for Sigmoid {
    const INPUTS: &'static [Operand] = &[FLOAT];
    const OUTPUTS: &'static [DType] = &[DType::Float];
    // The CPU has no use for it.
    fn body() -> Body {
        Body::IDENTITY
    }
    #[inline(always)]
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let x = l.float(0);
        l.put_float(0, x.sigmoid());
    }
}

/// y = tanh(x), y = exp(x), y = log(x), y = erf(x) for single-function speeds.
macro_rules! single {
    ($($name:ident $f:ident),*) => { $(
        struct $name;
        impl MapBody for $name {
            const INPUTS: &'static [Operand] = &[FLOAT];
            const OUTPUTS: &'static [DType] = &[DType::Float];
            // The CPU has no use for it.
            fn body() -> Body {
                Body::IDENTITY
            }
            #[inline(always)]
            fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
                let x = l.float(0);
                l.put_float(0, x.$f());
            }
        }
    )* };
}
single!(Exp exp, Tanh tanh, Log log, Erf erf, Relu relu);

/// y = sigmoid(c + b).
struct BiasSigmoid;
impl MapBody for BiasSigmoid {
    const INPUTS: &'static [Operand] = &[FLOAT, FLOAT];
    const OUTPUTS: &'static [DType] = &[DType::Float];
    // The CPU has no use for it.
    fn body() -> Body {
        Body::IDENTITY
    }
    #[inline(always)]
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let (c, b) = (l.float(0), l.float(1));
        l.put_float(0, (c + b).sigmoid());
    }
}

/// y = a + b.
struct Add;
impl MapBody for Add {
    const INPUTS: &'static [Operand] = &[FLOAT, FLOAT];
    const OUTPUTS: &'static [DType] = &[DType::Float];
    // The CPU has no use for it.
    fn body() -> Body {
        Body::IDENTITY
    }
    #[inline(always)]
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let (a, b) = (l.float(0), l.float(1));
        l.put_float(0, a + b);
    }
}

/// The median time of one call, in nanoseconds.
fn median(mut f: impl FnMut()) -> f64 {
    let start = Instant::now();
    f();
    let once = start.elapsed().as_nanos().max(20) as f64;
    let inner = (100_000.0 / once).clamp(1.0, 10_000.0) as usize;
    let mut times: Vec<f64> = (0..101)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..inner {
                f();
            }
            start.elapsed().as_nanos() as f64 / inner as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[50]
}

fn view(offset: usize, len: usize) -> View {
    View {
        space: netform_runtime::__private::Space::Arena,
        dtype: DType::Float,
        offset: offset * 4,
        len,
    }
}

fn flat(view: View) -> In<1> {
    In {
        view,
        start: 0,
        strides: [1],
    }
}

fn main() {
    for threads in [1, 2] {
        println!("-- {threads} thread(s)");
        measure(&Cpu::new().with_threads(threads));
    }
}

fn measure(cpu: &Cpu) {
    let params = cpu.alloc(64).unwrap();
    let mut arena = cpu.alloc(64 << 20).unwrap();
    // Something that is not 0, so that nothing is special.
    let some: Vec<f32> = (0..16 << 20)
        .map(|i| (i % 1000) as f32 / 1000.0 + 0.001)
        .collect();
    // SAFETY: the arena is as long.
    unsafe {
        cpu.write(Cpu::<f32>::addr(&arena), bytemuck::cast_slice(&some))
            .unwrap()
    };
    // SAFETY: nothing else uses the parameters.
    let run = unsafe { Run::new(cpu, "speed", &params, None, &mut arena, &[], 0, 0) };
    let run = black_box(&run);

    let million = 1 << 20;
    for (name, n) in [("100", 100), ("1M", million)] {
        let (x, y) = (flat(view(0, n)), view(4 * million, n));
        macro_rules! map {
            ($body:ident) => {
                let t = median(|| run.map::<$body, 1, 1, 1>([n], [x], [y], &[]));
                println!(
                    "map {:8} {name:>4}: {t:10.1} ns {:6.2} GB/s",
                    stringify!($body),
                    8.0 * n as f64 / t
                );
            };
        }
        map!(Sigmoid);
        map!(Exp);
        map!(Tanh);
        map!(Log);
        map!(Erf);
        map!(Relu);
        let y = view(4 * million, n);
        let t = median(|| {
            run.reduce::<Identity, by::Sum, 1>(
                netform_runtime::__private::device::Axis {
                    outer: 1,
                    n,
                    inner: 1,
                },
                [In {
                    view: view(0, n),
                    start: 0,
                    strides: [0, 1, 1],
                }],
                &[],
                y,
            )
        });
        println!("sum {name}: {t:.1} ns");
    }
    let b = In {
        view: view(million, 16),
        start: 0,
        strides: [0, 1],
    };
    for (rows, columns) in [(10, 10), (10, 3), (1000, 10), (128, 512)] {
        let mut b = b;
        b.view.len = columns;
        let t = median(|| {
            let x = In {
                view: view(0, rows * columns),
                start: 0,
                strides: [columns, 1],
            };
            run.map::<Add, 2, 2, 1>(
                [rows, columns],
                [x, b],
                [view(4 * million, rows * columns)],
                &[],
            );
        });
        println!("map x + b ({rows}, {columns}): {t:.1} ns");
    }
    let axis = netform_runtime::__private::device::Axis {
        outer: 1,
        n: 128,
        inner: 512,
    };
    let t = median(|| {
        run.reduce::<Identity, by::Sum, 1>(
            axis,
            [In {
                view: view(0, 65_536),
                start: 0,
                strides: [0, 512, 1],
            }],
            &[],
            view(4 * million, 512),
        )
    });
    println!("sum over rows (128, 512): {t:.1} ns");
    let axis = netform_runtime::__private::device::Axis {
        outer: 1000,
        n: 512,
        inner: 1,
    };
    let t = median(|| {
        let kind = Softmax::Softmax;
        let operands = [view(0, 512_000), view(4 * million, 512_000)];
        run.call(&Call::Softmax { kind, axis }, &operands)
    });
    println!("softmax (1000, 512): {t:.1} ns");

    // Small products.
    let nk = |m: usize, tb: bool| {
        let size = Product {
            batch: 1,
            m,
            n: 10,
            k: 8,
            ta: false,
            tb,
        };
        median(|| {
            let extra = In {
                view: view(1 << 16, 10),
                start: 0,
                strides: [0, 0, 1],
            };
            run.product::<BiasSigmoid, size::Nk<10, 8>, 1, 1>(
                size,
                view(0, m * 8),
                view(4096, 80),
                [extra],
                [view(4 * million, m * 10)],
                &[],
            );
        })
    };
    println!(
        "product_nk 10x8x10 sigmoid: {:.1} ns, tb {:.1} ns",
        nk(10, false),
        nk(10, true)
    );
    let size = Product {
        batch: 1,
        m: 10,
        n: 8,
        k: 10,
        ta: true,
        tb: false,
    };
    let t = median(|| {
        run.product::<Identity, size::Mn<10, 8>, 0, 1>(
            size,
            view(0, 100),
            view(4096, 80),
            [],
            [view(4 * million, 80)],
            &[],
        )
    });
    println!("product_mn 10x10x8 ta: {t:.1} ns");

    let shapes = [
        (128, 784, 512, false, true),
        (128, 512, 512, false, true),
        (128, 512, 512, false, false),
        (512, 128, 784, true, false),
        (128, 512, 784, false, false),
        (128, 512, 10, false, true),
        (1, 784, 512, false, true),
        (1, 512, 512, false, true),
        (1, 512, 512, false, false),
        (10, 8, 10, false, true),
        (768, 128, 512, false, true),
    ];
    for (m, k, n, ta, tb) in shapes {
        let size = Product {
            batch: 1,
            m,
            n,
            k,
            ta,
            tb,
        };
        let t = median(|| {
            run.product::<Identity, size::Any, 0, 1>(
                size,
                view(0, m * k),
                view(million, k * n),
                [],
                [view(4 * million, m * n)],
                &[],
            )
        });
        let flops = 2.0 * (m * n * k) as f64 / t;
        println!(
            "product {m}x{k}x{n} {}{}: {t:10.1} ns {flops:6.1} GFlop/s",
            if ta { "ta" } else { "" },
            if tb { "tb" } else { "" }
        );
    }
}
