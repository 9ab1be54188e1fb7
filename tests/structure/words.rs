//! Words that readers had to read twice: none of them is in a comment, a message or a page.
//!
//! Reads the sources and the pages. Finds each banned phrase with its file and line.

use std::fs;
use std::path::{Path, PathBuf};

/// A phrase, and the plain words for it.
const BANNED: &[(&str, &str)] = &[
    ("nobody", "nothing, no node, no thread"),
    ("whoever", "the caller, the reader"),
    ("told", "reported"),
    ("of one's own", "custom"),
    ("of the user's own", "custom"),
    ("of users' own", "custom"),
    ("in goes", "takes"),
    ("in go", "takes"),
    ("out comes", "returns"),
    ("out come", "returns"),
    ("is no number", "is not a number"),
    ("spoilt", "poisoned"),
    ("whence", "from which"),
    ("verdict", "outcome"),
    ("as it came", "in its first order"),
];

/// Folders of sources, and pages.
const PLACES: &[&str] = &[
    "src",
    "core",
    "macros",
    "runtime",
    "ptx",
    "examples",
    "benches",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
    "data/README.md",
];

#[test]
fn none_is_left() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    PLACES
        .iter()
        .for_each(|p| collect(&root.join(p), &mut files));
    assert!(files.len() > 300, "{} files", files.len());
    let mut found = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let code = file.extension().is_some_and(|e| e == "rs");
        for (number, line) in text.lines().enumerate() {
            let prose = if code { prose(line) } else { line.to_owned() };
            for (phrase, plain) in banned(&prose) {
                let file = file.strip_prefix(root).unwrap().display();
                found.push(format!("{file}:{}: `{phrase}`: say {plain}", number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn words_are_found_whole_and_in_prose_alone() {
    assert_eq!(prose(r#"let told = f("a b"); // c"#), "a b c");
    assert_eq!(prose("told(&told)"), "");
    assert_eq!(banned("Nobody reads it").count(), 1);
    assert_eq!(banned("a cartoldo, in gold").count(), 0);
    assert_eq!(banned("In goes a size; out comes a slice").count(), 2);
}

/// All files of a folder, or a file.
fn collect(path: &Path, out: &mut Vec<PathBuf>) {
    if path.is_file() {
        let read = path.extension().is_some_and(|e| e == "rs" || e == "md");
        return out.extend(read.then(|| path.to_owned()));
    }
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|n| n != "target") {
            collect(&path, out);
        }
    }
}

/// The string literals and the comment of a line of code.
fn prose(line: &str) -> String {
    let (mut out, mut inside, mut escaped) = (String::new(), false, false);
    for (at, c) in line.char_indices() {
        let comment = line[at..].starts_with("//") && !line[..at].ends_with(':');
        match c {
            _ if !inside && comment => {
                out.push(' ');
                out.push_str(line[at..].trim_start_matches(['/', '!']).trim());
                break;
            }
            '"' if !escaped => {
                inside = !inside;
                out.push(' ');
            }
            _ if inside => out.push(c),
            _ => {}
        }
        escaped = inside && c == '\\' && !escaped;
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The banned phrases of a text.
fn banned(text: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let letter = |c: char| c.is_alphanumeric() || c == '\'' || c == '_';
    let words: Vec<String> = (text.split(|c| !letter(c)))
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect();
    BANNED.iter().copied().filter(move |(phrase, _)| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).any(|w| w == phrase)
    })
}
