//! `#[state]`: values kept from call to call, for streams and caches.

use netform::prelude::*;
use netform::{Error, Tensor};

network! {
    /// A recurrent cell, over a whole sequence and step by step.
    struct Cell {
        input: Linear(3 -> 4),
        hidden: Linear(4 -> 4, bias = false),
    }
    fn next(x: [B, 3], h: [B, 4]) -> [B, 4] { tanh(input(x) + hidden(h)) }
    fn whole(x: [B, T, 3]) -> [B, T, 4] {
        let (_last, all) = scan(x, zeros([B, 4]), |h, x_t| {
            let h = next(x_t, h);
            (h, h)
        });
        all
    }
    fn step(x: [B, 3], #[state] h: [B, 4]) -> [B, 4] {
        h = next(x, h);
        h
    }
    /// Several steps at once, by way of another function's state.
    fn steps(x: [B, T, 3], #[state] h: [B, 4]) -> [B, T, 4] {
        let (last, all) = scan(x, h, |h, x_t| {
            let mut mine = h;
            let y = step(x_t, &mut mine);
            (mine, y)
        });
        h = last;
        all
    }
    /// Truncated backpropagation: gradients end where the call begins.
    fn loss(x: [B, T, 3], target: [B, T, 4], #[state] h: [B, 4]) -> [] {
        mse_loss(steps(x, &mut h), target)
    }
}

fn sequence(b: usize, t: usize) -> Tensor {
    let mut x = vec![0f32; b * t * 3];
    netform::fill_uniform(7, 0, &mut x, -1.0, 1.0);
    Tensor::from_vec([b, t, 3], x).unwrap()
}

/// Step `t` of a sequence (b, steps, 3).
fn at(x: &Tensor, t: usize) -> Tensor {
    let [b, steps, n] = *x.shape() else { panic!() };
    let all = x.to_f64_vec();
    let part = (0..b * n).map(|i| all[(i / n * steps + t) * n + i % n]);
    Tensor::from_vec([b, n], part.collect::<Vec<_>>()).unwrap()
}

#[test]
fn step_by_step_is_the_whole() {
    let (b, steps) = (2, 5);
    let net = Cell::new(Cpu::f64(), 1).unwrap();
    let x = sequence(b, steps);
    let whole = net.whole(&x).unwrap().to_tensor().to_f64_vec();
    let mut state = net.state(b).unwrap();
    for t in 0..steps {
        let y = net.step(&at(&x, t), &mut state).unwrap();
        for (i, y) in y.as_slice().iter().enumerate() {
            let wanted = whole[(i / 4 * steps + t) * 4 + i % 4];
            assert!((y - wanted).abs() < 1e-14, "step {t}: {y} is not {wanted}");
        }
    }
    let kept = state.get("h").unwrap();
    assert_eq!(kept.shape(), [b, 4]);

    let mut other = net.state(b).unwrap();
    net.steps(&x, &mut other).unwrap();
    assert_eq!(other.get("h").unwrap(), kept);
    // Two rows of four doubles; floats would fill half of the alignment.
    assert_eq!((state.bytes(), Cell::state_memory(b)), (64, 64));
    assert_eq!(Cell::state_memory(100), 1600);
}

