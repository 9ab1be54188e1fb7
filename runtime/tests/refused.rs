//! Invalid files: each is an error with its reason, and none panics.

#[path = "nets/hand.rs"]
mod hand;

use std::io::Write;
use std::path::{Path, PathBuf};

use hand::Hand;
use netform_runtime::__private::*;
use netform_runtime::data::{Loader, Position, csv, idx};
use netform_runtime::files::{Checkpoint, safetensors};
use netform_runtime::optim::schedule::{Curve, ReduceLROnPlateau, Schedule, ScheduleState, StepLR};
use netform_runtime::optim::*;
use netform_runtime::*;

fn net(seed: u64) -> Hand<Cpu> {
    Hand::new(Cpu::new(), seed).unwrap()
}

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

/// The kind of mistake in a file.
fn problem<T>(result: Result<T>) -> FileProblem {
    match result.err().expect("an error") {
        Error::File { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    write(&path, bytes);
    path
}

/// A new file, because some systems sync a file that is overwritten.
fn write(path: &Path, bytes: &[u8]) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, bytes).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A safetensors file with this header.
fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let len = (header.len() as u64).to_le_bytes();
    [&len, header.as_bytes(), data].concat()
}

/// A checkpoint with all parts.
fn checkpoint(path: &Path) -> Vec<u8> {
    let mut adam = Adam::new(0.1);
    let schedule = StepLR::new(5).on(&mut adam);
    let position = Position { epoch: 3, batch: 4 };
    let net = net(1);
    let writer = Checkpoint::of(&net).optimizer(&adam).unwrap();
    let writer = writer.schedule(&schedule).position(position).step(120);
    writer.save(path).unwrap();
    std::fs::read(path).unwrap()
}

/// Every bit, flipped alone; every length, truncated; bytes at the end. The network is unchanged.
#[test]
fn a_damaged_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ckpt");
    let whole = checkpoint(&path);
    Checkpoint::open(&path).unwrap();
    let mut net = net(2);
    let before: Vec<_> = net.parameters().map(|p| p.values().unwrap()).collect();
    let damaged = FileProblem::Damaged;
    let opened = |bytes: &[u8], what: &str| {
        write(&path, bytes);
        let error = Checkpoint::open(&path).expect_err(what);
        let text = error.to_string();
        assert!(text.contains("damaged"), "{what}: {text}");
        assert!(matches!(error, Error::File { problem, .. } if problem == damaged));
    };
    // As a model, too.
    let mut refused = |bytes: &[u8], what: &str| {
        assert_eq!(problem(net.load_bytes(bytes)), damaged, "{what}");
        assert_eq!(problem(net.load_matching_bytes(bytes)), damaged, "{what}");
    };
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let what = format!("bit {bit} of byte {at}");
            refused(&bytes, &what);
            if at % 8 == bit {
                opened(&bytes, &what);
            }
        }
    }
    for len in 0..whole.len() {
        opened(&whole[..len], &format!("cut to {len}"));
        refused(&whole[..len], &format!("cut to {len}"));
    }
    refused(&[&whole[..], b"\0"].concat(), "a byte more");
    refused(&[&whole[..], &whole[..]].concat(), "twice");
    let mut swapped = whole.clone();
    let end = whole.len() - 12;
    swapped.swap(end - 1, end - 3);
    swapped.swap(end - 2, end - 7);
    if swapped != whole {
        refused(&swapped, "bytes that changed places");
    }
    assert!(net.parameters().map(|p| p.values().unwrap()).eq(before));
    net.load_bytes(&whole).unwrap();
}

