//! The parts of a launch: a module, its entry, the grid, and the parameters' values.

use crate::{Body, Form};

/// A module of PTX, by its parts: equal keys have equal texts, so a cache of loaded modules is indexed by the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Module {
    /// The kernel and its variant.
    pub form: Form,
    /// The fused body; the identity for kernels without one.
    pub body: Body,
    /// The body's scalars are read from device memory instead of the parameters.
    pub device_scalars: bool,
}

/// One launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The module.
    pub module: Module,
    /// The number of blocks.
    pub grid: [u32; 3],
    /// The number of threads of a block.
    pub block: [u32; 3],
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    /// The parameters' values.
    pub params: Params,
}

/// Launches to be made one after the other; empty if there is nothing to do.
pub type Plan = Vec<Launch>;

impl Launch {
    /// The entry's name in the module.
    pub fn entry(&self) -> &'static str {
        self.module.form.entry()
    }
}

/// Values in the order of an entry's parameters, laid out as the entry expects them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

impl Params {
    /// The buffer, for `CU_LAUNCH_PARAM_BUFFER_POINTER`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The start of each parameter, for `kernelParams`.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    fn push<const N: usize>(&mut self, value: [u8; N]) {
        self.bytes.resize(self.bytes.len().next_multiple_of(N), 0);
        self.offsets.push(self.bytes.len());
        self.bytes.extend(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.push(value.to_ne_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.push(value.to_ne_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.push(value.to_ne_bytes());
    }

    pub(crate) fn f32(&mut self, value: f32) {
        self.push(value.to_ne_bytes());
    }

    /// A divisor for `divide` of `common.ptx`.
    pub(crate) fn divisor(&mut self, d: u32) {
        let shift = d.max(1).next_power_of_two().trailing_zeros();
        let magic = ((((1u64 << shift) - u64::from(d.max(1))) << 32) / u64::from(d.max(1))) + 1;
        self.u32(d);
        self.u32(magic as u32);
        self.u32(shift);
    }
}

/// The reason why there is no launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// More elements, or larger strides, than fit in 31 bits; or more operands than a kernel has parameters for.
    TooLarge,
    /// There is no kernel for elements of these types.
    Types,
    /// The number of operands, outputs or scalars differs from that of the body, or more than 6 dimensions cannot be
    /// merged.
    Malformed,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Error::TooLarge => "an array has more elements than a kernel can count (2^31), or a call too many operands",
            Error::Types => "there is no kernel for elements of these types",
            Error::Malformed => "a kernel call does not fit its body",
        })
    }
}

impl std::error::Error for Error {}

/// A number of elements, in the kernels' type.
pub(crate) fn count(n: usize) -> Result<u32, Error> {
    u32::try_from(n)
        .ok()
        .filter(|n| *n < 1 << 31)
        .ok_or(Error::TooLarge)
}

/// The product of these sizes, in the kernels' type.
pub(crate) fn total(shape: &[usize]) -> Result<u32, Error> {
    if shape.contains(&0) {
        return Ok(0);
    }
    let product = shape.iter().try_fold(1usize, |a, b| a.checked_mul(*b));
    count(product.ok_or(Error::TooLarge)?)
}

/// A stride, in the kernels' type.
pub(crate) fn stride(s: i64) -> Result<i32, Error> {
    i32::try_from(s).map_err(|_| Error::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::{Error, Params, count, total};

    #[test]
    fn parameters_are_aligned() {
        let mut p = Params::default();
        p.u32(1);
        p.u64(2);
        p.f32(1.0);
        p.i32(-1);
        p.u64(3);
        assert_eq!(p.offsets(), [0, 8, 16, 20, 24]);
        assert_eq!(p.bytes().len(), 32);
        assert_eq!(p.bytes()[20..24], [255; 4]);
    }

    /// The division of `common.ptx`.
    #[test]
    fn divisors() {
        for d in (1..2000).chain([4095, 4096, 65_537, 1 << 30, (1 << 31) - 1]) {
            let mut p = Params::default();
            p.divisor(d);
            let word = |i: usize| {
                let four = [0, 1, 2, 3].map(|b| p.bytes()[4 * i + b]);
                u32::from_ne_bytes(four)
            };
            let (magic, shift) = (u64::from(word(1)), word(2));
            let near = [0, 1, d - 1, d, d + 1, 2 * (d / 2), (1 << 31) - 1];
            for n in near.into_iter().chain((0..1000).map(|i| i * 2_147_483)) {
                let n = n.min((1 << 31) - 1);
                let high = ((u64::from(n) * magic) >> 32) as u32;
                assert_eq!((high + n) >> shift, n / d, "{n} / {d}");
            }
        }
    }

    #[test]
    fn sizes_are_counted() {
        assert_eq!(count((1 << 31) - 1), Ok((1 << 31) - 1));
        assert_eq!(count(1 << 31), Err(Error::TooLarge));
        assert_eq!(total(&[1 << 40, 0, 1 << 40]), Ok(0));
        assert_eq!(total(&[usize::MAX, 2]), Err(Error::TooLarge));
        assert_eq!(total(&[]), Ok(1));
    }
}
