//! Attention and its gradients against sums in f64: sizes around those of tiles, every layout and form of mask, every
//! tile.

mod harness;

use harness::{Gpu, Numbers, bits};
use netform_ptx::{
    Arg, Attending, Attention, Dropout, Error, Form, Plan, Rows, Stream, attention, attention_as,
    attention_grad_as, attention_work, bernoulli,
};

/// A mask's values, and its strides along (batch, head, query, key).
struct Mask {
    values: Vec<f32>,
    strides: [usize; 4],
}

impl Mask {
    fn at(&self, index: [usize; 4]) -> f32 {
        let at: usize = index.iter().zip(self.strides).map(|(i, s)| i * s).sum();
        self.values[at]
    }
}

/// A call's arrays on the host.
struct Case {
    g: Attention,
    rows: Option<Rows>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    dout: Vec<f32>,
    masks: Vec<Mask>,
    /// The probability that a weight is dropped.
    p: f64,
}

const SEED: u64 = 0x1234_5678_9ABC_DEF0;
const STEP: u64 = 41 | 1 << 40;
const NODE: u64 = 5 << 32 | 77;

/// out, lse, dq, dk, dv.
type Results = [Vec<f32>; 5];

impl Case {
    fn new(g: Attention, seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        let units = g.batch * g.heads;
        let mut floats = |a, b| numbers.floats(units * a * b);
        Self {
            g,
            rows: None,
            q: floats(g.queries, g.width),
            k: floats(g.keys, g.width),
            v: floats(g.keys, g.value_width),
            dout: floats(g.queries, g.value_width),
            masks: Vec::new(),
            p: 0.0,
        }
    }

    fn dropped(mut self, p: f64) -> Self {
        self.p = p;
        self
    }

    /// Each weight's factor, in rows of a multiple of four, with the bits of `bernoulli`.
    fn factors(&self) -> Vec<f64> {
        let g = self.g;
        let len = g.batch * g.heads * g.queries * g.keys.next_multiple_of(4);
        let mut gpu = Gpu::default();
        let (step, y) = (gpu.array(&[STEP]), gpu.space(len));
        let stream = Stream {
            seed: SEED,
            step: STEP,
            node: NODE,
        };
        gpu.run(bernoulli(1.0 - self.p, stream, step, len, y));
        let one = |keep: u8| match keep {
            0 => 0.0,
            _ => 1.0 / (1.0 - self.p),
        };
        gpu.read::<u8>(y, len).into_iter().map(one).collect()
    }

    /// With a mask over those dimensions, of which every third element is minus infinity, except for the first key.
    fn masked(mut self, over: [bool; 4], seed: u64) -> Self {
        let g = self.g;
        let sizes = [g.batch, g.heads, g.queries, g.keys];
        let mut strides = [0; 4];
        let mut len = 1;
        for d in (0..4).rev().filter(|d| over[*d]) {
            strides[d] = len;
            len *= sizes[d];
        }
        let mut numbers = Numbers::new(seed);
        let one = |i: usize| match numbers.float() {
            x if x < -0.3 && over[3] && !i.is_multiple_of(g.keys) => f32::NEG_INFINITY,
            x => x,
        };
        let values = (0..len).map(one).collect();
        self.masks.push(Mask { values, strides });
        self
    }

    fn at(&self, [length, width]: [usize; 2], [b, h, i, e]: [usize; 4]) -> usize {
        match self.g.interleaved {
            true => ((b * length + i) * self.g.heads + h) * width + e,
            false => ((b * self.g.heads + h) * length + i) * width + e,
        }
    }

