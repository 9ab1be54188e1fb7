//! Commas at the ends of lists.

use super::becomes;

#[test]
fn added_before_a_bracket_that_begins_a_line() {
    for (before, after) in [
        ("f(\n    a,\n    b\n)", "f(\n    a,\n    b,\n)"),
        ("f(\n    a\n)", "f(\n    a,\n)"),
        ("[\n    a\n]", "[\n    a,\n]"),
        ("(\n    a, b\n)", "(\n    a, b,\n)"),
        ("x[\n    0, 1\n]", "x[\n    0, 1,\n]"),
        (
            "f(\n    a // Why.\n    // More.\n)",
            "f(\n    a, // Why.\n    // More.\n)",
        ),
        ("f(|a| {\n    a\n}\n)", "f(|a| {\n    a\n},\n)"),
        // No list, no element, or another meaning.
        ("(\n    a\n)", "(\n    a\n)"),
        ("x[\n    0\n]", "x[\n    0\n]"),
        ("f(\n)", "f(\n)"),
        ("f(\n    // Why.\n)", "f(\n    // Why.\n)"),
        ("[\n    a; 3\n]", "[\n    a; 3\n]"),
        ("f(\n    a.\n)", "f(\n    a.\n)"),
        ("f(\n    a, $($b),*\n)", "f(\n    a, $($b),*\n)"),
        ("vec![\n    a\n]", "vec![\n    a\n]"),
        ("{\n    a\n}", "{\n    a\n}"),
    ] {
        within(before, after);
    }
}

#[test]
fn removed_before_a_bracket_in_the_same_line() {
    for (before, after) in [
        ("f(a, b,)", "f(a, b)"),
        ("f(a, )", "f(a)"),
        ("[a,]", "[a]"),
        ("(a, b, )", "(a, b)"),
        ("x[0,]", "x[0]"),
        ("f(\n    a,\n    b,)", "f(\n    a,\n    b)"),
        ("f(a, /* Why. */)", "f(a /* Why. */)"),
        // A tuple of one.
        ("(a,)", "(a,)"),
        ("(\n    a,\n)", "(\n    a,\n)"),
        ("vec![a,]", "vec![a,]"),
    ] {
        within(before, after);
    }
}

#[test]
fn of_fields() {
    becomes(
        "
    struct A { a: Linear(8 -> 8,), }
    struct B {
        b: Block<
            1, 2
        >,
        m: ModuleList(
            [A; 3]
        ),
        c: C
        // Why.
    }",
        "
    struct A { a: Linear(8 -> 8) }
    struct B {
        b: Block<
            1, 2,
        >,
        m: ModuleList(
            [A; 3]
        ),
        c: C,
        // Why.
    }",
    );
}

/// The same inside a function.
#[track_caller]
fn within(before: &str, after: &str) {
    let lines = |text: &str| {
        let text = text.replace('\n', "\n        ");
        format!("    fn f() -> [] {{\n        {text}\n    }}")
    };
    becomes(&lines(before), &lines(after));
}
