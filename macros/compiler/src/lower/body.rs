//! Bodies: the step of a scan, the round of a loop. Each is lowered into a graph of its own, where
//! a value from outside becomes an input when it is first read.

use super::{Local, Lower};
use crate::dim::Shape;
use crate::ir::{DType, Graph, Here, NodeId, Op, Scan};
use crate::value::{LayerRef, Tensor, Value};
use std::collections::HashMap;

/// What surrounds a body that is being lowered.
pub struct Frame {
    outer: Graph,
    origin: HashMap<NodeId, String>,
    unsigned: Vec<NodeId>,
    scope: HashMap<String, Local>,
    mutable: Vec<String>,
    /// Values of `outer` that the body reads, with their inputs.
    captured: Vec<(NodeId, NodeId)>,
}

/// A body that is finished.
pub struct Body {
    /// What all its steps share, outside.
    pub shared: Vec<NodeId>,
    graph: Graph,
}

impl Body {
    /// What it reads of outside, and the graph.
    pub fn parts(self) -> (Vec<NodeId>, Graph) {
        (self.shared, self.graph)
    }

    /// The operation: one step after another. `carried` and `slices` are inputs of the body, in the
    /// order of the operands behind the shared ones.
    pub fn scan(
        self,
        name: &str,
        count: crate::dim::Dim,
        reverse: bool,
        carried: usize,
    ) -> (Scan, Vec<NodeId>) {
        let scan = Scan {
            name: name.to_owned(),
            body: self.graph,
            count,
            reverse,
            shared: self.shared.len(),
            carried,
        };
        (scan, self.shared)
    }
}

impl Lower<'_> {
    /// How many bodies deep the walk is.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// From here on nodes belong to a body, until `close`.
    pub fn open(&mut self) {
        let inner = Graph {
            here: self.cx.g.here.clone(),
            ..Graph::default()
        };
        self.frames.push(Frame {
            outer: std::mem::replace(&mut self.cx.g, inner),
            origin: std::mem::take(&mut self.cx.origin),
            unsigned: std::mem::take(&mut self.cx.unsigned),
            scope: self.scope.clone(),
            mutable: self.mutable.clone(),
            captured: Vec::new(),
        });
    }

    /// An input of the body: a carried value or a slice.
    pub fn body_input(&mut self, shape: &Shape, dtype: DType) -> NodeId {
        let op = Op::Input { index: 0 };
        self.cx.g.add_typed(op, &[], shape.clone(), dtype)
    }

    /// Back outside: the body with these inputs and outputs. Names bound within are gone.
    pub fn close(&mut self, inputs: &[NodeId], outputs: Vec<NodeId>) -> Body {
        let Some(frame) = self.frames.pop() else {
            unreachable!("every `close` follows its `open`")
        };
        let mut graph = std::mem::replace(&mut self.cx.g, frame.outer);
        self.cx.origin = frame.origin;
        self.cx.unsigned = frame.unsigned;
        self.scope = frame.scope;
        self.mutable = frame.mutable;
        graph.outputs = outputs;
        let all = frame.captured.iter().map(|c| &c.1).chain(inputs);
        for (index, id) in all.enumerate() {
            graph.nodes[id.index()].op = Op::Input { index };
        }
        Body {
            shared: frame.captured.iter().map(|c| c.0).collect(),
            graph,
        }
    }

    /// Whether a value of the body at hand is one of outside.
    pub fn is_from_outside(&self, id: NodeId) -> bool {
        let frame = self.frames.last();
        frame.is_some_and(|f| f.captured.iter().any(|c| c.1 == id))
    }

    /// A value of an outer graph, as it is called in this one.
    pub fn bring(&mut self, id: NodeId, from: usize) -> NodeId {
        (from..self.frames.len()).fold(id, |id, level| self.capture(id, level))
    }

    /// A value of the graph at `level`, in the graph one deeper.
    fn capture(&mut self, id: NodeId, level: usize) -> NodeId {
        let (outside, inside) = self.frames.split_at_mut(level + 1);
        let frame = &mut outside[level];
        if let Some(known) = frame.captured.iter().find(|c| c.0 == id) {
            return known.1;
        }
        let (graph, origin, unsigned) = match inside.first_mut() {
            Some(next) => (&mut next.outer, &mut next.origin, &mut next.unsigned),
            None => (&mut self.cx.g, &mut self.cx.origin, &mut self.cx.unsigned),
        };
        let node = &frame.outer[id];
        let here = Here {
            span: node.span,
            name: node.name.clone(),
        };
        let here = std::mem::replace(&mut graph.here, here);
        // Constants are known inside as well as outside.
        let op = match &node.op {
            op @ (Op::Const(_) | Op::Size(_)) => op.clone(),
            _ => Op::Input { index: 0 },
        };
        let constant = !matches!(op, Op::Input { .. });
        let inner = graph.add_typed(op, &[], node.shape.clone(), node.dtype);
        graph.here = here;
        if let Some(text) = frame.origin.get(&id) {
            origin.insert(inner, text.clone());
        }
        if frame.unsigned.contains(&id) {
            unsigned.push(inner);
        }
        if !constant {
            frame.captured.push((id, inner));
        }
        inner
    }

    /// The same for whatever a name stands for.
    pub fn bring_value(&mut self, value: Value, from: usize) -> Value {
        if from == self.depth() {
            return value;
        }
        match value {
            Value::Tensor(t) => Value::Tensor(Tensor {
                id: self.bring(t.id, from),
                text: t.text,
            }),
            Value::Tuple(items) => Value::Tuple(self.bring_all(items, from)),
            Value::List(items) => Value::List(self.bring_all(items, from)),
            Value::Layer(layer) => Value::Layer(LayerRef {
                params: layer.params.iter().map(|p| self.bring(*p, from)).collect(),
                ..layer
            }),
            other => other,
        }
    }

    fn bring_all(&mut self, items: Vec<Value>, from: usize) -> Vec<Value> {
        items
            .into_iter()
            .map(|v| self.bring_value(v, from))
            .collect()
    }

    /// The function's own graph, whatever the depth.
    pub fn root(&mut self) -> &mut Graph {
        match self.frames.first_mut() {
            Some(frame) => &mut frame.outer,
            None => &mut self.cx.g,
        }
    }
}
