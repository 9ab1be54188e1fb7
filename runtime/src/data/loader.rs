//! Batches of samples held in memory: shuffled for each epoch, reproducible, resumable.
//!
//! The order of an epoch is a function of the seed and the epoch's number, so a position is two numbers. A batch is
//! copied into buffers that the loader reuses: nothing is allocated after the first batch.
//!
//! ```
//! use netform_runtime::data::Loader;
//! let (x, y) = (vec![[0.5f32; 8]; 100], vec![1u32; 100]);
//! let mut loader = Loader::new(&x, &y, 32)?.shuffle(42);
//! for _epoch in 0..3 {
//!     let mut batches = loader.epoch();
//!     while let Some((x, y)) = batches.next() {
//!         assert!(x.len() == y.len() && (x.len() == 32 || x.len() == 4)); // the last one is short
//!     }
//! }
//! # Ok::<(), netform_runtime::Error>(())
//! ```

use crate::philox::permute;
use crate::{DataProblem, Error, Result};

/// A loader's position: the next batch is `batch` of `epoch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The number of finished epochs.
    pub epoch: u64,
    /// The number of finished batches of the next epoch.
    pub batch: usize,
}

/// Samples, their targets and an order.
#[derive(Clone, Debug)]
pub struct Loader<'a, X, Y> {
    x: &'a [X],
    y: &'a [Y],
    batch: usize,
    seed: Option<u64>,
    drop_last: bool,
    position: Position,
    /// The order of epoch `ordered`.
    order: Vec<usize>,
    ordered: Option<u64>,
    xs: Vec<X>,
    ys: Vec<Y>,
}

impl<'a, X: Copy, Y: Copy> Loader<'a, X, Y> {
    /// Batches of `batch` samples in their order; the last of an epoch may be shorter.
    pub fn new(x: &'a [X], y: &'a [Y], batch: usize) -> Result<Self> {
        let problem = if x.len() != y.len() {
            Some(DataProblem::Targets {
                samples: x.len(),
                targets: y.len(),
            })
        } else if x.is_empty() {
            Some(DataProblem::NoSamples)
        } else if batch == 0 {
            Some(DataProblem::EmptyBatch)
        } else {
            None
        };
        if let Some(problem) = problem {
            let function = "Loader::new";
            return Err(Error::Data { function, problem });
        }
        let position = Position::default();
        let (order, xs, ys) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            x,
            y,
            batch,
            seed: None,
            drop_last: false,
            position,
            order,
            ordered: None,
            xs,
            ys,
        })
    }

    /// Shuffles: a different order for each epoch, the same for the same seed.
    #[must_use]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.ordered = None;
        self
    }

    /// Leaves out a last batch that is shorter than the others.
    #[must_use]
    pub fn drop_last(mut self) -> Self {
        self.drop_last = true;
        self
    }

    /// Batches in an epoch.
    pub fn batches(&self) -> usize {
        if self.drop_last {
            self.x.len() / self.batch
        } else {
            self.x.len().div_ceil(self.batch)
        }
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.x.len()
    }

    /// The loader's position, to be saved.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Continues from a saved position.
    pub fn restore(&mut self, position: Position) {
        self.position = position;
    }

    /// The remaining batches of the current epoch: all of them, unless a position was restored or the last `Batches`
    /// was dropped halfway.
    pub fn epoch(&mut self) -> Batches<'_, 'a, X, Y> {
        if self.ordered != Some(self.position.epoch) {
            self.order.clear();
            self.order.extend(0..self.x.len());
            if let Some(seed) = self.seed {
                permute(seed, self.position.epoch, &mut self.order);
            }
            self.ordered = Some(self.position.epoch);
        }
        Batches { loader: self }
    }
}

/// The batches of one epoch. Not an [`Iterator`]: a batch lives until the next call.
#[derive(Debug)]
pub struct Batches<'l, 'a, X, Y> {
    loader: &'l mut Loader<'a, X, Y>,
}

