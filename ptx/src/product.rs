//! Products of matrices, followed by a fused body.

use crate::call::{Addr, Arg, FLOAT, Scalars, aligned, check, params};
use crate::launch::{Error, Launch, Plan, count, total};
use crate::lines::{Along, Lines};
use crate::map::gather_parts;
use crate::tile::{Precision, TensorTile, Tile, Way, choose, cut};
use crate::{Axis, Body, Form, Module, Product};

/// The maximum number of steps of a body that is expanded for every result.
const LONG: usize = 12;

/// Bytes that [`product`] needs at `work`, aligned to 16; often 0.
pub fn product_work(size: Product, precision: Precision) -> usize {
    let (way, parts) = choose(size, precision);
    split_work(size, way, parts)
}

/// Bytes that [`product_as`] needs at `work`, aligned to 16.
pub fn split_work(size: Product, way: Way, parts: usize) -> usize {
    match cut(size, way, parts).0 {
        1 => 0,
        parts => 4 * parts * size.batch * size.m * size.n,
    }
}

/// `outputs = body(C, extra..)` with `C` the product: operand 0 of the body is an element of `C`, the others have the
/// shape (batch, m, n). Products with few rows or columns are in f32 for every precision.
#[allow(clippy::too_many_arguments)]
pub fn product(
    body: &Body,
    size: Product,
    precision: Precision,
    a: Addr,
    b: Addr,
    extra: &[Arg],
    outputs: &[Addr],
    scalars: Scalars,
    work: Addr,
) -> Result<Plan, Error> {
    let way = choose(size, precision);
    product_as(way, body, size, [a, b], extra, outputs, scalars, work)
}

/// [`product`] with a kernel that the caller chooses, with k in about the given number of segments.
#[allow(clippy::too_many_arguments)]
pub fn product_as(
    (way, parts): (Way, usize),
    body: &Body,
    size: Product,
    [a, b]: [Addr; 2],
    extra: &[Arg],
    outputs: &[Addr],
    scalars: Scalars,
    work: Addr,
) -> Result<Plan, Error> {
    check(body, 1, 3, extra, outputs.len(), scalars)?;
    let Product { batch, m, n, k, .. } = size;
    total(&[batch, m, k])?;
    total(&[batch, k, n])?;
    if total(&[batch, m, n])? == 0 {
        return Ok(Plan::new());
    }
    let (parts, length) = cut(size, way, parts);
    total(&[parts, batch, m, n])?;
    let call = Call {
        size,
        a,
        b,
        parts,
        length,
    };
    if parts == 1 {
        return Ok(vec![call.launch(way, body, extra, outputs, scalars)?]);
    }
    let shape = [batch, m, n];
    Ok(vec![
        call.launch(way, &Body::IDENTITY, &[], &[work], Scalars::NONE)?,
        gather_parts(body, shape, (work, count(parts)?), extra, outputs, scalars)?,
    ])
}

/// The first stage.
struct Call {
    size: Product,
    a: Addr,
    b: Addr,
    parts: usize,
    length: usize,
}

impl Call {
    fn launch(
        &self,
        way: Way,
        body: &Body,
        extra: &[Arg],
        outputs: &[Addr],
        scalars: Scalars,
    ) -> Result<Launch, Error> {
        let (form, threads) = match way {
            Way::Tiles(tile) => self.tiles(tile, body, outputs),
            Way::Tensor(tile, bf16) => self.tensor(tile, bf16, body, outputs),
            Way::Few { turned, lines } => {
                return self.few(turned, lines, body, extra, outputs, scalars);
            }
        };
        let module = Module {
            form,
            body: *body,
            device_scalars: scalars.on_device(),
        };
        let Product { batch, m, n, k, .. } = self.size;
        let (bm, bn, _) = way.sides();
        let (rows, columns) = (m.div_ceil(bm), n.div_ceil(bn));
        let mut p = params(&module, 1, extra, outputs, scalars)?;
        p.u64(self.a);
        p.u64(self.b);
        for v in [m, n, k, self.length, rows, columns, batch] {
            p.u32(count(v)?);
        }
        Ok(Launch {
            module,
            grid: [total(&[batch, rows, columns])?, self.parts as u32, 1],
            block: [threads, 1, 1],
            shared: 0,
            params: p,
        })
    }

