//! Steps of some parameters, and checkpoints of both kinds: with a count for each parameter, and older ones.

use super::given::Given;
use super::message;
use netform_runtime::files::Checkpoint;
use netform_runtime::optim::{schedule::*, *};
use netform_runtime::*;
use std::ops::Fn;

const START: [(&str, &[f64]); 4] = [
    ("a", &[1.0, 2.0, 3.0]),
    ("b", &[1.0, -1.0]),
    ("still!", &[5.0]),
    ("c", &[0.5; 20]),
];

fn net() -> Given<Cpu<f64>> {
    Given::new(Cpu::f64(), &START)
}

/// Gradients of the parameters whose letters are in `of`.
fn reach(net: &mut Given<Cpu<f64>>, of: &str, t: u32) {
    let values: Vec<Vec<f64>> = START
        .iter()
        .map(|(_, start)| {
            (0..start.len())
                .map(|i| f64::from((t * 7 + i as u32 * 3) % 5) - 1.7)
                .collect()
        })
        .collect();
    let grads: Vec<Option<&[f64]>> = (START.iter().zip(&values))
        .map(|((name, _), g)| of.contains(&name[..1]).then_some(&g[..]))
        .collect();
    net.reach(&grads, false);
}

/// The steps of each parameter are the same as if the optimizer had no other parameters.
#[test]
fn each_parameter_has_steps_of_its_own() {
    fn apart<O: Optimizer>(make: impl Fn() -> O) {
        let plan = ["ab", "c", "abc", "a", "bc", "ac", "", "b", "abc", "abc"];
        let mut together = net();
        let mut optimizer = make();
        for (t, of) in (0..).zip(plan) {
            reach(&mut together, of, t);
            optimizer.step(&mut together).unwrap();
        }
        for name in ["a", "b", "c"] {
            let mut alone = net();
            let mut own = make();
            for (t, of) in (0..).zip(plan) {
                if of.contains(name) {
                    reach(&mut alone, name, t);
                    own.step(&mut alone).unwrap();
                }
            }
            assert_eq!(
                together.values(name),
                alone.values(name),
                "{name} of {}",
                own.name()
            );
        }
    }
    apart(|| Sgd::new(0.1).momentum(0.9).dampening(0.5).weight_decay(0.1));
    apart(|| Adam::new(0.1).group("b", |g| g.lr(0.3)));
    apart(|| AdamW::new(0.1).amsgrad(true));
    apart(|| NAdam::new(0.1));
    apart(|| RAdam::new(0.1).betas((0.5, 0.7)));
    apart(|| Adamax::new(0.1));
    apart(|| Adagrad::new(0.1).lr_decay(0.5));
    apart(|| Adadelta::new(1.0));
    apart(|| RmsProp::new(0.1).momentum(0.5));
}

#[test]
fn a_checkpoint_holds_the_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ckpt");
    let make = || {
        NAdam::new(0.1)
            .group("b", |g| g.lr(0.2))
            .group("c", |g| g.momentum_decay(0.1))
    };
    let plan = ["ab", "c", "a", "bc", "abc", "a", "c"];
    let mut whole = net();
    let mut nadam = make();
    let mut schedule = SequentialLR::new(LinearLR::new(0.5, 1.0, 2))
        .then(
            3,
            ChainedScheduler::new(ExponentialLR::new(0.9))
                .with(CosineAnnealingWarmRestarts::new(2)),
        )
        .on(&mut nadam);
    let run = |net: &mut Given<Cpu<f64>>,
               nadam: &mut NAdam,
               schedule: &mut SequentialLR,
               steps: std::ops::Range<u32>| {
        for t in steps {
            reach(net, plan[t as usize], t);
            nadam.step(net).unwrap();
            schedule.step(nadam);
        }
    };
    run(&mut whole, &mut nadam, &mut schedule, 0..4);
    let writer = Checkpoint::of(&whole).optimizer(&nadam).unwrap();
    writer.schedule(&schedule).save(&path).unwrap();
    run(&mut whole, &mut nadam, &mut schedule, 4..7);

    let mut resumed = net();
    let mut again = make();
    let mut schedule = SequentialLR::new(LinearLR::new(0.5, 1.0, 2))
        .then(
            3,
            ChainedScheduler::new(ExponentialLR::new(0.9))
                .with(CosineAnnealingWarmRestarts::new(2)),
        )
        .on(&mut again);
    let saved = Checkpoint::open(&path).unwrap();
    saved.network(&mut resumed).unwrap();
    saved.optimizer(&mut again, &resumed).unwrap();
    saved.schedule(&mut schedule).unwrap();
    let state = again.state(resumed.core()).unwrap();
    let counts: Vec<u64> = state.params.iter().map(|p| p.t).collect();
    assert_eq!((counts, state.t), (vec![2, 2, 2], 4));
    run(&mut resumed, &mut again, &mut schedule, 4..7);
    for name in ["a", "b", "c"] {
        assert_eq!(resumed.values(name), whole.values(name));
    }
    // The numbers of another schedule change nothing.
    let mut other = ChainedScheduler::new(ExponentialLR::new(0.9)).on(&mut Sgd::new(0.1));
    let before = other.state();
    assert!(message(saved.schedule(&mut other)).contains("another kind of schedule"));
    assert_eq!(other.state(), before);
}

