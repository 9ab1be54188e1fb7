//! A scene in the DOT language of Graphviz.

use std::fmt::Write;

use super::scene::{Scene, Style};

/// The whole text.
pub(super) fn write(scene: &Scene) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "digraph {} {{", quoted(&scene.title));
    let _ = writeln!(out, "  rankdir=LR;");
    let _ = writeln!(
        out,
        "  node [fontname=\"sans-serif\"]; edge [fontname=\"sans-serif\"];"
    );
    for (i, b) in scene.boxes.iter().enumerate() {
        let label = match b.detail.is_empty() {
            true => b.title.clone(),
            false => format!("{}\n{}", b.title, b.detail),
        };
        let shape = match b.style {
            Style::Input => "ellipse",
            Style::Param => "box",
            Style::Op => "box, style=rounded",
            Style::Result => "plaintext",
        };
        let _ = writeln!(out, "  n{i} [label={}, shape={shape}];", quoted(&label));
    }
    for wire in &scene.wires {
        let label = match wire.below.is_empty() {
            true => wire.above.clone(),
            false => format!("{}\n{}", wire.above, wire.below),
        };
        let _ = writeln!(
            out,
            "  n{} -> n{} [label={}];",
            wire.from,
            wire.to,
            quoted(&label)
        );
    }
    out.push_str("}\n");
    out
}

/// A quoted string of DOT.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
