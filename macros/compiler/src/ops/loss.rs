//! Losses, as in `torch.nn.functional`.

use super::activation::softplus;
use super::index::pick;
use super::ops;
use super::reduce::{Scaled, scaled};
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Operator, show_shape};
use crate::gradient::count;
use crate::ir::{DType, NodeId, Op};
use crate::kinds::softmax::Softmax;
use crate::real::Real;
use crate::scalar::Scalar as S;
use crate::takes::{Takes, enclosed};
use crate::value::{Tensor, Value};

ops! {
    "mse_loss" ("input, target, reduction = \"mean\"") |cx, a| pointwise(cx, a, |cx, _, x, t| {
        let d = cx.g.sub2(x, t);
        Ok(cx.g.mul2(d, d))
    });
    "l1_loss" ("input, target, reduction = \"mean\"") |cx, a| pointwise(cx, a, |cx, _, x, t| {
        let d = cx.g.sub2(x, t);
        Ok(cx.g.unary(S::Abs, d))
    });
    "smooth_l1_loss" ("input, target, reduction = \"mean\", beta = 1.0") |cx, a| pointwise(cx, a, |cx, a, x, t| {
        let beta = a.real(cx, "beta")?;
        let y = huber(cx, x, t, &beta);
        Ok(match beta.known() {
            Some(beta) if beta <= 0.0 => y,
            _ => cx.g.scale_by(y, &beta.inverse()),
        })
    });
    "huber_loss" ("input, target, reduction = \"mean\", delta = 1.0") |cx, a| pointwise(cx, a, |cx, a, x, t| {
        let delta = a.real(cx, "delta")?;
        if delta.known().is_some_and(|delta| delta <= 0.0) {
            return Err(cx.error(a.span_of("delta"), format!("`delta` of `huber_loss` must be above 0, not {delta}")));
        }
        Ok(huber(cx, x, t, &delta))
    });
    "binary_cross_entropy" ("input, target, weight = None, reduction = \"mean\"") |cx, a| pointwise(cx, a, bce);
    "binary_cross_entropy_with_logits" ("input, target, weight = None, pos_weight = None, reduction = \"mean\"")
        |cx, a| pointwise(cx, a, bce_with_logits);
    "kl_div" ("input, target, reduction = \"mean\", log_target = false") |cx, a| pointwise(cx, a, kl_div);
    "nll_loss" ("input, target, weight = None, ignore_index = -100, reduction = \"mean\"") |cx, a| classes(cx, a, false);
    "cross_entropy" ("input, target, weight = None, ignore_index = -100, reduction = \"mean\", label_smoothing = 0.0")
        |cx, a| classes(cx, a, true);
    "cosine_embedding_loss" ("input1, input2, target, margin = 0.0, reduction = \"mean\"") cosine_embedding;
}

fn reduced(cx: &mut Cx, a: &Args, y: NodeId) -> Reported<Value> {
    let shape = cx.g.shape(y).clone();
    let dims: Vec<usize> = (0..shape.len()).collect();
    let choices: &[&str] = if a.has("log_target") {
        &["mean", "sum", "none", "batchmean"]
    } else {
        &["mean", "sum", "none"]
    };
    let id = match a.choice(cx, "reduction", choices)? {
        "none" => y,
        "sum" => cx.g.sum(y, &dims),
        "mean" => super::reduce::mean(cx, y, &dims),
        _ => {
            let sum = cx.g.sum(y, &dims);
            let n = count(&mut cx.g, &shape[..1.min(shape.len())]);
            cx.g.div2(sum, n)
        }
    };
    Ok(cx.tensor(id))
}