    fn wanted(&self) -> Results {
        let g = self.g;
        let (rows, columns) = ([g.queries, g.width], [g.keys, g.width]);
        let (results, values) = ([g.queries, g.value_width], [g.keys, g.value_width]);
        let factors = self.factors();
        let of = |x: &[f32], size, index| f64::from(x[self.at(size, index)]);
        let mut out = vec![0.0; self.dout.len()];
        let mut lse = vec![0.0; 2 * g.batch * g.heads * g.queries];
        let mut dq = vec![0.0; self.q.len()];
        let (mut dk, mut dv) = (vec![0.0; self.k.len()], vec![0.0; self.v.len()]);
        for b in 0..g.batch {
            for h in 0..g.heads {
                for i in 0..g.queries {
                    let seen = if g.causal { g.keys.min(i + 1) } else { g.keys };
                    let score = |j| {
                        let products = (0..g.width).map(|e| {
                            of(&self.q, rows, [b, h, i, e]) * of(&self.k, columns, [b, h, j, e])
                        });
                        let masks = self.masks.iter().map(|m| f64::from(m.at([b, h, i, j])));
                        products.sum::<f64>() * g.scale + masks.sum::<f64>()
                    };
                    let scores: Vec<f64> = (0..seen).map(score).collect();
                    let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let shift = if max.is_infinite() { 0.0 } else { max };
                    let sum: f64 = scores.iter().map(|s| (s - shift).exp()).sum();
                    let pair = 2 * (b * g.heads + h) * g.queries + i;
                    lse[pair] = sum.ln() as f32;
                    lse[pair + g.queries] = shift as f32;
                    let w: Vec<f64> = scores.iter().map(|s| (s - shift).exp() / sum).collect();
                    let row = (b * g.heads + h) * g.queries + i;
                    let factor = |j: usize| factors[row * g.keys.next_multiple_of(4) + j];
                    for (j, w) in w.iter().enumerate() {
                        for e in 0..g.value_width {
                            let value = of(&self.v, values, [b, h, j, e]);
                            out[self.at(results, [b, h, i, e])] += w * factor(j) * value;
                        }
                    }
                    let dw: Vec<f64> = (0..seen)
                        .map(|j| {
                            let one = |e| {
                                of(&self.dout, results, [b, h, i, e])
                                    * of(&self.v, values, [b, h, j, e])
                            };
                            factor(j) * (0..g.value_width).map(one).sum::<f64>()
                        })
                        .collect();
                    let mean: f64 = w.iter().zip(&dw).map(|(w, d)| w * d).sum();
                    for j in 0..seen {
                        for e in 0..g.value_width {
                            dv[self.at(values, [b, h, j, e])] +=
                                w[j] * factor(j) * of(&self.dout, results, [b, h, i, e]);
                        }
                        let slope = w[j] * (dw[j] - mean) * g.scale;
                        for e in 0..g.width {
                            let (q, k) =
                                (self.at(rows, [b, h, i, e]), self.at(columns, [b, h, j, e]));
                            dq[q] += slope * f64::from(self.k[k]);
                            dk[k] += slope * f64::from(self.q[q]);
                        }
                    }
                }
            }
        }
        let floats = |x: Vec<f64>| x.iter().map(|x| *x as f32).collect();
        [floats(out), lse, floats(dq), floats(dk), floats(dv)]
    }

    /// The kernels' results; `forms` gets the kernels' names and tiles.
    fn run(&self, forms: &mut Vec<(Attending, u8, u8, bool)>) -> Results {
        let mut gpu = Gpu::default();
        let mut g = self.g;
        if self.p > 0.0 {
            let stream = Stream {
                seed: SEED,
                step: STEP,
                node: NODE,
            };
            g.dropout = Some(Dropout { p: self.p, stream });
        }
        let step = gpu.array(&[STEP]);
        let inputs = [&self.q, &self.k, &self.v].map(|x| gpu.array(x));
        let dout = gpu.array(&self.dout);
        let masks: Vec<Arg> = self
            .masks
            .iter()
            .map(|m| Arg::new(gpu.array(&m.values), &m.strides.map(|s| s as i64)))
            .collect();
        let lens = [
            self.dout.len(),
            2 * g.batch * g.heads * g.queries,
            self.q.len(),
            self.k.len(),
            self.v.len(),
        ];
        let at = lens.map(|n| gpu.space(4 * n));
        let [out, lse, dq, dk, dv] = at;
        let work = gpu.space(attention_work(g));
        let forward = attention_as(self.rows, g, step, inputs, &masks, [out, lse]).unwrap();
        let grads = [dq, dk, dv];
        let backward = attention_grad_as(
            self.rows,
            g,
            step,
            inputs,
            &masks,
            [out, lse, dout],
            grads,
            work,
        )
        .unwrap();
        for plan in [forward, backward] {
            note(&plan, forms);
            gpu.run(Ok(plan));
        }
        [0, 1, 2, 3, 4].map(|i| gpu.read(at[i], lens[i]))
    }

    fn check(&self, forms: &mut Vec<(Attending, u8, u8, bool)>) {
        let (got, want) = (self.run(forms), self.wanted());
        let names = ["out", "lse", "dq", "dk", "dv"];
        for ((name, got), want) in names.iter().zip(&got).zip(&want) {
            for (i, (a, b)) in got.iter().zip(want).enumerate() {
                let near = (a - b).abs() <= 3e-5 * (1.0 + b.abs());
                assert!(
                    near || a == b || a.is_nan() && b.is_nan(),
                    "{:?}: {name}[{i}] is {a}, not {b}",
                    self.g
                );
            }
        }
    }
}

