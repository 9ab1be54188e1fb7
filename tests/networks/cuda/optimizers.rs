//! Every optimizer for several steps, with clipping, groups, frozen parameters.

use netform::optim::Norm;
use netform::prelude::*;

use crate::both::{Values, all_close, random};
use crate::device::cuda;

network! {
    struct Net {
        linear_1: Linear(5 -> 19),
        #[frozen]
        still: Linear(19 -> 19),
        linear_2: Linear(19 -> 3),
        scale: Param[3] = ones,
    }
    fn forward(x: [B, 5]) -> [B, 3] { linear_2(tanh(still(tanh(linear_1(x))))) * scale }
    fn loss(x: [B, 5], y: [B, 3]) -> [] { mse_loss(forward(x), y) }
}

/// The function of a step on a device.
type Step<D, O> = fn(&mut Net<D>, &mut O, &Tensor, &Tensor) -> netform::Result<()>;

/// Seven steps, one of them on a short batch; the gradients of the second are accumulated.
fn steps<D: Device, O: Optimizer>(
    device: D,
    mut optimizer: O,
    step: Step<D, O>,
) -> netform::Result<Values> {
    let mut net = Net::new(device, 1)?;
    let mut out = Values::default();
    for k in 0..7u64 {
        let b = if k == 3 { 2 } else { 6 };
        let (x, y) = (
            random(&[b, 5], k, (-2.0, 2.0)),
            random(&[b, 3], 90 + k, (-1.0, 1.0)),
        );
        if k == 1 {
            net.loss_backward(&x, &y)?;
            net.loss_accumulate(&random(x.shape(), 123, (-1.0, 1.0)), &y)?;
            optimizer.step(&mut net)?;
        } else {
            step(&mut net, &mut optimizer, &x, &y)?;
        }
        if k == 4 {
            optimizer.set_lr(optimizer.lr() * 0.5);
        }
        out.network(&net);
    }
    Ok(out)
}

/// The two halves of a step: the network's half is compiled once for all optimizers.
fn halves<O: Optimizer>(
    net: &mut Net,
    optimizer: &mut O,
    x: &Tensor,
    y: &Tensor,
) -> netform::Result<()> {
    net.loss_backward(x, y)?;
    optimizer.step(net)
}

/// A test for each optimizer: steps recorded as a whole, against two halves on the CPU.
macro_rules! optimizers {
    ($($test:ident: $optimizer:expr;)*) => {$(
        #[test]
        fn $test() {
            let whole: Step<Cuda, _> = |net, optimizer, x, y| net.loss_step(optimizer, x, y).map(|_| ());
            let a = steps(cuda(), $optimizer, whole).unwrap();
            let b = steps(Cpu::new(), $optimizer, halves).unwrap();
            all_close(stringify!($test), &a, &b, 5e-5);
        }
    )*};
}

optimizers! {
    sgd: Sgd::new(0.05);
    sgd_momentum: Sgd::new(0.05).momentum(0.9).dampening(0.1).weight_decay(0.01);
    sgd_nesterov: Sgd::new(0.05).momentum(0.9).nesterov(true);
    adam: Adam::new(0.01);
    adam_amsgrad: Adam::new(0.01).amsgrad(true).weight_decay(0.1);
    adam_w: AdamW::new(0.01).group("linear_1.*", |g| g.lr(0.002).weight_decay(0.0));
    adamax: Adamax::new(0.01);
    nadam: NAdam::new(0.01);
    radam: RAdam::new(0.01);
    adagrad: Adagrad::new(0.05);
    adadelta: Adadelta::new(1.0);
    rms_prop: RmsProp::new(0.005);
    rms_prop_centered: RmsProp::new(0.005).centered(true).momentum(0.5);
    clipped_by_norm: Sgd::new(0.1).clip_norm(0.05);
    clipped_by_largest: Sgd::new(0.1).clip_norm_inf(0.02);
    clipped_by_value: Adam::new(0.01).clip_value(0.01);
    up: Adam::new(0.01).maximize(true).group("linear_2.*", |g| g.maximize(false));
    up_and_clipped: Sgd::new(0.1).maximize(true).clip_norm(0.05).clip_value(0.02);
    clipped_by_order_3: Sgd::new(0.1).clip_norm_type(0.05, Norm::P(3.0));
    clipped_by_order_minus_2: Sgd::new(0.1).maximize(true).clip_norm_type(1e-4, Norm::P(-2.0));
    clipped_by_order_0: Sgd::new(0.1).clip_norm_type(0.5, Norm::P(0.0));
    clipped_by_smallest: Sgd::new(0.1).clip_norm_type(1e-4, Norm::P(f64::NEG_INFINITY));
}

#[test]
fn gradients_are_clipped_in_place() {
    fn clipped<D: Device>(device: D) -> netform::Result<Values> {
        let mut net = Net::new(device, 1)?;
        let mut out = Values::default();
        let (x, y) = (
            random(&[6, 5], 1, (-2.0, 2.0)),
            random(&[6, 3], 2, (-1.0, 1.0)),
        );
        for norm in [
            Norm::L2,
            Norm::Inf,
            Norm::P(0.5),
            Norm::P(-1.0),
            Norm::P(0.0),
        ] {
            net.loss_backward(&x, &y)?;
            out.number("norm", net.clip_grad_norm(0.05, norm)?);
            out.network(&net);
        }
        net.clip_grad_value(0.01)?;
        out.network(&net);
        net.zero_grad();
        out.network(&net);
        Ok(out)
    }
    let (a, b) = (clipped(cuda()).unwrap(), clipped(Cpu::new()).unwrap());
    all_close("clipping", &a, &b, 1e-5);
}
