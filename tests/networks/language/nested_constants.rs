//! Rust constants in networks in fields: whichever function or branch mentions them, and at any depth.

use netform::prelude::*;

mod inner {
    use netform::prelude::*;

    const OMEGA: f64 = 30.0;
    const SHIFT: i32 = -2;
    const WINDOW: usize = 3;
    const HEADS: usize = 2;

    network! {
        pub struct Any<const D: usize> { l: Linear(D -> D) }
        fn forward(x: [.., D]) -> [.., D] { l(x) * OMEGA }
    }
    network! {
        pub struct Chosen<const D: usize, const F: usize = 0> { l: Linear(D -> D) }
        fn forward(x: [B, D]) -> [B, D] { if F == 1 { l(x) * OMEGA } else { l(x) + SHIFT } }
    }
    network! {
        pub struct Windowed<const D: usize, const F: usize> { l: Linear(D -> D) }
        fn forward(x: [B, D]) -> [B, D] {
            let y = if F == 1 { l(x) } else { x };
            where(arange(D) < WINDOW, y, 0.0) + l(x)
        }
        fn unused(x: [B, D]) -> [B, D] { let y: [HEADS, B, D] = x.expand([HEADS, B, D]); y.sum(0) }
    }
    network! {
        // No field and no `use const` declares `HEADS`.
        pub struct Heads { l: Linear(8 -> 8) }
        fn split(x: [B, T, 8]) -> [B, HEADS, T, 4] { x.view(B, T, HEADS, 4).transpose(1, 2) }
        fn forward(x: [B, T, 8], bias: [1, HEADS, T, T]) -> [B, T, 8] {
            (bias @ split(l(x))).transpose(1, 2).flatten(2)
        }
    }
}

network! {
    pub struct Middle<const D: usize, const F: usize> {
        any: inner::Any<D>,
        chosen: inner::Chosen<D, F>,
        windowed: inner::Windowed<D, F>,
    }
    fn forward(x: [B, D]) -> [B, D] { windowed(chosen(any(x))) }
    fn in_words(x: [B, D]) -> [B, D] {
        let y = chosen.l(any.l(x) * 30) * 30;
        let y = windowed.l(y);
        where(arange(D) < 3, y, 0.0) + y
    }
}

network! {
    pub struct Around<const D: usize> { middle: Middle<D, 1> }
    fn forward(x: [B, D]) -> [B, D] { middle(x) }
    fn in_words(x: [B, D]) -> [B, D] { middle.in_words(x) }
}

network! {
    struct Outer { around: Around<4>, other: inner::Chosen<4>, heads: inner::Heads }
    fn forward(x: [B, 4]) -> [B, 4] { other(around(x)) }
    fn in_words(x: [B, 4]) -> [B, 4] {
        other.l(around.in_words(x)) - 2
    }
    fn split(x: [B, T, 8]) -> [B, T, 8] { heads(x, ones(1, 2, T, T)) }
    fn loss(x: [B, 4], y: [B, T, 8]) -> [] { forward(x).sum() + split(y).sum() }
}

#[test]
fn constants_at_any_depth() -> netform::Result<()> {
    let net = Outer::new(Cpu::f64(), 1)?;
    let x = [[0.5, -1.0, 2.0, 0.25]];
    let (a, b) = (net.forward(&x)?, net.in_words(&x)?);
    for (a, b) in (a.to_tensor().to_f64_vec().iter()).zip(b.to_tensor().to_f64_vec()) {
        assert!((a - b).abs() <= 1e-9 * b.abs(), "{a} and {b}");
    }
    assert_eq!(net.split(&[[[1.0; 8]; 3]; 2])?.shape(), [2, 3, 8]);
    Ok(())
}
