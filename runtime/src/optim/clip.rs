//! Gradient clipping: `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_`.

use crate::device::{Addr, Axis, Operand, by};
use crate::map;
use crate::{
    Core, DType, Device, Error, Float, Formula, Identity, Inner, OptimizerProblem, Pack, ParamSpec,
    Real, Reals, Result,
};

/// The kind of norm: PyTorch's `norm_type`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    /// The square root of the sum of squares.
    L2,
    /// The largest absolute value.
    Inf,
    /// The norm of this order p: `sum(|x|^p)^(1/p)` of the parameters' norms. Order 0 counts the parameters with a
    /// gradient that is not all zero. Order negative infinity is the smallest absolute value of all.
    P(f64),
}

/// How a norm is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Order {
    Squares,
    Largest,
    Smallest,
    Count,
    Absolute,
    Powers(f64),
}

/// The last operation, after the sum over all parameters.
pub(super) enum Root {
    None,
    Square,
    /// A power with exponent [`Order::inverse`].
    Any,
}

impl Order {
    pub(super) fn of(norm: Norm) -> Self {
        match norm {
            Norm::L2 => Self::Squares,
            Norm::Inf => Self::Largest,
            Norm::P(2.0) => Self::Squares,
            Norm::P(1.0) => Self::Absolute,
            Norm::P(0.0) => Self::Count,
            Norm::P(f64::INFINITY) => Self::Largest,
            Norm::P(f64::NEG_INFINITY) => Self::Smallest,
            Norm::P(p) => Self::Powers(p),
        }
    }
    /// A number for each order.
    pub(super) fn bits(self) -> (u8, u64) {
        match self {
            Self::Squares => (0, 0),
            Self::Largest => (1, 0),
            Self::Smallest => (2, 0),
            Self::Count => (3, 0),
            Self::Absolute => (4, 0),
            Self::Powers(p) => (5, p.to_bits()),
        }
    }
    /// Whether zeros, and the division of the gradients into pieces, do not matter.
    pub(super) fn skips_zeros(self) -> bool {
        matches!(self, Self::Squares | Self::Largest | Self::Absolute)
    }
    pub(super) fn root(self) -> Root {
        match self {
            Self::Squares => Root::Square,
            Self::Powers(_) => Root::Any,
            _ => Root::None,
        }
    }
    /// The exponent of [`Root::Any`].
    pub(super) fn inverse(self) -> f64 {
        match self {
            Self::Powers(p) => 1.0 / p,
            _ => 1.0,
        }
    }
    /// The norm, from the sum over all parameters.
    fn norm(self, sum: f64) -> f64 {
        match self.root() {
            Root::None => sum,
            Root::Square => sum.sqrt(),
            Root::Any => sum.powf(self.inverse()),
        }
    }

    /// Computes one parameter's part of the sum, from the `len` floats of its gradient.
    ///
    /// # Safety
    /// Both addresses lie in buffers of the device, apart; `len` is not 0.
    unsafe fn sum<D: Device>(self, device: &D, len: usize, x: Addr, y: Addr) {
        let (axis, x) = along(len, x);
        // SAFETY: the caller's.
        unsafe {
            match self {
                Self::Squares => device.reduce::<Square, by::Sum, 1>(axis, x, &[], y),
                Self::Absolute => device.reduce::<Abs, by::Sum, 1>(axis, x, &[], y),
                Self::Largest => device.reduce::<Abs, by::Max, 1>(axis, x, &[], y),
                Self::Smallest => device.reduce::<Abs, by::Min, 1>(axis, x, &[], y),
                Self::Count => device.reduce::<NotZero, by::Max, 1>(axis, x, &[], y),
                Self::Powers(p) => device.reduce::<Power, by::Sum, 1>(axis, x, &[p], y),
            }
        }
    }
    /// Computes the sum of `count` such parts.
    ///
    /// # Safety
    /// As for [`sum`](Self::sum).
    unsafe fn sum_of_sums<D: Device>(self, device: &D, count: usize, x: Addr, y: Addr) {
        let (axis, x) = along(count, x);
        // SAFETY: the caller's.
        unsafe {
            match self {
                Self::Largest => device.reduce::<Identity, by::Max, 1>(axis, x, &[], y),
                Self::Smallest => device.reduce::<Identity, by::Min, 1>(axis, x, &[], y),
                _ => device.reduce::<Identity, by::Sum, 1>(axis, x, &[], y),
            }
        }
    }
}