/// Files of version 1, which counted steps for all parameters at once: `checkpoints/` has runs that were saved after 3
/// and after 6 steps.
#[test]
fn checkpoints_of_version_1_load() {
    fn go_on<O: Optimizer, C: Curve + Send + Sync>(name: &str, mut optimizer: O, curve: C) {
        let path = |t: u32| {
            format!(
                "{}/tests/checkpoints/{name}.{t}.ckpt",
                env!("CARGO_MANIFEST_DIR")
            )
        };
        let params: [(&str, &[f64]); 3] = [("a", &[0.0; 3]), ("still!", &[0.0]), ("b", &[0.0; 5])];
        let mut net = Given::new(Cpu::f64(), &params);
        let mut schedule = curve.on(&mut optimizer);
        let saved = Checkpoint::open(path(3)).unwrap();
        saved.network(&mut net).unwrap();
        saved.optimizer(&mut optimizer, &net).unwrap();
        saved.schedule(&mut schedule).unwrap();
        assert_eq!(saved.step(), 3);
        for t in 3..6u32 {
            let g = |k: u32| f64::from((t * 7 + k * 3) % 5) - 1.75;
            net.backward(&[&[g(0), g(1), g(2)], &[1.0], &[g(3), g(4), g(5), g(6), g(7)]]);
            optimizer.step(&mut net).unwrap();
            schedule.step(&mut optimizer);
        }
        let mut wanted = Given::new(Cpu::f64(), &params);
        Checkpoint::open(path(6))
            .unwrap()
            .network(&mut wanted)
            .unwrap();
        for p in ["a", "still!", "b"] {
            for (got, want) in net.values(p).iter().zip(wanted.values(p)) {
                assert!(
                    (got - want).abs() <= 1e-14 * want.abs(),
                    "{name} {p}: {got} is not {want}"
                );
            }
        }
    }
    let one_cycle = OneCycleLR::new([0.2, 0.4], 20);
    // Groups in proportion to the optimizer, as lists in later versions.
    go_on(
        "nadam",
        NAdam::new(0.1).group("b", |g| g.lr(0.2).weight_decay(0.1)),
        one_cycle,
    );
    let sgd = Sgd::new(0.1).momentum(0.9).dampening(0.5);
    go_on(
        "sgd",
        sgd.group("b", |g| g.momentum(0.5)),
        StepLR::new(2).gamma(0.5),
    );
    go_on(
        "adam",
        Adam::new(0.1).amsgrad(true),
        CosineAnnealingLR::new(10),
    );
}

/// Settings that a checkpoint cannot change: PyTorch restores the flags; netform compares them.
#[test]
fn checkpoints_of_other_settings() {
    fn state(mut optimizer: impl Optimizer) -> OptimizerState {
        let mut net = net();
        reach(&mut net, "ab", 0);
        optimizer.step(&mut net).unwrap();
        optimizer.state(net.core()).unwrap()
    }
    fn load(state: &OptimizerState, mut optimizer: impl Optimizer) -> Result<()> {
        optimizer.set_state(net().core(), state)
    }
    let (plain, amsgrad) = (state(Adam::new(0.1)), state(Adam::new(0.1).amsgrad(true)));
    let error = message(load(&amsgrad, Adam::new(0.1)));
    let wanted = "it was saved with `amsgrad(true)`, but the optimizer has `amsgrad(false)`";
    assert!(error.ends_with(wanted), "{error}");
    let error = message(load(&plain, Adam::new(0.1).amsgrad(true)));
    let wanted = "it was saved with `amsgrad(false)`, but the optimizer has `amsgrad(true)`";
    assert!(error.ends_with(wanted), "{error}");
    load(&amsgrad, Adam::new(0.2).amsgrad(true)).unwrap();
    let centered = state(RmsProp::new(0.1).centered(true).momentum(0.5));
    let error = message(load(&centered, RmsProp::new(0.1).momentum(0.5)));
    assert!(error.contains("`centered(true)`, but"), "{error}");
    // The momentum is restored, whatever its value was.
    load(&centered, RmsProp::new(0.1).centered(true)).unwrap();
    load(&state(Sgd::new(0.1).momentum(0.9)), Sgd::new(0.1)).unwrap();
    load(&state(Sgd::new(0.1)), Sgd::new(0.1).momentum(0.9)).unwrap();
    // Groups.
    let groups = state(Adam::new(0.1).group("a", |g| g.lr(0.2)));
    let error = message(load(&groups, Adam::new(0.1)));
    let wanted = "it has 1 parameter group, but the optimizer has none";
    assert!(error.ends_with(wanted), "{error}");
    let two = Adam::new(0.1).group("a", |g| g).group("b", |g| g);
    let error = message(load(&groups, two));
    assert!(error.ends_with("it has 1 parameter group, but the optimizer has 2"));
}

