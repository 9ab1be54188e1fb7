//! Workspaces: the memory of one run. Its results share it, and it is free again after they are dropped.
//!
//! A workspace is an arena for the slots, as large as the largest run so far, and the slot offsets of the last few
//! (function, dimensions) pairs. The pool keeps every workspace in an [`Arc`] that results share. A workspace is free
//! again when the pool has the only reference, so that nothing needs to be returned. Nothing is allocated once there
//! are as many workspaces as are used at the same time.

use std::sync::{Arc, Mutex, PoisonError};

use netform_core::number::POSITIONS;

use crate::binding::{declared, element_size, no_room};
use crate::device::{Addr, RunId};
use crate::dims::Dims;
use crate::loss::Place;
use crate::returned;
use crate::shape::{MAX_RANK, Shape, elements};
use crate::{ArgSpec, ArgType, Device, DimSpec, Error, Loss, Plan, Result};

/// The number of layouts that one workspace keeps.
const LAYOUTS: usize = 16;
/// The number of workspaces that a pool keeps.
const KEPT: usize = 64;

/// The places of the slots of one plan, for one set of dimensions.
struct Layout {
    plan: &'static Plan,
    dims: Dims,
    offsets: Vec<usize>,
    bytes: usize,
}

/// The memory of one run.
pub(crate) struct Workspace<D: Device> {
    device: D,
    arena: Option<D::Buffer>,
    layouts: Vec<Layout>,
    /// The layout in use.
    current: usize,
    /// The layout that the next new one replaces after there are [`LAYOUTS`].
    oldest: usize,
    /// Copies of the results in whole words, for results that the host cannot read in place, or whose type differs from
    /// the declared one.
    host: Vec<u64>,
    /// The first word of each result in `host`.
    host_at: Vec<usize>,
    /// The place of the loss of the latest run.
    loss: Arc<Place<D>>,
    /// The loss is still there: it was not copied.
    pending: bool,
}

impl<D: Device> Drop for Workspace<D> {
    fn drop(&mut self) {
        self.loss.end();
    }
}

impl<D: Device> Workspace<D> {
    fn new(device: D) -> Self {
        let (layouts, host, host_at) = (Vec::new(), Vec::new(), Vec::new());
        let loss = Arc::new(Place::new(device.clone()));
        Self {
            device,
            loss,
            pending: false,
            arena: None,
            layouts,
            current: 0,
            oldest: 0,
            host,
            host_at,
        }
    }

    /// Makes this plan with these dimensions the current one, and allocates memory for it.
    #[inline]
    pub(crate) fn prepare(&mut self, plan: &'static Plan, dims: Dims) -> Result<()> {
        if std::mem::take(&mut self.pending) {
            self.loss.begin(plan.name);
        }
        let known = |l: &Layout| std::ptr::eq(l.plan, plan) && l.dims == dims;
        if !self.layouts.get(self.current).is_some_and(known) {
            self.current = match self.layouts.iter().position(known) {
                Some(i) => i,
                None => self.add_layout(plan, dims)?,
            };
        }
        let bytes = self.layouts[self.current].bytes.max(1);
        if self
            .arena
            .as_ref()
            .is_none_or(|arena| D::size(arena) < bytes)
        {
            // The old one is freed first: both at once might not fit.
            self.arena = None;
            let made = self.device.alloc(bytes);
            self.arena = Some(made.map_err(|e| self.for_values(e, plan, &dims))?);
        }
        Ok(())
    }

    /// An error with the purpose of the memory: the function, its sizes, and its largest value if that is an argument
    /// or a result.
    fn for_values(&self, e: Error, plan: &Plan, dims: &[usize]) -> Error {
        let Error::OutOfMemory { device, bytes, .. } = e else {
            return e;
        };
        let layout = &self.layouts[self.current];
        let end = |k: usize| layout.offsets.get(k + 1).copied().unwrap_or(layout.bytes);
        let size = |k: usize| end(k).saturating_sub(layout.offsets[k]);
        let largest = (0..layout.offsets.len()).max_by_key(|k| size(*k));
        let inputs = plan.inputs.iter().enumerate().map(|(k, arg)| (arg, k));
        let outputs = plan.outputs.iter().map(|(arg, k)| (arg, *k));
        let value = outputs.chain(inputs).find(|(_, k)| Some(*k) == largest);
        let value = value.map_or("its values".into(), |(arg, _)| declared(plan, arg));
        let Error::OutOfMemory { what, .. } = no_room(plan, dims, &value) else {
            return Error::OutOfMemory {
                device,
                what: value,
                bytes,
            };
        };
        let what = format!("{}: {what}", plan.name);
        Error::OutOfMemory {
            device,
            what,
            bytes,
        }
    }

