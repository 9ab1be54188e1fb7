//! `#[weights("file.safetensors")]`: the file is read when the network is compiled, and every difference between its
//! tensors and the network's parameters is reported then, with the messages of `load` at run time.

use crate::ast;
use crate::diag::Diag;
use crate::dim::Dim;
use crate::ir::DType;
use crate::net::{Net, Param, Weights};
use netform_core::place::{self, element};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::path::Path;

/// Compares the file with the network, and records it for the emitted code.
pub fn embed(net: &mut Net, source: &ast::Network, diag: &Diag) {
    let Some(weights) = &source.weights else {
        return;
    };
    // Recorded even with errors, so that the constructor stays.
    net.weights = Some(Weights {
        path: weights.path.clone(),
        fits: Vec::new(),
        misfit: None,
        span: weights.span,
    });
    if let Some(f) = source.functions.iter().find(|f| f.name == "pretrained") {
        let text = "the method `pretrained` is generated for `#[weights]`: rename the function";
        diag.error(f.name.span(), text);
    }
    // After an error in a field its parameters are not known.
    if diag.any() {
        return;
    }
    match compare(net, weights) {
        Ok(fits) => {
            if let Some(weights) = &mut net.weights {
                weights.fits = fits;
            }
        }
        Err(text) if net.equal.is_whole() => {
            diag.error(weights.span, text);
        }
        // The file may be that of another variant.
        Err(text) => {
            if let Some(weights) = &mut net.weights {
                weights.misfit = Some(text);
            }
        }
    }
}

/// The comparisons that only rustc can do, or an error if something does not fit.
fn compare(net: &Net, weights: &ast::Weights) -> Result<Vec<(Dim, u64, String)>, String> {
    if let Some(g) = net.generics.first() {
        return Err(format!(
            "`#[weights]` needs fixed sizes, but `{0}` has the const parameter `{1}`\nhelp: declare a network that has no const parameters and has a field of type `{0}<..>`, and put `#[weights]` on that network",
            net.name, g.name
        ));
    }
    let folder = std::env::var("CARGO_MANIFEST_DIR")
        .map_err(|_| "`#[weights]` needs cargo, which says where the package is".to_owned())?;
    let bytes = std::fs::read(Path::new(&folder).join(&weights.path)).map_err(|e| {
        format!(
            "`{}` cannot be read: {e}\nhelp: the path begins at the folder of the package's Cargo.toml",
            weights.path
        )
    })?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| match kind(&bytes) {
        Some((kind, help)) => format!("`{}` is {kind}, not a safetensors file{help}", weights.path),
        None => format!("`{}` is not a valid safetensors file: {e}", weights.path),
    })?;
    let mut compare = Compare {
        net,
        file: &file,
        known: Vec::new(),
        problems: Vec::new(),
        fits: Vec::new(),
    };
    compare.all();
    match compare.problems.is_empty() {
        true => Ok(compare.fits),
        false => Err(format!(
            "`{}` does not fit `{}`:\n{}",
            weights.path,
            net.name,
            compare.problems.join("\n")
        )),
    }
}

/// The format of a file that is not a safetensors file, if weights are often stored in it.
fn kind(bytes: &[u8]) -> Option<(&'static str, String)> {
    let has = |part: &[u8]| bytes.windows(part.len()).any(|w| w == part);
    let saved = || "\nhelp: write it with `safetensors.torch.save_file` in Python".to_owned();
    Some(match bytes {
        [b'P', b'K', 3, 4, ..] => ("a zip archive, the format of `torch.save`", saved()),
        [0x80, 2..=5, ..] => (
            "a pickle, such as old versions of `torch.save` write",
            saved(),
        ),
        [0x08, 1..=32, 0x12 | 0x1a | 0x22 | 0x3a | 0x42, ..] => ("an ONNX model", String::new()),
        [b'{', ..] if has(b"\"weight_map\"") => ("an index of shards", shards(bytes)),
        [b'{' | b'[', ..] => ("a JSON document", String::new()),
        _ if bytes.starts_with(b"version https://git-lfs") => (
            "a pointer of Git LFS",
            "\nhelp: `git lfs pull` fetches the file".to_owned(),
        ),
        _ => return None,
    })
}

/// The help for an index: the names of its shards.
fn shards(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut names: Vec<&str> = text
        .split('"')
        .filter(|s| s.ends_with(".safetensors"))
        .collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => String::new(),
        [one] => format!("\nhelp: write the name of the shard: `{one}`"),
        [first, ..] => format!(
            "\nhelp: name a shard such as `{first}`, or join the {} shards in one file",
            names.len()
        ),
    }
}