/// A loss of pairs of elements. Shapes must be equal: PyTorch only warns when they broadcast, and the result is then
/// rarely the intended one.
fn pointwise(
    cx: &mut Cx,
    a: &Args,
    f: impl FnOnce(&mut Cx, &Args, NodeId, NodeId) -> Reported<NodeId>,
) -> Reported<Value> {
    let (x, t) = (a.tensor(cx, "input")?, a.tensor(cx, "target")?);
    if cx.g[x.id].dtype != DType::Float && cx.g[t.id].dtype != DType::Float {
        let text = format!(
            "`{}` needs floats, but neither `input` nor `target` holds any{}{}\nhelp: convert one of them: `{}`",
            a.callee,
            cx.origin_note(&x),
            cx.origin_note(&t),
            Takes::Float.conversion(cx.g[x.id].dtype, &x.text)
        );
        return Err(cx.error(a.span, text));
    }
    let (x, t) = (cx.to_float(&x), cx.to_float(&t));
    if !cx.same_shape(&cx.shape(&x), &cx.shape(&t)) {
        let text = format!(
            "`{}` needs `input` and `target` of equal shapes{}{}",
            a.callee,
            cx.origin_note(&x),
            cx.origin_note(&t)
        );
        return Err(cx.error(a.span, text));
    }
    let y = f(cx, a, x.id, t.id)?;
    reduced(cx, a, y)
}

/// `d^2 / 2` where `|d| < delta` (and at NaN), else `delta (|d| - delta / 2)`.
fn huber(cx: &mut Cx, x: NodeId, t: NodeId, delta: &Real) -> NodeId {
    let g = &mut cx.g;
    let d = g.sub2(x, t);
    let size = g.unary(S::Abs, d);
    if delta.known().is_some_and(|delta| delta <= 0.0) {
        return size;
    }
    let (zero, limit) = (g.constant(0.0), g.real(delta));
    let far = g.binary(S::Ge, size, limit);
    // The square of a far value may be infinite, and its gradient NaN.
    let near = g.select(far, zero, d);
    let square = g.mul2(near, near);
    let square = g.scale(square, 0.5);
    let half = Real::Known(-0.5).with(Operator::Mul, delta);
    let line = g.shift_by(size, &half);
    let line = g.scale_by(line, delta);
    g.scalar(S::Where, &[far, line, square])
}

/// A further factor for each element, if given.
fn weighted(cx: &mut Cx, a: &Args, name: &str, y: NodeId) -> Reported<NodeId> {
    let Some(w) = a.optional_tensor(cx, name)? else {
        return Ok(y);
    };
    let w = cx.to_float(&w);
    let y_text = Tensor {
        id: y,
        text: "the loss".into(),
    };
    let shape = cx.broadcast(a.span_of(name), &format!("`{name}`"), &[&y_text, &w])?;
    if !cx.same_shape(&shape, cx.g.shape(y)) {
        let text = format!(
            "`{name}` must broadcast to the shape of the input, {}, but is {}{}",
            crate::dim::show_shape(cx.g.shape(y)),
            cx.typed(w.id),
            cx.origin_line(&w)
        );
        return Err(cx.error(a.span_of(name), text));
    }
    let w = cx.g.expand(w.id, &shape);
    Ok(cx.g.mul2(y, w))
}

/// `-(t log x + (1 - t) log(1 - x))`, logarithms cut at -100, their gradients at 1e12, as in PyTorch (in f32).
fn bce(cx: &mut Cx, a: &Args, x: NodeId, t: NodeId) -> Reported<NodeId> {
    let one = cx.g.constant(1.0);
    let n = cx.g.neg(x);
    let rest = cx.g.sub2(one, x);
    let (l1, l0) = (cx.g.unary(S::Log, x), cx.g.unary(S::Log1p, n));
    let l1 = cut_log(cx, x, l1);
    let l0 = cut_log(cx, rest, l0);
    let other = cx.g.sub2(one, t);
    let (p, q) = (cx.g.mul2(t, l1), cx.g.mul2(other, l0));
    let sum = cx.g.add2(p, q);
    let y = cx.g.neg(sum);
    weighted(cx, a, "weight", y)
}

