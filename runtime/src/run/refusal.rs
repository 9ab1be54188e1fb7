//! Reasons for the refusal of a call.

/// The reason for the refusal of a call.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    /// A rule of plans is broken.
    Broken(&'static str),
    /// A position is larger than any in memory: the sizes are too large.
    Positions,
}

/// A check's result.
pub(super) type Checked<T> = std::result::Result<T, Refusal>;

pub(super) const OUTSIDE: Refusal = Refusal::Broken("an operand reaches outside its view");
pub(super) const OVERLAP: Refusal = Refusal::Broken("an output overlaps another operand");
pub(super) const TYPE: Refusal = Refusal::Broken("an operand has another type than its kernel");
pub(super) const UNALIGNED: Refusal = Refusal::Broken("an operand is not aligned");
pub(super) const COUNT: Refusal =
    Refusal::Broken("a call has another number of operands than its kernel");
pub(super) const LISTING: Refusal = Refusal::Broken("the listing of its steps is broken");
