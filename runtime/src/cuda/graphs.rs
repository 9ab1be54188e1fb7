//! CUDA graphs, and the runs that were captured as graphs.
//!
//! The values that differ from run to run are in device memory: the inputs in the workspace, the step of random numbers
//! in a word that is written before the run.

use cust::memory::DeviceBuffer;
use cust_raw::{CUgraph, CUgraphExec, CUstreamCaptureMode_enum as Mode};
use std::ptr::null_mut;

use super::errors::{Code, checked};
use super::identity::Identity;
use super::stream::Stream;
use crate::device::Key;
use crate::replay::Recorded;
use crate::{Precision, Result};

/// The key of a run. The precision of products is part of the device handle, not of the network.
pub type Which = (Key, Precision);

/// A recorded run, and whether it checks indices.
type Run = (Graph, bool);

/// The runs that are kept.
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
    pub fn step(&mut self, gpu: &Identity) -> Result<u64> {
        if self.step.is_none() {
            // SAFETY: runs that draw come after a copy to it.
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
        // SAFETY: made by `capture`, destroyed once; the driver waits for pending launches.
        unsafe { cust_raw::cuGraphExecDestroy(self.0) };
    }
}

impl Graph {
    pub fn launch(&self, stream: &Stream) -> std::result::Result<(), Code> {
        // SAFETY: a graph of this context, on its stream.
        checked(unsafe { cust_raw::cuGraphLaunch(self.0, stream.raw()) })
    }
}

/// Begins recording the work that is put on the stream.
pub fn begin(stream: &Stream) -> std::result::Result<(), Code> {
    let mode = Mode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
    // SAFETY: the stream is ours, and the lock excludes other threads.
    checked(unsafe { cust_raw::cuStreamBeginCapture_v2(stream.raw(), mode) })
}

/// Ends recording. Returns the recorded work, ready to launch.
pub fn end(stream: &Stream) -> std::result::Result<Graph, Code> {
    let mut graph: CUgraph = null_mut();
    let mut exec: CUgraphExec = null_mut();
    // SAFETY: a capture is active; the graph is destroyed after instantiation.
    unsafe {
        checked(cust_raw::cuStreamEndCapture(stream.raw(), &raw mut graph))?;
        let made = cust_raw::cuGraphInstantiateWithFlags(&raw mut exec, graph, 0);
        cust_raw::cuGraphDestroy(graph);
        checked(made)?;
    }
    Ok(Graph(exec))
}