    /// Computes the layout of a plan, in a free entry or in the oldest one.
    fn add_layout(&mut self, plan: &'static Plan, dims: Dims) -> Result<usize> {
        let mut offsets = vec![0; plan.slots];
        let bytes = (plan.layout)(&dims, size_of::<D::Float>(), &mut offsets);
        let inputs = plan.inputs.iter();
        for arg in inputs.chain(plan.outputs.iter().map(|(arg, _)| arg)) {
            if shape_of::<D>(arg, &dims).1.is_none() {
                return Err(no_room(plan, &dims, &declared(plan, arg)));
            }
        }
        if isize::try_from(bytes).is_err() {
            return Err(no_room(plan, &dims, "its values"));
        }
        let inputs = plan.inputs.iter().enumerate().map(|(k, arg)| (arg, k));
        let inputs = inputs.filter(|(_, k)| !plan.kept.contains(k));
        for (arg, slot) in inputs.chain(plan.outputs.iter().map(|(arg, slot)| (arg, *slot))) {
            let (_, len) = shape_of::<D>(arg, &dims);
            let end = len
                .zip(offsets.get(slot))
                .and_then(|(len, at)| at.checked_add(len));
            if end.is_none_or(|end| end > bytes) {
                let what = format!("`{}` does not lie in the workspace", arg.name);
                return Err(Error::Internal {
                    function: plan.name,
                    what,
                });
            }
        }
        // Only possible if another dimension is 0. The ranges of integers rely on it.
        let beyond = |n: &usize| *n as u64 >= POSITIONS.cast_unsigned();
        if let Some(k) = dims.iter().position(beyond) {
            let name = plan.dims.get(k).copied().unwrap_or_default();
            return Err(no_room(plan, &dims, &format!("`{name}` elements")));
        }
        let layout = Layout {
            plan,
            dims,
            offsets,
            bytes,
        };
        if self.layouts.len() < LAYOUTS {
            self.layouts.push(layout);
            return Ok(self.layouts.len() - 1);
        }
        let place = self.oldest;
        self.oldest = (place + 1) % LAYOUTS;
        self.layouts[place] = layout;
        Ok(place)
    }

    /// The arena and the slots' offsets in it, after [`prepare`](Self::prepare).
    pub(crate) fn parts(&mut self) -> Option<(&mut D::Buffer, &[usize])> {
        Some((
            self.arena.as_mut()?,
            &self.layouts.get(self.current)?.offsets,
        ))
    }

    /// Copies the results of that run to the host, unless the host can read them in place, and waits for its outcome. A
    /// loss stays until it is read. Integers are narrowed to their declared types.
    pub(crate) fn fetch(&mut self, run: u64) -> Result<()> {
        let (Some(layout), Some(arena)) = (self.layouts.get(self.current), &self.arena) else {
            return Ok(());
        };
        let outputs = layout.plan.outputs;
        let in_place = self.device.in_place(D::addr(arena)).is_some();
        if in_place && !outputs.iter().any(|(arg, _)| returned::is_narrow(arg.ty)) {
            return Ok(());
        }
        if !in_place && is_loss(layout.plan) {
            if let Some(at) = layout.offsets.get(layout.plan.outputs[0].1) {
                // SAFETY: `add_layout` has checked that the slot holds the float; the arena is freed only after `begin`
                // (in `prepare`) or `end` (when it is dropped).
                unsafe { (self.loss).set(layout.plan.name, D::addr(arena).wrapping_add(*at)) };
                self.pending = true;
            }
            return Ok(());
        }
        self.host_at.clear();
        let mut words = 0;
        // 0 for results that are not copied.
        let bytes = |arg: &ArgSpec| match in_place && !returned::is_narrow(arg.ty) {
            true => 0,
            false => shape_of::<D>(arg, &layout.dims).1.unwrap_or(0),
        };
        for (arg, _) in outputs {
            self.host_at.push(words);
            words += bytes(arg).div_ceil(size_of::<u64>());
        }
        if self.host.len() < words {
            self.host.resize(words, 0);
        }
        for ((arg, slot), &at) in outputs.iter().zip(&self.host_at) {
            let bytes = bytes(arg);
            let to = &mut bytemuck::cast_slice_mut(&mut self.host[at..])[..bytes];
            // SAFETY: `add_layout` has checked that the slot holds this many bytes of the arena.
            unsafe {
                self.device
                    .read(D::addr(arena).add(layout.offsets[*slot]), to)?
            };
        }
        self.device.outcome(run)?;
        for (k, (arg, _)) in outputs.iter().enumerate() {
            let shape = shape_of::<D>(arg, &layout.dims).0;
            let words = &mut self.host[self.host_at[k]..];
            returned::narrow(layout.plan.name, k, arg.ty, shape.as_slice(), words)?;
        }
        Ok(())
    }

