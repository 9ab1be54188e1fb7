//! The public gradient checker: right gradients pass, wrong ones are named, and the network is left unchanged.

use netform::check::{Options, gradients, gradients_with};
use netform::prelude::*;
use netform::{Error, Float, custom};

fn double<F: Float>(x: custom::Array<'_, F>, mut y: custom::ArrayMut<'_, F>) {
    y.iter_mut().zip(&*x).for_each(|(y, &x)| *y = x + x);
}

/// Leaves out the factor for the last element.
fn double_backward<F: Float>(
    _x: custom::Array<'_, F>,
    _y: custom::Array<'_, F>,
    dy: custom::Array<'_, F>,
    mut dx: custom::ArrayMut<'_, F>,
) {
    dx.iter_mut().zip(&*dy).for_each(|(dx, &dy)| *dx = dy + dy);
    let last = dy.len() - 1;
    dx[last] = dy[last];
}

network! {
    struct Net {
        linear: Linear(4 -> 30),
        drop: Dropout(0.5),
        out: Linear(30 -> 3),
        #[frozen]
        still: Linear(3 -> 3),
        bias: Param[3] = zeros,
    }

    #[custom(forward = double, backward = double_backward)]
    fn double(x: [N]) -> [N];

    fn loss(x: [B, 4], y: u32[B]) -> [] {
        cross_entropy(still(out(drop(tanh(linear(x))))) + bias, y)
    }

    fn wrong(x: [B, 4], y: u32[B]) -> [] {
        cross_entropy(out(tanh(linear(x))) + double(bias), y)
    }
}

const X: [[f64; 4]; 2] = [[0.1, -0.7, 0.3, 0.9], [1.0, 0.0, -0.5, 0.2]];
const Y: [u32; 2] = [2, 0];

#[test]
fn right_gradients_pass_with_dropout_too() {
    let mut net = Net::new(Cpu::f64(), 1).unwrap();
    let before: Vec<Tensor> = net.parameters().map(|p| p.values().unwrap()).collect();
    let report = gradients(&mut net, |net| net.loss_backward(&X, &Y)?.item()).unwrap();
    let names: Vec<&str> = report.parameters.iter().map(|p| p.name).collect();
    assert_eq!(
        names,
        [
            "linear.weight",
            "linear.bias",
            "out.weight",
            "out.bias",
            "bias"
        ]
    );
    assert_eq!(report.parameters[0].elements, 64);
    assert_eq!(report.parameters[4].elements, 3);
    assert!(report.parameters.iter().all(|p| p.error < 1e-7), "{report}");
    assert!(report.to_string().lines().count() == 6, "{report}");
    let after: Vec<Tensor> = net.parameters().map(|p| p.values().unwrap()).collect();
    assert_eq!(before, after);
}

#[test]
fn single_precision_is_checked_coarsely() {
    let mut net = Net::new(Cpu::new(), 1).unwrap();
    let (x, y) = (X.map(|r| r.map(|v| v as f32)), Y);
    gradients(&mut net, |net| net.loss_backward(&x, &y)?.item()).unwrap();
}

#[test]
fn a_wrong_gradient_is_named() {
    let mut net = Net::new(Cpu::f64(), 1).unwrap();
    let before: Vec<Tensor> = net.parameters().map(|p| p.values().unwrap()).collect();
    let error = gradients(&mut net, |net| net.wrong_backward(&X, &Y)?.item()).unwrap_err();
    let Error::Gradient {
        name,
        index,
        gradient,
        difference,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((name, index), ("bias", 2));
    assert!((difference - 2.0 * gradient).abs() < 1e-6);
    let after: Vec<Tensor> = net.parameters().map(|p| p.values().unwrap()).collect();
    assert_eq!(before, after);
    // A custom tolerance, and errors of the call.
    let loose = Options {
        tolerance: Some(1.0),
        ..Options::default()
    };
    gradients_with(&mut net, loose, |net| net.wrong_backward(&X, &Y)?.item()).unwrap();
    let none = [0; 0];
    let told = gradients(&mut net, |net| net.loss_backward(&X, &none)?.item()).unwrap_err();
    assert!(told.to_string().contains("B is"), "{told}");
}