/// A file of version 1, which had no checksums: after ten steps of the run of `files.rs`.
#[test]
fn a_checkpoint_of_version_1() {
    const OLD: &[u8] = include_bytes!("files/version_1.ckpt");
    let folder = tempfile::tempdir().unwrap();
    let path = put(folder.path(), "old.ckpt", OLD);
    let saved = Checkpoint::open(&path).unwrap();
    assert_eq!((saved.network_name(), saved.step()), ("Noisy", 10));
    assert_eq!(saved.position().unwrap(), Position { epoch: 1, batch: 3 });
    let mut net = Noisy(Core::new(Cpu::new(), 5, &NOISY).unwrap());
    saved.network(&mut net).unwrap();
    let w = Tensor::from(vec![-1.2160335f32, 0.7092377, -0.77475274]);
    assert_eq!(net.parameter("w").unwrap(), w);
    assert_eq!((net.0.seed(), net.0.random_step()), (11, 10));
    let mut adam = NAdam::new(0.5);
    saved.optimizer(&mut adam, &net).unwrap();
    let state = adam.state(net.core()).unwrap();
    assert_eq!((state.t, state.lr), (10, 0.19611132546699175));
    assert_eq!(state.groups[0].momentum, 0.8520253513192751);
    let w = &state.params[0];
    assert_eq!((w.t, w.carried), (10, 0.000380428449716419));
    let squares = vec![0.00011361888f32, 2.2869556e-6, 0.002372874];
    assert_eq!(state.moments[1].2, Tensor::from(squares));
    // Saved again, it has a checksum.
    let writer = Checkpoint::of(&net).optimizer(&adam).unwrap();
    writer.save(&path).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    Checkpoint::open(&path).unwrap();
    let last = bytes.len() - 13;
    bytes[last] ^= 1;
    write(&path, &bytes);
    assert!(message(Checkpoint::open(&path)).ends_with("the checksum does not match the content"));
    // Truncated or flipped, an old file at least does not panic.
    for at in 0..OLD.len() {
        let mut bytes = OLD.to_vec();
        bytes[at] ^= 4;
        write(&path, &bytes);
        if let Ok(saved) = Checkpoint::open(&path) {
            let _ = saved.network(&mut net);
            let _ = saved.optimizer(&mut adam, &net);
            let _ = saved.position();
        }
        write(&path, &OLD[..at]);
        assert_eq!(problem(Checkpoint::open(&path)), FileProblem::Damaged);
    }
}

/// A network with any parameters, without functions.
struct Noisy(Core<Cpu>);

impl Network for Noisy {
    type Device = Cpu;
    const PARAMETERS: usize = 3;
    const WEIGHT_BYTES: usize = 12;
    fn core(&self) -> &Core<Cpu> {
        &self.0
    }
    fn core_mut(&mut self) -> &mut Core<Cpu> {
        &mut self.0
    }
}

const fn param(name: &'static str, offset: usize) -> ParamSpec {
    ParamSpec {
        name,
        stack: &[],
        shape: &[3],
        dtype: DType::Float,
        offset: Offset::of_floats(offset),
        init: Init::Normal { std: 1.0 },
        frozen: false,
        buffer: false,
        optional: false,
    }
}

const fn spec(name: &'static str, params: &'static [ParamSpec]) -> NetSpec {
    NetSpec {
        name,
        params,
        shared: &[],
        flat_len: 32,
        other_bytes: 0,
        parameters: 3 * params.len(),
    }
}

static NOISY: NetSpec = spec("Noisy", &[param("w", 0)]);
static OTHER: NetSpec = spec("Other", &[param("w", 0)]);
static PAIR: NetSpec = spec("Pair", &[param("a", 0), param("b", 16)]);
static TURNED: NetSpec = spec("Pair", &[param("b", 0), param("a", 16)]);
static WIDER: NetSpec = spec("Noisy", &[param("w", 0), param("v", 16)]);
/// A buffer that is not a float, from this number of bytes after the floats of [`spec`].
const fn buffer(name: &'static str, dtype: DType, bytes: usize, start: f64) -> ParamSpec {
    ParamSpec {
        dtype,
        offset: Offset { floats: 32, bytes },
        init: Init::Constant(start),
        frozen: true,
        buffer: true,
        ..param(name, 0)
    }
}
static COUNTS: NetSpec = NetSpec {
    other_bytes: 64,
    ..spec("Noisy", &[buffer("w", DType::Int, 0, 0.0)])
};
static TYPED: NetSpec = NetSpec {
    other_bytes: 128,
    ..spec(
        "Noisy",
        &[
            param("w", 16),
            buffer("steps", DType::Int, 0, 7.0),
            buffer("mask", DType::Bool, 64, 1.0),
        ],
    )
};

