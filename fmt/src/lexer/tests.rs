//! Sources and their tokens.

use super::lex;
use crate::error::Problem;
use crate::token::Kind;

/// The tokens' texts, with a bar between two.
fn texts(source: &str) -> String {
    let tokens = lex(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    let texts: Vec<&str> = tokens.iter().map(|t| t.text).collect();
    texts.join(" ¦ ")
}

#[test]
fn tokens() {
    for (source, expected) in [
        (
            "1e-5 2E+3 1_0.5f32 7u32 0xe-1",
            "1e-5 ¦ 2E+3 ¦ 1_0.5f32 ¦ 7u32 ¦ 0xe ¦ - ¦ 1",
        ),
        (
            "1..3 1...3 0..=3 1. 1.0",
            "1 ¦ .. ¦ 3 ¦ 1 ¦ ... ¦ 3 ¦ 0 ¦ ..= ¦ 3 ¦ 1. ¦ 1.0",
        ),
        (
            "x.0 x.0.1 1.sum() x.0.sum()",
            "x ¦ . ¦ 0 ¦ x ¦ . ¦ 0.1 ¦ 1 ¦ . ¦ sum ¦ ( ¦ ) ¦ x ¦ . ¦ 0 ¦ . ¦ sum ¦ ( ¦ )",
        ),
        ("x[::2, :-1]", "x ¦ [ ¦ :: ¦ 2 ¦ , ¦ : ¦ - ¦ 1 ¦ ]"),
        (
            "x**-2 a->b a|=b <<>>",
            "x ¦ ** ¦ - ¦ 2 ¦ a ¦ -> ¦ b ¦ a ¦ |= ¦ b ¦ < ¦ < ¦ > ¦ >",
        ),
        (
            r#"'a 'a' '\'' b'x' '"' 'é'"#,
            r#"'a ¦ 'a' ¦ '\'' ¦ b'x' ¦ '"' ¦ 'é'"#,
        ),
        (
            r###"r"\" r#"a"b"# br##"#"##"###,
            r###"r"\" ¦ r#"a"b"# ¦ br##"#"##"###,
        ),
        (
            r#""a\"b" b"c" c"d" brush rust"#,
            r#""a\"b" ¦ b"c" ¦ c"d" ¦ brush ¦ rust"#,
        ),
        ("r#where r # x", "r#where ¦ r ¦ # ¦ x"),
        (
            "a /* b /* c */ d */ e // f\r\ng",
            "a ¦ /* b /* c */ d */ ¦ e ¦ // f ¦ g",
        ),
        ("#!/bin/it's\nx", "x"),
        ("#![a]", "# ¦ ! ¦ [ ¦ a ¦ ]"),
        ("größe\u{feff} λ_1", "größe ¦ λ_1"),
        ("", ""),
    ] {
        assert_eq!(texts(source), expected, "{source}");
    }
}

#[test]
fn kinds() {
    let tokens = lex("x 1 \"\" ' ' 'a ( } + /// d\n/* */").expect("tokens");
    let kinds: Vec<Kind> = tokens.iter().map(|t| t.kind).collect();
    let expected = [
        Kind::Name,
        Kind::Number,
        Kind::Text,
        Kind::Text,
        Kind::Lifetime,
        Kind::Open,
        Kind::Close,
        Kind::Mark,
        Kind::LineComment,
        Kind::BlockComment,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn without_end() {
    for (source, line, column, what) in [
        ("a\n  \"b", 2, 3, "string"),
        ("r#\"b\"", 1, 1, "string"),
        ("é /* /* */", 1, 3, "comment"),
        ("x + '+\n'", 1, 5, "character"),
        ("\"\\", 1, 1, "string"),
    ] {
        let error = lex(source).expect_err(source);
        assert_eq!((error.line, error.column), (line, column), "{source}");
        assert_eq!(error.problem, Problem::Unended(what), "{source}");
    }
}
