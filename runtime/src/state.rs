//! The state that functions keep from call to call: the `#[state]` arguments of a network.
//!
//! A [`State`] is one buffer on the device, made for given sizes. Functions read it and write it in place: nothing is
//! copied, and a call allocates nothing for it.

use crate::pool::shape_of;
use crate::shape::MAX_RANK;
use crate::tensor::TensorData;
use crate::{ArgSpec, ArgType, Device, Error, Result, Source, SourceData, Tensor};

/// The largest product of the named dimensions: more elements than any memory has.
const MAX_PRODUCT: usize = 1 << 42;

/// The description of a network's state.
#[derive(Clone, Copy, Debug)]
pub struct StateSpec {
    /// The network's name.
    pub network: &'static str,
    /// The named dimensions.
    pub dims: &'static [&'static str],
    /// Each value's name, type and shape.
    pub entries: &'static [ArgSpec],
    /// Writes each value's first byte for these dimensions and this size of a float; returns the size in bytes.
    pub layout: fn(dims: &[usize], float: usize, offsets: &mut [usize]) -> usize,
}

/// The kept values of one stream, initially zeros. Made by the network's `state(..)`.
///
/// After a call that ends in an error, each value may be that before or after the call: [`reset`](Self::reset) them, or
/// go back to a [`try_clone`](Self::try_clone).
pub struct State<D: Device> {
    device: D,
    spec: &'static StateSpec,
    dims: Vec<usize>,
    offsets: Vec<usize>,
    buffer: D::Buffer,
}

impl<D: Device> State<D> {
    /// Zeros of these sizes, in the order of `spec.dims`.
    #[doc(hidden)]
    pub fn new(device: D, spec: &'static StateSpec, dims: &[usize]) -> Result<Self> {
        // Unlike the sizes of arguments, these have no data in memory, so sizes that could overflow are refused.
        let product = dims.iter().fold(1usize, |p, n| p.saturating_mul(*n));
        if product > MAX_PRODUCT {
            return Err(Error::OutOfMemory {
                device: device.name(),
                what: format!("what `{}` keeps", spec.network),
                bytes: product,
            });
        }
        let mut offsets = vec![0; spec.entries.len()];
        let bytes = (spec.layout)(dims, size_of::<D::Float>(), &mut offsets);
        for (entry, at) in spec.entries.iter().zip(&offsets) {
            let size = shape_of::<D>(entry, dims).1;
            if size.is_none_or(|size| isize::try_from(size.saturating_add(*at)).is_err()) {
                return Err(Error::OutOfMemory {
                    device: device.name(),
                    what: format!("`{}`, which `{}` keeps", entry.name, spec.network),
                    bytes: size.unwrap_or(usize::MAX),
                });
            }
            let end = shape_of::<D>(entry, dims)
                .1
                .and_then(|n| n.checked_add(*at));
            if end.is_none_or(|end| end > bytes) {
                return Err(Error::Internal {
                    function: spec.network,
                    what: format!("`{}` does not lie in what is kept", entry.name),
                });
            }
        }
        let buffer = device.alloc(bytes.max(1))?;
        Ok(Self {
            device,
            spec,
            dims: dims.to_vec(),
            offsets,
            buffer,
        })
    }