/// Integers and booleans keep their type and every bit, for every type of saved floats.
#[test]
fn buffers_are_saved_in_their_type() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typed.safetensors");
    let make = || Noisy(Core::new(Cpu::new(), 1, &TYPED).unwrap());
    let mut net = make();
    assert_eq!(net.parameter("steps").unwrap(), Tensor::from(vec![7i64; 3]));
    assert_eq!(net.parameter("mask").unwrap(), Tensor::from(vec![true; 3]));
    let steps = Tensor::from(vec![i64::MIN, (1 << 53) + 1, i64::MAX]);
    let mask = Tensor::from(vec![true, false, true]);
    net.set_parameter("steps", &steps).unwrap();
    net.set_parameter("mask", &mask).unwrap();
    net.save_as(&path, Stored::Bf16).unwrap();
    let read = safetensors::read(&path).unwrap();
    let found = |name: &str| read.iter().find(|(n, _)| n == name).unwrap().1.clone();
    assert_eq!(
        (found("steps"), found("mask")),
        (steps.clone(), mask.clone())
    );
    let mut other = make();
    other.load(&path).unwrap();
    let run = folder.path().join("typed.ckpt");
    Checkpoint::of(&net).save(&run).unwrap();
    let mut resumed = make();
    let checkpoint = Checkpoint::open(&run).unwrap();
    checkpoint.network(&mut resumed).unwrap();
    for net in [&other, &resumed] {
        assert_eq!(net.parameter("steps").unwrap(), steps);
        assert_eq!(net.parameter("mask").unwrap(), mask);
    }
    assert_eq!(resumed.parameter("w").unwrap(), net.parameter("w").unwrap());
    // Integers of another width fit, other types do not.
    let narrow = Tensor::from(vec![-1i32, 0, 1]);
    other.set_parameter("steps", &narrow).unwrap();
    assert_eq!(
        other.parameter("steps").unwrap(),
        Tensor::from(vec![-1i64, 0, 1])
    );
    for (name, values, text) in [
        (
            "steps",
            Tensor::from(vec![1f32; 3]),
            "takes i64, but the value holds f32",
        ),
        (
            "mask",
            Tensor::from(vec![1i64; 3]),
            "takes bool, but the value holds i64",
        ),
        ("w", steps.clone(), "takes floats, but the value holds i64"),
    ] {
        let error = other.set_parameter(name, &values).unwrap_err();
        assert_eq!(error.to_string(), format!("Noisy: `{name}` {text}"));
    }
}

#[test]
fn a_checkpoint_of_another_network() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ckpt");
    let make = |spec| Noisy(Core::new(Cpu::new(), 1, spec).unwrap());
    let cases = [
        (&NOISY, &OTHER, "it is a checkpoint of `Noisy`"),
        (&OTHER, &NOISY, "it is a checkpoint of `Other`"),
        (&PAIR, &TURNED, "these in another order"),
        (&NOISY, &WIDER, "missing: `v` of shape [3]"),
        (&WIDER, &NOISY, "unexpected: `v` of shape [3]"),
        (&COUNTS, &NOISY, "wrong type: `w` holds i64"),
        (
            &NOISY,
            &COUNTS,
            "wrong type: `w` holds f32, the network wants i64",
        ),
    ];
    for (saved, wants, wanted) in cases {
        let (net, mut adam) = (make(saved), Adam::new(0.1));
        let writer = Checkpoint::of(&net).optimizer(&adam).unwrap();
        writer.save(&path).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        checkpoint.network(&mut make(saved)).unwrap();
        let mut other = make(wants);
        let before: Vec<_> = other.parameters().map(|p| p.values().unwrap()).collect();
        let error = checkpoint.network(&mut other).unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }));
        let text = error.to_string();
        assert!(text.contains(wanted) && text.contains("run.ckpt"), "{text}");
        assert!(other.parameters().map(|p| p.values().unwrap()).eq(before));
        assert!(checkpoint.optimizer(&mut adam, &other).is_err());
        checkpoint.optimizer(&mut adam, &net).unwrap();
    }
    // Its parameters can be loaded as a model.
    let net = make(&NOISY);
    Checkpoint::of(&net).save(&path).unwrap();
    let mut other = make(&OTHER);
    other.load(&path).unwrap();
    assert_eq!(other.parameter("w").unwrap(), net.parameter("w").unwrap());
}

