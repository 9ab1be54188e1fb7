//! IDX: the format of MNIST. A magic number, the sizes, then the elements, all big endian.
//!
//! Takes a file, plain or gzipped, and returns an [`Idx`], from which rows of pixels and labels can be taken.
//!
//! ```no_run
//! use netform_runtime::data::idx;
//! let images: Vec<[f32; 784]> = idx::read("train-images-idx3-ubyte.gz")?.pixels()?;
//! let labels: Vec<u32> = idx::read("train-labels-idx1-ubyte.gz")?.labels(10)?;
//! # Ok::<(), netform_runtime::Error>(())
//! ```

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use super::{bad, bad_in, io, kind, open};
use crate::{FileProblem, Result, Tensor};

/// The elements of an IDX file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum IdxData {
    /// Unsigned bytes: pixels and labels.
    U8(Vec<u8>),
    /// Signed bytes.
    I8(Vec<i8>),
    /// 16-bit integers.
    I16(Vec<i16>),
    /// 32-bit integers.
    I32(Vec<i32>),
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
}

/// An IDX file's content.
#[derive(Clone, Debug)]
pub struct Idx {
    path: PathBuf,
    shape: Vec<usize>,
    data: IdxData,
}

/// Reads a file, plain or gzipped.
pub fn read(path: impl AsRef<Path>) -> Result<Idx> {
    let path = path.as_ref();
    let opened = open(path)?;
    let mut reader = opened.reader;
    let start = reader.fill_buf().map_err(|source| io(path, source))?;
    let other = kind::of(start).map(|kind| kind.instead_of("an IDX file"));
    let mut magic = [0; 4];
    fill(path, &mut *reader, &mut magic)?;
    let wrong_kind = |what: String| bad_in(path, FileProblem::WrongKind, what);
    let [0, 0, kind, rank] = magic else {
        let unknown =
            || format!("not an IDX file: it starts with {magic:02x?}, not with two zero bytes");
        return Err(wrong_kind(other.unwrap_or_else(unknown)));
    };
    let size = match kind {
        0x08 | 0x09 => 1,
        0x0b => 2,
        0x0c | 0x0d => 4,
        0x0e => 8,
        _ => {
            let what = format!("not an IDX file: unknown element type 0x{kind:02x}");
            return Err(wrong_kind(what));
        }
    };
    let mut shape = Vec::new();
    for _ in 0..rank {
        let mut dim = [0; 4];
        fill(path, &mut *reader, &mut dim)?;
        shape.push(u32::from_be_bytes(dim) as usize);
    }
    let damaged = |what: String| bad_in(path, FileProblem::Damaged, what);
    let elements = crate::shape::elements(&shape).and_then(|n| n.checked_mul(size));
    let Some(wanted) = elements.filter(|&n| n < isize::MAX as usize) else {
        return Err(damaged(format!(
            "the header's shape {shape:?} is too large"
        )));
    };
    // Checked before reading, so that a damaged header does not ask for too much memory.
    let left = opened.most.saturating_sub(4 + 4 * u64::from(rank));
    if wanted as u64 > left {
        let at_most = if opened.packed { "at most " } else { "" };
        return Err(damaged(format!(
            "shape {shape:?} needs {wanted} bytes, but {at_most}{left} follow"
        )));
    }
    // One byte more than wanted shows whether the file is longer.
    let mut bytes = Vec::new();
    reader
        .take(wanted as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| io(path, source))?;
    if bytes.len() != wanted {
        let found = if bytes.len() > wanted {
            "more follow".into()
        } else {
            format!("{} follow", bytes.len())
        };
        return Err(damaged(format!(
            "shape {shape:?} needs {wanted} bytes, but {found}"
        )));
    }
    let data = match kind {
        0x08 => IdxData::U8(bytes),
        0x09 => IdxData::I8(bytes.into_iter().map(|b| b as i8).collect()),
        0x0b => IdxData::I16(decode(&bytes, i16::from_be_bytes)),
        0x0c => IdxData::I32(decode(&bytes, i32::from_be_bytes)),
        0x0d => IdxData::F32(decode(&bytes, f32::from_be_bytes)),
        _ => IdxData::F64(decode(&bytes, f64::from_be_bytes)),
    };
    Ok(Idx {
        path: path.to_path_buf(),
        shape,
        data,
    })
}

fn fill(path: &Path, reader: &mut dyn BufRead, to: &mut [u8]) -> Result<()> {
    reader.read_exact(to).map_err(|source| match source.kind() {
        std::io::ErrorKind::UnexpectedEof => bad_in(
            path,
            FileProblem::Damaged,
            "the file ends inside its header",
        ),
        _ => io(path, source),
    })
}

fn decode<const N: usize, T>(bytes: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|&word| from(word))
        .collect()
}

impl Idx {
    /// The size of each dimension; the first is the number of samples.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// The elements, in row-major order.
    pub fn data(&self) -> &IdxData {
        &self.data
    }

    /// Each sample as a row of `N` values. Bytes are scaled to 0..1; values of other types are unchanged.
    pub fn pixels<const N: usize>(&self) -> Result<Vec<[f32; N]>> {
        let width = crate::shape::elements(self.shape.get(1..).unwrap_or_default());
        if width != Some(N) || N == 0 {
            return Err(bad(
                &self.path,
                format!("shape {:?} does not have {N} elements a sample", self.shape),
            ));
        }
        let flat: Vec<f32> = match &self.data {
            IdxData::U8(v) => v.iter().map(|&x| f32::from(x) / 255.0).collect(),
            other => other.to_f64().into_iter().map(|x| x as f32).collect(),
        };
        Ok(flat.as_chunks::<N>().0.to_vec())
    }

    /// One label for each sample, each below `classes`.
    pub fn labels(&self, classes: u32) -> Result<Vec<u32>> {
        if self.shape.len() != 1 {
            return Err(bad(
                &self.path,
                format!(
                    "labels have one dimension, but the shape is {:?}",
                    self.shape
                ),
            ));
        }
        let label = |(i, x): (usize, f64)| {
            if x >= 0.0 && x < f64::from(classes) && x.fract() == 0.0 {
                return Ok(x as u32);
            }
            Err(bad(
                &self.path,
                format!("label {i} is {x}, outside 0..{classes}"),
            ))
        };
        self.data
            .to_f64()
            .into_iter()
            .enumerate()
            .map(label)
            .collect()
    }

    /// A tensor of `f32` (bytes are not scaled).
    pub fn to_tensor(&self) -> Tensor {
        let data: Vec<f32> = self.data.to_f64().into_iter().map(|x| x as f32).collect();
        Tensor::from_parts(&self.shape, crate::TensorData::F32(data))
    }
}

impl IdxData {
    fn to_f64(&self) -> Vec<f64> {
        fn widen<T: Copy + Into<f64>>(v: &[T]) -> Vec<f64> {
            v.iter().map(|&x| x.into()).collect()
        }
        match self {
            Self::U8(v) => widen(v),
            Self::I8(v) => widen(v),
            Self::I16(v) => widen(v),
            Self::I32(v) => widen(v),
            Self::F32(v) => widen(v),
            Self::F64(v) => widen(v),
        }
    }
}
