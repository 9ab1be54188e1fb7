//! Chooses the instruction set at run time: takes a kernel and returns its result, computed by the copy of the kernel
//! that was compiled for this processor.
//!
//! In optimised builds a [`Kernel`]'s body is `#[inline(always)]`, so it is compiled once inside each of the wrappers
//! below, with their registers and instructions, even if the user's crate is built for baseline x86-64. `NETFORM_ISA` = `baseline`,
//! `avx2` or `avx512` selects a lower one.
//!
//! Debug builds have only the baseline copy, and inline nothing by force: every kernel is compiled in the crate that
//! declares the network. Three copies of each would triple its build time, and inlining would double it.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::float::{Float, PerFloat};
use crate::lanes::LANES;

/// Work for the best instruction set of the processor.
pub(crate) trait Kernel {
    /// The result.
    type Output;
    /// The work; implementations are `#[inline(always)]` in optimised builds.
    ///
    /// # Safety
    /// The processor has `S`'s instructions.
    unsafe fn run<S: Isa>(self) -> Self::Output;
}

/// The operations that differ between instruction sets and that LLVM does not find by itself: partial loads and stores.
///
/// # Safety
/// Every function needs the processor to have the set's instructions, `1 <= count <= LANES`, and `count` elements at
/// the address. Lanes beyond `count` hold some valid number after a load.
#[allow(clippy::missing_safety_doc)]
#[doc(hidden)]
pub trait Isa: Copy + 'static {
    unsafe fn load_f32(from: *const f32, count: usize) -> [f32; LANES];
    unsafe fn store_f32(to: *mut f32, count: usize, x: [f32; LANES]);
    unsafe fn load_f64(from: *const f64, count: usize) -> [f64; LANES];
    unsafe fn store_f64(to: *mut f64, count: usize, x: [f64; LANES]);
}

/// A partial load by repeating the last element.
///
/// # Safety
/// As for [`Isa`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn load<T: Copy>(from: *const T, count: usize) -> [T; LANES] {
    // SAFETY: `count >= 1` elements may be read.
    unsafe {
        let mut y = [*from; LANES];
        for (i, lane) in y.iter_mut().enumerate().skip(1) {
            *lane = *from.add(i.min(count - 1));
        }
        y
    }
}

/// A partial store, element by element.
///
/// # Safety
/// As for [`Isa`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn store<T: Copy>(to: *mut T, count: usize, x: [T; LANES]) {
    for (i, lane) in x.into_iter().enumerate() {
        if i < count {
            // SAFETY: within the first `count` elements.
            unsafe { *to.add(i) = lane };
        }
    }
}

/// [`Isa::load_f32`] or the same for `f64`.
///
/// # Safety
/// As for [`Isa`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn load_floats<F: Float, S: Isa>(from: *const F, count: usize) -> [F; LANES] {
    // SAFETY: the caller's.
    unsafe { F::per::<Load<S>>((from, count)) }
}

/// [`Isa::store_f32`] or the same for `f64`.
///
/// # Safety
/// As for [`Isa`].
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn store_floats<F: Float, S: Isa>(to: *mut F, count: usize, x: [F; LANES]) {
    // SAFETY: the caller's.
    unsafe { F::per::<Store<S>>((to, count, x)) }
}

struct Load<S>(PhantomData<S>);

