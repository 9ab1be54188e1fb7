//! Schedules: the rates that they set, step by step.

use serde_json::{Map, Value};

use super::text::{float, join};
use super::{Module, Refusal, optimizer};
use crate::index::Case;

/// The module of a schedule.
pub fn module(case: &Case) -> Result<Module, Refusal> {
    let steps = case.attrs.get("steps").and_then(Value::as_u64);
    let steps = steps.ok_or("no steps")?;
    let mut settings = case
        .attrs
        .get("optimizer")
        .and_then(Value::as_object)
        .cloned();
    let settings = settings.get_or_insert_default();
    if let Some(lr) = case.attrs.get("base_lr") {
        settings.insert("lr".into(), lr.clone());
    }
    let optimizer = optimizer::construct(settings, None)?;
    let mut body = format!("let mut optimizer = {optimizer};\n");
    body += "let (mut lr, mut momentum) = (Vec::new(), Vec::new());\n";
    let schedule = construct(&case.name, &case.attrs)?;
    let step = if case.name == "ReduceLROnPlateau" {
        body += &format!(
            "let mut schedule = {schedule};\nlet metric = given.numbers(\"in.metric\")?;\n"
        );
        "schedule.step(metric[t], &mut optimizer);"
    } else {
        body += &format!("let mut schedule = {schedule}.on(&mut optimizer);\n");
        "schedule.step(&mut optimizer);"
    };
    body += &format!(
        "for t in 0..{steps} {{\n    lr.push(optimizer.lr());\n    momentum.push(Optimizer::momentum(&optimizer));\n    {step}\n}}\n"
    );
    body += "got.put_numbers(\"out.lr\", lr);\ngot.put_numbers(\"out.momentum\", momentum);\n";
    Ok(Module {
        network: String::new(),
        body,
    })
}

/// `StepLR::new(10).gamma(0.5)`.
pub fn construct(name: &str, attrs: &Map<String, Value>) -> Result<String, Refusal> {
    let empty = Map::new();
    let kwargs = attrs
        .get("kwargs")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    if name == "LambdaLR" {
        return lambda(attrs.get("lambda").unwrap_or(&Value::Null));
    }
    let first: &[&str] = match name {
        "StepLR" => &["step_size"],
        "MultiStepLR" => &["milestones"],
        "ExponentialLR" => &["gamma"],
        "CosineAnnealingLR" => &["T_max"],
        "LinearLR" => &["start_factor", "end_factor", "total_iters"],
        "OneCycleLR" => &["max_lr", "total_steps"],
        "ReduceLROnPlateau" => &[],
        _ => return Err(format!("the schedule {name}")),
    };
    let defaults = [
        ("start_factor", 1.0 / 3.0),
        ("end_factor", 1.0),
        ("total_iters", 5.0),
    ];
    let mut args = Vec::new();
    for key in first {
        let default = defaults.iter().find(|d| d.0 == *key);
        args.push(match (kwargs.get(*key), default) {
            (Some(v), _) => argument(key, v),
            (None, Some((_, v))) if *key == "total_iters" => format!("{v:.0}"),
            (None, Some((_, v))) => format!("{v:?}"),
            (None, None) => return Err(format!("{name} without {key}")),
        });
    }
    let mut out = format!("{name}::new({})", join(args));
    for (key, v) in kwargs {
        if !first.contains(&key.as_str()) {
            out += &setting(key, v, kwargs);
        }
    }
    Ok(out)
}

fn argument(key: &str, v: &Value) -> String {
    match v {
        Value::Array(items) => format!("[{}]", join(items.iter().map(Value::to_string))),
        _ if [
            "step_size",
            "T_max",
            "total_iters",
            "total_steps",
            "patience",
            "cooldown",
        ]
        .contains(&key) =>
        {
            format!("{:.0}", v.as_f64().unwrap_or(0.0))
        }
        _ => float(v),
    }
}

fn setting(key: &str, v: &Value, all: &Map<String, Value>) -> String {
    let is = |key: &str, text: &str| all.get(key).and_then(Value::as_str) == Some(text);
    match (key, v.as_str(), v.as_bool()) {
        ("mode", Some("max"), _) => ".maximize()".into(),
        ("anneal_strategy", Some("linear"), _) => ".linear()".into(),
        ("three_phase", _, Some(true)) => ".three_phase()".into(),
        ("cycle_momentum", _, Some(false)) => ".fixed_momentum()".into(),
        ("base_momentum", ..) => {
            let max = all.get("max_momentum").map_or("0.95".into(), float);
            format!(".momentum_range({}, {max})", float(v))
        }
        ("max_momentum", ..) if all.contains_key("base_momentum") => String::new(),
        ("max_momentum", ..) => format!(".momentum_range(0.85, {})", float(v)),
        ("threshold", ..) if is("threshold_mode", "abs") => {
            format!(".absolute_threshold({})", float(v))
        }
        ("mode" | "anneal_strategy" | "threshold_mode" | "three_phase" | "cycle_momentum", ..) => {
            String::new()
        }
        _ => format!(".{key}({})", argument(key, v)),
    }
}

fn lambda(v: &Value) -> Result<String, Refusal> {
    let number = |key: &str| v.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    match v.get("type").and_then(Value::as_str) {
        Some("warmup_cosine") => Ok(format!(
            "LambdaLR::new(warmup_cosine({:.0}, {:.0}, {:?}))",
            number("warmup"),
            number("total"),
            number("floor")
        )),
        Some("inverse_sqrt") => Ok(format!(
            "LambdaLR::new(inverse_sqrt({:.0}, {:.0}))",
            number("d_model"),
            number("warmup")
        )),
        _ => Err(format!("the factor {v}")),
    }
}
