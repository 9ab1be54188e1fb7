//! An index out of range is the error of the run that read it, whenever the error is read; and the steps that it voided
//! have no effect.

use netform::prelude::*;
use netform::{Error, Loss, Result};

use crate::device::own;

network! {
    struct Table {
        token: Embedding(7 -> 5),
        scale: Param[5] = ones,
    }
    fn rows(at: u32[B]) -> [B, 5] { token(at) * scale }
    fn loss(at: u32[B], y: u32[B]) -> [] { cross_entropy(rows(at), y) }
    fn beside(at: u32[B], #[grad] x: [B, 5], y: u32[B]) -> [] { cross_entropy(rows(at) + x, y) }
    fn plain(x: [B, 5]) -> [] { (x * scale).square().sum() }
}

const GOOD: [u32; 3] = [1, 6, 0];
const BAD: [u32; 3] = [1, 7, 0];
const Y: [u32; 3] = [0, 4, 2];
const X: [[f32; 5]; 3] = [[0.0; 5]; 3];

fn is_wrong<T>(result: Result<T>) {
    let error = result.err().expect("an index out of range");
    assert!(
        matches!(
            error,
            Error::IndexOutOfRange {
                limit: 7,
                function: "Table::loss" | "Table::loss_backward",
                ..
            }
        ),
        "{error}"
    );
}

fn all<D: Device>(net: &Table<D>) -> Vec<Tensor> {
    net.parameters().map(|p| p.values().unwrap()).collect()
}

/// A step that reads the gradient of an argument before it returns ends in the error. Neither network nor optimizer has
/// changed, for a called, captured or replayed step.
#[test]
fn a_step_with_several_results_is_undone() {
    let (mut net, mut adam) = (Table::new(own(), 1).unwrap(), Adam::new(0.01));
    let (mut other, mut steady) = (Table::new(own(), 1).unwrap(), Adam::new(0.01));
    for _ in 0..4 {
        let error = net.beside_step(&mut adam, &BAD, &X, &Y).err().unwrap();
        assert!(matches!(error, Error::IndexOutOfRange { .. }), "{error}");
        assert_eq!(all(&net), all(&other));
        net.beside_step(&mut adam, &GOOD, &X, &Y).unwrap();
        other.beside_step(&mut steady, &GOOD, &X, &Y).unwrap();
        assert_eq!(all(&net), all(&other));
    }
}

/// A good run after a bad one, with losses read in both orders, before and after a graph is captured.
#[test]
fn losses_are_told_apart_in_either_order() {
    let mut net = Table::new(own(), 1).unwrap();
    let mut cpu = Table::new(Cpu::new(), 1).unwrap();
    for round in 0..6 {
        let bad = net.loss_backward(&BAD, &Y).unwrap();
        let good = net.loss_backward(&GOOD, &Y).unwrap();
        let wanted = cpu.loss_backward(&GOOD, &Y).unwrap().item().unwrap();
        let right = |good: &Loss<Cuda>| {
            let found = good.item().unwrap();
            assert!((found - wanted).abs() < 1e-6, "{found} is not {wanted}");
        };
        for _ in 0..2 {
            if round % 2 == 0 {
                right(&good);
                is_wrong(bad.item());
            } else {
                is_wrong(bad.item());
                right(&good);
            }
        }
        // The gradients are those of the good run.
        let (a, b) = (net.gradient("scale"), cpu.gradient("scale"));
        crate::both::close("gradient", &a.unwrap(), &b.unwrap(), 1e-5);
    }
}

/// Two networks on one device, and results of functions that change nothing.
#[test]
fn others_are_told_nothing() {
    let device = own();
    let mut one = Table::new(device.clone(), 1).unwrap();
    let mut two = Table::new(device, 2).unwrap();
    let rows = two.rows(&GOOD).unwrap().to_tensor();
    let before = all(&one);
    let mut sgds = [Sgd::new(0.1), Sgd::new(0.1)];
    for _ in 0..4 {
        let bad = one.loss_step(&mut sgds[0], &BAD, &Y).unwrap();
        assert_eq!(one.rows(&GOOD).unwrap().shape(), [3, 5]);
        two.loss(&GOOD, &Y).unwrap().item().unwrap();
        two.loss_step(&mut sgds[1], &GOOD, &Y)
            .unwrap()
            .item()
            .unwrap();
        assert_ne!(two.rows(&GOOD).unwrap().to_tensor(), rows);
        two.parameter("scale").unwrap();
        is_wrong(bad.item());
        is_wrong(bad.item());
        assert_eq!(all(&one), before);
    }
    assert_eq!(sgds.map(|sgd| sgd.steps()), [0, 4]);
}

/// An error that was not read, or can no longer be read, is reported once: by the network's next training after it is
/// known.
#[test]
fn an_unread_error_is_told_by_the_next_step() {
    let mut net = Table::new(own(), 1).unwrap();
    let mut adam = Adam::new(0.1);
    for _ in 0..4 {
        net.loss_step(&mut adam, &BAD, &Y).unwrap();
        net.loss_backward(&BAD, &Y).unwrap();
        // It is known from here on.
        net.loss(&GOOD, &Y).unwrap().item().unwrap();
        let steps = adam.steps();
        is_wrong(net.loss_step(&mut adam, &GOOD, &Y));
        assert_eq!(adam.steps(), steps);
        net.loss_step(&mut adam, &GOOD, &Y).unwrap().item().unwrap();
        assert_eq!(adam.steps(), steps + 1);
    }
}

/// Or by reading the results of training, or by waiting for the device.
#[test]
fn an_unread_error_is_told_by_reading_parameters_or_waiting() {
    let device = own();
    let mut net = Table::new(device.clone(), 1).unwrap();
    let mut adam = Adam::new(0.1);
    for _ in 0..4 {
        net.loss_step(&mut adam, &BAD, &Y).unwrap();
        net.loss_step(&mut adam, &GOOD, &Y).unwrap();
        is_wrong(net.parameter("scale"));
        net.parameter("scale").unwrap();
        net.loss_step(&mut adam, &BAD, &Y).unwrap();
        is_wrong(device.synchronize());
        device.synchronize().unwrap();
        net.loss_backward(&BAD, &Y).unwrap();
        is_wrong(net.gradient("scale"));
        net.loss_step(&mut adam, &BAD, &Y).unwrap();
        is_wrong(adam.state(net.core()));
        let state = adam.state(net.core()).unwrap();
        assert_eq!(state.t, adam.steps());
    }
    assert_eq!(adam.steps(), 4);
}

/// More runs than the device keeps outcomes of, without any wait.
#[test]
fn nothing_is_lost_in_a_long_run() {
    let mut net = Table::new(own(), 1).unwrap();
    let mut sgd = Sgd::new(0.1);
    let held = net.loss_step(&mut sgd, &BAD, &Y).unwrap();
    net.loss_step(&mut sgd, &BAD, &Y).unwrap();
    for _ in 0..1030 {
        net.loss(&GOOD, &Y).unwrap();
    }
    is_wrong(net.loss_step(&mut sgd, &GOOD, &Y));
    net.loss_step(&mut sgd, &GOOD, &Y).unwrap();
    is_wrong(held.item());
    assert_eq!(sgd.steps(), 1);
    // The error of a loss that is held and then dropped unread is reported, too.
    let held = net.loss_step(&mut sgd, &BAD, &Y).unwrap();
    net.loss(&GOOD, &Y).unwrap().item().unwrap();
    net.loss_step(&mut sgd, &GOOD, &Y).unwrap();
    drop(held);
    is_wrong(net.loss_step(&mut sgd, &GOOD, &Y));
}

/// Gradients of a bad run change nothing, whatever runs in between; cleared or computed again they do.
#[test]
fn gradients_of_a_bad_run_are_not_taken() {
    let mut net = Table::new(own(), 1).unwrap();
    let mut sgd = Sgd::new(0.1).momentum(0.9);
    for round in 0..4u64 {
        let before = all(&net);
        let bad = net.loss_backward(&BAD, &Y).unwrap();
        net.rows(&GOOD).unwrap();
        sgd.step(&mut net).unwrap();
        net.loss_accumulate(&GOOD, &Y).unwrap();
        sgd.step(&mut net).unwrap();
        is_wrong(bad.item());
        assert_eq!(all(&net), before);
        assert_eq!(sgd.steps(), 3 * round);
        // A run that reads at no index.
        net.plain_backward(&[[0.5f32; 5]; 2]).unwrap();
        sgd.step(&mut net).unwrap();
        let between = all(&net);
        assert_ne!(between, before);
        let bad = net.loss_backward(&BAD, &Y).unwrap();
        net.zero_grad();
        net.loss_accumulate(&GOOD, &Y).unwrap();
        is_wrong(net.loss_accumulate(&BAD, &Y).unwrap().item());
        sgd.step(&mut net).unwrap();
        net.loss_backward(&GOOD, &Y).unwrap();
        sgd.step(&mut net).unwrap();
        is_wrong(bad.item());
        assert_ne!(all(&net), between);
    }
    assert_eq!(sgd.steps(), 12);
}

/// Losses and parameters of a training; batches marked bad are reported and skipped.
fn train<D: Device, O: Optimizer>(
    device: D,
    mut optimizer: O,
    batches: &str,
) -> (Vec<f64>, Vec<Tensor>, u64) {
    let mut net = Table::new(device, 1).unwrap();
    let mut out = Vec::new();
    let mut step = 0;
    for batch in batches.chars() {
        if batch == 'x' {
            is_wrong((net.loss_step(&mut optimizer, &BAD, &Y)).and_then(|loss| loss.item()));
            continue;
        }
        step += 1;
        optimizer.set_momentum(0.8 + 0.01 * f64::from(step));
        let at = GOOD.map(|i| (i + step) % 7);
        let loss = net.loss_step(&mut optimizer, &at, &Y).unwrap();
        out.push(netform::Float::to_f64(loss.item().unwrap()));
    }
    let t = optimizer.state(net.core()).unwrap().t;
    (out, all(&net), t)
}

/// The same bits as without the bad batches: the first, one in the middle, one in a captured step, the last.
macro_rules! skipped {
    ($($test:ident: $optimizer:expr;)*) => {$(
        #[test]
        fn $test() {
            let (with, without) = ("x..x.xx...x..x", "........");
            let found = train(Cpu::new(), $optimizer, with);
            assert_eq!(found, train(Cpu::new(), $optimizer, without));
            let device = own();
            let found = train(device.clone(), $optimizer, with);
            assert_eq!(found, train(device, $optimizer, without));
        }
    )*};
}

skipped! {
    bad_batches_are_skipped_by_sgd: Sgd::new(0.1).momentum(0.9).dampening(0.3);
    bad_batches_are_skipped_by_adam: Adam::new(0.01).clip_norm(0.5);
    bad_batches_are_skipped_by_nadam: NAdam::new(0.01).group("scale", |g| g.lr(0.02));
}

/// Steps between a bad step and the moment when its error is known have a step count that is too high by one; later
/// steps have the right one.
#[test]
fn a_late_error_is_counted_back() {
    fn after(batches: &str) -> (u64, Vec<netform::optim::ParamState>) {
        let mut net = Table::new(own(), 1).unwrap();
        let mut nadam = NAdam::new(0.01);
        let mut bad = Vec::new();
        for batch in batches.chars() {
            let at = if batch == 'x' { BAD } else { GOOD };
            let loss = net.loss_step(&mut nadam, &at, &Y).unwrap();
            if batch == 'x' {
                bad.push(loss);
            }
        }
        bad.iter().for_each(|loss| is_wrong(loss.item()));
        let state = nadam.state(net.core()).unwrap();
        (state.t, state.params)
    }
    assert_eq!(after("..x...x.."), after("......."));
}
