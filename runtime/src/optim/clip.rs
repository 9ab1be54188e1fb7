//! Gradient clipping: `torch.nn.utils.clip_grad_norm_` and `clip_grad_value_`.

use crate::device::{Axis, Operand, Reduce};
use crate::map;
use crate::{Core, DType, Device, Float, Formula, Identity, Inner, Real, Reals, Result};

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The square root of the sum of squares.
    L2,
    /// The largest absolute value.
    Inf,
}

/// An optimizer's setting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clip {
    pub(super) norm: Option<(f64, Norm)>,
    pub(super) value: Option<f64>,
}

impl Clip {
    pub(super) fn check(&self) -> Result<(), String> {
        let bound = self
            .norm
            .map(|(max, _)| max)
            .into_iter()
            .chain(self.value)
            .find(|x| x.is_nan() || *x < 0.0);
        bound.map_or(Ok(()), |x| {
            Err(format!("gradients cannot be clipped to {x}"))
        })
    }
    /// What the gradients are multiplied with.
    pub(super) fn scale<D: Device>(&self, core: &mut Core<D>) -> Result<f64> {
        self.norm.map_or(Ok(1.0), |(max, norm)| {
            Ok(coefficient(max, total_norm(core, norm)?))
        })
    }
    /// What absolute values are cut to.
    pub(super) fn limit(&self) -> f64 {
        self.value.unwrap_or(f64::INFINITY)
    }
}

/// PyTorch's: at most 1, and NaN stays NaN.
pub(crate) fn coefficient(max: f64, norm: f64) -> f64 {
    let c = max / (norm + 1e-6);
    if c > 1.0 { 1.0 } else { c }
}

/// The norm of the gradients of all trained parameters. Summed in a fixed order, so it depends
/// neither on the number of threads nor on parameter groups.
pub(crate) fn total_norm<D: Device>(core: &mut Core<D>, norm: Norm) -> Result<f64> {
    core.make_scratch()?;
    let params = core.spec().params;
    let (Some(grads), Some(scratch)) = (core.grads(), core.scratch()) else {
        return Ok(0.0);
    };
    let size = size_of::<D::Float>();
    let at = |buffer: &D::Buffer, i: usize| D::addr(buffer).wrapping_add(i * size);
    let operand = |addr| {
        [Operand {
            addr,
            start: 0,
            strides: [0, 1, 0],
        }]
    };
    let axis = |n| Axis {
        outer: 1,
        n,
        inner: 1,
    };
    let mut count = 0;
    for param in params.iter().filter(|p| !p.frozen && !p.is_empty()) {
        let (x, y) = (operand(at(grads, param.offset)), at(scratch, count));
        // SAFETY: the parameter lies in the gradients; the scratch has a float for each parameter and one more.
        unsafe {
            match norm {
                Norm::L2 => {
                    core.device()
                        .reduce::<Square, 1>(Reduce::Sum, axis(param.len()), x, &[], y)
                }
                Norm::Inf => {
                    core.device()
                        .reduce::<Abs, 1>(Reduce::Max, axis(param.len()), x, &[], y)
                }
            }
        }
        count += 1;
    }
    if count == 0 {
        return Ok(0.0);
    }
    let kind = if norm == Norm::L2 {
        Reduce::Sum
    } else {
        Reduce::Max
    };
    // SAFETY: `count` floats were just written; the last float of the scratch is not among them.
    unsafe {
        core.device().reduce::<Identity, 1>(
            kind,
            axis(count),
            operand(at(scratch, 0)),
            &[],
            at(scratch, params.len()),
        );
    }
    let mut total = [D::Float::from_f64(0.0)];
    core.read_floats(scratch, params.len(), &mut total)?;
    let total = total[0].to_f64();
    Ok(if norm == Norm::L2 {
        total.sqrt()
    } else {
        total
    })
}

/// Multiplies all gradients and then cuts their absolute values, in place.
pub(crate) fn rescale<D: Device>(core: &mut Core<D>, scale: f64, limit: f64) {
    let Some(grads) = core.grads() else { return };
    for param in core
        .spec()
        .params
        .iter()
        .filter(|p| !p.frozen && !p.is_empty())
    {
        let addr = D::addr(grads).wrapping_add(param.offset * size_of::<D::Float>());
        let input = [Operand {
            addr,
            start: 0,
            strides: [1],
        }];
        // SAFETY: the parameter lies in the gradients, which `&mut` keeps for us; the result is the operand.
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
            #[inline(always)]
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
    /// `clamp(x * scalar 0, -scalar 1, scalar 1)`.
    Rescale, l, x => (x * l.scalar(0)).min(l.scalar(1)).max(V::splat(0.0) - l.scalar(1));
}
