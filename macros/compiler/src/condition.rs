//! Conditions on constants: `#[when(S != 1)]` on a field, `if S != 1 { .. }` in a function.
//!
//! The macro knows only the names of Rust constants and const parameters. `Equalities::decide` decides a condition if
//! the answer is the same for all their values. For any other condition, `variant.rs` compiles the network twice, once
//! for each answer. rustc knows the values, and takes one of the two.

use crate::dim::Dim;

/// A condition on constants.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `true` or `false`.
    Known(bool),
    /// Both sizes are equal.
    Equal(Dim, Dim),
    /// The first size is at least the second.
    AtLeast(Dim, Dim),
    /// Its opposite holds.
    Not(Box<Condition>),
    /// Both hold.
    And(Box<Condition>, Box<Condition>),
    /// At least one holds.
    Or(Box<Condition>, Box<Condition>),
}

impl Condition {
    /// The opposite.
    pub fn opposite(self) -> Condition {
        Condition::Not(Box::new(self))
    }

    /// The comparisons whose answers follow from the answer to this condition.
    pub fn implied(&self, holds: bool) -> Vec<(&Condition, bool)> {
        match (self, holds) {
            (Condition::Not(a), _) => a.implied(!holds),
            (Condition::And(a, b), true) | (Condition::Or(a, b), false) => {
                [a.implied(holds), b.implied(holds)].concat()
            }
            _ => vec![(self, holds)],
        }
    }
}