fn note(plan: &Plan, forms: &mut Vec<(Attending, u8, u8, bool)>) {
    for launch in plan {
        if let Form::Attention {
            of,
            high,
            wide,
            vector,
            ..
        } = launch.module.form
        {
            forms.push((of, high, wide, vector));
        }
    }
}

/// Batch, heads, queries, keys, width, value width.
fn size([batch, heads, queries, keys, width, value_width]: [usize; 6]) -> Attention {
    Attention {
        batch,
        heads,
        queries,
        keys,
        width,
        value_width,
        interleaved: false,
        causal: false,
        scale: 0.3,
        dropout: None,
    }
}

#[test]
fn sizes_around_tiles() {
    let mut forms = Vec::new();
    for (n, sizes) in [
        [1, 1, 1, 1, 1, 1],
        [2, 3, 5, 7, 4, 3],
        [1, 2, 1, 70, 16, 16],
        [2, 1, 33, 1, 8, 5],
        [1, 1, 32, 64, 33, 32],
        [1, 1, 31, 65, 64, 64],
        [1, 2, 33, 63, 5, 33],
        [1, 1, 40, 70, 80, 65],
        [1, 1, 9, 66, 128, 128],
        [1, 1, 5, 9, 17, 140],
        [1, 1, 5, 9, 150, 12],
    ]
    .into_iter()
    .enumerate()
    {
        for (causal, interleaved) in [(false, false), (true, true)] {
            let g = Attention {
                causal,
                interleaved,
                ..size(sizes)
            };
            Case::new(g, n as u64 + 1).check(&mut forms);
        }
    }
    // Contiguous elements in fours and elements apart, every width.
    for wide in [32, 64, 128] {
        for vector in [false, true] {
            for of in [Attending::Results, Attending::Queries, Attending::Keys] {
                assert!(forms.contains(&(of, 4, wide, vector)), "{of:?} {wide}");
            }
        }
    }
}

#[test]
fn tiles_of_64_rows() {
    let mut forms = Vec::new();
    for (n, sizes) in [
        [1, 2, 65, 66, 4, 32],
        [1, 1, 63, 65, 3, 5],
        [1, 1, 66, 64, 64, 36],
        [1, 1, 65, 63, 34, 63],
        [1, 1, 30, 70, 128, 68],
        [1, 1, 64, 65, 65, 127],
    ]
    .into_iter()
    .enumerate()
    {
        for (causal, interleaved) in [(false, true), (true, false)] {
            let g = Attention {
                causal,
                interleaved,
                ..size(sizes)
            };
            let mut case = Case::new(g, n as u64 + 20);
            if causal {
                case = case.masked([true, false, true, true], n as u64);
            }
            case.rows = Some(Rows::Eight);
            case.check(&mut forms);
        }
    }
    for wide in [32, 64, 128] {
        for vector in [false, true] {
            for of in [Attending::Results, Attending::Queries, Attending::Keys] {
                let high = if of == Attending::Keys && wide == 128 {
                    4
                } else {
                    8
                };
                assert!(forms.contains(&(of, high, wide, vector)), "{of:?} {wide}");
            }
        }
    }
}

/// Small tiles unless there are enough blocks for a large GPU.
#[test]
fn which_tiles() {
    let mut forms = Vec::new();
    for (batch, queries) in [(1, 64), (4, 64), (33, 64), (33, 65), (66, 64)] {
        let plan = attention_as(
            None,
            size([batch, 4, queries, 9, 8, 8]),
            0,
            [0; 3],
            &[],
            [0; 2],
        );
        note(&plan.unwrap(), &mut forms);
    }
    let high: Vec<u8> = forms.iter().map(|f| f.1).collect();
    assert_eq!(high, [4, 4, 4, 8, 8]);
}

#[test]
fn masks() {
    let g = size([2, 2, 33, 66, 5, 6]);
    let mut forms = Vec::new();
    for (n, over) in [
        [false, false, false, false],
        [false, false, false, true],
        [true, false, false, true],
        [false, true, true, false],
        [false, false, true, true],
        [true, true, true, true],
    ]
    .into_iter()
    .enumerate()
    {
        let g = Attention {
            causal: n % 2 == 1,
            interleaved: n % 3 == 1,
            ..g
        };
        Case::new(g, 5).masked(over, 6).check(&mut forms);
    }
    let two = Case::new(g, 7).masked([false, false, true, true], 8);
    two.masked([true, false, false, true], 9).check(&mut forms);
}

