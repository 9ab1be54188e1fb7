//! Loops that count: `for i in 0..N`, `range(N)`, `enumerate(layers)`; and arguments by name.

use netform::check::gradients;
use netform::prelude::*;

const STEPS: usize = 3;
const START: usize = 1;

network! {
    struct Loops {
        cell: Linear(4 -> 4),
        layers: [Linear(4 -> 4); 3],
        list: [Linear(4 -> 4), Linear(4 -> 4, bias = false)],
    }
    /// The bounds are numbers: `i` is a number.
    fn written_out(x: [B, 4]) -> ([B, 4], [B, 10]) {
        let mut x = x;
        for i in 0..3 {
            x = x * (i + 1) + layers[i](x);
        }
        for _ in 0..2 {
            x = x + 1;
        }
        for i in 1..=2 {
            x += i;
        }
        for i in range(2) {
            x[:, i] = 2 ** i;
        }
        let mut wide = x;
        for k in 1..3 {
            wide = cat([wide, x[:, :2 * k - 1]], dim = 1);
        }
        for _ in 3..1 {
            wide = wide / 0;
        }
        (x, cat([wide, x[:, 2:]], dim = 1))
    }
    fn written_out_in_words(x: [B, 4]) -> ([B, 4], [B, 10]) {
        let mut x = x;
        x = x + layers[0](x);
        x = x * 2 + layers[1](x);
        x = x * 3 + layers[2](x) + 2 + 3;
        x[:, 0] = 1;
        x[:, 1] = 2;
        (x, cat([x, x[:, :1], x[:, :3], x[:, 2:]], dim = 1))
    }
    /// The bounds are sizes: the loops are compiled once.
    fn compiled_once(x: [B, 4]) -> [B, 4] {
        let mut x = x;
        for _ in 0..STEPS {
            x = tanh(cell(x));
        }
        for i in START..STEPS {
            x += i;
        }
        for (i, layer) in enumerate(layers) {
            x = layer(x) + i;
        }
        for (i, layer) in enumerate(list) {
            x = layer(x) + i;
        }
        for (i, layer, offset) in zip(range(2), list, x[:2]) {
            x = layer(x) * i + offset;
        }
        for _ in 0..B {
            x = 0.5 * x;
        }
        for i in 0..100 {
            x = x + i;
        }
        x
    }
    fn compiled_once_in_words(x: [B, 4]) -> [B, 4] {
        let x = tanh(cell(tanh(cell(tanh(cell(x)))))) + 3;
        let x = layers[2](layers[1](layers[0](x)) + 1) + 2;
        let x = list[1](list[0](x)) + 1;
        let y = x;
        let x = list[0](x) * 0 + y[0];
        let x = list[1](x) + y[1];
        x * 0.25 + 4950
    }
    fn loss(x: [B, 4]) -> [] {
        let (y, z) = written_out(x);
        y.sin().mean() + z.cos().mean() + compiled_once(x).sin().mean()
    }
}

#[test]
fn as_in_words() -> netform::Result<()> {
    let mut net = Loops::new(Cpu::f64(), 1)?;
    let x = [[0.5, -1.0, 2.0, 0.25], [1.0, 2.0, 3.0, 4.0]];
    let (a, b) = (net.written_out(&x)?, net.written_out_in_words(&x)?);
    assert_eq!(a.0.to_tensor(), b.0.to_tensor());
    assert_eq!(a.1.to_tensor(), b.1.to_tensor());
    let (a, b) = (net.compiled_once(&x)?, net.compiled_once_in_words(&x)?);
    for (a, b) in a
        .to_tensor()
        .to_f64_vec()
        .iter()
        .zip(b.to_tensor().to_f64_vec())
    {
        assert!((a - b).abs() < 1e-9, "{a} {b}");
    }
    let report = gradients(&mut net, |net| net.loss_backward(&x)?.item())?;
    assert!(report.parameters.iter().all(|p| p.error < 1e-6), "{report}");
    Ok(())
}

