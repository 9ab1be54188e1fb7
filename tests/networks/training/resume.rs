//! A run that is stopped and resumed gives the same bits as one that is not.

use netform::data::Loader;
use netform::files::Checkpoint;
use netform::optim::schedule::{OneCycleLR, Schedule};
use netform::prelude::*;

network! {
    struct Net {
        linear_1: Linear(6 -> 32),
        dropout: Dropout(p = 0.3),
        linear_2: Linear(32 -> 4),
    }
    fn forward(x: [B, 6]) -> [B, 4] { linear_2(dropout(relu(linear_1(x)))) }
    fn loss(x: [B, 6], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

type Samples = (Vec<[f32; 6]>, Vec<u32>);

/// All parts of a training run.
struct Training<'a> {
    net: Net,
    adam: AdamW,
    schedule: Schedule<OneCycleLR>,
    loader: Loader<'a, [f32; 6], u32>,
    step: u64,
}

impl<'a> Training<'a> {
    fn new((x, y): &'a Samples, seed: u64) -> Self {
        let mut adam = AdamW::new(1e-2).clip_norm(0.5).group(
            |name: &str| name.ends_with(".bias"),
            |g| g.weight_decay(0.0),
        );
        Self {
            net: Net::new(Cpu::new(), seed).unwrap(),
            schedule: OneCycleLR::new(1e-2, 40).on(&mut adam),
            adam,
            loader: Loader::new(x, y, 16).unwrap().shuffle(seed),
            step: 0,
        }
    }

    /// Trains up to this step; returns the losses.
    fn until(&mut self, end: u64) -> Vec<u32> {
        let mut losses = Vec::new();
        while self.step < end {
            let mut batches = self.loader.epoch();
            while self.step < end {
                let Some((x, y)) = batches.next() else { break };
                let loss = self.net.loss_step(&mut self.adam, x, y).unwrap();
                self.schedule.step(&mut self.adam);
                losses.push(loss.item().unwrap().to_bits());
                self.step += 1;
            }
        }
        losses
    }

    fn weights(&self) -> Vec<u32> {
        let bits = |t: Tensor| {
            t.as_slice::<f32>()
                .unwrap()
                .iter()
                .map(|x| x.to_bits())
                .collect::<Vec<_>>()
        };
        self.net
            .parameters()
            .flat_map(|p| bits(p.values().unwrap()))
            .collect()
    }
}

#[test]
fn bit_for_bit() {
    let mut x = vec![[0.0f32; 6]; 100];
    netform::fill_uniform(5, 0, x.as_flattened_mut(), -1.0, 1.0);
    let y = x
        .iter()
        .map(|x| u32::from(x[0] > 0.0) + 2 * u32::from(x[1] > x[2]))
        .collect();
    let samples = (x, y);
    let folder = tempfile::tempdir().unwrap();

    let mut whole = Training::new(&samples, 7);
    let losses = whole.until(31);
    // Epochs have 7 batches: at 0 nothing has run, 10 is inside an epoch, 14 between two.
    for stop in [1, 10, 14] {
        let file = folder.path().join(format!("{stop}.ckpt"));
        let mut first = Training::new(&samples, 7);
        let mut seen = first.until(stop);
        let saved = Checkpoint::of(&first.net)
            .optimizer(&first.adam)
            .unwrap()
            .schedule(&first.schedule)
            .position(first.loader.position())
            .step(first.step);
        saved.save(&file).unwrap();
        drop(first);

        // Other weights and another generator at first: the checkpoint must restore all of them. The program sets the
        // loader's seed.
        let mut second = Training::new(&samples, 7);
        second.net = Net::new(Cpu::new(), 99).unwrap();
        let saved = Checkpoint::open(&file).unwrap();
        saved.network(&mut second.net).unwrap();
        saved.optimizer(&mut second.adam, &second.net).unwrap();
        saved.schedule(&mut second.schedule).unwrap();
        second.loader.restore(saved.position().unwrap());
        second.step = saved.step();
        seen.extend(second.until(31));
        assert_eq!(seen, losses, "stopped at {stop}");
        assert_eq!(second.weights(), whole.weights(), "stopped at {stop}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_at_any_number_of_threads() {
    let samples = (vec![[0.25f32; 6]; 64], vec![3u32; 64]);
    let run = |threads| {
        let mut training = Training::new(&samples, 3);
        training.net = Net::new(Cpu::new().with_threads(threads), 3).unwrap();
        let losses = training.until(12);
        (losses, training.weights())
    };
    let one = run(1);
    assert_eq!(one, run(1));
    assert_eq!(one, run(2));
    assert_eq!(one, run(5));
}
