//! Fused elementwise maps: `outputs = body(inputs)` over a shape.

use crate::call::{Addr, Arg, FLOAT, RANK, Scalars, aligned, blocks, check, collapse, params};
use crate::launch::{Error, Launch, Plan, count, total};
use crate::{Body, Form, Module};

/// Operands and outputs of a map whose threads take four elements each. A larger number would need too many registers.
const MOST: usize = 24;

/// `outputs[..] = body(inputs..)` over `shape`; outputs are contiguous. An output may be exactly
/// an operand of its type.
pub fn map(
    body: &Body,
    shape: &[usize],
    inputs: &[Arg],
    outputs: &[Addr],
    scalars: Scalars,
) -> Result<Plan, Error> {
    check(body, 0, shape.len(), inputs, outputs.len(), scalars)?;
    let elements = total(shape)?;
    if elements == 0 {
        return Ok(Plan::new());
    }
    let (mut shape, inputs) = collapse(shape, inputs);
    if shape.len() > RANK {
        return Err(Error::Malformed);
    }
    let vector = ones(body, &shape, &inputs, outputs);
    let module = Module {
        form: Form::Map {
            rank: shape.len() as u8,
            vector,
            parts: false,
        },
        body: *body,
        device_scalars: scalars.on_device(),
    };
    let mut p = params(&module, 0, &inputs, outputs, scalars)?;
    let rest = elements % 4;
    let mut units = elements;
    if vector.is_some() {
        units /= 4;
        let last = shape.len() - 1;
        shape[last] /= 4;
    }
    for n in &shape[1..] {
        p.divisor(count(*n)?);
    }
    if vector.is_some() {
        p.u32(rest);
    }
    p.u32(units);
    Ok(vec![Launch {
        module,
        grid: [blocks(units.max(rest) as usize)?, 1, 1],
        block: [256, 1, 1],
        shared: 0,
        params: p,
    }])
}

/// Whether four elements at a time can be read and written, and the operands that are contiguous along the last
/// dimension.
fn ones(body: &Body, shape: &[usize], inputs: &[Arg], outputs: &[Addr]) -> Option<u64> {
    let (last, outer) = shape.split_last()?;
    if *last < 4 || !outer.is_empty() && last % 4 != 0 || inputs.len() + outputs.len() > MOST {
        return None;
    }
    let mut ones = 0;
    for (k, (operand, arg)) in body.inputs.iter().zip(inputs).enumerate() {
        let (inner, rest) = arg.strides.split_last()?;
        let four = 4 * operand.ty.size(FLOAT) as u64;
        match inner {
            _ if operand.iota => {}
            0 => {}
            1 if aligned(arg.addr, four) && rest.iter().all(|s| s % 4 == 0) => ones |= 1 << k,
            _ => return None,
        }
    }
    let fits = |(ty, y): (crate::DType, &Addr)| aligned(*y, 4 * ty.size(FLOAT) as u64);
    body.outputs().zip(outputs).all(fits).then_some(ones)
}

/// The second stage of a split product: operand 0 of `body` is the sum of `parts` partial results from `work` on, in
/// their order; the others have the shape (batch, m, n).
pub(crate) fn gather_parts(
    body: &Body,
    shape: [usize; 3],
    work: (Addr, u32),
    extra: &[Arg],
    outputs: &[Addr],
    scalars: Scalars,
) -> Result<Launch, Error> {
    let elements = total(&shape)?;
    let module = Module {
        form: Form::Map {
            rank: 3,
            vector: None,
            parts: true,
        },
        body: *body,
        device_scalars: scalars.on_device(),
    };
    let mut p = params(&module, 1, extra, outputs, scalars)?;
    p.divisor(count(shape[1])?);
    p.divisor(count(shape[2])?);
    p.u64(work.0);
    p.u32(work.1);
    p.u32(elements);
    Ok(Launch {
        module,
        grid: [blocks(elements as usize)?, 1, 1],
        block: [256, 1, 1],
        shared: 0,
        params: p,
    })
}
