//! What a generated network owns: its parameters, their gradients and the workspaces of its runs.
//!
//! An entry function is one call of [`Core::infer`] or [`Core::train`]: in go its plan, the inputs
//! and the compiled body; out comes the finished run, [`Lent`] until its results are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::device;
use crate::output::floats;
use crate::pool::{Pool, Workspace};
use crate::{
    DType, Device, Error, Float, Inner, Lanes, Lent, MapBody, NetSpec, Operand, ParamSpec, Plan,
    Result,
};
use crate::{Run, Source, Tensor, door, init, stack};

/// A network's state. `Send + Sync`: several threads may call [`infer`](Self::infer) at once.
pub struct Core<D: Device> {
    device: D,
    spec: &'static NetSpec,
    params: D::Buffer,
    /// Made by the first run that needs them.
    grads: Option<D::Buffer>,
    /// The gradients of one run, before they are added to `grads`.
    fresh: Option<D::Buffer>,
    /// A float for each parameter and one more, for norms; made when first asked for.
    scratch: Option<D::Buffer>,
    pool: Pool<D>,
    /// Tells this network from every other one of the process.
    id: u64,
    seed: u64,
    step: AtomicU64,
}

impl<D: Device> Core<D> {
    /// A network with initial parameters: the same for the same seed, whatever the device.
    pub fn new(device: D, seed: u64, spec: &'static NetSpec) -> Result<Self> {
        let spec = stack::unstacked(spec);
        check(spec)?;
        let params = alloc(&device, spec)?;
        let values = init::flat::<D::Float>(spec.params, spec.flat_len, seed);
        // SAFETY: `alloc` has made room for `flat_len` floats.
        unsafe { device.write(D::addr(&params), bytemuck::cast_slice(&values))? };
        let (pool, step) = (Pool::new(), AtomicU64::new(0));
        let (grads, fresh, scratch) = (None, None, None);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            device,
            spec,
            params,
            grads,
            fresh,
            scratch,
            pool,
            id,
            seed,
            step,
        })
    }

    /// Where the network runs.
    pub fn device(&self) -> &D {
        &self.device
    }
    /// What the macro states about the network, with an entry for each element of an array.
    pub fn spec(&self) -> &'static NetSpec {
        self.spec
    }
    /// The seed of the network's generator.
    pub fn seed(&self) -> u64 {
        self.seed
    }
    /// How many runs have drawn random numbers.
    pub fn random_step(&self) -> u64 {
        self.step.load(Ordering::Relaxed)
    }
    /// Sets the generator, to continue where a saved run stopped.
    pub fn set_random(&mut self, seed: u64, step: u64) {
        self.seed = seed;
        self.step = AtomicU64::new(step);
    }

    /// The device memory of the workspaces, in bytes: one for each run that was ever under way (or
    /// had its results held) at the same time, as large as the largest of its runs.
    pub fn workspace_bytes(&self) -> usize {
        self.pool.bytes()
    }
    /// The device memory of the parameters and, once a backward run has made them, of their
    /// gradients, in bytes. Each parameter starts at a multiple of 64 bytes.
    pub fn parameter_bytes(&self) -> usize {
        let others = [&self.grads, &self.fresh].into_iter().flatten();
        others.map(D::size).sum::<usize>() + D::size(&self.params)
    }

    /// Runs a function that changes nothing.
    pub fn infer(
        &self,
        plan: &'static Plan,
        sources: &[Source<'_>],
        body: impl FnOnce(&mut Run<'_, D>, &[usize]),
    ) -> Result<Lent<D>> {
        self.lend(plan, sources, None, body)
    }

    /// Runs a function that leaves gradients in the network: overwritten, or (`accumulate`) added to
    /// those that are there. After an error the parameters are as before; the gradients are too
    /// when accumulating, and otherwise hold anything.
    pub fn train(
        &mut self,
        plan: &'static Plan,
        sources: &[Source<'_>],
        body: impl FnOnce(&mut Run<'_, D>, &[usize]),
        accumulate: bool,
    ) -> Result<Lent<D>> {
        if self.grads.is_none() {
            self.grads = Some(alloc(&self.device, self.spec)?);
        }
        if accumulate && self.fresh.is_none() {
            self.fresh = Some(alloc(&self.device, self.spec)?);
        }
        // Out of `self` while the run writes to it.
        let mut target = if accumulate {
            self.fresh.take()
        } else {
            self.grads.take()
        };
        let lent = self.lend(plan, sources, target.as_mut(), body);
        *(if accumulate {
            &mut self.fresh
        } else {
            &mut self.grads
        }) = target;
        if let (Ok(_), true, Some(grads), Some(fresh)) =
            (&lent, accumulate, &self.grads, &self.fresh)
        {
            self.add(grads, fresh);
        }
        lent
    }

    /// One run, in a workspace that stays lent while its results are held.
    fn lend(
        &self,
        plan: &'static Plan,
        sources: &[Source<'_>],
        grads: Option<&mut D::Buffer>,
        body: impl FnOnce(&mut Run<'_, D>, &[usize]),
    ) -> Result<Lent<D>> {
        let dims = door::bind(plan, sources)?;
        let mut ws = self.pool.take(&self.device);
        let done = match Arc::get_mut(&mut ws) {
            Some(own) => self.execute(own, plan, sources, dims, grads, body),
            None => Err(Error::Internal {
                function: plan.name,
                what: "the workspace is shared".into(),
            }),
        };
        self.pool.keep(&ws);
        done.map(|()| Lent::new(ws, plan, dims))
    }

    fn execute(
        &self,
        ws: &mut Workspace<D>,
        plan: &'static Plan,
        sources: &[Source<'_>],
        dims: door::Dims,
        grads: Option<&mut D::Buffer>,
        body: impl FnOnce(&mut Run<'_, D>, &[usize]),
    ) -> Result<()> {
        ws.prepare(plan, dims)?;
        let Some((arena, offsets)) = ws.parts() else {
            return Err(Error::Internal {
                function: plan.name,
                what: "no workspace".into(),
            });
        };
        for ((arg, source), &offset) in plan.inputs.iter().zip(sources).zip(offsets) {
            // SAFETY: `bind` accepted the source; `prepare` has checked that the slot lies in the arena,
            // which `ws` alone holds.
            unsafe {
                door::write(
                    &self.device,
                    plan.name,
                    arg,
                    source,
                    D::addr(arena).add(offset),
                )?
            };
        }
        let step = match plan.random {
            true => self.step.fetch_add(1, Ordering::Relaxed),
            false => self.random_step(),
        };
        let (params, function) = (&self.params, plan.name);
        let mut run = Run::new(
            &self.device,
            function,
            params,
            grads,
            arena,
            offsets,
            self.seed,
            step,
        );
        body(&mut run, &dims);
        run.finish()?;
        ws.fetch()
    }

    /// `to += from` over the flat buffers.
    fn add(&self, to: &D::Buffer, from: &D::Buffer) {
        let operand = |b| device::Operand {
            addr: D::addr(b),
            start: 0,
            strides: [1],
        };
        if self.spec.flat_len > 0 {
            // SAFETY: both hold `flat_len` floats; the result is exactly the first operand.
            unsafe {
                let (len, operands) = ([self.spec.flat_len], [operand(to), operand(from)]);
                self.device
                    .map::<Add, 1, 2, 1>(len, operands, [D::addr(to)], &[]);
            }
        }
    }

    /// Sets all gradients to zero.
    pub fn zero_grad(&mut self) {
        if let Some(grads) = &self.grads {
            // SAFETY: the buffer holds `flat_len` floats.
            unsafe {
                self.device
                    .fill(DType::Float, self.spec.flat_len, 0.0, D::addr(grads))
            };
        }
    }

    /// The flat parameters.
    pub(crate) fn params(&self) -> &D::Buffer {
        &self.params
    }
    /// The flat gradients, if there are any yet.
    pub(crate) fn grads(&self) -> Option<&D::Buffer> {
        self.grads.as_ref()
    }

    /// Tells this network from every other one of the process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }
    /// Room for a float of each parameter and one more.
    pub(crate) fn make_scratch(&mut self) -> Result<()> {
        if self.scratch.is_none() {
            self.scratch = Some(
                self.device
                    .alloc((self.spec.params.len() + 1) * size_of::<D::Float>())?,
            );
        }
        Ok(())
    }
    /// What [`make_scratch`](Self::make_scratch) has made.
    pub(crate) fn scratch(&self) -> Option<&D::Buffer> {
        self.scratch.as_ref()
    }

    /// Parameter `param` (or its gradient, from that buffer) as a tensor of the device's float type.
    pub(crate) fn read(&self, buffer: &D::Buffer, param: &ParamSpec) -> Result<Tensor> {
        let mut values = vec![D::Float::from_f64(0.0); param.len()];
        self.read_floats(buffer, param.offset, &mut values)?;
        Tensor::from_data(param.shape, floats(&values))
    }

    /// Floats of a flat buffer, from `offset` on.
    pub(crate) fn read_floats(
        &self,
        buffer: &D::Buffer,
        offset: usize,
        to: &mut [D::Float],
    ) -> Result<()> {
        self.check_range(buffer, offset, to.len())?;
        let at = offset * size_of::<D::Float>();
        // SAFETY: the range lies in the buffer.
        unsafe {
            self.device
                .read(D::addr(buffer).add(at), bytemuck::cast_slice_mut(to))
        }
    }

    /// Overwrites parameters, from `offset` on.
    pub(crate) fn write_params(&mut self, offset: usize, values: &[D::Float]) -> Result<()> {
        self.check_range(&self.params, offset, values.len())?;
        let at = offset * size_of::<D::Float>();
        // SAFETY: the range lies in the buffer, and `&mut self` keeps every run out.
        unsafe {
            self.device
                .write(D::addr(&self.params).add(at), bytemuck::cast_slice(values))
        }
    }

    fn check_range(&self, buffer: &D::Buffer, offset: usize, len: usize) -> Result<()> {
        let end = offset
            .checked_add(len)
            .and_then(|n| n.checked_mul(size_of::<D::Float>()));
        match end {
            Some(end) if end <= D::size(buffer) => Ok(()),
            _ => Err(Error::Internal {
                function: self.spec.name,
                what: "outside the flat buffer".into(),
            }),
        }
    }
}

/// Numbers for [`Core::id`].
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// Parameters lie in the flat buffer, apart.
fn check(spec: &NetSpec) -> Result<()> {
    let mut free = 0;
    for param in spec.by_offset() {
        match param.offset.checked_add(param.len()) {
            Some(end) if param.offset >= free && end <= spec.flat_len => free = end,
            _ => {
                let what = format!("`{}` does not have a place of its own", param.name);
                return Err(Error::Internal {
                    function: spec.name,
                    what,
                });
            }
        }
    }
    Ok(())
}

/// A flat buffer of the network's size; not empty even for a network without parameters.
pub(crate) fn alloc<D: Device>(device: &D, spec: &NetSpec) -> Result<D::Buffer> {
    let bytes = spec
        .flat_len
        .checked_mul(size_of::<D::Float>())
        .ok_or(Error::Internal {
            function: spec.name,
            what: "the parameters exceed the address space".into(),
        })?;
    device.alloc(bytes.max(size_of::<D::Float>()))
}

/// `a + b`.
struct Add;

impl MapBody for Add {
    const INPUTS: &'static [Operand] = &[Operand::new(DType::Float, Inner::One); 2];
    const OUTPUTS: &'static [DType] = &[DType::Float];
    #[inline(always)]
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let sum = l.float(0) + l.float(1);
        l.put_float(0, sum);
    }
}
