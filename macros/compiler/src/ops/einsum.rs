//! `einsum("bij,bjk->bik", x, y)`: sums of products, by the names of dimensions.
//!
//! Operands are processed one after the other. A letter that neither a later operand nor the result names is summed
//! out. Two operands meet in one matrix product; the letters that both have and that are kept are its stack.

use super::ops;
use crate::args::Args;
use crate::cx::Cx;
use crate::diag::Reported;
use crate::dim::{Dim, Shape, numel};
use crate::ir::{DType, NodeId};
use crate::scalar::Scalar as S;
use crate::value::{Tensor, Value};

ops! {
    "einsum" ("equation, *operands") einsum;
}

/// A value whose dimensions have names.
struct Named {
    id: NodeId,
    names: Vec<char>,
}

fn einsum(cx: &mut Cx, a: &Args) -> Reported<Value> {
    let Value::Str(equation) = a.value("equation") else {
        let text =
            "the first argument of `einsum` must be its equation: `einsum(\"ij,jk->ik\", x, y)`";
        return Err(cx.error(a.span_of("equation"), text));
    };
    let operands = match a.value("*operands") {
        Value::List(items) | Value::Tuple(items) => items,
        one => vec![one],
    };
    let (mut inputs, mut output, implicit) = parse(cx, a, &equation)?;
    if inputs.len() != operands.len() {
        let text = format!(
            "the equation names {}, but {}",
            crate::args::count(inputs.len(), "operand"),
            crate::args::are_given(operands.len())
        );
        return Err(cx.error(a.span_of("equation"), text));
    }
    let mut tensors = Vec::new();
    for operand in operands {
        let Value::Tensor(x) = operand else {
            let text = format!("`einsum` takes tensors, not {}", operand.kind());
            return Err(cx.error(a.span_of("*operands"), text));
        };
        a.check(cx, "*operands", &x)?;
        tensors.push(cx.to_float(&x));
    }
    let ranks: Vec<usize> = tensors.iter().map(|x| cx.shape(x).len()).collect();
    spell_out(&mut inputs, &mut output, &ranks, implicit);
    let mut sizes: Vec<(char, Dim)> = Vec::new();
    for (names, x) in inputs.iter().zip(&tensors) {
        agree(cx, a, names, x, &mut sizes)?;
    }
    // A size of 1 broadcasts: the operand is the same for all elements of the others.
    for (names, x) in inputs.iter_mut().zip(&mut tensors) {
        for d in (0..names.len()).rev() {
            let one = cx.shape(x)[d].is_one();
            let wide = |s: &(char, Dim)| s.0 == names[d] && !s.1.is_one();
            if one && sizes.iter().any(wide) {
                let mut shape = cx.shape(x);
                shape.remove(d);
                x.id = cx.g.reshape(x.id, &shape);
                names.remove(d);
            }
        }
    }
    let mut result: Option<Named> = None;
    for (i, (names, x)) in inputs.iter().zip(&tensors).enumerate() {
        let x = diagonals(cx, x.id, names);
        let needed = |c: &char| output.contains(c) || inputs[i + 1..].iter().any(|n| n.contains(c));
        let next = match result.take() {
            None => x,
            Some(y) => product(cx, y, x, needed),
        };
        result = Some(sum_out(cx, next, needed));
    }
    let Some(y) = result else {
        return Err(cx.error(a.span, "`einsum` needs at least one operand"));
    };
    let order: Vec<usize> = output.iter().filter_map(|c| at(&y.names, *c)).collect();
    let id = cx.g.permute(y.id, &order);
    Ok(cx.tensor(id))
}

/// What stands for `...`: dimensions without names.
const REST: char = '\u{2026}';

/// Replaces `...` by as many names as the operands have dimensions there. Dimensions align at the last of them.
fn spell_out(inputs: &mut [Vec<char>], output: &mut Vec<char>, ranks: &[usize], implicit: bool) {
    let counts: Vec<usize> = (inputs.iter().zip(ranks))
        .map(|(names, rank)| match names.contains(&REST) {
            true => (rank + 1).saturating_sub(names.len()),
            false => 0,
        })
        .collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    // Names that no equation has.
    let all: Vec<char> = (0..most as u32)
        .filter_map(|i| char::from_u32(0x2460 + i))
        .collect();
    let put = |names: &mut Vec<char>, count: usize| {
        if let Some(at) = at(names, REST) {
            names.splice(at..=at, all[most - count..].iter().copied());
        }
    };
    inputs
        .iter_mut()
        .zip(counts)
        .for_each(|(names, count)| put(names, count));
    match implicit {
        true => drop(output.splice(0..0, all.iter().copied())),
        false => put(output, most),
    }
}

/// The names of each operand's dimensions, and the result's: without `->`, the letters that occur once, in alphabetical
/// order. The last result says whether `->` is missing.
fn parse(cx: &Cx, a: &Args, equation: &str) -> Reported<(Vec<Vec<char>>, Vec<char>, bool)> {
    let plain: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.replace("...", &REST.to_string());
    let (left, right) = match plain.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (plain.as_str(), None),
    };
    let fail = |text: String| Err(cx.error(a.span_of("equation"), text));
    if let Some(c) = (left
        .chars()
        .filter(|c| *c != ',')
        .chain(right.unwrap_or("").chars()))
    .find(|c| !c.is_ascii_alphabetic() && *c != REST)
    {
        return fail(format!(
            "`{c}` cannot stand for a dimension in an equation\nhelp: write one letter for each dimension, as in \"bij,bjk->bik\""
        ));
    }
    let inputs: Vec<Vec<char>> = left.split(',').map(|n| n.chars().collect()).collect();
    let output: Vec<char> = match right {
        Some(right) => right.chars().collect(),
        None => {
            let all: Vec<char> = inputs.concat();
            let mut once: Vec<char> = all.clone();
            once.retain(|c| *c != REST && all.iter().filter(|x| *x == c).count() == 1);
            once.sort_unstable();
            once
        }
    };
    for (i, c) in output.iter().enumerate() {
        if output[..i].contains(c) {
            return fail(format!("`{c}` stands twice in the result"));
        }
        if *c != REST && !inputs.iter().any(|n| n.contains(c)) {
            return fail(format!("`{c}` is in the result, but in no operand"));
        }
    }
    for names in inputs.iter().chain([&output]) {
        if names.iter().filter(|c| **c == REST).count() > 1 {
            return fail("`...` can occur only once in an operand of an equation".into());
        }
    }
    Ok((inputs, output, right.is_none()))
}

