//! The calls with a fused body: maps, reductions and products.

// Several arrays of one length are iterated together, for which an index is clearest.
#![allow(clippy::needless_range_loop)]

use super::Run;
use super::place::{Range, product};
use super::refusal::{COUNT, Checked, OUTSIDE, OVERLAP, Refusal, TYPE};
use crate::device::{self, Addr, Axis, Combine, Product};
use crate::size::Sizes;
use crate::{DType, Device, In, MapBody, Operand, View};

impl<D: Device> Run<'_, D> {
    /// `outputs = M(inputs)` over `shape`; outputs are contiguous.
    #[inline]
    pub fn map<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [In<R>; I],
        outputs: [View; O],
        scalars: &[f64],
    ) {
        self.guard("map", || {
            if const { M::INPUTS.len() != I || M::OUTPUTS.len() != O } {
                return Err(COUNT);
            }
            let declared = (M::INPUTS, M::OUTPUTS);
            if let Some((inputs, outputs)) = self.mapped(&shape, &inputs, &outputs, declared)? {
                // SAFETY: checked by `mapped`.
                unsafe {
                    self.device
                        .map::<M, R, I, O>(shape, inputs, outputs, scalars)
                };
            }
            Ok(())
        });
    }

    /// A map's operands and the addresses of its results, or `None` if the results are empty. It does not depend on the
    /// body's type, so that debug builds hold it once for many bodies.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn mapped<const R: usize, const I: usize, const O: usize>(
        &self,
        shape: &[usize; R],
        inputs: &[In<R>; I],
        outputs: &[View; O],
        declared: (&[Operand], &[DType]),
    ) -> Checked<Option<([device::Operand<R>; I], [Addr; O])>> {
        let len = product(shape).ok_or(OUTSIDE)?;
        if len == 0 {
            return Ok(None);
        }
        let (inputs, read) = self.operands(shape, inputs, declared.0, true)?;
        let (outputs, written) = self.outputs(outputs, declared.1, len)?;
        Self::apart(shape, (&inputs, &read), &written)?;
        Ok(Some((inputs, outputs)))
    }

    /// `y[o, i] = K over n of M(inputs at (o, n, i))`.
    #[inline]
    pub fn reduce<M: MapBody, K: Combine, const I: usize>(
        &self,
        axis: Axis,
        inputs: [In<3>; I],
        scalars: &[f64],
        y: View,
    ) {
        self.guard("reduce", || {
            if const { M::INPUTS.len() != I || M::OUTPUTS.len() != 1 } {
                return Err(COUNT);
            }
            let declared = (M::INPUTS, M::OUTPUTS);
            if let Some((operands, [y])) = self.reduced(axis, &inputs, [y], declared)? {
                // SAFETY: checked by `reduced`.
                unsafe { self.device.reduce::<M, K, I>(axis, operands, scalars, y) };
            }
            Ok(())
        });
    }

    /// `y[o, i] = mean over n of M(inputs at (o, n, i))`, summed in double precision and rounded once. `rest`, if it is
    /// given, gets the rounding error.
    pub fn mean<M: MapBody, const I: usize>(
        &self,
        axis: Axis,
        inputs: [In<3>; I],
        scalars: &[f64],
        y: View,
        rest: Option<View>,
    ) {
        self.guard("mean", || {
            if const { M::INPUTS.len() != I || M::OUTPUTS.len() != 1 } {
                return Err(COUNT);
            }
            let declared = (M::INPUTS, M::OUTPUTS);
            let both = self.reduced(axis, &inputs, [y, rest.unwrap_or(y)], declared)?;
            let Some((operands, [y, other])) = both else {
                return Ok(());
            };
            let rest = rest.map(|_| other);
            if rest == Some(y) {
                return Err(OVERLAP);
            }
            // SAFETY: checked by `reduced`, and the results lie apart.
            unsafe { self.device.mean::<M, I>(axis, operands, scalars, y, rest) };
            Ok(())
        });
    }

    /// A reduction's operands and the addresses of its results, or `None` if the results are empty. With `n == 0` no
    /// operand is read. Results that are not the same lie apart.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn reduced<const I: usize, const O: usize>(
        &self,
        axis: Axis,
        inputs: &[In<3>; I],
        results: [View; O],
        declared: (&[Operand], &[DType]),
    ) -> Checked<Option<([device::Operand<3>; I], [Addr; O])>> {
        if declared.1[0] != DType::Float {
            return Err(TYPE);
        }
        let shape = [axis.outer, axis.n, axis.inner];
        let total = product(&shape).ok_or(OUTSIDE)?;
        let len = product(&[axis.outer, axis.inner]).ok_or(OUTSIDE)?;
        if len == 0 {
            return Ok(None);
        }
        let nothing = device::Operand {
            addr: std::ptr::null_mut(),
            start: 0,
            strides: [0; 3],
        };
        let mut operands = [nothing; I];
        let mut read = [Range::NONE; I];
        if total > 0 {
            (operands, read) = self.operands(&shape, inputs, declared.0, false)?;
        }
        let mut to = [std::ptr::null_mut(); O];
        let mut written: [Range; O] = [Range::NONE; O];
        for k in 0..O {
            let y = self.written(results[k], DType::Float, Some(len))?;
            let apart = |r: &Range| !r.overlaps(y.1);
            let same = |r: &Range| *r == y.1 || apart(r);
            if !read.iter().all(apart) || !written[..k].iter().all(same) {
                return Err(OVERLAP);
            }
            (to[k], written[k]) = y;
        }
        Ok(Some((operands, to)))
    }

    /// `outputs = M(C, extra..)` with `C` the product, over the (batch, m, n) grid. The type `S` holds sizes that are
    /// known when compiled.
    #[inline]
    pub fn product<M: MapBody, S: Sizes, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: View,
        b: View,
        extra: [In<3>; I],
        outputs: [View; O],
        scalars: &[f64],
    ) {
        let done = self.try_product::<M, S, I, O>(size, [a, b], extra, outputs, scalars);
        if let Err(why) = done {
            self.refuse("product", why);
        }
    }

    /// The same, or the reason for its refusal. Inlined, so that known sizes stay constants.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn try_product<M: MapBody, S: Sizes, const I: usize, const O: usize>(
        &self,
        size: Product,
        [a, b]: [View; 2],
        extra: [In<3>; I],
        outputs: [View; O],
        scalars: &[f64],
    ) -> Checked<()> {
        if const { M::INPUTS.len() != I + 1 || M::OUTPUTS.len() != O } {
            return Err(COUNT);
        }
        if M::INPUTS[0].ty != DType::Float || M::INPUTS[0].iota {
            return Err(TYPE);
        }
        if !S::agree(size) {
            return Err(Refusal::Broken("a product has other sizes than its kernel"));
        }
        let declared = (&M::INPUTS[1..], M::OUTPUTS);
        if let Some(([a, b], extra, outputs)) =
            self.multiplied(size, [a, b], &extra, &outputs, declared)?
        {
            // SAFETY: checked by `multiplied`.
            unsafe {
                self.device
                    .product::<M, S, I, O>(size, a, b, extra, outputs, scalars)
            };
        }
        Ok(())
    }

    /// A product's operands and the addresses of its results, or `None` if the results are empty.
    #[cfg_attr(not(debug_assertions), inline(always))]
    #[allow(clippy::type_complexity)]
    fn multiplied<const I: usize, const O: usize>(
        &self,
        Product { batch, m, n, k, .. }: Product,
        [a, b]: [View; 2],
        extra: &[In<3>; I],
        outputs: &[View; O],
        declared: (&[Operand], &[DType]),
    ) -> Checked<Option<([Addr; 2], [device::Operand<3>; I], [Addr; O])>> {
        let shape = [batch, m, n];
        let len = product(&shape).ok_or(OUTSIDE)?;
        if len == 0 {
            return Ok(None);
        }
        let a = self.whole(a, DType::Float, product(&[batch, m, k]))?;
        let b = self.whole(b, DType::Float, product(&[batch, k, n]))?;
        let (extra, read) = self.operands(&shape, extra, declared.0, true)?;
        let (outputs, written) = self.outputs(outputs, declared.1, len)?;
        Self::apart(&shape, (&extra, &read), &written)?;
        for range in written {
            if range.overlaps(a.1) || range.overlaps(b.1) {
                return Err(OVERLAP);
            }
        }
        Ok(Some(([a.0, b.0], extra, outputs)))
    }
}
