//! The page on the language lists every op with its signature, and every layer.

const PAGE: &str = include_str!("../docs/language.md");

#[test]
fn every_op() {
    for op in netform_compiler::ops::all() {
        let line = format!("{}({})", op.name, op.signature);
        assert!(
            PAGE.lines().any(|l| l == line),
            "docs/language.md lacks the line `{line}`"
        );
    }
    let blocks = PAGE
        .split("```text\n")
        .skip(1)
        .filter_map(|b| b.split_once("```"));
    let listed = blocks.flat_map(|b| b.0.lines()).count();
    assert_eq!(
        listed,
        netform_compiler::ops::all().count(),
        "ops that are gone are still listed"
    );
}

#[test]
fn every_layer() {
    for layer in netform_compiler::layers::names() {
        let listed = PAGE
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word == layer);
        assert!(listed, "docs/language.md lacks the layer `{layer}`");
    }
}
