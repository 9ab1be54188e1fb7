//! Malformed sources: errors with their places, or the same tokens again.

use super::formatted;
use crate::{Error, Problem, decode, format};

#[test]
fn errors() {
    for (source, line, column, problem) in [
        ("network! {", 1, 10, Problem::Unclosed('{')),
        (
            "network! {\n  a(\n}",
            3,
            1,
            Problem::Mismatched {
                open: '(',
                close: '}',
            },
        ),
        ("network! {}\n é }", 2, 4, Problem::Unopened('}')),
        ("network! {\r\n \"a }", 2, 2, Problem::Unended("string")),
        ("network! {\n 'ab' }", 2, 5, Problem::Unended("character")),
        ("network! {\n /* /* */ }", 2, 2, Problem::Unended("comment")),
        (
            "[network! { ] }",
            1,
            13,
            Problem::Mismatched {
                open: '{',
                close: ']',
            },
        ),
    ] {
        let error = format(source).expect_err(source);
        let expected = Error {
            line,
            column,
            problem,
        };
        assert_eq!(error, expected, "{source}: {error}");
    }
}

#[test]
fn bytes() {
    let error = decode(b"a\n\xc3\xa9b\xff".to_vec()).expect_err("not UTF-8");
    assert_eq!(error.to_string(), "2:3: the file is not UTF-8");
    assert_eq!(
        decode(b"network! {}".to_vec()).as_deref(),
        Ok("network! {}")
    );
}

/// What the compiler rejects is formatted all the same.
#[test]
fn mistakes_of_the_language() {
    for inside in [
        "struct struct < > > < ,, ;; :: : | || & = == => -> .. ... # $ ! ? ~ \\ `",
        "let x = linear_1.",
        "x + ; y",
        "| | x | |",
        "$( $( a ),+ )* $x $",
        "# # [ a ] #! [ b ] #(a),*",
        "where where , where",
        "x\n. \n.. \n. y\n+ +\n- -\n* * z",
        "- - x ! ! y & & z < - 1 > = 2",
        "1. .2 1 . 2 1 .. 2 1. .. 2 a : : b",
    ] {
        formatted(&format!("network! {{\n{inside}\n}}"));
        formatted(&format!(
            "network! {{ struct A {{ {inside}\n }} fn f() {{ {inside}\n}} }}"
        ));
    }
}
