//! A step changes the parameters that its loss reaches, and no others: networks of several losses against PyTorch,
//! whose optimizers do not change parameters without a gradient. `reached/make.py` writes the expected values.

use netform::files::safetensors::read;
use netform::optim::Norm;
use netform::prelude::*;

#[cfg(feature = "cuda")]
use netform_networks::device;

network! {
    pub struct Pair {
        layers: [Linear(4 -> 4); 2],
    }
    fn first(x: [B, 4]) -> [B, 4] { tanh(layers[0](x)) }
    fn both(x: [B, 4]) -> [B, 4] {
        let mut h = x;
        for layer in layers { h = tanh(layer(h)); }
        h
    }
}

network! {
    /// Two tasks on one trunk; arrays of which a loss reads some layers; a shared weight.
    struct Multi {
        trunk: Linear(3 -> 4),
        scale: Param[4] = zeros,
        blocks: [Linear(4 -> 4); 3],
        pairs: [Pair; 2],
        out_a: Linear(4 -> 2),
        out_b: Linear(4 -> 2),
        out_b.weight = out_a.weight,
        #[frozen]
        still: Linear(4 -> 4),
    }
    fn a_loss(x: [B, 3]) -> [] {
        let mut h = tanh(trunk(x)) + sign(scale);
        for pair in pairs { h = pair.first(h); }
        out_a(still(blocks[1](h))).square().mean()
    }
    fn b_loss(x: [B, 3]) -> [] {
        let mut h = detach(tanh(trunk(x))) * scale;
        for block in blocks { h = tanh(block(h)); }
        (out_b(pairs[1].both(h)) - 1.0).square().mean()
    }
}

network! {
    struct Gan {
        gen_1: Linear(3 -> 5),
        gen_2: Linear(5 -> 4),
        dis_1: Linear(4 -> 6),
        dis_2: Linear(6 -> 1),
    }
    fn make(z: [B, 3]) -> [B, 4] { gen_2(tanh(gen_1(z))) }
    fn score(x: [B, 4]) -> [B, 1] { dis_2(leaky_relu(dis_1(x), 0.2)) }
    fn d_loss(x: [B, 4], z: [B, 3]) -> [] {
        softplus(-score(x)).mean() + softplus(score(detach(make(z)))).mean()
    }
    fn g_loss(z: [B, 3]) -> [] { softplus(-score(make(z))).mean() }
}

/// PyTorch's values.
struct Wanted(Vec<(String, Tensor)>);

impl Wanted {
    fn read() -> Self {
        let path = netform_networks::root().join("tests/reached/reached.safetensors");
        Self(read(path).unwrap())
    }
    fn at(&self, name: &str) -> &Tensor {
        let found = self.0.iter().find(|(n, _)| n == name);
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }
    fn set<N: Network>(&self, net: &mut N, from: &str) {
        let names: Vec<&str> = net.parameters().map(|p| p.name()).collect();
        for name in names {
            net.set_parameter(name, self.at(&format!("{from}/{name}")))
                .unwrap();
        }
    }
    fn compare<N: Network>(&self, net: &N, with: &str, tolerance: f64) {
        for p in net.parameters() {
            let want = self.at(&format!("{with}/{}", p.name())).to_f64_vec();
            for (got, want) in p.values().unwrap().to_f64_vec().iter().zip(want) {
                assert!(
                    (got - want).abs() <= tolerance * (1.0 + want.abs()),
                    "{with}: {} is {got}, PyTorch has {want}",
                    p.name()
                );
            }
        }
    }
}

/// One letter per step, as in `make.py`.
const PLAN: &str = "aabuabAsbozabuob";

