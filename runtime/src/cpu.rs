//! Stand-in: the CPU, as far as tests need it.

use std::marker::PhantomData;

use crate::device::*;
use crate::{DType, Float, Ints, Lanes, MapBody, Mask, Pack, Result};

/// The CPU.
#[derive(Clone, Copy)]
pub struct Cpu<F = f32>(PhantomData<F>);

impl Cpu {
    /// f32.
    pub fn new() -> Self {
        Self(PhantomData)
    }
    /// f64.
    pub fn f64() -> Cpu<f64> {
        Cpu(PhantomData)
    }
}

/// A buffer.
pub struct Buffer(Vec<[u64; 8]>, *mut u8, usize);
unsafe impl Send for Buffer {}
unsafe impl Sync for Buffer {}

impl<F: Float> Memory for Cpu<F> {
    const HOST: bool = true;
    type Buffer = Buffer;
    fn alloc(&self, bytes: usize) -> Result<Buffer> {
        let mut v = vec![[0u64; 8]; bytes.div_ceil(64) + 1];
        let addr = v.as_mut_ptr().cast::<u8>();
        Ok(Buffer(v, addr.wrapping_add(addr.align_offset(64)), bytes))
    }
    fn addr(buffer: &Buffer) -> Addr {
        buffer.1
    }
    fn size(buffer: &Buffer) -> usize {
        let _ = &buffer.0;
        buffer.2
    }
    unsafe fn write(&self, dst: Addr, src: &[u8]) -> Result<()> {
        unsafe { std::ptr::copy_nonoverlapping(src.as_ptr(), dst, src.len()) };
        Ok(())
    }
    unsafe fn read(&self, src: Addr, dst: &mut [u8]) -> Result<()> {
        unsafe { std::ptr::copy_nonoverlapping(src, dst.as_mut_ptr(), dst.len()) };
        Ok(())
    }
}

struct One<'a, F>(&'a [Addr], &'a [Addr], usize, PhantomData<F>);
impl<F: Float> Lanes<F> for One<'_, F> {
    fn float(&self, k: usize) -> Pack<F> {
        Pack(unsafe { *self.0[k].cast::<F>().add(self.2) })
    }
    fn int(&self, _: usize) -> Ints {
        Ints(0)
    }
    fn mask(&self, _: usize) -> Mask {
        Mask(false)
    }
    fn scalar(&self, _: usize) -> Pack<F> {
        Pack(F::from_f64(0.0))
    }
    fn put_float(&mut self, k: usize, value: Pack<F>) {
        unsafe { *self.1[k].cast::<F>().add(self.2) = value.0 }
    }
    fn put_int(&mut self, _: usize, v: Ints) {
        let _ = v.0;
    }
    fn put_mask(&mut self, _: usize, v: Mask) {
        let _ = v.0;
    }
}

impl<F: Float> MapKernels for Cpu<F> {
    unsafe fn map<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        _: &[f64],
    ) {
        for i in 0..shape.iter().product() {
            M::apply::<F, _>(&mut One(&inputs.map(|o| o.addr), &outputs, i, PhantomData));
        }
    }
}
impl<F: Float> ReduceKernels for Cpu<F> {
    unsafe fn reduce<M: MapBody, const I: usize>(
        &self,
        _: Reduce,
        _: Axis,
        _: [Operand<3>; I],
        _: &[f64],
        _: Addr,
    ) {
    }
    unsafe fn arg_reduce(&self, _: bool, _: Axis, _: Addr, _: Addr) {}
    unsafe fn softmax(&self, _: Softmax, _: Axis, _: Addr, _: Addr) {}
    unsafe fn logsumexp(&self, _: Axis, _: Addr, _: Addr) {}
    unsafe fn cumsum(&self, _: bool, _: Axis, _: Addr, _: Addr) {}
}
impl<F: Float> ProductKernels for Cpu<F> {
    unsafe fn product<M: MapBody, const I: usize, const O: usize>(
        &self,
        _: Product,
        _: Addr,
        _: Addr,
        _: [Operand<3>; I],
        _: [Addr; O],
        _: &[f64],
    ) {
    }
    unsafe fn product_nk<
        M: MapBody,
        const N: usize,
        const K: usize,
        const I: usize,
        const O: usize,
    >(
        &self,
        _: Product,
        _: Addr,
        _: Addr,
        _: [Operand<3>; I],
        _: [Addr; O],
        _: &[f64],
    ) {
    }
    unsafe fn product_mn<
        M: MapBody,
        const MM: usize,
        const N: usize,
        const I: usize,
        const O: usize,
    >(
        &self,
        _: Product,
        _: Addr,
        _: Addr,
        _: [Operand<3>; I],
        _: [Addr; O],
        _: &[f64],
    ) {
    }
}
impl<F: Float> CopyKernels for Cpu<F> {
    unsafe fn copy<const R: usize>(
        &self,
        _: DType,
        _: [usize; R],
        _: (Addr, [isize; R]),
        _: (Addr, [isize; R]),
    ) {
    }
    unsafe fn fill(&self, dtype: DType, len: usize, value: f64, dst: Addr) {
        for i in 0..len {
            unsafe {
                match dtype {
                    DType::Float => *dst.cast::<F>().add(i) = F::from_f64(value),
                    DType::Int => *dst.cast::<i32>().add(i) = value as i32,
                    DType::Bool => *dst.add(i) = u8::from(value != 0.0),
                }
            }
        }
    }
}
impl<F: Float> IndexKernels for Cpu<F> {
    unsafe fn take(&self, _: DType, _: Axis, _: usize, _: Addr, _: Addr, _: Addr) -> bool {
        true
    }
    unsafe fn take_grad(&self, _: Axis, _: usize, _: Addr, _: Addr, _: Addr) -> bool {
        true
    }
    unsafe fn gather(&self, _: DType, _: Axis, _: usize, _: Addr, _: Addr, _: Addr) -> bool {
        true
    }
    unsafe fn gather_grad(&self, _: Axis, _: usize, _: Addr, _: Addr, _: Addr) -> bool {
        true
    }
}
impl<F: Float> RandomKernels for Cpu<F> {
    unsafe fn bernoulli(&self, _: f64, _: Stream, _: usize, _: Addr) {}
}
impl<F: Float> Device for Cpu<F> {
    type Float = F;
    fn name(&self) -> String {
        format!("cpu {}", F::NAME)
    }
}
