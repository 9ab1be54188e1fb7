//! The state of a generated network: its parameters, their gradients and the workspaces of its runs.
//!
//! An entry function is one call of [`Core::infer`] or [`Core::train`]. It takes the plan, the inputs and the compiled
//! body, and returns the finished run, as [`RunResults`].

mod step;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::device::{self, Addr, Call, RunId, What};
use crate::dims::Dims;
use crate::output::floats;
use crate::pool::{Pool, Workspace};
use crate::reach::Reach;
use crate::{
    DType, Device, Error, Float, Formula, Inner, NetSpec, Number, Operand, ParamSpec, Plan, Real,
    Reals, Result, RunResults,
};
use crate::{Run, Source, State, Tensor, binding, stack, values};

/// A network's state. `Send + Sync`: several threads may call [`infer`](Self::infer) at once.
pub struct Core<D: Device> {
    device: D,
    spec: &'static NetSpec,
    params: D::Buffer,
    /// Made by the first run that needs gradients.
    grads: Option<D::Buffer>,
    /// The gradients of one run, before they are added to `grads`.
    fresh: Option<D::Buffer>,
    /// The device's flag for a run with a deferred error. It is not 0 if the run that left `grads` met an index out of
    /// range, so that they are undefined.
    flag: Option<D::Buffer>,
    /// The number of that run; 0 if it checks no indices.
    grads_run: u64,
    /// An update of the parameters was interrupted.
    poisoned: AtomicBool,
    /// One float for each parameter and one more, for norms. Allocated at first use.
    scratch: Option<D::Buffer>,
    /// Which parameters have gradients.
    reach: Reach,
    pool: Pool<D>,
    /// Distinguishes this network from every other network of the process.
    id: u64,
    seed: u64,
    step: AtomicU64,
}

impl<D: Device> Core<D> {
    /// A network with initial parameters. They depend only on the seed, not on the device.
    #[doc(hidden)]
    pub fn new(device: D, seed: u64, spec: &'static NetSpec) -> Result<Self> {
        let spec = stack::unstacked(spec);
        check(spec)?;
        let params = alloc(&device, spec, spec.other_bytes)?;
        let (floats, others) = values::initial::<D::Float>(spec, seed);
        let others_at = spec.flat_len * size_of::<D::Float>();
        // SAFETY: `alloc` has made room for `flat_len` floats and `other_bytes` bytes.
        unsafe {
            device.write(D::addr(&params), bytemuck::cast_slice(&floats))?;
            if !others.is_empty() {
                device.write(D::addr(&params).add(others_at), &others)?;
            }
        }
        let (pool, step) = (Pool::new(), AtomicU64::new(0));
        let (grads, fresh, flag, scratch) = (None, None, None, None);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            device,
            spec,
            params,
            grads,
            fresh,
            flag,
            grads_run: 0,
            poisoned: AtomicBool::new(false),
            scratch,
            reach: Reach::new(spec),
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
    /// The macro's description of the network, with an entry for each element of an array.
    #[doc(hidden)]
    pub fn spec(&self) -> &'static NetSpec {
        self.spec
    }
    /// The seed of the network's generator.
    pub fn seed(&self) -> u64 {
        self.seed
    }
    /// The number of runs that have drawn random numbers.
    pub fn random_step(&self) -> u64 {
        self.step.load(Ordering::Relaxed)
    }
    /// Sets the generator, to continue from the state of a saved run.
    #[doc(hidden)]
    pub fn set_random(&mut self, seed: u64, step: u64) {
        self.seed = seed;
        self.step = AtomicU64::new(step);
    }

    /// The device memory of the workspaces, in bytes. There is one workspace for each run that was ever in progress (or
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

