//! Every diagnostic, in folders by kind of mistake: the exact token, both sides, a mend. The texts
//! beside the cases are compared word for word (`TRYBUILD=overwrite` writes them anew).

#[test]
fn diagnostics() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*/*.rs");
}