/// A checkpoint of version 1, which has no checksum, with other metadata.
fn with_meta(meta: &str) -> Vec<u8> {
    let meta = serde_json::to_string(meta).unwrap();
    let header = format!(
        r#"{{"__metadata__":{{"netform":{meta}}},"w":{{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}}}"#
    );
    with_header(&header, &[0; 12])
}

#[test]
fn counts_that_nothing_counts() {
    let folder = tempfile::tempdir().unwrap();
    let open = |meta: &str| Checkpoint::open(put(folder.path(), "run.ckpt", &with_meta(meta)));
    let optimizer = |t: u64| format!(r#"{{"name":"Adam","t":{t},"lr":0,"scalars":[[0,0]]}}"#);
    let meta = |step: u64, optimizer: &str, position: &str| {
        format!(
            r#"{{"version":1,"network":"Noisy","seed":1,"random_step":{step},"step":0,
            "optimizer":{optimizer},"schedule":null,"position":{position}}}"#
        )
    };
    open(&meta(1, &optimizer(7), "[1, 2]")).unwrap();
    for t in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 53) + 1] {
        let error = message(open(&meta(1, &optimizer(t), "null")));
        assert!(
            error.contains(&format!("the optimizer's `t` is {t}")),
            "{error}"
        );
        let error = message(open(&meta(t, "null", "null")));
        assert!(error.contains(&format!("`random_step` is {t}")), "{error}");
        let error = message(open(&meta(1, "null", &format!("[{t}, 0]"))));
        assert!(error.contains(&format!("the epoch is {t}")), "{error}");
    }
    for (meta, wanted) in [
        ("", "damaged metadata"),
        ("{}", "damaged metadata"),
        ("[[[[", "damaged metadata"),
        (r#"{"version":1}"#, "damaged metadata"),
        (
            &meta(
                1,
                &optimizer(1).replace('7', "-1").replace(":1,", ":-1,"),
                "null",
            ),
            "damaged metadata",
        ),
        (
            &meta(1, "null", "null").replace("\"version\":1", "\"version\":3"),
            "version 3",
        ),
        (
            &meta(1, "null", "null").replace("\"version\":1", "\"version\":0"),
            "version 0",
        ),
        (
            &meta(1, "null", "null").replace("\"version\":1", "\"version\":2"),
            "the checksum is not",
        ),
    ] {
        let error = message(open(meta));
        assert!(error.contains(wanted), "{error}");
    }
    // States from other sources than files.
    let mut net = Noisy(Core::new(Cpu::new(), 5, &NOISY).unwrap());
    let mut adam = Adam::new(0.1);
    let mut state = adam.state(net.core()).unwrap();
    state.t = u64::MAX;
    let error = message(adam.set_state(net.core_mut(), &state));
    assert!(error.contains("18446744073709551615 steps"), "{error}");
    let mut schedule: Schedule<StepLR> = StepLR::new(5).on(&mut adam);
    let mut plateau = ReduceLROnPlateau::new();
    for bad in [
        f64::NAN,
        f64::INFINITY,
        -1.0,
        1e300,
        0.5,
        1.8446744073709552e19,
    ] {
        assert!(!schedule.set_state(&[0.1, bad]), "{bad}");
        assert!(!plateau.set_state(&[0.1, bad, 0.0]), "{bad}");
        assert!(!plateau.set_state(&[0.1, 0.0, bad]), "{bad}");
    }
    assert!(!schedule.set_state(&[f64::NAN, 1.0]));
    assert!(!plateau.set_state(&[f64::NAN, 0.0, 0.0]));
    schedule.step(&mut adam);
    assert_eq!(schedule.t(), 1);
    // A position at the maximum of all counts.
    let x = [0.0f32; 3];
    let mut loader = Loader::new(&x, &x, 2).unwrap().shuffle(1);
    loader.restore(Position {
        epoch: u64::MAX,
        batch: usize::MAX,
    });
    assert!(loader.epoch().next().is_none());
    assert_eq!(loader.epoch().next().map(|(x, _)| x.len()), Some(2));
}

