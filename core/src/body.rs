//! Fused elementwise functions as data: the macro emits one beside each Rust closure, so that a device can splice the
//! same function into a kernel.
//!
//! Example, for `y = sigmoid(x + b)`:
//!
//! ```
//! use netform_core::{Body, DType, Inner, Operand, Scalar, Step};
//! static BODY: Body = Body {
//!     inputs: &[Operand::new(DType::Float, Inner::One), Operand::new(DType::Float, Inner::One)],
//!     steps: &[
//!         Step::Load(0),
//!         Step::Load(1),
//!         Step::Apply(Scalar::Add, &[0, 1]),
//!         Step::Apply(Scalar::Sigmoid, &[2]),
//!     ],
//!     results: &[3],
//! };
//! assert_eq!(BODY.dtype(3), DType::Float);
//! ```

use crate::{DType, Scalar, Typing};

/// The stride of an operand along the innermost dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inner {
    /// One element for the whole row.
    Zero,
    /// Neighbours in memory.
    One,
    /// Any stride, given in the call.
    Many,
}

/// An operand of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// The element type.
    pub ty: DType,
    /// The stride along the innermost dimension, as declared when the network was compiled. CUDA kernels use the
    /// strides of the call instead.
    pub inner: Inner,
    /// The value is `start + strides . position`: nothing is read.
    pub iota: bool,
}

impl Operand {
    /// An operand in memory.
    pub const fn new(ty: DType, inner: Inner) -> Self {
        Self {
            ty,
            inner,
            iota: false,
        }
    }

    /// An operand computed from its position.
    pub const fn iota(inner: Inner) -> Self {
        Self {
            ty: DType::Int,
            inner,
            iota: true,
        }
    }
}

/// One step of a body. Later steps refer to its value by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Operand k.
    Load(usize),
    /// Scalar k of the call, a float.
    Scalar(usize),
    /// A constant: the bits of the f32, of the i64, or 0 and 1.
    Const(DType, u64),
    /// A function of the values of earlier steps.
    Apply(Scalar, &'static [usize]),
}

/// A fused elementwise function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// The operands, in the order of the call.
    pub inputs: &'static [Operand],
    /// The computation, in order.
    pub steps: &'static [Step],
    /// The steps that are results, in the order of the call.
    pub results: &'static [usize],
}

impl Body {
    /// `y = x`: the epilogue of a product without one, and the prologue of a plain reduction.
    pub const IDENTITY: Body = Body {
        inputs: &[Operand::new(DType::Float, Inner::One)],
        steps: &[Step::Load(0)],
        results: &[0],
    };

    /// The type of a step's value; `Float` if there is no such step.
    pub fn dtype(&self, step: usize) -> DType {
        let mut at = step;
        // Each iteration goes to an earlier step.
        loop {
            let Some(step) = self.steps.get(at) else {
                return DType::Float;
            };
            let next = match step {
                Step::Load(k) => return self.inputs.get(*k).map_or(DType::Float, |o| o.ty),
                Step::Scalar(_) => return DType::Float,
                Step::Const(ty, _) => return *ty,
                Step::Apply(f, args) => match f.typing() {
                    Typing::Float => return DType::Float,
                    Typing::Compare | Typing::Logic => return DType::Bool,
                    Typing::Cast(ty) => return ty,
                    Typing::Number => args.first(),
                    Typing::Select => args.get(1),
                },
            };
            match next {
                Some(next) if *next < at => at = *next,
                _ => return DType::Float,
            }
        }
    }

    /// The types of the results.
    pub fn outputs(&self) -> impl Iterator<Item = DType> + '_ {
        self.results.iter().map(|r| self.dtype(*r))
    }

    /// The number of scalars in the call.
    pub fn scalars(&self) -> usize {
        let count = |s: &Step| match s {
            Step::Scalar(k) => k + 1,
            _ => 0,
        };
        self.steps.iter().map(count).max().unwrap_or(0)
    }

    /// Whether every reference is to an earlier step or an existing operand, and every function has its number of
    /// operands.
    pub fn well_formed(&self) -> bool {
        let step = |(i, s): (usize, &Step)| match s {
            Step::Load(k) => *k < self.inputs.len(),
            Step::Apply(f, args) => args.len() == f.arity() && args.iter().all(|a| *a < i),
            _ => true,
        };
        self.steps.iter().enumerate().all(step)
            && self.results.iter().all(|r| *r < self.steps.len())
    }
}