/// Each letter has one size.
fn agree(
    cx: &Cx,
    a: &Args,
    names: &[char],
    x: &Tensor,
    sizes: &mut Vec<(char, Dim)>,
) -> Reported<()> {
    let shape = cx.shape(x);
    if shape.len() != names.len() {
        let text = format!(
            "`{}` has {}, but the equation names {}{}",
            x.text,
            crate::args::count(shape.len(), "dimension"),
            crate::args::count(names.len(), "dimension"),
            cx.origin_note(x)
        );
        return Err(cx.error(a.span_of("equation"), text));
    }
    for (c, d) in names.iter().zip(&shape) {
        match sizes.iter_mut().find(|s| s.0 == *c) {
            Some((_, known)) if known.is_one() => *known = d.clone(),
            Some((_, known)) if !d.is_one() && !cx.same(known, d) => {
                let text = format!(
                    "the letter `{c}` of the equation stands for two sizes, {known} and {d}{}",
                    cx.origin_note(x)
                );
                return Err(cx.error(a.span_of("equation"), text));
            }
            Some(_) => {}
            None => sizes.push((*c, d.clone())),
        }
    }
    Ok(())
}

fn at(names: &[char], c: char) -> Option<usize> {
    names.iter().position(|n| *n == c)
}

/// The elements with equal indices in dimensions of the same name.
fn diagonals(cx: &mut Cx, mut x: NodeId, names: &[char]) -> Named {
    let mut names = names.to_vec();
    let mut second = 1;
    while second < names.len() {
        let Some(first) = at(&names[..second], names[second]) else {
            second += 1;
            continue;
        };
        let shape = cx.g.shape(x).clone();
        let (i, j) = (cx.g.iota(&shape, first), cx.g.iota(&shape, second));
        let same = cx.g.scalar(S::Eq, &[i, j]);
        let zero = cx.g.full(0.0, DType::Float, &shape);
        let kept = cx.g.scalar(S::Where, &[same, x, zero]);
        x = cx.g.sum(kept, &[second]);
        names.remove(second);
    }
    Named { id: x, names }
}

fn sum_out(cx: &mut Cx, x: Named, needed: impl Fn(&char) -> bool) -> Named {
    let gone: Vec<usize> = (0..x.names.len())
        .filter(|d| !needed(&x.names[*d]))
        .collect();
    if gone.is_empty() {
        return x;
    }
    Named {
        id: cx.g.sum(x.id, &gone),
        names: x.names.iter().copied().filter(|c| needed(c)).collect(),
    }
}

/// As (stack, rows, columns): the dimensions of each group are put side by side and merged.
fn grouped(cx: &mut Cx, x: &Named, groups: [&[char]; 3]) -> NodeId {
    let order: Vec<usize> = groups
        .iter()
        .flat_map(|g| g.iter().filter_map(|c| at(&x.names, *c)))
        .collect();
    let y = cx.g.permute(x.id, &order);
    let flat: Shape = groups.iter().map(|g| numel(&sizes(cx, x, g))).collect();
    cx.g.reshape(y, &flat)
}

fn sizes(cx: &Cx, x: &Named, names: &[char]) -> Shape {
    let shape = cx.g.shape(x.id);
    let of = |c: &char| at(&x.names, *c).map(|d| shape[d].clone());
    names.iter().filter_map(of).collect()
}

/// One matrix product, summed over the letters of both that are not needed later.
fn product(cx: &mut Cx, x: Named, y: Named, needed: impl Fn(&char) -> bool) -> Named {
    let pick = |from: &[char], f: &dyn Fn(&char) -> bool| -> Vec<char> {
        from.iter().copied().filter(|c| f(c)).collect()
    };
    let (x, y) = (
        // Letters of only one of them that are not needed are summed first.
        sum_out(cx, x, |c| needed(c) || y.names.contains(c)),
        Named { ..y },
    );
    let names = x.names.clone();
    let y = sum_out(cx, y, |c| needed(c) || names.contains(c));
    let both = |c: &char| x.names.contains(c) && y.names.contains(c);
    let stack = pick(&x.names, &|c| both(c) && needed(c));
    let inner = pick(&x.names, &|c| both(c) && !needed(c));
    let rows = pick(&x.names, &|c| !both(c));
    let columns = pick(&y.names, &|c| !both(c));
    let a = grouped(cx, &x, [&stack, &rows, &inner]);
    let b = grouped(cx, &y, [&stack, &inner, &columns]);
    let p = cx.g.matmul(a, b, false, false);
    let mut shape = sizes(cx, &x, &stack);
    shape.extend(sizes(cx, &x, &rows));
    shape.extend(sizes(cx, &y, &columns));
    Named {
        id: cx.g.reshape(p, &shape),
        names: [stack, rows, columns].concat(),
    }
}
