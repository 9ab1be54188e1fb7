//! Gradients of scalar functions that a mask, a clamp or a factor of 0 removes: finite where PyTorch's are, and equal.
//! `masked.py` records PyTorch's in `masked.txt`; here the compiler's graphs are evaluated in f32.

use netform_compiler::diag::Diag;
use netform_compiler::eval::{Array, Env, Floats, eval};
use netform_compiler::pipeline::programs;
use netform_compiler::program::{Mode, Program};
use netform_compiler::unit::Unit;
use netform_compiler::{check, parse};

const INF: f64 = f64::INFINITY;
const POINTS: [f64; 16] = [
    -INF,
    -1e30,
    -100.0,
    -2.0,
    -1.0,
    -0.5,
    -1e-30,
    0.0,
    1e-30,
    0.5,
    1.0,
    2.0,
    100.0,
    1e30,
    INF,
    f64::NAN,
];
const PAIRED: [f64; 8] = [-INF, -1e30, -2.0, 0.0, 0.5, 1.0, 1e30, INF];

/// The gradients by x, then those by y, of a sum over `x`, `y` and the mask `m`, which is false.
fn gradients(text: &str, x: &[f64], y: &[f64]) -> Vec<f64> {
    let n = x.len();
    let source = format!(
        "struct Net {{}} fn f(#[grad] x: [{n}], #[grad] y: [{n}], m: bool[{n}]) -> [] {{ {text} + where(m, y, 0.0).sum() }}"
    );
    let diag = Diag::default();
    let ast = parse::parse(source.parse().unwrap(), &diag).unwrap();
    let unit = Unit::alone(ast);
    let net = check::check(&unit, &diag);
    let all = programs(&net, &unit.source, &diag).unwrap_or_default();
    assert!(!diag.any(), "{text}: {:?}", diag.messages());
    let of = |p: &&Program| p.mode == Mode::Backward;
    let graph = &all.iter().find(of).unwrap().graph;
    let array = |v: &[f64]| Array::new(&[n], |i| f64::from(v[i] as f32));
    let env = Env {
        inputs: &[array(x), array(y), Array::new(&[n], |_| 0.0)],
        params: &[],
        dims: &|_| 0,
        floats: Floats::Single,
    };
    let outputs = eval(graph, &env);
    outputs[1..].iter().flat_map(|a| a.data.clone()).collect()
}

#[test]
fn as_pytorch() {
    let mut wrong = Vec::new();
    for line in include_str!("masked.txt").lines() {
        let (text, want) = line.split_once(';').unwrap();
        let want: Vec<f64> = want.split(',').map(|v| v.parse().unwrap()).collect();
        let (mut x, mut y) = (POINTS.to_vec(), POINTS.to_vec());
        if want.len() == 2 * PAIRED.len() * PAIRED.len() {
            let pairs = PAIRED.iter().flat_map(|a| PAIRED.iter().map(|b| (*a, *b)));
            (x, y) = pairs.unzip();
        }
        let got = gradients(text, &x, &y);
        for (k, (g, w)) in got.iter().zip(&want).enumerate() {
            let same = (g - w).abs() <= 2e-5 * w.abs() + 1e-30;
            if w.is_finite() && !same {
                let at = k % x.len();
                wrong.push(format!(
                    "{text} at x = {}, y = {}: {g}, not {w}",
                    x[at], y[at]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
