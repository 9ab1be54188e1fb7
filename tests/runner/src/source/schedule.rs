//! Schedules: the rates of each step.

use serde_json::{Map, Value, json};

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
    let mut groups = case.attrs.get("groups").and_then(Value::as_array).cloned();
    match case.attrs.get("base_lr") {
        // One for each group.
        Some(Value::Array(rates)) => {
            let groups = groups.get_or_insert_with(|| vec![json!({}); rates.len()]);
            for (group, lr) in groups.iter_mut().zip(rates) {
                group["lr"] = lr.clone();
            }
        }
        Some(lr) => drop(settings.insert("lr".into(), lr.clone())),
        None => {}
    }
    let optimizer = match groups {
        Some(groups) => optimizer::of_groups(settings, &groups)?,
        None => optimizer::construct(settings, None)?,
    };
    let mut body = format!("let mut optimizer = {optimizer};\n");
    body += "let (mut lr, mut momentum) = (Vec::<Vec<f64>>::new(), Vec::<Vec<f64>>::new());\n";
    body += &start(&case.name, &case.attrs)?;
    let step = match case.name.as_str() {
        "ReduceLROnPlateau" => {
            body += "let metric = given.numbers(\"in.metric\")?;\n";
            "schedule.step(metric[t], &mut optimizer);"
        }
        _ => "schedule.step(&mut optimizer);",
    };
    body += &format!(
        "for t in 0..{steps} {{\n    lr.push((0..optimizer.groups()).map(|g| optimizer.group_lr(g)).collect());\n    momentum.push((0..optimizer.groups()).map(|g| optimizer.group_momentum(g)).collect());\n    {step}\n}}\n"
    );
    body += "got.put_rows(\"out.lr\", &lr, given)?;\ngot.put_rows(\"out.momentum\", &momentum, given)?;\n";
    Ok(Module {
        network: String::new(),
        body,
    })
}

/// The statements that attach a schedule to `optimizer`.
pub fn start(name: &str, attrs: &Map<String, Value>) -> Result<String, Refusal> {
    let schedule = construct(name, attrs)?;
    let last = get(attrs, "last_epoch")
        .and_then(Value::as_i64)
        .unwrap_or(-1);
    Ok(match (name, last) {
        ("ReduceLROnPlateau", _) => format!("let mut schedule = {schedule};\n"),
        (_, ..=-1) => format!("let mut schedule = {schedule}.on(&mut optimizer);\n"),
        _ => format!(
            "for g in 0..optimizer.groups() {{\n    optimizer.set_initial_lr(g, optimizer.group_lr(g));\n}}\nlet mut schedule = {schedule}.resume(&mut optimizer, {last});\n"
        ),
    })
}

/// An argument, inside the keyword arguments or outside them.
fn get<'a>(attrs: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let kwargs = attrs.get("kwargs").and_then(Value::as_object);
    let found = kwargs.and_then(|k| k.get(key)).or_else(|| attrs.get(key));
    found.filter(|v| !v.is_null())
}

