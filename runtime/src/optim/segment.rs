//! The parameters that one call of a step changes.

use super::history::History;

/// A run of adjacent parameters that a step changes, with the same settings and the same history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) offset: usize,
    pub(super) len: usize,
    /// The group; `None` is the optimizer itself.
    pub(super) group: Option<usize>,
    /// The history before the step.
    pub(super) before: History,
    /// The history after the step.
    pub(super) after: History,
}
