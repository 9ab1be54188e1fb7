//! Tables of inputs and expected outputs. Every output is also an input: formatting it again changes nothing.

mod commas;
mod comments;
mod continuations;
mod files;
mod indent;
mod malformed;
mod spaces;

use crate::format;

/// Formats a whole file.
fn formatted(source: &str) -> String {
    let once = format(source).unwrap_or_else(|e| panic!("{e} in\n{source}"));
    let twice = format(&once).unwrap_or_else(|e| panic!("{e} in\n{once}"));
    assert_eq!(twice, once, "formatted twice:\n{source}");
    once
}

/// A network around lines.
fn network(lines: &str) -> String {
    let lines = lines.trim_start_matches('\n').trim_end();
    format!("network! {{\n{lines}\n}}\n")
}

/// What lines inside a network become.
#[track_caller]
fn becomes(before: &str, after: &str) {
    let (before, after) = (network(before), network(after));
    assert_eq!(formatted(&before), after, "from\n{before}");
}