/// `StepLR::new(10).gamma(0.5)`.
pub fn construct(name: &str, attrs: &Map<String, Value>) -> Result<String, Refusal> {
    let given = |key: &str| get(attrs, key);
    let number = |key: &str, default: f64| given(key).map_or(format!("{default:?}"), float);
    let integer = |key: &str, default: u64| given(key).map_or(default.to_string(), whole);
    let needed = |key: &str| given(key).ok_or(format!("{name} without {key}"));
    let is = |key: &str, text: &str| given(key).and_then(Value::as_str) == Some(text);
    // A setter for each argument that is given.
    let set = |out: &mut String, key: &str, setter: &str, value: fn(&Value) -> String| {
        if let Some(v) = given(key) {
            *out += &format!(".{setter}({})", value(v));
        }
    };
    let momenta = |out: &mut String, base: f64, max: f64| {
        if given("cycle_momentum") == Some(&Value::Bool(false)) {
            *out += ".fixed_momentum()";
        } else if given("base_momentum").is_some() || given("max_momentum").is_some() {
            let of = |key, default: f64| given(key).map_or(format!("{default:?}"), each);
            let (base, max) = (of("base_momentum", base), of("max_momentum", max));
            *out += &format!(".momentum_range({base}, {max})");
        }
    };
    let mut out = format!("{name}::new(");
    match name {
        "StepLR" => {
            out += &format!("{})", whole(needed("step_size")?));
            set(&mut out, "gamma", "gamma", float);
        }
        "MultiStepLR" => {
            let list = needed("milestones")?.as_array();
            let list = list.ok_or("milestones that are no list")?;
            out += &format!("vec![{}])", join(list.iter().map(whole)));
            set(&mut out, "gamma", "gamma", float);
        }
        "ConstantLR" => {
            let factor = number("factor", 1.0 / 3.0);
            out += &format!("{factor}, {})", integer("total_iters", 5));
        }
        "LinearLR" => {
            let (start, end) = (number("start_factor", 1.0 / 3.0), number("end_factor", 1.0));
            out += &format!("{start}, {end}, {})", integer("total_iters", 5));
        }
        "ExponentialLR" => out += &format!("{})", float(needed("gamma")?)),
        "PolynomialLR" => {
            out += &format!("{})", integer("total_iters", 5));
            set(&mut out, "power", "power", float);
        }
        "CosineAnnealingLR" => {
            out += &format!("{})", whole(needed("T_max")?));
            set(&mut out, "eta_min", "eta_min", float);
        }
        "CosineAnnealingWarmRestarts" => {
            out += &format!("{})", whole(needed("T_0")?));
            set(&mut out, "T_mult", "t_mult", whole);
            set(&mut out, "eta_min", "eta_min", float);
        }
        "CyclicLR" => {
            out += &format!("{}, {})", each(needed("base_lr")?), each(needed("max_lr")?));
            set(&mut out, "step_size_up", "step_size_up", whole);
            set(&mut out, "step_size_down", "step_size_down", whole);
            set(&mut out, "gamma", "gamma", float);
            for (text, mode) in [("triangular2", "Triangular2"), ("exp_range", "ExpRange")] {
                if is("mode", text) {
                    out += &format!(".mode(CyclicMode::{mode})");
                }
            }
            if let Some(f) = given("scale_fn") {
                let of = if is("scale_mode", "iterations") {
                    "Iterations"
                } else {
                    "Cycle"
                };
                out += &format!(".scale_fn(|t: f64| {}, ScaleMode::{of})", function(f)?);
            }
            momenta(&mut out, 0.8, 0.9);
        }
        "OneCycleLR" => {
            let max = each(needed("max_lr")?);
            out = match given("total_steps") {
                Some(steps) => format!("OneCycleLR::new({max}, {})", whole(steps)),
                None => format!(
                    "OneCycleLR::of_epochs({max}, {}, {})",
                    whole(needed("epochs")?),
                    whole(needed("steps_per_epoch")?)
                ),
            };
            for key in ["pct_start", "div_factor", "final_div_factor"] {
                set(&mut out, key, key, float);
            }
            if is("anneal_strategy", "linear") {
                out += ".linear()";
            }
            if given("three_phase") == Some(&Value::Bool(true)) {
                out += ".three_phase()";
            }
            momenta(&mut out, 0.85, 0.95);
        }
        "ReduceLROnPlateau" => {
            out += ")";
            if is("mode", "max") {
                out += ".maximize()";
            }
            let threshold = number("threshold", 1e-4);
            match is("threshold_mode", "abs") {
                true => out += &format!(".absolute_threshold({threshold})"),
                false => out += &format!(".threshold({threshold})"),
            }
            set(&mut out, "factor", "factor", float);
            set(&mut out, "patience", "patience", whole);
            set(&mut out, "cooldown", "cooldown", whole);
            set(&mut out, "min_lr", "min_lr", each);
            set(&mut out, "eps", "eps", float);
        }
        "LambdaLR" | "MultiplicativeLR" => {
            let f = given("lambda").or(given("lr_lambda"));
            out = factor(name, f.unwrap_or(&Value::Null))?;
        }
        "SWALR" => {
            out += &format!("{})", each(needed("swa_lr")?));
            set(&mut out, "anneal_epochs", "anneal_epochs", whole);
            if is("anneal_strategy", "linear") {
                out += ".linear()";
            }
        }
        "ChainedScheduler" | "SequentialLR" => out = composed(name, attrs)?,
        _ => return Err(format!("the schedule {name}")),
    }
    Ok(out)
}

