//! Comments: their texts, and where they stand after code.

use crate::lines::Line;
use crate::piece::Piece;
use crate::token::Kind;

/// A comment's text without spaces at the ends of lines. If it begins a line at the given column, its further lines move
/// with the first.
pub(crate) fn text(piece: &Piece<'_>, column: Option<usize>, ending: &str) -> String {
    let text = piece.token.text.trim_end();
    if piece.token.kind == Kind::LineComment {
        return text.to_owned();
    }
    let (from, to) = (piece.column, column.unwrap_or(piece.column));
    let moved = |(i, line): (usize, &str)| {
        let line = line.trim_end();
        match i {
            0 => line.to_owned(),
            _ if line.is_empty() => String::new(),
            _ if to > from => " ".repeat(to - from) + line,
            _ => {
                let spaces = line.chars().take_while(|c| *c == ' ').count();
                line.chars().skip(spaces.min(from - to)).collect()
            }
        }
    };
    let lines: Vec<String> = text.split('\n').enumerate().map(moved).collect();
    lines.join(ending)
}

/// One space before each comment after code; comments of neighbouring lines that stood in one column stay in one.
/// `start` is the width of what comes before the first line, `margin` before the others.
pub(crate) fn align(lines: &mut [Line], start: usize, margin: usize) {
    let mut widths: Vec<usize> = Vec::with_capacity(lines.len());
    for (i, line) in lines.iter().enumerate() {
        let before = if i == 0 { start } else { margin + line.indent };
        // A string may have several lines.
        widths.push(match line.text.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => before + line.text.chars().count(),
        });
    }
    let mut first = 0;
    while first < lines.len() {
        let column = |i: usize| lines[i].comment.as_ref().map(|c| c.column);
        // An empty line ends the column.
        let joins = |i: usize| column(first).is_some() && column(i) == column(first);
        let mut end = first + 1;
        while end < lines.len() && joins(end) && !lines[end].blank {
            end += 1;
        }
        let width = widths[first..end].iter().max().copied().unwrap_or(0);
        for i in first..end {
            if let Some(comment) = lines[i].comment.take() {
                let pad = " ".repeat(width + 1 - widths[i]);
                lines[i].text += &(pad + &comment.text);
            }
        }
        first = end;
    }
}