/// The logarithm `log` of `x`, but at least -100, with the gradient `1 / max(x, 1e-12)`.
fn cut_log(cx: &mut Cx, x: NodeId, log: NodeId) -> NodeId {
    let g = &mut cx.g;
    let floor = g.constant(-100.0);
    let value = g.binary(S::Max, log, floor);
    // A function with that gradient, minus its own value: the sum is 0, but only the function is differentiated.
    let bound = f64::from(1e-12f32);
    let least = g.constant(bound);
    let low = g.binary(S::Lt, x, least);
    let line = g.scale(x, 1.0 / bound);
    let safe = g.select(low, least, x);
    let curve = g.unary(S::Log, safe);
    let curve = g.scalar(S::Where, &[low, line, curve]);
    let [value, own] = [value, curve].map(|x| g.push(Op::Detach, &[x], None));
    let slope = g.sub2(curve, own);
    g.add2(value, slope)
}

/// `(1 - t) x + (1 + (pos_weight - 1) t) log(1 + exp(-x))`.
fn bce_with_logits(cx: &mut Cx, a: &Args, x: NodeId, t: NodeId) -> Reported<NodeId> {
    let one = cx.g.constant(1.0);
    let n = cx.g.neg(x);
    let mut soft = softplus(cx, n);
    if let Some(w) = a.optional_tensor(cx, "pos_weight")? {
        let w = cx.to_float(&w);
        let shape = cx.g.shape(x).clone();
        let x_text = Tensor {
            id: x,
            text: "input".into(),
        };
        if cx.broadcast(a.span_of("pos_weight"), "`pos_weight`", &[&x_text, &w])? != shape {
            let text = format!(
                "`pos_weight` must broadcast to the shape of the input, {}, but is {}{}",
                crate::dim::show_shape(&shape),
                cx.typed(w.id),
                cx.origin_line(&w)
            );
            return Err(cx.error(a.span_of("pos_weight"), text));
        }
        let w = cx.g.expand(w.id, &shape);
        let more = cx.g.shift(w, -1.0);
        let more = cx.g.mul2(more, t);
        let factor = cx.g.shift(more, 1.0);
        soft = cx.g.mul2(factor, soft);
    }
    let other = cx.g.sub2(one, t);
    let line = cx.g.mul2(other, x);
    let y = cx.g.add2(line, soft);
    weighted(cx, a, "weight", y)
}

/// `t (log t - x)`, where the first part is 0 if `t` is 0; with `log_target`, `exp(t) (t - x)`.
fn kl_div(cx: &mut Cx, a: &Args, x: NodeId, t: NodeId) -> Reported<NodeId> {
    let log_target = a.flag(cx, "log_target")?;
    let g = &mut cx.g;
    if log_target {
        let p = g.unary(S::Exp, t);
        let d = g.sub2(t, x);
        return Ok(g.mul2(p, d));
    }
    let (zero, one) = (g.constant(0.0), g.constant(1.0));
    let some = g.binary(S::Ne, t, zero);
    let safe = g.select(some, t, one);
    let log = g.unary(S::Log, safe);
    let own = g.mul2(t, log);
    let cross = g.mul2(t, x);
    Ok(g.sub2(own, cross))
}

