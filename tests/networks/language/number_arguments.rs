//! Rust constants of any type as the numbers that ops take: as if their values were written.

use netform::prelude::*;

const FAR: f64 = 1e10;
const HALF: f32 = 0.5;
const BASE: f64 = 500.0;
const TWO: usize = 2;
const SOME: f64 = 1.5;

macro_rules! functions {
    ($name:ident, $far:tt, $half:tt, $base:tt, $two:tt, $some:tt) => {
        network! {
            struct $name {}
            fn filled(x: [B, 4]) -> ([B, 5], [B, 4], [B, 4], i64[2]) {
                (
                    cat([x, full([B, 1], $far)], 1),
                    x + full_like(x, $some) * full([4], $half),
                    where(x > 0, x, full([B, 4], $far)),
                    full([2], $two),
                )
            }
            fn positions(x: [B, T, 4]) -> ([B, T, 4], [6, 4]) {
                (rotary(x, base = $base), sinusoidal_positions(6, 4, base = $base))
            }
            fn bounds(x: [B, 4]) -> ([B, 4], [B, 4], [B, 4], [B, 4]) {
                (
                    clamp(x, min = $half, max = $some),
                    hardtanh(x, min_val = -$half, max_val = $some),
                    masked_fill(x, x > 0.2, $far),
                    x.masked_fill(x < 0, -$far),
                )
            }
            fn padded(x: [B, 4], n: i64[B, 4]) -> ([B, 7], [B, 6], i64[B, 5]) {
                (pad(x, [1, 2], value = $far), x.pad([1, 1], value = -$half), pad(n, [0, 1], value = $two))
            }
            fn shapes(x: [B, 1, 4, 4]) -> ([B, 1, 2, 2], [B, 1, 4], [B, 1, 4], [B, 1, 4]) {
                (
                    avg_pool2d(x, 2, divisor_override = $some),
                    var(x, 2, correction = $half),
                    std(x, 2, correction = $two),
                    var(x, 2, correction = 1.0 - $half),
                )
            }
            fn activations(x: [B, 4]) -> ([B, 4], [B, 4], [B, 4], [B, 4], [B, 4]) {
                (
                    leaky_relu(x, negative_slope = $half),
                    elu(x, alpha = $some),
                    celu(x, $some),
                    softplus(x, beta = $some, threshold = $two),
                    layer_norm(x, [4], eps = $half) + rms_norm(x, [4], eps = $half),
                )
            }
            fn losses(x: [B, 4], y: [B, 4], c: u32[B]) -> ([], [], [], []) {
                (
                    smooth_l1_loss(x, y, beta = $half),
                    huber_loss(x, y, delta = $some),
                    cross_entropy(x, c, label_smoothing = $half),
                    cosine_embedding_loss(x, y, c.int() * 2 - 1, margin = $half),
                )
            }
        }
    };
}
functions!(Named, FAR, HALF, BASE, TWO, SOME);
functions!(Written, 1e10, 0.5, 500.0, 2, 1.5);

#[test]
fn constants_are_their_values_in_arguments() -> netform::Result<()> {
    let (a, b) = (Named::new(Cpu::f64(), 1)?, Written::new(Cpu::f64(), 1)?);
    let x = [[0.3, -0.7, 1.25, 0.0], [2.5, 0.1, -3.0, 0.6]];
    let y = [[0.1, 0.2, -1.0, 2.0], [-2.0, 0.5, 3.0, 0.0]];
    let n = [[1i64, 2, 3, 4], [5, 6, 7, 8]];
    let image = [[[x[0], x[1], y[0], y[1]]]];
    let c = [0u32, 1];
    macro_rules! same {
        ($f:ident($($arg:expr),*): $($k:tt)*) => {{
            let (named, written) = (a.$f($($arg),*)?, b.$f($($arg),*)?);
            $(
                let (p, q) = (named.$k.to_tensor(), written.$k.to_tensor());
                assert_eq!(p.shape(), q.shape());
                for (p, q) in p.to_f64_vec().iter().zip(q.to_f64_vec()) {
                    let close = (p - q).abs() <= 1e-12 * q.abs().max(1.0);
                    assert!(close, "{} {}: {p} and {q}", stringify!($f), $k);
                }
            )*
        }};
    }
    same!(filled(&x): 0 1 2 3);
    same!(positions(&[x, y]): 0 1);
    same!(bounds(&x): 0 1 2 3);
    same!(padded(&x, &n): 0 1 2);
    same!(shapes(&image): 0 1 2 3);
    same!(activations(&x): 0 1 2 3 4);
    same!(losses(&x, &y, &c): 0 1 2 3);
    Ok(())
}
