//! A custom optimizer: Lion, against the same by hand; its state in a checkpoint; and steps that it rejects or breaks
//! off.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::files::Checkpoint;
use netform::optim::{Chosen, Now, Optim, Real, Rule, StepFormula, Update};
use netform::prelude::*;
use netform::{Error, OptimizerProblem};

network! {
    struct Net {
        first: Linear(4 -> 5),
        head: Linear(5 -> 2),
    }
    fn forward(x: [B, 4]) -> [B, 2] { head(tanh(first(x))) }
    fn loss(x: [B, 4], y: [B, 2]) -> [] { mse_loss(forward(x), y) }
}

/// The settings of Lion (Chen et al.), and the fault.
#[derive(Clone, Copy, Debug)]
struct LionRule {
    betas: (f64, f64),
    weight_decay: f64,
    wrong: Wrong,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    Nothing,
    /// The settings are rejected.
    Settings,
    /// An error at this step of a parameter.
    ErrorAt(u64),
    PanicAt(u64),
    /// The formula uses a moment that does not exist, or one moment twice.
    Moments([usize; 2]),
    /// The formula panics while [`BROKEN`] is set.
    Formula,
}

const LION: LionRule = LionRule {
    betas: (0.9, 0.99),
    weight_decay: 0.1,
    wrong: Wrong::Nothing,
};

impl Rule for LionRule {
    const NAME: &'static str = "Lion";
    const MOMENTS: &'static [&'static str] = &["exp_avg"];

    fn check(&self) -> Result<(), OptimizerProblem> {
        match self.wrong {
            Wrong::Settings => Err("it is refused".into()),
            _ => Ok(()),
        }
    }
    fn momentum(&self) -> Option<f64> {
        Some(self.betas.0)
    }
    fn set_momentum(&mut self, momentum: f64) {
        self.betas.0 = momentum;
    }
    fn update<D: Device>(
        &self,
        now: &Now,
        update: Update<'_, D>,
    ) -> Result<Chosen, OptimizerProblem> {
        let (b1, b2) = self.betas;
        let keep = 1.0 - now.lr * self.weight_decay;
        let scalars = [now.lr, b1, 1.0 - b1, b2, 1.0 - b2, keep];
        match self.wrong {
            Wrong::ErrorAt(t) if t == now.t => Err(format!("no step {t}").into()),
            Wrong::PanicAt(t) if t == now.t => panic!("at step {t}"),
            Wrong::Moments(which) => update.with(Two, which, []),
            Wrong::Formula => update.with(Breaks, [0], scalars),
            _ => update.with(Lion, [0], scalars),
        }
    }
}

struct Lion;

impl StepFormula<1, 6> for Lion {
    fn step<V: Real>(
        p: V,
        g: V,
        [m]: [V; 1],
        [lr, b1, take1, b2, take2, keep]: [V; 6],
    ) -> (V, [V; 1]) {
        let direction = (m * b1 + g * take1).sign();
        (p * keep - lr * direction, [m * b2 + g * take2])
    }
}

/// The formula panics while this is set.
static BROKEN: AtomicBool = AtomicBool::new(false);

struct Breaks;

impl StepFormula<1, 6> for Breaks {
    fn step<V: Real>(p: V, g: V, m: [V; 1], scalars: [V; 6]) -> (V, [V; 1]) {
        assert!(!BROKEN.load(Ordering::Relaxed), "a formula panics");
        Lion::step(p, g, m, scalars)
    }
}

struct Two;

impl StepFormula<2, 0> for Two {
    fn step<V: Real>(p: V, _: V, m: [V; 2], _: [V; 0]) -> (V, [V; 2]) {
        (p, m)
    }
}

/// The head has another rate and no decay.
fn lion(wrong: Wrong) -> Optim<LionRule> {
    Optim::from_rule(0.01, LION).group("head.*", move |g| {
        g.lr(0.02).with_rule(|r| {
            r.weight_decay = 0.0;
            r.wrong = wrong;
        })
    })
}

/// The samples of step `k`.
fn batch(k: u64) -> (Vec<[f32; 4]>, Vec<[f32; 2]>) {
    let (mut x, mut y) = (vec![[0.0f32; 4]; 6], vec![[0.0f32; 2]; 6]);
    netform::fill_uniform(k, 0, x.as_flattened_mut(), -1.0, 1.0);
    netform::fill_uniform(k, 1, y.as_flattened_mut(), -1.0, 1.0);
    (x, y)
}

fn train<D: Device, O: Optimizer>(
    net: &mut Net<D>,
    optimizer: &mut O,
    k: u64,
) -> netform::Result<()> {
    let (x, y) = batch(k);
    net.loss_step(optimizer, &x, &y)?.item().map(drop)
}

