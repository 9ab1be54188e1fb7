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
        let padding = ops::padding_row(cx, a, &rows)?;
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
    padding: Option<Dim>,
}

impl Layer for Embedding {
    fn params(&self) -> Vec<ParamDecl> {
        let init = self
            .padding
            .clone()
            .map_or(Init::Normal(1.0.into()), Init::NormalZeroRow);
        let shape = vec![self.rows.clone(), self.width.clone()];
        vec![ParamDecl::new("weight", shape, init)]
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let args = Args::bind(cx, call.field, call.span, "input", given)?.of("embedding");
        let index = args.tensor(cx, "input")?;
        let y = ops::embedding(cx, &index, call.params[0], self.padding.as_ref());
        Ok(cx.tensor(y))
    }
}