fn multi<D: Device>(device: D, tolerance: f64) {
    let wanted = Wanted::read();
    let x = wanted.at("multi.x");
    let mut net = Multi::new(device, 1).unwrap();
    follow(&mut net, &wanted, x, tolerance);
    // A whole step is the same as its halves.
    wanted.set(&mut net, "multi");
    let mut adam = Adam::new(0.05).amsgrad(true);
    for letter in PLAN.chars() {
        match letter {
            'a' => drop(net.a_loss_step(&mut adam, x).unwrap()),
            'b' => drop(net.b_loss_step(&mut adam, x).unwrap()),
            _ => letter_of(&mut net, &mut adam, letter, x),
        }
    }
    wanted.compare(&net, "adam", tolerance);
    // 15 steps, some of which did not reach a parameter, and one that reached none.
    let state = adam.state(net.core()).unwrap();
    let t = |name: &str| state.params.iter().find(|p| p.name == name).unwrap().t;
    assert_eq!((adam.steps(), state.t), (16, 16));
    assert_eq!((t("scale"), t("trunk.bias"), t("out_b.bias")), (15, 8, 11));
    assert_eq!((t("blocks.0.bias"), t("blocks.1.bias")), (11, 15));
    let pairs = ["0.layers.0", "0.layers.1", "1.layers.0", "1.layers.1"];
    assert_eq!(
        pairs.map(|p| t(&format!("pairs.{p}.weight"))),
        [8, 0, 15, 11]
    );
}

fn letter_of<D: Device>(net: &mut Multi<D>, opt: &mut impl Optimizer, letter: char, x: &Tensor) {
    match letter {
        'a' => drop(net.a_loss_backward(x).unwrap()),
        'b' => drop(net.b_loss_backward(x).unwrap()),
        'u' => {
            net.a_loss_backward(x).unwrap();
            net.b_loss_accumulate(x).unwrap();
        }
        // PyTorch's `zero_grad` before the second `backward`.
        'o' => {
            net.a_loss_backward(x).unwrap();
            net.b_loss_backward(x).unwrap();
        }
        'A' => drop(net.a_loss_accumulate(x).unwrap()),
        'z' => net.zero_grad(),
        _ => {}
    }
    opt.step(net).unwrap();
}

fn follow<D: Device>(net: &mut Multi<D>, wanted: &Wanted, x: &Tensor, tolerance: f64) {
    macro_rules! each {
        ($($name:ident: $optimizer:expr;)*) => {$(
            wanted.set(net, "multi");
            let mut optimizer = $optimizer;
            PLAN.chars().for_each(|letter| letter_of(net, &mut optimizer, letter, x));
            wanted.compare(net, stringify!($name), tolerance);
        )*};
    }
    each! {
        sgd: Sgd::new(0.1).momentum(0.9).dampening(0.3).weight_decay(0.1);
        sgd_nesterov: Sgd::new(0.05).momentum(0.8).nesterov(true).maximize(true);
        adam: Adam::new(0.05).amsgrad(true);
        adamw: AdamW::new(0.05).weight_decay(0.3);
        adamax: Adamax::new(0.05).weight_decay(0.1);
        nadam: NAdam::new(0.05).weight_decay(0.1).decoupled_weight_decay(true);
        radam: RAdam::new(0.05).betas((0.8, 0.9));
        rmsprop: RmsProp::new(0.01).momentum(0.9).centered(true);
        adagrad: Adagrad::new(0.1).lr_decay(0.1).initial_accumulator_value(0.1);
        adadelta: Adadelta::new(1.0).weight_decay(0.1);
        clipped: Adam::new(0.05).weight_decay(0.1).clip_norm_type(0.05, Norm::P(-1.0));
    }
}

fn gan<D: Device>(device: D, tolerance: f64) {
    let wanted = Wanted::read();
    let (x, z) = (wanted.at("gan.x"), wanted.at("gan.z"));
    let moved = |t: u32| {
        let values = x.to_f64_vec().into_iter().map(|x| x + 0.01 * f64::from(t));
        Tensor::from_vec(x.shape(), values.collect::<Vec<f64>>()).unwrap()
    };
    let mut net = Gan::new(device, 1).unwrap();
    wanted.set(&mut net, "gan");
    let mut one = AdamW::new(0.02).weight_decay(0.1);
    for t in 0..12 {
        net.d_loss_step(&mut one, &moved(t), z).unwrap();
        if t % 3 != 1 {
            net.g_loss_step(&mut one, z).unwrap();
        }
    }
    wanted.compare(&net, "gan_one", tolerance);
    // Two optimizers on one network: the generator's does not change the discriminator, because of its rate.
    wanted.set(&mut net, "gan");
    let adam = |lr| Adam::new(lr).betas((0.5, 0.9));
    let mut of_d = adam(0.05);
    let mut of_g = adam(0.02).group("dis_*", |g| g.lr(0.0));
    for t in 0..12 {
        net.d_loss_step(&mut of_d, &moved(t), z).unwrap();
        if t % 3 != 1 {
            net.g_loss_step(&mut of_g, z).unwrap();
        }
    }
    wanted.compare(&net, "gan_two", tolerance);
}