impl<S: Isa> PerFloat for Load<S> {
    type Args<'a, F: Float> = (*const F, usize);
    type Output<F: Float> = [F; LANES];
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn f32((from, count): (*const f32, usize)) -> [f32; LANES] {
        // SAFETY: the caller's.
        unsafe { S::load_f32(from, count) }
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn f64((from, count): (*const f64, usize)) -> [f64; LANES] {
        // SAFETY: the caller's.
        unsafe { S::load_f64(from, count) }
    }
}

struct Store<S>(PhantomData<S>);

impl<S: Isa> PerFloat for Store<S> {
    type Args<'a, F: Float> = (*mut F, usize, [F; LANES]);
    type Output<F: Float> = ();
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn f32((to, count, x): (*mut f32, usize, [f32; LANES])) {
        // SAFETY: the caller's.
        unsafe { S::store_f32(to, count, x) }
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn f64((to, count, x): (*mut f64, usize, [f64; LANES])) {
        // SAFETY: the caller's.
        unsafe { S::store_f64(to, count, x) }
    }
}

/// Any processor.
#[derive(Clone, Copy)]
pub(crate) struct Baseline;

impl Isa for Baseline {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn load_f32(from: *const f32, count: usize) -> [f32; LANES] {
        // SAFETY: the caller's.
        unsafe { load(from, count) }
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn store_f32(to: *mut f32, count: usize, x: [f32; LANES]) {
        // SAFETY: the caller's.
        unsafe { store(to, count, x) }
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn load_f64(from: *const f64, count: usize) -> [f64; LANES] {
        // SAFETY: the caller's.
        unsafe { load(from, count) }
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn store_f64(to: *mut f64, count: usize, x: [f64; LANES]) {
        // SAFETY: the caller's.
        unsafe { store(to, count, x) }
    }
}

#[cfg(all(target_arch = "x86_64", any(not(debug_assertions), test)))]
mod x86 {
    //! Masked moves. Lanes that the mask excludes are not accessed, so their addresses may be invalid.

    use std::arch::x86_64::*;
    use std::mem::transmute;

    use super::{Isa, LANES};

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    /// Windows of this array are masks of any count.
    static EDGE: [i32; 32] = {
        let mut edge = [0; 32];
        let mut i = 0;
        while i < 16 {
            edge[i] = -1;
            i += 1;
        }
        edge
    };
    static EDGE_64: [i64; 32] = {
        let mut edge = [0; 32];
        let mut i = 0;
        while i < 16 {
            edge[i] = -1;
            i += 1;
        }
        edge
    };

    impl Isa for Avx2 {
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn load_f32(from: *const f32, count: usize) -> [f32; LANES] {
            // SAFETY: `count <= 16` keeps the window inside EDGE; masked lanes are not read.
            unsafe {
                let mask = EDGE.as_ptr().add(LANES - count);
                let a = _mm256_maskload_ps(from, _mm256_loadu_si256(mask.cast()));
                let b = _mm256_maskload_ps(
                    from.wrapping_add(8),
                    _mm256_loadu_si256(mask.add(8).cast()),
                );
                transmute([a, b])
            }
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn store_f32(to: *mut f32, count: usize, x: [f32; LANES]) {
            // SAFETY: as above; masked lanes are not written.
            unsafe {
                let mask = EDGE.as_ptr().add(LANES - count);
                let [a, b]: [__m256; 2] = transmute(x);
                _mm256_maskstore_ps(to, _mm256_loadu_si256(mask.cast()), a);
                _mm256_maskstore_ps(
                    to.wrapping_add(8),
                    _mm256_loadu_si256(mask.add(8).cast()),
                    b,
                );
            }
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn load_f64(from: *const f64, count: usize) -> [f64; LANES] {
            // SAFETY: as above.
            unsafe {
                let mut y = [_mm256_setzero_pd(); 4];
                for (i, part) in y.iter_mut().enumerate() {
                    let mask =
                        _mm256_loadu_si256(EDGE_64.as_ptr().add(LANES - count + 4 * i).cast());
                    *part = _mm256_maskload_pd(from.wrapping_add(4 * i), mask);
                }
                transmute(y)
            }
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn store_f64(to: *mut f64, count: usize, x: [f64; LANES]) {
            // SAFETY: as above.
            unsafe {
                let x: [__m256d; 4] = transmute(x);
                for (i, part) in x.into_iter().enumerate() {
                    let mask =
                        _mm256_loadu_si256(EDGE_64.as_ptr().add(LANES - count + 4 * i).cast());
                    _mm256_maskstore_pd(to.wrapping_add(4 * i), mask, part);
                }
            }
        }
    }

    impl Isa for Avx512 {
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn load_f32(from: *const f32, count: usize) -> [f32; LANES] {
            // SAFETY: masked lanes are not read.
            unsafe { transmute(_mm512_maskz_loadu_ps(((1u32 << count) - 1) as u16, from)) }
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn store_f32(to: *mut f32, count: usize, x: [f32; LANES]) {
            // SAFETY: masked lanes are not written.
            unsafe {
                _mm512_mask_storeu_ps(
                    to,
                    ((1u32 << count) - 1) as u16,
                    transmute::<[f32; LANES], __m512>(x),
                )
            }
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn load_f64(from: *const f64, count: usize) -> [f64; LANES] {
            // SAFETY: masked lanes are not read.
            unsafe {
                let mask = (1u32 << count) - 1;
                let a = _mm512_maskz_loadu_pd(mask as u8, from);
                let b = _mm512_maskz_loadu_pd((mask >> 8) as u8, from.wrapping_add(8));
                transmute([a, b])
            }
        }
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn store_f64(to: *mut f64, count: usize, x: [f64; LANES]) {
            // SAFETY: masked lanes are not written.
            unsafe {
                let mask = (1u32 << count) - 1;
                let [a, b]: [__m512d; 2] = transmute(x);
                _mm512_mask_storeu_pd(to, mask as u8, a);
                _mm512_mask_storeu_pd(to.wrapping_add(8), (mask >> 8) as u8, b);
            }
        }
    }
}
#[cfg(all(target_arch = "x86_64", any(not(debug_assertions), test)))]
pub(crate) use x86::{Avx2, Avx512};

/// An instruction set, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Level {
    Baseline = 1,
    Avx2 = 2,
    Avx512 = 3,
}

/// 0 until first used.
static LEVEL: AtomicU8 = AtomicU8::new(0);

/// The instruction set in use.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn level() -> Level {
    match LEVEL.load(Ordering::Relaxed) {
        3 => Level::Avx512,
        2 => Level::Avx2,
        1 => Level::Baseline,
        _ => detect(),
    }
}

#[cold]
fn detect() -> Level {
    let found = supported();
    let wanted = match std::env::var("NETFORM_ISA").as_deref() {
        Ok("baseline") => Level::Baseline,
        Ok("avx2") => Level::Avx2,
        _ => Level::Avx512,
    };
    let level = if wanted < found { wanted } else { found };
    LEVEL.store(level as u8, Ordering::Relaxed);
    level
}

#[cfg(all(target_arch = "x86_64", any(not(debug_assertions), test)))]
fn supported() -> Level {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Baseline,
    }
}

#[cfg(not(all(target_arch = "x86_64", any(not(debug_assertions), test))))]
fn supported() -> Level {
    Level::Baseline
}

#[cfg(all(target_arch = "x86_64", any(not(debug_assertions), test)))]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
unsafe fn with_avx512<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function's features are those of the set.
    unsafe { kernel.run::<Avx512>() }
}

#[cfg(all(target_arch = "x86_64", any(not(debug_assertions), test)))]
#[target_feature(enable = "avx2,fma")]
unsafe fn with_avx2<K: Kernel>(kernel: K) -> K::Output {
    // SAFETY: this function's features are those of the set.
    unsafe { kernel.run::<Avx2>() }
}

/// Runs the kernel's copy for `level`, which the processor must support.
#[cfg_attr(not(debug_assertions), inline(always))]
fn dispatch_at<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level {
        // SAFETY: levels come from `supported`.
        #[cfg(all(target_arch = "x86_64", any(not(debug_assertions), test)))]
        Level::Avx512 => unsafe { with_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(all(target_arch = "x86_64", any(not(debug_assertions), test)))]
        Level::Avx2 => unsafe { with_avx2(kernel) },
        // SAFETY: needs nothing.
        _ => unsafe { kernel.run::<Baseline>() },
    }
}

/// Runs the kernel's copy for the instruction set in use.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_at(level(), kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Parts;
    impl Kernel for Parts {
        type Output = ();
        #[cfg_attr(not(debug_assertions), inline(always))]
        unsafe fn run<S: Isa>(self) {
            for count in 1..=LANES {
                let from: Vec<f32> = (0..count).map(|i| i as f32 + 1.0).collect();
                let mut to = vec![0f32; count];
                let from_64: Vec<f64> = from.iter().map(|&x| f64::from(x)).collect();
                let mut to_64 = vec![0f64; count];
                // SAFETY: the vectors hold `count` elements.
                unsafe {
                    let x = S::load_f32(from.as_ptr(), count);
                    S::store_f32(to.as_mut_ptr(), count, x);
                    let x = S::load_f64(from_64.as_ptr(), count);
                    S::store_f64(to_64.as_mut_ptr(), count, x);
                }
                assert_eq!((to, to_64), (from, from_64));
            }
        }
    }

    #[test]
    fn partial_moves_at_every_level() {
        for at in [Level::Baseline, Level::Avx2, Level::Avx512] {
            if at <= supported() {
                dispatch_at(at, Parts);
            }
        }
    }
}