    /// The loss of this run, if it is the latest and its value is still on the device.
    pub(crate) fn pending_loss(&self, id: &RunId) -> Option<Loss<D>> {
        self.pending.then(|| self.loss.loss(id.clone()))
    }

    /// The first host byte of result `k`, for reading only.
    pub(crate) fn result(&self, k: usize) -> Option<Addr> {
        let layout = self.layouts.get(self.current)?;
        let (arg, slot) = layout.plan.outputs.get(k)?;
        let at = D::addr(self.arena.as_ref()?).wrapping_add(*layout.offsets.get(*slot)?);
        let copy = || {
            let words = self.host.get(*self.host_at.get(k)?..)?;
            Some(words.as_ptr().cast::<u8>().cast_mut())
        };
        match returned::is_narrow(arg.ty) {
            true => copy(),
            false => self.device.in_place(at).or_else(copy),
        }
    }
}

/// Whether a function's only result is one float: a loss, for which the host need not wait.
fn is_loss(plan: &Plan) -> bool {
    matches!(plan.outputs, [(arg, _)] if arg.shape.is_empty() && arg.ty == ArgType::Float)
}

/// The shape of an argument or result, and its size in bytes unless that overflows.
pub(crate) fn shape_of<D: Device>(arg: &ArgSpec, dims: &[usize]) -> (Shape, Option<usize>) {
    let mut shape = Shape::ones(arg.shape.len());
    for (to, dim) in shape.sizes_mut().iter_mut().zip(arg.shape) {
        *to = match *dim {
            DimSpec::Fixed(n) => n,
            DimSpec::Named(k) => dims.get(k).copied().unwrap_or(0),
            DimSpec::Derived(f, _) | DimSpec::Solved { value: f, .. } => f(dims),
        };
    }
    let bytes = elements(shape.as_slice());
    let fits = arg.shape.len() <= MAX_RANK;
    (
        shape,
        bytes
            .and_then(|n| n.checked_mul(element_size::<D::Float>(arg.ty)))
            .filter(|_| fits),
    )
}

/// The workspaces of one network.
pub(crate) struct Pool<D: Device>(Mutex<Vec<Arc<Workspace<D>>>>);

impl<D: Device> Pool<D> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// A workspace that nothing else holds. The last used is preferred.
    #[inline]
    pub(crate) fn take(&self, device: &D) -> Arc<Workspace<D>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.iter_mut().rposition(|ws| Arc::get_mut(ws).is_some()) {
            Some(i) => kept.remove(i),
            None => Arc::new(Workspace::new(device.clone())),
        }
    }

    /// Keeps a workspace, which results may still share.
    #[inline]
    pub(crate) fn keep(&self, ws: &Arc<Workspace<D>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(Arc::clone(ws));
        }
    }
}

impl<D: Device> Pool<D> {
    /// The bytes of all arenas in the pool.
    pub(crate) fn bytes(&self) -> usize {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter()
            .filter_map(|ws| ws.arena.as_ref())
            .map(D::size)
            .sum()
    }
}
