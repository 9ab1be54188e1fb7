//! Whether two sizes can be equal for some values of the Rust constants in them.

use crate::dim::{Atom, Dim};

/// Whether two different sizes are equal for some values of the constants in them.
pub fn may_be_equal(left: &Dim, right: &Dim) -> bool {
    let zeros = coefficients(&left.sub(right));
    !zeros.is_empty() && zeros.iter().all(|zero| zero.value().is_none())
}

/// The coefficients of a polynomial in named dimensions, which are polynomials in constants. It is 0 for all named
/// dimensions exactly if each coefficient is.
pub fn coefficients(d: &Dim) -> Vec<Dim> {
    let d = d.without_divisors();
    let (inner, rest) = rounded(&d);
    let mut all: Vec<Dim> = inner.iter().flat_map(coefficients).collect();
    let mut out: Vec<(Vec<(Atom, u32)>, Dim)> = Vec::new();
    for (c, monomial) in rest.terms() {
        let (free, constant): (Vec<_>, Vec<_>) =
            monomial.iter().cloned().partition(|(atom, _)| named(atom));
        let term = Dim::product(c, &constant);
        match out.iter_mut().find(|(of, _)| *of == free) {
            Some((_, sum)) => *sum = sum.add(&term),
            None => out.push((free, term)),
        }
    }
    all.extend(out.into_iter().map(|(_, sum)| sum));
    all
}

/// Whether a named dimension occurs in it.
fn named(atom: &Atom) -> bool {
    !Dim::atom(atom.clone()).names().is_empty()
}

/// Takes terms `floor(a/q)` and `-floor(b/q)` with named dimensions out of a sum. They cancel if `a - b` is 0: the first
/// result has these differences, the second is the rest of the sum.
fn rounded(d: &Dim) -> (Vec<Dim>, Dim) {
    let mut terms: Vec<(i64, Vec<(Atom, u32)>)> = d.terms().map(|(c, m)| (c, m.to_vec())).collect();
    let (mut inner, mut rest) = (Vec::new(), Dim::from(0));
    while let Some((c, monomial)) = terms.pop() {
        let cancels = terms.iter().enumerate().find_map(|(k, (other, m))| {
            let difference = (*other == c.saturating_neg()).then(|| unrounded(&monomial, m))?;
            Some((k, difference?))
        });
        match cancels {
            Some((k, difference)) => {
                terms.remove(k);
                inner.push(difference);
            }
            None => rest = rest.add(&Dim::product(c, &monomial)),
        }
    }
    (inner, rest)
}

/// `a - b` of products that differ only in `floor(a/q)` and `floor(b/q)`.
fn unrounded(left: &[(Atom, u32)], right: &[(Atom, u32)]) -> Option<Dim> {
    let only = |of: &[(Atom, u32)], other: &[(Atom, u32)]| {
        let mut own = of.iter().filter(|factor| !other.contains(factor));
        match (own.next(), own.next()) {
            (Some((atom, 1)), None) if named(atom) => Some(atom.clone()),
            _ => None,
        }
    };
    match (only(left, right)?, only(right, left)?) {
        (Atom::Floor(a, q), Atom::Floor(b, r)) if q == r => Some(a.sub(&b)),
        _ => None,
    }
}
