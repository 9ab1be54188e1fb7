//! Normalisation of channels, which are dimension 1: `BatchNorm1d(C)`, `BatchNorm2d(C)` (Ioffe and
//! Szegedy, 2015), `GroupNorm(groups, C)` (Wu and He, 2018), `InstanceNorm1d(C)`, `InstanceNorm2d(C)`
//! (Ulyanov et al., 2016).
//!
//! With `track_running_stats` training updates the buffers `running_mean` and `running_var` (of the
//! unbiased variance), and evaluation uses them. `num_batches_tracked` counts the batches in an integer.

use super::{Call, Init, Layer, LayerDef, ParamDecl, input, positive};
use crate::args::{Args, Given};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ir::{DType, NodeId};
use crate::ops::channels as ops;
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::takes::enclosed;
use crate::value::{Tensor, Value};

const BATCH: &str = "num_features, eps = 1e-5, momentum = 0.1, affine = true, track_running_stats = true, bias = true";
const INSTANCE: &str = "num_features, eps = 1e-5, momentum = 0.1, affine = false, track_running_stats = false, bias = true";

macro_rules! rows {
    ($($id:ident $name:literal $signature:ident $kind:expr;)*) => {
        $(/// The table's row.
        pub const $id: LayerDef = LayerDef {
            name: $name,
            signature: $signature,
            declare: |cx, a| running(cx, a, $kind),
        };)*
    };
}

rows! {
    BATCH_NORM_1D "BatchNorm1d" BATCH Kind::Batch(1);
    BATCH_NORM_2D "BatchNorm2d" BATCH Kind::Batch(2);
    BATCH_NORM_3D "BatchNorm3d" BATCH Kind::Batch(3);
    INSTANCE_NORM_1D "InstanceNorm1d" INSTANCE Kind::Instance(1);
    INSTANCE_NORM_2D "InstanceNorm2d" INSTANCE Kind::Instance(2);
    INSTANCE_NORM_3D "InstanceNorm3d" INSTANCE Kind::Instance(3);
}

/// The table's row.
pub const GROUP_NORM: LayerDef = LayerDef {
    name: "GroupNorm",
    signature: "num_groups, num_channels, eps = 1e-5, affine = true, bias = true",
    declare: |cx, a| {
        let (groups, channels) = (a.dim(cx, "num_groups")?, a.dim(cx, "num_channels")?);
        positive(cx, a, "num_groups", &groups)?;
        positive(cx, a, "num_channels", &channels)?;
        let (at, why) = (
            a.span_of("num_groups"),
            "`num_groups` must divide `num_channels`",
        );
        cx.divides(&channels, &groups, at, why)?;
        Ok(Box::new(Norm {
            kind: Kind::Group(groups),
            channels,
            eps: a.real(cx, "eps")?,
            momentum: None,
            affine: a.flag(cx, "affine")?,
            bias: a.flag(cx, "bias")?,
            tracks: false,
        }))
    },
};

fn running(cx: &mut Cx, a: &Args, kind: Kind) -> Reported<Box<dyn Layer>> {
    let channels = a.dim(cx, "num_features")?;
    positive(cx, a, "num_features", &channels)?;
    Ok(Box::new(Norm {
        kind,
        channels,
        eps: a.real(cx, "eps")?,
        momentum: a.optional_real(cx, "momentum")?,
        affine: a.flag(cx, "affine")?,
        bias: a.flag(cx, "bias")?,
        tracks: a.flag(cx, "track_running_stats")?,
    }))
}

/// The elements that are normalised together.
#[derive(Clone)]
enum Kind {
    /// A channel of the whole batch; its samples have this many further dimensions.
    Batch(usize),
    /// A channel of a sample; it has this many further dimensions.
    Instance(usize),
    /// One of this many groups of channels of a sample.
    Group(Dim),
}

struct Norm {
    kind: Kind,
    channels: Dim,
    eps: Real,
    /// The weight of a batch's statistics in the running ones; `None`: the mean of all batches.
    momentum: Option<Real>,
    affine: bool,
    /// With `affine`: whether there is a bias beside the weight.
    bias: bool,
    /// Keeps running statistics.
    tracks: bool,
}

