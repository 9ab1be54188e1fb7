//! `Conv1d`, `Conv2d`, `ConvTranspose1d` and `ConvTranspose2d` (`in -> out, kernel_size, ..`): a kernel of
//! weights at every place of a sequence or an image.

use super::{Call, Init, Layer, LayerDef, ParamDecl, in_out, input};
use crate::args::{Args, Given, several};
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::Dim;
use crate::ops::{self, Conv, spatial};
use crate::takes::enclosed;
use crate::value::{Tensor, Value};

const CONV: &str = "in_out, kernel_size, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, padding_mode = \"zeros\"";
const TRANSPOSE: &str = "in_out, kernel_size, stride = 1, padding = 0, output_padding = 0, groups = 1, bias = true, dilation = 1";

/// The table's row.
pub const CONV_1D: LayerDef = LayerDef {
    name: "Conv1d",
    signature: CONV,
    declare: |cx, a| declare(cx, a, 1, false),
};

/// The table's row.
pub const CONV_2D: LayerDef = LayerDef {
    name: "Conv2d",
    signature: CONV,
    declare: |cx, a| declare(cx, a, 2, false),
};

/// The table's row.
pub const TRANSPOSE_1D: LayerDef = LayerDef {
    name: "ConvTranspose1d",
    signature: TRANSPOSE,
    declare: |cx, a| declare(cx, a, 1, true),
};

/// The table's row.
pub const TRANSPOSE_2D: LayerDef = LayerDef {
    name: "ConvTranspose2d",
    signature: TRANSPOSE,
    declare: |cx, a| declare(cx, a, 2, true),
};

struct Convolution {
    name: String,
    from: Dim,
    to: Dim,
    kernel: Vec<Dim>,
    settings: Conv,
    bias: bool,
    transposed: bool,
    /// The second size of the weight: the other side's channels.
    inner: Dim,
}

fn declare(cx: &mut Cx, a: &Args, rank: usize, transposed: bool) -> Reported<Box<dyn Layer>> {
    let (from, to) = in_out(cx, a, "in_out")?;
    let kernel = spatial::sizes(cx, a, "kernel_size", rank)?;
    let settings = Conv::read(cx, a, rank)?;
    let ins = spatial::grouped(cx, a, ("input", &from), &settings.groups)?;
    let outs = spatial::grouped(cx, a, ("output", &to), &settings.groups)?;
    Ok(Box::new(Convolution {
        name: a.callee.clone(),
        from,
        to,
        kernel,
        settings,
        bias: a.flag(cx, "bias")?,
        transposed,
        inner: if transposed { outs } else { ins },
    }))
}

impl Convolution {
    /// The error for an input with other channels, which are its dimension `at`.
    fn wrong_channels(
        &self,
        cx: &Cx,
        call: &Call,
        x: &Tensor,
        at: usize,
    ) -> crate::diag::ErrorReported {
        let shape = cx.shape(x);
        let have = &shape[at];
        // A name does not say which dimension it is.
        let found = match have.names().is_empty() {
            true => format!("`{}` has {have}", x.text),
            false => format!("dimension {at} of `{}` has size {have}", x.text),
        };
        let mut text = format!(
            "`{}` takes {}, but {found}{}\n{} is declared with {}",
            call.field,
            several(&self.from, "channel"),
            cx.origin_note(x),
            call.decl,
            several(&self.from, "input channel")
        );
        let last = shape.len() - 1;
        if shape[last] == self.from {
            let order = match (self.settings.rank, at) {
                (1, 0) => "transpose(0, 1)",
                (1, _) => "transpose(1, 2)",
                (_, 0) => "permute([2, 0, 1])",
                _ => "permute([0, 3, 1, 2])",
            };
            text += &format!(
                "\nhelp: channels are dimension {at}: did you mean `{}.{order}`?",
                enclosed(&x.text)
            );
        } else if at == 0 && self.from.is_one() {
            // A batch without channels looks like one sample.
            text += match self.settings.rank {
                1 => "\nnote: a tensor with two dimensions is read as one sequence [C, L]",
                _ => "\nnote: a tensor with three dimensions is read as one image [C, H, W]",
            };
            text += &spatial::one_channel(x, self.settings.rank);
        } else if have.names().is_empty() {
            let declared = format!("{}({} -> ", self.name, self.from);
            let mended = format!("{}({have} -> ", self.name);
            if call.decl.contains(&declared) {
                let mended = call.decl.replace(&declared, &mended);
                text += &format!("\nhelp: declare `{mended}`");
            }
            if let Some(origin) = cx.origin.get(&x.id)
                && origin.contains(&format!("-> {have}"))
                && origin.contains(": ")
            {
                let other = origin.replace(&format!("-> {have}"), &format!("-> {}", self.from));
                text += &format!(", or `{other}`");
            }
        }
        cx.error(call.span, text)
    }
}

impl Layer for Convolution {
    fn params(&self) -> Vec<ParamDecl> {
        let first = if self.transposed {
            &self.from
        } else {
            &self.to
        };
        let mut shape = vec![first.clone(), self.inner.clone()];
        shape.extend(self.kernel.iter().cloned());
        // PyTorch's number of inputs of an output: a whole row of the weight.
        let fan_in = crate::dim::numel(&shape[1..]);
        let init = Init::FanIn(fan_in);
        let mut out = vec![ParamDecl::new("weight", shape, init.clone())];
        if self.bias {
            out.push(ParamDecl::new("bias", vec![self.to.clone()], init));
        }
        out
    }

    fn call(&self, cx: &mut Cx, call: &Call, given: Vec<Given>) -> Reported<Value> {
        let (given, _) = input(cx, call, given)?;
        let at = (call.span, call.field);
        let rank = self.settings.rank;
        let batch = spatial::batch_or_one_of(cx, at, &given, rank, Some(&self.from))?;
        let x = &batch.x;
        if !cx.same(&cx.shape(x)[1], &self.from) {
            return Err(self.wrong_channels(cx, call, &given, batch.channels()));
        }
        let weights = (call.params[0], call.params.get(1).copied());
        let y = match self.transposed {
            false => ops::conv(cx, at, x, weights, &self.settings)?,
            true => ops::transpose(cx, at, x, weights, &self.settings)?,
        };
        let y = batch.result(cx, y);
        Ok(cx.tensor(y))
    }
}
