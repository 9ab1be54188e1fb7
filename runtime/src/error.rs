//! The one error type: every message names the file, tensor, function or dimension.

mod choice;
mod data;
mod mismatch;
mod optimizer;
mod text;

pub use choice::ChoiceProblem;
pub use data::DataProblem;
pub use mismatch::MismatchProblem;
pub use optimizer::{OptimizerProblem, StateProblem};

use std::fmt;
use std::path::PathBuf;

use self::text::{counted, did_you_mean, listed};
use crate::{Site, Stored};

/// An error at run time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device is out of memory.
    #[error("{device}: out of memory: {}{what}", asked(bytes))]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// The purpose of the memory.
        what: String,
        /// The number of bytes; 0 if only the driver knows it.
        bytes: usize,
    },
    /// The device does not exist, or cannot be used.
    #[error("{device}: {what}")]
    NoDevice {
        /// The requested device.
        device: String,
        /// The reason.
        what: String,
    },
    /// The device failed.
    #[error("{device}: {what}")]
    Device {
        /// The device's name.
        device: String,
        /// The action that failed, and the driver's error.
        what: String,
    },
    /// A loss was read after later runs had overwritten it.
    #[error("{function}: the loss was overwritten by a later run: read it before the next")]
    LossOverwritten {
        /// The entry function.
        function: &'static str,
    },
    /// An index held as data is outside its dimension.
    #[error(
        "{function}: {}`{index}` holds {}{limit}{}",
        asker(.site), out_of_range(.found), place(.site, "")
    )]
    #[non_exhaustive]
    IndexOutOfRange {
        /// The entry function.
        function: &'static str,
        /// The layer or op that uses the indices, and the place of its call.
        site: Site,
        /// The indices, as written in the network.
        index: &'static str,
        /// The dimension's size.
        limit: usize,
        /// The first index that is out of range; not known on asynchronous devices.
        found: Option<OutOfRange>,
    },
    /// A result of integer arithmetic does not fit.
    #[error("{function}: {what}{} 64-bit integers{}", unfit(.found), place(.site, ""))]
    #[non_exhaustive]
    IntegerOverflow {
        /// The entry function.
        function: &'static str,
        /// The place where it is computed.
        site: Site,
        /// The value, as written.
        what: &'static str,
        /// The first result that does not fit; not known on asynchronous devices.
        found: Option<Box<Overflow>>,
    },
    /// The next symbol of a sequence cannot be chosen.
    #[error("{function}: {problem}")]
    #[non_exhaustive]
    Choice {
        /// The function that chooses: `Sampler::pick`.
        function: &'static str,
        /// The reason.
        problem: ChoiceProblem,
    },
    /// A plan broke its own rules: a bug in netform, stopped before it accessed memory.
    #[error("{function}: internal error, please report it: {what}")]
    Internal {
        /// The entry function.
        function: &'static str,
        /// The condition that did not hold.
        what: String,
    },
    /// An argument has a different number of dimensions than declared.
    #[error("{function}: `{argument}` has {}, but {declared} has {wanted}", counted(*found, "dimension"))]
    Rank {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// The number of dimensions of the argument.
        found: usize,
        /// The declared shape, as written.
        declared: String,
        /// The declared number of dimensions.
        wanted: usize,
    },
    /// An argument has a different size than its declared shape.
    #[error(
        "{function}: `{argument}` has shape {found:?}, but {declared} wants {wanted} in dimension {dimension}"
    )]
    Size {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// The argument's shape.
        found: Vec<usize>,
        /// The declared shape, as written.
        declared: String,
        /// The size that the dimension must have.
        wanted: usize,
        /// The dimension, from 0.
        dimension: usize,
    },
    /// A named dimension has two different sizes.
    #[error(
        "{function}: {dimension} is {first} in `{first_argument}` but {second} in `{second_argument}`"
    )]
    Disagree {
        /// The entry function.
        function: &'static str,
        /// The dimension's name.
        dimension: &'static str,
        /// Its size in the first argument that has it.
        first: usize,
        /// That argument.
        first_argument: &'static str,
        /// Its size in the other argument.
        second: usize,
        /// The other argument.
        second_argument: &'static str,
    },
    /// A condition on the named dimensions does not hold.
    #[error(
        "{function}: {}{what}, but it is {value}{}{}",
        asker(.site), note(why), place(.site, dims)
    )]
    #[non_exhaustive]
    Requirement {
        /// The entry function.
        function: &'static str,
        /// The layer or op with the condition, and the place of its call.
        site: &'static Site,
        /// The condition: `B*L must be at least 2`.
        what: &'static str,
        /// The actual size.
        value: usize,
        /// The reason for the condition.
        why: &'static str,
        /// The named dimensions: `B is 10, T is 3`.
        dims: String,
    },
    /// An argument's elements are of a different class than declared.
    #[error("{function}: `{argument}` holds {found}, but it is declared as {wanted}")]
    ElementType {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// The argument's type.
        found: &'static str,
        /// The declared type.
        wanted: &'static str,
    },
    /// An argument's rows are not contiguous in memory.
    #[error(
        "{function}: `{argument}` is not in standard layout: pass `&{argument}.as_standard_layout()`"
    )]
    NotContiguous {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
    },
    /// No kept value has this name.
    #[error("{network} keeps no `{name}`{}", near.map_or_else(String::new, |n| format!(": did you mean `{n}`?")))]
    UnknownState {
        /// The network.
        network: &'static str,
        /// The requested name.
        name: String,
        /// A similar name.
        near: Option<&'static str>,
    },
    /// A kept value cannot be overwritten with this value.
    #[error(
        "{network}: `{name}` is kept in shape {wanted:?}; {holds} of shape {found:?} do not fit"
    )]
    StateShape {
        /// The network.
        network: &'static str,
        /// The value's name.
        name: &'static str,
        /// Its shape.
        wanted: Vec<usize>,
        /// The shape of the new value.
        found: Vec<usize>,
        /// The element type of the new value.
        holds: &'static str,
    },
    /// An argument lies on another device than the network.
    #[error("{function}: `{argument}` lies on another device than the network")]
    OtherDevice {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
    },
    /// An integer is outside the argument's range.
    #[error("{function}: `{argument}` holds {value}, which is outside {limits}")]
    IntegerRange {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// The integer.
        value: i128,
        /// The allowed range: `0..=4294967295`.
        limits: &'static str,
    },
    /// A result that is declared `u32` or `i32` has an integer out of range.
    #[error(
        "{function}: result {result} holds {value} at {position:?}, which is outside {limits}\nhelp: declare it `i64`"
    )]
    #[non_exhaustive]
    ResultRange {
        /// The entry function.
        function: &'static str,
        /// The number of the result, from 0.
        result: usize,
        /// The first integer out of range.
        value: i64,
        /// Its place in the result.
        position: Vec<usize>,
        /// The allowed range: `0..=4294967295`.
        limits: &'static str,
    },
    /// A tensor has elements of another type than requested.
    #[error("Tensor: {asked} was asked for, but the elements are {found}")]
    TensorType {
        /// The tensor's element type.
        found: &'static str,
        /// The requested type.
        asked: &'static str,
    },
    /// A shape does not have the given number of elements.
    #[error("shape {shape:?} has {}, but {}", shown_elements(.shape), are_given(len))]
    ShapeLen {
        /// The shape.
        shape: Vec<usize>,
        /// The number of elements given.
        len: usize,
    },
    /// `item` was called on a value that does not have exactly one element.
    #[error("item: one value is asked for, but shape {shape:?} has {}", shown_elements(.shape))]
    NotScalar {
        /// The shape.
        shape: Vec<usize>,
    },
    /// A dimension has the name of a Rust constant, and another value.
    #[error(
        "{function}: the dimension {name} is {size}, but the Rust constant `{name}` has another value"
    )]
    Constant {
        /// The function.
        function: &'static str,
        /// The name.
        name: &'static str,
        /// The dimension's size.
        size: usize,
    },
    /// `at` was called with indices that are not those of a value.
    #[error("at: index {index:?} is outside shape {shape:?}")]
    NoElement {
        /// The indices.
        index: Vec<usize>,
        /// The shape.
        shape: Vec<usize>,
    },
    /// A network has no parameter of this name.
    #[error("{network} has no parameter `{name}`{}", did_you_mean(.near))]
    UnknownParameter {
        /// The network.
        network: &'static str,
        /// The requested name.
        name: String,
        /// The most similar name.
        near: Option<&'static str>,
    },
    /// A value does not have its parameter's shape.
    #[error("{network}: `{name}` has shape {wanted:?}, but the value has {found:?}")]
    ParameterShape {
        /// The network.
        network: &'static str,
        /// The parameter.
        name: &'static str,
        /// Its shape.
        wanted: &'static [usize],
        /// The value's shape.
        found: Vec<usize>,
    },
    /// A value of another type was given to a parameter or buffer.
    #[error("{network}: `{name}` takes {wanted}, but the value holds {found}")]
    #[non_exhaustive]
    ParameterType {
        /// The network.
        network: &'static str,
        /// The parameter.
        name: &'static str,
        /// The element type that it takes: `floats`, `i64`, `bool`.
        wanted: &'static str,
        /// The value's element type.
        found: &'static str,
    },
    /// Parameters cannot be saved as integers or booleans.
    #[error("{network}: parameters are saved as f32, f64, bf16 or f16, not as {stored}")]
    #[non_exhaustive]
    StoredType {
        /// The network.
        network: &'static str,
        /// The requested type.
        stored: Stored,
    },
    /// Gradients were requested before any backward run.
    #[error("{network} has no gradients yet: call one of its `_backward` functions first")]
    NoGradients {
        /// The network.
        network: &'static str,
    },
    /// A file has wrong content.
    #[error("{}: {what}", path.display())]
    #[non_exhaustive]
    File {
        /// The file.
        path: PathBuf,
        /// The kind of mistake, for a program to match on.
        problem: FileProblem,
        /// Description of the mistake.
        what: String,
    },
    /// A cell of a table is not a number.
    #[error("{}: line {line}, column `{column}`: `{cell}` is not {wanted}", path.display())]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column's name, or its number from 1.
        column: String,
        /// The content of the cell.
        cell: String,
        /// The expected content.
        wanted: &'static str,
    },
    /// Samples, targets or positions cannot be used.
    #[error("{function}: {problem}")]
    #[non_exhaustive]
    Data {
        /// The function that takes them: `Loader::new`.
        function: &'static str,
        /// The reason.
        problem: DataProblem,
    },
    /// A file of parameters does not fit a network. The error lists all differences.
    #[error("{}: does not fit {network}:{}", path.display(), listed(.problems))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The network.
        network: &'static str,
        /// The differences.
        problems: Vec<MismatchProblem>,
    },
    /// A gradient differs from finite differences.
    #[error(
        "{network}: the gradient of `{name}` at element {index} is {gradient:e}, but the loss changes by {difference:e}"
    )]
    Gradient {
        /// The network.
        network: &'static str,
        /// The parameter.
        name: &'static str,
        /// The element, as a row-major index.
        index: usize,
        /// The gradient that backward computes.
        gradient: f64,
        /// The central difference.
        difference: f64,
    },
    /// An optimizer cannot make a step or take a state, most often because a setting is outside its range.
    #[error("{optimizer}: {problem}")]
    #[non_exhaustive]
    Optimizer {
        /// The optimizer.
        optimizer: &'static str,
        /// The reason.
        problem: OptimizerProblem,
    },
    /// A run was interrupted while it changed the parameters or buffers, by a panic or an error of the device. Some of
    /// them are old and some are new.
    #[error(
        "{network} is poisoned: a run was broken off while it changed the parameters or buffers; load them all from \
         the last checkpoint (`Checkpoint::network`, or `load`), and the optimizer's state (`Checkpoint::optimizer`)"
    )]
    Poisoned {
        /// The network.
        network: &'static str,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// An index that is out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutOfRange {
    /// The index.
    pub value: i64,
    /// Its place in the array of indices.
    pub position: Vec<usize>,
}

