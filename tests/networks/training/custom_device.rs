//! A custom device: a wrapper of the CPU that counts requests, and fails or panics on demand. Wherever a training step
//! breaks off, the network is unchanged, or reports that it is poisoned and continues after its earlier parameters are
//! set.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use netform::device::{
    Addr, Axis, Call, Combine, CopyKernels, CpuBuffer, CustomKernels, DType, Found, Kernel, Key,
    Launch, MapBody, MapKernels, Memory, Operand, Product, ProductKernels, Queue, Raw,
    ReduceKernels, RunId, Sizes, What,
};
use netform::files::Checkpoint;
use netform::prelude::*;
use netform::{Error, Result};

/// The fault at the chosen request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    Fails,
    Panics,
}

/// The state that all clones of a device share.
struct Shared {
    requests: AtomicUsize,
    /// The number of the request that fails.
    wrong_at: AtomicUsize,
    panics: AtomicBool,
    /// A call has failed, and later calls do nothing.
    failing: AtomicBool,
}

/// The CPU with a counter.
#[derive(Clone)]
struct Counted {
    cpu: Cpu,
    shared: Arc<Shared>,
}

impl Counted {
    fn new() -> Self {
        let shared = Shared {
            requests: AtomicUsize::new(0),
            wrong_at: AtomicUsize::new(usize::MAX),
            panics: AtomicBool::new(false),
            failing: AtomicBool::new(false),
        };
        Self {
            cpu: Cpu::new(),
            shared: Arc::new(shared),
        }
    }

    /// The number of requests so far.
    fn requests(&self) -> usize {
        self.shared.requests.load(Relaxed)
    }

    /// The request of this number, counted from now on from 0, will fail.
    fn plan(&self, number: usize, trouble: Trouble) {
        self.shared
            .wrong_at
            .store(self.requests() + number, Relaxed);
        self.shared
            .panics
            .store(trouble == Trouble::Panics, Relaxed);
    }

    /// No more requests fail.
    fn heal(&self) {
        self.shared.wrong_at.store(usize::MAX, Relaxed);
        self.shared.failing.store(false, Relaxed);
    }

    /// Counts a request; returns whether it fails.
    fn goes_wrong(&self) -> bool {
        let number = self.shared.requests.fetch_add(1, Relaxed);
        let wrong = number == self.shared.wrong_at.load(Relaxed);
        if wrong && self.shared.panics.load(Relaxed) {
            self.heal();
            panic!("the device panics");
        }
        wrong
    }

    /// A request that returns its error.
    fn request(&self) -> Result<()> {
        match self.goes_wrong() {
            true => Err(self.error()),
            false => Ok(()),
        }
    }

    /// A request without an error result; returns whether it succeeds.
    fn call(&self) -> bool {
        if self.failing() {
            return false;
        }
        let wrong = self.goes_wrong();
        self.shared.failing.store(wrong, Relaxed);
        !wrong
    }

    fn error(&self) -> Error {
        Error::Device {
            device: self.name(),
            what: "a request failed on demand".into(),
        }
    }
}

// SAFETY: the buffers are the CPU's.
unsafe impl Memory for Counted {
    type Buffer = CpuBuffer;
    fn id(&self) -> u64 {
        self.cpu.id()
    }
    fn alloc(&self, bytes: usize) -> Result<CpuBuffer> {
        self.request()?;
        self.cpu.alloc(bytes)
    }
    fn addr(buffer: &CpuBuffer) -> Addr {
        Cpu::<f32>::addr(buffer)
    }
    fn size(buffer: &CpuBuffer) -> usize {
        Cpu::<f32>::size(buffer)
    }
    unsafe fn write(&self, dst: Addr, src: &[u8]) -> Result<()> {
        self.request()?;
        // SAFETY: the caller's promise, as everywhere below.
        unsafe { self.cpu.write(dst, src) }
    }
    unsafe fn read(&self, src: Addr, dst: &mut [u8]) -> Result<()> {
        self.request()?;
        // SAFETY: the caller's promise.
        unsafe { self.cpu.read(src, dst) }
    }
}

impl MapKernels for Counted {
    unsafe fn map<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
        if self.call() {
            // SAFETY: the caller's promise.
            unsafe { self.cpu.map::<M, R, I, O>(shape, inputs, outputs, scalars) };
        }
    }
    unsafe fn map_guarded<M: MapBody, const R: usize, const I: usize, const O: usize>(
        &self,
        shape: [usize; R],
        inputs: [Operand<R>; I],
        outputs: [Addr; O],
        scalars: (Addr, usize),
    ) {
        if self.call() {
            // SAFETY: the caller's promise.
            unsafe {
                self.cpu
                    .map_guarded::<M, R, I, O>(shape, inputs, outputs, scalars)
            };
        }
    }
}

