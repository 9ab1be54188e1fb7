//! The safetensors format, under PyTorch's names: `torch` reads the values unchanged.
//!
//! [`write()`] and [`read`] move named tensors. `save` and `load` move the parameters of a network, for
//! [`Network`](crate::Network); `save_as` converts their type, and `load_matching` reads those that the file has. bf16
//! and f16 become f32 when read, which is exact. Integers and booleans keep their type. Entries named `netform/..`
//! belong to a checkpoint: `load` skips them, and also a `num_batches_tracked` that the network does not use. A file
//! may lack one that the network uses, as older files of PyTorch do. The count then starts at 0.

use std::borrow::Cow;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::elements::{Encoded, decode, encode, encode_as};
use super::{Unmatched, atomic, header, seal};
use crate::data::{bad, bad_in, io, shown};
use crate::{
    Core, Device, Error, FileProblem, MismatchProblem, NetSpec, Result, Stored, Tensor, values,
};

/// The prefix of a checkpoint's own entries.
pub(super) const OWN: &str = "netform/";

/// Loaders of PyTorch models check this.
const FORMAT: (&str, &str) = ("format", "pt");

/// Writes named tensors. The file is replaced in one step. Its mode is kept, and symbolic links are followed.
///
/// # Errors
/// A name occurs twice or has a control character, or the file cannot be written.
pub fn write<'a>(
    path: impl AsRef<Path>,
    tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
) -> Result<()> {
    let path = path.as_ref();
    atomic::write(path, &bytes_of(path, tensors, FORMAT, false)?)
}

/// The bytes of such a file, with or without a checksum, and with one entry of metadata (the order of several entries
/// would vary, and so would the file).
pub(super) fn bytes_of<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (&'a str, &'a Tensor)>,
    metadata: (&str, &str),
    sealed: bool,
) -> Result<Vec<u8>> {
    let entries = tensors.into_iter();
    let entries = entries.map(|(name, t)| (name, t.shape(), encode(t)));
    assembled(path, entries.collect(), metadata, sealed)
}

/// The same from names, shapes and encoded elements.
fn assembled(
    path: &Path,
    tensors: Vec<(&str, &[usize], Encoded)>,
    metadata: (&str, &str),
    sealed: bool,
) -> Result<Vec<u8>> {
    header::check_names(path, tensors.iter().map(|(name, ..)| *name))?;
    let mut views = Vec::with_capacity(tensors.len());
    for (name, shape, (dtype, bytes)) in &tensors {
        let view = TensorView::new(*dtype, shape.to_vec(), bytes);
        views.push((
            *name,
            view.map_err(|e| bad(path, format!("`{name}`: {e}")))?,
        ));
    }
    let metadata = [(metadata.0.to_owned(), metadata.1.to_owned())].into();
    let bytes =
        safetensors::serialize(views, Some(metadata)).map_err(|e| bad(path, e.to_string()))?;
    match sealed {
        true => seal::add(path, &bytes),
        false => Ok(bytes),
    }
}

/// Reads all tensors of a file, sorted by name.
///
/// # Errors
/// The file cannot be read, is of another kind (a zip archive, an ONNX model, an index of shards), is damaged, or has
/// tensors of unsupported types. The error names all of those.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<(String, Tensor)>> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| io(path, source))?;
    Ok(content(path, &bytes, "")?.0)
}

/// Named tensors, and one entry of metadata.
pub(super) type Content = (Vec<(String, Tensor)>, Option<String>);

/// All tensors in the bytes of a file, and one entry of its metadata.
pub(super) fn content(path: &Path, bytes: &[u8], key: &str) -> Result<Content> {
    let file = whole(path, bytes)?;
    let (_, header) =
        SafeTensors::read_metadata(bytes).map_err(|e| header::broken(path, bytes, e))?;
    let metadata = header.metadata().as_ref().and_then(|m| m.get(key)).cloned();
    let mut tensors = Vec::with_capacity(file.len());
    let mut problems = Vec::new();
    for (name, entry) in decoded(&file, |_| true)? {
        match entry {
            Entry::Tensor(tensor) => tensors.push((name, tensor.into_owned())),
            Entry::Unread(dtype, _) => {
                problems.push(format!("`{name}` is of type {dtype:?}, which is not read"));
            }
        }
    }
    match problems.is_empty() {
        true => Ok((tensors, metadata)),
        false => Err(bad(path, problems.join("\n  "))),
    }
}

