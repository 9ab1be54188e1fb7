//! The `network!` macro: hands its tokens to the compiler.

/// Declares a network: layers, and functions that are checked, differentiated and planned.
#[proc_macro]
pub fn network(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let expanded = std::panic::catch_unwind(|| netform_compiler::expand(input.into()).into());
    expanded.unwrap_or_else(|panic| {
        let why = (panic.downcast_ref::<String>().map(String::as_str))
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no reason given");
        let text = format!("a bug in netform, please report it with this network: {why}");
        format!("::core::compile_error!({text:?});")
            .parse()
            .unwrap_or_default()
    })
}