impl<X: Copy, Y: Copy> Batches<'_, '_, X, Y> {
    /// The next batch; `None` ends the epoch.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<(&[X], &[Y])> {
        let (from, to) = self.advance()?;
        let l = &mut *self.loader;
        if l.seed.is_none() {
            return Some((&l.x[from..to], &l.y[from..to]));
        }
        let picked = &l.order[from..to];
        l.xs.clear();
        l.ys.clear();
        l.xs.extend(picked.iter().map(|&i| l.x[i]));
        l.ys.extend(picked.iter().map(|&i| l.y[i]));
        Some((&l.xs, &l.ys))
    }

    /// The positions of the next batch's samples, instead of the batch: for samples that are also stored elsewhere,
    /// such as [`Resident`](super::Resident) ones.
    pub fn positions(&mut self) -> Option<&[usize]> {
        let (from, to) = self.advance()?;
        Some(&self.loader.order[from..to])
    }

    /// Advances to the next batch, and returns its range in the order.
    fn advance(&mut self) -> Option<(usize, usize)> {
        let l = &mut *self.loader;
        if l.position.batch >= l.batches() {
            l.position = Position {
                epoch: l.position.epoch.saturating_add(1),
                batch: 0,
            };
            return None;
        }
        let from = l.position.batch.saturating_mul(l.batch);
        l.position.batch += 1;
        Some((from, from.saturating_add(l.batch).min(l.x.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(loader: &mut Loader<'_, u32, u32>) -> Vec<Vec<u32>> {
        let mut all = Vec::new();
        let mut batches = loader.epoch();
        while let Some((x, y)) = batches.next() {
            assert_eq!(x, y);
            all.push(x.to_vec());
        }
        all
    }

    #[test]
    fn every_sample_once_an_epoch() {
        let x: Vec<u32> = (0..23).collect();
        let mut plain = Loader::new(&x, &x, 5).unwrap();
        assert_eq!(
            (plain.batches(), epoch(&mut plain)[4].clone()),
            (5, vec![20, 21, 22])
        );
        let mut loader = Loader::new(&x, &x, 5).unwrap().shuffle(9);
        let (first, second) = (epoch(&mut loader), epoch(&mut loader));
        assert_ne!(first, second);
        for e in [&first, &second] {
            let mut flat = e.concat();
            flat.sort_unstable();
            assert_eq!(flat, x);
        }
        let mut again = Loader::new(&x, &x, 5).unwrap().shuffle(9);
        assert_eq!([epoch(&mut again), epoch(&mut again)], [first, second]);
        assert_eq!(
            epoch(&mut Loader::new(&x, &x, 5).unwrap().shuffle(9).drop_last()).len(),
            4
        );
    }

    #[test]
    fn a_position_is_resumed() {
        let x: Vec<u32> = (0..23).collect();
        let make = || Loader::new(&x, &x, 5).unwrap().shuffle(1);
        let mut whole = make();
        epoch(&mut whole);
        let second = epoch(&mut whole);
        let mut part = make();
        epoch(&mut part);
        let mut batches = part.epoch();
        batches.next();
        batches.next();
        let position = part.position();
        assert_eq!(position, Position { epoch: 1, batch: 2 });
        let mut resumed = make();
        resumed.restore(position);
        assert_eq!(epoch(&mut resumed), second[2..]);
        assert_eq!(epoch(&mut resumed), epoch(&mut whole));
        // A position after the end is only an empty epoch.
        resumed.restore(Position {
            epoch: 7,
            batch: 99,
        });
        assert!(epoch(&mut resumed).is_empty());
    }

    #[test]
    fn what_does_not_go_together() {
        let message =
            |l: Result<Loader<'_, u32, u32>>| l.err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(
            message(Loader::new(&[1, 2], &[1], 1)),
            "Loader::new: 2 samples but 1 targets"
        );
        assert_eq!(
            message(Loader::new(&[], &[], 1)),
            "Loader::new: there are no samples"
        );
        assert_eq!(
            message(Loader::new(&[1], &[1], 0)),
            "Loader::new: a batch must have at least 1 sample, but has 0"
        );
        let unequal = Loader::new(&[1, 2], &[1], 1);
        assert!(matches!(
            unequal,
            Err(Error::Data {
                function: "Loader::new",
                problem: DataProblem::Targets {
                    samples: 2,
                    targets: 1
                }
            })
        ));
    }
}
