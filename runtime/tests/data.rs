//! Data files: the values that are read, and the errors of damaged files.

use std::io::Write;
use std::path::{Path, PathBuf};

use netform_runtime::data::{csv, idx};
use netform_runtime::*;

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Three 2x2 images.
const IMAGES: [u8; 28] = [
    0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 255, 51, 102, 1, 2, 3, 4, 5, 6, 7, 8,
];

#[test]
fn idx_is_read_plain_and_packed() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        put(folder.path(), "plain", &IMAGES),
        put(folder.path(), "packed", &gzip(&IMAGES)),
    ] {
        let images = idx::read(path).unwrap();
        assert_eq!(images.shape(), [3, 2, 2]);
        assert_eq!(images.pixels::<4>().unwrap()[0], [0.0, 1.0, 0.2, 0.4]);
        assert_eq!(images.to_tensor().as_slice::<f32>().unwrap()[11], 8.0);
        assert!(
            message(images.pixels::<5>())
                .contains("shape [3, 2, 2] does not have 5 elements a sample")
        );
        assert!(message(images.labels(10)).contains("labels have one dimension"));
    }
    let ints = put(
        folder.path(),
        "ints",
        &[0, 0, 0x0c, 1, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 1, 0],
    );
    let ints = idx::read(ints).unwrap();
    assert_eq!(ints.labels(257).unwrap(), [9, 256]);
    let error = message(ints.labels(10));
    assert!(
        error.ends_with("ints: label 1 is 256, outside 0..10"),
        "{error}"
    );
    let floats = put(
        folder.path(),
        "floats",
        &[0, 0, 0x0d, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0],
    );
    assert_eq!(idx::read(floats).unwrap().pixels::<1>().unwrap(), [[1.5]]);
}

#[test]
fn damaged_idx_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let read = |bytes: &[u8]| message(idx::read(put(folder.path(), "bad.idx", bytes)));
    for len in 0..IMAGES.len() {
        let error = read(&IMAGES[..len]);
        assert!(error.contains("bad.idx: "), "{error}");
    }
    assert!(read(&IMAGES[..27]).ends_with("shape [3, 2, 2] needs 12 bytes, but 11 follow"));
    assert!(read(&[&IMAGES[..], &[0]].concat()).ends_with("needs 12 bytes, but more follow"));
    assert!(read(b"PK\x03\x04 something").contains("not an IDX file"));
    assert!(read(&[0, 0, 7, 1, 0, 0, 0, 0]).contains("unknown element type 0x07"));
    let huge = [&[0, 0, 0x0e, 3][..], &[255; 12]].concat();
    assert!(read(&huge).contains("is too large"));
    // A large but possible size: it must not be allocated before the data is read.
    assert!(read(&[0, 0, 8, 2, 0, 1, 0, 0, 255, 255, 255, 255, 1]).contains("but 1 follow"));
    let packed = gzip(&IMAGES);
    let error = read(&packed[..packed.len() - 9]);
    assert!(error.contains("bad.idx: "), "{error}");
    assert!(message(idx::read(folder.path().join("none"))).contains("none: "));
}

#[test]
fn tables_are_read_by_column() {
    let folder = tempfile::tempdir().unwrap();
    let text = b"a, b,name,target\n1,2.5,x,0\n-3e2,4,y,2\n";
    for path in [
        put(folder.path(), "plain.csv", text),
        put(folder.path(), "packed.csv.gz", &gzip(text)),
    ] {
        let table = csv::read(path).unwrap();
        assert_eq!(
            (table.header(), table.len()),
            (&["a", "b", "name", "target"].map(String::from)[..], 2)
        );
        assert_eq!(table.rows(["b", "a"]).unwrap(), [[2.5, 1.0], [4.0, -300.0]]);
        assert_eq!(table.first::<2>().unwrap(), [[1.0, 2.5], [-300.0, 4.0]]);
        assert_eq!(table.text("name").unwrap(), ["x", "y"]);
        assert_eq!(table.labels("target", 3).unwrap(), [0, 2]);
        let error = message(table.labels("target", 2));
        assert!(
            error.ends_with("line 3, column `target`: label 2 is outside 0..2"),
            "{error}"
        );
        assert!(
            message(table.column("name")).ends_with("line 2, column `name`: `x` is not a number")
        );
        assert!(
            message(table.column("targt")).ends_with("no column `targt`; did you mean `target`?")
        );
        assert!(message(table.first::<5>()).contains("5 columns asked for, but there are 4"));
    }
    let table = csv::read_headless(put(folder.path(), "bare.csv", b"7,1\n8,2\n")).unwrap();
    assert_eq!(
        (table.column("1").unwrap(), table.column("2").unwrap()),
        (vec![7.0, 8.0], vec![1.0, 2.0])
    );
    let ragged = message(csv::read(put(folder.path(), "r.csv", b"a,b\n1,2\n3\n")));
    assert!(
        ragged.ends_with("r.csv: line 3 has 1 cells, the lines before have 2"),
        "{ragged}"
    );
    assert!(
        message(csv::read(put(folder.path(), "e.csv", b"")))
            .ends_with("e.csv: the file has no header line")
    );
    assert!(
        message(csv::read(put(folder.path(), "u.csv", b"a\n\xff\n")))
            .contains("line 2 is not UTF-8")
    );
}

#[test]
fn the_data_in_the_repository() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let images = idx::read(data.join("mnist/t10k-images-idx3-ubyte.gz")).unwrap();
    let labels = idx::read(data.join("mnist/t10k-labels-idx1-ubyte.gz")).unwrap();
    assert_eq!(
        images.pixels::<784>().unwrap().len(),
        labels.labels(10).unwrap().len()
    );
    let iris = csv::read(data.join("tabular/iris_train.csv")).unwrap();
    assert_eq!(
        (
            iris.first::<4>().unwrap().len(),
            iris.labels("target", 3).unwrap().len()
        ),
        (120, 120)
    );
}
