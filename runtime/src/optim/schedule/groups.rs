//! Settings that may differ from group to group.

use crate::OptimizerProblem;
use crate::optim::Rates;
use crate::optim::rule::within;

/// One value for all groups of an optimizer, or one for each: the optimizer's own first, then those of its groups in
/// the order of their declaration. PyTorch takes a number or a list.
#[derive(Clone, Debug, PartialEq)]
pub enum PerGroup {
    /// For all groups.
    All(f64),
    /// For each group.
    Each(Vec<f64>),
}

impl PerGroup {
    /// The value of a group.
    pub fn of(&self, group: usize) -> f64 {
        match self {
            Self::All(x) => *x,
            Self::Each(list) => list.get(group).or(list.last()).copied().unwrap_or(f64::NAN),
        }
    }
    /// Checks that the numbers of values and groups are the same, and that no value is NaN.
    pub(super) fn check(
        &self,
        setting: &'static str,
        groups: usize,
    ) -> Result<(), OptimizerProblem> {
        let values = match self {
            Self::All(x) => std::slice::from_ref(x),
            Self::Each(list) if list.len() == groups => list,
            Self::Each(list) => {
                return Err(OptimizerProblem::GroupValues {
                    setting,
                    values: list.len(),
                    groups,
                });
            }
        };
        values.iter().try_for_each(|x| within(setting, *x, ..))
    }
}

/// A momentum that goes from `max` to `base` while the rate rises, and back: PyTorch's `cycle_momentum`. `None` does
/// not change the momentum.
#[derive(Clone, Debug)]
pub(super) struct Cycled(pub(super) Option<(PerGroup, PerGroup)>);

impl Cycled {
    pub(super) fn new(base: impl Into<PerGroup>, max: impl Into<PerGroup>) -> Self {
        Self(Some((base.into(), max.into())))
    }
    /// The lowest and the highest momentum of a group.
    pub(super) fn of(&self, group: usize) -> Option<(f64, f64)> {
        let (base, max) = self.0.as_ref()?;
        Some((base.of(group), max.of(group)))
    }
    /// Checks that the optimizer has a momentum, and that each group has values. `lowest` and `highest` are the names
    /// of the settings.
    pub(super) fn check(
        &self,
        rates: &dyn Rates,
        schedule: &'static str,
        [lowest, highest]: [&'static str; 2],
    ) -> Result<(), OptimizerProblem> {
        let Some((base, max)) = &self.0 else {
            return Ok(());
        };
        if !rates.has_momentum() {
            return Err(OptimizerProblem::NoMomentum { schedule });
        }
        base.check(lowest, rates.groups())?;
        max.check(highest, rates.groups())
    }
}

impl From<f64> for PerGroup {
    fn from(x: f64) -> Self {
        Self::All(x)
    }
}

impl From<Vec<f64>> for PerGroup {
    fn from(list: Vec<f64>) -> Self {
        Self::Each(list)
    }
}

impl From<&[f64]> for PerGroup {
    fn from(list: &[f64]) -> Self {
        Self::Each(list.to_vec())
    }
}

impl<const N: usize> From<[f64; N]> for PerGroup {
    fn from(list: [f64; N]) -> Self {
        Self::Each(list.to_vec())
    }
}
