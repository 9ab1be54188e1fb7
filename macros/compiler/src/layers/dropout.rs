//! `Dropout(p = 0.5)`: in training zeroes elements with probability `p` and scales the others.

use super::{Call, Layer, LayerDef, ParamDecl, input};
use crate::args::Given;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::ops;
use crate::real::Real;
use crate::value::Value;

/// The table's row.
pub const DEF: LayerDef = LayerDef {
    name: "Dropout",
    signature: "p = 0.5",
    declare: |cx, a| {
        Ok(Box::new(Dropout {
            p: ops::probability(cx, a, "p")?,
        }))
    },
};

struct Dropout {
    p: Real,
}

impl Layer for Dropout {
    fn params(&self) -> Vec<ParamDecl> {
        Vec::new()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let (x, _) = input(cx, call, given)?;
        let y = ops::dropout(cx, x.id, &self.p);
        Ok(cx.tensor(y))
    }
}
