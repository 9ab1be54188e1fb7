//! The check of blocks against each other: which block wrote and which read each word of global memory.
//!
//! Blocks of a launch run in no order, so no block may read or write the results of another, unless the accesses are
//! atomic. Optional, because it costs a table entry for each word.

use std::collections::HashMap;

#[derive(Clone, Copy, Default)]
struct Touch {
    writer: Option<u64>,
    reader: Option<u64>,
    /// The bytes of the word that were written.
    bytes: u8,
}

/// The accesses of the blocks of one launch.
#[derive(Default)]
pub(crate) struct Touches {
    words: HashMap<u64, Touch>,
}

impl Touches {
    /// Records an access; `forgiving` ones are recorded but never reported.
    pub(crate) fn note(
        &mut self,
        address: u64,
        bytes: usize,
        block: u64,
        write: bool,
        forgiving: bool,
    ) -> Result<(), String> {
        let mut at = address;
        let end = address + bytes as u64;
        while at < end {
            let word = at & !3;
            let stop = (word + 4).min(end);
            let mask = (at..stop).fold(0u8, |m, b| m | 1 << (b & 3));
            let touch = self.words.entry(word).or_default();
            let wrote = touch.writer.is_some_and(|w| w != block) && touch.bytes & mask != 0;
            let read = write && touch.reader.is_some_and(|r| r != block);
            if !forgiving && (wrote || read) {
                let (other, did) = match touch.writer {
                    Some(writer) if wrote => (writer, "wrote"),
                    _ => (touch.reader.unwrap_or(0), "read"),
                };
                let verb = if write { "writes" } else { "reads" };
                return Err(format!(
                    "race between blocks: {verb} global memory at {at:#x}, which block number \
                     {other} of this launch {did}"
                ));
            }
            if !forgiving {
                if write {
                    touch.writer = Some(block);
                    touch.bytes |= mask;
                } else {
                    touch.reader = Some(block);
                }
            }
            at = stop;
        }
        Ok(())
    }
}
