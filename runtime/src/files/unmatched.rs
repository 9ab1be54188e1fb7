//! The differences between the names of a file and those of a network.

use std::fmt;

/// The names that `load_matching` found on only one side, as PyTorch's `load_state_dict(strict=False)` returns them.
///
/// ```
/// use netform_runtime::files::Unmatched;
///
/// let new_head = Unmatched {
///     missing: vec!["head.weight".into(), "head.bias".into()],
///     unexpected: vec!["position_ids".into()],
/// };
/// let text = "missing: `head.weight`, `head.bias`; unexpected: `position_ids`";
/// assert_eq!(new_head.to_string(), text);
/// assert!(!new_head.is_empty());
/// assert_eq!(Unmatched::default().to_string(), "all names match");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a file that has no name in common with the network loads nothing"]
pub struct Unmatched {
    /// Parameters and buffers of the network that are not in the file, in declaration order. They are unchanged.
    pub missing: Vec<String>,
    /// Entries of the file that the network does not have, sorted. They were not read.
    pub unexpected: Vec<String>,
}

impl Unmatched {
    /// Whether the file and the network have the same names, as `load` requires.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("all names match");
        }
        let sides = [("missing", &self.missing), ("unexpected", &self.unexpected)];
        let told = sides.iter().filter(|(_, names)| !names.is_empty());
        for (k, (side, names)) in told.enumerate() {
            let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
            let before = if k == 0 { "" } else { "; " };
            write!(f, "{before}{side}: {}", names.join(", "))?;
        }
        Ok(())
    }
}
