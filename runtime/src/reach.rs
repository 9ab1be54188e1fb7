//! Which parameters have a gradient: PyTorch's `.grad is not None`.
//!
//! The compiler states for each function which parameters its gradients reach. In go the functions that ran;
//! out comes what the next step moves. A function that overwrites the gradients replaces the set, as
//! `zero_grad` before `backward` does; one that accumulates adds to it.

use crate::{NetSpec, Plan};

/// The parameters with a gradient, by their number in the network's [`NetSpec`].
pub(crate) struct Reach {
    now: Box<[bool]>,
    /// What [`restore`](Self::restore) brings back.
    before: Box<[bool]>,
    /// The parameters that each function reaches, by the address of its plan.
    known: Vec<(usize, Box<[bool]>)>,
}

impl Reach {
    /// None has a gradient.
    pub(crate) fn new(spec: &NetSpec) -> Self {
        Self {
            now: vec![false; spec.params.len()].into(),
            before: vec![false; spec.params.len()].into(),
            known: Vec::new(),
        }
    }

    /// Whether this parameter has one.
    pub(crate) fn has(&self, param: usize) -> bool {
        self.now.get(param).is_some_and(|has| *has)
    }

    /// A function has left its gradients: beside those that are there (`accumulate`), or over them.
    pub(crate) fn add(&mut self, spec: &NetSpec, plan: &'static Plan, accumulate: bool) {
        if !accumulate {
            self.clear();
        }
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

    /// Keeps the set for [`restore`](Self::restore).
    pub(crate) fn remember(&mut self) {
        self.before.copy_from_slice(&self.now);
    }

    /// The set that was remembered last.
    pub(crate) fn restore(&mut self) {
        self.now.copy_from_slice(&self.before);
    }

    /// None has a gradient any more.
    pub(crate) fn clear(&mut self) {
        self.now.fill(false);
    }
}
