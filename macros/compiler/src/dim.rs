//! Dimensions: integer polynomials over symbols, in normal form.
//!
//! Equal dimensions have equal normal forms, so `4 * D` equals `D * 4` and `D / H * H` equals `D`
//! (the quotient carries the obligation that `H` divides `D`). Two different names never unify.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::f64::consts::E;
use std::fmt;
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
    fn symbol(self) -> Option<&'static str> {
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

/// An operand of a formula.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// The bits of an `f64`.
    Number(u64),
    /// A size, a float constant, or another formula.
    Size(Dim),
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

    /// Whether it has exact quotients.
    pub fn has_quotients(&self) -> bool {
        let atoms = self.terms.keys().flatten();
        atoms
            .into_iter()
            .any(|(atom, _)| matches!(atom, Atom::Quotient(..)))
    }

    /// `n * Q(p, n)` is `p`.
    fn cancel_literal_quotients(&self) -> Dim {
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
    fn join_literal_quotients(self) -> Dim {
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
            part.below > 1 && (open || !part.factor.is_empty())
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
        let known = self.div_exact(other).or_else(product).or_else(part);
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
                return match self.div_exact(&part) {
                    Some(p) => p.div_floor(&Dim::from(q / common)),
                    None => self.clone(),
                };
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

fn exact(a: i64, b: i64) -> Option<i64> {
    (b != 0 && a % b == 0).then(|| a / b)
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

/// `[B, 8]`.
pub fn show_shape(shape: &[Dim]) -> String {
    let dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
    format!("[{}]", dims.join(", "))
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

/// A term as a fraction of a product: `3 B C/2` is three halves of `B C`, and `B` stands beside the quotient.
struct Fraction {
    whole: Monomial,
    factor: Monomial,
    above: i64,
    below: i64,
}

/// A term as a fraction; `None` if it has several quotients by numbers.
fn fraction(monomial: &Monomial, c: i64) -> Option<Fraction> {
    let mut parts = monomial
        .iter()
        .enumerate()
        .filter_map(|(i, (atom, power))| {
            let Atom::Quotient(p, q) = atom else {
                return None;
            };
            Some((i, p, q.value().filter(|q| *q > 0)?, *power))
        });
    let Some((i, p, below, power)) = parts.next() else {
        return Some(Fraction {
            whole: monomial.clone(),
            factor: Vec::new(),
            above: c,
            below: 1,
        });
    };
    let (divided, by) = p.terms.first_key_value()?;
    if parts.next().is_some() || power != 1 || p.terms.len() != 1 {
        return None;
    }
    let mut factor = monomial.clone();
    factor.remove(i);
    let (whole, None) = times(&factor, divided) else {
        return None;
    };
    Some(Fraction {
        whole,
        factor,
        above: c.checked_mul(*by)?,
        below,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn d(name: &str) -> Dim {
        Dim::named(name)
    }
    fn n(value: i64) -> Dim {
        Dim::from(value)
    }

    #[test]
    fn normal_forms_are_equal_when_values_are() {
        assert_eq!(n(4).mul(&d("D")), d("D").mul(&n(4)));
        assert_eq!(
            d("B").add(&d("T")).mul(&d("B")),
            d("B").mul(&d("B")).add(&d("T").mul(&d("B")))
        );
        assert_ne!(d("B"), d("T"));
        assert_eq!(d("B").sub(&d("B")), n(0));
    }

    #[test]
    fn parts_by_numbers_are_one_part() {
        let (c, b) = (d("C"), d("B"));
        let by = |n: i64| c.div(&Dim::from(n));
        let table = [
            (c.sub(&by(2)), by(2)),
            (by(2).add(&by(2)), c.clone()),
            (by(4).mul(&Dim::from(2)).add(&b), by(2).add(&b)),
            (by(4).add(&by(4)), by(2)),
            (by(2).sub(&by(4)), by(4)),
            (c.sub(&by(4).mul(&Dim::from(3))), by(4)),
            (by(2).add(&by(3)).add(&by(6)), c.clone()),
            (b.mul(&c).sub(&b.mul(&by(2))), b.mul(&by(2))),
            (b.add(&c).sub(&by(2)).sub(&b), by(2)),
            (c.sub(&by(2)).sub(&by(2)), Dim::from(0)),
            (c.mul(&Dim::from(-1)).div(&Dim::from(2)).add(&c), by(2)),
        ];
        for (k, (have, want)) in table.iter().enumerate() {
            assert_eq!(have, want, "{k}: {have} and {want}");
        }
        assert_eq!(by(2).div(&Dim::from(2)), by(4));
        assert_eq!(c.mul(&Dim::from(3)).div(&Dim::from(6)), by(2));
        assert_eq!(
            c.mul(&Dim::from(3)).div(&Dim::from(2)),
            by(2).mul(&Dim::from(3))
        );
        assert_eq!(c.add(&by(2)).to_string(), "3*(C/2)");
        let value = |a: &Atom| if *a == Atom::Named("C".into()) { 12 } else { 5 };
        assert_eq!(c.add(&by(2)).add(&by(3)).eval(&value), Some(22));
    }

    #[test]
    fn every_quotient_cancels() {
        let (s, w, v) = (d("S"), d("W"), d("V"));
        let windows = s.div(&w).mul(&s.div(&w));
        assert_eq!(windows.mul(&w).mul(&w), s.mul(&s));
        assert_eq!(windows.mul(&w.mul(&w)), s.mul(&s));
        let (both, product) = (s.div(&w.mul(&v)), w.mul(&v));
        assert_eq!(both.mul(&product), s);
        assert_eq!(numel(&[both, v, w]), s);
    }

    #[test]
    fn quotients_cancel_with_their_divisor() {
        let heads = d("D").div(&d("H"));
        assert_eq!(heads.mul(&d("H")), d("D"));
        assert_eq!(d("B").div(&n(2)).mul(&n(2)), d("B"));
        assert_eq!(d("B").div(&n(2)).mul(&n(4)), d("B").mul(&n(2)));
        assert_eq!(d("B").div(&n(2)).add(&d("B").div(&n(2))), d("B"));
        assert_eq!(d("B").mul(&n(12)).div_exact(&n(2)), Some(d("B").mul(&n(6))));
        assert_eq!(
            d("B").mul(&d("T")).div_exact(&d("B").div(&n(2))),
            Some(d("T").mul(&n(2)))
        );
        let sum = d("B").add(&n(1));
        assert_eq!(sum.mul(&d("T")).div_exact(&sum), Some(d("T")));
        assert_eq!(sum.div_exact(&d("B")), None);
    }

    #[test]
    fn quotients_rounded_down_have_one_form() {
        let half = d("T").div_floor(&n(2));
        assert_eq!(d("T").sub(&n(2)).div_floor(&n(2)).add(&n(1)), half);
        assert_eq!(d("T").mul(&n(2)).add(&n(1)).div_floor(&n(2)), d("T"));
        assert_eq!(half.div_floor(&n(2)), d("T").div_floor(&n(4)));
        let patches = d("S").sub(&d("P")).div_floor(&d("P")).add(&n(1));
        assert_eq!(patches, d("S").div_floor(&d("P")));
        let left = d("T").add(&d("S")).sub(&d("P"));
        assert_eq!(left.div_floor(&d("S")).terms().count(), 1);
        let odd = d("T").sub(&n(1)).div_floor(&n(2));
        assert_eq!(odd.add(&n(1)), d("T").add(&n(1)).div_floor(&n(2)));
        for t in 1..20 {
            let env = |_: &Atom| t;
            let twice = half.add(&n(3)).div_floor(&n(3)).eval(&env);
            assert_eq!(twice, Some((t.div_euclid(2) + 3).div_euclid(3)));
            assert_eq!(odd.eval(&env), Some((t - 1).div_euclid(2)));
        }
    }

    #[test]
    fn shown_as_a_user_would_write_them() {
        assert_eq!(d("T").mul(&n(2)).sub(&n(3)).to_string(), "2*T - 3");
        assert_eq!(d("D").div(&d("H")).to_string(), "D/H");
        assert_eq!(
            d("T").sub(&n(3)).div_floor(&n(2)).add(&n(1)).to_string(),
            "floor((T + 1)/2) - 1"
        );
        assert_eq!(show_shape(&[d("B"), n(8)]), "[B, 8]");
    }

    #[test]
    fn evaluates() {
        let env = |atom: &Atom| {
            if *atom == Atom::Named("B".into()) {
                7
            } else {
                3
            }
        };
        assert_eq!(d("B").div_floor(&n(2)).add(&d("T")).eval(&env), Some(6));
        assert_eq!(
            d("B").div_floor(&d("T").sub(&d("T").add(&n(0)))).eval(&env),
            None
        );
    }
}
