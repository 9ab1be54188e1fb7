//! Local rewrites that keep every value: folding, neutral elements, merged views, equal nodes once, unused nodes
//! removed.
//!
//! Bodies of scans are simplified, too, and lose unread values (`trim`).
//!
//! After: no `Detach` (unless a gradient is still to come), no chain of two reshapes, permutes or expands; transposed
//! operands of products are flags; a reduction's dimensions are neighbours; a log-softmax from which single classes are
//! picked is `(x - max) - log_sum` with the parts of a logsumexp, so that softmax and cross entropy share one pass
//! forward and one map backward; reshapes come after elementwise functions, not before.

use crate::dim::{Dim, Shape};
use crate::ir::{DType, Graph, Here, Node, NodeId, Op};
use crate::kinds::gather::Gather;
use crate::kinds::log_sum_exp::LogSumExp;
use crate::kinds::softmax::Softmax;
use crate::passes::fold::folded;
use crate::scalar::Scalar as S;
use netform_core::Number;
use rustc_hash::FxHashMap;

/// Simplifies.
pub fn simplify(graph: &Graph) -> Graph {
    run(graph, false)
}

/// The same for a graph that may be differentiated again: `Detach` stays.
pub fn simplify_for_gradients(graph: &Graph) -> Graph {
    run(graph, true)
}

fn run(graph: &Graph, detach: bool) -> Graph {
    let picked = picked_softmaxes(graph);
    let mut s = Simplify {
        g: Graph::default(),
        known: FxHashMap::default(),
        sinking: false,
        detach,
    };
    let mut map: Vec<NodeId> = Vec::new();
    for id in graph.ids() {
        let mut node = graph[id].clone();
        node.args = node.args.iter().map(|a| map[a.index()]).collect();
        s.g.here = Here {
            span: node.span,
            name: node.name.clone(),
        };
        let new = if picked[id.index()] {
            s.split_log_softmax(&node)
        } else {
            s.node(node)
        };
        map.push(new);
    }
    s.g.outputs = graph.outputs.iter().map(|o| map[o.index()]).collect();
    super::trim::trim(&prune(&s.g))
}

/// The log-softmaxes from which some user picks single elements.
fn picked_softmaxes(graph: &Graph) -> Vec<bool> {
    let mut out = vec![false; graph.nodes.len()];
    for node in &graph.nodes {
        if let Some(Gather { dim, .. }) = node.op.kernel()
            && node.shape[*dim].is_one()
            && let Some(Softmax {
                log: true,
                dim: along,
            }) = graph[node.args[0]].op.kernel()
            && along == dim
        {
            out[node.args[0].index()] = true;
        }
    }
    out
}

/// The nodes that outputs and arguments need, renumbered. Inputs stay, since they are the signature.
pub fn prune(graph: &Graph) -> Graph {
    prune_inputs(graph, usize::MAX)
}

/// The same, without the inputs from number `end` on, which no node may need.
pub fn prune_inputs(graph: &Graph, end: usize) -> Graph {
    let mut live = vec![false; graph.nodes.len()];
    for o in &graph.outputs {
        live[o.index()] = true;
    }
    for id in graph.ids().rev() {
        if live[id.index()] {
            for a in &graph[id].args {
                live[a.index()] = true;
            }
        }
    }
    let mut out = Graph::default();
    let mut map = vec![NodeId(0); graph.nodes.len()];
    for id in graph.ids() {
        if live[id.index()] || matches!(graph[id].op, Op::Input { index } if index < end) {
            let mut node = graph[id].clone();
            node.args = node.args.iter().map(|a| map[a.index()]).collect();
            map[id.index()] = out.add(node);
        }
    }
    out.outputs = graph.outputs.iter().map(|o| map[o.index()]).collect();
    out
}

/// One node for each input number.
pub fn one_of_each_input(graph: &Graph) -> Graph {
    let mut out = Graph::default();
    let mut first: FxHashMap<usize, NodeId> = FxHashMap::default();
    let mut map: Vec<NodeId> = Vec::new();
    for id in graph.ids() {
        let mut node = graph[id].clone();
        node.args = node.args.iter().map(|a| map[a.index()]).collect();
        map.push(match node.op {
            Op::Input { index } => *first.entry(index).or_insert_with(|| out.add(node)),
            _ => out.add(node),
        });
    }
    out.outputs = graph.outputs.iter().map(|o| map[o.index()]).collect();
    out
}

