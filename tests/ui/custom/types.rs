use netform::custom::{Array, ArrayMut};
use netform::{Float, prelude::*};

fn f<F: Float>(_: Array<'_, F>, _: ArrayMut<'_, F>) {}

network! {
    struct Net {}

    #[custom(forward = f, backward = f)]
    fn short(x: [B]) -> [B];

    fn loss(#[grad] x: [B]) -> [] {
        short(x).sum()
    }
}

fn main() {}
