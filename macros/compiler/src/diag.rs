//! Collects errors: each is reported once, at its token, all in one compilation.

use crate::condition::Condition;
use crate::dim::Dim;
use crate::unify::may_be_equal;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use std::cell::RefCell;

/// An error that has been reported: values that depend on it cause no further errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorReported;

/// A result whose error has been reported.
pub type Reported<T> = Result<T, ErrorReported>;

/// One error: its place and its text.
#[derive(Clone, Debug)]
pub struct Message {
    /// The underlined token.
    pub span: Span,
    /// The text: the first line says what is wrong; further lines say where both sides come from and how to fix it.
    pub text: String,
    /// The sizes that differ, if values of constants might make them equal.
    pub differ: Vec<(Dim, Dim)>,
    /// The function that was being compiled.
    pub function: String,
}

impl Message {
    /// An error that is about no size.
    pub fn new(span: Span, text: String) -> Message {
        Message {
            span,
            text,
            differ: Vec::new(),
            function: String::new(),
        }
    }

    /// Whether another message is the same, at the same place.
    pub fn is(&self, other: &Message) -> bool {
        self.text == other.text && format!("{:?}", self.span) == format!("{:?}", other.span)
    }
}

/// Two sizes that differ, and the error that was reported for them.
#[derive(Clone, Debug)]
pub struct Pair {
    /// One size.
    pub left: Dim,
    /// The other.
    pub right: Dim,
    /// The token of the error.
    pub span: Span,
    /// The first line of the error.
    pub text: String,
    /// The function in which it was found.
    pub function: String,
}

/// Collects errors through a shared reference.
#[derive(Clone, Debug, Default)]
pub struct Diag {
    messages: RefCell<Vec<Message>>,
    /// The sizes that the next error is about.
    differ: RefCell<Vec<(Dim, Dim)>>,
    /// The function that is being compiled.
    function: RefCell<String>,
    /// The first condition that depends on the values of constants.
    undecided: RefCell<Option<Undecided>>,
}

/// A condition that depends on the values of constants.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// The condition.
    pub condition: Condition,
    /// As written.
    pub text: String,
    /// Its place.
    pub span: Span,
}

impl Diag {
    /// Reports an error.
    pub fn error(&self, span: Span, text: impl Into<String>) -> ErrorReported {
        self.messages.borrow_mut().push(Message {
            span,
            text: text.into(),
            differ: self.differ.take(),
            function: self.function.borrow().clone(),
        });
        ErrorReported
    }

    /// Records a condition that depends on the values of constants.
    pub fn undecided(&self, condition: Condition, text: String, span: Span) {
        self.undecided.borrow_mut().get_or_insert(Undecided {
            condition,
            text,
            span,
        });
    }

    /// The first condition that depends on the values of constants.
    pub fn first_undecided(&self) -> Option<Undecided> {
        self.undecided.borrow().clone()
    }

    /// Says which function is compiled from here on.
    pub fn at(&self, function: &str) {
        function.clone_into(&mut self.function.borrow_mut());
    }

    /// Says that the next error is reported because two sizes differ.
    pub fn differ(&self, left: &Dim, right: &Dim) {
        if may_be_equal(left, right) || left.equal_if_divided(right).is_some() {
            let pair = (left.clone(), right.clone());
            self.differ.borrow_mut().push(pair);
        }
    }

    /// The sizes that errors were reported for, although values of constants might make them equal.
    pub fn pairs(&self) -> Vec<Pair> {
        let mut out = Vec::new();
        for m in self.messages.borrow().iter() {
            out.extend(m.differ.iter().map(|(left, right)| Pair {
                left: left.clone(),
                right: right.clone(),
                span: m.span,
                text: m.text.lines().next().unwrap_or_default().to_owned(),
                function: m.function.clone(),
            }));
        }
        out
    }

    /// Adds an error of another collection, at a token, with words before it.
    pub fn take(&self, mut message: Message, span: Span, before: &str) {
        message.span = span;
        message.text.insert_str(0, before);
        self.messages.borrow_mut().push(message);
    }

