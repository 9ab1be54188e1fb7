//! From a group of cases to the Rust module that runs it: one network with a function for each case.

use super::{Case, Table, UPSTREAMS};
use crate::compare::Precision;
use crate::source::{Module, Refusal, text::indent, text::join, type_of};
use crate::tensors::Tensors;

/// Writes the module of a group.
pub fn module(table: &Table, group: &str) -> Result<Module, Refusal> {
    let given = table.tensors(group, Precision::F32);
    let given = given.map_err(|e| e.to_string())?;
    let mut functions = Vec::new();
    let mut body = String::from("let mut net = Net::new(device, 1)?;\n");
    for (k, case) in table.of(group).enumerate() {
        functions.push(function(case, &format!("case_{k}"), &given)?);
        body += &format!(
            "// {}\n{{\n{}}}\n",
            case.id,
            indent(&calls(case, k, &given), 1)
        );
    }
    Ok(Module {
        network: format!("pub struct Net {{}}\n{}", functions.concat()),
        body,
    })
}

fn function(case: &Case, name: &str, given: &Tensors) -> Result<String, Refusal> {
    let of = |tensor: &str| type_of(given, &format!("{}/{tensor}", case.id));
    let mut args = Vec::new();
    for input in &case.inputs {
        let flag = if case.grads.contains(input) {
            "#[grad] "
        } else {
            ""
        };
        args.push(format!("{flag}{input}: {}", of(&format!("in.{input}"))?));
    }
    let results = (0..case.outputs).map(|i| of(&format!("out.{i}")));
    let results = results.collect::<Result<Vec<_>, _>>()?;
    let result = match &results[..] {
        [one] => one.clone(),
        _ => format!("({})", join(results)),
    };
    Ok(format!(
        "fn {name}({}) -> {result} {{ {} }}\n",
        join(args),
        case.call
    ))
}

fn calls(case: &Case, k: usize, given: &Tensors) -> String {
    let name = |tensor: &str| format!("{:?}", format!("{}/{tensor}", case.id));
    let inputs = case.inputs.iter();
    let args: Vec<String> = inputs
        .map(|x| format!("given.at({})?", name(&format!("in.{x}"))))
        .collect();
    let results: Vec<String> = (0..case.outputs).map(|i| format!("y{i}")).collect();
    let mut out = format!(
        "let {} = net.case_{k}({})?;\n",
        tuple(&results),
        join(args.clone())
    );
    for (i, y) in results.iter().enumerate() {
        out += &format!("got.put({}, {y}.to_tensor());\n", name(&format!("out.{i}")));
    }
    if case.grads.is_empty() {
        return out;
    }
    // Integers have no upstream gradient.
    let floats = (0..case.outputs).map(|i| format!("out.{i}"));
    let floats = floats
        .filter(|y| type_of(given, &format!("{}/{y}", case.id)).is_ok_and(|t| t.starts_with('[')));
    let ups = floats.map(|y| format!("&upstream(k, given.at({})?)?", name(&y)));
    let names: Vec<String> = case.grads.iter().map(|x| format!("d_{x}")).collect();
    out += &format!(
        "for k in 0..{UPSTREAMS} {{\n    let {} = net.case_{k}_vjp({})?;\n",
        tuple(&names),
        join(args.into_iter().chain(ups))
    );
    for (x, d) in case.grads.iter().zip(&names) {
        let key = format!("{}/grad.{{k}}.{x}", case.id);
        out += &format!("    got.put(format!({key:?}), {d}.to_tensor());\n");
    }
    out + "}\n"
}

fn tuple(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        _ => format!("({})", names.join(", ")),
    }
}
