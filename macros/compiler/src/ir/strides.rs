//! From accesses to strides: how the position in an operand moves along the dimensions of a map or reduction.

use crate::dim::{Dim, Shape, numel};
use crate::ir::Access;

/// A strided operand: its first element and the stride along each (grouped) dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strided {
    /// Elements before the first.
    pub start: Dim,
    /// Strides in elements; 0 repeats.
    pub strides: Vec<Dim>,
}

/// Row-major strides of a shape.
pub fn row_major(shape: &[Dim]) -> Vec<Dim> {
    (0..shape.len()).map(|d| numel(&shape[d + 1..])).collect()
}

/// The strides of an access, one for each dimension of the map.
pub fn of(access: &Access, shape: &Shape) -> Strided {
    let own = row_major(shape);
    let start = access
        .start
        .iter()
        .zip(&own)
        .fold(Dim::from(0), |sum, (s, stride)| sum.add(&s.mul(stride)));
    let strides = access
        .dims
        .iter()
        .map(|d| d.map_or(Dim::from(0), |d| own[d].mul(&Dim::from(access.step[d]))))
        .collect();
    Strided { start, strides }
}

/// The dimensions before, in and after a reduction's block.
pub fn blocks(dims: &[usize], rank: usize) -> [std::ops::Range<usize>; 3] {
    let (first, last) = (
        dims.first().copied().unwrap_or(rank),
        dims.last().map_or(rank, |d| d + 1),
    );
    [0..first, first..last, last..rank]
}

/// The strides of an access when each group of the map's dimensions is iterated as one; `None` if the operand has no
/// single stride along a group.
pub fn collapsed(
    access: &Access,
    shape: &Shape,
    map: &Shape,
    groups: &[std::ops::Range<usize>],
) -> Option<Strided> {
    let whole = of(access, shape);
    let strides = groups
        .iter()
        .map(|g| merged(&whole.strides[g.clone()], &map[g.clone()]))
        .collect::<Option<_>>()?;
    Some(Strided {
        start: whole.start,
        strides,
    })
}

/// One stride for several dimensions in row-major order; dimensions of 1 have no stride.
fn merged(strides: &[Dim], sizes: &[Dim]) -> Option<Dim> {
    let mut inner: Option<(Dim, Dim)> = None;
    for (stride, size) in strides
        .iter()
        .zip(sizes)
        .rev()
        .filter(|(_, size)| !size.is_one())
    {
        inner = Some(match inner {
            None => (stride.clone(), stride.mul(size)),
            Some((first, next)) if *stride == next => (first, stride.mul(size)),
            Some(_) => return None,
        });
    }
    Some(inner.map_or(Dim::from(0), |i| i.0))
}

/// The fewest groups of a map's dimensions along which every operand has a single stride; dimensions of 1 vanish.
/// Returns the groups' sizes and each operand's strides along them.
pub fn collapse_all(operands: &[Strided], shape: &Shape) -> (Vec<Dim>, Vec<Vec<Dim>>) {
    let mut sizes: Vec<Dim> = Vec::new();
    let mut strides: Vec<Vec<Dim>> = vec![Vec::new(); operands.len()];
    for (d, size) in shape.iter().enumerate() {
        if size.is_one() {
            continue;
        }
        let joins = sizes.last().is_some()
            && operands
                .iter()
                .zip(&strides)
                .all(|(o, s)| s.last().is_some_and(|last| *last == o.strides[d].mul(size)));
        if let (true, Some(last)) = (joins, sizes.last_mut()) {
            *last = last.mul(size);
            for (o, s) in operands.iter().zip(&mut strides) {
                if let Some(last) = s.last_mut() {
                    *last = o.strides[d].clone();
                }
            }
        } else {
            sizes.push(size.clone());
            for (o, s) in operands.iter().zip(&mut strides) {
                s.push(o.strides[d].clone());
            }
        }
    }
    if sizes.is_empty() {
        sizes.push(Dim::one());
        strides.iter_mut().for_each(|s| s.push(Dim::from(0)));
    }
    (sizes, strides)
}
