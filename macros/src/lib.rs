//! The `network!` macro: hands its tokens to the compiler.

/// Declares a network: layers, and functions that are checked, differentiated and planned.
#[proc_macro]
pub fn network(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    netform_compiler::expand(input.into()).into()
}
