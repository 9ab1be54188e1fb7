//! Saves an optimizer's state for a checkpoint, and restores it.

use super::bound::{Bound, Trained};
use super::history::History;
use super::pending::Pending;
use super::saved::{GroupState, OptimizerState, ParamState};
use super::{Optim, Optimizer, Rates, Rule};
use crate::core::alloc;
use crate::tensor::TensorData;
use crate::{Core, Device, Float, OptimizerProblem, ParamSpec, Result, StateProblem};

impl<R: Rule> Optim<R> {
    pub(super) fn save_state<D: Device>(&self, core: &Core<D>) -> Result<OptimizerState> {
        self.sound()?;
        let mut state = OptimizerState {
            name: R::NAME.into(),
            t: 0,
            lr: self.lr,
            groups: Vec::new(),
            params: Vec::new(),
            moments: Vec::new(),
        };
        let count = |mut state: OptimizerState, params: &[Trained]| {
            let made = self.made();
            let group = |g: usize| GroupState {
                lr: Some(self.group_lr(g)),
                initial_lr: self.initial_lr(g),
                momentum: self.group_momentum(g),
                carried: None,
            };
            state.groups = (0..self.groups()).map(group).collect();
            let name = |p: &Trained| core.spec().params[p.index].name.to_owned();
            let each = params.iter().zip(&made.histories).map(|(p, h)| ParamState {
                name: name(p),
                t: h.t,
                carried: h.carried,
                begun: h.begun,
            });
            state.params = each.collect();
            state.t = made.t;
            state
        };
        let Some(bound) = &self.bound else {
            return Ok(count(state, &[]));
        };
        let Some(bound) = bound.downcast_ref::<Bound<D>>().filter(|b| b.is_of(core)) else {
            let network = core.spec().name;
            return Err(Self::error(OptimizerProblem::OtherNetwork { network }));
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
        // Counted last: the reads of the moments have waited for pending steps.
        Ok(count(state, &bound.params))
    }

    pub(super) fn load_state<D: Device>(
        &mut self,
        core: &Core<D>,
        state: &OptimizerState,
    ) -> Result<()> {
        let problems = self.problems(core, state);
        if !problems.is_empty() {
            return Err(Self::error(OptimizerProblem::State { problems }));
        }
        self.refused.clear();
        let mut bound = Bound::new::<R>(core, &self.groups)?;
        for (name, slot) in R::MOMENTS.iter().zip(&mut bound.moments) {
            let saved = || state.moments.iter().filter(|(moment, ..)| moment == name);
            if saved().next().is_none() {
                continue;
            }
            let mut flat = vec![D::Float::from_f64(self.rule.initial()); core.spec().flat_len];
            for (_, param, values) in saved() {
                if let Some(to) = find(core, param)
                    .and_then(|p| flat.get_mut(p.offset.floats..)?.get_mut(..p.len()))
                {
                    for (to, from) in to.iter_mut().zip(values.to_f64_vec()) {
                        *to = D::Float::from_f64(from);
                    }
                }
            }
            let buffer = alloc(core.device(), core.spec(), 0)?;
            // SAFETY: the buffer holds `flat_len` floats.
            unsafe {
                core.device()
                    .write(D::addr(&buffer), bytemuck::cast_slice(&flat))?
            };
            *slot = Some(buffer);
        }
        self.histories = histories::<D, R>(core, &bound.params, state);
        self.t = state.t;
        self.bound = Some(Box::new(bound));
        self.pending = Pending::default();
        *self.poisoned.get_mut() = false;
        // Groups without a saved rate follow the optimizer's rate.
        self.set_lr(state.lr);
        for (g, saved) in state.groups.iter().enumerate() {
            self.set_group_momentum(g, saved.momentum);
            if let Some(lr) = saved.lr {
                self.set_group_lr(g, lr);
            }
            if let Some(lr) = saved.initial_lr {
                self.set_initial_lr(g, lr);
            }
        }
        Ok(())
    }

    /// All mismatches.
    fn problems<D: Device>(&self, core: &Core<D>, state: &OptimizerState) -> Vec<StateProblem> {
        if state.name != R::NAME {
            let name = state.name.clone();
            return vec![StateProblem::OtherOptimizer { name }];
        }
        let mut problems = Vec::new();
        // Floats compute with the count, and it must be able to grow.
        let steps = state.params.iter().map(|p| p.t).fold(state.t, u64::max);
        if steps > 1 << 53 {
            problems.push(StateProblem::Steps { steps });
        }
        let wanted = self.groups.len();
        if state.groups.len() != wanted + 1 {
            let found = state.groups.len().saturating_sub(1);
            problems.push(StateProblem::Groups { found, wanted });
        }
        let unknown = state.params.iter().map(|p| &p.name);
        let unknown = unknown.filter(|name| find(core, name).is_none()).cloned();
        problems.extend(unknown.map(|parameter| StateProblem::UnknownSteps { parameter }));
        for (moment, parameter, values) in &state.moments {
            let found = find(core, parameter);
            let (moment, parameter) = (moment.clone(), parameter.clone());
            match found {
                _ if !R::MOMENTS.contains(&moment.as_str()) => {
                    problems.push(StateProblem::UnknownMoment { moment });
                }
                None => problems.push(StateProblem::UnknownParameter { moment, parameter }),
                Some(p) if p.shape != values.shape() => {
                    problems.push(StateProblem::Shape {
                        moment,
                        parameter,
                        found: values.shape().to_vec(),
                        wanted: p.shape,
                    });
                }
                Some(_) if !matches!(values.data(), TensorData::F32(_) | TensorData::F64(_)) => {
                    problems.push(StateProblem::Type {
                        moment,
                        parameter,
                        found: values.data().type_name(),
                    });
                }
                Some(_) => {}
            }
        }
        // A moment is saved for all parameters or for none. After a step, each moment in use must be saved. The momenta
        // are those of the state.
        let momenta = state.groups.iter().map(|g| Some(g.momentum));
        let restored = |(rule, momentum): (&R, Option<f64>)| {
            let mut rule = *rule;
            if let Some(momentum) = momentum {
                rule.set_momentum(momentum);
            }
            rule
        };
        let rules = self.rules().zip(momenta.chain(std::iter::repeat(None)));
        let rules: Vec<R> = rules.map(restored).collect();
        for (k, moment) in R::MOMENTS.iter().enumerate() {
            let trained = || core.spec().params.iter().filter(|p| !p.frozen);
            let saved = |p: &ParamSpec| {
                state
                    .moments
                    .iter()
                    .any(|(m, name, _)| m == moment && name == p.name)
            };
            let uses = rules.iter().any(|r| r.uses(k));
            if let Some(setting) = R::kept_by(k)
                && state.t > 0
                && uses != trained().any(saved)
            {
                let found = !uses;
                problems.push(StateProblem::Setting { setting, found });
                continue;
            }
            let wanted = state.t > 0 && uses;
            if wanted || trained().any(saved) {
                let missing = trained().filter(|p| !saved(p)).map(|p| p.name);
                problems
                    .extend(missing.map(|parameter| StateProblem::Missing { moment, parameter }));
            }
        }
        problems
    }
}

/// The histories of these parameters. A parameter that is not in the state has no steps; older states have one count
/// for all parameters.
fn histories<D: Device, R: Rule>(
    core: &Core<D>,
    params: &[Trained],
    state: &OptimizerState,
) -> Vec<History> {
    let begun = state.t > 0 && !state.moments.is_empty();
    let of = |p: &Trained| {
        let saved = |s: &&ParamState| s.name == core.spec().params[p.index].name;
        if let Some(s) = state.params.iter().find(saved) {
            return History {
                t: s.t,
                carried: s.carried,
                begun: s.begun,
            };
        }
        let group = state.groups.get(p.group.map_or(0, |g| g + 1));
        match group.and_then(|g| g.carried) {
            Some(carried) => History {
                t: state.t,
                carried,
                begun,
            },
            None => History::new::<R>(),
        }
    };
    params.iter().map(of).collect()
}

fn find<D: Device>(core: &Core<D>, name: &str) -> Option<&'static ParamSpec> {
    core.spec()
        .params
        .iter()
        .find(|p| p.name == name && !p.frozen)
}
