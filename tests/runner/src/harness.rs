//! The generated program's `main`: runs every case in every place and writes a line for each.

use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use crate::compare::worst;
use crate::index::Index;
use crate::place::{PLACES, Place};
use crate::tensors::{Failure, Tensors};

/// Computes a case's results from its inputs.
pub type Run = fn(&Tensors) -> Result<Tensors, Failure>;

/// A case that can be run.
pub struct Subject {
    /// Its id.
    pub id: &'static str,
    /// Runs it.
    pub f32: Run,
    /// Runs it in double precision.
    pub f64: Run,
    /// Runs it on the GPU.
    #[cfg(feature = "cuda")]
    pub cuda: Run,
}

impl Subject {
    /// The function that runs it in a place.
    pub fn at(&self, place: Place) -> Result<Run, Failure> {
        match place {
            Place::CpuF32 => Ok(self.f32),
            Place::CpuF64 => Ok(self.f64),
            #[cfg(feature = "cuda")]
            Place::CudaF32 => Ok(self.cuda),
            #[cfg(not(feature = "cuda"))]
            Place::CudaF32 => Err("built without the feature `cuda`".into()),
        }
    }
}

/// The outcome of a case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The case.
    pub id: String,
    /// The place.
    pub place: Place,
    /// The difference, if any.
    pub wrong: Option<String>,
}

/// Runs all subjects on the folder in the first argument; writes one JSON object a line.
pub fn main(parts: &[&[Subject]]) -> ExitCode {
    let run = || -> Result<(), Failure> {
        let dir = std::env::args().nth(1).ok_or("a folder of cases")?;
        let index = Index::read(Path::new(&dir))?;
        std::panic::set_hook(Box::new(|_| {}));
        let mut out = std::io::stdout().lock();
        for subject in parts.iter().copied().flatten() {
            for &place in PLACES {
                let outcome = Outcome {
                    id: subject.id.into(),
                    place,
                    wrong: one(&index, subject, place),
                };
                writeln!(out, "{}", serde_json::to_string(&outcome)?)?;
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

fn one(index: &Index, subject: &Subject, place: Place) -> Option<String> {
    let Some(case) = index.cases.iter().find(|c| c.id == subject.id) else {
        return Some("not in the index".into());
    };
    let (run, given) = match (subject.at(place), index.tensors(case)) {
        (Ok(run), Ok(given)) => (run, given),
        (Err(e), _) | (_, Err(e)) => return Some(e.to_string()),
    };
    match catch_unwind(AssertUnwindSafe(|| run(&given))) {
        Ok(Ok(got)) => worst(case, place.precision(), &given, &got),
        Ok(Err(e)) => Some(e.to_string()),
        Err(panic) => Some(message(&*panic)),
    }
}

/// The message of a panic.
pub fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("of unknown kind"))
}
