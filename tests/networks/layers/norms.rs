//! Normalisation of channels: values and buffers against plain loops, gradients against differences, layers in every
//! place where they are allowed.

use netform::prelude::*;
use netform::{Network, Tensor};
use netform_networks::near::within;
use netform_networks::values::uniform;

network! {
    /// Every kind, with inputs that are parameters so that their gradients are checked too.
    struct Kinds {
        flat: Param[5, 3] = normal(1.0),
        line: Param[3, 4, 7] = normal(1.0),
        plane: Param[2, 6, 3, 5] = normal(1.0),
        short: Param[4, 3, 1] = normal(1.0),
        single: Param[1, 6, 2, 3] = normal(1.0),
        deep: Param[2, 2, 2, 1, 3] = normal(1.0),
        batch_1: BatchNorm1d(3),
        batch_1l: BatchNorm1d(4, momentum = None),
        batch_1s: BatchNorm1d(3, affine = false),
        batch_2: BatchNorm2d(6, eps = 0.01, track_running_stats = false),
        batch_2s: BatchNorm2d(6),
        batch_3: BatchNorm3d(2),
        group: GroupNorm(2, 6),
        group_all: GroupNorm(1, 4, affine = false),
        group_each: GroupNorm(6, 6),
        instance_1: InstanceNorm1d(4, affine = true, track_running_stats = true),
        instance_2: InstanceNorm2d(6),
        instance_3: InstanceNorm3d(2),
    }
    fn loss(#[grad] w: []) -> [] {
        let flat = batch_1(flat).square() * 0.3;
        let a = sin(batch_1l(line)).mean() + sin(group_all(line)).mean() + sin(instance_1(line)).mean();
        let b = sin(batch_2(plane)).mean() + sin(group(plane)).mean() + sin(group_each(plane)).mean();
        let c = sin(instance_2(plane)).mean() + sin(instance_2(plane[0])).mean();
        let d = sin(batch_1s(short)).mean() + sin(batch_2s(single)).mean();
        let e = sin(instance_3(deep)).mean() + sin(batch_3(deep)).mean();
        (tanh(flat).mean() + a + b + c + d + e) * w
    }
}

#[test]
fn gradients_of_every_kind() {
    let mut net = Kinds::new(Cpu::f64(), 4).unwrap();
    for name in ["batch_1.weight", "group.bias", "batch_2.weight"] {
        let shape = net.parameter(name).unwrap().shape().to_vec();
        let values = (0..shape[0]).map(|i| 0.5 + 0.3 * i as f64).collect();
        net.set_parameter(name, &Tensor::from_vec(shape, values).unwrap())
            .unwrap();
    }
    netform::check::gradients(&mut net, |net| net.loss_backward(1.3)?.0.item()).unwrap();
}

network! {
    struct Batch {
        norm: BatchNorm1d(3),
        all: BatchNorm1d(3, momentum = None),
        each: InstanceNorm1d(3, track_running_stats = true, momentum = 0.25),
        frozen_scale: Param[] = ones,
    }
    /// The gradient of `dy` is the result in training mode.
    fn trained(x: [B, 3, L], #[grad] dy: [B, 3, L]) -> [] {
        (norm(x) * dy).sum() + 0.0 * (all(x).sum() + each(x).sum() + all.weight.sum() + frozen_scale)
    }
    fn forward(x: [B, 3, L]) -> [B, 3, L] { norm(x) }
    fn by_all(x: [B, 3, L]) -> [B, 3, L] { all(x) }
    fn by_each(x: [B, 3, L]) -> [B, 3, L] { each(x) }
}

/// Mean and variances, biased and not, of some values.
fn moments(values: &[f64]) -> [f64; 3] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    [mean, squares / n, squares / (n - 1.0)]
}

/// The values of a channel, sample by sample.
fn channel(x: &Tensor, c: usize) -> Vec<Vec<f64>> {
    let [b, channels, l] = *x.shape() else {
        panic!()
    };
    let x = x.to_f64_vec();
    let row = |i: usize| x[(i * channels + c) * l..][..l].to_vec();
    (0..b).map(row).collect()
}

