//! Networks that compile only where a field gives numbers for their parameters, and functions that only other networks
//! call.

use netform::prelude::*;

network! {
    struct Dense<const I: usize, const G: usize, const DEPTH: usize> {
        layers: [Linear(I + i * G -> G); DEPTH],
    }
    fn forward(x: [.., I]) -> [.., I + DEPTH * G] {
        let mut h = x;
        for i in 0..DEPTH {
            h = cat([h, tanh(layers[i](h))], dim = -1);
        }
        h
    }
}

network! {
    /// Passes the numbers on.
    struct Two<const I: usize, const G: usize, const DEPTH: usize> {
        first: Dense<I, G, DEPTH>,
        second: Dense<I + DEPTH * G, G, {DEPTH - 1}>,
    }
    fn forward(x: [B, I]) -> [B, I + DEPTH * G + (DEPTH - 1) * G] { second(first(x)) }
}

network! {
    struct Net {
        two: Two<4, 2, 2>,
        one: Dense<10, 3, 1>,
    }
    fn forward(x: [B, 4]) -> [B, 13] { one(two(x)) }
    fn loss(x: [B, 4]) -> [] { forward(x).square().mean() }
}

network! {
    struct Written {
        first: [Linear(4 -> 2), Linear(6 -> 2)],
        second: Linear(8 -> 2),
        third: Linear(10 -> 3),
    }
    fn forward(x: [B, 4]) -> [B, 13] {
        let x = cat([x, tanh(first[0](x))], dim = 1);
        let x = cat([x, tanh(first[1](x))], dim = 1);
        let x = cat([x, tanh(second(x))], dim = 1);
        cat([x, tanh(third(x))], dim = 1)
    }
    fn loss(x: [B, 4]) -> [] { forward(x).square().mean() }
}

/// Copies the parameters of these layers.
fn copy<A: Network, B: Network>(from: &A, to: &mut B, names: &[(&str, &str)]) {
    for (a, b) in names {
        for part in ["weight", "bias"] {
            let value = from.parameter(&format!("{a}.{part}")).unwrap();
            to.set_parameter(&format!("{b}.{part}"), &value).unwrap();
        }
    }
}

/// Compares the gradients of these layers.
fn same_gradients<A: Network, B: Network>(left: &A, right: &B, names: &[(&str, &str)]) {
    for (a, b) in names {
        for part in ["weight", "bias"] {
            let gradient = left.gradient(&format!("{a}.{part}")).unwrap();
            assert_eq!(
                gradient,
                right.gradient(&format!("{b}.{part}")).unwrap(),
                "{a}"
            );
        }
    }
}

#[test]
fn fields_give_numbers() {
    let mut net = Net::new(Cpu::f64(), 3).unwrap();
    let mut written = Written::new(Cpu::f64(), 4).unwrap();
    let names = [
        ("two.first.layers.0", "first.0"),
        ("two.first.layers.1", "first.1"),
        ("two.second.layers.0", "second"),
        ("one.layers.0", "third"),
    ];
    copy(&net, &mut written, &names);
    let x = [[0.1f32, -0.5, 2.0, 1.0], [1.5, 0.25, -1.0, 0.0]];
    assert_eq!(*net.forward(&x).unwrap(), *written.forward(&x).unwrap());
    net.loss_backward(&x).unwrap();
    written.loss_backward(&x).unwrap();
    same_gradients(&net, &written, &names);
}

network! {
    /// A network in itself.
    struct Hourglass<const N: usize, const D: usize> {
        up: Conv2d(D -> D, 3, padding = 1),
        #[when(N > 1)]
        inner: Hourglass<N - 1, D>,
        #[when(N == 1)]
        last: Conv2d(D -> D, 1),
        low: Conv2d(D -> D, 1),
    }
    fn forward(x: [B, D, H, W]) -> [B, D, H, W] {
        let y = max_pool2d(x, 2);
        let y = if N > 1 { inner(y) } else { last(y) };
        relu(up(x)) + interpolate(low(y), scale_factor = 2, mode = "nearest")
    }
}

network! {
    /// Passes its parameter on.
    struct Passes<const D: usize> {
        body: Hourglass<2, D>,
    }
    fn forward(x: [B, D, 8, 8]) -> [B, D, 8, 8] { body(x) }
}

network! {
    struct Recursive {
        body: Hourglass<2, 3>,
    }
    fn forward(x: [B, 3, 8, 8]) -> [B, 3, 8, 8] { body(x) }
    fn loss(x: [B, 3, 8, 8]) -> [] { forward(x).square().mean() }
}

network! {
    struct Unfolded {
        up: [Conv2d(3 -> 3, 3, padding = 1), Conv2d(3 -> 3, 3, padding = 1)],
        last: Conv2d(3 -> 3, 1),
        low: [Conv2d(3 -> 3, 1), Conv2d(3 -> 3, 1)],
    }
    fn forward(x: [B, 3, 8, 8]) -> [B, 3, 8, 8] {
        let y = max_pool2d(x, 2);
        let z = last(max_pool2d(y, 2));
        let y = relu(up[1](y)) + interpolate(low[0](z), scale_factor = 2, mode = "nearest");
        relu(up[0](x)) + interpolate(low[1](y), scale_factor = 2, mode = "nearest")
    }
    fn loss(x: [B, 3, 8, 8]) -> [] { forward(x).square().mean() }
}

const LEVELS: usize = 3;
const LEVEL_BASE: usize = 8;
const LEVEL_GROUPS: usize = 4;

