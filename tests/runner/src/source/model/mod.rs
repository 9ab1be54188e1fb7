//! Whole models: a network for each of PyTorch's modules, trained for some steps.

mod conv_autoencoder;
mod gpt;
mod recurrent;
mod seq2seq;
mod simple_mlp;
mod small_cnn;
mod tiny_resnet;

use serde_json::{Map, Value};

use super::text::join;
use super::{Module, Refusal, clip, optimizer, schedule};
use crate::index::Case;
use crate::tensors::Tensors;

/// A model in the network language: the struct, `forward`, `loss`.
struct Model {
    text: String,
    /// The number of `forward`'s inputs, which come first in `loss`.
    forward: usize,
    /// Maps PyTorch's name of a parameter to the network's.
    name: fn(&str) -> String,
}

/// The module of a model.
pub fn module(case: &Case, given: &Tensors) -> Result<Module, Refusal> {
    let empty = Map::new();
    let init = case
        .attrs
        .get("init")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let model = match case.name.as_str() {
        "SimpleMLP" => simple_mlp::model(case, given, init)?,
        "Seq2SeqTransformer" => seq2seq::model(case, given, init)?,
        "TinyResNet" => tiny_resnet::model(case, given, init)?,
        "GPT" => gpt::model(case, given, init)?,
        "LSTMClassifier" => recurrent::lstm(case, given, init)?,
        "GRUClassifier" => recurrent::gru(case, given, init)?,
        "SmallCNN" => small_cnn::model(case, given, init)?,
        "ConvAutoencoder" => conv_autoencoder::model(case, given, init)?,
        other => return Err(format!("no template for the model {other}")),
    };
    Ok(Module {
        body: body(case, &model)?,
        network: model.text,
    })
}

fn integer(init: &Map<String, Value>, key: &str, default: u64) -> u64 {
    init.get(key).and_then(Value::as_u64).unwrap_or(default)
}

/// The loss of a model for these values.
fn loss(case: &Case, values: &str) -> Result<String, Refusal> {
    let loss = case.attrs.get("loss").ok_or("no loss")?;
    let mut keywords = Vec::new();
    for (key, v) in loss.as_object().into_iter().flatten() {
        if key != "name" {
            keywords.push(format!(", {key} = {}", super::text::value(v)));
        }
    }
    let name = loss.get("name").and_then(Value::as_str).unwrap_or("");
    let function = match name {
        "MSELoss" => "mse_loss",
        "CrossEntropyLoss" => "cross_entropy",
        "L1Loss" => "l1_loss",
        "SmoothL1Loss" => "smooth_l1_loss",
        "HuberLoss" => "huber_loss",
        other => return Err(format!("the loss {other}")),
    };
    Ok(format!("{function}({values}{})", keywords.concat()))
}

