//! JSON values as expressions, and text layout.

use serde_json::{Map, Value};

/// A JSON value in the network language: `null` is `None`.
pub fn value(v: &Value) -> String {
    match v {
        Value::Null => "None".into(),
        Value::Array(items) => format!("[{}]", join(items.iter().map(value))),
        Value::String(s) if s == "inf" => "inf".into(),
        Value::String(s) => format!("{s:?}"),
        other => other.to_string(),
    }
}

/// A JSON number as a Rust `f64`.
pub fn float(v: &Value) -> String {
    format!("{:?}", v.as_f64().unwrap_or(f64::NAN))
}

/// `name = value` for each.
pub fn keywords<'a>(attrs: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Vec<String> {
    attrs
        .into_iter()
        .map(|(name, v)| format!("{name} = {}", value(v)))
        .collect()
}

/// The attributes without some.
pub fn without<'a>(
    attrs: &'a Map<String, Value>,
    names: &'a [&str],
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    attrs
        .iter()
        .filter(|(name, _)| !names.contains(&name.as_str()))
}

/// The items joined by commas.
pub fn join(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().collect::<Vec<_>>().join(", ")
}

/// Indents every line.
pub fn indent(text: &str, depth: usize) -> String {
    text.lines()
        .map(|line| format!("{}{line}\n", "    ".repeat(depth)))
        .collect()
}
