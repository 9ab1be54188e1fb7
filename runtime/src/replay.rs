//! The recorded runs of a device: takes a run's key, and decides what to do with the run. Its calls are made the first
//! time, recorded the second, and replayed from the third on.
//!
//! The first time, a device may have to allocate memory and load modules, which cannot be recorded. Also, recording
//! does not pay for sizes that occur once. Each device has its own type of recorded runs (`G`: a graph).

/// The number of runs that are kept.
const KEPT: usize = 64;

/// The record of the runs of one key.
struct Entry<K, G> {
    key: K,
    recorded: Option<G>,
    /// When it was last used.
    used: u64,
}

/// The runs that are kept.
pub(crate) struct Recorded<K, G> {
    entries: Vec<Entry<K, G>>,
    clock: u64,
}

/// The way to make a run.
pub(crate) enum Next<'a, G> {
    /// It is the first with its key: make its calls.
    Call,
    /// Record them, and [`keep`](Recorded::keep) the recorded run.
    Record,
    /// Replay this recorded run.
    Repeat(&'a G),
}

impl<K: Copy + PartialEq, G> Recorded<K, G> {
    pub(crate) fn new() -> Self {
        let (entries, clock) = (Vec::new(), 0);
        Self { entries, clock }
    }

    /// The number of recorded runs.
    pub(crate) fn count(&self) -> usize {
        self.entries.iter().filter(|e| e.recorded.is_some()).count()
    }

    /// A run with this key is about to be made.
    pub(crate) fn next(&mut self, key: K) -> Next<'_, G> {
        self.clock += 1;
        let Some(at) = self.entries.iter().position(|e| e.key == key) else {
            if self.entries.len() >= KEPT {
                let oldest = (0..self.entries.len()).min_by_key(|i| self.entries[*i].used);
                oldest.map(|i| self.entries.swap_remove(i));
            }
            self.entries.push(Entry {
                key,
                recorded: None,
                used: self.clock,
            });
            return Next::Call;
        };
        let entry = &mut self.entries[at];
        entry.used = self.clock;
        match &entry.recorded {
            Some(recorded) => Next::Repeat(recorded),
            None => Next::Record,
        }
    }

    /// Keeps the recorded run of this key.
    pub(crate) fn keep(&mut self, key: K, recorded: G) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.key == key) {
            entry.recorded = Some(recorded);
        }
    }

    /// Forgets a run that failed: it may still lack something, which cannot be loaded during recording.
    pub(crate) fn forget(&mut self, key: K) {
        self.entries.retain(|e| e.key != key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_time_is_the_first_that_is_repeated() {
        let mut runs = Recorded::new();
        assert!(matches!(runs.next(1), Next::Call));
        assert!(matches!(runs.next(2), Next::Call));
        assert!(matches!(runs.next(1), Next::Record));
        runs.keep(1, "one");
        assert!(matches!(runs.next(1), Next::Repeat(&"one")));
        assert_eq!(runs.count(), 1);
        runs.forget(1);
        assert!(matches!(runs.next(1), Next::Call));
        // The least recently used one is replaced.
        for key in 10..10 + KEPT as u64 - 1 {
            assert!(matches!(runs.next(key), Next::Call));
        }
        assert!(matches!(runs.next(2), Next::Call));
        assert!(matches!(runs.next(10), Next::Record));
    }
}