impl ReduceKernels for Counted {
    unsafe fn reduce<M: MapBody, K: Combine, const I: usize>(
        &self,
        axis: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
    ) {
        if self.call() {
            // SAFETY: the caller's promise.
            unsafe { self.cpu.reduce::<M, K, I>(axis, inputs, scalars, y) };
        }
    }
    unsafe fn mean<M: MapBody, const I: usize>(
        &self,
        axis: Axis,
        inputs: [Operand<3>; I],
        scalars: &[f64],
        y: Addr,
        rest: Option<Addr>,
    ) {
        if self.call() {
            // SAFETY: the caller's promise.
            unsafe { self.cpu.mean::<M, I>(axis, inputs, scalars, y, rest) };
        }
    }
}

impl ProductKernels for Counted {
    unsafe fn product<M: MapBody, S: Sizes, const I: usize, const O: usize>(
        &self,
        size: Product,
        a: Addr,
        b: Addr,
        extra: [Operand<3>; I],
        outputs: [Addr; O],
        scalars: &[f64],
    ) {
        if self.call() {
            // SAFETY: the caller's promise.
            unsafe {
                self.cpu
                    .product::<M, S, I, O>(size, a, b, extra, outputs, scalars)
            };
        }
    }
}

impl CopyKernels for Counted {
    unsafe fn copy<const R: usize>(
        &self,
        dtype: DType,
        shape: [usize; R],
        src: (Addr, [isize; R]),
        dst: (Addr, [isize; R]),
    ) {
        if self.call() {
            // SAFETY: the caller's promise.
            unsafe { self.cpu.copy(dtype, shape, src, dst) };
        }
    }
}

impl Launch for Counted {
    unsafe fn launch(
        &self,
        call: &Call<'_>,
        at: &[Addr],
        what: What,
    ) -> std::result::Result<(), Found> {
        match self.call() {
            // SAFETY: the caller's promise.
            true => unsafe { self.cpu.launch(call, at, what) },
            false => Ok(()),
        }
    }
}

