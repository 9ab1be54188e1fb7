//! What a network emits that another version of the macro has expanded.

const _: () = netform::__private::abi::check(0, "0.0.9");

fn main() {}