#[test]
fn names_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let t = Tensor::from(vec![1.0f32]);
    let cases: &[(&[&str], &str)] = &[
        (&["a", "b", "a"], "two tensors are named `a`"),
        (&["", ""], "two tensors are named ``"),
        (&["a\nb"], "the name `a\\nb` holds a control character"),
        (&["a", "\0"], "the name `\\u{0}` holds a control character"),
        (
            &["\u{1b}[2J"],
            "the name `\\u{1b}[2J` holds a control character",
        ),
        (
            &["x\u{85}"],
            "the name `x\\u{85}` holds a control character",
        ),
        (
            &["a\tb", "\u{7f}"],
            "the name `a\\tb` holds a control character\n  the name `\\u{7f}`",
        ),
        (
            &["__metadata__"],
            "the name `__metadata__` is the format's own",
        ),
        (
            &["netform/checksum"],
            "the name `netform/checksum` is the format's own",
        ),
    ];
    for (names, wanted) in cases {
        let written = safetensors::write(&path, names.iter().map(|name| (*name, &t)));
        let error = message(written);
        assert!(error.contains(wanted), "{error}");
        assert!(!path.exists());
        // In a file from another program; the format's own names are not names of tensors.
        let mut header = String::from("{");
        for (k, name) in names.iter().enumerate() {
            let name = serde_json::to_string(name).unwrap();
            let comma = if k == 0 { "" } else { "," };
            let (from, to) = (4 * k, 4 * k + 4);
            header += &format!(
                r#"{comma}{name}:{{"dtype":"F32","shape":[1],"data_offsets":[{from},{to}]}}"#
            );
        }
        header += "}";
        let bytes = with_header(&header, &vec![0; 4 * names.len()]);
        let read = safetensors::read(put(folder.path(), "read", &bytes));
        if !wanted.contains("own") {
            assert!(message(read).contains(wanted));
            assert_eq!(problem(net(1).load_bytes(&bytes)), FileProblem::Names);
            assert_eq!(
                problem(net(1).load_matching_bytes(&bytes)),
                FileProblem::Names
            );
        } else {
            read.unwrap_err();
        }
    }
    let long = "n".repeat(10_000);
    let names = [
        long.as_str(),
        "päram.ßeta",
        "a b",
        "日本",
        "",
        "a/b",
        "\u{200d}",
    ];
    safetensors::write(&path, names.map(|name| (name, &t))).unwrap();
    let mut read: Vec<String> = safetensors::read(&path)
        .unwrap()
        .into_iter()
        .map(|x| x.0)
        .collect();
    let mut wanted = names.map(String::from).to_vec();
    read.sort();
    wanted.sort();
    assert_eq!(read, wanted);
}

