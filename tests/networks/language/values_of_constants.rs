//! Networks that compile only with the values of their constants, beside the same networks with numbers.

use netform::prelude::*;

const DEPTH: usize = 3;
const DIM: usize = 2 * HALF;
const HALF: usize = 1 << 2;
const GROW: i32 = 2;
const WIDTHS: [usize; 3] = [DIM, 16, DIM / 2];
const SETTINGS: &[(usize, f64)] = &[(2, 0.5), (3, -1.5)];
const RATES: [f32; 2] = [0.25, 1.5];
const SCALE: f64 = 1e-1;
const ON: bool = DEPTH > 2 && DIM as f64 / 3.0 > 2.5;
const LAST: usize = WIDTHS.len() - 1;
const SHRINK: f64 = 0.3;

network! {
    /// A comment, which is no part of the network in the file.
    struct Named {
        layers: [Linear(DIM + i * GROW -> GROW); DEPTH],
        wide: [Linear(WIDTHS[i] -> WIDTHS[i + 1]); LAST],
        narrow: Linear(max(DIM / 4, 6) -> min(int(0.3 * DIM), 9)),
        nested: [[Linear(DIM -> DIM + 2 * i); 2]; DEPTH],
        pairs: [Linear(DIM -> SETTINGS[i].0); 2],
        shrunk: Linear(DIM -> int(SHRINK * DIM) + ceil(DIM * 0.2), bias = false),
    }
    /// Grows in a loop.
    fn grow(x: [B, DIM]) -> [B, DIM + DEPTH * GROW] {
        let mut h = x;
        for layer in layers {
            h = cat([h, relu(layer(h))], dim = 1);
        }
        h
    }
    fn choose(x: [B, DIM]) -> [B, WIDTHS[LAST]] {
        let mut h = x;
        for i in 0..DEPTH {
            if i == 0 { h = 2 * h; } else { h = h + i; }
        }
        for (i, layer) in enumerate(wide) {
            h = layer(h);
            if i < LAST - 1 { h = tanh(h); }
        }
        if SCALE > 0.0 { h * SCALE } else { h }
    }
    fn tuples(x: [B, 6]) -> [B, 2] {
        let mut h = narrow(x);
        for (k, s) in SETTINGS { h = h * s + k; }
        for ((k, _), r) in zip(SETTINGS, RATES) { h = h * r + max(k, 3) * SETTINGS[1].1; }
        for w in WIDTHS { h = h / w; }
        let (a, b) = h.chunk(SETTINGS[0].0, dim = 1);
        if ON { cat([b, a], dim = 1) } else { h }
    }
    fn part(x: [B, DIM]) -> [B, SETTINGS[0].0 + 3] { cat([pairs[0](x), pairs[1](x)], dim = 1) }
    fn shrink(x: [B, DIM]) -> [B, 4] { shrunk(x) }
    fn both(x: [B, DIM]) -> [B, DIM + 2] {
        let mut h = zeros(B, DIM + 2);
        for pair in nested { h = h + pair[1](pair[0](x)); }
        h
    }
}

network! {
    struct Written {
        layers: [Linear(8 -> 2), Linear(10 -> 2), Linear(12 -> 2)],
        wide: [Linear(8 -> 16), Linear(16 -> 4)],
        narrow: Linear(6 -> 2),
        nested: [[Linear(8 -> 8), Linear(8 -> 10)], [Linear(8 -> 8), Linear(8 -> 10)], [Linear(8 -> 8), Linear(8 -> 10)]],
        pairs: [Linear(8 -> 2), Linear(8 -> 3)],
        shrunk: Linear(8 -> 4, bias = false),
    }
    fn grow(x: [B, 8]) -> [B, 14] {
        let a = cat([x, relu(layers[0](x))], dim = 1);
        let b = cat([a, relu(layers[1](a))], dim = 1);
        cat([b, relu(layers[2](b))], dim = 1)
    }
    fn choose(x: [B, 8]) -> [B, 4] { wide[1](tanh(wide[0](2 * x + 1 + 2))) * 0.1 }
    fn tuples(x: [B, 6]) -> [B, 2] {
        let h = (narrow(x) * 0.5 + 2) * -1.5 + 3;
        let h = (h * 0.25 - 4.5) * 1.5 - 4.5;
        (h / 8 / 16 / 4).flip(1)
    }
    fn part(x: [B, 8]) -> [B, 5] { cat([pairs[0](x), pairs[1](x)], dim = 1) }
    fn shrink(x: [B, 8]) -> [B, 4] { shrunk(x) }
    fn both(x: [B, 8]) -> [B, 10] {
        nested[0][1](nested[0][0](x)) + nested[1][1](nested[1][0](x)) + nested[2][1](nested[2][0](x))
    }
}

fn input(width: usize) -> Tensor {
    let values = (0..3 * width).map(|i| (i as f32 * 0.37).sin()).collect();
    Tensor::from_vec([3, width], values).expect("a tensor")
}

