//! Samples that stay on a device: copied there once, and picked there for each batch.
//!
//! ```
//! use netform_runtime::data::{Loader, Resident};
//! use netform_runtime::{Cpu, Tensor};
//! let (x, y) = (vec![[0.5f32; 8]; 100], vec![1u32; 100]);
//! let mut loader = Loader::new(&x, &y, 32)?.shuffle(42);
//! let device = Cpu::new();
//! let mut images = Resident::new(&device, &Tensor::from(&x))?;
//! let mut classes = Resident::new(&device, &Tensor::from(y.clone()))?;
//! let mut batches = loader.epoch();
//! while let Some(at) = batches.positions() {
//!     let (x, y) = (images.pick(at)?, classes.pick(at)?);
//!     assert_eq!(x.len(), y.len());
//!     // net.loss_step(&mut adam, &x, &y)?;
//! }
//! # Ok::<(), netform_runtime::Error>(())
//! ```

use super::part::Part;
use crate::binding;
use crate::input::{Input, Source, SourceData};
use crate::tensor::TensorData;
use crate::{ArgSpec, ArgType, DataProblem, Device, Error, Result, Tensor};

/// Samples on a device: a tensor whose first dimension is that of the samples.
pub struct Resident<D: Device> {
    device: D,
    samples: D::Buffer,
    ty: ArgType,
    shape: Vec<usize>,
    /// The smallest and the largest value, if they are integers.
    range: Option<(i64, i64)>,
    /// The positions of the current batch, on the device and on the host.
    positions: Option<D::Buffer>,
    picked: Vec<i64>,
}

impl<D: Device> Resident<D> {
    /// Copies samples to a device. Floats are converted to the device's float type. Integers are stored with 64 bits.
    pub fn new(device: &D, samples: &Tensor) -> Result<Self> {
        let function = "Resident::new";
        let wrong = |problem| Error::Data { function, problem };
        let shape = samples.shape().to_vec();
        if shape.is_empty() || shape.contains(&0) {
            return Err(wrong(DataProblem::EmptyTensor { shape }));
        }
        let (ty, size) = match samples.data() {
            TensorData::F32(_) | TensorData::F64(_) => (ArgType::Float, size_of::<D::Float>()),
            TensorData::Bool(_) => (ArgType::Bool, 1),
            _ => (ArgType::I64, size_of::<i64>()),
        };
        let bytes = shape.iter().product::<usize>().checked_mul(size);
        let bytes = bytes.ok_or_else(|| wrong(DataProblem::TooLarge))?;
        let range = match samples.data() {
            TensorData::I64(v) => range(v),
            TensorData::I32(v) => range(v),
            TensorData::U32(v) => range(v),
            _ => None,
        };
        let buffer = device.alloc(bytes)?;
        let arg = ArgSpec {
            name: "samples",
            ty,
            shape: &[],
        };
        let source = Input::<crate::FloatArg, ()>::source(&samples);
        // SAFETY: the buffer holds all elements, in the type that they are written in.
        unsafe { binding::write(device, function, &arg, &source, D::addr(&buffer))? };
        Ok(Self {
            device: device.clone(),
            samples: buffer,
            ty,
            shape,
            range,
            positions: None,
            picked: Vec::new(),
        })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.shape[0]
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The sizes of a sample's dimensions.
    pub fn sample(&self) -> &[usize] {
        &self.shape[1..]
    }

    /// A batch of the samples at these positions, in this order: an argument of any function. Only the positions are
    /// copied to the device.
    pub fn pick(&mut self, positions: &[usize]) -> Result<Picked<'_, D>> {
        if let Some(k) = positions.iter().position(|at| *at >= self.len()) {
            return Err(Error::Data {
                function: "Resident::pick",
                problem: DataProblem::Position {
                    value: positions[k],
                    at: k,
                    samples: self.len(),
                },
            });
        }
        self.picked.clear();
        // A position is below the number of samples in memory, so it fits in i64.
        self.picked.extend(positions.iter().map(|at| *at as i64));
        let bytes: &[u8] = bytemuck::cast_slice(&self.picked);
        let room = self.positions.as_ref().map_or(0, D::size);
        if room < bytes.len() {
            self.positions = Some(self.device.alloc(bytes.len().next_power_of_two())?);
        }
        if let Some(to) = &self.positions {
            // SAFETY: there is room, and `&mut self` excludes other uses.
            unsafe { self.device.write(D::addr(to), bytes)? };
        }
        Ok(Picked { of: self })
    }
}

/// The smallest and the largest value, if there are any.
fn range<T: Copy + Into<i64>>(values: &[T]) -> Option<(i64, i64)> {
    let values = values.iter().map(|v| (*v).into());
    values.fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((least, most)) => Some((v.min(least), v.max(most))),
    })
}

/// A batch on the device.
pub struct Picked<'a, D: Device> {
    of: &'a Resident<D>,
}

impl<D: Device> Picked<'_, D> {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.of.picked.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<Class, S, D: Device> Input<Class, S> for &Picked<'_, D> {
    fn source(&self) -> Source<'_> {
        let of = self.of;
        let mut shape = [1; crate::shape::MAX_RANK + 1];
        let rank = of.shape.len().min(shape.len());
        shape[..rank].copy_from_slice(&of.shape[..rank]);
        shape[0] = self.len();
        let Some(positions) = &of.positions else {
            // An empty batch has no place on the device, and fits no argument.
            return Source::new(SourceData::Strided, &shape[..rank]);
        };
        let part = Part {
            device: of.device.id(),
            ty: of.ty,
            range: of.range,
            samples: of.len(),
            sample: of.shape[1..].iter().product(),
            count: self.len(),
            from: D::addr(&of.samples).expose_provenance(),
            positions: D::addr(positions).expose_provenance(),
            buffers: std::marker::PhantomData,
        };
        Source::new(SourceData::Resident(part), &shape[..rank])
    }
}