    /// Runs a function that does not change the network. `state`: the values that the function keeps from call to call.
    #[doc(hidden)]
    pub fn infer(
        &self,
        plan: &'static Plan,
        sources: &[Source<'_>],
        state: Option<&mut State<D>>,
        mut body: impl FnMut(&mut Run<'_, D>, &[usize]),
    ) -> Result<RunResults<D>> {
        let dims = binding::bind(plan, sources)?;
        self.run_pooled(
            (plan, sources, dims),
            Written::only(state),
            &mut body,
            NOTHING,
            0,
        )
    }

    /// Runs a function in training mode without gradients: it may write the network's buffers.
    #[doc(hidden)]
    pub fn run_training(
        &mut self,
        plan: &'static Plan,
        sources: &[Source<'_>],
        state: Option<&mut State<D>>,
        mut body: impl FnMut(&mut Run<'_, D>, &[usize]),
    ) -> Result<RunResults<D>> {
        self.device.unreported(self.id)?;
        let dims = binding::bind(plan, sources)?;
        let written = Written {
            buffers: true,
            ..Written::only(state)
        };
        self.run_pooled((plan, sources, dims), written, &mut body, NOTHING, 0)
    }

    /// Runs a function that leaves gradients in the network. Without `accumulate`, they overwrite the present
    /// gradients, with zeros where the function does not reach, and the parameters that have a gradient are those that
    /// the function reaches. With `accumulate`, they are added, and parameters that have a gradient keep it. After an
    /// error the parameters are unchanged. The gradients are unchanged, too, if accumulating, and undefined otherwise.
    #[doc(hidden)]
    pub fn train(
        &mut self,
        plan: &'static Plan,
        sources: &[Source<'_>],
        state: Option<&mut State<D>>,
        mut body: impl FnMut(&mut Run<'_, D>, &[usize]),
        accumulate: bool,
    ) -> Result<RunResults<D>> {
        self.device.unreported(self.id)?;
        self.make_grads()?;
        let dims = binding::bind(plan, sources)?;
        let call = (plan, sources, dims);
        self.train_and(call, state, &mut body, accumulate, NOTHING)
    }

    /// The flag's address, 0 if there is none.
    fn flag_at(&self) -> usize {
        self.flag.as_ref().map_or(0, |b| D::addr(b) as usize)
    }

    /// Fails if the parameters are poisoned.
    pub(crate) fn sound(&self) -> Result<()> {
        match self.poisoned.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(Error::Poisoned {
                network: self.spec.name,
            }),
        }
    }

    /// Records the run that the gradients are from.
    fn set_grads_run(&mut self, run: u64) {
        if let (0, true, Some(word)) = (run, self.grads_run != 0, &self.flag) {
            // No kernel of this run has written the flag.
            // SAFETY: the buffer holds one integer.
            unsafe { fill(&self.device, Number::Int(0), 1, D::addr(word)) };
        }
        self.grads_run = run;
    }

    fn make_grads(&mut self) -> Result<()> {
        if self.grads.is_none() {
            self.grads = Some(alloc(&self.device, self.spec, 0)?);
        }
        if self.flag.is_none() {
            self.flag = self.device.flag()?;
        }
        Ok(())
    }

    /// As `train`, followed by other calls in the same run. There is room for gradients.
    fn train_and(
        &mut self,
        call: Bound<'_>,
        state: Option<&mut State<D>>,
        body: Body<'_, D>,
        accumulate: bool,
        behind: Behind<'_>,
    ) -> Result<RunResults<D>> {
        if accumulate && self.fresh.is_none() {
            self.fresh = Some(alloc(&self.device, self.spec, 0)?);
        }
        // Taken out of `self` while the run writes to it.
        let mut target = if accumulate {
            self.fresh.take()
        } else {
            self.grads.take()
        };
        let from = target.as_ref().map(D::addr);
        // In the same run, whose errors these calls check.
        let calls = |poisoned: &AtomicBool| {
            (behind.calls)(poisoned);
            if let (true, Some(grads), Some(from)) = (accumulate, &self.grads, from) {
                self.add(D::addr(grads), from);
            }
        };
        let (key, calls) = (behind.key, &calls);
        let behind = Behind { key, calls };
        let keep = if accumulate { 0 } else { self.flag_at() };
        let written = Written {
            state,
            grads: target.as_mut(),
            buffers: true,
        };
        let results = self.run_pooled(call, written, body, behind, keep);
        *(if accumulate {
            &mut self.fresh
        } else {
            &mut self.grads
        }) = target;
        if let Ok(results) = &results {
            self.reach.add(self.spec, call.0, accumulate);
            if !accumulate {
                self.set_grads_run(results.number());
            }
        }
        results
    }

    /// Makes one run, in a workspace that is in use while its results are held.
    fn run_pooled(
        &self,
        (plan, sources, dims): Bound<'_>,
        written: Written<'_, D>,
        body: Body<'_, D>,
        behind: Behind<'_>,
        keep: usize,
    ) -> Result<RunResults<D>> {
        self.sound()?;
        let state = &written.state;
        if state.as_ref().is_some_and(|s| !s.is_on(&self.device)) {
            let (function, argument) = (plan.name, "state");
            return Err(Error::OtherDevice { function, argument });
        }
        let mut ws = self.pool.take(&self.device);
        let call = (plan, sources, dims);
        let done = match Arc::get_mut(&mut ws) {
            Some(own) => self.execute(own, call, written, body, behind, keep),
            None => Err(Error::Internal {
                function: plan.name,
                what: "the workspace is shared".into(),
            }),
        };
        self.pool.keep(&ws);
        done.map(|id| RunResults::new(ws, plan, dims, id))
    }

    fn execute(
        &self,
        ws: &mut Workspace<D>,
        (plan, sources, dims): Bound<'_>,
        written: Written<'_, D>,
        body: Body<'_, D>,
        behind: Behind<'_>,
        keep: usize,
    ) -> Result<RunId> {
        let Written {
            state,
            grads,
            buffers: updates,
        } = written;
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
                binding::write(
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
        // SAFETY: the functions that may write parameters hold this network as `&mut`; the others read them, and nothing
        // writes them while this `&self` lives.
        let mut run = unsafe {
            Run::new(
                &self.device,
                function,
                params,
                grads,
                arena,
                offsets,
                self.seed,
                step,
            )
        };
        if updates {
            // SAFETY: `Written::buffers` is set by functions that hold this network as `&mut`.
            run = unsafe { run.with_updates() };
        }
        run = run.with_poison(&self.poisoned);
        if let Some(state) = state {
            let (buffer, offsets) = state.parts();
            run = run.with_state(buffer, offsets);
        }
        let buffers = run.buffers();
        let key = || device::Key {
            plan: std::ptr::from_ref(plan) as usize,
            dims,
            buffers,
            seed: self.seed,
            random: plan.random,
            host: plan.host,
            optimizer: (behind.key)(),
            network: self.id,
            keep,
            guard: 0,
        };
        let id = self.device.replay(key, step, || {
            body(&mut run, &dims);
            run.fault()?;
            (behind.calls)(&self.poisoned);
            Ok(())
        });
        let id = id.map_err(|e| e.within(function))?;
        let fetched = ws.fetch(id.number());
        // A run that found an error in its data has changed nothing.
        if fetched.is_ok() || self.device.known(id.number()) == Some(false) {
            self.poisoned.store(false, Ordering::Relaxed);
        }
        fetched.map_err(|e| e.within(function))?;
        Ok(id)
    }

    /// `to += from` over flat buffers.
    fn add(&self, to: Addr, from: Addr) {
        let operand = |addr| device::Operand {
            addr,
            start: 0,
            strides: [1],
        };
        if self.spec.flat_len > 0 {
            // SAFETY: both hold `flat_len` floats; the result is exactly the first operand.
            unsafe {
                let (len, operands) = ([self.spec.flat_len], [operand(to), operand(from)]);
                let none = (std::ptr::null_mut(), 0);
                self.device
                    .map_guarded::<Add, 1, 2, 1>(len, operands, [to], none);
            }
        }
    }

    /// Sets all gradients to zero. No parameter has a gradient afterwards, as after PyTorch's `zero_grad`.
    pub fn zero_grad(&mut self) {
        if let Some(grads) = &self.grads {
            // SAFETY: the buffer holds `flat_len` floats.
            unsafe {
                fill(
                    &self.device,
                    Number::Float(0.0),
                    self.spec.flat_len,
                    D::addr(grads),
                )
            };
        }
        self.set_grads_run(0);
        self.reach.clear();
    }

    /// Which parameters have gradients.
    pub(crate) fn reach(&self) -> &[bool] {
        self.reach.now()
    }
    /// The parameters that this function reaches.
    pub(crate) fn reached_by(&mut self, plan: &'static Plan) -> &[bool] {
        self.reach.of(self.spec, plan)
    }

    /// The flat parameters.
    pub(crate) fn params(&self) -> &D::Buffer {
        &self.params
    }
    /// The flat gradients, if there are any yet.
    pub(crate) fn grads(&self) -> Option<&D::Buffer> {
        self.grads.as_ref()
    }

    /// Distinguishes this network from every other network of the process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }
    /// Allocates one float for each parameter and one more.
    pub(crate) fn make_scratch(&mut self) -> Result<()> {
        if self.scratch.is_none() {
            self.scratch = Some(
                self.device
                    .alloc((self.spec.params.len() + 1) * size_of::<D::Float>())?,
            );
        }
        Ok(())
    }
    /// The memory that [`make_scratch`](Self::make_scratch) has allocated.
    pub(crate) fn scratch(&self) -> Option<&D::Buffer> {
        self.scratch.as_ref()
    }

    /// The place of a parameter in the buffer of parameters: its first byte, and its number of bytes.
    pub(crate) fn place_of(&self, param: &ParamSpec) -> (usize, usize) {
        let float = size_of::<D::Float>();
        let bytes = param.len().saturating_mul(param.dtype.size(float));
        (param.offset.in_bytes(float), bytes)
    }

    /// A parameter's or buffer's values.
    pub(crate) fn value(&self, param: &ParamSpec) -> Result<Tensor> {
        self.read(&self.params, param)
    }

    /// The gradient of a parameter; zeros of the device's float type if it has none.
    pub(crate) fn gradient(&self, grads: &D::Buffer, param: &ParamSpec) -> Result<Tensor> {
        match param.dtype {
            DType::Float => self.read(grads, param),
            _ => {
                let zeros = vec![D::Float::from_f64(0.0); param.len()];
                Tensor::from_data(param.shape, floats(&zeros))
            }
        }
    }

    /// The elements of a parameter, or the elements at its place in a buffer of gradients or moments.
    pub(crate) fn read(&self, buffer: &D::Buffer, param: &ParamSpec) -> Result<Tensor> {
        let (first, len) = self.place_of(param);
        let mut bytes = vec![0; len];
        self.read_bytes(buffer, first, &mut bytes)?;
        Tensor::from_data(param.shape, values::read::<D::Float>(param.dtype, &bytes))
    }

    /// Reads bytes of a buffer, from byte `first` on.
    pub(crate) fn read_bytes(&self, buffer: &D::Buffer, first: usize, to: &mut [u8]) -> Result<()> {
        self.check_range(buffer, first, to.len())?;
        // SAFETY: the range lies in the buffer.
        unsafe { self.device.read(D::addr(buffer).add(first), to)? };
        // Deferred errors are known now, and failed runs have not changed the bytes.
        self.device.unreported(self.id)
    }

    /// The number of bytes of all parameters and buffers, with padding.
    pub(crate) fn image_len(&self) -> usize {
        D::size(&self.params)
    }

    /// The bytes of all parameters and buffers.
    pub(crate) fn parameter_image(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.image_len()];
        self.read_bytes(&self.params, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// Overwrites all parameters and buffers, which ends poisoning.
    pub(crate) fn write_all(&mut self, image: &[u8]) -> Result<()> {
        self.write_params(0, image)?;
        *self.poisoned.get_mut() = false;
        Ok(())
    }

    /// Overwrites parameters, from byte `first` on.
    pub(crate) fn write_params(&mut self, first: usize, bytes: &[u8]) -> Result<()> {
        self.check_range(&self.params, first, bytes.len())?;
        // A device that fails in the middle leaves some of the bytes written.
        let before = std::mem::replace(self.poisoned.get_mut(), true);
        // SAFETY: the range lies in the buffer, and `&mut self` excludes every run.
        unsafe { self.device.write(D::addr(&self.params).add(first), bytes)? };
        *self.poisoned.get_mut() = before;
        Ok(())
    }

    fn check_range(&self, buffer: &D::Buffer, first: usize, len: usize) -> Result<()> {
        match first.checked_add(len) {
            Some(end) if end <= D::size(buffer) => Ok(()),
            _ => Err(Error::Internal {
                function: self.spec.name,
                what: "outside the flat buffer".into(),
            }),
        }
    }
}

/// A call with valid inputs, and the sizes of its named dimensions.
type Bound<'a> = (&'static Plan, &'a [Source<'a>], Dims);

/// Makes the calls of a function, for these sizes of the named dimensions. It is not a type parameter, so that the code
/// that runs it is compiled once for each device, and not once for each function.
type Body<'a, D> = &'a mut dyn FnMut(&mut Run<'_, D>, &[usize]);

/// The memory that a run writes beside its workspace.
struct Written<'a, D: Device> {
    /// Values that the function keeps from call to call.
    state: Option<&'a mut State<D>>,
    /// The gradients.
    grads: Option<&'a mut D::Buffer>,
    /// Buffers of the network, which the caller holds as `&mut`.
    buffers: bool,
}

impl<'a, D: Device> Written<'a, D> {
    fn only(state: Option<&'a mut State<D>>) -> Self {
        Self {
            state,
            grads: None,
            buffers: false,
        }
    }
}

/// The calls that follow a function's own, in the same run.
struct Behind<'a> {
    /// A number that identifies these calls; 0 if there are none.
    key: &'a dyn Fn() -> u64,
    /// Makes them.
    calls: &'a dyn Fn(&AtomicBool),
}

/// No calls.
const NOTHING: Behind<'static> = Behind {
    key: &|| 0,
    calls: &|_| (),
};

/// Makes the calls that change parameters. The parameters are poisoned until the caller clears `poisoned`, after the
/// whole run has succeeded. So they stay poisoned if a call panics or fails, or if the end of the run fails.
pub(crate) fn poisoned_until_done(
    device: &impl Device,
    poisoned: &AtomicBool,
    calls: impl FnOnce(),
) {
    if !device.failing() {
        poisoned.store(true, Ordering::Relaxed);
        calls();
    }
}

/// The numbers that [`Core::id`] returns.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// Checks that parameters lie in their buffer and do not overlap: floats first, then all others.
fn check(spec: &NetSpec) -> Result<()> {
    let (mut floats, mut others) = (0, 0);
    for param in spec.by_offset() {
        let (from, free, limit) = match param.dtype {
            DType::Float => (param.offset.floats, &mut floats, spec.flat_len),
            _ => (param.offset.bytes, &mut others, spec.other_bytes),
        };
        let in_part = match param.dtype {
            DType::Float => param.offset.bytes == 0,
            _ => param.offset.floats == spec.flat_len,
        };
        let size = param.dtype.size(1);
        let end = param
            .len()
            .checked_mul(size)
            .and_then(|n| n.checked_add(from));
        match end {
            Some(end) if in_part && from >= *free && end <= limit => *free = end,
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

/// A buffer of the network's floats, followed by `others` bytes. It is not empty even for a network without parameters.
pub(crate) fn alloc<D: Device>(device: &D, spec: &NetSpec, others: usize) -> Result<D::Buffer> {
    let bytes = spec
        .flat_len
        .checked_mul(size_of::<D::Float>())
        .and_then(|n| n.checked_add(others))
        .ok_or(Error::Internal {
            function: spec.name,
            what: "the parameters exceed the address space".into(),
        })?;
    device.alloc(bytes.max(size_of::<D::Float>()))
}

/// Sets elements to a value.
///
/// # Safety
/// The elements may be written.
pub(crate) unsafe fn fill<D: Device>(device: &D, value: Number, len: usize, at: Addr) {
    let fill = Call::Fill { value, len };
    // SAFETY: the caller's. A fill reports no errors.
    let _ = unsafe { device.launch(&fill, &[at], What::default()) };
}

/// `a + b`.
struct Add;

impl Formula for Add {
    const INPUTS: &'static [Operand] = &[Operand::new(DType::Float, Inner::One); 2];
    const OUTPUTS: &'static [DType] = &[DType::Float];
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let sum = l.float(0) + l.float(1);
        l.put_float(0, sum);
    }
}
