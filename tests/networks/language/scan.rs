//! `scan`: hand-written recurrent networks, against PyTorch's values and in training.

use netform::prelude::*;
use netform::{Network, Tensor};
use safetensors::{Dtype, SafeTensors};

network! {
    /// An LSTM of one layer, as `torch.nn.LSTM(3, 4, batch_first=True)` computes it.
    struct Lstm {
        weight_ih_l0: Param[16, 3],
        weight_hh_l0: Param[16, 4],
        bias_ih_l0: Param[16],
        bias_hh_l0: Param[16],
    }
    fn run(#[grad] x: [B, T, 3], #[grad] h0: [1, B, 4], #[grad] c0: [1, B, 4])
        -> ([B, T, 4], [1, B, 4], [1, B, 4])
    {
        let ((h, c), out) = scan(x, (h0[0], c0[0]), |(h, c), x_t| {
            let gates = x_t.matmul(weight_ih_l0.transpose(0, 1)) + bias_ih_l0
                + h.matmul(weight_hh_l0.transpose(0, 1)) + bias_hh_l0;
            let (i, f, g, o) = gates.chunk(4, dim = 1);
            let c = sigmoid(f) * c + sigmoid(i) * tanh(g);
            let h = sigmoid(o) * tanh(c);
            ((h, c), h)
        });
        (out, h.unsqueeze(0), c.unsqueeze(0))
    }
}

/// A tensor of the fixture.
fn stored(file: &SafeTensors<'_>, name: &str) -> Tensor {
    let view = file.tensor(name).unwrap();
    let values: Vec<f64> = match view.dtype() {
        Dtype::F32 => view
            .data()
            .chunks(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .map(f64::from)
            .collect(),
        _ => view
            .data()
            .chunks(8)
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect(),
    };
    Tensor::from_vec(view.shape(), values).unwrap()
}

#[test]
fn a_hand_written_lstm_equals_pytorchs() {
    let path = "tests/fixtures/layer/LSTM.one_layer.safetensors";
    let path = netform_networks::root().join(path);
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let get = |name: &str| stored(&file, name);
    let mut net = Lstm::new(Cpu::f64(), 1).unwrap();
    let names: Vec<&str> = net.parameters().map(|p| p.name()).collect();
    for name in &names {
        net.set_parameter(name, &get(&format!("param.{name}")))
            .unwrap();
    }
    let close = |what: &str, found: Vec<f64>, wanted: &str| {
        let wanted = get(wanted).to_f64_vec();
        assert_eq!(found.len(), wanted.len(), "{what}");
        for (i, (a, b)) in found.iter().zip(&wanted).enumerate() {
            assert!(
                (a - b).abs() <= 1e-9 * (1.0 + b.abs()),
                "{what}[{i}]: {a} against {b}"
            );
        }
    };
    let (x, h0, c0) = (get("in.x"), get("in.h0"), get("in.c0"));
    let (out, h, c) = net.run(&x, &h0, &c0).unwrap();
    close("output", out.to_tensor().to_f64_vec(), "out.0");
    close("h_n", h.to_tensor().to_f64_vec(), "out.1");
    close("c_n", c.to_tensor().to_f64_vec(), "out.2");
    drop((out, h, c));
    let (dx, dh, dc) = net
        .run_vjp(&x, &h0, &c0, &get("gout.0"), &get("gout.1"), &get("gout.2"))
        .unwrap();
    close("dx", dx.to_tensor().to_f64_vec(), "grad.in.x");
    close("dh0", dh.to_tensor().to_f64_vec(), "grad.in.h0");
    close("dc0", dc.to_tensor().to_f64_vec(), "grad.in.c0");
    drop((dx, dh, dc));
    for name in names {
        let gradient = net.gradient(name).unwrap().to_f64_vec();
        close(name, gradient, &format!("grad.param.{name}"));
    }
}

network! {
    /// An Elman network that says which class a sequence belongs to.
    struct Elman {
        input: Linear(2 -> 16),
        hidden: Linear(16 -> 16, bias = false),
        drop: Dropout(p = 0.1),
        head: Linear(16 -> 2),
    }
    fn forward(x: [B, T, 2]) -> [B, 2] {
        let (last, _all) = scan(x, zeros([B, 16]), |h, x_t| {
            let h = tanh(input(x_t) + hidden(drop(h)));
            (h, h)
        });
        head(last)
    }
    fn loss(x: [B, T, 2], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
    /// The states, last element first.
    fn backwards(x: [B, T, 2]) -> [B, T, 16] {
        let (_last, all) = x.scan(zeros([B, 16]), |h, x_t| {
            let h = tanh(input(x_t) + hidden(h));
            (h, h)
        }, reverse = true);
        all
    }
}

/// Sequences of length `t`: which of the two channels has its only spike first?
fn spikes(t: usize) -> (Tensor, Vec<u32>) {
    let pairs: Vec<(usize, usize)> = (0..t)
        .flat_map(|a| (0..t).map(move |b| (a, b)))
        .filter(|(a, b)| a != b)
        .collect();
    let mut x = vec![0.0f32; pairs.len() * t * 2];
    for (row, (a, b)) in pairs.iter().enumerate() {
        x[(row * t + a) * 2] = 1.0;
        x[(row * t + b) * 2 + 1] = 1.0;
    }
    let y = pairs.iter().map(|(a, b)| u32::from(a > b)).collect();
    (Tensor::from_vec([pairs.len(), t, 2], x).unwrap(), y)
}

#[test]
fn an_elman_network_learns_which_came_first() {
    let mut net = Elman::new(Cpu::new(), 3).unwrap();
    let mut adam = Adam::new(1e-2);
    let ((x, y), (long, labels)) = (spikes(6), spikes(7));
    for _ in 0..150 {
        net.loss_step(&mut adam, &x, &y).unwrap();
        net.loss_step(&mut adam, &long, &labels).unwrap();
    }
    let loss = net.loss(&x, &y).unwrap().item().unwrap();
    assert!(loss < 0.1, "{loss}");
}

#[test]
fn a_reversed_scan_is_the_scan_of_the_reversed_sequence() {
    let net = Elman::new(Cpu::f64(), 3).unwrap();
    let x: Vec<f64> = (0..10).map(|i| f64::from(i).sin()).collect();
    let rows = |all: &[f64]| -> Vec<Vec<f64>> { all.chunks(16).map(<[f64]>::to_vec).collect() };
    let all = net
        .backwards(&Tensor::from_vec([1, 5, 2], x.clone()).unwrap())
        .unwrap()
        .to_tensor()
        .to_f64_vec();
    // The last element alone, then the last two, and so on.
    for n in 1..=5 {
        let tail = Tensor::from_vec([1, n, 2], x[10 - 2 * n..].to_vec()).unwrap();
        let part = net.backwards(&tail).unwrap().to_tensor().to_f64_vec();
        assert_eq!(rows(&part)[..], rows(&all)[5 - n..]);
    }
}

#[test]
fn lengths_of_one_and_none() {
    let mut net = Elman::new(Cpu::f64(), 3).unwrap();
    let one = net.forward(&Tensor::from_vec([2, 1, 2], vec![0.5f64; 4]).unwrap());
    assert!(
        one.unwrap()
            .to_tensor()
            .to_f64_vec()
            .iter()
            .all(|v| v.is_finite())
    );
    // Without elements the last state is the first one, and the step's values have no gradient.
    let none = Tensor::from_vec([1, 0, 2], Vec::<f64>::new()).unwrap();
    assert!(
        net.loss_backward(&none, &[1])
            .unwrap()
            .item()
            .unwrap()
            .is_finite()
    );
    let steps = net.gradient("hidden.weight").unwrap().to_f64_vec();
    assert!(steps.iter().all(|g| *g == 0.0), "{steps:?}");
    let empty = Tensor::from_vec([0, 3, 2], Vec::<f64>::new()).unwrap();
    assert_eq!(net.forward(&empty).unwrap().shape()[0], 0);
}

network! {
    /// A carried value without gradient.
    struct Stopped {
        hidden: Linear(3 -> 3),
    }

    fn loss(x: [B, T, 3]) -> [] {
        let (_, all) = scan(x, zeros([B, 3]), |h, x_t| {
            let h = tanh(hidden(h.detach()) + x_t);
            (h, h)
        });
        all.square().sum()
    }

    /// One step, from what came before as data.
    fn step(h: [B, 3], x: [B, 3]) -> [] {
        tanh(hidden(h) + x).square().sum()
    }

    fn next(h: [B, 3], x: [B, 3]) -> [B, 3] {
        tanh(hidden(h) + x)
    }
}

#[test]
fn a_detached_state_ends_the_gradient() {
    let mut net = Stopped::new(Cpu::f64(), 3).unwrap();
    let x: Vec<f64> = (0..12).map(|i| f64::from(i).cos()).collect();
    net.loss_backward(&Tensor::from_vec([1, 4, 3], x.clone()).unwrap())
        .unwrap();
    let got = net.gradient("hidden.weight").unwrap().to_f64_vec();
    // Each step separately: the sum of the gradients of four losses.
    let mut h = Tensor::zeros::<f64>([1, 3]).unwrap();
    let mut want = vec![0.0; 9];
    for x_t in x.chunks(3) {
        let x_t = Tensor::from_vec([1, 3], x_t.to_vec()).unwrap();
        net.step_backward(&h, &x_t).unwrap();
        let part = net.gradient("hidden.weight").unwrap().to_f64_vec();
        want.iter_mut().zip(part).for_each(|(w, p)| *w += p);
        let next = net.next(&h, &x_t).unwrap().to_tensor();
        h = next;
    }
    for (got, want) in got.iter().zip(&want) {
        assert!((got - want).abs() < 1e-12, "{got} and {want}");
    }
}