#[test]
fn on_the_cpu() {
    multi(Cpu::f64(), 1e-10);
    multi(Cpu::new(), 1e-4);
    gan(Cpu::f64(), 1e-10);
    gan(Cpu::new(), 1e-4);
}

#[cfg(feature = "cuda")]
#[test]
fn on_the_gpu() {
    multi(device::cuda(), 1e-4);
    gan(device::cuda(), 1e-4);
}

/// Gradients are zero where the last run did not reach.
#[test]
fn gradients_and_what_is_stepped() {
    let wanted = Wanted::read();
    let x = wanted.at("multi.x");
    let mut net = Multi::new(Cpu::f64(), 1).unwrap();
    wanted.set(&mut net, "multi");
    let values = |net: &Multi<Cpu<f64>>, name: &str| net.parameter(name).unwrap();
    let mut sgd = Sgd::new(0.1).momentum(0.9).weight_decay(0.1);
    net.a_loss_step(&mut sgd, x).unwrap();
    let trunk = values(&net, "trunk.bias");
    net.b_loss_backward(x).unwrap();
    assert_eq!(net.gradient("trunk.bias").unwrap().to_f64_vec(), [0.0; 4]);
    sgd.step(&mut net).unwrap();
    assert_eq!(values(&net, "trunk.bias"), trunk);
    // If two runs precede one step, the later one overwrites the gradients of the first: gradients, the norm that
    // clipping reports, and the step agree.
    net.a_loss_backward(x).unwrap();
    net.b_loss_backward(x).unwrap();
    assert_eq!(net.gradient("trunk.bias").unwrap().to_f64_vec(), [0.0; 4]);
    let both = net.clip_grad_norm(1e9, Norm::L2).unwrap();
    net.b_loss_backward(x).unwrap();
    assert_eq!(net.clip_grad_norm(1e9, Norm::L2).unwrap(), both);
    net.a_loss_backward(x).unwrap();
    net.b_loss_backward(x).unwrap();
    sgd.step(&mut net).unwrap();
    assert_eq!(values(&net, "trunk.bias"), trunk);
    // An accumulated run is included.
    net.b_loss_backward(x).unwrap();
    net.a_loss_accumulate(x).unwrap();
    sgd.step(&mut net).unwrap();
    assert_ne!(values(&net, "trunk.bias"), trunk);
    // After a step, an accumulated run adds to the existing gradients.
    let scale = values(&net, "scale");
    net.a_loss_accumulate(x).unwrap();
    sgd.step(&mut net).unwrap();
    assert_ne!(values(&net, "scale"), scale);
    // A whole step changes the parameters that its loss reaches, whatever ran before.
    let trunk = values(&net, "trunk.bias");
    net.a_loss_backward(x).unwrap();
    net.b_loss_step(&mut sgd, x).unwrap();
    assert_eq!(values(&net, "trunk.bias"), trunk);
    // Clipping, too, ignores parameters without a gradient; the norm of order 0 shows this.
    net.a_loss_backward(x).unwrap();
    let counted = net.clip_grad_norm(1e9, Norm::P(0.0)).unwrap();
    // The trunk, the first layers of both pairs, a block, the head; `scale` has a gradient of zeros.
    assert_eq!(counted, 10.0);
    net.zero_grad();
    assert_eq!(net.clip_grad_norm(1.0, Norm::L2).unwrap(), 0.0);
    let before = values(&net, "scale");
    sgd.step(&mut net).unwrap();
    assert_eq!(values(&net, "scale"), before);
}
