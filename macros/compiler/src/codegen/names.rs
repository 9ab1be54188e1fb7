//! Names of the hidden items of a custom op.

use super::dims::flat;
use proc_macro2::Ident;
use quote::format_ident;

/// The name of the hidden function.
pub fn custom_name(op: &str, backward: bool) -> Ident {
    let suffix = if backward { "backward" } else { "forward" };
    format_ident!("__netform_{}_{suffix}", flat(op))
}

/// The name of the hidden constant that holds the kernels.
pub fn custom_ptx(op: &str) -> Ident {
    format_ident!("__NETFORM_{}_PTX", flat(op))
}