    /// Reports a parser's error.
    pub fn syntax(&self, error: &syn::Error) -> ErrorReported {
        for e in error.clone() {
            self.error(e.span(), e.to_string());
        }
        ErrorReported
    }

    /// Forgets the errors after the first `from`.
    pub fn withdraw(&self, from: usize) {
        self.messages.borrow_mut().truncate(from);
    }

    /// Takes the errors after the first `from`.
    pub fn split_off(&self, from: usize) -> Vec<Message> {
        self.messages.borrow_mut().split_off(from)
    }

    /// Reports errors that were taken, each once.
    pub fn extend(&self, errors: Vec<Message>) {
        let mut messages = self.messages.borrow_mut();
        for error in errors {
            if !messages.iter().any(|m| m.is(&error)) {
                messages.push(error);
            }
        }
    }

    /// The number of reported errors.
    pub fn count(&self) -> usize {
        self.messages.borrow().len()
    }

    /// Appends words to the errors after the first `from`.
    pub fn append(&self, from: usize, words: &str) {
        for m in self.messages.borrow_mut().iter_mut().skip(from) {
            m.text.push_str(words);
        }
    }

    /// Adds further lines to each error.
    pub fn note(&self, note: impl Fn(&Message) -> String) {
        for m in self.messages.borrow_mut().iter_mut() {
            m.text += &note(m);
        }
    }

    /// Moves the errors after the first `from` to another token, with words before them.
    pub fn move_to(&self, from: usize, span: Span, before: &str) {
        for m in self.messages.borrow_mut().iter_mut().skip(from) {
            m.span = span;
            m.text.insert_str(0, before);
        }
    }

    /// Whether any error was reported.
    pub fn any(&self) -> bool {
        !self.messages.borrow().is_empty()
    }

    /// All errors in the order of the source, without repetitions.
    pub fn messages(&self) -> Vec<Message> {
        let mut out: Vec<Message> = Vec::new();
        for m in self.messages.borrow().iter() {
            if !out.iter().any(|o| o.is(m)) {
                out.push(m.clone());
            }
        }
        for m in &mut out {
            let mut lines: Vec<&str> = Vec::new();
            for line in m.text.lines() {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
            m.text = lines.join("\n");
        }
        // In the order of the source; the sort keeps the order of reports at one place.
        out.sort_by_key(|m| {
            let at = m.span.start();
            (at.line, at.column)
        });
        out
    }

    /// The errors as tokens: one `compile_error!` each.
    pub fn to_tokens(&self) -> TokenStream {
        self.messages()
            .iter()
            .map(|m| {
                let text = &m.text;
                quote_spanned!(m.span=> ::core::compile_error!(#text);)
            })
            .collect()
    }
}

/// Whether a text has a name as a word.
pub fn has_word(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !word(c)).any(|w| w == name)
}

/// The candidate nearest to `name`, if it is near enough to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |s: &str| s.to_lowercase().replace('_', "");
    let wanted = plain(name);
    let limit = wanted.len().div_ceil(3).max(1);
    candidates
        .into_iter()
        .map(|c| (distance(&wanted, &plain(c)), c))
        .filter(|(d, c)| *d <= limit && *d < plain(c).len())
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

/// Whether a name differs from one of the others only by a slip of one letter, or in its case.
pub fn slip<'a>(name: &str, others: impl IntoIterator<Item = &'a str>) -> bool {
    let plain = |s: &str| s.to_lowercase().replace('_', "");
    let wanted = plain(name);
    (others.into_iter()).any(|other| distance(&wanted, &plain(other)) <= 1)
}

/// Edits (insert, delete, replace, swap neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replace.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

/// `help: did you mean ..?` as a further line, or nothing.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |c| format!("\nhelp: did you mean `{c}`?"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_finds_slips_only() {
        let names = ["linear_1", "softmax", "relu", "LayerNorm"];
        assert_eq!(nearest("sofmax", names), Some("softmax"));
        assert_eq!(nearest("linaer_1", names), Some("linear_1"));
        assert_eq!(nearest("layer_norm", names), Some("LayerNorm"));
        assert_eq!(nearest("conv", names), None);
    }
}
