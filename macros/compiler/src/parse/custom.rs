//! `#[custom(forward = path, backward = path)]`: the functions of a custom op.

use crate::ast::Custom;
use crate::diag::did_you_mean;
use syn::{Attribute, Path};

/// Both functions, and optionally `ptx = KERNELS`, in any order.
pub fn read(attr: &Attribute) -> syn::Result<Custom> {
    let (mut forward, mut backward, mut ptx) = (None, None, None);
    attr.parse_nested_meta(|meta| {
        let key = meta
            .path
            .get_ident()
            .map(ToString::to_string)
            .unwrap_or_default();
        let slot = match key.as_str() {
            "forward" => &mut forward,
            "backward" => &mut backward,
            "ptx" => &mut ptx,
            _ => {
                let hint = did_you_mean(&key, ["forward", "backward", "ptx"]);
                return Err(meta.error(format!("`#[custom]` has no argument `{key}`{hint}")));
            }
        };
        if slot.is_some() {
            return Err(meta.error(format!("`{key}` is given twice")));
        }
        *slot = Some(meta.value()?.parse::<Path>()?);
        Ok(())
    })?;
    match (forward, backward) {
        (Some(forward), Some(backward)) => Ok(Custom {
            forward,
            backward,
            ptx,
        }),
        (forward, _) => {
            let missing = if forward.is_none() {
                "forward"
            } else {
                "backward"
            };
            let text = format!(
                "`#[custom]` needs `{missing}`\nhelp: name two Rust functions: `#[custom(forward = f, backward = g)]`"
            );
            Err(syn::Error::new_spanned(attr.path(), text))
        }
    }
}
