//! The order of runs: [`Recorded`](crate::replay::Recorded) decides which are called, captured or replayed.

use std::cell::RefCell;

use super::errors::Code;
use super::gpu::{Gpu, State};
use super::graphs::{Which, begin, end};
use super::{Cuda, CudaBuffer};
use crate::Result;
use crate::device::{Key, Memory, Queue, RunId};
use crate::replay::Next;

impl Gpu {
    /// Writes the step of random numbers.
    fn write_step(&self, state: &mut State, step: u64) -> Result<()> {
        let addr = state.graphs.step(&self.id)?;
        // SAFETY: 8 bytes that belong to the graphs.
        let put = unsafe { (state.staging).upload(&state.stream, addr, &step.to_ne_bytes()) };
        put.map_err(|e| self.id.error(e, "a copy to the device"))
    }

    /// The address of the step of random numbers in device memory, which `replay` writes.
    pub fn step(&self, state: &mut State) -> Result<u64> {
        state.graphs.step(&self.id)
    }
}

/// A run whose calls are being made. Custom functions among them may use the device in between. If one panics, the
/// run's remains are cleared.
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
            let _ = self.capture.then(|| end(&state.stream));
            state.give_up(self.which);
            state.failed = None;
        }
    }
}

impl State {
    /// Discards a run that failed, and its errors.
    fn give_up(&mut self, which: Which) {
        self.graphs.runs.forget(which);
        // If this fails, all later calls fail, too.
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
        // Held to the end, so that no other thread's calls are interleaved.
        let guard = gpu.lock()?;
        let why = |e: Code, doing: &str| gpu.id.error(e, doing);
        let mut state = guard.borrow_mut();
        if state.recording {
            let what = "a function of an op's own runs a network of the device that called it: \
                        it may use another, such as the CPU";
            return Err(gpu.id.fails(what.into()));
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
            begin(&state.stream).map_err(|e| why(e, "recording a run"))?;
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
        // After an error, the run is given up as after a panic.
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
        let graph = capture.then(|| end(&state.stream));
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
        // Kernels write half of it. It is cleared as an integer.
        self.alloc(size_of::<i64>()).map(Some)
    }

    fn failing(&self) -> bool {
        (self.gpu.lock()).is_ok_and(|guard| guard.borrow().failed.is_some())
    }

    fn outcome(&self, run: u64) -> Result<()> {
        if run == 0 {
            return Ok(());
        }
        let guard = self.gpu.lock()?;
        let mut state = guard.borrow_mut();
        if state.faults.ledger.known(run).is_none() {
            self.gpu.finish(&mut state)?;
        }
        state.faults.ledger.outcome(run)
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
