//! Splits PTX text into tokens, without comments and white space. Every token has its line and place.

use crate::error::LoadError;
use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name, directive or opcode, with dots: `ld.global.f32`, `%tid.x`, `.reg`.
    Name(String),
    Integer(u64),
    /// `0f3F800000`
    Float32(u32),
    /// `0d3FF0000000000000` or a decimal with a point.
    Float64(u64),
    /// A quoted string, whose content is not used.
    Text,
    Symbol(char),
}

#[derive(Clone, Debug)]
pub(crate) struct Spanned {
    pub(crate) token: Token,
    pub(crate) line: usize,
    pub(crate) span: Range<usize>,
}

/// The tokens of a whole text.
pub(crate) fn tokens(source: &str) -> Result<Vec<Spanned>, LoadError> {
    let bytes = source.as_bytes();
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        let start = at;
        let first_line = line;
        let rest = &bytes[at..];
        let token = match bytes[at] {
            b'\n' => {
                line += 1;
                at += 1;
                continue;
            }
            c if c.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            _ if rest.starts_with(b"//") => {
                at += rest.iter().position(|&c| c == b'\n').unwrap_or(rest.len());
                continue;
            }
            _ if rest.starts_with(b"/*") => {
                let end = rest
                    .windows(2)
                    .position(|w| w == b"*/")
                    .map_or(rest.len(), |e| e + 2);
                line += rest[..end].iter().filter(|&&c| c == b'\n').count();
                at += end;
                continue;
            }
            b'"' => {
                let end = rest[1..]
                    .iter()
                    .position(|&c| c == b'"')
                    .map_or(rest.len(), |e| e + 2);
                line += rest[..end].iter().filter(|&&c| c == b'\n').count();
                at += end;
                Token::Text
            }
            c if c.is_ascii_digit() => {
                at += number_length(rest);
                number(&source[start..at]).ok_or_else(|| LoadError {
                    kernel: None,
                    line,
                    text: source[start..at].to_string(),
                    message: "not a number".to_string(),
                })?
            }
            c if is_name_byte(c) => {
                at += name_length(rest);
                Token::Name(source[start..at].to_string())
            }
            c if c.is_ascii() => {
                at += 1;
                Token::Symbol(char::from(c))
            }
            _ => {
                return Err(LoadError {
                    kernel: None,
                    line,
                    text: String::new(),
                    message: "PTX is ASCII, this character is not".to_string(),
                });
            }
        };
        out.push(Spanned {
            token,
            line: first_line,
            span: start..at,
        });
    }
    Ok(out)
}

fn is_name_byte(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'_' | b'$' | b'%' | b'.')
}

/// `::` is part of names such as `.shared::cta`; a single colon ends a label.
fn name_length(bytes: &[u8]) -> usize {
    let mut n = 0;
    while n < bytes.len() {
        if is_name_byte(bytes[n]) {
            n += 1;
        } else if bytes[n..].starts_with(b"::") {
            n += 2;
        } else {
            break;
        }
    }
    n
}

/// Digits, letters and one point; `1e-3` includes its sign.
fn number_length(bytes: &[u8]) -> usize {
    let hex = bytes.starts_with(b"0x") || bytes.starts_with(b"0X");
    let bits = matches!(bytes, [b'0', b'f' | b'F' | b'd' | b'D', ..]);
    let mut n = 0;
    while n < bytes.len() {
        let exponent_sign = !hex
            && !bits
            && n > 0
            && matches!(bytes[n], b'+' | b'-')
            && matches!(bytes[n - 1], b'e' | b'E');
        if bytes[n].is_ascii_alphanumeric() || bytes[n] == b'.' || exponent_sign {
            n += 1;
        } else {
            break;
        }
    }
    n
}

fn number(text: &str) -> Option<Token> {
    let lower = text.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0f") {
        return u32::from_str_radix(hex, 16).ok().map(Token::Float32);
    }
    if let Some(hex) = lower.strip_prefix("0d") {
        return u64::from_str_radix(hex, 16).ok().map(Token::Float64);
    }
    let digits = lower.trim_end_matches('u');
    if let Some(hex) = digits.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(Token::Integer);
    }
    if let Some(binary) = digits.strip_prefix("0b") {
        return u64::from_str_radix(binary, 2).ok().map(Token::Integer);
    }
    if digits.contains('.') || digits.contains('e') {
        return digits
            .parse::<f64>()
            .ok()
            .map(|x| Token::Float64(x.to_bits()));
    }
    if digits.len() > 1 && digits.starts_with('0') {
        return u64::from_str_radix(digits, 8).ok().map(Token::Integer);
    }
    digits.parse().ok().map(Token::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_dots_and_double_colons() {
        let all = tokens("ld.shared::cta.u32 %r1, [a+0x10]; L: 0f3F800000 1e-3").unwrap();
        let kinds: Vec<_> = all.into_iter().map(|t| t.token).collect();
        let name = |s: &str| Token::Name(s.to_string());
        let symbol = Token::Symbol;
        assert_eq!(
            kinds,
            [
                name("ld.shared::cta.u32"),
                name("%r1"),
                symbol(','),
                symbol('['),
                name("a"),
                symbol('+'),
                Token::Integer(16),
                symbol(']'),
                symbol(';'),
                name("L"),
                symbol(':'),
                Token::Float32(0x3f80_0000),
                Token::Float64(1e-3f64.to_bits()),
            ]
        );
    }

    #[test]
    fn lines_count_through_comments() {
        let all = tokens("/* a\n b */ // c\n x").unwrap();
        assert_eq!(all[0].line, 3);
    }
}
