//! Pools: the largest or the mean of the cells under each window.
//!
//! A maximum is read at its position, so its gradient is that of the read. A mean is a convolution of each channel
//! separately with a kernel of ones, divided by the number of cells.

use super::ops;
use super::spatial::{self, Window};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape, numel};
use crate::ir::{DType, NodeId};
use crate::kinds::conv::{Conv, Role};
use crate::kinds::gather::Gather;
use crate::kinds::window_arg_max::WindowArgMax;
use crate::kinds::windows::Windows;
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "max_pool1d" ("input, kernel_size, stride = None, padding = 0, dilation = 1, ceil_mode = false, return_indices = false") |cx, a| max_pool(cx, a, 1);
    "max_pool2d" ("input, kernel_size, stride = None, padding = 0, dilation = 1, ceil_mode = false, return_indices = false") |cx, a| max_pool(cx, a, 2);
    "avg_pool1d" ("input, kernel_size, stride = None, padding = 0, ceil_mode = false, count_include_pad = true") |cx, a| avg_pool(cx, a, 1);
    "avg_pool2d" ("input, kernel_size, stride = None, padding = 0, ceil_mode = false, count_include_pad = true, divisor_override = None") |cx, a| avg_pool(cx, a, 2);
}

/// A pool's windows, one number for each dimension.
struct Pool {
    kernel: Vec<Dim>,
    stride: Vec<Dim>,
    padding: Vec<Dim>,
    dilation: Vec<Dim>,
    ceil: bool,
}

impl Pool {
    fn read(cx: &mut Cx, a: &Args, rank: usize) -> Reported<Pool> {
        let kernel = spatial::sizes(cx, a, "kernel_size", rank)?;
        let stride = match a.value("stride") {
            Value::Null => kernel.clone(),
            _ => spatial::sizes(cx, a, "stride", rank)?,
        };
        let padding = spatial::sizes_or_zero(cx, a, "padding", rank)?;
        let dilation = match a.has("dilation") {
            true => spatial::sizes(cx, a, "dilation", rank)?,
            false => vec![Dim::one(); rank],
        };
        for d in 0..rank {
            let reach = spatial::reach(&kernel[d], &dilation[d]);
            let (both, span) = (padding[d].mul(&Dim::from(2)), a.span_of("padding"));
            let why = format!(
                "`padding` of `{}` must be at most half of its window",
                a.callee
            );
            if reach.sub(&both).value().is_some_and(|left| left < 0) {
                let kernel = match dilation[d].is_one() {
                    true => "kernel",
                    false => "dilated kernel",
                };
                let most = match reach.value() {
                    Some(n) => (n / 2).to_string(),
                    None => "half of the kernel size".to_owned(),
                };
                let down = match reach.value() {
                    Some(n) if n % 2 == 1 => ", rounded down",
                    _ => "",
                };
                let text = format!(
                    "`padding` of `{}` is {}, but must be at most {most}\nnote: the limit is half of the {kernel} size {reach}{down}",
                    a.callee, padding[d]
                );
                return Err(cx.error(span, text));
            }
            cx.at_least(&reach, &both, span, &why)?;
        }
        Ok(Pool {
            kernel,
            stride,
            padding,
            dilation,
            ceil: a.flag(cx, "ceil_mode")?,
        })
    }

