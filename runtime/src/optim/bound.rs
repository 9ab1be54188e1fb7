//! An optimizer's memory on one network: its moments, and the settings and history of each parameter.

use super::Rule;
use super::calls::Calls;
use super::formula::{Addrs, MOMENTS};
use super::group::Grouped;
use super::history::History;
use super::segment::Segment;
use crate::core::{alloc, fill};
use crate::nearest::nearest;
use crate::{Core, Device, Error, Number, OptimizerProblem, Result};

/// A trained parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trained {
    /// Its number among the network's parameters.
    pub(super) index: usize,
    pub(super) offset: usize,
    pub(super) len: usize,
    /// The group; `None` is the optimizer itself.
    pub(super) group: Option<usize>,
    /// The trained parameter before this one is adjacent: there is none between them.
    beside: bool,
}

/// The moments, with the same layout as the parameters.
pub(super) struct Bound<D: Device> {
    core: u64,
    pub(super) params: Vec<Trained>,
    /// The segments of the current step.
    segments: Vec<Segment>,
    /// The history of each parameter after it.
    pub(super) next: Vec<History>,
    pub(super) moments: [Option<D::Buffer>; MOMENTS],
    pub(super) calls: Calls<D>,
}

impl<D: Device> Bound<D> {
    /// Finds the group of every parameter. An empty group means a misspelt name.
    pub(super) fn new<R: Rule>(core: &Core<D>, groups: &[Grouped<R>]) -> Result<Self> {
        let spec = core.spec();
        for group in groups {
            if !spec.names().any(|name| group.pattern.matches(name)) {
                let pattern = group.pattern.describe();
                return Err(Error::Optimizer {
                    optimizer: R::NAME,
                    problem: OptimizerProblem::EmptyGroup {
                        network: spec.name,
                        pattern: pattern.to_owned(),
                        near: nearest(pattern, spec.names()),
                    },
                });
            }
        }
        let mut params: Vec<Trained> = Vec::new();
        let mut beside = false;
        for param in spec.by_offset() {
            if param.frozen {
                beside = false;
                continue;
            }
            let of = |g: &Grouped<R>| spec.names_of(param).any(|name| g.pattern.matches(name));
            params.push(Trained {
                index: spec.index_of(param),
                offset: param.offset.floats,
                len: param.len(),
                group: groups.iter().rposition(of),
                beside,
            });
            beside = true;
        }
        Ok(Self {
            core: core.id(),
            calls: Calls::new(core.device(), params.len())?,
            segments: Vec::with_capacity(params.len()),
            next: Vec::with_capacity(params.len()),
            params,
            moments: [None, None, None],
        })
    }

    /// Finds the runs of adjacent parameters that the next step changes: the `reached` ones, in the order of their
    /// places.
    pub(super) fn gather<R: Rule>(
        &mut self,
        reached: &[bool],
        histories: &[History],
        rule: impl Fn(Option<usize>) -> R,
    ) {
        self.segments.clear();
        self.next.clear();
        self.next.extend_from_slice(histories);
        let mut open = false;
        for ((param, reached), next) in self.params.iter().zip(reached).zip(&mut self.next) {
            let joins = open && param.beside;
            open = *reached;
            if !open {
                continue;
            }
            let before = *next;
            match self.segments.last_mut() {
                // The padding between parameters is never read.
                Some(last) if joins && last.group == param.group && last.before == before => {
                    last.len = param.offset + param.len - last.offset;
                    *next = last.after;
                }
                _ => {
                    let after = before.next(&rule(param.group));
                    self.segments.push(Segment {
                        offset: param.offset,
                        len: param.len,
                        group: param.group,
                        before,
                        after,
                    });
                    *next = after;
                }
            }
        }
    }

    /// Whether this is the network that the moments belong to.
    pub(super) fn is_of(&self, core: &Core<D>) -> bool {
        self.core == core.id()
    }

    /// Allocates the moments that any of the rules uses.
    pub(super) fn make_moments<'a, R: Rule>(
        &mut self,
        core: &Core<D>,
        rules: impl Iterator<Item = &'a R> + Clone,
    ) -> Result<()> {
        for (k, moment) in self.moments.iter_mut().enumerate().take(R::MOMENTS.len()) {
            let Some(rule) = rules.clone().find(|r| r.uses(k)) else {
                continue;
            };
            if moment.is_none() {
                let buffer = alloc(core.device(), core.spec(), 0)?;
                if rule.initial() != 0.0 {
                    // SAFETY: the buffer holds `flat_len` floats.
                    unsafe {
                        fill(
                            core.device(),
                            Number::Float(rule.initial()),
                            core.spec().flat_len,
                            D::addr(&buffer),
                        )
                    };
                }
                *moment = Some(buffer);
            }
        }
        Ok(())
    }

    /// Asks the rules for the calls of the current step: `settings` gives the rule and its rate by the number of the
    /// group. Gradients are clamped to `limit`.
    pub(super) fn ask<'a, R: Rule>(
        &mut self,
        core: &Core<D>,
        settings: impl Fn(Option<usize>) -> (&'a R, f64),
        limit: f64,
    ) -> std::result::Result<(), OptimizerProblem> {
        let Some(grads) = core.grads() else {
            return Ok(());
        };
        self.calls.clear();
        for segment in &self.segments {
            let (rule, lr) = settings(segment.group);
            let at = segment.offset * size_of::<D::Float>();
            let addr = |b: &D::Buffer| D::addr(b).wrapping_add(at).expose_provenance();
            let moment = |k: usize| match (rule.uses(k), &self.moments[k]) {
                (true, Some(buffer)) => addr(buffer),
                _ => 0,
            };
            let [a, b, c] = [0, 1, 2].map(moment);
            let addrs: Addrs = [addr(core.params()), addr(grads), a, b, c];
            self.calls.ask(rule, (segment, lr), addrs, limit)?;
        }
        Ok(())
    }
}
