//! Paths of Rust constants: `config::WIDTH` is one word while a network is compiled.
//!
//! The compiler works with names. Before it starts, each path becomes the word `WIDTH__IN__config`; afterwards, in the
//! emitted code and in messages, each such word becomes the path again.

use crate::call::Call;
use crate::check::is_constant;
use crate::word::{IN, parts, shown};
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, TokenStream, TokenTree};

/// The call with words in the places of paths; `None` if it has no path.
pub fn in_words(call: &Call) -> Option<Call> {
    let mut any = false;
    let mut words = |tokens: &TokenStream| {
        let variables = variables(tokens);
        words(tokens.clone(), Place::Other, &variables, &mut any)
    };
    let with = Call {
        krate: call.krate.clone(),
        source: words(&call.source),
        held: call.held.iter().map(&mut words).collect(),
    };
    any.then_some(with)
}

/// Tokens with paths in the places of words, also in texts.
pub fn in_paths(tokens: TokenStream) -> TokenStream {
    let mut out = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(word) => match parts(&word.to_string()) {
                Some(parts) => path(&parts, &word, &mut out),
                None => out.push(word.into()),
            },
            TokenTree::Group(group) => out.push(with(&group, in_paths(group.stream()))),
            TokenTree::Literal(literal) => out.push(text(literal).into()),
            TokenTree::Punct(_) => out.push(token),
        }
    }
    out.into_iter().collect()
}

fn path(parts: &[&str], word: &Ident, out: &mut Vec<TokenTree>) {
    for (k, part) in parts.iter().enumerate() {
        if k > 0 {
            for spacing in [Spacing::Joint, Spacing::Alone] {
                let mut colon = Punct::new(':', spacing);
                colon.set_span(word.span());
                out.push(colon.into());
            }
        }
        out.push(Ident::new(part, word.span()).into());
    }
}

fn text(literal: Literal) -> Literal {
    let written = literal.to_string();
    if !written.contains(IN) {
        return literal;
    }
    let Ok(text) = syn::parse_str::<syn::LitStr>(&written) else {
        return literal;
    };
    let mut with = Literal::string(&shown(&text.value()));
    with.set_span(literal.span());
    with
}

/// Where tokens stand.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The fields of a network.
    Fields,
    /// A list of layers in a field: its elements may be networks.
    Layers,
    /// The index of a value: `x[i::2]` is a slice.
    Index,
    Other,
}

/// The names of variables and arguments: what follows `let` and `for`, stands between the bars of a closure, or before a
/// single colon.
fn variables(tokens: &TokenStream) -> Vec<String> {
    let mut out = Vec::new();
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let (mut pattern, mut closure) = (false, false);
    for (k, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Punct(p) if p.as_char() == '|' => {
                let before = k.checked_sub(1).and_then(|k| tokens.get(k));
                let starts = before.is_none_or(|t| is_punct(t, ',') || is_punct(t, '='));
                closure = !closure && starts;
            }
            TokenTree::Ident(word) if word == "let" || word == "for" => pattern = true,
            TokenTree::Ident(word) if word == "in" => pattern = false,
            TokenTree::Ident(name) => {
                let colon = |k: usize| tokens.get(k).is_some_and(|t| is_punct(t, ':'));
                if pattern || closure || colon(k + 1) && !colon(k + 2) {
                    out.push(name.to_string());
                }
            }
            TokenTree::Group(group) if pattern || closure => {
                let names = group.stream().into_iter().filter_map(|t| match t {
                    TokenTree::Ident(name) => Some(name.to_string()),
                    _ => None,
                });
                out.extend(names);
            }
            TokenTree::Group(group) => out.extend(variables(&group.stream())),
            TokenTree::Punct(p) => pattern &= p.as_char() == ',',
            TokenTree::Literal(_) => {}
        }
    }
    out
}

