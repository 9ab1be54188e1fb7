//! `Identity()`: its input, unchanged. It takes any arguments, as PyTorch's does.

use super::{Call, Layer, ParamDecl};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::value::Value;

/// The layer's name.
pub const NAME: &str = "Identity";

/// The layer.
pub struct Identity;

impl Layer for Identity {
    fn params(&self) -> Vec<ParamDecl> {
        Vec::new()
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let a = Args::bind(cx, call.field, call.span, "input", given)?;
        let x = a.tensor(cx, "input")?;
        Ok(cx.tensor(x.id))
    }
}
