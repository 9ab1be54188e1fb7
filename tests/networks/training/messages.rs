//! Errors at run time name the function, the layer or op, the value and the place, on both devices; only the CPU knows
//! the place of an index.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::prelude::*;
use netform::{Error, Result};

/// The line before the first network.
const LINE: u32 = line!();
network! {
    struct Block {
        word: Embedding(6 -> 4),
    }
    fn forward(ids: u32[B, T]) -> [B, T, 4] { word(ids) }
}

network! {
    struct Reads {
        tok: Embedding(10 -> 4, padding_idx = 0),
        block: Block,
        blocks: [Block; 2],
        table: Param[5, 3] = ones,
        weight: Buffer[3] = ones,
    }
    fn embedded(x: u32[B, T]) -> [B, T, 4] { tok(x) }
    fn looked_up(at: i64[B]) -> [B, 3] { embedding(at, table) }
    fn nested(ids: u32[B, T]) -> [B, T, 4] { block(ids) }
    fn repeated(ids: u32[B, T]) -> [B, T, 4] {
        let mut y = block(ids);
        for b in blocks { y = y + b(ids); }
        y
    }
    fn all(x: u32[B, T]) -> [] { tok(x).sum() + repeated(x).sum() }
    fn loss(x: [B, 3], y: u32[B]) -> [] { cross_entropy(x + table[0], y) }
    fn pixels(x: [B, 3, H], y: i64[B, H]) -> [] { cross_entropy(x * table[0].sum(), y, weight = weight) }
    fn likely(x: [B, 3], y: i32[B]) -> [] { nll_loss(x * table[0], y) }
    fn picked(x: [B, 3], at: i32[B, 2]) -> [B, 2] { gather(x, 1, at) }
    fn selected(x: [3, B], at: u32[T]) -> [T, B] { index_select(x, 0, at) }
    fn written(x: [B, 4], at: u32[T], y: [B, T]) -> [B, 4] { index_copy(x, 1, at, y) }
    fn hot(at: i32[B, T]) -> [B, T, 3] { one_hot(at, 3) }
    fn first(at: i32[]) -> [1, 4] { tok(at.reshape([1])) }
}

network! {
    struct Sizes {
        norm: BatchNorm1d(3),
        group: GroupNorm(2, 2),
        conv: Conv1d(2 -> 2, 4),
        pool: MaxPool1d(3),
        each: InstanceNorm1d(2),
    }
    fn normed(x: [B, 3, L]) -> [B, 3, L] { norm(x) }
    fn grouped(x: [B, 2, L]) -> [B, 2, L] { group(x) }
    fn convolved(x: [B, 2, L]) -> [B, 2, L - 3] { conv(x) }
    fn pooled(x: [B, 2, L]) -> [B, 2] { pool(x).sum(2) }
    fn largest(x: [B, L]) -> [B] { x.amax(1) }
    fn tail(x: [B, L]) -> [B, L - 2] { x[.., 2..] }
    fn part(x: [B, L]) -> [B, 3] { x[.., 0..3] }
    fn paired(x: [L]) -> [2] { x.reshape([-1, 2]).sum(0) }
    fn halved(x: [B, L]) -> [B] { x.chunk(2, dim = 1)[0].sum(1) }
    fn mirrored(x: [B, 1, L]) -> [B] { pad(x, [2, 2], mode = "reflect").sum([1, 2]) }
    fn alone(x: [B, 2, L]) -> [B, 2, L] { each(x) }
}

fn tensor(shape: &[usize]) -> Tensor {
    Tensor::from_vec(shape, vec![0.5f32; shape.iter().product()]).unwrap()
}

fn ints(shape: &[usize], values: &[i64]) -> Tensor {
    Tensor::from_vec(shape, values.to_vec()).unwrap()
}

/// The expected message about an index: the function, the reader, the index, its value and place, the limit.
type Wrong = (
    &'static str,
    &'static str,
    &'static str,
    (i64, Vec<usize>),
    usize,
);

