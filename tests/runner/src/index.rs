//! `index.json`: the description of the cases.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::tensors::{Failure, Tensors};

/// All cases of a folder.
#[derive(Debug, Deserialize)]
pub struct Index {
    /// The folder that it was read from.
    #[serde(skip)]
    pub dir: PathBuf,
    /// The set's name.
    #[serde(default)]
    pub set: String,
    /// The cases, in the file's order.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// `kind.name.variant`.
    pub id: String,
    /// `op`, `layer`, `loss`, `optimizer` or `model`.
    pub kind: String,
    /// PyTorch's name.
    pub name: String,
    /// Everything that defines the case.
    #[serde(default)]
    pub attrs: Map<String, Value>,
    /// PyTorch's value of each argument that `attrs` leaves out.
    #[serde(default)]
    pub defaults: Map<String, Value>,
    /// The file, relative to the folder.
    pub file: String,
    /// Names of the inputs, in call order.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Names of the parameters.
    #[serde(default)]
    pub params: Vec<String>,
    /// Names of the buffers.
    #[serde(default)]
    pub buffers: Vec<String>,
    /// Names of the upstream gradients.
    #[serde(default)]
    pub gouts: Vec<String>,
    /// Names of the results.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// Names of the gradients.
    #[serde(default)]
    pub grads: Vec<String>,
    /// Names of the buffers after one call.
    #[serde(default)]
    pub buffers_after: Vec<String>,
    /// Names of a model's state after training.
    #[serde(default)]
    pub finals: Vec<String>,
    /// Names of the same tensor.
    #[serde(default)]
    pub tied: Vec<Vec<String>>,
    /// The tolerances.
    #[serde(default)]
    pub tolerance: Tolerance,
    /// `version_dependent`, `edge`, ...
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Tolerances by float type.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Tolerance {
    /// Tolerances for `f32`.
    #[serde(default)]
    pub f32: Tolerances,
}

/// Tolerances of a case.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Tolerances {
    /// The largest relative one.
    #[serde(default)]
    pub rtol: f64,
    /// The largest absolute one.
    #[serde(default)]
    pub atol: f64,
    /// `[rtol, atol]` for each tensor.
    #[serde(default)]
    pub per_tensor: BTreeMap<String, [f64; 2]>,
}

impl Index {
    /// Reads the index of a folder.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self, Failure> {
        let dir = dir.as_ref();
        let path = dir.join("index.json");
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut index: Index =
            serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        index.dir = fs::canonicalize(dir)?;
        Ok(index)
    }

    /// The tensors of a case.
    pub fn tensors(&self, case: &Case) -> Result<Tensors, Failure> {
        Tensors::read(self.dir.join(&case.file))
    }
}

impl Case {
    /// The names of all tensors that are compared.
    pub fn wanted(&self) -> impl Iterator<Item = &String> {
        (self.outputs.iter())
            .chain(&self.grads)
            .chain(&self.buffers_after)
            .chain(&self.finals)
    }

    /// Whether PyTorch's versions differ in this case.
    pub fn version_dependent(&self) -> bool {
        self.tags.iter().any(|t| t == "version_dependent")
    }
}
