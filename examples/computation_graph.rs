//! The lecture's computation graph: f(x, y) = y (x^2 + x), its value and its gradients.
//!
//! Any function built of simple steps can be drawn as a graph whose nodes are those steps. Forward,
//! each step computes its value from the values on its incoming wires: for x = 2 and y = 1 they
//! are x * x = 4, 4 + x = 6, 6 * y = 6. Backward, each step multiplies the gradient that arrives at
//! its result by its own local slope, and passes the product on; where a value was used twice, as
//! x is here, what comes back along its wires is added: 4 through the square and 1 directly, 5 in
//! all. One such pass gives the slope in every direction, however large the graph.
//!
//! `network!` does both when it compiles; `#[draw]` asks for a picture with every value on it.
//!
//!     cargo run --example computation_graph -- --x 2 --y 1

use std::path::PathBuf;

use clap::Parser;
use netform::prelude::*;

network! {
    /// A function, without any layers.
    pub struct Lecture {}

    #[draw]
    fn f(#[grad] x: [], #[grad] y: []) -> [] {
        y * (x * x + x)
    }
}

#[derive(Parser)]
struct Args {
    /// The first argument.
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    x: f32,
    /// The second argument.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    y: f32,
    /// Where it runs.
    #[arg(long, value_enum, default_value_t = common::Place::Cpu)]
    device: common::Place,
    /// Where the pictures go; `target/examples-out` if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> common::Result {
    let args = Args::parse();
    common::on!(args.device, |device| draw(device, args))
}

fn draw<D: Device>(device: D, args: Args) -> common::Result {
    let Args { x, y, out, .. } = args;
    let mut lecture = Lecture::new(device, 0)?;
    let (f, (dx, dy)) = lecture.f_backward(x, y)?;
    let picture = lecture.f_draw(x, y)?;
    let out = common::out_folder(out)?;
    for (ending, content) in [("svg", picture.svg()), ("dot", picture.dot())] {
        let file = out.join(format!("computation_graph.{ending}"));
        std::fs::write(&file, content)?;
        println!("drew {}", file.display());
    }
    println!(
        "f({x}, {y}) = {f}, df/dx = {}, df/dy = {}",
        dx.item()?,
        dy.item()?
    );
    Ok(())
}
