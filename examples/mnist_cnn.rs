//! Handwritten digits as pictures: a convolutional network on MNIST, right for above 99.2 % of the test images.
//!
//! A convolution applies the same small window (3 x 3 pixels) at every place of the picture, so knowledge about a
//! stroke holds wherever the stroke is. Batch normalisation keeps the scale of every channel steady, pooling keeps the
//! strongest answer of each 2 x 2 cells, and two linear layers turn the rest into ten scores. Each image is moved by up
//! to two pixels, differently every time: a digit a little to the left is still the same digit.
//!
//! The settings were chosen with `--validate`, on the last 10,000 training images; the test images are used only to
//! measure.
//!
//!     cargo run --release --example mnist_cnn

use clap::Parser;
use common::training::{Flags, pass};
use netform::data::{Loader, idx};
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

network! {
    /// Two convolutions of 3 x 3 in each of two stages, then two linear layers.
    pub struct MnistCnn {
        conv_1: Conv2d(1 -> 16, kernel_size = 3, padding = 1, bias = false),
        norm_1: BatchNorm2d(16),
        conv_2: Conv2d(16 -> 32, kernel_size = 3, padding = 1, bias = false),
        norm_2: BatchNorm2d(32),
        conv_3: Conv2d(32 -> 64, kernel_size = 3, padding = 1, bias = false),
        norm_3: BatchNorm2d(64),
        dropout: Dropout(p = 0.25),
        linear_1: Linear(576 -> 128),
        linear_2: Linear(128 -> 10),
    }

    /// Scores of the ten digits.
    fn forward(x: [B, 28, 28]) -> [B, 10] {
        let x = x.unsqueeze(1);
        let x = max_pool2d(relu(norm_1(conv_1(x))), 2);
        let x = max_pool2d(relu(norm_2(conv_2(x))), 2);
        let x = max_pool2d(relu(norm_3(conv_3(x))), 2);
        let x = relu(linear_1(dropout(x.flatten(1))));
        linear_2(dropout(x))
    }

    /// How far the scores are from the right digits.
    fn loss(x: [B, 28, 28], digit: u32[B]) -> [] {
        cross_entropy(forward(x), digit)
    }

    /// The digit of the highest score.
    fn predict(x: [B, 28, 28]) -> u32[B] {
        argmax(forward(x), 1)
    }
}

type Image = [[f32; 28]; 28];

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    flags: Flags,
    /// The highest learning rate of the cycle.
    #[arg(long, default_value_t = 4e-3)]
    lr: f64,
    /// How far images are moved, in pixels.
    #[arg(long, default_value_t = 2)]
    shift: usize,
}

fn images(part: &str) -> common::Result<Vec<(Image, u32)>> {
    let file = |kind| common::data(&format!("mnist/{part}-{kind}-ubyte.gz"));
    let x: Vec<[f32; 784]> = idx::read(file("images-idx3"))?.pixels()?;
    let y = idx::read(file("labels-idx1"))?.labels(10)?;
    let square = |x: &[f32; 784]| std::array::from_fn(|i| std::array::from_fn(|j| x[28 * i + j]));
    Ok(x.iter().map(square).zip(y).collect())
}

/// The image moved down and right by `by - reach` pixels; pixels that come in are empty.
fn moved(image: &Image, by: [usize; 2], reach: usize) -> Image {
    let at = |i: usize, j: usize| {
        let row = image.get((i + reach).wrapping_sub(by[0]))?;
        row.get((j + reach).wrapping_sub(by[1]))
    };
    std::array::from_fn(|i| std::array::from_fn(|j| at(i, j).copied().unwrap_or(0.0)))
}

/// The share of images that is read right, in percent.
fn accuracy<D: Device>(net: &MnistCnn<D>, x: &[Image], y: &[u32]) -> netform::Result<f64> {
    let mut right = 0;
    for (x, y) in x.chunks(500).zip(y.chunks(500)) {
        right += net
            .predict(x)?
            .iter()
            .zip(y)
            .filter(|(a, b)| a == b)
            .count();
    }
    Ok(100.0 * right as f64 / y.len() as f64)
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.flags.device, |device| train(device, args))
}

fn train<D: Device<Float = f32>>(device: D, args: Args) -> common::Result {
    let flags = &args.flags;
    let (samples, test) = flags.split(images("train")?, images("t10k")?, 10_000);
    let (x, y): (Vec<Image>, Vec<u32>) = samples.into_iter().unzip();
    let (test_x, test_y): (Vec<Image>, Vec<u32>) = test.into_iter().unzip();
    let epochs = flags.epochs.unwrap_or(10);

    let mut net = MnistCnn::new(device, flags.seed)?;
    println!("{}\n", MnistCnn::graph());
    let mut loader = Loader::new(&x, &y, 128)?.shuffle(flags.seed);
    let batches = loader.batches();
    let mut adam = AdamW::new(args.lr).weight_decay(0.01);
    let mut schedule = OneCycleLR::new(args.lr, (batches * epochs) as u64).on(&mut adam);
    let mut numbers = common::Numbers::new(flags.seed);
    let mut moved_x = Vec::new();
    let (mut losses, mut accuracies) = (Vec::new(), Vec::new());
    for epoch in 1..=epochs {
        let mut order = loader.epoch();
        let seen = pass(epoch, batches, || {
            let Some((x, y)) = order.next() else {
                return Ok(None);
            };
            moved_x.clear();
            let mut by = || numbers.below(2 * args.shift + 1);
            moved_x.extend(x.iter().map(|x| moved(x, [by(), by()], args.shift)));
            let loss = net.loss_step(&mut adam, &moved_x, y)?;
            schedule.step(&mut adam);
            Ok(Some((loss, y.len())))
        })?;
        let right = accuracy(&net, &test_x, &test_y)?;
        losses.push((epoch as f64, seen.loss));
        accuracies.push((epoch as f64, right));
        println!(
            "epoch {epoch}: loss {:.4}, {} accuracy {right:.2} %, {:.0} images/s",
            seen.loss,
            flags.measured(),
            seen.speed
        );
    }
    let out = common::out_folder(flags.out.clone())?;
    net.save(out.join("mnist_cnn.safetensors"))?;
    for (file, title, points) in [
        ("mnist_cnn_loss.svg", "training loss", &losses),
        ("mnist_cnn_accuracy.svg", "accuracy, %", &accuracies),
    ] {
        let line = common::Curve {
            name: title,
            points,
        };
        common::draw_curves(&out.join(file), title, "epoch", &[line])?;
    }
    println!("weights and curves are in {}", out.display());
    let right = accuracy(&net, &test_x, &test_y)?;
    println!("{} accuracy: {right:.2} %", flags.measured());
    Ok(())
}
