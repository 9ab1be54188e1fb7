//! Values that rounding must not lose: the logarithm of a sum beside a large maximum, the distance from a large mean,
//! moments at both ends of the range. Against exact values, in f32, in f64 and on the GPU.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::Tensor;
use netform::prelude::*;

network! {
    struct Rounding {
        layer: LayerNorm(14, elementwise_affine = false),
        root: RMSNorm(14, elementwise_affine = false),
        batch: BatchNorm1d(14),
    }

    // Each picks from a log-softmax, or keeps the exponentials of one.
    fn loss(#[grad] x: [B, 3], y: u32[B]) -> [B] { cross_entropy(x, y, reduction = "none") }
    fn smooth(#[grad] x: [B, 3], y: u32[B]) -> [B] { cross_entropy(x, y, label_smoothing = 0.3, reduction = "none") }
    fn focal(#[grad] x: [B, 3], y: u32[B, 1]) -> [B, 1] {
        let l = log_softmax(x, 1).gather(1, y);
        -(1 - exp(l)).square() * l
    }
    /// Columns, and a score that is added before the choice.
    fn beam(#[grad] x: [3, B], score: [1, B], y: u32[1, B]) -> [1, B] { (log_softmax(x, 0) + score).gather(0, y) }
    fn slope(#[grad] x: [B, 3], y: u32[B]) -> [B, 3] { grad(cross_entropy(x, y, reduction = "sum"), x) }
    fn total(#[grad] x: [B, 3]) -> [B] { logsumexp(x, 1) }

    fn rows(#[grad] x: [B, 14]) -> [B, 14] { layer(x) }
    fn bare(#[grad] x: [B, 14]) -> [2, B, 14] { stack(layer_norm(x, [14], eps = 0.0), rms_norm(x, [14], eps = 0.0)) }
    fn roots(#[grad] x: [B, 14]) -> [B, 14] { root(x) }
    fn lengths(#[grad] x: [B, 14]) -> [3, B] { stack(norm(x, dim = 1), norm(x, 3, dim = 1), norm(x, -1, dim = 1)) }
    fn long(#[grad] x: [B, N]) -> [3, B] { stack(norm(x, dim = 1), x.var(1, 4), x.std(1, 4)) }
    fn angles(#[grad] x: [B, 14], y: [B, 14]) -> [B] {
        cosine_embedding_loss(x, y, full([B], 1.0), reduction = "none")
    }
    fn tracked(x: [B, 14]) -> [] { batch(x).square().mean() }
    /// Heads of one query each.
    fn attend(#[grad] q: [B, 1, 2], #[grad] k: [B, 5, 2], #[grad] v: [B, 5, 1]) -> [B, 1, 1] {
        scaled_dot_product_attention(q, k, v, scale = 1.0)
    }
    fn channels(#[grad] x: [2, 4, 7]) -> [3, 2, 4, 7] {
        stack(group_norm(x, 2), instance_norm(x), batch_norm(x, None, None, training = true))
    }
    fn moments(#[grad] x: [B, 14]) -> [4, B] { stack(x.mean(1), x.var(1), x.std(1), x.std(1, 0)) }
    fn whole(#[grad] x: [B, 14]) -> [3] { stack(x.mean(), x.var(), x.std()) }
}

/// Compares each with the exact value, within a relative and an absolute error.
fn near(what: &str, got: &Tensor, want: &[f64], relative: f64, beside: f64) {
    let got = got.to_f64_vec();
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        let allowed = relative * b.abs() + beside;
        assert!(
            (a - b).abs() <= allowed,
            "{what}[{i}] is {a}, not {b}: {got:?}"
        );
    }
}

const SCORES: [[f32; 3]; 8] = [
    [1e4, 10_001.0, 9_999.0],
    [1e7; 3],
    [100.0, 85.0, 84.0],
    [1e30, 1e30, -1e30],
    [20.0, 0.0, 0.0],
    [-1e7, -9_999_999.0, -10_000_001.0],
    [3e38, 3e38, 3e38],
    [1e-30, 2e-38, 0.0],
];

/// The logarithms of a row's softmax.
fn log_softmax(row: [f32; 3]) -> [f64; 3] {
    let row = row.map(f64::from);
    let at = (0..3).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
    let rest: f64 = (0..3)
        .filter(|k| *k != at)
        .map(|k| (row[k] - row[at]).exp())
        .sum();
    row.map(|x| (x - row[at]) - rest.ln_1p())
}

fn picks<D: Device>(device: D, unit: f64) -> netform::Result<()> {
    let mut net = Rounding::new(device, 0)?;
    let x = Tensor::from(&SCORES);
    let columns: Vec<f32> = (0..3).flat_map(|k| SCORES.map(|r| r[k])).collect();
    let columns = Tensor::from_vec([3, 8], columns)?;
    let logs = SCORES.map(log_softmax);
    let (one, column, row) = (vec![1f32; 8], vec![[1f32]; 8], [[1f32; 8]]);
    let dy: Vec<[f32; 3]> = (0..8).map(|i| [1.0, -0.5, 0.25 * i as f32]).collect();
    for class in 0..3usize {
        let y = vec![class as u32; 8];
        let ys: Vec<[u32; 1]> = y.iter().map(|y| [*y]).collect();
        let own = |k: usize| f64::from(u8::from(k == class));
        let each = |f: &dyn Fn([f64; 3], usize) -> f64| -> Vec<f64> {
            logs.iter().flat_map(|l| (0..3).map(|k| f(*l, k))).collect()
        };
        let values =
            |f: &dyn Fn([f64; 3]) -> f64| -> Vec<f64> { logs.iter().map(|l| f(*l)).collect() };
        let (close, wide) = (8.0 * unit, 16.0 * unit);

        near(
            "loss",
            &net.loss(&x, &y)?.to_tensor(),
            &values(&|l| -l[class]),
            close,
            0.0,
        );
        let dx = net.loss_vjp(&x, &y, &one)?.to_tensor();
        near(
            "loss_vjp",
            &dx,
            &each(&|l, k| l[k].exp() - own(k)),
            close,
            2.0 * unit,
        );

        let mean = |l: [f64; 3]| l.iter().sum::<f64>() / 3.0;
        let want = values(&|l| -0.7 * l[class] - 0.3 * mean(l));
        near(
            "smooth",
            &net.smooth(&x, &y)?.to_tensor(),
            &want,
            close,
            0.0,
        );
        let dx = net.smooth_vjp(&x, &y, &one)?.to_tensor();
        let want = each(&|l, k| l[k].exp() - 0.7 * own(k) - 0.1);
        near("smooth_vjp", &dx, &want, close, 4.0 * unit);

        let want = values(&|l| -l[class].exp_m1().powi(2) * l[class]);
        near(
            "focal",
            &net.focal(&x, &ys)?.to_tensor(),
            &want,
            wide,
            4.0 * unit,
        );
        let dx = net.focal_vjp(&x, &ys, &column)?.to_tensor();
        let want = each(&|l, k| {
            let (p, l) = (l[class].exp(), [l[k].exp(), l[class]]);
            let slope = if p == 0.0 {
                -1.0
            } else {
                2.0 * (1.0 - p) * p * l[1] - (1.0 - p).powi(2)
            };
            slope * (own(k) - l[0])
        });
        near("focal_vjp", &dx, &want, wide, 8.0 * unit);

        let (score, chosen) = ([[0.25f32; 8]], [[class as u32; 8]]);
        let want = values(&|l| l[class] + 0.25);
        near(
            "beam",
            &net.beam(&columns, &score, &chosen)?.to_tensor(),
            &want,
            close,
            unit,
        );
        let dx = net.beam_vjp(&columns, &score, &chosen, &row)?.to_tensor();
        let want: Vec<f64> = (0..3)
            .flat_map(|k| logs.map(|l| own(k) - l[k].exp()))
            .collect();
        near("beam_vjp", &dx, &want, close, 2.0 * unit);

        near(
            "slope",
            &net.slope(&x, &y)?.to_tensor(),
            &each(&|l, k| l[k].exp() - own(k)),
            close,
            2.0 * unit,
        );
        let dx = net.slope_vjp(&x, &y, &dy)?.to_tensor();
        let mut want = Vec::new();
        for (l, dy) in logs.iter().zip(&dy) {
            let (p, dy) = (l.map(f64::exp), dy.map(f64::from));
            let dot: f64 = p.iter().zip(dy).map(|(p, d)| p * d).sum();
            want.extend((0..3).map(|k| p[k] * (dy[k] - dot)));
        }
        near("slope_vjp", &dx, &want, wide, 8.0 * unit);
    }
    let dx = net.total_vjp(&x, &one)?.to_tensor();
    let want: Vec<f64> = logs.iter().flatten().map(|l| l.exp()).collect();
    near("total_vjp", &dx, &want, 8.0 * unit, 0.0);
    Ok(())
}

/// Rows of 14: equal values, values close to each other with a large mean, both ends of the range.
fn samples() -> Vec<[f32; 14]> {
    let equal = [
        1_000.000_24,
        10_000_004.0,
        0.1,
        3.4e38,
        -7.7e30,
        1e-38,
        1e-45,
        0.0,
    ];
    let mut all: Vec<[f32; 14]> = equal.map(|v| [v; 14]).into();
    let mut noise = [0f32; 14];
    netform::fill_uniform(3, 0, &mut noise, -1.0, 1.0);
    for (centre, size) in [
        (0.0, 1.0),
        (1e4, 0.02),
        (1e4, 1.0),
        (-1e7, 3.0),
        (1e30, 1e30),
        (0.0, 1e-30),
        (0.0, 1e18),
        (3e13, 1e14),
        (0.0, 2e38),
        (0.0, 1e-37),
        (16_777_216.0, 10.0),
    ] {
        all.push(noise.map(|n| centre + size * n));
    }
    // The first is far from the others, which are far apart compared to other rows.
    let mut odd = noise;
    odd[0] = 1e6;
    all.push(odd);
    all
}

/// Mean, and distances from it.
fn centred(x: &[f64]) -> (f64, Vec<f64>) {
    let mean = x[0] + x.iter().map(|v| v - x[0]).sum::<f64>() / x.len() as f64;
    let rest = x.iter().map(|v| v - mean).sum::<f64>() / x.len() as f64;
    (mean + rest, x.iter().map(|v| (v - mean) - rest).collect())
}

/// A layer normalisation without weights, and its gradient for `dy`.
fn normalised(x: &[f64], dy: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (n, (_, d)) = (x.len() as f64, centred(x));
    let r = 1.0 / (d.iter().map(|d| d * d).sum::<f64>() / n + 1e-5).sqrt();
    let y: Vec<f64> = d.iter().map(|d| d * r).collect();
    let mean = dy.iter().sum::<f64>() / n;
    let dot = y.iter().zip(dy).map(|(y, dy)| y * dy).sum::<f64>() / n;
    let dx = y
        .iter()
        .zip(dy)
        .map(|(y, dy)| r * (dy - mean - y * dot))
        .collect();
    (y, dx)
}

fn norms<D: Device>(device: D, unit: f64) -> netform::Result<()> {
    let mut net = Rounding::new(device, 0)?;
    let dy: [f32; 14] = std::array::from_fn(|i| (i as f32 - 5.0) / 4.0);
    let (close, up) = (200.0 * unit, dy.map(f64::from));
    for row in samples() {
        let x = row.map(f64::from);
        let equal = row.iter().all(|v| *v == row[0]);
        let what = format!("{row:?}");
        let y = net.rows(&[row])?.to_tensor();
        let dx = net.rows_vjp(&[row], &[dy])?.to_tensor();
        if equal {
            assert!(y.to_f64_vec().iter().all(|v| *v == 0.0), "{what}: {y:?}");
        }
        let (want, slopes) = normalised(&x, &up);
        near(&what, &y, &want, close, close);
        let scale = slopes.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        let smallest = if unit < 1e-10 { 0.0 } else { 2e-45 };
        near(
            &format!("{what}: dx"),
            &dx,
            &slopes,
            close,
            close * scale + smallest,
        );

        let (mean, d) = centred(&x);
        let scale = 2f64.powi(70);
        let squares: f64 = d.iter().map(|d| (d / scale).powi(2)).sum();
        let (std, biased) = (
            (squares / 13.0).sqrt() * scale,
            (squares / 14.0).sqrt() * scale,
        );
        let got = net.moments(&[row])?.to_tensor().to_f64_vec();
        let whole = net.whole(&[row])?.to_tensor().to_f64_vec();
        let tiny = if unit < 1e-10 { 0.0 } else { 2e-45 };
        let same = |name: &str, got: f64, want: f64| {
            let allowed = 8.0 * unit * want.abs() + tiny;
            assert!(
                (got - want).abs() <= allowed,
                "{name} of {what} is {got}, not {want}"
            );
        };
        for (name, got, want) in [
            ("mean", got[0], mean),
            ("std", got[2], std),
            ("biased", got[3], biased),
            ("mean of all", whole[0], mean),
            ("std of all", whole[2], std),
        ] {
            same(name, got, want);
        }
        let mut var = squares / 13.0 * scale * scale;
        if unit > 1e-10 && var > f64::from(f32::MAX) {
            var = f64::INFINITY;
        }
        for (name, got) in [("var", got[1]), ("var of all", whole[1])] {
            match var.is_finite() {
                true => same(name, got, var),
                false => assert_eq!(got, var, "{name} of {what}"),
            }
        }
        // The gradients of one moment each.
        for (k, name) in ["mean", "var", "std"].iter().enumerate() {
            let pick: [[f32; 1]; 4] = std::array::from_fn(|i| [f32::from(u8::from(i == k))]);
            let dx = net.moments_vjp(&[row], &pick)?.to_tensor();
            let want: Vec<f64> = (d.iter())
                .map(|d| match k {
                    0 => 1.0 / 14.0,
                    1 => 2.0 * d / 13.0,
                    _ if std == 0.0 => 0.0,
                    _ => d / (13.0 * std),
                })
                .collect();
            let scale = want.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            near(
                &format!("{name}: dx of {what}"),
                &dx,
                &want,
                8.0 * unit,
                8.0 * unit * scale + tiny,
            );
        }

        // A group of 14 values, an instance of 7, a channel of 14 in two samples.
        let block: Vec<f32> = row.iter().cycle().copied().take(56).collect();
        let x = Tensor::from_vec([2, 4, 7], block.clone())?;
        let y = net.channels(&x)?.to_tensor();
        if equal {
            assert!(y.to_f64_vec().iter().all(|v| *v == 0.0), "{what}: {y:?}");
        }
        let at = |i: usize| f64::from(block[i]);
        let mut want = vec![0.0; 3 * 56];
        let groups = (0..4).map(|g| (0, (14 * g..14 * g + 14).collect::<Vec<usize>>()));
        let instances = (0..8).map(|g| (1, (7 * g..7 * g + 7).collect()));
        let channels = (0..4).map(|c| (2, (0..14).map(|i| i / 7 * 28 + 7 * c + i % 7).collect()));
        for (kind, places) in groups.chain(instances).chain(channels) {
            let values: Vec<f64> = places.iter().map(|i| at(*i)).collect();
            for (i, y) in places.iter().zip(normalised(&values, &values).0) {
                want[56 * kind + i] = y;
            }
        }
        near(&format!("channels of {what}"), &y, &want, close, close);
    }
    Ok(())
}

/// The distances of `x` from its mean, or `x` itself, divided by their root mean square, and the gradient for `dy`.
fn bare(x: &[f64], dy: &[f64], about_mean: bool) -> (Vec<f64>, Vec<f64>) {
    let n = x.len() as f64;
    let d = if about_mean { centred(x).1 } else { x.to_vec() };
    let unit = d.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let r = 1.0 / (d.iter().map(|d| (d / unit).powi(2)).sum::<f64>() / n).sqrt() / unit;
    let y: Vec<f64> = d.iter().map(|d| d * r).collect();
    let mean = if about_mean {
        dy.iter().sum::<f64>() / n
    } else {
        0.0
    };
    let dot = y.iter().zip(dy).map(|(y, dy)| y * dy).sum::<f64>() / n;
    let dx = y.iter().zip(dy).map(|(y, dy)| r * (dy - mean - y * dot));
    (y.clone(), dx.collect())
}

/// Rows at both ends of the range: with no `eps` beside the variance, lengths, angles, running statistics.
fn lengths<D: Device>(device: D, unit: f64) -> netform::Result<()> {
    let mut net = Rounding::new(device, 0)?;
    let dy: [f32; 14] = std::array::from_fn(|i| (i as f32 - 5.0) / 4.0);
    let (close, up) = (200.0 * unit, dy.map(f64::from));
    let mut noise = [0f32; 14];
    netform::fill_uniform(3, 0, &mut noise, -1.0, 1.0);
    let ends = [
        1.0, 1e-6, 1e-19, 1e-25, 1e-30, 1e-37, 1e8, 1e13, 1e18, 1e19, 1e20, 1e25, 1e30, 1e37, 2e38,
    ];
    for size in ends {
        let row = noise.map(|n| n * size as f32);
        let x = row.map(f64::from);
        let what = format!("{size}: {row:?}");
        // Results of rows of denormals are only as exact as denormals.
        let kept = if unit < 1e-10 { 0.0 } else { 1.5e-45 / size };
        let close = close + 14.0 * kept;
        let (y, dx) = (
            net.bare(&[row])?.to_tensor().to_f64_vec(),
            |net: &mut Rounding<D>, k| {
                let picked: [[[f32; 14]; 1]; 2] =
                    std::array::from_fn(|i| [if i == k { dy } else { [0.0; 14] }]);
                net.bare_vjp(&[row], &picked).map(|dx| dx.to_tensor())
            },
        );
        let largest = |x: &[f64]| x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
        for k in 0..2 {
            let (want, slopes) = bare(&x, &up, k == 0);
            let got = Tensor::from_vec([14], y[14 * k..14 * k + 14].to_vec())?;
            near(&format!("bare {k} of {what}"), &got, &want, close, close);
            let dx = dx(&mut net, k)?;
            // A slope beyond f32's range is infinite.
            if largest(&slopes) < 3e38 || unit < 1e-10 {
                let beside = close * largest(&slopes) + 3e-45;
                near(
                    &format!("bare {k}: dx of {what}"),
                    &dx,
                    &slopes,
                    close,
                    beside,
                );
            }
        }
        let got = net.roots(&[row])?.to_tensor();
        let r =
            1.0 / (x.iter().map(|v| v * v).sum::<f64>() / 14.0 + f64::from(f32::EPSILON)).sqrt();
        let want: Vec<f64> = x.iter().map(|v| v * r).collect();
        near(&format!("roots of {what}"), &got, &want, close, 3e-45);

        let top = largest(&x);
        let got = net.lengths(&[row])?.to_tensor();
        let power = |p: f64| {
            x.iter()
                .map(|v| (v.abs() / top).powf(p))
                .sum::<f64>()
                .powf(1.0 / p)
                * top
        };
        let want = [power(2.0), power(3.0), power(-1.0)];
        let fits = want.map(|w| {
            if unit > 1e-10 && w > f64::from(f32::MAX) {
                f64::INFINITY
            } else {
                w
            }
        });
        for (k, (got, want)) in got.to_f64_vec().iter().zip(fits).enumerate() {
            let fine = (got - want).abs() <= close * want + 3e-45 || *got == want;
            assert!(fine, "length {k} of {what} is {got}, not {want}");
            let pick: [[f32; 1]; 3] = std::array::from_fn(|i| [f32::from(u8::from(i == k))]);
            let p = [2.0, 3.0, -1.0][k];
            let slopes: Vec<f64> = x
                .iter()
                .map(|v| v.signum() * (v.abs() / power(p)).powf(p - 1.0))
                .collect();
            if fits[k].is_finite() && size > 1e-36 {
                let dx = net.lengths_vjp(&[row], &pick)?.to_tensor();
                near(
                    &format!("length {k}: dx of {what}"),
                    &dx,
                    &slopes,
                    2.0 * close,
                    close,
                );
            }
        }

        let angle = net.angles(&[row], &[dy])?.to_tensor();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let least = f64::from(1e-12f32);
        let cos = dot(&x, &up) / ((dot(&x, &x) + least).sqrt() * (dot(&up, &up) + least).sqrt());
        near(
            &format!("angle of {what}"),
            &angle,
            &[1.0 - cos],
            close,
            close,
        );
        let own = net.angles(&[row], &[row])?.to_tensor().to_f64_vec();
        let want = least / (dot(&x, &x) + least);
        assert!(
            (own[0] - want).abs() <= close,
            "angle of {what} to itself: {own:?}"
        );
    }
    Ok(())
}

/// Sums of many squares, each of which fits, and more corrections than values.
fn long<D: Device>(device: D, unit: f64) -> netform::Result<()> {
    let mut net = Rounding::new(device, 0)?;
    for size in [5e17f32, 1e18, 1.1e18, 1e19] {
        let row = Tensor::from_vec([1, 512], vec![size; 512])?;
        let want = f64::from(size) * 512f64.sqrt();
        let got = net.long(&row)?.to_tensor().to_f64_vec()[0];
        assert!((got - want).abs() <= 8.0 * unit * want, "{got}, not {want}");
        let dx = net.long_vjp(&row, &[[1.0f32], [0.0], [0.0]])?.to_tensor();
        near("dx", &dx, &[512f64.sqrt().recip(); 512], 8.0 * unit, 0.0);
    }
    let few = net.long(&[[1.0f32, 2.0, 4.0]])?.to_tensor().to_f64_vec();
    assert_eq!(few[1..], [f64::INFINITY; 2]);
    // The incoming gradient is large, the slopes are not.
    let row = [[1e18f32, 2e18, -1e18, 0.0, 0.0]];
    let dx = net.long_vjp(&row, &[[1e25f32], [0.0], [0.0]])?.to_tensor();
    let slopes = [1.0, 2.0, -1.0, 0.0, 0.0].map(|x| f64::from(1e25f32) * x / 6f64.sqrt());
    near("dx", &dx, &slopes, 16.0 * unit, 0.0);
    Ok(())
}

/// A batch with one value so far away that its square is beyond f32, but the variance is not.
fn running<D: Device>(device: D, unit: f64) -> netform::Result<()> {
    let mut net = Rounding::new(device, 0)?;
    let (count, far) = (4_096usize, 2e20f64);
    let mut x = vec![0f32; count * 14];
    x[14 * 17..14 * 18].fill(far as f32);
    net.tracked_backward(&Tensor::from_vec([count, 14], x)?)?;
    let want = 0.9 + 0.1 * f64::from(far as f32).powi(2) / count as f64;
    let got = net.parameter("batch.running_var")?.to_f64_vec();
    for v in got {
        assert!(
            (v - want).abs() <= 1e3 * unit * want,
            "running_var is {v}, not {want}"
        );
    }
    Ok(())
}

/// Weights that backward computes again sum to 1, however large the scores.
fn attention<D: Device>(device: D, unit: f64) -> netform::Result<()> {
    let mut net = Rounding::new(device, 0)?;
    let sizes = [1.0f32, 1e3, 1e4, 1e5, 1e6, -1e6, 3e7];
    let q = sizes.map(|s| [[s, 1.0]]);
    // Scores apart by up to 2, beside a large one.
    let k = sizes.map(|_| {
        [
            [1f32, 0.0],
            [1.0, -0.5],
            [1.0, 1.0],
            [1.0, -1.0],
            [1.0, 0.25],
        ]
    });
    let v = sizes.map(|_| [[1f32], [2.0], [-1.0], [0.5], [3.0]]);
    let (q, k, v) = (
        Tensor::from(&q[..]),
        Tensor::from(&k[..]),
        Tensor::from(&v[..]),
    );
    let one = Tensor::from(&sizes.map(|_| [[1f32]])[..]);
    let (dq, dk, dv) = net.attend_vjp(&q, &k, &v, &one)?;
    let (dv, dk, dq) = (
        dv.to_tensor().to_f64_vec(),
        dk.to_tensor().to_f64_vec(),
        dq.to_tensor().to_f64_vec(),
    );
    for (head, size) in sizes.iter().enumerate() {
        let sum: f64 = dv[5 * head..5 * head + 5].iter().sum();
        assert!(
            (sum - 1.0).abs() <= 16.0 * unit,
            "weights at {size} sum to {sum}"
        );
        // Gradients of scores sum to 0.
        let slopes: Vec<f64> = (0..5).map(|j| dk[10 * head + 2 * j + 1]).collect();
        let rest: f64 = slopes.iter().sum();
        assert!(
            rest.abs() <= 64.0 * unit,
            "slopes at {size} sum to {rest}: {slopes:?}"
        );
        assert!(
            dq[2 * head].abs() <= 64.0 * unit,
            "dq at {size}: {}",
            dq[2 * head]
        );
    }
    Ok(())
}

#[test]
fn picks_in_f32() -> netform::Result<()> {
    picks(Cpu::new(), 6e-8)
}

#[test]
fn picks_in_f64() -> netform::Result<()> {
    picks(Cpu::f64(), 1.2e-16)
}

#[test]
fn norms_in_f32() -> netform::Result<()> {
    norms(Cpu::new(), 6e-8)
}

#[test]
fn norms_in_f64() -> netform::Result<()> {
    norms(Cpu::f64(), 1.2e-16)
}

#[test]
fn both_ends_in_f32() -> netform::Result<()> {
    lengths(Cpu::new(), 6e-8)?;
    long(Cpu::new(), 6e-8)?;
    running(Cpu::new(), 6e-8)?;
    attention(Cpu::new(), 6e-8)
}

#[test]
fn both_ends_in_f64() -> netform::Result<()> {
    lengths(Cpu::f64(), 1.2e-16)?;
    long(Cpu::f64(), 1.2e-16)?;
    running(Cpu::f64(), 1.2e-16)?;
    attention(Cpu::f64(), 1.2e-16)
}

#[cfg(feature = "cuda")]
#[test]
fn the_same_on_the_gpu() -> netform::Result<()> {
    picks(device::cuda(), 6e-8)?;
    norms(device::cuda(), 6e-8)?;
    lengths(device::cuda(), 6e-8)?;
    long(device::cuda(), 6e-8)?;
    running(device::cuda(), 6e-8)?;
    attention(device::cuda(), 6e-8)
}
