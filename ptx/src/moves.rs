//! Copies between strided arrays, and fills.

use crate::call::{Addr, Arg, FLOAT, RANK, aligned, blocks, collapse};
use crate::launch::{Error, Launch, Params, Plan, count, stride, total};
use crate::{DType, Form, Module, Number};

/// A launch of a kernel without a body, whose threads loop over `units`.
pub(crate) fn simple(form: Form, units: usize, params: Params) -> Result<Plan, Error> {
    Ok(vec![Launch {
        module: Module::plain(form),
        grid: [blocks(units)?, 1, 1],
        block: [256, 1, 1],
        shared: 0,
        params,
    }])
}

/// `dst[i] = src[i]` over `shape`, both with strides in elements, of any sign.
pub fn copy(
    ty: DType,
    shape: &[usize],
    src: (Addr, &[i64]),
    dst: (Addr, &[i64]),
) -> Result<Plan, Error> {
    if src.1.len() != shape.len() || dst.1.len() != shape.len() {
        return Err(Error::Malformed);
    }
    if total(shape)? == 0 {
        return Ok(Plan::new());
    }
    let both = [Arg::new(src.0, src.1), Arg::new(dst.0, dst.1)];
    let (mut shape, mut both) = collapse(shape, &both);
    if shape.len() > RANK {
        return Err(Error::Malformed);
    }
    if let Some(launch) = turn(ty, &shape, &both)? {
        return Ok(vec![launch]);
    }
    // Cells of several elements if both arrays allow it.
    let last = shape.len() - 1;
    let mut size = ty.size(FLOAT);
    let several = cell(ty);
    let joins = |a: &Arg| {
        a.strides[last] == 1
            && aligned(a.addr, (several * size) as u64)
            && a.strides[..last].iter().all(|s| s % several as i64 == 0)
    };
    if shape[last].is_multiple_of(several) && both.iter().all(joins) {
        size *= several;
        shape[last] /= several;
        for a in &mut both {
            let outer = a.strides[..last].iter_mut();
            outer.for_each(|s| *s /= several as i64);
        }
    }
    let cells = total(&shape)?;
    let mut p = Params::default();
    p.u64(src.0);
    p.u64(dst.0);
    for (s, d) in both[0].strides.iter().zip(&both[1].strides) {
        p.i32(stride(*s)?);
        p.i32(stride(*d)?);
    }
    for n in &shape[1..] {
        p.divisor(count(*n)?);
    }
    p.u32(cells);
    let form = Form::Copy {
        rank: shape.len() as u8,
        size: size as u8,
    };
    simple(form, cells as usize, p)
}

/// The number of elements in a cell: 16 bytes of them, or 4 booleans.
pub(crate) fn cell(ty: DType) -> usize {
    match ty {
        DType::Int => 2,
        DType::Float | DType::Bool => 4,
    }
}

/// The size of the tiles of a transposing copy, and the minimum size along both dimensions.
const TILE: usize = 32;
const LEAST: usize = 16;

/// A transposing copy: source and destination are contiguous along different dimensions.
fn turn(ty: DType, shape: &[usize], both: &[Arg]) -> Result<Option<Launch>, Error> {
    let (src, dst) = (&both[0], &both[1]);
    let q = shape.len() - 1;
    let Some(p) = src.strides[..q].iter().position(|s| *s == 1) else {
        return Ok(None);
    };
    let apart = src.strides[q].unsigned_abs() > 1 && dst.strides[q] == 1;
    if ty.size(FLOAT) != 4 || !apart || shape[p] < LEAST || shape[q] < LEAST {
        return Ok(None);
    }
    let others: Vec<usize> = (0..q).filter(|d| *d != p).collect();
    let mut params = Params::default();
    params.u64(src.addr);
    params.u64(dst.addr);
    params.u32(count(shape[p])?);
    params.u32(count(shape[q])?);
    params.i32(stride(src.strides[q])?);
    params.i32(stride(dst.strides[p])?);
    for d in &others {
        params.i32(stride(src.strides[*d])?);
        params.i32(stride(dst.strides[*d])?);
    }
    for d in others.iter().skip(1) {
        params.divisor(count(shape[*d])?);
    }
    let tiles = [shape[q].div_ceil(TILE), shape[p].div_ceil(TILE)];
    params.u32(count(tiles[0])?);
    params.u32(count(tiles[1])?);
    let rest: usize = others.iter().map(|d| shape[*d]).product();
    Ok(Some(Launch {
        module: Module::plain(Form::Turn {
            rank: others.len() as u8,
        }),
        grid: [total(&[rest, tiles[0], tiles[1]])?, 1, 1],
        block: [256, 1, 1],
        shared: 0,
        params,
    }))
}

/// Sets `len` elements to a value.
pub fn fill(value: Number, len: usize, dst: Addr) -> Result<Plan, Error> {
    let elements = count(len)?;
    if elements == 0 {
        return Ok(Plan::new());
    }
    let bits = match value {
        Number::Float(value) => u64::from((value as f32).to_bits()) * 0x1_0000_0001,
        Number::Int(value) => value.cast_unsigned(),
        Number::Bool(value) => u64::from(value) * 0x0101_0101_0101_0101,
    };
    let ty = value.dtype();
    let each = 16 / ty.size(FLOAT) as u32;
    let units = if aligned(dst, 16) { elements / each } else { 0 };
    let rest = elements - units * each;
    let mut p = Params::default();
    p.u64(dst);
    p.u64(bits);
    p.u32(units);
    p.u32(rest);
    let form = Form::Fill {
        size: ty.size(FLOAT) as u8,
    };
    simple(form, units.max(rest) as usize, p)
}
