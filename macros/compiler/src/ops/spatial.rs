//! Shared parts of convolutions, pools and resizing: arguments that are one number or one for each dimension, the
//! windows over an input, and the checks of inputs, in the user's terms.

use crate::args::Args;
use crate::cx::Cx;
use crate::diag::{Reported, did_you_mean};
use crate::dim::Dim;
use crate::ir::NodeId;
use crate::value::{Tensor, Value};
use proc_macro2::Span;

/// The padding of an input.
#[derive(Clone, Debug)]
pub enum Padding {
    /// Padding that keeps the input's size; an odd cell goes to the end.
    Same,
    /// This many cells on each side of each dimension.
    Sizes(Vec<Dim>),
}

impl Padding {
    /// Cells before and after, for each dimension.
    pub fn sides(&self, kernel: &[Dim], dilation: &[Dim]) -> Vec<(Dim, Dim)> {
        let one = |(d, k): (usize, &Dim)| match self {
            Padding::Sizes(sizes) => (sizes[d].clone(), sizes[d].clone()),
            Padding::Same => {
                let all = reach(k, &dilation[d]).sub(&Dim::one());
                let low = all.div_floor(&Dim::from(2));
                let high = all.sub(&low);
                (low, high)
            }
        };
        kernel.iter().enumerate().map(one).collect()
    }
}

/// The cells from a window's first to its last.
pub fn reach(kernel: &Dim, dilation: &Dim) -> Dim {
    let steps = kernel.sub(&Dim::one()).mul(dilation);
    steps.add(&Dim::one())
}

/// The name of spatial dimension `d` of an input (N, C, ..) with this many dimensions.
fn axis(d: usize, dims: usize) -> &'static str {
    match (dims, d) {
        (4, 2) => "height",
        (4, _) => "width",
        _ => "length",
    }
}

/// One value for each dimension, from one or from a list.
fn spread<T: Clone>(cx: &Cx, a: &Args, name: &str, rank: usize, list: Vec<T>) -> Reported<Vec<T>> {
    match list.len() {
        1 => Ok(vec![list[0].clone(); rank]),
        n if n == rank => Ok(list),
        n => {
            let each = match rank {
                1 => "1 number",
                _ => "1 or 2 numbers",
            };
            let text = format!(
                "`{name}` of `{}` takes {each}, but {}",
                a.callee,
                crate::args::are_given(n)
            );
            Err(cx.error(a.span_of(name), text))
        }
    }
}

/// Sizes, at least 1.
pub fn sizes(cx: &mut Cx, a: &Args, name: &str, rank: usize) -> Reported<Vec<Dim>> {
    let list = a.dims(cx, name)?;
    for d in &list {
        positive(cx, a, name, d)?;
    }
    spread(cx, a, name, rank, list)
}

/// Rejects a size of 0: at once, or when rustc knows it.
pub fn positive(cx: &mut Cx, a: &Args, name: &str, size: &Dim) -> Reported<()> {
    let why = format!("`{name}` of `{}` must be at least 1", a.callee);
    if size.value() == Some(0) {
        return Err(cx.error(a.span_of(name), format!("{why}, not 0")));
    }
    cx.at_least(size, &Dim::one(), a.span_of(name), &why)
}

/// Sizes, 0 among them.
pub fn sizes_or_zero(cx: &Cx, a: &Args, name: &str, rank: usize) -> Reported<Vec<Dim>> {
    let list = a.dims(cx, name)?;
    spread(cx, a, name, rank, list)
}

/// `padding`: numbers, "same" or "valid".
pub fn padding(cx: &Cx, a: &Args, rank: usize, stride: &[Dim]) -> Reported<Padding> {
    // PyTorch's transposed convolutions take numbers only.
    if let (Value::Str(word), false) = (a.value("padding"), a.has("output_padding")) {
        if word == "valid" {
            return Ok(Padding::Sizes(vec![Dim::from(0); rank]));
        }
        if word != "same" {
            let hint = did_you_mean(&word, ["same", "valid"]);
            let text = format!(
                "`padding` of `{}` must be \"same\", \"valid\" or numbers, not {word:?}{hint}",
                a.callee
            );
            return Err(cx.error(a.span_of("padding"), text));
        }
        if let Some(s) = stride.iter().find(|s| !cx.same(s, &Dim::one())) {
            let whole = |name| match a.has(name).then(|| a.value(name)) {
                Some(Value::Whole(n)) => Some(n),
                _ => None,
            };
            let help = match whole("kernel_size").zip(whole("dilation")) {
                Some((k, dilation)) if (k - 1) * dilation % 2 == 0 => format!(
                    "\nhelp: with `padding = {}`, the result has the size of the input divided by {s}, rounded up",
                    (k - 1) * dilation / 2
                ),
                _ => String::new(),
            };
            let text = format!(
                "`padding = \"same\"` of `{}` requires `stride = 1`, not {s}{help}",
                a.callee
            );
            return Err(cx.error(a.span_of("padding"), text));
        }
        return Ok(Padding::Same);
    }
    let list = a.dims(cx, "padding")?;
    Ok(Padding::Sizes(spread(cx, a, "padding", rank, list)?))
}

