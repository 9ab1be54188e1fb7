//! Shared by ops, layers and losses: one function of the inputs, run forward and backward.

use super::text::{indent, join};
use super::{Module, Refusal, is_float, type_of};
use crate::index::Case;
use crate::tensors::Tensors;

/// A network with one function.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The declarations in the struct.
    pub fields: Vec<String>,
    /// Statements before the result.
    pub lets: Vec<String>,
    /// The result: a value or a tuple.
    pub result: String,
    /// PyTorch's names of the parameters, and the names in the network.
    pub params: Vec<(String, String)>,
    /// The same for the buffers.
    pub buffers: Vec<(String, String)>,
}

/// The inputs' names in the function.
pub fn inputs(case: &Case) -> Vec<String> {
    case.inputs.iter().map(|name| argument(name)).collect()
}

fn argument(name: &str) -> String {
    name.trim_start_matches("in.").replace('.', "_")
}

impl Graph {
    /// The module.
    pub fn module(&self, case: &Case, given: &Tensors) -> Result<Module, Refusal> {
        let shape = |name: &String| type_of(given, name);
        let mut args = Vec::new();
        for name in &case.inputs {
            let flag = if case.grads.contains(&format!("grad.{name}")) {
                "#[grad] "
            } else {
                ""
            };
            args.push(format!("{flag}{}: {}", argument(name), shape(name)?));
        }
        let results: Vec<String> = case.outputs.iter().map(shape).collect::<Result<_, _>>()?;
        let scalar = results == ["[]"];
        let ret = if results.len() == 1 {
            results[0].clone()
        } else {
            format!("({})", join(results))
        };
        let plain = !scalar || case.gouts.iter().all(|g| is_one(given, g));
        let mut network = format!(
            "pub struct Net {{\n{}}}\n\n",
            indent(&self.fields.join(",\n"), 1)
        );
        // By default gradients are those of training mode.
        let eval = match case.attrs.get("train").and_then(serde_json::Value::as_bool) {
            Some(false) => "#[eval]\n",
            _ => "",
        };
        let mut lines = self.lets.clone();
        lines.push(self.result.clone());
        network += &format!(
            "{eval}fn value({}) -> {ret} {{\n{}}}\n",
            join(args.clone()),
            indent(&lines.join("\n"), 1)
        );
        let values = args.clone();
        if !plain {
            let names = join(inputs(case));
            args.push("dy: []".into());
            network += &format!(
                "\n{eval}fn scaled({}) -> [] {{\n    value({names}) * dy\n}}\n",
                join(args)
            );
        }
        if case.buffers_after.is_empty() {
            let body = self.body(case, given, scalar, plain);
            return Ok(Module { network, body });
        }
        // Only training updates buffers, and only a loss is trained. The loss is the sum of the results times the
        // upstream gradients, so its gradients are the results themselves.
        let (mut args, mut terms) = (values, Vec::new());
        for (i, gout) in case.gouts.iter().enumerate() {
            args.push(format!("#[grad] dy{i}: {}", shape(gout)?));
            terms.push(format!("(y{i} * dy{i}).sum()"));
        }
        let results: Vec<String> = (0..case.outputs.len()).map(|i| format!("y{i}")).collect();
        network += &format!(
            "\nfn trained({}) -> [] {{\n    let {} = value({});\n    {}\n}}\n",
            join(args),
            pattern(&results),
            join(inputs(case)),
            terms.join(" + ")
        );
        let body = self.trained(case);
        Ok(Module { network, body })
    }

    /// Sets the parameters and buffers to PyTorch's values.
    fn state(&self) -> String {
        let mut out = String::from("let mut net = Net::new(device, 1)?;\n");
        let all = [("param", &self.params), ("buffer", &self.buffers)];
        for (kind, names) in all {
            for (theirs, own) in names {
                out += &format!(
                    "net.set_parameter({own:?}, given.at({:?})?)?;\n",
                    format!("{kind}.{theirs}")
                );
            }
        }
        out
    }

    /// One training run: results, gradients, and the buffers after it.
    fn trained(&self, case: &Case) -> String {
        let mut out = self.state();
        let at = |name: &String| format!("given.at({name:?})?");
        let args = case.inputs.iter().chain(&case.gouts).map(at);
        let wanted: Vec<&String> = case
            .inputs
            .iter()
            .filter(|name| case.grads.contains(&format!("grad.{name}")))
            .collect();
        let results = (0..case.outputs.len()).map(|i| format!("y{i}"));
        let names: Vec<String> = wanted
            .iter()
            .map(|n| format!("d_{}", argument(n)))
            .chain(results)
            .collect();
        out += &format!(
            "let (_, {}) = net.trained_backward({})?;\n",
            pattern(&names),
            join(args)
        );
        let keys = wanted.iter().map(|n| format!("grad.{n}"));
        for (name, value) in keys.chain(case.outputs.iter().cloned()).zip(&names) {
            out += &format!("got.put({name:?}, {value}.to_tensor());\n");
        }
        out += &self.gradients();
        for (theirs, own) in &self.buffers {
            out += &format!(
                "got.put({:?}, net.parameter({own:?})?);\n",
                format!("buffer_after.{theirs}")
            );
        }
        out
    }

    fn gradients(&self) -> String {
        let one = |(theirs, own): &(String, String)| {
            format!(
                "got.put({:?}, net.gradient({own:?})?);\n",
                format!("grad.param.{theirs}")
            )
        };
        self.params.iter().map(one).collect()
    }

    fn body(&self, case: &Case, given: &Tensors, scalar: bool, plain: bool) -> String {
        let mut out = self.state();
        let at = |name: &String| format!("given.at({name:?})?");
        let args: Vec<String> = case.inputs.iter().map(at).collect();
        let names: Vec<String> = (0..case.outputs.len()).map(|i| format!("y{i}")).collect();
        out += &format!(
            "let {} = net.value({})?;\n",
            pattern(&names),
            join(args.clone())
        );
        for (name, y) in case.outputs.iter().zip(&names) {
            out += &if scalar && is_float(given, name) {
                format!("got.put_number({name:?}, {y}.item()?);\n")
            } else {
                format!("got.put({name:?}, {y}.to_tensor());\n")
            };
        }
        if case.grads.is_empty() {
            return out;
        }
        let wanted: Vec<&String> = case
            .inputs
            .iter()
            .filter(|name| case.grads.contains(&format!("grad.{name}")))
            .collect();
        let names: Vec<String> = wanted
            .iter()
            .map(|n| format!("d_{}", argument(n)))
            .collect();
        let seeds: Vec<String> = case.gouts.iter().map(at).collect();
        let call = match (scalar, plain) {
            (true, true) => format!("value_backward({})", join(args)),
            (true, false) => format!("scaled_backward({})", join(args.into_iter().chain(seeds))),
            (false, _) => format!("value_vjp({})", join(args.into_iter().chain(seeds))),
        };
        out += &match (scalar, names.is_empty()) {
            (true, false) => format!("let (_, {}) = net.{call}?;\n", pattern(&names)),
            (false, false) => format!("let {} = net.{call}?;\n", pattern(&names)),
            (_, true) => format!("net.{call}?;\n"),
        };
        for (name, d) in wanted.iter().zip(&names) {
            out += &format!("got.put({:?}, {d}.to_tensor());\n", format!("grad.{name}"));
        }
        out + &self.gradients()
    }
}

fn pattern(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        _ => format!("({})", names.join(", ")),
    }
}

fn is_one(given: &Tensors, name: &str) -> bool {
    given.get(name).is_none_or(|t| t.to_f64_vec() == [1.0])
}
