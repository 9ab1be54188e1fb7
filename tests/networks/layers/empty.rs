//! Named dimensions that are 0 when a function runs, as in PyTorch: empty sums are 0, empty means are NaN, gradients of
//! parameters are 0, and ops that need elements report an error. On both devices.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::prelude::*;
use netform::{Error, Float, Loss, Network, Output, Result, Row, Tensor};

network! {
    struct Losses {
        hidden: Linear(3 -> 5),
        out: Linear(5 -> 4),
        token: Embedding(7 -> 3),
    }
    fn mlp(#[grad] x: [B, 3]) -> [B, 4] { out(dropout(relu(hidden(x)))) }
    fn mean(#[grad] x: [B, 3], y: u32[B]) -> [] { cross_entropy(mlp(x), y) }
    fn total(#[grad] x: [B, 3], y: u32[B]) -> [] { cross_entropy(mlp(x), y, reduction = "sum") }
    fn words(ids: u32[B, T]) -> [] { token(ids).square().sum() }
}

network! {
    struct Nets {
        conv: Conv2d(2 -> 3, 3, padding = 1),
        norm: BatchNorm2d(3),
        features: Linear(27 -> 4),
        lstm: LSTM(3 -> 4, num_layers = 2, bidirectional = true),
        gru: GRU(3 -> 4, batch_first = false),
        attention: MultiheadAttention(4, 2),
        encoder: TransformerEncoder(TransformerEncoderLayer(4, 2, dim_feedforward = 3), num_layers = 2),
        wave: Conv1d(2 -> 3, 3, padding = 1),
    }
    fn convolved(#[grad] x: [B, 2, H, W]) -> [B, 3, H, W] { norm(conv(x)) }
    #[eval]
    fn images(#[grad] x: [B, 2, 6, 6]) -> [B, 4] {
        let x = convolved(x).relu().max_pool2d(2);
        features(x.flatten(1))
    }
    fn sequences(#[grad] x: [B, T, 3], n: u32[B]) -> ([B, T, 8], [4, B, 4], [T, B, 4], [B, 4]) {
        let (y, (_, c)) = lstm(x, lengths = n);
        let (z, h) = gru(x.transpose(0, 1), lengths = n);
        (y, c, z, h[0])
    }
    fn attends(#[grad] x: [B, T, 4], padded: bool[B, T]) -> [B, T, 4] {
        attention(encoder(x, src_key_padding_mask = padded), is_causal = true)
    }
    fn cross(#[grad] x: [B, T, 4], #[grad] y: [B, S, 4]) -> [B, T, 4] { attention(x, y) }
    fn reduced(#[grad] x: [B, 3]) -> ([], [], [3], [3], [B], [3]) {
        (x.sum(), x.mean(), x.sum(0), logsumexp(x, dim = 0), x.amax(1), x.square().mean(0))
    }
    fn shaped(#[grad] x: [B, T, 4]) -> [T, B * 2, 2] {
        cat([x.softmax(1).cumsum(2), x.flip([0])], dim = 2).reshape([B * 2, T, 4]).narrow(2, 0, 2).transpose(0, 1)
    }
    fn largest(x: [B]) -> [1] { x.amax(0, keepdim = true) }
    fn place(x: [B, 3]) -> i32[3] { argmax(x, dim = 0) }
    fn pooled(x: [B, 2, T]) -> [B, 3, 2] { adaptive_avg_pool1d(wave(x), 2) }
    fn waves(#[grad] x: [B, 2, T]) -> [B, 3, T] { wave(x) }
}

fn nothing(shape: &[usize]) -> Tensor {
    Tensor::from_vec(shape, Vec::<f32>::new()).unwrap()
}

/// Every parameter has a gradient, and it is 0.
fn no_gradient(net: &impl Network) {
    for p in net.parameters() {
        let gradient = net.gradient(p.name()).unwrap().to_f64_vec();
        assert!(
            gradient.iter().all(|g| *g == 0.0),
            "{}: {gradient:?}",
            p.name()
        );
    }
}

/// The value of a loss.
fn number<D: Device>(loss: Loss<D>) -> Result<f64> {
    Ok(loss.item()?.to_f64())
}

/// The values of a result.
fn values<D: Device, T: Row>(y: Output<D, T>) -> Vec<f64> {
    y.to_tensor().to_f64_vec()
}

fn losses<D: Device>(device: D) -> Result<()> {
    let mut net = Losses::new(device, 1)?;
    let (x, y) = (nothing(&[0, 3]), Vec::<u32>::new());
    assert_eq!(net.mlp(&x)?.shape(), [0, 4]);
    assert!(number(net.mean(&x, &y)?)?.is_nan());
    assert_eq!(number(net.total(&x, &y)?)?, 0.0);
    let (loss, dx) = net.mean_backward(&x, &y)?;
    assert!(number(loss)?.is_nan());
    assert_eq!(dx.shape(), [0, 3]);
    drop(dx);
    no_gradient(&net);
    let (loss, _) = net.total_backward(&x, &y)?;
    assert_eq!(number(loss)?, 0.0);
    no_gradient(&net);
    let before = net.parameter("hidden.weight")?;
    net.total_step(&mut Sgd::new(0.1), &x, &y)?;
    assert_eq!(net.parameter("hidden.weight")?, before);
    assert_eq!(net.mlp_vjp(&x, &nothing(&[0, 4]))?.shape(), [0, 3]);
    no_gradient(&net);
    let ids = Tensor::from_vec([0, 5], Vec::<u32>::new())?;
    assert_eq!(number(net.words_backward(&ids)?)?, 0.0);
    no_gradient(&net);
    // Two different sizes for one name are an error, even if one is 0.
    let error = net.total(&x, &[1u32]).err().unwrap();
    assert_eq!(
        error.to_string(),
        "Losses::total: B is 0 in `x` but 1 in `y`"
    );
    let error = net.total(&[[0f32; 3]], &y).err().unwrap();
    assert_eq!(
        error.to_string(),
        "Losses::total: B is 1 in `x` but 0 in `y`"
    );
    // A batch with elements after an empty one.
    let (x, y) = ([[0.5f32, -1.0, 2.0]; 2], [1u32, 3]);
    assert!(number(net.mean_backward(&x, &y)?.0)? > 0.0);
    let gradient = net.gradient("hidden.weight")?.to_f64_vec();
    assert!(gradient.iter().any(|g| *g != 0.0));
    Ok(())
}

fn images<D: Device>(device: D) -> Result<()> {
    let mut net = Nets::new(device, 2)?;
    let x = nothing(&[0, 2, 6, 6]);
    assert_eq!(net.images(&x)?.shape(), [0, 4]);
    assert_eq!(net.images_vjp(&x, &nothing(&[0, 4]))?.shape(), [0, 2, 6, 6]);
    no_gradient(&net);
    assert_eq!(net.convolved(&x)?.shape(), [0, 3, 6, 6]);
    // Statistics of no elements would be kept: an error, as for one value.
    let error = net.convolved_vjp(&x, &nothing(&[0, 3, 6, 6])).err();
    assert!(
        matches!(error, Some(Error::Requirement { .. })),
        "{error:?}"
    );
    assert_eq!(net.waves(&nothing(&[0, 2, 5]))?.shape(), [0, 3, 5]);
    let dy = nothing(&[0, 3, 5]);
    assert_eq!(net.waves_vjp(&nothing(&[0, 2, 5]), &dy)?.shape(), [0, 2, 5]);
    no_gradient(&net);
    Ok(())
}

fn sequences<D: Device>(device: D) -> Result<()> {
    let mut net = Nets::new(device, 3)?;
    for (b, t) in [(0, 5), (0, 1), (0, 0), (3, 0)] {
        let (x, n) = (nothing(&[b, t, 3]), vec![2u32; b]);
        let shapes = [vec![b, t, 8], vec![4, b, 4], vec![t, b, 4], vec![b, 4]];
        let (y, c, z, h) = net.sequences(&x, &n)?;
        let found = [y.to_tensor(), c.to_tensor(), z.to_tensor(), h.to_tensor()];
        for (y, shape) in found.iter().zip(&shapes) {
            assert_eq!(y.shape(), shape);
            assert!(y.to_f64_vec().iter().all(|v| *v == 0.0), "{y:?}");
        }
        let [dy, dc, dz, dh] = shapes.map(|s| {
            let n = s.iter().product();
            Tensor::from_vec(s, vec![1f32; n]).unwrap()
        });
        let dx = net.sequences_vjp(&x, &n, &dy, &dc, &dz, &dh)?;
        assert_eq!(dx.shape(), [b, t, 3]);
        drop(dx);
        no_gradient(&net);
    }
    Ok(())
}

fn attends<D: Device>(device: D) -> Result<()> {
    let mut net = Nets::new(device, 4)?;
    for (b, t) in [(0, 5), (0, 1), (0, 0), (2, 0)] {
        let x = nothing(&[b, t, 4]);
        let padded = Tensor::from_vec([b, t], Vec::<bool>::new())?;
        assert_eq!(net.attends(&x, &padded)?.shape(), [b, t, 4]);
        assert_eq!(net.attends_vjp(&x, &padded, &x)?.shape(), [b, t, 4]);
        no_gradient(&net);
    }
    // No keys.
    let (x, y) = (
        Tensor::from_vec([2, 3, 4], vec![0.5f32; 24])?,
        nothing(&[2, 0, 4]),
    );
    assert_eq!(values(net.cross(&x, &y)?), [0.0; 24]);
    let (dx, dy) = net.cross_vjp(&x, &y, &x)?;
    assert_eq!(dy.shape(), [2, 0, 4]);
    assert_eq!(values(dx), [0.0; 24]);
    Ok(())
}

fn reductions<D: Device>(device: D) -> Result<()> {
    let mut net = Nets::new(device, 5)?;
    let x = nothing(&[0, 3]);
    let (sum, mean, columns, logs, rows, means) = net.reduced(&x)?;
    assert_eq!(values(sum), [0.0]);
    assert!(values(mean)[0].is_nan());
    assert_eq!(values(columns), [0.0; 3]);
    assert_eq!(values(logs), [f64::NEG_INFINITY; 3]);
    assert_eq!(rows.shape(), [0]);
    drop(rows);
    assert!(values(means).iter().all(|v| v.is_nan()));
    let three = [1f32; 3];
    let dx = net.reduced_vjp(&x, 1.0, 1.0, &three, &three, &nothing(&[0]), &three)?;
    assert_eq!(dx.shape(), [0, 3]);
    drop(dx);
    for (b, t) in [(0, 5), (3, 0), (0, 0)] {
        let x = nothing(&[b, t, 4]);
        assert_eq!(net.shaped(&x)?.shape(), [t, b * 2, 2]);
        let dy = nothing(&[t, b * 2, 2]);
        assert_eq!(net.shaped_vjp(&x, &dy)?.shape(), [b, t, 4]);
    }
    Ok(())
}

fn refusals<D: Device>(device: D) -> Result<()> {
    let net = Nets::new(device, 6)?;
    let told = |error: Option<Error>, of: &str| {
        let text = error.map_or_else(String::new, |e| e.to_string());
        assert!(
            text.contains("must be at least") && text.contains(of),
            "{text}"
        );
    };
    told(net.largest(&nothing(&[0])).err(), "B is 0");
    told(net.place(&nothing(&[0, 3])).err(), "B is 0");
    told(net.pooled(&nothing(&[2, 2, 0])).err(), "T is 0");
    assert_eq!(net.pooled(&nothing(&[0, 2, 5]))?.shape(), [0, 3, 2]);
    Ok(())
}

macro_rules! on_both_devices {
    ($($test:ident: $f:ident;)*) => {$(
        #[test]
        fn $test() {
            $f(Cpu::new().with_threads(3)).unwrap();
            $f(Cpu::f64()).unwrap();
            #[cfg(feature = "cuda")]
            $f(device::cuda()).unwrap();
        }
    )*};
}
on_both_devices! {
    a_loss_of_no_sample: losses;
    no_image: images;
    no_sequence: sequences;
    nobody_attends: attends;
    reductions_of_nothing: reductions;
    what_needs_something_is_told: refusals;
}