/// `nll_loss` and `cross_entropy`: scores `input` (B, C, ..) or (C), classes `target` (B, ..) or (); also scores (B,
/// .., C), as layers return them, if the shapes of both have no other meaning. The mean divides by the sum of the
/// weights of the classes that are not ignored.
fn classes(cx: &mut Cx, a: &Args, logits: bool) -> Reported<Value> {
    let x = a.float(cx, "input")?;
    let t = a.tensor(cx, "target")?;
    let shape = cx.shape(&x);
    if shape.is_empty() {
        return Err(cx.error(
            a.span,
            format!(
                "`{}` takes scores [B, C, ..], but `{}` is a scalar{}",
                a.callee,
                x.text,
                cx.origin_note(&x)
            ),
        ));
    }
    let mut dim = usize::from(shape.len() > 1);
    let last = shape.len() - 1;
    let fits = |dim: usize| {
        let mut want = shape.clone();
        want.remove(dim);
        cx.shape(&t) == want
    };
    if cx.g[t.id].dtype != DType::Float && !fits(dim) && fits(last) {
        dim = last;
    }
    let smoothing = if logits {
        super::probability(cx, a, "label_smoothing")?
    } else {
        Real::Known(0.0)
    };
    if cx.g[t.id].dtype == DType::Float {
        return probabilities(cx, a, &x, &t, dim, &smoothing, logits);
    }
    let mut want = shape.clone();
    let classes = want.remove(dim);
    if !cx.same_shape(&cx.shape(&t), &want) {
        // A number for each class, as `one_hot` returns it.
        let have = cx.shape(&t);
        let other = || shape[..last].to_vec();
        let turned: Vec<_> = have.iter().rev().cloned().collect();
        let help = if logits && have == shape {
            format!(
                "\nnote: integers are classes, floats are probabilities\nhelp: to pass probabilities, write `{}`",
                Takes::Float.conversion(DType::Int, &t.text)
            )
        } else if have.len() == 2 && (turned == want || turned == other()) {
            format!("\nhelp: did you mean `{}.t()`?", enclosed(&t.text))
        } else {
            String::new()
        };
        let (wanted, note) = match last {
            _ if logits && have == shape => (
                format!(
                    "integers {} or floats {}",
                    show_shape(&want),
                    show_shape(&shape)
                ),
                "",
            ),
            0 | 1 => (format!("integers {}", show_shape(&want)), ""),
            _ => (
                format!("integers {} or {}", show_shape(&want), show_shape(&other())),
                "\nnote: the classes are dimension 1 or the last dimension of the scores, and `target` has the other dimensions",
            ),
        };
        let text = format!(
            "`target` of `{}` must be {wanted}, but `{}` is {}{}{}{note}{help}",
            a.callee,
            t.text,
            cx.typed(t.id),
            cx.origin_note(&x),
            cx.origin_line(&t)
        );
        return Err(cx.error(a.span_of("target"), text));
    }
    let t = a.tensor(cx, "target")?;
    let ignore = a.whole(cx, "ignore_index")?;
    let weight = class_weight(cx, a, &classes)?;
    let logp = if logits {
        cx.g.push(Softmax { log: true, dim }, &[x.id], None)
    } else {
        x.id
    };

    // A negative `ignore_index`, for example, cannot occur among unsigned classes.
    let masked = ignore.value().is_none_or(|i| cx.may_be(t.id, i));
    let (index, valid) = if masked {
        let skip = cx.g.whole_size(&ignore);
        let skip = cx.g.expand(skip, &want);
        let zero = cx.g.full(0.0, DType::Int, &want);
        let valid = cx.g.scalar(S::Ne, &[t.id, skip]);
        (cx.g.scalar(S::Where, &[valid, t.id, zero]), Some(valid))
    } else {
        (t.id, None)
    };
    let what = cx.reads(&t);
    let picked = pick(cx, logp, dim, index, what.clone());
    let mut y = cx.g.neg(picked);
    let weights = weight.map(|w| super::index::embedding_weights(cx, index, w, what));
    if let Some(w) = weights {
        y = cx.g.mul2(y, w);
    }
    if !smoothing.is(0.0) {
        y = smoothed(cx, y, logp, dim, weight, &smoothing, &classes);
    }
    let zero = cx.g.constant(0.0);
    if let Some(valid) = valid {
        y = cx.g.select(valid, y, zero);
    }
    if a.choice(cx, "reduction", &["mean", "sum", "none"])? != "mean"
        || (weights.is_none() && valid.is_none())
    {
        return reduced(cx, a, y);
    }
    let one = cx.g.constant(1.0);
    let mut kept = weights.unwrap_or_else(|| cx.g.expand(one, &want));
    if let Some(valid) = valid {
        kept = cx.g.select(valid, kept, zero);
    }
    let all: Vec<usize> = (0..want.len()).collect();
    let (sum, n) = (cx.g.sum(y, &all), cx.g.sum(kept, &all));
    let id = cx.g.div2(sum, n);
    Ok(cx.tensor(id))
}

