//! Tied parameters: values, gradients, files, optimizers, arrays, networks in fields.

use netform::files::safetensors::{read, write};
use netform::prelude::*;
use netform_networks::values::wave;

network! {
    pub struct Coder<const D: usize> {
        encode: Linear(D -> D),
        decode: Linear(D -> D, bias = false),
        decode.weight = encode.weight,
    }

    fn forward(x: [B, D]) -> [B, D] {
        decode(tanh(encode(x)))
    }

    fn loss(x: [B, D]) -> [] {
        forward(x).square().mean()
    }
}

network! {
    /// The same by hand.
    struct ByHand {
        encode: Linear(5 -> 5),
    }

    fn loss(x: [B, 5]) -> [] {
        linear(tanh(encode(x)), encode.weight).square().mean()
    }
}

network! {
    /// Blocks that share within, arrays that share with each other, and a chain of three.
    struct Deep {
        blocks: [Coder<4>; 3],
        up: [Linear(4 -> 4); 2],
        down: [Linear(4 -> 4); 2],
        down.weight = up.weight,
        first: Linear(4 -> 4, bias = false),
        second: Linear(4 -> 4, bias = false),
        third: Linear(4 -> 4, bias = false),
        third.weight = second.weight,
        second.weight = first.weight,
    }

    fn forward(x: [B, 4]) -> [B, 4] {
        let mut x = x;
        for block in blocks {
            x = x + block(x);
        }
        let x = down[1](tanh(up[1](down[0](tanh(up[0](x))))));
        third(tanh(second(tanh(first(x)))))
    }

    fn loss(x: [B, 4]) -> [] {
        forward(x).square().mean()
    }
}

#[test]
fn a_shared_parameter_equals_one_used_twice() {
    let mut shared = Coder::<5, Cpu<f64>>::new(Cpu::f64(), 3).unwrap();
    let mut by_hand = ByHand::new(Cpu::f64(), 3).unwrap();
    assert_eq!(Coder::<5>::PARAMETERS, ByHand::<Cpu>::PARAMETERS);
    let x = wave(&[7, 5], 0.7);
    for _ in 0..3 {
        let a = shared
            .loss_step(&mut Sgd::new(0.1), &x)
            .unwrap()
            .item()
            .unwrap();
        let b = by_hand
            .loss_step(&mut Sgd::new(0.1), &x)
            .unwrap()
            .item()
            .unwrap();
        assert!((a - b).abs() < 1e-14, "{a} and {b}");
        for name in ["encode.weight", "encode.bias"] {
            let pair = (
                shared.gradient(name).unwrap(),
                by_hand.gradient(name).unwrap(),
            );
            let pair = (pair.0.to_f64_vec(), pair.1.to_f64_vec());
            assert!(
                pair.0
                    .iter()
                    .zip(&pair.1)
                    .all(|(a, b)| (a - b).abs() < 1e-14)
            );
        }
    }
    // Both names mean the same parameter.
    assert_eq!(
        shared.gradient("decode.weight").unwrap(),
        shared.gradient("encode.weight").unwrap()
    );
    let values = wave(&[5, 5], 0.7);
    shared.set_parameter("decode.weight", &values).unwrap();
    assert_eq!(shared.parameter("encode.weight").unwrap(), values);
    let names: Vec<&str> = shared.parameters().map(|p| p.name()).collect();
    assert_eq!(names, ["encode.weight", "encode.bias"]);
}

#[test]
fn finite_differences_agree() {
    let mut net = Deep::new(Cpu::f64(), 1).unwrap();
    let x = wave(&[2, 4], 0.7);
    net.loss_backward(&x).unwrap();
    let names: Vec<&str> = net.parameters().map(|p| p.name()).collect();
    assert_eq!(names.len(), 3 * 2 + 2 * 2 + 2 + 1, "{names:?}");
    let gradients: Vec<Vec<f64>> = names
        .iter()
        .map(|n| net.gradient(n).unwrap().to_f64_vec())
        .collect();
    for (name, gradient) in names.iter().zip(gradients) {
        let start = net.parameter(name).unwrap();
        for (k, got) in gradient.iter().enumerate() {
            let mut at = |h: f64| {
                let mut v = start.to_f64_vec();
                v[k] += h;
                net.set_parameter(name, &Tensor::from_vec(start.shape(), v).unwrap())
                    .unwrap();
                net.loss(&x).unwrap().item().unwrap()
            };
            let want = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (got - want).abs() < 1e-8 * (1.0 + want.abs()),
                "{name}[{k}]: {got} and {want}"
            );
        }
        net.set_parameter(name, &start).unwrap();
    }
}

#[test]
fn files_have_every_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    let net = Deep::new(Cpu::new(), 1).unwrap();
    net.save(&path).unwrap();
    let saved = read(&path).unwrap();
    let at = |name: &str| &saved.iter().find(|(n, _)| n == name).unwrap().1;
    assert_eq!(at("third.weight"), at("first.weight"));
    assert_eq!(at("blocks.1.decode.weight"), at("blocks.1.encode.weight"));
    assert_ne!(at("blocks.1.decode.weight"), at("blocks.2.decode.weight"));
    assert_eq!(at("down.1.weight"), at("up.1.weight"));

    let mut other = Deep::new(Cpu::new(), 2).unwrap();
    other.load(&path).unwrap();
    assert_eq!(
        other.parameter("up.1.weight").unwrap(),
        *at("down.1.weight")
    );

    // Either of the names is enough.
    let some = |without: &[&str]| {
        let kept = saved.iter().filter(|(n, _)| !without.contains(&n.as_str()));
        write(&path, kept.map(|(n, t)| (n.as_str(), t))).unwrap();
    };
    some(&["first.weight", "third.weight", "down.0.weight"]);
    let mut other = Deep::new(Cpu::new(), 2).unwrap();
    other.load(&path).unwrap();
    assert_eq!(
        other.parameter("first.weight").unwrap(),
        *at("first.weight")
    );

    some(&["first.weight", "second.weight", "third.weight"]);
    let told = other.load(&path).unwrap_err().to_string();
    assert!(told.contains("missing: `first.weight`"), "{told}");

    // Two different tensors cannot both be the parameter.
    let changed = Tensor::zeros::<f32>([4, 4]).unwrap();
    let with = saved.iter().map(|(n, t)| match n.as_str() {
        "third.weight" => (n.as_str(), &changed),
        _ => (n.as_str(), t),
    });
    write(&path, with).unwrap();
    let told = other.load(&path).unwrap_err().to_string();
    assert!(
        told.contains(
            "`third.weight` and `first.weight` differ in the file, but are one parameter"
        ),
        "{told}"
    );
}

#[test]
fn optimizers_know_every_name() {
    let x = wave(&[3, 5], 0.7);
    let mut net = Coder::<5, Cpu<f64>>::new(Cpu::f64(), 3).unwrap();
    let before = net.parameter("encode.weight").unwrap();
    let mut adam = Adam::new(0.1).group("decode.*", |g| g.lr(0.0));
    net.loss_step(&mut adam, &x).unwrap();
    assert_eq!(net.parameter("encode.weight").unwrap(), before);
}
