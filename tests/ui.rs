//! Every diagnostic, in folders by kind of mistake: the exact token, both sides, a mend. The texts
//! beside the cases are compared word for word (`TRYBUILD=overwrite` writes them anew).

use std::path::Path;

#[test]
fn diagnostics() {
    weights();
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*/*.rs");
}

/// The cases are built as a package of their own, in whose folder `#[weights]` looks.
fn weights() {
    let exe = std::env::current_exe().unwrap();
    let target = exe.ancestors().nth(3).unwrap();
    let to = target.join("tests/trybuild/netform/tests/weights");
    std::fs::create_dir_all(&to).unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights");
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
