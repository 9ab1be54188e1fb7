//! A network in training, compared with the CPU after each step.

use crate::device::cuda;
use netform::Tensor;
use netform::prelude::*;
use netform_networks::values::uniform;

network! {
    struct Mlp {
        linear_1: Linear(20 -> 33),
        linear_2: Linear(33 -> 10),
        dropout: Dropout(p = 0.25),
    }
    fn forward(x: [B, 20]) -> [B, 10] { linear_2(dropout(relu(linear_1(x)))) }
    fn loss(x: [B, 20], class: u32[B]) -> [] { cross_entropy(forward(x), class) }
    fn measured(x: [B, 20], class: u32[B]) -> ([], u32[B]) {
        let y = forward(x);
        (cross_entropy(y, class), y.argmax(1))
    }
}

fn data(b: usize, seed: u64) -> (Tensor, Vec<u32>) {
    (
        uniform::<f32>(&[b, 20], seed, (-1.0, 1.0)),
        (0..b as u32).map(|i| i * 7 % 10).collect(),
    )
}

#[test]
fn a_network_trains_as_on_the_cpu() {
    let mut gpu = Mlp::new(cuda(), 1).unwrap();
    let mut cpu = Mlp::new(Cpu::new(), 1).unwrap();
    let (mut a, mut b) = (Adam::new(1e-2), Adam::new(1e-2));
    for step in 0..6 {
        // Sometimes a short last batch.
        let (x, y) = data(if step == 3 { 5 } else { 16 }, step);
        let mine = gpu.loss_step(&mut a, &x, &y).unwrap().item().unwrap();
        let wanted = cpu.loss_step(&mut b, &x, &y).unwrap().item().unwrap();
        assert!(
            (mine - wanted).abs() < 1e-5,
            "step {step}: {mine} is not {wanted}"
        );
    }
    let (x, _) = data(7, 9);
    let (mine, wanted) = (gpu.forward(&x).unwrap(), cpu.forward(&x).unwrap());
    for (a, b) in mine.as_slice().iter().zip(wanted.as_slice()) {
        assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    }
}

#[test]
fn metrics_come_with_the_loss() {
    let mut gpu = Mlp::new(cuda(), 1).unwrap();
    let mut cpu = Mlp::new(Cpu::new(), 1).unwrap();
    let (mut a, mut b) = (Sgd::new(0.1), Sgd::new(0.1));
    for step in 0..5 {
        let (x, y) = data(16, step);
        let (mine, guess) = gpu.measured_step(&mut a, &x, &y).unwrap();
        let (wanted, right) = cpu.measured_step(&mut b, &x, &y).unwrap();
        assert_eq!(guess.as_slice(), right.as_slice());
        assert!((mine.item().unwrap() - wanted.item().unwrap()).abs() < 1e-5);
        // A class that does not exist is reported, and nothing changes.
        let before = gpu.parameter("linear_2.weight").unwrap();
        let step = gpu.measured_step(&mut a, &x, &[10u32; 16]);
        assert!(step.and_then(|(loss, _)| loss.item()).is_err());
        // It takes a step of the random numbers, on both.
        assert!(cpu.measured_step(&mut b, &x, &[10u32; 16]).is_err());
        assert_eq!(gpu.parameter("linear_2.weight").unwrap(), before);
    }
}
