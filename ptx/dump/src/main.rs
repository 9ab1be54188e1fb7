//! Writes a module of every kernel and variant for `check.sh`: `dump DIR`.

use std::path::{Path, PathBuf};

use netform_ptx::*;

static BIAS_GELU: Body = Body {
    inputs: &[
        Operand::new(DType::Float, Inner::One),
        Operand::new(DType::Float, Inner::One),
    ],
    steps: &[
        Step::Load(0),
        Step::Load(1),
        Step::Apply(Scalar::Add, &[0, 1]),
        Step::Apply(Scalar::Erf, &[2]),
        Step::Apply(Scalar::Mul, &[2, 3]),
    ],
    results: &[4, 2],
};

/// Longer than the bodies that products expand for every result.
static LONG: Body = Body {
    inputs: BIAS_GELU.inputs,
    steps: &[
        Step::Load(0),
        Step::Load(1),
        Step::Scalar(0),
        Step::Apply(Scalar::Add, &[0, 1]),
        Step::Apply(Scalar::Exp, &[3]),
        Step::Apply(Scalar::Log, &[4]),
        Step::Apply(Scalar::Sin, &[5]),
        Step::Apply(Scalar::Cos, &[6]),
        Step::Apply(Scalar::Tanh, &[7]),
        Step::Apply(Scalar::Sigmoid, &[8]),
        Step::Apply(Scalar::Pow, &[9, 2]),
        Step::Apply(Scalar::Max, &[10, 9]),
        Step::Apply(Scalar::Gt, &[11, 2]),
        Step::Apply(Scalar::Where, &[12, 10, 11]),
    ],
    results: &[13, 12],
};

/// Every function of integers, from memory, positions and a constant.
static INTEGERS: Body = Body {
    inputs: &[
        Operand::new(DType::Int, Inner::One),
        Operand::new(DType::Bool, Inner::One),
        Operand::iota(Inner::Many),
    ],
    steps: &[
        Step::Load(0),
        Step::Load(1),
        Step::Load(2),
        Step::Const(DType::Int, (-(1i64 << 53) - 1).cast_unsigned()),
        Step::Apply(Scalar::Add, &[0, 2]),
        Step::Apply(Scalar::Mul, &[4, 3]),
        Step::Apply(Scalar::Sub, &[5, 0]),
        Step::Apply(Scalar::Neg, &[6]),
        Step::Apply(Scalar::Lt, &[7, 2]),
        Step::Apply(Scalar::And, &[8, 1]),
        Step::Apply(Scalar::Where, &[9, 7, 6]),
        Step::Apply(Scalar::Cast(DType::Float), &[10]),
        Step::Apply(Scalar::Cast(DType::Int), &[1]),
        Step::Apply(Scalar::Cast(DType::Bool), &[10]),
    ],
    results: &[10, 11, 12, 13],
};

struct Dump(PathBuf);

impl Dump {
    fn all(&self) {
        self.maps();
        self.reductions();
        self.products();
        self.attention();
        self.convolutions();
        self.moves();
    }

    fn write(&self, name: &str, plan: Result<Plan, Error>) {
        let plan = plan.unwrap_or_else(|e| panic!("{name}: {e}"));
        for (i, launch) in plan.iter().enumerate() {
            let stage = if i == 0 {
                String::new()
            } else {
                format!("_{i}")
            };
            let path = self.0.join(format!("{name}{stage}.ptx"));
            std::fs::write(path, launch.module.text()).expect("writing");
        }
    }

    fn maps(&self) {
        for f in Scalar::ALL {
            let ty = match f.typing() {
                Typing::Logic => DType::Bool,
                _ => DType::Float,
            };
            let mut inputs = vec![Operand::new(ty, Inner::One); f.arity()];
            if *f == Scalar::Where {
                inputs[0].ty = DType::Bool;
            }
            let args: Vec<usize> = (0..f.arity()).collect();
            let mut steps: Vec<_> = args.iter().map(|k| Step::Load(*k)).collect();
            steps.push(Step::Apply(*f, args.leak()));
            let body = Body {
                inputs: inputs.leak(),
                results: vec![steps.len() - 1].leak(),
                steps: steps.leak(),
            };
            let args = vec![Arg::new(0, &[1]); f.arity()];
            let plan = map(&body, &[99], &args, &[0], Scalars::NONE);
            self.write(&format!("map_{}", f.name()), plan);
        }
        for (name, last) in [("strided", 7), ("fours", 8)] {
            let args = [&[20, 1], &[0, 1], &[1, 3]].map(|s| Arg::new(0, s));
            let plan = map(&INTEGERS, &[3, last], &args, &[0; 4], Scalars::NONE);
            self.write(&format!("map_integers_{name}"), plan);
        }
        for rank in 1..=6 {
            let strides: Vec<i64> = (0..rank).map(|d| 2 + d).collect();
            for (name, last) in [("strided", 7), ("fours", 8)] {
                let mut shape = vec![3; rank as usize];
                shape[rank as usize - 1] = last;
                let mut x = strides.clone();
                x.iter_mut().for_each(|s| *s *= 4);
                x[rank as usize - 1] = 1;
                let args = [Arg::new(0, &x), Arg::new(0, &vec![0; rank as usize])];
                let plan = map(
                    &LONG,
                    &shape,
                    &args,
                    &[0, 0],
                    Scalars::Device { addr: 0, guard: 0 },
                );
                self.write(&format!("map_{name}_{rank}"), plan);
            }
        }
    }

