//! Special values: every function at its zeros, ends and ties, compared with PyTorch's values.
//!
//! `tests/special` has the table: an `index.json`, and for each group of cases PyTorch's values in f32 and in f64. A
//! group becomes a Rust module ([`source`]); the program runs it in every place and writes each element that differs
//! ([`compare`]). [`list`] compares these with the listed differences.

pub mod compare;
pub mod list;
#[cfg(feature = "generate")]
pub mod source;

use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use netform::Tensor;
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::compare::Precision;
use crate::harness::{Subject, message};
use crate::place::PLACES;
use crate::tensors::{Failure, Tensors};

/// The upstream gradients of each gradient: ones, numbers of both signs, zeros.
pub const UPSTREAMS: usize = 3;

/// The table.
#[derive(Debug, Deserialize)]
pub struct Table {
    /// The folder that it was read from.
    #[serde(skip)]
    pub dir: PathBuf,
    /// Functions and their values.
    pub cases: Vec<Case>,
    /// Ops without a case, and why.
    pub without: BTreeMap<String, String>,
}

/// A function, and its argument values.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// The op, and a variant.
    pub id: String,
    /// The op's name in the language.
    pub op: String,
    /// The file of its tensors.
    pub group: String,
    /// The expression.
    pub call: String,
    /// The arguments in order.
    pub inputs: Vec<String>,
    /// The arguments with gradients.
    pub grads: Vec<String>,
    /// The number of its results.
    pub outputs: usize,
    /// The tolerances of results and gradients, in units in the last place.
    pub ulps: [f64; 2],
    /// Whether the sign of a result's zero matters.
    pub zeros: bool,
    /// Whether it is a function of rows, not of single elements.
    pub rows: bool,
}

impl Table {
    /// Reads the table of a folder.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self, Failure> {
        let path = dir.as_ref().join("index.json");
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut table: Table =
            serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        table.dir = fs::canonicalize(dir)?;
        Ok(table)
    }

    /// The groups, in the table's order.
    pub fn groups(&self) -> Vec<&str> {
        let mut groups = Vec::new();
        for case in &self.cases {
            if !groups.contains(&case.group.as_str()) {
                groups.push(case.group.as_str());
            }
        }
        groups
    }

    /// The cases of a group.
    pub fn of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a Case> {
        self.cases.iter().filter(move |c| c.group == group)
    }

    /// The tensors of a group, in a float type.
    pub fn tensors(&self, group: &str, precision: Precision) -> Result<Tensors, Failure> {
        let name = match precision {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        };
        Tensors::read(self.dir.join(format!("{group}.{name}.safetensors")))
    }
}

/// Upstream gradient number `k` of a result.
pub fn upstream(k: usize, result: &Tensor) -> Result<Tensor, Failure> {
    const MIXED: [f32; 5] = [-2.5, 0.75, 3.0, -0.125, 1.5];
    let n = result.shape().iter().product();
    let values: Vec<f32> = match k {
        0 => vec![1.0; n],
        1 => MIXED.iter().copied().cycle().take(n).collect(),
        _ => vec![0.0; n],
    };
    Ok(Tensor::from_vec(result.shape(), values)?)
}

/// The generated program's `main`: runs every group in every place; one JSON object a line for each element
/// that differs from PyTorch's, and one for each group that fails.
pub fn main(parts: &[&[Subject]]) -> ExitCode {
    let run = || -> Result<(), Failure> {
        let dir = std::env::args().nth(1).ok_or("a folder of cases")?;
        let table = Table::read(Path::new(&dir))?;
        std::panic::set_hook(Box::new(|_| {}));
        let mut out = std::io::stdout().lock();
        for subject in parts.iter().copied().flatten() {
            for &place in PLACES {
                let given = table.tensors(subject.id, place.precision())?;
                let run = subject.at(place)?;
                let got = match catch_unwind(AssertUnwindSafe(|| run(&given))) {
                    Ok(got) => got.map_err(|e| format!("{} ({place}): {e}", subject.id))?,
                    Err(panic) => {
                        return Err(
                            format!("{} ({place}): {}", subject.id, message(&*panic)).into()
                        );
                    }
                };
                for case in table.of(subject.id) {
                    for difference in compare::differences(case, place, &given, &got)? {
                        writeln!(out, "{}", serde_json::to_string(&difference)?)?;
                    }
                }
            }
        }
        Ok(())
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}