#[test]
fn values_take_the_places_of_names() {
    let (named, written) = (
        Named::new(Cpu::f64(), 1).unwrap(),
        Written::new(Cpu::f64(), 1).unwrap(),
    );
    let near = |a: &[f64], b: &[f64]| {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{a} and {b}");
        }
    };
    let x = input(8);
    near(
        named.grow(&x).unwrap().as_flattened(),
        written.grow(&x).unwrap().as_flattened(),
    );
    near(
        named.choose(&x).unwrap().as_flattened(),
        written.choose(&x).unwrap().as_flattened(),
    );
    near(
        named.both(&x).unwrap().as_flattened(),
        written.both(&x).unwrap().as_flattened(),
    );
    near(
        named.shrink(&x).unwrap().as_flattened(),
        written.shrink(&x).unwrap().as_flattened(),
    );
    near(
        named.part(&x).unwrap().as_flattened(),
        written.part(&x).unwrap().as_flattened(),
    );
    let x = input(6);
    near(
        named.tuples(&x).unwrap().as_flattened(),
        written.tuples(&x).unwrap().as_flattened(),
    );
}

mod scopes {
    use netform::prelude::*;

    pub const COUNT: usize = 2;

    pub mod inner {
        use super::COUNT;
        use netform::prelude::*;

        network! {
            pub struct Outer {
                linear: Linear(2 -> 2),
            }
            fn doubled(x: [2]) -> [2 * COUNT * COUNT] {
                let mut x = linear(x);
                for _ in 0..COUNT { x = cat([x, x]); }
                x
            }
        }
    }

    #[test]
    fn the_innermost_constant_counts() {
        const COUNT: usize = 1;
        network! {
            struct Inner {
                linear: Linear(2 -> 2),
            }
            fn doubled(x: [2]) -> [4] {
                let mut x = linear(x);
                for _ in 0..COUNT { x = cat([x, x]); }
                x
            }
        }
        let x = [1.0f32, 2.0];
        assert_eq!(
            Inner::new(Cpu::new(), 1)
                .unwrap()
                .doubled(&x)
                .unwrap()
                .len(),
            4
        );
        assert_eq!(
            inner::Outer::new(Cpu::new(), 1)
                .unwrap()
                .doubled(&x)
                .unwrap()
                .len(),
            8
        );
    }
}

network! {
    /// Has constants of its own, and compiles without their values.
    struct Part<const N: usize> {
        linear: Linear(N -> WIDTHS[1]),
        drop: Dropout(SCALE),
    }
    fn forward(x: [.., N]) -> [.., WIDTHS[1]] { drop(linear(x)) * RATES[0] }
}

network! {
    /// Needs the values, and holds it.
    struct Whole {
        part: Part<DIM>,
    }
    fn forward(x: [DIM]) -> [16 * 2 ** DEPTH] {
        let mut x = part(x);
        for _ in 0..DEPTH { x = cat([x, x]); }
        x
    }
}

#[test]
fn a_network_in_a_field_has_its_constants() {
    let net = Whole::new(Cpu::new(), 1).unwrap();
    let x = [0.5f32; 8];
    let y = net.forward(&x).unwrap();
    assert_eq!(y.len(), 128);
    assert_eq!(y[..16], y[112..]);
    assert_eq!(Whole::PARAMETERS, 8 * 16 + 16);
}

const PAD: i64 = 1;
const IGNORED: i64 = -100;
const ROWS: u8 = 4;
const HALVED: f32 = 0.5;

network! {
    /// Constants of any type of numbers, without a need for their values.
    struct Types {
        table: Embedding(ROWS -> 2, padding_idx = PAD),
        drop: Dropout(HALVED),
    }
    fn forward(ids: i64[B]) -> [B, 2] {
        let ids = masked_fill(ids, ids == IGNORED, PAD);
        drop(table(ids)) * HALVED
    }
    fn first(ids: i64[B]) -> i64[B] {
        let mut ids = ids;
        ids[0] = IGNORED;
        ids
    }
}

#[test]
fn constants_of_any_type_of_numbers() {
    let net = Types::new(Cpu::new(), 1).unwrap();
    let table = net.parameter("table.weight").unwrap();
    let y = net.forward(&[3i64, IGNORED]).unwrap();
    let row = &table.to_f64_vec()[6..];
    assert_eq!(y[0].map(f64::from), [row[0] / 2.0, row[1] / 2.0]);
    assert_eq!(y[1], [0.0, 0.0]);
    assert_eq!(&*net.first(&[3i64, 2]).unwrap(), [-100, 2]);
}

const H: usize = 5;
const Q: usize = 3;
const W: usize = 7;
const MINUS: i64 = -5;
const LARGE: i64 = (1 << 53) + 3;
const LARGES: [i64; 2] = [0, -4];
const WHOLE: i32 = 2;
const PART: f64 = 2.7;