fn class_weight(cx: &mut Cx, a: &Args, classes: &crate::dim::Dim) -> Reported<Option<NodeId>> {
    let Some(w) = a.optional_tensor(cx, "weight")? else {
        return Ok(None);
    };
    let w = cx.to_float(&w);
    if !cx.same_shape(&cx.shape(&w), std::slice::from_ref(classes)) {
        let text = format!(
            "`weight` of `{}` must be [{classes}], one number for each class, but is {}{}",
            a.callee,
            cx.typed(w.id),
            cx.origin_line(&w)
        );
        return Err(cx.error(a.span_of("weight"), text));
    }
    Ok(Some(w.id))
}

/// `(1 - s) y + s / C * sum over classes of -logp w`.
fn smoothed(
    cx: &mut Cx,
    y: NodeId,
    logp: NodeId,
    dim: usize,
    weight: Option<NodeId>,
    s: &Real,
    classes: &crate::dim::Dim,
) -> NodeId {
    let shape = cx.g.shape(logp).clone();
    let mut all = logp;
    if let Some(w) = weight {
        let mut along = vec![crate::dim::Dim::one(); shape.len()];
        along[dim] = classes.clone();
        let w = cx.g.reshape(w, &along);
        let w = cx.g.expand(w, &shape);
        all = cx.g.mul2(all, w);
    }
    let all = cx.g.sum(all, &[dim]);
    let all = cx.g.scale_by(all, &s.negative());
    let n = cx.g.size(classes);
    let all = cx.g.div2(all, n);
    let y = cx.g.scale_by(y, &s.rest());
    cx.g.add2(y, all)
}

/// Targets that are probabilities: `-sum(t logp)` for each row; the mean is over rows.
fn probabilities(
    cx: &mut Cx,
    a: &Args,
    x: &Tensor,
    t: &Tensor,
    dim: usize,
    smoothing: &Real,
    logits: bool,
) -> Reported<Value> {
    let shape = cx.shape(x);
    if !logits || !cx.same_shape(&cx.shape(t), &shape) {
        let have = cx.shape(t);
        let help = match (cx.is_argument(t.id), have.len() + 1 == shape.len()) {
            (true, true) => format!("\nhelp: declare it as integers: `u32{}`", show_shape(&have)),
            (false, true) => format!("\nhelp: convert it: `{}.int()`", enclosed(&t.text)),
            _ if logits => format!(
                "\nnote: probabilities must have the shape of the scores, {}",
                show_shape(&shape)
            ),
            _ => String::new(),
        };
        let text = format!(
            "`target` of `{}` must hold integers (classes), but `{}` {}{}{}{help}",
            a.callee,
            t.text,
            cx.described(t.id),
            cx.origin_note(x),
            cx.origin_line(t)
        );
        return Err(cx.error(a.span_of("target"), text));
    }
    let classes = shape[dim].clone();
    let mut p = t.id;
    if !smoothing.is(0.0) {
        p = cx.g.scale_by(p, &smoothing.rest());
        let share = cx.g.real(smoothing);
        let n = cx.g.size(&classes);
        let share = cx.g.div2(share, n);
        p = cx.g.add2(p, share);
    }
    if let Some(w) = class_weight(cx, a, &classes)? {
        let mut along = vec![crate::dim::Dim::one(); shape.len()];
        along[dim] = classes;
        let w = cx.g.reshape(w, &along);
        let w = cx.g.expand(w, &shape);
        p = cx.g.mul2(p, w);
    }
    let logp = cx.g.push(Softmax { log: true, dim }, &[x.id], None);
    let each = cx.g.mul2(p, logp);
    let sum = cx.g.sum(each, &[dim]);
    let y = cx.g.neg(sum);
    reduced(cx, a, y)
}

