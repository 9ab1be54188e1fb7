//! The families of ops: each call is resolved to launches by `netform-ptx` and put on the stream.

use netform_ptx::{Addr as At, Arg, Scalars};

use super::Cuda;
use crate::device::{
    Addr, Axis, CopyKernels, IndexKernels, IntegerKernels, Integers, MapKernels, NO_LIMIT, Operand,
    Product, ProductKernels, RandomKernels, Reduce, ReduceKernels, Softmax, Stream, Unfit, What,
};
use crate::{DType, MapBody};

fn at(addr: Addr) -> At {
    addr as At
}

fn args<const R: usize>(inputs: &[Operand<R>]) -> Vec<Arg> {
    let one = |o: &Operand<R>| Arg {
        addr: at(o.addr),
        start: o.start as i64,
        strides: o.strides.iter().map(|s| *s as i64).collect(),
    };
    inputs.iter().map(one).collect()
}

fn axis(a: Axis) -> netform_ptx::Axis {
    let Axis { outer, n, inner } = a;
    netform_ptx::Axis { outer, n, inner }
}

fn reduction(kind: Reduce) -> netform_ptx::Reduce {
    match kind {
        Reduce::Sum => netform_ptx::Reduce::Sum,
        Reduce::Max => netform_ptx::Reduce::Max,
        Reduce::Min => netform_ptx::Reduce::Min,
    }
}

fn floats(scalars: &[f64]) -> Vec<f32> {
    scalars.iter().map(|x| *x as f32).collect()
}

fn addrs(outputs: &[Addr]) -> Vec<At> {
    outputs.iter().map(|a| at(*a)).collect()
}

impl MapKernels for Cuda {
    unsafe fn map<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
        self.gpu.put(|state| {
            let scalars = floats(scalars);
            let plan = netform_ptx::map(
                &M::body(),
                &shape,
                &args(&inputs),
                &addrs(&outputs),
                Scalars::Values(&scalars),
            );
            self.gpu.launch(state, plan)
        });
    }
    unsafe fn map_guarded<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        (scalars, _): (Addr, usize),
    ) {
        self.gpu.put(|state| {
            let scalars = Scalars::Device {
                addr: at(scalars),
                guard: state.faults.guard(),
            };
            let (inputs, outputs) = (args(&inputs), addrs(&outputs));
            let plan = netform_ptx::map(&M::body(), &shape, &inputs, &outputs, scalars);
            self.gpu.launch(state, plan)
        });
    }
}

impl ReduceKernels for Cuda {
    unsafe fn reduce<M: MapBody, const I: usize>(
        &self,
        kind: Reduce,
        a: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
    ) {
        let (kind, a) = (reduction(kind), axis(a));
        self.gpu.put(|state| {
            let work = self.gpu.scratch(state, netform_ptx::reduce_work(a))?;
            let scalars = floats(scalars);
            let scalars = Scalars::Values(&scalars);
            let plan =
                netform_ptx::reduce(&M::body(), kind, a, &args(&inputs), at(y), scalars, work);
            self.gpu.launch(state, plan)
        });
    }
    unsafe fn mean<M: MapBody, const I: usize>(
        &self,
        a: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
        rest: Option<Addr>,
    ) {
        let (a, rest) = (axis(a), rest.map(at));
        self.gpu.put(|state| {
            let work = self.gpu.scratch(state, netform_ptx::mean_work(a))?;
            let scalars = floats(scalars);
            let scalars = Scalars::Values(&scalars);
            let (body, inputs) = (M::body(), args(&inputs));
            let plan = netform_ptx::mean(&body, a, &inputs, [Some(at(y)), rest], scalars, work);
            self.gpu.launch(state, plan)
        });
    }
    unsafe fn arg_reduce(&self, largest: bool, a: Axis, x: Addr, y: Addr) {
        let plan = netform_ptx::arg_reduce(largest, axis(a), at(x), at(y));
        self.gpu.put(|state| self.gpu.launch(state, plan));
    }
    unsafe fn softmax(&self, kind: Softmax, a: Axis, x: Addr, y: Addr) {
        let kind = match kind {
            Softmax::Softmax => netform_ptx::Softmax::Softmax,
            Softmax::LogSoftmax => netform_ptx::Softmax::LogSoftmax,
        };
        let plan = netform_ptx::softmax(kind, axis(a), at(x), at(y));
        self.gpu.put(|state| self.gpu.launch(state, plan));
    }
    unsafe fn logsumexp(&self, a: Axis, x: Addr, y: [Addr; 2]) {
        let plan = netform_ptx::logsumexp(axis(a), at(x), y.map(at));
        self.gpu.put(|state| self.gpu.launch(state, plan));
    }
    unsafe fn cumsum(&self, reverse: bool, a: Axis, x: Addr, y: Addr) {
        let plan = netform_ptx::cumsum(reverse, axis(a), at(x), at(y));
        self.gpu.put(|state| self.gpu.launch(state, plan));
    }
}

