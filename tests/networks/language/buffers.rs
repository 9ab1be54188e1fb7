//! `Buffer`: values of the network that training assigns and optimizers do not change.

use netform::prelude::*;
use netform::{Network, Tensor};
use netform_networks::values::uniform;

network! {
    /// Batch normalisation by hand (Ioffe and Szegedy, 2015), as `torch.nn.BatchNorm1d` computes it.
    struct Norm<const C: usize> {
        weight: Param[C] = ones,
        bias: Param[C],
        running_mean: Buffer[C],
        running_var: Buffer[C] = ones,
        batches: Buffer[],
    }
    fn forward(x: [B, C]) -> [B, C] {
        let (mean, var) = if training {
            let (mean, var) = (x.mean(0), x.var(0, correction = 0));
            running_mean = lerp(running_mean, mean, 0.1);
            running_var = lerp(running_var, x.var(0), 0.1);
            batches = batches + 1.0;
            (mean, var)
        } else {
            (running_mean, running_var)
        };
        (x - mean) * rsqrt(var + 1e-5) * weight + bias
    }
    fn loss(x: [B, C], y: [B, C]) -> [] { mse_loss(forward(x), y) }
}

/// A batch of `b` rows, different for each seed.
fn batch(b: usize, c: usize, seed: u64) -> Tensor {
    uniform::<f32>(&[b, c], seed, (-1.0, 3.0))
}

/// Mean and unbiased variance of each column.
fn statistics(x: &Tensor) -> (Vec<f64>, Vec<f64>) {
    let [b, c] = *x.shape() else { panic!() };
    let x = x.to_f64_vec();
    let column = |j: usize| (0..b).map(|i| x[i * c + j]).collect::<Vec<_>>();
    (0..c)
        .map(|j| {
            let column = column(j);
            let mean = column.iter().sum::<f64>() / b as f64;
            let var = column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (b - 1) as f64;
            (mean, var)
        })
        .unzip()
}

fn close(found: &[f64], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    for (a, b) in found.iter().zip(wanted) {
        assert!((a - b).abs() < 1e-12, "{found:?} is not {wanted:?}");
    }
}

#[test]
fn training_updates_and_evaluation_uses_them() {
    let mut net = Norm::<3, _>::new(Cpu::f64(), 0).unwrap();
    let y = Tensor::zeros::<f64>([4, 3]).unwrap();
    let (mut mean, mut var) = (vec![0.0; 3], vec![1.0; 3]);
    // Weight decay would change a parameter without gradient, too.
    let mut sgd = AdamW::new(0.1);
    for step in 0..5 {
        let x = batch(4, 3, step);
        match step % 3 {
            0 => net.loss_backward(&x, &y).unwrap(),
            1 => net.loss_step(&mut sgd, &x, &y).unwrap(),
            _ => {
                net.forward_vjp(&x, &y).unwrap();
                net.loss(&x, &y).unwrap()
            }
        };
        let (m, v) = statistics(&x);
        for j in 0..3 {
            mean[j] += 0.1 * (m[j] - mean[j]);
            var[j] += 0.1 * (v[j] - var[j]);
        }
        close(&net.parameter("running_mean").unwrap().to_f64_vec(), &mean);
        close(&net.parameter("running_var").unwrap().to_f64_vec(), &var);
    }
    assert_eq!(net.parameter("batches").unwrap().to_f64_vec(), [5.0]);
    // Evaluation reads them and changes nothing.
    let x = batch(2, 3, 9);
    let out = net.forward(&x).unwrap().to_tensor().to_f64_vec();
    let (w, b) = (
        net.parameter("weight").unwrap(),
        net.parameter("bias").unwrap(),
    );
    let (w, b) = (w.to_f64_vec(), b.to_f64_vec());
    let wanted: Vec<f64> = (x.to_f64_vec().iter().enumerate())
        .map(|(i, x)| (x - mean[i % 3]) / (var[i % 3] + 1e-5).sqrt() * w[i % 3] + b[i % 3])
        .collect();
    close(&out, &wanted);
    close(&net.parameter("running_mean").unwrap().to_f64_vec(), &mean);
}

#[test]
fn gradients_go_through_the_batch_not_through_the_buffers() {
    let mut net = Norm::<3, _>::new(Cpu::f64(), 0).unwrap();
    let (x, y) = (batch(5, 3, 1), batch(5, 3, 2));
    netform::check::gradients(&mut net, |net| net.loss_backward(&x, &y)?.item()).unwrap();
    let zero = net.gradient("running_mean").unwrap().to_f64_vec();
    assert_eq!(zero, [0.0; 3]);
}

