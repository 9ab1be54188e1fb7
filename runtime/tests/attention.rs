//! `Run` refuses invalid calls of attention, and its kernels write only their results. Values are tested with whole
//! networks (`tests/attention.rs`).

mod common;

use common::{Bench, Calls, numbers};
use netform_runtime::__private::In;
use netform_runtime::__private::device::Attention;
use netform_runtime::{Cpu, Error};

const SIZE: Attention = Attention {
    batch: 2,
    heads: 3,
    queries: 5,
    keys: 7,
    width: 4,
    value_width: 6,
    interleaved: true,
    causal: false,
    scale: 0.5,
    dropout: None,
};

#[test]
fn heads_beside_each_other_and_after_each_other() {
    let mut bench = Bench::new(Cpu::f64());
    let (q, k, v) = (numbers(120, 1), numbers(168, 2), numbers(252, 3));
    // (batch, length, heads, width) to (batch, heads, length, width).
    let apart = |x: &[f64], [t, w]: [usize; 2]| -> Vec<f64> {
        let from = |i: usize| {
            let [b, h, r, e] = [i / (w * t * 3), i / (w * t) % 3, i / w % t, i % w];
            x[((b * t + r) * 3 + h) * w + e]
        };
        (0..x.len()).map(from).collect()
    };
    let mut results = Vec::new();
    for interleaved in [true, false] {
        let g = Attention {
            interleaved,
            ..SIZE
        };
        let lay = |x: &[f64], size| match interleaved {
            true => x.to_vec(),
            false => apart(x, size),
        };
        let x = [
            bench.floats(&lay(&q, [5, 4])),
            bench.floats(&lay(&k, [7, 4])),
            bench.floats(&lay(&v, [7, 6])),
        ];
        let dout = bench.floats(&lay(&numbers(180, 4), [5, 6]));
        let (out, lse) = (bench.empty(180), bench.empty(60));
        let grads = [bench.empty(120), bench.empty(168), bench.empty(252)];
        let mask = In {
            view: bench.floats(&numbers(7, 5)),
            start: 0,
            strides: [0, 0, 0, 1],
        };
        bench.run(|run| {
            run.attention(g, x, [mask], [out, lse]);
            run.attention_grad(g, x, [mask], [out, lse, dout], grads);
        });
        let sizes = [[5, 6], [5, 4], [7, 4], [7, 6]];
        let all = [out, grads[0], grads[1], grads[2]].map(|x| bench.get(x));
        let mut all: Vec<Vec<f64>> = match interleaved {
            true => all.iter().zip(sizes).map(|(x, s)| apart(x, s)).collect(),
            false => all.to_vec(),
        };
        all.push(bench.get(lse));
        results.push(all);
    }
    assert_eq!(results[0], results[1]);
}

#[test]
fn wrong_calls_are_refused() {
    let g = SIZE;
    let mut bench = Bench::new(Cpu::new());
    let x = [bench.empty(120), bench.empty(168), bench.empty(252)];
    let [q, k, v] = x;
    let (out, lse, short) = (bench.empty(180), bench.empty(60), bench.empty(7));
    let grads = [bench.empty(120), bench.empty(168), bench.empty(252)];
    let [dq, dk, dv] = grads;
    let mask = |strides| In {
        view: short,
        start: 0,
        strides,
    };
    let refused = |e: Error| matches!(e, Error::Internal { .. });
    for inputs in [[short, k, v], [q, short, v], [q, k, short]] {
        assert!(refused(bench.fault(|run| run.attention(
            g,
            inputs,
            [],
            [out, lse]
        ))));
    }
    for outputs in [[short, lse], [out, short], [v, lse], [out, out], [lse, out]] {
        assert!(refused(bench.fault(|run| run.attention(g, x, [], outputs))));
    }
    // A mask that is too long, and one whose keys are not contiguous.
    for strides in [[0, 0, 1, 1], [0, 0, 0, 2], [7, 0, 0, 1]] {
        assert!(refused(bench.fault(|run| {
            run.attention(g, x, [mask(strides)], [out, lse]);
        })));
    }
    let saved = [out, lse, out];
    for (saved, grads) in [
        ([short, lse, out], grads),
        ([out, short, out], grads),
        (saved, [short, dk, dv]),
        (saved, [dq, dq, dv]),
        (saved, [dq, dk, v]),
        (saved, [q, dk, dv]),
    ] {
        assert!(refused(bench.fault(|run| run.attention_grad(
            g,
            x,
            [],
            saved,
            grads
        ))));
    }
    let endless = Attention {
        heads: usize::MAX,
        queries: 0,
        keys: 0,
        ..g
    };
    assert!(refused(bench.fault(|run| run.attention(
        endless,
        x,
        [],
        [out, lse]
    ))));
}