    /// Whether A and B can be read in fours.
    fn fours(&self) -> (bool, bool) {
        let Product {
            m, n, k, ta, tb, ..
        } = self.size;
        let fours = |addr, n: usize| aligned(addr, 16) && n.is_multiple_of(4);
        (
            fours(self.a, if ta { m } else { k }),
            fours(self.b, if tb { k } else { n }),
        )
    }

    /// Whether results can be written in groups of `of` elements.
    fn groups(&self, of: usize, body: &Body, outputs: &[Addr]) -> bool {
        let mut stores = body.outputs().zip(outputs);
        self.size.n.is_multiple_of(of)
            && stores.all(|(ty, y)| aligned(*y, (of * ty.size(FLOAT)) as u64))
    }

    fn tiles(&self, tile: Tile, body: &Body, outputs: &[Addr]) -> (Form, u32) {
        // A long body is expanded only once for each result of a row; a row's values then need separate registers.
        let unroll = body.steps.len() <= LONG;
        let residents = if unroll { tile.residents } else { 1 };
        let (va, vb) = self.fours();
        let form = Form::Product {
            tile: Tile { residents, ..tile },
            ta: self.size.ta,
            tb: self.size.tb,
            va,
            vb,
            vc: self.groups(4, body, outputs),
            split: self.parts > 1,
            unroll,
        };
        (form, tile.threads())
    }

    fn tensor(&self, tile: TensorTile, bf16: bool, body: &Body, outputs: &[Addr]) -> (Form, u32) {
        let unroll = body.steps.len() <= LONG;
        let residents = if unroll { tile.residents } else { 1 };
        let (va, vb) = self.fours();
        let form = Form::Tensor {
            tile: TensorTile { residents, ..tile },
            bf16,
            ta: self.size.ta,
            tb: self.size.tb,
            va,
            vb,
            vc: self.groups(2, body, outputs),
            split: self.parts > 1,
            unroll,
        };
        (form, tile.threads())
    }

    fn few(
        &self,
        turned: bool,
        lines: Lines,
        body: &Body,
        extra: &[Arg],
        outputs: &[Addr],
        scalars: Scalars,
    ) -> Result<Launch, Error> {
        let Product {
            batch,
            m,
            n,
            k,
            ta,
            tb,
        } = self.size;
        // (address, distance between matrices, between rows or columns, along k)
        let a = (self.a, m * k, if ta { [1, m] } else { [k, 1] });
        let b = (self.b, n * k, if tb { [k, 1] } else { [1, n] });
        let (few, many) = if turned { (b, a) } else { (a, b) };
        let (rows, width) = if turned { (n, m) } else { (m, n) };
        let module = Module {
            form: Form::Few {
                few: rows.next_power_of_two() as u8,
                turned,
                lines,
                split: self.parts > 1,
            },
            body: *body,
            device_scalars: scalars.on_device(),
        };
        let mut p = params(&module, 1, extra, outputs, scalars)?;
        p.u64(few.0);
        p.u64(many.0);
        for v in [few.1, few.2[0], few.2[1], many.1, many.2[0], many.2[1]] {
            p.u32(count(v)?);
        }
        for v in [rows, m, n, self.length, batch] {
            p.u32(count(v)?);
        }
        let axis = Axis {
            outer: batch,
            n: k,
            inner: width,
        };
        let columns = axis.columns()?;
        axis.params(&mut p)?;
        Ok(Launch {
            module,
            grid: [lines.blocks(columns), self.parts as u32, 1],
            block: [lines.threads(), 1, 1],
            shared: 0,
            params: p,
        })
    }
}

impl Tile {
    /// Threads of a block.
    pub(crate) fn threads(self) -> u32 {
        u32::from(self.bm / self.tm) * u32::from(self.bn / self.tn)
    }
}

impl TensorTile {
    /// Threads of a block.
    pub(crate) fn threads(self) -> u32 {
        32 * u32::from(self.bm / self.wm) * u32::from(self.bn / self.wn)
    }
}
