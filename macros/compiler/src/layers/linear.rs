//! `Linear(in -> out, bias = true)`: `y = x W' + b`, `x` (.., in), `W` (out, in), `b` (out).

use super::{Call, Init, Layer, LayerDef, ParamDecl, in_out, input, wrong_features};
use crate::args::Given;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ops;
use crate::value::Value;

/// The table's row.
pub const DEF: LayerDef = LayerDef {
    name: "Linear",
    signature: "in_out, bias = true",
    declare: |cx, a| {
        let (inner, out) = in_out(cx, a, "in_out")?;
        Ok(Box::new(Linear {
            inner,
            out,
            bias: a.flag(cx, "bias")?,
        }))
    },
};

/// A declared layer.
#[derive(Clone)]
pub struct Linear {
    /// Features of the input.
    pub inner: Dim,
    /// Features of the result.
    pub out: Dim,
    /// It has a bias.
    pub bias: bool,
}

impl Layer for Linear {
    fn params(&self) -> Vec<ParamDecl> {
        let init = Init::FanIn(self.inner.clone());
        let shape = vec![self.out.clone(), self.inner.clone()];
        let mut out = vec![ParamDecl::new("weight", shape, init.clone())];
        if self.bias {
            out.push(ParamDecl::new("bias", vec![self.out.clone()], init));
        }
        out
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let (x, _) = input(cx, call, given)?;
        let shape = cx.shape(&x);
        if !shape.last().is_some_and(|have| cx.same(have, &self.inner)) {
            let rest = if self.bias { "" } else { ", bias = false" };
            let have = shape.last().map_or_else(String::new, Dim::to_string);
            let mended = format!("Linear({have} -> {}{rest})", self.out);
            return Err(wrong_features(cx, call, &x, &self.inner, &mended));
        }
        let y = ops::linear(cx, x.id, call.params[0], call.params.get(1).copied());
        Ok(cx.tensor(y))
    }
}
