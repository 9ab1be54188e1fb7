//! The checksum of a checkpoint: the last bytes of the file, over all those before.
//!
//! It is the data of one more tensor, which a safetensors file has at its end: `checksum` and a CRC-32. A
//! flipped bit anywhere changes the sum, the mark, or the entry that says that there is one.

use std::path::Path;

use crate::data::bad_in;
use crate::{FileProblem, Result};

/// The entry's name. Bytes come after all wider types; a checkpoint holds no narrower ones.
pub(super) const NAME: &str = "netform/checksum";

const MARK: [u8; 8] = *b"checksum";

/// Room for it.
pub(super) const EMPTY: [u8; 12] = [0; 12];

/// The error where the file's entries speak of a checksum that it does not end in.
pub(super) const MISSING: &str =
    "damaged, or written again by another program: the checksum is not at the end";

/// Whether the file ends in a checksum.
pub(super) fn is_on(bytes: &[u8]) -> bool {
    split(bytes).is_some()
}

/// The bytes that count, and their sum as it was written.
fn split(bytes: &[u8]) -> Option<(&[u8], u32)> {
    let (rest, sum) = bytes.split_last_chunk::<4>()?;
    rest.ends_with(&MARK)
        .then_some((rest, u32::from_le_bytes(*sum)))
}

/// If the file ends in a checksum, it is right.
pub(super) fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    match split(bytes) {
        Some((rest, sum)) if crc32fast::hash(rest) != sum => {
            let what = "damaged: the checksum does not match the content";
            Err(bad_in(path, FileProblem::Damaged, what))
        }
        _ => Ok(()),
    }
}

/// Fills in the checksum of a file that ends in room for it.
pub(super) fn set(path: &Path, bytes: &mut [u8]) -> Result<()> {
    let Some((rest, sum)) = bytes.split_last_chunk_mut::<4>() else {
        return Err(bad_in(path, FileProblem::Damaged, MISSING));
    };
    match rest.last_chunk_mut::<8>() {
        Some(mark) if *mark == [0; 8] => *mark = MARK,
        _ => return Err(bad_in(path, FileProblem::Damaged, MISSING)),
    }
    *sum = crc32fast::hash(rest).to_le_bytes();
    Ok(())
}
