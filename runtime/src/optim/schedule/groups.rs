//! Settings that may differ from group to group.

/// One value for all groups of an optimizer, or one for each: the optimizer's own first, then those of its
/// groups in the order of their declaration. Where PyTorch takes a number or a list.
#[derive(Clone, Debug, PartialEq)]
pub enum PerGroup {
    /// For all.
    All(f64),
    /// For each.
    Each(Vec<f64>),
}

impl PerGroup {
    /// That of a group.
    pub fn of(&self, group: usize) -> f64 {
        match self {
            Self::All(x) => *x,
            Self::Each(list) => list.get(group).or(list.last()).copied().unwrap_or(f64::NAN),
        }
    }
    /// The numbers of values and groups are the same.
    pub(super) fn check(&self, name: &str, groups: usize) -> Result<(), String> {
        match self {
            Self::Each(list) if list.len() != groups => Err(format!(
                "{name} has {} values for {groups} groups, the optimizer's own among them",
                list.len()
            )),
            _ => Ok(()),
        }
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