/// A result of integers that does not fit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Overflow {
    /// The result.
    pub value: Exact,
    /// Its place in the array of results.
    pub position: Vec<usize>,
}

/// A number in a message.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Exact {
    /// An integer. A product that does not fit in 128 bits saturates.
    Int(i128),
    /// A float.
    Float(f64),
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exact::Int(x) => x.fmt(f),
            Exact::Float(x) => x.fmt(f),
        }
    }
}

/// The reason why the content of a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileProblem {
    /// The file is of another kind: a zip archive, JSON, or a checkpoint instead of a table.
    WrongKind,
    /// The file is truncated, too long, or was changed: a length, the header or the checksum is wrong.
    Damaged,
    /// The file is of a version that this netform does not read.
    Version,
    /// A name occurs twice, or has control characters.
    Names,
    /// The file is valid, but its values are not the requested ones.
    Content,
}

impl Error {
    /// Adds the function that was running to a device's error. The error may come from an earlier function, whose work
    /// was still pending.
    #[cold]
    pub(crate) fn within(self, function: &str) -> Self {
        match self {
            Self::Device { device, what } => Self::Device {
                device,
                what: format!("{what}\n  in `{function}`, or before it"),
            },
            other => other,
        }
    }
}

/// A result with netform's error type.
pub type Result<T, E = Error> = std::result::Result<T, E>;

