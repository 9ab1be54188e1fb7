//! The graph that every pass reads and writes.
//!
//! Nodes are stored in a `Vec` and have typed ids; operands come before users. A node has one result, or, for some ops,
//! several: the first is the node itself, the others are `Get` nodes. The meaning of each op is documented at its
//! variant, its shapes in `infer`. Ops that passes look into are variants; every other op is a `Kind`, in a file of
//! `kinds`.

pub mod emit;
pub mod kind;
pub mod operands;
pub mod strides;

use self::kind::Kind;
use crate::dim::{Dim, Shape};
use crate::scalar::Scalar;
pub use netform_core::{DType, Reduce};
use proc_macro2::Span;
use std::any::Any;
use std::rc::Rc;

/// A node's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The index into `Graph::nodes`.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a map reads an operand of one shape from a value of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// For each dimension of the map, the operand's dimension that moves with it, if any.
    pub dims: Vec<Option<usize>>,
    /// For each dimension of the operand, the first index read.
    pub start: Vec<Dim>,
    /// For each dimension of the operand, the step between indices read.
    pub step: Vec<i64>,
}

impl Access {
    /// Every element at its own place.
    pub fn identity(rank: usize) -> Access {
        Access {
            dims: (0..rank).map(Some).collect(),
            start: vec![Dim::from(0); rank],
            step: vec![1; rank],
        }
    }

    /// Whether it reads every element at its own place, given equal shapes.
    pub fn is_identity(&self) -> bool {
        self.dims.len() == self.start.len()
            && self.dims.iter().enumerate().all(|(i, d)| *d == Some(i))
            && self.start.iter().all(|s| s.value() == Some(0))
            && self.step.iter().all(|s| *s == 1)
    }
}

/// One step of a map's body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Instr {
    /// Operand k of the node.
    Load(usize),
    /// The index along dimension d of the map.
    Iota(usize),
    /// A constant: the bits of the f64 (0.0 and 1.0 for booleans) or of the i64, so that bodies can be compared and
    /// hashed.
    Const(DType, u64),
    /// A dimension as a float.
    Size(Dim),
    /// A scalar function of earlier steps.
    Apply(Scalar, Vec<usize>),
}

/// A fused elementwise function.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Map {
    /// How each operand is read.
    pub access: Vec<Access>,
    /// The steps.
    pub body: Vec<Instr>,
    /// The types of the steps' values.
    pub types: Vec<DType>,
    /// The steps that are results.
    pub results: Vec<usize>,
}

/// A node with a body: a function that is compiled once and called.
#[derive(Clone, Debug)]
pub struct Region {
    /// The name for messages and pictures.
    pub name: String,
    /// The body; its inputs are the node's operands, its outputs the node's results.
    pub body: Graph,
    /// Backward computes it again from its operands, and keeps none of its other values.
    pub recompute: bool,
}

/// A body that runs once for each index of a dimension: a recurrence over a sequence, a loop over layers. The dimension
/// comes first in every value that is sliced or stacked.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The name for messages and pictures.
    pub name: String,
    /// One step. Its inputs are, in this order: values that all steps share, values carried from
    /// step to step, slices. Its outputs: the carried values' successors, values to be stacked.
    pub body: Graph,
    /// The number of steps.
    pub count: Dim,
    /// From the last index to the first.
    pub reverse: bool,
    /// How many values all steps share.
    pub shared: usize,
    /// How many values are carried.
    pub carried: usize,
}

impl Scan {
    /// The types of the results: of the last carried values, then of the stacked ones.
    pub fn results(&self) -> Vec<(Shape, DType)> {
        let one = |(i, o): (usize, &NodeId)| {
            let mut shape = self.body.shape(*o).clone();
            if i >= self.carried {
                shape.insert(0, self.count.clone());
            }
            (shape, self.body[*o].dtype)
        };
        self.body.outputs.iter().enumerate().map(one).collect()
    }
}

