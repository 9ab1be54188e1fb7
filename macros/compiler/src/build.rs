//! Building a graph: one small method for each op, shapes inferred.
//!
//! A builder call with operands that do not fit is a bug in its caller (`ops`, `layers`, a gradient rule or a pass), so
//! it panics; the macro's shell turns that into a message that asks for a bug report.

use crate::dim::{Dim, Shape};
use crate::infer::infer;
use crate::ir::kind::Kind;
use crate::ir::operands::Operands;
use crate::ir::{DType, Graph, Map, Node, NodeId, Op, Reduce};
use crate::kinds::log_sum_exp::LogSumExp;
use crate::kinds::softmax::Softmax;
use crate::real::Real;
use crate::scalar::Scalar;
use netform_core::Number;

impl Graph {
    /// Adds a node whose shape follows from its operands, or is `shape`.
    pub fn push(&mut self, op: impl Into<Op>, args: &[NodeId], shape: Option<Shape>) -> NodeId {
        let op = op.into();
        match infer(self, &op, args, shape.as_ref()) {
            Ok((shape, dtype)) => self.add_typed(op, args, shape, dtype),
            Err(why) => panic!("a pass built an ill-formed node: {why}"),
        }
    }

    /// Adds a node of a given type.
    pub fn add_typed(&mut self, op: Op, args: &[NodeId], shape: Shape, dtype: DType) -> NodeId {
        let (span, name) = (self.here.span, self.here.name.clone());
        self.add(Node {
            op,
            args: args.to_vec(),
            shape,
            dtype,
            more_results: Vec::new(),
            span,
            name,
        })
    }

    /// A rank-0 float.
    pub fn constant(&mut self, value: f64) -> NodeId {
        self.push(Op::Const(value), &[], None)
    }

    /// A rank-0 integer.
    pub fn whole(&mut self, value: i128) -> NodeId {
        self.push(Op::Whole(value), &[], None)
    }

    /// A number in a given shape and type. An integer must be exact as a float.
    pub fn full(&mut self, value: f64, dtype: DType, shape: &Shape) -> NodeId {
        let c = match dtype {
            DType::Int => self.whole(value as i128),
            _ => self.add_typed(Op::Const(value), &[], Vec::new(), dtype),
        };
        self.expand(c, shape)
    }

    /// An exact number in a given shape.
    pub fn filled(&mut self, value: Number, shape: &Shape) -> NodeId {
        match value {
            Number::Float(v) => self.full(v, DType::Float, shape),
            Number::Bool(v) => self.full(f64::from(u8::from(v)), DType::Bool, shape),
            Number::Int(v) => {
                let c = self.whole(v.into());
                self.expand(c, shape)
            }
        }
    }

    /// A dimension as a float.
    pub fn size(&mut self, dim: &Dim) -> NodeId {
        match dim.value() {
            Some(v) => self.constant(v as f64),
            None => self.push(Op::Size(dim.clone()), &[], None),
        }
    }

    /// A dimension as an integer.
    pub fn whole_size(&mut self, dim: &Dim) -> NodeId {
        match dim.value() {
            Some(v) => self.whole(v.into()),
            None => self.add_typed(Op::Size(dim.clone()), &[], Vec::new(), DType::Int),
        }
    }

    /// The index along a dimension.
    pub fn iota(&mut self, shape: &Shape, dim: usize) -> NodeId {
        self.push(Op::Iota { dim }, &[], Some(shape.clone()))
    }

    /// `x` broadcast to `shape`, or `x` itself if it already has that shape.
    pub fn expand(&mut self, x: NodeId, shape: &Shape) -> NodeId {
        if self.shape(x) == shape {
            x
        } else {
            self.push(Op::Expand, &[x], Some(shape.clone()))
        }
    }

    /// The same elements in another shape.
    pub fn reshape(&mut self, x: NodeId, shape: &Shape) -> NodeId {
        if self.shape(x) == shape {
            x
        } else {
            self.push(Op::Reshape, &[x], Some(shape.clone()))
        }
    }

