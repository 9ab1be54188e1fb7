//! Next year's sunspots from the years before: a GRU over 309 years, 1700 to 2008.
//!
//! The sun's activity rises and falls in about eleven years, one cycle higher than another. The network reads the last
//! 30 years one by one and predicts the difference between the next year and the last. It reads square roots of the
//! counts: counts vary more when the sun is active, and the root evens that out. The last 62 years, 1947 to 2008, are
//! the test: each is forecast from the true years before it. There, an autoregression over 24 years (ridge) is off by
//! 20.2, guessing "as last year" by 33.3.
//!
//! 247 years are very few for a network, so it is small, its weights decay, and ten networks with different seeds vote.
//! The settings were chosen with `--validate`, on the 62 years before the test.
//!
//!     cargo run --release --example sunspots

use clap::Parser;
use common::Curve as Line;
use common::training::{Flags, pass};
use netform::data::{Loader, csv};
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

/// Years that are read for a forecast.
const YEARS: usize = 30;
/// Years of the test.
const LAST: usize = 62;

network! {
    /// A small GRU plus a linear function of the years, so that the gates need not learn a linear forecast.
    pub struct Sunspots {
        gru: GRU(1 -> 16),
        linear: Linear(YEARS -> 1),
        out: Linear(16 -> 1),
        dropout: Dropout(p = 0.1),
    }

    /// The next year, as a difference from the last.
    fn forward(years: [B, YEARS]) -> [B] {
        let (_, last) = gru(years.unsqueeze(2));
        years[.., -1] + (out(dropout(last[0])) + linear(dropout(years))).squeeze(1)
    }

    fn loss(years: [B, YEARS], next: [B]) -> [] { mse_loss(forward(years), next) }
}

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    flags: Flags,
    /// Networks that vote.
    #[arg(long, default_value_t = 10)]
    networks: u64,
    /// The highest learning rate of the cycle.
    #[arg(long, default_value_t = 3e-3)]
    lr: f64,
    /// Weight decay.
    #[arg(long, default_value_t = 0.1)]
    decay: f64,
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.flags.device, |device| train(device, args))
}

fn train<D: Device<Float = f32>>(device: D, args: Args) -> common::Result {
    let flags = &args.flags;
    let table = csv::read(common::data("series/sunspots.csv"))?;
    let (mut years, mut counts) = (table.column("year")?, table.column("sunspots")?);
    if flags.validate {
        years.truncate(years.len() - LAST);
        counts.truncate(counts.len() - LAST);
    }
    // To about mean 0 and deviation 1; the roots of the training part have 6.4 and 3.2.
    let scaled: Vec<f32> = counts.iter().map(|c| (c.sqrt() - 6.4) / 3.2).collect();
    let unscaled = |x: f32| (x * 3.2 + 6.4).max(0.0).powi(2);
    let all: Vec<[f32; YEARS]> = scaled
        .windows(YEARS)
        .map(|w| std::array::from_fn(|i| w[i]))
        .take(counts.len() - YEARS)
        .collect();
    let (x, test_x) = all.split_at(all.len() - LAST);
    let y = &scaled[YEARS..counts.len() - LAST];
    let epochs = flags.epochs.unwrap_or(100);
    println!("{}\n", Sunspots::graph());

    let out = common::out_folder(flags.out.clone())?;
    let mut votes = vec![0.0; LAST];
    for seed in flags.seed..flags.seed + args.networks {
        let mut net = Sunspots::new(device.clone(), seed)?;
        let mut loader = Loader::new(x, y, 32)?.shuffle(seed);
        let batches = loader.batches();
        let mut adam = AdamW::new(args.lr).weight_decay(args.decay).clip_norm(1.0);
        let mut schedule = OneCycleLR::new(args.lr, (batches * epochs) as u64).on(&mut adam);
        let mut loss = 0.0;
        for epoch in 1..=epochs {
            let mut order = loader.epoch();
            loss = pass(epoch, batches, || {
                let Some((x, y)) = order.next() else {
                    return Ok(None);
                };
                let loss = net.loss_step(&mut adam, x, y)?;
                schedule.step(&mut adam);
                Ok(Some((loss, y.len())))
            })?
            .loss;
        }
        for (vote, forecast) in votes.iter_mut().zip(net.forward(test_x)?.iter()) {
            *vote += unscaled(*forecast) / args.networks as f32;
        }
        println!("network {seed}: training loss {loss:.4}");
        net.save(out.join(format!("sunspots_{seed}.safetensors")))?;
    }

    let (years, truth) = (&years[years.len() - LAST..], &counts[counts.len() - LAST..]);
    let line = |values: &[f32]| -> Vec<(f64, f64)> {
        let points = years.iter().zip(values);
        points
            .map(|(y, v)| (f64::from(*y), f64::from(*v)))
            .collect()
    };
    let (truth_line, votes_line) = (line(truth), line(&votes));
    let lines = [
        ("sunspots", &truth_line),
        ("forecast a year before", &votes_line),
    ];
    let lines = lines.map(|(name, points)| Line { name, points });
    common::draw_curves(&out.join("sunspots.svg"), "Sunspots", "year", &lines)?;
    println!("weights and the picture are in {}", out.display());
    let squares = votes
        .iter()
        .zip(truth)
        .map(|(v, t)| f64::from(v - t).powi(2));
    let rmse = (squares.sum::<f64>() / LAST as f64).sqrt();
    println!("{} error: {rmse:.2} sunspots", flags.measured());
    Ok(())
}