/// The file in these bytes, if all of it is there and its checksum, if it has one, is right.
fn whole<'a>(path: &Path, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
    seal::check(path, bytes)?;
    header::check(path, bytes)?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| header::broken(path, bytes, e))?;
    if file.tensor(seal::NAME).is_ok() && !seal::is_on(bytes) {
        return Err(bad_in(path, FileProblem::Damaged, seal::MISSING));
    }
    Ok(file)
}

/// A tensor of a file.
pub(super) enum Entry<'a> {
    Tensor(Cow<'a, Tensor>),
    /// A tensor of an unsupported type, and its shape.
    Unread(Dtype, Vec<usize>),
}

impl Entry<'_> {
    fn shape(&self) -> &[usize] {
        match self {
            Self::Tensor(tensor) => tensor.shape(),
            Self::Unread(_, shape) => shape,
        }
    }
}

/// The tensors of these names, sorted. The data of other tensors is not read.
fn decoded(
    file: &SafeTensors<'_>,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Entry<'static>)>> {
    let wanted = |name: &str| name != seal::NAME && wanted(name);
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.iter().filter(|(name, _)| wanted(name)) {
        let entry = match decode(view.dtype(), view.data()) {
            Some(data) => Entry::Tensor(Cow::Owned(Tensor::from_data(view.shape(), data)?)),
            None => Entry::Unread(view.dtype(), view.shape().to_vec()),
        };
        tensors.push((name.to_owned(), entry));
    }
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tensors)
}

/// Writes all parameters of a network, as `f32` or `f64` like on its device.
pub(crate) fn save<D: Device>(core: &Core<D>, path: impl AsRef<Path>) -> Result<()> {
    let tensors = parameters(core)?;
    write(path, tensors.iter().map(|(name, t)| (*name, t)))
}

/// As [`save`], with each float rounded to type `stored`: f32, f64, bf16 or f16. Integers and booleans keep their type.
pub(crate) fn save_as<D: Device>(
    core: &Core<D>,
    path: impl AsRef<Path>,
    stored: Stored,
) -> Result<()> {
    if !stored.is_float() {
        return Err(Error::StoredType {
            network: core.spec().name,
            stored,
        });
    }
    let (path, tensors) = (path.as_ref(), parameters(core)?);
    let entries = tensors.iter();
    let entries = entries.map(|(name, t)| (*name, t.shape(), encode_as(t, stored)));
    atomic::write(path, &assembled(path, entries.collect(), FORMAT, false)?)
}

/// All parameters, shared ones under each of their names, as in PyTorch's `state_dict`.
pub(super) fn parameters<D: Device>(core: &Core<D>) -> Result<Vec<(&'static str, Tensor)>> {
    // Poisoned parameters must not replace a good file.
    core.sound()?;
    let spec = core.spec();
    let named = |name| Some((name, spec.find(name)?));
    (spec.names().filter_map(named))
        .map(|(name, p)| Ok((name, core.value(p)?)))
        .collect()
}

/// Reads all parameters of a network. A file that does not fit is an error that lists every
/// difference, and changes nothing.
pub(crate) fn load<D: Device>(core: &mut Core<D>, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| io(path, source))?;
    load_bytes(core, path, &bytes)
}

/// The same from the bytes of a file; `name` is for messages.
#[doc(hidden)]
pub fn load_bytes<D: Device>(
    core: &mut Core<D>,
    name: impl AsRef<Path>,
    bytes: &[u8],
) -> Result<()> {
    let path = name.as_ref();
    let entries = decoded(&whole(path, bytes)?, |_| true)?;
    restore(core, path, &entries, Vec::new(), None)
}

/// Reads the entries that the file and the network both have, by name, and returns the names that only one of them has.
/// If an entry of both differs in shape or type, the error lists every difference, and nothing changes.
pub(crate) fn load_matching<D: Device>(
    core: &mut Core<D>,
    path: impl AsRef<Path>,
) -> Result<Unmatched> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| io(path, source))?;
    load_matching_bytes(core, path, &bytes)
}

/// The same from the bytes of a file; `name` is for messages.
pub(crate) fn load_matching_bytes<D: Device>(
    core: &mut Core<D>,
    name: impl AsRef<Path>,
    bytes: &[u8],
) -> Result<Unmatched> {
    let (path, spec) = (name.as_ref(), core.spec());
    let file = whole(path, bytes)?;
    let tensors = decoded(&file, |name| spec.find(name).is_some())?;
    let names = file.names().into_iter().filter(|n| unexpected(spec, n));
    let mut unmatched = Unmatched {
        missing: Vec::new(),
        unexpected: names.map(str::to_owned).collect(),
    };
    unmatched.unexpected.sort();
    let missing = Some(&mut unmatched.missing);
    restore(core, path, &tensors, Vec::new(), missing)?;
    Ok(unmatched)
}

