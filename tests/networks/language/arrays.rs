//! Arrays of layers and `for` over them.

use netform::prelude::*;
use netform::{Network, Tensor};
use netform_networks::values::wave;

network! {
    struct Deep {
        first: Linear(8 -> 16),
        blocks: [Linear(16 -> 16); 6],
        norms: [LayerNorm(16); 6],
        last: Linear(16 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] {
        let mut h = first(x);
        for block in blocks { h = h + relu(block(h)); }
        let mut i = h;
        for norm in norms { i = norm(i); }
        last(i + blocks[-1](h))
    }
    fn loss(x: [B, 8], y: [B, 3]) -> [] { mse_loss(forward(x), y) }
}

network! {
    /// The same, with each layer in a field of its own.
    struct Flat {
        first: Linear(8 -> 16),
        b0: Linear(16 -> 16), b1: Linear(16 -> 16), b2: Linear(16 -> 16),
        b3: Linear(16 -> 16), b4: Linear(16 -> 16), b5: Linear(16 -> 16),
        n0: LayerNorm(16), n1: LayerNorm(16), n2: LayerNorm(16),
        n3: LayerNorm(16), n4: LayerNorm(16), n5: LayerNorm(16),
        last: Linear(16 -> 3),
    }
    fn forward(x: [B, 8]) -> [B, 3] {
        let h = first(x);
        let h = h + relu(b0(h));
        let h = h + relu(b1(h));
        let h = h + relu(b2(h));
        let h = h + relu(b3(h));
        let h = h + relu(b4(h));
        let h = h + relu(b5(h));
        let i = n5(n4(n3(n2(n1(n0(h))))));
        last(i + b5(h))
    }
    fn loss(x: [B, 8], y: [B, 3]) -> [] { mse_loss(forward(x), y) }
}

/// The name in `Flat`: `blocks.3.weight` is `b3.weight`.
fn flat_name(name: &str) -> String {
    name.replace("blocks.", "b").replace("norms.", "n")
}

fn batch() -> (Tensor, Tensor) {
    (wave(&[5, 8], 0.7), wave(&[5, 3], 0.7))
}

fn pair() -> (Deep<Cpu<f64>>, Flat<Cpu<f64>>) {
    let mut deep = Deep::new(Cpu::f64(), 7).unwrap();
    let mut flat = Flat::new(Cpu::f64(), 8).unwrap();
    let named: Vec<(String, Tensor)> = deep
        .parameters()
        .map(|p| (p.name().to_owned(), p.values().unwrap()))
        .collect();
    for (name, values) in &named {
        flat.set_parameter(&flat_name(name), values).unwrap();
    }
    // And back again, one by one.
    for (name, values) in &named {
        deep.set_parameter(name, values).unwrap();
    }
    (deep, flat)
}

#[test]
fn elements_have_names_places_and_starts_of_their_own() {
    let net = Deep::new(Cpu::new(), 7).unwrap();
    let names: Vec<&str> = net.parameters().map(|p| p.name()).collect();
    assert_eq!(names.len(), 2 + 12 + 12 + 2);
    assert!(names.contains(&"blocks.0.weight") && names.contains(&"norms.5.bias"));
    assert_eq!(Deep::<Cpu>::PARAMETERS, Flat::<Cpu>::PARAMETERS);
    let first = net.parameter("blocks.0.weight").unwrap();
    let second = net.parameter("blocks.1.weight").unwrap();
    assert_eq!(first.shape(), [16, 16]);
    assert_ne!(first.to_f64_vec(), second.to_f64_vec());
    let error = net.parameter("blocks.6.weight").unwrap_err().to_string();
    assert!(error.contains("blocks.6.weight"), "{error}");
}

#[test]
fn a_loop_computes_what_its_rounds_do() {
    let (mut deep, mut flat) = pair();
    let (x, y) = batch();
    let close = |what: &str, a: Vec<f64>, b: Vec<f64>| {
        for (a, b) in a.iter().zip(&b) {
            assert!(
                (a - b).abs() <= 1e-12 * (1.0 + b.abs()),
                "{what}: {a} and {b}"
            );
        }
    };
    close(
        "forward",
        deep.forward(&x).unwrap().to_tensor().to_f64_vec(),
        flat.forward(&x).unwrap().to_tensor().to_f64_vec(),
    );
    deep.loss_backward(&x, &y).unwrap();
    flat.loss_backward(&x, &y).unwrap();
    let names: Vec<&str> = deep.parameters().map(|p| p.name()).collect();
    for name in names {
        close(
            name,
            deep.gradient(name).unwrap().to_f64_vec(),
            flat.gradient(&flat_name(name)).unwrap().to_f64_vec(),
        );
    }
}

#[test]
fn arrays_train_and_are_saved_by_name() {
    let (x, y) = batch();
    let mut net = Deep::new(Cpu::new(), 7).unwrap();
    let mut adam = Adam::new(3e-3);
    let first = net.loss_step(&mut adam, &x, &y).unwrap().item().unwrap();
    for _ in 0..200 {
        net.loss_step(&mut adam, &x, &y).unwrap();
    }
    let last = net.loss(&x, &y).unwrap().item().unwrap();
    assert!(last < 0.05 * first, "{first} to {last}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep.safetensors");
    net.save(&path).unwrap();
    let mut other = Deep::new(Cpu::new(), 8).unwrap();
    other.load(&path).unwrap();
    assert_eq!(other.loss(&x, &y).unwrap().item().unwrap(), last);
}
