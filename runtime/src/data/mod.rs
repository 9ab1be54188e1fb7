//! Data: takes files and gives batches.
//!
//! Readers for IDX images and numeric tables, plain or gzipped, a [`Loader`] that shuffles and batches
//! samples held in memory, and [`Resident`] samples that stay on a device. Every error names the file.

pub mod csv;
pub mod idx;
pub(crate) mod kind;
mod loader;
mod part;
mod resident;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, FileProblem, Result};

pub use loader::{Batches, Loader, Position};
pub use part::Part;
pub use resident::{Picked, Resident};

/// An opened file: its bytes, decompressed, and their maximum number.
pub(crate) struct Opened {
    pub reader: Box<dyn BufRead>,
    /// The number of bytes of the file (unlimited if it is a pipe), or the most that gzip can make of them.
    pub most: u64,
    pub packed: bool,
}

/// Opens a file. It is decompressed if its first bytes are those of gzip, whatever its extension.
pub(crate) fn open(path: &Path) -> Result<Opened> {
    let file = File::open(path).map_err(|source| io(path, source))?;
    let meta = file.metadata().map_err(|source| io(path, source))?;
    let len = if meta.is_file() { meta.len() } else { u64::MAX };
    let mut file = BufReader::with_capacity(1 << 16, file);
    let start = file.fill_buf().map_err(|source| io(path, source))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        let unpacked = BufReader::with_capacity(1 << 16, MultiGzDecoder::new(file));
        return Ok(Opened {
            reader: Box::new(unpacked),
            most: len.saturating_mul(GZIP),
            packed: true,
        });
    }
    Ok(Opened {
        reader: Box::new(file),
        most: len,
        packed: false,
    })
}

/// The maximum number of bytes that one byte of gzip makes.
const GZIP: u64 = 1032;

/// An error of the system (or of the compressed stream) on this file.
pub(crate) fn io(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        path: path.to_path_buf(),
        source,
    }
}

/// An error in this file's content.
pub(crate) fn bad(path: &Path, what: impl Into<String>) -> Error {
    bad_in(path, FileProblem::Content, what)
}

/// An error in this file's content, of this kind.
pub(crate) fn bad_in(path: &Path, problem: FileProblem, what: impl Into<String>) -> Error {
    Error::File {
        path: path.to_path_buf(),
        problem,
        what: what.into(),
    }
}

/// Text of a file for a message: one line, of limited length, without control characters.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let escape = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    let mut out: String = text.chars().take(MOST).map(escape).collect();
    if text.chars().nth(MOST).is_some() {
        out.push_str("...");
    }
    out
}