#[test]
fn a_state_is_read_written_copied_and_reset() {
    let net = Cell::new(Cpu::new(), 1).unwrap();
    let mut state = net.state(1).unwrap();
    let x = [[0.5f32, -0.5, 1.0]];
    net.step(&x, &mut state).unwrap();
    let after = state.get("h").unwrap();
    let mut copy = state.try_clone().unwrap();
    let second = net.step(&x, &mut state).unwrap().to_tensor();
    assert_eq!(copy.get("h").unwrap(), after);
    assert_eq!(net.step(&x, &mut copy).unwrap().to_tensor(), second);
    state.set("h", &after).unwrap();
    assert_eq!(net.step(&x, &mut state).unwrap().to_tensor(), second);
    state.reset().unwrap();
    assert_eq!(state.get("h").unwrap().to_f64_vec(), [0.0; 4]);
    net.step(&x, &mut state).unwrap();
    assert_eq!(state.get("h").unwrap(), after);
    assert_eq!(state.names().collect::<Vec<_>>(), ["h"]);
    assert_eq!(format!("{state:?}"), r#"{"h": [1, 4]}"#);
}

#[test]
fn what_does_not_fit_is_told() {
    let net = Cell::new(Cpu::new(), 1).unwrap();
    let mut state = net.state(2).unwrap();
    let error = net.step(&[[0f32; 3]; 3], &mut state).err().unwrap();
    assert_eq!(error.to_string(), "Cell::step: B is 3 in `x` but 2 in `h`");
    assert!(net.state(usize::MAX).is_err());
    let error = state.get("g").err().unwrap();
    assert_eq!(error.to_string(), "Cell keeps no `g`");
    let error = state.set("h", &Tensor::zeros::<f32>([2, 3]).unwrap());
    assert_eq!(
        error.err().unwrap().to_string(),
        "Cell: `h` is kept in shape [2, 4]; f32 of shape [2, 3] do not fit"
    );
    let error = state.set("h", &Tensor::zeros::<i32>([2, 4]).unwrap());
    assert!(matches!(error, Err(Error::StateShape { .. })));
}

#[test]
fn nothing_is_kept_of_an_empty_batch() {
    let net = Cell::new(Cpu::new(), 1).unwrap();
    let mut state = net.state(0).unwrap();
    let none: [[f32; 3]; 0] = [];
    assert_eq!(net.step(&none, &mut state).unwrap().shape(), [0, 4]);
    assert_eq!(state.get("h").unwrap().shape(), [0, 4]);
}

/// Gradients of a window, with earlier values as constants.
#[test]
fn training_on_a_window_carries_the_state() {
    let mut net = Cell::new(Cpu::f64(), 3).unwrap();
    let (b, t) = (2, 3);
    let x = sequence(b, t);
    let target = Tensor::zeros::<f64>([b, t, 4]).unwrap();
    let mut state = net.state(b).unwrap();
    net.loss_backward(&x, &target, &mut state).unwrap();
    let middle = state.try_clone().unwrap();
    let report = netform::check::gradients(&mut net, |net| {
        let mut state = middle.try_clone()?;
        net.loss_backward(&x, &target, &mut state)?.item()
    });
    report.unwrap();
    let mut sgd = Sgd::new(0.1);
    let first = net.loss_step(&mut sgd, &x, &target, &mut state).unwrap();
    net.loss_accumulate(&x, &target, &mut state).unwrap();
    state.reset().unwrap();
    let later = net.loss(&x, &target, &mut state).unwrap();
    assert!(later.item().unwrap() < first.item().unwrap());
}

network! {
    /// One block of a decoder with a cache of keys and values.
    struct Block<const D: usize> {
        query: Linear(D -> D),
        key: Linear(D -> D),
        value: Linear(D -> D),
        up: Linear(D -> 2 * D),
        down: Linear(2 * D -> D),
    }
    fn forward(x: [B, T, D]) -> [B, T, D] {
        let y = scaled_dot_product_attention(query(x), key(x), value(x), is_causal = true);
        let x = x + y;
        x + down(gelu(up(x)))
    }
    fn decode(x: [B, D], position: u32[], #[state] keys: [B, S, D], #[state] values: [B, S, D])
        -> [B, D]
    {
        keys = keys.index_copy(1, position, key(x));
        values = values.index_copy(1, position, value(x));
        let seen = arange(S) <= position;
        let q = query(x).unsqueeze(1);
        let y = scaled_dot_product_attention(q, keys, values, attn_mask = seen.unsqueeze(0));
        let x = x + y.squeeze(1);
        x + down(gelu(up(x)))
    }
}

network! {
    struct Decoder {
        token: Embedding(11 -> 8),
        blocks: [Block<8>; 3],
        head: Linear(8 -> 11),
    }
    fn forward(tokens: u32[B, T]) -> [B, T, 11] {
        let mut x = token(tokens);
        for block in blocks { x = block(x); }
        head(x)
    }
    fn decode(
        tokens: u32[B],
        position: u32[],
        #[state] keys: [3, B, S, 8],
        #[state] values: [3, B, S, 8],
    ) -> [B, 11] {
        let mut x = token(tokens);
        for (block, k, v) in zip(blocks, keys, values) {
            x = block.decode(x, position, &mut k, &mut v);
        }
        head(x)
    }
}

#[test]
fn decoding_with_a_cache_is_decoding_without() {
    let net = Decoder::new(Cpu::f64(), 4).unwrap();
    let tokens = [[1u32, 5, 3, 10, 0, 7], [2, 2, 9, 4, 8, 6]];
    let whole = net.forward(&tokens).unwrap().to_tensor().to_f64_vec();
    let mut state = net.state(2, 9).unwrap();
    for t in 0..6 {
        let now = tokens.map(|row| row[t]);
        let y = net.decode(&now, t as u32, &mut state).unwrap();
        for (i, y) in y.as_slice().iter().enumerate() {
            let wanted = whole[(i / 11 * 6 + t) * 11 + i % 11];
            assert!((y - wanted).abs() < 1e-12, "token {t}: {y} is not {wanted}");
        }
    }
}

#[test]
fn a_cache_is_written_in_place() {
    // The workspace has no value as large as one block's cache.
    let (b, s) = (4, 4096);
    let cache = Decoder::state_memory(b, s) / 2;
    assert_eq!(cache, 3 * b * s * 8 * 4);
    let workspace = Decoder::decode_memory(b, s);
    assert!(
        workspace < cache / 3 + 4 * b * s * 4,
        "{workspace} of {cache}"
    );
}

#[test]
fn a_position_outside_of_the_cache_is_an_error() {
    let net = Decoder::new(Cpu::new(), 4).unwrap();
    let mut state = net.state(1, 2).unwrap();
    let error = net.decode(&[1u32], 2u32, &mut state).err().unwrap();
    assert!(
        matches!(error, Error::IndexOutOfRange { limit: 2, .. }),
        "{error}"
    );
}

network! {
    /// Values that change places, stay, come back and are counted.
    struct Registers {}
    fn turn(x: [B], #[state] a: [B], #[state] b: [B], #[state] n: i32[], #[state] seen: bool[B])
        -> ([B], [B], i32[])
    {
        let old = a;
        a = b;
        b = old + x;
        n = n + 1;
        seen = seen | (x > 0.0);
        (old, a, n)
    }
    fn peek(#[state] a: [B], #[state] seen: bool[B]) -> [B] { where(seen, a, -1.0) }
    fn store(x: [B], #[state] a: [B]) -> [B] {
        a = x;
        a * 2.0
    }
}

#[test]
fn states_change_places() {
    let net = Registers::new(Cpu::f64(), 0).unwrap();
    let mut state = net.state(2).unwrap();
    let (mut a, mut b) = ([0.0, 0.0], [0.0, 0.0]);
    for step in 0..4 {
        let x = [f64::from(step) - 1.0, 10.0];
        let (old, now, n) = net.turn(&x, &mut state).unwrap();
        let before = a;
        a = b;
        b = [before[0] + x[0], before[1] + x[1]];
        assert_eq!((old.as_slice(), now.as_slice()), (&before[..], &a[..]));
        assert_eq!(n.item().unwrap(), step + 1);
    }
    assert_eq!(state.get("a").unwrap().to_f64_vec(), a);
    assert_eq!(state.get("b").unwrap().to_f64_vec(), b);
    assert_eq!(net.peek(&mut state).unwrap().as_slice(), &a[..]);
    assert_eq!(
        net.store(&[3.0, 4.0], &mut state).unwrap().as_slice(),
        [6.0, 8.0]
    );
    assert_eq!(state.get("a").unwrap().to_f64_vec(), [3.0, 4.0]);
}

network! {
    /// `index_copy`, for its gradients.
    struct Put { scale: Param[3, 4] = ones }
    fn loss(#[grad] x: [3, 4], #[grad] source: [2, 4], index: u32[2]) -> [] {
        let y = (x * scale).index_copy(0, index, source.square());
        (y * y.sin()).sum()
    }
    fn forward(x: [3, 4], source: [3, 2], index: u32[2]) -> [3, 4] { x.index_copy(1, index, source) }
}

#[test]
fn index_copy_has_torchs_values_and_gradients() {
    let mut net = Put::new(Cpu::f64(), 0).unwrap();
    let x: [[f64; 4]; 3] = std::array::from_fn(|i| std::array::from_fn(|j| (i * 4 + j) as f64));
    let source = [[-1.0, -2.0], [-3.0, -4.0], [-5.0, -6.0]];
    let y = net.forward(&x, &source, &[3u32, 0]).unwrap();
    assert_eq!(
        y.as_slice(),
        [
            [-2.0, 1.0, 2.0, -1.0],
            [-4.0, 5.0, 6.0, -3.0],
            [-6.0, 9.0, 10.0, -5.0]
        ]
        .as_flattened()
    );
    let source = [[0.5, 0.25, -0.5, 1.0], [0.1, 0.2, 0.3, 0.4]];
    let index = [2u32, 0];
    netform::check::gradients(&mut net, |net| {
        net.loss_backward(&x, &source, &index)?.0.item()
    })
    .unwrap();
    let (_, (dx, dsource)) = net.loss_backward(&x, &source, &index).unwrap();
    let loss = |x: &[[f64; 4]; 3], s: &[[f64; 4]; 2]| net_loss(x, s, &index);
    for i in 0..12 {
        let (mut up, mut down) = (x, x);
        up[i / 4][i % 4] += 1e-6;
        down[i / 4][i % 4] -= 1e-6;
        let wanted = (loss(&up, &source) - loss(&down, &source)) / 2e-6;
        assert!((dx.as_slice()[i] - wanted).abs() < 1e-6);
    }
    for i in 0..8 {
        let (mut up, mut down) = (source, source);
        up[i / 4][i % 4] += 1e-6;
        down[i / 4][i % 4] -= 1e-6;
        let wanted = (loss(&x, &up) - loss(&x, &down)) / 2e-6;
        assert!((dsource.as_slice()[i] - wanted).abs() < 1e-6);
    }
}

fn net_loss(x: &[[f64; 4]; 3], source: &[[f64; 4]; 2], index: &[u32; 2]) -> f64 {
    let net = Put::new(Cpu::f64(), 0).unwrap();
    net.loss(x, source, index).unwrap().item().unwrap()
}

#[test]
fn runs_at_the_same_time_have_states_of_their_own() {
    let net = Cell::new(Cpu::new(), 1).unwrap();
    let x = sequence(2, 8);
    let alone: Vec<f64> = {
        let mut state = net.state(2).unwrap();
        net.steps(&x, &mut state).unwrap();
        state.get("h").unwrap().to_f64_vec()
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut state = net.state(2).unwrap();
                for t in 0..8 {
                    net.step(&at(&x, t), &mut state).unwrap();
                }
                let found = state.get("h").unwrap().to_f64_vec();
                for (a, b) in found.iter().zip(&alone) {
                    assert!((a - b).abs() < 1e-6);
                }
            });
        }
    });
}
