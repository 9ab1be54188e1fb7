//! House prices: regression on 33 numbers about each of 2,344 houses in Ames, Iowa.
//!
//! Numbers of different kinds (years, square feet, degrees) are first scaled to mean 0 and deviation 1, measured on the
//! training part alone; otherwise the largest would dominate the others. Prices are learnt as logarithms: being 10 %
//! off should weigh the same for a cottage and a villa. The error is reported in dollars, over 586 houses that the
//! training never saw. A ridge regression reaches $28,444 on the same split.
//!
//! With so few samples a single run is noisy, so networks with different seeds vote: the mean of their answers is
//! better than a typical single answer.
//!
//!     cargo run --release --example house_prices

use std::path::PathBuf;

use clap::Parser;
use netform::data::{Loader, csv};
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

const FEATURES: usize = 33;

network! {
    /// Two hidden layers, one output: the standardised logarithm of the price.
    pub struct HousePrices {
        linear_1: Linear(FEATURES -> 64),
        linear_2: Linear(64 -> 32),
        linear_3: Linear(32 -> 1),
        dropout: Dropout(p = 0.1),
    }

    fn forward(x: [B, FEATURES]) -> [B] {
        let x = dropout(gelu(linear_1(x)));
        let x = gelu(linear_2(x));
        linear_3(x).squeeze(1)
    }

    /// Huber's loss: squared near the target, linear far from it, so that a few odd sales do not dominate.
    fn loss(x: [B, FEATURES], y: [B]) -> [] {
        huber_loss(forward(x), y)
    }
}

#[derive(Parser)]
struct Args {
    /// Passes over the training houses.
    #[arg(long, default_value_t = 60)]
    epochs: usize,
    /// Networks that vote.
    #[arg(long, default_value_t = 5)]
    networks: u64,
    /// The highest learning rate of the cycle.
    #[arg(long, default_value_t = 5e-3)]
    lr: f64,
    /// Trains without the last 400 training houses and measures on them instead.
    #[arg(long)]
    validate: bool,
    /// Where it runs.
    #[arg(long, value_enum, default_value_t = common::Place::Cpu)]
    device: common::Place,
    /// Where the parameters go; `target/examples-out` if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Mean and standard deviation.
fn moments(values: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let n = values.clone().count() as f32;
    let mean = values.clone().sum::<f32>() / n;
    let variance = values.map(|v| (v - mean).powi(2)).sum::<f32>() / n;
    (mean, variance.sqrt().max(1e-6))
}

type Houses = (Vec<[f32; FEATURES]>, Vec<f32>);

fn houses(part: &str) -> common::Result<Houses> {
    let table = csv::read(common::data(&format!("tabular/ames_{part}.csv")))?;
    Ok((table.first()?, table.column("Sale_Price")?))
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.device, |device| train(device, args))
}

fn train<D: Device<Float = f32>>(device: D, args: Args) -> common::Result {
    let (mut x, mut price) = houses("train")?;
    let (mut test_x, test_price) = if args.validate {
        let at = x.len() - 400;
        (x.split_off(at), price.split_off(at))
    } else {
        houses("test")?
    };
    for k in 0..FEATURES {
        let (mean, deviation) = moments(x.iter().map(|row| row[k]));
        for row in x.iter_mut().chain(&mut test_x) {
            row[k] = ((row[k] - mean) / deviation).clamp(-5.0, 5.0);
        }
    }
    let (mean, deviation) = moments(price.iter().map(|p| p.ln()));
    let y: Vec<f32> = price.iter().map(|p| (p.ln() - mean) / deviation).collect();

    let out = common::out_folder(args.out)?;
    let mut votes = vec![0.0; test_x.len()];
    for seed in 0..args.networks {
        let mut net = HousePrices::new(device.clone(), seed)?;
        let mut loader = Loader::new(&x, &y, 64)?.shuffle(seed);
        let steps = (loader.batches() * args.epochs) as u64;
        let mut adam = AdamW::new(args.lr).weight_decay(0.05).clip_norm(1.0);
        let mut schedule = OneCycleLR::new(args.lr, steps).on(&mut adam);
        for _ in 0..args.epochs {
            let mut batches = loader.epoch();
            while let Some((x, y)) = batches.next() {
                net.loss_step(&mut adam, x, y)?;
                schedule.step(&mut adam);
            }
        }
        let answers = net.forward(&test_x)?;
        for (vote, answer) in votes.iter_mut().zip(answers.iter()) {
            *vote += answer / args.networks as f32;
        }
        println!("network {seed}: training loss {:.4}", net.loss(&x, &y)?);
        net.save(out.join(format!("house_prices_{seed}.safetensors")))?;
    }
    let squares = votes.iter().zip(&test_price).map(|(v, p)| {
        let dollars = f64::from((v * deviation + mean).exp());
        (dollars - f64::from(*p)).powi(2)
    });
    let rmse = (squares.sum::<f64>() / test_price.len() as f64).sqrt();
    let measured = if args.validate { "validation" } else { "test" };
    println!("{measured} error: {rmse:.0} dollars");
    Ok(())
}
