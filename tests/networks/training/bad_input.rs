//! Bad input is an error that says what is wrong, or passes through; it never changes a parameter.

use netform::prelude::*;

network! {
    struct Net {
        linear_1: Linear(4 -> 8),
        linear_2: Linear(8 -> 3),
    }
    fn forward(x: [B, 4]) -> [B, 3] { linear_2(relu(linear_1(x))) }
    fn loss(x: [B, 4], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

fn net() -> Net {
    Net::new(Cpu::new(), 3).unwrap()
}

fn weights(net: &Net) -> Vec<Tensor> {
    net.parameters().map(|p| p.values().unwrap()).collect()
}

/// The error of a training step, which must not change the parameters.
fn refused<T>(step: impl FnOnce(&mut Net, &mut Sgd) -> netform::Result<T>) -> String {
    let (mut net, mut sgd) = (net(), Sgd::new(0.1));
    let before = weights(&net);
    let message = step(&mut net, &mut sgd)
        .err()
        .expect("it is refused")
        .to_string();
    assert_eq!(weights(&net), before);
    // The network still trains.
    net.loss_step(&mut sgd, &[[0.5f32; 4]; 2], &[0u32, 2])
        .unwrap();
    assert_ne!(weights(&net), before);
    message
}

const X: [[f32; 4]; 3] = [[0.5; 4]; 3];

#[test]
fn sizes() {
    let message = refused(|n, o| n.loss_step(o, &X, &[0u32, 1]));
    assert_eq!(message, "Net::loss_backward: B is 3 in `x` but 2 in `y`");
    let none: [[f32; 4]; 0] = [];
    let message = refused(|n, o| n.loss_step(o, &none, &[0u32]));
    assert_eq!(message, "Net::loss_backward: B is 0 in `x` but 1 in `y`");
    let flat = Tensor::from_vec([12], vec![0.5f32; 12]).unwrap();
    let message = refused(|n, _| n.loss_backward(&flat, &[0u32; 3]));
    assert_eq!(
        message,
        "Net::loss_backward: `x` has 1 dimension, but `x: [B, 4]` has 2"
    );
    let wide = Tensor::from_vec([3, 5], vec![0.5f32; 15]).unwrap();
    let message = refused(|n, _| n.forward(&wide).map(drop));
    assert_eq!(
        message,
        "Net::forward: `x` has shape [3, 5], but `x: [B, 4]` wants 4 in dimension 1"
    );
}

#[test]
fn element_types() {
    let integers = Tensor::from_vec([3, 4], vec![1i64; 12]).unwrap();
    let message = refused(|n, _| n.forward(&integers).map(drop));
    assert!(
        message.starts_with("Net::forward: `x` holds i64, but it is declared as floats"),
        "{message}"
    );
    let floats = Tensor::from_vec([3], vec![1.0f32; 3]).unwrap();
    let message = refused(|n, o| n.loss_step(o, &X, &floats));
    assert!(
        message.starts_with("Net::loss_backward: `y` holds f32, but it is declared as u32"),
        "{message}"
    );
    let negative = Tensor::from_vec([3], vec![0i64, -1, 2]).unwrap();
    let message = refused(|n, o| n.loss_step(o, &X, &negative));
    assert_eq!(
        message,
        "Net::loss_backward: `y` holds -1, which is outside 0..=4294967295"
    );
}

#[test]
fn labels_out_of_range() {
    for label in [3u32, 1000, u32::MAX] {
        let message = refused(|n, o| n.loss_step(o, &X, &[0, label, 1]));
        let wanted = format!(
            "Net::loss_backward: `cross_entropy`: `y` holds {label} at [1], which is outside 0..3"
        );
        assert_eq!(message.lines().next(), Some(wanted.as_str()));
    }
    let message = refused(|n, _| n.loss(&X, &[0u32, 3, 1]));
    let wanted = "Net::loss: `cross_entropy`: `y` holds 3 at [1], which is outside 0..3";
    assert_eq!(message.lines().next(), Some(wanted));
}

#[test]
fn not_a_number_passes_through() {
    let net = net();
    let mut x = X;
    x[1][2] = f32::NAN;
    let out = net.forward(&x).unwrap();
    assert!(
        out[0].iter().chain(&out[2]).all(|v| v.is_finite()),
        "{out:?}"
    );
    assert!(out[1].iter().all(|v| v.is_nan()), "{out:?}");
    let loss = net.loss(&x, &[0u32, 1, 2]).unwrap();
    assert!(loss.item().unwrap().is_nan());
    assert_eq!(loss.to_string(), "NaN");
    x[1][2] = f32::INFINITY;
    net.forward(&x).unwrap();
}

#[test]
fn files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("net.safetensors");
    let mut target = net();
    let before = weights(&target);
    let mut load = |what: &str| {
        let message = target.load(&file).expect_err(what).to_string();
        assert_eq!(weights(&target), before, "{what}");
        message
    };
    load("no file");

    let other = Net::new(Cpu::new(), 4).unwrap();
    other.save(&file).unwrap();
    let whole = std::fs::read(&file).unwrap();
    for len in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&file, &whole[..len]).unwrap();
        let message = load("truncated");
        assert!(
            message.contains("not a whole safetensors file"),
            "{len}: {message}"
        );
    }

    let tensors: Vec<(&str, Tensor)> = vec![
        (
            "linear_1.weight",
            Tensor::from_vec([8, 4], vec![0.0f32; 32]).unwrap(),
        ),
        (
            "linear_1.bias",
            Tensor::from_vec([4], vec![0.0f32; 4]).unwrap(),
        ),
        (
            "linear_2.weights",
            Tensor::from_vec([3, 8], vec![0.0f32; 24]).unwrap(),
        ),
        (
            "linear_2.bias",
            Tensor::from_vec([3], vec![1i32; 3]).unwrap(),
        ),
    ];
    netform::files::safetensors::write(&file, tensors.iter().map(|(n, t)| (*n, t))).unwrap();
    let message = load("other tensors");
    for part in [
        "linear_1.bias",
        "linear_2.weight",
        "linear_2.weights",
        "linear_2.bias",
    ] {
        assert!(message.contains(&format!("`{part}`")), "{part}: {message}");
    }

    std::fs::write(&file, &whole).unwrap();
    target.load(&file).unwrap();
    assert_eq!(weights(&target), weights(&other));
}

#[test]
fn names() {
    let mut net = net();
    let zeros =
        |shape: &[usize]| Tensor::from_vec(shape, vec![0.0f32; shape.iter().product()]).unwrap();
    let message = net.parameter("linear_1.weigth").unwrap_err().to_string();
    assert_eq!(
        message,
        "Net has no parameter `linear_1.weigth`; did you mean `linear_1.weight`?"
    );
    let message = net
        .set_parameter("linear_2.bias", &zeros(&[4]))
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "Net: `linear_2.bias` has shape [3], but the value has [4]"
    );
    let message = net.gradient("linear_2.bias").unwrap_err().to_string();
    assert!(message.starts_with("Net has no gradients yet"), "{message}");
    let message = Sgd::new(0.1).step(&mut net).unwrap_err().to_string();
    assert!(message.starts_with("Net has no gradients yet"), "{message}");
    let bad = Sgd::new(f64::NAN);
    net.loss_backward(&X, &[0u32, 1, 2]).unwrap();
    let before = weights(&net);
    for mut bad in [bad, Sgd::new(-1.0), Sgd::new(0.1).momentum(-0.5)] {
        bad.step(&mut net).unwrap_err();
        assert_eq!(weights(&net), before);
    }
}
