//! The table as a source file.

use std::path::Path;
use std::process::Command;

use netform_runtime::__private::products::{Way, has_wide};
use netform_runtime::Cpu;

use super::derive::{ANY, derive};
use super::measure::{Sample, measure};

/// The lists of both types as fields of a table.
pub(crate) fn lists(ways: &[Way]) -> String {
    let of = |name: &str, samples: Vec<Sample>| {
        let (transposed, plain): (Vec<_>, Vec<_>) = samples.into_iter().partition(|s| s.size.tb);
        let lists = list(ways, &plain) + &list(ways, &transposed);
        format!("{name}: [{lists}],\n")
    };
    of("f32", measure(&Cpu::new(), ways)) + &of("f64", measure(&Cpu::f64(), ways))
}

fn list(ways: &[Way], samples: &[Sample]) -> String {
    let bound = |n| match n {
        ANY => "ANY".to_owned(),
        _ => digits(n),
    };
    let mut text = "&[\n".to_owned();
    for (rows, columns, work, way) in derive(ways, samples) {
        let bounds = [rows, columns, work].map(bound).join(", ");
        text += &format!("({bounds}, Way::{:?}),\n", ways[way]);
    }
    text + "],\n"
}

/// A number with its digits in groups of three.
fn digits(n: usize) -> String {
    match n {
        0..1_000 => n.to_string(),
        _ => format!("{}_{:03}", digits(n / 1_000), n % 1_000),
    }
}

/// Measures each instruction set in a process of its own, which chooses it when it starts, and writes the file.
pub(crate) fn write() -> Result<(), Box<dyn std::error::Error>> {
    if !has_wide() {
        return Err("one of the tables is for AVX2, which this processor lacks".into());
    }
    let table = |isa: Option<&str>| -> Result<String, Box<dyn std::error::Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        match isa {
            Some(isa) => command.env("NETFORM_ISA", isa),
            None => command.env_remove("NETFORM_ISA"),
        };
        let output = command.arg("--classes").output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(String::from_utf8(output.stdout)?)
    };
    let (wide, baseline) = (table(None)?, table(Some("baseline"))?);
    let text = format!(
        "//! The ways of products by rows, columns and multiplications, for B as it is and for B stored transposed. Written by\n\
         //! `cargo run --release -p netform-runtime --example product_table -- --write` on {date}, on {processor}.\n\
         \n\
         use super::way::{{ANY, Table, Way}};\n\
         \n\
         /// With AVX2 or more.\n\
         pub(super) const WIDE: Table = Table {{\n{wide}}};\n\
         \n\
         /// With the baseline instruction set, and on other processors.\n\
         pub(super) const BASELINE: Table = Table {{\n{baseline}}};\n",
        date = date()?,
        processor = processor(),
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cpu/product_table.rs");
    std::fs::write(&path, text)?;
    let status = Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(&path)
        .status()?;
    if !status.success() {
        return Err("rustfmt failed".into());
    }
    print!("{}", std::fs::read_to_string(&path)?);
    Ok(())
}

fn date() -> Result<String, Box<dyn std::error::Error>> {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The processor's name, as Linux has it.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or("an unknown processor", |(_, name)| name.trim())
        .to_owned()
}
