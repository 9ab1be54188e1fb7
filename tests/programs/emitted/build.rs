//! Writes random programs as Rust: 16, or the number in `NETFORM_EMITTED`, from the seed `NETFORM_SEED_BASE` on. At run
//! time their values are generated again from the seeds.

use netform_programs::Case;
use std::fmt::Write;

/// The approximate maximal number of ops in the programs.
const SIZES: [usize; 4] = [6, 12, 18, 30];

fn number(name: &str, default: u64) -> u64 {
    println!("cargo::rerun-if-env-changed={name}");
    let given = std::env::var(name).ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let first = number("NETFORM_SEED_BASE", 1000);
    let count = number("NETFORM_EMITTED", 16);
    let (mut code, mut table) = (String::new(), String::new());
    for seed in first..first + count {
        let size = SIZES[seed as usize % SIZES.len()];
        // Single precision would double the compile time.
        let both = seed % 6 == 0;
        let single = match both {
            true => format!("Some(p{seed}::single)"),
            false => "None".to_owned(),
        };
        module(&mut code, seed, size, both);
        let _ = writeln!(
            table,
            "    Subject {{ seed: {seed}, size: {size}, f64: p{seed}::double, f32: {single} }},"
        );
    }
    let _ = writeln!(code, "pub const ALL: &[Subject] = &[\n{table}];");
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    std::fs::write(std::path::Path::new(&out).join("programs.rs"), code)
}

/// One program's networks, and functions that run it.
fn module(code: &mut String, seed: u64, size: usize, both: bool) {
    let (case, _) = Case::new(seed, size);
    let _ = writeln!(code, "mod p{seed} {{\nuse super::*;");
    for text in case.program.texts() {
        let _ = writeln!(code, "network! {{\n{text}}}");
    }
    let args = case.signature();
    let given: Vec<String> = (0..args.len()).map(|k| format!("&args[{k}]")).collect();
    let grads: Vec<String> = (args.iter().filter(|a| a.grad))
        .map(|a| format!("d{}", a.name))
        .collect();
    let pattern = match grads.as_slice() {
        [] => "loss".to_owned(),
        [one] => format!("(loss, {one})"),
        all => format!("(loss, ({}))", all.join(", ")),
    };
    let given = given.join(", ");
    let tensors: Vec<String> = grads.iter().map(|g| format!("{g}.to_tensor()")).collect();
    let tensors = tensors.join(", ");
    let runs = [("double", "Cpu::f64()"), ("single", "Cpu::new()")];
    for (name, device) in &runs[..1 + usize::from(both)] {
        let _ = writeln!(
            code,
            "pub fn {name}(case: &Case) -> netform::Result<Found> {{
                let mut net = Net::new({device}, 0)?;
                set(&mut net, case)?;
                let args = arguments(case)?;
                let value = f64::from(net.loss({given})?.item()?);
                let {pattern} = net.loss_backward({given})?;
                let (loss, args) = (f64::from(loss.item()?), vec![{tensors}]);
                {drops}
                found(&net, case, value, loss, args)
            }}",
            drops = match grads.is_empty() {
                true => String::new(),
                false => format!("drop(({},));", grads.join(", ")),
            },
        );
    }
    let _ = writeln!(code, "}}");
}
