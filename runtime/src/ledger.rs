//! The ledger of an asynchronous device: the errors that its runs find. Runs are added in the order in which they are
//! made, and their outcomes later. It gives each run's error, by the number of the run.
//!
//! A device's kernels report an error as a code. The device stores one code for each run that checks indices: 0 if
//! there was no error. Each device decides how it stores codes, and when the host reads them. It keeps those of the
//! latest [`RUNS`].

use std::collections::HashMap;
use std::sync::Weak;

use crate::device::{NO_LIMIT, RunId, What};
use crate::{Error, Result};

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
    fn report(&mut self) -> Error {
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
                // A code identifies the call, not the index.
                found: None,
            },
        }
    }
}

/// The runs and their errors.
pub(crate) struct Ledger {
    /// The number of outcomes that a device keeps.
    runs: usize,
    codes: HashMap<(What, usize), u32>,
    meanings: Vec<(What, usize)>,
    /// The number of runs with known outcomes; runs are numbered from 1.
    known: u64,
    /// The later runs: their networks, and whether their outcomes can still be asked for.
    open: Vec<(u64, Weak<u64>)>,
    /// Errors in the order of runs, at most `runs` for each network.
    found: Vec<Found>,
}

impl Ledger {
    /// For a device that keeps this number of outcomes.
    pub(crate) fn new(runs: usize) -> Self {
        Self {
            runs,
            codes: HashMap::new(),
            meanings: Vec::new(),
            known: 0,
            open: Vec::new(),
            found: Vec::new(),
        }
    }

    /// The code of an index outside 0..limit.
    pub(crate) fn code(&mut self, what: What, limit: usize) -> u32 {
        let meanings = &mut self.meanings;
        *self.codes.entry((what, limit)).or_insert_with(|| {
            meanings.push((what, limit));
            u32::try_from(meanings.len()).unwrap_or(u32::MAX)
        })
    }

    /// A run of this network, which stores a code, was started.
    pub(crate) fn add(&mut self, network: u64) -> RunId {
        let id = RunId::new(self.known + self.open.len() as u64 + 1);
        self.open.push((network, id.asker()));
        id
    }

    /// Whether all outcomes are known.
    pub(crate) fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether the device keeps no more outcomes: they must be read before the next run.
    pub(crate) fn is_full(&self) -> bool {
        self.open.len() >= self.runs
    }

    /// Takes the stored codes after all runs so far have ended: the code of a run after `k` earlier runs is at `k`
    /// modulo the number of outcomes that the device keeps. `None`: no errors since the last call.
    pub(crate) fn settle(&mut self, codes: Option<&[u32]>) {
        for (k, (network, asker)) in self.open.iter().enumerate() {
            let before = self.known + k as u64;
            let place = (before % self.runs as u64) as usize;
            let code = codes.and_then(|codes| codes.get(place)).copied();
            let Some(meaning) = code.and_then(|code| code.checked_sub(1)) else {
                continue;
            };
            let (what, limit) = (self.meanings.get(meaning as usize).copied()).unwrap_or_default();
            let of = |f: &Found| f.network == *network;
            if self.found.iter().filter(|f| of(f)).count() >= self.runs {
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
        self.known += self.open.len() as u64;
        self.open.clear();
    }

    fn find(&self, run: u64) -> Option<usize> {
        self.found.binary_search_by_key(&run, |f| f.run).ok()
    }

    /// Whether that run had no error, if that is known.
    pub(crate) fn known(&self, run: u64) -> Option<bool> {
        (run <= self.known).then(|| self.find(run).is_none())
    }

    /// The error of that run, if it is known.
    pub(crate) fn outcome(&mut self, run: u64) -> Result<()> {
        match self.find(run) {
            Some(at) => Err(self.found[at].report()),
            None => Ok(()),
        }
    }

    /// The first error that was not reported and whose run's id no longer exists, of one network or of all. All other
    /// such errors of the same network are reported by this one.
    pub(crate) fn unreported(&mut self, network: Option<u64>) -> Result<()> {
        let missed = |f: &Found| !f.reported && f.asker.strong_count() == 0;
        let of = |f: &&mut Found| missed(f) && network.is_none_or(|n| n == f.network);
        let Some(first) = self.found.iter_mut().find(of) else {
            return Ok(());
        };
        let (network, error) = (first.network, first.report());
        let others = self.found.iter_mut().filter(|f| f.network == network);
        for other in others.filter(|f| missed(f)) {
            other.reported = true;
        }
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(index: &'static str) -> What {
        What {
            index,
            ..What::default()
        }
    }

    #[test]
    fn outcomes_are_those_of_their_runs() {
        let mut ledger = Ledger::new(3);
        let (a, b) = (ledger.code(what("a"), 5), ledger.code(what("b"), 7));
        assert_eq!((a, b, ledger.code(what("a"), 5)), (1, 2, 1));
        let runs = [10, 20, 10].map(|network| ledger.add(network));
        assert!(ledger.is_full() && !ledger.is_settled());
        assert_eq!(ledger.known(2), None);
        ledger.settle(Some(&[a, 0, b]));
        assert!(ledger.is_settled());
        assert_eq!(
            [1, 2, 3].map(|run| ledger.known(run)),
            [false, true, false].map(Some)
        );
        // The same each time. Errors of runs whose outcome can still be asked for are not among the unreported.
        for _ in 0..2 {
            let error = ledger.outcome(runs[0].number()).unwrap_err();
            assert!(matches!(
                error,
                Error::IndexOutOfRange {
                    index: "a",
                    limit: 5,
                    ..
                }
            ));
        }
        assert!(ledger.outcome(2).is_ok() && ledger.unreported(None).is_ok());
        drop(runs);
        assert!(ledger.unreported(Some(20)).is_ok());
        let error = ledger.unreported(Some(10)).unwrap_err();
        assert!(matches!(error, Error::IndexOutOfRange { index: "b", .. }));
        assert!(ledger.unreported(None).is_ok());
        // The fourth run stores its code in the place of the first.
        let fourth = ledger.add(10);
        ledger.settle(Some(&[b, a, a]));
        assert!(matches!(
            ledger.outcome(fourth.number()).unwrap_err(),
            Error::IndexOutOfRange { index: "b", .. }
        ));
        // No errors.
        let fifth = ledger.add(10);
        ledger.settle(None);
        assert_eq!(ledger.known(fifth.number()), Some(true));
    }
}