struct Simplify {
    g: Graph,
    /// Nodes by their text: equal nodes are built once.
    known: FxHashMap<(String, Shape, DType), NodeId>,
    /// A function is being moved to the shape of one operand: the shape of another must not move it back.
    sinking: bool,
    /// `Detach` stays.
    detach: bool,
}

impl Simplify {
    /// Adds a node, or finds an equal one.
    fn node(&mut self, mut node: Node) -> NodeId {
        if let Op::MatMul { .. } = node.op {
            self.transposed_operands(&mut node);
        }
        if let Some(id) = self.rewrite(&node) {
            return id;
        }
        if let Op::Scan(scan) = &mut node.op {
            scan.body = run(&scan.body, self.detach);
        }
        let parts = match &node.op {
            Op::Reduce { .. } => true,
            Op::Kernel(kind) => kind.is_shared(),
            _ => false,
        };
        if !node.more_results.is_empty() && !parts
            || matches!(
                node.op,
                Op::Call(_) | Op::Scan(_) | Op::Input { .. } | Op::Param { .. }
            )
        {
            return self.g.add(node);
        }
        let text = format!("{node} and {}", node.more_results.len());
        let key = (text, node.shape.clone(), node.dtype);
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let id = self.g.add(node);
        self.known.insert(key, id);
        id
    }

    fn make(&mut self, op: Op, args: &[NodeId], shape: Shape, dtype: DType) -> NodeId {
        let (span, name) = (self.g.here.span, self.g.here.name.clone());
        self.node(Node {
            op,
            args: args.to_vec(),
            shape,
            dtype,
            more_results: Vec::new(),
            span,
            name,
        })
    }

    fn reshape(&mut self, x: NodeId, shape: &Shape) -> NodeId {
        let dtype = self.g[x].dtype;
        self.make(Op::Reshape, &[x], shape.clone(), dtype)
    }

    fn expand(&mut self, x: NodeId, shape: &Shape) -> NodeId {
        let dtype = self.g[x].dtype;
        self.make(Op::Expand, &[x], shape.clone(), dtype)
    }

    /// A simpler node with the same value, if there is one.
    fn rewrite(&mut self, node: &Node) -> Option<NodeId> {
        let x = node.args.first().copied();
        match &node.op {
            Op::Detach if self.detach => None,
            Op::Detach => x,
            Op::Scalar(f) => self.scalar(*f, node),
            Op::Reshape => {
                let x = x?;
                if self.g[x].shape == node.shape {
                    return Some(x);
                }
                if let Op::Reshape = self.g[x].op {
                    let inner = self.g[x].args[0];
                    return Some(self.reshape(inner, &node.shape));
                }
                // A constant stays a constant in any shape.
                let c = self.spread(x)?;
                Some(self.expand(c, &node.shape))
            }
            Op::Expand => {
                let x = x?;
                if self.g[x].shape == node.shape {
                    return Some(x);
                }
                match self.g[x].op {
                    Op::Expand => {
                        let inner = self.g[x].args[0];
                        Some(self.expand(inner, &node.shape))
                    }
                    _ => None,
                }
            }
            Op::Permute(dims) => {
                let x = x?;
                if dims.iter().copied().eq(0..dims.len()) {
                    return Some(x);
                }
                if let Op::Permute(first) = &self.g[x].op {
                    let both = dims.iter().map(|d| first[*d]).collect();
                    let inner = self.g[x].args[0];
                    return Some(self.make(
                        Op::Permute(both),
                        &[inner],
                        node.shape.clone(),
                        node.dtype,
                    ));
                }
                None
            }
            Op::Reduce {
                kind,
                dims,
                body: None,
            } => {
                let x = x?;
                if let Some(id) = self.sum_of_pick(*kind, dims, x, node) {
                    return Some(id);
                }
                self.split_reduce(*kind, dims, x, node)
            }
            op => {
                let gather = op.kernel::<Gather>()?;
                self.gather_of_difference(gather.dim, node)
            }
        }
    }

    /// The value of rank 0 that a value repeats, if any.
    fn spread(&self, x: NodeId) -> Option<NodeId> {
        match self.g[x].op {
            _ if self.g[x].shape.is_empty() => Some(x),
            Op::Expand | Op::Reshape => self.spread(self.g[x].args[0]),
            _ => None,
        }
    }

    fn literal(&self, x: NodeId) -> Option<f64> {
        match self.g[self.spread(x)?].op {
            Op::Const(v) => Some(v),
            Op::Whole(v) => Some(v as f64),
            _ => None,
        }
    }

