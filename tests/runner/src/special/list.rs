//! The listed differences: a file of rows, under headings that give the reason.
//!
//! A row has, separated by tabs, the places, the case, the result or gradient, the arguments, netform's number,
//! PyTorch's and the exact one. A heading is a line that begins with `# `. A number that is not nearer to the exact one
//! than PyTorch's needs a heading that quotes the page that documents it: `# docs/PAGE.md: its words`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::compare::Difference;
use crate::tensors::Failure;

/// The subject of a row.
pub type Key = (String, String, String, String);

/// Rows, with their headings.
pub type List = BTreeMap<Key, (Numbers, String)>;

/// netform's number, PyTorch's, the exact one.
pub type Numbers = [String; 3];

/// Reads a list.
pub fn read(path: &Path) -> Result<List, Failure> {
    let mut list = List::new();
    let mut why = String::new();
    for (n, line) in std::fs::read_to_string(path)?.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("# ") {
            why = heading.to_owned();
        } else if !line.is_empty() {
            let columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
            let [places, case, tensor, at, got, torch, exact] = <[String; 7]>::try_from(columns)
                .map_err(|_| format!("{}:{}: a row of 7 columns", path.display(), n + 1))?;
            for place in places.split(", ") {
                let key = (place.into(), case.clone(), tensor.clone(), at.clone());
                let numbers = [got.clone(), torch.clone(), exact.clone()];
                list.insert(key, (numbers, why.clone()));
            }
        }
    }
    Ok(list)
}

/// Differences as rows: equal numbers in several places are one row.
pub fn rows(differences: &[&Difference]) -> Vec<String> {
    let mut rows: Vec<(Vec<String>, String)> = Vec::new();
    for d in differences {
        let rest = [&d.case, &d.tensor, &d.at, &d.got, &d.torch, &d.exact];
        let rest = rest.map(String::as_str).join("\t");
        let place = d.place.to_string();
        match rows.iter_mut().find(|(_, r)| *r == rest) {
            Some((places, _)) if places.contains(&place) => {}
            Some((places, _)) => places.push(place),
            None => rows.push((vec![place], rest)),
        }
    }
    let row = |(places, rest): (Vec<String>, String)| format!("{}\t{rest}", places.join(", "));
    rows.into_iter().map(row).collect()
}

/// The headings whose page does not have the quoted words.
pub fn unsaid<'a>(list: &'a List, root: &Path) -> Vec<&'a str> {
    let headings: BTreeSet<&str> = list.values().map(|(_, why)| why.as_str()).collect();
    let said = |heading: &str| {
        let Some((page, words)) = heading.split_once(": ") else {
            return false;
        };
        let text = std::fs::read_to_string(root.join(page)).unwrap_or_default();
        says(&text, words)
    };
    let of_pages = headings.into_iter().filter(|h| h.starts_with("docs/"));
    of_pages.filter(|h| !said(h)).collect()
}

/// Whether a text has these words in this order, across line breaks.
fn says(text: &str, words: &str) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.split_whitespace().count() >= 4 && plain(text).contains(&plain(words))
}

/// The faults: differences that are not listed, rows without a difference, rows without a reason.
pub fn faults(list: &List, found: &[Difference]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut left: BTreeMap<&Key, ()> = list.keys().map(|k| (k, ())).collect();
    let mut fresh = Vec::new();
    for d in found {
        match list.get_key_value(&key(d)) {
            Some((key, entry)) => {
                left.remove(key);
                faults.extend(fault(entry, d).map(|text| format!("{key:?} {text}")));
            }
            None => fresh.push(d),
        }
    }
    faults.extend(
        rows(&fresh)
            .into_iter()
            .map(|row| format!("not listed:\t{row}")),
    );
    faults.extend(
        left.keys()
            .map(|key| format!("listed, but no difference: {key:?}")),
    );
    faults
}

/// The fault of a listed difference, if any.
fn fault((numbers, why): &(Numbers, String), d: &Difference) -> Option<String> {
    let now = [d.got.clone(), d.torch.clone(), d.exact.clone()];
    // The digits of a number that is right up to rounding depend on the processor.
    let [_, torch, exact] = numbers;
    let exactly = d.exactly && [torch, exact] == [&d.torch, &d.exact];
    if !exactly && !alike(numbers, &now) {
        return Some(format!("is listed with {numbers:?}, not {now:?}"));
    }
    let excused = d.nearer || why.starts_with("docs/");
    (!excused).then(|| format!("is not nearer to {}", d.exact))
}

/// The number of elements that differ without a listed reason.
pub fn wrong(list: &List, found: &[Difference]) -> usize {
    let fine = |d: &&Difference| {
        list.get(&key(d))
            .is_some_and(|entry| fault(entry, d).is_none())
    };
    found.len() - found.iter().filter(fine).count()
}

fn key(d: &Difference) -> Key {
    (
        d.place.to_string(),
        d.case.clone(),
        d.tensor.clone(),
        d.at.clone(),
    )
}

/// Whether numbers are the same except for their last digits: instruction sets round differently.
fn alike(a: &Numbers, b: &Numbers) -> bool {
    let value = |s: &String| s.parse::<f64>().unwrap_or(f64::NAN);
    a.iter().zip(b).all(|(a, b)| {
        let (x, y) = (value(a), value(b));
        a == b || (x - y).abs() <= 1e-3 * y.abs()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_a_heading_quotes() {
        let text = "* The gradient of `abs`\n  is 0 at NaN.";
        assert!(says(text, "gradient of `abs` is 0 at NaN"));
        assert!(!says(text, "the gradient of `neg` is 0 at NaN"));
        // A single word is no quotation.
        assert!(!says(text, "gradient"));
    }

    #[test]
    fn headings_that_quote_nothing_are_found() {
        let list = |why: &str| {
            let key = [""; 4].map(String::from);
            let key = (
                key[0].clone(),
                key[1].clone(),
                key[2].clone(),
                key[3].clone(),
            );
            List::from([(key, ([""; 3].map(String::from), why.to_owned()))])
        };
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        for (why, fine) in [
            (
                "docs/language.md: every op gives PyTorch's results and gradients",
                true,
            ),
            (
                "docs/language.md: netform is wrong here and that is fine",
                false,
            ),
            (
                "docs/nowhere.md: every op gives PyTorch's results and gradients",
                false,
            ),
            ("docs/language.md", false),
            ("A reason of its own", true),
        ] {
            assert_eq!(unsaid(&list(why), root).is_empty(), fine, "{why}");
        }
    }
}
