use netform::custom::{Array, ArrayMut};
use netform::{Float, prelude::*};

fn f<F: Float>(_: Array<'_, F>, _: ArrayMut<'_, F>) {}

network! {
    struct Net {}

    fn bodiless(x: [B]) -> [B];

    #[custom(forward = f)]
    fn halved(x: [B]) -> [B];

    #[custom(forward = f, backwards = f)]
    fn misspelt(x: [B]) -> [B];

    #[custom(forward = f, backward = f)]
    fn embodied(x: [B]) -> [B] {
        x
    }

    #[custom(forward = f, backward = f)]
    fn longer(x: [B]) -> [C];

    #[custom(forward = f, backward = f)]
    fn asked(x: [B]) -> bool[B];
}

fn main() {}
