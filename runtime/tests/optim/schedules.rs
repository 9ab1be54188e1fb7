//! Learning rates over time: PyTorch's values, by closed forms.

use netform_runtime::optim::{schedule::*, *};

/// The rates of steps 0.. when `step` is called after each.
fn rates<C: Curve>(curve: C, base: f64, steps: usize) -> Vec<f64> {
    let mut sgd = Sgd::new(base).momentum(0.9);
    let mut schedule = curve.on(&mut sgd);
    let rate = |t: usize| {
        let lr = sgd.lr();
        close(&[lr], &[schedule.lr_at(t as u64)]);
        schedule.step(&mut sgd);
        lr
    };
    (0..steps).map(rate).collect()
}

fn close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() <= 1e-12 * w.abs(), "{got:?} is not {want:?}");
    }
}

#[test]
fn curves() {
    close(
        &rates(StepLR::new(2).gamma(0.5), 0.8, 5),
        &[0.8, 0.8, 0.4, 0.4, 0.2],
    );
    close(
        &rates(MultiStepLR::new([1, 3]), 1.0, 5),
        &[1.0, 0.1, 0.1, 0.01, 0.01],
    );
    close(
        &rates(ExponentialLR::new(0.5), 1.0, 4),
        &[1.0, 0.5, 0.25, 0.125],
    );
    close(
        &rates(CosineAnnealingLR::new(2).eta_min(0.1), 0.5, 4),
        &[0.5, 0.3, 0.1, 0.3],
    );
    close(
        &rates(LinearLR::new(0.5, 1.0, 2), 0.4, 4),
        &[0.2, 0.3, 0.4, 0.4],
    );
    close(
        &rates(LambdaLR::new(|t| 1.0 / (t + 1) as f64), 3.0, 3),
        &[3.0, 1.5, 1.0],
    );
    close(
        &rates(LambdaLR::new(warmup_cosine(2, 4, 0.2)), 1.0, 6),
        &[0.5, 1.0, 1.0, 0.6, 0.2, 0.2],
    );
    close(
        &rates(LambdaLR::new(inverse_sqrt(16, 4)), 1.0, 2),
        &[0.25 / 8.0, 0.25 / 4.0],
    );
    // Refused settings still give numbers.
    for lr in rates(OneCycleLR::new(1.0, 0), 1.0, 3)
        .into_iter()
        .chain(rates(LinearLR::new(0.1, 1.0, 0), 1.0, 2))
        .chain(rates(PolynomialLR::new(0), 1.0, 2))
        .chain(rates(SWALR::new(0.1).anneal_epochs(0), 1.0, 2))
    {
        assert!(lr.is_finite());
    }
}

#[test]
fn one_cycle() {
    let curve = OneCycleLR::new(1.0, 11).pct_start(0.5);
    let got = rates(curve.clone(), 0.3, 13);
    // Corners at 0, 4.5 and 10. The base rate does not matter, and the rate is constant after the end.
    close(&[got[0], got[10], got[12]], &[0.04, 4e-6, 4e-6]);
    let pct = 4.0 / 4.5;
    close(
        &[got[4]],
        &[1.0 + (0.04 - 1.0) / 2.0 * (1.0 + (std::f64::consts::PI * pct).cos())],
    );
    let mut sgd = Sgd::new(0.1).momentum(0.9);
    let mut schedule = curve.linear().momentum_range(0.8, 0.9).on(&mut sgd);
    for _ in 0..4 {
        schedule.step(&mut sgd);
    }
    close(
        &[sgd.current_momentum(), sgd.lr()],
        &[0.9 - 0.1 * pct, 0.04 + 0.96 * pct],
    );
    let three = rates(
        OneCycleLR::new(1.0, 10)
            .pct_start(0.4)
            .three_phase()
            .linear(),
        1.0,
        10,
    );
    close(&[three[3], three[6], three[9]], &[1.0, 0.04, 4e-6]);
}

#[test]
fn plateau() {
    let mut sgd = Sgd::new(1.0);
    let mut schedule = ReduceLROnPlateau::new()
        .factor(0.5)
        .patience(1)
        .cooldown(1)
        .min_lr(0.2);
    let metrics = [
        1.0, 0.9, 0.9, 0.9, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95, 0.95,
    ];
    let lrs: Vec<f64> = metrics
        .iter()
        .map(|&m| {
            schedule.step(m, &mut sgd);
            sgd.lr()
        })
        .collect();
    assert_eq!(
        lrs,
        [
            1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2
        ]
    );
    let mut rising = ReduceLROnPlateau::new()
        .maximize()
        .patience(0)
        .absolute_threshold(0.1);
    let mut sgd = Sgd::new(1.0);
    for (metric, lr) in [(0.5, 1.0), (0.7, 1.0), (0.75, 0.1), (f64::NAN, 0.1 * 0.1)] {
        rising.step(metric, &mut sgd);
        assert_eq!(sgd.lr(), lr);
    }
}

/// A schedule's state is restored into an equal one, for any depth of composition. Invalid counts are refused.
#[test]
fn states_of_composed_schedules() {
    fn make(optimizer: &mut Sgd) -> SequentialLR {
        let inner = SequentialLR::new(ExponentialLR::new(0.9)).then(3, ExponentialLR::new(0.5));
        let middle = SequentialLR::new(ConstantLR::new(0.5, 2)).then(4, inner);
        SequentialLR::new(LinearLR::new(0.1, 1.0, 3))
            .then(2, middle)
            .on(optimizer)
    }
    for steps in [0, 1, 3, 6, 9] {
        let mut sgd = Sgd::new(0.1);
        let mut schedule = make(&mut sgd);
        (0..steps).for_each(|_| schedule.step(&mut sgd));
        let mut again = Sgd::new(0.1);
        let mut restored = make(&mut again);
        assert!(restored.set_state(&schedule.state()), "after {steps}");
        again.set_lr(sgd.lr());
        for _ in 0..6 {
            schedule.step(&mut sgd);
            restored.step(&mut again);
            assert_eq!(sgd.lr(), again.lr(), "after {steps}");
        }
        let state = schedule.state();
        for count in [-7.5, 0.5, f64::MAX, f64::NAN] {
            let mut wrong = state.clone();
            wrong[0] = count;
            assert!(!restored.set_state(&wrong), "{count}");
        }
        assert_eq!(restored.state(), state);
    }
}

/// Times that are not counts do not overflow, and do not take forever.
#[test]
fn far_times() {
    let mut sgd = Sgd::new(0.1);
    let mut step = StepLR::new(10).on(&mut sgd);
    step.step_to(u64::MAX, &mut sgd);
    step.step(&mut sgd);
    step.step(&mut sgd);
    let mut warm = CosineAnnealingWarmRestarts::new(2).t_mult(2).on(&mut sgd);
    for time in [f64::INFINITY, f64::NAN, -1.0] {
        warm.step_at(time, &mut sgd);
        assert!(sgd.lr().is_finite(), "{time}");
    }
}
