//! The variants of a network: one for each answer to the conditions that only rustc can decide.
//!
//! What goes in is a network; what comes out is the network compiled once for each answer to `S != 1`. A network without
//! such conditions has one variant.

use crate::call::Call;
use crate::condition::Condition;
use crate::diag::{Diag, Message, Undecided};
use crate::equal::Equalities;
use crate::net::{FieldKind, Net};
use crate::pipeline::Attempt;
use crate::program::Program;
use crate::unit::Unit;
use std::rc::Rc;

/// The most variants of a network.
const MOST: usize = 64;

/// A network under the answers to its conditions.
pub struct Variant {
    /// The conditions and their answers.
    pub answers: Vec<(Condition, bool)>,
    /// The network.
    pub net: Net,
    /// Its functions; `None` if there are errors.
    pub programs: Option<Vec<Program>>,
    errors: Diag,
    /// The numbers of the fields that its functions do not use.
    unused: Vec<usize>,
    /// The answers, for messages.
    shown: Vec<String>,
}

impl Variant {
    /// Its functions; none if there are errors.
    pub fn programs(&self) -> &[Program] {
        self.programs.as_deref().unwrap_or_default()
    }
}

/// All variants of a network.
pub struct Variants<'a> {
    call: &'a Call,
    unit: &'a Unit,
    parsed: &'a Diag,
    /// The network before any answer, if there is a condition.
    undivided: Option<Net>,
    /// The number of variants, those included that are still to be compiled.
    count: usize,
    /// The error of a network with too many variants.
    too_many: Option<Message>,
    /// The variants.
    pub all: Vec<Variant>,
    /// Variants with errors that rustc reports if it takes the variant.
    failed: Vec<Variant>,
}

/// The answers to the conditions so far, and the equalities that follow from them.
#[derive(Clone, Default)]
struct Answers {
    answers: Vec<(Condition, bool)>,
    shown: Vec<String>,
    equal: Rc<Equalities>,
}

impl Answers {
    fn with(&self, undecided: &Undecided, holds: bool) -> Answers {
        let mut out = self.clone();
        let verb = if holds { "is true" } else { "is false" };
        let text = undecided.text.replace(" & ", " && ").replace(" | ", " || ");
        out.shown.push(format!("`{text}` {verb}"));
        out.answers.push((undecided.condition.clone(), holds));
        out.equal = Rc::new(self.equal.assume(&undecided.condition, holds));
        out
    }
}

