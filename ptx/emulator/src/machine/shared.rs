//! A block's shared memory, with a record for every cell: whether it has been written, by which thread last, and which
//! warps have read it since.
//!
//! Vector clocks, one for each warp, give the order between threads: a barrier joins the clocks of the warps that meet
//! there, and every warp counts its own synchronisations. An access is stamped with its warp's own count. Another
//! thread's access is ordered after it if the clock of that thread's warp has reached the count. Two accesses that are
//! not ordered, one of them a write, are a race. Clocks only increase, also from block to block, so the records need no
//! clearing.

use super::warp::Trap;
use crate::error::FaultKind;

/// In a read record: several lanes of the warp.
const MANY: u32 = 32;
const LANE_BITS: u32 = 6;
const SYNCHRONISED: u32 = 1 << LANE_BITS;
const STAMP_SHIFT: u32 = LANE_BITS + 1;
/// Stamps must fit above the other bits; records are reset before they do not.
const LAST_STAMP: u32 = 1 << 24;

/// The last write to a cell.
#[derive(Clone, Copy, Default)]
struct Written {
    stamp: u32,
    thread: u16,
    synchronised: bool,
    valid: bool,
}

/// The thread of an access, and its warp's clock.
#[derive(Clone, Copy)]
pub(crate) struct Actor<'c> {
    pub(crate) warp: usize,
    pub(crate) lane: usize,
    pub(crate) clock: &'c [u32],
    /// An atomic or volatile access: it does not race with others of its kind.
    pub(crate) synchronised: bool,
}

impl Actor<'_> {
    #[inline(always)]
    fn thread(self) -> u16 {
        (self.warp * 32 + self.lane) as u16
    }

    /// Whether an access by another thread, at this stamp, comes before this one.
    #[inline(always)]
    fn is_after(self, warp: usize, stamp: u32) -> bool {
        // Lanes of one warp are ordered only by a synchronisation that its own count records.
        if warp == self.warp {
            self.clock[warp] > stamp
        } else {
            self.clock[warp] >= stamp
        }
    }

    fn trap(self, message: String) -> Trap {
        Trap {
            lane: self.lane,
            message,
            kind: FaultKind::Other,
        }
    }
}

/// Shared memory of one block.
pub(crate) struct Shared {
    data: Vec<u8>,
    warps: usize,
    /// The size of a cell, as a shift.
    granule: u32,
    written: Vec<Written>,
    /// For each cell, one record for each warp.
    read: Vec<u32>,
    /// The largest stamp that may be in the records.
    newest: u32,
    block_size: [u32; 3],
}

impl Shared {
    pub(crate) fn new(bytes: usize, granule: usize, warps: usize, block_size: [u32; 3]) -> Self {
        let granule = granule.trailing_zeros();
        let cells = bytes.div_ceil(1 << granule);
        Shared {
            data: vec![0xff; bytes],
            warps,
            granule,
            written: vec![Written::default(); cells],
            read: vec![0; cells * warps],
            newest: 0,
            block_size,
        }
    }

    /// Resets the writes of the last block; returns the initial clock of all warps.
    pub(crate) fn start_block(&mut self) -> u32 {
        for cell in &mut self.written {
            cell.valid = false;
        }
        if self.newest > LAST_STAMP / 2 {
            self.written.fill(Written::default());
            self.read.fill(0);
            self.newest = 0;
        }
        self.newest
    }

    /// Keeps the stamps of the next blocks above all recorded ones.
    pub(crate) fn note_clock(&mut self, clock: u32) -> bool {
        self.newest = self.newest.max(clock);
        clock < LAST_STAMP
    }

    #[inline(always)]
    fn cells(&self, address: usize, bytes: usize) -> std::ops::Range<usize> {
        address >> self.granule..((address + bytes - 1) >> self.granule) + 1
    }

    /// `bytes` is a power of two.
    #[inline(always)]
    fn bounds(&self, actor: Actor, address: u64, bytes: usize, verb: &str) -> Result<usize, Trap> {
        let end = address.saturating_add(bytes as u64);
        if end <= self.data.len() as u64 && address & (bytes as u64 - 1) == 0 {
            return Ok(address as usize);
        }
        Err(self.refusal(actor, address, bytes, verb))
    }

    #[cold]
    fn refusal(&self, actor: Actor, address: u64, bytes: usize, verb: &str) -> Trap {
        if address.saturating_add(bytes as u64) > self.data.len() as u64 {
            let message = format!(
                "{verb} {bytes} bytes out of bounds, at offset {} of {} bytes of shared memory",
                address as i64,
                self.data.len()
            );
            return Trap::address(actor.lane, message);
        }
        Trap {
            lane: actor.lane,
            message: format!(
                "misaligned: {verb} {bytes} bytes at offset {address:#x} of shared memory"
            ),
            kind: FaultKind::Misaligned,
        }
    }

