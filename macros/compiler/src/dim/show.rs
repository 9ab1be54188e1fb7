//! Dimensions as a user would write them: `4*H + 1`, `floor(T/2)`, `[B, 8]`.

use super::{Atom, Dim, Formula, Monomial, Operator, Term};
use std::f64::consts::E;
use std::fmt;

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, right) = (&self.left, &self.right);
        let is = |term: &Term, number: f64| *term == Term::Number(number.to_bits());
        match (self.operator, self.operator.symbol()) {
            (Operator::Pow, _) if is(right, 0.5) => write!(f, "sqrt({left})"),
            (Operator::Pow, _) if is(left, E) => write!(f, "exp({right})"),
            (_, Some(symbol)) => write!(f, "({left} {symbol} {right})"),
            _ if is(right, E) => write!(f, "log({left})"),
            _ => write!(f, "log({left}) / log({right})"),
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Named(name) | Atom::Const(name) | Atom::Float(name) => f.write_str(name),
            Atom::Part(name, n) => write!(f, "{name}/{n}"),
            Atom::Formula(formula) => write!(f, "{formula}"),
            Atom::Quotient(p, q) => write!(f, "{}/{}", Factor(p), Factor(q)),
            Atom::Floor(p, q) => write!(f, "floor({}/{})", Factor(p), Factor(q)),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Number(bits) => f64::from_bits(*bits).fmt(f),
            Term::Size(d) => d.fmt(f),
        }
    }
}

/// `[B, 8]`.
pub fn show_shape(shape: &[Dim]) -> String {
    let dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
    format!("[{}]", dims.join(", "))
}

/// A coefficient and a divisor of a term whose parts of named dimensions are written as the dimensions themselves:
/// `4 * (H/4)` is `H`, `2 * (H/4)` is `H/2`.
fn whole(c: u64, monomial: &Monomial) -> (u64, u64) {
    let mut by = 1u64;
    for (atom, power) in monomial {
        if let Atom::Part(_, n) = atom {
            by = by.saturating_mul(n.unsigned_abs().saturating_pow(*power));
        }
    }
    let (mut a, mut b) = (c, by);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (c / a.max(1), by / a.max(1))
}

/// A dimension in brackets unless it is a single factor.
struct Factor<'a>(&'a Dim);

impl fmt::Display for Factor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let single = match self.0.terms.first_key_value() {
            _ if self.0.terms.len() > 1 => false,
            Some((m, c)) => m.is_empty() || (*c == 1 && m.len() == 1 && m[0].1 == 1),
            None => true,
        };
        if single {
            write!(f, "{}", self.0)
        } else {
            write!(f, "({})", self.0)
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        // Symbols first, the constant last: `B + 1`, `2*T - 3`.
        let mut first = true;
        for (monomial, c) in self.terms.iter().rev() {
            let sign = match (first, *c < 0) {
                (true, true) => "-",
                (true, false) => "",
                (false, true) => " - ",
                (false, false) => " + ",
            };
            f.write_str(sign)?;
            first = false;
            let (c, by) = whole(c.unsigned_abs(), monomial);
            if monomial.is_empty() {
                write!(f, "{c}")?;
                continue;
            }
            let (above, below) = Dim::fraction(monomial);
            match above.is_empty() {
                true => write!(f, "{c}")?,
                false if c != 1 => write!(f, "{c}*")?,
                false => {}
            }
            for (i, (atom, power)) in above.iter().enumerate() {
                if i > 0 {
                    f.write_str("*")?;
                }
                let alone = monomial.len() == 1 && c == 1;
                // As written in a shape: `SIDE*SIDE`.
                for k in 0..*power {
                    if k > 0 {
                        f.write_str("*")?;
                    }
                    match atom {
                        Atom::Quotient(..) if !alone || *power > 1 => write!(f, "({atom})")?,
                        Atom::Part(name, _) => f.write_str(name)?,
                        _ => write!(f, "{atom}")?,
                    }
                }
            }
            if by != 1 {
                write!(f, "/{by}")?;
            }
            if !below.is_one() {
                write!(f, "/{}", Factor(&below))?;
            }
        }
        Ok(())
    }
}
