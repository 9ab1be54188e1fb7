//! `netform-bench --workload tiny --mode train --threads 2 --steps 1000`: one JSON line.
//!
//! Built with the feature `cuda`, `--device cuda --precision tf32` runs it on the first GPU.

mod data;
mod place;
mod run;
mod workloads;

use clap::{Parser, ValueEnum};
use place::{Place, Precision, Target};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Workload {
    Tiny,
    Mlp,
    Lstm,
    Gru,
    Gpt,
    Seq2seq,
    Cnn,
    Gemm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Train,
    Infer,
}

/// Times one workload, step by step.
#[derive(Debug, Parser)]
struct Args {
    /// The workload to run.
    #[arg(long)]
    workload: Workload,
    /// A training step, or inference at batch 1.
    #[arg(long, default_value = "train")]
    mode: Mode,
    /// The device to run on.
    #[arg(long, value_enum, default_value_t = Place::Cpu)]
    device: Place,
    /// The precision of matrix products on the GPU.
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    precision: Precision,
    /// Rows and columns of the matrices of `gemm`.
    #[arg(long, default_value_t = 1024)]
    size: usize,
    /// The CPU's threads; with one the process stays on one core.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Timed steps.
    #[arg(long, default_value_t = 100)]
    steps: usize,
    /// Warm-up steps before the timed ones.
    #[arg(long, default_value_t = 10)]
    warmup: usize,
    /// Does not keep a process with one thread on one core.
    #[arg(long)]
    unpinned: bool,
    /// The largest batch of training: a smaller one than the workload's is quick to count.
    #[arg(long)]
    rows: Option<usize>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let a = Args::parse();
    let report = match a.device {
        Place::Cpu if a.precision != Precision::F32 => {
            return Err("the CPU multiplies in f32 alone".into());
        }
        Place::Cpu => {
            if a.threads == 1 && !a.unpinned {
                run::pin_to_one_core();
            }
            time(netform::Cpu::new().with_threads(a.threads), &a)?
        }
        #[cfg(feature = "cuda")]
        Place::Cuda => {
            // The error says why there is no GPU.
            let device = place::cuda(a.precision).map_err(|e| e.to_string())?;
            time(device, &a)?
        }
        #[cfg(not(feature = "cuda"))]
        Place::Cuda => return Err("this program was built without the feature `cuda`".into()),
    };
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn time<D: Target>(device: D, a: &Args) -> netform::Result<run::Report> {
    let settings = run::Settings {
        device: device.describe(),
        precision: a.precision.name(),
        queues: a.device == Place::Cuda,
        threads: a.threads,
        steps: a.steps,
        warmup: a.warmup,
        infer: a.mode == Mode::Infer,
        rows: a.rows,
    };
    match a.workload {
        Workload::Tiny => workloads::tiny::time(device, settings),
        Workload::Mlp => workloads::mlp::time(device, settings),
        Workload::Lstm => workloads::recurrent::lstm(device, settings),
        Workload::Gru => workloads::recurrent::gru(device, settings),
        Workload::Gpt => workloads::gpt::time(device, settings),
        Workload::Seq2seq => workloads::seq2seq::time(device, settings),
        Workload::Cnn => workloads::cnn::time(device, settings),
        Workload::Gemm => workloads::gemm::time(device, settings, a.size),
    }
}
