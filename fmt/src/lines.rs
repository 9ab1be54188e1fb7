//! Lines: the pieces of a network to its lines, with line breaks where they were.

use crate::comments;
use crate::gap;
use crate::indent::Indent;
use crate::piece::{Piece, Role};

/// A line.
#[derive(Default)]
pub(crate) struct Line {
    /// Whether an empty line comes before.
    pub(crate) blank: bool,
    /// Spaces before the text, from the macro's line on.
    pub(crate) indent: usize,
    /// Code, or a comment that has the line for itself.
    pub(crate) text: String,
    /// A comment after the code.
    pub(crate) comment: Option<Comment>,
}

/// A comment at the end of a line with code.
pub(crate) struct Comment {
    pub(crate) text: String,
    /// The characters before it in the source's line.
    pub(crate) column: usize,
}

/// The lines between the braces of a macro. The first is what follows the opening brace in its line, the last ends with
/// the closing brace. `margin` is the width of what stands before every line.
pub(crate) fn lines(pieces: &[Piece<'_>], margin: usize, ending: &str) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    let mut indent = Indent::new();
    // Whether the line has code.
    let mut code = true;
    if let Some(first) = pieces.first() {
        indent.read(first, Some(0));
    }
    for (i, pair) in pieces.windows(2).enumerate() {
        let [before, piece] = pair else { continue };
        if piece.breaks > 0 {
            let edge = matches!(before.role, Role::Open(_)) || matches!(piece.role, Role::Close(_));
            lines.push(Line {
                blank: piece.breaks > 1 && !edge,
                indent: depth(&pieces[i + 1..], &indent),
                ..Line::default()
            });
            code = false;
        }
        let Some(line) = lines.last_mut() else {
            continue;
        };
        let begins = (!code && piece.role != Role::Comment).then_some(line.indent);
        if piece.role != Role::Comment {
            indent.read(piece, begins);
            code = true;
        }
        let own = piece.breaks > 0;
        if piece.role == Role::Comment {
            let text = comments::text(piece, own.then_some(margin + line.indent), ending);
            if piece.token.text.starts_with("//") && !own {
                let column = piece.column;
                line.comment = Some(Comment { text, column });
                continue;
            }
            push(line, &text, !own && gap::space(before, piece));
        } else {
            push(line, piece.token.text, !own && gap::space(before, piece));
        }
    }
    lines
}

fn push(line: &mut Line, text: &str, space: bool) {
    if space {
        line.text.push(' ');
    }
    line.text.push_str(text);
}

/// The indentation of the line that begins with the first of these pieces.
fn depth(pieces: &[Piece<'_>], indent: &Indent<'_>) -> usize {
    match pieces.iter().position(|p| p.role != Role::Comment) {
        // A comment belongs to the code after it, or to the end of what a bracket holds.
        Some(n) if n > 0 && matches!(pieces[n].role, Role::Close(_)) => indent.inside(),
        Some(n) => indent.of(&pieces[n]),
        None => indent.inside(),
    }
}
