//! The table, the failures, and the last line.

use std::fmt::Write;

use crate::compare::{PRECISIONS, Precision};
use crate::index::Index;
use crate::session::{Status, Statuses};

/// Everything that is printed.
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
    let _ = writeln!(
        out,
        "fixtures: {} of {total} (cpu f32), {} of {total} (cpu f64)",
        passed(statuses, Precision::F32),
        passed(statuses, Precision::F64)
    );
    out
}

/// How many cases passed.
pub fn passed(statuses: &Statuses, precision: Precision) -> usize {
    let of =
        |((_, p), s): &(&(String, Precision), &Status)| *p == precision && **s == Status::Passed;
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
    let mut out = format!(
        "{:<10} {:<30} {:>6} {:>6} {:>7} {:>7} {:>12}\n",
        "kind", "name", "f32", "f64", "of", "failed", "not covered"
    );
    for (kind, name) in names {
        let cases = || {
            index
                .cases
                .iter()
                .filter(|c| c.kind == kind && c.name == name)
        };
        let count = |precision: Precision, f: fn(&Status) -> bool| {
            cases()
                .filter(|c| statuses.get(&(c.id.clone(), precision)).is_some_and(f))
                .count()
        };
        let is_passed = |s: &Status| *s == Status::Passed;
        let failed = cases()
            .filter(|c| {
                PRECISIONS
                    .iter()
                    .any(|p| matches!(statuses.get(&(c.id.clone(), *p)), Some(Status::Failed(_))))
            })
            .count();
        let _ = writeln!(
            out,
            "{kind:<10} {name:<30} {:>6} {:>6} {:>7} {failed:>7} {:>12}",
            count(Precision::F32, is_passed),
            count(Precision::F64, is_passed),
            cases().count(),
            count(Precision::F32, |s| matches!(s, Status::NotCovered(_))),
        );
    }
    out
}

/// The cases of one sort, each with its reason; one line where both precisions agree.
fn list(
    out: &mut String,
    index: &Index,
    statuses: &Statuses,
    title: &str,
    of: fn(&Status) -> Option<&String>,
) {
    let mut lines = Vec::new();
    for case in &index.cases {
        let reasons = PRECISIONS.map(|p| statuses.get(&(case.id.clone(), p)).and_then(of));
        match reasons {
            [None, None] => {}
            [Some(a), Some(b)] if a == b => lines.push(format!("  {}: {}", case.id, brief(a))),
            _ => {
                for (p, reason) in PRECISIONS.iter().zip(reasons) {
                    if let Some(reason) = reason {
                        lines.push(format!("  {} ({p}): {}", case.id, brief(reason)));
                    }
                }
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
