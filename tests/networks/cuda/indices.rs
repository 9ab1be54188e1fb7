//! Positions held as data: in range the same as on the CPU; out of range an error that names the place. `outcomes.rs`
//! checks which run reports it.

use netform::prelude::*;
use netform::{Error, Result};

use crate::device::own;

network! {
    struct Table {
        token: Embedding(7 -> 5, padding_idx = 3),
        wide: Param[4, 33] = normal(1.0),
    }
    fn rows(at: u32[B, T]) -> [B, T, 5] { token(at) }
    fn columns(x: [B, N], at: u32[K]) -> [B, K] { x.index_select(1, at) }
    fn each(#[grad] x: [B, N], at: u32[B, K]) -> [B, K] { x.gather(1, at) * 2.0 }
    fn put(#[grad] x: [R, N], #[grad] source: [K, N], at: u32[K]) -> [R, N] {
        (x * 2.0).index_copy(0, at, source.square())
    }
    fn whole(x: i32[B, N], at: u32[K]) -> i32[K, N] { x.index_select(0, at) }
    fn bits(x: bool[B, N], at: u32[B, K]) -> bool[B, K] { x.gather(1, at) }
    fn loss(at: u32[B, T], y: u32[B]) -> [] { cross_entropy(token(at).mean(1), y) + wide.index_select(0, y).sum() }
}

mod scenario {
    use super::*;
    use crate::both::{Values, random};

    pub fn positions<D: Device>(device: D) -> Result<Values> {
        let mut net = Table::new(device, 3)?;
        let mut out = Values::default();
        for (b, n, k) in [
            (1usize, 1usize, 1usize),
            (3, 7, 5),
            (2, 300, 513),
            (65, 3, 2),
            (3, 7, 5),
            (3, 7, 5),
            // Enough for a gradient to put them in buckets.
            (3, 7, 3000),
            (3, 7, 3000),
            (3, 7, 3000),
        ] {
            let at = |rows: usize, limit: usize| -> Tensor {
                let values = (0..rows * k)
                    .map(|i| (i * 11 % limit) as u32)
                    .collect::<Vec<_>>();
                Tensor::from_vec([rows, k], values).expect("that many")
            };
            let ids = at(b, 7);
            let y: Vec<u32> = (0..b as u32).map(|i| i % 4).collect();
            out.put("rows", net.rows(&ids)?.to_tensor());
            let loss = net.loss_backward(&ids, &y)?;
            out.number("loss", netform::Float::to_f64(loss.item()?));
            out.network(&net);
            let x = random(&[b, n], 1, (-1.0, 1.0));
            let columns: Vec<u32> = (0..k).map(|i| (i * 5 % n) as u32).collect();
            out.put("columns", net.columns(&x, &columns)?.to_tensor());
            let inner = at(b, n);
            let y = net.each(&x, &inner)?.to_tensor();
            out.put("dx", net.each_vjp(&x, &inner, &y)?.to_tensor());
            out.put("each", y);
            // Each row at most once: it is not specified which of several copies stays.
            let first: Vec<u32> = (0..b as u32).rev().step_by(2).collect();
            let source = random(&[first.len(), n], 2, (-1.0, 1.0));
            let y = net.put(&x, &source, &first)?.to_tensor();
            let (dx, ds) = net.put_vjp(&x, &source, &first, &y)?;
            out.put("dx", dx.to_tensor());
            out.put("dsource", ds.to_tensor());
            out.put("put", y);
            let integers = Tensor::from_vec([b, n], (0..(b * n) as i32).collect::<Vec<_>>())?;
            out.put("whole", net.whole(&integers, &first)?.to_tensor());
            let bits =
                Tensor::from_vec([b, n], (0..b * n).map(|i| i % 3 == 0).collect::<Vec<_>>())?;
            out.put("bits", net.bits(&bits, &inner)?.to_tensor());
        }
        Ok(out)
    }
}

same! {
    positions within 1e-5;
}

/// The CPU's message without the index and its place, which a kernel does not report.
fn without_place<T>(result: netform::Result<T>) -> String {
    let text = result.err().expect("an index is out of range").to_string();
    let (before, rest) = text.split_once(" holds ").expect("what holds the index");
    let (_, limit) = rest.split_once(", which is ").expect("the index");
    format!("{before} holds an index {limit}")
}

/// The messages are the CPU's, in the first, captured and replayed run; the next run is right.
#[test]
fn out_of_range() {
    let device = own();
    let mut net = Table::new(device, 3).unwrap();
    let mut cpu = Table::new(Cpu::new(), 3).unwrap();
    for round in 0..4 {
        let good = [[1u32, 6], [0, 2]];
        let bad = [[1u32, 7], [0, 2]];
        let wrong = net.rows(&bad).err().unwrap();
        assert!(
            matches!(wrong, Error::IndexOutOfRange { limit: 7, .. }),
            "{wrong}"
        );
        assert_eq!(wrong.to_string(), without_place(cpu.rows(&bad)));
        let rows = net
            .rows(&good)
            .unwrap_or_else(|e| panic!("round {round}: {e}"));
        assert_eq!(rows.to_tensor(), cpu.rows(&good).unwrap().to_tensor());

        let x = [[0.5f32, 0.25]; 2];
        let wrong = net.each(&x, &[[0u32], [2]]).err().unwrap().to_string();
        assert_eq!(wrong, without_place(cpu.each(&x, &[[0u32], [2]])));
        let wrong = net.put(&x, &x, &[0u32, 9]).err().unwrap().to_string();
        assert_eq!(wrong, without_place(cpu.put(&x, &x, &[0u32, 9])));

        // Class 4 is one of the five classes, but not a row of `wide`.
        let loss = net.loss_backward(&good, &[0u32, 4]);
        let wrong = loss.and_then(|l| l.item()).err().unwrap().to_string();
        let loss = cpu.loss_backward(&good, &[0u32, 4]);
        assert_eq!(wrong, without_place(loss));
        let a = net
            .loss_backward(&good, &[0u32, 3])
            .unwrap()
            .item()
            .unwrap();
        let b = cpu
            .loss_backward(&good, &[0u32, 3])
            .unwrap()
            .item()
            .unwrap();
        assert!((a - b).abs() < 1e-5, "{a} and {b}");
    }
}

/// A run with wrong indices changes nothing, even if its error is not read; the next run is normal.
#[test]
fn a_wrong_step_changes_no_parameter() {
    let mut net = Table::new(own(), 3).unwrap();
    let mut adam = Adam::new(0.1);
    let (good, bad) = ([[1u32, 6], [0, 2]], [[1u32, 7], [0, 2]]);
    let y = [0u32, 3];
    for _ in 0..4 {
        net.loss_step(&mut adam, &good, &y).unwrap();
        let before = net.parameter("token.weight").unwrap();
        let loss = net.loss_step(&mut adam, &bad, &y).unwrap();
        for _ in 0..2 {
            let error = loss.item().unwrap_err();
            assert!(
                matches!(error, Error::IndexOutOfRange { limit: 7, .. }),
                "{error}"
            );
        }
        assert_eq!(net.parameter("token.weight").unwrap(), before);
        let (wrong, right) = (
            net.loss_step(&mut adam, &bad, &y).unwrap(),
            net.loss_step(&mut adam, &good, &y).unwrap(),
        );
        right.item().unwrap();
        wrong.item().unwrap_err();
        assert_ne!(net.parameter("token.weight").unwrap(), before);
        net.loss_accumulate(&good, &y).unwrap();
        let before = net.gradient("token.weight").unwrap();
        let loss = net.loss_accumulate(&bad, &y);
        assert!(loss.and_then(|l| l.item()).is_err());
        assert_eq!(net.gradient("token.weight").unwrap(), before);
    }
}
