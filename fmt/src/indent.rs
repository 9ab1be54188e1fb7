//! Indentation: the spaces before a line, from the brackets that are open and from what comes before.
//!
//! Brackets that one line opens count once: what they hold is one level deeper than that line, and the line that closes
//! them is as deep. A line that continues a statement is one level deeper than the statement.

use crate::piece::{Bracket, Piece, Role};

const LEVEL: usize = 4;

/// An open bracket.
#[derive(Default)]
struct Frame {
    /// The indentation of the line that opens it.
    line: usize,
    /// The indentation of the last line in it, if another `.method()` may follow at the same depth.
    chain: Option<usize>,
    /// The indentation of the function, struct, `for` or `if` whose brace is to come.
    head: Option<usize>,
    /// Whether the conditions after `where` stand here.
    conditions: bool,
}

/// What is known after the pieces read so far.
pub(crate) struct Indent<'a> {
    frames: Vec<Frame>,
    /// The indentation of the current line.
    line: usize,
    /// Whether the line has only closing brackets so far.
    closing: bool,
    /// The last piece that is no comment.
    last: Option<(Role, &'a str)>,
}

impl<'a> Indent<'a> {
    /// Before the first piece, the brace of the macro.
    pub(crate) fn new() -> Self {
        Indent {
            frames: Vec::new(),
            line: 0,
            closing: false,
            last: None,
        }
    }

    /// The indentation of lines inside the innermost bracket.
    pub(crate) fn inside(&self) -> usize {
        self.frames.last().map_or(0, |f| f.line + LEVEL)
    }

    /// The indentation of a line that begins with a piece, which is no comment.
    pub(crate) fn of(&self, piece: &Piece<'_>) -> usize {
        let frame = self.frames.last();
        if matches!(piece.role, Role::Close(_)) {
            return frame.map_or(0, |f| f.line);
        }
        match frame.and_then(|f| f.chain) {
            Some(chain) if piece.token.text == "." => chain,
            _ if self.continues(piece) => self.inside() + LEVEL,
            _ => self.inside(),
        }
    }

    /// Whether a piece at the beginning of a line continues what the line before began.
    fn continues(&self, piece: &Piece<'_>) -> bool {
        let Some((last, text)) = self.last else {
            return false;
        };
        let unfinished = match last {
            Role::Open(_) | Role::Comma | Role::Semicolon => {
                return self.in_conditions(piece);
            }
            Role::Binary | Role::Colon => true,
            Role::Tight => matches!(text, "." | "::"),
            Role::Keyword => text != "else" && text != "where",
            _ => false,
        };
        match piece.role {
            Role::Open(bracket) if bracket.brace() => last == Role::Binary,
            Role::Keyword if piece.token.text == "where" => false,
            Role::Keyword if piece.token.text == "in" => true,
            Role::Binary | Role::Open(Bracket::Call | Bracket::Index) => true,
            _ => unfinished || piece.token.text == "." || self.in_conditions(piece),
        }
    }

    fn in_conditions(&self, piece: &Piece<'_>) -> bool {
        let brace = matches!(piece.role, Role::Open(b) if b.brace());
        !brace && self.frames.last().is_some_and(|f| f.conditions)
    }

    /// Reads a piece that is no comment; with the indentation of its line if it is the line's first.
    pub(crate) fn read(&mut self, piece: &Piece<'a>, begins: Option<usize>) {
        if let Some(line) = begins {
            self.begin(piece, line);
        }
        match piece.role {
            Role::Open(bracket) => self.open(bracket),
            Role::Close(_) => {
                self.frames.pop();
            }
            _ => {}
        }
        self.closing &= matches!(piece.role, Role::Close(_));
        let (line, closing) = (self.line, self.closing);
        if let Some(frame) = self.frames.last_mut() {
            match piece.role {
                // `})` leads back to the bracket around both.
                Role::Close(_) if closing => frame.chain = Some(line),
                Role::Semicolon => (frame.head, frame.conditions) = (None, false),
                Role::Keyword if piece.token.text == "where" => frame.conditions = true,
                _ => {}
            }
        }
        self.last = Some((piece.role, piece.token.text));
    }

    /// Begins a line.
    fn begin(&mut self, piece: &Piece<'_>, line: usize) {
        let continues = self.continues(piece);
        (self.line, self.closing) = (line, true);
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        frame.chain = (piece.token.text == ".").then_some(line);
        let heads = ["fn", "struct", "pub", "for", "if", "#"];
        if !continues && heads.contains(&piece.token.text) {
            frame.head = Some(line);
        }
    }

    fn open(&mut self, bracket: Bracket) {
        let mut line = self.line;
        if bracket.brace()
            && let Some(frame) = self.frames.last_mut()
        {
            // The head of a function may have several lines; its body is one level deeper than the first.
            line = frame.head.take().unwrap_or(line);
            frame.conditions = false;
        }
        self.frames.push(Frame {
            line,
            ..Frame::default()
        });
    }
}