/// Every tile: forward and backward drop the same weights.
#[test]
fn dropout() {
    for (n, sizes) in [
        [1, 1, 1, 1, 1, 1],
        [2, 3, 5, 7, 4, 3],
        [2, 1, 33, 1, 8, 5],
        [1, 2, 33, 66, 5, 40],
        [1, 2, 70, 67, 65, 66],
        [1, 1, 6, 9, 0, 5],
        [1, 1, 6, 9, 4, 0],
    ]
    .into_iter()
    .enumerate()
    {
        for (causal, rows) in [(false, Rows::Four), (true, Rows::Eight)] {
            let g = Attention {
                causal,
                interleaved: n % 2 == 0,
                ..size(sizes)
            };
            let mut case = Case::new(g, n as u64 + 40).dropped(0.4);
            if causal {
                case = case.masked([true, false, true, true], n as u64);
            }
            case.rows = Some(rows);
            case.check(&mut Vec::new());
        }
    }
    // All weights dropped: results of 0.
    let [out, lse, grads @ ..] = Case::new(size([1, 2, 5, 70, 8, 8]), 1)
        .dropped(1.0)
        .run(&mut Vec::new());
    assert!(out.iter().chain(grads.iter().flatten()).all(|x| *x == 0.0));
    assert!(lse.iter().all(|x| x.is_finite()));
}

#[test]
fn queries_that_see_nothing() {
    let g = size([1, 2, 3, 70, 4, 4]);
    let mut case = Case::new(g, 1).masked([false, false, true, true], 2);
    case.masks[0].values[..64].fill(f32::NEG_INFINITY);
    case.masks[0].values[70..140].fill(f32::NEG_INFINITY);
    let [out, lse, dq, dk, dv] = case.run(&mut Vec::new());
    for (i, x) in out.iter().enumerate() {
        assert_eq!(*x == 0.0, i / 4 % 3 == 1, "out[{i}] is {x}");
        assert_eq!(dq[i] == 0.0, i / 4 % 3 == 1, "dq[{i}] is {}", dq[i]);
    }
    assert_eq!(lse[1], f32::NEG_INFINITY);
    assert!(dk.iter().chain(&dv).all(|x| x.is_finite()));

    // No keys, no queries.
    let [out, lse, dq, ..] = Case::new(size([2, 1, 3, 0, 4, 5]), 1).run(&mut Vec::new());
    assert!(out.iter().chain(&dq).all(|x| *x == 0.0));
    assert!(lse.iter().all(|x| *x == f32::NEG_INFINITY));
    let [.., dk, dv] = Case::new(size([2, 1, 0, 3, 4, 5]), 1).run(&mut Vec::new());
    assert!(dk.iter().chain(&dv).all(|x| *x == 0.0));
    // No columns.
    Case::new(size([1, 1, 3, 4, 0, 5]), 1).check(&mut Vec::new());
    Case::new(size([1, 1, 3, 4, 5, 0]), 1).check(&mut Vec::new());
}

#[test]
fn large_scores() {
    let mut case = Case::new(size([1, 1, 20, 140, 8, 4]), 1);
    case.q.iter_mut().for_each(|x| *x = (*x * 40.0).round());
    case.k.iter_mut().for_each(|x| *x = (*x * 40.0).round());
    case.g.scale = 0.25;
    case.dout.iter_mut().for_each(|x| *x *= 0.01);
    case.check(&mut Vec::new());
}

#[test]
fn what_cannot_be_counted() {
    let g = size([2, 4, 10, 10, 8, 8]);
    let run = |g, strides: &[i64]| attention(g, 0, [0; 3], &[Arg::new(0, strides)], [0; 2]);
    assert!(run(g, &[0, 0, 10, 1]).is_ok());
    assert_eq!(run(g, &[0, 10, 1]), Err(Error::Malformed));
    assert_eq!(run(g, &[0, 0, -10, 1]), Err(Error::Malformed));
    assert_eq!(run(g, &[0, 1 << 30, 0, 1]), Err(Error::TooLarge));
    let long = Attention { keys: 1 << 28, ..g };
    assert_eq!(run(long, &[0; 4]), Err(Error::TooLarge));
}

#[test]
fn the_same_bits_and_little_memory() {
    let g = Attention {
        causal: true,
        ..size([1, 2, 70, 70, 16, 16])
    };
    let case = Case::new(g, 4);
    let runs = [0, 1].map(|_| case.run(&mut Vec::new()).map(|x| bits(&x)));
    assert_eq!(runs[0], runs[1]);
    let work = |t| attention_work(size([2, 8, t, t, 64, 64]));
    assert_eq!(work(4096), 4 * 2 * 8 * 4096);
    assert_eq!(work(8192), 2 * work(4096));
}
