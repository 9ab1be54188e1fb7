//! Formulas of the runtime itself, written once for every device: optimizers, clipping, sums.
//!
//! A [`Formula`] is generic in the type of its values. With packs of floats it is a [`MapBody`] for the CPU. With
//! values that record how they were computed it becomes the [`Body`] that is spliced into a kernel.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::{Mutex, PoisonError};

use netform_core::{Body, Scalar, Step};

use crate::{DType, Float, Lanes, MapBody, Operand, Pack};

/// The values that formulas compute with.
pub trait Real:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// A constant.
    fn splat(x: f64) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// The larger.
    fn max(self, other: Self) -> Self;
    /// The smaller.
    fn min(self, other: Self) -> Self;
    /// -1, 0 or 1.
    fn sign(self) -> Self;
    /// This to the power of the other.
    fn pow(self, other: Self) -> Self;
}

/// Operands, scalars and results of a formula.
pub trait Reals<V> {
    /// Operand `k`.
    fn float(&self, k: usize) -> V;
    /// Scalar `k`.
    fn scalar(&self, k: usize) -> V;
    /// Sets result `k`.
    fn put_float(&mut self, k: usize, value: V);
}

/// An elementwise function of floats.
pub trait Formula: 'static {
    /// The operands, all floats.
    const INPUTS: &'static [Operand];
    /// The results' types, all floats.
    const OUTPUTS: &'static [DType];
    /// The function.
    fn compute<V: Real, L: Reals<V>>(l: &mut L);
}

impl<T: Formula> MapBody for T {
    const INPUTS: &'static [Operand] = T::INPUTS;
    const OUTPUTS: &'static [DType] = T::OUTPUTS;
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn apply<F: Float, L: Lanes<F>>(l: &mut L) {
        T::compute::<Pack<F>, L>(l);
    }
    fn body() -> Body {
        static KNOWN: Mutex<Option<HashMap<TypeId, Body>>> = Mutex::new(None);
        // The table is consistent after every statement, even if another thread has panicked.
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        *known
            .get_or_insert_default()
            .entry(TypeId::of::<T>())
            .or_insert_with(trace::<T>)
    }
}

impl<F: Float> Real for Pack<F> {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn splat(x: f64) -> Self {
        Pack::splat(x)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn sqrt(self) -> Self {
        Pack::sqrt(self)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn abs(self) -> Self {
        Pack::abs(self)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn max(self, other: Self) -> Self {
        Pack::max(self, other)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn min(self, other: Self) -> Self {
        Pack::min(self, other)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn sign(self) -> Self {
        Pack::sign(self)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn pow(self, other: Self) -> Self {
        Pack::pow(self, other)
    }
}

impl<F: Float, L: Lanes<F>> Reals<Pack<F>> for L {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn float(&self, k: usize) -> Pack<F> {
        Lanes::float(self, k)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn scalar(&self, k: usize) -> Pack<F> {
        Lanes::scalar(self, k)
    }
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn put_float(&mut self, k: usize, value: Pack<F>) {
        Lanes::put_float(self, k, value);
    }
}

thread_local! {
    /// The steps of the formula that this thread is tracing.
    static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
}

/// A value, as the number of the step that computes it.
#[derive(Clone, Copy)]
struct Traced(usize);

impl Traced {
    /// The value of a step. The step is added if it is new.
    fn of(step: Step) -> Self {
        STEPS.with_borrow_mut(|steps| {
            let known = steps.iter().position(|s| *s == step);
            Traced(known.unwrap_or_else(|| {
                steps.push(step);
                steps.len() - 1
            }))
        })
    }
    /// A function of values. Its list of operands lives as long as the program, as the formula does.
    fn apply(f: Scalar, args: &[Traced]) -> Self {
        let args: Vec<usize> = args.iter().map(|t| t.0).collect();
        Self::of(Step::Apply(f, args.leak()))
    }
}

macro_rules! operator {
    ($($trait:ident $method:ident,)*) => {$(
        impl $trait for Traced {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                Self::apply(Scalar::$trait, &[self, other])
            }
        }
    )*};
}
operator!(Add add, Sub sub, Mul mul, Div div,);

impl Neg for Traced {
    type Output = Self;
    fn neg(self) -> Self {
        Self::apply(Scalar::Neg, &[self])
    }
}

impl Real for Traced {
    fn splat(x: f64) -> Self {
        Self::of(Step::Const(DType::Float, (x as f32).to_bits().into()))
    }
    fn sqrt(self) -> Self {
        Self::apply(Scalar::Sqrt, &[self])
    }
    fn abs(self) -> Self {
        Self::apply(Scalar::Abs, &[self])
    }
    fn max(self, other: Self) -> Self {
        Self::apply(Scalar::Max, &[self, other])
    }
    fn min(self, other: Self) -> Self {
        Self::apply(Scalar::Min, &[self, other])
    }
    fn sign(self) -> Self {
        Self::apply(Scalar::Sign, &[self])
    }
    fn pow(self, other: Self) -> Self {
        Self::apply(Scalar::Pow, &[self, other])
    }
}

/// The results of a traced formula.
struct Results(Vec<usize>);

impl Reals<Traced> for Results {
    fn float(&self, k: usize) -> Traced {
        Traced::of(Step::Load(k))
    }
    fn scalar(&self, k: usize) -> Traced {
        Traced::of(Step::Scalar(k))
    }
    fn put_float(&mut self, k: usize, value: Traced) {
        self.0[k] = value.0;
    }
}

/// The formula as data.
fn trace<T: Formula>() -> Body {
    STEPS.with_borrow_mut(Vec::clear);
    let mut results = Results(vec![0; T::OUTPUTS.len()]);
    T::compute::<Traced, _>(&mut results);
    Body {
        inputs: T::INPUTS,
        steps: STEPS.take().leak(),
        results: results.0.leak(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Inner;

    struct Halved;

    impl Formula for Halved {
        const INPUTS: &'static [Operand] = &[Operand::new(DType::Float, Inner::One); 2];
        const OUTPUTS: &'static [DType] = &[DType::Float; 2];
        fn compute<V: Real, L: Reals<V>>(l: &mut L) {
            let x = l.float(0) * V::splat(0.5);
            let y = (x - l.float(1)).abs().max(l.scalar(0));
            l.put_float(1, x);
            l.put_float(0, -y);
        }
    }

    #[test]
    fn a_formula_is_traced_once() {
        let body = Halved::body();
        let half = 0.5f32.to_bits().into();
        assert_eq!(
            body.steps,
            [
                Step::Load(0),
                Step::Const(DType::Float, half),
                Step::Apply(Scalar::Mul, &[0, 1]),
                Step::Load(1),
                Step::Apply(Scalar::Sub, &[2, 3]),
                Step::Apply(Scalar::Abs, &[4]),
                Step::Scalar(0),
                Step::Apply(Scalar::Max, &[5, 6]),
                Step::Apply(Scalar::Neg, &[7]),
            ]
        );
        assert_eq!(body.results, [8, 2]);
        assert!(std::ptr::eq(body.steps, Halved::body().steps));
    }
}