network! {
    struct Mixes<const I: usize, const O: usize> where I % LEVEL_GROUPS == 0 {
        norm: GroupNorm(LEVEL_GROUPS, I),
        linear: Linear(I -> O),
        #[when(I != O)]
        shortcut: Linear(I -> O),
    }
    fn forward(x: [B, I]) -> [B, O] {
        let y = linear(norm(x));
        if I != O { y + shortcut(x) } else { y + x }
    }
}

network! {
    /// In the network that holds it, no answer to the conditions of `Mixes` alone decides where it ends.
    struct Level<const N: usize, const C: usize> {
        encode: Mixes<C, C>,
        down: Mixes<C, 2 * C>,
        #[when(N > 1)]
        inner: Level<N - 1, 2 * C>,
        #[when(N == 1)]
        middle: Linear(2 * C -> 2 * C),
        up: Linear(2 * C -> C),
    }
    fn forward(x: [B, C]) -> [B, C] {
        let skip = encode(x);
        let y = down(skip);
        let y = if N > 1 { inner(y) } else { middle(y) };
        skip + up(y)
    }
}

network! {
    struct LevelsOfConstants { levels: Level<LEVELS, LEVEL_BASE> }
    fn forward(x: [B, LEVEL_BASE]) -> [B, LEVEL_BASE] { levels(x) }
}

network! {
    struct LevelsOfNumbers { levels: Level<3, 8> }
    fn forward(x: [B, 8]) -> [B, 8] { levels(x) }
}

#[test]
fn levels_by_constants() {
    let net = LevelsOfConstants::new(Cpu::f64(), 1).unwrap();
    let numbers = LevelsOfNumbers::new(Cpu::f64(), 1).unwrap();
    let x = [[0.5, -1.0, 2.0, 0.0, 1.5, 0.25, -0.75, 3.0]; 2];
    assert_eq!(*net.forward(&x).unwrap(), *numbers.forward(&x).unwrap());
}

#[test]
fn a_network_holds_itself() {
    let mut net = Recursive::new(Cpu::f64(), 3).unwrap();
    let mut unfolded = Unfolded::new(Cpu::f64(), 4).unwrap();
    let names = [
        ("body.up", "up.0"),
        ("body.inner.up", "up.1"),
        ("body.inner.last", "last"),
        ("body.inner.low", "low.0"),
        ("body.low", "low.1"),
    ];
    copy(&net, &mut unfolded, &names);
    let values = (0..2 * 3 * 64).map(|i| (i as f32 * 0.37).sin()).collect();
    let x = Tensor::from_vec([2, 3, 8, 8], values).unwrap();
    assert_eq!(
        net.loss_backward(&x).unwrap().item().unwrap(),
        unfolded.loss_backward(&x).unwrap().item().unwrap()
    );
    same_gradients(&net, &unfolded, &names);
    let passes = Passes::<3, _>::new(Cpu::f64(), 3).unwrap();
    assert_eq!(*passes.forward(&x).unwrap(), *net.forward(&x).unwrap());
}

network! {
    /// Functions of any rank for other networks, a buffer that is set to a boolean, and a scalar function that is no loss.
    struct Helper {
        linear: Linear(4 -> 4),
        seen: Buffer<bool>[] = false,
        count: Buffer[] = 0.0,
    }
    fn with_context(x: [.., 4], c: [.., 4]) -> [.., 4] {
        if training {
            count = where(seen, count, 1);
            seen = true;
        }
        tanh(linear(x) + c) * count
    }
    fn distance(x: [N, 4], y: [N, 4]) -> [] { (x - y).square().mean() }
}

network! {
    struct Caller {
        helper: Helper,
    }
    fn forward(x: [B, T, 4]) -> [B, T, 4] { helper.with_context(x, x) }
    fn loss(x: [B, T, 4]) -> [] { helper.distance(forward(x).view(B * T, 4), x.view(B * T, 4)) }
}

#[test]
fn functions_of_any_rank_for_other_networks() {
    let mut net = Caller::new(Cpu::new(), 1).unwrap();
    let x = [[[0.5f32, 1.0, -1.0, 0.0]; 3]; 2];
    assert_eq!(net.forward(&x).unwrap()[0], [0.0; 4]);
    net.loss_backward(&x).unwrap();
    assert_ne!(net.forward(&x).unwrap()[0], [0.0; 4]);
    assert_eq!(net.parameter("helper.seen").unwrap(), Tensor::scalar(true));
}

const HALF: f64 = 0.5;

network! {
    struct Leaf<const D: usize> {
        linear: Linear(D -> D),
    }
    fn forward(x: [.., D]) -> [.., D] { linear(x) * HALF }
}

network! {
    /// Holds itself twice, and at its ends a network with a constant.
    struct Tree<const N: usize, const D: usize> {
        #[when(N > 0)]
        left: Tree<N - 1, D>,
        #[when(N > 0)]
        right: Tree<N - 1, D>,
        #[when(N == 0)]
        leaf: Leaf<D>,
    }
    fn forward(x: [B, D]) -> [B, D] {
        if N > 0 { tanh(left(x) + right(x)) } else { leaf(x) }
    }
}

network! {
    struct Trees {
        tree: Tree<3, 2>,
    }
    fn forward(x: [B, 2]) -> [B, 2] { tree(x) }
}

#[test]
fn a_network_holds_itself_twice() {
    assert_eq!(Trees::PARAMETERS, 8 * 6);
    let net = Trees::new(Cpu::new(), 1).unwrap();
    assert_eq!(
        net.parameter("tree.left.right.left.leaf.linear.bias")
            .unwrap()
            .shape(),
        [2]
    );
    assert!(
        net.forward(&[[0.5f32, 1.0]]).unwrap()[0]
            .iter()
            .all(|v| v.abs() < 1.0)
    );
}
