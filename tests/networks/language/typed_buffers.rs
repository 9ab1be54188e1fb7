//! `Buffer<i64>` and `Buffer<bool>`: integers of 64 bits and booleans among the parameters.

use netform::prelude::*;
use netform::{Network, Tensor};

network! {
    /// A layer that counts its calls and the classes that it has seen.
    struct Seen<const V: usize> {
        table: Param[V, 2] = ones,
        calls: Buffer<i64>[] = 5,
        counts: Buffer<i64>[V],
        seen: Buffer<bool>[V],
    }
    fn forward(ids: u32[B]) -> [B, 2] {
        calls = calls + 1;
        counts = counts + one_hot(ids, V).sum(0);
        seen = seen | (one_hot(ids, V).sum(0) > 0);
        table.index_select(0, ids)
    }
    fn loss(ids: u32[B]) -> [] { forward(ids).sum() }
    /// Buffers as values: a factor, an index, a condition.
    #[eval]
    fn read(x: [V]) -> ([V], i64[], bool[V]) {
        (x.masked_fill(seen, -1.0) * counts, calls, !seen)
    }
}

fn integers(values: &[i64]) -> Tensor {
    Tensor::from(values.to_vec())
}

#[test]
fn integers_and_booleans_are_kept_in_their_types() {
    let mut net = Seen::<3, _>::new(Cpu::new(), 0).unwrap();
    net.loss_backward(&[0u32, 2, 2]).unwrap();
    net.loss_step(&mut Sgd::new(0.1), &[2u32]).unwrap();
    assert_eq!(net.parameter("calls").unwrap(), Tensor::scalar(7i64));
    assert_eq!(net.parameter("counts").unwrap(), integers(&[1, 0, 3]));
    let seen = Tensor::from(vec![true, false, true]);
    assert_eq!(net.parameter("seen").unwrap(), seen);
    let (y, calls, unseen) = net.read(&[2.0f32, 3.0, 4.0]).unwrap();
    assert_eq!(y.to_tensor().to_f64_vec(), [-1.0, 0.0, -3.0]);
    assert_eq!(calls.to_tensor(), Tensor::scalar(7i64));
    assert_eq!(unseen.to_tensor(), Tensor::from(vec![false, true, false]));
    // No optimizer moves them, and they have no gradient.
    assert_eq!(Seen::<3>::PARAMETERS, 6);
    assert_eq!(net.gradient("counts").unwrap().to_f64_vec(), [0.0; 3]);
}

/// A 32-bit float would stop at 2^24, a 64-bit one at 2^53.
#[test]
fn every_integer_is_exact() {
    let mut net = Seen::<3, _>::new(Cpu::new(), 0).unwrap();
    for start in [1i64 << 24, 1 << 53, i64::MIN, i64::MAX - 1] {
        net.set_parameter("calls", &Tensor::scalar(start)).unwrap();
        net.loss_backward(&[1u32]).unwrap();
        let calls = net.parameter("calls").unwrap();
        assert_eq!(calls, Tensor::scalar(start + 1));
    }
    // There is no next integer: the run fails and changes nothing.
    let error = net.loss_backward(&[1u32]).unwrap_err();
    assert!(
        matches!(error, netform::Error::IntegerOverflow { .. }),
        "{error}"
    );
    assert_eq!(net.parameter("calls").unwrap(), Tensor::scalar(i64::MAX));
    assert_eq!(net.parameter("counts").unwrap(), integers(&[0, 4, 0]));
}

network! {
    struct Stack {
        layers: [Seen<4>; 3],
        #[recompute]
        again: Seen<4>,
        scale: Param[] = ones,
        batches: BatchNorm1d(2),
        on: Buffer<bool>[] = true,
    }
    fn loss(ids: u32[B]) -> [] {
        let mut y = again(ids);
        for layer in layers { y = y + layer(ids); }
        y = y + layers[1](ids);
        (batches(y) * scale).sum() * on.float()
    }
    /// Each step of the scan counts.
    fn sequence(ids: u32[B, T]) -> [] {
        let (_, all) = scan(ids, (), |_, now| ((), again(now)));
        all.square().mean()
    }
    #[draw]
    fn drawn(x: [4]) -> [] { (x * layers[0].counts * scale).sum() + layers[0].calls }
}

