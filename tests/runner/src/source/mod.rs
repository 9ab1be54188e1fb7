//! From a case to the Rust module that runs it.
//!
//! One file for each kind of case. A case that the language cannot express yet becomes a refusal, with its reason.

mod clip;
mod graph;
mod layer;
mod loss;
mod model;
mod op;
mod optimizer;
mod program;
mod schedule;
pub mod text;

use crate::index::{Case, Index};
use crate::tensors::Tensors;

/// The source of a module.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// The text inside `network!`; empty if the case needs no network.
    pub network: String,
    /// The statements that compute `got` from `given`.
    pub body: String,
}

/// The reason why there is no module for a case.
pub type Refusal = String;

/// Writes the module of a case.
pub fn module(index: &Index, case: &Case) -> Result<Module, Refusal> {
    let given = index.tensors(case).map_err(|e| e.to_string())?;
    match (case.kind.as_str(), category(case)) {
        ("op", _) => op::module(case, &given),
        ("layer", _) => layer::module(case, &given),
        ("loss", _) => loss::module(case, &given),
        ("model", _) => model::module(case, &given),
        ("optimizer", "optimizer") => optimizer::module(case, &given),
        ("optimizer", "lr_scheduler") => schedule::module(case),
        ("optimizer", "clip") => clip::module(case, &given),
        (kind, category) => Err(format!("unknown kind {kind} {category}")),
    }
}

fn category(case: &Case) -> &str {
    case.attrs
        .get("category")
        .and_then(|c| c.as_str())
        .unwrap_or("")
}

impl Module {
    /// The whole file.
    pub fn file(&self, id: &str) -> String {
        let mut out = format!("//! {id}\n\nuse netform_fixtures::prelude::*;\n\n");
        if !self.network.is_empty() {
            out += &format!("network! {{\n{}}}\n\n", text::indent(&self.network, 1));
        }
        out += "/// Runs the case.\n";
        out += "#[allow(unused_variables, unused_mut)]\n";
        out += "pub fn run<D: Device>(device: D, given: &Tensors) -> Result<Tensors, Failure> {\n";
        out += "    let mut got = Tensors::default();\n";
        out += &text::indent(&self.body, 1);
        out += "    Ok(got)\n}\n";
        out
    }
}

/// The shape of a tensor as a type: `i64[3, 4]`.
pub fn type_of(given: &Tensors, name: &str) -> Result<String, Refusal> {
    let tensor = given.at(name).map_err(|e| e.to_string())?;
    let element = if tensor.as_slice::<bool>().is_ok() {
        "bool"
    } else if tensor.as_slice::<i64>().is_ok() {
        "i64"
    } else {
        ""
    };
    Ok(format!("{element}{:?}", tensor.shape()))
}

/// Whether a tensor holds floats.
fn is_float(given: &Tensors, name: &str) -> bool {
    type_of(given, name).is_ok_and(|t| t.starts_with('['))
}
