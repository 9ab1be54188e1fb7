//! The agreement between emitted code and the runtime.
//!
//! `network!` emits a call of [`check`] in a constant. If the macro's ABI number is not the runtime's, the network does
//! not compile, and the error names both versions.

/// Changes whenever emitted code changes the names, types or meaning of the runtime items that it uses.
pub const ABI: u32 = 3;

/// The version of these crates.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Fails to compile if `abi`, the number of the crate `netform-macros` of this `version`, is not the runtime's.
pub const fn check(abi: u32, version: &str) {
    if abi == ABI {
        return;
    }
    let text = Text::new()
        .text("`network!` of netform-macros ")
        .text(version)
        .text(" (ABI ")
        .number(abi)
        .text(") emits code for another runtime than netform-runtime ")
        .text(VERSION)
        .text(" (ABI ")
        .number(ABI)
        .text("): use the same version of both");
    panic!("{}", text.as_str());
}

/// A message that is put together when constants are evaluated.
struct Text {
    bytes: [u8; 256],
    len: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; 256],
            len: 0,
        }
    }

    const fn text(mut self, text: &str) -> Self {
        let mut i = 0;
        while i < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text.as_bytes()[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    const fn number(mut self, n: u32) -> Self {
        if n > 9 {
            self = self.number(n / 10);
        }
        if self.len < self.bytes.len() {
            self.bytes[self.len] = b'0' + (n % 10) as u8;
            self.len += 1;
        }
        self
    }

    const fn as_str(&self) -> &str {
        let (used, _) = self.bytes.split_at(self.len);
        match core::str::from_utf8(used) {
            Ok(text) => text,
            Err(_) => "netform-macros and netform-runtime have different versions",
        }
    }
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
        for part in ["netform-macros 9.9.9 (ABI 12)", super::VERSION] {
            assert!(text.contains(part), "{text}");
        }
    }
}
