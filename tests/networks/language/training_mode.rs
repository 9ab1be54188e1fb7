//! `#[train]`: a function in training mode without gradients.

use netform::Network;
use netform::prelude::*;

network! {
    struct Net {
        norm: BatchNorm1d(2, affine = false),
        dropout: Dropout(p = 0.5),
        linear: Linear(2 -> 2),
    }
    #[train]
    fn normalised(x: [B, 2]) -> [B, 2] { norm(x) }
    #[train]
    fn forward(x: [B, 2]) -> ([B, 2], i64[]) {
        let mode = if training { 1 } else { 0 };
        (dropout(ones_like(x)), mode)
    }
    #[train]
    fn loss(x: [B, 2]) -> [] { linear(norm(dropout(x))).square().mean() }
    #[train]
    fn counted(x: [], #[state] n: []) -> [] { let n = n + x; n }
}

const X: [[f64; 2]; 4] = [[1.0, 5.0], [3.0, 5.0], [5.0, 9.0], [7.0, 9.0]];

/// The statistics are those of the batch, and the running ones move by the momentum.
#[test]
fn batch_normalisation() -> netform::Result<()> {
    let mut net = Net::new(Cpu::f64(), 1)?;
    assert_eq!(net.normalised(&X)?[3][0], 7.0 / (1.0f64 + 1e-5).sqrt());
    let y = net.normalised_train(&X)?.to_vec();
    assert!((y[3][0] - 3.0 / (5.0f64 + 1e-5).sqrt()).abs() < 1e-14);
    assert!((y[0][1] + 2.0 / (4.0f64 + 1e-5).sqrt()).abs() < 1e-14);
    let running = |net: &Net<Cpu<f64>>, name: &str| -> netform::Result<Vec<f64>> {
        Ok(net.parameter(name)?.as_slice::<f64>()?.to_vec())
    };
    let close = |a: Vec<f64>, b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-14);
    assert!(close(running(&net, "norm.running_mean")?, [0.4, 0.7]));
    // Bessel's correction: 20 / 3 and 16 / 3.
    let variance = [0.9 + 2.0 / 3.0, 0.9 + 1.6 / 3.0];
    assert!(close(running(&net, "norm.running_var")?, variance));
    assert_eq!(
        net.parameter("norm.num_batches_tracked")?
            .as_slice::<i64>()?
            .to_vec(),
        [1]
    );
    Ok(())
}

/// Dropout differs from call to call, and gradients and parameters stay.
#[test]
fn dropout_and_gradients() -> netform::Result<()> {
    let mut net = Net::new(Cpu::f64(), 1)?;
    let x = [[1.0; 2]; 64];
    let (y, mode) = net.forward(&x)?;
    assert_eq!((y[0], mode[0]), ([1.0; 2], 0));
    let (a, mode) = net.forward_train(&x)?;
    let (b, _) = net.forward_train(&x)?;
    assert_eq!(mode[0], 1);
    assert_ne!(a.to_vec(), b.to_vec());
    assert!(a.iter().flatten().all(|v| *v == 0.0 || *v == 2.0));
    drop((a, b, mode));

    net.loss_backward(&X)?;
    let (weight, gradient) = (
        net.parameter("linear.weight")?,
        net.gradient("linear.weight")?,
    );
    assert!(net.loss_train(&X)?.item()?.is_finite());
    assert_eq!(net.parameter("linear.weight")?, weight);
    assert_eq!(net.gradient("linear.weight")?, gradient);
    Ok(())
}

/// A network that was never trained has no gradients afterwards; kept values are kept.
#[test]
fn state() -> netform::Result<()> {
    let mut net = Net::new(Cpu::f64(), 1)?;
    let mut state = net.state()?;
    assert_eq!(net.counted_train(2.0, &mut state)?.item()?, 2.0);
    assert_eq!(net.counted_train(3.0, &mut state)?.item()?, 5.0);
    assert_eq!(net.counted(1.0, &mut state)?.item()?, 6.0);
    let bytes = net.core().parameter_bytes();
    assert_eq!(bytes, Net::new(Cpu::f64(), 2)?.core().parameter_bytes());
    Ok(())
}
