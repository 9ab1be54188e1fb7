//! The checksum of a checkpoint: the last bytes of the file, computed over all bytes before.
//!
//! It is the data of one more tensor of the safetensors file: `checksum` and a CRC-32. A flipped bit anywhere changes
//! the sum, the mark, or the entry that announces the checksum.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::data::bad_in;
use crate::{FileProblem, Result};

/// The entry's name.
pub(super) const NAME: &str = "netform/checksum";

const MARK: [u8; 8] = *b"checksum";

/// The error if the file's entries announce a checksum, but the file does not end in one.
pub(super) const MISSING: &str =
    "damaged, or written again by another program: the checksum is not at the end";

/// Whether the file ends in a checksum.
pub(super) fn is_on(bytes: &[u8]) -> bool {
    split(bytes).is_some()
}

/// The bytes under the checksum, and the stored checksum.
fn split(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let (rest, sum) = bytes.split_last_chunk::<4>()?;
    rest.ends_with(&MARK)
        .then_some((rest, u32::from_le_bytes(*sum)))
}

/// Checks the checksum, if the file ends in one.
pub(super) fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    match split(bytes) {
        Some((rest, sum)) if crc32fast::hash(rest) != sum => {
            let what = "damaged: the checksum does not match the content";
            Err(bad_in(path, FileProblem::Damaged, what))
        }
        _ => Ok(()),
    }
}

/// The same file with a checksum as its last entry. The format's library orders entries by their types, so it cannot
/// put an entry of bytes after one of booleans.
pub(super) fn add(path: &Path, file: &[u8]) -> Result<Vec<u8>> {
    let broken = || {
        bad_in(
            path,
            FileProblem::Damaged,
            "the header is not that of a file",
        )
    };
    let (len, rest) = file.split_first_chunk::<8>().ok_or_else(broken)?;
    let len = usize::try_from(u64::from_le_bytes(*len)).map_err(|_| broken())?;
    let (header, data) = rest.split_at_checked(len).ok_or_else(broken)?;
    let mut header: Map<String, Value> = serde_json::from_slice(header).map_err(|_| broken())?;
    let (from, to) = (data.len(), data.len() + MARK.len() + 4);
    let entry = json!({"dtype": "U8", "shape": [to - from], "data_offsets": [from, to]});
    header.insert(NAME.into(), entry);
    let mut text = Value::Object(header).to_string().into_bytes();
    // The data is aligned to 8 bytes.
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut out = (text.len() as u64).to_le_bytes().to_vec();
    for part in [&text, data, &MARK] {
        out.extend_from_slice(part);
    }
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    Ok(out)
}
