//! Shared parts of the training examples: the command line, and one pass over the data with its bar.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use netform::{Device, Loss};

use super::Place;

/// Flags of all training examples.
#[derive(Clone, Debug, clap::Args)]
pub struct Flags {
    /// Passes over the training data.
    #[arg(long)]
    pub epochs: Option<usize>,
    /// How many training samples are used, from the first on.
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    pub train_samples: usize,
    /// How many samples are used to measure, from the first on.
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    pub test_samples: usize,
    /// Seed of the weights, the dropout and the order of the samples.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Trains without a part of the training data and measures on that part instead.
    #[arg(long)]
    pub validate: bool,
    /// Where it runs.
    #[arg(long, value_enum, default_value_t = Place::Cpu)]
    pub device: Place,
    /// Where weights and pictures go; `target/examples-out` if not given.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

impl Flags {
    /// The samples to train on and to measure on: `--validate` measures on the last `held` training samples.
    pub fn split<T>(&self, mut train: Vec<T>, test: Vec<T>, held: usize) -> (Vec<T>, Vec<T>) {
        let mut test = match self.validate {
            true => train.split_off(train.len().saturating_sub(held)),
            false => test,
        };
        train.truncate(self.train_samples);
        test.truncate(self.test_samples);
        (train, test)
    }

    /// The name of the set to measure on.
    pub fn measured(&self) -> &'static str {
        if self.validate { "validation" } else { "test" }
    }
}

/// The result of a pass.
pub struct Pass {
    /// The mean of the losses that were read.
    pub loss: f64,
    /// Samples per second.
    pub speed: f64,
}

/// One pass: `step` trains on the next batch and returns its number of samples, until no batch is left.
pub fn pass<D: Device>(
    epoch: usize,
    batches: usize,
    mut step: impl FnMut() -> netform::Result<Option<(Loss<D>, usize)>>,
) -> super::Result<Pass> {
    let style = "epoch {prefix} {bar:32} {pos}/{len} batches, {msg}";
    let bar = ProgressBar::new(batches as u64).with_style(ProgressStyle::with_template(style)?);
    bar.set_prefix(epoch.to_string());
    let (mut sum, mut read, mut seen) = (0.0, 0, 0);
    let begin = Instant::now();
    let mut shown = Duration::ZERO;
    while let Some((loss, samples)) = step()? {
        seen += samples;
        bar.inc(1);
        // Reading a loss waits for the step, so only some are read.
        if bar.position() % 10 != 1 {
            continue;
        }
        let loss: f64 = netform::Float::to_f64(loss.item()?);
        sum += loss;
        read += 1;
        let passed = begin.elapsed();
        if passed - shown > Duration::from_millis(100) {
            shown = passed;
            let speed = seen as f64 / passed.as_secs_f64();
            bar.set_message(format!("loss {loss:.4}, {speed:.0} samples/s"));
        }
    }
    bar.finish_and_clear();
    Ok(Pass {
        loss: sum / f64::from(read.max(1)),
        speed: seen as f64 / begin.elapsed().as_secs_f64(),
    })
}