fn words(tokens: TokenStream, place: Place, variables: &[String], any: &mut bool) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = Vec::new();
    let mut k = 0;
    while let Some(token) = tokens.get(k) {
        match token {
            TokenTree::Group(group) => {
                let inner = inner(&tokens[..k], group.delimiter(), place);
                out.push(with(group, words(group.stream(), inner, variables, any)));
            }
            TokenTree::Ident(_) => {
                let (parts, name, plain) = path_at(&tokens[k..]);
                let end = k + 3 * parts.len();
                let sliced = |of: &String| is_constant(of) || variables.contains(of);
                if place == Place::Index && parts.len() == 1 && sliced(&parts[0]) {
                    // The parser would take `i::S` for a path.
                    let mut start = Group::new(Delimiter::Parenthesis, token.clone().into());
                    start.set_span(token.span());
                    out.push(start.into());
                    *any = true;
                    k += 1;
                    continue;
                }
                let is_path = plain && !parts.is_empty() && is_constant(&name.to_string());
                if is_path && !is_layer(&tokens[..k], place) && !is_call(&tokens[end + 1..]) {
                    let word = format!("{name}{IN}{}", parts.join(IN));
                    // `::std::f64::consts::PI` is `std::f64::consts::PI`.
                    if place != Place::Index && begins_with_colons(&out) {
                        out.truncate(out.len() - 2);
                    }
                    out.push(Ident::new(&word, name.span()).into());
                    *any = true;
                } else {
                    // Not the rest of it, which is no path.
                    out.extend(tokens[k..=end].iter().cloned());
                }
                k = end;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => out.push(token.clone()),
        }
        k += 1;
    }
    out.into_iter().collect()
}

/// Whether the last two tokens are the colons of a path without an owner.
fn begins_with_colons(tokens: &[TokenTree]) -> bool {
    match tokens {
        [.., TokenTree::Ident(_), first, second]
            if is_punct(first, ':') && is_punct(second, ':') =>
        {
            false
        }
        [.., first, second] => is_punct(first, ':') && is_punct(second, ':'),
        _ => false,
    }
}

/// Where the tokens of a group stand that follows these.
fn inner(before: &[TokenTree], delimiter: Delimiter, place: Place) -> Place {
    let last = before.last();
    let lists = matches!(place, Place::Fields | Place::Layers);
    match (delimiter, last) {
        (Delimiter::Brace, _) if follows_struct(before) => Place::Fields,
        (Delimiter::Bracket, None) if lists => Place::Layers,
        (Delimiter::Bracket, Some(t)) if lists && (is_punct(t, ':') || is_punct(t, ',')) => {
            Place::Layers
        }
        (Delimiter::Parenthesis, Some(TokenTree::Ident(name)))
            if lists && (name == "Sequential" || name == "ModuleList") =>
        {
            Place::Layers
        }
        (Delimiter::Bracket, Some(TokenTree::Group(_))) => Place::Index,
        (Delimiter::Bracket, Some(TokenTree::Ident(name))) if is_value(&name.to_string()) => {
            Place::Index
        }
        _ => Place::Other,
    }
}

/// Whether brackets after this name are an index: not those of a shape, `u32[B]` or `Param[8]`.
fn is_value(name: &str) -> bool {
    !["u32", "i32", "i64", "f32", "f64", "bool"].contains(&name)
        && (name.starts_with(char::is_lowercase) || is_constant(name))
}

/// Whether a path after these tokens is a layer: a network whose name is in capitals.
fn is_layer(before: &[TokenTree], place: Place) -> bool {
    match (place, before.last()) {
        (Place::Other | Place::Index, _) => false,
        (Place::Fields, last) => last.is_some_and(|t| is_punct(t, ':')),
        (Place::Layers, None) => true,
        (Place::Layers, Some(last)) => is_punct(last, ',') && !within_angles(before),
    }
}

/// Whether more `<` than `>` are among the tokens.
fn within_angles(tokens: &[TokenTree]) -> bool {
    let is = |k: usize, punct| tokens.get(k).is_some_and(|t| is_punct(t, punct));
    let depth = (0..tokens.len()).fold(0_usize, |depth, k| match () {
        () if is(k, '<') => depth + 1,
        // Not `->`.
        () if is(k, '>') && !(k > 0 && is(k - 1, '-')) => depth.saturating_sub(1),
        () => depth,
    });
    depth > 0
}

/// The parts of the path that starts here, its last name, and whether a word can be made of it.
fn path_at(tokens: &[TokenTree]) -> (Vec<String>, &Ident, bool) {
    let (mut parts, mut plain) = (Vec::new(), true);
    let mut at = 0;
    loop {
        let [TokenTree::Ident(part), rest @ ..] = &tokens[at..] else {
            unreachable!("starts with a name");
        };
        match rest {
            [first, second, TokenTree::Ident(_), ..]
                if is_punct(first, ':') && is_punct(second, ':') =>
            {
                plain &= is_plain(part);
                parts.push(part.to_string());
                at += 3;
            }
            _ => return (parts, part, plain),
        }
    }
}

/// Not `$crate`, a raw name, or a name that would be taken for one of the compiler.
fn is_plain(part: &Ident) -> bool {
    let text = part.to_string();
    !text.starts_with(['$', '_']) && !text.starts_with("r#")
}

