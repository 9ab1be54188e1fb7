//! An optimizer's memory on one network: its moments, and which parameters have which settings.

use super::Rule;
use super::group::Grouped;
use super::later::Later;
use super::rule::{MOMENTS, Place, Scalars};
use crate::core::alloc;
use crate::network::nearest;
use crate::{Core, DType, Device, Error, Result};

/// A run of neighbouring trained parameters with the same settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) offset: usize,
    pub(super) len: usize,
    /// The group; `None` is the optimizer itself.
    pub(super) group: Option<usize>,
}

/// The moments, as flat as the parameters.
pub(super) struct Bound<D: Device> {
    core: u64,
    segments: Vec<Segment>,
    pub(super) moments: [Option<D::Buffer>; MOMENTS],
    /// How many steps had been made when the moments were.
    pub(super) made_at: Option<u64>,
    /// For devices that repeat steps.
    pub(super) later: Option<Later<D>>,
}

impl<D: Device> Bound<D> {
    /// Finds the group of every parameter. A group without any is a misspelt name.
    pub(super) fn new<R: Rule>(core: &Core<D>, groups: &[Grouped<R>]) -> Result<Self> {
        let spec = core.spec();
        for group in groups {
            if !spec.names().any(|name| group.pattern.matches(name)) {
                let pattern = group.pattern.describe();
                let near = nearest(pattern, spec.names());
                let hint =
                    near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
                let what = format!(
                    "no parameter of {} belongs to the group `{pattern}`{hint}",
                    spec.name
                );
                return Err(Error::Optimizer {
                    optimizer: R::NAME,
                    what,
                });
            }
        }
        let mut segments: Vec<Segment> = Vec::new();
        let mut adjacent = false;
        for param in spec.by_offset() {
            if param.frozen {
                adjacent = false;
                continue;
            }
            let of = |g: &Grouped<R>| spec.names_of(param).any(|name| g.pattern.matches(name));
            let group = groups.iter().rposition(of);
            match segments.last_mut() {
                // The padding between holds zeros, which every rule leaves alone.
                Some(last) if adjacent && last.group == group => {
                    last.len = param.offset + param.len() - last.offset
                }
                _ => segments.push(Segment {
                    offset: param.offset,
                    len: param.len(),
                    group,
                }),
            }
            adjacent = true;
        }
        Ok(Self {
            core: core.id(),
            segments,
            moments: [None, None, None],
            made_at: None,
            later: None,
        })
    }

    /// Whether this is the network that the moments belong to.
    pub(super) fn is_of(&self, core: &Core<D>) -> bool {
        self.core == core.id()
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Makes the moments that any of the rules uses; says whether there were none before.
    pub(super) fn make_moments<'a, R: Rule>(
        &mut self,
        core: &Core<D>,
        rules: impl Iterator<Item = &'a R> + Clone,
    ) -> Result<bool> {
        let fresh = self.moments.iter().all(Option::is_none);
        for (k, moment) in self.moments.iter_mut().enumerate().take(R::MOMENTS.len()) {
            let Some(rule) = rules.clone().find(|r| r.uses(k)) else {
                continue;
            };
            if moment.is_none() {
                let buffer = alloc(core.device(), core.spec())?;
                if rule.initial() != 0.0 {
                    // SAFETY: the buffer holds `flat_len` floats.
                    unsafe {
                        core.device().fill(
                            DType::Float,
                            core.spec().flat_len,
                            rule.initial(),
                            D::addr(&buffer),
                        )
                    };
                }
                *moment = Some(buffer);
            }
        }
        Ok(fresh)
    }

    /// The addresses of a segment; none if the network has no gradients.
    pub(super) fn place<'a>(
        &self,
        core: &'a Core<D>,
        segment: &Segment,
        scalars: Scalars<'a>,
    ) -> Option<Place<'a, D>> {
        let at = segment.offset * size_of::<D::Float>();
        let addr = |buffer: &D::Buffer| D::addr(buffer).wrapping_add(at);
        Some(Place {
            scalars,
            device: core.device(),
            len: segment.len,
            param: addr(core.params()),
            grad: addr(core.grads()?),
            moments: [0, 1, 2].map(|k| self.moments[k].as_ref().map(addr)),
        })
    }
}
