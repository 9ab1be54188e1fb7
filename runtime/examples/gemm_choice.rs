//! The choice behind `cpu/gemm.rs`: `gemm` against `matrixmultiply`, one thread, f32 and f64.
//! `cargo run --release --example gemm_choice`. Also counts heap allocations per call.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;
// SAFETY: forwards to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        unsafe { System.dealloc(at, layout) }
    }
}
#[global_allocator]
static COUNTING: Counting = Counting;

/// The median time of a call in microseconds, and its allocations.
fn median(mut f: impl FnMut()) -> (f64, usize) {
    f();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    f();
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    let mut times: Vec<f64> = (0..101)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..5 {
                f();
            }
            start.elapsed().as_nanos() as f64 / 5_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[50], allocations)
}

/// (m, k, n), A is stored transposed, B is.
const SHAPES: [(usize, usize, usize, bool, bool); 10] = [
    (128, 784, 512, false, true),
    (128, 512, 512, false, true),
    (128, 512, 512, false, false),
    (512, 128, 784, true, false),
    (128, 512, 784, false, false),
    (128, 512, 10, false, true),
    (1, 784, 512, false, true),
    (1, 512, 512, false, false),
    (10, 8, 10, false, true),
    (768, 128, 512, false, true),
];

macro_rules! compare {
    ($float:ty, $wide:path, $portable:path) => {
        println!("{:24} {:>22} {:>22}", stringify!($float), "gemm", "matrixmultiply");
        for (m, k, n, ta, tb) in SHAPES {
            let a: Vec<$float> = (0..m * k).map(|i| (i % 97) as $float * 0.01).collect();
            let b: Vec<$float> = (0..n * k).map(|i| (i % 89) as $float * 0.01).collect();
            let mut c: Vec<$float> = vec![0.0; m * n];
            let (ra, ca) = if ta { (1, m as isize) } else { (k as isize, 1) };
            let (rb, cb) = if tb { (1, k as isize) } else { (n as isize, 1) };
            let (a, b, y, rc) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr(), n as isize);
            let one = gemm_common::Parallelism::None;
            let (first, first_allocations) = median(|| {
                // SAFETY: the vectors hold the matrices. It writes columns: those of `B' A'`.
                unsafe {
                    $wide()(
                        n, m, k, y, rc, 1, false, b, rb, cb, a, ra, ca, 1.0, 1.0, false, false,
                        false, one,
                    );
                }
            });
            let (second, second_allocations) = median(|| {
                // SAFETY: as above.
                unsafe { $portable(m, k, n, 1.0, a, ra, ca, b, rb, cb, 0.0, y, rc, 1) };
            });
            let speed = |t: f64| 2.0 * (m * k * n) as f64 / t / 1e3;
            let flag = |on: bool, name| if on { name } else { "" };
            println!(
                "{:24} {first:8.1} us {:6.1} GF/s {first_allocations} {second:8.1} us {:6.1} GF/s {second_allocations}",
                format!("({m}, {k}, {n}){}{}", flag(ta, " ta"), flag(tb, " tb")),
                speed(first),
                speed(second),
            );
        }
    };
}

fn main() {
    compare!(f32, gemm_f32::gemm::f32::get_gemm_fn, matrixmultiply::sgemm);
    compare!(f64, gemm_f64::gemm::f64::get_gemm_fn, matrixmultiply::dgemm);
}
