use netform::custom::{Array, ArrayMut};
use netform::{Float, prelude::*};

fn f<F: Float>(_: Array<'_, F>, _: ArrayMut<'_, F>) {}
fn g<F: Float>(_: Array<'_, F>, _: Array<'_, F>, _: Array<'_, F>, _: ArrayMut<'_, F>) {}

network! {
    struct Net {}

    #[custom(forward = f, backward = g)]
    fn cubed(x: [B]) -> [B];

    fn slope(x: [B]) -> [B] {
        grad(cubed(x).sum(), x)
    }
}

fn main() {}
