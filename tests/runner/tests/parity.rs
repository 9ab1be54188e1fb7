//! The golden values in `tests/fixtures`: everything that the language can express agrees with PyTorch.

use std::collections::BTreeSet;
use std::path::Path;

use netform_fixtures::index::Index;
use netform_fixtures::place::PLACES;
use netform_fixtures::report::report;
use netform_fixtures::session::{Status, check};
use netform_fixtures::tensors::Failure;

/// Operators, layers, losses, optimizers, whole models.
#[test]
fn pytorch() -> Result<(), Failure> {
    all_pass("../fixtures")
}

/// Schedules, optimizers and clipping with every argument that changes values.
#[test]
fn optimizers() -> Result<(), Failure> {
    all_pass("../fixtures/optim")
}

/// `pending.txt` lists the cases that are not covered yet: a case that passes must leave the list.
fn all_pass(dir: &str) -> Result<(), Failure> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let pending = std::fs::read_to_string(dir.join("pending.txt"))?;
    let pending: BTreeSet<&str> = pending.lines().filter(|l| !l.starts_with('#')).collect();
    let index = Index::read(&dir)?;
    let statuses = check(&index)?;
    let mut wrong = Vec::new();
    for case in &index.cases {
        let id = case.id.as_str();
        let of = |p| statuses.get(&(case.id.clone(), p));
        let passed = |p: &_| of(*p) == Some(&Status::Passed);
        match pending.contains(id) {
            false if PLACES.iter().all(passed) => {}
            true if !PLACES.iter().any(passed) => {}
            true => wrong.push(format!("{id} passes: take it off pending.txt")),
            false => wrong.push(format!("{id} does not pass")),
        }
    }
    for id in pending {
        if !index.cases.iter().any(|c| c.id == id) {
            wrong.push(format!("{id} is on pending.txt, but not in the index"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\n{}",
        report(&index, &statuses),
        wrong.join("\n")
    );
    Ok(())
}