#[test]
fn files_of_another_kind() {
    let folder = tempfile::tempdir().unwrap();
    let index =
        br#"{"metadata": {"total_size": 8}, "weight_map": {"a": "model-00001-of-00002.safetensors",
        "b": "model-00002-of-00002.safetensors", "c": "model-00001-of-00002.safetensors"}}"#;
    let cases: &[(&str, &[u8], &str)] = &[
        (
            "net.pt",
            b"PK\x03\x04\0\0\x08\x08archive/data.pkl\x80\x02c",
            "a zip archive that `torch.save` wrote, not",
        ),
        (
            "net.npz",
            b"PK\x03\x04\x14\0w.npy",
            "a zip archive of NumPy arrays, not",
        ),
        (
            "net.zip",
            b"PK\x03\x04\x14\0net.safetensors",
            "a zip archive, not",
        ),
        (
            "old.pt",
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
            "a pickle, such as old versions of `torch.save` write, not",
        ),
        (
            "net.onnx",
            b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:\xc8\x01",
            "an ONNX model, not",
        ),
        ("odd.onnx", b"something", "an ONNX model, not"),
        (
            "config.json",
            b"{\"hidden_size\": 768}\n",
            "a JSON document, not",
        ),
        ("list.json", b"\n[{\"a\": 1}]", "a JSON document, not"),
        ("numbers.json", b"[1, 2.5]", "a JSON document, not"),
        (
            "model.safetensors.index.json",
            index,
            "an index of shards, not a safetensors file: load each of its files with `load_matching`: `model-00001-of-00002.safetensors`, `model-00002-of-00002.safetensors`",
        ),
        (
            "lfs",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "a pointer of Git LFS, not",
        ),
        (
            "page",
            b"<!DOCTYPE html>\n<html><body>404",
            "a page of HTML, not",
        ),
        ("net.h5", b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file, not"),
        ("net.gguf", b"GGUF\x03\0\0\0", "a GGUF file, not"),
        ("x.npy", b"\x93NUMPY\x01\0v\0{'descr'", "a NumPy array, not"),
        (
            "net.tflite",
            b"\x20\0\0\0TFL3\0",
            "a TensorFlow Lite model, not",
        ),
        ("net.gz", &gzip(b"{}"), "a gzip file, not"),
        ("zst", b"\x28\xb5\x2f\xfd\x04\0", "a zstd file, not"),
    ];
    for (name, bytes, wanted) in cases {
        let path = put(folder.path(), name, bytes);
        let mut net = net(1);
        for error in [
            net.load(&path).unwrap_err(),
            net.load_matching(&path).map(drop).unwrap_err(),
            safetensors::read(&path).map(drop).unwrap_err(),
            Checkpoint::open(&path).map(drop).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.contains(wanted), "{name}: {text}");
            assert!(text.contains(name), "{name}: {text}");
            let kind = FileProblem::WrongKind;
            assert!(matches!(error, Error::File { problem, .. } if problem == kind));
        }
    }
    // For the readers of tables and images, other files are of another kind.
    net(1).save(folder.path().join("net.safetensors")).unwrap();
    for name in [
        "net.zip",
        "config.json",
        "page",
        "lfs",
        "x.npy",
        "net.safetensors",
        "zst",
    ] {
        let path = folder.path().join(name);
        let table = csv::read(&path).map(drop);
        assert!(
            message(table).contains("not a table of comma-separated values"),
            "{name}"
        );
        assert_eq!(
            problem(csv::read_headless(&path)),
            FileProblem::WrongKind,
            "{name}"
        );
        assert!(
            message(idx::read(&path)).contains("not an IDX file"),
            "{name}"
        );
        assert_eq!(problem(idx::read(&path)), FileProblem::WrongKind, "{name}");
    }
    for (bytes, wanted) in [
        (&b"\xff\xfea\0,\0b\0"[..], "UTF-16 text, not a table"),
        (
            b"PK\x03\x04\x14\0\x06\0[Content_Types].xml",
            "an Excel or Word document, not a table",
        ),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "an old Excel or Word document, not a table",
        ),
        (b"PAR1\x15", "a Parquet file, not a table"),
    ] {
        let error = message(csv::read(put(folder.path(), "table", bytes)));
        assert!(error.contains(wanted), "{error}");
        let error = message(csv::read(put(folder.path(), "table.gz", &gzip(bytes))));
        assert!(error.contains(wanted), "{error}");
    }
    // An image is not a table, and a table is not an image; a folder is neither.
    let table = put(folder.path(), "t.csv", b"a,b\n1,2\n");
    assert_eq!(problem(idx::read(table)), FileProblem::WrongKind);
    assert!(idx::read(folder.path()).is_err() && csv::read(folder.path()).is_err());
    assert!(net(1).load(folder.path()).is_err() && Checkpoint::open(folder.path()).is_err());
}

/// All tensors that do not fit are named in one error: the network's in their order, then the others by name.
#[test]
fn every_bad_tensor_is_named() {
    let mut header = String::from("{");
    let mut data = Vec::new();
    let entries = [
        ("zebra", "U8", "[2]", 2),
        ("table", "U16", "[2, 2]", 8),
        ("apple", "F8_E4M3", "[1]", 1),
        ("head.weight", "F32", "[4, 3]", 48),
        ("head.bias", "I64", "[2]", 16),
        ("mango", "F32", "[1]", 4),
    ];
    for (name, dtype, shape, bytes) in entries {
        let (from, to) = (data.len(), data.len() + bytes);
        let comma = if from == 0 { "" } else { "," };
        header += &format!(
            r#"{comma}"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}"#
        );
        data.resize(to, 0);
    }
    header += "}";
    let bytes = with_header(&header, &data);
    for _ in 0..8 {
        let error = message(net(1).load_bytes(&bytes));
        let wanted = "bytes: does not fit Hand:
  wrong shape: `head.weight` is [4, 3], the network wants [3, 4]
  wrong shape: `head.bias` is [2], the network wants [3]
  wrong type: `head.bias` holds i64, the network wants floats
  wrong type: `table` holds U16, which is not read
  unexpected: `apple` of shape [1] and of type F8_E4M3, which is not read
  unexpected: `mango` of shape [1]
  unexpected: `zebra` of shape [2] and of type U8, which is not read";
        assert_eq!(error, wanted);
        let error = message(net(1).load_matching_bytes(&bytes));
        assert!(
            error.ends_with("wrong type: `table` holds U16, which is not read"),
            "{error}"
        );
        let folder = tempfile::tempdir().unwrap();
        let error = message(safetensors::read(put(folder.path(), "x", &bytes)));
        let wanted = "`apple` is of type F8_E4M3, which is not read
  `table` is of type U16, which is not read
  `zebra` is of type U8, which is not read";
        assert!(error.ends_with(wanted), "{error}");
    }
}