impl<'a> Variants<'a> {
    /// Compiles all variants.
    pub fn new(call: &'a Call, unit: &'a Unit, parsed: &'a Diag) -> Variants<'a> {
        let mut out = Variants {
            call,
            unit,
            parsed,
            undivided: None,
            count: 1,
            too_many: None,
            all: Vec::new(),
            failed: Vec::new(),
        };
        out.grow(Answers::default());
        out.set_aside();
        if out.all.len() > 1 {
            for (k, variant) in out.all.iter_mut().enumerate() {
                variant.net.variant = Some(k);
            }
        }
        out
    }

    /// The network before any answer: its declarations and signatures.
    pub fn net(&self) -> &Net {
        self.undivided.as_ref().unwrap_or(&self.all[0].net)
    }

    /// The errors of all variants, if there are any.
    pub fn errors(&self) -> Option<Diag> {
        if let Some(message) = &self.too_many {
            let out = Diag::default();
            out.take(message.clone(), message.span, "");
            return Some(out);
        }
        match self.all.as_slice() {
            [one] if self.failed.is_empty() => one.programs.is_none().then(|| one.errors.clone()),
            all => {
                let failed = all.iter().any(|v| v.programs.is_none());
                failed.then(|| self.joined())
            }
        }
    }

    /// The numbers of the fields that no variant uses.
    pub fn unused(&self) -> Vec<usize> {
        let all = || self.all.iter().chain(&self.failed);
        let never = |field: &usize| {
            all().all(|v| {
                matches!(v.net.fields[*field].kind, FieldKind::Absent(_))
                    || v.unused.contains(field)
            })
        };
        let mut out: Vec<usize> = all().flat_map(|v| v.unused.clone()).filter(never).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// The errors of the variants that rustc may take or not, each with the answers that lead to it.
    pub fn deferred(&self) -> Vec<(&[(Condition, bool)], Message)> {
        let of = |v: &'_ Variant| v.errors.messages();
        let all = self.failed.iter();
        all.flat_map(|v| of(v).into_iter().map(|m| (&v.answers[..], m)))
            .collect()
    }

    /// Sets the variants with errors aside, if others have none, for rustc to report the errors if it takes them. In a
    /// network without const parameters it takes one variant. In others, errors are set aside that need two answers or
    /// more: these may be impossible together, as `S == 1` and `S > 1`.
    fn set_aside(&mut self) {
        let reported = |v: &Variant| v.programs.is_some() || v.errors.any();
        let apart = |v: &Variant| {
            let alone = |m: &Message| self.common(m).1.len() < 2;
            !v.errors.messages().iter().any(alone)
        };
        if self.too_many.is_none()
            && self.all.iter().any(|v| v.programs.is_some())
            && self.all.iter().all(reported)
            && (self.net().generics.is_empty() || self.all.iter().all(apart))
        {
            let all = std::mem::take(&mut self.all);
            (self.all, self.failed) = all.into_iter().partition(|v| v.programs.is_some());
        }
    }

    /// The number of variants that have an error, and the answers that all of them share.
    fn common(&self, message: &Message) -> (usize, Vec<&str>) {
        let has = |v: &&Variant| {
            v.programs.is_none() && v.errors.messages().iter().any(|m| m.is(message))
        };
        let with: Vec<&Variant> = self.all.iter().filter(has).collect();
        let shared = |answer: &&String| with.iter().all(|v| v.shown.contains(answer));
        let common = with.first().map(|v| v.shown.iter().filter(shared));
        (
            with.len(),
            common.into_iter().flatten().map(String::as_str).collect(),
        )
    }

    /// Each error once; one that not all variants have shows what its variants have in common.
    fn joined(&self) -> Diag {
        let of = |v: &Variant| match v.programs {
            Some(_) => Vec::new(),
            None => v.errors.messages(),
        };
        let lists: Vec<Vec<Message>> = self.all.iter().map(of).collect();
        let out = Diag::default();
        for message in lists.iter().flatten() {
            let (with, common) = self.common(message);
            let mut message = message.clone();
            if with < self.all.len() && !common.is_empty() {
                // The result is right where the condition has the other answer.
                let lines = message.text.lines();
                let kept: Vec<&str> = lines
                    .filter(|l| !l.starts_with("help: declare `->"))
                    .collect();
                message.text = format!(
                    "{}\nnote: this error occurs only if {}",
                    kept.join("\n"),
                    common.join(" and ")
                );
            }
            let span = message.span;
            out.take(message, span, "");
        }
        out
    }

    /// Compiles a network under these answers, or its variants if they do not decide all conditions.
    fn grow(&mut self, known: Answers) {
        let mut equal = known.equal.clone();
        let mut attempt = Attempt::new(self.call, self.unit, &equal, self.parsed);
        let first = attempt.diag.clone();
        loop {
            if let Some(undecided) = attempt.diag.first_undecided() {
                if self.count < MOST {
                    self.count += 1;
                    self.undivided.get_or_insert(attempt.net);
                    for holds in [true, false] {
                        self.grow(known.with(&undecided, holds));
                    }
                    return;
                }
                let text = format!(
                    "the condition `{}` gives `{}` more than {MOST} variants\nnote: the macro compiles one variant for each combination of true and false conditions",
                    undecided.text, attempt.net.name
                );
                let message = Message::new(undecided.span, text);
                self.too_many.get_or_insert(message);
                break;
            }
            if attempt.programs.is_some() {
                break;
            }
            // Each round solves a constant; it is checked by rustc that the solution is its value.
            let Some(next) = equal.with(attempt.diag.pairs()) else {
                break;
            };
            equal = Rc::new(next);
            attempt = Attempt::new(self.call, self.unit, &equal, self.parsed);
        }
        // A name that was taken for a constant may be a mistake, which rustc reports at its token.
        let errors = attempt.diag;
        if attempt.programs.is_none() {
            equal.note(&errors, &first);
        }
        self.all.push(Variant {
            answers: known.answers,
            net: attempt.net,
            programs: attempt.programs,
            errors,
            unused: attempt.unused,
            shown: known.shown,
        });
    }
}
