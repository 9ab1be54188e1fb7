//! Shared parts of the examples: the device, the folders of data and results, and charts as SVG.
#![allow(missing_docs)]

pub mod seq2seq;
pub mod text;
pub mod training;

use std::error::Error;
use std::ops::Range;
use std::path::{Path, PathBuf};

use plotters::prelude::*;

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Where a program runs.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Place {
    /// The processor, on all its cores.
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
}

/// Runs generic code on the device that `--device` names: `on!(place, |device| train(device, &args))`.
#[macro_export]
macro_rules! on {
    ($place:expr, |$device:ident| $run:expr) => {
        match $place {
            $crate::Place::Cpu => {
                let $device = netform::Cpu::new();
                $run
            }
            #[cfg(feature = "cuda")]
            $crate::Place::Cuda => {
                // The error says why there is no GPU.
                let $device = netform::Cuda::new(0).map_err(|e| e.to_string())?;
                println!("{} is {}", netform::Device::name(&$device), $device.model());
                $run
            }
            #[cfg(not(feature = "cuda"))]
            $crate::Place::Cuda => Err($crate::WITHOUT_CUDA.into()),
        }
    };
}

#[cfg(not(feature = "cuda"))]
pub const WITHOUT_CUDA: &str =
    "this program was built without the feature `cuda`: add `--features cuda` to cargo's arguments";

/// The folder of the workspace.
fn root() -> &'static Path {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR"));
    examples.parent().unwrap_or(examples)
}

/// A file of the bundled data; the folder in which the program is started does not matter.
pub fn data(file: &str) -> PathBuf {
    root().join("data").join(file)
}

/// Makes the folder for results: the one asked for, or `target/examples-out`.
pub fn out_folder(asked: Option<PathBuf>) -> Result<PathBuf> {
    let default = || root().join("target/examples-out");
    let folder = asked.unwrap_or_else(default);
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
}

/// A line of a chart.
pub struct Curve<'a> {
    pub name: &'a str,
    pub points: &'a [(f64, f64)],
}

/// Draws lines over common axes.
pub fn draw_curves(path: &Path, title: &str, x_name: &str, curves: &[Curve<'_>]) -> Result {
    let root = SVGBackend::new(path, (720, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let (xs, ys) = (bounds(curves, |p| p.0), bounds(curves, |p| p.1));
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(xs, ys)?;
    chart
        .configure_mesh()
        .max_light_lines(1)
        .x_desc(x_name)
        .draw()?;
    for (i, curve) in curves.iter().enumerate() {
        let color = Palette99::pick(i).to_rgba();
        let points = curve.points.iter().copied();
        chart
            .draw_series(LineSeries::new(points, color.stroke_width(2)))?
            .label(curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK)
        .draw()?;
    root.present()?;
    Ok(())
}

/// From the smallest to the largest finite value, with a little room.
fn bounds(curves: &[Curve<'_>], of: impl Fn(&(f64, f64)) -> f64) -> Range<f64> {
    let values = || {
        let all = curves.iter().flat_map(|c| c.points).map(&of);
        all.filter(|v| v.is_finite())
    };
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return 0.0..1.0;
    }
    let room = ((high - low) * 0.05).max(1e-6);
    low - room..high + room
}

/// Random whole numbers, the same for the same seed.
pub struct Numbers {
    seed: u64,
    drawn: u64,
}

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A number from 0 to `limit - 1`.
    pub fn below(&mut self, limit: usize) -> usize {
        let mut x = [0.0f64];
        netform::fill_uniform(self.seed, self.drawn, &mut x, 0.0, limit as f64);
        self.drawn += 1;
        x[0] as usize
    }

    /// Shuffles; every order is equally likely.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at + 1));
        }
    }
}