/// Headers that claim more than there is, in every field.
#[test]
fn hostile_headers() {
    let entry = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let max = usize::MAX;
    let mut nested = String::from("{\"w\":");
    nested += &"[".repeat(100_000);
    for header in [
        entry(
            "U8",
            &format!("[{}]", max - 10),
            &format!("[0,{}]", max - 10),
        ),
        entry("U8", &format!("[{max}]"), &format!("[0,{max}]")),
        entry("F32", "[4611686018427387904]", "[0,16]"),
        entry("F32", "[4294967296,4294967296]", "[0,0]"),
        entry("F32", "[1000000000000]", "[0,4000000000000]"),
        entry(
            "F32",
            "[0,18446744073709551615,18446744073709551615]",
            "[0,4]",
        ),
        entry("F32", "[1]", "[4,0]"),
        entry("F32", "[1]", "[0,5]"),
        entry("F32", "[-1]", "[0,4]"),
        entry("F32", "[1.5]", "[0,6]"),
        entry("F99", "[1]", "[0,4]"),
        entry("F4", "[3]", "[0,2]"),
        "{}".into(),
        "[]".into(),
        "null".into(),
        "{\"w\":null}".into(),
        "{\"__metadata__\":{\"a\":1}}".into(),
        "{\"w\":{\"dtype\":\"F32\"}}".into(),
        nested,
    ] {
        let bytes = with_header(&header, &[0; 4]);
        let shown = &header[..header.len().min(90)];
        let error = net(1).load_bytes(&bytes).expect_err(shown);
        assert!(matches!(error, Error::File { .. }), "{shown}: {error}");
        assert!(error.to_string().len() < 400, "{shown}: {error}");
    }
    for len in [0, 1, 7, 9, 1 << 20, u64::MAX, u64::MAX - 7, 1 << 63] {
        let bytes = [&len.to_le_bytes()[..], b"{}"].concat();
        net(1).load_bytes(&bytes).unwrap_err();
    }
}

/// A plain file has no checksum: flipped bits in it may be missed, but there is no panic.
#[test]
fn flipped_bits_in_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    net(1).save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut to = net(2);
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let _ = to.load_bytes(&bytes);
            let _ = to.load_matching_bytes(&bytes);
        }
        to.load_bytes(&whole[..at]).unwrap_err();
    }
}