/// Whether the network does not use an entry that must not be skipped.
fn unexpected(spec: &NetSpec, name: &str) -> bool {
    let passed = name.starts_with(OWN) || name.ends_with("num_batches_tracked");
    !passed && spec.find(name).is_none()
}

/// Sets a network's parameters to tensors that were read, sorted by name, if there are no problems. They are listed in
/// this order: known problems, those of the parameters in declaration order, then unexpected entries.
///
/// If there is a list `missing`, the names of missing parameters are added to it and they keep their values; otherwise
/// they are errors.
pub(super) fn restore<D: Device>(
    core: &mut Core<D>,
    path: &Path,
    entries: &[(String, Entry<'_>)],
    mut problems: Vec<MismatchProblem>,
    mut missing: Option<&mut Vec<String>>,
) -> Result<()> {
    let spec = core.spec();
    let mut image = match missing {
        Some(_) => core.parameter_image()?,
        None => vec![0; core.image_len()],
    };
    for param in spec.params {
        // A file may have a shared parameter under one of its names, or under several.
        let mut given = spec.names_of(param).filter_map(|name| {
            let at = entries.binary_search_by(|(n, _)| n.as_str().cmp(name));
            let (name, entry) = &entries[at.ok()?];
            Some((name.as_str(), entry))
        });
        let Some((name, entry)) = given.next() else {
            match &mut missing {
                _ if param.optional => {}
                Some(missing) => missing.push(param.name.into()),
                None => problems.push(MismatchProblem::Missing {
                    name: param.name,
                    wanted: param.shape,
                }),
            }
            continue;
        };
        let found = entry.shape();
        if found != param.shape {
            problems.push(MismatchProblem::Shape {
                name: name.into(),
                found: found.to_vec(),
                wanted: param.shape,
            });
        }
        let tensor = match entry {
            Entry::Tensor(tensor) => tensor,
            Entry::Unread(dtype, _) => {
                problems.push(MismatchProblem::UnreadType {
                    name: name.into(),
                    found: format!("{dtype:?}"),
                });
                continue;
            }
        };
        let (first, len) = core.place_of(param);
        let mut bytes = vec![0; len];
        if !values::write::<D::Float>(param.dtype, tensor.data(), &mut bytes) {
            problems.push(MismatchProblem::Type {
                name: name.into(),
                found: tensor.data().type_name(),
                wanted: values::type_name(param),
            });
        }
        for (other, same) in given {
            // Compared as bits, so that NaN equals NaN.
            let same = matches!(same, Entry::Tensor(same) if encode(same) == encode(tensor));
            if !same {
                problems.push(MismatchProblem::Shared {
                    name: name.into(),
                    other: other.into(),
                });
            }
        }
        if let (true, Some(to)) = (problems.is_empty(), image.get_mut(first..first + len)) {
            to.copy_from_slice(&bytes);
        }
    }
    for (name, entry) in entries {
        if unexpected(spec, name) {
            problems.push(MismatchProblem::Unexpected {
                name: shown(name),
                found: entry.shape().to_vec(),
                unread_type: match entry {
                    Entry::Unread(dtype, _) => Some(format!("{dtype:?}")),
                    Entry::Tensor(_) => None,
                },
            });
        }
    }
    if !problems.is_empty() {
        return Err(Error::Mismatch {
            path: path.to_path_buf(),
            network: spec.name,
            problems,
        });
    }
    match missing.is_none_or(|names| names.is_empty()) {
        true => core.write_all(&image),
        false => core.write_params(0, &image),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_passes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.safetensors");
        let tensors = [
            Tensor::from(&[[1.5f32, -0.0], [f32::INFINITY, 1e-40]]),
            Tensor::from(vec![std::f64::consts::PI]),
            Tensor::from(i64::MIN),
            Tensor::from(vec![-1i32, 7]),
            Tensor::from(vec![u32::MAX]),
            Tensor::from(&[true, false]),
            Tensor::zeros::<f32>([0, 3]).unwrap(),
        ];
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        write(&path, names.iter().copied().zip(&tensors)).unwrap();
        let back = read(&path).unwrap();
        assert!(
            back.iter()
                .map(|(n, t)| (n.as_str(), t))
                .eq(names.iter().copied().zip(&tensors))
        );
        // Only the file is left.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        // Every truncation is noticed.
        let bytes = std::fs::read(&path).unwrap();
        for len in 0..bytes.len() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            assert!(
                matches!(read(&path), Err(Error::File { .. })),
                "cut to {len}"
            );
        }
    }
}
