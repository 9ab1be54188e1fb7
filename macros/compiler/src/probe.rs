//! Networks whose const parameters must be numbers.
//!
//! `for i in 0..DEPTH { x = cat([x, f(x)], dim = 1); }` has no shapes while `DEPTH` is a name. Such a network compiles
//! where a field gives the number, as in `stage: Stage<4>`, and is then checked with it. To find out whether its errors
//! are mistakes or come from a name, it is compiled with some numbers: an error that is there with each of them is a
//! mistake.

use crate::ast::ConstType;
use crate::call::Call;
use crate::diag::{Diag, Message};
use crate::parse::parse;
use crate::unit::{Unit, is_own};
use crate::values::{Known, replaced};
use crate::variant::Variants;
use proc_macro2::{TokenStream, TokenTree};

/// Numbers for the parameters of a network, in their order; the last stands for the rest. Sizes often have to divide
/// each other, and inputs and outputs to be equal.
const NUMBERS: &[&[i128]] = &[
    &[4],
    &[8, 8, 2],
    &[2],
    &[64, 32, 16, 8, 4, 2],
    &[1],
    &[32, 4],
    &[32, 2],
    &[8, 8, 1],
    &[2, 4, 8, 16, 32, 64],
    &[16, 16, 3],
    &[32, 1],
    &[3],
    &[16, 8, 4, 4, 2, 2, 1],
    &[64],
];

/// After so many attempts an error that was always there is a mistake.
const ENOUGH: usize = 4;

/// Whether a network with errors has none with some numbers for its parameters. Otherwise the errors that it has with
/// all of them: all of its errors, if these have nothing in common.
pub fn compiles(call: &Call, unit: &Unit, errors: &Diag) -> Result<(), Box<Diag>> {
    // With numbers the network has no parameters, but is itself one of the networks in its fields.
    let mut held = call.held.clone();
    let own = unit.source.blocks();
    if let Some(at) = own.iter().position(|path| is_own(&unit.source, path)) {
        held.resize(held.len().max(at + 1), TokenStream::new());
        held[at] = call.handed_out(&[]);
    }
    let parameters = &unit.source.generics;
    let mut left = errors.messages();
    let mut tried = 0;
    for boolean in [true, false] {
        for numbers in NUMBERS {
            let value = |k: usize, ty| match ty {
                ConstType::Size => Known::Whole(numbers[k.min(numbers.len() - 1)]),
                ConstType::Float => Known::Number(0.5),
                ConstType::Bool => Known::Bool(boolean),
            };
            let values = parameters.iter().enumerate();
            let values: Vec<_> = values.map(|(k, p)| (p, value(k, p.ty))).collect();
            let known = |name: &proc_macro2::Ident| {
                let known = values.iter().find(|(p, _)| p.name == *name);
                known.map(|(_, value)| value.clone())
            };
            let call = Call {
                krate: call.krate.clone(),
                source: replaced(&without_parameters(&call.source), &known),
                held: held.clone(),
            };
            let Some(errors) = errors_of(&call) else {
                return Ok(());
            };
            let same_place = |m: &Message| errors.messages().iter().any(|e| at(e) == at(m));
            let common: Vec<Message> = left.iter().filter(|m| same_place(m)).cloned().collect();
            if !common.is_empty() {
                left = common;
            }
            tried += 1;
            let same = |m: &Message| errors.messages().iter().any(|e| e.is(m));
            if tried >= ENOUGH && left.iter().all(same) {
                return Err(Box::new(of(left)));
            }
        }
        if parameters.iter().all(|p| p.ty != ConstType::Bool) {
            break;
        }
    }
    Err(Box::new(of(left)))
}

fn errors_of(call: &Call) -> Option<Diag> {
    let diag = Diag::default();
    let Some(source) = parse(call.source.clone(), &diag) else {
        return Some(diag);
    };
    let unit = call.unit(source);
    let variants = Variants::new(call, &unit, &diag);
    variants.errors()
}

fn at(message: &Message) -> String {
    format!("{:?}", message.span)
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