/// Whether a group in braces after these tokens is the body of a struct, not the default of a const parameter.
fn follows_struct(before: &[TokenTree]) -> bool {
    let value = |k: usize| {
        let last = k.checked_sub(1).and_then(|k| before.get(k));
        last.is_some_and(|t| "=<,".chars().any(|p| is_punct(t, p)))
    };
    let is_body = |k: usize| {
        let braces = |g: &Group| g.delimiter() == Delimiter::Brace;
        matches!(&before[k], TokenTree::Group(g) if braces(g)) && !value(k)
    };
    let is_struct = |t: &TokenTree| matches!(t, TokenTree::Ident(word) if word == "struct");
    let start = (0..before.len()).rfind(|k| is_body(*k));
    before[start.map_or(0, |s| s + 1)..].iter().any(is_struct) && !value(before.len())
}

fn is_punct(token: &TokenTree, punct: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == punct)
}

/// Whether the tokens after a path make it a call, or a type with arguments.
fn is_call(after: &[TokenTree]) -> bool {
    match after {
        [TokenTree::Group(group), ..] => group.delimiter() == Delimiter::Parenthesis,
        [first, second, third, ..] if is_punct(first, ':') => {
            is_punct(second, ':') && is_punct(third, '<')
        }
        [first, second, ..] if is_punct(first, '!') => !is_punct(second, '='),
        _ => false,
    }
}

fn with(group: &Group, tokens: TokenStream) -> TokenTree {
    let mut with = Group::new(group.delimiter(), tokens);
    with.set_span(group.span());
    with.into()
}

#[cfg(test)]
mod tests {
    use super::{Place, in_paths, variables, words};

    #[test]
    fn slices_are_no_paths() {
        let text = "fn f(x: [B, T], n: i64[]) { let K = 2; for (i, c) in a { y = x[K::S, c::P::Q, i::S, n::S]; \
                    scan(x, |h, t| h[t::S] + x[::c::S] + ::std::PI - x[c::S] + c::S) } }";
        let tokens = text.parse().expect("tokens");
        let mut any = false;
        let with = words(
            tokens,
            Place::Other,
            &variables(&text.parse().expect("tokens")),
            &mut any,
        );
        let with = with.to_string().replace(' ', "");
        for part in [
            "x[(K)::S,Q__IN__c__IN__P,(i)::S,(n)::S]",
            "h[(t)::S]",
            "+PI__IN__std-",
            "-x[(c)::S]+S__IN__c",
        ] {
            assert!(with.contains(part), "{part} in {with}");
        }
    }

    #[test]
    fn constants_become_words_and_networks_stay() {
        let both = |text: &str| {
            let tokens = text.parse().expect("tokens");
            let mut any = false;
            let variables = variables(&tokens);
            let with = words(tokens, Place::Other, &variables, &mut any);
            let again = in_paths(with.clone()).to_string();
            let same: proc_macro2::TokenStream = text.parse().expect("tokens");
            assert_eq!(again, same.to_string());
            with.to_string()
        };
        let network = both(
            "use const a::b::LISTED; struct N<const D: usize = c::D, const E: usize = {2 * c::A}> where (D % c::K == 0) {
                one: nets::MLP, two: crate::nets::GPT<8, c::D>, three: [nets::N; c::COUNT],
                four: [nets::A<c::D, c::E>, nets::B], five: Sequential(nets::MLP, Linear(c::D -> c::E)),
                #[when(c::ON)] six: Param[c::D, 3] = normal(c::STD),
            }
            fn f(x: [B, c::D]) -> [B, 2 * c::D] { x[:, c::A:c::B, c::S:] + f32::MAX + nn::GELU(x)
                - c::D::<2> * (c::D != 2) * nn::M!(x) + r#in::D }",
        );
        for word in [
            "LISTED__IN__a__IN__b",
            "D : usize = D__IN__c ,",
            "{ 2 * A__IN__c }",
            "K__IN__c",
            "COUNT__IN__c",
            "E__IN__c > , nets :: B",
            "D__IN__c -> E__IN__c",
            "ON__IN__c",
            "STD__IN__c",
            "A__IN__c : B__IN__c , S__IN__c :",
            "MAX__IN__f32",
            "(D__IN__c != 2)",
            "8 , D__IN__c",
        ] {
            let plain = |text: &str| text.replace(' ', "");
            assert!(
                plain(&network).contains(&plain(word)),
                "{word} in {network}"
            );
        }
        for path in [
            "nets::MLP",
            "crate::nets::GPT",
            "nets::N",
            "nets::A",
            "nets::B",
            "nn::GELU",
            "c::D::<2>",
            "nn::M!",
            "r#in::D",
        ] {
            assert!(
                network.replace(' ', "").contains(path),
                "{path} in {network}"
            );
        }
    }
}
