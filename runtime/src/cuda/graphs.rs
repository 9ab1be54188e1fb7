//! Runs as CUDA graphs: [`Recorded`] says which are called, captured or replayed.
//!
//! What differs from run to run lies in device memory: the inputs in the workspace, the step of random numbers in
//! a word that is written before.

use cust::memory::DeviceBuffer;
use cust_raw::{CUgraph, CUgraphExec, CUstreamCaptureMode_enum as Mode};
use std::cell::RefCell;
use std::ptr::null_mut;

use super::errors::{Code, checked};
use super::gpu::{Gpu, State};
use super::stream::Stream;
use super::{Cuda, CudaBuffer};
use crate::device::{Key, Memory, Queue, RunId};
use crate::replay::{Next, Recorded};
use crate::{Precision, Result};

/// What tells runs apart here: the precision of products is the device handle's, not the network's.
type Which = (Key, Precision);

/// A recorded run, and whether it looks at indices.
type Run = (Graph, bool);

/// The runs that are remembered.
pub struct Graphs {
    pub runs: Recorded<Which, Run>,
    step: Option<DeviceBuffer<u64>>,
}

impl Graphs {
    pub fn new() -> Self {
        let (runs, step) = (Recorded::new(), None);
        Self { runs, step }
    }

    /// The address of the step of random numbers.
    pub fn step(&mut self, gpu: &Gpu) -> Result<u64> {
        if self.step.is_none() {
            // SAFETY: runs that draw come behind a copy to it.
            let word = unsafe { DeviceBuffer::uninitialized(1) };
            self.step = Some(word.map_err(|e| gpu.no_room(e.into(), "a word", 8))?);
        }
        Ok((self.step.as_ref()).map_or(0, |b| b.as_device_ptr().as_raw()))
    }
}

/// A captured run.
pub struct Graph(CUgraphExec);
// SAFETY: used under the device's lock alone.
unsafe impl Send for Graph {}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: made by `capture`, destroyed once; the driver waits for launches under way.
        unsafe { cust_raw::cuGraphExecDestroy(self.0) };
    }
}

impl Graph {
    fn launch(&self, stream: &Stream) -> std::result::Result<(), Code> {
        // SAFETY: a graph of this context, on its stream.
        checked(unsafe { cust_raw::cuGraphLaunch(self.0, stream.raw()) })
    }
}

/// Begins to record what is put on the stream.
fn begin(state: &State) -> std::result::Result<(), Code> {
    let mode = Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    // SAFETY: the stream is ours, and the lock keeps others from it.
    checked(unsafe { cust_raw::cuStreamBeginCapture_v2(state.stream.raw(), mode) })
}

/// Ends it: what was recorded, ready to launch.
fn end(state: &State) -> std::result::Result<Graph, Code> {
    let mut graph: CUgraph = null_mut();
    let mut exec: CUgraphExec = null_mut();
    // SAFETY: a capture is under way; the graph is destroyed when it has been made ready.
    unsafe {
        checked(cust_raw::cuStreamEndCapture(
            state.stream.raw(),
            &raw mut graph,
        ))?;
        let made = cust_raw::cuGraphInstantiateWithFlags(&raw mut exec, graph, 0);
        cust_raw::cuGraphDestroy(graph);
        checked(made)?;
    }
    Ok(Graph(exec))
}

impl Gpu {
    /// Writes the step of random numbers.
    fn write_step(&self, state: &mut State, step: u64) -> Result<()> {
        let addr = state.graphs.step(self)?;
        // SAFETY: 8 bytes of the graphs' own.
        let put = unsafe { (state.staging).upload(&state.stream, addr, &step.to_ne_bytes()) };
        put.map_err(|e| self.error(e, "a copy to the device"))
    }

    /// The address of the random numbers' step in device memory, where `replay` has put it.
    pub fn step(&self, state: &mut State) -> Result<u64> {
        state.graphs.step(self)
    }
}

