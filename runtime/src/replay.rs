//! Which runs of a device were recorded: a run's key goes in, and what to do with it comes out. Its calls are made
//! the first time, recorded the second, and what was recorded is repeated from the third on.
//!
//! The first time, a device may have to make room and load what it lacks, which cannot be recorded; and sizes that
//! come once are not worth it. What a recorded run is (`G`: a graph) is the device's own.

/// Runs that are remembered.
const KEPT: usize = 64;

/// The record of the runs of one key.
struct Entry<K, G> {
    key: K,
    recorded: Option<G>,
    /// When it was last used.
    used: u64,
}

/// The runs that are remembered.
pub(crate) struct Recorded<K, G> {
    entries: Vec<Entry<K, G>>,
    clock: u64,
}

/// What to do with a run.
pub(crate) enum Next<'a, G> {
    /// It came for the first time: make its calls.
    Call,
    /// Record them, and [`keep`](Recorded::keep) what was recorded.
    Record,
    /// Repeat this.
    Repeat(&'a G),
}

impl<K: Copy + PartialEq, G> Recorded<K, G> {
    pub(crate) fn new() -> Self {
        let (entries, clock) = (Vec::new(), 0);
        Self { entries, clock }
    }

    /// How many were recorded.
    pub(crate) fn count(&self) -> usize {
        self.entries.iter().filter(|e| e.recorded.is_some()).count()
    }

    /// A run of this key comes.
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

    /// What was recorded of this key's run.
    pub(crate) fn keep(&mut self, key: K, recorded: G) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.key == key) {
            entry.recorded = Some(recorded);
        }
    }

    /// Forgets a run that failed: what it lacks is not there when it is recorded.
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
        // The one that was used longest ago makes room.
        for key in 10..10 + KEPT as u64 - 1 {
            assert!(matches!(runs.next(key), Next::Call));
        }
        assert!(matches!(runs.next(2), Next::Call));
        assert!(matches!(runs.next(10), Next::Record));
    }
}