/// Errors of the step after a schedule was put on the optimizer. They end when the next schedule fits.
#[test]
fn a_schedule_that_does_not_fit_is_an_error_of_the_next_step() {
    fn refused<O: Optimizer>(mut optimizer: O, schedule: impl Fn(&mut O), wanted: &str) {
        let mut net = net();
        schedule(&mut optimizer);
        reach(&mut net, "abc", 0);
        assert_eq!(message(optimizer.step(&mut net)), wanted);
        let mut fits = StepLR::new(2).on(&mut optimizer);
        (0..optimizer.groups()).for_each(|g| optimizer.set_group_lr(g, 0.1));
        optimizer.step(&mut net).unwrap();
        fits.step(&mut optimizer);
        optimizer.step(&mut net).unwrap();
    }
    let each = " values for 2 groups, the optimizer's own among them";
    macro_rules! table {
        ($($optimizer:expr, $schedule:expr => $($wanted:expr),*;)*) => {$(
            let wanted = [$($wanted),*].concat();
            refused($optimizer, |o| drop($schedule.on(o)), &wanted);
        )*};
    }
    let sgd = || Sgd::new(0.1).momentum(0.5).group("b", |g| g.lr(0.2));
    table! {
        sgd(), OneCycleLR::new([0.1, 0.2, 0.3], 9) => "SGD: OneCycleLR's max_lr has 3", each;
        sgd(), CyclicLR::new(vec![0.1], 0.2) =>
            "SGD: CyclicLR's base_lr has 1 value for 2 groups, the optimizer's own among them";
        sgd(), SWALR::new(&[][..]) => "SGD: SWALR's swa_lr has no", each;
        sgd(), SWALR::new(f64::NAN) => "SGD: SWALR's swa_lr must be a finite number, but it is NaN";
        sgd(), ConstantLR::new(1.5, 3) =>
            "SGD: ConstantLR's factor must be at least 0 and at most 1, but it is 1.5";
        sgd(), LinearLR::new(0.0, 1.0, 3) =>
            "SGD: LinearLR's start_factor must be above 0 and at most 1, but it is 0";
        sgd(), LinearLR::new(1.0, -0.5, 3) =>
            "SGD: LinearLR's end_factor must be at least 0 and at most 1, but it is -0.5";
        sgd(), StepLR::new(0) => "SGD: StepLR's step_size must be at least 1, but it is 0";
        sgd(), StepLR::new(1).gamma(f64::NAN) =>
            "SGD: StepLR's gamma must be a finite number, but it is NaN";
        sgd(), MultiStepLR::new([1]).gamma(f64::INFINITY) =>
            "SGD: MultiStepLR's gamma must be a finite number, but it is inf";
        sgd(), ExponentialLR::new(f64::NAN) =>
            "SGD: ExponentialLR's gamma must be a finite number, but it is NaN";
        sgd(), PolynomialLR::new(0) =>
            "SGD: PolynomialLR's total_iters must be at least 1, but it is 0";
        sgd(), PolynomialLR::new(3).power(-1.0) =>
            "SGD: PolynomialLR's power must be at least 0, but it is -1";
        sgd(), CosineAnnealingLR::new(0) =>
            "SGD: CosineAnnealingLR's t_max must be at least 1, but it is 0";
        sgd(), CosineAnnealingWarmRestarts::new(0) =>
            "SGD: CosineAnnealingWarmRestarts' t_0 must be at least 1, but it is 0";
        sgd(), CosineAnnealingWarmRestarts::new(1).t_mult(0) =>
            "SGD: CosineAnnealingWarmRestarts' t_mult must be at least 1, but it is 0";
        sgd(), CyclicLR::new(0.1, 0.2).step_size_up(0) =>
            "SGD: CyclicLR's step_size_up must be at least 1, but it is 0";
        sgd(), CyclicLR::new(0.1, 0.2).momentum_range([0.1], 0.2) =>
            "SGD: CyclicLR's base_momentum has 1 value for 2 groups, the optimizer's own among them";
        sgd(), OneCycleLR::new(0.1, 0) =>
            "SGD: OneCycleLR's total_steps must be at least 1, but it is 0";
        sgd(), OneCycleLR::new(0.1, 9).pct_start(1.5) =>
            "SGD: OneCycleLR's pct_start must be at least 0 and at most 1, but it is 1.5";
        sgd(), OneCycleLR::new(0.1, 9).div_factor(0.0) =>
            "SGD: OneCycleLR's div_factor must be above 0, but it is 0";
        sgd(), OneCycleLR::new(0.1, 9).final_div_factor(-1.0) =>
            "SGD: OneCycleLR's final_div_factor must be above 0, but it is -1";
        sgd(), SequentialLR::new(StepLR::new(3)).then(5, StepLR::new(1)).then(4, StepLR::new(1)) =>
            "SGD: SequentialLR's milestones must not decrease, but they are [5, 4]";
        sgd(), ChainedScheduler::new(StepLR::new(0)).with(StepLR::new(1)) =>
            "SGD: StepLR's step_size must be at least 1, but it is 0";
        // A momentum to cycle.
        Adagrad::new(0.1), OneCycleLR::new(0.1, 9) =>
            "Adagrad: OneCycleLR sets a momentum or first beta, which this optimizer does not have: \
             call `fixed_momentum()` on the schedule";
        Adadelta::new(0.1), CyclicLR::new(0.1, 0.2) =>
            "Adadelta: CyclicLR sets a momentum or first beta, which this optimizer does not have: \
             call `fixed_momentum()` on the schedule";
    }
    refused(
        sgd(),
        |sgd| ReduceLROnPlateau::new().factor(1.0).step(1.0, sgd),
        "SGD: ReduceLROnPlateau's factor must be at least 0 and below 1, but it is 1",
    );
    refused(
        sgd(),
        |sgd| drop(StepLR::new(3).resume(sgd, 4)),
        "SGD: a schedule continues, but no initial rate is known: call `set_initial_lr`",
    );
    let over = |sgd: &mut Sgd| {
        let mut schedule = OneCycleLR::new(0.1, 3).on(sgd);
        (0..4).for_each(|_| schedule.step(sgd));
    };
    let ended = "SGD: OneCycleLR has total_steps 3, but it was stepped 4 times";
    refused(sgd(), over, ended);
    let mut net = net();
    reach(&mut net, "abc", 0);
    // A schedule's error is cleared by its own step back into its range, but not by another schedule's step.
    let mut sgd = Sgd::new(0.1).momentum(0.5);
    let mut cycle = OneCycleLR::new(0.1, 3).on(&mut sgd);
    cycle.step_to(9, &mut sgd);
    ReduceLROnPlateau::new().step(1.0, &mut sgd);
    let wanted = "SGD: OneCycleLR has total_steps 3, but it was stepped 9 times";
    assert_eq!(message(sgd.step(&mut net)), wanted);
    cycle.step_to(1, &mut sgd);
    sgd.step(&mut net).unwrap();
    // It is also cleared by a state from before the error.
    let state = sgd.state(net.core()).unwrap();
    cycle.step_to(9, &mut sgd);
    sgd.set_state(net.core(), &state).unwrap();
    sgd.step(&mut net).unwrap();
    reach(&mut net, "a", 0);
    let mut order = Adam::new(0.1).clip_norm_type(1.0, Norm::P(f64::NAN));
    let wanted = "Adam: the order of the norm must be a number, but it is NaN";
    assert_eq!(message(order.step(&mut net)), wanted);
    // Settings that just fit: a momentum of 0 is a momentum, and the last step is allowed.
    let mut sgd = Sgd::new(0.1);
    let mut schedule = OneCycleLR::new(0.1, 3).on(&mut sgd);
    for _ in 0..3 {
        sgd.step(&mut net).unwrap();
        schedule.step(&mut sgd);
    }
    sgd.step(&mut net).unwrap();
    let mut adagrad = Adagrad::new(0.1);
    let _fixed = OneCycleLR::new(0.1, 3).fixed_momentum().on(&mut adagrad);
    adagrad.step(&mut net).unwrap();
    // A schedule that does not fit reports its error again when it is stepped after another one began.
    let mut bad = StepLR::new(0).on(&mut sgd);
    let _good = StepLR::new(1).on(&mut sgd);
    bad.step(&mut sgd);
    assert!(message(sgd.step(&mut net)).contains("step_size"));
}
