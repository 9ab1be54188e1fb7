//! `<`: the beginning of a list of sizes, as in `Block<16, 32>`, or a comparison.

use super::{Place, Roles};
use crate::piece::{Bracket, Role};
use crate::token::Kind;

impl Roles<'_, '_> {
    /// Whether the `<` at `i` begins a list of sizes. If so, its end gets its role.
    ///
    /// Fields compare nothing. In a function a named dimension may be compared, and its name is in capitals too, so a
    /// list needs a name such as `Block` directly before it.
    pub(super) fn sizes(&mut self, i: usize) -> bool {
        let of_macro = self.text(self.earlier()) == "$";
        let name = self.last_text();
        if !(self.type_name(self.last) || of_macro) {
            return false;
        }
        let declared = self.text(self.earlier()) == "struct";
        let typed = name.chars().any(char::is_lowercase) && self.pieces[i].touches && !of_macro;
        if !(declared || typed || self.place() == Place::Fields) {
            return false;
        }
        let Some(end) = self.end_of_sizes(i) else {
            return false;
        };
        (self.pairs[i], self.pairs[end]) = (Some(end), Some(i));
        self.fix(Some(end), Role::Close(Bracket::Sizes));
        self.push(i, Bracket::Sizes);
        true
    }

    fn type_name(&self, i: Option<usize>) -> bool {
        let name = i.is_some_and(|i| self.pieces[i].token.kind == Kind::Name);
        name && self.text(i).starts_with(char::is_uppercase)
    }

    /// The `>` that belongs to the `<` at `i`.
    fn end_of_sizes(&self, i: usize) -> Option<usize> {
        let (mut at, mut before, mut depth) = (i, self.last, 1usize);
        loop {
            let next = self.next(at)?;
            match (self.pieces[next].token.kind, self.text(Some(next))) {
                (Kind::Close, _) => return None,
                (_, ";") if self.place() != Place::Fields => return None,
                (Kind::Mark, "<") if self.type_name(before) => depth += 1,
                (Kind::Mark, ">") => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(next);
            }
            before = Some(next);
            at = match self.pieces[next].token.kind {
                Kind::Open => self.pairs[next]?,
                _ => next,
            };
        }
    }
}