    /// The values' names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<D> {
        self.spec.entries.iter().map(|e| e.name)
    }

    /// Bytes on the device.
    pub fn bytes(&self) -> usize {
        D::size(&self.buffer)
    }

    /// Sets all values to zero.
    pub fn reset(&mut self) -> Result<()> {
        // A new buffer is zeroed. If allocation fails, the old one is kept.
        self.buffer = self.device.alloc(self.bytes())?;
        Ok(())
    }

    /// An independent copy.
    pub fn try_clone(&self) -> Result<Self> {
        let mut bytes = vec![0; self.bytes()];
        // SAFETY: the bytes are those of the buffer.
        unsafe { self.device.read(D::addr(&self.buffer), &mut bytes)? };
        let copy = Self::new(self.device.clone(), self.spec, &self.dims)?;
        // SAFETY: a buffer of the same size, which nothing else uses yet.
        unsafe { copy.device.write(D::addr(&copy.buffer), &bytes)? };
        Ok(copy)
    }

    /// A copy of one value. Integers have the declared type. A value out of its range is an error.
    pub fn get(&self, name: &str) -> Result<Tensor> {
        let (k, entry) = self.find(name)?;
        let (shape, bytes) = shape_of::<D>(entry, &self.dims);
        let mut data = vec![0u64; bytes.unwrap_or(0).div_ceil(size_of::<u64>())];
        let bytes = &mut bytemuck::cast_slice_mut(&mut data)[..bytes.unwrap_or(0)];
        // SAFETY: `new` has checked that the value lies in the buffer.
        unsafe { self.device.read(self.addr(k), bytes)? };
        let data = match entry.ty {
            ArgType::Float => crate::output::floats::<D::Float>(bytemuck::cast_slice(bytes)),
            ArgType::Bool => TensorData::Bool(bytes.iter().map(|b| *b != 0).collect()),
            ArgType::I64 => TensorData::I64(bytemuck::cast_slice(bytes).to_vec()),
            ArgType::U32 => TensorData::U32(self.narrow(entry, bytes, |x| x as u32)?),
            ArgType::I32 => TensorData::I32(self.narrow(entry, bytes, |x| x as i32)?),
        };
        Tensor::from_data(shape.as_slice(), data)
    }

    /// Integers in their declared type.
    fn narrow<T>(&self, entry: &ArgSpec, bytes: &[u8], to: impl Fn(i64) -> T) -> Result<Vec<T>> {
        let fitting = |x: &i64| crate::binding::fitting(self.spec.network, entry, *x).map(&to);
        bytemuck::cast_slice(bytes).iter().map(fitting).collect()
    }

    /// Overwrites one value. Types are converted as those of arguments.
    pub fn set(&mut self, name: &str, values: &Tensor) -> Result<()> {
        let (k, entry) = self.find(name)?;
        let wanted = shape_of::<D>(entry, &self.dims).0;
        let fits = match values.data() {
            TensorData::F32(_) | TensorData::F64(_) => entry.ty == ArgType::Float,
            TensorData::Bool(_) => entry.ty == ArgType::Bool,
            _ => !matches!(entry.ty, ArgType::Float | ArgType::Bool),
        };
        if values.shape() != wanted.as_slice() || !fits {
            return Err(Error::StateShape {
                network: self.spec.network,
                name: entry.name,
                wanted: wanted.as_slice().to_vec(),
                found: values.shape().to_vec(),
                holds: values.data().type_name(),
            });
        }
        let source = crate::Input::<crate::FloatArg, ()>::source(&values);
        // SAFETY: type and shape are the entry's, which lies in the buffer; `&mut self` excludes runs.
        unsafe {
            crate::binding::write(
                &self.device,
                self.spec.network,
                entry,
                &source,
                self.addr(k),
            )
        }
    }

    fn find(&self, name: &str) -> Result<(usize, &'static ArgSpec)> {
        let found = self
            .spec
            .entries
            .iter()
            .enumerate()
            .find(|e| e.1.name == name);
        found.ok_or_else(|| Error::UnknownState {
            network: self.spec.network,
            name: name.into(),
            near: crate::nearest::nearest(name, self.names()),
        })
    }

    fn addr(&self, k: usize) -> crate::device::Addr {
        D::addr(&self.buffer).wrapping_add(self.offsets[k])
    }

    /// Value `k` as an argument: its shape. The elements are not copied.
    #[doc(hidden)]
    pub fn source(&self, k: usize) -> Source<'static> {
        let Some(entry) = self.spec.entries.get(k) else {
            return Source::new(SourceData::Strided, &[]);
        };
        let shape = shape_of::<D>(entry, &self.dims).0;
        let shape: &[usize] = shape.as_slice();
        let len = crate::shape::elements(shape).unwrap_or(0);
        debug_assert!(shape.len() <= MAX_RANK);
        Source::new(SourceData::Kept(entry.ty, len), shape)
    }

    /// Whether it lies on this device.
    pub(crate) fn is_on(&self, device: &D) -> bool {
        self.device.id() == device.id()
    }

    /// The buffer, and each value's first byte in it.
    pub(crate) fn parts(&mut self) -> (&mut D::Buffer, &[usize]) {
        (&mut self.buffer, &self.offsets)
    }
}

impl<D: Device> std::fmt::Debug for State<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut map = f.debug_map();
        for entry in self.spec.entries {
            let shape = shape_of::<D>(entry, &self.dims).0;
            map.entry(&entry.name, &shape.as_slice());
        }
        map.finish()
    }
}
