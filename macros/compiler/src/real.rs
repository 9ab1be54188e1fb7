//! A number in an argument: known to the macro, or a formula of Rust constants, whose value only rustc knows.
//!
//! Ops calculate with numbers as usual; a formula becomes part of the emitted code, where rustc evaluates it once.

use crate::dim::{Atom, Dim, Formula, Operator, Term};
use std::f64::consts::E;

/// The number.
#[derive(Clone, Debug, PartialEq)]
pub enum Real {
    /// A value.
    Known(f64),
    /// A formula: a size, a float constant, or arithmetic on these.
    Rust(Dim),
}

impl From<f64> for Real {
    fn from(value: f64) -> Real {
        Real::Known(value)
    }
}

impl Real {
    /// The value, if the macro knows it.
    pub fn known(&self) -> Option<f64> {
        match self {
            Real::Known(value) => Some(*value),
            Real::Rust(_) => None,
        }
    }

    /// Whether it surely has this value.
    pub fn is(&self, value: f64) -> bool {
        self.known() == Some(value)
    }

    /// The result of an operator.
    pub fn with(&self, operator: Operator, other: &Real) -> Real {
        if let (Some(a), Some(b)) = (self.known(), other.known()) {
            return Real::Known(operator.apply(a, b));
        }
        let term = |real: &Real| match real {
            Real::Known(value) => Term::Number(value.to_bits()),
            Real::Rust(d) => Term::Size(d.clone()),
        };
        Real::Rust(Dim::atom(Atom::Formula(Box::new(Formula {
            left: term(self),
            operator,
            right: term(other),
        }))))
    }

    /// `-self`.
    pub fn negative(&self) -> Real {
        match self.known() {
            Some(value) => Real::Known(-value),
            None => Real::Known(0.0).with(Operator::Sub, self),
        }
    }

    /// `1 - self`.
    pub fn rest(&self) -> Real {
        Real::Known(1.0).with(Operator::Sub, self)
    }

    /// `1 / self`.
    pub fn inverse(&self) -> Real {
        Real::Known(1.0).with(Operator::Div, self)
    }

    /// The square root.
    pub fn sqrt(&self) -> Real {
        self.with(Operator::Pow, &Real::Known(0.5))
    }

    /// The natural logarithm.
    pub fn ln(&self) -> Real {
        self.with(Operator::Log, &Real::Known(E))
    }

    /// `self * value`.
    pub fn times(&self, value: f64) -> Real {
        self.with(Operator::Mul, &Real::Known(value))
    }

    /// The factor of elements that are dropped with probability `self`: `1 / (1 - self)`, or 0 if all are dropped.
    pub fn kept_factor(&self) -> Real {
        Real::Known(1.0).with(Operator::DivOr0, &self.rest())
    }
}

impl std::fmt::Display for Real {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Real::Known(value) => value.fmt(f),
            Real::Rust(d) => d.fmt(f),
        }
    }
}
