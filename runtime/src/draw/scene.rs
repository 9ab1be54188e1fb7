//! The content of a drawing, independent of its format: boxes and wires with their texts.

use super::{Function, Kind, Node};

/// How a box is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Input,
    Param,
    Op,
    Result,
}

/// A box.
#[derive(Clone, Debug)]
pub(super) struct Box {
    pub style: Style,
    pub title: String,
    /// A second, smaller line; may be empty.
    pub detail: String,
}

/// A wire between two boxes.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub from: usize,
    pub to: usize,
    pub above: String,
    pub below: String,
}

impl Wire {
    /// A wire with one text.
    pub(super) fn plain(from: usize, to: usize, above: String) -> Self {
        let below = String::new();
        Self {
            from,
            to,
            above,
            below,
        }
    }
}

/// Boxes in an order in which every wire leads forward.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    pub title: String,
    pub boxes: Vec<Box>,
    pub wires: Vec<Wire>,
}

/// The scene of a function: its wires by node numbers, and for each result the node with the texts of the last wire.
/// Constants have no boxes: they are part of the titles of their users.
pub(super) fn of(f: &Function, wires: Vec<Wire>, results: Vec<(usize, String, String)>) -> Scene {
    let mut scene = Scene {
        title: f.signature.to_owned(),
        ..Scene::default()
    };
    let is_result = |i: usize| results.iter().any(|(node, ..)| *node == i);
    let mut place = vec![None; f.nodes.len()];
    for (i, node) in f.nodes.iter().enumerate() {
        if node.constant.is_empty() || is_result(i) {
            place[i] = Some(scene.boxes.len());
            scene.boxes.push(of_node(f, node));
        }
    }
    for wire in wires {
        if let (Some(from), Some(to)) = (place[wire.from], place[wire.to]) {
            scene.wires.push(Wire { from, to, ..wire });
        }
    }
    for (node, above, below) in results {
        let Some(from) = place[node] else { continue };
        scene.wires.push(Wire {
            from,
            to: scene.boxes.len(),
            above,
            below,
        });
        scene.boxes.push(Box {
            style: Style::Result,
            title: f.name.to_owned(),
            detail: String::new(),
        });
    }
    scene
}

fn of_node(f: &Function, node: &Node) -> Box {
    let (style, title, detail) = match node.kind {
        Kind::Input => (Style::Input, node.name.to_owned(), ""),
        Kind::Param => (Style::Param, node.name.to_owned(), ""),
        Kind::Op => (Style::Op, op(f, node), node.name),
    };
    Box {
        style,
        title,
        detail: detail.to_owned(),
    }
}

/// `*`, `* 0.5`, `sigmoid`.
fn op(f: &Function, node: &Node) -> String {
    if !node.constant.is_empty() {
        return node.constant.to_owned();
    }
    let symbol = match node.op {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        other => other,
    };
    let operand = |&arg: &usize| f.nodes[arg].constant;
    match &node.args[..] {
        [a, b] if symbol.len() == 1 && !operand(a).is_empty() && operand(b).is_empty() => {
            format!("{} {symbol}", operand(a))
        }
        args => {
            let constants = args.iter().map(operand).filter(|c| !c.is_empty());
            constants.fold(symbol.to_owned(), |text, c| format!("{text} {c}"))
        }
    }
}
