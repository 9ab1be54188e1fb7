//! The operands of a call, and the merging of dimensions with compatible strides.

use crate::launch::{Error, Params, count, stride};
use crate::{Body, Module};

/// The maximum number of dimensions of a kernel's loop.
pub(crate) const RANK: usize = 6;

/// A device address.
pub type Addr = u64;

/// Bytes of a float.
pub const FLOAT: usize = size_of::<f32>();

/// A resolved operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arg {
    /// The first element's address (unused for an iota).
    pub addr: Addr,
    /// An iota's first value.
    pub start: i64,
    /// Strides in elements, outermost first.
    pub strides: Vec<i64>,
}

impl Arg {
    /// An operand in memory.
    pub fn new(addr: Addr, strides: &[i64]) -> Self {
        Self {
            addr,
            start: 0,
            strides: strides.to_vec(),
        }
    }

    /// An operand computed from its position.
    pub fn iota(start: i64, strides: &[i64]) -> Self {
        Self {
            addr: 0,
            start,
            strides: strides.to_vec(),
        }
    }
}

/// The scalars of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalars<'a> {
    /// Their values, which are constant if the launch is captured in a graph.
    Values(&'a [f32]),
    /// The same number of floats in device memory, read by each launch.
    Device {
        /// The first float.
        addr: Addr,
        /// The address of a flag: a map does nothing unless it is 0, so that parameters are not updated after an error.
        guard: Addr,
    },
}

impl Scalars<'_> {
    /// No scalars.
    pub const NONE: Scalars<'static> = Scalars::Values(&[]);

    pub(crate) fn on_device(self) -> bool {
        matches!(self, Scalars::Device { .. })
    }
}

/// The shape without dimensions of 1, with dimensions merged where all operands have compatible strides. At least one
/// dimension remains.
pub(crate) fn collapse(shape: &[usize], args: &[Arg]) -> (Vec<usize>, Vec<Arg>) {
    let mut sizes: Vec<usize> = Vec::new();
    let mut out: Vec<Arg> = args
        .iter()
        .map(|a| Arg {
            strides: Vec::new(),
            ..*a
        })
        .collect();
    for (d, &n) in shape.iter().enumerate().filter(|(_, n)| **n != 1) {
        let even = |a: &Arg, o: &Arg| o.strides.last() == Some(&(a.strides[d] * n as i64));
        let merge = !sizes.is_empty() && args.iter().zip(&out).all(|(a, o)| even(a, o));
        for (a, o) in args.iter().zip(&mut out) {
            if merge {
                o.strides.pop();
            }
            o.strides.push(a.strides[d]);
        }
        match sizes.last_mut() {
            Some(last) if merge => *last *= n,
            _ => sizes.push(n),
        }
    }
    if sizes.is_empty() {
        sizes.push(1);
        out.iter_mut().for_each(|o| o.strides.push(0));
    }
    (sizes, out)
}

/// Checks that a call fits its body: `given` operands are not in the list.
pub(crate) fn check(
    body: &Body,
    given: usize,
    rank: usize,
    inputs: &[Arg],
    outputs: usize,
    scalars: Scalars,
) -> Result<(), Error> {
    let enough = match scalars {
        Scalars::Values(v) => v.len() >= body.scalars(),
        Scalars::Device { .. } => true,
    };
    let fits = body.well_formed()
        && inputs.len() + given == body.inputs.len()
        && inputs.iter().all(|a| a.strides.len() == rank)
        && outputs == body.results.len()
        && enough;
    if fits { Ok(()) } else { Err(Error::Malformed) }
}

/// The values of the parameters that `Splice::params` declares.
pub(crate) fn params(
    module: &Module,
    given: usize,
    inputs: &[Arg],
    outputs: &[Addr],
    scalars: Scalars,
) -> Result<Params, Error> {
    let mut p = Params::default();
    for (operand, arg) in module.body.inputs[given..].iter().zip(inputs) {
        if operand.iota {
            p.u64(arg.start.cast_unsigned());
        } else {
            p.u64(arg.addr);
        }
        for s in &arg.strides {
            p.i32(stride(*s)?);
        }
    }
    for y in outputs {
        p.u64(*y);
    }
    match scalars {
        Scalars::Values(v) => v[..module.body.scalars()].iter().for_each(|s| p.f32(*s)),
        Scalars::Device { addr, guard } => {
            p.u64(addr);
            p.u64(guard);
        }
    }
    // A kernel has 4 KiB of parameters. Its other parameters are few.
    if p.bytes().len() > 3968 {
        return Err(Error::TooLarge);
    }
    Ok(p)
}

/// Whether an address is aligned to this number of bytes.
pub(crate) fn aligned(addr: Addr, bytes: u64) -> bool {
    addr.is_multiple_of(bytes)
}

/// Blocks of 256 threads for this number of units, but not more than keep a full GPU busy: each thread loops over
/// units.
pub(crate) fn blocks(units: usize) -> Result<u32, Error> {
    Ok(count(units.div_ceil(256))?.clamp(1, 4096))
}

#[cfg(test)]
mod tests {
    use super::{Arg, collapse};

    #[test]
    fn dimensions_merge_where_all_cross_evenly() {
        let both = |a: &[i64], b: &[i64]| [Arg::new(0, a), Arg::new(0, b)];
        let (shape, args) = collapse(&[2, 1, 3, 4], &both(&[12, 99, 4, 1], &[12, 5, 4, 1]));
        assert_eq!((shape, &args[0].strides[..]), (vec![24], &[1][..]));
        let (shape, args) = collapse(&[2, 3, 4], &both(&[12, 4, 1], &[0, 0, 1]));
        assert_eq!(shape, [6, 4]);
        assert_eq!(
            (&args[0].strides[..], &args[1].strides[..]),
            (&[4, 1][..], &[0, 1][..])
        );
        let (shape, args) = collapse(&[2, 3, 4], &both(&[12, 4, 1], &[0, 0, 0]));
        assert_eq!((shape, &args[1].strides[..]), (vec![24], &[0][..]));
        let (shape, args) = collapse(&[1, 1], &both(&[5, 5], &[7, 7]));
        assert_eq!((shape, &args[1].strides[..]), (vec![1], &[0][..]));
    }
}
