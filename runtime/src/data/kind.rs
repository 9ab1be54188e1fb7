//! Names a file's kind by its first bytes, for the error of a reader that got a file of another kind.
//!
//! Takes bytes and returns a [`Kind`], or `None` if they are not of a kind that is often confused.

use std::path::Path;

use serde::de::IgnoredAny;

/// A kind of file: its name in a sentence, and what to do with it instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// `a zip archive`.
    pub name: String,
    /// Advice, if there is any.
    pub help: Option<String>,
}

impl Kind {
    fn new(name: &str, help: Option<&str>) -> Self {
        Self {
            name: name.into(),
            help: help.map(str::to_owned),
        }
    }

    /// `a zip archive, not a table: unpack it first`.
    pub fn instead_of(&self, wanted: &str) -> String {
        let help = self.help.as_ref().map(|help| format!(": {help}"));
        format!("{}, not {wanted}{}", self.name, help.unwrap_or_default())
    }
}

/// The name of safetensors files.
pub(crate) const SAFETENSORS: &str = "a safetensors file";

const RESAVE: &str = "write the tensors with `safetensors.torch.save_file`";
const UNPACK: &str = "unpack it first";

/// The first bytes of each kind.
const MAGIC: &[(&[u8], &str, Option<&str>)] = &[
    (
        b"\x1f\x8b",
        "a gzip file",
        Some("unpack it first, with `gzip -d`"),
    ),
    (b"\x28\xb5\x2f\xfd", "a zstd file", Some(UNPACK)),
    (b"\xfd7zXZ\0", "an xz file", Some(UNPACK)),
    (b"BZh", "a bzip2 file", Some(UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", Some(UNPACK)),
    (
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file",
        Some("such as Keras writes"),
    ),
    (b"GGUF", "a GGUF file", None),
    (b"\x93NUMPY", "a NumPy array", None),
    (b"PAR1", "a Parquet file", None),
    (b"ARROW1", "an Arrow file", None),
    (b"\x89PNG", "a PNG image", None),
    (b"\xff\xd8\xff", "a JPEG image", None),
    (b"%PDF", "a PDF document", None),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel or Word document",
        Some("export it as CSV"),
    ),
    (b"\x7fELF", "a program", None),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS",
        Some("fetch the file with `git lfs pull`"),
    ),
    (b"\xff\xfe", "UTF-16 text", Some("save it as UTF-8")),
    (b"\xfe\xff", "UTF-16 text", Some("save it as UTF-8")),
];

/// The kind of a file of binary data or markup. Text may be anything. The first bytes of IDX differ from all kinds
/// here.
pub(crate) fn of(bytes: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    // The first bytes are a length, which may look like another kind.
    if bytes.get(8) == Some(&b'{') && bytes.get(4..8) == Some(&[0; 4]) {
        return Some(Kind::new(SAFETENSORS, None));
    }
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return Some(zip(bytes));
    }
    if let Some((_, name, help)) = MAGIC.iter().find(|(magic, ..)| starts(magic)) {
        return Some(Kind::new(name, *help));
    }
    // The protocol's number, then a frame, a dictionary or a long integer.
    if let [0x80, 2..=5, ..] = bytes {
        let name = "a pickle, such as old versions of `torch.save` write";
        return Some(Kind::new(name, Some(RESAVE)));
    }
    // The model's version, then one of the fields that come after it.
    if let [
        0x08,
        1..=32,
        0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42,
        ..,
    ] = bytes
    {
        return Some(Kind::new("an ONNX model", None));
    }
    if bytes.get(4..8) == Some(b"TFL3") {
        return Some(Kind::new("a TensorFlow Lite model", None));
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return Some(Kind::new("a tar archive", Some(UNPACK)));
    }
    markup(bytes)
}

/// The kind of a file that should be binary: also any JSON, and the kind of the file's extension.
pub(crate) fn of_file(path: &Path, bytes: &[u8]) -> Option<Kind> {
    // A number may be the rest of any file.
    let open = matches!(bytes.trim_ascii_start().first(), Some(b'[' | b'{'));
    let json = || open && serde_json::from_slice::<IgnoredAny>(bytes).is_ok();
    let name = || match path.extension().is_some_and(|ending| ending == "onnx") {
        _ if json() => Some("a JSON document"),
        true => Some("an ONNX model"),
        false => None,
    };
    of(bytes).or_else(|| name().map(|name| Kind::new(name, None)))
}