/// Loads and trains the model, and keeps the same values as PyTorch.
fn body(case: &Case, model: &Model) -> Result<String, Refusal> {
    let settings = case.attrs.get("optimizer").and_then(Value::as_object);
    let optimizer = optimizer::construct(settings.ok_or("no optimizer")?, None)?;
    let steps = case.attrs.get("steps").and_then(Value::as_u64);
    let steps = steps.ok_or("no steps")?;
    // Only the largest norm, or PyTorch's arguments.
    let clip = case.attrs.get("clip_grad_norm").unwrap_or(&Value::Null);
    let order = clip.get("norm_type").or(case.attrs.get("norm_type"));
    let norm = clip::norm(order.unwrap_or(&Value::Null))?;
    let clip = clip
        .as_f64()
        .or(clip.get("max_norm").and_then(Value::as_f64));
    let cut = case.attrs.get("clip_grad_value").and_then(Value::as_f64);
    let own = |name: &str| (model.name)(name);
    let names: Vec<&str> = case
        .params
        .iter()
        .filter_map(|p| p.strip_prefix("param."))
        .filter(|p| !case.tied.iter().any(|t| t.iter().skip(1).any(|n| n == p)))
        .collect();
    let mut out = String::from("let mut net = Net::new(device, 1)?;\n");
    for p in &names {
        out += &format!(
            "net.set_parameter({:?}, given.at({:?})?)?;\n",
            own(p),
            format!("param.{p}")
        );
    }
    let buffers: Vec<&str> = (case.buffers.iter())
        .filter_map(|b| b.strip_prefix("buffer."))
        .collect();
    let start: String = (buffers.iter())
        .map(|b| {
            let theirs = format!("buffer.{b}");
            format!("net.set_parameter({:?}, given.at({theirs:?})?)?;\n", own(b))
        })
        .collect();
    out += &start;
    let at = |name: &String| format!("given.at({name:?})?");
    let args = join(case.inputs.iter().map(at));
    let forward = join(case.inputs.iter().take(model.forward).map(at));
    // If training and evaluation differ, the gradient of the last argument of the template's `trained` is the result in
    // training mode.
    let statistics = |b: &String| b.ends_with("running_mean");
    out += &match case.buffers.iter().any(statistics) {
        true => format!(
            "let (_, y) = net.trained_backward({forward}, given.at(\"out.0\")?)?;\ngot.put(\"out.0\", y.to_tensor());\n{start}"
        ),
        false => format!("got.put(\"out.0\", net.forward({forward})?.to_tensor());\n"),
    };
    out += &format!("let loss = net.loss_backward({args})?.item()?;\n");
    out += "got.put_number(\"out.loss\", loss);\n";
    for p in &names {
        out += &format!(
            "got.put({:?}, net.gradient({:?})?);\n",
            format!("grad.param.{p}"),
            own(p)
        );
    }
    for b in &buffers {
        let after = format!("buffer_after.{b}");
        out += &format!("got.put({after:?}, net.parameter({:?})?);\n", own(b));
    }
    out += &start;
    out += &format!("let mut optimizer = {optimizer};\n");
    if let Some(s) = case.attrs.get("scheduler").and_then(Value::as_object) {
        let name = s.get("name").and_then(Value::as_str).unwrap_or("");
        out += &schedule::start(name, s)?;
    }
    out += "let (mut losses, mut norms, mut lrs) = (Vec::new(), Vec::<f64>::new(), Vec::new());\n";
    out += &format!(
        "for _ in 0..{steps} {{\n    losses.push(Float::to_f64(net.loss_backward({args})?.item()?));\n"
    );
    if let Some(max) = clip {
        out += &format!("    norms.push(net.clip_grad_norm({max:?}, {norm})?);\n");
    }
    if let Some(value) = cut {
        out += &format!("    net.clip_grad_value({value:?})?;\n");
    }
    out += "    lrs.push(optimizer.lr());\n    optimizer.step(&mut net)?;\n";
    if let Some(s) = case.attrs.get("scheduler") {
        out += match s.get("name").and_then(Value::as_str) {
            Some("ReduceLROnPlateau") => {
                "    schedule.step(losses[losses.len() - 1], &mut optimizer);\n"
            }
            _ => "    schedule.step(&mut optimizer);\n",
        };
    }
    out += "}\n";
    for name in &case.finals {
        let p = name.trim_start_matches("final.");
        let first = case.tied.iter().find(|t| t.iter().any(|n| n == p));
        let p = first.map_or(p, |t| t[0].as_str());
        out += &format!("got.put({name:?}, net.parameter({:?})?);\n", own(p));
    }
    out += &format!("got.put(\"out.eval\", net.forward({forward})?.to_tensor());\n");
    // The last loss is also one in training mode.
    out += &format!("losses.push(Float::to_f64(net.loss_backward({args})?.item()?));\n");
    out += "got.put_numbers(\"out.losses\", losses);\ngot.put_numbers(\"out.grad_norms\", norms);\ngot.put_numbers(\"out.lrs\", lrs);\n";
    Ok(out)
}
