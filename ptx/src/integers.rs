//! Arithmetic of 64-bit integers: a result that does not fit is reported.

use crate::call::Addr;
use crate::index::Fault;
use crate::launch::{Error, Launch, Params, Plan, count};
use crate::lines::{Along, Lines, lines};
use crate::moves::simple;
use crate::{Axis, Combiner, Form, Integers, Module};

/// The elementwise function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pair {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Conversion of a float.
    Cast,
}

/// `f` of the arrays a, b (which may be a if there is one operand) and y.
pub fn integers(f: Integers, [a, b, y]: [Addr; 3], fault: Fault) -> Result<Plan, Error> {
    let pair = |op, len| {
        let total = count(len)?;
        if total == 0 {
            return Ok(Plan::new());
        }
        let mut p = Params::default();
        p.u64(a);
        p.u64(b);
        p.u64(y);
        fault.params(&mut p);
        p.u32(total);
        simple(Form::Integers(op), len, p)
    };
    match f {
        Integers::Add(len) => pair(Pair::Add, len),
        Integers::Sub(len) => pair(Pair::Sub, len),
        Integers::Mul(len) => pair(Pair::Mul, len),
        Integers::Cast(len) => pair(Pair::Cast, len),
        Integers::Reduce(kind, axis) => along(kind, false, axis, lines(axis), [a, y], fault),
        Integers::Running(kind, axis) => {
            let lines = Lines {
                lanes: 1,
                cols: 256,
                along: false,
            };
            along(kind, true, axis, lines, [a, y], fault)
        }
    }
}

fn along(
    kind: Combiner,
    running: bool,
    axis: Axis,
    lines: Lines,
    [x, y]: [Addr; 2],
    fault: Fault,
) -> Result<Plan, Error> {
    let columns = axis.columns()?;
    if columns == 0 {
        return Ok(Plan::new());
    }
    let mut params = Params::default();
    params.u64(x);
    params.u64(y);
    fault.params(&mut params);
    axis.params(&mut params)?;
    Ok(vec![Launch {
        module: Module::plain(Form::IntegerLines {
            kind,
            running,
            lines,
        }),
        grid: [lines.blocks(columns), 1, 1],
        block: [lines.threads(), 1, 1],
        shared: 0,
        params,
    }])
}
