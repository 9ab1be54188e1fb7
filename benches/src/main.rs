//! `netform-bench --workload tiny --mode train --threads 2 --steps 1000`: one JSON line.

mod data;
mod run;
mod workloads;

use clap::{Parser, ValueEnum};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Workload {
    Tiny,
    Mlp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Train,
    Infer,
}

/// Times one workload, step by step.
#[derive(Debug, Parser)]
struct Args {
    /// What to run.
    #[arg(long)]
    workload: Workload,
    /// A training step, or inference at batch 1.
    #[arg(long, default_value = "train")]
    mode: Mode,
    /// Threads; with one the process stays on one core.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Timed steps.
    #[arg(long, default_value_t = 100)]
    steps: usize,
    /// Steps before those.
    #[arg(long, default_value_t = 10)]
    warmup: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let a = Args::parse();
    if a.threads == 1 {
        run::pin_to_one_core();
    }
    let settings = run::Settings {
        threads: a.threads,
        steps: a.steps,
        warmup: a.warmup,
        infer: a.mode == Mode::Infer,
    };
    let report = match a.workload {
        Workload::Tiny => workloads::tiny::time(settings)?,
        Workload::Mlp => workloads::mlp::time(settings)?,
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
