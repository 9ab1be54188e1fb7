//! A large program as data: tables of its sizes, views and other values, and its steps. A step is the number of a
//! function and the positions of its arguments in the tables. The runtime performs it (`runtime/src/run/listing.rs`).
//! rustc then checks and compiles each function once, and nothing for each step outside of loops.
//!
//! Goes in: values, for which positions are returned, and steps. Comes out: one call of the runtime.

use super::outline::{Kind, Parameter, Value};
use super::sizes::Sizes;
use crate::dim::Dim;
use crate::ir::DType;
use crate::passes::memory::Place;
use netform_core::listing::{self, At, write};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// The tables of one program.
#[derive(Default)]
pub struct Listing(RefCell<Tables>);

#[derive(Default)]
struct Tables {
    sizes: Sizes,
    known: FxHashMap<(Place, DType, Dim), usize>,
    views: Vec<u8>,
    numbers: FxHashMap<Dim, usize>,
    /// The values of the kinds that code computes.
    written: [Vec<TokenStream>; Kind::ALL.len()],
    functions: Vec<Ident>,
    numbered: FxHashMap<Ident, usize>,
    steps: Vec<u8>,
}

impl Listing {
    /// The position of a size.
    pub fn size(&self, d: &Dim) -> usize {
        self.0.borrow_mut().sizes.number(d)
    }

    /// The position of the view of a place, which is the same in all steps of all loops.
    pub fn view(&self, place: &Place, dtype: DType, len: &Dim) -> usize {
        let tables = &mut *self.0.borrow_mut();
        let key = (place.clone(), dtype, len.clone());
        if let Some(k) = tables.known.get(&key) {
            return *k;
        }
        let (at, k) = match place {
            Place::Slot(slot) => (At::Slot, *slot),
            Place::Param(p) => (At::Param, *p),
            Place::Grad(p) => (At::Grad, *p),
            Place::State(k) => (At::State, *k),
            // No step reads or writes it.
            Place::Part(..) | Place::Open => (At::Slot, usize::MAX),
        };
        let len = tables.sizes.number(len);
        for number in [at as usize, k, listing::dtype(dtype), len] {
            write(&mut tables.views, number);
        }
        tables.known.insert(key, tables.known.len());
        tables.known.len() - 1
    }

    /// The position of a number.
    pub fn number(&self, d: &Dim) -> usize {
        let known = self.0.borrow().numbers.get(d).copied();
        known.unwrap_or_else(|| {
            let k = self.value(Kind::Number, super::dims::number(d));
            self.0.borrow_mut().numbers.insert(d.clone(), k);
            k
        })
    }

    /// The position of another value, given as code.
    pub fn value(&self, kind: Kind, value: TokenStream) -> usize {
        let written = &mut self.0.borrow_mut().written[kind as usize];
        written.push(value);
        written.len() - 1
    }

    /// Adds a step: a call of a function with entries of the tables.
    pub fn step(&self, function: &Ident, all: &[Parameter]) {
        let tables = &mut *self.0.borrow_mut();
        let known = tables.numbered.get(function).copied();
        let k = known.unwrap_or_else(|| {
            tables.functions.push(function.clone());
            let k = tables.functions.len() - 1;
            tables.numbered.insert(function.clone(), k);
            k
        });
        write(&mut tables.steps, k);
        for kind in Kind::ALL {
            let of = all.iter().filter(|(k, _)| *k == kind);
            let entries = of.filter_map(|(_, value)| match value {
                Value::Entry(entry) => Some(*entry),
                Value::Written(_) => None,
            });
            let entries: Vec<usize> = entries.collect();
            write(&mut tables.steps, entries.len());
            entries
                .into_iter()
                .for_each(|entry| write(&mut tables.steps, entry));
        }
    }

    /// The call that performs it.
    pub fn perform(&self) -> TokenStream {
        let tables = self.0.borrow();
        let mut program = tables.sizes.bytes();
        write(&mut program, tables.known.len());
        program.extend(&tables.views);
        program.extend(&tables.steps);
        let program = Literal::byte_string(&program);
        let (leaves, functions) = (&tables.sizes.leaves, &tables.functions);
        let written = |kind: Kind| &tables.written[kind as usize];
        let (numbers, integers) = (written(Kind::Number), written(Kind::Integer));
        let (streams, sites) = (written(Kind::Stream), written(Kind::Site));
        quote! {
            run.perform(&__nf::Listing {
                program: #program,
                functions: &[#(#functions),*],
                parameters: Self::__OFFSETS,
                sizes: &[#(#leaves),*],
                numbers: &[#(#numbers),*],
                integers: &[#(#integers),*],
                streams: &[#(#streams),*],
                sites: &[#(#sites),*],
            });
        }
    }
}
