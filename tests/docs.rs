//! The language page lists every op with its signature, and every layer; the training page lists every optimizer and
//! every schedule with its settings.

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

/// The page's row for a name.
fn row(name: &str) -> &'static str {
    const TRAINING: &str = include_str!("../docs/training.md");
    let wanted = format!("`{name}`");
    let first = |line: &&str| line.split('|').nth(1).is_some_and(|c| c.contains(&wanted));
    let found = TRAINING.lines().find(first);
    found.unwrap_or_else(|| panic!("docs/training.md lacks `{name}`"))
}

#[test]
fn every_optimizer_and_schedule() {
    let folder = format!("{}/runtime/src/optim", env!("CARGO_MANIFEST_DIR"));
    let read = |file: String| std::fs::read_to_string(file).unwrap();
    let files = [
        "sgd", "adam", "nadam", "radam", "adamax", "adagrad", "adadelta", "rms_prop",
    ];
    for file in files {
        let text = read(format!("{folder}/{file}.rs"));
        let names = text.lines().filter_map(|l| l.strip_prefix("pub type "));
        let names: Vec<&str> = names.filter_map(|l| l.split(' ').next()).collect();
        let settings: Vec<&str> = text.split("settings!(").skip(1).collect();
        assert_eq!(names.len(), settings.len(), "{file}");
        for (name, settings) in names.into_iter().zip(settings) {
            let settings = settings.split("});").next().unwrap();
            let setting = |line: &'_ str| line.trim().split_once(": ").map(|s| s.0.to_owned());
            for setting in settings
                .lines()
                .filter(|l| !l.contains("///"))
                .filter_map(setting)
            {
                let listed = row(name).contains(&format!("`{setting}("));
                assert!(listed, "docs/training.md lacks `{setting}` of `{name}`");
            }
        }
    }
    let folder = format!("{folder}/schedule");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let text = read(entry.unwrap().path().display().to_string());
        // The setters of a struct: `pub fn gamma(mut self, ..`.
        for part in text.split("\nimpl ").skip(1) {
            let name = part.split([' ', '<']).next().unwrap();
            let body = part.split("\n}").next().unwrap();
            for method in body.split("pub fn ").skip(1) {
                let (method, rest) = method.split_once('(').unwrap();
                if rest.trim_start().starts_with("mut self") && !["on", "resume"].contains(&method)
                {
                    let listed = row(name).contains(&format!("`{method}("));
                    assert!(listed, "docs/training.md lacks `{method}` of `{name}`");
                }
            }
        }
    }
}

/// Each listing in CONTRIBUTING.md is in the file named above it.
#[test]
fn quotations() {
    const GUIDE: &str = include_str!("../CONTRIBUTING.md");
    let mut quoted = 0;
    for (before, after) in GUIDE
        .match_indices("```text\n")
        .map(|(at, _)| GUIDE.split_at(at))
    {
        let file = before.trim_end().lines().last().unwrap().trim_matches('`');
        let listing = after.strip_prefix("```text\n").unwrap();
        let listing = listing.split("```").next().unwrap();
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert!(text.contains(listing), "{file} lacks\n{listing}");
        quoted += 1;
    }
    assert!(quoted > 10);
}