/// A schedule of schedules.
fn composed(name: &str, attrs: &Map<String, Value>) -> Result<String, Refusal> {
    let parts = get(attrs, "schedulers").and_then(Value::as_array);
    let parts = parts.ok_or(format!("{name} without schedulers"))?;
    let milestones = get(attrs, "milestones").and_then(Value::as_array);
    let mut out = String::new();
    for (k, part) in parts.iter().enumerate() {
        let part = part.as_object().ok_or(format!("the part {part}"))?;
        let kind = ["name", "type", "class"]
            .iter()
            .find_map(|k| part.get(*k)?.as_str());
        let part = construct(kind.ok_or("a part without a name")?, part)?;
        out += &match (k, name) {
            (0, _) => format!("{name}::new({part})"),
            (_, "ChainedScheduler") => format!(".with({part})"),
            _ => {
                let at = milestones.and_then(|m| m.get(k - 1));
                format!(".then({}, {part})", whole(at.ok_or("no milestone")?))
            }
        };
    }
    Ok(out)
}

/// A number as a Rust integer.
fn whole(v: &Value) -> String {
    format!("{:.0}", v.as_f64().unwrap_or(0.0))
}

/// One number for all groups or a list.
fn each(v: &Value) -> String {
    match v {
        Value::Array(items) => format!("[{}]", join(items.iter().map(float))),
        _ => float(v),
    }
}

/// A schedule with one factor, or one for each group.
fn factor(name: &str, v: &Value) -> Result<String, Refusal> {
    let number = |key: &str| v.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    Ok(match v.get("type").and_then(Value::as_str) {
        Some("warmup_cosine") => format!(
            "{name}::new(warmup_cosine({:.0}, {:.0}, {:?}))",
            number("warmup"),
            number("total"),
            number("floor")
        ),
        Some("inverse_sqrt") => format!(
            "{name}::new(inverse_sqrt({:.0}, {:.0}))",
            number("d_model"),
            number("warmup")
        ),
        _ => match v.as_array() {
            Some(list) => {
                let arms = list
                    .iter()
                    .enumerate()
                    .map(|(g, f)| Ok(format!("{g} => {}", function(f)?)));
                let arms = arms.collect::<Result<Vec<_>, Refusal>>()?.join(", ");
                format!(
                    "{name}::by_group(|g: usize, t: u64| {{ let t = t as f64; match g {{ {arms}, _ => 1.0 }} }})"
                )
            }
            None => format!(
                "{name}::new(|t: u64| {{ let t = t as f64; {} }})",
                function(v)?
            ),
        },
    })
}

/// A function of `t`, a float.
fn function(v: &Value) -> Result<String, Refusal> {
    if let Some(x) = v.as_f64() {
        return Ok(format!("{x:?}"));
    }
    // Most have one number, under any name.
    let one = || {
        let mut numbers = v
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(_, v)| v.as_f64());
        match (numbers.next(), numbers.next()) {
            (Some(x), None) => Ok(x),
            _ => Err(format!("the function {v}")),
        }
    };
    let number = |key: &str| v.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    Ok(match v.get("type").and_then(Value::as_str) {
        Some("constant" | "const") => format!("{:?}", one()?),
        Some("exponential" | "exp" | "power" | "geometric") => format!("{:?}f64.powf(t)", one()?),
        Some("inverse" | "inverse_time" | "hyperbolic") => {
            format!("1.0 / (1.0 + {:?} * t)", one()?)
        }
        Some("sin" | "sine") => "0.5 * (1.0 + (t * std::f64::consts::FRAC_PI_2).sin())".into(),
        Some("warmup_cosine") => format!(
            "warmup_cosine({:.0}, {:.0}, {:?})(t as u64)",
            number("warmup"),
            number("total"),
            number("floor")
        ),
        Some("inverse_sqrt") => format!(
            "inverse_sqrt({:.0}, {:.0})(t as u64)",
            number("d_model"),
            number("warmup")
        ),
        _ => return Err(format!("the function {v}")),
    })
}
