//! After the first runs of given dimensions, entry functions do not touch the heap.

#[path = "nets/hand.rs"]
mod hand;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hand::Hand;
use netform_runtime::*;

struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator, counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|n| n.set(n.get() + 1));
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

#[test]
fn steady_state() {
    let mut net = Hand::new(Cpu::new(), 1).unwrap();
    let (x, y) = (vec![[0f64; 4]; 1000], vec![[0f32; 3]; 1000]);
    let round = |net: &mut Hand| {
        let a = net.copy(&x).unwrap();
        let b = net.copy(&x[..10]).unwrap();
        assert_eq!(a[0], b[0]);
        drop((a, b));
        net.loss_backward(&x, &y, false).unwrap();
        net.loss_backward(&x[..7], &y[..7], true).unwrap();
    };
    for _ in 0..4 {
        round(&mut net);
    }
    let before = COUNT.with(Cell::get);
    for _ in 0..10 {
        round(&mut net);
    }
    assert_eq!(COUNT.with(Cell::get) - before, 0);
}

#[test]
fn training_steps() {
    use netform_runtime::data::Loader;
    use netform_runtime::optim::schedule::{Curve, StepLR};
    use netform_runtime::optim::{Adam, Optimizer};

    let mut net = Hand::new(Cpu::new(), 1).unwrap();
    let (x, y) = (vec![[0f32; 4]; 100], vec![[0f32; 3]; 100]);
    let mut loader = Loader::new(&x, &y, 32).unwrap().shuffle(1);
    let mut adam = Adam::new(1e-3)
        .clip_norm(1.0)
        .group("head.bias", |g| g.lr(0.1));
    let mut schedule = StepLR::new(3).on(&mut adam);
    let mut epoch = || {
        let mut batches = loader.epoch();
        while let Some((x, y)) = batches.next() {
            net.loss_backward(x, y, false).unwrap();
            adam.step(&mut net).unwrap();
            schedule.step(&mut adam);
        }
    };
    epoch();
    epoch();
    let before = COUNT.with(Cell::get);
    epoch();
    assert_eq!(COUNT.with(Cell::get) - before, 0);
}