fn index<T>(result: Result<T>, host: bool, wrong: Wrong) {
    let error = result.err().expect(wrong.0);
    let text = error.to_string();
    let Error::IndexOutOfRange {
        function,
        site,
        index,
        limit,
        found,
        ..
    } = error
    else {
        panic!("{text}");
    };
    let (wanted, by, name, at, size) = wrong;
    assert_eq!(
        (function, site.by, index, limit),
        (wanted, by, name, size),
        "{text}"
    );
    assert!(
        site.file.ends_with("messages.rs") && site.line > LINE,
        "{text}"
    );
    assert_eq!(found.is_some(), host);
    let first = text.lines().next().unwrap();
    let line = match found {
        Some(found) => {
            assert_eq!((found.value, &found.position), (at.0, &at.1), "{text}");
            let (value, place) = at;
            let place = if place.is_empty() {
                String::new()
            } else {
                format!(" at {place:?}")
            };
            format!("{wanted}: {by}: `{name}` holds {value}{place}, which is outside 0..{size}")
        }
        None => format!("{wanted}: {by}: `{name}` holds an index outside 0..{size}"),
    };
    assert_eq!(first, line);
}

fn indices<D: Device>(device: D, host: bool) {
    let mut net = Reads::new(device, 1).unwrap();
    let net = &mut net;
    let read = |values: &[i64]| ints(&[2, 3], values);
    let tok = "`Embedding` `tok`";
    let x = read(&[1, 9, 0, 3, 12, 11]);
    index(
        net.embedded(&x).map(drop),
        host,
        ("Reads::embedded", tok, "x", (12, vec![1, 1]), 10),
    );
    let vjp = net.embedded_vjp(&x, &tensor(&[2, 3, 4])).map(drop);
    index(
        vjp,
        host,
        ("Reads::embedded_vjp", tok, "x", (12, vec![1, 1]), 10),
    );
    let at = ints(&[3], &[0, -1, 7]);
    index(
        net.looked_up(&at).map(drop),
        host,
        ("Reads::looked_up", "`embedding`", "at", (-1, vec![1]), 5),
    );
    let word = "`Embedding` `word` of `Block`";
    let ids = read(&[0, 5, 5, 6, 0, 0]);
    index(
        net.nested(&ids).map(drop),
        host,
        ("Reads::nested", word, "ids", (6, vec![1, 0]), 6),
    );
    index(
        net.repeated(&ids).map(drop),
        host,
        ("Reads::repeated", word, "ids", (6, vec![1, 0]), 6),
    );
    let (x, y) = (tensor(&[3, 3]), ints(&[3], &[0, 2, 1000]));
    let cross = "`cross_entropy`";
    let loss = net.loss(&x, &y).and_then(|l| l.item().map(drop));
    index(loss, host, ("Reads::loss", cross, "y", (1000, vec![2]), 3));
    let loss = net.loss_backward(&x, &y).and_then(|l| l.item().map(drop));
    index(
        loss,
        host,
        ("Reads::loss_backward", cross, "y", (1000, vec![2]), 3),
    );
    let (x, y) = (tensor(&[2, 3, 2]), ints(&[2, 2], &[0, -100, 1, -3]));
    let loss = net.pixels(&x, &y).and_then(|l| l.item().map(drop));
    index(
        loss,
        host,
        ("Reads::pixels", cross, "y", (-3, vec![1, 1]), 3),
    );
    let (x, y) = (tensor(&[2, 3]), ints(&[2], &[3, 0]));
    let loss = net.likely(&x, &y).and_then(|l| l.item().map(drop));
    index(
        loss,
        host,
        ("Reads::likely", "`nll_loss`", "y", (3, vec![0]), 3),
    );
    let at = ints(&[2, 2], &[0, 2, 1, -5]);
    index(
        net.picked(&x, &at).map(drop),
        host,
        ("Reads::picked", "`gather`", "at", (-5, vec![1, 1]), 3),
    );
    let at = ints(&[4], &[0, 1, 2, 3]);
    index(
        net.selected(&tensor(&[3, 2]), &at).map(drop),
        host,
        ("Reads::selected", "`index_select`", "at", (3, vec![3]), 3),
    );
    let (at, y) = (ints(&[2], &[4, 0]), tensor(&[2, 2]));
    index(
        net.written(&tensor(&[2, 4]), &at, &y).map(drop),
        host,
        ("Reads::written", "`index_copy`", "at", (4, vec![0]), 4),
    );
    let at = read(&[0, 1, 2, 2, 2, -1]);
    index(
        net.hot(&at).map(drop),
        host,
        ("Reads::hot", "`one_hot`", "at", (-1, vec![1, 2]), 3),
    );
    index(
        net.first(11).map(drop),
        host,
        ("Reads::first", tok, "at.reshape([1])", (11, vec![0]), 10),
    );
    // Indices in range are still read.
    assert_eq!(net.embedded(&read(&[0; 6])).unwrap().shape(), [2, 3, 4]);
}

