//! One network: its tokens to the text between its braces, with the closing one.

use crate::commas;
use crate::comments;
use crate::lines;
use crate::piece;
use crate::roles;
use crate::token::Token;

/// The text from behind the opening brace to the closing brace. The tokens are those of the network; `pairs` are their
/// brackets, counted from the first of them. `before` is the result up to the opening brace: in its last line, another
/// network may have ended and moved.
pub(crate) fn format(
    before: &str,
    source: &str,
    tokens: &[Token<'_>],
    mut pairs: Vec<Option<usize>>,
) -> String {
    let mut pieces = piece::pieces(source, tokens);
    let Some(open) = tokens.first() else {
        return String::new();
    };
    let line = before.rsplit('\n').next().unwrap_or_default();
    let code = line.trim_start();
    // White space before the macro's line is kept as it is, tabs too.
    let margin = &line[..line.len() - code.len()];
    let widths = (line.chars().count(), margin.chars().count());
    let ending = match source.get(open.end()..).and_then(|s| s.split_once('\n')) {
        Some((line, _)) if line.ends_with('\r') => "\r\n",
        _ => "\n",
    };

    roles::assign(&mut pieces, &mut pairs);
    let pieces = commas::trailing(pieces, &pairs);
    let mut lines = lines::lines(&pieces, widths.1, ending);
    comments::align(&mut lines, widths.0, widths.1);

    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            text += ending;
            if line.blank {
                text += ending;
            }
            text += margin;
            text += &" ".repeat(line.indent);
        }
        text += &line.text;
    }
    text
}