#[test]
fn buffers_are_counted_listed_and_saved_apart() {
    assert_eq!(Norm::<3>::PARAMETERS, 6);
    let mut net = Norm::<3, _>::new(Cpu::new(), 0).unwrap();
    let names = |net: &Norm<3>| {
        let parameters: Vec<_> = net.parameters().map(|p| p.name()).collect();
        let buffers: Vec<_> = net.buffers().map(|p| p.name()).collect();
        (parameters, buffers)
    };
    assert_eq!(
        names(&net),
        (
            vec!["weight", "bias"],
            vec!["running_mean", "running_var", "batches"]
        )
    );
    let (x, y) = (batch(4, 3, 1), batch(4, 3, 2));
    net.loss_backward(&x, &y).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("norm.safetensors");
    net.save(&path).unwrap();
    let mut other = Norm::<3, _>::new(Cpu::new(), 1).unwrap();
    other.load(&path).unwrap();
    assert_eq!(
        other.parameter("running_var").unwrap(),
        net.parameter("running_var").unwrap()
    );
    assert_eq!(
        other.forward(&x).unwrap().to_tensor(),
        net.forward(&x).unwrap().to_tensor()
    );
}

network! {
    struct Mix<const C: usize> {
        linear: Linear(C -> C),
        norm: Norm<C>,
    }
    fn forward(x: [B, C]) -> [B, C] { x + norm(linear(x)) }
}

network! {
    /// The same layer in an array, by name, twice, recomputed, and in a scan.
    struct Places {
        blocks: [Mix<3>; 3],
        first: Mix<3>,
        #[recompute]
        again: Mix<3>,
        step: Norm<3>,
    }
    fn forward(x: [B, 3]) -> [B, 3] {
        let mut x = again(first(first(x)));
        for block in blocks { x = block(x); }
        x = blocks[1](x);
        x
    }
    fn loss(x: [B, 3]) -> [] { forward(x).square().mean() }
    /// The last element of an array and one in a loop, in a loop.
    fn sequence(x: [B, T, 3]) -> [] {
        let (_, all) = scan(x, (), |_, x_t| ((), step(blocks[2](x_t))));
        all.square().mean()
    }
}

/// The networks by themselves, run one after another in the same order.
#[test]
fn wherever_the_layer_is_its_buffers_are_its_own() {
    let mut net = Places::new(Cpu::f64(), 3).unwrap();
    let x = batch(4, 3, 5);
    net.loss_backward(&x).unwrap();
    net.loss_backward(&x).unwrap();
    let get = |name: &str| net.parameter(name).unwrap().to_f64_vec();
    // The number of calls of each, two times over.
    for (name, calls) in [
        ("blocks.0", 2.0),
        ("blocks.1", 4.0),
        ("blocks.2", 2.0),
        ("first", 4.0),
        ("again", 2.0),
        ("step", 0.0),
    ] {
        let found = match name {
            "step" => get("step.batches"),
            _ => get(&format!("{name}.norm.batches")),
        };
        assert_eq!(found, [calls], "{name}");
    }
    // Each computed alone.
    let mut value = x.clone();
    let mut alone = Mix::<3, _>::new(Cpu::f64(), 0).unwrap();
    let order = [
        "first", "first", "again", "blocks.0", "blocks.1", "blocks.2", "blocks.1",
    ];
    let mut fresh = Places::new(Cpu::f64(), 3).unwrap();
    for name in order {
        let own: Vec<&str> = alone
            .parameters()
            .chain(alone.buffers())
            .map(|p| p.name())
            .collect();
        for part in &own {
            let values = fresh.parameter(&format!("{name}.{part}")).unwrap();
            alone.set_parameter(part, &values).unwrap();
        }
        // The buffers come from the values in training mode: forward in training mode.
        let dy = Tensor::zeros::<f64>([4, 3]).unwrap();
        let out = training(&alone, &value);
        alone.forward_vjp(&value, &dy).unwrap();
        for part in own
            .iter()
            .filter(|p| p.contains("running") || p.contains("batches"))
        {
            let values = alone.parameter(part).unwrap();
            fresh
                .set_parameter(&format!("{name}.{part}"), &values)
                .unwrap();
        }
        value = out;
    }
    net = Places::new(Cpu::f64(), 3).unwrap();
    net.loss_backward(&x).unwrap();
    for p in fresh.buffers() {
        let found = net.parameter(p.name()).unwrap().to_f64_vec();
        close(&found, &p.values().unwrap().to_f64_vec());
    }
}

/// `x + norm(linear(x))` of a block, with the batch's own statistics.
fn training(net: &Mix<3, Cpu<f64>>, x: &Tensor) -> Tensor {
    let get = |name: &str| net.parameter(name).unwrap().to_f64_vec();
    let (w, b) = (get("linear.weight"), get("linear.bias"));
    let rows = x.shape()[0];
    let x = x.to_f64_vec();
    let unit = |i: usize| {
        let (r, c) = (i / 3, i % 3);
        b[c] + (0..3).map(|k| x[r * 3 + k] * w[c * 3 + k]).sum::<f64>()
    };
    let h: Vec<f64> = (0..rows * 3).map(unit).collect();
    let mut out = x.clone();
    for c in 0..3 {
        let column: Vec<f64> = (0..rows).map(|r| h[r * 3 + c]).collect();
        let mean = column.iter().sum::<f64>() / rows as f64;
        let var = column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / rows as f64;
        for r in 0..rows {
            out[r * 3 + c] += (column[r] - mean) / (var + 1e-5).sqrt();
        }
    }
    Tensor::from_vec([rows, 3], out).unwrap()
}