/// A run whose calls are being made, by a function that calls the user's own where there are any: what
/// these do with the device comes between. Where one panics, what the run has left is cleared away.
struct Recording<'a> {
    state: &'a RefCell<State>,
    which: Which,
    capture: bool,
    done: bool,
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        let Ok(mut state) = self.state.try_borrow_mut() else {
            return;
        };
        state.recording = false;
        if !self.done {
            let _ = self.capture.then(|| end(&state));
            state.give_up(self.which);
            state.failed = None;
        }
    }
}

impl State {
    /// Forgets a run that failed, and what it has found, which is nobody's.
    fn give_up(&mut self, which: Which) {
        self.graphs.runs.forget(which);
        // Where this fails, so does all that comes.
        let _ = self.faults.clear(&self.stream);
    }
}

impl Queue for Cuda {
    fn replay(
        &self,
        key: impl FnOnce() -> Key,
        step: u64,
        record: impl FnOnce() -> Result<()>,
    ) -> Result<RunId> {
        let key = key();
        let gpu = &self.gpu;
        // Held to the end: nobody else's calls come between.
        let guard = gpu.lock()?;
        let why = |e: Code, doing: &str| gpu.error(e, doing);
        let mut state = guard.borrow_mut();
        if state.recording {
            let what = "a function of an op's own runs a network of the device that called it: \
                        it may use another, such as the CPU";
            return Err(gpu.fails(what.into()));
        }
        if let Some(e) = state.failed.take() {
            return Err(e);
        }
        if state.faults.ledger.is_full() {
            gpu.finish(&mut state)?;
        }
        if key.random {
            gpu.write_step(&mut state, step)?;
        }
        let which = (key, self.precision);
        let State { graphs, stream, .. } = &mut *state;
        let capture = match graphs.runs.next(which) {
            Next::Repeat((graph, looks)) => {
                let (looks, launched) = (*looks, graph.launch(stream));
                launched.map_err(|e| why(e, "a run"))?;
                return Ok(state.faults.ran(looks, key.network));
            }
            Next::Record => !key.host,
            Next::Call => false,
        };
        if capture {
            begin(&state).map_err(|e| why(e, "recording a run"))?;
        }
        state.faults.begin(key.guard);
        state.recording = true;
        drop(state);
        let mut recording = Recording {
            state: &guard,
            which,
            capture,
            done: false,
        };
        // Where it fails, the run is given up as where it panics.
        record()?;
        recording.done = true;
        drop(recording);
        let mut state = guard.borrow_mut();
        let last = state.faults.end(key.keep);
        let looks = last.is_some();
        if let (Some(last), None) = (last, &state.failed) {
            let put = gpu.launch(&mut state, Ok(vec![last]));
            state.failed = put.err();
        }
        let graph = capture.then(|| end(&state));
        if let Some(e) = state.failed.take() {
            state.give_up(which);
            return Err(e);
        }
        if let Some(graph) = graph {
            let graph = graph.map_err(|e| why(e, "recording a run"))?;
            graph.launch(&state.stream).map_err(|e| why(e, "a run"))?;
            state.graphs.runs.keep(which, (graph, looks));
        }
        Ok(state.faults.ran(looks, key.network))
    }

    fn flag(&self) -> Result<Option<CudaBuffer>> {
        // Kernels write half of it; it is cleared as an integer.
        self.alloc(size_of::<i64>()).map(Some)
    }

    fn failing(&self) -> bool {
        (self.gpu.lock()).is_ok_and(|guard| guard.borrow().failed.is_some())
    }

    fn verdict(&self, run: u64) -> Result<()> {
        if run == 0 {
            return Ok(());
        }
        let guard = self.gpu.lock()?;
        let mut state = guard.borrow_mut();
        if state.faults.ledger.known(run).is_none() {
            self.gpu.finish(&mut state)?;
        }
        state.faults.ledger.verdict(run)
    }

    fn known(&self, run: u64) -> Option<bool> {
        self.gpu.lock().ok()?.borrow().faults.ledger.known(run)
    }

    fn unreported(&self, network: u64) -> Result<()> {
        let guard = self.gpu.lock()?;
        let mut state = guard.borrow_mut();
        state.faults.ledger.unreported(Some(network))
    }
}
