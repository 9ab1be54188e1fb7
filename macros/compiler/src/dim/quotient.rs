//! Quotients of dimensions, exact or rounded down, and their normal form.
//!
//! An exact quotient of products by products is a product with factors `1/q`; one by a number is a part of a product.
//! What a divisor divides moves out of a rounded quotient, and rounded quotients of rounded quotients are one.

use super::{Atom, Dim, Monomial, lower_power, times, without};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

thread_local! {
    /// Quotients of constants that are equal to other sizes, with these: see [`assume_quotients`].
    static KNOWN_QUOTIENTS: RefCell<Vec<(Atom, Dim)>> = const { RefCell::new(Vec::new()) };
}

/// From here on, these quotients are made as the sizes that they are equal to. So sizes that rustc must find equal have
/// one form in the whole network.
pub fn assume_quotients(known: Vec<(Atom, Dim)>) {
    KNOWN_QUOTIENTS.set(known);
}

/// A quotient as a size.
fn quotient_atom(atom: Atom) -> Dim {
    let known = KNOWN_QUOTIENTS.with_borrow(|known| {
        let same = known.iter().find(|(a, _)| *a == atom);
        same.map(|(_, value)| value.clone())
    });
    known.unwrap_or_else(|| Dim::atom(atom))
}

impl Dim {
    /// The condition that a number divides a named dimension, under which two sizes are equal; one of them is rounded
    /// down: `2 * floor(H/2)` is H if 2 divides H.
    pub fn equal_if_divided(&self, other: &Dim) -> Option<(String, i64)> {
        let mut found: Vec<(Atom, i64)> = Vec::new();
        for side in [self, other] {
            side.visit(&mut |atom| {
                let Atom::Floor(p, q) = atom else { return };
                let Some(q) = q.value().filter(|q| *q > 0) else {
                    return;
                };
                p.visit(&mut |inner| {
                    if let Atom::Named(_) | Atom::Part(..) = inner {
                        match found.iter_mut().find(|f| f.0 == *inner) {
                            Some((_, by)) => *by = least_multiple(*by, q),
                            None => found.push((inner.clone(), q)),
                        }
                    }
                });
            });
        }
        found.into_iter().find_map(|(atom, more)| {
            let (name, known) = match &atom {
                Atom::Named(name) => (name, 1),
                Atom::Part(name, n) => (name, *n),
                _ => return None,
            };
            let by = known.checked_mul(more)?;
            let part = Dim::product(more, &[(Atom::Part(name.clone(), by), 1)]);
            let equal = self.replace(&atom, &part) == other.replace(&atom, &part);
            equal.then(|| (name.clone(), by))
        })
    }

    /// Whether it has exact quotients.
    pub fn has_quotients(&self) -> bool {
        let atoms = self.terms.keys().flatten();
        atoms
            .into_iter()
            .any(|(atom, _)| matches!(atom, Atom::Quotient(..)))
    }

    /// `n * Q(p, n)` is `p`.
    pub(super) fn cancel_literal_quotients(&self) -> Dim {
        let hit = |monomial: &Monomial, c: i64| {
            monomial.iter().position(|(atom, _)| {
                matches!(atom, Atom::Quotient(_, q) if q.value().is_some_and(|q| q != 0 && c % q == 0))
            })
        };
        if !self.terms.iter().any(|(m, c)| hit(m, *c).is_some()) {
            return self.clone();
        }
        let mut out = Dim::from(0);
        for (monomial, c) in self.terms.iter() {
            let Some(i) = hit(monomial, *c) else {
                out.push(monomial.clone(), *c);
                continue;
            };
            let mut rest = monomial.clone();
            let Atom::Quotient(p, q) = rest[i].0.clone() else {
                continue;
            };
            lower_power(&mut rest, i);
            let rest = Dim {
                terms: Rc::new(BTreeMap::from([(rest, c / q.value().unwrap_or(1))])),
            };
            out = out.add(&rest.mul(&p));
        }
        out
    }

    /// `C - C/2` is `C/2`, `2 * (C/4)` is `C/2`, and `N * (C/2)` is `C*N/2`: parts of one product by numbers are a single
    /// part.
    pub(super) fn join_literal_quotients(self) -> Dim {
        if !self.has_quotients() {
            return self;
        }
        let parts: Vec<Option<Fraction>> =
            self.terms.iter().map(|(m, c)| fraction(m, *c)).collect();
        let open = parts.iter().flatten().find(|part| {
            let alike = parts
                .iter()
                .flatten()
                .filter(|other| other.whole == part.whole);
            let open = greatest_divisor(part.above, part.below) > 1 || alike.count() > 1;
            part.below > 1 && (open || !part.alone)
        });
        let Some(open) = open else {
            return self;
        };
        let mut rest = Dim::from(0);
        let (mut above, mut below) = (0i64, 1i64);
        for ((monomial, c), part) in self.terms.iter().zip(&parts) {
            match part {
                Some(part) if part.whole == open.whole => {
                    let all = least_multiple(below, part.below);
                    let sum = above.checked_mul(all / below);
                    let more = part.above.checked_mul(all / part.below);
                    let Some(sum) = sum.zip(more).and_then(|(a, b)| a.checked_add(b)) else {
                        return self.clone();
                    };
                    (above, below) = (sum, all);
                }
                _ => rest.push(monomial.clone(), *c),
            }
        }
        rest.add(&Dim::of(open.whole.clone()).times_fraction(above, below))
    }

