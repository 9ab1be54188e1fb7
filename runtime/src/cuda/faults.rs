//! Kernels report errors in their data here: indices out of range, integers that do not fit. The host passes them to
//! the [`Ledger`], which assigns them to runs.
//!
//! Runs follow each other on the stream, so they all share one word of device memory, the flag: 0 means no error. The
//! first kernel that meets an error writes it, and kernels that update something read it. After the calls of a run that
//! checks indices, one more kernel (`outcome.ptx`) stores the flag under the run's number and clears it for the next
//! run. The host counts runs as the device does, and fetches the outcomes when it waits for the stream anyway.

use cust::memory::{DeviceBuffer, LockedBuffer};
use netform_ptx::{Fault, Launch, RUNS};

use super::errors::Code;
use super::stream::Stream;
use crate::device::{RunId, What};
use crate::ledger::Ledger;

/// Words before the codes of runs: the flag, the number of runs with errors, the number of finished runs.
const HEAD: usize = 4;

/// The words, and their meaning.
pub struct Faults {
    words: DeviceBuffer<u32>,
    /// The host's copy of the words.
    seen: LockedBuffer<u32>,
    /// The run that is being recorded checks indices.
    looks: bool,
    /// The address of the flag that its updates read.
    guard: u64,
    /// The number of runs with errors, as far as it is known.
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

    /// The address of the flag.
    fn addr(&self) -> u64 {
        self.words.as_device_ptr().as_raw()
    }

    /// The place where a kernel reports an index outside 0..limit.
    pub fn of(&mut self, what: What, limit: usize) -> Fault {
        self.looks = true;
        Fault {
            addr: self.addr(),
            code: self.ledger.code(what, limit),
        }
    }

    /// The address of the flag that must be 0 for an update.
    pub fn guard(&self) -> u64 {
        self.guard
    }

    /// Begins recording a run. Its updates read the flag at `guard`, or the run's own flag.
    pub fn begin(&mut self, guard: usize) {
        self.looks = false;
        self.guard = match guard {
            0 => self.addr(),
            guard => guard as u64,
        };
    }

    /// The last launch of the recorded run, if the run checks indices.
    pub fn end(&self, keep: usize) -> Option<Launch> {
        (self.looks).then(|| netform_ptx::outcome(self.addr(), keep as u64))
    }

    /// Discards the errors of a run that was given up.
    pub fn clear(&self, stream: &Stream) -> Result<(), Code> {
        // SAFETY: the word is ours.
        unsafe { stream.zero(self.addr(), size_of::<u32>()) }
    }

    /// A run of this network was put on the stream. It has a number if it checks indices (`looks`).
    pub fn ran(&mut self, looks: bool, network: u64) -> RunId {
        match looks {
            true => self.ledger.add(network),
            false => RunId::default(),
        }
    }

    /// Asks the device for the number of runs with errors, once it has done the work on the stream.
    pub fn ask(&mut self, stream: &Stream) -> Result<(), Code> {
        match self.ledger.is_settled() {
            true => Ok(()),
            false => self.fetch(stream, HEAD),
        }
    }

    /// Puts a copy of the first words on the stream.
    fn fetch(&mut self, stream: &Stream, count: usize) -> Result<(), Code> {
        let (to, bytes) = (self.seen.as_mut_ptr().cast(), count * size_of::<u32>());
        // SAFETY: both have as many words, and the host reads its copy after waiting.
        unsafe { stream.to_host(to, self.addr(), bytes) }
    }

    /// Reads the outcomes. The host must have waited for the stream since [`ask`](Self::ask).
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