/// Sums over gradients, which are addresses and numbers of floats; none is empty. The sum of each is written to the
/// next float of `sums`, and the total after them. Returns the number of gradients. If there are none, nothing is
/// written.
///
/// # Safety
/// The gradients lie in buffers of the device. `sums` has room for a float more than there are gradients, apart from
/// them.
pub(super) unsafe fn sum_all<D: Device>(
    device: &D,
    order: Order,
    grads: impl Iterator<Item = (Addr, usize)>,
    sums: Addr,
) -> usize {
    let at = |i: usize| sums.wrapping_add(i * size_of::<D::Float>());
    let mut count = 0;
    for (grad, len) in grads {
        // SAFETY: the caller's.
        unsafe { order.sum(device, len, grad, at(count)) };
        count += 1;
    }
    if count > 0 {
        // SAFETY: the caller's; `count` floats were just written, and the next one is not among them.
        unsafe { order.sum_of_sums(device, count, sums, at(count)) };
    }
    count
}

/// `n` contiguous floats, as operands of a reduction.
fn along(n: usize, addr: Addr) -> (Axis, [Operand<3>; 1]) {
    let axis = Axis {
        outer: 1,
        n,
        inner: 1,
    };
    let operand = Operand {
        addr,
        start: 0,
        strides: [0, 1, 0],
    };
    (axis, [operand])
}

/// An optimizer's setting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clip {
    pub(super) norm: Option<(f64, Norm)>,
    pub(super) value: Option<f64>,
}

impl Clip {
    pub(super) fn check(&self) -> Result<(), OptimizerProblem> {
        if let Some((_, Norm::P(p))) = self.norm
            && p.is_nan()
        {
            return Err(OptimizerProblem::NormOrder);
        }
        // Infinity does not clip.
        let bound = |setting, value: f64| match value >= 0.0 {
            true => Ok(()),
            false => Err(OptimizerProblem::Clip { setting, value }),
        };
        if let Some((max, _)) = self.norm {
            bound("the norm to clip to", max)?;
        }
        self.value
            .map_or(Ok(()), |value| bound("the value to clip to", value))
    }
    /// The limit of absolute values.
    pub(super) fn limit(&self) -> f64 {
        self.value.unwrap_or(f64::INFINITY)
    }
}

/// The factor for gradients with this norm, as in PyTorch: at most 1, and NaN stays NaN.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn coefficient<V: Real>(max: V, norm: V) -> V {
    (max / (norm + V::splat(1e-6))).min(V::splat(1.0))
}

/// `torch.nn.utils.clip_grad_norm_`, in place. Returns the norm before clipping. `finite`: other norms are errors.
pub(crate) fn clip_norm<D: Device>(
    core: &mut Core<D>,
    max: f64,
    norm: Norm,
    finite: bool,
) -> Result<f64> {
    let clip = Clip {
        norm: Some((max, norm)),
        value: None,
    };
    let error = |problem| Error::Optimizer {
        optimizer: "clip_grad_norm",
        problem,
    };
    clip.check().map_err(error)?;
    let total = total_norm(core, norm)?;
    if finite && !total.is_finite() {
        return Err(error(OptimizerProblem::Norm { norm: total }));
    }
    rescale(core, scale(max, total), f64::INFINITY);
    Ok(total)
}