    fn of(monomial: Monomial) -> Dim {
        Dim {
            terms: Rc::new(BTreeMap::from([(monomial, 1)])),
        }
    }

    /// The product with a fraction, in lowest terms, that gives an integer.
    fn times_fraction(&self, above: i64, below: i64) -> Dim {
        let common = greatest_divisor(above, below).max(1);
        let (above, below) = (Dim::from(above / common), Dim::from(below / common));
        if below.is_one() {
            return self.mul(&above);
        }
        let quotient = Atom::Quotient(Box::new(self.clone()), Box::new(below));
        quotient_atom(quotient).mul(&above)
    }

    /// The exact quotient in normal form, if there is one without a new symbol.
    pub fn div_exact(&self, other: &Dim) -> Option<Dim> {
        if other.terms.is_empty() {
            return None;
        }
        if self == other {
            return Some(Dim::one());
        }
        let (by, cb) = match other.terms.len() {
            1 => other.terms.first_key_value()?,
            // A sum divides its own multiples by a monomial: the ratio is one of our terms over its first.
            _ => {
                let (first, c) = other.terms.first_key_value()?;
                return self.terms.iter().find_map(|(monomial, own)| {
                    let ratio = Dim {
                        terms: Rc::new(BTreeMap::from([(
                            without(monomial, first)?,
                            exact(*own, *c)?,
                        )])),
                    };
                    (other.mul(&ratio) == *self).then_some(ratio)
                });
            }
        };
        let direct = || {
            let mut out = Dim::from(0);
            for (monomial, c) in self.terms.iter() {
                out.push(without(monomial, by)?, exact(*c, *cb)?);
            }
            Some(out)
        };
        direct().or_else(|| {
            // x / (p / q) is x q / p.
            let i = by
                .iter()
                .position(|(atom, _)| matches!(atom, Atom::Quotient(..)))?;
            let Atom::Quotient(p, q) = &by[i].0 else {
                return None;
            };
            let mut rest = by.clone();
            lower_power(&mut rest, i);
            let rest = Dim {
                terms: Rc::new(BTreeMap::from([(rest, *cb)])),
            };
            self.mul(q).div_exact(&rest.mul(p))
        })
    }

    /// The sum whose square this is, if there is one of few terms. Its first term is positive.
    pub fn square_root(&self) -> Option<Dim> {
        let mut parts = Vec::new();
        for (c, monomial) in self.terms() {
            let root = c.checked_isqrt().filter(|r| r * r == c);
            let even = monomial.iter().all(|(_, power)| power % 2 == 0);
            if let (Some(root), true) = (root, even) {
                let half: Vec<(Atom, u32)> =
                    monomial.iter().map(|(a, p)| (a.clone(), p / 2)).collect();
                parts.push(Dim::product(root, &half));
            }
        }
        // Rounded sizes come first: constants are subtracted from them.
        parts.sort_by_key(|p| {
            !p.terms
                .keys()
                .flatten()
                .any(|m| matches!(m.0, Atom::Floor(..)))
        });
        let (first, others) = parts.split_first()?;
        if others.len() > 5 {
            return None;
        }
        (0..1u32 << others.len()).find_map(|signs| {
            let sum = others
                .iter()
                .enumerate()
                .fold(first.clone(), |sum, (k, d)| match signs >> k & 1 {
                    0 => sum.add(d),
                    _ => sum.sub(d),
                });
            (sum.mul(&sum) == *self).then_some(sum)
        })
    }

