//! Integers, booleans, several results, custom ops, pictures.

use netform::prelude::*;

mod ops {
    use netform::Float;
    use netform::custom::{Array, ArrayMut};

    /// The row that each position names, and the number of times that each row is named.
    pub fn picked<F: Float>(
        x: Array<'_, F>,
        at: Array<'_, i64>,
        mut y: ArrayMut<'_, F>,
        mut count: ArrayMut<'_, i64>,
    ) {
        let width = x.shape()[1];
        count.fill(0);
        for (y, &at) in y.chunks_mut(width).zip(&*at) {
            let at = at as usize;
            y.copy_from_slice(&x[at * width..(at + 1) * width]);
            count[at] += 1;
        }
    }

    pub fn picked_backward<F: Float>(
        x: Array<'_, F>,
        at: Array<'_, i64>,
        _y: Array<'_, F>,
        _count: Array<'_, i64>,
        dy: Array<'_, F>,
        mut dx: ArrayMut<'_, F>,
    ) {
        let width = x.shape()[1];
        dx.fill(F::from_f64(0.0));
        for (dy, &at) in dy.chunks(width).zip(&*at) {
            for (k, dy) in dy.iter().enumerate() {
                dx[at as usize * width + k] += *dy;
            }
        }
    }
}

network! {
    struct Mixed { linear: Linear(4 -> 4), slope: Param[4] = 0.25 }

    #[custom(forward = ops::picked, backward = ops::picked_backward)]
    fn picked(x: [R, D], at: u32[K]) -> ([K, D], i32[R]);

    fn integers(x: [B, N], k: i32[B]) -> (i32[B], u32[B], bool[B, N], i32[B, N]) {
        (k * 3 - 7, x.argmax(1), (x > 0.25) & !(x > 0.75), x.int() + k.unsqueeze(1))
    }
    fn booleans(a: bool[N], b: bool[N]) -> (bool[N], [N], []) {
        (a | (b == a), a.float() - b.float(), a.int().sum())
    }
    fn smallest(x: [B, N]) -> ([B], u32[B]) { min(x, dim = 1) }
    fn hot(k: u32[B]) -> [B, 6] { one_hot(k, 6) }
    fn rows(x: [R, 4], at: u32[K]) -> ([K, 4], i32[R]) {
        let (rows, count) = picked(tanh(linear(x)), at);
        (where(rows > 0.0, rows, rows * slope), count)
    }
    #[draw]
    fn loss(#[grad] x: [R, 4], at: u32[K]) -> [] {
        let (rows, count) = rows(x, at);
        rows.square().mean() * count.float().sum()
    }
    fn rest(x: [B, 4], y: u32[B]) -> [] { cross_entropy(linear(x), y, ignore_index = 2) }
}

mod scenario {
    use super::*;
    use crate::both::{Values, random};
    use netform::Result;

    pub fn integers_and_booleans<D: Device>(device: D) -> Result<Values> {
        let net = Mixed::new(device, 1)?;
        let mut out = Values::default();
        for (b, n) in [(1, 1), (3, 5), (300, 7), (2, 1030), (3, 5), (3, 5)] {
            let x = random(&[b, n], n as u64, (-2.0, 2.0));
            let k: Vec<i32> = (0..b as i32).map(|i| i * 3 - 4).collect();
            let (a, largest, inside, sum) = net.integers(&x, &k)?;
            out.put("k", a.to_tensor());
            out.put("largest", largest.to_tensor());
            out.put("inside", inside.to_tensor());
            out.put("sum", sum.to_tensor());
            let bits = |by: usize| -> Vec<bool> { (0..b).map(|i| i % by == 0).collect() };
            let (either, difference, count) = net.booleans(&bits(2), &bits(3))?;
            out.put("either", either.to_tensor());
            out.put("difference", difference.to_tensor());
            out.put("count", count.to_tensor());
            let (least, at) = net.smallest(&x)?;
            out.put("least", least.to_tensor());
            out.put("at", at.to_tensor());
            let at: Vec<u32> = (0..b as u32).map(|i| i % 6).collect();
            out.put("hot", net.hot(&at)?.to_tensor());
        }
        Ok(out)
    }

    pub fn ops_of_ones_own<D: Device>(device: D) -> Result<Values> {
        let mut net = Mixed::new(device, 2)?;
        let mut out = Values::default();
        // A run that calls the host is never a graph, so it must be right every time.
        for (r, k) in [(5, 9), (1, 1), (70, 300), (5, 9), (5, 9)] {
            let x = random(&[r, 4], r as u64, (-1.0, 1.0));
            let at: Vec<u32> = (0..k).map(|i| (i * 7 % r) as u32).collect();
            let (rows, count) = net.rows(&x, &at)?;
            out.put("rows", rows.to_tensor());
            out.put("count", count.to_tensor());
            let (loss, dx) = net.loss_backward(&x, &at)?;
            out.number("loss", netform::Float::to_f64(loss.item()?));
            out.put("dx", dx.to_tensor());
            out.network(&net);
        }
        Ok(out)
    }

    pub fn pictures<D: Device>(device: D) -> Result<Values> {
        let net = Mixed::new(device, 2)?;
        let mut out = Values::default();
        let picture = net.loss_draw(&random(&[3, 4], 1, (-1.0, 1.0)), &[0u32, 2, 2, 1])?;
        for node in 0..picture.function().nodes.len() {
            for (what, value) in [
                ("value", picture.value(node)),
                ("gradient", picture.gradient(node)),
            ] {
                if let Some(value) = value {
                    out.put(format!("{what} {node}"), value.clone());
                }
            }
        }
        Ok(out)
    }

    pub fn ignored_classes<D: Device>(device: D) -> Result<Values> {
        let mut net = Mixed::new(device, 2)?;
        let mut out = Values::default();
        for b in [1, 7, 260] {
            let y: Vec<u32> = (0..b).map(|i| (i as u32 + 1) % 4).collect();
            net.rest_backward(&random(&[b, 4], 3, (-1.0, 1.0)), &y)?;
            out.network(&net);
        }
        Ok(out)
    }
}

same! {
    integers_and_booleans within 0.0;
    ops_of_ones_own within 1e-5;
    pictures within 1e-5;
    ignored_classes within 1e-5;
}
