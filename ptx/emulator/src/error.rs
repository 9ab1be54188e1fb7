//! Errors: a module that does not load, a launch that fails.

use std::fmt;

/// The reason why a PTX text could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The kernel or function with the error, if known.
    pub kernel: Option<String>,
    /// Line in the PTX text, from 1.
    pub line: usize,
    /// The instruction or directive as written; empty at the end of the text.
    pub text: String,
    /// The error message.
    pub message: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kernel) = &self.kernel {
            write!(f, "kernel {kernel}, ")?;
        }
        write!(f, "PTX line {}: ", self.line)?;
        if !self.text.is_empty() {
            write!(f, "`{}`: ", self.text)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for LoadError {}

/// The kinds of error that the driver distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// An access outside of all allocations.
    Address,
    /// An access that is not aligned to its size.
    Misaligned,
    /// The step limit was reached.
    Endless,
    /// Everything else, mostly errors that only the emulator detects.
    Other,
}

/// The reason why a launch stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Name of the kernel.
    pub(crate) kernel: String,
    /// Line in the PTX text, from 1; 0 if no instruction caused it.
    pub(crate) line: usize,
    /// The instruction as written.
    pub(crate) text: String,
    /// `%ctaid` of the block.
    pub(crate) block: [u32; 3],
    /// `%tid` of the first thread with the error.
    pub(crate) thread: [u32; 3],
    /// The error message.
    pub(crate) message: String,
    /// The kind of error for the driver.
    pub(crate) kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault {
            kernel,
            line,
            text,
            block: b,
            thread: t,
            message,
            ..
        } = self;
        write!(
            f,
            "kernel {kernel}, PTX line {line}: `{text}`: block ({}, {}, {}), thread ({}, {}, {}): \
             {message}",
            b[0], b[1], b[2], t[0], t[1], t[2]
        )
    }
}

impl std::error::Error for Fault {}