#[test]
fn training_and_evaluation_as_pytorch() {
    let mut net = Batch::new(Cpu::f64(), 0).unwrap();
    let (mut mean, mut var) = ([0.0; 3], [1.0; 3]);
    let (mut all_mean, mut all_var) = ([0.0; 3], [1.0; 3]);
    let (mut each_mean, mut each_var) = ([0.0; 3], [1.0; 3]);
    for step in 0..3 {
        let x = uniform::<f64>(&[4, 3, 5], step, (-1.0, 3.0));
        let (_, y) = net.trained_backward(&x, &x).unwrap();
        let y = y.to_tensor();
        for c in 0..3 {
            let rows = channel(&x, c);
            let values = rows.concat();
            let [m, biased, unbiased] = moments(&values);
            let wanted: Vec<f64> = values
                .iter()
                .map(|x| (x - m) / (biased + 1e-5).sqrt())
                .collect();
            within(&channel(&y, c).concat(), &wanted, 1e-12);
            mean[c] += 0.1 * (m - mean[c]);
            var[c] += 0.1 * (unbiased - var[c]);
            let part = 1.0 / (step + 1) as f64;
            all_mean[c] += part * (m - all_mean[c]);
            all_var[c] += part * (unbiased - all_var[c]);
            let of_rows: Vec<[f64; 3]> = rows.iter().map(|r| moments(r)).collect();
            let average = |k: usize| of_rows.iter().map(|m| m[k]).sum::<f64>() / 4.0;
            each_mean[c] += 0.25 * (average(0) - each_mean[c]);
            each_var[c] += 0.25 * (average(2) - each_var[c]);
        }
    }
    let get = |name: &str| net.parameter(name).unwrap();
    for (name, wanted) in [
        ("norm.running_mean", mean),
        ("norm.running_var", var),
        ("all.running_mean", all_mean),
        ("all.running_var", all_var),
        ("each.running_mean", each_mean),
        ("each.running_var", each_var),
    ] {
        within(&get(name).to_f64_vec(), &wanted, 1e-12);
    }
    assert_eq!(get("norm.num_batches_tracked"), Tensor::scalar(3i64));
    assert_eq!(get("each.num_batches_tracked"), Tensor::scalar(0i64));
    // Evaluation, also with one value per channel.
    let x = uniform::<f64>(&[1, 3, 1], 9, (-1.0, 1.0));
    let values = x.to_f64_vec();
    let used = |mean: [f64; 3], var: [f64; 3]| -> Vec<f64> {
        let one = |c: usize| (values[c] - mean[c]) / (var[c] + 1e-5).sqrt();
        (0..3).map(one).collect()
    };
    let y = net.forward(&x).unwrap().to_tensor();
    within(&y.to_f64_vec(), &used(mean, var), 1e-12);
    let y = net.by_all(&x).unwrap().to_tensor();
    within(&y.to_f64_vec(), &used(all_mean, all_var), 1e-12);
    let y = net.by_each(&x).unwrap().to_tensor();
    within(&y.to_f64_vec(), &used(each_mean, each_var), 1e-12);
    // Training needs two values per channel.
    let error = net.trained_backward(&x, &x).unwrap_err().to_string();
    assert!(error.contains("at least 2"), "{error}");
}

#[test]
fn a_count_is_a_whole_number_in_files() {
    let mut net = Batch::new(Cpu::new(), 0).unwrap();
    let x = uniform::<f64>(&[4, 3, 5], 1, (-1.0, 1.0));
    net.trained_backward(&x, &x).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("batch.safetensors");
    net.save(&path).unwrap();
    let file = netform::files::safetensors::read(&path).unwrap();
    let of = |name: &str| file.iter().find(|(n, _)| n == name).unwrap().1.clone();
    assert_eq!(of("norm.num_batches_tracked"), Tensor::scalar(1i64));
    let mut other = Batch::new(Cpu::new(), 1).unwrap();
    other.load(&path).unwrap();
    for (a, b) in net.buffers().zip(other.buffers()) {
        assert_eq!(a.values().unwrap(), b.values().unwrap(), "{}", a.name());
    }
    // A file from before PyTorch counted batches has no counts.
    let older = file
        .iter()
        .filter(|(n, _)| !n.ends_with("num_batches_tracked"))
        .map(|(n, t)| (n.as_str(), t));
    netform::files::safetensors::write(&path, older).unwrap();
    other.load(&path).unwrap();
    assert_eq!(
        other.parameter("norm.num_batches_tracked").unwrap(),
        Tensor::scalar(0i64)
    );
    let text = Tensor::from(&[true]);
    let error = other.set_parameter("norm.num_batches_tracked", &text);
    assert!(error.is_err());
    other
        .set_parameter("norm.num_batches_tracked", &Tensor::scalar(7i64))
        .unwrap();
    assert_eq!(Batch::PARAMETERS, 13);
}

network! {
    struct Far { norm: BatchNorm1d(2), group: GroupNorm(1, 2) }
    fn trained(x: [B, 2, L], #[grad] dy: [B, 2, L]) -> [] {
        ((norm(x) + group(x)) * dy).sum()
    }
}

/// Values far from 0: a difference of squares would have no correct digit in `f32`.
#[test]
fn values_far_from_zero() {
    let x: Vec<f32> = (0..8 * 2 * 33)
        .map(|i| 4096.0 + 0.5 * (i * 37 % 11) as f32)
        .collect();
    let x = Tensor::from_vec([8, 2, 33], x).unwrap();
    let mut single = Far::new(Cpu::new(), 0).unwrap();
    let mut double = Far::new(Cpu::f64(), 0).unwrap();
    let (_, y) = single.trained_backward(&x, &x).unwrap();
    let (_, wanted) = double.trained_backward(&x, &x).unwrap();
    let (y, wanted) = (y.to_tensor(), wanted.to_tensor());
    within(&y.to_f64_vec(), &wanted.to_f64_vec(), 2e-3);
}

