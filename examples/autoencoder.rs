//! An autoencoder for digits: a network that reconstructs each image from 16 numbers.
//!
//! The encoder's convolutions have stride 2, so an image of 28 x 28 becomes 14 x 14 and then 7 x 7, with more channels
//! each time; a linear layer turns that into 16 numbers, the code. The decoder mirrors the encoder: a linear layer, and
//! two transposed convolutions, each of which doubles the size. The code has no given meaning: the only target is the
//! image itself. Since 784 pixels do not fit into 16 numbers, the network has to find what digits have in common: how
//! far a stroke is bent, how thick it is, where it ends (Hinton and Salakhutdinov, 2006).
//!
//! The measure is the mean squared error per pixel, from 0 (black) to 1 (white), over the test images. The mean
//! training image as a constant answer has an error of 0.067. The network ends below 0.009.
//!
//! The picture shows test images, their reconstructions, and a walk: even steps from the code of one digit to the code
//! of another, each decoded.
//!
//!     cargo run --release --example autoencoder

use std::path::Path;

use clap::Parser;
use common::training::{Flags, pass};
use netform::data::{Loader, idx};
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;
use plotters::prelude::*;

/// Numbers in a code.
const CODE: usize = 16;

network! {
    /// Encoder and decoder.
    pub struct Autoencoder {
        down_1: Conv2d(1 -> 16, kernel_size = 3, stride = 2, padding = 1),
        norm_1: BatchNorm2d(16),
        down_2: Conv2d(16 -> 32, kernel_size = 3, stride = 2, padding = 1),
        norm_2: BatchNorm2d(32),
        code: Linear(32 * 7 * 7 -> CODE),
        spread: Linear(CODE -> 32 * 7 * 7),
        norm_3: BatchNorm2d(32),
        up_1: ConvTranspose2d(32 -> 16, kernel_size = 4, stride = 2, padding = 1),
        norm_4: BatchNorm2d(16),
        up_2: ConvTranspose2d(16 -> 1, kernel_size = 4, stride = 2, padding = 1),
    }

    /// From images to codes.
    fn encode(x: [B, 28, 28]) -> [B, CODE] {
        let x = relu(norm_1(down_1(x.unsqueeze(1))));
        let x = relu(norm_2(down_2(x)));
        code(x.flatten(1))
    }

    /// From codes to images.
    fn decode(code: [B, CODE]) -> [B, 28, 28] {
        let x = spread(code).reshape([B, 32, 7, 7]);
        let x = relu(norm_4(up_1(relu(norm_3(x)))));
        sigmoid(up_2(x)).squeeze(1)
    }

    /// Reconstructed images.
    fn forward(x: [B, 28, 28]) -> [B, 28, 28] {
        decode(encode(x))
    }

    /// The error of the reconstruction.
    fn loss(x: [B, 28, 28]) -> [] {
        mse_loss(forward(x), x)
    }
}

type Image = [[f32; 28]; 28];

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Images in a batch.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// The highest learning rate of the cycle.
    #[arg(long, default_value_t = 4e-3)]
    lr: f64,
}

fn images(part: &str) -> common::Result<Vec<Image>> {
    let x: Vec<[f32; 784]> =
        idx::read(common::data(&format!("mnist/{part}-images-idx3-ubyte.gz")))?.pixels()?;
    let square = |x: &[f32; 784]| std::array::from_fn(|i| std::array::from_fn(|j| x[28 * i + j]));
    Ok(x.iter().map(square).collect())
}

/// The mean squared error per pixel.
fn error<'a>(x: &[Image], drawn: impl Iterator<Item = &'a Image>) -> f64 {
    let pixels = x.iter().zip(drawn).flat_map(|(x, drawn)| {
        let both = x.as_flattened().iter().zip(drawn.as_flattened());
        both.map(|(a, b)| f64::from(a - b).powi(2))
    });
    pixels.sum::<f64>() / (784 * x.len()) as f64
}

/// The network's mean squared error per pixel.
fn measure<D: Device<Float = f32>>(net: &Autoencoder<D>, x: &[Image]) -> netform::Result<f64> {
    let mut drawn: Vec<Image> = Vec::new();
    for x in x.chunks(500) {
        drawn.extend(net.forward(x)?.iter());
    }
    Ok(error(x, drawn.iter()))
}

fn mean(x: &[Image]) -> Image {
    let at = |i: usize, j: usize| x.iter().map(|x| f64::from(x[i][j])).sum::<f64>();
    std::array::from_fn(|i| std::array::from_fn(|j| (at(i, j) / x.len() as f64) as f32))
}

