//! Formats the bodies of `network! { .. }`, which rustfmt leaves as they are.
//!
//! [`format()`] takes the text of a Rust file and returns it with every network formatted; the rest of the file stays as
//! it is. Line breaks stay where the author put them. Spaces, indentation, empty lines and the commas at the ends of
//! lists are normalised.
//!
//! A network passes these steps:
//!
//! 1. [`lexer`]: the file's text to [tokens](token), comments among them; `networks` finds the macros.
//! 2. `roles`: what each token does there, such as which minus is a sign.
//! 3. `commas`: the commas at the ends of lists.
//! 4. `lines`: tokens to lines, with the spaces of `gap` and the indentation of `indent`.
//! 5. `comments`: comments after code.
//! 6. `same`: the result has the tokens of the source, or the file is left alone.

mod body;
mod brackets;
mod commas;
mod comments;
mod error;
mod gap;
mod indent;
pub mod lexer;
mod lines;
mod networks;
mod piece;
mod roles;
mod same;
pub mod token;

pub use error::{Error, Problem};

/// The bytes of a file as text.
pub fn decode(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|e| {
        let (valid, _) = e.as_bytes().split_at(e.utf8_error().valid_up_to());
        let valid = String::from_utf8_lossy(valid);
        Error::at(&valid, valid.len(), Problem::Encoding)
    })
}

/// The text of a Rust file with all networks formatted.
pub fn format(source: &str) -> Result<String, Error> {
    // Files without networks may hold what the lexer does not know.
    if !source.contains("network!") {
        return Ok(source.to_owned());
    }
    let tokens = lexer::lex(source)?;
    let pairs = brackets::pairs(source, &tokens)?;
    let mut result = String::with_capacity(source.len());
    let mut done = 0;
    for network in networks::find(&tokens, &pairs) {
        let first = *network.start();
        let pairs = pairs[network.clone()].iter();
        let pairs = pairs.map(|p| p.map(|p| p.saturating_sub(first))).collect();
        let tokens = &tokens[network];
        let [open, .., close] = tokens else { continue };
        result += &source[done..open.end()];
        let text = body::format(&result, source, tokens, pairs);
        let after = format!("{{{text}");
        match lexer::lex(&after) {
            Ok(after) if same::same(tokens, &after) => result += &text,
            _ => return Err(Error::at(source, open.start, Problem::Tokens)),
        }
        done = close.end();
    }
    result += &source[done..];
    Ok(result)
}

#[cfg(test)]
mod tests;