#[test]
fn the_same_bits_at_any_number_of_threads() {
    let x = uniform::<f64>(&[67, 2, 301], 3, (-1.0, 2.0));
    let run = |threads| {
        let mut net = Far::new(Cpu::new().with_threads(threads), 0).unwrap();
        let (_, y) = net.trained_backward(&x, &x).unwrap();
        let y = y.to_tensor();
        let state: Vec<Tensor> = net.buffers().map(|b| b.values().unwrap()).collect();
        (y, state, net.gradient("norm.weight").unwrap())
    };
    let one = run(1);
    for threads in [2, 3, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

network! {
    struct ByHand<const C: usize> {
        weight: Param[C] = ones,
        bias: Param[C],
        running_mean: Buffer[C],
        running_var: Buffer[C] = ones,
        num_batches_tracked: Buffer[],
    }
    fn forward(x: [B, C]) -> [B, C] {
        let (mean, var) = if training {
            running_mean = lerp(running_mean, x.mean(0), 0.1);
            running_var = lerp(running_var, x.var(0), 0.1);
            num_batches_tracked = num_batches_tracked + 1.0;
            (x.mean(0), x.var(0, correction = 0))
        } else {
            (running_mean, running_var)
        };
        (x - mean) * rsqrt(var + 1e-5) * weight + bias
    }
}

network! {
    struct Mix { linear: Linear(3 -> 3), norm: BatchNorm1d(3) }
    fn forward(x: [B, 3]) -> [B, 3] { x + norm(linear(x)) }
}

network! {
    struct MixByHand { linear: Linear(3 -> 3), norm: ByHand<3> }
    fn forward(x: [B, 3]) -> [B, 3] { x + norm(linear(x)) }
}

network! {
    /// The layer in an array, in a loop, twice, recomputed, and in a scan.
    struct Layers {
        blocks: [Mix; 3],
        first: Mix,
        #[recompute]
        again: Mix,
        norms: [BatchNorm1d(3); 2],
        #[recompute]
        last: BatchNorm1d(3),
    }
    fn forward(x: [B, 3]) -> [B, 3] {
        let mut x = again(first(first(x)));
        for block in blocks { x = block(x); }
        x = blocks[1](x);
        for norm in norms { x = norm(x) + tanh(x); }
        last(norms[-1](x)) + x
    }
    fn loss(x: [B, 3]) -> [] { forward(x).square().mean() }
    fn sequence(x: [B, T, 3]) -> [] {
        let (_, all) = scan(x, (), |_, x_t| ((), last(blocks[2](x_t))));
        all.square().mean()
    }
}

network! {
    /// The same with buffers of one's own.
    struct Hands {
        blocks: [MixByHand; 3],
        first: MixByHand,
        #[recompute]
        again: MixByHand,
        norms: [ByHand<3>; 2],
        #[recompute]
        last: ByHand<3>,
    }
    fn forward(x: [B, 3]) -> [B, 3] {
        let mut x = again(first(first(x)));
        for block in blocks { x = block(x); }
        x = blocks[1](x);
        for norm in norms { x = norm(x) + tanh(x); }
        last(norms[-1](x)) + x
    }
    fn loss(x: [B, 3]) -> [] { forward(x).square().mean() }
    fn sequence(x: [B, T, 3]) -> [] {
        let (_, all) = scan(x, (), |_, x_t| ((), last(blocks[2](x_t))));
        all.square().mean()
    }
}

#[test]
fn wherever_the_layer_is_its_buffers_are_its_own() {
    let mut net = Layers::new(Cpu::f64(), 3).unwrap();
    let mut hand = Hands::new(Cpu::f64(), 3).unwrap();
    let x = uniform::<f64>(&[1, 6, 3], 5, (-1.0, 2.0));
    let x = Tensor::from_vec([6, 3], x.to_f64_vec()).unwrap();
    let xs = uniform::<f64>(&[4, 5, 3], 6, (-1.0, 2.0));
    for _ in 0..2 {
        let found = net.loss_backward(&x).unwrap().item().unwrap();
        let wanted = hand.loss_backward(&x).unwrap().item().unwrap();
        within(&[found], &[wanted], 1e-12);
        for p in hand.parameters() {
            let wanted = hand.gradient(p.name()).unwrap().to_f64_vec();
            within(
                &net.gradient(p.name()).unwrap().to_f64_vec(),
                &wanted,
                1e-11,
            );
        }
        net.sequence_backward(&xs).unwrap();
        hand.sequence_backward(&xs).unwrap();
        assert_eq!(net.buffers().count(), hand.buffers().count());
        for b in hand.buffers() {
            let wanted = b.values().unwrap().to_f64_vec();
            within(
                &net.parameter(b.name()).unwrap().to_f64_vec(),
                &wanted,
                1e-11,
            );
        }
    }
    let count = |name: &str| net.parameter(name).unwrap().to_f64_vec()[0];
    assert_eq!(count("blocks.1.norm.num_batches_tracked"), 4.0);
    assert_eq!(count("last.num_batches_tracked"), 12.0);
}

/// Buffers are not counted as parameters when a network is printed, either.
#[test]
fn the_table_counts_parameters() {
    let table = Batch::graph().to_string();
    assert!(
        table.contains("\n13 parameters, 52 bytes in f32"),
        "{table}"
    );
}