impl ProductKernels for Cuda {
    unsafe fn product<M: MapBody, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
        let size = netform_ptx::Product {
            batch: size.batch,
            m: size.m,
            n: size.n,
            k: size.k,
            ta: size.ta,
            tb: size.tb,
        };
        self.gpu.put(|state| {
            let work = self
                .gpu
                .scratch(state, netform_ptx::product_work(size, self.precision))?;
            let scalars = floats(scalars);
            let plan = netform_ptx::product(
                &M::body(),
                size,
                self.precision,
                at(a),
                at(b),
                &args(&extra),
                &addrs(&outputs),
                Scalars::Values(&scalars),
                work,
            );
            self.gpu.launch(state, plan)
        });
    }
    unsafe fn product_nk<
        M: MapBody,
        const N: usize,
        const K: usize,
        const I: usize,
        const O: usize,
    >(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
        // SAFETY: the caller's promise. What is known when compiled matters on the CPU alone.
        unsafe { self.product::<M, I, O>(size, a, b, extra, outputs, scalars) }
    }
    unsafe fn product_mn<
        M: MapBody,
        const MM: usize,
        const N: usize,
        const I: usize,
        const O: usize,
    >(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
        // SAFETY: as above.
        unsafe { self.product::<M, I, O>(size, a, b, extra, outputs, scalars) }
    }
}

impl CopyKernels for Cuda {
    unsafe fn copy<const R: usize>(
        &self,
        dtype: DType,
        shape: [usize; R],
        src: (Addr, [isize; R]),
        dst: (Addr, [isize; R]),
    ) {
        let strides = |s: [isize; R]| s.map(|s| s as i64);
        let (from, to) = (strides(src.1), strides(dst.1));
        let plan = netform_ptx::copy(dtype, &shape, (at(src.0), &from), (at(dst.0), &to));
        self.gpu.put(|state| self.gpu.launch(state, plan));
    }
    unsafe fn fill(&self, dtype: DType, len: usize, value: f64, dst: Addr) {
        let plan = netform_ptx::fill(dtype, len, value, at(dst));
        self.gpu.put(|state| self.gpu.launch(state, plan));
    }
}

// Faults are found when results are read: none is known yet.
impl IndexKernels for Cuda {
    unsafe fn take(
        &self,
        dtype: DType,
        a: Axis,
        count: usize,
        [x, index, y]: [Addr; 3],
        what: What,
    ) -> bool {
        self.gpu.put(|state| {
            let fault = state.faults.of(what, a.n);
            let plan = netform_ptx::take(dtype, axis(a), count, at(x), at(index), at(y), fault);
            self.gpu.launch(state, plan)
        });
        true
    }
    unsafe fn take_grad(
        &self,
        a: Axis,
        count: usize,
        [dy, index, dx]: [Addr; 3],
        what: What,
    ) -> bool {
        self.gpu.put(|state| {
            let fault = state.faults.of(what, a.n);
            let (a, index) = (axis(a), at(index));
            let work = self
                .gpu
                .scratch(state, netform_ptx::take_grad_work(a, count))?;
            let plan = netform_ptx::take_grad(a, count, at(dy), index, at(dx), fault, work);
            self.gpu.launch(state, plan)
        });
        true
    }
    unsafe fn put(
        &self,
        dtype: DType,
        a: Axis,
        count: usize,
        [src, index, y]: [Addr; 3],
        what: What,
    ) -> bool {
        self.gpu.put(|state| {
            let fault = state.faults.of(what, a.n);
            let plan = netform_ptx::put(dtype, axis(a), count, at(src), at(index), at(y), fault);
            self.gpu.launch(state, plan)
        });
        true
    }
    unsafe fn gather(
        &self,
        dtype: DType,
        a: Axis,
        count: usize,
        [x, index, y]: [Addr; 3],
        what: What,
    ) -> bool {
        self.gpu.put(|state| {
            let fault = state.faults.of(what, a.n);
            let plan = netform_ptx::gather(dtype, axis(a), count, at(x), at(index), at(y), fault);
            self.gpu.launch(state, plan)
        });
        true
    }
    unsafe fn gather_grad(
        &self,
        a: Axis,
        count: usize,
        [dy, index, dx]: [Addr; 3],
        what: What,
    ) -> bool {
        self.gpu.put(|state| {
            let fault = state.faults.of(what, a.n);
            let plan = netform_ptx::gather_grad(axis(a), count, at(dy), at(index), at(dx), fault);
            self.gpu.launch(state, plan)
        });
        true
    }
}

impl IntegerKernels for Cuda {
    unsafe fn integers(
        &self,
        f: Integers,
        arrays: [Addr; 3],
        what: What,
    ) -> std::result::Result<(), Unfit> {
        let f = match f {
            Integers::Add(len) => netform_ptx::Integers::Add(len),
            Integers::Sub(len) => netform_ptx::Integers::Sub(len),
            Integers::Mul(len) => netform_ptx::Integers::Mul(len),
            Integers::Cast(len) => netform_ptx::Integers::Cast(len),
            Integers::Reduce(kind, a) => netform_ptx::Integers::Reduce(reduction(kind), axis(a)),
            Integers::CumSum(a) => netform_ptx::Integers::CumSum(axis(a)),
        };
        self.gpu.put(|state| {
            let fault = state.faults.of(what, NO_LIMIT);
            let plan = netform_ptx::integers(f, arrays.map(at), fault);
            self.gpu.launch(state, plan)
        });
        Ok(())
    }
}

impl RandomKernels for Cuda {
    unsafe fn bernoulli(&self, keep: f64, stream: Stream, len: usize, y: Addr) {
        self.gpu.put(|state| {
            let stream = self.gpu.random(state, stream)?;
            let plan = netform_ptx::bernoulli(keep, stream, len, at(y));
            self.gpu.launch(state, plan)
        });
    }
}
