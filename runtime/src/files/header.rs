//! Checks of a safetensors header that the format's own reader does not make: names that occur twice, control
//! characters, lengths beyond the file's end, and files of another kind.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use safetensors::tensor::SafeTensorError;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::data::{bad_in, kind, shown};
use crate::{Error, FileProblem, Result};

/// The entry of a header that is not a tensor.
const METADATA: &str = "__metadata__";

/// Checks names before writing: no name twice, no control characters.
pub(super) fn check_names<'a>(path: &Path, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    let mut problems = Vec::new();
    for name in names {
        if name.contains(char::is_control) {
            let name = shown(name);
            problems.push(format!("the name `{name}` holds a control character"));
        } else if !seen.insert(name) {
            problems.push(format!("two tensors are named `{}`", shown(name)));
        } else if name == METADATA || name == super::seal::NAME {
            problems.push(format!("the name `{name}` is the format's own"));
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(bad_in(path, FileProblem::Names, problems.join("\n  "))),
    }
}

/// Checks that the names in a file's header are valid for [`check_names`], and that no tensor ends after the end of the
/// file. A header that cannot be read is left to the format's reader.
pub(super) fn check(path: &Path, bytes: &[u8]) -> Result<()> {
    let Some(entries) = entries(bytes) else {
        return Ok(());
    };
    let tensors = || entries.iter().filter(|(name, _)| name != METADATA);
    let end = |entry: &Value| entry.get("data_offsets")?.get(1)?.as_u64();
    let far = |entry: &Value| end(entry).is_some_and(|end| end > bytes.len() as u64);
    if let Some((name, _)) = tensors().find(|(_, entry)| far(entry)) {
        let name = shown(name);
        let what = format!("not a whole safetensors file: `{name}` ends after the file");
        return Err(bad_in(path, FileProblem::Damaged, what));
    }
    let own = |name: &str| name == super::seal::NAME;
    let names = tensors().map(|(name, _)| name.as_str());
    check_names(path, names.clone().filter(|name| !own(name)))?;
    if names.filter(|name| own(name)).count() > 1 {
        let what = format!("two tensors are named `{}`", super::seal::NAME);
        return Err(bad_in(path, FileProblem::Names, what));
    }
    Ok(())
}

/// The error for a file that the format's reader has refused.
pub(super) fn broken(path: &Path, bytes: &[u8], e: SafeTensorError) -> Error {
    // A file with a header is a damaged file of the format.
    let kind = kind::of_file(path, bytes).filter(|kind| kind.name != kind::SAFETENSORS);
    if let Some(kind) = kind.filter(|_| entries(bytes).is_none()) {
        let what = kind.instead_of(kind::SAFETENSORS);
        return bad_in(path, FileProblem::WrongKind, what);
    }
    let why = match bytes.is_empty() {
        true => "it is empty".into(),
        false => shown(&e.to_string()),
    };
    let what = format!("not a whole safetensors file: {why}");
    bad_in(path, FileProblem::Damaged, what)
}

/// The entries of a header in their order, including repeated names, if it is a header.
fn entries(bytes: &[u8]) -> Option<Vec<(String, Value)>> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
    serde_json::Deserializer::from_slice(header)
        .deserialize_map(Pairs)
        .ok()
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
