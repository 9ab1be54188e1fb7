//! The listed differences: a file of rows under headings that say why.
//!
//! A row has, between tabs, the places, the case, the result or gradient, the arguments, netform's number,
//! PyTorch's and the exact one. A heading is a line that begins with `# `. What is not nearer to the exact
//! number than PyTorch's needs a heading that names the page that says so: `# docs/..`.

use std::collections::BTreeMap;
use std::path::Path;

use super::compare::Difference;
use crate::tensors::Failure;

/// What a row is about.
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

/// Differences as rows: those of several places with the same numbers are one.
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

/// What is wrong: differences that are not listed, rows that are none any more, rows without a reason.
pub fn faults(list: &List, found: &[Difference]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut left: BTreeMap<&Key, ()> = list.keys().map(|k| (k, ())).collect();
    let mut fresh = Vec::new();
    for d in found {
        let key = (
            d.place.to_string(),
            d.case.clone(),
            d.tensor.clone(),
            d.at.clone(),
        );
        match list.get_key_value(&key) {
            Some((key, (numbers, why))) => {
                left.remove(key);
                let now = [d.got.clone(), d.torch.clone(), d.exact.clone()];
                if !alike(numbers, &now) {
                    faults.push(format!("{key:?} is listed with {numbers:?}, not {now:?}"));
                } else if !d.nearer && !why.starts_with("docs/") {
                    faults.push(format!("{key:?} is not nearer to {}", d.exact));
                }
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

/// Whether numbers are the same, but for their last digits: instruction sets round differently.
fn alike(a: &Numbers, b: &Numbers) -> bool {
    let value = |s: &String| s.parse::<f64>().unwrap_or(f64::NAN);
    a.iter().zip(b).all(|(a, b)| {
        let (x, y) = (value(a), value(b));
        a == b || (x - y).abs() <= 1e-3 * y.abs()
    })
}
