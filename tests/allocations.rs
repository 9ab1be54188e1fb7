//! After the first of its dimensions, neither a training step nor an inference touches the heap.
//!
//! One thing is counted apart: large matrix products go to a library that packs its operands into
//! buffers of its own. The small network's products do not; the large one's number is printed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use netform::data::Loader;
use netform::optim::Norm;
use netform::optim::schedule::OneCycleLR;
use netform::prelude::*;

struct Counting;

/// Of all threads: workers must not allocate either.
static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator, counted.
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

// One test: others at the same time would be counted with it.
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
