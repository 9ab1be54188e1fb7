//! Every network of the repository: formatted twice it is as formatted once, the tokens stay, and the spaces in it do
//! not matter.

mod common;

use std::path::Path;

use common::{formatted, sources};
use netform_fmt::lexer::lex;
use netform_fmt::token::{Kind, Token};
use proc_macro2::{TokenStream, TokenTree};

/// A network's braces and what is in them, formatted.
fn body(path: &Path, text: &str) -> String {
    let text = formatted(path, &format!("network! {text}"));
    text.trim_start_matches("network! ").to_owned()
}

/// Tokens as Rust's macros see them, without commas before closing brackets.
fn tokens(stream: TokenStream, out: &mut Vec<String>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => {
                out.push(format!("{:?}", group.delimiter()));
                tokens(group.stream(), out);
                out.push("end".to_owned());
            }
            TokenTree::Punct(p) if p.as_char() == ',' => {
                let next = trees.get(i + 1).map(ToString::to_string);
                if next.is_some_and(|n| n != ">") {
                    out.push(",".to_owned());
                }
            }
            tree => out.push(tree.to_string()),
        }
    }
}

#[test]
fn twice_is_once_and_tokens_stay() {
    for (path, text) in sources() {
        let once = formatted(&path, &text);
        assert_eq!(formatted(&path, &once), once, "{}", path.display());
        let [before, after] = [&text, &once].map(|text| {
            let mut out = Vec::new();
            let stream: TokenStream = text.parse().expect("tokens");
            tokens(stream, &mut out);
            out
        });
        assert_eq!(before, after, "{}", path.display());
    }
}

/// The source with the white space inside its lines replaced, and without indentation.
fn respaced(
    text: &str,
    tokens: &[Token<'_>],
    space: impl Fn(&Token<'_>, &Token<'_>) -> bool,
) -> String {
    let mut out = String::new();
    for pair in tokens.windows(2) {
        let [a, b] = pair else { continue };
        let gap = &text[a.end()..b.start];
        out += a.text;
        match gap.matches('\n').count() {
            0 if space(a, b) => out += "  ",
            0 => {}
            breaks => out += &"\n".repeat(breaks),
        }
    }
    out + tokens.last().map_or("", |t| t.text)
}

/// Whether two tokens are the same without a space.
fn joins(a: &Token<'_>, b: &Token<'_>) -> bool {
    let both = format!("{}{}", a.text, b.text);
    lex(&both).is_ok_and(|t| matches!(&t[..], [x, y] if x.text == a.text && y.text == b.text))
}

/// The networks of a file, without what stands around them and without spaces before lines.
fn networks(path: &Path, text: &str) -> Vec<String> {
    let text = formatted(path, text);
    let tokens = lex(&text).expect("tokens");
    let mut networks = Vec::new();
    for (i, three) in tokens.windows(3).enumerate() {
        if let ["network", "!", "{"] = [0, 1, 2].map(|k| three[k].text) {
            let mut depth = 0;
            let end = tokens[i + 2..].iter().find(|t| {
                depth += i32::from(t.kind == Kind::Open) - i32::from(t.kind == Kind::Close);
                depth == 0
            });
            let body = &text[three[2].start..end.expect("an end").end()];
            networks.push(body.to_owned());
        }
    }
    networks
}

/// A network without its margin.
fn without_margin(network: &str) -> String {
    let margin = network
        .lines()
        .last()
        .map_or(0, |l| l.len() - l.trim_start().len());
    let lines = network.lines().enumerate();
    let cut = lines.map(|(i, l)| {
        if i == 0 {
            l
        } else {
            l.get(margin..).unwrap_or("")
        }
    });
    cut.collect::<Vec<_>>().join("\n")
}

#[test]
fn spaces_in_the_source_do_not_matter() {
    let mut compared = 0;
    for (path, text) in sources() {
        for network in networks(&path, &text) {
            let expected = without_margin(&network);
            let tokens = lex(&expected).expect("tokens");
            let wide = respaced(&expected, &tokens, |_, _| true);
            // `1 .sum()`: a space that keeps a number apart stays.
            let apart = |a: &Token<'_>, b: &Token<'_>| a.kind == Kind::Number && b.text == ".";
            let none = respaced(&expected, &tokens, |a, b| !joins(a, b) && !apart(a, b));
            if !tokens.windows(2).any(|p| apart(&p[0], &p[1])) {
                assert_eq!(body(&path, &wide), expected, "{}", path.display());
                compared += 1;
            }
            assert_eq!(body(&path, &none), expected, "{}", path.display());
        }
    }
    assert!(compared > 300, "{compared} networks");
}