fn shown_elements(shape: &[usize]) -> String {
    match crate::shape::elements(shape) {
        None => "too many elements".into(),
        Some(n) => counted(n, "element"),
    }
}

fn are_given(n: &usize) -> String {
    format!("{n} {} given", if *n == 1 { "is" } else { "are" })
}

/// `` `Embedding` `tok`: ``.
fn asker(site: &Site) -> String {
    match site.by {
        "" => String::new(),
        by => format!("{by}: "),
    }
}

fn out_of_range(found: &Option<OutOfRange>) -> String {
    match found {
        None => "an index outside 0..".into(),
        Some(found) if found.position.is_empty() => {
            format!("{}, which is outside 0..", found.value)
        }
        Some(found) => {
            let (value, at) = (found.value, &found.position);
            format!("{value} at {at:?}, which is outside 0..")
        }
    }
}

fn unfit(found: &Option<Box<Overflow>>) -> String {
    match found {
        None => " does not fit".into(),
        Some(found) if found.position.is_empty() => {
            format!(" is {}, which does not fit", found.value)
        }
        Some(found) => {
            let (value, at) = (found.value, &found.position);
            format!(" is {value} at {at:?}, which does not fit")
        }
    }
}

/// A line with additional information.
fn note(text: &str) -> String {
    match text {
        "" => String::new(),
        text => format!("\n  {text}"),
    }
}

/// A line with the place of a call in the source, and the sizes there.
fn place(site: &Site, dims: &str) -> String {
    let at = match site.line {
        0 => String::new(),
        line => format!("at {}:{line}", site.file),
    };
    match (at.as_str(), dims) {
        (at, "") => note(at),
        ("", dims) => note(&format!("where {dims}")),
        (at, dims) => note(&format!("{at}, where {dims}")),
    }
}

fn asked(bytes: &usize) -> String {
    match bytes {
        0 => String::new(),
        bytes => format!("{bytes} bytes asked for "),
    }
}
