//! The table, the failures, and the last line.

use std::fmt::Write;

use crate::index::Index;
use crate::place::{PLACES, Place};
use crate::session::{Status, Statuses};

/// The whole output.
pub fn report(index: &Index, statuses: &Statuses) -> String {
    let mut out = table(index, statuses);
    list(&mut out, index, statuses, "failed", |s| match s {
        Status::Failed(text) => Some(text),
        _ => None,
    });
    list(&mut out, index, statuses, "not yet covered", |s| match s {
        Status::NotCovered(text) => Some(text),
        _ => None,
    });
    let total = index.cases.len();
    let count = |p: &Place| format!("{} of {total} ({p})", passed(statuses, *p));
    let counts: Vec<String> = PLACES.iter().map(count).collect();
    let _ = writeln!(out, "fixtures: {}", counts.join(", "));
    out
}

/// The number of passed cases.
pub fn passed(statuses: &Statuses, place: Place) -> usize {
    let of = |((_, p), s): &(&(String, Place), &Status)| *p == place && **s == Status::Passed;
    statuses.iter().filter(of).count()
}

/// A line for each kind and name, in the index's order.
fn table(index: &Index, statuses: &Statuses) -> String {
    let mut names: Vec<(&str, &str)> = Vec::new();
    for case in &index.cases {
        let name = (case.kind.as_str(), case.name.as_str());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let heads: String = PLACES.iter().map(|p| format!(" {p:>8}")).collect();
    let mut out = format!(
        "{:<10} {:<30}{heads} {:>7} {:>7} {:>12}\n",
        "kind", "name", "of", "failed", "not covered"
    );
    for (kind, name) in names {
        let cases = || {
            index
                .cases
                .iter()
                .filter(|c| c.kind == kind && c.name == name)
        };
        let count = |place: Place, f: fn(&Status) -> bool| {
            cases()
                .filter(|c| statuses.get(&(c.id.clone(), place)).is_some_and(f))
                .count()
        };
        let is_passed = |s: &Status| *s == Status::Passed;
        let failed = cases()
            .filter(|c| {
                PLACES
                    .iter()
                    .any(|p| matches!(statuses.get(&(c.id.clone(), *p)), Some(Status::Failed(_))))
            })
            .count();
        let passed = PLACES.iter().map(|p| count(*p, is_passed));
        let passed: String = passed.map(|n| format!(" {n:>8}")).collect();
        let _ = writeln!(
            out,
            "{kind:<10} {name:<30}{passed} {:>7} {failed:>7} {:>12}",
            cases().count(),
            count(PLACES[0], |s| matches!(s, Status::NotCovered(_))),
        );
    }
    out
}

/// The cases with one status, each with its reason; one line if all places agree.
fn list(
    out: &mut String,
    index: &Index,
    statuses: &Statuses,
    title: &str,
    of: fn(&Status) -> Option<&String>,
) {
    let mut lines = Vec::new();
    for case in &index.cases {
        let of = |p: &Place| statuses.get(&(case.id.clone(), *p)).and_then(of);
        let reasons: Vec<Option<&String>> = PLACES.iter().map(of).collect();
        if let (Some(reason), true) = (reasons[0], reasons.iter().all(|r| *r == reasons[0])) {
            lines.push(format!("  {}: {}", case.id, brief(reason)));
            continue;
        }
        for (p, reason) in PLACES.iter().zip(reasons) {
            if let Some(reason) = reason {
                lines.push(format!("  {} ({p}): {}", case.id, brief(reason)));
            }
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{title}:\n{}\n", lines.join("\n"));
    }
}

/// The first lines of a message.
fn brief(text: &str) -> String {
    text.lines().take(4).collect::<Vec<_>>().join("\n      ")
}
