//! Custom ops: a node for which the emitted code calls Rust functions.

use super::{Lower, substitute};
use crate::diag::Reported;
use crate::dim::{Dim, Shape};
use crate::ir::DType;
use crate::kinds::custom::Custom;
use crate::net::Signature;
use crate::value::Tensor;
use std::collections::HashMap;

impl Lower<'_> {
    /// The op of a function that `#[custom]` declares.
    pub fn custom(
        &mut self,
        signature: &Signature,
        args: &[Tensor],
        dims: &HashMap<String, Dim>,
    ) -> Reported<Vec<Tensor>> {
        let operands: Vec<_> = args.iter().map(|t| t.id).collect();
        let types: Vec<(Shape, DType)> = (signature.ret.iter())
            .map(|ty| {
                let shape = ty.shape.iter().map(|d| substitute(d, dims)).collect();
                (shape, ty.elem.dtype())
            })
            .collect();
        let op = Custom {
            function: format!("{}{}", self.net.prefix, signature.name),
            backward: false,
            results: types,
        };
        let results = self.cx.g.kernel(op, &operands, None);
        let text = format!("{}(..)", signature.name);
        let tensor = |id| Tensor {
            id,
            text: text.clone(),
        };
        Ok(results.into_iter().map(tensor).collect())
    }
}
