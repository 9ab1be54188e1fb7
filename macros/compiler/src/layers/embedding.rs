//! `Embedding(num_embeddings -> embedding_dim, padding_idx = None)`: row `i` of `weight` for each index `i`.

use super::{Call, Init, Layer, LayerDef, ParamDecl, in_out};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ops;
use crate::value::Value;

/// The table's row.
pub const DEF: LayerDef = LayerDef {
    name: "Embedding",
    signature: "in_out, padding_idx = None",
    declare: |cx, a| {
        let (rows, width) = in_out(cx, a, "in_out")?;
        let padding = match a.value("padding_idx") {
            Value::Null => None,
            _ => {
                let given = a.integer(cx, "padding_idx")?;
                let p = match given {
                    ..0 => given + rows.value().unwrap_or(0),
                    _ => given,
                };
                if p < 0 || rows.value().is_some_and(|n| p >= n) {
                    let text = ops::outside(given, &rows);
                    return Err(cx.error(a.span_of("padding_idx"), text));
                }
                Some(p)
            }
        };
        Ok(Box::new(Embedding {
            rows,
            width,
            padding,
        }))
    },
};

struct Embedding {
    rows: Dim,
    width: Dim,
    padding: Option<i64>,
}

impl Layer for Embedding {
    fn params(&self) -> Vec<ParamDecl> {
        let init = self
            .padding
            .map_or(Init::Normal(1.0.into()), Init::NormalZeroRow);
        let shape = vec![self.rows.clone(), self.width.clone()];
        vec![ParamDecl::new("weight", shape, init)]
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let args = Args::bind(cx, call.field, call.span, "input", given)?.of("embedding");
        let index = args.tensor(cx, "input")?;
        let y = ops::embedding(cx, &index, call.params[0], self.padding);
        Ok(cx.tensor(y))
    }
}
