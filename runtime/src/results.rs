//! The results of a run, in the workspace that they share.

use std::sync::Arc;

use crate::device::RunId;
use crate::dims::Dims;
use crate::pool::Workspace;
use crate::{ArgType, Device, Loss, Output, Plan, Result, Row};

/// A finished run: its workspace, from which the generated code takes the results.
pub struct RunResults<D: Device> {
    ws: Arc<Workspace<D>>,
    plan: &'static Plan,
    dims: Dims,
    id: RunId,
}

impl<D: Device> Clone for RunResults<D> {
    fn clone(&self) -> Self {
        Self {
            ws: Arc::clone(&self.ws),
            plan: self.plan,
            dims: self.dims,
            id: self.id.clone(),
        }
    }
}

impl<D: Device> RunResults<D> {
    pub(crate) fn new(ws: Arc<Workspace<D>>, plan: &'static Plan, dims: Dims, id: RunId) -> Self {
        Self { ws, plan, dims, id }
    }
    /// The device's number of the run; 0 if there are no deferred errors.
    pub(crate) fn number(&self) -> u64 {
        self.id.number()
    }
    /// The sizes of the plan's named dimensions.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }
    /// The element type of result `k`.
    pub fn output_type(&self, k: usize) -> Option<ArgType> {
        Some(self.plan.outputs.get(k)?.0.ty)
    }
    /// Result `k`, with rows of type `T`. Several results may be held at the same time.
    pub fn output<T: Row>(&self, k: usize) -> Result<Output<D, T>> {
        Output::new(Arc::clone(&self.ws), self.plan, &self.dims, k)
    }
    /// Result `k`, a single float.
    pub fn loss(&self, k: usize) -> Result<Loss<D>> {
        if let Some(loss) = self.ws.pending_loss(&self.id) {
            return Ok(loss);
        }
        let output = Output::<D, D::Float>::new(Arc::clone(&self.ws), self.plan, &self.dims, k)?;
        Ok(Loss::new(output.item()?))
    }
}
