//! Networks whose expansion once did not end.

use netform_compiler::expand;

fn expands(source: &str) {
    let tokens = source.parse().expect("tokens");
    let code = expand(tokens).to_string();
    assert!(!code.contains("compile_error"), "{code}");
}

/// Backward of a normalisation: maps of one shape meet again after the reductions between them, so a value of each
/// cluster needs the other cluster.
#[test]
fn clusters_do_not_depend_on_each_other() {
    expands(
        "struct Net { layer: LayerNorm(6) }
         fn forward(#[grad] x: [3, 4, 6]) -> [3, 4, 6] { layer(x) }",
    );
}

/// Two reshaped operands: neither moves the function back to its own shape.
#[test]
fn a_reshape_sinks_once() {
    expands(
        "struct Net {}
         fn loss(#[grad] input: [6, 4], target: i64[6]) -> [] { cross_entropy(input, target) }",
    );
}

/// `einsum`: the letters that operands share take one product.
#[test]
fn equations() {
    for (equation, shapes, result) in [
        ("ij,jk->ik", ["[2, 3]", "[3, 4]"], "[2, 4]"),
        (
            "bhqd,bhkd->bhqk",
            ["[B, 2, T, 4]", "[B, 2, S, 4]"],
            "[B, 2, T, S]",
        ),
        ("i,j", ["[2]", "[3]"], "[2, 3]"),
        ("bii,b->i", ["[5, 3, 3]", "[5]"], "[3]"),
    ] {
        expands(&format!(
            "struct Net {{}}
             fn forward(#[grad] x: {}, #[grad] y: {}) -> {result} {{ einsum({equation:?}, x, y) }}",
            shapes[0], shapes[1]
        ));
    }
}

/// A loop inside a step once kept its assignment to an outer variable for that step alone.
#[test]
fn a_loop_in_a_step_assigns_nothing_outside() {
    let source = |init: &str, inner: &str, rest: &str| {
        format!(
            "struct Net {{ layers: [Linear(3 -> 3); 2] }}
             fn loss(x: [B, T, 3]) -> [] {{
                 {init}
                 let (s, ()) = scan(x, zeros([B, 3]), |h, x_t| {{
                     {inner}
                     for layer in layers {{ v = v + layer(x_t); }}
                     (h + v, ())
                 }});
                 s.sum(){rest}
             }}"
        )
    };
    let declared = "let mut v = zeros([B, 3]);";
    expands(&source("", declared, ""));
    let tokens = source(declared, "", " + v.sum()").parse().expect("tokens");
    let code = expand(tokens).to_string();
    assert!(
        code.contains("cannot assign to `v`, which is declared outside this step"),
        "{code}"
    );
}