/// The windows along one dimension.
pub struct Window {
    /// Its cells.
    pub kernel: Dim,
    /// Distance between windows.
    pub stride: Dim,
    /// Distance between a window's cells.
    pub dilation: Dim,
    /// Cells outside, before and after.
    pub sides: (Dim, Dim),
}

impl Window {
    /// The number of windows along dimension `d` of `x`, at least one.
    pub fn count(
        &self,
        cx: &mut Cx,
        (span, callee): (Span, &str),
        x: &Tensor,
        d: usize,
    ) -> Reported<Dim> {
        let rest = self.rest(cx, (span, callee), x, d)?;
        Ok(rest.div_floor(&self.stride).add(&Dim::one()))
    }

    /// The number of cells after the first window, which must fit.
    pub fn rest(
        &self,
        cx: &mut Cx,
        (span, callee): (Span, &str),
        x: &Tensor,
        d: usize,
    ) -> Reported<Dim> {
        let shape = cx.shape(x);
        let (size, dims) = (shape[d].clone(), shape.len());
        let padding = self.sides.0.add(&self.sides.1);
        let (reach, padded) = (reach(&self.kernel, &self.dilation), size.add(&padding));
        let rest = padded.sub(&reach);
        let along = axis(d, dims);
        if rest.value().is_some_and(|v| v < 0) {
            let (dilated, input) = (
                match self.dilation.is_one() {
                    true => String::new(),
                    false => format!(
                        "\nnote: with dilation {}, a kernel of size {} covers {reach} elements",
                        self.dilation, self.kernel
                    ),
                },
                match padding.value() {
                    Some(0) => "its input",
                    _ => "its padded input",
                },
            );
            let text = format!(
                "the kernel of `{callee}` has {along} {reach}, but {input} has {along} {padded}{}{dilated}\nhelp: use a smaller kernel or more padding",
                cx.origin_note(x)
            );
            return Err(cx.error(span, text));
        }
        let why = format!(
            "the {along} of `{}` must be at least that of a window of `{callee}`",
            x.text
        );
        cx.at_least(&padded, &reach, span, &why)?;
        // If a window fits into the padding alone, the input must not be empty.
        if reach.sub(&padding).value().is_none_or(|least| least < 1) {
            filled(cx, (span, callee), x, d)?;
        }
        Ok(rest)
    }
}

/// Rejects an empty dimension `d`, as PyTorch does; a batch may be empty.
pub fn filled(cx: &mut Cx, (span, callee): (Span, &str), x: &Tensor, d: usize) -> Reported<()> {
    let shape = cx.shape(x);
    let along = axis(d, shape.len());
    if shape[d].value() == Some(0) {
        let text = format!(
            "`{callee}` takes a {along} of at least 1, but `{}` has {along} 0{}",
            x.text,
            cx.origin_note(x)
        );
        return Err(cx.error(span, text));
    }
    let why = format!("the {along} of `{}`", x.text);
    cx.at_least(&shape[d], &Dim::one(), span, &why)
}

/// An input of a layer or an op that takes a batch or one sample.
pub struct Batch {
    /// The input as a batch, (N, C, ..); N is 1 for one sample.
    pub x: Tensor,
    /// The input was one sample, (C, ..), and so is the result.
    pub one: bool,
}

impl Batch {
    /// A result (N, C, ..) in the form of the input.
    pub fn result(&self, cx: &mut Cx, y: NodeId) -> NodeId {
        match self.one {
            true => {
                let shape = cx.g.shape(y)[1..].to_vec();
                cx.g.reshape(y, &shape)
            }
            false => y,
        }
    }

    /// The number of the input's dimension that holds its channels.
    pub fn channels(&self) -> usize {
        usize::from(!self.one)
    }
}

/// Keeps a batch (N, C, ..), makes one sample (C, ..) a batch of 1, and rejects others.
pub fn batch_or_one(cx: &mut Cx, at: (Span, &str), x: &Tensor, rank: usize) -> Reported<Batch> {
    batch_or_one_of(cx, at, x, rank, None)
}