/// The op of a node.
#[derive(Clone, Debug)]
pub enum Op {
    /// Argument number `index` of the function.
    Input {
        /// Its number.
        index: usize,
    },
    /// Parameter number `index` of the network.
    Param {
        /// Its number.
        index: usize,
    },
    /// A constant of rank 0: a float, or 0 and 1 for booleans.
    Const(f64),
    /// An integer of rank 0, exact. A value outside 64 bits is a literal for a float, or an error.
    Whole(i128),
    /// A dimension as a float of rank 0.
    Size(Dim),
    /// The index along `dim`, in the node's shape.
    Iota {
        /// The dimension.
        dim: usize,
    },
    /// A scalar function of operands that all have the node's shape.
    Scalar(Scalar),
    /// NumPy's broadcast to the node's shape: dimensions align at the end, 1 repeats.
    Expand,
    /// The same elements in the node's shape.
    Reshape,
    /// Result dimension i is operand dimension `dims[i]`.
    Permute(Vec<usize>),
    /// Result index i reads `start + i * step` in each dimension.
    Slice {
        /// First index of each dimension.
        start: Vec<Dim>,
        /// Step of each dimension, at least 1.
        step: Vec<i64>,
    },
    /// Reduction over `dims` (ascending), which vanish. With a body, it reduces the map of the operands over the shape
    /// `over`. A mean may have a second result, in `Node::also`: the rounding error of the first, which has no
    /// gradient.
    Reduce {
        /// The kind of reduction.
        kind: Reduce,
        /// The dimensions.
        dims: Vec<usize>,
        /// The fused map before it and the shape of the map.
        body: Option<Box<(Map, Shape)>>,
    },
    /// Matrix product of two matrices, or of two stacks of the same size (rank 3). With an epilogue
    /// the map's operand 0 is the product and the others are the node's operands from the third on.
    MatMul {
        /// The first operand is stored transposed.
        ta: bool,
        /// The second operand is stored transposed.
        tb: bool,
        /// The fused map after it.
        epilogue: Option<Box<Map>>,
    },
    /// The operand, without gradient.
    Detach,
    /// The operand behind an optimization barrier: values computed from it are not merged with those from the operand,
    /// but computed again.
    Barrier,
    /// A fused elementwise function over the node's shape.
    Map(Box<Map>),
    /// A call of a body. Further results are in `Node::also`.
    Call(Box<Region>),
    /// Steps of a body. Operands and results are those of the body, whole where the body has slices. Further results
    /// are in `Node::also`.
    Scan(Box<Scan>),
    /// Result k of the operand.
    Get(usize),
    /// An op that one kernel computes and no pass looks into; its further results are in `Node::also`.
    Kernel(Rc<dyn Kind>),
}

impl<K: Kind> From<K> for Op {
    fn from(kind: K) -> Op {
        Op::Kernel(Rc::new(kind))
    }
}

impl Op {
    /// The kind, if it has this type.
    pub fn kernel<K: Kind>(&self) -> Option<&K> {
        match self {
            Op::Kernel(kind) => (&**kind as &dyn Any).downcast_ref(),
            _ => None,
        }
    }

    /// Whether it draws random numbers.
    pub fn draws(&self) -> bool {
        matches!(self, Op::Kernel(kind) if kind.draws())
    }
}

/// The layer or op that reads at positions in data, and the positions: for the message when one is out of range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reads {
    /// The layer or op: `` `Embedding` `tok` ``.
    pub by: String,
    /// The index, as the user wrote it.
    pub index: String,
    /// The index's shape there.
    pub shape: Shape,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its op.
    pub op: Op,
    /// Operands, all with smaller numbers.
    pub args: Vec<NodeId>,
    /// The (first) result's shape.
    pub shape: Shape,
    /// The (first) result's element type.
    pub dtype: DType,
    /// Shapes and types of further results.
    pub more_results: Vec<(Shape, DType)>,
    /// The user's span.
    pub span: Span,
    /// The variable, layer or parameter that the user wrote for it, if any: for pictures.
    pub name: String,
}

/// A function.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Nodes, operands before users.
    pub nodes: Vec<Node>,
    /// Results.
    pub outputs: Vec<NodeId>,
    /// The span and name given to added nodes.
    pub here: Here,
}

/// The origin given to new nodes.
#[derive(Clone, Debug)]
pub struct Here {
    /// The span.
    pub span: Span,
    /// The name.
    pub name: String,
}

impl Default for Here {
    fn default() -> Self {
        Here {
            span: Span::call_site(),
            name: String::new(),
        }
    }
}

impl std::ops::Index<NodeId> for Graph {
    type Output = Node;
    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }
}

impl Graph {
    /// Adds a node without changes.
    pub fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    /// All ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)).map(NodeId)
    }

    /// A value's shape.
    pub fn shape(&self, id: NodeId) -> &Shape {
        &self[id].shape
    }

    /// The input nodes by their number.
    pub fn inputs(&self) -> Vec<NodeId> {
        let mut out: Vec<(usize, NodeId)> = Vec::new();
        for id in self.ids() {
            if let Op::Input { index } = self[id].op {
                out.push((index, id));
            }
        }
        out.sort_unstable();
        out.into_iter().map(|(_, id)| id).collect()
    }

    /// For each node, the nodes that read it, in order; outputs are not included.
    pub fn users(&self) -> Vec<Vec<NodeId>> {
        let mut users = vec![Vec::new(); self.nodes.len()];
        for id in self.ids() {
            for arg in &self[id].args {
                if users[arg.index()].last() != Some(&id) {
                    users[arg.index()].push(id);
                }
            }
        }
        users
    }
}