#[test]
fn in_arrays_in_blocks_and_recomputed() {
    let mut net = Stack::new(Cpu::f64(), 0).unwrap();
    let ids = [3u32, 0, 3];
    for _ in 0..2 {
        net.loss_backward(&ids).unwrap();
    }
    for (layer, calls) in [
        ("layers.0", 2),
        ("layers.1", 4),
        ("layers.2", 2),
        ("again", 2),
    ] {
        let get = |name: &str| net.parameter(&format!("{layer}.{name}")).unwrap();
        assert_eq!(get("calls"), Tensor::scalar(5 + calls), "{layer}");
        assert_eq!(
            get("counts"),
            integers(&[calls, 0, 0, 2 * calls]),
            "{layer}"
        );
        assert_eq!(get("seen"), Tensor::from(vec![true, false, false, true]));
    }
    let batches = net.parameter("batches.num_batches_tracked").unwrap();
    assert_eq!(batches, Tensor::scalar(2i64));
    netform::check::gradients(&mut net, |net| net.loss_backward(&ids)?.item()).unwrap();
    let steps = [[1u32, 1], [2, 0], [3, 3]];
    net.sequence_backward(&steps).unwrap();
    let calls = net.parameter("again.calls").unwrap().to_f64_vec()[0];
    net.sequence_backward(&steps).unwrap();
    assert_eq!(
        net.parameter("again.calls").unwrap().to_f64_vec(),
        [calls + 2.0]
    );
    let sum: f64 = net
        .parameter("layers.0.counts")
        .unwrap()
        .to_f64_vec()
        .iter()
        .sum();
    let calls = net.parameter("layers.0.calls").unwrap().to_f64_vec()[0];
    let drawn = net.drawn(&[1.0f64; 4]).unwrap().item().unwrap();
    assert_eq!(drawn, sum + calls);
    assert!(
        net.drawn_draw(&[1.0f64; 4])
            .unwrap()
            .svg()
            .contains(&drawn.to_string())
    );
    // All of it through a file and a checkpoint, also one in bf16.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stack.safetensors");
    net.save_as(&file, netform::Stored::Bf16).unwrap();
    let mut other = Stack::new(Cpu::new(), 1).unwrap();
    other.load(&file).unwrap();
    let kept = folder.path().join("stack.ckpt");
    netform::files::Checkpoint::of(&net).save(&kept).unwrap();
    let mut resumed = Stack::new(Cpu::f64(), 1).unwrap();
    let checkpoint = netform::files::Checkpoint::open(&kept).unwrap();
    checkpoint.network(&mut resumed).unwrap();
    for p in net.buffers().filter(|p| !p.name().contains("running")) {
        let wanted = p.values().unwrap();
        assert_eq!(other.parameter(p.name()).unwrap(), wanted, "{}", p.name());
        assert_eq!(resumed.parameter(p.name()).unwrap(), wanted, "{}", p.name());
    }
}

network! {
    /// A mask and positions that nothing assigns, as `register_buffer` keeps them.
    struct Fixed {
        mask: Buffer<bool>[3, 3],
        places: Buffer<i64>[3],
        token: Embedding(3 -> 3),
    }
    fn forward(x: [B, 3, 3]) -> [B, 3, 3] {
        (x + token(places)).masked_fill(mask, 0.0)
    }
    fn loss(x: [B, 3, 3]) -> [] { forward(x).sum() }
}

#[test]
fn a_mask_and_positions_are_read() {
    let mut net = Fixed::new(Cpu::f64(), 0).unwrap();
    let mask = Tensor::from(&[[false, true, true], [false, false, true], [false; 3]]);
    net.set_parameter("mask", &mask).unwrap();
    net.set_parameter("places", &integers(&[2, 0, 2])).unwrap();
    let x = Tensor::zeros::<f64>([1, 3, 3]).unwrap();
    let y = net.forward(&x).unwrap().to_tensor().to_f64_vec();
    let w = net.parameter("token.weight").unwrap().to_f64_vec();
    let wanted = [w[6], 0.0, 0.0, w[0], w[1], 0.0, w[6], w[7], w[8]];
    assert_eq!(y, wanted);
    netform::check::gradients(&mut net, |net| net.loss_backward(&x)?.item()).unwrap();
    // A position that the table lacks is reported like one from an argument.
    net.set_parameter("places", &integers(&[2, 3, 0])).unwrap();
    let error = net.loss_backward(&x).unwrap_err();
    assert!(
        matches!(error, netform::Error::IndexOutOfRange { limit: 3, .. }),
        "{error}"
    );
}