    /// The number that all elements equal, exact.
    fn number(&self, x: NodeId) -> Option<Number> {
        let node = &self.g[self.spread(x)?];
        match node.op {
            Op::Const(v) if node.dtype == DType::Bool => Some(Number::Bool(v != 0.0)),
            Op::Const(v) => Some(Number::Float(v)),
            Op::Whole(v) => i64::try_from(v).ok().map(Number::Int),
            _ => None,
        }
    }

    fn constant(&mut self, value: Number) -> NodeId {
        let op = match value {
            Number::Float(v) => Op::Const(v),
            Number::Int(v) => Op::Whole(v.into()),
            Number::Bool(v) => Op::Const(f64::from(u8::from(v))),
        };
        self.make(op, &[], Vec::new(), value.dtype())
    }

    fn scalar(&mut self, f: S, node: &Node) -> Option<NodeId> {
        let args = &node.args;
        let literals: Option<Vec<Number>> = args.iter().map(|a| self.number(*a)).collect();
        if let Some(value) = literals.and_then(|values| folded(f, &values)) {
            let c = self.constant(value);
            return Some(self.expand(c, &node.shape));
        }
        let is = |s: &Self, i: usize, v: f64| s.literal(args[i]) == Some(v);
        match f {
            S::Add if is(self, 1, 0.0) => return Some(args[0]),
            S::Add if is(self, 0, 0.0) => return Some(args[1]),
            S::Sub | S::Add if is(self, 1, 0.0) => return Some(args[0]),
            S::Mul | S::Div | S::Pow if is(self, 1, 1.0) => return Some(args[0]),
            S::Mul if is(self, 0, 1.0) => return Some(args[1]),
            // Exact, and the same as PyTorch's at -0 and -inf.
            S::Pow if is(self, 1, 0.5) || is(self, 1, -0.5) => {
                let f = if is(self, 1, 0.5) { S::Sqrt } else { S::Rsqrt };
                let x = args[0];
                return Some(self.make(Op::Scalar(f), &[x], node.shape.clone(), node.dtype));
            }
            S::Where if args[1] == args[2] => return Some(args[1]),
            S::Cast(t) if self.g[args[0]].dtype == t => return Some(args[0]),
            S::Neg => {
                if let Op::Scalar(S::Neg) = self.g[args[0]].op {
                    return Some(self.g[args[0]].args[0]);
                }
            }
            _ => {}
        }
        self.sink_expand(f, node)
            .or_else(|| self.sink_reshape(f, node))
    }

    /// `f(expand(a), expand(b))` is `expand(f(a, b))`: the function runs on the smaller shape.
    fn sink_expand(&mut self, f: S, node: &Node) -> Option<NodeId> {
        let mut small: Option<Shape> = None;
        for a in &node.args {
            if let (Op::Expand, None) = (&self.g[*a].op, self.spread(*a)) {
                let inner = self.g[self.g[*a].args[0]].shape.clone();
                match &small {
                    Some(s) if *s != inner => return None,
                    _ => small = Some(inner),
                }
            } else {
                self.spread(*a)?;
            }
        }
        let small = small.unwrap_or_default();
        if small == node.shape {
            return None;
        }
        let mut args = Vec::new();
        for a in &node.args {
            args.push(match self.spread(*a) {
                Some(c) => self.expand(c, &small),
                None => self.g[*a].args[0],
            });
        }
        let y = self.make(Op::Scalar(f), &args, small, node.dtype);
        Some(self.expand(y, &node.shape))
    }

    /// `f(reshape(a), ..)` is `reshape(f(a, ..))` if the other operands can follow: then the function has the shape of
    /// the product or reduction that made `a`, and can fuse with it.
    fn sink_reshape(&mut self, f: S, node: &Node) -> Option<NodeId> {
        if self.sinking {
            return None;
        }
        let source = node.args.iter().find_map(|a| match self.g[*a].op {
            Op::Reshape
                if !matches!(
                    self.g[self.g[*a].args[0]].op,
                    Op::Input { .. } | Op::Param { .. }
                ) =>
            {
                Some(self.g[*a].args[0])
            }
            _ => None,
        })?;
        let to = self.g[source].shape.clone();
        // Only towards fewer dimensions, so that rewriting ends.
        if to.len() >= node.shape.len() {
            return None;
        }
        let mut args = Vec::new();
        for a in &node.args {
            args.push(self.follow(*a, &to, &node.shape)?);
        }
        self.sinking = true;
        let y = self.make(Op::Scalar(f), &args, to, node.dtype);
        self.sinking = false;
        Some(self.reshape(y, &node.shape))
    }

