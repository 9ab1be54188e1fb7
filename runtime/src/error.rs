//! The one error type: every message names the file, tensor, function or dimension.

use std::path::PathBuf;

/// What can go wrong at run time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device has no room.
    #[error("{device}: out of memory: {bytes} bytes asked for {what}")]
    OutOfMemory {
        /// The device's name.
        device: String,
        /// What the memory was for.
        what: String,
        /// How much was asked for.
        bytes: usize,
    },
    /// An index held as data points outside its dimension.
    #[error("{function}: {what} holds an index outside 0..{limit}")]
    IndexOutOfRange {
        /// The entry function.
        function: &'static str,
        /// The op and its operand, in the user's names.
        what: &'static str,
        /// The dimension's size.
        limit: usize,
    },
    /// A plan broke its own rules: a bug in netform, stopped before it touched memory.
    #[error("{function}: internal error, please report it: {what}")]
    Internal {
        /// The entry function.
        function: &'static str,
        /// What did not hold.
        what: String,
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

/// A result whose error is netform's.
pub type Result<T, E = Error> = std::result::Result<T, E>;
