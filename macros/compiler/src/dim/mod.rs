//! Dimensions: integer polynomials over symbols, in normal form.
//!
//! Equal dimensions have equal normal forms, so `4 * D` equals `D * 4` and `D / H * H` equals `D`
//! (the quotient carries the obligation that `H` divides `D`). Two different names never unify.

mod formula;
mod quotient;
mod show;
#[cfg(test)]
mod tests;

pub use formula::{Formula, Operator, Term};
pub use quotient::{assume_quotients, least_multiple};
pub use show::show_shape;

use std::collections::BTreeMap;
use std::rc::Rc;

/// A symbol that dimensions are built from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// A named dimension (`B`, `T`): known when the function is called.
    Named(String),
    /// A Rust constant: known to rustc, opaque here.
    Const(String),
    /// An exact quotient that the normal form cannot reduce; divisibility is checked when inputs are bound.
    Quotient(Box<Dim>, Box<Dim>),
    /// A quotient rounded down, for strides.
    Floor(Box<Dim>, Box<Dim>),
    /// A named dimension divided by a number, which divides it: a condition of the function.
    Part(String, i64),
    /// A Rust constant that is a float: part of numbers, never of sizes.
    Float(String),
    /// Arithmetic on floats, part of numbers.
    Formula(Box<Formula>),
}

/// A product of atoms with powers, sorted; empty for 1.
type Monomial = Vec<(Atom, u32)>;

/// A dimension.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dim {
    /// Coefficients; none is zero. Shared, since dimensions are copied far more often than they change.
    terms: Rc<BTreeMap<Monomial, i64>>,
}

/// A shape, outermost dimension first.
pub type Shape = Vec<Dim>;

impl From<i64> for Dim {
    fn from(n: i64) -> Self {
        let mut terms = BTreeMap::new();
        if n != 0 {
            terms.insert(Vec::new(), n);
        }
        Dim {
            terms: Rc::new(terms),
        }
    }
}

impl Dim {
    /// The positive terms, and the negative ones without their sign.
    pub fn sides(&self) -> (Dim, Dim) {
        let (mut plus, mut minus) = (Dim::from(0), Dim::from(0));
        for (c, monomial) in self.terms() {
            let term = Dim::product(c.abs(), monomial);
            let side = if c > 0 { &mut plus } else { &mut minus };
            *side = side.add(&term);
        }
        (plus, minus)
    }

    /// The dimension 1.
    pub fn one() -> Dim {
        Dim::from(1)
    }

    /// A single symbol.
    pub fn atom(atom: Atom) -> Dim {
        Dim {
            terms: Rc::new(BTreeMap::from([(vec![(atom, 1)], 1)])),
        }
    }

    /// A number times a product of atoms with powers.
    pub fn product(c: i64, atoms: &[(Atom, u32)]) -> Dim {
        atoms.iter().fold(Dim::from(c), |product, (atom, power)| {
            let atom = Dim::atom(atom.clone());
            (0..*power).fold(product, |p, _| p.mul(&atom))
        })
    }

    /// The product of `times` factors.
    pub fn power(&self, times: i64) -> Dim {
        (0..times).fold(Dim::one(), |power, _| power.mul(self))
    }

    /// A named dimension.
    pub fn named(name: &str) -> Dim {
        Dim::atom(Atom::Named(name.to_owned()))
    }

    /// The value, if it holds no symbol.
    pub fn value(&self) -> Option<i64> {
        match self.terms.len() {
            0 => Some(0),
            1 => {
                let (monomial, &c) = self.terms.first_key_value()?;
                monomial.is_empty().then_some(c)
            }
            _ => None,
        }
    }

    /// Whether it is the literal 1, which broadcasts.
    pub fn is_one(&self) -> bool {
        self.value() == Some(1)
    }