fn weights<D: Device>(net: &Net<D>) -> Vec<(&'static str, Vec<f64>)> {
    let values = |p: netform::Parameter<'_, D>| (p.name(), p.values().unwrap().to_f64_vec());
    net.parameters().map(values).collect()
}

/// Seven steps, the third with accumulated gradients, one after a change of the rate.
fn follows_the_formula<D: Device>(device: D, tolerance: f64) {
    let mut net = Net::new(device, 5).unwrap();
    let mut optimizer = lion(Wrong::Nothing);
    let mut wanted = weights(&net);
    let mut means: Vec<Vec<f64>> = wanted.iter().map(|(_, p)| vec![0.0; p.len()]).collect();
    let mut rate = 1.0;
    for k in 0..7 {
        if k == 2 {
            let (x, y) = batch(k);
            net.loss_backward(&x, &y).unwrap();
            net.loss_accumulate(&x, &y).unwrap();
            optimizer.step(&mut net).unwrap();
        } else {
            train(&mut net, &mut optimizer, k).unwrap();
        }
        for ((name, p), m) in wanted.iter_mut().zip(&mut means) {
            let (lr, decay) = match name.starts_with("head.") {
                true => (0.02 * rate, 0.0),
                false => (0.01 * rate, 0.1),
            };
            let gradient = net.gradient(name).unwrap().to_f64_vec();
            for ((p, m), g) in p.iter_mut().zip(m).zip(gradient) {
                let c = 0.9 * *m + 0.1 * g;
                *p = *p * (1.0 - lr * decay) - lr * if c == 0.0 { 0.0 } else { c.signum() };
                *m = 0.99 * *m + 0.01 * g;
            }
        }
        for ((name, found), (_, wanted)) in weights(&net).iter().zip(&wanted) {
            for (a, b) in found.iter().zip(wanted) {
                assert!(
                    (a - b).abs() < tolerance,
                    "step {k}, {name}: {a} is not {b}"
                );
            }
        }
        if k == 4 {
            rate = 0.5;
            optimizer.set_lr(0.01 * rate);
        }
    }
    assert_eq!(optimizer.steps(), 7);
}

#[test]
fn lion_follows_its_formula() {
    follows_the_formula(Cpu::f64(), 1e-12);
    follows_the_formula(Cpu::new(), 1e-6);
    #[cfg(feature = "cuda")]
    follows_the_formula(device::cuda(), 1e-6);
}

fn resumes<D: Device>(device: D) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lion.ckpt");
    let mut net = Net::new(device.clone(), 5).unwrap();
    let mut optimizer = lion(Wrong::Nothing);
    (0..3).for_each(|k| train(&mut net, &mut optimizer, k).unwrap());
    let saved = Checkpoint::of(&net).optimizer(&optimizer).unwrap();
    saved.save(&file).unwrap();
    (3..6).for_each(|k| train(&mut net, &mut optimizer, k).unwrap());

    let saved = Checkpoint::open(&file).unwrap();
    let (mut other, mut again) = (Net::new(device, 9).unwrap(), lion(Wrong::Nothing));
    saved.network(&mut other).unwrap();
    saved.optimizer(&mut again, &other).unwrap();
    (3..6).for_each(|k| train(&mut other, &mut again, k).unwrap());
    assert_eq!(weights(&net), weights(&other));
    let states = (optimizer.state(net.core()), again.state(other.core()));
    assert_eq!(states.0.unwrap(), states.1.unwrap());
    // Another rule's state does not fit.
    let error = saved.optimizer(&mut Sgd::new(0.1), &other).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SGD: the saved state does not fit:\n  it is Lion's"
    );
}

#[test]
fn its_state_is_in_a_checkpoint() {
    resumes(Cpu::new());
    #[cfg(feature = "cuda")]
    resumes(device::cuda());
}

/// Four steps; an extra step before the third is rejected or panics, and leaves no effect.
fn undone<D: Device>(device: &D, wrong: Wrong) -> Result<String, String> {
    let mut net = Net::new(device.clone(), 5).unwrap();
    let mut optimizer = lion(Wrong::Nothing);
    (0..2).for_each(|k| train(&mut net, &mut optimizer, k).unwrap());
    let state = optimizer.state(net.core()).unwrap();
    let before = weights(&net);

    // The same state with the faulty rule.
    let mut bad = lion(wrong);
    bad.set_state(net.core(), &state).unwrap();
    let step = || train(&mut net, &mut bad, 77);
    let told = match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => Ok(result.expect_err("the step is refused").to_string()),
        Err(panic) => Err(panic.downcast_ref::<String>().expect("a text").clone()),
    };
    assert_eq!(weights(&net), before);
    assert_eq!(bad.state(net.core()).unwrap(), state);
    assert_eq!(bad.steps(), 2);

    // Network and optimizer continue.
    (2..4).for_each(|k| train(&mut net, &mut optimizer, k).unwrap());
    let mut whole = Net::new(device.clone(), 5).unwrap();
    let mut steady = lion(Wrong::Nothing);
    (0..4).for_each(|k| train(&mut whole, &mut steady, k).unwrap());
    assert_eq!(weights(&net), weights(&whole));
    told
}

