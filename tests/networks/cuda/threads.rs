//! Several threads and several networks on one device.

use netform::prelude::*;
use netform::{Error, Tensor};

use crate::both::random;
use crate::device::{cuda, own};

network! {
    struct Net {
        #[frozen]
        table: Embedding(9 -> 16),
        linear_1: Linear(16 -> 24),
        linear_2: Linear(24 -> 10),
    }
    fn forward(x: [B, 16]) -> [B, 10] { softmax(linear_2(tanh(linear_1(x))), 1) }
    fn rows(at: u32[B]) -> [B, 10] { forward(table(at)) }
    fn loss(x: [B, 16], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

/// Each thread gets the same bits as one alone, and holds results while others run.
#[test]
fn threads_share_a_network() {
    let net = Net::new(cuda(), 1).unwrap();
    let sizes = [1, 3, 17, 40];
    let inputs = sizes.map(|b| random(&[b, 16], b as u64, (-1.0, 1.0)));
    let expected: Vec<Tensor> = inputs
        .iter()
        .map(|x| net.forward(x).unwrap().to_tensor())
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (net, inputs, expected) = (&net, &inputs, &expected);
            scope.spawn(move || {
                let mut held = Vec::new();
                for round in 0..12 {
                    let k = (thread + round) % inputs.len();
                    let out = net.forward(&inputs[k]).unwrap();
                    assert_eq!(out.to_tensor(), expected[k]);
                    if round % 4 == 0 {
                        held.push((k, out));
                    }
                }
                for (k, out) in held {
                    assert_eq!(out.to_tensor(), expected[k]);
                }
            });
        }
    });
}

/// Each thread gets only its own errors.
#[test]
fn a_wrong_index_is_told_to_who_gave_it() {
    let net = Net::new(cuda(), 1).unwrap();
    let expected = net.rows(&[1u32, 8]).unwrap().to_tensor();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (net, expected) = (&net, &expected);
            scope.spawn(move || {
                for _ in 0..25 {
                    if thread % 2 == 0 {
                        assert_eq!(net.rows(&[1u32, 8]).unwrap().to_tensor(), *expected);
                    } else {
                        let error = net.rows(&[1u32, 9]).expect_err("9 is no row");
                        assert!(
                            matches!(error, Error::IndexOutOfRange { limit: 9, .. }),
                            "{error}"
                        );
                    }
                }
            });
        }
    });
}

/// Two networks that train in turn, and at once, each as it would alone.
#[test]
fn networks_share_a_device() {
    let train = |net: &mut Net<Cuda>, adam: &mut Adam, step: u64| {
        let y: Vec<u32> = (0..8).map(|i| (i + step as u32) % 10).collect();
        let loss = net
            .loss_step(adam, &random(&[8, 16], step, (-1.0, 1.0)), &y)
            .unwrap();
        loss.item().unwrap().to_bits()
    };
    let alone = |seed: u64| -> Vec<u32> {
        let (mut net, mut adam) = (Net::new(cuda(), seed).unwrap(), Adam::new(0.01));
        (0..6)
            .map(|step| train(&mut net, &mut adam, step))
            .collect()
    };
    let expected = [alone(1), alone(2)];
    let mut nets = [1, 2].map(|seed| (Net::new(cuda(), seed).unwrap(), Adam::new(0.01)));
    for step in 0..6 {
        for ((net, adam), expected) in nets.iter_mut().zip(&expected) {
            assert_eq!(train(net, adam, step), expected[step as usize]);
        }
    }
    std::thread::scope(|scope| {
        for (seed, expected) in [1, 2].into_iter().zip(&expected) {
            scope.spawn(move || assert_eq!(alone(seed), *expected));
        }
    });
}

/// A second device on the same GPU opens, trains and reads its losses while the first records runs.
#[test]
fn devices_share_a_gpu() {
    let first = own();
    let steps = |device: Cuda, sizes: std::ops::Range<usize>| -> Vec<u32> {
        let (mut net, mut sgd) = (Net::new(device, 1).unwrap(), Sgd::new(0.1));
        let mut losses = Vec::new();
        for b in sizes {
            let y: Vec<u32> = (0..b as u32).map(|i| i % 10).collect();
            // The second is recorded.
            for _ in 0..3 {
                let x = random(&[b, 16], b as u64, (-1.0, 1.0));
                losses.push(
                    net.loss_step(&mut sgd, &x, &y)
                        .unwrap()
                        .item()
                        .unwrap()
                        .to_bits(),
                );
            }
        }
        losses
    };
    let (many, few) = (steps(own(), 1..30), steps(own(), 1..4));
    std::thread::scope(|scope| {
        let records = scope.spawn(|| steps(first.clone(), 1..30));
        while !records.is_finished() {
            assert_eq!(steps(own(), 1..4), few);
        }
        assert_eq!(records.join().unwrap(), many);
    });
    assert!(first.graphs() > 0);
}

/// Two networks in two threads, one of which sometimes gets wrong indices: each gets only its own errors, even if it
/// reads them late.
#[test]
fn a_network_is_told_of_no_other() {
    fn losses(seed: u64, wrong: bool) -> Vec<u32> {
        let (mut net, mut sgd) = (Net::new(cuda(), seed).unwrap(), Sgd::new(0.1).momentum(0.9));
        let mut out = Vec::new();
        for step in 0..12 {
            let x = random(&[4, 16], step, (-1.0, 1.0));
            let bad = wrong.then(|| net.loss_step(&mut sgd, &x, &[0u32, 1, 10, 3]).unwrap());
            let good = net.loss_step(&mut sgd, &x, &[0u32, 1, 9, 3]).unwrap();
            out.push(good.item().unwrap().to_bits());
            if let Some(bad) = bad {
                let error = bad.item().unwrap_err();
                assert!(
                    matches!(error, Error::IndexOutOfRange { limit: 10, .. }),
                    "{error}"
                );
            }
        }
        out
    }
    let alone = losses(1, false);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let alone = &alone;
            scope.spawn(move || match thread % 2 {
                0 => assert_eq!(losses(1, false), *alone),
                _ => assert_eq!(losses(1, true), *alone),
            });
        }
    });
}
