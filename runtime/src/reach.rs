//! Which parameters have a gradient: PyTorch's `.grad is not None`.
//!
//! The compiler states for each function which parameters its gradients reach. In go the functions that ran
//! and the steps that were made; out comes what the next step moves.

use crate::{NetSpec, Plan};

/// The parameters with a gradient, by their number in the network's [`NetSpec`].
pub(crate) struct Reach {
    now: Box<[bool]>,
    /// A step has moved them: the next run that overwrites gradients begins anew.
    stepped: bool,
    /// The parameters that each function reaches, by the address of its plan.
    known: Vec<(usize, Box<[bool]>)>,
}

impl Reach {
    /// None has a gradient.
    pub(crate) fn new(spec: &NetSpec) -> Self {
        Self {
            now: vec![false; spec.params.len()].into(),
            stepped: false,
            known: Vec::new(),
        }
    }

    /// Whether this parameter has one.
    pub(crate) fn has(&self, param: usize) -> bool {
        self.now.get(param).is_some_and(|has| *has)
    }

    /// A function has left its gradients: beside those that are there (`accumulate`), or over them.
    pub(crate) fn add(&mut self, spec: &NetSpec, plan: &'static Plan, accumulate: bool) {
        if self.stepped && !accumulate {
            self.clear();
        }
        self.stepped = false;
        let at = std::ptr::from_ref(plan) as usize;
        let known = self.known.iter().position(|(plan, _)| *plan == at);
        let k = known.unwrap_or_else(|| {
            let reached = |offset| plan.reached.iter().any(|r| r.holds(offset));
            let params = spec.params.iter().map(|p| reached(p.offset)).collect();
            self.known.push((at, params));
            self.known.len() - 1
        });
        for (now, reached) in self.now.iter_mut().zip(&self.known[k].1) {
            *now |= reached;
        }
    }

    /// Only what this function reaches has one.
    pub(crate) fn only(&mut self, spec: &NetSpec, plan: &'static Plan) {
        self.clear();
        self.add(spec, plan, true);
    }

    /// An optimizer has made a step with them.
    pub(crate) fn step(&mut self) {
        self.stepped = true;
    }

    /// None has a gradient any more.
    pub(crate) fn clear(&mut self) {
        self.now.fill(false);
        self.stepped = false;
    }
}
