//! The families of ops: each call is resolved to launches by `netform-ptx` and put on the stream.

use netform_ptx::{Addr as At, Arg, Context, Fault, Scalars};

use super::Cuda;
use crate::device::{
    Addr, Axis, Call, Combine, CopyKernels, Found, Launch, MapKernels, NO_LIMIT, Operand, Product,
    ProductKernels, ReduceKernels, What,
};
use crate::size::Sizes;
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
    unsafe fn reduce<M: MapBody, K: Combine, const I: usize>(
        &self,
        a: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
    ) {
        self.gpu.put(|state| {
            let work = self.gpu.scratch(state, netform_ptx::reduce_work(a))?;
            let scalars = floats(scalars);
            let scalars = Scalars::Values(&scalars);
            let plan = netform_ptx::reduce(
                &M::body(),
                K::COMBINER,
                a,
                &args(&inputs),
                at(y),
                scalars,
                work,
            );
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
        let rest = rest.map(at);
        self.gpu.put(|state| {
            let work = self.gpu.scratch(state, netform_ptx::mean_work(a))?;
            let scalars = floats(scalars);
            let scalars = Scalars::Values(&scalars);
            let (body, inputs) = (M::body(), args(&inputs));
            let plan = netform_ptx::mean(&body, a, &inputs, [Some(at(y)), rest], scalars, work);
            self.gpu.launch(state, plan)
        });
    }
}

impl ProductKernels for Cuda {
    // GPUs have no kernels for sizes known at compile time.
    unsafe fn product<M: MapBody, S: Sizes, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
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
}

// Errors in data are found when results are read: none is known yet.
impl Launch for Cuda {
    unsafe fn launch(
        &self,
        call: &Call<'_>,
        operands: &[Addr],
        what: What,
    ) -> std::result::Result<(), Found> {
        self.gpu.put(|state| {
            let fault = match (call.limit(), call) {
                (Some(limit), _) => state.faults.of(what, limit),
                (None, Call::Integers(_)) => state.faults.of(what, NO_LIMIT),
                _ => Fault::default(),
            };
            let step = match call.stream() {
                Some(_) => self.gpu.step(state)?,
                None => 0,
            };
            let work = self.gpu.scratch(state, netform_ptx::work(call))?;
            let context = Context { fault, step, work };
            let plan = netform_ptx::call(call, &addrs(operands), context);
            self.gpu.launch(state, plan)
        });
        Ok(())
    }
}
