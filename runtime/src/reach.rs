//! The parameters that have a gradient: PyTorch's `.grad is not None`.
//!
//! The compiler emits for each function the parameters that its gradients reach. Takes the functions that ran, and
//! gives the parameters that the next step changes. A function that overwrites the gradients replaces the set, as
//! `zero_grad` before `backward` does; one that accumulates adds to it.

use crate::{DType, NetSpec, ParamSpec, Plan};

/// The parameters with a gradient, by their number in the network's [`NetSpec`].
pub(crate) struct Reach {
    now: Box<[bool]>,
    /// The parameters that each function reaches, by the address of its plan.
    known: Vec<(usize, Box<[bool]>)>,
}

impl Reach {
    /// No parameter has a gradient.
    pub(crate) fn new(spec: &NetSpec) -> Self {
        Self {
            now: vec![false; spec.params.len()].into(),
            known: Vec::new(),
        }
    }

    /// Whether each parameter has a gradient.
    pub(crate) fn now(&self) -> &[bool] {
        &self.now
    }

    /// A function has left gradients: added to the present ones (`accumulate`), or over them.
    pub(crate) fn add(&mut self, spec: &NetSpec, plan: &'static Plan, accumulate: bool) {
        let k = self.number(spec, plan);
        for (now, reached) in self.now.iter_mut().zip(&self.known[k].1) {
            *now = *reached || (accumulate && *now);
        }
    }

    /// The parameters that this function reaches.
    pub(crate) fn of(&mut self, spec: &NetSpec, plan: &'static Plan) -> &[bool] {
        let k = self.number(spec, plan);
        &self.known[k].1
    }

    fn number(&mut self, spec: &NetSpec, plan: &'static Plan) -> usize {
        let at = std::ptr::from_ref(plan) as usize;
        let known = self.known.iter().position(|(plan, _)| *plan == at);
        known.unwrap_or_else(|| {
            let reached = |p: &ParamSpec| {
                p.dtype == DType::Float && plan.reached.iter().any(|r| r.holds(p.offset.floats))
            };
            let params = spec.params.iter().map(reached).collect();
            self.known.push((at, params));
            self.known.len() - 1
        })
    }

    /// Clears the set: no parameter has a gradient any more.
    pub(crate) fn clear(&mut self) {
        self.now.fill(false);
    }
}
