//! Optimizers and schedules: PyTorch's numbers, groups, clipping, and errors.

#[path = "../nets/given.rs"]
mod given;
mod pytorch;
mod reach;
mod schedules;

use std::ops::Bound;

use given::Given;
use netform_runtime::optim::*;
use netform_runtime::*;

/// Checks that one parameter goes from `start` along these gradients to `end`.
fn follow(mut optimizer: impl Optimizer, start: f64, grads: [f64; 10], end: f64) {
    // More elements than a pack, so that both whole packs and a partial one are used.
    let mut net = Given::new(Cpu::f64(), &[("p", &[start; 19])]);
    for g in grads {
        net.backward(&[&[g; 19]]);
        optimizer.step(&mut net).unwrap();
    }
    for got in net.values("p") {
        let name = optimizer.name();
        assert!(
            (got - end).abs() <= 1e-12 * end.abs().max(1.0),
            "{name}: {got}, PyTorch has {end}"
        );
    }
}

fn message<T>(result: Result<T>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn groups_and_frozen_parameters() {
    let mut net = Given::new(
        Cpu::f64(),
        &[
            ("a.weight", &[1.0]),
            ("fixed!", &[1.0]),
            ("head.weight", &[1.0]),
            ("head.bias", &[1.0]),
        ],
    );
    let mut sgd = Sgd::new(0.1)
        .group("head.*", |g| g.lr(0.2))
        .group(|name: &str| name.ends_with("bias"), |g| g.lr(0.0));
    net.backward(&[&[1.0], &[1.0], &[1.0], &[1.0]]);
    sgd.step(&mut net).unwrap();
    let all = |net: &Given<Cpu<f64>>| {
        ["a.weight", "fixed!", "head.weight", "head.bias"].map(|n| net.values(n)[0])
    };
    assert_eq!(all(&net), [0.9, 1.0, 0.8, 1.0]);
    // A schedule changes groups in proportion.
    sgd.set_lr(0.05);
    sgd.step(&mut net).unwrap();
    assert_eq!(all(&net), [0.9 - 0.05, 1.0, 0.8 - 0.1, 1.0]);
}

#[test]
fn mistakes_have_names() {
    let mut net = Given::new(Cpu::f64(), &[("head.weight", &[1.0])]);
    let mut sgd = Sgd::new(0.1);
    assert!(message(sgd.step(&mut net)).contains("no gradients yet"));
    net.backward(&[&[1.0]]);
    let none = message(Sgd::new(0.1).group("heads.weight", |g| g).step(&mut net));
    let hint = "did you mean `head.weight`?";
    assert_eq!(
        none,
        format!("SGD: no parameter of Given belongs to the group `heads.weight`; {hint}")
    );
    let adam = message(Adam::new(0.1).betas((0.9, 1.0)).step(&mut net));
    assert_eq!(
        adam,
        "Adam: the second beta must be at least 0 and below 1, but it is 1"
    );
    let Err(Error::Optimizer { problem, .. }) = Adam::new(0.1).eps(-1.0).step(&mut net) else {
        panic!("a negative eps was accepted");
    };
    let wanted = OptimizerProblem::Setting {
        setting: "eps",
        range: (Bound::Included(0.0), Bound::Unbounded),
        value: -1.0,
    };
    assert_eq!(problem, wanted);
    let mut says = |mut sgd: Sgd, wanted: &str| assert_eq!(message(sgd.step(&mut net)), wanted);
    let rate = "SGD: the learning rate must be at least 0, but it is -0.1";
    says(Sgd::new(-0.1), rate);
    let rate = "SGD: the learning rate must be a finite number, but it is NaN";
    says(Sgd::new(0.1).group("head.*", |g| g.lr(f64::NAN)), rate);
    let nesterov =
        "SGD: Nesterov's momentum needs momentum above 0 and dampening 0, but they are 0.9 and 0.5";
    says(
        Sgd::new(0.1).momentum(0.9).dampening(0.5).nesterov(true),
        nesterov,
    );
    let clip = "SGD: the norm to clip to must be at least 0, but it is -1";
    says(Sgd::new(0.1).clip_norm(-1.0), clip);
    let clip = "SGD: the value to clip to must be at least 0, but it is NaN";
    says(Sgd::new(0.1).clip_value(f64::NAN), clip);
    assert_eq!(net.values("head.weight"), [1.0]);
    sgd.step(&mut net).unwrap();
    let mut other = Given::new(Cpu::f64(), &[("head.weight", &[1.0])]);
    other.backward(&[&[1.0]]);
    assert_eq!(
        message(sgd.step(&mut other)),
        "SGD: already bound to another network than this Given"
    );
    let mut narrow = Given::new(Cpu::new(), &[("head.weight", &[1.0])]);
    narrow.backward(&[&[1.0]]);
    assert!(message(sgd.step(&mut narrow)).contains("another network"));
}

#[test]
fn clipping_scales_cuts_and_reports() {
    let grads: [&[f64]; 3] = [&[3.0, 0.0], &[4.0], &[9.0]];
    let make = || {
        let mut net = Given::new(
            Cpu::f64(),
            &[("a", &[0.0; 2]), ("b", &[0.0]), ("c!", &[0.0])],
        );
        net.backward(&grads);
        net
    };
    let mut net = make();
    assert_eq!(net.clip_grad_norm(1.0, Norm::L2).unwrap(), 5.0);
    assert_eq!(
        net.gradient("b").unwrap().to_f64_vec(),
        [4.0 * (1.0 / (5.0 + 1e-6))]
    );
    assert_eq!(net.gradient("c!").unwrap().to_f64_vec(), [9.0]);
    let mut net = make();
    assert_eq!(net.clip_grad_norm(2.0, Norm::Inf).unwrap(), 4.0);
    let mut net = make();
    net.clip_grad_value(3.5).unwrap();
    assert_eq!(net.gradient("b").unwrap().to_f64_vec(), [3.5]);
    // As a setting of the optimizer, the gradients are unchanged, and both are applied in order.
    let mut net = make();
    Sgd::new(1.0)
        .clip_norm(2.5)
        .clip_value(1.75)
        .step(&mut net)
        .unwrap();
    assert_eq!(net.gradient("b").unwrap().to_f64_vec(), [4.0]);
    assert_eq!(net.values("b"), [-1.75]);
    assert_eq!(net.values("a"), [-3.0 * (2.5 / (5.0 + 1e-6)), 0.0]);
    // PyTorch does not hide a NaN.
    net.backward(&[&[f64::NAN, 0.0], &[1.0], &[0.0]]);
    let wanted = "clip_grad_norm: the norm of the gradients must be a finite number, but it is";
    let error = message(net.clip_grad_norm_if_finite(1.0, Norm::L2));
    assert_eq!(error, format!("{wanted} NaN"));
    assert_eq!(net.gradient("b").unwrap().to_f64_vec(), [1.0]);
    assert!(net.clip_grad_norm(1.0, Norm::L2).unwrap().is_nan());
    assert!(net.gradient("b").unwrap().to_f64_vec()[0].is_nan());
    net.backward(&[&[f64::INFINITY, 0.0], &[1.0], &[0.0]]);
    let error = message(net.clip_grad_norm_if_finite(1.0, Norm::Inf));
    assert_eq!(error, format!("{wanted} inf"));
    // Bounds without effect, or invalid ones.
    net.backward(&grads);
    assert_eq!(net.clip_grad_norm_if_finite(2.5, Norm::L2).unwrap(), 5.0);
    let error = message(net.clip_grad_norm(-1.0, Norm::L2));
    assert_eq!(
        error,
        "clip_grad_norm: the norm to clip to must be at least 0, but it is -1"
    );
    let error = message(net.clip_grad_norm(1.0, Norm::P(f64::NAN)));
    assert_eq!(
        error,
        "clip_grad_norm: the order of the norm must be a number, but it is NaN"
    );
    let error = message(net.clip_grad_value(f64::NAN));
    assert_eq!(
        error,
        "clip_grad_value: the value to clip to must be at least 0, but it is NaN"
    );
    assert_eq!(
        net.gradient("b").unwrap().to_f64_vec(),
        [4.0 * (2.5 / (5.0 + 1e-6))]
    );
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let n = 300_000;
    let start: Vec<f64> = (0..n).map(|i| f64::from(i % 1000) / 1000.0).collect();
    let run = |threads| {
        let mut net = Given::new(
            Cpu::new().with_threads(threads),
            &[("w", &start), ("v", &start[..1001])],
        );
        let mut adam = AdamW::new(1e-2).clip_norm(1.0).amsgrad(true);
        for t in 0..3 {
            let g: Vec<f64> = start.iter().map(|x| (x * f64::from(t + 3)).sin()).collect();
            net.backward(&[&g, &g[..1001]]);
            adam.step(&mut net).unwrap();
        }
        (net.values("w"), net.values("v"))
    };
    let one = run(1);
    assert!(one == run(2) && one == run(5));
    assert_ne!(one.0, start);
}