    /// The named dimensions in it, each once, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.visit(&mut |atom| {
            if let Atom::Named(name) | Atom::Part(name, _) = atom {
                out.push(name.clone());
            }
        });
        out.sort();
        out.dedup();
        out
    }

    /// Calls `f` for every atom, those inside quotients too.
    pub fn visit(&self, f: &mut dyn FnMut(&Atom)) {
        for (atom, _) in self.terms.keys().flatten() {
            f(atom);
            match atom {
                Atom::Quotient(p, q) | Atom::Floor(p, q) => {
                    p.visit(f);
                    q.visit(f);
                }
                Atom::Formula(formula) => {
                    for term in [&formula.left, &formula.right] {
                        if let Term::Size(d) = term {
                            d.visit(f);
                        }
                    }
                }
                Atom::Named(_) | Atom::Part(..) | Atom::Const(_) | Atom::Float(_) => {}
            }
        }
    }

    /// Whether it is a number that may be a fraction, and no size.
    pub fn is_fraction(&self) -> bool {
        let mut found = false;
        self.visit(&mut |a| found |= matches!(a, Atom::Float(_) | Atom::Formula(_)));
        found
    }

    /// A named dimension that a number divides.
    pub fn multiple(name: &str, by: i64) -> Dim {
        match by {
            1 => Dim::named(name),
            by => Dim::product(by, &[(Atom::Part(name.to_owned(), by), 1)]),
        }
    }

    /// As `factor * name + rest`, if it is that, with neither the name in the other two nor a named dimension in the
    /// factor.
    pub fn linear(&self, name: &str) -> Option<(Dim, Dim)> {
        let atom = Atom::Named(name.to_owned());
        let (mut factor, mut rest) = (Dim::from(0), Dim::from(0));
        for (c, monomial) in self.terms() {
            let others: Vec<(Atom, u32)> =
                monomial.iter().filter(|m| m.0 != atom).cloned().collect();
            match monomial.iter().find(|m| m.0 == atom) {
                Some((_, 1)) => factor = factor.add(&Dim::product(c, &others)),
                Some(_) => return None,
                None => rest = rest.add(&Dim::product(c, monomial)),
            }
        }
        let fits = factor != Dim::from(0) && factor.names().is_empty() && !rest.has(&atom);
        fits.then_some((factor, rest))
    }

    /// Whether an atom occurs in it, inside quotients too.
    pub fn has(&self, atom: &Atom) -> bool {
        let mut found = false;
        self.visit(&mut |a| found |= a == atom);
        found
    }

    /// The same with a size in place of an atom.
    pub fn replace(&self, atom: &Atom, by: &Dim) -> Dim {
        if !self.has(atom) {
            return self.clone();
        }
        let mut out = Dim::from(0);
        for (monomial, c) in self.terms.iter() {
            let (above, below) = Dim::fraction(monomial);
            let mut term = Dim::from(*c);
            for (a, power) in &above {
                let a = match a {
                    a if a == atom => by.clone(),
                    Atom::Quotient(p, q) => p.replace(atom, by).div(&q.replace(atom, by)),
                    Atom::Floor(p, q) => p.replace(atom, by).div_floor(&q.replace(atom, by)),
                    Atom::Formula(formula) => {
                        let term = |t: &Term| match t {
                            Term::Size(d) => Term::Size(d.replace(atom, by)),
                            number => number.clone(),
                        };
                        Dim::atom(Atom::Formula(Box::new(Formula {
                            left: term(&formula.left),
                            operator: formula.operator,
                            right: term(&formula.right),
                        })))
                    }
                    a => Dim::atom(a.clone()),
                };
                term = (0..*power).fold(term, |t, _| t.mul(&a));
            }
            if !below.is_one() {
                term = term.div(&below.replace(atom, by));
            }
            out = out.add(&term);
        }
        out
    }

    /// Sum.
    pub fn add(&self, other: &Dim) -> Dim {
        let mut out = self.clone();
        for (monomial, c) in other.terms.iter() {
            out.push(monomial.clone(), *c);
        }
        out.cancel_literal_quotients().join_literal_quotients()
    }

    /// Difference.
    pub fn sub(&self, other: &Dim) -> Dim {
        self.add(&other.mul(&Dim::from(-1)))
    }

    /// Product.
    pub fn mul(&self, other: &Dim) -> Dim {
        if self.is_one() {
            return other.clone();
        }
        // With quotients, more than one divisor may have to be cancelled, one after the other.
        if other.is_one() && !self.has_quotients() {
            return self.clone();
        }
        let mut out = Dim::from(0);
        for (a, ca) in self.terms.iter() {
            for (b, cb) in other.terms.iter() {
                let (product, c) = times(a, b);
                match c {
                    None => out.push(product, ca.saturating_mul(*cb)),
                    // A quotient met its divisor: the result is a polynomial again.
                    Some(reduced) => {
                        let rest = Dim {
                            terms: Rc::new(BTreeMap::from([(product, ca.saturating_mul(*cb))])),
                        };
                        out = out.add(&rest.mul(&reduced));
                    }
                }
            }
        }
        out.cancel_literal_quotients().join_literal_quotients()
    }

    /// The value when each symbol has the value that `env` gives; `None` where a divisor is 0.
    pub fn eval(&self, env: &dyn Fn(&Atom) -> i64) -> Option<i64> {
        let mut sum = 0i64;
        for (monomial, c) in self.terms.iter() {
            let (above, below) = Dim::fraction(monomial);
            let mut product = *c;
            for (atom, power) in &above {
                let value = match atom {
                    Atom::Quotient(p, q) | Atom::Floor(p, q) => {
                        let q = q.eval(env)?;
                        if q == 0 {
                            return None;
                        }
                        p.eval(env)?.div_euclid(q)
                    }
                    Atom::Part(name, n) => env(&Atom::Named(name.clone())).div_euclid(*n),
                    symbol => env(symbol),
                };
                product = product.checked_mul(value.checked_pow(*power)?)?;
            }
            if !below.is_one() {
                let below = below.eval(env)?;
                if below == 0 {
                    return None;
                }
                product = product.div_euclid(below);
            }
            sum = sum.checked_add(product)?;
        }
        Some(sum)
    }

    /// The terms: coefficient and atoms with powers, in normal order.
    pub fn terms(&self) -> impl Iterator<Item = (i64, &[(Atom, u32)])> {
        self.terms
            .iter()
            .map(|(monomial, c)| (*c, monomial.as_slice()))
    }

    fn push(&mut self, monomial: Monomial, c: i64) {
        let terms = Rc::make_mut(&mut self.terms);
        let sum = terms.get(&monomial).copied().unwrap_or(0).saturating_add(c);
        if sum == 0 {
            terms.remove(&monomial);
        } else {
            terms.insert(monomial, sum);
        }
    }
}