/// `1 - cos` where the target is 1, `max(0, cos - margin)` where it is -1.
fn cosine_embedding(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let (x, y, t) = (
        a.float(cx, "input1")?,
        a.float(cx, "input2")?,
        a.float(cx, "target")?,
    );
    let margin = a.real(cx, "margin")?;
    let shape = cx.shape(&x);
    let lead = shape.len().checked_sub(1);
    let fits = |lead: usize| {
        cx.same_shape(&cx.shape(&y), &shape) && cx.same_shape(&cx.shape(&t), &shape[..lead])
    };
    if !lead.is_some_and(fits) {
        let (at, mistake) = match lead {
            None => (
                "input1",
                format!(
                    "`{}` takes inputs [.., C], but `{}` is a scalar",
                    a.callee, x.text
                ),
            ),
            Some(lead) if cx.shape(&y) == shape => (
                "target",
                format!(
                    "`target` of `{}` must be {}, but `{}` is {}",
                    a.callee,
                    show_shape(&shape[..lead]),
                    t.text,
                    cx.typed(t.id)
                ),
            ),
            Some(_) => (
                "input2",
                format!(
                    "`input2` of `{}` must be {}, like `input1`, but `{}` is {}",
                    a.callee,
                    show_shape(&shape),
                    y.text,
                    cx.typed(y.id)
                ),
            ),
        };
        let text = format!(
            "{mistake}{}{}{}",
            cx.origin_note(&x),
            cx.origin_note(&y),
            cx.origin_note(&t)
        );
        return Err(cx.error(a.span_of(at), text));
    }
    // PyTorch adds 1e-12, rounded to f32, to each squared length, so that zeros have a direction.
    let least = f64::from(1e-12f32);
    let last = [shape.len() - 1];
    let dot = |cx: &mut Cx, x: NodeId, y: NodeId| {
        let p = cx.g.mul2(x, y);
        cx.g.sum(p, &last)
    };
    let (x, y) = (
        scaled(cx, x.id, &last, false),
        scaled(cx, y.id, &last, false),
    );
    let square = |cx: &mut Cx, x: &Scaled| {
        let least = cx.g.scale(x.inverse, least);
        let least = cx.g.mul2(least, x.inverse);
        let xx = dot(cx, x.x, x.x);
        cx.g.add2(xx, least)
    };
    let (xy, xx, yy) = (dot(cx, x.x, y.x), square(cx, &x), square(cx, &y));
    // One root, so that the angle of a vector to itself is 0, unless the product leaves the range.
    let product = cx.g.mul2(xx, yy);
    let one = cx.g.unary(S::Sqrt, product);
    let [two, other] = [xx, yy].map(|s| cx.g.unary(S::Sqrt, s));
    let two = cx.g.mul2(two, other);
    let end = cx.g.constant(f64::INFINITY);
    let beyond = cx.g.binary(S::Eq, product, end);
    let lengths = cx.g.scalar(S::Where, &[beyond, two, one]);
    let cos = cx.g.div2(xy, lengths);
    let (zero, one) = (cx.g.constant(0.0), cx.g.constant(1.0));
    let near = cx.g.sub2(one, cos);
    let far = cx.g.shift_by(cos, &margin.negative());
    let far = cx.g.unary(S::Relu, far);
    let same = cx.g.binary(S::Gt, t.id, zero);
    let loss = cx.g.scalar(S::Where, &[same, near, far]);
    reduced(cx, a, loss)
}
