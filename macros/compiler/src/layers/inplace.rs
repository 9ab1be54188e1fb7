//! PyTorch's argument `inplace`, which saves memory there. Here memory is planned: the argument is taken and has no
//! effect.

use crate::args::Given;
use crate::value::Value;

/// The layers and ops that have the argument, as their last.
const NAMES: &[&str] = &[
    "relu",
    "relu6",
    "leakyrelu",
    "elu",
    "celu",
    "selu",
    "silu",
    "mish",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "dropout",
    "dropout1d",
    "dropout2d",
];

/// The other arguments.
pub fn without(name: &str, given: Vec<Given>) -> Vec<Given> {
    let plain = name.to_lowercase().replace('_', "");
    if !NAMES.contains(&plain.as_str()) {
        return given;
    }
    let inplace = |g: &Given| match &g.name {
        Some(name) => name == "inplace",
        None => true,
    };
    let keep = |g: &Given| !(inplace(g) && matches!(g.value, Value::Bool(_)));
    given.into_iter().filter(keep).collect()
}
