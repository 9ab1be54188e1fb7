//! Sizes as data: a list of instructions that the runtime runs (`runtime/src/run/listing.rs`), because rustc takes longer for
//! an expression than for some bytes.
//!
//! Goes in: sizes. Comes out: the number of each in the list, the values that only code can compute, and the bytes.

use super::dims;
use crate::dim::{Atom, Dim};
use netform_core::listing::{self, Size, write};
use proc_macro2::TokenStream;
use rustc_hash::FxHashMap;

/// The sizes of one program.
#[derive(Default)]
pub struct Sizes {
    known: FxHashMap<Dim, usize>,
    atoms: FxHashMap<Atom, usize>,
    /// Named dimensions, Rust constants and other values that code computes.
    pub leaves: Vec<TokenStream>,
    code: Vec<u8>,
    count: usize,
}

impl Sizes {
    /// The number of a size.
    pub fn number(&mut self, d: &Dim) -> usize {
        if let Some(k) = self.known.get(d) {
            return *k;
        }
        let k = self.add(d);
        self.known.insert(d.clone(), k);
        k
    }

    fn add(&mut self, d: &Dim) -> usize {
        if let Some(v) = d.value() {
            return self.push(Size::Number, &[usize::try_from(v).unwrap_or(0)]);
        }
        let (mut plus, mut minus) = (Vec::new(), Vec::new());
        for (c, monomial) in d.terms() {
            let (above, below) = Dim::fraction(monomial);
            let mut factors = Vec::new();
            let size = c.unsigned_abs();
            if size != 1 || above.is_empty() {
                factors.push(self.number(&Dim::from(size.try_into().unwrap_or(i64::MAX))));
            }
            for (a, power) in &above {
                let a = self.atom(a);
                factors.extend((0..*power).map(|_| a));
            }
            let mut term = self.all(Size::Product, factors);
            if !below.is_one() {
                let below = self.number(&below);
                term = self.push(Size::Quotient, &[term, below]);
            }
            if c > 0 {
                plus.push(term);
            } else {
                minus.push(term);
            }
        }
        let less = (!minus.is_empty()).then(|| self.all(Size::Sum, minus));
        let more = self.all(Size::Sum, plus);
        match less {
            Some(less) => self.push(Size::Difference, &[more, less]),
            None => more,
        }
    }

    fn atom(&mut self, a: &Atom) -> usize {
        if let Some(k) = self.atoms.get(a) {
            return *k;
        }
        let k = match a {
            Atom::Quotient(p, q) | Atom::Floor(p, q) => {
                let (p, q) = (self.number(p), self.number(q));
                self.push(Size::Quotient, &[p, q])
            }
            _ => {
                self.leaves.push(dims::atom(a));
                self.push(Size::Leaf, &[self.leaves.len() - 1])
            }
        };
        self.atoms.insert(a.clone(), k);
        k
    }

    /// The sum or product of some; of one it is that one, and a sum of none is 0.
    fn all(&mut self, how: Size, items: Vec<usize>) -> usize {
        match items.as_slice() {
            [] => self.number(&Dim::from(0)),
            [one] => *one,
            _ => {
                let operands: Vec<usize> = [items.len()].into_iter().chain(items).collect();
                self.push(how, &operands)
            }
        }
    }

    fn push(&mut self, what: Size, operands: &[usize]) -> usize {
        write(&mut self.code, what as usize);
        operands.iter().for_each(|k| write(&mut self.code, *k));
        self.count += 1;
        self.count - 1
    }

    /// The bytes: the number of instructions, and these.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        listing::write(&mut out, self.count);
        out.extend(&self.code);
        out
    }
}
