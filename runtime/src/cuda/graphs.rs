//! Runs as CUDA graphs: a run's calls are made the first time, captured the second, replayed from the
//! third on.
//!
//! The first time, modules are loaded and scratch memory grows, neither of which can be captured; and
//! sizes that come once are not worth a graph. What differs from run to run lies in device memory: the
//! inputs in the workspace, the step of random numbers in a word that is written before.

use cust::memory::DeviceBuffer;
use cust_raw::{CUgraph, CUgraphExec, CUstreamCaptureMode_enum as Mode};
use std::cell::RefCell;
use std::ptr::null_mut;

use super::errors::{Code, checked};
use super::gpu::{Gpu, State};
use super::{Cuda, CudaBuffer};
use crate::device::{Key, Memory, Queue, RunId};
use crate::{Precision, Result};

/// Runs that are remembered.
const KEPT: usize = 64;

/// What tells runs apart here: the precision of products is the device handle's, not the network's.
type Which = (Key, Precision);

/// What is known of the runs of one key.
struct Entry {
    key: Which,
    graph: Option<Graph>,
    /// It looks at indices.
    looks: bool,
    /// When it was last used.
    used: u64,
}

/// The runs that are remembered.
#[derive(Default)]
pub struct Graphs {
    entries: Vec<Entry>,
    clock: u64,
    step: Option<DeviceBuffer<u64>>,
}

impl Graphs {
    /// The address of the step of random numbers.
    pub fn step(&mut self, gpu: &Gpu) -> Result<u64> {
        if self.step.is_none() {
            // SAFETY: runs that draw come behind a copy to it.
            let word = unsafe { DeviceBuffer::uninitialized(1) };
            self.step = Some(word.map_err(|e| gpu.no_room(e.into(), "a word", 8))?);
        }
        Ok((self.step.as_ref()).map_or(0, |b| b.as_device_ptr().as_raw()))
    }

    /// How many graphs there are.
    pub fn captured(&self) -> usize {
        self.entries.iter().filter(|e| e.graph.is_some()).count()
    }

    /// The entry of a key, and whether it is new.
    fn entry(&mut self, key: Which) -> (usize, bool) {
        self.clock += 1;
        let known = self.entries.iter().position(|e| e.key == key);
        let at = match known {
            Some(at) => at,
            None => {
                if self.entries.len() >= KEPT {
                    let oldest = (0..self.entries.len()).min_by_key(|i| self.entries[*i].used);
                    oldest.map(|i| self.entries.swap_remove(i));
                }
                self.entries.push(Entry {
                    key,
                    graph: None,
                    looks: false,
                    used: 0,
                });
                self.entries.len() - 1
            }
        };
        self.entries[at].used = self.clock;
        (at, known.is_none())
    }

    /// Forgets a run that failed: what it lacks is not there when it is captured.
    fn forget(&mut self, key: Which) {
        self.entries.retain(|e| e.key != key);
    }
}

/// A captured run.
struct Graph(CUgraphExec);
// SAFETY: used under the device's lock alone.
unsafe impl Send for Graph {}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: made by `capture`, destroyed once; the driver waits for launches under way.
        unsafe { cust_raw::cuGraphExecDestroy(self.0) };
    }
}

impl Graph {
    fn launch(&self, state: &State) -> std::result::Result<(), Code> {
        // SAFETY: a graph of this context, on its stream.
        checked(unsafe { cust_raw::cuGraphLaunch(self.0, state.stream.raw()) })
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

    /// A draw's place, whose step lies in device memory, where `replay` has put it.
    pub fn random(
        &self,
        state: &mut State,
        stream: crate::device::Stream,
    ) -> Result<netform_ptx::Stream> {
        Ok(netform_ptx::Stream {
            seed: stream.seed,
            step: state.graphs.step(self)?,
            node: stream.node,
        })
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
        self.graphs.forget(which);
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
        if state.faults.full() {
            gpu.finish(&mut state)?;
        }
        if key.random {
            gpu.write_step(&mut state, step)?;
        }
        let which = (key, self.precision);
        let (at, new) = state.graphs.entry(which);
        let entry = &state.graphs.entries[at];
        if let Some(graph) = &entry.graph {
            let looks = entry.looks;
            graph.launch(&state).map_err(|e| why(e, "a run"))?;
            return Ok(ran(&mut state, looks, key.network));
        }
        let capture = !new && !key.host;
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
            graph.launch(&state).map_err(|e| why(e, "a run"))?;
            // Nothing was added since: the lock was held.
            if let Some(entry) = state.graphs.entries.get_mut(at) {
                (entry.graph, entry.looks) = (Some(graph), looks);
            }
        }
        Ok(ran(&mut state, looks, key.network))
    }

    fn flag(&self) -> Result<Option<CudaBuffer>> {
        self.alloc(size_of::<u32>()).map(Some)
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
        if state.faults.known(run).is_none() {
            self.gpu.finish(&mut state)?;
        }
        state.faults.verdict(run)
    }

    fn known(&self, run: u64) -> Option<bool> {
        self.gpu.lock().ok()?.borrow().faults.known(run)
    }

    fn unreported(&self, network: u64) -> Result<()> {
        let guard = self.gpu.lock()?;
        let mut state = guard.borrow_mut();
        state.faults.unreported(Some(network))
    }
}

/// The run that was put on the stream, which has a number if it looks at indices.
fn ran(state: &mut State, looks: bool, network: u64) -> RunId {
    match looks {
        true => state.faults.ran(network),
        false => RunId::default(),
    }
}
