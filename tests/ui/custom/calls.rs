use netform::custom::{Array, ArrayMut};
use netform::{Float, prelude::*};

fn f<F: Float>(_: Array<'_, F>, _: Array<'_, F>, _: ArrayMut<'_, F>) {}
fn g<F: Float>(
    _: Array<'_, F>,
    _: Array<'_, F>,
    _: Array<'_, F>,
    _: Array<'_, F>,
    _: ArrayMut<'_, F>,
    _: ArrayMut<'_, F>,
) {
}

network! {
    struct Net {}

    #[custom(forward = f, backward = g)]
    fn scaled(x: [B, N], w: [N]) -> [B, N];

    fn forward(x: [B, 8], w: [7]) -> [B, 8] {
        scaled(x, w) + scaled(x) + scaled(x, w = w)
    }
}

fn main() {}