    /// The quotient; a condition requires it to be exact.
    pub fn div(&self, other: &Dim) -> Dim {
        let negative = |d: &Dim| d.terms.values().all(|c| *c < 0);
        if negative(self) && other.value().is_some_and(|q| q > 0) && !self.terms.is_empty() {
            let minus = Dim::from(-1);
            return self.mul(&minus).div(other).mul(&minus);
        }
        // `a / (b / c)` is `a * c / b`.
        if let [(monomial, c)] = other.terms.iter().collect::<Vec<_>>()[..] {
            let (above, below) = Dim::fraction(monomial);
            if !below.is_one() {
                return self.mul(&below).div(&Dim::product(*c, &above));
            }
        }
        let product = || self.over(other);
        let part = || self.part(other.value()?);
        // A sum by a multiple of it: `(B*H + B)*D / ((B*H + B)*K)` is `D/K`.
        let ratio = || {
            let (first, c) = other
                .terms
                .first_key_value()
                .filter(|_| other.terms.len() > 1)?;
            let first = Dim::product(*c, first);
            self.terms.iter().find_map(|(monomial, c)| {
                let ratio = Dim::product(*c, monomial).over(&first)?;
                (other.mul(&ratio) == *self).then_some(ratio)
            })
        };
        let known = self
            .div_exact(other)
            .or_else(product)
            .or_else(ratio)
            .or_else(part);
        if let Some(known) = known {
            return known;
        }
        // What a number divides moves out: `(C*N + 2*C)/2` is `C*N/2 + C`.
        if let Some(q) = other.value().filter(|q| *q > 0)
            && self.terms.len() > 1
        {
            let (mut whole, mut rest) = (Dim::from(0), Dim::from(0));
            for (monomial, c) in self.terms.iter() {
                match exact(*c, q) {
                    Some(c) => whole.push(monomial.clone(), c),
                    None => rest.push(monomial.clone(), *c),
                }
            }
            if !whole.terms.is_empty() {
                return rest.div(other).add(&whole);
            }
        }
        quotient_atom(Atom::Quotient(
            Box::new(self.clone()),
            Box::new(other.clone()),
        ))
    }

    /// The quotient of a product by a number, as a multiple of the quotient of the product without numbers: `3 C / 6` is
    /// `C/2`, and a half of `C/2` is `C/4`.
    fn part(&self, by: i64) -> Option<Dim> {
        let (monomial, c) = self
            .terms
            .first_key_value()
            .filter(|_| self.terms.len() == 1)?;
        let of = fraction(monomial, *c)?;
        let below = of.below.checked_mul(by).filter(|q| *q > 0)?;
        Some(Dim::of(of.whole).times_fraction(of.above, below))
    }

    /// The quotient of two products, as a product with `1/q` for each `q` of the divisor that does not cancel:
    /// `(S/W) * (S/W)` and `(S*S)/(W*W)` have one form. `None` if a number is left in the divisor.
    fn over(&self, other: &Dim) -> Option<Dim> {
        if self.terms.len() != 1 || other.terms.len() != 1 {
            return None;
        }
        let (above, c) = self.terms.first_key_value()?;
        let (below, by) = other.terms.first_key_value()?;
        let c = exact(*c, *by)?;
        let mut out = Dim::product(c, above);
        for (atom, power) in below {
            if matches!(atom, Atom::Quotient(..)) {
                return None;
            }
            let inverse = Dim::atom(Atom::Quotient(
                Box::new(Dim::one()),
                Box::new(Dim::atom(atom.clone())),
            ));
            out = (0..*power).fold(out, |out, _| out.mul(&inverse));
        }
        Some(out)
    }

    /// The product without its factors `1/q`, and the product of each `q`.
    pub fn fraction(monomial: &[(Atom, u32)]) -> (Vec<(Atom, u32)>, Dim) {
        let (mut above, mut below) = (Vec::new(), Dim::one());
        for (atom, power) in monomial {
            match atom.inverse_of() {
                Some(q) => below = (0..*power).fold(below, |below, _| below.mul(q)),
                None => above.push((atom.clone(), *power)),
            }
        }
        (above, below)
    }

    /// A multiple without factors `1/q`: 0 if and only if this is 0.
    pub fn without_divisors(&self) -> Dim {
        let mut out = self.clone();
        // Each round removes the divisors of one term.
        while let Some(below) = (out.terms.keys())
            .map(|monomial| Dim::fraction(monomial).1)
            .find(|below| !below.is_one())
        {
            out = out.mul(&below);
        }
        out
    }