/// The same for a known number of channels.
pub fn batch_or_one_of(
    cx: &mut Cx,
    (span, callee): (Span, &str),
    x: &Tensor,
    rank: usize,
    channels: Option<&Dim>,
) -> Reported<Batch> {
    let shape = cx.shape(x);
    let one = shape.len() == rank + 1;
    if !one && shape.len() != rank + 2 {
        let (all, sample, sizes) = match rank {
            1 => ("sequences", "sequence", "L"),
            _ => ("images", "image", "H, W"),
        };
        let mut text = format!(
            "`{callee}` takes {all} [N, C, {sizes}] or [C, {sizes}], but `{}` has {}{}",
            x.text,
            crate::args::count(shape.len(), "dimension"),
            cx.origin_note(x)
        );
        let name = &x.text;
        let single = channels.is_none_or(Dim::is_one);
        let c = channels.map_or_else(|| "1".to_owned(), Dim::to_string);
        let of = match single {
            true => "one channel".to_owned(),
            false => format!("{c} channels"),
        };
        // A named size is a batch rather than a part of one sample.
        let batch = rank == 2 && shape.len() == 2 && !shape[0].names().is_empty();
        if shape.len() == rank && !batch {
            text += &match single {
                true => format!(
                    "\nhelp: if `{name}` is one {sample} of one channel, write `{name}.unsqueeze(0)`"
                ),
                false => {
                    let sizes: Vec<String> = shape.iter().map(Dim::to_string).collect();
                    format!(
                        "\nnote: one {sample} of {of} is [{c}, {0}]\nhelp: to repeat `{name}` in {of}, write `{name}.unsqueeze(0).expand({c}, {0})`",
                        sizes.join(", ")
                    )
                }
            };
        }
        if batch {
            text += &format!(
                "\nhelp: if each row is a flattened image of {of}, write `{name}.reshape([{}, {c}, height, width])`",
                shape[0]
            );
        }
        return Err(cx.error(span, text));
    }
    let mut x = x.clone();
    if one {
        let id = cx.g.unsqueeze(x.id, 0);
        cx.shown.insert(id, x.id);
        x.id = id;
    }
    Ok(Batch { x, one })
}

/// Rejects an input that is not a batch (N, C, ..) of sequences or images.
pub fn batch(cx: &Cx, (span, callee): (Span, &str), x: &Tensor, rank: usize) -> Reported<()> {
    let shape = cx.shape(x);
    if shape.len() == rank + 2 {
        return Ok(());
    }
    let what = match rank {
        1 => "sequences [N, C, L]",
        _ => "images [N, C, H, W]",
    };
    let mut text = format!(
        "`{callee}` takes {what}, but `{}` has {}{}",
        x.text,
        crate::args::count(shape.len(), "dimension"),
        cx.origin_note(x)
    );
    if shape.len() == rank + 1 {
        text += &one_channel(x, rank);
        if shape[0].names().is_empty() {
            let one = if rank == 1 { "sequence" } else { "image" };
            text += &format!(
                "\nhelp: if `{0}` is one {one}, write `{0}.unsqueeze(0)`",
                x.text
            );
        }
    } else if shape.len() == 2 {
        text += &format!(
            "\nhelp: if each row is a flattened image of one channel, write `{}.reshape([{}, 1, height, width])`",
            x.text, shape[0]
        );
    }
    Err(cx.error(span, text))
}

/// The help for a batch without channels.
pub fn one_channel(x: &Tensor, rank: usize) -> String {
    let all = if rank == 1 { "sequences" } else { "images" };
    format!(
        "\nhelp: if `{0}` is a batch of {all} of one channel, write `{0}.unsqueeze(1)`",
        x.text
    )
}

/// Rejects channels that cannot be split into groups of equal size.
pub fn grouped(
    cx: &mut Cx,
    a: &Args,
    (which, channels): (&str, &Dim),
    groups: &Dim,
) -> Reported<Dim> {
    if let (Some(c), Some(g)) = (channels.value(), groups.value())
        && g > 0
        && c % g != 0
    {
        let text = format!(
            "`groups` of `{}` must divide the {which} channels: {c} is not divisible by {g}",
            a.callee
        );
        return Err(cx.error(a.span_of("groups"), text));
    }
    let why = format!(
        "`groups` of `{}` must divide the {which} channels",
        a.callee
    );
    cx.divides(channels, groups, a.span_of("groups"), &why)
}
