//! The first network of the lecture, trained on made-up data.
//!
//! A multilayer perceptron is a chain of linear maps with a nonlinear function between them. This one takes 8 numbers
//! through hidden layers of 10 and 7 sigmoids to 3 outputs; its loss is the mean squared error. One pass of the whole
//! set forward, one pass of gradients backward and one small step against them is an epoch; a hundred of them, at a
//! rate of 0.01, make the loss fall slowly and steadily. The parameters are then saved in a file that PyTorch can read.
//!
//!     cargo run --release --example simple_mlp

use std::path::PathBuf;

use clap::Parser;
use netform::prelude::*;

network! {
    /// Three linear layers with sigmoids between them.
    pub struct SimpleMlp {
        linear_1: Linear(8 -> 10),
        linear_2: Linear(10 -> 7),
        linear_3: Linear(7 -> 3),
    }

    fn forward(x: [B, 8]) -> [B, 3] {
        let x = sigmoid(linear_1(x));
        let x = sigmoid(linear_2(x));
        linear_3(x)
    }

    fn loss(x: [B, 8], target: [B, 3]) -> [] {
        mse_loss(forward(x), target)
    }
}

#[derive(Parser)]
struct Args {
    /// Passes over the data.
    #[arg(long, default_value_t = 100)]
    epochs: usize,
    /// The learning rate.
    #[arg(long, default_value_t = 0.01)]
    lr: f64,
    /// Where it runs.
    #[arg(long, value_enum, default_value_t = common::Place::Cpu)]
    device: common::Place,
    /// Where the parameters go; `target/examples-out` if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Inputs uniform in -1..1, and three smooth functions of them to learn.
fn dummy_data(samples: usize) -> (Vec<[f32; 8]>, Vec<[f32; 3]>) {
    let mut x = vec![[0.0f32; 8]; samples];
    netform::fill_uniform(1, 0, x.as_flattened_mut(), -1.0, 1.0);
    let target = |x: &[f32; 8]| [x.iter().sum::<f32>() / 8.0, x[0] * x[1], x[2].abs()];
    let targets = x.iter().map(target).collect();
    (x, targets)
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.device, |device| train(device, args))
}

fn train<D: Device>(device: D, args: Args) -> common::Result {
    let (x, target) = dummy_data(64);
    let mut mlp = SimpleMlp::new(device, 42)?;
    let mut sgd = Sgd::new(args.lr);
    for epoch in 1..=args.epochs {
        let loss = mlp.loss_backward(&x, &target)?;
        sgd.step(&mut mlp)?;
        if epoch % 20 == 1 {
            println!("epoch {epoch:>3}: {loss:.4}");
        }
    }
    let file = common::out_folder(args.out)?.join("simple_mlp.safetensors");
    mlp.save(&file)?;
    println!("saved {}", file.display());
    println!("loss: {:.4}", mlp.loss(&x, &target)?);
    Ok(())
}