#[test]
fn numbers_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    for (cell, wanted) in [
        ("NaN", "`NaN` is not a finite number"),
        ("nan", "`nan` is not a finite number"),
        ("-NaN", "`-NaN` is not a finite number"),
        ("inf", "`inf` is not a finite number"),
        ("-inf", "`-inf` is not a finite number"),
        ("+Infinity", "`+Infinity` is not a finite number"),
        ("1e39", "`1e39` is not within the range of f32"),
        ("-1e999", "`-1e999` is not within the range of f32"),
        ("", "`` is not a number"),
        ("NA", "`NA` is not a number"),
        ("1,5", "has 3 cells"),
        ("\"1,5\"", "`1,5` is not a number"),
        ("0x10", "`0x10` is not a number"),
        ("1_000", "`1_000` is not a number"),
        ("\"a\u{1b}[2J\"", "`a\\u{1b}[2J` is not a number"),
    ] {
        let text = format!("a,b\n1,2\n3,{cell}\n");
        let table = csv::read(put(folder.path(), "t.csv", text.as_bytes()));
        let error = message(table.and_then(|t| t.column("b")));
        assert!(error.contains(wanted), "{error}");
        let bare = csv::read_headless(put(folder.path(), "t.csv", text.as_bytes()));
        assert!(bare.and_then(|t| t.column("2")).is_err());
        if wanted.starts_with('`') {
            assert!(error.contains("line 3, column `b`"), "{error}");
            let table = csv::read(folder.path().join("t.csv")).unwrap();
            assert!(message(table.rows(["a", "b"])).contains(wanted));
            assert!(message(table.first::<2>()).contains(wanted));
            assert!(message(table.labels("b", 3)).contains("is not a class number"));
            assert_eq!(table.text("a").unwrap(), ["1", "3"]);
            assert_eq!(table.column("a").unwrap(), [1.0, 3.0]);
        }
    }
    let long = "9".repeat(10_000);
    let table = csv::read(put(
        folder.path(),
        "t.csv",
        format!("a\nx{long}\n").as_bytes(),
    ))
    .unwrap();
    assert!(message(table.column("a")).len() < 300);
    // If two columns have the same name, neither is chosen.
    let table = csv::read(put(folder.path(), "t.csv", b"a,b,a,,\n1,2,3,4,5\n")).unwrap();
    let error = message(table.column("a"));
    assert!(
        error.ends_with("two columns are named `a`: number 1 and number 3"),
        "{error}"
    );
    assert_eq!(problem(table.text("")), FileProblem::Names);
    assert_eq!(problem(table.labels("a", 9)), FileProblem::Names);
    assert_eq!(table.column("b").unwrap(), [2.0]);
    assert_eq!(table.first::<3>().unwrap(), [[1.0, 2.0, 3.0]]);
    for name in ["\"a\nb\"", "a\0", "x\u{1b}[31m"] {
        let table = csv::read(put(
            folder.path(),
            "t.csv",
            format!("b,{name}\n1,2\n").as_bytes(),
        ));
        assert!(message(table).contains("holds a control character"));
    }
    // A byte order mark of UTF-8 is not part of the first name.
    let table = csv::read(put(folder.path(), "t.csv", b"\xef\xbb\xbfa,b\n1,2\n")).unwrap();
    assert_eq!(table.column("a").unwrap(), [1.0]);
}

#[test]
fn damaged_images_and_tables() {
    let folder = tempfile::tempdir().unwrap();
    let image = [
        &[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2][..],
        &[7; 12],
    ]
    .concat();
    let float = [&[0, 0, 0x0e, 1, 0, 0, 0, 2][..], &[0xff; 16]].concat();
    let table = b"a,b,\"c d\"\n1,2.5,\"x,y\"\n-3e2,4,z\n".to_vec();
    for whole in [&image, &float, &table, &gzip(&image), &gzip(&table)] {
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.to_vec();
                bytes[at] ^= 1 << bit;
                let cut = (bit == 0).then_some(&whole[..at]);
                for bytes in std::iter::once(&bytes[..]).chain(cut) {
                    let path = put(folder.path(), "x", bytes);
                    if let Ok(idx) = idx::read(&path) {
                        let _ = (idx.pixels::<4>(), idx.labels(10), idx.to_tensor());
                    }
                    for table in [csv::read(&path), csv::read_headless(&path)] {
                        let Ok(table) = table else { continue };
                        let _ = (table.first::<2>(), table.column("a"), table.labels("b", 3));
                    }
                }
            }
        }
    }
    // Sizes that no file of that length can have, plain and compressed; they are not allocated.
    for (dims, bytes) in [([1 << 16, 1 << 31], 5usize), ([1 << 8, 1 << 30], 1 << 20)] {
        let mut header = vec![0, 0, 8, 2];
        header.extend(dims.iter().flat_map(|d: &u32| d.to_be_bytes()));
        header.resize(12 + bytes, 0);
        let error = message(idx::read(put(folder.path(), "x", &header)));
        assert!(error.ends_with(&format!("but {bytes} follow")), "{error}");
        let path = put(folder.path(), "x", &gzip(&header));
        assert_eq!(problem(idx::read(&path)), FileProblem::Damaged);
        assert!(message(idx::read(&path)).contains("but at most "));
    }
}
