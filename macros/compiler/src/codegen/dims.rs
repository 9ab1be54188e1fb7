//! Dimensions as Rust expressions of type `usize`.

use crate::dim::{Atom, Dim, Operator, Term};
use crate::real::Real;
use proc_macro2::{Ident, Literal, Punct, Spacing, Span, TokenStream};
use quote::{TokenStreamExt, format_ident, quote};
use std::cell::RefCell;
use syn::spanned::Spanned;

/// The variable that holds a named dimension.
pub fn variable(name: &str) -> Ident {
    let ident = format_ident!("__{name}");
    Ident::new(&ident.to_string(), Span::mixed_site())
}

/// The constants of the network that is emitted.
#[derive(Default)]
pub struct Written {
    /// The user's tokens for them.
    pub names: Vec<(String, Ident)>,
    /// Those that only bodies mention.
    pub open: Vec<String>,
    /// Those of networks in fields that may have any type of numbers.
    pub any: Vec<String>,
    /// Those that are `bool`.
    pub booleans: Vec<String>,
    /// The parameters that are the bits of an `f64`.
    pub bits: Vec<String>,
}

thread_local! {
    static WRITTEN: RefCell<Written> = RefCell::default();
}

/// Records the constants of the network that is emitted next. A constant is emitted as the user's token, so that rustc
/// reports a name that does not exist once, and where it is written.
pub fn written(constants: Written) {
    WRITTEN.set(constants);
}

/// Whether a constant of a network in a field may have any type of numbers.
fn is_any(name: &str) -> bool {
    WRITTEN.with_borrow(|w| w.any.iter().any(|a| a == name))
}

/// Whether a name is that of a size among the network's constants.
fn is_own(name: &str) -> bool {
    WRITTEN.with_borrow(|w| {
        w.names.iter().any(|(own, _)| own == name) && !w.booleans.iter().any(|b| b == name)
    })
}

/// Whether only bodies mention a constant of the network.
fn is_open(name: &str) -> bool {
    WRITTEN.with_borrow(|w| w.open.iter().any(|o| o == name))
}

/// The name of the copy of such a constant as a number.
pub fn number_of(name: &str) -> Ident {
    Ident::new(&format!("__NUMBER_{}", flat(name)), Span::mixed_site())
}

/// The name of the copy of such a constant as an integer.
pub fn integer_of(name: &str) -> Ident {
    Ident::new(&format!("__INTEGER_{}", flat(name)), Span::mixed_site())
}

