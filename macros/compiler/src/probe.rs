//! Networks whose const parameters must be numbers.
//!
//! `for i in 0..DEPTH { x = cat([x, f(x)], dim = 1); }` has no shapes while `DEPTH` is a name. Such a network compiles
//! where a field gives the number, as in `stage: Stage<4>`, and is then checked with it. To find out whether its errors
//! are mistakes or come from a name, it is compiled with some numbers. An error that is there without numbers, and with several of them, is a mistake. So are
//! all, if there are errors with all numbers.

use crate::ast::ConstType;
use crate::call::Call;
use crate::diag::{Diag, Message};
use crate::parse::parse;
use crate::unit::{Unit, is_own};
use crate::values::{Known, replaced};
use crate::variant::Variants;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};

/// Numbers for the parameters of a network, in their order; the last stands for the rest. Sizes often have to divide
/// each other, and inputs and outputs to be equal.
const NUMBERS: &[&[i128]] = &[
    &[4],
    &[8, 8, 2],
    &[1],
    &[16, 8, 4, 2],
    &[3],
    &[2],
    &[32, 4],
    &[32, 2],
    &[8, 8, 1],
    &[2, 4, 8, 16, 32],
    &[16, 16, 3],
    &[32, 1],
    &[16, 8, 4, 4, 2, 2, 1],
    &[64],
];

/// The least number of attempts: a mistake may be in a part that few numbers have.
const LEAST: usize = 5;

/// Whether a network's errors come from parameters that are no numbers: with some numbers it has none, and no error is
/// there with and without numbers. Otherwise its errors, but for those in functions without errors with any numbers.
pub fn compiles(call: &Call, unit: &Unit, errors: &Diag) -> Result<(), Box<Diag>> {
    let parameters = &unit.source.generics;
    let errors = errors.messages();
    let in_parameters = |m: &Message| {
        parameters.iter().any(|p| {
            let default = p.default.as_ref().map(|e| e.span);
            same_place(p.name.span(), m.span) || default.is_some_and(|d| same_place(d, m.span))
        })
    };
    if errors.iter().any(in_parameters) {
        return Err(Box::new(of(errors)));
    }
    // With numbers the network has no parameters, but is itself one of the networks in its fields.
    let mut held = call.held.clone();
    let own = unit.source.blocks();
    if let Some(at) = own.iter().position(|path| is_own(&unit.source, path)) {
        held.resize(held.len().max(at + 1), TokenStream::new());
        held[at] = call.handed_out(&[]);
    }
    let mut there = vec![false; errors.len()];
    // The error with numbers at the place of one without, if it is the same with all numbers.
    let mut alike: Vec<Vec<Option<Message>>> = vec![Vec::new(); errors.len()];
    let mut always = vec![0; errors.len()];
    let (mut tried, mut compiles) = (0, false);
    let booleans: &[bool] = match parameters.iter().any(|p| p.ty == ConstType::Bool) {
        true => &[true, false],
        false => &[true],
    };
    // A network that holds itself may grow fast.
    let largest = if own.iter().any(|path| is_own(&unit.source, path)) {
        8
    } else {
        i128::MAX
    };
    let few = |numbers: &&&[i128]| numbers.iter().all(|n| *n <= largest);
    for numbers in NUMBERS.iter().filter(few) {
        for boolean in booleans {
            let value = |k: usize, ty| match ty {
                ConstType::Size => Known::Whole(numbers[k.min(numbers.len() - 1)]),
                ConstType::Float => Known::Number(0.5),
                ConstType::Bool => Known::Bool(*boolean),
            };
            let known = |name: &Ident| {
                let k = parameters.iter().position(|p| p.name == *name)?;
                Some(value(k, parameters[k].ty))
            };
            let found = errors_of(&Call {
                krate: call.krate.clone(),
                source: replaced(&without_parameters(&call.source), &known),
                held: held.clone(),
            });
            tried += 1;
            compiles |= found.is_none();
            let found = found.unwrap_or_default();
            let places = errors
                .iter()
                .zip(&mut there)
                .zip(&mut always)
                .zip(&mut alike);
            for (((error, there), always), alike) in places {
                let mut same = found.iter().filter(|m| same_place(m.span, error.span));
                let same_function = |m: &Message| m.function == error.function;
                *there |= same.clone().next().is_some() || found.iter().any(same_function);
                alike.push(same.clone().next().cloned());
                *always += usize::from(same.any(|m| first_line(m) == first_line(error)));
            }
            if tried >= LEAST && always.iter().any(|count| *count > 1) {
                return Err(Box::new(left(errors, &there, &alike)));
            }
            if tried >= LEAST && compiles {
                return Ok(());
            }
        }
    }
    Err(Box::new(left(errors, &there, &alike)))
}

