//! A GPT whose block comes from another crate, and one with tied head and embedding, against PyTorch: weights loaded by
//! its names, outputs, gradients and five steps of AdamW.

use netform::files::safetensors::write;
use netform::prelude::*;
use netform_networks::near::near;
use netform_parts::block::Block;
use std::collections::BTreeMap;

network! {
    struct Plain {
        tok: Embedding(30 -> 32),
        pos: Embedding(16 -> 32),
        blocks: [Block<32>; 2],
        ln_f: LayerNorm(32),
        head: Linear(32 -> 30, bias = false),
    }

    fn forward(x: u32[B, T]) -> [B, T, 30] {
        let mut h = tok(x) + pos(arange(T));
        for block in blocks {
            h = block(h);
        }
        head(ln_f(h))
    }

    fn loss(x: u32[B, T], y: u32[B, T]) -> [] {
        cross_entropy(forward(x).transpose(1, 2), y)
    }
}

network! {
    struct Tied {
        tok: Embedding(30 -> 32),
        pos: Embedding(16 -> 32),
        blocks: [Block<32>; 2],
        ln_f: LayerNorm(32),
        head: Linear(32 -> 30, bias = false),
        head.weight = tok.weight,
    }

    fn forward(x: u32[B, T]) -> [B, T, 30] {
        let mut h = tok(x) + pos(arange(T));
        for block in blocks {
            h = block(h);
        }
        head(ln_f(h))
    }

    fn loss(x: u32[B, T], y: u32[B, T]) -> [] {
        cross_entropy(forward(x).transpose(1, 2), y)
    }
}

/// Trains a network as PyTorch did, and compares everything that PyTorch recorded.
macro_rules! trains_as_pytorchs {
    ($net:ty, $fixture:literal, $adam:expr) => {
        let fixture = fixture($fixture);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("gpt.safetensors");
        let given = below(&fixture, "param.");
        write(&file, given.iter().map(|(name, t)| (*name, *t))).unwrap();
        let mut net = <$net>::new(Cpu::f64(), 0).unwrap();
        net.load(&file).unwrap();
        let (x, y) = (&fixture["in.x"], &fixture["in.y"]);
        let mut adam = $adam;
        near(
            "out",
            &net.forward(x).unwrap().to_tensor(),
            &fixture["out.0"],
            1e-9,
        );
        let mut losses = Vec::new();
        for step in 0..5 {
            losses.push(net.loss_backward(x, y).unwrap().item().unwrap());
            if step == 0 {
                for (name, want) in below(&fixture, "grad.param.") {
                    near(name, &net.gradient(name).unwrap(), want, 1e-9);
                }
            }
            adam.step(&mut net).unwrap();
        }
        losses.push(net.loss(x, y).unwrap().item().unwrap());
        near(
            "losses",
            &Tensor::from(losses),
            &fixture["out.losses"],
            1e-9,
        );
        for (name, want) in below(&fixture, "final.") {
            near(name, &net.parameter(name).unwrap(), want, 1e-9);
        }
        // A saved file has all of PyTorch's names.
        net.save(&file).unwrap();
        let saved = netform::files::safetensors::read(&file).unwrap();
        assert!(
            saved
                .iter()
                .map(|(name, _)| name.as_str())
                .eq(given.keys().copied())
        );
    };
}

#[test]
fn a_block_of_another_crate_trains_as_pytorchs() {
    let adam = AdamW::new(3e-3).betas((0.9, 0.95)).weight_decay(0.1);
    trains_as_pytorchs!(Plain<Cpu<f64>>, "GPT.two_layers", adam);
}

#[test]
fn a_head_that_is_the_embedding_trains_as_pytorchs() {
    trains_as_pytorchs!(
        Tied<Cpu<f64>>,
        "GPT.tied",
        AdamW::new(3e-3).weight_decay(0.1)
    );
    assert_eq!(Plain::<Cpu>::PARAMETERS - Tied::<Cpu>::PARAMETERS, 30 * 32);
}

fn fixture(name: &str) -> BTreeMap<String, Tensor> {
    let folder = netform_networks::root().join("tests/fixtures/model");
    let file = folder.join(format!("{name}.safetensors"));
    netform::files::safetensors::read(file)
        .unwrap()
        .into_iter()
        .collect()
}

/// The tensors whose names start with a prefix, by the rest of the name.
fn below<'a>(all: &'a BTreeMap<String, Tensor>, prefix: &str) -> BTreeMap<&'a str, &'a Tensor> {
    all.iter()
        .filter_map(|(name, t)| Some((name.strip_prefix(prefix)?, t)))
        .collect()
}
