//! Functions of integers whose result may not fit in 64 bits: then the run ends in an error.

use crate::codegen::emit::{Emit, axis, call_at, combiner, variant, written};
use crate::dim::numel;
#[cfg(feature = "eval")]
use crate::eval::{Array, Values, reduce::reduce, rows};
use crate::ir::kind::{Kind, Types};
use crate::ir::operands::{Operands, ensure};
use crate::ir::{DType, Reduce};
use netform_core::Combiner;
use proc_macro2::TokenStream;
use quote::quote;

/// The functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Integers {
    /// Sum of two values of one shape.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// From floats, towards zero.
    Cast,
    /// Reduction along `dim`, which vanishes.
    Reduce {
        /// The kind of reduction.
        kind: Reduce,
        /// Which dimension.
        dim: usize,
    },
    /// Running results along `dim`.
    Running {
        /// How values are combined.
        how: Combiner,
        /// Which dimension.
        dim: usize,
    },
}

/// The kind.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The function.
    pub f: Integers,
    /// The value, for messages.
    pub what: String,
}

impl Kind for Checked {
    fn name(&self) -> &'static str {
        match self.f {
            Integers::Add => "add",
            Integers::Sub => "sub",
            Integers::Mul => "mul",
            Integers::Cast => "to_ints",
            Integers::Reduce { kind, .. } => kind.name(),
            Integers::Running {
                how: Combiner::Sum, ..
            } => "cumsum",
            Integers::Running { .. } => "running",
        }
    }

    fn attributes(&self) -> String {
        match self.f {
            Integers::Running { how, dim } if how != Combiner::Sum => {
                format!(" {} dim={dim}", how.name())
            }
            Integers::Reduce { dim, .. } | Integers::Running { dim, .. } => format!(" dim={dim}"),
            _ => String::new(),
        }
    }

    fn types(&self, x: &Operands) -> Types {
        let from = match self.f {
            Integers::Cast => DType::Float,
            _ => DType::Int,
        };
        let pair = matches!(self.f, Integers::Add | Integers::Sub | Integers::Mul);
        let alike = (0..x.args.len()).all(|k| x.dtype(k) == from && x.shape(k) == x.shape(0));
        ensure(alike && x.args.len() == 1 + usize::from(pair), || {
            "operands of integers".into()
        })?;
        let shape = match self.f {
            Integers::Reduce { dim, .. } => x.without(dim)?,
            Integers::Running { dim, .. } => {
                x.without(dim)?;
                x.shape(0)?.clone()
            }
            _ => x.shape(0)?.clone(),
        };
        Ok(vec![(shape, DType::Int)])
    }

    fn emit(&self, at: &Emit) -> TokenStream {
        let len = at.size(&numel(&at.node().shape));
        let f = match self.f {
            Integers::Add => quote!(Add(#len)),
            Integers::Sub => quote!(Sub(#len)),
            Integers::Mul => quote!(Mul(#len)),
            Integers::Cast => quote!(Cast(#len)),
            Integers::Reduce { kind, dim } => {
                let (kind, axis) = (variant(kind), axis(at.code, at.shape(0), dim));
                quote!(Reduce(__nf::Combiner::#kind, #axis))
            }
            Integers::Running { how, dim } => {
                let (how, axis) = (combiner(how), axis(at.code, at.shape(0), dim));
                quote!(Running(#how, #axis))
            }
        };
        // A function of one value reads it as both operands.
        let (a, b, y) = (at.x(0), at.x(at.node().args.len() - 1), at.y());
        let what = written(at.code, at.node(), &self.what);
        let call = quote!(Integers(__nf::Integers::#f));
        call_at(&call, &[a, b, y], &what)
    }

    #[cfg(feature = "eval")]
    fn eval(&self, x: &Values) -> Vec<Array> {
        let a = x.args[0];
        let pair =
            |f: fn(f64, f64) -> f64| Array::new(&x.shape, |i| f(a.data[i], x.args[1].data[i]));
        vec![match self.f {
            Integers::Add => pair(|a, b| a + b),
            Integers::Sub => pair(|a, b| a - b),
            Integers::Mul => pair(|a, b| a * b),
            Integers::Cast => Array::new(&x.shape, |i| a.data[i].trunc()),
            Integers::Reduce { kind, dim } => reduce(kind, a, &[dim], &x.shape, |x| x),
            Integers::Running { how, dim } => {
                rows::along(a, dim, &x.shape, |row| rows::running(how, row.iter()))
            }
        }]
    }
}
