//! The templates' values for each variant, and the text of a module.

use minijinja::Value;

use crate::form::{Attending, Exponential, Form};
use crate::integers::Pair;
use crate::lines::Lines;
use crate::splice::Splice;
use crate::template::render;
use crate::{Body, Module};

/// The template's names and values.
type Values = Vec<(&'static str, Value)>;

impl Form {
    /// The entry's name.
    pub fn entry(self) -> &'static str {
        self.names().0
    }

    /// The entry's name, and the file of `kernels/`.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Form::Map { .. } => ("map", "map.ptx"),
            Form::Reduce { .. } => ("reduce", "reduce.ptx"),
            Form::Mean { .. } => ("mean", "mean.ptx"),
            Form::MeanOfParts => ("mean_of_parts", "mean_of_parts.ptx"),
            Form::ArgReduce { .. } => ("arg_reduce", "arg_reduce.ptx"),
            Form::Integers(_) => ("integers", "integers.ptx"),
            Form::IntegerLines { .. } => ("integer_lines", "integer_lines.ptx"),
            Form::Exponential { kind, .. } => {
                let entry = match kind {
                    Exponential::Softmax => "softmax",
                    Exponential::LogSoftmax => "log_softmax",
                    Exponential::LogSumExp => "logsumexp",
                };
                (entry, "softmax.ptx")
            }
            Form::Product { .. } => ("product", "product.ptx"),
            Form::Tensor { .. } => ("tensor", "tensor.ptx"),
            Form::Few { .. } => ("skinny", "skinny.ptx"),
            Form::Attention { of, .. } => match of {
                Attending::Results => ("attention", "attention.ptx"),
                Attending::Queries => ("attention_queries", "attention_grad.ptx"),
                Attending::Keys => ("attention_keys", "attention_grad.ptx"),
            },
            Form::Convolution { .. } => ("convolution", "convolution.ptx"),
            Form::Correlation => ("correlation", "correlation.ptx"),
            Form::FewChannels { .. } => ("few_channels", "few_channels.ptx"),
            Form::WindowArgMax => ("window_arg_max", "window.ptx"),
            Form::Copy { .. } => ("copy", "copy.ptx"),
            Form::Turn { .. } => ("turn", "turn.ptx"),
            Form::Fill { .. } => ("fill", "fill.ptx"),
            Form::Convert { .. } => ("convert", "convert.ptx"),
            Form::Take { .. } => ("take", "take.ptx"),
            Form::Put { .. } => ("put", "put.ptx"),
            Form::TakeGrad { .. } => ("take_grad", "take_grad.ptx"),
            Form::Bucket { .. } => ("bucket", "bucket.ptx"),
            Form::Starts => ("starts", "starts.ptx"),
            Form::GatherGrad => ("gather_grad", "gather_grad.ptx"),
            Form::Outcome => ("outcome", "outcome.ptx"),
            Form::Bernoulli => ("bernoulli", "random.ptx"),
            Form::Advance => ("advance", "advance.ptx"),
            Form::Running { .. } => ("running", "running.ptx"),
        }
    }

    /// The number of first operands of the body that the kernel itself computes.
    fn given(self) -> usize {
        match self {
            Form::Map { parts, .. } => usize::from(parts),
            Form::Product { .. } | Form::Tensor { .. } | Form::Few { .. } => 1,
            _ => 0,
        }
    }

    /// The template's values.
    fn values(self) -> Values {
        let names = |names: &[&str]| Value::from_iter(names.iter().copied());
        match self {
            Form::Map {
                rank,
                vector,
                parts,
            } => {
                let lanes: &[&str] = match vector {
                    Some(_) => &["0", "1", "2", "3", "t"],
                    None => &["0"],
                };
                vec![
                    ("rank", rank.into()),
                    ("vector", vector.is_some().into()),
                    ("ones", vector.unwrap_or(0).into()),
                    ("parts", parts.into()),
                    ("lanes", names(lanes)),
                ]
            }
            Form::Reduce { kind, lines } => {
                let neutral = format!("0f{:08X}", (kind.neutral() as f32).to_bits());
                let mut values = vec![
                    ("kind", kind.name().into()),
                    ("neutral", neutral.into()),
                    ("lanes4", names(&["0", "1", "2", "3", "r"])),
                ];
                values.extend(layout(lines));
                values
            }
            Form::Mean { lines } => {
                let mut values = vec![("lanes4", names(&["0", "1", "2", "3", "r"]))];
                values.extend(layout(lines));
                values
            }
            Form::ArgReduce { largest, lines } => {
                let neutral = if largest { "0fFF800000" } else { "0f7F800000" };
                let mut values = vec![("largest", largest.into()), ("neutral", neutral.into())];
                values.extend(layout(lines));
                values
            }
            Form::Integers(pair) => {
                let op = match pair {
                    Pair::Add => "add",
                    Pair::Sub => "sub",
                    Pair::Mul => "mul",
                    Pair::Cast => "cast",
                };
                vec![("op", op.into())]
            }
            Form::IntegerLines {
                kind,
                running,
                lines,
            } => {
                let mut values = vec![("kind", kind.name().into()), ("running", running.into())];
                values.extend(layout(lines));
                values
            }
            Form::Exponential { lines, hold, .. } => {
                let mut values = vec![("kind", self.entry().into()), ("hold", hold.into())];
                values.extend(layout(lines));
                values
            }
            Form::Product {
                tile,
                ta,
                tb,
                va,
                vb,
                vc,
                split,
                unroll,
            } => {
                let quads = |rows: u16| u32::from(rows * tile.bk / 4) / tile.threads();
                let lanes: &[&str] = if vc { &["0", "1", "2", "3"] } else { &["0"] };
                vec![
                    ("bm", tile.bm.into()),
                    ("bn", tile.bn.into()),
                    ("bk", tile.bk.into()),
                    ("tm", tile.tm.into()),
                    ("tn", tile.tn.into()),
                    ("residents", tile.residents.into()),
                    ("la", quads(tile.bm).into()),
                    ("lb", quads(tile.bn).into()),
                    ("ta", ta.into()),
                    ("tb", tb.into()),
                    ("va", va.into()),
                    ("vb", vb.into()),
                    ("vc", vc.into()),
                    ("split", split.into()),
                    ("unroll", unroll.into()),
                    ("lanes", names(lanes)),
                ]
            }
            Form::Tensor {
                tile,
                bf16,
                ta,
                tb,
                va,
                vb,
                vc,
                split,
                unroll,
            } => {
                let lanes: &[&str] = if vc { &["0", "1"] } else { &["0"] };
                vec![
                    ("bm", tile.bm.into()),
                    ("bn", tile.bn.into()),
                    ("bk", tile.bk.into()),
                    ("wm", tile.wm.into()),
                    ("wn", tile.wn.into()),
                    ("residents", tile.residents.into()),
                    ("bf16", bf16.into()),
                    ("ta", ta.into()),
                    ("tb", tb.into()),
                    ("va", va.into()),
                    ("vb", vb.into()),
                    ("vc", vc.into()),
                    ("split", split.into()),
                    ("unroll", unroll.into()),
                    ("lanes", names(lanes)),
                ]
            }
            Form::Few {
                few,
                turned,
                lines,
                split,
            } => {
                let mut values = vec![
                    ("few", few.into()),
                    ("turned", turned.into()),
                    ("split", split.into()),
                ];
                values.extend(layout(lines));
                values
            }
            Form::Attention {
                of,
                high,
                wide,
                causal,
                masks,
                vector,
                drop,
            } => vec![
                ("entry", self.entry().into()),
                ("turned", (of == Attending::Keys).into()),
                ("tm", high.into()),
                ("wide", wide.into()),
                ("causal", causal.into()),
                ("masks", masks.into()),
                ("vector", vector.into()),
                ("drop", drop.into()),
                ("ahead", ahead(of, high, wide).into()),
                ("residents", residents(of, high, wide).into()),
            ],
            Form::Convolution { tile, along } => vec![
                ("bm", tile.bm.into()),
                ("bn", tile.bn.into()),
                ("bk", tile.bk.into()),
                ("tm", tile.tm.into()),
                ("tn", tile.tn.into()),
                ("residents", tile.residents.into()),
                ("along", along.into()),
            ],
            Form::FewChannels { few, adjoint } => {
                vec![("few", few.into()), ("adjoint", adjoint.into())]
            }
            Form::Copy { rank, size } => vec![("rank", rank.into()), ("size", size.into())],
            Form::Turn { rank } => vec![("rank", rank.into())],
            Form::Fill { size } => vec![("size", size.into())],
            Form::Convert { from, to } => {
                vec![("from", from.name().into()), ("to", to.name().into())]
            }
            Form::Take { each, size } => vec![("each", each.into()), ("size", size.into())],
            Form::Put { add, size } => vec![("add", add.into()), ("size", size.into())],
            Form::TakeGrad { rows, placed } => {
                vec![("rows", rows.into()), ("placed", placed.into())]
            }
            Form::Bucket { place } => vec![
                ("place", place.into()),
                ("buckets", crate::take_grad::BUCKETS.into()),
            ],
            Form::Outcome => vec![("codes", crate::index::RUNS.into())],
            Form::Correlation
            | Form::WindowArgMax
            | Form::GatherGrad
            | Form::MeanOfParts
            | Form::Starts
            | Form::Bernoulli
            | Form::Advance => vec![],
            Form::Running { how, reverse, scan } => vec![
                ("kind", how.name().into()),
                ("reverse", reverse.into()),
                ("scan", scan.into()),
            ],
        }
    }
}