impl Norm {
    /// The part of the layer's name that is the same for all dimensions.
    fn name(&self) -> (&'static str, Option<usize>) {
        match self.kind {
            Kind::Batch(n) => ("BatchNorm", Some(n)),
            Kind::Instance(n) => ("InstanceNorm", Some(n)),
            Kind::Group(_) => ("GroupNorm", None),
        }
    }

    /// The input as (N, C, ..), and whether N was missing.
    fn batch(&self, cx: &mut Cx, call: &Call, x: &Tensor) -> Reported<(Tensor, bool)> {
        let rank = cx.shape(x).len();
        let alone = match self.kind {
            Kind::Instance(n) => rank == n + 1,
            _ => false,
        };
        let fits = match self.kind {
            Kind::Batch(1) => rank == 2 || rank == 3,
            Kind::Batch(n) => rank == n + 2,
            Kind::Instance(n) => alone || rank == n + 2,
            Kind::Group(_) => rank >= 2,
        };
        if !fits {
            return Err(self.wrong_rank(cx, call, x));
        }
        let mut y = x.clone();
        if alone {
            y.id = cx.g.unsqueeze(x.id, 0);
        }
        if !cx.same(&cx.shape(&y)[1], &self.channels) {
            return Err(self.wrong_channels(cx, call, x, usize::from(!alone)));
        }
        Ok((y, alone))
    }

    fn wrong_rank(&self, cx: &Cx, call: &Call, x: &Tensor) -> crate::diag::ErrorReported {
        let shape = cx.shape(x);
        let (name, dims) = self.name();
        let places = |n: usize| ["L", "H, W", "D, H, W"][n - 1];
        let takes = match (&self.kind, dims) {
            (Kind::Batch(1), _) => "[N, C] or [N, C, L]".to_owned(),
            (Kind::Instance(_), Some(n)) => format!("[N, C, {0}] or [C, {0}]", places(n)),
            (_, Some(n)) => format!("[N, C, {}]", places(n)),
            _ => "[N, C, ..]".to_owned(),
        };
        let mut text = format!(
            "`{}` takes {takes}, but `{}` has {}{}\n{}",
            call.field,
            x.text,
            crate::args::count(shape.len(), "dimension"),
            cx.origin_note(x),
            call.decl
        );
        // The layer for an input of this rank, if the channels are where they should be.
        let other = shape.len().checked_sub(2).filter(|n| (0..=3).contains(n));
        if let (Some(n), Some(_), true) = (other, dims, shape.get(1) == Some(&self.channels)) {
            let n = n.max(1);
            if !(matches!(self.kind, Kind::Instance(_)) && shape.len() == 2) {
                text += &format!("\nhelp: `{name}{n}d` takes this shape");
            }
        }
        cx.error(call.span, text)
    }

    fn wrong_channels(
        &self,
        cx: &Cx,
        call: &Call,
        x: &Tensor,
        at: usize,
    ) -> crate::diag::ErrorReported {
        let shape = cx.shape(x);
        let (want, have) = (&self.channels, &shape[at]);
        let mut text = format!(
            "`{}` takes {want} channels, but dimension {at} of `{}` has size {have}{}\n{}",
            call.field,
            x.text,
            cx.origin_note(x),
            call.decl
        );
        let rank = shape.len();
        if at + 1 < rank && shape[rank - 1] == *want {
            let order: Vec<String> = (0..at)
                .chain([rank - 1])
                .chain(at..rank - 1)
                .map(|d| d.to_string())
                .collect();
            text += &format!(
                "\nhelp: the last dimension has size {want}: did you mean `{}.permute({})`?",
                enclosed(&x.text),
                order.join(", ")
            );
        } else if have.names().is_empty() {
            let mended = match &self.kind {
                Kind::Group(groups) => format!("GroupNorm({groups}, {have})"),
                _ => {
                    let (name, n) = self.name();
                    format!("{name}{}d({have})", n.unwrap_or(1))
                }
            };
            text += &format!("\nhelp: declare `{}: {mended}`", call.field);
        }
        cx.error(call.span, text)
    }

    /// The numbers of the buffers, which follow weight and bias.
    fn buffers(&self) -> [usize; 3] {
        let first = match (self.affine, self.bias) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        [first, first + 1, first + 2]
    }

