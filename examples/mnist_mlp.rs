//! Handwritten digits: a 784-512-512-10 network on MNIST. It recognises more than 98 % of the test images.
//!
//! An image of 28 x 28 pixels is a row of 784 numbers. Two hidden layers of rectified linear units and an output layer
//! turn it into ten scores, one for each digit. The loss is the cross entropy of the scores and the labels. Adam trains
//! on shuffled batches of 128. The learning rate rises and falls once (one cycle). Dropout sets a fifth of each hidden
//! layer to zero in each step. Both improve the accuracy on new images after a short training.
//!
//! The settings were chosen with `--validate`, on the last 10,000 training images; the test images are used only to
//! measure.
//!
//!     cargo run --release --example mnist_mlp

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use common::Curve as Line;
use indicatif::{ProgressBar, ProgressStyle};
use netform::data::{Loader, Resident, idx};
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

network! {
    /// Two hidden layers of 512 rectified linear units.
    pub struct MnistMlp {
        linear_1: Linear(784 -> 512),
        linear_2: Linear(512 -> 512),
        linear_3: Linear(512 -> 10),
        dropout: Dropout(p = 0.2),
    }

    /// Scores of the ten digits.
    fn forward(x: [B, 784]) -> [B, 10] {
        let x = dropout(relu(linear_1(x)));
        let x = dropout(relu(linear_2(x)));
        linear_3(x)
    }

    /// The cross entropy of the scores and the right digits.
    fn loss(x: [B, 784], digit: u32[B]) -> [] {
        cross_entropy(forward(x), digit)
    }

    /// The digit of the highest score.
    fn predict(x: [B, 784]) -> u32[B] {
        argmax(forward(x), 1)
    }
}

#[derive(Parser)]
struct Args {
    /// Passes over the training images.
    #[arg(long, default_value_t = 5)]
    epochs: usize,
    /// The number of training images: the first ones are used.
    #[arg(long, default_value_t = 60_000)]
    train_samples: usize,
    /// The number of test images: the first ones are used.
    #[arg(long, default_value_t = 10_000)]
    test_samples: usize,
    /// The highest learning rate of the cycle.
    #[arg(long, default_value_t = 2e-3)]
    lr: f64,
    /// The seed of the initial weights, of dropout, and of the order of the images.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Trains without the last 10,000 training images and measures on them instead.
    #[arg(long)]
    validate: bool,
    /// The device on which it runs.
    #[arg(long, value_enum, default_value_t = common::Place::Cpu)]
    device: common::Place,
    /// The folder of the weights and curves; `target/examples-out` if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

type Images = (Vec<[f32; 784]>, Vec<u32>);

fn images(part: &str) -> common::Result<Images> {
    let file = |kind| common::data(&format!("mnist/{part}-{kind}-ubyte.gz"));
    let x = idx::read(file("images-idx3"))?.pixels()?;
    let y = idx::read(file("labels-idx1"))?.labels(10)?;
    Ok((x, y))
}

/// The share of images that the network recognises, in percent.
fn accuracy<D: Device>(net: &MnistMlp<D>, (x, y): &Images) -> netform::Result<f64> {
    let mut right = 0;
    for (x, y) in x.chunks(1000).zip(y.chunks(1000)) {
        let read = net.predict(x)?;
        right += read.iter().zip(y).filter(|(a, b)| a == b).count();
    }
    Ok(100.0 * right as f64 / y.len() as f64)
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.device, |device| train(device, args))
}

fn train<D: Device<Float = f32>>(device: D, args: Args) -> common::Result {
    let (mut x, mut y) = images("train")?;
    let (measured, mut test) = if args.validate {
        let at = x.len() - 10_000;
        ("validation", (x.split_off(at), y.split_off(at)))
    } else {
        ("test", images("t10k")?)
    };
    x.truncate(args.train_samples);
    y.truncate(args.train_samples);
    test.0.truncate(args.test_samples);
    test.1.truncate(args.test_samples);

    let mut net = MnistMlp::new(device, args.seed)?;
    println!("{}\n", MnistMlp::graph());
    // All images are copied to the device once. For each batch, only the indices of its images are copied.
    let mut images = Resident::new(net.device(), &Tensor::from(&x))?;
    let mut digits = Resident::new(net.device(), &Tensor::from(y.as_slice()))?;
    let mut loader = Loader::new(&x, &y, 128)?.shuffle(args.seed);
    let steps = (loader.batches() * args.epochs) as u64;
    let mut adam = Adam::new(args.lr);
    let mut schedule = OneCycleLR::new(args.lr, steps).on(&mut adam);

    let style = "epoch {prefix} {bar:32} {pos}/{len} batches, {msg}";
    let style = ProgressStyle::with_template(style)?;
    let (mut losses, mut accuracies) = (Vec::new(), Vec::new());
    let begin = Instant::now();
    for epoch in 1..=args.epochs {
        let bar = ProgressBar::new(loader.batches() as u64).with_style(style.clone());
        bar.set_prefix(epoch.to_string());
        let (mut sum, mut read, mut seen) = (0.0, 0, 0);
        let epoch_begin = Instant::now();
        let mut shown = Duration::ZERO;
        let mut batches = loader.epoch();
        while let Some(at) = batches.positions() {
            let loss = net.loss_step(&mut adam, &images.pick(at)?, &digits.pick(at)?)?;
            schedule.step(&mut adam);
            seen += at.len();
            bar.inc(1);
            // Reading a loss waits for the step, so only some are read.
            if bar.position() % 10 != 1 {
                continue;
            }
            let loss = loss.item()?;
            sum += f64::from(loss);
            read += 1;
            let passed = epoch_begin.elapsed();
            if passed - shown > Duration::from_millis(100) {
                shown = passed;
                let rate = seen as f64 / passed.as_secs_f64();
                bar.set_message(format!("loss {loss:.4}, {rate:.0} images/s"));
            }
        }
        let seconds = epoch_begin.elapsed().as_secs_f64();
        bar.finish_and_clear();
        let (loss, right) = (sum / f64::from(read), accuracy(&net, &test)?);
        losses.push((epoch as f64, loss));
        accuracies.push((epoch as f64, right));
        println!(
            "epoch {epoch}: loss {loss:.4}, {measured} accuracy {right:.2} %, {:.0} images/s",
            seen as f64 / seconds
        );
    }
    let seconds = begin.elapsed().as_secs_f64();

    let out = common::out_folder(args.out)?;
    net.save(out.join("mnist_mlp.safetensors"))?;
    let loss_line = Line {
        name: "training loss",
        points: &losses,
    };
    common::draw_curves(
        &out.join("mnist_mlp_loss.svg"),
        "Loss",
        "epoch",
        &[loss_line],
    )?;
    let name = format!("{measured} accuracy, %");
    let accuracy_line = Line {
        name: &name,
        points: &accuracies,
    };
    common::draw_curves(
        &out.join("mnist_mlp_accuracy.svg"),
        "Accuracy",
        "epoch",
        &[accuracy_line],
    )?;
    println!(
        "{seconds:.1} s; weights and curves are in {}",
        out.display()
    );
    println!("{measured} accuracy: {:.2} %", accuracy(&net, &test)?);
    Ok(())
}