    /// `x` of shape `from` in the shape `to`, if that costs nothing.
    fn follow(&mut self, x: NodeId, to: &Shape, from: &Shape) -> Option<NodeId> {
        match self.g[x].op {
            Op::Expand => {
                let inner = self.g[x].args[0];
                let shape = self.g[inner].shape.clone();
                let last =
                    shape.len() == 1 && to.last() == from.last() && shape.last() == to.last();
                (shape.is_empty() || last).then(|| self.expand(inner, to))
            }
            Op::Permute(_) | Op::Slice { .. } | Op::Iota { .. } => None,
            _ => Some(self.reshape(x, to)),
        }
    }

    /// Makes stored transpositions flags of products.
    fn transposed_operands(&mut self, node: &mut Node) {
        let Op::MatMul { ta, tb, .. } = &mut node.op else {
            return;
        };
        for (arg, flag) in node.args.iter_mut().zip([ta, tb]) {
            if let Op::Permute(dims) = &self.g[*arg].op {
                let n = dims.len();
                let swapped = (0..n - 2).all(|d| dims[d] == d)
                    && dims[n - 2] == n - 1
                    && dims[n - 1] == n - 2;
                if swapped {
                    *arg = self.g[*arg].args[0];
                    *flag = !*flag;
                }
            }
        }
    }

    /// A reduction over dimensions that are not neighbours becomes several; over sizes of 1, a reshape.
    fn split_reduce(
        &mut self,
        kind: crate::ir::Reduce,
        dims: &[usize],
        x: NodeId,
        node: &Node,
    ) -> Option<NodeId> {
        // A mean of means is no more accurate than one mean: means are built over neighbours from the start.
        if kind == crate::ir::Reduce::Mean {
            return None;
        }
        let shape = self.g[x].shape.clone();
        let real: Vec<usize> = dims
            .iter()
            .copied()
            .filter(|d| !shape[*d].is_one())
            .collect();
        if real.len() < dims.len() {
            let mut kept = shape.clone();
            for d in dims.iter().rev().filter(|d| shape[**d].is_one()) {
                kept.remove(*d);
            }
            let flat = self.reshape(x, &kept);
            if real.is_empty() {
                return Some(flat);
            }
            let moved = real
                .iter()
                .map(|d| {
                    d - dims
                        .iter()
                        .filter(|o| *o < d && shape[**o].is_one())
                        .count()
                })
                .collect();
            return Some(self.make(
                Op::Reduce {
                    kind,
                    dims: moved,
                    body: None,
                },
                &[flat],
                node.shape.clone(),
                node.dtype,
            ));
        }
        let gap = (1..dims.len())
            .rev()
            .find(|i| dims[*i] != dims[*i - 1] + 1)?;
        let (front, back) = dims.split_at(gap);
        let mut between = shape;
        for d in back.iter().rev() {
            between.remove(*d);
        }
        let inner = self.make(
            Op::Reduce {
                kind,
                dims: back.to_vec(),
                body: None,
            },
            &[x],
            between,
            node.dtype,
        );
        Some(self.make(
            Op::Reduce {
                kind,
                dims: front.to_vec(),
                body: None,
            },
            &[inner],
            node.shape.clone(),
            node.dtype,
        ))
    }

    /// `log_softmax(x) = (x - max) - log(sum(exp(x - max)))`; a row with inf, where the logarithm is inf and the
    /// maximum is taken as 0, gives NaN.
    fn split_log_softmax(&mut self, node: &Node) -> NodeId {
        let Some(&Softmax { dim, .. }) = node.op.kernel() else {
            return self.node(node.clone());
        };
        let x = node.args[0];
        let mut kept = node.shape.clone();
        kept[dim] = Dim::one();
        let mut less = node.shape.clone();
        less.remove(dim);
        let more_results = vec![(less.clone(), DType::Float)];
        let log = self.node(Node {
            op: LogSumExp { dim }.into(),
            shape: less.clone(),
            more_results,
            ..node.clone()
        });
        let max = self.make(Op::Get(1), &[log], less.clone(), DType::Float);
        let nothing = self.make(Op::Scalar(S::Sub), &[log, log], less.clone(), DType::Float);
        let log = self.make(Op::Scalar(S::Add), &[log, nothing], less, DType::Float);
        let mut y = x;
        for part in [max, log] {
            let part = self.reshape(part, &kept);
            let part = self.expand(part, &node.shape);
            let (op, shape) = (Op::Scalar(S::Sub), node.shape.clone());
            y = self.make(op, &[y, part], shape, DType::Float);
        }
        y
    }