fn lower_power(monomial: &mut Monomial, i: usize) {
    monomial[i].1 -= 1;
    if monomial[i].1 == 0 {
        monomial.remove(i);
    }
}

/// `a / b` for monomials, if `b` divides `a`.
fn without(a: &Monomial, b: &Monomial) -> Option<Monomial> {
    let mut out = a.clone();
    for (atom, power) in b {
        let i = out.iter().position(|(x, _)| x == atom)?;
        out[i].1 = out[i].1.checked_sub(*power)?;
        if out[i].1 == 0 {
            out.remove(i);
        }
    }
    Some(out)
}

/// The product of two monomials. Where a quotient `p / q` meets all atoms of its divisor `q`, both leave the monomial
/// and `p` is returned separately.
fn times(a: &Monomial, b: &Monomial) -> (Monomial, Option<Dim>) {
    let mut out = a.clone();
    for (atom, power) in b {
        match out.binary_search_by(|(x, _)| x.cmp(atom)) {
            Ok(i) => out[i].1 += power,
            Err(i) => out.insert(i, (atom.clone(), *power)),
        }
    }
    for i in 0..out.len() {
        if !matches!(out[i].0, Atom::Quotient(..)) {
            continue;
        }
        let Atom::Quotient(p, q) = out[i].0.clone() else {
            continue;
        };
        if q.terms.len() != 1 {
            continue;
        }
        let Some((divisor, 1)) = q.terms.first_key_value().map(|(m, c)| (m.clone(), *c)) else {
            continue;
        };
        if divisor.is_empty() {
            continue;
        }
        let mut rest = out.clone();
        lower_power(&mut rest, i);
        if let Some(rest) = without(&rest, &divisor) {
            return (rest, Some(*p));
        }
    }
    (out, None)
}

/// The product of a shape's dimensions.
pub fn numel(shape: &[Dim]) -> Dim {
    shape.iter().fold(Dim::one(), |n, d| n.mul(d))
}
