//! Times every way to compute a product over a grid of shapes, and derives `src/cpu/product_table.rs` from that.
//!
//! `cargo run --release -p netform-runtime --example product_table` prints how much slower each way is than the best;
//! with `-- --write` it writes the table. `NETFORM_ISA=baseline` prints the ratios of the baseline instruction set. A run
//! takes some ten minutes, on one thread and on all.

mod derive;
mod measure;
mod shapes;
mod write;

use netform_runtime::__private::products::Way;
use netform_runtime::Cpu;

/// The ways for this instruction set. That without AVX2 stands for processors without it, where `gemm` has no kernels.
fn ways() -> Vec<Way> {
    let mut ways = vec![Way::Rows, Way::Plain, Way::MatrixMultiply];
    if std::env::var("NETFORM_ISA").is_ok_and(|isa| isa == "baseline") {
        return ways;
    }
    ways.push(Way::Gemm);
    ways
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ways = ways();
    match std::env::args().nth(1).as_deref() {
        None => {
            for (name, samples) in [
                ("f32", measure::measure(&Cpu::new(), &ways)),
                ("f64", measure::measure(&Cpu::f64(), &ways)),
            ] {
                measure::print(name, &ways, &samples);
            }
            Ok(())
        }
        Some("--write") => write::write(),
        // What `--write` starts, once for each instruction set.
        Some("--classes") => {
            print!("{}", write::lists(&ways));
            Ok(())
        }
        Some(other) => Err(format!("{other}: there is --write, or nothing").into()),
    }
}
