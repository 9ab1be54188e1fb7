//! After the first run of its dimensions, neither a training step nor an inference allocates on the heap.
//!
//! One exception is counted separately: large matrix products go to a library that packs its operands into its own
//! buffers. The small network's products do not use it; the large one's number is printed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use netform::data::Loader;
use netform::generate::{Beam, Sampler};
use netform::optim::Norm;
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

struct Counting;

/// Of all threads, since workers must not allocate either.
static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator with a counter.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations while `f` runs for the third time.
fn count(mut f: impl FnMut()) -> usize {
    f();
    f();
    let before = COUNT.load(Ordering::Relaxed);
    f();
    COUNT.load(Ordering::Relaxed) - before
}

network! {
    struct Small {
        linear_1: Linear(8 -> 10),
        linear_2: Linear(10 -> 7),
        linear_3: Linear(7 -> 3),
        dropout: Dropout(p = 0.1),
    }
    fn forward(x: [B, 8]) -> [B, 3] {
        let x = dropout(sigmoid(linear_1(x)));
        linear_3(sigmoid(linear_2(x)))
    }
    fn loss(x: [B, 8], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

network! {
    struct Large {
        linear_1: Linear(784 -> 256),
        linear_2: Linear(256 -> 10),
    }
    fn forward(x: [B, 784]) -> [B, 10] { linear_2(relu(linear_1(x))) }
    fn loss(x: [B, 784], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

network! {
    struct Loops {
        input: Linear(3 -> 8),
        hidden: Linear(8 -> 8, bias = false),
        drop: Dropout(p = 0.1),
        blocks: [Linear(8 -> 8); 4],
        head: Linear(8 -> 3),
    }
    fn forward(x: [B, T, 3]) -> [B, 3] {
        let (h, _) = scan(x, zeros([B, 8]), |h, x_t| {
            let h = tanh(input(x_t) + hidden(drop(h)));
            (h, ())
        });
        let mut h = h;
        for block in blocks { h = h + relu(block(h)); }
        head(h)
    }
    fn loss(x: [B, T, 3], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
}

network! {
    struct Stream {
        input: Linear(8 -> 16),
        hidden: Linear(16 -> 16),
        seen: Buffer[16],
    }
    fn step(x: [B, 8], at: u32[], #[state] h: [B, 16], #[state] all: [B, S, 16]) -> [B, 16] {
        h = tanh(input(x) + hidden(h));
        all = all.index_copy(1, at, h);
        all.mean(1)
    }
    fn loss(x: [B, 8]) -> [] {
        let y = tanh(input(x)) + hidden(seen);
        seen = lerp(seen, y.mean(0), 0.1);
        y.square().mean()
    }
}

network! {
    /// Layers whose state goes from call to call.
    struct Reader {
        rnn: RNN(8 -> 4),
        lstm: LSTM(4 -> 4, num_layers = 2),
        gru: GRU(4 -> 4),
    }
    fn step(
        x: [B, T, 8],
        #[state] r: [1, B, 4],
        #[state] h: [2, B, 4],
        #[state] c: [2, B, 4],
        #[state] g: [1, B, 4],
    ) -> [B, T, 4] {
        let (y, r_next) = rnn(x, r);
        let (y, (h_next, c_next)) = lstm(y, (h, c));
        let (y, g_next) = gru(y, g);
        r = r_next;
        h = h_next;
        c = c_next;
        g = g_next;
        y
    }
    fn loss(x: [B, T, 8], lengths: u32[B]) -> [] {
        let (y, _) = rnn(x, lengths = lengths);
        let (y, _) = lstm(y, lengths = lengths);
        let (y, _) = gru(y, lengths = lengths);
        sequence_mean(y, lengths).square().mean()
    }
}

network! {
    /// Attention that keeps keys and values, and layers of a Transformer.
    struct Decoder {
        query: Linear(8 -> 8),
        key: Linear(8 -> 8),
        value: Linear(8 -> 8),
        norm: BatchNorm1d(8),
        layer: TransformerEncoder(TransformerEncoderLayer(8, 2, dim_feedforward = 16), num_layers = 2),
    }
    fn next(x: [B, 8], at: u32[], #[state] keys: [B, S, 8], #[state] values: [B, S, 8]) -> [B, 8] {
        keys = keys.index_copy(1, at, key(x));
        values = values.index_copy(1, at, value(x));
        let seen = arange(S) <= at;
        scaled_dot_product_attention(query(x).unsqueeze(1), keys, values, attn_mask = seen).squeeze(1)
    }
    fn loss(x: [B, T, 8]) -> [] {
        let y = norm(x.transpose(1, 2)).transpose(1, 2);
        scaled_dot_product_attention(query(y), key(y), value(layer(y)), is_causal = true).square().mean()
    }
}

// A single test, since tests that run at the same time would be counted, too.
#[test]
fn nothing_is_allocated() {
    let (x, y) = (vec![[0.5f32; 8]; 200], vec![1u32; 200]);
    let mut net = Small::new(Cpu::new(), 1).unwrap();

    let mut adam = Adam::new(1e-3).clip_norm(1.0).clip_value(0.5);
    let mut schedule = OneCycleLR::new(1e-3, 1000).on(&mut adam);
    let mut loader = Loader::new(&x, &y, 64).unwrap().shuffle(1);
    let steps = count(|| {
        let mut batches = loader.epoch();
        while let Some((x, y)) = batches.next() {
            net.loss_step(&mut adam, x, y).unwrap().item().unwrap();
            schedule.step(&mut adam);
        }
    });
    assert_eq!(steps, 0, "an epoch of `loss_step`");

    let mut sgd = Sgd::new(0.1).momentum(0.9);
    let backward = count(|| {
        net.loss_backward(&x, &y).unwrap();
        net.clip_grad_norm(1.0, Norm::L2).unwrap();
        net.clip_grad_value(0.1).unwrap();
        sgd.step(&mut net).unwrap();
        net.loss_accumulate(&x, &y).unwrap();
        net.zero_grad();
    });
    assert_eq!(
        backward, 0,
        "`loss_backward`, clipping, the optimizer's step"
    );

    let inference = count(|| {
        for n in [1, 2, 200] {
            let out = net.forward(&x[..n]).unwrap();
            assert!(out.len() == n && out[0][0].is_finite());
        }
        net.loss(&x, &y).unwrap();
    });
    assert_eq!(inference, 0, "inference");

    let x = netform::Tensor::from_vec([4, 9, 3], vec![0.5f32; 108]).unwrap();
    let mut net = Loops::new(Cpu::new(), 1).unwrap();
    let mut adam = Adam::new(1e-3);
    let loops = count(|| {
        net.loss_step(&mut adam, &x, &[0, 1, 2, 1]).unwrap();
        net.forward(&x).unwrap();
    });
    assert_eq!(loops, 0, "a step and an inference with loops");

    let mut net = Stream::new(Cpu::new(), 1).unwrap();
    let mut state = net.state(2, 32).unwrap();
    let x = [[0.5f32; 8]; 2];
    let (mut at, mut momentum) = (0u32, Sgd::new(0.1).momentum(0.9));
    let stream = count(|| {
        for _ in 0..8 {
            net.step(&x, at, &mut state).unwrap();
            at += 1;
        }
        net.loss_step(&mut momentum, &x).unwrap();
    });
    assert_eq!(stream, 0, "steps with kept state, and a buffer's update");

    let mut net = Reader::new(Cpu::new(), 1).unwrap();
    let mut adam = Adam::new(1e-3);
    let mut state = net.state(3).unwrap();
    let x = netform::Tensor::from_vec([3, 5, 8], vec![0.5f32; 120]).unwrap();
    let one = netform::Tensor::from_vec([3, 1, 8], vec![0.5f32; 24]).unwrap();
    let recurrent = count(|| {
        for x in [&one, &x, &one] {
            net.step(x, &mut state).unwrap();
        }
        net.loss_step(&mut adam, &x, &[2, 5, 1]).unwrap();
    });
    assert_eq!(recurrent, 0, "recurrent layers: streams and a step");

    let mut net = Decoder::new(Cpu::new(), 1).unwrap();
    let mut state = net.state(2, 32).unwrap();
    let x = netform::Tensor::from_vec([2, 7, 8], vec![0.5f32; 112]).unwrap();
    let (mut at, mut adam) = (0u32, Adam::new(1e-3));
    let decoder = count(|| {
        for _ in 0..8 {
            net.next(&[[0.5f32; 8]; 2], at, &mut state).unwrap();
            at += 1;
        }
        net.loss_step(&mut adam, &x).unwrap();
    });
    assert_eq!(
        decoder, 0,
        "keys and values that are kept, and a step with attention"
    );

    let scores: Vec<f32> = (0..4 * 2000)
        .map(|i| ((i * 7919) % 997) as f32 / 100.0)
        .collect();
    let mut drawn = Sampler::new(1).top_k(600).top_p(0.9);
    let mut greedy = Sampler::greedy();
    // There is no symbol 2000, so no beam ends.
    let mut beam = Beam::new(4, 100).start(&[0]).end(2000);
    let choice = count(|| {
        for _ in 0..8 {
            drawn.pick(&scores).unwrap();
            greedy.pick(&scores).unwrap();
            assert!(beam.advance(&scores).unwrap());
        }
    });
    assert_eq!(choice, 0, "the choice of symbols");

    let (x, y) = (vec![[0.5f32; 784]; 128], vec![1u32; 128]);
    let mut net = Large::new(Cpu::new(), 1).unwrap();
    let mut adam = Adam::new(1e-3).clip_norm(1.0);
    let step = count(|| {
        net.loss_step(&mut adam, &x, &y).unwrap();
    });
    let forward = count(|| {
        net.forward(&x).unwrap();
    });
    println!("packing buffers of the matrix library: {step} in a step, {forward} in a forward run");
    // Two products forward and three backward, each in a few parts.
    assert!(step <= 64 && forward <= step, "{step} and {forward}");
}
