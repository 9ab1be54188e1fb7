//! What kernels find wrong in their data: indices out of range, integers that do not fit. Each run's calls go in, its verdict
//! comes out, to be asked for by the run's number.
//!
//! Runs follow each other on the stream, so one word of device memory serves them all: 0 while all is
//! well, written by the first kernel that meets such an index, read by those that update something.
//! Behind the calls of a run that looks at indices, one more kernel (`verdict.ptx`) files the word
//! under the run's number and clears it for the next. The host counts runs as the device does, and
//! fetches the verdicts when it waits for the stream anyway.

use std::collections::HashMap;
use std::sync::Weak;

use cust::memory::{DeviceBuffer, LockedBuffer};
use netform_ptx::{Fault, Launch, RUNS};

use super::errors::Code;
use super::stream::Stream;
use crate::device::{NO_LIMIT, RunId, What};
use crate::{Error, Result};

/// Words before the codes of runs: what was found, how many runs found something, how many ended.
const HEAD: usize = 4;

/// A run that met an index out of range.
struct Found {
    run: u64,
    network: u64,
    asker: Weak<u64>,
    what: What,
    limit: usize,
    reported: bool,
}

impl Found {
    fn tell(&mut self) -> Error {
        self.reported = true;
        let What {
            function,
            index,
            site,
        } = self.what;
        match self.limit {
            NO_LIMIT => Error::IntegerOverflow {
                function,
                site,
                what: index,
                found: None,
            },
            limit => Error::IndexOutOfRange {
                function,
                site,
                index,
                limit,
                // A kernel's word holds the number of the call, not the index.
                found: None,
            },
        }
    }
}

/// The words, their meanings, and what was found.
pub struct Faults {
    words: DeviceBuffer<u32>,
    /// Where the host reads them.
    seen: LockedBuffer<u32>,
    codes: HashMap<(What, usize), u32>,
    meanings: Vec<(What, usize)>,
    /// The run that is being recorded looks at indices.
    looks: bool,
    /// What updates look at in it.
    guard: u64,
    /// Runs whose verdict is known; they are numbered from 1.
    known: u64,
    /// Those after them: their networks, and whether anybody may ask.
    open: Vec<(u64, Weak<u64>)>,
    /// How many runs found something, as far as is known.
    count: u32,
    /// By run. Of each network no more than [`RUNS`].
    found: Vec<Found>,
}

impl Faults {
    pub fn new(stream: &Stream) -> std::result::Result<Self, Code> {
        // SAFETY: cleared by the next call.
        let words = unsafe { DeviceBuffer::uninitialized(HEAD + RUNS)? };
        let guard = words.as_device_ptr().as_raw();
        // SAFETY: the words are ours.
        unsafe { stream.zero(guard, (HEAD + RUNS) * size_of::<u32>())? };
        Ok(Self {
            words,
            seen: LockedBuffer::new(&0, HEAD + RUNS)?,
            codes: HashMap::new(),
            meanings: Vec::new(),
            looks: false,
            guard,
            known: 0,
            open: Vec::new(),
            count: 0,
            found: Vec::new(),
        })
    }

    /// The word's address.
    fn addr(&self) -> u64 {
        self.words.as_device_ptr().as_raw()
    }

    /// Where a kernel reports an index outside 0..limit.
    pub fn of(&mut self, what: What, limit: usize) -> Fault {
        self.looks = true;
        let meanings = &mut self.meanings;
        let code = *self.codes.entry((what, limit)).or_insert_with(|| {
            meanings.push((what, limit));
            u32::try_from(meanings.len()).unwrap_or(u32::MAX)
        });
        Fault {
            addr: self.addr(),
            code,
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
        (self.looks).then(|| netform_ptx::verdict(self.addr(), keep as u64))
    }

    /// Forgets what a run found that was given up.
    pub fn clear(&self, stream: &Stream) -> std::result::Result<(), Code> {
        // SAFETY: the word is ours.
        unsafe { stream.zero(self.addr(), size_of::<u32>()) }
    }

    /// A run of this network is on the stream, with what ends it.
    pub fn ran(&mut self, network: u64) -> RunId {
        let ran = RunId::new(self.known + self.open.len() as u64 + 1);
        self.open.push((network, ran.asker()));
        ran
    }

    /// The device keeps no more verdicts: they must be looked at before the next run.
    pub fn full(&self) -> bool {
        self.open.len() >= RUNS
    }

    /// Has the device tell, when it has done what is on the stream, how many runs found something.
    pub fn ask(&mut self, stream: &Stream) -> std::result::Result<(), Code> {
        match self.open.is_empty() {
            true => Ok(()),
            false => self.fetch(stream, HEAD),
        }
    }

    /// Puts a copy of the first words on the stream.
    fn fetch(&mut self, stream: &Stream, count: usize) -> std::result::Result<(), Code> {
        let (to, bytes) = (self.seen.as_mut_ptr().cast(), count * size_of::<u32>());
        // SAFETY: both have as many words, and the host looks at its own when it has waited.
        unsafe { stream.to_host(to, self.addr(), bytes) }
    }

    /// Takes the verdicts. The stream must have been waited for since [`ask`](Self::ask).
    pub fn look(&mut self, stream: &Stream) -> std::result::Result<(), Code> {
        if self.open.is_empty() {
            return Ok(());
        }
        if self.seen[1] != self.count {
            self.fetch(stream, HEAD + RUNS)?;
            stream.wait()?;
            let (count, codes) = (self.seen[1], &self.seen[HEAD..]);
            for (k, (network, asker)) in self.open.iter().enumerate() {
                let before = self.known + k as u64;
                let code = codes[(before % RUNS as u64) as usize] as usize;
                let Some(meaning) = code.checked_sub(1) else {
                    continue;
                };
                let (what, limit) = self.meanings.get(meaning).copied().unwrap_or_default();
                let of = |f: &Found| f.network == *network;
                if self.found.iter().filter(|f| of(f)).count() >= RUNS {
                    let oldest = self.found.iter().position(of);
                    oldest.map(|at| self.found.remove(at));
                }
                self.found.push(Found {
                    run: before + 1,
                    network: *network,
                    asker: asker.clone(),
                    what,
                    limit,
                    reported: false,
                });
            }
            self.count = count;
        }
        self.known += self.open.len() as u64;
        self.open.clear();
        Ok(())
    }

    /// Whether that run was good, if that is known.
    pub fn known(&self, run: u64) -> Option<bool> {
        let found = || self.found.binary_search_by_key(&run, |f| f.run);
        (run <= self.known).then(|| found().is_err())
    }

    /// The error of that run, of those that are known.
    pub fn verdict(&mut self, run: u64) -> Result<()> {
        match self.found.binary_search_by_key(&run, |f| f.run) {
            Ok(at) => Err(self.found[at].tell()),
            Err(_) => Ok(()),
        }
    }

    /// The first error that nobody was told of or may ask for, of one network or of all; it tells of all
    /// others of the same network.
    pub fn unreported(&mut self, network: Option<u64>) -> Result<()> {
        let missed = |f: &Found| !f.reported && f.asker.strong_count() == 0;
        let of = |f: &&mut Found| missed(f) && network.is_none_or(|n| n == f.network);
        let Some(first) = self.found.iter_mut().find(of) else {
            return Ok(());
        };
        let (network, error) = (first.network, first.tell());
        let others = self.found.iter_mut().filter(|f| f.network == network);
        for other in others.filter(|f| missed(f)) {
            other.reported = true;
        }
        Err(error)
    }
}