/// Whether an attention kernel prefetches. With 4 rows per thread, there are few blocks, and no block runs while
/// another waits. Two results of this width leave no registers for it.
fn ahead(of: Attending, high: u8, wide: u8) -> bool {
    high == 4 && !(of == Attending::Keys && wide == 128)
}

/// The number of blocks of attention on a multiprocessor, limited by registers.
fn residents(of: Attending, high: u8, wide: u8) -> u8 {
    match (high, wide) {
        (4, _) | (8, 32) => 3,
        (8, 64) if of != Attending::Keys => 3,
        _ => 2,
    }
}

fn layout(lines: Lines) -> Values {
    vec![
        ("lanes", lines.lanes.into()),
        ("cols", lines.cols.into()),
        ("along", lines.along.into()),
    ]
}

impl Module {
    /// A module of a kernel without a body.
    pub(crate) fn plain(form: Form) -> Self {
        Self {
            form,
            body: Body::IDENTITY,
            device_scalars: false,
        }
    }

    /// The minimum compute capability: major and minor number.
    pub fn capability(&self) -> (u32, u32) {
        match self.form {
            Form::Tensor { .. } => (8, 0),
            _ => (7, 5),
        }
    }

    /// The PTX.
    pub fn text(&self) -> String {
        let mut values = self.form.values();
        let splice = Splice {
            body: self.body,
            given: self.form.given(),
            device_scalars: self.device_scalars,
        };
        values.push(("s", Value::from_object(splice)));
        render(self.form.names().1, Value::from_pairs(values))
    }
}
