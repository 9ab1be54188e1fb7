//! The graph that every pass reads and writes.
//!
//! Nodes live in a `Vec` behind typed ids, operands before users. A node has one result, or, where
//! its op says so, several: the first is the node itself, the others are `Get` nodes. What each op
//! means stands beside its variant; what shapes it takes and gives in `infer`.

use crate::dim::{Dim, Shape};
use crate::scalar::Scalar;
pub use netform_core::{DType, Reduce};
use proc_macro2::Span;

/// A node's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The index into `Graph::nodes`.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Functions of integers that are checked when they are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Integers {
    /// Sum of two of one shape.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Of floats, towards zero.
    Cast,
    /// Reduction along `dim`, which vanishes.
    Reduce {
        /// How.
        kind: Reduce,
        /// Which dimension.
        dim: usize,
    },
    /// Running sum along `dim`.
    CumSum {
        /// Which dimension.
        dim: usize,
    },
}

/// How a map reads an operand of its own shape from a value of another.
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
    /// A constant; its bits, so that bodies can be compared and hashed.
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
    /// Backward computes it again from its operands, and keeps nothing else of it.
    pub recompute: bool,
}

/// A body that runs once for each index of a dimension: a recurrence over a sequence, a loop over
/// layers. The dimension leads in every value that is cut into slices or stacked.
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

/// An op that Rust functions of the user's compute.
#[derive(Clone, Debug)]
pub struct Custom {
    /// The function that declares it, behind the names of the networks that hold it.
    pub name: String,
    /// Whether this is the gradient: operands are forward's operands and results, and the gradients
    /// of its float results; results are the gradients of its float operands.
    pub backward: bool,
}

/// Which argument of the form `sum(y * conv(x, w))` a convolution is the derivative in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// (x, w) to y: cross-correlation, which PyTorch calls convolution.
    Y,
    /// (y, w) to x: its adjoint, which PyTorch calls transposed convolution.
    X,
    /// (x, y) to w: the gradient of a kernel.
    W,
}

/// How windows lie over images; arrays are (height, width). Sizes are those of the operands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Distance between neighbouring windows.
    pub stride: [i64; 2],
    /// Cells outside the image before its first; how many lie behind follows from the sizes.
    pub padding: [Dim; 2],
    /// Distance between neighbouring cells of a window.
    pub dilation: [i64; 2],
}

/// Scaled dot-product attention. Operands are q (B, H, L, E), k (B, H, S, E), v (B, H, S, V), then masks,
/// floats of rank 4 that broadcast to the scores (B, H, L, S) and are added to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Attention {
    /// Query i sees keys up to i.
    pub causal: bool,
    /// Factor of the scores; `1 / sqrt(E)` if it is not given.
    pub scale: Option<f64>,
    /// q, k, v and the result have their heads beside each other in a row: (B, L, H, E) and so on.
    pub interleaved: bool,
    /// Weights that are dropped behind the softmax.
    pub dropout: Option<Dropout>,
}

/// Dropout of attention's weights: those that are kept are multiplied by `1 / (1 - p)`. They are drawn as
/// `Bernoulli` of the same stream draws (B, H, L, S rounded up to four), forward and backward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The probability of a weight to be dropped.
    pub p: f64,
    /// The node's own stream.
    pub stream: u32,
}

impl Op {
    /// Whether it takes random numbers.
    pub fn draws(&self) -> bool {
        match self {
            Op::Bernoulli { .. } => true,
            Op::Attention(a) | Op::AttentionGrad(a) => a.dropout.is_some(),
            _ => false,
        }
    }
}

impl Dropout {
    /// The factor of a weight that is kept.
    pub fn factor(self) -> f64 {
        if self.p < 1.0 {
            1.0 / (1.0 - self.p)
        } else {
            0.0
        }
    }
}

