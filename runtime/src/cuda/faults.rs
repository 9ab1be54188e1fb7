//! Where kernels report what they find wrong in their data: indices out of range, integers that do not fit. What is
//! read here goes into the [`Ledger`], which tells whose it is.
//!
//! Runs follow each other on the stream, so one word of device memory serves them all: 0 while all is
//! well, written by the first kernel that meets such an index, read by those that update something.
//! Behind the calls of a run that looks at indices, one more kernel (`outcome.ptx`) files the word
//! under the run's number and clears it for the next. The host counts runs as the device does, and
//! fetches the outcomes when it waits for the stream anyway.

use cust::memory::{DeviceBuffer, LockedBuffer};
use netform_ptx::{Fault, Launch, RUNS};

use super::errors::Code;
use super::stream::Stream;
use crate::device::{RunId, What};
use crate::ledger::Ledger;

/// Words before the codes of runs: what was found, how many runs found something, how many ended.
const HEAD: usize = 4;

/// The words, and what they mean.
pub struct Faults {
    words: DeviceBuffer<u32>,
    /// Where the host reads them.
    seen: LockedBuffer<u32>,
    /// The run that is being recorded looks at indices.
    looks: bool,
    /// What updates look at in it.
    guard: u64,
    /// How many runs found something, as far as is known.
    count: u32,
    pub ledger: Ledger,
}

impl Faults {
    pub fn new(stream: &Stream) -> Result<Self, Code> {
        // SAFETY: cleared by the next call.
        let words = unsafe { DeviceBuffer::uninitialized(HEAD + RUNS)? };
        let guard = words.as_device_ptr().as_raw();
        // SAFETY: the words are ours.
        unsafe { stream.zero(guard, (HEAD + RUNS) * size_of::<u32>())? };
        Ok(Self {
            words,
            seen: LockedBuffer::new(&0, HEAD + RUNS)?,
            looks: false,
            guard,
            count: 0,
            ledger: Ledger::new(RUNS),
        })
    }

    /// The word's address.
    fn addr(&self) -> u64 {
        self.words.as_device_ptr().as_raw()
    }

    /// Where a kernel reports an index outside 0..limit.
    pub fn of(&mut self, what: What, limit: usize) -> Fault {
        self.looks = true;
        Fault {
            addr: self.addr(),
            code: self.ledger.code(what, limit),
        }
    }

    /// The word that must be 0 for an update.
    pub fn guard(&self) -> u64 {
        self.guard
    }

    /// A run is recorded, whose updates look at the word at `guard`, or at what the run itself finds.
    pub fn begin(&mut self, guard: usize) {
        self.looks = false;
        self.guard = match guard {
            0 => self.addr(),
            guard => guard as u64,
        };
    }

    /// What ends the run that was recorded, if it looks at indices.
    pub fn end(&self, keep: usize) -> Option<Launch> {
        (self.looks).then(|| netform_ptx::outcome(self.addr(), keep as u64))
    }

    /// Forgets what a run found that was given up.
    pub fn clear(&self, stream: &Stream) -> Result<(), Code> {
        // SAFETY: the word is ours.
        unsafe { stream.zero(self.addr(), size_of::<u32>()) }
    }

    /// A run of this network is on the stream; it has a number if it `looks` at indices.
    pub fn ran(&mut self, looks: bool, network: u64) -> RunId {
        match looks {
            true => self.ledger.add(network),
            false => RunId::default(),
        }
    }

    /// Has the device tell, when it has done what is on the stream, how many runs found something.
    pub fn ask(&mut self, stream: &Stream) -> Result<(), Code> {
        match self.ledger.is_settled() {
            true => Ok(()),
            false => self.fetch(stream, HEAD),
        }
    }

    /// Puts a copy of the first words on the stream.
    fn fetch(&mut self, stream: &Stream, count: usize) -> Result<(), Code> {
        let (to, bytes) = (self.seen.as_mut_ptr().cast(), count * size_of::<u32>());
        // SAFETY: both have as many words, and the host looks at its own when it has waited.
        unsafe { stream.to_host(to, self.addr(), bytes) }
    }

    /// Takes the outcomes. The stream must have been waited for since [`ask`](Self::ask).
    pub fn look(&mut self, stream: &Stream) -> Result<(), Code> {
        if self.ledger.is_settled() {
            return Ok(());
        }
        if self.seen[1] == self.count {
            self.ledger.settle(None);
            return Ok(());
        }
        self.fetch(stream, HEAD + RUNS)?;
        stream.wait()?;
        self.ledger.settle(Some(&self.seen[HEAD..]));
        self.count = self.seen[1];
        Ok(())
    }
}
