//! One derivative of `sum(y * conv(x, w))`, with x (N, C, H, W), w (O, C / groups, h, w) and y (N, O, H', W'): `y[n, o,
//! i] = sum over c, k of x[n, c, i * stride - padding + k * dilation] * w[o, c, k]`, with c in o's group; cells outside
//! x are left out. The node's shape gives the sizes of the result.

use super::windows::Windows;
use crate::codegen::emit::{Emit, array as sizes, call};
use crate::dim::{Dim, show_shape};
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, array};
use crate::ir::kind::{Flow, Kind, Types};
use crate::ir::operands::{Operands, ensure};
use crate::ir::{DType, Graph, NodeId};
use proc_macro2::TokenStream;
use quote::quote;

/// The argument of the form with respect to which a convolution is the derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// (x, w) to y: cross-correlation, which PyTorch calls convolution.
    Y,
    /// (y, w) to x: its adjoint, which PyTorch calls transposed convolution.
    X,
    /// (x, y) to w: the gradient of a kernel.
    W,
}

/// The kind.
#[derive(Clone, Debug)]
pub struct Conv {
    /// Which derivative.
    pub role: Role,
    /// The windows.
    pub windows: Windows,
    /// Groups of channels that are independent of each other.
    pub groups: Dim,
}

impl Conv {
    /// x, w and y, from the operands and the result.
    fn form<T: Copy>(&self, [a, b]: [T; 2], result: T) -> [T; 3] {
        match self.role {
            Role::Y => [a, b, result],
            Role::X => [result, b, a],
            Role::W => [a, result, b],
        }
    }
}

impl Kind for Conv {
    fn name(&self) -> &'static str {
        match self.role {
            Role::Y => "conv",
            Role::X => "conv_transpose",
            Role::W => "conv_weight",
        }
    }

    fn attributes(&self) -> String {
        format!(" {} groups={}", self.windows, self.groups)
    }

    fn types(&self, of: &Operands) -> Types {
        let (result, groups) = (of.own()?, &self.groups);
        let [x, w, y] = self.form([of.shape(0)?, of.shape(1)?], &result);
        let fits = [x, w, y].iter().all(|s| s.len() == 4)
            && x[0] == y[0]
            && w[0] == y[1]
            && w[1].mul(groups) == x[1];
        ensure(fits, || {
            let [x, w, y] = [x, w, y].map(|s| show_shape(s));
            format!("convolution of {x} with {w} to {y} in {groups} groups")
        })?;
        Ok(vec![(result, DType::Float)])
    }

    /// A convolution is linear in both operands, and its derivatives are the other two of its family.
    fn gradient(&self, g: &mut Graph, flow: &Flow, dy: NodeId) -> Vec<Option<NodeId>> {
        let (a, b) = (flow.args[0], flow.args[1]);
        let mut conv = |role, args: [NodeId; 2], like: NodeId| {
            let shape = g.shape(like).clone();
            let op = Conv {
                role,
                ..self.clone()
            };
            Some(g.push(op, &args, Some(shape)))
        };
        match self.role {
            // Operands (x, w), dy in place of y.
            Role::Y => vec![conv(Role::X, [dy, b], a), conv(Role::W, [a, dy], b)],
            // Operands (y, w), dy in place of x.
            Role::X => vec![conv(Role::Y, [dy, b], a), conv(Role::W, [dy, a], b)],
            // Operands (x, y), dy in place of w.
            Role::W => vec![conv(Role::X, [b, dy], a), conv(Role::Y, [a, dy], b)],
        }
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        // Operands in the order x, w, y.
        let (role, views) = match self.role {
            Role::Y => (quote!(Y), [at.x(0), at.x(1), at.y()]),
            Role::X => (quote!(X), [at.x(1), at.x(0), at.y()]),
            Role::W => (quote!(W), [at.x(0), at.x(1), at.y()]),
        };
        let [x, w, y] = self.form([at.shape(0), at.shape(1)], &at.node().shape);
        let (n, c, o) = (
            at.size(&x[0]),
            at.size(&w[1]),
            at.size(&w[0].div(&self.groups)),
        );
        let (groups, geometry) = (at.size(&self.groups), self.windows.emit(at.code));
        let (x, kernel, y) = (
            sizes(at.code, &x[2..]),
            sizes(at.code, &w[2..]),
            sizes(at.code, &y[2..]),
        );
        let convolve = quote!(Convolve {
            role: __nf::Role::#role,
            size: __nf::Convolution {
                n: #n, groups: #groups, c: #c, o: #o, x: #x, kernel: #kernel, y: #y, #geometry
            },
        });
        call(&convolve, &views)
    }

    /// All products of the form, each added at its place in the result.
    #[cfg(feature = "eval")]
    fn eval(&self, of: &Values) -> Vec<Array> {
        let (args, groups) = (&of.args, of.env.dim(&self.groups));
        let mut out = Array::new(&of.shape, |_| 0.0);
        let [x, w, y] = self.form([&args[0].shape[..], &args[1].shape[..]], &of.shape[..]);
        // Over (n, o, i, j) of y and (c, k, l) of w.
        let over = [y, &w[1..]].concat();
        let cell = |d, i: usize, k: usize| self.windows.cell(of.env, d, i, k as i64, x[2 + d]);
        for at in 0..over.iter().product() {
            let i = array::unflat(&over, at);
            let (Some(h), Some(v)) = (cell(0, i[2], i[5]), cell(1, i[3], i[6])) else {
                continue;
            };
            let channel = i[1] / (w[0] / groups) * w[1] + i[4];
            let (xi, wi, yi) = ([i[0], channel, h, v], [i[1], i[4], i[5], i[6]], &i[..4]);
            let (a, b, to) = match self.role {
                Role::Y => (&xi[..], &wi[..], yi),
                Role::X => (yi, &wi[..], &xi[..]),
                Role::W => (&xi[..], yi, &wi[..]),
            };
            out.data[array::flat(&of.shape, to)] += args[0].at(a) * args[1].at(b);
        }
        vec![out]
    }
}
