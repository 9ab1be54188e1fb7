//! The inputs of an evaluation, and how it rounds.

use super::Array;
use crate::dim::{Atom, Dim, Term};
use crate::real::Real;

/// The inputs of an evaluation.
pub struct Env<'a> {
    /// The function's arguments.
    pub inputs: &'a [Array],
    /// The network's parameters.
    pub params: &'a [Array],
    /// The value of each symbol.
    pub dims: &'a dyn Fn(&Atom) -> i64,
    /// How floats are stored.
    pub floats: Floats,
}

/// How floats are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floats {
    /// In f64.
    Double,
    /// In f32: each is rounded to the nearest.
    Single,
    /// In f32: each is rounded up or down at random, equal ones alike. The differences between results of several seeds
    /// show the reach of rounding (Monte Carlo arithmetic: Parker, 1997).
    Random(u64),
}

impl Floats {
    fn round(self, x: f64) -> f64 {
        let near = x as f32;
        match self {
            Floats::Double => x,
            Floats::Random(seed) if f64::from(near) != x && near.is_finite() => {
                let low = if f64::from(near) < x {
                    near
                } else {
                    near.next_down()
                };
                let mix = (x.to_bits() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                let mix = (mix ^ (mix >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                f64::from(if mix >> 63 == 0 { low } else { low.next_up() })
            }
            Floats::Single | Floats::Random(_) => f64::from(near),
        }
    }
}

impl Env<'_> {
    /// The size of a dimension.
    pub fn dim(&self, d: &Dim) -> usize {
        usize::try_from(d.eval(self.dims).unwrap_or(0)).unwrap_or(0)
    }

    /// A number.
    pub fn real(&self, number: &Real) -> f64 {
        match number {
            Real::Known(v) => *v,
            Real::Rust(d) => self.fraction(d),
        }
    }

    fn fraction(&self, d: &Dim) -> f64 {
        let term = |t: &Term| match t {
            Term::Number(bits) => f64::from_bits(*bits),
            Term::Size(d) => self.fraction(d),
        };
        let atom = |a: &Atom| match a {
            Atom::Formula(f) => f.operator.apply(term(&f.left), term(&f.right)),
            Atom::Quotient(..) | Atom::Floor(..) => self.dim(&Dim::atom(a.clone())) as f64,
            symbol => (self.dims)(symbol) as f64,
        };
        let product = |(c, atoms): (i64, &[(Atom, u32)])| {
            let (above, below) = Dim::fraction(atoms);
            let powers = above
                .iter()
                .map(|(a, power)| atom(a).powf(f64::from(*power)));
            powers.fold(c as f64, |product, p| product * p) / self.dim(&below) as f64
        };
        d.terms().map(product).sum()
    }

    /// A float as stored.
    pub fn round(&self, x: f64) -> f64 {
        self.floats.round(x)
    }

    /// The sizes of a shape.
    pub fn shape(&self, shape: &[Dim]) -> Vec<usize> {
        shape.iter().map(|d| self.dim(d)).collect()
    }
}
