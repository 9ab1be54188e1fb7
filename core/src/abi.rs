//! The agreement between emitted code and the runtime.
//!
//! `network!` emits a call of [`check`] in a constant. If the macro's ABI number is not the runtime's, the network does
//! not compile, and the error names both versions.

use crate::message::Text;

/// Changes whenever emitted code changes the names, types or meaning of the runtime items that it uses.
pub const ABI: u32 = 9;

/// The version of these crates.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Fails to compile if `abi`, the number of the crate `netform-macros` of this `version`, is not the runtime's.
pub const fn check(abi: u32, version: &str) {
    if abi == ABI {
        return;
    }
    let text = Text::new()
        .text("netform-macros ")
        .text(version)
        .text(" (ABI ")
        .number(abi as usize)
        .text(") does not match netform-runtime ")
        .text(VERSION)
        .text(" (ABI ")
        .number(ABI as usize)
        .text("): use the same version of both");
    panic!(
        "{}",
        text.or("netform-macros and netform-runtime have different versions")
    );
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::{ABI, check};

    #[test]
    fn the_message_names_both() {
        check(ABI, "9.9.9");
        let error = std::panic::catch_unwind(|| check(12, "9.9.9")).unwrap_err();
        let text = error.downcast_ref::<std::string::String>().unwrap();
        for part in [
            "netform-macros 9.9.9 (ABI 12) does not match",
            super::VERSION,
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
