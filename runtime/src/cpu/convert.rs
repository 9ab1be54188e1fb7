//! Conversions between stored floats.

use half::{bf16, f16};

use super::Cpu;
use super::rows::Shared;
use crate::Float;
use crate::device::{Addr, Stored};
use crate::isa::{Isa, Kernel, dispatch};
use crate::narrow::{Narrow, convert, singles};

/// Elements that a thread converts at a time.
const PART: usize = 4096;

/// A conversion of slices.
trait Pair {
    type From: Copy + 'static;
    type To: Copy + 'static;
    fn convert(from: &[Self::From], to: &mut [Self::To]);
}

/// A conversion by way of f32.
struct By<A, B>(std::marker::PhantomData<(A, B)>);

impl<A: Narrow + 'static, B: Narrow + 'static> Pair for By<A, B> {
    type From = A;
    type To = B;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn convert(from: &[A], to: &mut [B]) {
        convert(from, to);
    }
}

/// A conversion from f64 to f32.
struct Singles;

impl Pair for Singles {
    type From = f64;
    type To = f32;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn convert(from: &[f64], to: &mut [f32]) {
        singles(from, to);
    }
}

/// # Safety
/// The kernels' contract: `x` and `y` are aligned to their elements.
pub(super) unsafe fn run<F: Float>(
    cpu: &Cpu<F>,
    [from, to]: [Stored; 2],
    len: usize,
    [x, y]: [Addr; 2],
) {
    use Stored::{Bf16, F16, F32, F64};
    // SAFETY: the caller's.
    unsafe {
        match (from, to) {
            _ if from == to => std::ptr::copy_nonoverlapping(x, y, len * from.size()),
            (F32, F64) => share::<By<f32, f64>, F>(cpu, len, x, y),
            (F32, Bf16) => share::<By<f32, bf16>, F>(cpu, len, x, y),
            (F32, F16) => share::<By<f32, f16>, F>(cpu, len, x, y),
            (F64, F32) => share::<Singles, F>(cpu, len, x, y),
            (F64, Bf16) => share::<By<f64, bf16>, F>(cpu, len, x, y),
            (F64, F16) => share::<By<f64, f16>, F>(cpu, len, x, y),
            (Bf16, F32) => share::<By<bf16, f32>, F>(cpu, len, x, y),
            (Bf16, F64) => share::<By<bf16, f64>, F>(cpu, len, x, y),
            (Bf16, F16) => share::<By<bf16, f16>, F>(cpu, len, x, y),
            (F16, F32) => share::<By<f16, f32>, F>(cpu, len, x, y),
            (F16, F64) => share::<By<f16, f64>, F>(cpu, len, x, y),
            (F16, Bf16) => share::<By<f16, bf16>, F>(cpu, len, x, y),
            // Not reached: `Call::check` refuses other types.
            _ => {}
        }
    }
}

/// # Safety
/// The kernels' contract.
unsafe fn share<P: Pair, F: Float>(cpu: &Cpu<F>, len: usize, x: Addr, y: Addr) {
    let (x, y) = (Shared(x.cast::<P::From>()), Shared(y.cast::<P::To>()));
    cpu.share(len.div_ceil(PART), len, |first, last| {
        let (at, len) = (first * PART, len.min(last * PART) - first * PART);
        let (x, y) = (x.get().wrapping_add(at), y.get().wrapping_add(at));
        // SAFETY: these elements are below len, and those of y this thread's alone.
        dispatch(unsafe {
            Slices::<P> {
                from: std::slice::from_raw_parts(x, len),
                to: std::slice::from_raw_parts_mut(y, len),
            }
        });
    });
}

/// The elements of one thread.
struct Slices<'a, P: Pair> {
    from: &'a [P::From],
    to: &'a mut [P::To],
}

impl<P: Pair> Kernel for Slices<'_, P> {
    type Output = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn run<S: Isa>(self) {
        P::convert(self.from, self.to);
    }
}