/// The words of an error that is about unknown values alone.
const UNKNOWN: &str = "the macro must know";

/// The errors in functions with errors with some numbers; all of them, if there are none. If an error is about unknown
/// values alone, but there is another one with all numbers, that one is reported.
fn left(errors: Vec<Message>, there: &[bool], alike: &[Vec<Option<Message>>]) -> Diag {
    let any = there.contains(&true);
    let with_numbers = |k: usize| {
        let first = alike[k].first()?.as_ref()?;
        let same = |m: &Option<Message>| m.as_ref().is_some_and(|m| m.is(first));
        alike[k].iter().all(same).then(|| first.clone())
    };
    let kept = errors.into_iter().enumerate();
    let kept = kept.filter(|(k, _)| !any || there[*k]);
    let clearer = |(k, m): (usize, Message)| match m.text.contains(UNKNOWN) {
        true => with_numbers(k).unwrap_or(m),
        false => m,
    };
    of(kept.map(clearer).collect())
}

/// The errors of a network; `None` without errors.
fn errors_of(call: &Call) -> Option<Vec<Message>> {
    let diag = Diag::default();
    let Some(source) = parse(call.source.clone(), &diag) else {
        return Some(diag.messages());
    };
    let unit = call.unit(source);
    let variants = Variants::new(call, &unit, &diag);
    variants.errors().map(|errors| errors.messages())
}

fn same_place(a: Span, b: Span) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

fn first_line(message: &Message) -> &str {
    message.text.lines().next().unwrap_or_default()
}

fn of(messages: Vec<Message>) -> Diag {
    let out = Diag::default();
    for message in messages {
        let span = message.span;
        out.take(message, span, "");
    }
    out
}

/// A network's tokens without `<const N: usize, ..>`.
fn without_parameters(source: &TokenStream) -> TokenStream {
    let mut out = Vec::new();
    let mut tokens = source.clone().into_iter().peekable();
    for token in tokens.by_ref() {
        let last = matches!(&token, TokenTree::Ident(word) if word == "struct");
        out.push(token);
        if last {
            break;
        }
    }
    out.extend(tokens.next());
    if matches!(tokens.peek(), Some(TokenTree::Punct(p)) if p.as_char() == '<') {
        let mut depth = 0;
        // A default may hold an expression in braces, which is one token.
        for token in tokens.by_ref() {
            if let TokenTree::Punct(p) = token {
                match p.as_char() {
                    '<' => depth += 1,
                    '>' => depth -= 1,
                    _ => {}
                }
            }
            if depth == 0 {
                break;
            }
        }
    }
    out.extend(tokens);
    out.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::without_parameters;

    #[test]
    fn drops_parameters_alone() {
        let source =
            "pub struct N<const A: usize = {2 > 1}, const P: f64> where A > 1 { a: Linear(A, 2) }";
        let without = without_parameters(&source.parse().expect("tokens"));
        let wanted = "pub struct N where A > 1 { a: Linear(A, 2) }";
        let wanted: proc_macro2::TokenStream = wanted.parse().expect("tokens");
        assert_eq!(without.to_string(), wanted.to_string());
    }
}