network! {
    use const WHOLE: f64;
    /// Names that are variables here, beside constants of these names in the file.
    struct Variables {
        linear: Linear(2 -> 2),
    }
    fn scaled(x: [N], factor: f64) -> [N] { x * factor }
    fn forward(x: [T, 2]) -> [T, 2] {
        let W = x[:, 0].sum() * 0 + 1;
        let (mut K, Q) = (x, 2);
        for _ in 0..DEPTH { K = cat([K, K], dim = 1); }
        let (_, y) = scan(linear(x), zeros(2), |H, X| (H + X, H * Q), dim = 0);
        let Z: [T, 2] = y + K[:, Q:Q + 2] * scaled(x.view(T * 2), factor = 1.0).view(T, 2);
        Z * W + WHOLE
    }
}

network! {
    struct VariablesInWords {
        linear: Linear(2 -> 2),
    }
    fn forward(x: [T, 2]) -> [T, 2] {
        let (_, y) = scan(linear(x), zeros(2), |h, x| (h + x, h * 2), dim = 0);
        y + x * x + 2
    }
}

#[test]
fn variables_with_names_of_constants() {
    assert_eq!((H, Q, W), (5, 3, 7));
    let net = Variables::new(Cpu::new(), 1).unwrap();
    let words = VariablesInWords::new(Cpu::new(), 1).unwrap();
    let x = [[0.5f32, 1.0], [-1.0, 2.0], [0.25, 3.0]];
    assert_eq!(*net.forward(&x).unwrap(), *words.forward(&x).unwrap());
}

network! {
    /// Constants of any sign and fraction.
    struct Signs {
        linear: Linear(2 -> 2),
    }
    fn remainders(ids: u32[B]) -> (i64[B], i64[B]) { ((ids + MINUS) % 3, abs(ids + MINUS)) }
    fn large(ids: u32[B]) -> i64[B] { ids + LARGE + LARGES[1] }
    fn rounded(x: [B, 2]) -> [B, 2] { linear(x) * 0 + x * int(PART) }
}

network! {
    struct HoldsSigns {
        signs: Signs,
    }
    fn remainders(ids: u32[B]) -> (i64[B], i64[B]) { signs.remainders(ids) }
    fn large(ids: u32[B]) -> i64[B] { signs.large(ids) }
    fn forward(x: [B, 2]) -> [B, 2] { signs.rounded(x) }
}

#[test]
fn constants_below_0() {
    let (net, holds) = (
        Signs::new(Cpu::new(), 1).unwrap(),
        HoldsSigns::new(Cpu::new(), 1).unwrap(),
    );
    for (rest, size) in [
        net.remainders(&[1u32, 7]).unwrap(),
        holds.remainders(&[1u32, 7]).unwrap(),
    ] {
        assert_eq!((&*rest, &*size), (&[2i64, 2][..], &[4i64, 2][..]));
    }
    for y in [net.large(&[2u32]).unwrap(), holds.large(&[2u32]).unwrap()] {
        assert_eq!(y[0], (1 << 53) + 1);
    }
    for y in [
        net.rounded(&[[1.0f32, 2.0]]).unwrap(),
        holds.forward(&[[1.0f32, 2.0]]).unwrap(),
    ] {
        assert_eq!(y[0], [2.0, 4.0]);
    }
}

mod apart {
    use netform::prelude::Cpu;

    // Not `Q` and `H` of the file: this module does not use them.
    netform::network! {
        pub struct Apart {
            linear: Linear(2 -> 2),
        }
        fn forward(x: [H, 2]) -> [H, 2 * 2 ** TIMES] {
            let mut x = linear(x);
            for _ in 0..TIMES { x = cat([x, x], dim = 1); }
            x
        }
    }

    const TIMES: usize = 1;

    pub mod twin {
        use netform::prelude::Cpu;

        netform::network! {
            pub struct Apart {
                linear: Linear(2 -> 2),
            }
            fn forward(x: [H, 2]) -> [H, 2 * 2 ** TIMES] {
                let mut x = linear(x);
                for _ in 0..TIMES { x = cat([x, x], dim = 1); }
                x
            }
        }

        const TIMES: usize = 2;

        #[test]
        fn equal_networks_have_their_constants() {
            assert_eq!(
                Apart::new(Cpu::new(), 1)
                    .unwrap()
                    .forward(&[[0.5f32; 2]; 4])
                    .unwrap()[0]
                    .len(),
                8
            );
        }
    }

    #[test]
    fn dimensions_are_free() {
        for rows in [1, 4] {
            let y = Apart::new(Cpu::new(), 1)
                .unwrap()
                .forward(&vec![[0.5f32; 2]; rows])
                .unwrap();
            assert_eq!((y.len(), y[0].len()), (rows, 4));
        }
    }
}