/// Many kinds of programs pack their files as zip archives.
fn zip(bytes: &[u8]) -> Kind {
    let has = |part: &[u8]| {
        let first = &bytes[..bytes.len().min(4096)];
        first.windows(part.len()).any(|w| w == part)
    };
    if has(b"data.pkl") {
        return Kind::new("a zip archive that `torch.save` wrote", Some(RESAVE));
    }
    if has(b"[Content_Types].xml") {
        return Kind::new("an Excel or Word document", Some("export it as CSV"));
    }
    if has(b".npy") {
        return Kind::new("a zip archive of NumPy arrays", None);
    }
    Kind::new("a zip archive", Some(UNPACK))
}

/// HTML and JSON, after white space.
fn markup(bytes: &[u8]) -> Option<Kind> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = text.trim_ascii_start();
    let tag = text.get(..9).unwrap_or(text).to_ascii_lowercase();
    if tag.starts_with(b"<!doctype") || tag.starts_with(b"<html") {
        let help = "the server may have answered with an error";
        return Some(Kind::new("a page of HTML", Some(help)));
    }
    if tag.starts_with(b"<?xml") {
        return Some(Kind::new("an XML document", None));
    }
    let (open, rest) = text.split_first()?;
    let json = matches!(
        (open, rest.trim_ascii_start().first()),
        (b'{', Some(b'"' | b'}')) | (b'[', Some(b'{' | b'[' | b']' | b'"'))
    );
    json.then(|| shards(text).unwrap_or_else(|| Kind::new("a JSON document", None)))
}

/// The index of a model in several files.
fn shards(text: &[u8]) -> Option<Kind> {
    let index: serde_json::Value = serde_json::from_slice(text).ok()?;
    let map = index.get("weight_map")?.as_object()?;
    let mut files: Vec<&str> = map.values().filter_map(|file| file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    let shown = files
        .iter()
        .take(3)
        .map(|file| format!("`{}`", super::shown(file)));
    let shown: Vec<String> = shown.collect();
    let more = match files.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let help = format!(
        "load each of its files with `load_matching`: {}{more}",
        shown.join(", ")
    );
    Some(Kind::new("an index of shards", Some(&help)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes() {
        let cases: &[(&[u8], &str)] = &[
            (
                b"PK\x03\x04....archive/data.pkl",
                "a zip archive that `torch.save` wrote",
            ),
            (
                b"PK\x03\x04....[Content_Types].xml",
                "an Excel or Word document",
            ),
            (b"PK\x03\x04....x.npy", "a zip archive of NumPy arrays"),
            (b"PK\x05\x06", "a zip archive"),
            (
                b"\x80\x02}q\0",
                "a pickle, such as old versions of `torch.save` write",
            ),
            (b"\x08\x07\x12\x07pytorch", "an ONNX model"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"\x1c\0\0\0TFL3", "a TensorFlow Lite model"),
            (b"  {\"a\": 1}", "a JSON document"),
            (b"\xef\xbb\xbf[{\"a\": 1}]", "a JSON document"),
            (
                b"{\"weight_map\": {\"a\": \"1.st\", \"b\": \"1.st\"}}",
                "an index of shards",
            ),
            (b"\n<!DOCTYPE html>", "a page of HTML"),
            (
                b"version https://git-lfs.github.com/spec/v1",
                "a pointer of Git LFS",
            ),
            (b"\x10\0\0\0\0\0\0\0{\"a\":", "a safetensors file"),
            (b"\x1f\x8b\0\0\0\0\0\0{\"a\":", "a safetensors file"),
        ];
        for (bytes, name) in cases {
            assert_eq!(of(bytes).expect(name).name, *name);
        }
        for unknown in [
            &b""[..],
            b"1,2,3",
            b"{1,2}",
            b"[0.5,1]",
            b"\0\0\x08\x01",
            b"\x80",
        ] {
            assert_eq!(of(unknown), None, "{unknown:?}");
        }
    }
}
