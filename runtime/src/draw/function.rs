//! A function's graph, drawn.

use super::graph::Function;
use super::scene::{self, Scene, Wire};
use super::{dot, svg};

impl Function {
    /// The graph in DOT, with shapes on its wires.
    pub fn dot(&self) -> String {
        dot::write(&self.scene())
    }
    /// The graph as an SVG picture, with shapes on its wires.
    pub fn svg(&self) -> String {
        svg::write(&self.scene())
    }

    fn scene(&self) -> Scene {
        let mut wires = Vec::new();
        for (to, node) in self.nodes.iter().enumerate() {
            for (i, &from) in node.args.iter().enumerate() {
                if !node.args[..i].contains(&from) {
                    wires.push(Wire::plain(from, to, self.label(from)));
                }
            }
        }
        let results = self
            .outputs
            .iter()
            .map(|&o| (o, self.label(o), String::new()));
        scene::of(self, wires, results.collect())
    }

    /// A value's type, as shown on wires.
    fn label(&self, node: usize) -> String {
        let node = &self.nodes[node];
        format!("{}{}", node.dtype, node.shape)
    }
}
