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
    let named = |atom: &Atom| !Dim::atom(atom.clone()).names().is_empty();
    let mut out: Vec<(Vec<(Atom, u32)>, Dim)> = Vec::new();
    for (c, monomial) in d.terms() {
        let (free, constant): (Vec<_>, Vec<_>) =
            monomial.iter().cloned().partition(|(atom, _)| named(atom));
        let term = Dim::product(c, &constant);
        match out.iter_mut().find(|(of, _)| *of == free) {
            Some((_, sum)) => *sum = sum.add(&term),
            None => out.push((free, term)),
        }
    }
    out.into_iter().map(|(_, sum)| sum).collect()
}
