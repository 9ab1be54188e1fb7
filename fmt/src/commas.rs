//! The comma at the end of a list: it stands there if the closing bracket begins a line, and not otherwise.
//!
//! Where a comma would change the meaning, none is added and none is removed: `(x)` is no tuple, `(x,)` is one.

use crate::piece::{Bracket, Piece, Role};
use crate::token::{Kind, Token};

/// Pieces with commas added and removed.
pub(crate) fn trailing<'a>(pieces: Vec<Piece<'a>>, pairs: &[Option<usize>]) -> Vec<Piece<'a>> {
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for open in 0..pieces.len() {
        if pieces[open].list {
            match pairs[open].map(|close| change(&pieces, pairs, open, close)) {
                Some(Change::After(i)) => add.push(i),
                Some(Change::Without(i)) => remove.push(i),
                Some(Change::None) | None => {}
            }
        }
    }
    let mut result = Vec::with_capacity(pieces.len() + add.len());
    for (i, piece) in pieces.into_iter().enumerate() {
        let comma = add.contains(&i).then(|| comma(&piece));
        if !remove.contains(&i) {
            result.push(piece);
        }
        result.extend(comma);
    }
    result
}

/// What happens to a list.
enum Change {
    None,
    /// A comma is added after this piece.
    After(usize),
    /// This comma is removed.
    Without(usize),
}

fn change(pieces: &[Piece<'_>], pairs: &[Option<usize>], open: usize, close: usize) -> Change {
    let Role::Open(bracket) = pieces[open].role else {
        return Change::None;
    };
    let Some(last) = (open + 1..close).rfind(|i| pieces[*i].role != Role::Comment) else {
        return Change::None;
    };
    let mut commas = 0;
    let mut at = open + 1;
    while at < close {
        match pieces[at].role {
            // `[Linear(8 -> 8); 4]`.
            Role::Semicolon => return Change::None,
            Role::Comma if at != last => commas += 1,
            Role::Open(_) => at = pairs[at].unwrap_or(at),
            _ => {}
        }
        at += 1;
    }
    let begins_line = pieces[close].breaks > 0;
    match pieces[last].role {
        // It may keep what follows apart from a comment.
        Role::Comma if pieces[last].breaks > 0 => Change::None,
        // `(,)` is a mistake, which stays one.
        Role::Comma if !has_element(&pieces[open..last]) => Change::None,
        Role::Comma if !begins_line && (commas > 0 || bracket != Bracket::Group) => {
            Change::Without(last)
        }
        role if begins_line && ends_element(role) && may_add(pieces, open, bracket, commas) => {
            Change::After(last)
        }
        _ => Change::None,
    }
}

/// Whether the last piece that is no comment may be an element.
fn has_element(pieces: &[Piece<'_>]) -> bool {
    let mut roles = pieces.iter().rev().map(|p| p.role);
    let last = roles.find(|r| *r != Role::Comment);
    !matches!(last, None | Some(Role::Comma | Role::Open(_)))
}

fn may_add(pieces: &[Piece<'_>], open: usize, bracket: Bracket, commas: usize) -> bool {
    let before = open.checked_sub(1).map_or("", |i| pieces[i].token.text);
    match bracket {
        _ if commas > 0 => true,
        // The language's parser takes no comma after the only element of these.
        Bracket::Call => before != "ModuleList",
        Bracket::List | Bracket::Fields => true,
        _ => false,
    }
}

/// Whether an element can end with this. What a macro repeats brings its own commas.
fn ends_element(role: Role) -> bool {
    match role {
        Role::Word => true,
        Role::Close(b) => !matches!(b, Bracket::Attribute | Bracket::Repeat),
        _ => false,
    }
}

fn comma<'a>(after: &Piece<'a>) -> Piece<'a> {
    Piece {
        token: Token {
            kind: Kind::Mark,
            text: ",",
            start: after.token.end(),
        },
        role: Role::Comma,
        breaks: 0,
        touches: true,
        column: after.column,
        list: false,
    }
}
