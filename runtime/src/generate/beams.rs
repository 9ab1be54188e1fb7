//! Several beam searches in one batch.

use super::Beam;
use crate::{ChoiceProblem, Error, Float, Result};

/// Searches that run together, each with its own source or start: a model reads the rows of all of them at once. The
/// rows of a search are adjacent, those of the first search come first.
///
/// A search that is over waits for the others and keeps its rows, so that the size of the batch never changes.
///
/// ```
/// use netform_runtime::generate::{Beam, Beams};
///
/// // A model of two symbols and an end (2): after 0 comes 1, after 1 the end.
/// let model = |last: &[u32]| -> Vec<f32> {
///     last.iter().flat_map(|s| if *s == 0 { [0.0, 3.0, 1.0] } else { [0.0, 0.0, 3.0] }).collect()
/// };
/// let beam = Beam::new(4, 10).end(2);
/// let mut beams = Beams::new([beam.clone().start(&[0]), beam.start(&[1])]);
/// loop {
///     let scores = model(beams.last()); // of a model with a state: `beams.parents()` too
///     if !beams.advance(&scores)? { break }
/// }
/// let best: Vec<&[u32]> = beams.iter().map(|beam| &beam.best().symbols[..]).collect();
/// assert_eq!(best, [&[0, 1, 2][..], &[1, 2]]);
/// # Ok::<(), netform_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Beams {
    searches: Vec<Beam>,
    last: Vec<u32>,
    parents: Vec<u32>,
}

impl Beams {
    /// These searches, in this order; `vec![beam; sources]` if they all have the same start.
    pub fn new(searches: impl IntoIterator<Item = Beam>) -> Self {
        let mut beams = Self {
            searches: searches.into_iter().collect(),
            last: Vec::new(),
            parents: Vec::new(),
        };
        beams.name();
        beams
    }

    fn name(&mut self) {
        self.last.clear();
        self.parents.clear();
        for beam in &self.searches {
            // A search counts rows from its own first row.
            let first = self.last.len() as u32;
            self.last.extend(beam.last());
            self.parents
                .extend(beam.parents().iter().map(|row| first + row));
        }
    }

    /// The last symbol of each hypothesis of each search, (rows): the sum of the widths.
    pub fn last(&self) -> &[u32] {
        &self.last
    }

    /// For each hypothesis, the row of the batch that it continues, (rows). A model's state is selected by it,
    /// `index_select(cache, 0, parents)`, before the symbols are read. It is a row of the same search.
    pub fn parents(&self) -> &[u32] {
        &self.parents
    }

    /// The searches.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Beam> {
        self.searches.iter()
    }

    /// Continues all searches by one symbol. `scores`: (rows, symbols), logits of the next symbol of each hypothesis.
    /// Returns whether any search goes on.
    ///
    /// # Errors
    /// [`Error::Choice`] if the number of rows of the scores differs, or if all scores of a search are NaN or -inf.
    pub fn advance<F: Float>(&mut self, scores: &[F]) -> Result<bool> {
        let rows = self.last.len();
        if !scores.len().is_multiple_of(rows) {
            return Err(Error::Choice {
                function: "Beams::advance",
                problem: ChoiceProblem::Rows {
                    rows,
                    len: scores.len(),
                },
            });
        }
        let symbols = scores.len().checked_div(rows).unwrap_or(0);
        let (mut rest, mut more) = (scores, false);
        for beam in &mut self.searches {
            let (own, others) = rest.split_at(beam.last().len() * symbols);
            more |= beam.advance(own)?;
            rest = others;
        }
        self.name();
        Ok(more)
    }
}
