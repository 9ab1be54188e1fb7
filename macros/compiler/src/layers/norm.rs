//! `LayerNorm(shape, eps = 1e-5)` and `RMSNorm(shape)` over the trailing dimensions `shape`.

use super::{Call, Init, Layer, LayerDef, ParamDecl, input, positive};
use crate::args::Given;
use crate::cx::Cx;
use crate::diag::Told;
use crate::dim::Shape;
use crate::ops;
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
            eps: a.number(cx, "eps")?,
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
    signature: "normalized_shape, eps = null, elementwise_affine = true",
    declare: |cx, a| {
        let shape = a.dims(cx, "normalized_shape")?;
        for d in &shape {
            positive(cx, a, "normalized_shape", d)?;
        }
        let weight = a.flag(cx, "elementwise_affine")?;
        let eps = a.optional_number(cx, "eps")?.unwrap_or(ops::RMS_EPS);
        Ok(Box::new(Norm {
            shape,
            eps,
            weight,
            bias: false,
            centred: false,
        }))
    },
};

struct Norm {
    shape: Shape,
    eps: f64,
    weight: bool,
    bias: bool,
    centred: bool,
}

impl Layer for Norm {
    fn params(&self) -> Vec<ParamDecl> {
        let mut out = Vec::new();
        if self.weight {
            out.push(ParamDecl {
                name: "weight",
                shape: self.shape.clone(),
                init: Init::Constant(1.0),
            });
        }
        if self.bias {
            out.push(ParamDecl {
                name: "bias",
                shape: self.shape.clone(),
                init: Init::Constant(0.0),
            });
        }
        out
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Told<Value> {
        let (x, args) = input(cx, call, given)?;
        let dims = ops::trailing(cx, &args, &format!("`{}`", call.decl), &x, &self.shape)?;
        let weight = self.weight.then(|| call.params[0]);
        let bias = self.bias.then(|| call.params[1]);
        let y = if self.centred {
            ops::layer_norm(cx, x.id, &dims, weight, bias, self.eps)
        } else {
            ops::rms_norm(cx, x.id, &dims, weight, self.eps)
        };
        Ok(cx.tensor(y))
    }
}