    /// Picking one element along `dim` of `x - l`, with `l` constant along it, is picking from `x`.
    fn gather_of_difference(&mut self, dim: usize, node: &Node) -> Option<NodeId> {
        if !node.shape[dim].is_one() {
            return None;
        }
        let difference = self.g[node.args[0]].clone();
        let (Op::Scalar(S::Sub), Op::Expand) =
            (&difference.op, &self.g[*difference.args.get(1)?].op)
        else {
            return None;
        };
        let l = self.g[difference.args[1]].args[0];
        let constant_along =
            self.g[l].shape.len() == difference.shape.len() && self.g[l].shape[dim].is_one();
        if !constant_along || self.g[l].shape != node.shape {
            return None;
        }
        let picked = self.make(
            node.op.clone(),
            &[difference.args[0], node.args[1]],
            node.shape.clone(),
            node.dtype,
        );
        Some(self.make(
            Op::Scalar(S::Sub),
            &[picked, l],
            node.shape.clone(),
            node.dtype,
        ))
    }

    /// The sum along `dim` of `where(iota == index, v, 0)`, with `index` and `v` constant along it, is
    /// `v` where the index is in range and 0 elsewhere.
    fn sum_of_pick(
        &mut self,
        kind: crate::ir::Reduce,
        dims: &[usize],
        x: NodeId,
        node: &Node,
    ) -> Option<NodeId> {
        let (crate::ir::Reduce::Sum, &[dim]) = (kind, dims) else {
            return None;
        };
        let select = &self.g[x];
        let (Op::Scalar(S::Where), &[hit, v, zero]) = (&select.op, select.args.as_slice()) else {
            return None;
        };
        if self.literal(zero) != Some(0.0) {
            return None;
        }
        let eq = &self.g[hit];
        let (Op::Scalar(S::Eq), &[position, index]) = (&eq.op, eq.args.as_slice()) else {
            return None;
        };
        if !matches!(self.g[position].op, Op::Iota { dim: d } if d == dim)
            || !self.constant_along(index, dim)
        {
            return None;
        }
        if !self.constant_along(v, dim) {
            return None;
        }
        let size = select.shape[dim].clone();
        let (v, index) = (
            self.without(v, &node.shape),
            self.without(index, &node.shape),
        );
        let (int, bool) = (DType::Int, DType::Bool);
        let zero = self.constant(Number::Int(0));
        let limit = match size.value() {
            Some(n) => self.constant(Number::Int(n)),
            None => {
                let n = self.make(Op::Size(size), &[], Vec::new(), DType::Float);
                self.make(Op::Scalar(S::Cast(int)), &[n], Vec::new(), int)
            }
        };
        let shape = node.shape.clone();
        let (low, high) = (self.expand(zero, &shape), self.expand(limit, &shape));
        let above = self.make(Op::Scalar(S::Ge), &[index, low], shape.clone(), bool);
        let below = self.make(Op::Scalar(S::Lt), &[index, high], shape.clone(), bool);
        let inside = self.make(Op::Scalar(S::And), &[above, below], shape.clone(), bool);
        let nothing = self.make(Op::Const(0.0), &[], Vec::new(), DType::Float);
        let nothing = self.expand(nothing, &shape);
        Some(self.make(
            Op::Scalar(S::Where),
            &[inside, v, nothing],
            shape,
            node.dtype,
        ))
    }

    /// A value that is constant along a dimension, in the shape without it.
    fn without(&mut self, x: NodeId, shape: &Shape) -> NodeId {
        let inner = if matches!(self.g[x].op, Op::Expand) {
            self.g[x].args[0]
        } else {
            x
        };
        match self.g[inner].shape.is_empty() {
            true => self.expand(inner, shape),
            false => self.reshape(inner, shape),
        }
    }

    /// An expand of a value of the same rank whose only repeated dimension is `dim`, or of a scalar.
    fn constant_along(&self, x: NodeId, dim: usize) -> bool {
        let node = &self.g[x];
        let Op::Expand = node.op else {
            return node.shape[dim].is_one();
        };
        let inner = &self.g[node.args[0]].shape;
        inner.is_empty()
            || (inner.len() == node.shape.len()
                && inner
                    .iter()
                    .zip(&node.shape)
                    .enumerate()
                    .all(|(d, (a, b))| if d == dim { a.is_one() } else { a == b }))
    }
}
