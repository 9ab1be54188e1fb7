//! A loss with metrics: the first result is trained, the others come back with it.

use netform::prelude::*;
use netform::{Network, Tensor};

network! {
    pub struct Classifier {
        linear: Linear(4 -> 3),
        norm: BatchNorm1d(3),
        drop: Dropout(p = 0.25),
    }
    fn scores(x: [B, 4]) -> [B, 3] { norm(drop(linear(x))) }
    fn plain(x: [B, 4], class: u32[B]) -> [] { cross_entropy(scores(x), class) }
    /// The loss, the share of right guesses, and the guesses.
    fn loss(#[grad] x: [B, 4], class: u32[B]) -> ([], [], u32[B]) {
        let s = scores(x);
        let guess = s.argmax(1);
        (cross_entropy(s, class), (guess == class).float().mean(), guess)
    }
}

fn batch(rows: usize, seed: u64) -> (Tensor, Vec<u32>) {
    let mut x = vec![0f32; rows * 4];
    netform::fill_uniform(seed, 0, &mut x, -1.0, 1.0);
    let class = x
        .chunks(4)
        .map(|r| u32::from(r[0] > 0.0) + u32::from(r[1] > r[2]))
        .collect();
    (Tensor::from_vec([rows, 4], x).unwrap(), class)
}

fn values<D: Device>(net: &Classifier<D>) -> Vec<Tensor> {
    let all = net.parameters().chain(net.buffers());
    all.map(|p| p.values().unwrap()).collect()
}

#[test]
fn a_step_returns_the_metrics_of_its_batch() {
    let mut with = Classifier::new(Cpu::f64(), 5).unwrap();
    let mut without = Classifier::new(Cpu::f64(), 5).unwrap();
    let (mut a, mut b) = (Adam::new(0.02), Adam::new(0.02));
    for step in 0..6 {
        let (x, class) = batch(5 + step, step as u64);
        let (loss, right, guess) = with.loss_step(&mut a, &x, &class).unwrap();
        let plain = without.plain_step(&mut b, &x, &class).unwrap();
        assert_eq!(loss.item().unwrap(), plain.item().unwrap());
        let hits = guess.iter().zip(&class).filter(|(a, b)| a == b).count();
        let share = hits as f64 / class.len() as f64;
        assert!((right.item().unwrap() - share).abs() < 1e-12);
        // The metrics have no part in the gradients.
        assert_eq!(values(&with), values(&without));
    }
    let (x, class) = batch(4, 9);
    let (loss, _, _, dx) = with.loss_backward(&x, &class).unwrap();
    let plain = without.plain_backward(&x, &class).unwrap();
    assert_eq!(loss.item().unwrap(), plain.item().unwrap());
    assert_eq!(dx.shape(), [4, 4]);
    for p in with.parameters() {
        let (a, b) = (with.gradient(p.name()), without.gradient(p.name()));
        assert_eq!(a.unwrap(), b.unwrap(), "{}", p.name());
    }
    let (_, _, guess, _) = with.loss_accumulate(&x, &class).unwrap();
    without.plain_accumulate(&x, &class).unwrap();
    assert_eq!(guess.len(), 4);
    let bias = |net: &Classifier<Cpu<f64>>| net.gradient("linear.bias").unwrap();
    assert_eq!(bias(&with), bias(&without));
    // In evaluation they are ordinary results, and gradients of all of them go back through `_vjp`.
    let (loss, right, guess) = with.loss(&x, &class).unwrap();
    assert!(loss.item().unwrap() > 0.0 && right.item().unwrap() <= 1.0 && guess.len() == 4);
    let through = with.loss_vjp(&x, &class, 1.0, 0.0).unwrap();
    assert_eq!(through.shape(), [4, 4]);
}

#[test]
fn a_class_out_of_range_changes_nothing() {
    let mut net = Classifier::new(Cpu::new(), 5).unwrap();
    let mut sgd = Sgd::new(0.1);
    let before = values(&net);
    let x = [[0.5f32, 1.0, -1.0, 0.0]; 2];
    assert!(net.loss_step(&mut sgd, &x, &[0u32, 3]).is_err());
    assert_eq!(values(&net), before);
    net.loss_step(&mut sgd, &x, &[0u32, 2]).unwrap();
    assert_ne!(values(&net), before);
}
