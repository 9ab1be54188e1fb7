//! The network of the example `mnist_mlp` on the first test images: the same losses on both devices.

use netform::data::{Loader, idx};
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

use crate::device::cuda;

network! {
    struct MnistMlp {
        linear_1: Linear(784 -> 512),
        linear_2: Linear(512 -> 512),
        linear_3: Linear(512 -> 10),
        dropout: Dropout(p = 0.2),
    }
    fn forward(x: [B, 784]) -> [B, 10] {
        let x = dropout(relu(linear_1(x)));
        let x = dropout(relu(linear_2(x)));
        linear_3(x)
    }
    fn loss(x: [B, 784], digit: u32[B]) -> [] { cross_entropy(forward(x), digit) }
    fn predict(x: [B, 784]) -> u32[B] { argmax(forward(x), 1) }
}

fn train<D: Device>(
    device: D,
    x: &[[f32; 784]],
    y: &[u32],
) -> netform::Result<(Vec<f64>, Vec<u32>)> {
    let mut net = MnistMlp::new(device, 42)?;
    let mut adam = Adam::new(2e-3);
    let mut schedule = OneCycleLR::new(2e-3, 20).on(&mut adam);
    // Two epochs of four batches, the last of them short.
    let mut loader = Loader::new(x, y, 16)?.shuffle(42);
    let mut losses = Vec::new();
    for _ in 0..2 {
        let mut batches = loader.epoch();
        while let Some((x, y)) = batches.next() {
            let loss = net.loss_step(&mut adam, x, y)?;
            losses.push(netform::Float::to_f64(loss.item()?));
            schedule.step(&mut adam);
        }
    }
    Ok((losses, net.predict(&x[..10])?.to_vec()))
}

#[test]
fn losses_agree() {
    let data = netform_networks::root().join("data/mnist");
    let read = |name: &str| idx::read(data.join(name)).unwrap();
    let mut x = read("t10k-images-idx3-ubyte.gz").pixels().unwrap();
    let mut y = read("t10k-labels-idx1-ubyte.gz").labels(10).unwrap();
    x.truncate(56);
    y.truncate(56);
    let (cuda, digits) = train(cuda(), &x, &y).unwrap();
    let (cpu, wanted) = train(Cpu::new(), &x, &y).unwrap();
    assert_eq!(cuda.len(), 8);
    for (step, (a, b)) in cuda.iter().zip(&cpu).enumerate() {
        assert!(
            (a - b).abs() <= 1e-5 * b.abs(),
            "step {step}: {a} is not {b}"
        );
    }
    assert_eq!(digits, wanted);
    assert!(cuda[7] < 0.9 * cuda[0], "{cuda:?}");
}