#[test]
fn a_step_of_a_scan_updates_after_the_step_before() {
    let mut net = Places::new(Cpu::f64(), 3).unwrap();
    let mut x = vec![0f32; 2 * 5 * 3];
    netform::fill_uniform(4, 0, &mut x, -1.0, 1.0);
    let x = Tensor::from_vec([2, 5, 3], x).unwrap();
    net.sequence_backward(&x).unwrap();
    let get = |name: &str| net.parameter(name).unwrap().to_f64_vec();
    assert_eq!(get("step.batches"), [5.0]);
    assert_eq!(get("blocks.2.norm.batches"), [5.0]);
    assert_eq!(get("blocks.1.norm.batches"), [0.0]);
    assert!(get("step.running_mean").iter().all(|m| *m != 0.0));
    netform::check::gradients(&mut net, |net| net.sequence_backward(&x)?.item()).unwrap();
}

network! {
    /// An index out of range, after a buffer was read.
    struct Counter { table: Param[4] = ones, seen: Buffer[] }
    fn loss(i: u32[B]) -> [] {
        seen = seen + 1.0;
        table.index_select(0, i).sum()
    }
    #[eval]
    fn quiet(i: u32[B]) -> [] {
        seen = seen + 1.0;
        table.index_select(0, i).sum() + seen
    }
}

#[test]
fn a_run_that_fails_updates_nothing() {
    let mut net = Counter::new(Cpu::new(), 0).unwrap();
    net.loss_backward(&[0u32, 3]).unwrap();
    assert!(net.loss_backward(&[0u32, 4]).is_err());
    assert_eq!(net.parameter("seen").unwrap().to_f64_vec(), [1.0]);
    // In evaluation mode it is not assigned; later reads in the function see the old value.
    assert_eq!(net.quiet_backward(&[1u32]).unwrap().item().unwrap(), 2.0);
    assert_eq!(net.parameter("seen").unwrap().to_f64_vec(), [1.0]);
    net.loss_accumulate(&[0u32]).unwrap();
    assert_eq!(net.parameter("seen").unwrap().to_f64_vec(), [2.0]);
}

network! {
    /// What a smaller network learns from.
    pub struct Teacher {
        linear: Linear(4 -> 3),
        norm: BatchNorm1d(3),
        drop: Dropout(p = 0.5),
        calls: Buffer[],
    }
    #[eval]
    fn forward(x: [B, 4]) -> [B, 3] {
        calls = calls + 1.0;
        let y = drop(norm(linear(x)));
        if training { y * 1000.0 } else { y }
    }
    fn trained(x: [B, 4]) -> [] { drop(norm(linear(x))).square().mean() }
}

network! {
    struct Pupil {
        #[frozen]
        teacher: Teacher,
        linear: Linear(4 -> 3),
        norm: BatchNorm1d(3),
    }
    fn told(x: [B, 4]) -> [B, 3] { teacher(x) }
    fn loss(x: [B, 4]) -> [] { mse_loss(norm(linear(x)), teacher(x)) }
    fn both(x: [B, 4]) -> [] { mse_loss(norm(linear(x)), teacher(x)) + teacher.trained(x) }
}

/// A function in evaluation mode stays in it for every caller; functions called after it train.
#[test]
fn a_teacher_is_in_evaluation_mode() {
    let mut net = Pupil::new(Cpu::f64(), 1).unwrap();
    let x = Tensor::from_vec([3, 4], (0..12).map(|i| f64::from(i).sin()).collect()).unwrap();
    let names = ["running_mean", "running_var", "num_batches_tracked"];
    let buffers = |net: &Pupil<Cpu<f64>>, of: &str| -> Vec<f64> {
        let one = |n: &&str| {
            net.parameter(&format!("{of}norm.{n}"))
                .unwrap()
                .to_f64_vec()
        };
        names.iter().flat_map(one).collect()
    };
    let (told, before) = (net.told(&x).unwrap().to_tensor(), buffers(&net, "teacher."));
    let losses = [0; 3].map(|_| net.loss_backward(&x).unwrap().item().unwrap());
    // No weight has changed, and the pupil's norm uses the batch's statistics.
    assert_eq!(losses, [losses[0]; 3]);
    assert_eq!(buffers(&net, "teacher."), before);
    assert_eq!(net.told(&x).unwrap().to_tensor(), told);
    assert_eq!(net.parameter("teacher.calls").unwrap().to_f64_vec(), [0.0]);
    assert_eq!(
        net.parameter("norm.num_batches_tracked")
            .unwrap()
            .to_f64_vec(),
        [3.0]
    );
    let losses = [0; 2].map(|_| net.both_backward(&x).unwrap().item().unwrap());
    assert_ne!(losses[0], losses[1]);
    assert_ne!(buffers(&net, "teacher."), before);
    assert_eq!(net.parameter("teacher.calls").unwrap().to_f64_vec(), [0.0]);
}
