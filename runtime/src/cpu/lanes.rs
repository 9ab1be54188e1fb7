//! One pack of a fused map: takes operands of a row and a position, and gives the body's results.

// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

use std::marker::PhantomData;

use crate::device::{Addr, Operand};
use crate::isa::{Isa, load, load_floats, store, store_floats};
use crate::lanes::LANES;
use crate::{DType, Float, Inner, Ints, Lanes, MapBody, Mask, Pack};

/// Bytes of an element.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) const fn size_of_dtype<F>(dtype: DType) -> usize {
    dtype.size(size_of::<F>())
}

/// An operand along one row: the address (or iota) of its first element and its stride.
#[derive(Clone, Copy)]
pub(crate) struct Src {
    pub(crate) addr: *const u8,
    pub(crate) start: usize,
    pub(crate) stride: usize,
}

impl Src {
    /// A placeholder.
    pub(crate) const NOWHERE: Src = Src {
        addr: std::ptr::null(),
        start: 0,
        stride: 0,
    };

    /// The operand at a position of its grid, along dimension `along`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn at<const R: usize>(
        operand: &Operand<R>,
        size: usize,
        position: [usize; R],
        along: usize,
    ) -> Self {
        let mut offset = 0usize;
        for d in 0..R {
            offset = offset.wrapping_add(position[d].wrapping_mul(operand.strides[d]));
        }
        let stride = if R == 0 { 0 } else { operand.strides[along] };
        Self {
            addr: operand
                .addr
                .cast_const()
                .wrapping_add(offset.wrapping_mul(size)),
            start: operand.start.wrapping_add(offset),
            stride,
        }
    }
    /// Moves by elements, modulo 2^64 (so that a move back is a move by the negative).
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn advance(&mut self, elements: usize, size: usize) {
        self.addr = self.addr.wrapping_add(elements.wrapping_mul(size));
        self.start = self.start.wrapping_add(elements);
    }
}

/// One result of a body. The field that holds it is known at compile time.
#[derive(Clone, Copy)]
pub(crate) struct Value<F> {
    pub(crate) float: Pack<F>,
    int: Ints,
    mask: Mask,
}

/// A body's view of a pack. With `ACC`, operand 0 is `acc` and the others follow in `inputs`. With `STATIC`, strides
/// are as the body declares, otherwise as in `inputs`.
struct Window<'a, M, F, S, const I: usize, const O: usize, const ACC: bool, const STATIC: bool> {
    inputs: &'a [Src; I],
    acc: Pack<F>,
    at: usize,
    count: usize,
    scalars: &'a [f64],
    values: [Value<F>; O],
    body: PhantomData<(M, S)>,
}

impl<
    M: MapBody,
    F: Float,
    S: Isa,
    const I: usize,
    const O: usize,
    const ACC: bool,
    const STATIC: bool,
> Window<'_, M, F, S, I, O, ACC, STATIC>
{
    /// The index of operand `k` in `inputs`, if it has this type.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn source(&self, k: usize, dtype: DType) -> Option<&Src> {
        let declared = M::INPUTS.get(k)?;
        if declared.ty != dtype {
            return None;
        }
        self.inputs.get(k.wrapping_sub(usize::from(ACC)))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn inner(&self, k: usize, src: &Src) -> Inner {
        if STATIC {
            return M::INPUTS[k].inner;
        }
        match src.stride {
            0 => Inner::Zero,
            1 => Inner::One,
            _ => Inner::Many,
        }
    }
}

impl<
    M: MapBody,
    F: Float,
    S: Isa,
    const I: usize,
    const O: usize,
    const ACC: bool,
    const STATIC: bool,