    /// A new dimension of 1 at `dim`.
    pub fn unsqueeze(&mut self, x: NodeId, dim: usize) -> NodeId {
        let mut shape = self.shape(x).clone();
        shape.insert(dim, Dim::one());
        self.reshape(x, &shape)
    }

    /// Dimensions in another order.
    pub fn permute(&mut self, x: NodeId, dims: &[usize]) -> NodeId {
        if dims.iter().copied().eq(0..dims.len()) {
            return x;
        }
        self.push(Op::Permute(dims.to_vec()), &[x], None)
    }

    /// The last two dimensions exchanged.
    pub fn transpose_last(&mut self, x: NodeId) -> NodeId {
        let rank = self.shape(x).len();
        let mut dims: Vec<usize> = (0..rank).collect();
        dims.swap(rank - 2, rank - 1);
        self.permute(x, &dims)
    }

    /// A scalar function of values already in one shape.
    pub fn scalar(&mut self, f: Scalar, args: &[NodeId]) -> NodeId {
        self.push(Op::Scalar(f), args, None)
    }

    /// A scalar function of one value.
    pub fn unary(&mut self, f: Scalar, x: NodeId) -> NodeId {
        self.scalar(f, &[x])
    }

    /// A scalar function of values that are broadcast to the first operand's shape.
    pub fn binary(&mut self, f: Scalar, x: NodeId, y: NodeId) -> NodeId {
        let shape = if self.shape(x).len() >= self.shape(y).len() {
            self.shape(x)
        } else {
            self.shape(y)
        }
        .clone();
        let (x, y) = (self.expand(x, &shape), self.expand(y, &shape));
        self.scalar(f, &[x, y])
    }

    /// Sum of two values of one shape (or one a scalar).
    pub fn add2(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.binary(Scalar::Add, x, y)
    }

    /// Difference.
    pub fn sub2(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.binary(Scalar::Sub, x, y)
    }

    /// Product.
    pub fn mul2(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.binary(Scalar::Mul, x, y)
    }

    /// Quotient.
    pub fn div2(&mut self, x: NodeId, y: NodeId) -> NodeId {
        self.binary(Scalar::Div, x, y)
    }

    /// Product with a number.
    pub fn scale(&mut self, x: NodeId, by: f64) -> NodeId {
        let c = self.constant(by);
        self.mul2(x, c)
    }

    /// A number, known or not.
    pub fn real(&mut self, number: &Real) -> NodeId {
        match number {
            Real::Known(v) => self.constant(*v),
            Real::Rust(d) => self.size(d),
        }
    }

    /// Product with a number, known or not.
    pub fn scale_by(&mut self, x: NodeId, by: &Real) -> NodeId {
        let c = self.real(by);
        self.mul2(x, c)
    }

    /// Sum with a number, known or not.
    pub fn shift_by(&mut self, x: NodeId, by: &Real) -> NodeId {
        let c = self.real(by);
        self.add2(x, c)
    }

    /// Sum with a number.
    pub fn shift(&mut self, x: NodeId, by: f64) -> NodeId {
        let c = self.constant(by);
        self.add2(x, c)
    }

    /// `-x`.
    pub fn neg(&mut self, x: NodeId) -> NodeId {
        self.unary(Scalar::Neg, x)
    }

    /// `x` where `cond` holds, else `y`, all broadcast to `x`'s or `cond`'s shape.
    pub fn select(&mut self, cond: NodeId, x: NodeId, y: NodeId) -> NodeId {
        let shape = self.shape(cond).clone();
        let (x, y) = (self.expand(x, &shape), self.expand(y, &shape));
        self.scalar(Scalar::Where, &[cond, x, y])
    }

    /// Another element type.
    pub fn cast(&mut self, x: NodeId, to: DType) -> NodeId {
        if self[x].dtype == to {
            x
        } else {
            self.unary(Scalar::Cast(to), x)
        }
    }

    /// A reduction; over no dimension it is `x` itself.
    pub fn reduce(&mut self, kind: Reduce, x: NodeId, dims: &[usize]) -> NodeId {
        if dims.is_empty() {
            return x;
        }
        self.push(
            Op::Reduce {
                kind,
                dims: dims.to_vec(),
                body: None,
            },
            &[x],
            None,
        )
    }

