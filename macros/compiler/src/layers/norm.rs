//! `LayerNorm(shape, eps = 1e-5)` and `RMSNorm(shape)` over the trailing dimensions `shape`.

use super::{Call, Init, Layer, LayerDef, ParamDecl, input, positive};
use crate::args::Given;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Shape;
use crate::ir::NodeId;
use crate::ops;
use crate::real::Real;
use crate::value::Value;

/// The table's row.
pub const LAYER_NORM: LayerDef = LayerDef {
    name: "LayerNorm",
    signature: "normalized_shape, eps = 1e-5, elementwise_affine = true, bias = true",
    declare: |cx, a| {
        let shape = a.dims(cx, "normalized_shape")?;
        for d in &shape {
            positive(cx, a, "normalized_shape", d)?;
        }
        let weight = a.flag(cx, "elementwise_affine")?;
        let bias = weight && a.flag(cx, "bias")?;
        Ok(Box::new(Norm {
            shape,
            eps: a.real(cx, "eps")?,
            weight,
            bias,
            centred: true,
        }))
    },
};

/// The table's row. PyTorch's default `eps` is the machine epsilon of the input's type; here it is
/// that of f32 on every device, so that f32 and f64 compute the same function.
pub const RMS_NORM: LayerDef = LayerDef {
    name: "RMSNorm",
    signature: "normalized_shape, eps = None, elementwise_affine = true",
    declare: |cx, a| {
        let shape = a.dims(cx, "normalized_shape")?;
        for d in &shape {
            positive(cx, a, "normalized_shape", d)?;
        }
        let weight = a.flag(cx, "elementwise_affine")?;
        let eps = a
            .optional_real(cx, "eps")?
            .unwrap_or(Real::Known(ops::RMS_EPS));
        Ok(Box::new(Norm {
            shape,
            eps,
            weight,
            bias: false,
            centred: false,
        }))
    },
};

/// A declared layer.
#[derive(Clone)]
pub struct Norm {
    /// The trailing dimensions.
    pub shape: Shape,
    /// Added to the variance.
    pub eps: Real,
    /// It has a weight.
    pub weight: bool,
    /// It has a bias.
    pub bias: bool,
    /// The mean is subtracted: `LayerNorm`.
    pub centred: bool,
}

impl Layer for Norm {
    fn params(&self) -> Vec<ParamDecl> {
        let mut out = Vec::new();
        if self.weight {
            let init = Init::Constant(1.0);
            out.push(ParamDecl::new("weight", self.shape.clone(), init));
        }
        if self.bias {
            let init = Init::Constant(0.0);
            out.push(ParamDecl::new("bias", self.shape.clone(), init));
        }
        out
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let (x, args) = input(cx, call, given)?;
        let dims = ops::trailing(cx, &args, call.decl, &x, &self.shape)?;
        let y = self.normalise(cx, x.id, &dims, call.params);
        Ok(cx.tensor(y))
    }
}

impl Norm {
    /// Normalises over these dimensions, which are the trailing ones.
    pub fn normalise(&self, cx: &mut Cx, x: NodeId, dims: &[usize], params: &[NodeId]) -> NodeId {
        let weight = self.weight.then(|| params[0]);
        let bias = self.bias.then(|| params[1]);
        match self.centred {
            true => ops::layer_norm(cx, x, dims, weight, bias, &self.eps),
            false => ops::rms_norm(cx, x, dims, weight, &self.eps),
        }
    }
}
