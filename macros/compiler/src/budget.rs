//! `#[memory(max = ..)]`: a workspace larger than the budget is an error.
//!
//! Sizes that the macro knows are checked here; where Rust constants decide, rustc checks (`codegen`).

use crate::diag::Diag;
use crate::dim::{numel, show_shape};
use crate::display::op_name;
use crate::ir::DType;
use crate::net::Net;
use crate::passes::memory::Place;
use crate::program::{Mode, Program};

/// Slots begin at multiples of this (`netform_runtime::emit::aligned`).
const ALIGN: i64 = 64;

/// The bytes of a program's workspace in `f32`, if all sizes are known to the macro.
pub fn bytes(p: &Program) -> Option<i64> {
    let slot = |values: &Vec<_>| -> Option<i64> {
        let mut largest = 0;
        for (size, t) in values {
            largest = largest.max(width(*t).saturating_mul(crate::dim::Dim::value(size)?));
        }
        Some(largest.saturating_add(ALIGN - 1) / ALIGN * ALIGN)
    };
    let sum = |sum: i64, slot: Option<i64>| Some(sum.saturating_add(slot?));
    p.memory.slots.iter().map(slot).try_fold(0, sum)
}

fn width(t: DType) -> i64 {
    t.size(size_of::<f32>()) as i64
}

/// The name of the generated method.
pub fn method(net: &Net, p: &Program) -> String {
    format!("{}{}", net.signatures[p.function].name, p.mode.suffix())
}

/// Checks a program against its function's budget. Pictures are not included.
pub fn check(net: &Net, p: &Program, diag: &Diag) {
    let Some(budget) = &net.signatures[p.function].budget else {
        return;
    };
    let Some(bytes) = bytes(p) else { return };
    if p.mode == Mode::Draw || i128::from(bytes) <= i128::from(budget.max) {
        return;
    }
    // Without a backward pass, nothing is kept that could be computed again.
    let recompute = match p.mode.has_gradients() {
        true => ", mark a layer `#[recompute]`,",
        false => "",
    };
    let text = format!(
        "`{}` needs {} bytes, but its budget is {} bytes (`{}`)\nnote: the largest values (some share memory, so their sum may exceed the total):\n{}help: reduce the batch{recompute} or raise `max`",
        method(net, p),
        grouped(bytes),
        grouped(i64::try_from(budget.max).unwrap_or(i64::MAX)),
        budget.text,
        largest(p)
    );
    diag.error(budget.span, text);
}

/// The values that take the most memory, a line each.
fn largest(p: &Program) -> String {
    let mut values: Vec<(i64, String)> = Vec::new();
    for (id, places) in p.graph.ids().zip(&p.memory.place) {
        let node = &p.graph[id];
        let Some(Place::Slot(_)) = places.first() else {
            continue;
        };
        let view = matches!(node.op, crate::ir::Op::Reshape | crate::ir::Op::Barrier);
        let Some(size) = numel(&node.shape).value().filter(|_| !view) else {
            continue;
        };
        let name = match node.name.strip_prefix("d ") {
            Some(of) => format!("gradient of `{of}`"),
            None if node.name.is_empty() => op_name(&node.op).to_owned(),
            None => format!("`{}`", node.name),
        };
        let bytes = size.saturating_mul(width(node.dtype));
        let text = format!(
            "{} bytes: {name} {}",
            grouped(bytes),
            show_shape(&node.shape)
        );
        if !values.iter().any(|v| v.1 == text) {
            values.push((bytes, text));
        }
    }
    values.sort_by_key(|v| std::cmp::Reverse(v.0));
    let lines = values.iter().take(3).map(|v| format!("{}\n", v.1));
    lines.collect()
}

/// `65,536`.
fn grouped(n: i64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (k, c) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}