    fn reductions(&self) {
        let axes = [
            ("row_in_two", 1, 1 << 20, 1),
            ("row_by_block", 500, 5000, 1),
            ("row_by_warp", 1000, 600, 1),
            ("row_of_10", 1000, 10, 1),
            ("row_of_3", 1000, 3, 1),
            ("long_row", 500, 20_000, 1),
            ("medium_row", 500, 3000, 1),
            ("columns", 30, 7, 50),
            ("columns_in_two", 1, 5000, 3),
            ("wide", 1, 50, 1 << 14),
        ];
        for (name, outer, n, inner) in axes {
            let axis = Axis { outer, n, inner };
            let x = Arg::new(0, &[(n * inner) as i64, inner as i64, 1]);
            for kind in Combiner::ALL.iter().copied() {
                let how = kind.name();
                let x = std::slice::from_ref(&x);
                let plan = reduce(&Body::IDENTITY, kind, axis, x, 0, Scalars::NONE, 0);
                self.write(&format!("{how}_{name}"), plan);
            }
            let x = std::slice::from_ref(&x);
            let plan = mean(&Body::IDENTITY, axis, x, [Some(0), None], Scalars::NONE, 0);
            self.write(&format!("mean_{name}"), plan);
            let fault = Fault { addr: 0, code: 1 };
            for kind in Combiner::ALL.iter().copied() {
                let how = kind.name();
                let plan = integers(Integers::Reduce(kind, axis), [0; 3], fault);
                self.write(&format!("integer_{how}_{name}"), plan);
            }
            self.write(&format!("argmax_{name}"), arg_reduce(true, axis, 0, 0));
            self.write(&format!("argmin_{name}"), arg_reduce(false, axis, 0, 0));
            self.write(
                &format!("softmax_{name}"),
                softmax(Softmax::Softmax, axis, 0, 0),
            );
            let plan = softmax(Softmax::LogSoftmax, axis, 0, 0);
            self.write(&format!("log_softmax_{name}"), plan);
            self.write(&format!("logsumexp_{name}"), logsumexp(axis, 0, [0, 0]));
        }
        let fault = Fault { addr: 0, code: 1 };
        for (name, f) in [
            ("add", Integers::Add(100)),
            ("sub", Integers::Sub(100)),
            ("mul", Integers::Mul(100)),
            ("cast", Integers::Cast(100)),
        ] {
            self.write(&format!("integers_{name}"), integers(f, [0; 3], fault));
        }
        let axis = Axis {
            outer: 2,
            n: 5,
            inner: 7,
        };
        let plan = integers(Integers::Running(Combiner::Sum, axis), [0; 3], fault);
        self.write("integer_cumsum", plan);
        for (name, n, inner) in [("scan", 5000, 1), ("columns", 5, 7)] {
            let axis = Axis { outer: 2, n, inner };
            self.write(
                &format!("cumsum_{name}"),
                running(Combiner::Sum, false, axis, 0, 0),
            );
            self.write(
                &format!("cumprod_{name}"),
                running(Combiner::Prod, false, axis, 0, 0),
            );
            self.write(
                &format!("cumsum_reverse_{name}"),
                running(Combiner::Sum, true, axis, 0, 0),
            );
        }
    }

