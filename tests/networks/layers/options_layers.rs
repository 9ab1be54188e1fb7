//! Dropout of whole channels, and layers that normalise nothing: values in evaluation and training, gradients against
//! finite differences in f64.

use netform_networks::calls;
use netform_networks::finite;
use netform_networks::results;

use std::cell::RefCell;

use finite::{check, tensor};
use netform::check::gradients;
use netform::prelude::*;
use netform::{Network, Tensor};
use results::Gradients as _;

network! {
    struct Channels {
        line: Param[3, 4, 5] = normal(1.0),
        plane: Param[2, 3, 1, 3] = normal(1.0),
        drop1: Dropout1d(p = 0.25),
        drop2: Dropout2d(p = 0.4),
        keep1: Dropout1d(p = 0.0),
        lose2: Dropout2d(p = 1.0),
    }
    fn lines(#[grad] x: [B, C, L]) -> [B, C, L] { drop1(x) }
    fn planes(#[grad] x: [B, C, H, W]) -> [B, C, H, W] { drop2(x) }
    fn kept(#[grad] x: [B, C, L]) -> [B, C, L] { keep1(x) }
    fn lost(#[grad] x: [B, C, H, W]) -> [B, C, H, W] { lose2(x) }
    fn no_lines(#[grad] x: [0, 3, 5]) -> [0, 3, 5] { drop1(x) + dropout1d(x) }
    fn no_planes(#[grad] x: [0, 3, 5, 1]) -> [0, 3, 5, 1] { drop2(x) + dropout2d(x) }
    /// The gradients of the weights are the results in training, those of the rest what is kept of them.
    fn of_lines(#[grad] x: [B, C, L], #[grad] w: [B, C, L]) -> [] { (drop1(x) * w).sum() + loss(0.0) }
    fn of_planes(#[grad] x: [B, C, H, W], #[grad] w: [B, C, H, W]) -> [] { (drop2(x) * w).sum() + loss(0.0) }
    fn loss(w: []) -> [] {
        let lines = drop1(line) + dropout1d(line, p = 0.75);
        let planes = drop2(plane) * dropout2d(plane, 0.3);
        (sin(lines).sum() + sin(planes).sum()) * w
    }
}

/// Each channel is whole and scaled by `1 / (1 - p)`, or it is zero; returns the number of kept channels.
fn kept(x: &Tensor, y: &Tensor, p: f64) -> usize {
    let size: usize = x.shape()[2..].iter().product();
    assert_eq!(x.shape(), y.shape());
    let (x, y) = (x.to_f64_vec(), y.to_f64_vec());
    let whole = x.chunks(size).zip(y.chunks(size)).map(|(x, y)| {
        let kept = y[0] != 0.0;
        let scale = if kept { 1.0 / (1.0 - p) } else { 0.0 };
        for (x, y) in x.iter().zip(y) {
            assert!((x * scale - y).abs() < 1e-12, "{x} became {y}");
        }
        usize::from(kept)
    });
    whole.sum()
}

#[test]
fn dropout_of_whole_channels() -> netform::Result<()> {
    let mut net = Channels::new(Cpu::f64(), 5)?;
    gradients(&mut net, |net| net.loss_backward(1.1)?.item())?;

    let x = tensor(&[40, 50, 3], 1, (0.5, 1.5));
    let ones = Tensor::from_vec(x.shape(), vec![1.0; 6000])?;
    let run = |seed: u64| -> netform::Result<Vec<Tensor>> {
        let mut net = Channels::new(Cpu::f64(), seed)?;
        let mut out = Vec::new();
        for _ in 0..2 {
            let (_, (dx, y)) = net.of_lines_backward(&x, &ones)?;
            // Kept channels have the same gradient.
            let (dx, y) = (dx.to_tensor(), y.to_tensor());
            assert_eq!(kept(&x, &y, 0.25), kept(&ones, &dx, 0.25));
            let of = |t: &Tensor| t.to_f64_vec().iter().map(|v| *v != 0.0).collect::<Vec<_>>();
            assert_eq!(of(&dx), of(&y));
            out.push(y);
        }
        Ok(out)
    };
    // Three quarters of 2000, within five deviations; from the seed, different in every step.
    let first = run(3)?;
    for y in &first {
        let kept = kept(&x, y, 0.25);
        assert!((1403..=1597).contains(&kept), "{kept} of 2000 kept");
    }
    assert!(first[0] != first[1]);
    assert!(first == run(3)?);
    assert!(first[0] != run(4)?[0]);

    let plane = tensor(&[40, 50, 2, 3], 2, (0.5, 1.5));
    let ones = Tensor::from_vec(plane.shape(), vec![1.0; 12000])?;
    let of_planes = |net: &mut Channels<Cpu<f64>>| -> netform::Result<Tensor> {
        Ok(net.of_planes_backward(&plane, &ones)?.1.1.to_tensor())
    };
    let (mut one, mut same) = (Channels::new(Cpu::f64(), 3)?, Channels::new(Cpu::f64(), 3)?);
    let y = of_planes(&mut one)?;
    let kept = kept(&plane, &y, 0.4);
    assert!((1090..=1310).contains(&kept), "{kept} of 2000 kept");
    assert!(y == of_planes(&mut same)?);
    assert!(y != of_planes(&mut one)?);

    // Evaluation drops nothing, even if training would drop all; `p = 0` keeps all in training, too.
    assert_eq!(net.lines(&x)?.to_tensor(), x);
    assert_eq!(net.planes(&plane)?.to_tensor(), plane);
    assert_eq!(net.lost(&plane)?.to_tensor(), plane);
    assert_eq!(net.kept_vjp(&x, &x)?.to_tensor(), x);
    let none = net.lost_vjp(&plane, &plane)?.to_tensor().to_f64_vec();
    assert!(none.iter().all(|&g| g == 0.0));
    let net = RefCell::new(net);
    let (f, vjp) = calls!(net no_lines no_lines_vjp (x));
    check("no lines", &[&[0, 3, 5]], (-1.0, 1.0), f, vjp);
    let (f, vjp) = calls!(net no_planes no_planes_vjp (x));
    check("no planes", &[&[0, 3, 5, 1]], (-1.0, 1.0), f, vjp);
    Ok(())
}

network! {
    struct Norms {
        layer: LayerNorm(4),
        both: LayerNorm([6, 4]),
        rms: RMSNorm(4),
        group: GroupNorm(2, 6),
        instance_1: InstanceNorm1d(6, affine = true),
        instance_2: InstanceNorm2d(6),
        batch_1: BatchNorm1d(6),
        batch_2: BatchNorm2d(6, affine = false),
        batch_3: BatchNorm3d(6),
    }
    fn nobody(#[grad] x: [0, 6, 4]) -> [0, 6, 4] {
        let y = layer(x) + both(x) + rms(x) + instance_1(x) + group(x);
        y + instance_2(x.unsqueeze(2)).squeeze(2)
    }
    #[eval]
    fn no_batch(#[grad] x: [0, 6, 4]) -> [0, 6, 4] {
        let x = batch_1(x).unsqueeze(2);
        batch_3(batch_2(x).unsqueeze(2)).reshape([0, 6, 4])
    }
    #[eval]
    fn no_rows(#[grad] x: [0, 6]) -> [0, 6] { batch_1(x) }
    fn point(#[grad] x: [B, 6, L]) -> [B, 6, L] { group(x) }
    #[eval]
    fn evaluated(#[grad] x: [B, 6, L]) -> [B, 6, L] { batch_1(x) }
}

#[test]
fn norms_of_nothing_and_of_one() -> netform::Result<()> {
    let mut net = Norms::new(Cpu::f64(), 2)?;
    let all: Vec<(&str, Vec<usize>)> = (net.parameters())
        .chain(net.buffers())
        .filter(|p| !p.name().ends_with("num_batches_tracked"))
        .map(|p| (p.name(), p.shape().to_vec()))
        .collect();
    for (salt, (name, shape)) in all.iter().enumerate() {
        net.set_parameter(name, &tensor(shape, salt, (0.3, 1.5)))?;
    }
    let before: Vec<Tensor> = (net.buffers())
        .map(|b| b.values())
        .collect::<netform::Result<_>>()?;
    let net = RefCell::new(net);
    let (f, vjp) = calls!(net nobody nobody_vjp (x));
    check("nobody", &[&[0, 6, 4]], (-1.0, 1.0), f, vjp);
    for name in [
        "layer.weight",
        "both.bias",
        "rms.weight",
        "instance_1.bias",
        "group.weight",
    ] {
        let gradient = net.borrow().gradient(name)?.to_f64_vec();
        assert!(gradient.iter().all(|&g| g == 0.0), "{name}: {gradient:?}");
    }
    let (f, vjp) = calls!(net no_batch no_batch_vjp (x));
    check("no batch", &[&[0, 6, 4]], (-1.0, 1.0), f, vjp);
    let (f, vjp) = calls!(net no_rows no_rows_vjp (x));
    check("no rows", &[&[0, 6]], (-1.0, 1.0), f, vjp);
    for name in ["batch_1.weight", "batch_3.bias"] {
        let gradient = net.borrow().gradient(name)?.to_f64_vec();
        assert!(gradient.iter().all(|&g| g == 0.0), "{name}: {gradient:?}");
    }
    let after: Vec<Tensor> = (net.borrow().buffers())
        .map(|b| b.values())
        .collect::<netform::Result<_>>()?;
    assert_eq!(before, after);
    for shape in [[1, 6, 1], [1, 6, 3], [3, 6, 1]] {
        let (f, vjp) = calls!(net point point_vjp (x));
        check("point", &[&shape], (-1.0, 1.0), f, vjp);
        let (f, vjp) = calls!(net evaluated evaluated_vjp (x));
        check("evaluated", &[&shape], (-1.0, 1.0), f, vjp);
    }
    Ok(())
}