    /// The new running statistics, from those of a training batch.
    fn track(&self, cx: &mut Cx, call: &Call, batch: ops::Moments) {
        let [mean, var, count] = self.buffers();
        let one = cx.g.whole(1);
        let counted = cx.g.scalar(S::Add, &[call.params[count], one]);
        let weight = match (&self.kind, &self.momentum) {
            (_, Some(m)) => cx.g.real(m),
            // As in PyTorch, instances do not count batches.
            (Kind::Instance(_), None) => cx.g.constant(0.0),
            _ => {
                let (one, batches) = (cx.g.constant(1.0), cx.g.cast(counted, DType::Float));
                cx.g.div2(one, batches)
            }
        };
        for (at, new) in [(mean, batch.0), (var, batch.1)] {
            let old = call.params[at];
            let step = cx.g.sub2(new, old);
            let step = cx.g.mul2(step, weight);
            let next = cx.g.add2(old, step);
            cx.update(at, next);
        }
        if let Kind::Batch(_) = self.kind {
            cx.update(count, counted);
        }
    }

    fn normalised(&self, cx: &mut Cx, call: &Call, x: &Tensor) -> Reported<NodeId> {
        let (shape, around) = (cx.shape(x), ops::around(cx, x.id));
        let own = !self.tracks || cx.train;
        if !own {
            let [mean, var, _] = self.buffers();
            let used = (call.params[mean], call.params[var]);
            return Ok(ops::normalise(cx, x.id, used, &around, &self.eps));
        }
        let field = call.field;
        match &self.kind {
            Kind::Batch(_) => {
                let count = ops::group_values(&shape, &shape[1]);
                ops::several(cx, call.span, field, "all of a channel", &count, x)?;
                if self.tracks {
                    let batch = ops::moments(cx, x.id, &around, 1.0);
                    self.track(cx, call, batch);
                }
                Ok(ops::normalise_own(cx, x.id, &around, &self.eps))
            }
            Kind::Group(groups) => {
                let count = ops::group_values(&shape, groups);
                ops::several(cx, call.span, field, "a group of channels", &count, x)?;
                let by = (None, None);
                Ok(ops::group_norm(cx, x.id, groups, by, &self.eps))
            }
            Kind::Instance(_) => {
                let count = crate::dim::numel(&shape[2..]);
                ops::several(cx, call.span, field, "a channel of one sample", &count, x)?;
                let inner: Vec<usize> = (2..shape.len()).collect();
                if self.tracks {
                    let (mean, var) = ops::moments(cx, x.id, &inner, 1.0);
                    let over = |cx: &mut Cx, x| crate::ops::mean(cx, x, &[0]);
                    let batch = (over(cx, mean), over(cx, var));
                    self.track(cx, call, batch);
                }
                Ok(ops::normalise_own(cx, x.id, &inner, &self.eps))
            }
        }
    }
}

impl Layer for Norm {
    fn params(&self) -> Vec<ParamDecl> {
        let shape = vec![self.channels.clone()];
        let mut out = Vec::new();
        if self.affine {
            out.push(ParamDecl::new("weight", shape.clone(), Init::Constant(1.0)));
            if self.bias {
                out.push(ParamDecl::new("bias", shape.clone(), Init::Constant(0.0)));
            }
        }
        if self.tracks {
            out.push(ParamDecl::buffer("running_mean", shape.clone(), 0.0));
            out.push(ParamDecl::buffer("running_var", shape, 1.0));
            out.push(ParamDecl::count("num_batches_tracked"));
        }
        out
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let (given, _) = input(cx, call, given)?;
        let (x, alone) = self.batch(cx, call, &given)?;
        let y = self.normalised(cx, call, &x)?;
        let by = |there: bool, k: usize| there.then(|| call.params[k]);
        let by = (by(self.affine, 0), by(self.affine && self.bias, 1));
        let y = ops::affine(cx, y, by);
        let y = match alone {
            true => {
                let shape = cx.shape(&given);
                cx.g.reshape(y, &shape)
            }
            false => y,
        };
        Ok(cx.tensor(y))
    }
}