    fn products(&self) {
        let sizes = [
            ("large", 1, 4096, 4096, 4096),
            ("large_odd", 1, 4095, 4095, 4095),
            ("medium", 2, 512, 512, 512),
            ("medium_odd", 2, 511, 511, 511),
            ("small", 1, 100, 60, 64),
            ("small_odd", 1, 101, 63, 65),
            ("deep", 1, 128, 128, 8192),
            ("deep_odd", 1, 127, 127, 8191),
            ("row", 1, 1, 4096, 512),
            ("column", 1, 1000, 1, 300),
            ("rows", 3, 5, 33, 77),
            ("columns", 3, 33, 7, 77),
            ("rows_of_10", 1, 10, 500, 100),
            ("columns_of_10", 1, 500, 10, 100),
            ("deep_row", 1, 2, 2, 100_000),
        ];
        for (name, batch, m, n, k) in sizes {
            for (how, ta, tb) in [
                ("nn", false, false),
                ("nt", false, true),
                ("tn", true, false),
                ("tt", true, true),
            ] {
                let size = Product {
                    batch,
                    m,
                    n,
                    k,
                    ta,
                    tb,
                };
                self.product(&format!("product_{name}_{how}"), size, Precision::F32);
                if m.min(n) > 64 {
                    self.product(&format!("tf32_{name}_{how}"), size, Precision::Tf32);
                    self.product(&format!("bf16_{name}_{how}"), size, Precision::Bf16);
                }
            }
        }
    }

    /// Without an epilogue, with a short one, and with a long one.
    fn product(&self, name: &str, size: Product, precision: Precision) {
        let bias = [Arg::new(0, &[0, 0, 1])];
        let run = |body, extra: &[Arg], outputs: &[Addr], scalars| {
            product(body, size, precision, 0, 0, extra, outputs, scalars, 0)
        };
        self.write(name, run(&Body::IDENTITY, &[], &[0], Scalars::NONE));
        if size.ta {
            return;
        }
        let gelu = run(&BIAS_GELU, &bias, &[0, 0], Scalars::NONE);
        self.write(&format!("{name}_gelu"), gelu);
        if size.tb {
            let long = run(&LONG, &bias, &[0, 0], Scalars::Values(&[2.0]));
            self.write(&format!("{name}_long"), long);
        }
    }

    /// Every tile: in fours with one mask; then elements apart, causal, with two.
    fn attention(&self) {
        let stream = Stream {
            seed: 0,
            step: 0,
            node: 0,
        };
        let dropout = Some(Dropout { p: 0.1, stream });
        for wide in [32, 64, 128] {
            for (rows, high) in [(Rows::Four, 4), (Rows::Eight, 8)] {
                let fours = Attention {
                    batch: 2,
                    heads: 4,
                    queries: 100,
                    keys: 200,
                    width: wide,
                    value_width: wide,
                    interleaved: true,
                    causal: false,
                    scale: 0.125,
                    dropout: None,
                };
                let odd = Attention {
                    width: wide - 1,
                    causal: true,
                    ..fours
                };
                let mask = Arg::new(0, &[0, 0, 1, 1]);
                for (how, g, masks) in [
                    ("", fours, 0),
                    ("_masked", fours, 1),
                    (
                        "_causal",
                        Attention {
                            causal: true,
                            ..fours
                        },
                        0,
                    ),
                    ("_odd", odd, 2),
                    ("_dropped", Attention { dropout, ..fours }, 0),
                    ("_dropped_odd", Attention { dropout, ..odd }, 2),
                ] {
                    let masks = vec![mask.clone(); masks];
                    let name = format!("attention_{wide}_{high}{how}");
                    let plan = attention_as(Some(rows), g, 0, [0; 3], &masks, [0; 2]);
                    self.write(&name, plan);
                    let [saved, grads] = [[0; 3]; 2];
                    let plan = attention_grad_as(Some(rows), g, 0, [0; 3], &masks, saved, grads, 0);
                    self.write(&format!("{name}_grad"), plan);
                }
            }
        }
    }

    fn convolutions(&self) {
        let g = Convolution {
            n: 64,
            groups: 2,
            c: 32,
            o: 32,
            x: [28, 28],
            kernel: [3, 3],
            y: [28, 28],
            stride: [1, 1],
            padding: [1, 1],
            dilation: [1, 1],
        };
        let write = |name: &str, side, way| {
            let plan = convolution_as((way, 1), g, side, [0; 3], 0);
            self.write(&format!("convolution_{name}"), plan);
        };
        for (way, ..) in CONVOLUTIONS {
            let Way::Tiles(tile) = way else { continue };
            let name = format!("{}x{}", tile.bm, tile.bn);
            write(&name, Role::Y, Convolving::Tiles(tile));
            write(&format!("{name}_along"), Role::W, Convolving::Tiles(tile));
        }
        write("each", Role::W, Convolving::Each);
        for few in [1, 2, 4, 8] {
            write(&format!("few_{few}"), Role::Y, Convolving::Few(few));
            write(&format!("few_{few}_x"), Role::X, Convolving::Few(few));
        }
        let w = Window2 {
            planes: 64,
            x: g.x,
            kernel: g.kernel,
            y: g.y,
            stride: g.stride,
            padding: g.padding,
            dilation: g.dilation,
        };
        self.write("window_arg_max", window_arg_max(w, 0, 0));
    }