impl Attention {
    /// B, H, the length and the width of an operand or result.
    pub fn sizes(&self, shape: &[Dim]) -> [Dim; 4] {
        let order = if self.interleaved {
            [0, 2, 1, 3]
        } else {
            [0, 1, 2, 3]
        };
        order.map(|d| shape.get(d).cloned().unwrap_or_else(Dim::one))
    }

    /// The shape of sizes.
    pub fn shape(&self, [batch, heads, length, width]: [&Dim; 4]) -> Shape {
        let middle = match self.interleaved {
            true => [length, heads],
            false => [heads, length],
        };
        [batch, middle[0], middle[1], width]
            .map(Clone::clone)
            .into()
    }
}

/// What a node computes.
#[derive(Clone, Debug)]
pub enum Op {
    /// Argument number `index` of the function.
    Input {
        /// Which.
        index: usize,
    },
    /// Parameter number `index` of the network.
    Param {
        /// Which.
        index: usize,
    },
    /// A constant of rank 0.
    Const(f64),
    /// A dimension as a float of rank 0.
    Size(Dim),
    /// The index along `dim`, in the node's shape.
    Iota {
        /// Which dimension counts.
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
    /// The operand at `low + i * step` of each dimension, `value` elsewhere: the gradient of `Slice`.
    Pad {
        /// Elements before the first.
        low: Vec<Dim>,
        /// Distance between neighbours, at least 1.
        step: Vec<i64>,
        /// The filling.
        value: f64,
    },
    /// Operands one after another along `dim`.
    Concat {
        /// Which dimension.
        dim: usize,
    },
    /// Reversed order in these dimensions.
    Flip(Vec<usize>),
    /// Reduction over `dims` (ascending), which vanish. With a body, of the map of the operands
    /// over the shape `over`. A mean may have a second result, in `Node::also`: what rounding took
    /// from the first, which has no gradient.
    Reduce {
        /// How.
        kind: Reduce,
        /// Which dimensions.
        dims: Vec<usize>,
        /// The fused map in front and the shape it runs over.
        body: Option<Box<(Map, Shape)>>,
    },
    /// The index of the first largest or smallest along `dim`, which vanishes.
    ArgReduce {
        /// Largest, or smallest.
        largest: bool,
        /// Which dimension.
        dim: usize,
    },
    /// Softmax or, with `log`, its logarithm, along `dim`.
    Softmax {
        /// The logarithm.
        log: bool,
        /// Which dimension.
        dim: usize,
    },
    /// `log(sum(exp(x)))` along `dim`, which vanishes, in two parts: `log(sum(exp(x - max)))` and, in
    /// `Node::also`, `max`, or 0 where that is infinite. Their sum would round the first away beside a
    /// large maximum. The maximum has no gradient: it cancels wherever the parts are used together.
    LogSumExp {
        /// Which dimension.
        dim: usize,
    },
    /// A function of integers whose result may leave 32 bits: then the run ends in an error.
    Integers {
        /// Which.
        f: Integers,
        /// The value, for messages.
        what: String,
    },
    /// Running sum along `dim`.
    CumSum {
        /// Which dimension.
        dim: usize,
        /// From the back.
        reverse: bool,
    },
    /// Matrix product of two matrices, or of two stacks of the same size (rank 3). With an epilogue
    /// the map's operand 0 is the product and the others are the node's operands from the third on.
    MatMul {
        /// The first operand is stored transposed.
        ta: bool,
        /// The second operand is stored transposed.
        tb: bool,
        /// The fused map behind.
        epilogue: Option<Box<Map>>,
    },
    /// `y[.., c, ..] = x[.., index[c], ..]` along `dim`; the index has rank 1.
    Take {
        /// Which dimension.
        dim: usize,
        /// For messages.
        what: Reads,
    },
    /// Operands (dy, index): `dx[.., index[c], ..] += dy[.., c, ..]` into zeros, `size` along `dim`.
    TakeGrad {
        /// Which dimension.
        dim: usize,
        /// Its size.
        size: Dim,
        /// For messages.
        what: Reads,
    },
    /// Operands (x, index, source): `x`, but `y[.., index[c], ..] = source[.., c, ..]` along `dim`;
    /// the index has rank 1. Of equal indices the last counts.
    Put {
        /// Which dimension.
        dim: usize,
        /// For messages.
        what: Reads,
    },
    /// `y[i.., j, k..] = x[i.., index[i.., j, k..], k..]` along `dim`; shapes differ only there.
    Gather {
        /// Which dimension.
        dim: usize,
        /// For messages.
        what: Reads,
    },
    /// Operands (dy, index): the gradient of `Gather`, `size` along `dim`.
    GatherGrad {
        /// Which dimension.
        dim: usize,
        /// Its size.
        size: Dim,
        /// For messages.
        what: Reads,
    },
    /// One derivative of `sum(y * conv(x, w))`, with x (N, C, H, W), w (O, C / groups, h, w) and
    /// y (N, O, H', W'): `y[n, o, i] = sum over c, k of x[n, c, i * stride - padding + k * dilation] *
    /// w[o, c, k]`, c of o's group, and nothing where x has no such cell. The node's shape gives the
    /// sizes of the result.
    Conv {
        /// Which derivative.
        role: Role,
        /// The windows.
        windows: Box<Windows>,
        /// Groups of channels that do not see each other.
        groups: Dim,
    },
    /// For images x (G, H, W), each window's largest element, the first of equals: its flat position
    /// h * W + w in (G, H', W'). Every window has a cell inside; NaN is larger than any number.
    WindowArgMax {
        /// The windows.
        windows: Box<Windows>,
        /// Their size.
        kernel: [i64; 2],
    },
    /// The result (B, H, L, V) and, in `Node::also`, of each softmax the logarithm of its sum
    /// and its largest score (B, H, 2, L). The
    /// scores of all queries with all keys are not held.
    Attention(Box<Attention>),
    /// The gradients of q, k and v: operands are those of `Attention`, its two results, and the
    /// gradient of the first.
    AttentionGrad(Box<Attention>),
    /// True with probability `keep`; `stream` tells drawing nodes apart.
    Bernoulli {
        /// Probability.
        keep: f64,
        /// The node's own stream.
        stream: u32,
        /// How many times it is drawn anew: the same bits, but not the same value to keep.
        again: u32,
    },
    /// The operand, without gradient.
    Detach,
    /// The operand, as a value apart: what follows from it is not taken to be what follows from the
    /// operand, but computed again.
    Fresh,
    /// A fused elementwise function over the node's shape.
    Map(Box<Map>),
    /// A call of a body. Further results are in `Node::also`.
    Call(Box<Region>),
    /// Steps of a body. Operands and results are those of the body, whole where it has slices.
    /// Further results are in `Node::also`.
    Scan(Box<Scan>),
    /// An op of the user's own. Further results are in `Node::also`.
    Custom(Box<Custom>),
    /// Result k of the operand.
    Get(usize),
}

/// Who reads at positions held as data, and which: for the message when one is out of range.
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
    /// What it computes.
    pub op: Op,
    /// Operands, all with smaller numbers.
    pub args: Vec<NodeId>,
    /// The (first) result's shape.
    pub shape: Shape,
    /// The (first) result's element type.
    pub dtype: DType,
    /// Shapes and types of further results.
    pub also: Vec<(Shape, DType)>,
    /// Where the user wrote it.
    pub span: Span,
    /// The variable, layer or parameter it was written as, if any: for pictures.
    pub name: String,
}

/// A function.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Nodes, operands before users.
    pub nodes: Vec<Node>,
    /// Results.
    pub outputs: Vec<NodeId>,
    /// Where nodes being added come from: the span and name they get.
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
    /// Adds a node as it is.
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

    /// For each node, the nodes that read it, in order; outputs are not counted.
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