/// A Rust constant as a size, an element of one, or a const parameter; for a network in a field, its copy.
pub fn constant(name: &str) -> TokenStream {
    let (array, k) = element(name);
    let ident = name_of(array);
    match k {
        None if is_any(array) => quote!(#ident()),
        // The constant may have any type of numbers: those of declarations are checked there.
        None if is_own(array) => match is_open(array) {
            true => size_of_number(name),
            false => quote::quote_spanned!(ident.span()=> (#ident as usize)),
        },
        k => read(&ident, array, k),
    }
}

/// A constant of any type of numbers, or an element of an array of them, as a size.
fn size_of_number(name: &str) -> TokenStream {
    let (array, k) = element(name);
    let ident = name_of(array);
    let span = Span::call_site().located_at(ident.span());
    let (text, value) = (no_size(name), read(&ident, array, k));
    quote::quote_spanned!(span=> (const { __nf::size_of_number(#value as f64, #text) }))
}

/// A factor of a size in a body's arithmetic, where the elements of an array may have any type of numbers.
fn atom_of_number(a: &Atom) -> TokenStream {
    match a {
        Atom::Const(n) if n.ends_with(']') && is_own(element(n).0) => size_of_number(n),
        Atom::Floor(p, q) => quotient(p, q, &atom_of_number),
        a => atom(a),
    }
}

/// The error of a constant that is used as a size.
pub fn no_size(name: &str) -> String {
    format!("`{name}` is a size here, so its value must be an integer of at least 0")
}

/// The same as a number of the constant's type.
fn number_constant(name: &str) -> TokenStream {
    let (array, k) = element(name);
    let ident = match is_any(array) {
        true => number_of(array),
        false => name_of(array),
    };
    read(&ident, array, k)
}

/// The same as an integer.
fn integer_constant(name: &str) -> TokenStream {
    let (array, k) = element(name);
    match is_any(array) {
        true => read(&integer_of(array), array, k),
        false => number_constant(name),
    }
}

/// The value of a name, or of an element: `RATES[2]`. The copy of an array is a function of the index.
fn read(ident: &Ident, array: &str, k: Option<TokenStream>) -> TokenStream {
    match k {
        None => quote!(#ident),
        Some(k) if array.contains("::") => quote!(#ident(#k)),
        // A wrong type is reported at the array's token.
        Some(k) => quote::quote_spanned!(ident.span()=> #ident[#k]),
    }
}

/// The name of an array and the index of the element, if it is one: a number, a constant, or a constant plus or minus a
/// number.
fn element(name: &str) -> (&str, Option<TokenStream>) {
    let parts = name.strip_suffix(']').and_then(|n| n.split_once('['));
    let Some((array, index)) = parts else {
        return (name, None);
    };
    let number = |n: &str| n.parse().ok().map(Literal::u64_unsuffixed);
    if let Some(k) = number(index) {
        return (array, Some(quote!(#k)));
    }
    let index = match index.find(['+', '-']) {
        None => constant(index),
        Some(at) => {
            let (name, k) = (constant(&index[..at]), number(&index[at + 1..]));
            match index.as_bytes()[at] {
                b'+' => quote!(#name + #k),
                _ => quote!(#name - #k),
            }
        }
    };
    (array, Some(index))
}

/// The name of a Rust constant or const parameter; for a network in a field, the name of its copy.
pub fn name_of(name: &str) -> Ident {
    if name.contains("::") {
        return Ident::new(&format!("__{}", flat(name)), Span::mixed_site());
    }
    let own = WRITTEN.with_borrow(|w| {
        let own = w.names.iter().find(|(own, _)| own == name);
        own.map(|(_, ident)| ident.clone())
    });
    own.unwrap_or_else(|| Ident::new(name, Span::call_site()))
}

/// `Block::WIDTH` as one word.
pub fn flat(name: &str) -> String {
    name.replace("::", "__")
}

/// The value. Conditions on the inputs keep differences from going below 0. Sums, products and differences saturate: a
/// size that is too large fails to allocate instead of being wrong.
pub fn usize(d: &Dim) -> TokenStream {
    usize_of(d, &atom)
}

/// The same, given the expressions of atoms.
pub fn usize_of(d: &Dim, atom: &dyn Fn(&Atom) -> TokenStream) -> TokenStream {
    if let Some(v) = d.value() {
        let v = Literal::usize_unsuffixed(usize::try_from(v).unwrap_or(0));
        return quote!(#v);
    }
    let (mut plus, mut minus) = (Vec::new(), Vec::new());
    for (c, monomial) in d.terms() {
        let mut factors = Vec::new();
        let size = c.unsigned_abs();
        if size != 1 || monomial.is_empty() {
            let c = Literal::usize_suffixed(usize::try_from(size).unwrap_or(usize::MAX));
            factors.push(quote!(#c));
        }
        let (above, below) = Dim::fraction(monomial);
        for (a, power) in &above {
            let a = atom(a);
            factors.extend((0..*power).map(|_| a.clone()));
        }
        let mut term = match factors.is_empty() {
            true => quote!(1usize),
            false => of_all(factors, "product"),
        };
        if !below.is_one() {
            let below = usize_of(&below, atom);
            term = quote!(__nf::div(#term, #below));
        }
        if c > 0 {
            plus.push(term)
        } else {
            minus.push(term)
        }
    }
    let plus = of_all(plus, "sum");
    match minus.is_empty() {
        true => plus,
        false => {
            let minus = of_all(minus, "sum");
            quote!(__nf::minus(#plus, #minus))
        }
    }
}

/// A function of sizes; the size itself if there is one, 0 if there is none.
fn of_all(mut items: Vec<TokenStream>, function: &str) -> TokenStream {
    match items.len() {
        0 => quote!(0usize),
        1 => items.remove(0),
        _ => {
            let function = Ident::new(function, Span::call_site());
            quote!(__nf::#function([#(#items),*]))
        }
    }
}

/// Integers, at least one, combined by a method.
fn folded(items: &[TokenStream], method: &str) -> TokenStream {
    let method = Ident::new(method, Span::call_site());
    let all = items.iter().cloned();
    all.reduce(|a, b| quote!(#a.#method(#b)))
        .unwrap_or_default()
}

/// The value as a number, an `f64`: it may be below 0, and products do not wrap.
pub fn number(d: &Dim) -> TokenStream {
    let mut terms = Vec::new();
    for (c, monomial) in d.terms() {
        let size = Literal::f64_suffixed(c.unsigned_abs() as f64);
        let mut factors = vec![if c < 0 {
            quote!((-#size))
        } else {
            quote!(#size)
        }];
        let (above, below) = Dim::fraction(monomial);
        for (a, power) in &above {
            let a = match a {
                Atom::Const(n) if is_any(element(n).0) => number_constant(n),
                Atom::Const(n) if is_own(element(n).0) => {
                    let a = number_constant(n);
                    quote::quote_spanned!(a.span()=> (#a as f64))
                }
                Atom::Quotient(p, q) => {
                    let (p, q) = (number(p), number(q));
                    quote!((#p / #q))
                }
                _ => {
                    let a = atom_of_number(a);
                    let first = a.clone().into_iter().next();
                    let span = first.map_or_else(Span::call_site, |t| t.span());
                    quote::quote_spanned!(span=> (#a as f64))
                }
            };
            factors.extend((0..*power).map(|_| a.clone()));
        }
        let term = joined(&factors, '*');
        terms.push(match below.is_one() {
            true => term,
            false => {
                let below = number(&below);
                quote!(((#term) / #below))
            }
        });
    }
    if terms.is_empty() {
        return quote!(0f64);
    }
    let sum = joined(&terms, '+');
    quote!((#sum))
}

/// The value as an integer, an `i128`: it may be below 0, and it saturates.
pub fn integer(d: &Dim) -> TokenStream {
    let terms: Vec<TokenStream> = d
        .terms()
        .map(|(c, monomial)| {
            let size = Literal::i128_suffixed(i128::from(c).abs());
            let mut factors = vec![if c < 0 {
                quote!((-#size))
            } else {
                quote!(#size)
            }];
            let (above, below) = Dim::fraction(monomial);
            for (a, power) in &above {
                let a = match a {
                    // It may be below 0, or a float, which must be an integer here.
                    Atom::Const(n) if is_own(element(n).0) || is_any(element(n).0) => {
                        let (whole, number) = (integer_constant(n), number_constant(n));
                        let span = Span::call_site().located_at(number.span());
                        let text = format!("`{n}` is an integer here, but its value is not one");
                        quote::quote_spanned!(span=> (const { __nf::integer_of_number(#whole as i128, #number as f64, #text) }))
                    }
                    _ => {
                        let a = atom_of_number(a);
                        quote!((__nf::whole(#a) as i128))
                    }
                };
                factors.extend((0..*power).map(|_| a.clone()));
            }
            let product = folded(&factors, "saturating_mul");
            match below.is_one() {
                true => product,
                false => {
                    let below = usize(&below);
                    quote!((#product / (__nf::whole(#below) as i128).max(1)))
                }
            }
        })
        .collect();
    match terms.is_empty() {
        true => quote!(0i128),
        false => folded(&terms, "saturating_add"),
    }
}

fn term(t: &Term) -> TokenStream {
    match t {
        Term::Number(bits) => float(f64::from_bits(*bits)),
        Term::Size(d) => number(d),
    }
}

/// A number of any sign, infinite ones among them.
pub fn float(v: f64) -> TokenStream {
    let size = Literal::f64_suffixed(v.abs());
    match v {
        v if v.is_nan() => quote!(f64::NAN),
        f64::INFINITY => quote!(f64::INFINITY),
        f64::NEG_INFINITY => quote!(f64::NEG_INFINITY),
        v if v.is_sign_negative() => quote!((-#size)),
        _ => quote!(#size),
    }
}

/// A number as an `f64`.
pub fn real(r: &Real) -> TokenStream {
    match r {
        Real::Known(v) => float(*v),
        Real::Rust(d) => number(d),
    }
}

/// The value of a factor of a size.
pub fn atom(a: &Atom) -> TokenStream {
    match a {
        Atom::Named(n) => {
            let v = variable(n);
            quote!(#v)
        }
        Atom::Part(n, by) => {
            let (v, by) = (
                variable(n),
                Literal::usize_suffixed(usize::try_from(*by).unwrap_or(1)),
            );
            quote!((#v / #by))
        }
        Atom::Const(n) => {
            let c = constant(n);
            match WRITTEN.with_borrow(|w| w.booleans.contains(n)) {
                true => quote!((#c as usize)),
                false => c,
            }
        }
        Atom::Quotient(p, q) | Atom::Floor(p, q) => quotient(p, q, &atom),
        Atom::Float(n) => {
            let c = number_constant(n);
            match WRITTEN.with_borrow(|w| w.bits.contains(n)) {
                true => quote!(f64::from_bits(#c)),
                false => c,
            }
        }
        Atom::Formula(formula) => {
            let [left, right] = [&formula.left, &formula.right].map(term);
            match formula.operator {
                Operator::Add => quote!((#left + #right)),
                Operator::Sub => quote!((#left - #right)),
                Operator::Mul => quote!((#left * #right)),
                Operator::Div => quote!((#left / #right)),
                Operator::DivOr0 => quote!(__nf::quotient_or_0(#left, #right)),
                Operator::Pow => quote!(__nf::power(#left, #right)),
                Operator::Log => quote!(__nf::logarithm(#left, #right)),
            }
        }
    }
}

/// `p / q`, given the expressions of atoms.
pub fn quotient(p: &Dim, q: &Dim, atom: &dyn Fn(&Atom) -> TokenStream) -> TokenStream {
    let (p, q) = (usize_of(p, atom), usize_of(q, atom));
    quote!(__nf::div(#p, #q))
}

/// `let [b, t] = *dims else { otherwise };`, or nothing without names.
pub fn unpack(names: &[String], otherwise: &TokenStream) -> TokenStream {
    if names.is_empty() {
        return TokenStream::new();
    }
    let vars = names.iter().map(|n| variable(n));
    quote!(let [#(#vars),*] = *dims else { #otherwise };)
}

/// Expressions with an operator between them.
fn joined(items: &[TokenStream], operator: char) -> TokenStream {
    let operator = Punct::new(operator, Spacing::Alone);
    let mut out = TokenStream::new();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.append(operator.clone());
        }
        out.extend(item.clone());
    }
    out
}
