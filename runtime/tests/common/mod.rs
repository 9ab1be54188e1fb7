//! A workspace for tests of kernels: takes values, makes runs on them, and gives values.

#![allow(dead_code, unused_imports)]

mod calls;

pub use calls::Calls;

use netform_runtime::__private::device::{Axis, Memory};
use netform_runtime::__private::{CpuBuffer, DType, In, Run, Space, View};
use netform_runtime::{Cpu, Error, Float};

/// An arena for views, with guard bytes after each.
pub struct Bench<F: Float> {
    cpu: Cpu<F>,
    params: CpuBuffer,
    grads: CpuBuffer,
    arena: CpuBuffer,
    used: usize,
}

impl<F: Float> Bench<F> {
    pub fn new(cpu: Cpu<F>) -> Self {
        let [params, grads] = [0; 2].map(|_| cpu.alloc(1024).unwrap());
        let arena = cpu.alloc(16 << 20).unwrap();
        Self {
            cpu,
            params,
            grads,
            arena,
            used: 0,
        }
    }

    /// Memory for `len` elements. It starts with bytes that no kernel writes.
    pub fn empty_of(&mut self, dtype: DType, len: usize) -> View {
        let size = dtype.size(size_of::<F>());
        let offset = self.used;
        self.used = (offset + len * size).next_multiple_of(64) + 64;
        assert!(
            self.used <= Cpu::<F>::size(&self.arena),
            "the tests' arena is full"
        );
        self.write(offset, &vec![0xA5; self.used - offset]);
        View {
            space: Space::Arena,
            dtype,
            offset,
            len,
        }
    }

    pub fn empty(&mut self, len: usize) -> View {
        self.empty_of(DType::Float, len)
    }

    pub fn set(&mut self, view: View, x: &[f64]) {
        let x: Vec<F> = x.iter().map(|&x| F::from_f64(x)).collect();
        self.write(view.offset, bytemuck::cast_slice(&x));
    }

    pub fn floats(&mut self, x: &[f64]) -> View {
        let view = self.empty(x.len());
        self.set(view, x);
        view
    }

    pub fn ints(&mut self, x: &[i64]) -> View {
        let view = self.empty_of(DType::Int, x.len());
        self.write(view.offset, bytemuck::cast_slice(x));
        view
    }

    pub fn array(&mut self, bytes: &[u8]) -> View {
        let view = self.empty_of(DType::Bool, bytes.len());
        self.write(view.offset, bytes);
        view
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= Cpu::<F>::size(&self.arena));
        // SAFETY: inside the arena.
        unsafe {
            self.cpu
                .write(Cpu::<F>::addr(&self.arena).add(offset), bytes)
                .unwrap()
        };
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) {
        assert!(offset + bytes.len() <= Cpu::<F>::size(&self.arena));
        // SAFETY: inside the arena.
        unsafe {
            self.cpu
                .read(Cpu::<F>::addr(&self.arena).add(offset), bytes)
                .unwrap()
        };
    }

    /// A view's bytes, after a check of the guard bytes after them.
    fn bytes(&self, view: View, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; view.len * size + 64];
        self.read(view.offset, &mut bytes);
        assert!(
            bytes.split_off(view.len * size).iter().all(|&b| b == 0xA5),
            "written beyond the end"
        );
        bytes
    }

    pub fn get(&self, view: View) -> Vec<F> {
        self.bytes(view, size_of::<F>())
            .chunks_exact(size_of::<F>())
            .map(bytemuck::pod_read_unaligned)
            .collect()
    }

    pub fn get_ints(&self, view: View) -> Vec<i64> {
        self.bytes(view, 8)
            .chunks_exact(8)
            .map(bytemuck::pod_read_unaligned)
            .collect()
    }

    pub fn get_bytes(&self, view: View) -> Vec<u8> {
        self.bytes(view, 1)
    }

    pub fn get_masks(&self, view: View) -> Vec<bool> {
        self.bytes(view, 1)
            .into_iter()
            .map(|b| [false, true][usize::from(b)])
            .collect()
    }

    fn start<'a>(&'a mut self, offsets: &'a [usize]) -> Run<'a, Cpu<F>> {
        // SAFETY: `&mut self` excludes every other run.
        unsafe {
            Run::new(
                &self.cpu,
                "test",
                &self.params,
                Some(&mut self.grads),
                &mut self.arena,
                offsets,
                42,
                7,
            )
        }
    }

    /// A run without errors.
    pub fn run(&mut self, f: impl FnOnce(&Run<Cpu<F>>)) {
        let run = self.start(&[]);
        f(&run);
        run.finish().unwrap();
    }

    /// A run's first error.
    pub fn fault(&mut self, f: impl FnOnce(&Run<Cpu<F>>)) -> Error {
        let run = self.start(&[]);
        f(&run);
        run.finish().unwrap_err()
    }
}

/// Operands over (outer, n, inner).
pub struct In3;
impl In3 {
    pub fn block(view: View, axis: Axis) -> In<3> {
        In {
            view,
            start: 0,
            strides: [axis.n * axis.inner, axis.inner, 1],
        }
    }
}

/// Numbers between -2 and 2.
pub fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut x = vec![0f32; n];
    netform_runtime::fill_uniform(seed, 0, &mut x, -2.0, 2.0);
    x.into_iter().map(f64::from).collect()
}
