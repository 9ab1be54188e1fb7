//! Custom ops that run on the host, and their effects there.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use netform::custom::{Array, ArrayMut};
use netform::prelude::*;
use netform::{Error, Float};

use crate::device::own;

network! {
    struct Inner {}
    fn rows(x: [B, 2], at: u32[K]) -> [K, 2] { x.index_select(0, at) }
}

/// The action of the op.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Nothing,
    Panics,
    RunsInner,
}

thread_local! {
    static DOES: Cell<Does> = const { Cell::new(Does::Nothing) };
    static INNER: RefCell<Option<Inner<Cuda>>> = const { RefCell::new(None) };
    static TOLD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn busy<F: Float>(x: Array<'_, F>, mut y: ArrayMut<'_, F>) {
    y.copy_from_slice(&x);
    match DOES.get() {
        Does::Nothing => {}
        Does::Panics => panic!("as asked"),
        Does::RunsInner => INNER.with_borrow(|net| {
            let net = net.as_ref().expect("a network");
            // A wrong index: it would be unclear which run reports it.
            let error = net.rows(&[[1f32, 2.0]], &[5u32]).expect_err("refused");
            assert!(matches!(error, Error::Device { .. }), "{error:?}");
            TOLD.with_borrow_mut(|told| told.push(error.to_string()));
        }),
    }
}

fn busy_backward<F: Float>(
    _x: Array<'_, F>,
    _y: Array<'_, F>,
    dy: Array<'_, F>,
    mut dx: ArrayMut<'_, F>,
) {
    dx.copy_from_slice(&dy);
}

network! {
    struct Outer {}

    #[custom(forward = busy, backward = busy_backward)]
    fn busy(x: [B, N]) -> [B, N];

    fn rows(x: [B, 2], at: u32[K]) -> [K, 2] { busy(x.index_select(0, at)) * 2.0 }
}

const X: [[f32; 2]; 2] = [[1.0, 2.0], [3.0, 4.0]];

fn is_right(net: &Outer<Cuda>) {
    let rows = net.rows(&X, &[1u32, 0]).unwrap();
    assert_eq!(rows.to_tensor().to_f64_vec(), [6.0, 8.0, 2.0, 4.0]);
}

#[test]
fn a_run_within_a_run_is_refused() {
    let device = own();
    let net = Outer::new(device.clone(), 1).unwrap();
    INNER.set(Some(Inner::new(device, 1).unwrap()));
    DOES.set(Does::RunsInner);
    for _ in 0..3 {
        is_right(&net);
    }
    DOES.set(Does::Nothing);
    is_right(&net);
    let told = TOLD.take();
    assert_eq!(told.len(), 3);
    let text = "cuda:0: a function of an op's own runs a network of the device that called it: it \
                may use another, such as the CPU";
    let text = format!("{text}\n  in `Inner::rows`, or before it");
    assert!(told.iter().all(|t| *t == text), "{told:?}");
    // Outside a run it works, and its errors are its own.
    let inner = INNER.take().expect("a network");
    let error = inner.rows(&[[1f32, 2.0]], &[5u32]).err().unwrap();
    assert!(
        matches!(error, Error::IndexOutOfRange { limit: 1, .. }),
        "{error}"
    );
    is_right(&net);
}

/// The findings of a run that ends in a panic do not affect the next run.
#[test]
fn a_panic_leaves_no_fault() {
    let net = Outer::new(own(), 1).unwrap();
    for _ in 0..3 {
        DOES.set(Does::Panics);
        let ended = catch_unwind(AssertUnwindSafe(|| net.rows(&X, &[0u32, 7]).map(drop)));
        assert!(ended.is_err());
        DOES.set(Does::Nothing);
        is_right(&net);
        let error = net.rows(&X, &[0u32, 7]).err().unwrap();
        assert!(
            matches!(error, Error::IndexOutOfRange { limit: 2, .. }),
            "{error}"
        );
    }
}
