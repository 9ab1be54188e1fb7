//! Equalities of Rust constants that a network needs: a layer of 32 features takes an input `[B, D]` if `D` is 32.
//!
//! The macro sees the names of constants, but not their values. Where two sizes differ only in constants, a comparison
//! records the pair ([`Diag::differ`](crate::diag::Diag::differ)) and then reports its error. [`Equalities::with`] solves
//! the recorded pairs for constants. The network is compiled again with the solutions in place of these constants, and
//! rustc checks each equality at the token of the error. What goes in are pairs of sizes; what comes out is a size for
//! each solved constant.

use crate::condition::Condition;
use crate::diag::{Diag, Pair};
use crate::dim::{Atom, Dim};
use crate::unify::{coefficients, may_be_equal};
use proc_macro2::Span;

/// A number that divides a named dimension of a function, since two sizes must be equal.
#[derive(Clone, Debug)]
pub struct Divided {
    /// The function.
    pub function: String,
    /// The dimension.
    pub name: String,
    /// The number.
    pub by: i64,
    /// The token that needs it.
    pub span: Span,
    /// The error that there would be without it.
    pub text: String,
}

/// The solved constants, and the equalities that rustc checks.
#[derive(Clone, Debug, Default)]
pub struct Equalities {
    /// Each with the error that there would be without it.
    solved: Vec<(Atom, Dim, String)>,
    /// The pairs behind the solutions.
    pub pairs: Vec<Pair>,
    /// Conditions on named dimensions, which are checked at each call.
    pub divided: Vec<Divided>,
    /// Constants that were solved as square roots, with the roots.
    roots: Vec<(Dim, Dim)>,
    /// Conditions that are taken to hold or not to hold in this variant of the network.
    assumed: Vec<(Condition, bool)>,
}

impl Equalities {
    /// The size of a constant: itself, unless it is solved.
    pub fn value(&self, name: String) -> Dim {
        let atom = Atom::Const(name);
        let known = self.solved.iter().find(|(a, ..)| *a == atom);
        known.map_or_else(|| Dim::atom(atom.clone()), |(_, value, _)| value.clone())
    }

    /// These equalities and those of further pairs; `None` if no pair can be solved.
    pub fn with(&self, pairs: Vec<Pair>) -> Option<Equalities> {
        let mut out = self.clone();
        let mut any = false;
        for pair in pairs {
            let difference = out.substitute(&pair.left.sub(&pair.right));
            let mut trial = out.clone();
            let solvable =
                (coefficients(&difference).iter()).all(|zero| trial.solve(zero, &pair.text));
            if solvable && difference != Dim::from(0) && trial.is_possible() {
                // Without named dimensions, whose values are not constants.
                for zero in coefficients(&pair.left.sub(&pair.right)) {
                    let (left, right) = zero.sides();
                    trial.pairs.push(Pair {
                        left,
                        right,
                        ..pair.clone()
                    });
                }
                for (left, right) in std::mem::take(&mut trial.roots) {
                    trial.pairs.push(Pair {
                        left,
                        right,
                        ..pair.clone()
                    });
                }
                out = trial;
                any = true;
            } else if let Some((name, by)) = pair.left.equal_if_divided(&pair.right) {
                let Pair {
                    function,
                    span,
                    text,
                    ..
                } = pair;
                let same = |d: &&mut Divided| d.function == function && d.name == name;
                match out.divided.iter_mut().find(same) {
                    Some(known) if known.by >= by => continue,
                    Some(known) => known.by = by,
                    None => out.divided.push(Divided {
                        function,
                        name,
                        by,
                        span,
                        text,
                    }),
                }
                any = true;
            }
        }
        any.then_some(out)
    }

    /// These equalities in the variant of the network in which a condition holds, or does not hold.
    pub fn assume(&self, condition: &Condition, holds: bool) -> Equalities {
        let mut out = self.clone();
        out.assumed.push((condition.clone(), holds));
        for (part, holds) in condition.implied(holds) {
            if let (Condition::Equal(a, b), true) = (part, holds) {
                out.solve(&a.sub(b), "");
            }
            out.assumed.push((part.clone(), holds));
        }
        out
    }