struct Compare<'a> {
    net: &'a Net,
    file: &'a SafeTensors<'a>,
    /// The file's names that the network knows.
    known: Vec<String>,
    problems: Vec<String>,
    fits: Vec<(Dim, u64, String)>,
}

impl Compare<'_> {
    fn all(&mut self) {
        let params = &self.net.params;
        for (index, p) in params
            .iter()
            .enumerate()
            .filter(|(_, p)| p.shared.is_none())
        {
            let same = (0..params.len()).filter(|k| *k != index && self.net.holder(*k) == index);
            let names: Vec<String> = std::iter::once(index)
                .chain(same)
                .map(|k| params[k].name.clone())
                .collect();
            let (stack, shape) = p.shape.split_at(p.stack.len());
            self.places(&names, stack, shape, p);
        }
        let mut others: Vec<&str> = (self.file.names().into_iter())
            .filter(|name| !name.starts_with("netform/") && !name.ends_with("num_batches_tracked"))
            .filter(|name| !self.known.iter().any(|k| k == name))
            .collect();
        others.sort_unstable();
        for name in others {
            if let Ok(tensor) = self.file.tensor(name) {
                let text = format!("unexpected: `{name}` of shape {:?}", tensor.shape());
                self.problems.push(text);
            }
        }
    }

    /// A parameter in every place of its array.
    fn places(&mut self, names: &[String], stack: &[Dim], shape: &[Dim], param: &Param) {
        let Some((count, rest)) = stack.split_first() else {
            self.one(names, shape, param);
            return;
        };
        let count = match count.value() {
            Some(n) => u64::try_from(n).unwrap_or(0),
            // As many as the file has; rustc compares the numbers.
            None => {
                let found = self.elements(&names[0]);
                let array = place::first(&names[0]).map_or("", |p| p.array());
                let text = format!(
                    "the array `{array}` has {found} elements in the file, the network wants {count}"
                );
                self.fits.push((count.clone(), found, text));
                found
            }
        };
        for k in 0..count {
            let names: Vec<String> = names
                .iter()
                .map(|name| element(name, k).to_string())
                .collect();
            self.places(&names, rest, shape, param);
        }
    }

    /// The number of an array's elements in the file.
    fn elements(&self, name: &str) -> u64 {
        let has = |k: &u64| {
            let at = element(name, *k).to_string();
            let begin = place::first(&at).map_or(&*at, |p| p.before);
            self.file.names().iter().any(|n| n.starts_with(begin))
        };
        (0..).take_while(has).count() as u64
    }

    /// A parameter under any of its names.
    fn one(&mut self, names: &[String], shape: &[Dim], param: &Param) {
        self.known.extend(names.iter().cloned());
        let file = self.file;
        let mut given = (names.iter()).filter_map(|name| Some((name, file.tensor(name).ok()?)));
        let wanted: Vec<String> = shape.iter().map(Dim::to_string).collect();
        let wanted = wanted.join(", ");
        let Some((name, tensor)) = given.next() else {
            if param.optional {
                return;
            }
            let text = format!("missing: `{}` of shape [{wanted}]", names[0]);
            self.problems.push(text);
            return;
        };
        self.shape(name, tensor.shape(), shape, &wanted);
        let read: &[Dtype] = match param.elem.dtype() {
            DType::Float => &[Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16],
            DType::Int => &[Dtype::I64, Dtype::I32, Dtype::U32],
            DType::Bool => &[Dtype::BOOL],
        };
        if !read.contains(&tensor.dtype()) {
            let found = tensor.dtype().to_string().to_lowercase();
            let wanted = param.elem.name();
            self.problems.push(format!(
                "wrong type: `{name}` holds {found}, the network wants {wanted}"
            ));
        }
        let bits = |t: &TensorView<'_>| (t.dtype(), t.data().to_vec());
        for (other, _) in given.filter(|(_, same)| bits(same) != bits(&tensor)) {
            self.problems.push(format!(
                "`{other}` and `{name}` differ in the file, but are one parameter of the network"
            ));
        }
    }

    /// Compares the sizes known to the macro, and records those that rustc will know.
    fn shape(&mut self, name: &str, found: &[usize], shape: &[Dim], wanted: &str) {
        let differs =
            |(f, d): (&usize, &Dim)| d.value().is_some_and(|v| i64::try_from(*f) != Ok(v));
        if found.len() != shape.len() || found.iter().zip(shape).any(differs) {
            self.problems.push(format!(
                "wrong shape: `{name}` is {found:?}, the network wants [{wanted}]"
            ));
            return;
        }
        for (f, d) in found.iter().zip(shape).filter(|(_, d)| d.value().is_none()) {
            let text = format!("`{name}` is {found:?} in the file, the network wants [{wanted}]");
            self.fits.push((d.clone(), *f as u64, text));
        }
    }
}
