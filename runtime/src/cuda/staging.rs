//! Pinned memory, through which all copies between host and device go. So a copy never accesses the caller's memory,
//! pinned or not, after the call that asks for it.

use cust::memory::LockedBuffer;

use super::errors::Code;
use super::stream::{Event, Stream};

/// Uploads fill one section after the other, and the first again after its copies are done.
const SECTIONS: usize = 4;
/// Bytes of a section.
const SECTION: usize = 1 << 20;
/// Alignment of the copies' first bytes.
const ALIGN: usize = 64;

/// Pinned memory in sections.
pub struct Staging {
    memory: LockedBuffer<u8>,
    /// For each section: an event after the copies from it.
    copied: [Event; SECTIONS],
    /// The section that is being filled, and the number of its bytes that copies use.
    section: usize,
    used: usize,
}

impl Staging {
    pub fn new() -> Result<Self, Code> {
        Ok(Self {
            memory: LockedBuffer::new(&0, SECTIONS * SECTION)?,
            copied: [Event::new()?, Event::new()?, Event::new()?, Event::new()?],
            section: 0,
            used: 0,
        })
    }

    /// Puts a copy of host bytes to the device on the stream. It waits if all sections are in use.
    ///
    /// # Safety
    /// `to..to + from.len()` lies inside one buffer.
    pub unsafe fn upload(
        &mut self,
        stream: &Stream,
        mut to: u64,
        mut from: &[u8],
    ) -> Result<(), Code> {
        while !from.is_empty() {
            if self.used >= SECTION {
                self.turn(stream)?;
            }
            let (now, later) = from.split_at(from.len().min(SECTION - self.used));
            let at = self.section * SECTION + self.used;
            let part = &mut self.memory.as_mut_slice()[at..at + now.len()];
            part.copy_from_slice(now);
            // SAFETY: the caller's promise; this part is not written again before a wait for `copied` or for the
            // stream.
            unsafe { stream.to_device(to, part.as_ptr(), now.len())? };
            self.used = (self.used + now.len()).next_multiple_of(ALIGN);
            to += now.len() as u64;
            from = later;
        }
        Ok(())
    }

    /// Continues with the next section, after the copies from it are done.
    fn turn(&mut self, stream: &Stream) -> Result<(), Code> {
        self.copied[self.section].record(stream)?;
        let next = (self.section + 1) % SECTIONS;
        self.copied[next].wait()?;
        (self.section, self.used) = (next, 0);
        Ok(())
    }

    /// After a wait for the stream: the section can be filled from its start.
    pub fn rest(&mut self) {
        self.used = 0;
    }

    /// Copies device bytes to the host, after all earlier work on the stream.
    ///
    /// # Safety
    /// `from..from + to.len()` lies inside one buffer.
    pub unsafe fn download(
        &mut self,
        stream: &Stream,
        mut from: u64,
        to: &mut [u8],
    ) -> Result<(), Code> {
        for to in to.chunks_mut(SECTIONS * SECTION) {
            let part = &mut self.memory.as_mut_slice()[..to.len()];
            // SAFETY: the caller's promise; uploads from this part are earlier on the stream, and the next line waits.
            unsafe { stream.to_host(part.as_mut_ptr(), from, to.len())? };
            stream.wait()?;
            to.copy_from_slice(&self.memory.as_slice()[..to.len()]);
            from += to.len() as u64;
        }
        Ok(())
    }
}
