//! Special values in `tests/special`: every op agrees with PyTorch, or the difference is listed with its reason.

use std::io::Write;
use std::path::PathBuf;

use netform_fixtures::place::PLACES;
use netform_fixtures::session;
use netform_fixtures::special::{Table, compare, list};
use netform_fixtures::tensors::Failure;

fn dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../special"))
}

/// `differences.tsv` lists the elements that differ: an element that agrees must leave the list.
#[test]
fn pytorch() -> Result<(), Failure> {
    let table = Table::read(dir())?;
    let listed = list::read(&dir().join("differences.tsv"))?;
    let found = session::special(&table)?;
    let faults = list::faults(&listed, &found);
    // Elements of results and gradients in all places.
    let mut count = 0;
    for group in table.groups() {
        for place in PLACES {
            let tensors = table.tensors(group, place.precision())?;
            for case in table.of(group) {
                count += compare::count(case, &tensors)?;
            }
        }
    }
    let passed = count - list::wrong(&listed, &found);
    // Bypasses the harness, which hides the output of passing tests.
    writeln!(
        std::io::stdout(),
        "special values: {passed} of {count}, {} listed differences",
        listed.len()
    )?;
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let root = dir().join("../..");
    let unsaid = list::unsaid(&listed, &root);
    assert!(unsaid.is_empty(), "no page says {unsaid:?}");
    Ok(())
}

/// Every op has cases, or a reason for having none.
#[test]
fn every_op() -> Result<(), Failure> {
    let table = Table::read(dir())?;
    let ops: Vec<&str> = netform_compiler::ops::all().map(|op| op.name).collect();
    for op in &ops {
        let cases = table.cases.iter().any(|c| c.op == *op);
        let reason = table.without.contains_key(*op);
        assert!(
            cases != reason,
            "`{op}` needs rows in tests/special/gen.py, or a reason for having none"
        );
    }
    let named = table
        .cases
        .iter()
        .map(|c| &c.op)
        .chain(table.without.keys());
    for name in named {
        assert!(ops.contains(&name.as_str()), "`{name}` is no op");
    }
    Ok(())
}
