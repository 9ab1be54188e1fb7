//! Networks that compile only with the values of constants of other files and modules.

mod further {
    pub mod parts;
}
mod paths;
mod settings;

use crate::values_elsewhere::settings::{self as set, SCALE, WIDTHS as SIZES};
use netform::prelude::*;
use settings::*;
use std::f64::consts::PI;

const FEW: usize = 2;

network! {
    struct Named {
        layers: [Linear(4 + i * STEP -> STEP); DEPTH],
        wide: [Linear(SIZES[i] -> SIZES[i + 1]); 2],
    }
    fn grow(x: [B, 4]) -> [B, 4 + DEPTH * STEP] {
        let mut h = x;
        for layer in layers { h = cat([h, layer(h)], dim = 1); }
        if SCALE > 1.5 && PI < 3.5 { h * SCALE } else { h }
    }
    fn choose(x: [B, 4]) -> [B, SIZES[2]] {
        let mut h = x;
        for layer in wide { h = layer(h); }
        h * MIDDLE
    }
    fn loss(x: [B, 4]) -> [] { mean(grow(x)) + mean(choose(x)) }
}

network! {
    struct Numbers {
        layers: [Linear(4 + i * 2 -> 2); 3],
        wide: [Linear([4, 6, 10][i] -> [6, 10][i]); 2],
    }
    fn grow(x: [B, 4]) -> [B, 10] {
        let mut h = x;
        for layer in layers { h = cat([h, layer(h)], dim = 1); }
        h * 1.5707963267948966
    }
    fn choose(x: [B, 4]) -> [B, 10] {
        let mut h = x;
        for layer in wide { h = layer(h); }
        h * 6
    }
    fn loss(x: [B, 4]) -> [] { mean(grow(x)) + mean(choose(x)) }
}

mod halves {
    use super::further::parts::*;
    use netform::prelude::*;

    network! {
        pub struct Halves {}
        fn forward(x: [B, 2]) -> [B, 2 ** (ROUNDS + 1)] {
            let mut x = x;
            for _ in 0..ROUNDS { x = cat([x, x * HALF], dim = 1); }
            x
        }
    }

    #[test]
    fn a_file_may_lie_below_a_module_of_another_file() {
        let net = Halves::new(Cpu::new(), 1).unwrap();
        let y = net.forward(&[[8.0f32, 4.0]]).unwrap();
        assert_eq!(
            y[0],
            [
                8.0, 4.0, 4.0, 2.0, 4.0, 2.0, 2.0, 1.0, 4.0, 2.0, 2.0, 1.0, 2.0, 1.0, 1.0, 0.5
            ]
        );
    }
}

mod inner {
    use super::{set, set::deep::MIDDLE};
    use netform::prelude::*;

    network! {
        pub struct Inner { linear: Linear(2 -> 2) }
        fn forward(x: [B, 2]) -> [B, 2 * 2 ** MIDDLE] {
            let mut x = linear(x);
            for _ in 0..MIDDLE { x = cat([x, x], dim = 1); }
            x
        }
    }

    #[test]
    fn a_module_within_takes_a_constant_of_a_module() {
        let net = Inner::new(Cpu::new(), 1).unwrap();
        let width = 2 << set::MIDDLE;
        assert_eq!(
            net.forward(&[[1.0f32, 2.0]; 3]).unwrap().shape(),
            [3, width]
        );
    }
}

#[test]
fn constants_of_other_files_have_values() {
    assert_eq!(set::DEPTH, DEPTH);
    let net = Named::new(Cpu::new(), 1).unwrap();
    let words = Numbers::new(Cpu::new(), 1).unwrap();
    let x = [[0.5f32, -1.0, 2.0, 0.25], [1.0, 0.0, -0.5, 3.0]];
    assert_eq!(*net.grow(&x).unwrap(), *words.grow(&x).unwrap());
    assert_eq!(*net.choose(&x).unwrap(), *words.choose(&x).unwrap());
}
