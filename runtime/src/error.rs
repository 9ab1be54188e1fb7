//! The one error type: every message names the file, tensor, function or dimension.

mod choice;
mod data;
mod optimizer;
mod text;

pub use choice::ChoiceProblem;
pub use data::DataProblem;
pub use optimizer::{OptimizerProblem, StateProblem};

use std::fmt;
use std::path::PathBuf;

use self::text::{counted, did_you_mean, listed};
use crate::{Site, Stored};

/// What can go wrong at run time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device has no room.
    #[error("{device}: out of memory: {}{what}", asked(bytes))]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// What the memory was for.
        what: String,
        /// How much was asked for; 0 where only the driver knows.
        bytes: usize,
    },
    /// There is no such device, or none that can be used.
    #[error("{device}: {what}")]
    NoDevice {
        /// The device asked for.
        device: String,
        /// Why there is none.
        what: String,
    },
    /// The device failed.
    #[error("{device}: {what}")]
    Device {
        /// The device's name.
        device: String,
        /// What failed, and what the driver says of it.
        what: String,
    },
    /// A loss was read when later runs had overwritten it.
    #[error("{function}: the loss was overwritten by a later run: read it before the next")]
    LossOverwritten {
        /// The entry function.
        function: &'static str,
    },
    /// An index held as data points outside its dimension.
    #[error(
        "{function}: {}`{index}` holds {}{limit}{}",
        asker(.site), out_of_range(.found), place(.site, "")
    )]
    #[non_exhaustive]
    IndexOutOfRange {
        /// The entry function.
        function: &'static str,
        /// The layer or op that reads at the indices, and where it is called.
        site: Site,
        /// The indices, as written in the network.
        index: &'static str,
        /// The dimension's size.
        limit: usize,
        /// The first of those that are out of range; not known on devices that run on their own.
        found: Option<OutOfRange>,
    },
    /// A result of integer arithmetic does not fit.
    #[error("{function}: {what}{} 64-bit integers{}", unfit(.found), place(.site, ""))]
    #[non_exhaustive]
    IntegerOverflow {
        /// The entry function.
        function: &'static str,
        /// Where it is computed.
        site: Site,
        /// The value, as written.
        what: &'static str,
        /// The first result that does not fit; not known on devices that run on their own.
        found: Option<Box<Overflow>>,
    },
    /// The next symbol of a sequence cannot be chosen.
    #[error("{function}: {problem}")]
    #[non_exhaustive]
    Choice {
        /// The function that chooses: `Sampler::pick`.
        function: &'static str,
        /// Why.
        problem: ChoiceProblem,
    },
    /// A plan broke its own rules: a bug in netform, stopped before it touched memory.
    #[error("{function}: internal error, please report it: {what}")]
    Internal {
        /// The entry function.
        function: &'static str,
        /// What did not hold.
        what: String,
    },
    /// An argument has another number of dimensions than declared.
    #[error("{function}: `{argument}` has {}, but {declared} has {wanted}", counted(*found, "dimension"))]
    Rank {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// How many dimensions came.
        found: usize,
        /// The declared shape, as written.
        declared: String,
        /// How many dimensions are declared.
        wanted: usize,
    },
    /// An argument has another size than its declared shape.
    #[error(
        "{function}: `{argument}` has shape {found:?}, but {declared} wants {wanted} in dimension {dimension}"
    )]
    Size {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// The shape that came.
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
        /// The layer or op that asks for it, and where it is called.
        site: &'static Site,
        /// The condition: `B*L must be at least 2`.
        what: &'static str,
        /// The size that it is about.
        value: usize,
        /// The reason for the condition.
        why: &'static str,
        /// The named dimensions: `B is 10, T is 3`.
        dims: String,
    },
    /// An argument's elements are of another class than declared.
    #[error("{function}: `{argument}` holds {found}, but it is declared as {wanted}")]
    ElementType {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// The type that came.
        found: &'static str,
        /// What is declared.
        wanted: &'static str,
    },
    /// An argument's rows do not lie one after the other in memory.
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
        /// The name asked for.
        name: String,
        /// A name like it.
        near: Option<&'static str>,
    },
    /// A kept value cannot be overwritten with these.
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
        /// The shape that came.
        found: Vec<usize>,
        /// The element type that came.
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
    /// An integer does not fit.
    #[error("{function}: `{argument}` holds {value}, which is outside {limits}")]
    IntegerRange {
        /// The entry function.
        function: &'static str,
        /// The argument.
        argument: &'static str,
        /// The integer.
        value: i128,
        /// What fits: `0..=4294967295`.
        limits: &'static str,
    },
    /// A result that is declared `u32` or `i32` holds an integer that its type does not.
    #[error(
        "{function}: result {result} holds {value} at {position:?}, which is outside {limits}\nhelp: declare it `i64`"
    )]
    #[non_exhaustive]
    ResultRange {
        /// The entry function.
        function: &'static str,
        /// Which result, from 0.
        result: usize,
        /// The first integer that does not fit.
        value: i64,
        /// Its place in the result.
        position: Vec<usize>,
        /// What fits: `0..=4294967295`.
        limits: &'static str,
    },
    /// A tensor holds another type than asked for.
    #[error("Tensor: {asked} was asked for, but the elements are {found}")]
    TensorType {
        /// The tensor's element type.
        found: &'static str,
        /// The type asked for.
        asked: &'static str,
    },
    /// A shape does not have as many elements as are given.
    #[error("shape {shape:?} has {}, but {}", shown_elements(.shape), are_given(len))]
    ShapeLen {
        /// The shape.
        shape: Vec<usize>,
        /// The number of elements given.
        len: usize,
    },
    /// One value was asked of something that holds several or none.
    #[error("item: one value is asked for, but shape {shape:?} has {}", shown_elements(.shape))]
    NotScalar {
        /// The shape.
        shape: Vec<usize>,
    },
    /// A network has no parameter of this name.
    #[error("{network} has no parameter `{name}`{}", did_you_mean(.near))]
    UnknownParameter {
        /// The network.
        network: &'static str,
        /// The name asked for.
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
    /// Parameters were to be saved as integers or booleans.
    #[error("{network}: parameters are saved as f32, f64, bf16 or f16, not as {stored}")]
    #[non_exhaustive]
    StoredType {
        /// The network.
        network: &'static str,
        /// The type asked for.
        stored: Stored,
    },
    /// Gradients were asked for before any backward run.
    #[error("{network} has no gradients yet: call one of its `_backward` functions first")]
    NoGradients {
        /// The network.
        network: &'static str,
    },
    /// A file's content is not what it should be.
    #[error("{}: {what}", path.display())]
    #[non_exhaustive]
    File {
        /// The file.
        path: PathBuf,
        /// The kind of mistake, for a program to match on.
        problem: FileProblem,
        /// What is wrong with it.
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
        /// What stands there.
        cell: String,
        /// What should.
        wanted: &'static str,
    },
    /// Samples, targets or positions cannot be used.
    #[error("{function}: {problem}")]
    #[non_exhaustive]
    Data {
        /// The function that takes them: `Loader::new`.
        function: &'static str,
        /// What is wrong.
        problem: DataProblem,
    },
    /// A file of parameters does not fit a network: all the differences at once.
    #[error("{}: does not fit {network}:{}", path.display(), listed(.problems))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The network.
        network: &'static str,
        /// One line for each difference.
        problems: Vec<String>,
    },
    /// A gradient is not what finite differences say.
    #[error(
        "{network}: the gradient of `{name}` at element {index} is {gradient:e}, but the loss changes by {difference:e}"
    )]
    Gradient {
        /// The network.
        network: &'static str,
        /// The parameter.
        name: &'static str,
        /// The element, row by row.
        index: usize,
        /// What backward computes.
        gradient: f64,
        /// The central difference.
        difference: f64,
    },
    /// An optimizer does not make a step or take a state: most often a setting is outside its range.
    #[error("{optimizer}: {problem}")]
    #[non_exhaustive]
    Optimizer {
        /// The optimizer.
        optimizer: &'static str,
        /// What is wrong.
        problem: OptimizerProblem,
    },
    /// A run was broken off while it changed the parameters or buffers: by a panic, or because the device failed. Some
    /// are those of before and some those of after.
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
        /// The system's reason.
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
    /// An integer. A product that leaves 128 bits stays at their end.
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

/// Why the content of a file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileProblem {
    /// The file is of another kind: a zip archive, JSON, a checkpoint where a table is wanted.
    WrongKind,
    /// The file is cut, longer than it says, or was changed: a length, the header or the checksum is wrong.
    Damaged,
    /// The file is of a version that this netform does not read.
    Version,
    /// A name occurs twice, or holds control characters.
    Names,
    /// The file is whole, but its values are not those asked for.
    Content,
}

impl Error {
    /// A device's error, with the function that was running. What an earlier one has left to the device may
    /// be found as late as then.
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

/// A result whose error is netform's.
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

/// A line that says more.
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