/// Codes in even steps from one to another, both ends included.
fn walk(from: &[f32; CODE], to: &[f32; CODE], steps: usize) -> Vec<[f32; CODE]> {
    let at = |k: usize| k as f32 / (steps - 1) as f32;
    let step = |k| std::array::from_fn(|i| from[i] + at(k) * (to[i] - from[i]));
    (0..steps).map(step).collect()
}

/// Rows of images, each with a name.
fn draw(path: &Path, rows: &[(&str, &[Image])]) -> common::Result {
    const PIXEL: i32 = 2;
    const SIDE: i32 = 28 * PIXEL + 4;
    let most = rows.iter().map(|r| r.1.len()).max().unwrap_or(0) as i32;
    let size = (120 + SIDE * most, SIDE * rows.len() as i32 + 4);
    let root = SVGBackend::new(path, (size.0 as u32, size.1 as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    for ((name, images), top) in rows.iter().zip((4..).step_by(SIDE as usize)) {
        root.draw(&Text::new(
            *name,
            (8, top + SIDE / 2 - 8),
            ("sans-serif", 14),
        ))?;
        for (image, left) in images.iter().zip((120..).step_by(SIDE as usize)) {
            let square = |x: i32, y: i32, w: i32, h: i32, grey: u8| {
                let corners = [(left + x, top + y), (left + x + w, top + y + h)];
                Rectangle::new(corners, RGBColor(grey, grey, grey).filled())
            };
            root.draw(&square(0, 0, 28 * PIXEL, 28 * PIXEL, 0))?;
            for (y, row) in image.iter().enumerate() {
                for (x, value) in row.iter().enumerate() {
                    let grey = (255.0 * value).round() as u8;
                    // The background is black already.
                    if grey > 8 {
                        root.draw(&square(
                            PIXEL * x as i32,
                            PIXEL * y as i32,
                            PIXEL,
                            PIXEL,
                            grey,
                        ))?;
                    }
                }
            }
        }
    }
    root.present()?;
    Ok(())
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.flags.device, |device| train(device, args))
}

fn train<D: Device<Float = f32>>(device: D, args: Args) -> common::Result {
    let flags = &args.flags;
    let (x, test) = flags.split(images("train")?, images("t10k")?, 10_000);
    let epochs = flags.epochs.unwrap_or(8);
    let trivial = error(&test, std::iter::repeat(&mean(&x)));

    let mut net = Autoencoder::new(device, flags.seed)?;
    println!("{}\n", Autoencoder::graph());
    println!(
        "the mean training image: {} error {trivial:.5}",
        flags.measured()
    );
    let mut loader = Loader::new(&x, &x, args.batch)?.shuffle(flags.seed);
    let batches = loader.batches();
    let mut adam = AdamW::new(args.lr).weight_decay(0.01);
    let mut schedule = OneCycleLR::new(args.lr, (batches * epochs) as u64).on(&mut adam);
    let (mut losses, mut errors) = (Vec::new(), Vec::new());
    for epoch in 1..=epochs {
        let mut order = loader.epoch();
        let seen = pass(epoch, batches, || {
            let Some((x, _)) = order.next() else {
                return Ok(None);
            };
            let loss = net.loss_step(&mut adam, x)?;
            schedule.step(&mut adam);
            Ok(Some((loss, x.len())))
        })?;
        let error = measure(&net, &test)?;
        losses.push((epoch as f64, seen.loss));
        errors.push((epoch as f64, error));
        println!(
            "epoch {epoch}: loss {:.5}, {} error {error:.5}, {:.0} images/s",
            seen.loss,
            flags.measured(),
            seen.speed
        );
    }

    let out = common::out_folder(flags.out.clone())?;
    net.save(out.join("autoencoder.safetensors"))?;
    let lines = [
        common::Curve {
            name: "training",
            points: &losses,
        },
        common::Curve {
            name: flags.measured(),
            points: &errors,
        },
    ];
    common::draw_curves(
        &out.join("autoencoder_error.svg"),
        "Mean squared error",
        "epoch",
        &lines,
    )?;
    let some = &test[..test.len().min(10)];
    if let [first, .., last] = &*net.encode(some)? {
        let walked = net.decode(&walk(first, last, some.len()))?;
        let drawn = net.forward(some)?;
        let rows: [(&str, &[Image]); 3] = [
            ("images", some),
            ("drawn again", &drawn),
            ("from first to last", &walked),
        ];
        draw(&out.join("autoencoder.svg"), &rows)?;
    }
    println!("weights, curves and a picture are in {}", out.display());
    println!(
        "{} error: {:.5}, of the mean image {trivial:.5}",
        flags.measured(),
        measure(&net, &test)?
    );
    Ok(())
}
