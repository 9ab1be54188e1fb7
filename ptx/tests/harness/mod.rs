//! Runs plans on the emulator, and has the common parts of the numeric tests.
#![allow(dead_code)]

mod driver;

use driver::Driver;
use netform_ptx::{Body, DType, Inner, Operand, Plan, Scalar, Step};

/// A device, emulated by default. Its memory is freed with it.
pub struct Gpu {
    driver: Driver,
    spaces: Vec<u64>,
}

impl Default for Gpu {
    fn default() -> Self {
        Self {
            driver: Driver::new(),
            spaces: Vec::new(),
        }
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        self.spaces.iter().for_each(|at| self.driver.free(*at));
    }
}

/// A type of arrays on the device.
pub trait Element: Copy + Default + PartialEq + std::fmt::Debug {
    fn bytes(x: &[Self]) -> Vec<u8>;
    fn from(bytes: &[u8]) -> Vec<Self>;
}

impl Element for f32 {
    fn bytes(x: &[Self]) -> Vec<u8> {
        x.iter().flat_map(|v| v.to_ne_bytes()).collect()
    }
    fn from(bytes: &[u8]) -> Vec<Self> {
        let four = |c: &[u8]| f32::from_ne_bytes([c[0], c[1], c[2], c[3]]);
        bytes.chunks(4).map(four).collect()
    }
}

impl Element for i32 {
    fn bytes(x: &[Self]) -> Vec<u8> {
        x.iter().flat_map(|v| v.to_ne_bytes()).collect()
    }
    fn from(bytes: &[u8]) -> Vec<Self> {
        let four = |c: &[u8]| i32::from_ne_bytes([c[0], c[1], c[2], c[3]]);
        bytes.chunks(4).map(four).collect()
    }
}

impl Element for i64 {
    fn bytes(x: &[Self]) -> Vec<u8> {
        x.iter().flat_map(|v| v.to_ne_bytes()).collect()
    }
    fn from(bytes: &[u8]) -> Vec<Self> {
        let eight = |c: &[u8]| i64::from_ne_bytes(c.try_into().unwrap());
        bytes.chunks(8).map(eight).collect()
    }
}

impl Element for u64 {
    fn bytes(x: &[Self]) -> Vec<u8> {
        x.iter().flat_map(|v| v.to_ne_bytes()).collect()
    }
    fn from(bytes: &[u8]) -> Vec<Self> {
        let eight = |c: &[u8]| u64::from_ne_bytes(c.try_into().unwrap());
        bytes.chunks(8).map(eight).collect()
    }
}

impl Element for u8 {
    fn bytes(x: &[Self]) -> Vec<u8> {
        x.to_vec()
    }
    fn from(bytes: &[u8]) -> Vec<Self> {
        bytes.to_vec()
    }
}

impl Gpu {
    /// Whether fresh memory is NaN; a real GPU's memory has its old contents.
    pub fn marks_fresh_memory(&self) -> bool {
        driver::emulated()
    }

    /// Memory of this number of bytes, with undefined contents.
    pub fn space(&mut self, bytes: usize) -> u64 {
        let at = self.driver.alloc(bytes);
        self.spaces.push(at);
        at
    }

    /// An array on the device.
    pub fn array<T: Element>(&mut self, x: &[T]) -> u64 {
        let bytes = T::bytes(x);
        let at = self.space(bytes.len());
        self.driver.write(at, &bytes);
        at
    }

    /// An array that begins this many bytes after an aligned address.
    pub fn array_at<T: Element>(&mut self, x: &[T], offset: usize) -> u64 {
        let bytes = T::bytes(x);
        let at = self.space(bytes.len() + offset) + offset as u64;
        self.driver.write(at, &bytes);
        at
    }

    /// `len` elements from an address on.
    pub fn read<T: Element>(&self, at: u64, len: usize) -> Vec<T> {
        let mut bytes = vec![0; len * T::bytes(&[T::default()]).len()];
        self.driver.read(at, &mut bytes);
        T::from(&bytes)
    }

    /// Runs the launches one after the other.
    #[track_caller]
    pub fn run(&mut self, plan: Result<Plan, netform_ptx::Error>) {
        for launch in plan.unwrap() {
            self.driver.launch(&launch);
        }
    }
}

/// A slice that lives as long as the program, as the macro's constants do.
pub fn leak<T: Clone>(x: &[T]) -> &'static [T] {
    Box::leak(x.to_vec().into_boxed_slice())
}

/// A body of these operand types that computes one function of them.
pub fn function(f: Scalar, types: &[DType]) -> Body {
    let inputs: Vec<_> = types.iter().map(|t| Operand::new(*t, Inner::One)).collect();
    let mut steps: Vec<_> = (0..types.len()).map(Step::Load).collect();
    let all: Vec<_> = (0..types.len()).collect();
    steps.push(Step::Apply(f, leak(&all)));
    Body {
        inputs: leak(&inputs),
        steps: leak(&steps),
        results: leak(&[types.len()]),
    }
}

/// Reproducible numbers.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    pub fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }
    pub fn below(&mut self, n: usize) -> usize {
        self.bits() as usize % n
    }
    /// In -1..1.
    pub fn float(&mut self) -> f32 {
        self.bits() as f32 / 2_147_483_648.0 - 1.0
    }
    pub fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.float()).collect()
    }
    /// Small integers, whose sums and products are exact.
    pub fn integers(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.below(9) as f32 - 4.0).collect()
    }
}

/// Row-major strides.
pub fn strides(shape: &[usize]) -> Vec<i64> {
    let mut s = vec![1; shape.len()];
    for d in (0..shape.len().saturating_sub(1)).rev() {
        s[d] = s[d + 1] * shape[d + 1] as i64;
    }
    s
}

/// Bits, so that NaN equals NaN and -0 is not 0.
pub fn bits(x: &[f32]) -> Vec<u32> {
    let one = |v: &f32| if v.is_nan() { f32::NAN } else { *v }.to_bits();
    x.iter().map(one).collect()
}
