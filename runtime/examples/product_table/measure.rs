//! Times: shapes and ways in, the least time of each way on each shape out.
//!
//! The machine may have other work. So the ways take turns, the whole grid is timed in several passes, and the least of
//! all times counts.

use std::time::Instant;

use netform_runtime::__private::device::Product;
use netform_runtime::__private::products::{Way, product_by, way_of};
use netform_runtime::{Cpu, Float};

use super::shapes::{shapes, workloads};

/// Passes over the grid.
const PASSES: usize = 3;
/// Turns of each way on a shape in a pass.
const TURNS: usize = 4;
/// Nanoseconds of a turn, at least.
const TURN: f64 = 25_000.0;
/// A way that takes so many times the best's time is not timed any further.
const HOPELESS: f64 = 4.0;

/// What was measured of one shape.
pub(crate) struct Sample {
    pub(crate) size: Product,
    /// It is one of the workloads'.
    pub(crate) workload: bool,
    /// Nanoseconds of a call by each way.
    pub(crate) times: Vec<f64>,
    /// The way that the present table has.
    pub(crate) present: Way,
}

impl Sample {
    /// How many times the best's time a way takes.
    pub(crate) fn ratio(&self, way: usize) -> f64 {
        self.times[way] / self.best()
    }

    fn best(&self) -> f64 {
        self.times.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The best's multiplications and additions in a nanosecond.
    fn speed(&self) -> f64 {
        let Product { m, n, k, .. } = self.size;
        2.0 * (m * n * k) as f64 / self.best()
    }
}

/// Every shape by every way, on one thread and on all.
pub(crate) fn measure<F: Float>(cpu: &Cpu<F>, ways: &[Way]) -> Vec<Sample> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = vec![1, all];
    threads.dedup();
    let workloads = workloads().len();
    let mut samples: Vec<Vec<Sample>> = Vec::new();
    for _ in &threads {
        let shapes = shapes().into_iter().enumerate();
        let sample = |(at, size)| Sample {
            size,
            workload: at < workloads,
            times: vec![f64::INFINITY; ways.len()],
            present: way_of::<F>(size),
        };
        samples.push(shapes.map(sample).collect());
    }
    for _ in 0..PASSES {
        for (threads, samples) in threads.iter().zip(&mut samples) {
            let cpu = cpu.clone().with_threads(*threads);
            samples
                .iter_mut()
                .for_each(|sample| pass(&cpu, ways, sample));
        }
    }
    samples.into_iter().flatten().collect()
}

fn pass<F: Float>(cpu: &Cpu<F>, ways: &[Way], sample: &mut Sample) {
    let size = sample.size;
    let numbers = |count, period| -> Vec<F> {
        let value = |i| F::from_f64((i % period) as f64 * 0.01);
        (0..count).map(value).collect()
    };
    let (a, b) = (numbers(size.m * size.k, 97), numbers(size.k * size.n, 89));
    let mut c = numbers(size.m * size.n, 1);
    let mut time = |way, calls: usize| {
        let start = Instant::now();
        for _ in 0..calls {
            // SAFETY: the vectors hold the matrices.
            unsafe { product_by(cpu, way, size, [a.as_ptr(), b.as_ptr()], c.as_mut_ptr()) };
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    };
    // A call to warm up, and one that says how many make a turn.
    for (way, least) in ways.iter().zip(&mut sample.times) {
        time(*way, 1);
        *least = least.min(time(*way, 1));
    }
    for _ in 0..TURNS {
        let best = sample.best();
        for (way, least) in ways.iter().zip(&mut sample.times) {
            if *least < best * HOPELESS {
                let calls = (TURN / *least).ceil().max(1.0);
                *least = least.min(time(*way, calls as usize));
            }
        }
    }
}

/// The ratios of the workloads' shapes, the worst choices of the present table, and the mean over all shapes.
pub(crate) fn print(name: &str, ways: &[Way], samples: &[Sample]) {
    let line = |sample: &Sample| {
        let Product {
            m, n, k, ta, tb, ..
        } = sample.size;
        let flag = |on, name| if on { name } else { "" };
        let mut line = format!(
            "{:26}",
            format!("({m}, {n}, {k}){}{}", flag(ta, " ta"), flag(tb, " tb"))
        );
        for (at, way) in ways.iter().enumerate() {
            let mark = if *way == sample.present { '*' } else { ' ' };
            line += &format!("{:14.2}{mark}", sample.ratio(at));
        }
        println!("{line}{:10.2}", sample.speed());
    };
    let present = |sample: &Sample| {
        let at = ways.iter().position(|way| *way == sample.present);
        at.map_or(f64::NAN, |at| sample.ratio(at))
    };
    let head: String = ways
        .iter()
        .map(|way| format!("{:>14} ", format!("{way:?}")))
        .collect();
    println!(
        "\n{name}: times by the best's time; * is the present table's way\n{:26}{head}    GFLOP/s",
        "(m, n, k)"
    );
    samples
        .iter()
        .filter(|sample| sample.workload)
        .for_each(line);
    let mut worst: Vec<&Sample> = samples.iter().collect();
    worst.sort_by(|a, b| present(b).total_cmp(&present(a)));
    println!("the worst choices of the table:");
    worst.into_iter().take(20).for_each(line);
    let mean = |f: &dyn Fn(&Sample) -> f64| {
        let sum: f64 = samples.iter().map(|sample| f(sample).ln()).sum();
        (sum / samples.len() as f64).exp()
    };
    println!("geometric means over {} shapes:", samples.len());
    for (at, way) in ways.iter().enumerate() {
        println!(
            "  {:14} {:.3}",
            format!("{way:?}"),
            mean(&|sample| sample.ratio(at))
        );
    }
    println!("  the table      {:.3}", mean(&present));
}
