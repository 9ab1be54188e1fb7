//! What is known of integers by their declaration.

use crate::elem::Elem;
use crate::ir::NodeId;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

/// The values of a graph that cannot be negative, and the ranges that were found; the widths that users wrote.
#[derive(Default)]
pub struct Unsigned {
    ids: HashSet<NodeId>,
    /// Those that were declared `i64`, for messages.
    wide: HashSet<NodeId>,
    /// By the value and the depth.
    pub(crate) ranges: RefCell<HashMap<(NodeId, usize), (i64, i64)>>,
}

impl Unsigned {
    /// Notes that this value cannot be negative. Ranges are kept once they are found, so this comes first.
    pub fn insert(&mut self, id: NodeId) {
        self.ids.insert(id);
    }
    /// A value of a declared type.
    pub fn declare(&mut self, id: NodeId, elem: Elem) {
        match elem {
            Elem::U32 => drop(self.ids.insert(id)),
            Elem::I64 => drop(self.wide.insert(id)),
            Elem::I32 | Elem::Float | Elem::Bool => {}
        }
    }
    /// Whether this value was declared `i64`.
    pub fn is_wide(&self, id: NodeId) -> bool {
        self.wide.contains(&id)
    }
    /// Whether this value was inserted.
    pub fn contains(&self, id: NodeId) -> bool {
        self.ids.contains(&id)
    }
}
