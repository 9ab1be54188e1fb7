//! Prints the compiler's output for a network: `show FILE`, where the file holds the text inside `network! { .. }`. For
//! each function and mode it prints the fused graph, the places of its values, and with `--rust` the generated code.

use netform_compiler::diag::Diag;
use netform_compiler::unit::Unit;
use netform_compiler::{check, expand, parse, pipeline};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let file = args
        .iter()
        .find(|a| !a.starts_with("--"))
        .ok_or("usage: show FILE [--rust] [--unfused]")?;
    let text = std::fs::read_to_string(file)?;
    let tokens: proc_macro2::TokenStream = text.parse()?;
    if args.iter().any(|a| a == "--rust") {
        println!("{}", expand(tokens));
        return Ok(());
    }
    let diag = Diag::default();
    if let Some(source) = parse::parse(tokens, &diag) {
        let unit = Unit::alone(source);
        let net = check::check(&unit, &diag);
        for p in pipeline::programs(&net, &unit.source, &diag).unwrap_or_default() {
            println!("// {} {:?}", net.signatures[p.function].name, p.mode);
            let graph = if args.iter().any(|a| a == "--unfused") {
                &p.unfused
            } else {
                &p.graph
            };
            print!("{graph}");
            println!(
                "places {:?}\nslots {}\n",
                p.memory.place,
                p.memory.slots.len()
            );
        }
    }
    for m in diag.messages() {
        eprintln!("error: {}", m.text);
    }
    Ok(())
}