fn refused_steps_change_nothing(device: impl Device) {
    let told = |wrong| undone(&device, wrong);
    assert_eq!(told(Wrong::Settings), Ok("Lion: it is refused".into()));
    assert_eq!(told(Wrong::ErrorAt(3)), Ok("Lion: no step 3".into()));
    assert_eq!(told(Wrong::PanicAt(3)), Err("at step 3".into()));
    let kept = "Lion: the formula takes moment 1, which is not kept";
    assert_eq!(told(Wrong::Moments([0, 1])), Ok(kept.into()));
    let far = "Lion: the formula takes moment 18446744073709551615, which is not kept";
    assert_eq!(told(Wrong::Moments([usize::MAX, 0])), Ok(far.into()));
    let twice = "Lion: the formula takes moment 0 twice";
    assert_eq!(told(Wrong::Moments([0, 0])), Ok(twice.into()));
}

#[test]
fn a_step_that_its_rule_refuses_or_breaks_off_changes_nothing() {
    refused_steps_change_nothing(Cpu::new());
    #[cfg(feature = "cuda")]
    refused_steps_change_nothing(device::cuda());
}

/// The formula of the head panics after the first layer has changed.
fn poisoned<D: Device>(device: D) {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("good.ckpt"), folder.path().join("bad"));
    let mut net = Net::new(device, 5).unwrap();
    let (mut good, mut optimizer) = (lion(Wrong::Nothing), lion(Wrong::Formula));
    train(&mut net, &mut good, 0).unwrap();
    let state = good.state(net.core()).unwrap();
    optimizer.set_state(net.core(), &state).unwrap();
    let saved = Checkpoint::of(&net).optimizer(&optimizer).unwrap();
    saved.save(&file).unwrap();
    let before = weights(&net);

    BROKEN.store(true, Ordering::Relaxed);
    let step = || train(&mut net, &mut optimizer, 1);
    let panic = catch_unwind(AssertUnwindSafe(step)).expect_err("it panics");
    assert_eq!(panic.downcast_ref(), Some(&"a formula panics"));
    BROKEN.store(false, Ordering::Relaxed);
    assert_ne!(weights(&net), before);

    // Every call reports the poisoning, and nothing is saved over the last checkpoint.
    let is_poisoned = |e: Option<Error>| {
        let e = e.expect("it is poisoned");
        assert!(matches!(e, Error::Poisoned { network: "Net" }), "{e:?}");
        let text = e.to_string();
        assert!(
            text.starts_with("Net is poisoned: ") && text.contains("checkpoint"),
            "{text}"
        );
    };
    let (x, y) = batch(2);
    is_poisoned(net.forward(&x).err());
    is_poisoned(net.loss_backward(&x, &y).err());
    is_poisoned(net.loss_step(&mut optimizer, &x, &y).err());
    is_poisoned(net.loss_step(&mut Sgd::new(0.1), &x, &y).err());
    is_poisoned(optimizer.step(&mut net).err());
    is_poisoned(net.save(&other).err());
    is_poisoned(Checkpoint::of(&net).save(&other).err());
    assert!(!other.exists());

    // With only the parameters restored, the moments are still those of the broken step.
    let saved = Checkpoint::open(&file).unwrap();
    saved.network(&mut net).unwrap();
    assert_eq!(weights(&net), before);
    net.forward(&x).unwrap();
    let error = net.loss_step(&mut optimizer, &x, &y).unwrap_err();
    let text = "Lion: a step was broken off, which has changed some of the moments; load them from the last \
                checkpoint (`Checkpoint::optimizer`), or make a new optimizer";
    assert_eq!(error.to_string(), text);
    is_its(optimizer.state(net.core()).err(), text);

    saved.optimizer(&mut optimizer, &net).unwrap();
    (1..4).for_each(|k| train(&mut net, &mut optimizer, k).unwrap());
    let (mut whole, mut steady) = (
        Net::new(net.device().clone(), 5).unwrap(),
        lion(Wrong::Nothing),
    );
    (0..4).for_each(|k| train(&mut whole, &mut steady, k).unwrap());
    assert_eq!(weights(&net), weights(&whole));
}

fn is_its(error: Option<Error>, text: &str) {
    assert_eq!(error.expect("its state is not whole").to_string(), text);
}

#[test]
fn a_step_that_breaks_off_halfway_poisons_the_network() {
    // A GPU traces a formula once, so the formula can panic only before.
    #[cfg(feature = "cuda")]
    poisoned(device::own());
    poisoned(Cpu::new());
}
