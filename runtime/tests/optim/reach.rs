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

/// The steps of each parameter are as if the optimizer had no others.
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
    // Another schedule's numbers change nothing.
    let mut other = ChainedScheduler::new(ExponentialLR::new(0.9)).on(&mut Sgd::new(0.1));
    let before = other.state();
    assert!(message(saved.schedule(&mut other)).contains("another kind of schedule"));
    assert_eq!(other.state(), before);
}

/// Files of version 1, which counted steps for all parameters at once: `checkpoints/` holds runs that were
/// saved after 3 and after 6 steps.
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
    // Groups that were in proportion then, as lists now.
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

#[test]
fn a_schedule_that_does_not_fit_is_an_error_of_the_next_step() {
    let refused = |schedule: &dyn Fn(&mut Sgd)| {
        let mut net = net();
        let mut sgd = Sgd::new(0.1).momentum(0.5).group("b", |g| g.lr(0.2));
        schedule(&mut sgd);
        reach(&mut net, "abc", 0);
        message(sgd.step(&mut net))
    };
    type Row<'a> = (&'a dyn Fn(&mut Sgd), &'a str);
    let table: [Row<'_>; 8] = [
        (
            &|sgd| drop(OneCycleLR::new([0.1, 0.2, 0.3], 9).on(sgd)),
            "SGD: OneCycleLR's max_lr has 3 values for 2 groups, the optimizer's own among them",
        ),
        (
            &|sgd| drop(CyclicLR::new(vec![0.1], 0.2).on(sgd)),
            "SGD: CyclicLR's base_lr has 1 values for 2 groups, the optimizer's own among them",
        ),
        (
            &|sgd| drop(SWALR::new(&[][..]).on(sgd)),
            "SGD: SWALR's swa_lr has 0 values for 2 groups, the optimizer's own among them",
        ),
        (
            &|sgd| drop(ConstantLR::new(1.5, 3).on(sgd)),
            "SGD: ConstantLR's factor is 1.5, outside 0 to 1",
        ),
        (
            &|sgd| drop(LinearLR::new(0.0, 1.0, 3).on(sgd)),
            "SGD: LinearLR's start_factor is 0, outside 0 to 1, 0 excluded",
        ),
        (
            &|sgd| ReduceLROnPlateau::new().factor(1.0).step(1.0, sgd),
            "SGD: ReduceLROnPlateau's factor is 1, not below 1",
        ),
        (
            &|sgd| drop(StepLR::new(3).resume(sgd, 4)),
            "SGD: a schedule continues, but no initial rate is known: call `set_initial_lr`",
        ),
        (
            &|sgd| {
                drop(
                    SequentialLR::new(StepLR::new(3))
                        .then(5, StepLR::new(1))
                        .then(4, StepLR::new(1))
                        .on(sgd),
                )
            },
            "SGD: milestones [5, 4] of a SequentialLR fall",
        ),
    ];
    for (schedule, wanted) in table {
        assert_eq!(refused(schedule), wanted);
    }
    assert_eq!(
        message(
            Adam::new(0.1)
                .clip_norm_type(1.0, Norm::P(f64::NAN))
                .step(&mut {
                    let mut net = net();
                    reach(&mut net, "a", 0);
                    net
                })
        ),
        "Adam: gradients have no norm of order NaN"
    );
}
