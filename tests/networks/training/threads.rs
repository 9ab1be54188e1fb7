//! Inference takes `&self`: several threads may share a network, and get the same bits.

use netform::prelude::*;

network! {
    struct Net {
        linear_1: Linear(64 -> 128),
        linear_2: Linear(128 -> 10),
    }
    fn forward(x: [B, 64]) -> [B, 10] { softmax(linear_2(tanh(linear_1(x))), 1) }
    fn loss(x: [B, 64], y: u32[B]) -> [] { cross_entropy(linear_2(tanh(linear_1(x))), y) }
}

fn bits(rows: &[[f32; 10]]) -> Vec<u32> {
    rows.as_flattened().iter().map(|x| x.to_bits()).collect()
}

#[test]
fn concurrent_inference() {
    let mut x = vec![[0.0f32; 64]; 300];
    netform::fill_normal(1, 0, x.as_flattened_mut(), 0.0, 1.0);
    let y = vec![2u32; 300];
    let net = Net::new(Cpu::new(), 1).unwrap();
    let sizes = [1, 3, 32, 300];
    let expected: Vec<Vec<u32>> = sizes
        .iter()
        .map(|&n| bits(&net.forward(&x[..n]).unwrap()))
        .collect();
    let loss = net.loss(&x, &y).unwrap().item().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let (net, x, y, expected) = (&net, &x, &y, &expected);
            scope.spawn(move || {
                let mut held = Vec::new();
                for round in 0..40 {
                    let k = (thread + round) % sizes.len();
                    let out = net.forward(&x[..sizes[k]]).unwrap();
                    assert_eq!(bits(&out), expected[k]);
                    assert_eq!(net.loss(x, y).unwrap().item().unwrap(), loss);
                    // Some results outlive the next runs, which must not overwrite them.
                    if round % 8 == 0 {
                        held.push((k, out));
                    }
                }
                for (k, out) in held {
                    assert_eq!(bits(&out), expected[k]);
                }
            });
        }
    });
}

#[test]
fn a_network_can_be_sent_and_shared() {
    fn check<T: Send + Sync>() {}
    check::<Net>();
    check::<Net<Cpu<f64>>>();
}
