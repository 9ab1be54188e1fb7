//! What a checkpoint keeps of an optimizer, and how it comes back.

use super::bound::{Bound, Trained};
use super::history::History;
use super::pending::Pending;
use super::saved::{GroupState, OptimizerState, ParamState};
use super::{Optim, Optimizer, Rates, Rule};
use crate::core::alloc;
use crate::tensor::TensorData;
use crate::{Core, Device, Error, Float, ParamSpec, Result};

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
        Ok(count(state, &bound.params))
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
        // Groups whose saved state has no rate follow the optimizer's.
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

    /// Everything that does not fit.
    fn problems<D: Device>(&self, core: &Core<D>, state: &OptimizerState) -> Vec<String> {
        if state.name != R::NAME {
            return vec![format!("it is {}'s", state.name)];
        }
        let mut problems = Vec::new();
        // Floats compute with it, and it goes on counting.
        let steps = state.params.iter().map(|p| p.t).fold(state.t, u64::max);
        if steps > 1 << 53 {
            problems.push(format!("it has taken {steps} steps, more than 2^53"));
        }
        let groups = self.groups.len();
        if state.groups.len() != groups + 1 {
            problems.push(format!(
                "it has {}, but the optimizer has {}",
                counted(state.groups.len().saturating_sub(1), "parameter group"),
                counted(groups, "")
            ));
        }
        for p in state
            .params
            .iter()
            .filter(|p| find(core, &p.name).is_none())
        {
            problems.push(format!("steps of `{}`: no such trained parameter", p.name));
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
        // The momenta are those of the state.
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
                problems.push(format!(
                    "it was saved with `{setting}({})`, but the optimizer has `{setting}({uses})`",
                    !uses
                ));
                continue;
            }
            let wanted = state.t > 0 && uses;
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

/// The histories of these parameters. One that the state does not know has had no step; older states know
/// one count for all.
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

/// `1 value`, `2 values`, `no values`; without a noun `none` for 0.
pub(super) fn counted(n: usize, noun: &str) -> String {
    match (n, noun) {
        (0, "") => "none".into(),
        (n, "") => n.to_string(),
        (0, noun) => format!("no {noun}s"),
        (1, noun) => format!("1 {noun}"),
        (n, noun) => format!("{n} {noun}s"),
    }
}

fn listed(problems: &[String]) -> String {
    problems.iter().map(|p| format!("\n  {p}")).collect()
}
