//! Weights that are part of the program: the same as loaded from the file.

use netform::prelude::*;

const SIDE: usize = 3;
const COUNT: usize = 2;

network! {
    struct Block<const D: usize> {
        inner: Linear(D -> D),
    }

    fn forward(x: [B, D]) -> [B, D] {
        x + inner(x)
    }
}

network! {
    #[weights("../weights/fits.safetensors")]
    struct Net {
        token: Embedding(4 -> SIDE),
        blocks: [Block<SIDE>; COUNT],
        head: Linear(SIDE -> 4, bias = false),
        head.weight = token.weight,
    }

    fn forward(x: u32[B]) -> [B, 4] {
        let mut h = token(x);
        for block in blocks {
            h = block(h);
        }
        head(h)
    }

    fn loss(x: u32[B], y: u32[B]) -> [] {
        cross_entropy(forward(x), y)
    }
}

#[test]
fn embedded_weights_are_those_of_the_file() {
    let path = netform_networks::root().join("tests/weights/fits.safetensors");
    let embedded = Net::pretrained(Cpu::new(), 0).unwrap();
    let mut loaded = Net::new(Cpu::new(), 0).unwrap();
    loaded.load(&path).unwrap();
    let mut given = Net::new(Cpu::f64(), 0).unwrap();
    given.load_bytes(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(embedded.parameters().count(), 5);
    for p in embedded.parameters() {
        let name = p.name();
        assert_eq!(p.values().unwrap(), loaded.parameter(name).unwrap());
        let same = given.parameter(name).unwrap().to_f64_vec();
        assert_eq!(p.values().unwrap().to_f64_vec(), same);
    }
    assert_eq!(
        embedded.parameter("head.weight").unwrap().to_f64_vec()[0],
        -0.375
    );
    // It is a network like any other.
    let mut embedded = embedded;
    embedded
        .loss_step(&mut Sgd::new(0.1), &[1u32, 2], &[0u32, 3])
        .unwrap();
    let error = given.load_bytes(&[1, 2, 3]).unwrap_err().to_string();
    assert!(error.starts_with("bytes:"), "{error}");
}

network! {
    /// The file need not fit the variant that rustc does not choose.
    #[weights("../weights/fits.safetensors")]
    struct Optional {
        token: Embedding(4 -> SIDE),
        blocks: [Block<SIDE>; COUNT],
        #[when(COUNT == 1)]
        extra: Linear(SIDE -> SIDE),
        head: Linear(SIDE -> 4, bias = false),
        head.weight = token.weight,
    }

    fn forward(x: u32[B]) -> [B, 4] {
        let mut h = token(x);
        for block in blocks {
            h = block(h);
        }
        head(if COUNT == 1 { extra(h) } else { h })
    }
}

#[test]
fn embedded_weights_of_the_chosen_variant() -> netform::Result<()> {
    let (net, same) = (
        Net::pretrained(Cpu::new(), 0)?,
        Optional::pretrained(Cpu::new(), 0)?,
    );
    let y = net.forward(&[1u32, 3])?.to_tensor();
    assert_eq!(same.forward(&[1u32, 3])?.to_tensor(), y);
    Ok(())
}

network! {
    /// The body of `Net` under another head.
    struct Other {
        token: Embedding(4 -> SIDE),
        blocks: [Block<SIDE>; COUNT],
        batch: BatchNorm1d(SIDE),
        score: Linear(SIDE -> 4, bias = false),
        score.weight = token.weight,
    }

    fn loss(x: u32[B]) -> [] {
        let mut h = token(x);
        for block in blocks {
            h = block(h);
        }
        score(batch(h)).square().mean()
    }
}

/// Names are those of arrays and of tied parameters, too. A count may be missing, as in `load`.
#[test]
fn a_body_under_another_head() {
    let bytes = include_bytes!("../../weights/fits.safetensors");
    let embedded = Net::pretrained(Cpu::new(), 0).unwrap();
    let mut net = Other::new(Cpu::new(), 1).unwrap();
    net.loss_backward(&[1u32, 2]).unwrap();
    let unmatched = net.load_matching_bytes(bytes).unwrap();
    let own = ["weight", "bias", "running_mean", "running_var"];
    assert_eq!(unmatched.missing, own.map(|n| format!("batch.{n}")));
    assert_eq!(unmatched.unexpected, ["head.weight"]);
    for name in [
        "token.weight",
        "blocks.0.inner.weight",
        "blocks.1.inner.bias",
    ] {
        assert_eq!(
            net.parameter(name).unwrap(),
            embedded.parameter(name).unwrap()
        );
    }
    let count = net.parameter("batch.num_batches_tracked").unwrap();
    assert_eq!(count, Tensor::scalar(1i64));
}
