//! Data: files in, batches out.
//!
//! Readers for IDX images and numeric tables, plain or gzipped, a [`Loader`] that shuffles and batches
//! samples held in memory, and [`Resident`] samples that stay on a device. Every error names the file.

pub mod csv;
pub mod idx;
mod loader;
mod resident;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result};

pub use loader::{Batches, Loader, Position};
pub use resident::{Part, Picked, Resident};

/// Opens a file, unpacked if its first bytes are gzip's: the name's ending does not matter.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>> {
    let file = File::open(path).map_err(|source| io(path, source))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let start = file.fill_buf().map_err(|source| io(path, source))?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(
            1 << 16,
            MultiGzDecoder::new(file),
        )));
    }
    Ok(Box::new(file))
}

/// An error of the system (or of the packed stream) on this file.
pub(crate) fn io(path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        path: path.to_path_buf(),
        source,
    }
}

/// An error in this file's content.
pub(crate) fn bad(path: &Path, what: impl Into<String>) -> Error {
    Error::File {
        path: path.to_path_buf(),
        what: what.into(),
    }
}