    fn moves(&self) {
        let fault = Fault { addr: 0, code: 1 };
        for rank in 0..=4 {
            let (mut shape, mut s, mut d) = (vec![3; rank], vec![5000; rank], vec![7000; rank]);
            shape.extend([99, 98]);
            s.extend([1, 99]);
            d.extend([98, 1]);
            self.write(
                &format!("turn_{rank}"),
                copy(DType::Float, &shape, (0, &s), (0, &d)),
            );
        }
        for one in [Number::Float(1.0), Number::Int(1), Number::Bool(true)] {
            let ty = one.dtype();
            let bytes = ty.size(FLOAT);
            for rank in 1..=6 {
                let s: Vec<i64> = (0..rank).map(|d| 3 + d).collect();
                let shape = vec![3; rank as usize];
                self.write(
                    &format!("copy_{bytes}_{rank}"),
                    copy(ty, &shape, (0, &s), (0, &s)),
                );
            }
            let plan = copy(ty, &[3, 8], (0, &[16, 1]), (0, &[8, 1]));
            self.write(&format!("copy_{bytes}_fours"), plan);
            self.write(&format!("fill_{bytes}"), fill(one, 100, 0));
            for (name, inner) in [("odd", 3), ("fours", 8)] {
                let axis = Axis {
                    outer: 2,
                    n: 5,
                    inner,
                };
                self.write(
                    &format!("take_{bytes}_{name}"),
                    take(ty, axis, 7, 0, 0, 0, fault),
                );
                self.write(
                    &format!("put_{bytes}_{name}"),
                    put(ty, axis, 7, 0, 0, 0, fault),
                );
                self.write(
                    &format!("gather_{bytes}"),
                    gather(ty, axis, 7, 0, 0, 0, fault),
                );
            }
        }
        let floats = [Stored::F32, Stored::Bf16, Stored::F16];
        for (from, to) in floats.into_iter().flat_map(|f| floats.map(|to| (f, to))) {
            self.write(
                &format!("convert_{from}_{to}"),
                convert([from, to], 99, [0, 0]),
            );
        }
        let many = [(4, 2500), (8, 4500), (16, 9000), (32, 50_000)];
        for (rows, n) in [(1, 5), (2, 1500)].into_iter().chain(many) {
            let axis = Axis {
                outer: 1,
                n,
                inner: 256,
            };
            self.write(
                &format!("take_grad_{rows}"),
                take_grad(axis, 7, 0, 0, 0, fault, 0),
            );
            let plan = take_grad(axis, 10_000, 0, 0, 0, fault, 0).expect("few elements");
            let placed = format!("take_grad_{rows}_placed");
            let names = ["bucket_count", "starts", "bucket_place", &placed];
            for (name, launch) in names.into_iter().zip(plan) {
                self.write(name, Ok(vec![launch]));
            }
            self.write("gather_grad", gather_grad(axis, 7, 0, 0, 0, fault));
        }
        let planes = Axis {
            outer: 64,
            n: 100,
            inner: 1,
        };
        self.write("gather_grad_lines", gather_grad(planes, 50, 0, 0, 0, fault));
        let stream = Stream {
            seed: 0,
            step: 0,
            node: 0,
        };
        self.write("bernoulli", bernoulli(0.5, stream, 0, 100, 0));
        self.write("advance", Ok(vec![advance(0)]));
        self.write("outcome", Ok(vec![outcome(0, 0)]));
    }
}

fn main() {
    let dir = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    Dump(Path::new(&dir).to_path_buf()).all();
}

#[cfg(test)]
mod tests {
    use super::Dump;
    use std::collections::BTreeSet;

    /// A kernel that is added needs its line: `ptx/check.sh --update` writes it.
    #[test]
    fn every_module_has_its_registers_listed() {
        let dir = std::env::temp_dir().join(format!("netform-ptx-dump-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder");
        Dump(dir.clone()).all();
        let files = std::fs::read_dir(&dir).expect("the folder");
        let written: BTreeSet<String> = (files.flatten())
            .filter_map(|f| Some(f.path().file_stem()?.to_str()?.to_owned()))
            .collect();
        std::fs::remove_dir_all(&dir).expect("removed");
        let listed: BTreeSet<String> = (include_str!("../../registers.txt").lines())
            .filter_map(|l| Some(l.split_once(' ')?.0.to_owned()))
            .collect();
        assert_eq!(written, listed);
    }
}