    /// The quotient rounded down. Division by a number moves the whole part out and merges with an inner rounded
    /// quotient: `floor((T - 2)/2) + 1` is `floor(T/2)`, `floor(floor(T/2)/2)` is `floor(T/4)`.
    pub fn div_floor(&self, other: &Dim) -> Dim {
        if let (Some(p), Some(q)) = (self.value(), other.value())
            && q != 0
        {
            return Dim::from(p.div_euclid(q));
        }
        if let Some(exact) = self.div_exact(other) {
            return exact;
        }
        if let Some(q) = other.value().filter(|q| *q > 0) {
            if let Some((p, by)) = self.as_floor() {
                return p.div_floor(&Dim::from(by.saturating_mul(q)));
            }
            // `floor((2*a + 2)/4)` is `floor((a + 1)/2)`.
            let common = self.terms.values().fold(q, |g, c| greatest_divisor(g, *c));
            if common > 1 {
                let part = Dim::from(common);
                if let Some(p) = self.div_exact(&part) {
                    return p.div_floor(&Dim::from(q / common));
                }
            }
            let (mut whole, mut rest) = (Dim::from(0), Dim::from(0));
            for (monomial, c) in self.terms.iter() {
                whole.push(monomial.clone(), c.div_euclid(q));
                rest.push(monomial.clone(), c.rem_euclid(q));
            }
            if !whole.terms.is_empty() {
                return whole.add(&rest.div_floor(other));
            }
        }
        // Multiples of a symbolic divisor move out, too: `floor((S - P)/P) + 1` is `floor(S/P)`. What is left must not
        // be negative, as sizes are evaluated without a sign.
        let (mut whole, mut rest) = (Dim::from(0), Dim::from(0));
        for (monomial, c) in self.terms.iter() {
            let term = Dim::product(*c, monomial);
            match term.div_exact(other) {
                Some(multiple) if other.value().is_none() => whole = whole.add(&multiple),
                _ => rest = rest.add(&term),
            }
        }
        if rest.terms.values().any(|c| *c < 0) {
            (whole, rest) = (Dim::from(0), self.clone());
        }
        whole.add(&quotient_atom(Atom::Floor(
            Box::new(rest),
            Box::new(other.clone()),
        )))
    }

    /// As `floor(p / q)` with q above 0, if it is that, possibly plus a number.
    fn as_floor(&self) -> Option<(Dim, i64)> {
        let mut floor = None;
        let mut more = 0;
        for (monomial, c) in self.terms.iter() {
            match monomial.as_slice() {
                [] => more = *c,
                [(Atom::Floor(p, q), 1)] if *c == 1 && floor.is_none() => {
                    floor = Some((p, q.value().filter(|q| *q > 0)?));
                }
                _ => return None,
            }
        }
        let (p, q) = floor?;
        Some((p.add(&Dim::from(more.saturating_mul(q))), q))
    }
}

fn exact(a: i64, b: i64) -> Option<i64> {
    (b != 0 && a % b == 0).then(|| a / b)
}

impl Atom {
    /// `q` of the factor `1/q`, if it is no sum.
    fn inverse_of(&self) -> Option<&Dim> {
        match self {
            Atom::Quotient(p, q) if p.is_one() && q.terms.len() == 1 => Some(q),
            _ => None,
        }
    }
}

/// The least common multiple of two numbers above 0.
pub fn least_multiple(a: i64, b: i64) -> i64 {
    (a / greatest_divisor(a, b).max(1)).saturating_mul(b)
}

/// The greatest common divisor.
fn greatest_divisor(a: i64, b: i64) -> i64 {
    let (mut p, mut q) = (a.saturating_abs(), b.saturating_abs());
    while q != 0 {
        (p, q) = (q, p % q);
    }
    p
}

/// A term as a fraction of a product: `3 B (C/2)` is three halves of `B C`.
struct Fraction {
    whole: Monomial,
    /// It is a quotient alone, without other factors.
    alone: bool,
    above: i64,
    below: i64,
}

/// A term as a fraction; `None` if a quotient of a sum by a number is part of it.
fn fraction(monomial: &Monomial, c: i64) -> Option<Fraction> {
    let (mut whole, mut above, mut below) = (Monomial::new(), c, 1i64);
    for (atom, power) in monomial {
        let by = match atom {
            Atom::Quotient(p, q) => q.value().filter(|q| *q > 0).map(|q| (p, q)),
            _ => None,
        };
        let (part, times_above, times_below) = match by {
            None => (vec![(atom.clone(), *power)], 1, 1),
            Some((p, q)) => {
                let (part, by) = p.terms.first_key_value()?;
                if p.terms.len() != 1 {
                    return None;
                }
                let part = part.iter().map(|(a, n)| (a.clone(), n * power)).collect();
                (part, by.checked_pow(*power)?, q.checked_pow(*power)?)
            }
        };
        // A factor `1/q` may meet its `q`, one after another.
        let (mut product, mut reduced) = times(&whole, &part);
        while let Some(rest) = reduced {
            let (more, by) = rest.terms.first_key_value()?;
            if rest.terms.len() != 1 {
                return None;
            }
            above = above.checked_mul(*by)?;
            (product, reduced) = times(&product, more);
        }
        whole = product;
        above = above.checked_mul(times_above)?;
        below = below.checked_mul(times_below)?;
    }
    let alone = matches!(monomial.as_slice(), [(Atom::Quotient(..), 1)]);
    Some(Fraction {
        whole,
        alone,
        above,
        below,
    })
}