    /// Checks a read and gives its bytes.
    #[inline(always)]
    pub(crate) fn read(&mut self, actor: Actor, address: u64, bytes: usize) -> Result<&[u8], Trap> {
        let at = self.bounds(actor, address, bytes, "reads")?;
        for cell in self.cells(at, bytes) {
            let written = self.written[cell];
            if !written.valid {
                return Err(self.unwritten(actor, cell));
            }
            let writer = usize::from(written.thread) / 32;
            if written.thread != actor.thread()
                && !actor.is_after(writer, written.stamp)
                && !(written.synchronised && actor.synchronised)
            {
                return Err(self.race(actor, cell, "reads", written.thread, "wrote"));
            }
            self.note_read(actor, cell);
        }
        Ok(&self.data[at..at + bytes])
    }

    #[inline(always)]
    fn note_read(&mut self, actor: Actor, cell: usize) {
        let stamp = actor.clock[actor.warp];
        let record = &mut self.read[cell * self.warps + actor.warp];
        let mut lane = actor.lane as u32;
        let mut synchronised = if actor.synchronised { SYNCHRONISED } else { 0 };
        if *record >> STAMP_SHIFT == stamp {
            let old_lane = *record & (SYNCHRONISED - 1);
            lane = if old_lane == lane { lane } else { MANY };
            synchronised &= *record;
        }
        *record = stamp << STAMP_SHIFT | synchronised | lane;
    }

    /// Checks a write and stores the bytes.
    #[inline(always)]
    pub(crate) fn write(&mut self, actor: Actor, address: u64, bytes: &[u8]) -> Result<(), Trap> {
        let at = self.bounds(actor, address, bytes.len(), "writes")?;
        for cell in self.cells(at, bytes.len()) {
            self.check_write(actor, cell, at, bytes)?;
            self.written[cell] = Written {
                stamp: actor.clock[actor.warp],
                thread: actor.thread(),
                synchronised: actor.synchronised,
                valid: true,
            };
        }
        self.data[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    #[inline(always)]
    fn check_write(&self, actor: Actor, cell: usize, at: usize, bytes: &[u8]) -> Result<(), Trap> {
        let written = self.written[cell];
        let writer = usize::from(written.thread) / 32;
        if written.thread != actor.thread()
            && !actor.is_after(writer, written.stamp)
            && !(written.synchronised && actor.synchronised)
        {
            // If all threads store the same value, that is common and harmless.
            if bytes.is_empty() || self.data[at..at + bytes.len()] != *bytes {
                return Err(self.race(actor, cell, "writes", written.thread, "wrote"));
            }
        }
        let records = &self.read[cell * self.warps..(cell + 1) * self.warps];
        for (warp, &record) in records.iter().enumerate() {
            let stamp = record >> STAMP_SHIFT;
            if stamp == 0 || actor.is_after(warp, stamp) {
                continue;
            }
            let lane = record & (SYNCHRONISED - 1);
            let own = warp == actor.warp && lane == actor.lane as u32;
            let both = actor.synchronised && record & SYNCHRONISED != 0;
            if !own && !both {
                let reader = (warp as u32 * 32 + lane % 32) as u16;
                return Err(self.race(actor, cell, "writes", reader, "read"));
            }
        }
        Ok(())
    }

    /// Marks bytes as unwritten, for a pending asynchronous copy to them.
    pub(crate) fn invalidate(
        &mut self,
        actor: Actor,
        address: u64,
        bytes: usize,
    ) -> Result<(), Trap> {
        let at = self.bounds(actor, address, bytes, "copies")?;
        for cell in self.cells(at, bytes) {
            // A copy is treated as a write from its start on; its data is not known yet.
            self.check_write(actor, cell, at, &[])?;
            self.written[cell] = Written {
                stamp: actor.clock[actor.warp],
                thread: actor.thread(),
                synchronised: false,
                valid: false,
            };
        }
        Ok(())
    }

    #[cold]
    fn unwritten(&self, actor: Actor, cell: usize) -> Trap {
        actor.trap(format!(
            "reads shared memory at offset {:#x}, which nothing in this block has written so far: the \
             write is missing, or a barrier, or the wait for a cp.async",
            cell << self.granule
        ))
    }

    #[cold]
    fn race(&self, actor: Actor, cell: usize, verb: &str, other: u16, done: &str) -> Trap {
        let [x, y, _] = self.block_size;
        let t = u32::from(other);
        actor.trap(format!(
            "race: {verb} shared memory at offset {:#x}, which thread ({}, {}, {}) {done} with no \
             barrier in between",
            cell << self.granule,
            t % x,
            t / x % y,
            t / (x * y)
        ))
    }
}