/// `torch.nn.utils.clip_grad_value_`, in place.
pub(crate) fn clip_value<D: Device>(core: &mut Core<D>, value: f64) -> Result<()> {
    let clip = Clip {
        norm: None,
        value: Some(value),
    };
    clip.check().map_err(|problem| Error::Optimizer {
        optimizer: "clip_grad_value",
        problem,
    })?;
    rescale(core, 1.0, value);
    Ok(())
}

/// [`coefficient`] of two numbers.
fn scale(max: f64, norm: f64) -> f64 {
    coefficient::<Pack<f64>>(Pack::splat(max), Pack::splat(norm)).0[0]
}

/// The trained parameters that have a gradient, and elements.
fn with_gradients<D: Device>(core: &Core<D>) -> impl Iterator<Item = &'static ParamSpec> {
    let params = core.spec().params.iter().enumerate();
    let own = params.filter(|(_, p)| !p.frozen && !p.is_empty());
    own.filter(|(i, _)| core.reach().get(*i).is_some_and(|has| *has))
        .map(|(_, p)| p)
}

/// The norm of the gradients of all trained parameters that have one. It is summed in a fixed order, so it depends
/// neither on the number of threads nor on parameter groups.
fn total_norm<D: Device>(core: &mut Core<D>, norm: Norm) -> Result<f64> {
    core.make_scratch()?;
    let (Some(grads), Some(scratch)) = (core.grads(), core.scratch()) else {
        return Ok(0.0);
    };
    let order = Order::of(norm);
    let size = size_of::<D::Float>();
    let at = |p: &ParamSpec| D::addr(grads).wrapping_add(p.offset.in_bytes(size));
    let params = with_gradients(core).map(|p| (at(p), p.len()));
    // SAFETY: parameters lie in the gradients; the scratch has a float for each parameter and one more.
    let count = unsafe { sum_all(core.device(), order, params, D::addr(scratch)) };
    if count == 0 {
        return Ok(0.0);
    }
    let mut total = [D::Float::from_f64(0.0)];
    core.read_bytes(scratch, count * size, bytemuck::cast_slice_mut(&mut total))?;
    Ok(order.norm(total[0].to_f64()))
}

/// Multiplies all gradients and then clamps their absolute values, in place.
fn rescale<D: Device>(core: &mut Core<D>, scale: f64, limit: f64) {
    let Some(grads) = core.grads() else { return };
    for param in with_gradients(core) {
        let addr = D::addr(grads).wrapping_add(param.offset.in_bytes(size_of::<D::Float>()));
        let input = [Operand {
            addr,
            start: 0,
            strides: [1],
        }];
        // SAFETY: the parameter lies in the gradients, to which `&mut` gives exclusive access; the result is the
        // operand.
        unsafe {
            core.device()
                .map::<Rescale, 1, 1, 1>([param.len()], input, [addr], &[scale, limit])
        };
    }
}

/// Declares a map of one float to one float.
macro_rules! unary {
    ($(#[$doc:meta] $name:ident, $l:ident, $x:ident => $y:expr;)*) => {$(
        #[$doc]
        pub(super) struct $name;
        impl Formula for $name {
            const INPUTS: &'static [map::Operand] = &[map::Operand::new(DType::Float, Inner::One)];
            const OUTPUTS: &'static [DType] = &[DType::Float];
            #[cfg_attr(not(debug_assertions), inline(always))]
            fn compute<V: Real, L: Reals<V>>($l: &mut L) {
                let $x = $l.float(0);
                let y: V = $y;
                $l.put_float(0, y);
            }
        }
    )*};
}
unary! {
    /// `x^2`.
    Square, l, x => x * x;
    /// `|x|`.
    Abs, l, x => x.abs();
    /// 1, or 0 if x is 0.
    NotZero, l, x => x.abs().sign();
    /// `|x|^p`, p is scalar 0.
    Power, l, x => x.abs().pow(l.scalar(0));
    /// `clamp(x * scalar 0, -scalar 1, scalar 1)`.
    Rescale, l, x => (x * l.scalar(0)).min(l.scalar(1)).max(V::splat(0.0) - l.scalar(1));
}
