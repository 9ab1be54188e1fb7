//! A rule's formula, kept until it runs: a rule calls [`Update::with`], which sets a [`Call`].

use std::any::TypeId;
use std::marker::PhantomData;

use crate::cpu::SCALARS;
use crate::device::{Addr, Operand};
use crate::map;
use crate::{DType, Device, Float, Formula, Inner, OptimizerProblem, Real, Reals};

/// The maximum number of moments of a rule.
pub(super) const MOMENTS: usize = 3;
/// The maximum number of scalars of a formula, without those of clipping.
const OWN: usize = SCALARS - 2;

/// A step of one element. It must not panic: an interrupted step leaves the network [poisoned](crate::Error::Poisoned).
pub trait StepFormula<const MOMENTS: usize, const SCALARS: usize>: 'static {
    /// The next value and moments of an element, from its value, its gradient (clipped, and negated if the optimizer
    /// maximizes), its moments and the scalars of the step. If all of them are zero, the result does not matter: such
    /// elements are padding between parameters, which is never read.
    fn step<V: Real>(
        param: V,
        grad: V,
        moments: [V; MOMENTS],
        scalars: [V; SCALARS],
    ) -> (V, [V; MOMENTS]);
}

/// A formula as a map: operand 0 is the parameter, 1 the gradient, the others moments. Results are the parameter and
/// the moments, in place. Scalars 0 and 1 are those of clipping, the rest are the rule's.
struct Map<T, const M: usize, const S: usize>(PhantomData<T>);

impl<T: StepFormula<M, S>, const M: usize, const S: usize> Formula for Map<T, M, S> {
    const INPUTS: &'static [map::Operand] = operands(2 + M);
    const OUTPUTS: &'static [DType] = results(1 + M);
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn compute<V: Real, L: Reals<V>>(l: &mut L) {
        let limit = l.scalar(1);
        let grad = (l.float(1) * l.scalar(0))
            .min(limit)
            .max(V::splat(0.0) - limit);
        let moments = std::array::from_fn(|k| l.float(2 + k));
        let scalars = std::array::from_fn(|k| l.scalar(2 + k));
        let (param, moments) = T::step(l.float(0), grad, moments, scalars);
        l.put_float(0, param);
        for (k, moment) in moments.into_iter().enumerate() {
            l.put_float(1 + k, moment);
        }
    }
}

/// `n` operands or results, all float and contiguous.
pub(super) const fn operands(n: usize) -> &'static [map::Operand] {
    const ALL: [map::Operand; 2 + MOMENTS] =
        [map::Operand::new(DType::Float, Inner::One); 2 + MOMENTS];
    ALL.split_at(n).0
}

/// `n` float results.
pub(super) const fn results(n: usize) -> &'static [DType] {
    const ALL: [DType; 1 + MOMENTS] = [DType::Float; 1 + MOMENTS];
    ALL.split_at(n).0
}

/// Parameter, gradient, and the moments that a formula names, in its order. As numbers, so that they may be sent to
/// other threads.
pub(super) type Addrs = [usize; 2 + MOMENTS];

/// A map over `len` elements at these addresses, with scalars that lie on the device.
type Run<D> = unsafe fn(device: &D, len: usize, addrs: &Addrs, scalars: Addr);

/// A chosen formula, ready to run.
pub(super) struct Call<D> {
    run: Run<D>,
    /// Identifies the formula.
    pub(super) id: TypeId,
    pub(super) addrs: Addrs,
    pub(super) len: usize,
    /// The optimizer maximizes.
    pub(super) up: bool,
}

impl<D> Call<D> {
    /// Runs the formula.
    ///
    /// # Safety
    /// The addresses begin `len` floats each, in buffers of the device that are alive and that nothing else uses now;
    /// at `scalars` lie [`SCALARS`] floats.
    pub(super) unsafe fn run(&self, device: &D, scalars: Addr) {
        // SAFETY: the caller's.
        unsafe { (self.run)(device, self.len, &self.addrs, scalars) }
    }
}

/// # Safety
/// That of [`Call::run`]; `I` is `2 + M`, and `O` is `1 + M`.
unsafe fn run<T, D, const M: usize, const S: usize, const I: usize, const O: usize>(
    device: &D,
    len: usize,
    addrs: &Addrs,
    scalars: Addr,
) where
    T: StepFormula<M, S>,
    D: Device,
{
    let at = |k: usize| std::ptr::with_exposed_provenance_mut(addrs[k]);
    let operand = |k| Operand {
        addr: at(k),
        start: 0,
        strides: [1],
    };
    let inputs: [Operand<1>; I] = std::array::from_fn(operand);
    let outputs = std::array::from_fn(|k| at(if k == 0 { 0 } else { k + 1 }));
    let scalars = (scalars, 2 + S);
    // SAFETY: the caller's; every output is exactly one of the inputs, and distinct from the others.
    unsafe { device.map_guarded::<Map<T, M, S>, 1, I, O>([len], inputs, outputs, scalars) };
}

/// A rule passes its formula to this. Formulas take at most three moments and fourteen scalars.
pub struct Update<'a, D: Device> {
    /// The call without its formula. The addresses are those of all moments, 0 for missing ones.
    pub(super) call: &'a mut Call<D>,
    /// The place of its scalars.
    pub(super) scalars: &'a mut [D::Float],
}

/// Proof that a formula was chosen.
pub struct Chosen(());

impl<D: Device> Update<'_, D> {
    /// Sets the step to this formula of these moments, by their number in [`Rule::MOMENTS`](super::Rule::MOMENTS), with
    /// these scalars.
    ///
    /// # Errors
    /// A moment does not exist, is not used by the rule, or is named twice.
    pub fn with<T, const M: usize, const S: usize>(
        self,
        formula: T,
        moments: [usize; M],
        scalars: [f64; S],
    ) -> Result<Chosen, OptimizerProblem>
    where
        T: StepFormula<M, S>,
    {
        const {
            assert!(M <= MOMENTS, "a formula has more than three moments");
            assert!(S <= OWN, "a formula has more than fourteen scalars");
        }
        let _ = formula;
        let all = self.call.addrs;
        for (i, k) in moments.into_iter().enumerate() {
            let addr = all.get(2..).and_then(|m| m.get(k)).copied().unwrap_or(0);
            if addr == 0 {
                return Err(OptimizerProblem::UnknownMoment { moment: k });
            }
            if moments[..i].contains(&k) {
                return Err(OptimizerProblem::MomentTwice { moment: k });
            }
            self.call.addrs[2 + i] = addr;
        }
        self.call.addrs[2 + M..].fill(0);
        for (to, from) in self.scalars.iter_mut().skip(2).zip(scalars) {
            *to = D::Float::from_f64(from);
        }
        self.call.id = TypeId::of::<Map<T, M, S>>();
        self.call.run = match M {
            0 => run::<T, D, M, S, 2, 1>,
            1 => run::<T, D, M, S, 3, 2>,
            2 => run::<T, D, M, S, 4, 3>,
            _ => run::<T, D, M, S, 5, 4>,
        };
        Ok(Chosen(()))
    }
}

impl<D: Device> Call<D> {
    /// A call with these addresses, without a formula.
    pub(super) fn new(addrs: Addrs, len: usize, up: bool) -> Self {
        unsafe fn none<D>(_: &D, _: usize, _: &Addrs, _: Addr) {}
        Self {
            run: none::<D>,
            id: TypeId::of::<()>(),
            addrs,
            len,
            up,
        }
    }

    /// Whether it has a formula.
    pub(super) fn is_chosen(&self) -> bool {
        self.id != TypeId::of::<()>()
    }
}
