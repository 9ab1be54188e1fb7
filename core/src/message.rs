//! A message that is put together when constants are evaluated.

/// The message; what does not fit is cut off.
pub(crate) struct Text {
    bytes: [u8; 1024],
    len: usize,
}

impl Text {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; 1024],
            len: 0,
        }
    }

    pub(crate) const fn text(mut self, text: &str) -> Self {
        let mut i = 0;
        while i < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text.as_bytes()[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    pub(crate) const fn number(mut self, n: usize) -> Self {
        if n > 9 {
            self = self.number(n / 10);
        }
        if self.len < self.bytes.len() {
            self.bytes[self.len] = b'0' + (n % 10) as u8;
            self.len += 1;
        }
        self
    }

    /// The message, or another one if it was cut within a character.
    pub(crate) const fn or<'a>(&'a self, other: &'a str) -> &'a str {
        let (used, _) = self.bytes.split_at(self.len);
        match core::str::from_utf8(used) {
            Ok(text) => text,
            Err(_) => other,
        }
    }
}
