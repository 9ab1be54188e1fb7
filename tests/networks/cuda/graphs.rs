//! Replayed runs: the first is issued call by call, the second is captured, the third and later ones are replayed.

use netform::files::Checkpoint;
use netform::prelude::*;

use crate::both::{Values, all_close, random};
use crate::device::{cuda, own};

network! {
    struct Net {
        linear_1: Linear(6 -> 20),
        dropout: Dropout(p = 0.3),
        linear_2: Linear(20 -> 4),
    }
    fn forward(x: [B, 6]) -> [B, 4] { linear_2(dropout(relu(linear_1(x)))) }
    /// The mask itself: 0, or the reciprocal of what is kept.
    fn mask(#[grad] x: [B, 6]) -> [B, 6] { dropout(x) }
    fn loss(x: [B, 6], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

fn batch(b: usize, seed: u64) -> (Tensor, Vec<u32>) {
    (
        random(&[b, 6], seed, (-1.0, 1.0)),
        (0..b as u32).map(|i| (i * 3 + seed as u32) % 4).collect(),
    )
}

#[test]
fn the_third_run_is_a_replay() {
    let device = own();
    let net = Net::new(device.clone(), 1).unwrap();
    let cpu = Net::new(Cpu::new(), 1).unwrap();
    let mut graphs = Vec::new();
    for seed in 0..5 {
        let (x, _) = batch(9, seed);
        let (a, b) = (net.forward(&x).unwrap(), cpu.forward(&x).unwrap());
        crate::both::close("forward", &a.to_tensor(), &b.to_tensor(), 1e-5);
        graphs.push(device.graphs());
    }
    assert_eq!(graphs, [0, 1, 1, 1, 1]);
    // Another batch size is another run.
    for (b, wanted) in [(4, 1), (4, 2), (9, 2), (4, 2), (3, 2)] {
        net.forward(&batch(b, 0).0).unwrap();
        assert_eq!(device.graphs(), wanted);
    }
}

/// A changed rate, another batch size, a short last batch: the same as on the CPU in every step.
#[test]
fn what_changes_between_steps_takes_effect() {
    fn train<D: Device>(device: D) -> netform::Result<Values> {
        let (mut net, mut out) = (Net::new(device, 7)?, Values::default());
        let mut adam = AdamW::new(1e-2).clip_norm(0.5);
        for step in 0..14 {
            let b = match step {
                0..6 => 16,
                // The last batch of an epoch.
                6 | 13 => 5,
                _ => 12,
            };
            if step == 4 {
                adam.set_lr(1e-3);
            }
            if step == 9 {
                adam.set_lr(5e-2);
            }
            let (x, y) = batch(b, step);
            out.number(
                "loss",
                netform::Float::to_f64(net.loss_step(&mut adam, &x, &y)?.item()?),
            );
            out.network(&net);
        }
        Ok(out)
    }
    let (a, b) = (train(cuda()).unwrap(), train(Cpu::new()).unwrap());
    all_close("training", &a, &b, 2e-5);
}

/// A rate of zero changes nothing, even after other rates were captured.
#[test]
fn a_rate_of_zero_stands_still() {
    let mut net = Net::new(cuda(), 7).unwrap();
    let mut adam = Adam::new(1e-2);
    let (x, y) = batch(16, 1);
    for _ in 0..4 {
        net.loss_step(&mut adam, &x, &y).unwrap();
    }
    let before = net.parameter("linear_1.weight").unwrap();
    adam.set_lr(0.0);
    net.loss_step(&mut adam, &x, &y).unwrap();
    assert_eq!(net.parameter("linear_1.weight").unwrap(), before);
    adam.set_lr(1e-2);
    net.loss_step(&mut adam, &x, &y).unwrap();
    assert_ne!(net.parameter("linear_1.weight").unwrap(), before);
}

/// The bits are the CPU's: they depend only on the seed and the step.
#[test]
fn dropout_draws_anew_in_every_replay() {
    fn masks<D: Device>(device: D, seed: u64) -> Vec<Tensor> {
        let mut net = Net::new(device, seed).unwrap();
        let ones = Tensor::from_vec([50, 6], vec![1f32; 300]).unwrap();
        (0..6).map(|_| net.mask_vjp_of(&ones)).collect()
    }
    let (a, b) = (masks(cuda(), 3), masks(Cpu::new(), 3));
    assert_eq!(a, b);
    assert_eq!(a, masks(cuda(), 3));
    assert_ne!(a, masks(cuda(), 4));
    for (i, mask) in a.iter().enumerate() {
        assert!(
            a[..i].iter().all(|other| other != mask),
            "step {i} draws what another drew"
        );
    }
}

/// A random step that was undone is drawn again.
#[test]
fn the_generator_can_be_set_back() {
    let mut net = Net::new(cuda(), 3).unwrap();
    let ones = Tensor::from_vec([50, 6], vec![1f32; 300]).unwrap();
    let first: Vec<Tensor> = (0..5).map(|_| net.mask_vjp_of(&ones)).collect();
    net.core_mut().set_random(3, 0);
    let again: Vec<Tensor> = (0..5).map(|_| net.mask_vjp_of(&ones)).collect();
    assert_eq!(first, again);
    net.core_mut().set_random(4, 0);
    assert_ne!(net.mask_vjp_of(&ones), first[0]);
}

/// Results stay valid while they are held, even if other runs are replayed.
#[test]
fn results_outlive_later_runs() {
    let net = Net::new(cuda(), 1).unwrap();
    let mut held = Vec::new();
    for seed in 0..12 {
        let (x, _) = batch(9, seed);
        let out = net.forward(&x).unwrap();
        held.push((out.to_tensor(), out));
    }
    for (seed, (copy, out)) in held.iter().enumerate() {
        assert_eq!(out.to_tensor(), *copy, "run {seed}");
        assert_eq!(
            net.forward(&batch(9, seed as u64).0).unwrap().to_tensor(),
            *copy
        );
    }
}

/// More sizes than are cached, two and three times.
#[test]
fn more_runs_than_are_kept() {
    let device = own();
    let net = Net::new(device.clone(), 1).unwrap();
    let cpu = Net::new(Cpu::new(), 1).unwrap();
    let check = |b: usize| {
        let (x, _) = batch(b, 2);
        let (a, b) = (net.forward(&x).unwrap(), cpu.forward(&x).unwrap());
        crate::both::close("forward", &a.to_tensor(), &b.to_tensor(), 1e-5);
    };
    for b in 1..=80 {
        for _ in 0..3 {
            check(b);
        }
    }
    let kept = device.graphs();
    assert!((1..80).contains(&kept), "{kept} graphs");
    for b in 1..=10 {
        for _ in 0..3 {
            check(b);
        }
    }
    assert_eq!(device.graphs(), kept);
}

/// Stopped and resumed on the device: the same bits as without a stop.
#[test]
fn a_run_resumes_bit_for_bit() {
    let device = cuda();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stopped.ckpt");
    let until = |net: &mut Net<Cuda>, adam: &mut AdamW, steps: std::ops::Range<u64>| -> Vec<u32> {
        let one = |step| {
            let (x, y) = batch(if step % 5 == 4 { 3 } else { 8 }, step);
            net.loss_step(adam, &x, &y)
                .unwrap()
                .item()
                .unwrap()
                .to_bits()
        };
        steps.map(one).collect()
    };
    let new = |seed| {
        (
            Net::new(device.clone(), seed).unwrap(),
            AdamW::new(1e-2).clip_norm(0.5),
        )
    };
    let (mut whole, mut adam) = new(7);
    let losses = until(&mut whole, &mut adam, 0..14);

    let (mut first, mut adam) = new(7);
    let mut seen = until(&mut first, &mut adam, 0..6);
    let saved = Checkpoint::of(&first).optimizer(&adam).unwrap().step(6);
    saved.save(&file).unwrap();
    drop((first, adam));

    let (mut second, mut adam) = new(99);
    let saved = Checkpoint::open(&file).unwrap();
    saved.network(&mut second).unwrap();
    saved.optimizer(&mut adam, &second).unwrap();
    seen.extend(until(&mut second, &mut adam, 6..14));
    assert_eq!(seen, losses);
    for p in whole.parameters() {
        assert_eq!(second.parameter(p.name()).unwrap(), p.values().unwrap());
    }
    // The CPU reads a file that the device has written.
    let mut cpu = Net::new(Cpu::new(), 0).unwrap();
    Checkpoint::open(&file).unwrap().network(&mut cpu).unwrap();
}

trait Mask {
    fn mask_vjp_of(&mut self, ones: &Tensor) -> Tensor;
}

impl<D: Device> Mask for Net<D> {
    /// The mask of one training run: the gradient of `dropout(x)` for ones.
    fn mask_vjp_of(&mut self, ones: &Tensor) -> Tensor {
        self.mask_vjp(ones, ones).unwrap().to_tensor()
    }
}

/// A recorded step refers to its optimizer's memory; the next optimizer's is different.
#[test]
fn another_optimizer_is_another_step() {
    fn train<D: Device<Float = f32>>(device: D) -> netform::Result<Vec<f32>> {
        let (mut net, mut losses) = (Net::new(device, 3)?, Vec::new());
        for lr in [0.05, 0.5] {
            let mut sgd = Sgd::new(lr).momentum(0.9).clip_norm(0.5);
            for step in 0..5 {
                let (x, y) = batch(8, step);
                losses.push(net.loss_step(&mut sgd, &x, &y)?.item()?);
            }
        }
        Ok(losses)
    }
    let (found, wanted) = (train(own()).unwrap(), train(Cpu::new()).unwrap());
    for (a, b) in found.iter().zip(&wanted) {
        assert!((a - b).abs() < 1e-4, "{found:?} is not {wanted:?}");
    }
}
