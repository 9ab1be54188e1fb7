//! The roles of operators and other marks, and how to look around from a piece.

use super::{Place, Roles};
use crate::piece::{Bracket, Role};
use crate::token::Kind;

impl<'a> Roles<'_, 'a> {
    pub(super) fn mark(&mut self, i: usize) -> Role {
        let value = self.value_before(i);
        match self.text(Some(i)) {
            "," => Role::Comma,
            ";" => self.semicolon(),
            "." | "::" | ".." | "..." | "..=" => Role::Tight,
            ":" => match self.frames.last() {
                Some(frame) if frame.bracket == Bracket::Index => Role::Tight,
                _ => Role::Colon,
            },
            "?" => Role::Postfix,
            "!" if value && self.opens(self.next(i)) => Role::Postfix,
            "!" | "#" | "$" | "~" => Role::Prefix,
            "-" | "*" | "&" | "&&" if !value => Role::Prefix,
            "|" => self.bar(value),
            // A closure without arguments.
            "||" if !value => Role::Keyword,
            "<" if self.sizes(i) => Role::Open(Bracket::Sizes),
            text if text.chars().all(|c| "=!<>&|*+-/%^@".contains(c)) => Role::Binary,
            _ => Role::Word,
        }
    }

    /// Whether a value ends before piece `i`, so that an operator there has two sides.
    pub(super) fn value_before(&self, i: usize) -> bool {
        match self.last_role() {
            Some(Role::Word | Role::Postfix) => true,
            Some(Role::Close(Bracket::Attribute)) => false,
            // A statement may end with a brace; in the same line only an operator can follow as one of a value.
            Some(Role::Close(b)) if b.brace() => {
                self.pieces[i].token.kind == Kind::Mark && !self.broken(i)
            }
            Some(Role::Close(_)) => true,
            _ => false,
        }
    }

    fn semicolon(&mut self) -> Role {
        if let Some(frame) = self.frames.last_mut() {
            frame.is_struct = false;
        }
        Role::Semicolon
    }

    /// A closure's bar, or an operator.
    fn bar(&mut self, value: bool) -> Role {
        let Some(frame) = self.frames.last_mut() else {
            return Role::Binary;
        };
        match (frame.bar, value) {
            (true, _) => {
                frame.bar = false;
                Role::BarClose
            }
            (false, true) => Role::Binary,
            (false, false) => {
                frame.bar = true;
                Role::BarOpen
            }
        }
    }

    /// The marks after `$(..)`: `*`, or `,*` with any separator.
    pub(super) fn repetition(&mut self, close: usize) {
        let first = self.next(close);
        let second = first.and_then(|i| self.next(i));
        let counts = |text: &str| matches!(text, "*" | "+" | "?");
        if counts(self.text(first)) {
            self.fix(first, Role::Postfix);
        } else if counts(self.text(second)) {
            self.fix(first, Role::Postfix);
            self.fix(second, Role::Postfix);
        }
    }

    pub(super) fn fix(&mut self, i: Option<usize>, role: Role) {
        if let Some(i) = i {
            self.fixed[i] = Some(role);
        }
    }

    /// The next piece that is no comment.
    pub(super) fn next(&self, i: usize) -> Option<usize> {
        (i + 1..self.pieces.len()).find(|j| self.pieces[*j].role != Role::Comment)
    }

    pub(super) fn text(&self, i: Option<usize>) -> &'a str {
        i.map_or("", |i| self.pieces[i].token.text)
    }

    pub(super) fn last_text(&self) -> &'a str {
        self.text(self.last)
    }

    pub(super) fn last_role(&self) -> Option<Role> {
        self.last.map(|i| self.pieces[i].role)
    }

    /// The piece before the last one.
    pub(super) fn earlier(&self) -> Option<usize> {
        let last = self.last?;
        let mut before = (0..last).rev();
        before.find(|j| self.pieces[*j].role != Role::Comment)
    }

    /// Whether `#!` comes before.
    pub(super) fn inner_attribute(&self) -> bool {
        self.last_text() == "!" && self.text(self.earlier()) == "#"
    }

    pub(super) fn place(&self) -> Place {
        self.frames.last().map_or(Place::Items, |f| f.place)
    }

    /// Whether a line ends between the last piece and this one.
    pub(super) fn broken(&self, i: usize) -> bool {
        let first = self.last.map_or(0, |l| l + 1);
        self.pieces[first..=i].iter().any(|p| p.breaks > 0)
    }

    fn opens(&self, i: Option<usize>) -> bool {
        i.is_some_and(|i| self.pieces[i].token.kind == Kind::Open)
    }
}