network! {
    struct Steps { layers: [Linear(4 -> 4); 5] }
    /// The numbers of each loop as the digits of one number; digits are added from the left.
    fn numbers(x: [B, T]) -> ([], [], [], [], [], [], [], [], [], []) {
        let (mut a, mut b, mut c, mut d, mut e) = (x.sum() * 0, x.sum() * 0, x.sum() * 0, x.sum() * 0, x.sum() * 0);
        for i in range(1, 8, 3) { a = 10 * a + i; }
        for i in (0..5).step_by(2) { b = 10 * b + i; }
        for i in range(5, -1, -2) { c = 10 * c + i; }
        for i in (1..=5).step_by(2).rev() { d = 10 * d + i; }
        for (k, i) in enumerate(range(4, 0, -1)) { e = 100 * e + 10 * k + i; }
        // The bounds are sizes: the loops are compiled once.
        let (mut f, mut g, mut h, mut i, mut j) = (x.sum() * 0, x.sum() * 0, x.sum() * 0, x.sum() * 0, x.sum() * 0);
        for k in range(1, T, 3) { f = 10 * f + k; }
        for k in (0..T).step_by(2) { g = 10 * g + k; }
        for k in range(T, 0, -3) { h = 10 * h + k; }
        for k in (0..T).step_by(4).rev() { i = 10 * i + k; }
        for (k, n) in enumerate((0..T).step_by(3)) { j = 100 * j + 10 * k + n; }
        (a, b, c, d, e, f, g, h, i, j)
    }
    fn each_second(x: [B, 4]) -> [B, 4] {
        let mut x = x;
        for i in range(0, 5, 2) { x = layers[i](x); }
        for _ in range(3, 3, 2) { x = x / 0; }
        for _ in range(3, 4, -2) { x = x / 0; }
        x
    }
    fn in_words(x: [B, 4]) -> [B, 4] { layers[4](layers[2](layers[0](x))) }
}

#[test]
fn steps() -> netform::Result<()> {
    let net = Steps::new(Cpu::f64(), 1)?;
    let y = net.numbers(&[[0.5; 8]; 2])?;
    let digits = |value: f64, want: f64| assert!((value - want).abs() < 1e-6, "{value} {want}");
    digits(y.0.item()?, 147.0);
    digits(y.1.item()?, 24.0);
    digits(y.2.item()?, 531.0);
    digits(y.3.item()?, 531.0);
    digits(y.4.item()?, 4132231.0);
    digits(y.5.item()?, 147.0);
    digits(y.6.item()?, 246.0);
    digits(y.7.item()?, 852.0);
    digits(y.8.item()?, 40.0);
    digits(y.9.item()?, 1326.0);
    let y = net.numbers(&[[0.5; 1]; 2])?;
    let found = [
        y.5.item()?,
        y.6.item()?,
        y.7.item()?,
        y.8.item()?,
        y.9.item()?,
    ];
    assert_eq!(found, [0.0, 0.0, 1.0, 0.0, 0.0]);
    let x = [[0.5, -1.0, 2.0, 0.25]];
    assert_eq!(
        net.each_second(&x)?.to_tensor(),
        net.in_words(&x)?.to_tensor()
    );
    Ok(())
}

network! {
    struct Inner { cell: Linear(4 -> 4) }
    fn forward(x: [B, 4], scale: [B, 4], shift: [4]) -> [B, 4] { cell(x) * scale + shift }
    fn counted(x: [B, 4], #[state] seen: [], by: [B, 4]) -> [B, 4] {
        seen += 1;
        forward(by, shift = ones([4]), scale = x)
    }
}

network! {
    struct Outer { inner: Inner }
    fn by_name(x: [B, 4], y: [B, 4]) -> [B, 4] { inner(y, shift = zeros(4), scale = x) }
    fn by_place(x: [B, 4], y: [B, 4]) -> [B, 4] { inner(y, x, zeros([4])) }
    fn first_free(x: [B, 4], y: [B, 4]) -> [B, 4] { inner(scale = x, y, shift = zeros(4)) }
    fn of_a_function(x: [B, 4], y: [B, 4]) -> [B, 4] { by_name(y = y, x = x) }
    fn with_state(x: [B, 4], #[state] seen: [], y: [B, 4]) -> [B, 4] {
        inner.counted(by = y, seen = &mut seen, x = x)
    }
}

#[test]
fn arguments_by_name() -> netform::Result<()> {
    let net = Outer::new(Cpu::f64(), 1)?;
    let (x, y) = ([[0.5, -1.0, 2.0, 0.25]], [[1.0, 2.0, 3.0, 4.0]]);
    let want = net.by_place(&x, &y)?.to_tensor();
    assert_eq!(net.by_name(&x, &y)?.to_tensor(), want);
    assert_eq!(net.first_free(&x, &y)?.to_tensor(), want);
    assert_eq!(net.of_a_function(&x, &y)?.to_tensor(), want);
    let mut state = net.state()?;
    let counted = net.with_state(&x, &y, &mut state)?.to_tensor();
    let more: Vec<f64> = want.to_f64_vec().iter().map(|v| v + 1.0).collect();
    assert_eq!(counted.to_f64_vec(), more);
    Ok(())
}
