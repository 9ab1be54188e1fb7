//! Pieces of messages.

use std::fmt::Display;

/// `1 element`, `2 elements`.
pub(super) fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

pub(super) fn did_you_mean(near: &Option<&'static str>) -> String {
    near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The type of an entry of a file that is not read.
pub(super) fn unread(of: &Option<String>) -> String {
    of.as_ref().map_or_else(String::new, |of| {
        format!(" and of type {of}, which is not read")
    })
}

/// One line for each problem.
pub(super) fn listed(problems: &[impl Display]) -> String {
    problems.iter().map(|p| format!("\n  {p}")).collect()
}
