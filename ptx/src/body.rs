//! Fused elementwise bodies as data: what the macro emits beside the Rust closure, so that the
//! same function can be spliced into a kernel.
//!
//! Example, for `y = sigmoid(x + b)`:
//!
//! ```
//! use netform_ptx::{Body, Fn, Inner, Operand, Step, Type};
//! static BODY: Body = Body {
//!     inputs: &[Operand::new(Type::Float, Inner::One), Operand::new(Type::Float, Inner::One)],
//!     steps: &[
//!         Step::Load(0),
//!         Step::Load(1),
//!         Step::Apply(Fn::Add, &[0, 1]),
//!         Step::Apply(Fn::Sigmoid, &[2]),
//!     ],
//!     results: &[3],
//! };
//! assert_eq!(BODY.types(), [Type::Float; 4]);
//! ```

use crate::{Fn, Typing};

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// f32.
    Float,
    /// i32.
    Int,
    /// u8, 0 or 1.
    Bool,
}

impl Type {
    /// Bytes in memory.
    pub const fn size(self) -> usize {
        match self {
            Type::Float | Type::Int => 4,
            Type::Bool => 1,
        }
    }
}

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
    pub ty: Type,
    /// The stride along the innermost dimension, as declared when the network was compiled. The
    /// kernels look at the strides of the call instead.
    pub inner: Inner,
    /// The value is `start + strides . position`: nothing is read.
    pub iota: bool,
}

impl Operand {
    /// An operand in memory.
    pub const fn new(ty: Type, inner: Inner) -> Self {
        Self {
            ty,
            inner,
            iota: false,
        }
    }

    /// An operand computed from its position.
    pub const fn iota(inner: Inner) -> Self {
        Self {
            ty: Type::Int,
            inner,
            iota: true,
        }
    }
}

/// One step of a body; its value is known by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Operand k.
    Load(usize),
    /// Scalar k of the call, a float.
    Scalar(usize),
    /// A constant: the bits of the f32, of the i32, or 0 and 1.
    Const(Type, u32),
    /// A function of the values of earlier steps.
    Apply(Fn, &'static [usize]),
}

/// A fused elementwise function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// The operands, in the order of the call.
    pub inputs: &'static [Operand],
    /// What is computed, in order.
    pub steps: &'static [Step],
    /// The steps that are results, in the order of the call.
    pub results: &'static [usize],
}

impl Body {
    /// `y = x`: the epilogue of a product that has none, the prologue of a plain reduction.
    pub const IDENTITY: Body = Body {
        inputs: &[Operand::new(Type::Float, Inner::One)],
        steps: &[Step::Load(0)],
        results: &[0],
    };

    /// The type of each step's value.
    pub fn types(&self) -> Vec<Type> {
        let mut types: Vec<Type> = Vec::with_capacity(self.steps.len());
        let of = |types: &[Type], k: Option<&usize>| {
            k.and_then(|k| types.get(*k))
                .copied()
                .unwrap_or(Type::Float)
        };
        for step in self.steps {
            let ty = match step {
                Step::Load(k) => self.inputs.get(*k).map_or(Type::Float, |o| o.ty),
                Step::Scalar(_) => Type::Float,
                Step::Const(ty, _) => *ty,
                Step::Apply(f, args) => match f.typing() {
                    Typing::Float => Type::Float,
                    Typing::Number => of(&types, args.first()),
                    Typing::Compare | Typing::Logic => Type::Bool,
                    Typing::Select => of(&types, args.get(1)),
                    Typing::Cast(ty) => ty,
                },
            };
            types.push(ty);
        }
        types
    }

    /// The types of the results.
    pub fn outputs(&self) -> Vec<Type> {
        let types = self.types();
        let of = |r: &usize| types.get(*r).copied().unwrap_or(Type::Float);
        self.results.iter().map(of).collect()
    }

    /// How many scalars the call brings.
    pub fn scalars(&self) -> usize {
        let count = |s: &Step| match s {
            Step::Scalar(k) => k + 1,
            _ => 0,
        };
        self.steps.iter().map(count).max().unwrap_or(0)
    }

    /// Whether every reference is to an earlier step, an operand that exists, and a function's
    /// number of operands is right.
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
