//! Constants named by paths, beside the same networks with numbers.

use super::settings;
use netform::prelude::*;

struct Config;

const GROW: i32 = 3;

impl Config {
    const WIDTH: usize = 2 * Self::HALF;
    const HALF: usize = 2;
    /// That of the module, not itself.
    const GROW: i32 = GROW - 1;
    const ON: bool = true;
}

mod nets {
    netform::network! {
        pub struct N { linear: Linear(4 -> 4) }
        fn forward(x: [B, super::Config::WIDTH]) -> [B, 4] { linear(x) * super::settings::deep::SCALE }
    }
}

network! {
    use const crate::values_elsewhere::settings::STEP;
    struct Paths {
        inner: nets::N,
        list: [nets::N; 2],
        drop: Dropout(p = settings::SCALE / 4),
        layers: [Linear(Config::WIDTH + i * Config::GROW -> Config::GROW); settings::DEPTH],
        #[when(Config::ON)]
        more: Linear(settings::WIDTHS[0] -> settings::WIDTHS[1]),
    }
    fn grow(x: [B, Config::WIDTH]) -> [B, 4 + settings::DEPTH * Config::GROW] {
        let mut x = inner(x);
        for l in list { x = l(x); }
        for layer in layers { x = cat([x, layer(x)], dim = 1); }
        x * std::f64::consts::PI
    }
    fn rest(x: [B, Config::WIDTH]) -> [B, settings::deep::MIDDLE] {
        if Config::ON { drop(more(x)) + settings::STEP } else { zeros(B, settings::deep::MIDDLE) }
    }
    /// A constant of a signature alone.
    fn signature(x: [B, settings::FIVE]) -> [B] { x.sum(1) }
}

mod numbers {
    netform::network! {
        pub struct N { linear: Linear(4 -> 4) }
        fn forward(x: [B, 4]) -> [B, 4] { linear(x) * 1.5707963267948966 }
    }
}

network! {
    struct Numbers {
        inner: numbers::N,
        list: [numbers::N; 2],
        drop: Dropout(p = 0.39269908169872414),
        layers: [Linear(4 + i * 2 -> 2); 3],
        more: Linear(4 -> 6),
    }
    fn grow(x: [B, 4]) -> [B, 10] {
        let mut x = inner(x);
        for l in list { x = l(x); }
        for layer in layers { x = cat([x, layer(x)], dim = 1); }
        x * 3.141592653589793
    }
    fn rest(x: [B, 4]) -> [B, 6] { drop(more(x)) + 2 }
}

network! {
    struct Holds { paths: Paths }
    fn forward(x: [B, 4]) -> [B, 10] { paths.grow(x) }
}

#[test]
fn paths_are_constants() {
    let net = Paths::new(Cpu::new(), 1).unwrap();
    let words = Numbers::new(Cpu::new(), 1).unwrap();
    let x = [[0.5f32, -1.0, 2.0, 0.25], [1.0, 0.0, -0.5, 3.0]];
    assert_eq!(*net.grow(&x).unwrap(), *words.grow(&x).unwrap());
    assert_eq!(*net.rest(&x).unwrap(), *words.rest(&x).unwrap());
    assert_eq!(*net.signature(&[[1.0f32; 5]; 2]).unwrap(), [5.0, 5.0]);
    let holds = Holds::new(Cpu::new(), 1).unwrap();
    assert_eq!(holds.forward(&x).unwrap().shape(), [2, 10]);
}
