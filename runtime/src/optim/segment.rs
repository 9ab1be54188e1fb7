//! What one call of a step moves.

use super::history::History;

/// A run of neighbouring parameters that a step moves, with the same settings and the same history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) offset: usize,
    pub(super) len: usize,
    /// The group; `None` is the optimizer itself.
    pub(super) group: Option<usize>,
    /// Before the step.
    pub(super) before: History,
    /// After it.
    pub(super) after: History,
}
