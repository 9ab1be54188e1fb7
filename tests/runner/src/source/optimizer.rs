//! Optimizers: parameters whose gradients are inputs.

use serde_json::{Map, Value};

use super::text::{float, join};
use super::{Module, Refusal, type_of};
use crate::index::Case;
use crate::tensors::Tensors;

/// The module of an optimizer.
pub fn module(case: &Case, given: &Tensors) -> Result<Module, Refusal> {
    let n = case.params.len();
    let shapes: Vec<String> = case
        .params
        .iter()
        .map(|p| type_of(given, p))
        .collect::<Result<_, _>>()?;
    let steps = case.attrs.get("steps").and_then(Value::as_u64);
    let steps = steps.ok_or("no steps")?;
    let settings = case.attrs.get("optimizer").and_then(Value::as_object);
    let groups = case.attrs.get("groups").and_then(Value::as_array);
    let optimizer = construct(settings.ok_or("no optimizer")?, groups)?;
    let mut body = String::from("let mut net = Net::new(device, 1)?;\n");
    for (i, p) in case.params.iter().enumerate() {
        body += &format!("net.set_parameter(\"p{i}\", given.at({p:?})?)?;\n");
    }
    body += &format!("let mut optimizer = {optimizer};\nfor t in 0..{steps} {{\n");
    let rows = join((0..n).map(|i| format!("&given.row(\"in.grad.{i}\", t)?")));
    body += &format!("    net.loss_backward({rows})?;\n    optimizer.step(&mut net)?;\n");
    for i in 0..n {
        body += &format!("    got.push(\"out.traj.{i}\", &net.parameter(\"p{i}\")?)?;\n");
    }
    let names = join((0..n).map(|i| format!("\"p{i}\"")));
    body += &format!("}}\ngot.put_state(&optimizer.state(net.core())?, &[{names}]);\n");
    Ok(Module {
        network: holder(&shapes),
        body,
    })
}

/// Parameters `p0`, `p1`, .. of these shapes, and a loss whose gradients are its arguments.
pub fn holder(shapes: &[String]) -> String {
    let each = |f: &dyn Fn(usize, &str) -> String| -> Vec<String> {
        shapes.iter().enumerate().map(|(i, s)| f(i, s)).collect()
    };
    let params = join(each(&|i, s| format!("p{i}: Param{s} = zeros")));
    let args = join(each(&|i, s| format!("g{i}: {s}")));
    let terms = each(&|i, _| format!("sum(p{i} * g{i})")).join(" + ");
    format!("pub struct Net {{ {params} }}\n\nfn loss({args}) -> [] {{ {terms} }}\n")
}

/// The optimizers, and PyTorch's default rates.
const OPTIMIZERS: &[(&str, &str, f64)] = &[
    ("SGD", "Sgd", 1e-3),
    ("Adam", "Adam", 1e-3),
    ("AdamW", "AdamW", 1e-3),
    ("Adamax", "Adamax", 2e-3),
    ("NAdam", "NAdam", 2e-3),
    ("RAdam", "RAdam", 1e-3),
    ("RMSprop", "RmsProp", 1e-2),
    ("Adagrad", "Adagrad", 1e-2),
    ("Adadelta", "Adadelta", 1.0),
];

/// Arguments that choose how PyTorch computes, and change no value.
const IGNORED: &[&str] = &["name", "foreach", "fused", "capturable", "differentiable"];

/// `Sgd::new(0.1).momentum(0.9)`, with its groups.
pub fn construct(
    settings: &Map<String, Value>,
    groups: Option<&Vec<Value>>,
) -> Result<String, Refusal> {
    let mut out = base(settings)?;
    for group in groups.into_iter().flatten() {
        let members = ["params", "indices", "index"]
            .iter()
            .find_map(|k| group.get(k));
        let members: Vec<u64> = match members {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_u64).collect(),
            Some(one) => one.as_u64().into_iter().collect(),
            None => return Err(format!("a group {group}")),
        };
        let own = overrides(group);
        if own.is_empty() {
            continue;
        }
        for member in members {
            out += &format!(".group(\"p{member}\", |g| g{own})");
        }
    }
    Ok(out)
}

/// An optimizer with PyTorch's groups by number: the first group is the optimizer itself.
pub fn of_groups(settings: &Map<String, Value>, groups: &[Value]) -> Result<String, Refusal> {
    let Some((first, rest)) = groups.split_first() else {
        return base(settings);
    };
    let mut settings = settings.clone();
    for (key, v) in flat(first) {
        settings.insert(key.clone(), v.clone());
    }
    let mut out = base(&settings)?;
    for (k, group) in rest.iter().enumerate() {
        out += &format!(".group(\"p{}\", |g| g{})", k + 1, overrides(group));
    }
    Ok(out)
}

/// The optimizer alone.
fn base(settings: &Map<String, Value>) -> Result<String, Refusal> {
    let name = settings.get("name").and_then(Value::as_str);
    let name = name.ok_or("an optimizer without a name")?;
    let known = OPTIMIZERS.iter().find(|o| o.0 == name);
    let (_, own, lr) = known.ok_or(format!("the optimizer {name}"))?;
    let lr = settings.get("lr").map_or(format!("{lr:?}"), float);
    let mut out = format!("{own}::new({lr})");
    for (key, v) in settings {
        // AdamW's weight decay is always decoupled.
        let implied = name == "AdamW" && key == "decoupled_weight_decay";
        if key != "lr" && !implied {
            out += &setting(key, v);
        }
    }
    Ok(out)
}

/// The settings of a group, including those in a nested object.
fn flat(group: &Value) -> Vec<(&String, &Value)> {
    let all = group.as_object().into_iter().flatten();
    let own = all.filter(|(k, _)| !["params", "indices", "index"].contains(&k.as_str()));
    own.flat_map(|(k, v)| match v.as_object() {
        Some(inner) => inner.iter().collect(),
        None => vec![(k, v)],
    })
    .collect()
}

fn overrides(group: &Value) -> String {
    flat(group).iter().map(|(k, v)| setting(k, v)).collect()
}

fn setting(key: &str, v: &Value) -> String {
    match v {
        _ if IGNORED.contains(&key) => String::new(),
        Value::Null => String::new(),
        Value::Bool(b) => format!(".{key}({b})"),
        Value::Array(items) => format!(".{key}(({}))", join(items.iter().map(float))),
        _ => format!(".{key}({})", float(v)),
    }
}
