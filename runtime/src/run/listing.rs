//! Performs a large program that is emitted as data (`netform_core::listing`).
//!
//! Goes in: the bytes, the functions that they name, and the values that code has computed. Each function is called with
//! the arguments that its step lists.

use super::Run;
use super::refusal::LISTING;
use crate::emit::{div, minus};
use crate::spec::Site;
use crate::{Device, Offset, View};
use netform_core::listing::{At, Size, dtype_of, read};
use std::cell::RefCell;

/// A large program.
pub struct Listing<'a, D: Device> {
    /// Sizes, views and steps.
    pub program: &'a [u8],
    /// The functions of steps.
    pub functions: &'a [fn(&Run<'_, D>, &Args<'_>)],
    /// The places of all parameters.
    pub parameters: &'a [Offset],
    /// Values of sizes that others are computed from.
    pub sizes: &'a [usize],
    /// Numbers.
    pub numbers: &'a [f64],
    /// Integers.
    pub integers: &'a [i128],
    /// Streams of random numbers.
    pub streams: &'a [u64],
    /// Places in the user's source.
    pub sites: &'a [Site],
}

/// The arguments of a step.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    /// Views.
    pub views: &'a [View],
    /// Sizes.
    pub sizes: &'a [usize],
    /// Numbers.
    pub numbers: &'a [f64],
    /// Integers.
    pub integers: &'a [i128],
    /// Streams of random numbers.
    pub streams: &'a [u64],
    /// Places in the user's source.
    pub sites: &'a [Site],
}

impl Args<'_> {
    /// None.
    pub const NONE: Args<'static> = Args {
        views: &[],
        sizes: &[],
        numbers: &[],
        integers: &[],
        streams: &[],
        sites: &[],
    };
}

/// The memory of a program while it is performed. A thread keeps it, so that runs after the first allocate nothing.
#[derive(Default)]
struct Memory {
    sizes: Vec<usize>,
    views: Vec<View>,
    step: Step,
}

/// The arguments of a step.
#[derive(Default)]
struct Step {
    views: Vec<View>,
    sizes: Vec<usize>,
    numbers: Vec<f64>,
    integers: Vec<i128>,
    streams: Vec<u64>,
    sites: Vec<Site>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

impl<D: Device> Run<'_, D> {
    /// Performs a program.
    pub fn perform(&self, listing: &Listing<'_, D>) {
        // A custom op may run another program, which then has separate memory.
        let mut memory = MEMORY.try_with(RefCell::take).unwrap_or_default();
        if self.steps(listing, &mut memory).is_none() {
            self.refuse("a listing", LISTING);
        }
        // A thread that is ending keeps nothing.
        let _ = MEMORY.try_with(|kept| kept.replace(memory));
    }

    /// A step has other arguments than its function takes.
    pub fn refuse_arguments(&self) {
        self.refuse("a listing", LISTING);
    }

    /// `None` if the bytes end early, or name what does not exist.
    fn steps(&self, listing: &Listing<'_, D>, memory: &mut Memory) -> Option<()> {
        let Memory { sizes, views, step } = memory;
        let mut program = listing.program;
        compute(&mut program, listing.sizes, sizes)?;
        self.all_views(&mut program, sizes, listing.parameters, views)?;
        while !program.is_empty() {
            let function = listing.functions.get(read(&mut program)?)?;
            choose(&mut program, views, &mut step.views)?;
            choose(&mut program, sizes, &mut step.sizes)?;
            choose(&mut program, listing.numbers, &mut step.numbers)?;
            choose(&mut program, listing.integers, &mut step.integers)?;
            choose(&mut program, listing.streams, &mut step.streams)?;
            choose(&mut program, listing.sites, &mut step.sites)?;
            let args = Args {
                views: &step.views,
                sizes: &step.sizes,
                numbers: &step.numbers,
                integers: &step.integers,
                streams: &step.streams,
                sites: &step.sites,
            };
            function(self, &args);
        }
        Some(())
    }

    fn all_views(
        &self,
        program: &mut &[u8],
        sizes: &[usize],
        parameters: &[Offset],
        views: &mut Vec<View>,
    ) -> Option<()> {
        views.clear();
        for _ in 0..read(program)? {
            let (at, k) = (At::of(read(program)?)?, read(program)?);
            let dtype = dtype_of(read(program)?)?;
            let len = *sizes.get(read(program)?)?;
            views.push(match at {
                At::Slot => self.slot(k, dtype, len),
                At::Param => self.buffer_of(parameters, k, dtype, len),
                At::Grad => self.grad_of(parameters, k, len),
                At::State => self.state(k, dtype, len),
            });
        }
        Some(())
    }
}

/// Reads the arguments of one kind.
#[inline]
fn choose<T: Copy>(program: &mut &[u8], all: &[T], chosen: &mut Vec<T>) -> Option<()> {
    chosen.clear();
    for _ in 0..read(program)? {
        chosen.push(*all.get(read(program)?)?);
    }
    Some(())
}

/// All sizes. Sums and products saturate.
fn compute(program: &mut &[u8], leaves: &[usize], out: &mut Vec<usize>) -> Option<()> {
    out.clear();
    for _ in 0..read(program)? {
        let what = Size::of(read(program)?)?;
        let first = read(program)?;
        let mut operand = |out: &[usize]| out.get(read(program)?).copied();
        let size = match what {
            Size::Leaf => *leaves.get(first)?,
            Size::Number => first,
            Size::Product => {
                let mut product = 1usize;
                for _ in 0..first {
                    product = product.saturating_mul(operand(out)?);
                }
                product
            }
            Size::Sum => {
                let mut sum = 0usize;
                for _ in 0..first {
                    sum = sum.saturating_add(operand(out)?);
                }
                sum
            }
            Size::Difference => minus(*out.get(first)?, operand(out)?),
            Size::Quotient => div(*out.get(first)?, operand(out)?),
        };
        out.push(size);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netform_core::listing::write;

    #[test]
    fn sizes_are_computed_in_order() {
        let program = [
            8,
            // 5; leaf 0; leaf 1.
            Size::Number as usize,
            5,
            Size::Leaf as usize,
            0,
            Size::Leaf as usize,
            1,
            // 5 * leaf 0; the same plus leaf 1; less 5; by leaf 1; 5 by 0.
            Size::Product as usize,
            2,
            0,
            1,
            Size::Sum as usize,
            2,
            3,
            2,
            Size::Difference as usize,
            4,
            0,
            Size::Quotient as usize,
            5,
            2,
            Size::Difference as usize,
            0,
            4,
        ];
        let mut bytes = Vec::new();
        program.iter().for_each(|n| write(&mut bytes, *n));
        let part = |leaves: &[usize], end: usize| {
            let mut out = Vec::new();
            compute(&mut &bytes[..end], leaves, &mut out).map(|()| out)
        };
        let all = |leaves: &[usize]| part(leaves, bytes.len());
        assert_eq!(all(&[7, 2]), Some(vec![5, 7, 2, 35, 37, 32, 16, 0]));
        assert_eq!(
            all(&[usize::MAX, 0]).map(|s| (s[3], s[6])),
            Some((usize::MAX, 0))
        );
        assert_eq!(all(&[7]), None);
        for end in 0..bytes.len() {
            assert_eq!(part(&[7, 2], end), None);
        }
    }
}
