//! A hash of a network's parameters, for checkpoints.

use std::fmt::Write;

use crate::{DType, NetSpec};

/// A hash of the names, shapes and types of all parameters and buffers, in their order, and of the names of shared
/// parameters. It does not depend on whether they are trained: a layer may be frozen between two runs.
pub(super) fn hash(spec: &NetSpec) -> String {
    let mut text = String::new();
    for param in spec.params {
        let ty = match param.dtype {
            DType::Float => "float",
            DType::Int => "i64",
            DType::Bool => "bool",
        };
        let _ = writeln!(text, "{}: {ty}{:?}", param.name, param.shape);
    }
    for shared in spec.shared {
        let _ = writeln!(text, "{} = {}", shared.name, shared.holder);
    }
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}
