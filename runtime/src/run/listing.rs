//! Performs a large program that is emitted as data (`netform_core::listing`).
//!
//! Goes in: the bytes, the functions that they name, and the values that code has computed. Each function is called with
//! the arguments that its step lists.

use super::Run;
use super::refusal::LISTING;
use crate::emit::{div, minus};
use crate::{Device, Offset, Site, View};
use netform_core::listing::{At, Size, dtype_of, read};

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

/// The arguments of one kind: those of a step, out of all.
struct Chosen<'a, T> {
    all: &'a [T],
    of_step: Vec<T>,
}

impl<'a, T: Copy> Chosen<'a, T> {
    fn new(all: &'a [T]) -> Self {
        Chosen {
            all,
            of_step: Vec::new(),
        }
    }

    /// Reads those of the next step.
    #[inline]
    fn read(&mut self, program: &mut &[u8]) -> Option<()> {
        self.of_step.clear();
        for _ in 0..read(program)? {
            self.of_step.push(*self.all.get(read(program)?)?);
        }
        Some(())
    }
}

impl<D: Device> Run<'_, D> {
    /// Performs a program.
    pub fn perform(&self, listing: &Listing<'_, D>) {
        if self.steps(listing).is_none() {
            self.refuse("a listing", LISTING);
        }
    }

    /// `None` if the bytes end early, or name what does not exist.
    fn steps(&self, listing: &Listing<'_, D>) -> Option<()> {
        let mut program = listing.program;
        let sizes = sizes(&mut program, listing.sizes)?;
        let views = self.all_views(&mut program, &sizes, listing.parameters)?;
        let mut views = Chosen::new(&views);
        let mut sizes = Chosen::new(&sizes);
        let mut numbers = Chosen::new(listing.numbers);
        let mut integers = Chosen::new(listing.integers);
        let mut streams = Chosen::new(listing.streams);
        let mut sites = Chosen::new(listing.sites);
        while !program.is_empty() {
            let function = listing.functions.get(read(&mut program)?)?;
            views.read(&mut program)?;
            sizes.read(&mut program)?;
            numbers.read(&mut program)?;
            integers.read(&mut program)?;
            streams.read(&mut program)?;
            sites.read(&mut program)?;
            let args = Args {
                views: &views.of_step,
                sizes: &sizes.of_step,
                numbers: &numbers.of_step,
                integers: &integers.of_step,
                streams: &streams.of_step,
                sites: &sites.of_step,
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
    ) -> Option<Vec<View>> {
        let count = read(program)?;
        // Each takes at least four bytes.
        let mut views = Vec::with_capacity(count.min(program.len() / 4));
        for _ in 0..count {
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
        Some(views)
    }
}

/// All sizes. Sums and products saturate.
fn sizes(program: &mut &[u8], leaves: &[usize]) -> Option<Vec<usize>> {
    let count = read(program)?;
    // Each takes at least two bytes.
    let mut out = Vec::with_capacity(count.min(program.len() / 2));
    for _ in 0..count {
        let what = Size::of(read(program)?)?;
        let first = read(program)?;
        let mut operand = |out: &[usize]| out.get(read(program)?).copied();
        let size = match what {
            Size::Leaf => *leaves.get(first)?,
            Size::Number => first,
            Size::Product => {
                let mut product = 1usize;
                for _ in 0..first {
                    product = product.saturating_mul(operand(&out)?);
                }
                product
            }
            Size::Sum => {
                let mut sum = 0usize;
                for _ in 0..first {
                    sum = sum.saturating_add(operand(&out)?);
                }
                sum
            }
            Size::Difference => minus(*out.get(first)?, operand(&out)?),
            Size::Quotient => div(*out.get(first)?, operand(&out)?),
        };
        out.push(size);
    }
    Some(out)
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
        let all = |leaves: &[usize]| sizes(&mut &bytes[..], leaves);
        assert_eq!(all(&[7, 2]), Some(vec![5, 7, 2, 35, 37, 32, 16, 0]));
        assert_eq!(
            all(&[usize::MAX, 0]).map(|s| (s[3], s[6])),
            Some((usize::MAX, 0))
        );
        assert_eq!(all(&[7]), None);
        for end in 0..bytes.len() {
            assert_eq!(sizes(&mut &bytes[..end], &[7, 2]), None);
        }
    }
}
