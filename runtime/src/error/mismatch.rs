//! Differences between a file of parameters and a network.

use super::text::unread;

/// A difference between a file of parameters and a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MismatchProblem {
    /// It is a checkpoint of another network.
    #[error("another network: it is a checkpoint of `{found}` (`load` reads the parameters alone)")]
    OtherNetwork {
        /// The name of that network.
        found: String,
    },
    /// It is a checkpoint of a network of this name with another declaration.
    #[error("another declaration: `{network}` had other parameters, or these in another order")]
    OtherDeclaration {
        /// The network.
        network: &'static str,
    },
    /// The file lacks a parameter.
    #[error("missing: `{name}` of shape {wanted:?}")]
    Missing {
        /// The parameter.
        name: &'static str,
        /// Its shape.
        wanted: &'static [usize],
    },
    /// The network has no such parameter.
    #[error("unexpected: `{name}` of shape {found:?}{}", unread(unread_type))]
    Unexpected {
        /// The entry in the file.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// Its type, if that is not read.
        unread_type: Option<String>,
    },
    /// A parameter has another shape.
    #[error("wrong shape: `{name}` is {found:?}, the network wants {wanted:?}")]
    Shape {
        /// The entry in the file.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape of the network's parameter.
        wanted: &'static [usize],
    },
    /// A parameter has elements of another type.
    #[error("wrong type: `{name}` holds {found}, the network wants {wanted}")]
    Type {
        /// The entry in the file.
        name: String,
        /// Its element type.
        found: &'static str,
        /// The element type that the network takes: `floats`, `i64`, `bool`.
        wanted: &'static str,
    },
    /// A parameter has elements of a type that is not read.
    #[error("wrong type: `{name}` holds {found}, which is not read")]
    UnreadType {
        /// The entry in the file.
        name: String,
        /// Its element type.
        found: String,
    },
    /// A shared parameter has several values in the file.
    #[error("`{other}` and `{name}` differ in the file, but are one parameter of the network")]
    Shared {
        /// The first of its names in the file.
        name: String,
        /// A further name, with other values.
        other: String,
    },
}
