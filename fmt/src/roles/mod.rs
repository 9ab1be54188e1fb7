//! Roles: which minus is a sign, which colon a slice, which `<` begins a list of sizes.
//!
//! One pass over the pieces. A stack of frames holds what is known about each open bracket.

mod marks;
mod sizes;

use crate::piece::{Bracket, Piece, Role};
use crate::token::Kind;

const KEYWORDS: [&str; 16] = [
    "as", "const", "else", "fn", "for", "if", "in", "let", "loop", "match", "mut", "pub", "return",
    "struct", "use", "while",
];

/// What stands inside a bracket.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The struct and the functions.
    Items,
    /// The struct's fields.
    Fields,
    /// Arguments, statements, expressions.
    Code,
    /// Tokens of attributes and macros, whose commas are not ours.
    Foreign,
}

/// An open bracket.
struct Frame {
    bracket: Bracket,
    place: Place,
    /// Whether the next brace holds fields.
    is_struct: bool,
    /// Whether a closure's first bar is open.
    bar: bool,
}

/// The pass.
struct Roles<'p, 'a> {
    pieces: &'p mut [Piece<'a>],
    pairs: &'p mut [Option<usize>],
    /// Roles that an earlier piece decided.
    fixed: Vec<Option<Role>>,
    frames: Vec<Frame>,
    /// The last piece before the current one that is no comment.
    last: Option<usize>,
}

/// Sets the role of each piece. Adds the partners of `<` and `>` around sizes to those of brackets.
pub(crate) fn assign(pieces: &mut [Piece<'_>], pairs: &mut [Option<usize>]) {
    let fixed = vec![None; pieces.len()];
    let mut roles = Roles {
        pieces,
        pairs,
        fixed,
        frames: Vec::new(),
        last: None,
    };
    for i in 0..roles.pieces.len() {
        if roles.pieces[i].role != Role::Comment {
            let role = roles.role(i);
            roles.pieces[i].role = role;
            roles.last = Some(i);
        }
    }
}

impl<'a> Roles<'_, 'a> {
    fn role(&mut self, i: usize) -> Role {
        if let Some(role) = self.fixed[i] {
            if matches!(role, Role::Close(_)) {
                self.frames.pop();
            }
            return role;
        }
        match self.pieces[i].token.kind {
            Kind::Name => self.word(i),
            Kind::Open => self.open(i),
            Kind::Close => self.close(i),
            Kind::Mark => self.mark(i),
            _ => Role::Word,
        }
    }

    fn word(&mut self, i: usize) -> Role {
        let text = self.text(Some(i));
        // A method, a field, a name of a macro, an argument `in = 3`.
        if matches!(self.last_text(), "." | "$" | "#") || self.text(self.next(i)) == "=" {
            return Role::Word;
        }
        let items = self.place() == Place::Items;
        if items && let Some(frame) = self.frames.last_mut() {
            match text {
                "struct" => frame.is_struct = true,
                "fn" => frame.is_struct = false,
                _ => {}
            }
        }
        // Elsewhere `where(condition, x, y)` is an op.
        match KEYWORDS.contains(&text) || items && text == "where" {
            true => Role::Keyword,
            false => Role::Word,
        }
    }

    fn open(&mut self, i: usize) -> Role {
        let (value, before) = (self.value_before(i), self.last_text());
        let bracket = match self.text(Some(i)) {
            "(" if matches!(before, "$" | "#") => Bracket::Repeat,
            "(" if value || before == "pub" => Bracket::Call,
            "(" => Bracket::Group,
            "[" if before == "#" || self.inner_attribute() => Bracket::Attribute,
            "[" if value => Bracket::Index,
            "[" => Bracket::List,
            _ => {
                let frame = self.frames.last_mut();
                match frame.is_some_and(|f| std::mem::take(&mut f.is_struct)) {
                    true => Bracket::Fields,
                    false => Bracket::Block,
                }
            }
        };
        self.push(i, bracket);
        Role::Open(bracket)
    }

    /// Opens a bracket.
    fn push(&mut self, i: usize, bracket: Bracket) {
        let of_macro = self.last_role() == Some(Role::Postfix) && self.last_text() == "!";
        let outside = self.frames.last().map(|f| f.place);
        let place = match (outside, bracket) {
            (None, _) => Place::Items,
            (_, Bracket::Attribute) => Place::Foreign,
            _ if of_macro => Place::Foreign,
            (Some(place), Bracket::Repeat) => place,
            (Some(Place::Items), Bracket::Fields | Bracket::Sizes) => Place::Fields,
            (Some(Place::Items), _) => Place::Code,
            (Some(place), _) => place,
        };
        let listed = !matches!(bracket, Bracket::Block | Bracket::Repeat);
        self.pieces[i].list = listed && place != Place::Foreign;
        self.frames.push(Frame {
            bracket,
            place,
            is_struct: false,
            bar: false,
        });
    }

    fn close(&mut self, i: usize) -> Role {
        let bracket = self.frames.pop().map_or(Bracket::Block, |f| f.bracket);
        if bracket == Bracket::Repeat {
            self.repetition(i);
        }
        Role::Close(bracket)
    }
}
