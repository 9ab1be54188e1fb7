//! Times the first step, the warm-up, then each step separately; the result is one JSON line.
//!
//! A step ends when the device has done it. A GPU's steps are timed a second time as in training: a queue of steps and
//! one wait at its end.

use std::time::Instant;

use crate::place::Target;
use netform::Result;
use serde::Serialize;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A description of the device.
    pub device: String,
    /// The precision of matrix products.
    pub precision: &'static str,
    /// Whether calls return before the device has done the work.
    pub queues: bool,
    /// Threads of the device.
    pub threads: usize,
    /// Timed steps.
    pub steps: usize,
    /// Warm-up steps before the timed ones, the first step included.
    pub warmup: usize,
    /// Inference at batch 1 instead of training.
    pub infer: bool,
    /// The largest batch, if it is not to be the workload's.
    pub rows: Option<usize>,
}

impl Settings {
    /// The rows of a batch of a workload with batches of `batch`.
    pub fn rows(&self, batch: usize) -> usize {
        self.rows.map_or(batch, |rows| rows.clamp(1, batch))
    }
}

/// The JSON line.
#[derive(Debug, Serialize)]
pub struct Report {
    peer: &'static str,
    version: &'static str,
    workload: String,
    mode: &'static str,
    device: String,
    precision: &'static str,
    threads: usize,
    median_us: f64,
    p10_us: f64,
    p90_us: f64,
    /// Time per step within a queue.
    queued_us: Option<f64>,
    gflops: Option<f64>,
    loss_first: f64,
    loss_last: f64,
    peak_rss_mb: Option<f64>,
    startup_ms: Option<f64>,
    first_step_ms: f64,
    steps: usize,
}

/// Steps in a queue.
const QUEUE: usize = 20;

impl Report {
    /// Adds the speed, given the floating-point operations of a step.
    pub fn with_flops(mut self, flops: f64) -> Self {
        let us = self.queued_us.unwrap_or(self.median_us);
        self.gflops = Some((flops / us / 1e2).round() / 10.0);
        self
    }
}

/// Times `step`. `loss` turns its result into a number, outside the timed part.
pub fn run<D: Target, T>(
    workload: &str,
    device: &D,
    s: Settings,
    mut step: impl FnMut() -> Result<T>,
    loss: impl Fn(T) -> Result<f64>,
) -> Result<Report> {
    let begin = Instant::now();
    let first = step()?;
    device.wait()?;
    let first_step_ms = begin.elapsed().as_secs_f64() * 1e3;
    let startup_ms = started_ns().map(|t| (monotonic_ns().saturating_sub(t)) as f64 / 1e6);
    let loss_first = loss(first)?;
    for _ in 1..s.warmup.max(1) {
        step()?;
    }
    device.wait()?;
    let mut times = Vec::with_capacity(s.steps);
    let mut last = loss_first;
    for i in 0..s.steps {
        let begin = Instant::now();
        let out = timed_step(&mut step)?;
        device.wait()?;
        times.push(begin.elapsed().as_nanos() as f64 / 1e3);
        if i + 1 == s.steps {
            last = loss(out)?;
        }
    }
    let mut shares = Vec::new();
    let queues = if s.queues { s.steps.div_ceil(QUEUE) } else { 0 };
    for _ in 0..queues {
        let begin = Instant::now();
        for _ in 0..QUEUE {
            step()?;
        }
        device.wait()?;
        shares.push(begin.elapsed().as_nanos() as f64 / 1e3 / QUEUE as f64);
    }
    times.sort_by(f64::total_cmp);
    shares.sort_by(f64::total_cmp);
    let quantile = |q| quantile(&times, q).unwrap_or(f64::NAN);
    Ok(Report {
        peer: "netform",
        version: env!("CARGO_PKG_VERSION"),
        workload: workload.to_owned(),
        mode: if s.infer { "infer" } else { "train" },
        device: s.device,
        precision: s.precision,
        threads: s.threads,
        median_us: quantile(0.5),
        p10_us: quantile(0.1),
        p90_us: quantile(0.9),
        queued_us: self::quantile(&shares, 0.5),
        gflops: None,
        loss_first,
        loss_last: last,
        peak_rss_mb: peak_rss_mb(),
        startup_ms,
        first_step_ms,
        steps: s.steps,
    })
}

/// A timed step: a function with a name, so that a profiler can count this step's instructions alone
/// (`benches/instructions.sh`).
#[inline(never)]
fn timed_step<T>(step: &mut impl FnMut() -> Result<T>) -> Result<T> {
    step()
}

/// A quantile of sorted times; `None` if there are none.
fn quantile(times: &[f64], q: f64) -> Option<f64> {
    let i = ((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1));
    times.get(i).map(|t| (t * 100.0).round() / 100.0)
}

/// The start of the process in CLOCK_MONOTONIC nanoseconds, if the driver passed it.
fn started_ns() -> Option<u64> {
    std::env::var("BENCH_T0_NS").ok()?.parse().ok()
}

fn monotonic_ns() -> u64 {
    let mut t = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `t` is a valid place for the result.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some((kib / 102.4).round() / 10.0)
}

/// Pinning to one core works on Linux only: elsewhere the process stays on all cores.
#[cfg(not(target_os = "linux"))]
pub fn pin_to_one_core() {}

/// Keeps the process on the last of its cores, as the peers do for one thread.
#[cfg(target_os = "linux")]
pub fn pin_to_one_core() {
    // SAFETY: the set is initialised by the first call before it is read and is as large as stated.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        let size = std::mem::size_of::<libc::cpu_set_t>();
        if libc::sched_getaffinity(0, size, &mut set) != 0 {
            return;
        }
        let last = (0..libc::CPU_SETSIZE as usize)
            .rev()
            .find(|c| libc::CPU_ISSET(*c, &set));
        if let Some(core) = last {
            libc::CPU_ZERO(&mut set);
            libc::CPU_SET(core, &mut set);
            libc::sched_setaffinity(0, size, &set);
        }
    }
}
