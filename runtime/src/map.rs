//! Fused elementwise maps: the trait that the macro implements once for each distinct map.
//!
//! A body reads its operands in packs of [`LANES`](crate::lanes::LANES) consecutive elements, computes, and writes its
//! results. The macro's output for `y = sigmoid(x + b)`, as an example:
//!
//! ```text
//! struct Map0;
//! impl MapBody for Map0 {
//!     const INPUTS: &'static [Operand] =
//!         &[Operand::new(DType::Float, Inner::One), Operand::new(DType::Float, Inner::One)];
//!     const OUTPUTS: &'static [DType] = &[DType::Float];
//!     #[cfg_attr(not(debug_assertions), inline(always))]
//!     fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
//!         let v0 = l.float(0);
//!         let v1 = l.float(1);
//!         let v2 = v0 + v1;
//!         let v3 = v2.sigmoid();
//!         l.put_float(0, v3);
//!     }
//!     fn body() -> Body {
//!         const STEPS: &[Step] = &[
//!             Step::Load(0),
//!             Step::Load(1),
//!             Step::Apply(Scalar::Add, &[0, 1]),
//!             Step::Apply(Scalar::Sigmoid, &[2]),
//!         ];
//!         Body { inputs: Self::INPUTS, steps: STEPS, results: &[3] }
//!     }
//! }
//! ```

use netform_core::Body;

use crate::{DType, Float, Ints, Mask, Pack};

pub use netform_core::{Inner, Operand};

/// Reads and writes of one pack of consecutive elements; `k` is always a literal.
pub trait Lanes<F: Float> {
    /// Operand `k`, a float.
    fn float(&self, k: usize) -> Pack<F>;
    /// Operand `k`, an integer or an iota.
    fn int(&self, k: usize) -> Ints;
    /// Operand `k`, a boolean.
    fn mask(&self, k: usize) -> Mask;
    /// Scalar `k` of the call, in every lane.
    fn scalar(&self, k: usize) -> Pack<F>;
    /// Writes result `k`.
    fn put_float(&mut self, k: usize, value: Pack<F>);
    /// Writes result `k`.
    fn put_int(&mut self, k: usize, value: Ints);
    /// Writes result `k`.
    fn put_mask(&mut self, k: usize, value: Mask);
}

/// A fused elementwise function.
pub trait MapBody: 'static {
    /// The operands, in the order of the call.
    const INPUTS: &'static [Operand];
    /// The results' types, in the order of the call.
    const OUTPUTS: &'static [DType];
    /// The function does nothing: a product without an epilogue.
    const IDENTITY: bool = false;
    /// Computes one pack of lanes.
    fn apply<F: Float, L: Lanes<F>>(l: &mut L);
    /// The same function as data, for devices that compose their kernels.
    fn body() -> Body;
}

/// `y = x`: the epilogue of a product without one, and the prologue of a plain reduction.
pub struct Identity;

impl MapBody for Identity {
    const INPUTS: &'static [Operand] = &[Operand::new(DType::Float, Inner::One)];
    const OUTPUTS: &'static [DType] = &[DType::Float];
    const IDENTITY: bool = true;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let x = l.float(0);
        l.put_float(0, x);
    }
    fn body() -> Body {
        Body::IDENTITY
    }
}

/// `y = x` of integers.
pub(crate) struct SameInt;

impl MapBody for SameInt {
    const INPUTS: &'static [Operand] = &[Operand::new(DType::Int, Inner::One)];
    const OUTPUTS: &'static [DType] = &[DType::Int];
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let x = l.int(0);
        l.put_int(0, x);
    }
    fn body() -> Body {
        Body {
            inputs: Self::INPUTS,
            ..Body::IDENTITY
        }
    }
}

/// `y = x` of booleans.
pub(crate) struct SameBool;

impl MapBody for SameBool {
    const INPUTS: &'static [Operand] = &[Operand::new(DType::Bool, Inner::One)];
    const OUTPUTS: &'static [DType] = &[DType::Bool];
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        let x = l.mask(0);
        l.put_mask(0, x);
    }
    fn body() -> Body {
        Body {
            inputs: Self::INPUTS,
            ..Body::IDENTITY
        }
    }
}