impl CustomKernels for Counted {
    unsafe fn custom<'a, const I: usize, const O: usize>(
        &self,
        inputs: [Raw<'a>; I],
        outputs: [Raw<'a>; O],
        kernel: Option<Kernel>,
        call: impl FnOnce([Raw<'a>; I], [Raw<'a>; O]),
    ) {
        if self.call() {
            // SAFETY: the caller's promise.
            unsafe { self.cpu.custom(inputs, outputs, kernel, call) };
        }
    }
}

impl Queue for Counted {
    fn replay(
        &self,
        _: impl FnOnce() -> Key,
        _: u64,
        record: impl FnOnce() -> Result<()>,
    ) -> Result<RunId> {
        let done = record();
        // All calls are issued; the end of the run is a request, too.
        let ended = self.call();
        let failed = self.shared.failing.swap(false, Relaxed);
        done?;
        match failed || !ended {
            true => Err(self.error()),
            false => Ok(RunId::default()),
        }
    }
    fn failing(&self) -> bool {
        self.shared.failing.load(Relaxed)
    }
}

impl Device for Counted {
    type Float = f32;
    fn name(&self) -> String {
        "counted cpu".into()
    }
}

network! {
    struct Words {
        embedding: Embedding(7 -> 4),
        norm: BatchNorm1d(4),
        head: Linear(4 -> 3),
    }
    #[custom(forward = halve, backward = halve_backward)]
    fn halved(x: [B, 4]) -> [B, 4];
    fn forward(words: u32[B, T]) -> [B, 3] {
        let x = embedding(words).mean(1);
        head(tanh(norm(halved(x))).cumsum(1))
    }
    fn loss(words: u32[B, T], y: u32[B]) -> [] { cross_entropy(forward(words), y) }
    // The gradient of x is read before a step returns.
    fn beside(words: u32[B, T], #[grad] x: [B, 3], y: u32[B]) -> [] {
        cross_entropy(forward(words) + x, y)
    }
}

use netform::Float;
use netform::custom::{Array, ArrayMut};

fn halve<F: Float>(x: Array<'_, F>, mut y: ArrayMut<'_, F>) {
    for (y, x) in y.iter_mut().zip(&*x) {
        *y = F::from_f64(0.5) * *x;
    }
}

fn halve_backward<F: Float>(
    _x: Array<'_, F>,
    _y: Array<'_, F>,
    dy: Array<'_, F>,
    dx: ArrayMut<'_, F>,
) {
    halve(dy, dx);
}

const WORDS: [[u32; 3]; 4] = [[0, 1, 2], [3, 4, 5], [6, 0, 3], [1, 1, 2]];
const CLASSES: [u32; 4] = [0, 2, 1, 1];

fn step<D: Device>(net: &mut Words<D>, optimizer: &mut Adam) -> Result<()> {
    let loss = net.beside_step(optimizer, &WORDS, &[[0f32; 3]; 4], &CLASSES)?;
    assert!(loss.item()?.to_f64().is_finite());
    Ok(())
}

/// All parameters and buffers.
fn values<D: Device>(net: &Words<D>) -> Vec<f64> {
    let all = net.parameters().chain(net.buffers());
    let names: Vec<_> = all.map(|p| p.name().to_owned()).collect();
    let value = |name: &String| net.parameter(name).unwrap().to_f64_vec();
    names.iter().flat_map(value).collect()
}

fn adam() -> Adam {
    Adam::new(0.01).clip_norm(0.5)
}

#[test]
fn it_computes_what_the_cpu_does() {
    let device = Counted::new();
    let mut net = Words::new(device.clone(), 3).unwrap();
    let mut cpu = Words::new(Cpu::new(), 3).unwrap();
    let (mut ours, mut theirs) = (adam(), adam());
    for _ in 0..3 {
        let before = device.requests();
        step(&mut net, &mut ours).unwrap();
        assert!(device.requests() > before + 10);
        step(&mut cpu, &mut theirs).unwrap();
    }
    assert_eq!(values(&net), values(&cpu));
    let (y, wanted) = (net.forward(&WORDS).unwrap(), cpu.forward(&WORDS).unwrap());
    assert_eq!(y[..], wanted[..]);
}

/// A second step fails at each of its requests in turn.
fn goes_wrong(trouble: Trouble) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("first.ckpt");
    let start = |device: &Counted| {
        let mut net = Words::new(device.clone(), 3).unwrap();
        let mut optimizer = adam();
        step(&mut net, &mut optimizer).unwrap();
        (net, optimizer)
    };
    let (first, second, requests) = {
        let device = Counted::new();
        let (mut net, mut optimizer) = start(&device);
        let saved = Checkpoint::of(&net).optimizer(&optimizer).unwrap();
        saved.save(&file).unwrap();
        let (first, before) = (values(&net), device.requests());
        step(&mut net, &mut optimizer).unwrap();
        let requests = device.requests() - before;
        (first, values(&net), requests)
    };
    let (mut unchanged, mut poisoned, mut late) = (0, 0, 0);
    for number in 0..requests {
        let device = Counted::new();
        let (mut net, mut optimizer) = start(&device);
        device.plan(number, trouble);
        let done = catch_unwind(AssertUnwindSafe(|| step(&mut net, &mut optimizer)));
        device.heal();
        match (&done, trouble) {
            (Ok(Err(Error::Device { .. })), Trouble::Fails) | (Err(_), Trouble::Panics) => {}
            _ => panic!("request {number}: {done:?}"),
        }
        match net.forward(&WORDS) {
            Err(Error::Poisoned { .. }) => {
                poisoned += 1;
                assert!(matches!(
                    step(&mut net, &mut adam()),
                    Err(Error::Poisoned { .. })
                ));
                let saved = Checkpoint::open(&file).unwrap();
                saved.network(&mut net).unwrap();
                saved.optimizer(&mut optimizer, &net).unwrap();
                assert_eq!(values(&net), first, "request {number}");
                step(&mut net, &mut optimizer).unwrap();
            }
            y => {
                y.unwrap();
                // The loss is read after the step.
                if values(&net) == second {
                    late += 1;
                } else {
                    unchanged += 1;
                    assert_eq!(values(&net), first, "request {number}");
                    step(&mut net, &mut optimizer).unwrap();
                }
            }
        }
        assert_eq!(values(&net), second, "request {number}");
    }
    assert!(
        unchanged > 10 && poisoned > 1 && late < 3,
        "{unchanged} steps changed nothing, {poisoned} poisoned, {late} came to their end"
    );
}

#[test]
fn a_step_whose_device_fails_is_undone_or_poisons_the_network() {
    goes_wrong(Trouble::Fails);
}

#[test]
fn a_step_whose_device_panics_is_undone_or_poisons_the_network() {
    goes_wrong(Trouble::Panics);
}

#[test]
fn a_network_whose_device_has_no_memory_is_an_error() {
    for number in 0.. {
        let device = Counted::new();
        device.plan(number, Trouble::Fails);
        let made = Words::new(device.clone(), 3);
        let requests = device.requests();
        device.heal();
        match made {
            Ok(_) => {
                assert!(number > 0 && number >= requests);
                break;
            }
            Err(e) => assert!(matches!(e, Error::Device { .. }), "{e}"),
        }
        assert!(Words::new(device, 3).is_ok());
    }
}
