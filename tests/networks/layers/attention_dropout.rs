//! Dropout of attention's weights inside the node: the same draw as for weights that are written out, in values,
//! gradients and their gradients, in loops and in recomputation; on any number of threads; memory linear in the
//! sequence. With the feature `cuda`, the GPU must drop the same.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::Tensor;
use netform::prelude::*;
use netform_networks::near::near;

/// The same functions of attention as one node and written out.
macro_rules! twins {
    ($name:ident, $attend:ident) => {
        mod $name {
            use super::*;

            network! {
                pub struct Twin {
                    q: Param[2, 3, 5, 4] = normal(1.0),
                    k: Param[2, 3, 7, 4] = normal(1.0),
                    v: Param[2, 3, 7, 3] = normal(1.0),
                    mask: Param[5, 7] = normal(1.0),
                }

                /// The weights are drawn in rows of a multiple of four.
                fn written(q: [B, H, L, E], k: [B, H, 7, E], v: [B, H, 7, V], m: [L, 7]) -> [B, H, L, V] {
                    let weights = softmax(matmul(q, k.transpose(-2, -1)) * 0.5 + m, -1);
                    matmul(dropout(pad(weights, [0, 1]), 0.4)[.., .., .., 0..7], v)
                }

                fn fused(q: [B, H, L, E], k: [B, H, 7, E], v: [B, H, 7, V], m: [L, 7]) -> [B, H, L, V] {
                    scaled_dot_product_attention(q, k, v, attn_mask = m, dropout_p = 0.4)
                }

                fn plain(m: [5, 7], w: [2, 3, 5, 3]) -> [] { ($attend(q, k, v, m) * w).sum() }

                fn learnt(w: [2, 3, 5, 3]) -> [] { ($attend(q, k, v, mask) * w).sum() }

                fn twice(m: [5, 7], w: [2, 3, 5, 3]) -> [] {
                    let y = $attend(q, k, v, m);
                    ($attend(q, k, v + y.mean(2, keepdim = true), m) * w).sum()
                }

                fn penalty(m: [5, 7], w: [2, 3, 5, 3]) -> [] {
                    let y = ($attend(q, k, v, m) * w).sum();
                    grad(y, q).square().sum() + grad(y, k).sin().sum() + grad(y, v).square().sum()
                }

                fn looped(x: [2, T, 3, 5, 4], m: [5, 7]) -> [] {
                    let (last, all) = scan(x, q, |h, x_t| {
                        let y = $attend(tanh(h) + x_t, k, v, m);
                        (h + cat([y, x_t[.., .., .., 0..1]], -1), y)
                    });
                    last.sum() + all.square().sum()
                }
            }
        }
    };
}

twins!(node, fused);
twins!(spelt, written);

/// Numbers in -1..1.
fn tensor(shape: &[usize], salt: usize) -> Tensor {
    let one = |i: usize| ((i + 100 * salt) as f64 * 12.9898).sin();
    let values: Vec<f64> = (0..shape.iter().product()).map(one).collect();
    Tensor::from_vec(shape, values).unwrap()
}

/// The losses and gradients of a call on each, three times: every run draws again.
macro_rules! agree {
    ($device:expr, $tolerance:expr; $($f:ident ( $($arg:expr),* );)*) => {$({
        let what = stringify!($f);
        let mut a = node::Twin::new($device, 5)?;
        let mut b = spelt::Twin::new($device, 5)?;
        let mut losses = Vec::new();
        for _ in 0..3 {
            let loss = netform::Float::to_f64(a.$f($(&$arg),*)?.item()?);
            let want = netform::Float::to_f64(b.$f($(&$arg),*)?.item()?);
            assert!((loss - want).abs() <= $tolerance * (1.0 + want.abs()), "{what}: {loss} and {want}");
            losses.push(loss.to_bits());
            for p in b.parameters() {
                let (got, want) = (a.gradient(p.name()), b.gradient(p.name()));
                near(&format!("{what}: {}", p.name()), &got?, &want?, $tolerance);
            }
        }
        losses.dedup();
        assert_eq!(losses.len(), 3, "{what}");
    })*};
}

fn inputs() -> [Tensor; 3] {
    [
        tensor(&[5, 7], 1),
        tensor(&[2, 3, 5, 3], 2),
        tensor(&[2, 4, 3, 5, 4], 3),
    ]
}

fn as_written_out<D: Device>(device: impl Fn() -> D, tolerance: f64) -> netform::Result<()> {
    let [m, w, x] = inputs();
    agree! {
        device(), tolerance;
        plain_backward(m, w);
        learnt_backward(w);
        twice_backward(m, w);
        penalty_backward(m, w);
        looped_backward(x, m);
    }
    Ok(())
}

#[test]
fn as_written_out_on_the_cpu() -> netform::Result<()> {
    as_written_out(Cpu::f64, 1e-11)
}

#[cfg(feature = "cuda")]
#[test]
fn as_written_out_on_the_gpu() -> netform::Result<()> {
    as_written_out(device::cuda, 3e-4)
}

