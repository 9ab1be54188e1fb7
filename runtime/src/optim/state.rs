//! What a checkpoint keeps of an optimizer, and how it comes back.

use super::bound::Bound;
use super::{Optim, Rule};
use crate::core::alloc;
use crate::tensor::TensorData;
use crate::{Core, Device, Error, Float, ParamSpec, Result, Tensor};

/// An optimizer's state in host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerState {
    /// PyTorch's name of the optimizer.
    pub name: String,
    /// Steps taken.
    pub t: u64,
    /// The learning rate.
    pub lr: f64,
    /// Momentum and carried scalar of the optimizer and then of each group.
    pub scalars: Vec<[f64; 2]>,
    /// PyTorch's name of a moment, a parameter's name, and the values.
    pub moments: Vec<(String, String, Tensor)>,
}

impl<R: Rule> Optim<R> {
    pub(super) fn save_state<D: Device>(&self, core: &Core<D>) -> Result<OptimizerState> {
        let mut state = OptimizerState {
            name: R::NAME.into(),
            t: 0,
            lr: self.lr,
            scalars: Vec::new(),
            moments: Vec::new(),
        };
        let count = |mut state: OptimizerState| {
            let made = self.made();
            let scalars = self.rules().zip(&made.carried);
            state.scalars = scalars.map(|(r, c)| [r.momentum(), *c]).collect();
            state.t = made.t;
            state
        };
        let Some(bound) = &self.bound else {
            return Ok(count(state));
        };
        let Some(bound) = bound.downcast_ref::<Bound<D>>().filter(|b| b.is_of(core)) else {
            let what = format!("bound to another network than this {}", core.spec().name);
            return Err(Error::Optimizer {
                optimizer: R::NAME,
                what,
            });
        };
        for (name, buffer) in R::MOMENTS.iter().zip(&bound.moments) {
            let Some(buffer) = buffer else { continue };
            for param in core.spec().params.iter().filter(|p| !p.frozen) {
                let values = core.read(buffer, param)?;
                state
                    .moments
                    .push(((*name).into(), param.name.into(), values));
            }
        }
        // Now that the moments have been waited for.
        Ok(count(state))
    }

    pub(super) fn load_state<D: Device>(
        &mut self,
        core: &Core<D>,
        state: &OptimizerState,
    ) -> Result<()> {
        let problems = self.problems(core, state);
        if !problems.is_empty() {
            return Err(Error::Optimizer {
                optimizer: R::NAME,
                what: format!("the saved state does not fit:{}", listed(&problems)),
            });
        }
        let mut bound = Bound::new::<R>(core, &self.groups)?;
        for (name, slot) in R::MOMENTS.iter().zip(&mut bound.moments) {
            let saved = || state.moments.iter().filter(|(moment, ..)| moment == name);
            if saved().next().is_none() {
                continue;
            }
            let mut flat = vec![D::Float::from_f64(self.rule.initial()); core.spec().flat_len];
            for (_, param, values) in saved() {
                if let Some(to) =
                    find(core, param).and_then(|p| flat.get_mut(p.offset..p.offset + p.len()))
                {
                    for (to, from) in to.iter_mut().zip(values.to_f64_vec()) {
                        *to = D::Float::from_f64(from);
                    }
                }
            }
            let buffer = alloc(core.device(), core.spec())?;
            // SAFETY: the buffer holds `flat_len` floats.
            unsafe {
                core.device()
                    .write(D::addr(&buffer), bytemuck::cast_slice(&flat))?
            };
            *slot = Some(buffer);
        }
        (self.t, self.lr) = (state.t, state.lr);
        self.bound = Some(Box::new(bound));
        self.unsure = None;
        let rules =
            std::iter::once(&mut self.rule).chain(self.groups.iter_mut().map(|g| &mut g.rule));
        for (rule, [momentum, carried]) in rules.zip(&state.scalars) {
            rule.set_momentum(*momentum);
            rule.set_carried(*carried);
        }
        Ok(())
    }

    /// Everything that does not fit.
    fn problems<D: Device>(&self, core: &Core<D>, state: &OptimizerState) -> Vec<String> {
        if state.name != R::NAME {
            return vec![format!("it is {}'s", state.name)];
        }
        let mut problems = Vec::new();
        // Floats compute with it, and it goes on counting.
        if state.t > 1 << 53 {
            problems.push(format!("it has taken {} steps, more than 2^53", state.t));
        }
        let groups = self.groups.len();
        if state.scalars.len() != groups + 1 {
            problems.push(format!(
                "it has {} groups, the optimizer has {groups}",
                state.scalars.len().saturating_sub(1)
            ));
        }
        for (moment, param, values) in &state.moments {
            match find(core, param) {
                _ if !R::MOMENTS.contains(&moment.as_str()) => {
                    problems.push(format!("unexpected moment `{moment}`"))
                }
                None => problems.push(format!(
                    "`{moment}` of `{param}`: no such trained parameter"
                )),
                Some(p) if p.shape != values.shape() => {
                    problems.push(format!(
                        "`{moment}` of `{param}` has shape {:?}, not {:?}",
                        values.shape(),
                        p.shape
                    ));
                }
                Some(_) if !matches!(values.data(), TensorData::F32(_) | TensorData::F64(_)) => {
                    problems.push(format!(
                        "`{moment}` of `{param}` holds {}",
                        values.data().type_name()
                    ));
                }
                Some(_) => {}
            }
        }
        // A moment is there for all parameters or for none, and after a step none that is used is missing.
        let rules = || std::iter::once(&self.rule).chain(self.groups.iter().map(|g| &g.rule));
        for (k, moment) in R::MOMENTS.iter().enumerate() {
            let saved = |p: &ParamSpec| {
                state
                    .moments
                    .iter()
                    .any(|(m, name, _)| m == moment && name == p.name)
            };
            let wanted = state.t > 0 && rules().any(|r| r.uses(k));
            let trained = || core.spec().params.iter().filter(|p| !p.frozen);
            if wanted || trained().any(saved) {
                problems.extend(
                    trained()
                        .filter(|p| !saved(p))
                        .map(|p| format!("`{moment}` of `{}` is missing", p.name)),
                );
            }
        }
        problems
    }
}

fn find<D: Device>(core: &Core<D>, name: &str) -> Option<&'static ParamSpec> {
    core.spec()
        .params
        .iter()
        .find(|p| p.name == name && !p.frozen)
}

fn listed(problems: &[String]) -> String {
    problems.iter().map(|p| format!("\n  {p}")).collect()
}