    /// The output shape, with the same channels.
    fn shape(&self, cx: &mut Cx, a: &Args, x: &Tensor) -> Reported<Shape> {
        let mut shape = cx.shape(x);
        for d in 0..self.kernel.len() {
            let size = shape[2 + d].clone();
            let (stride, padding) = (&self.stride[d], &self.padding[d]);
            // The last window may reach outside, by less than the stride.
            let more = match self.ceil {
                true => stride.sub(&Dim::one()),
                false => Dim::from(0),
            };
            let window = Window {
                kernel: self.kernel[d].clone(),
                stride: stride.clone(),
                dilation: self.dilation[d].clone(),
                sides: (padding.clone(), padding.add(&more)),
            };
            shape[2 + d] = window.count(cx, (a.span, &a.callee), x, 2 + d)?;
            // But it starts inside the input or before it; one of the two sizes ensures this for all input sizes.
            if self.ceil {
                let reach = spatial::reach(&self.kernel[d], &self.dilation[d]);
                let least = stride.add(padding);
                let starts = all_start(&size.add(padding).add(&more), stride);
                match reach.sub(&least).value() {
                    Some(0..) => {}
                    Some(_) => shape[2 + d] = starts,
                    // Only rustc knows: the usual order.
                    None => {
                        let why = format!(
                            "with `ceil_mode`, stride and padding of `{}` together are at most its window",
                            a.callee
                        );
                        cx.at_least(&reach, &least, a.span, &why)?;
                    }
                }
            }
            // Each window that starts before the input must have a cell inside.
            if padding.value() != Some(0) && !self.dilation[d].is_one() {
                let why = format!("every window of `{}` has a cell inside its input", a.callee);
                cx.at_least(&size, &self.dilation[d], a.span, &why)?;
            }
        }
        Ok(shape)
    }

    fn windows(&self) -> Windows {
        Windows {
            stride: two(&self.stride, 1),
            padding: two(&self.padding, 0),
            dilation: two(&self.dilation, 1),
        }
    }

    fn kernel(&self) -> [Dim; 2] {
        two(&self.kernel, 1)
    }
}

/// The numbers for height and width; a sequence is an image with a height of 1, for which `first` is the number.
fn two(v: &[Dim], first: i64) -> [Dim; 2] {
    match v {
        [one] => [Dim::from(first), one.clone()],
        _ => [v[0].clone(), v[1].clone()],
    }
}

/// The number of windows that start among this many cells.
fn all_start(cells: &Dim, stride: &Dim) -> Dim {
    cells.div_floor(stride)
}

/// (N, C, ..) as images one after another: (N * C, height, width).
fn planes(shape: &Shape) -> Shape {
    let mut out = vec![shape[0].mul(&shape[1])];
    if shape.len() == 3 {
        out.push(Dim::one());
    }
    out.extend_from_slice(&shape[2..]);
    out
}

/// The values of x (N, C, ..) at flat positions (N, C, ..) in their images.
pub fn values_at(cx: &mut Cx, x: NodeId, index: NodeId) -> NodeId {
    let flat = |shape: &Shape| vec![shape[0].mul(&shape[1]), numel(&shape[2..])];
    let (from, to) = (cx.g.shape(x).clone(), cx.g.shape(index).clone());
    let x = cx.g.reshape(x, &flat(&from));
    let index = cx.g.reshape(index, &flat(&to));
    let op = Gather {
        dim: 1,
        what: cx.own_reads(index),
    };
    let y = cx.g.push(op, &[x, index], None);
    cx.g.reshape(y, &to)
}

/// The result of a pool, from the positions (N, C, ..) of its maxima.
pub fn largest(cx: &mut Cx, a: &Args, batch: &spatial::Batch, index: NodeId) -> Reported<Value> {
    let y = values_at(cx, batch.x.id, index);
    let (y, index) = (batch.result(cx, y), batch.result(cx, index));
    Ok(match a.flag(cx, "return_indices")? {
        true => Value::Tuple(vec![cx.tensor(y), cx.tensor(index)]),
        false => cx.tensor(y),
    })
}

/// The positions of the largest elements under windows.
fn positions(cx: &mut Cx, pool: &Pool, x: NodeId, shape: &Shape) -> NodeId {
    let images = planes(cx.g.shape(x));
    let x = cx.g.reshape(x, &images);
    let op = WindowArgMax {
        windows: pool.windows(),
        kernel: pool.kernel(),
    };
    let index = cx.g.push(op, &[x], Some(planes(shape)));
    cx.g.reshape(index, shape)
}

fn max_pool(cx: &mut Cx, a: &Args, rank: usize) -> Reported<Value> {
    let given = a.float(cx, "input")?;
    let batch = spatial::batch_or_one(cx, (a.span, &a.callee), &given, rank)?;
    let pool = Pool::read(cx, a, rank)?;
    let shape = pool.shape(cx, a, &batch.x)?;
    let index = positions(cx, &pool, batch.x.id, &shape);
    largest(cx, a, &batch, index)
}