    /// Whether the network has no variants so far.
    pub fn is_whole(&self) -> bool {
        self.assumed.is_empty()
    }

    /// Whether a condition holds, if that follows from the solutions and from what is assumed.
    pub fn decide(&self, condition: &Condition) -> Option<bool> {
        let difference = |a: &Dim, b: &Dim| self.substitute(&a.sub(b)).value();
        let known = match condition {
            Condition::Known(holds) => Some(*holds),
            Condition::Equal(a, b) => difference(a, b).map(|v| v == 0),
            Condition::AtLeast(a, b) => difference(a, b).map(|v| v >= 0),
            Condition::Not(a) => return self.decide(a).map(|holds| !holds),
            Condition::And(a, b) => match (self.decide(a), self.decide(b)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Condition::Or(a, b) => match (self.decide(a), self.decide(b)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        };
        known.or_else(|| self.assumed(condition))
    }

    /// The answer to a condition in this variant, if it is assumed.
    fn assumed(&self, condition: &Condition) -> Option<bool> {
        let same = |a: &Dim, b: &Dim| self.substitute(a) == self.substitute(b);
        let alike = |known: &Condition| match (known, condition) {
            (Condition::Equal(a, b), Condition::Equal(c, d)) => {
                let (known, asked) = (a.sub(b), c.sub(d));
                same(&known, &asked) || same(&known, &d.sub(c))
            }
            (Condition::AtLeast(a, b), Condition::AtLeast(c, d)) => same(&a.sub(b), &c.sub(d)),
            _ => known == condition,
        };
        let known = self.assumed.iter().find(|(known, _)| alike(known));
        known.map(|(_, holds)| *holds)
    }

    /// Adds to errors that show a solution which constant it stands for, and to errors about sizes that only rustc knows
    /// and that could not be solved what makes them comparable.
    ///
    /// `first` has the errors without solutions: those that it has do not come from one.
    pub fn note(&self, diag: &Diag, first: &Diag) {
        let before: Vec<String> = first.messages().into_iter().map(|m| m.text).collect();
        diag.note(|message| {
            let text = &message.text;
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let shows = |value: &str| {
                text.match_indices(value).any(|(at, _)| {
                    !text[..at].ends_with(word) && !text[at + value.len()..].starts_with(word)
                })
            };
            let mut notes = String::new();
            for (atom, value, why) in &self.solved {
                let value = value.to_string();
                if shows(&value) && !why.is_empty() && !before.contains(text) {
                    notes += &match demanding(why) {
                        Some(what) => format!("\nnote: {what} requires {atom} = {value}"),
                        None => format!("\nnote: {atom} must be {value}: otherwise {why}"),
                    };
                }
            }
            let comparable = message.differ.iter().any(|(left, right)| {
                let [left, right] = [left, right].map(|d| self.substitute(d));
                left != right && may_be_equal(&left, &right) && !is_no_power(&left.sub(&right))
            });
            for (left, right) in &message.differ {
                let (left, right) = (self.substitute(left), self.substitute(right));
                let number = |d: &Dim| d.value().is_some();
                if (number(&left) || number(&right)) && is_no_power(&left.sub(&right)) {
                    let (size, number) = match number(&left) {
                        true => (right, left),
                        false => (left, right),
                    };
                    notes += &format!("\nnote: {size} cannot be {number}");
                }
            }
            if comparable {
                notes += "\nhelp: if both sizes are equal, use one constant for both: `const SIZE: usize = ..`";
            }
            notes
        });
    }

    /// Whether sizes that this variant takes to differ are still not the same.
    fn is_possible(&self) -> bool {
        self.assumed.iter().all(|(condition, holds)| {
            let Condition::Equal(a, b) = condition else {
                return true;
            };
            *holds || self.substitute(&a.sub(b)) != Dim::from(0)
        })
    }

    /// Adds the solution of `zero == 0`; false if there is none.
    fn solve(&mut self, zero: &Dim, why: &str) -> bool {
        let zero = self.substitute(zero);
        if zero == Dim::from(0) {
            return true;
        }
        let linear = solution(&zero).or_else(|| remainder(&zero));
        let solved = linear.or_else(|| {
            let (atom, value) = root(&zero)?;
            // The squares are equal also with another sign.
            self.roots.push((Dim::atom(atom.clone()), value.clone()));
            Some((atom, value))
        });
        let Some((atom, value)) = solved.or_else(|| quotient(&zero)) else {
            return false;
        };
        for (_, other, _) in &mut self.solved {
            *other = other.replace(&atom, &value);
        }
        self.solved.push((atom, value, why.to_owned()));
        true
    }

    /// Whether a solution relates only these constants to each other: two names, and no other constant. A number is one
    /// only for names of more than two letters.
    pub fn relates_only(&self, names: &[String]) -> bool {
        self.solved.iter().any(|(atom, value, _)| {
            let mut long = true;
            let mut known = |a: &Atom| match a {
                Atom::Const(name) => {
                    long &= name.len() > 2;
                    names.contains(name)
                }
                _ => true,
            };
            let mut only = known(atom);
            value.visit(&mut |a| only &= known(a));
            only && (value.value().is_none() || !long)
        })
    }

    /// Whether a solution mentions a constant.
    pub fn mentions(&self, name: &str) -> bool {
        let named = |a: &Atom| matches!(a, Atom::Const(n) if n == name);
        self.solved.iter().any(|(atom, value, _)| {
            let mut found = named(atom);
            Dim::atom(atom.clone()).visit(&mut |a| found |= named(a));
            value.visit(&mut |a| found |= named(a));
            found
        })
    }

    /// The solved quotients of constants.
    pub fn quotients(&self) -> Vec<(Atom, Dim)> {
        let all = self.solved.iter();
        all.filter(|(atom, ..)| !matches!(atom, Atom::Const(_)))
            .map(|(atom, value, _)| (atom.clone(), value.clone()))
            .collect()
    }

    /// A size with the solutions in place of the solved constants.
    pub fn substitute(&self, d: &Dim) -> Dim {
        let all = self.solved.iter();
        all.fold(d.clone(), |d, (atom, value, _)| d.replace(atom, value))
    }
}

/// The layer or op that an error begins with: "`conv` takes 3 channels, but ..".
fn demanding(why: &str) -> Option<&str> {
    let end = why.strip_prefix('`')?.find('`')? + 2;
    let verb = why[end..].split_whitespace().next()?;
    (verb == "takes" || verb == "cannot" || verb == "needs").then(|| &why[..end])
}

/// Whether `zero == 0` needs a root that is not an integer: no constant has a square of 15.
pub fn is_no_power(zero: &Dim) -> bool {
    let mut power = None;
    let mut number = 0;
    for (c, monomial) in zero.terms() {
        match monomial {
            [] => number = c,
            [(Atom::Const(_), n)] if *n >= 2 && power.is_none() => power = Some((c, *n)),
            _ => return false,
        }
    }
    let Some((c, n)) = power else { return false };
    let root = |v: &i64| v.checked_pow(n).and_then(|p| p.checked_mul(c)) == Some(-number);
    // The root as a float is off by less than 1.
    let near = (number as f64 / c as f64).abs().powf(1.0 / f64::from(n)) as i64;
    ![near - 1, near, near + 1]
        .iter()
        .filter(|v| **v >= 0)
        .any(root)
}

/// A constant and its value, from `zero == 0`. Of several constants, the best is one that stands alone, then one whose
/// factor divides the rest, then one of a network in a field.
fn solution(zero: &Dim) -> Option<(Atom, Dim)> {
    let mut found: Vec<((bool, bool, usize), Atom, Dim)> = Vec::new();
    for (c, monomial) in zero.terms() {
        for (atom, power) in monomial {
            let Atom::Const(name) = atom else { continue };
            let others: Vec<(Atom, u32)> =
                monomial.iter().filter(|m| m.0 != *atom).cloned().collect();
            let term = Dim::product(c, monomial);
            let rest = term.sub(zero);
            if *power != 1
                || rest.has(atom)
                || others.iter().any(|o| Dim::atom(o.0.clone()).has(atom))
            {
                continue;
            }
            let factor = Dim::product(c, &others);
            let whole = rest.div_exact(&factor);
            let (alone, exact) = (
                factor.value().is_some_and(|f| f.abs() == 1),
                whole.is_some(),
            );
            // A number that the factor does not divide is no solution.
            if !exact && factor.value().is_some() && rest.value().is_some() {
                continue;
            }
            let value = whole.unwrap_or_else(|| rest.div(&factor));
            // No size is 0 to make others equal.
            if value.value().is_some_and(|v| v < 1) {
                continue;
            }
            found.push((
                (alone, exact, name.matches("::").count()),
                atom.clone(),
                value,
            ));
        }
    }
    found.sort_by_key(|candidate| candidate.0);
    found.pop().map(|(_, atom, value)| (atom, value))
}

/// A quotient of constants and its value, from `zero == 0`, in which no constant can be solved.
fn quotient(zero: &Dim) -> Option<(Atom, Dim)> {
    let mut found: Vec<(bool, Atom, Dim)> = Vec::new();
    for (c, monomial) in zero.terms() {
        let [(atom @ (Atom::Quotient(..) | Atom::Floor(..)), 1)] = monomial else {
            continue;
        };
        let rest = Dim::product(c, monomial).sub(zero);
        if !is_constant(atom) || rest.has(atom) {
            continue;
        }
        let value = rest.div(&Dim::from(c));
        let number = rest.value().is_some();
        if number && value.value().is_none_or(|v| v < 1) {
            continue;
        }
        found.push((c.abs() == 1, atom.clone(), value));
    }
    found.sort_by_key(|candidate| candidate.0);
    found.pop().map(|(_, atom, value)| (atom, value))
}

/// A constant whose square is that of a sum: `SIDE * SIDE` elements are those of a square image.
fn root(zero: &Dim) -> Option<(Atom, Dim)> {
    zero.terms().find_map(|(c, monomial)| {
        let squares = monomial.iter().filter(|m| m.1 == 2);
        squares.into_iter().find_map(|(atom, _)| {
            if !is_constant(atom) {
                return None;
            }
            let others: Vec<(Atom, u32)> =
                monomial.iter().filter(|m| m.0 != *atom).cloned().collect();
            let rest = Dim::product(c, monomial).sub(zero);
            let square = rest.div(&Dim::product(c, &others));
            let root = square.square_root()?;
            (!root.has(atom)).then(|| (atom.clone(), root))
        })
    })
}

/// A constant, or a quotient of constants.
fn is_constant(atom: &Atom) -> bool {
    match atom {
        Atom::Const(_) => true,
        Atom::Quotient(..) | Atom::Floor(..) => Dim::atom(atom.clone()).names().is_empty(),
        _ => false,
    }
}

/// A constant as a multiple of a number and a remainder, under which `zero == 0`: `K - 2 * floor(K/2) - 1` is 0 if K is
/// odd, `2 * floor(K/2) + 1`.
fn remainder(zero: &Dim) -> Option<(Atom, Dim)> {
    let mut found: Vec<(Atom, i64)> = Vec::new();
    zero.visit(&mut |atom| {
        let Atom::Floor(p, q) = atom else { return };
        let Some(q @ 2..=64) = q.value() else { return };
        p.visit(&mut |inner| {
            if is_constant(inner) {
                found.push((inner.clone(), q));
            }
        });
    });
    found.into_iter().find_map(|(atom, q)| {
        let by = Dim::from(q);
        let whole = Dim::atom(atom.clone()).div_floor(&by).mul(&by);
        (0..q).find_map(|r| {
            let value = whole.add(&Dim::from(r));
            (zero.replace(&atom, &value) == Dim::from(0)).then(|| (atom.clone(), value))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn c(name: &str) -> Dim {
        Dim::atom(Atom::Const(name.to_owned()))
    }

    fn n(v: i64) -> Dim {
        Dim::from(v)
    }

    fn solved(pairs: &[(Dim, Dim)]) -> Option<Equalities> {
        let pair = |(left, right): &(Dim, Dim)| Pair {
            left: left.clone(),
            right: right.clone(),
            span: Span::call_site(),
            text: String::new(),
            function: String::new(),
        };
        Equalities::default().with(pairs.iter().map(pair).collect())
    }

    #[test]
    fn constants_take_the_values_that_make_sizes_equal() {
        let (d, h, w, b) = (c("D"), c("H"), c("Block::W"), Dim::named("B"));
        let cells = c("SIDE").sub(&c("P")).div_floor(&c("P")).add(&n(1));
        let whole = cells.mul(&cells).to_string();
        let half = c("K").div_floor(&n(2)).mul(&n(2));
        let table = [
            (
                b.sub(&c("K")).add(&half).add(&n(1)),
                b.clone(),
                vec![("K", "2*floor(K/2) + 1")],
            ),
            (d.clone(), n(32), vec![("D", "32")]),
            (d.mul(&n(3)), n(96), vec![("D", "32")]),
            (b.mul(&d), b.mul(&n(8)), vec![("D", "8")]),
            (d.clone(), w.clone(), vec![("Block::W", "D")]),
            (d.clone(), h.mul(&w), vec![("D", "Block::W*H")]),
            (h.mul(&w), n(32), vec![("Block::W", "32/H")]),
            (d.add(&n(1)), h.mul(&n(2)), vec![("D", "2*H - 1")]),
            (cells.mul(&cells), c("N"), vec![("N", &whole[..])]),
            (
                b.mul(&d).add(&h),
                b.mul(&n(4)).add(&n(7)),
                vec![("D", "4"), ("H", "7")],
            ),
        ];
        for (left, right, values) in table {
            assert!(may_be_equal(&left, &right), "{left} and {right}");
            let all = solved(&[(left.clone(), right.clone())]);
            let all = all.unwrap_or_else(|| panic!("{left} and {right}"));
            for (name, value) in values {
                assert_eq!(
                    all.value(name.to_owned()).to_string(),
                    value,
                    "{left} and {right}"
                );
            }
        }
    }

    #[test]
    fn solutions_of_several_pairs_hold_together() {
        let (d, h, w) = (c("D"), c("H"), c("W"));
        let all = solved(&[
            (d.clone(), h.mul(&n(4))),
            (h.clone(), w.clone()),
            (w.clone(), n(3)),
        ]);
        let all = all.expect("solvable");
        for (name, value) in [("D", "12"), ("H", "3"), ("W", "3")] {
            assert_eq!(all.value(name.to_owned()).to_string(), value);
        }
        assert_eq!(all.pairs.len(), 3);
    }

    #[test]
    fn sizes_that_cannot_be_equal_are_not_solved() {
        let (d, t) = (c("D"), Dim::named("T"));
        for (left, right) in [
            (n(3), n(4)),
            (t.clone(), n(32)),
            (t.clone(), d.clone()),
            (t.mul(&d), n(32)),
        ] {
            assert!(!may_be_equal(&left, &right), "{left} and {right}");
        }
        // The square of 5.6 is no size.
        assert!(solved(&[(d.mul(&d), n(32))]).is_none());
        assert!(solved(&[(d.mul(&n(3)), n(32))]).is_none());
        // Both cannot hold; the first does.
        let all = solved(&[(d.clone(), n(3)), (d.clone(), n(4))]).expect("the first");
        assert_eq!(all.pairs.len(), 1);
    }
}