    /// A mean and its rounding error.
    pub fn mean_and_rest(&mut self, x: NodeId, dims: &[usize]) -> [NodeId; 2] {
        let kind = Reduce::Mean;
        let op = Op::Reduce {
            kind,
            dims: dims.to_vec(),
            body: None,
        };
        let y = self.push(op, &[x], None);
        let rest = (self.shape(y).clone(), self[y].dtype);
        self.nodes[y.index()].more_results = vec![rest];
        [y, self.push(Op::Get(1), &[y], None)]
    }

    /// `log(sum(exp(x)))` along `dim` in its two parts.
    pub fn log_sum_exp(&mut self, x: NodeId, dim: usize) -> [NodeId; 2] {
        let parts = self.kernel(LogSumExp { dim }, &[x], None);
        [parts[0], parts[1]]
    }

    /// A sum.
    pub fn sum(&mut self, x: NodeId, dims: &[usize]) -> NodeId {
        self.reduce(Reduce::Sum, x, dims)
    }

    /// Softmax along the last dimension. A row of only minus infinity gives zeros, and no gradient.
    pub fn softmax_or_zero(&mut self, x: NodeId) -> NodeId {
        let shape = self.shape(x).clone();
        let dim = shape.len() - 1;
        let top = self.reduce(Reduce::Max, x, &[dim]);
        let top = self.unreduce(top, &[dim], &shape);
        let low = self.full(f64::NEG_INFINITY, DType::Float, &shape);
        let empty = self.scalar(Scalar::Le, &[top, low]);
        let zero = self.full(0.0, DType::Float, &shape);
        let x = self.scalar(Scalar::Where, &[empty, zero, x]);
        let y = self.push(Softmax { log: false, dim }, &[x], None);
        self.scalar(Scalar::Where, &[empty, zero, y])
    }

    /// A value reduced over `dims`, broadcast back to the shape before: each vanished dimension repeats.
    pub fn unreduce(&mut self, y: NodeId, dims: &[usize], shape: &Shape) -> NodeId {
        let kept: Shape = shape
            .iter()
            .enumerate()
            .map(|(i, d)| {
                if dims.contains(&i) {
                    Dim::one()
                } else {
                    d.clone()
                }
            })
            .collect();
        let y = self.reshape(y, &kept);
        self.expand(y, shape)
    }

    /// A matrix product.
    pub fn matmul(&mut self, a: NodeId, b: NodeId, ta: bool, tb: bool) -> NodeId {
        self.push(
            Op::MatMul {
                ta,
                tb,
                epilogue: None,
            },
            &[a, b],
            None,
        )
    }

    /// A node of several results; returns all of them.
    pub fn add_many(&mut self, op: Op, args: &[NodeId], types: &[(Shape, DType)]) -> Vec<NodeId> {
        let Some((first, also)) = types.split_first() else {
            return Vec::new();
        };
        let id = self.add_typed(op, args, first.0.clone(), first.1);
        let index = id.index();
        self.nodes[index].more_results = also.to_vec();
        let mut out = vec![id];
        for k in 1..types.len() {
            out.push(self.push(Op::Get(k), &[id], None));
        }
        out
    }

    /// A node that a kernel computes; returns its results. `shape` is the node's own, if the kind carries it.
    pub fn kernel(
        &mut self,
        kind: impl Kind,
        args: &[NodeId],
        shape: Option<Shape>,
    ) -> Vec<NodeId> {
        let (graph, want) = (&*self, shape.as_ref());
        match kind.types(&Operands { graph, args, want }) {
            Ok(types) => self.add_many(kind.into(), args, &types),
            Err(why) => panic!("a pass built an ill-formed node: {why}"),
        }
    }

    /// A fused map; returns its results.
    pub fn map(&mut self, map: Map, args: &[NodeId], shape: &Shape) -> Vec<NodeId> {
        let types: Vec<_> = map
            .results
            .iter()
            .map(|r| (shape.clone(), map.types[*r]))
            .collect();
        self.add_many(Op::Map(Box::new(map)), args, &types)
    }
}
