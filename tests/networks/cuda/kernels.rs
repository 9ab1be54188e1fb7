//! A custom op with PTX kernels: the same as its Rust functions on the CPU, and part of graphs.

use netform::custom::{Array, ArrayMut, Ptx};
use netform::prelude::*;
use netform::{Error, Float};

use crate::both::{Values, all_close, random};
use crate::device::own;

/// `y = x^2 w`, with one weight; no gradient for the weight.
fn weighed<F: Float>(x: Array<'_, F>, w: Array<'_, F>, mut y: ArrayMut<'_, F>) {
    for (y, &x) in y.iter_mut().zip(&*x) {
        *y = x * x * w[0];
    }
}

fn weighed_backward<F: Float>(
    x: Array<'_, F>,
    w: Array<'_, F>,
    _y: Array<'_, F>,
    dy: Array<'_, F>,
    mut dx: ArrayMut<'_, F>,
    mut dw: ArrayMut<'_, F>,
) {
    dw[0] = F::from_f64(0.0);
    for (k, dx) in dx.iter_mut().enumerate() {
        *dx = F::from_f64(2.0) * x[k] * w[0] * dy[k];
    }
}

const KERNELS: Ptx = Ptx {
    text: include_str!("weighed.ptx"),
    forward: "weighed",
    backward: "weighed_backward",
};
/// The entry of the forward kernel is not in the module.
const LACKING: Ptx = Ptx {
    forward: "absent",
    ..KERNELS
};

network! {
    struct Net { linear: Linear(3 -> 5), scale: Param[] = 0.5 }

    #[custom(forward = weighed, backward = weighed_backward, ptx = KERNELS)]
    fn weighed(x: [B, N], w: []) -> [B, N];

    #[custom(forward = weighed, backward = weighed_backward, ptx = LACKING)]
    fn lacking(x: [B, N], w: []) -> [B, N];

    fn loss(#[grad] x: [B, 3]) -> [] { (weighed(linear(x), 0.7) * scale).mean() }
    fn broken(x: [B, 3]) -> [B, 3] { lacking(x, 1.0) }
}

fn run<D: Device>(device: D) -> netform::Result<Values> {
    let (mut net, mut out) = (Net::new(device, 3)?, Values::default());
    for b in [1, 70, 9, 9, 9, 9] {
        let (loss, dx) = net.loss_backward(&random(&[b, 3], b as u64, (-1.0, 1.0)))?;
        out.number("loss", Float::to_f64(loss.item()?));
        out.put("dx", dx.to_tensor());
        drop(dx);
        out.network(&net);
    }
    Ok(out)
}

#[test]
fn kernels_of_ones_own() {
    let device = own();
    let cuda = run(device.clone()).unwrap();
    all_close("kernels", &cuda, &run(Cpu::new()).unwrap(), 1e-5);
    assert_eq!(device.graphs(), 1);
}

#[test]
fn a_kernel_that_is_not_there() {
    let net = Net::new(own(), 3).unwrap();
    for _ in 0..3 {
        let error = net.broken(&[[1f32; 3]]).err().unwrap();
        assert!(matches!(error, Error::Device { .. }), "{error:?}");
        assert!(
            error.to_string().starts_with("cuda:0: kernel `absent`: "),
            "{error}"
        );
    }
}
