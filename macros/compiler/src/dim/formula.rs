//! Arithmetic on numbers that only rustc knows.

use super::Dim;

/// Arithmetic on numbers that only rustc knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Formula {
    /// The first operand.
    pub left: Term,
    /// What is done with both.
    pub operator: Operator,
    /// The second operand.
    pub right: Term,
}

/// An operator of a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
    /// Quotient, which is 0 if the divisor is 0.
    DivOr0,
    /// Power.
    Pow,
    /// The logarithm of the first to the base of the second.
    Log,
}

impl Operator {
    /// As written in bodies, if it is an operator there.
    pub(super) fn symbol(self) -> Option<&'static str> {
        match self {
            Operator::Add => Some("+"),
            Operator::Sub => Some("-"),
            Operator::Mul => Some("*"),
            Operator::Div | Operator::DivOr0 => Some("/"),
            Operator::Pow => Some("**"),
            Operator::Log => None,
        }
    }

    /// The result for two values.
    pub fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Operator::Add => a + b,
            Operator::Sub => a - b,
            Operator::Mul => a * b,
            Operator::DivOr0 if b == 0.0 => 0.0,
            Operator::Div | Operator::DivOr0 => a / b,
            Operator::Pow if b == 0.5 => a.sqrt(),
            Operator::Pow => a.powf(b),
            Operator::Log => a.ln() / b.ln(),
        }
    }
}

/// An operand of a formula.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// The bits of an `f64`.
    Number(u64),
    /// A size, a float constant, or another formula.
    Size(Dim),
}