/// The error's lines, the last without the file's name before its line.
fn lines<T>(result: Result<T>) -> Vec<String> {
    let error = result.err().expect("a condition that does not hold");
    assert!(matches!(error, Error::Requirement { .. }), "{error}");
    let text = error.to_string();
    text.lines().map(|l| l.trim().to_owned()).collect()
}

fn conditions<D: Device>(device: D) {
    let mut net = Sizes::new(device, 1).unwrap();
    let x = |shape: &[usize]| tensor(shape);
    let norm = x(&[1, 3, 1]);
    let normed = lines(net.normed_vjp(&norm, &norm).map(drop));
    assert_eq!(
        normed[..2],
        [
            "Sizes::normed_vjp: `BatchNorm1d` `norm`: B*L must be at least 2, but it is 1",
            "`norm` normalises over all of a channel, and the variance of one value is 0"
        ]
    );
    assert!(normed[2].ends_with(", where B is 1, L is 1"), "{normed:?}");
    let cases = [
        (
            lines(net.grouped(&x(&[1, 2, 1])).map(drop)),
            "Sizes::grouped: `GroupNorm` `group`: B*L must be at least 2, but it is 1",
        ),
        (
            lines(net.convolved(&x(&[2, 2, 2])).map(drop)),
            "Sizes::convolved: `Conv1d` `conv`: L must be at least 4, but it is 2",
        ),
        (
            lines(net.pooled(&x(&[2, 2, 2])).map(drop)),
            "Sizes::pooled: `MaxPool1d` `pool`: L must be at least 3, but it is 2",
        ),
        (
            lines(net.largest(&x(&[2, 0])).map(drop)),
            "Sizes::largest: `amax`: L must be at least 1, but it is 0",
        ),
        (
            lines(net.tail(&x(&[2, 1])).map(drop)),
            "Sizes::tail: `x[..]`: L must be at least 2, but it is 1",
        ),
        (
            lines(net.part(&x(&[2, 1])).map(drop)),
            "Sizes::part: `x[..]`: L must be at least 3, but it is 1",
        ),
        (
            lines(net.paired(&x(&[5])).map(drop)),
            "Sizes::paired: `reshape`: L must be a multiple of 2, but it is 5",
        ),
        (
            lines(net.halved(&x(&[3, 5])).map(drop)),
            "Sizes::halved: `chunk`: L must be a multiple of 2, but it is 5",
        ),
        (
            lines(net.mirrored(&x(&[3, 1, 2])).map(drop)),
            "Sizes::mirrored: `pad`: L must be at least 3, but it is 2",
        ),
        (
            lines(net.alone(&x(&[3, 2, 1])).map(drop)),
            "Sizes::alone: `InstanceNorm1d` `each`: L must be at least 2, but it is 1",
        ),
    ];
    for (found, wanted) in &cases {
        assert_eq!(found[0], *wanted);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[2].contains("messages.rs:"), "{found:?}");
        assert!(found[2].contains(", where "), "{found:?}");
    }
}

#[test]
fn indices_on_the_cpu() {
    indices(Cpu::new(), true);
    indices(Cpu::f64(), true);
}

#[test]
fn conditions_on_the_cpu() {
    conditions(Cpu::new());
    conditions(Cpu::f64());
}

/// The line is that of the call in the network.
#[test]
fn the_place_of_a_call() {
    let net = Block::new(Cpu::new(), 1).unwrap();
    let error = net.forward(&[[6]]).map(drop).unwrap_err().to_string();
    let wanted = format!(
        "Block::forward: `Embedding` `word`: `ids` holds 6 at [0, 0], which is outside 0..6\n  at {}:{}",
        file!(),
        LINE + 5
    );
    assert_eq!(error, wanted);
}

#[cfg(feature = "cuda")]
#[test]
fn on_the_gpu() {
    indices(device::cuda(), false);
    conditions(device::cuda());
}