> Lanes<F> for Window<'_, M, F, S, I, O, ACC, STATIC>
{
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn float(&self, k: usize) -> Pack<F> {
        if ACC && k == 0 {
            return self.acc;
        }
        match self.source(k, DType::Float) {
            // SAFETY: `evaluate`'s contract.
            Some(src) => Pack(unsafe {
                read::<F, Floats<S>>(src, self.inner(k, src), (self.at, self.count))
            }),
            None => Pack::splat(0.0),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn int(&self, k: usize) -> Ints {
        let Some(src) = self.source(k, DType::Int) else {
            return Ints::splat(0);
        };
        if M::INPUTS[k].iota {
            let first = src.start.wrapping_add(self.at.wrapping_mul(src.stride)) as i64;
            let stride = src.stride as i64;
            let mut y = [0; LANES];
            for (i, lane) in y.iter_mut().enumerate() {
                *lane = first.wrapping_add((i as i64).wrapping_mul(stride));
            }
            return Ints(y);
        }
        // SAFETY: `evaluate`'s contract; the 64 bits of an integer are moved unchanged.
        Ints(unsafe { read::<i64, Integers<S>>(src, self.inner(k, src), (self.at, self.count)) })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mask(&self, k: usize) -> Mask {
        match self.source(k, DType::Bool) {
            // SAFETY: `evaluate`'s contract. Bytes are compared rather than trusted to be 0 or 1.
            Some(src) => Mask(unsafe {
                let bytes = read::<u8, Bytes>(src, self.inner(k, src), (self.at, self.count));
                let mut y = [false; LANES];
                for i in 0..LANES {
                    y[i] = bytes[i] != 0;
                }
                y
            }),
            None => Mask::splat(false),
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn scalar(&self, k: usize) -> Pack<F> {
        Pack::splat(self.scalars.get(k).copied().unwrap_or(f64::NAN))
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put_float(&mut self, k: usize, value: Pack<F>) {
        if let Some(v) = self.values.get_mut(k) {
            v.float = value;
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put_int(&mut self, k: usize, value: Ints) {
        if let Some(v) = self.values.get_mut(k) {
            v.int = value;
        }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put_mask(&mut self, k: usize, value: Mask) {
        if let Some(v) = self.values.get_mut(k) {
            v.mask = value;
        }
    }
}

/// Loads the first elements of a pack. A type and not a closure, whose type would depend on the body: debug builds hold
/// [`read`] once for all bodies.
trait Part<T> {
    /// # Safety
    /// As for [`Isa`].
    unsafe fn load(from: *const T, count: usize) -> [T; LANES];
}

struct Floats<S>(PhantomData<S>);
impl<F: Float, S: Isa> Part<F> for Floats<S> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn load(from: *const F, count: usize) -> [F; LANES] {
        // SAFETY: the caller's.
        unsafe { load_floats::<F, S>(from, count) }
    }
}

struct Integers<S>(PhantomData<S>);
impl<S: Isa> Part<i64> for Integers<S> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn load(from: *const i64, count: usize) -> [i64; LANES] {
        // SAFETY: the caller's.
        unsafe { load_ints::<S>(from, count) }
    }
}

struct Bytes;
impl Part<u8> for Bytes {
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn load(from: *const u8, count: usize) -> [u8; LANES] {
        // SAFETY: the caller's.
        unsafe { load(from, count) }
    }
}

/// Elements `at..at + count` of an operand whose innermost stride is `inner`.
///
/// # Safety
/// The operand's elements of this pack are readable as `T`.
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn read<T: Copy, P: Part<T>>(
    src: &Src,
    inner: Inner,
    (at, count): (usize, usize),
) -> [T; LANES] {
    let first: *const T = src.addr.cast();
    // SAFETY: the caller's; lanes beyond `count` repeat the last valid element.
    unsafe {
        match inner {
            Inner::Zero => [*first; LANES],
            Inner::One if count == LANES => *first.add(at).cast::<[T; LANES]>(),
            Inner::One => P::load(first.add(at), count),
            Inner::Many => {
                let mut y = [*first.add(at * src.stride); LANES];
                for (i, lane) in y.iter_mut().enumerate() {
                    *lane = *first.add((at + i.min(count - 1)) * src.stride);
                }
                y
            }
        }
    }
}

/// The body's results on elements `at..at + count` of a row.
///
/// # Safety
/// `1 <= count <= LANES`; every operand's elements there are readable with the declared types; the
/// processor has `S`'s instructions. With `STATIC`, strides are as declared.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn evaluate<
    M: MapBody,
    F: Float,
    S: Isa,
    const I: usize,
    const O: usize,
    const ACC: bool,
    const STATIC: bool,
>(
    inputs: &[Src; I],
    acc: Pack<F>,
    at: usize,
    count: usize,
    scalars: &[f64],
) -> [Value<F>; O] {
    let empty = Value {
        float: Pack::splat(0.0),
        int: Ints::splat(0),
        mask: Mask::splat(false),
    };
    let mut window = Window::<M, F, S, I, O, ACC, STATIC> {
        inputs,
        acc,
        at,
        count,
        scalars,
        values: [empty; O],
        body: PhantomData,
    };
    M::apply::<F, _>(&mut window);
    window.values
}

/// Writes results to elements `at..at + count` of contiguous outputs.
///
/// # Safety
/// The elements are writable with the declared types; `1 <= count <= LANES`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) unsafe fn write<M: MapBody, F: Float, S: Isa, const O: usize>(
    values: &[Value<F>; O],
    outputs: &[Addr; O],
    at: usize,
    count: usize,
) {
    for k in 0..O {
        let value = &values[k];
        // SAFETY: the caller's.
        unsafe {
            match M::OUTPUTS[k] {
                DType::Float => put(
                    outputs[k].cast::<F>().add(at),
                    count,
                    value.float.0,
                    |p, n, x| store_floats::<F, S>(p, n, x),
                ),
                DType::Int => put(
                    outputs[k].cast::<i64>().add(at),
                    count,
                    value.int.0,
                    |p, n, x| store_ints::<S>(p, n, x),
                ),
                DType::Bool => put(
                    outputs[k].cast::<bool>().add(at),
                    count,
                    value.mask.0,
                    |p, n, x| store(p, n, x),
                ),
            }
        }
    }
}

/// # Safety
/// As for [`write`].
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn put<T: Copy>(
    to: *mut T,
    count: usize,
    x: [T; LANES],
    part: impl Fn(*mut T, usize, [T; LANES]),
) {
    if count == LANES {
        // SAFETY: the caller's.
        unsafe { to.cast::<[T; LANES]>().write_unaligned(x) };
    } else {
        part(to, count, x);
    }
}

/// The first `count` integers of a pack, with the last of them in the remaining lanes. Their 64 bits are moved
/// unchanged.
///
/// # Safety
/// `count` integers lie at `from`; the processor has `S`'s instructions.
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn load_ints<S: Isa>(from: *const i64, count: usize) -> [i64; LANES] {
    // SAFETY: the caller's.
    unsafe { S::load_f64(from.cast(), count) }.map(|x| x.to_bits().cast_signed())
}

/// Writes the first `count` of a pack's integers.
///
/// # Safety
/// As for [`load_ints`].
#[cfg_attr(not(debug_assertions), inline(always))]
unsafe fn store_ints<S: Isa>(to: *mut i64, count: usize, x: [i64; LANES]) {
    // SAFETY: the caller's.
    unsafe {
        S::store_f64(
            to.cast(),
            count,
            x.map(|x| f64::from_bits(x.cast_unsigned())),
        )
    };
}