/// Positions of maxima under windows that do not overlap: `counts` are their numbers; the input's sizes are `each`
/// times as large.
pub fn tiled_positions(cx: &mut Cx, x: NodeId, counts: &[Dim], each: &[Dim]) -> NodeId {
    let pool = Pool {
        kernel: each.to_vec(),
        stride: each.to_vec(),
        padding: vec![Dim::from(0); each.len()],
        dilation: vec![Dim::one(); each.len()],
        ceil: false,
    };
    let mut shape = cx.g.shape(x)[..2].to_vec();
    shape.extend_from_slice(counts);
    positions(cx, &pool, x, &shape)
}

fn avg_pool(cx: &mut Cx, a: &Args, rank: usize) -> Reported<Value> {
    let given = a.float(cx, "input")?;
    let batch = spatial::batch_or_one(cx, (a.span, &a.callee), &given, rank)?;
    let x = &batch.x;
    let pool = Pool::read(cx, a, rank)?;
    let with_padding = a.flag(cx, "count_include_pad")?;
    let divisor = match a.has("divisor_override") {
        true => a.optional_real(cx, "divisor_override")?,
        false => None,
    };
    if divisor.as_ref().is_some_and(|d| d.is(0.0)) {
        let text = format!("`divisor_override` of `{}` must not be 0", a.callee);
        return Err(cx.error(a.span_of("divisor_override"), text));
    }
    let shape = pool.shape(cx, a, x)?;
    let from = cx.shape(x);
    let image = |shape: &Shape| {
        let mut image = planes(shape);
        image.insert(1, Dim::one());
        image
    };
    let images = cx.g.reshape(x.id, &image(&from));
    let [height, width] = pool.kernel();
    let kernel = vec![Dim::one(), Dim::one(), height, width];
    let ones = cx.g.full(1.0, DType::Float, &kernel);
    let op = Conv {
        role: Role::Y,
        windows: pool.windows(),
        groups: Dim::one(),
    };
    let sum = cx.g.push(op, &[images, ones], Some(image(&shape)));
    let sum = cx.g.reshape(sum, &shape);
    let all = numel(&pool.kernel);
    let padded = pool.padding.iter().any(|p| p.value() != Some(0));
    let y = match divisor {
        Some(d) => cx.g.scale_by(sum, &d.inverse()),
        None if !pool.ceil && (with_padding || !padded) => match all.value() {
            Some(all) => cx.g.scale(sum, 1.0 / all as f64),
            None => {
                let all = cx.g.size(&all);
                let each = cx.g.unary(S::Recip, all);
                cx.g.mul2(sum, each)
            }
        },
        None => {
            let mut cells = None;
            for d in 0..rank {
                let count = count(cx, &pool, d, &from[2 + d], &shape, with_padding);
                cells = Some(match cells {
                    None => count,
                    Some(other) => cx.g.mul2(other, count),
                });
            }
            match cells {
                Some(cells) => cx.g.div2(sum, cells),
                None => sum,
            }
        }
    };
    let y = batch.result(cx, y);
    Ok(cx.tensor(y))
}

/// The cells of each window along dimension `d`: those inside, and with `padding` also those outside.
fn count(cx: &mut Cx, pool: &Pool, d: usize, size: &Dim, shape: &Shape, padding: bool) -> NodeId {
    let before = &pool.padding[d];
    let at = cx.g.iota(shape, 2 + d);
    let at = cx.g.cast(at, DType::Float);
    let stride = cx.g.size(&pool.stride[d]);
    let at = cx.g.mul2(at, stride);
    let outside = cx.g.size(&Dim::from(0).sub(before));
    let start = cx.g.add2(at, outside);
    let kernel = cx.g.size(&pool.kernel[d]);
    let end = cx.g.add2(start, kernel);
    let last = match padding {
        true => size.add(before),
        false => size.clone(),
    };
    let last = cx.g.size(&last);
    let end = cx.g.binary(S::Min, end, last);
    let start = match padding {
        true => start,
        false => {
            let zero = cx.g.constant(0.0);
            cx.g.binary(S::Max, start, zero)
        }
    };
    cx.g.sub2(end, start)
}