/// A layer whose calls backward computes again, or does not.
macro_rules! layers {
    ($(#[$mark:meta])? $name:ident) => {
        mod $name {
            use super::*;

            network! {
                pub struct Block<const D: usize> {
                    norm: LayerNorm(D),
                    attend: MultiheadAttention(D, 2, dropout = 0.3),
                }

                fn forward(x: [B, T, D]) -> [B, T, D] { x + attend(norm(x), is_causal = true) }
            }

            network! {
                pub struct Deep {
                    $(#[$mark])?
                    blocks: [Block<8>; 3],
                }

                fn loss(#[grad] x: [B, T, 8]) -> [] {
                    let mut x = x;
                    for block in blocks {
                        x = block(x);
                    }
                    x.square().mean()
                }
            }
        }
    };
}

layers!(kept);
layers!(
    #[recompute]
    again
);

/// Gradients of two runs, and the loss.
macro_rules! two_runs {
    ($net:expr, $x:expr) => {{
        let mut net = $net;
        let mut out = Vec::new();
        for _ in 0..2 {
            let (loss, dx) = net.loss_backward($x)?;
            out.push(Tensor::from_vec([], vec![loss.item()?])?);
            out.push(dx.to_tensor());
            drop((loss, dx));
            let names: Vec<String> = net.parameters().map(|p| p.name().to_owned()).collect();
            for name in names {
                out.push(net.gradient(&name)?);
            }
        }
        out
    }};
}

#[test]
fn computed_again() -> netform::Result<()> {
    let x = tensor(&[2, 9, 8], 1);
    let a = two_runs!(kept::Deep::new(Cpu::f64(), 3)?, &x);
    let b = two_runs!(again::Deep::new(Cpu::f64(), 3)?, &x);
    assert!(a[0] != a[a.len() / 2]);
    for (a, b) in a.iter().zip(&b) {
        near("again", a, b, 1e-13);
    }
    Ok(())
}

/// Sizes around those of blocks, and larger than one block.
#[test]
fn threads_change_no_bit() -> netform::Result<()> {
    for size in [[1, 1, 8], [2, 66, 8], [1, 300, 8]] {
        let x = tensor(&size, 1);
        let one = two_runs!(kept::Deep::new(Cpu::f64(), 3)?, &x);
        for threads in [2, 3] {
            let more = two_runs!(kept::Deep::new(Cpu::f64().with_threads(threads), 3)?, &x);
            assert!(one == more, "{size:?}, {threads} threads");
        }
    }
    Ok(())
}

#[cfg(feature = "cuda")]
#[test]
fn on_both_devices() -> netform::Result<()> {
    for size in [[1, 1, 8], [2, 7, 8], [1, 70, 8]] {
        let x = tensor(&size, 1);
        let cpu = two_runs!(kept::Deep::new(Cpu::new(), 3)?, &x);
        let gpu = two_runs!(kept::Deep::new(device::cuda(), 3)?, &x);
        for (a, b) in gpu.iter().zip(&cpu) {
            near(&format!("{size:?}"), a, b, 2e-5);
        }
    }
    Ok(())
}

/// Against finite differences, with the same draw in every run.
#[test]
fn by_differences() -> netform::Result<()> {
    let x = tensor(&[2, 5, 8], 1);
    let mut net = kept::Deep::new(Cpu::f64(), 3)?;
    netform::check::gradients(&mut net, |net| net.loss_backward(&x)?.0.item())?;
    Ok(())
}

network! {
    /// All weights, or a few.
    struct Rates {}
    fn all(#[grad] v: [1, 1, 9, 4]) -> [] {
        scaled_dot_product_attention(v, v, v, dropout_p = 1.0).sum()
    }
    fn share(#[grad] v: [1, 1, 2000, 1]) -> [] {
        let one = zeros([1, 1, 50, 1]);
        scaled_dot_product_attention(one, zeros([1, 1, 2000, 1]), v, dropout_p = 0.25).sum()
    }
    fn evaluated(v: [1, 1, 9, 4]) -> [1, 1, 9, 4] {
        scaled_dot_product_attention(v, v, v, dropout_p = 0.5) - scaled_dot_product_attention(v, v, v)
    }
}

#[test]
fn how_many() -> netform::Result<()> {
    let mut net = Rates::new(Cpu::f64(), 1)?;
    let v = tensor(&[1, 1, 9, 4], 1);
    let (loss, dv) = net.all_backward(&v)?;
    assert_eq!(loss.item()?, 0.0);
    assert!(dv.to_tensor().to_f64_vec().iter().all(|x| *x == 0.0));
    drop((loss, dv));
    assert!(
        net.evaluated(&v)?
            .to_tensor()
            .to_f64_vec()
            .iter()
            .all(|x| *x == 0.0)
    );
    // Each of 50 queries weighs 2000 ones equally: a gradient gives the number of times that its value was kept.
    let ones = Tensor::from_vec([1, 1, 2000, 1], vec![1.0; 2000])?;
    let (loss, dv) = net.share_backward(&ones)?;
    let kept = |x: f64| x * 2000.0 * 0.75;
    assert!((kept(loss.item()?) / 100_000.0 - 0.75).abs() < 0.01);
    let counts = dv.to_tensor().to_f64_vec();
    for x in counts.iter().map(|x| kept(*x)) {
        assert!(
            (x - x.round()).abs() < 1e-9 && (20.0..=50.0).contains(&x),
            "{x}"
        );
    }
    Ok(())
}

#[test]
fn memory_grows_as_the_sequence() {
    let bytes = |t| kept::Deep::<Cpu>::loss_backward_memory(2, t);
    assert!(
        bytes(2048) <= 2 * bytes(1024),
        "{} {}",
        bytes(2048),
        bytes(1024)
    );
}
