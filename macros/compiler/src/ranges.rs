//! Ranges of the integers in a graph: from declared types to the least and the largest values.

use crate::elem::Elem;
use crate::ir::NodeId;
use std::cell::RefCell;
use std::collections::HashMap;

/// The least and the largest value of integers.
pub type Range = (i128, i128);

/// The range of all 64-bit integers.
pub const EVERY: Range = (i64::MIN as i128, i64::MAX as i128);

/// The range of the integers of a declared type.
pub fn of(elem: Elem) -> Option<Range> {
    match elem {
        Elem::U32 => Some((0, u32::MAX.into())),
        Elem::I32 => Some((i32::MIN.into(), i32::MAX.into())),
        Elem::I64 => Some(EVERY),
        Elem::Float | Elem::Bool => None,
    }
}

/// The declared types and the ranges of a graph's integers. The bounds of a sum, difference or product of 64-bit
/// integers always fit in 128 bits.
#[derive(Default)]
pub struct Ranges {
    declared: HashMap<NodeId, Elem>,
    /// The ranges of values that do not follow from their op.
    pub(crate) given: HashMap<NodeId, Range>,
    /// Computed ranges, by the value and the depth.
    pub(crate) found: RefCell<HashMap<(NodeId, usize), Range>>,
}

impl Ranges {
    /// Sets a value's range. Computed ranges are cached, so this must come before them.
    pub fn insert(&mut self, id: NodeId, range: Range) {
        self.given.insert(id, range);
    }
    /// A value of a declared type.
    pub fn declare(&mut self, id: NodeId, elem: Elem) {
        let Some(range) = of(elem) else {
            return;
        };
        self.declared.insert(id, elem);
        self.insert(id, range);
    }
    /// The declared type of integers, for messages.
    pub fn declared(&self, id: NodeId) -> Elem {
        self.declared.get(&id).copied().unwrap_or(Elem::I64)
    }
    /// Copies the declared type and the range of a value of another graph.
    pub fn follow(&mut self, id: NodeId, other: &Ranges, of: NodeId) {
        if let Some(elem) = other.declared.get(&of) {
            self.declared.insert(id, *elem);
        }
        if let Some(range) = other.given.get(&of) {
            self.given.insert(id, *range);
        }
    }
}
