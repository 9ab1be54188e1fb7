//! Corners of loops, quotients and indices: each beside the same in other words.

use netform::prelude::*;

const N: usize = 3;
const K: usize = 5;
const OFFSET: usize = 20_000_003;
const STEP: f64 = 0.25;
const SHIFT: usize = 1;
const GROUPS: usize = 2;
const CH: usize = 4;
const MULT: [usize; 2] = [1, 2];
const PAD: usize = 2;
const LINES: i32 = 3;

network! {
    struct Net {
        layers: [Linear(4 -> 4); N],
        groups: GroupNorm(GROUPS, CH * MULT[1]),
        table: Embedding(8 -> 4, padding_idx = -8),
    }
    fn ordered(x: [B, 4], order: u32[N]) -> [B, 4] {
        let mut x = x;
        for (i, p) in zip(0..N, order) { x = layers[p](x) + i; }
        x
    }
    fn ordered_in_words(x: [B, 4], order: u32[N]) -> [B, 4] {
        let x = layers[order[0]](x);
        let x = layers[order[1]](x) + 1;
        layers[order[2]](x) + 2
    }
    fn hidden(x: [B, 4]) -> [B, 4] {
        let order = [2, 0, 1];
        let mut x = x;
        for i in 0..N {
            let i = order.view(3)[i];
            x = layers[i](x);
        }
        x
    }
    fn hidden_in_words(x: [B, 4]) -> [B, 4] { layers[1](layers[0](layers[2](x))) }
    fn rounds(x: [T, 4]) -> [T, 4] {
        let mut x = x;
        for _ in 0..N { for row in reversed(x) { row = row + 1; } }
        x
    }
    fn numbers(x: [B]) -> ([B], [B], [B]) {
        (maximum(x, K / 2), where(x > 0, K / 2, 0.0), x * 2 * (K / 4))
    }
    fn words(ids: i64[B]) -> i64[B] { (ids + OFFSET) % 7 }
    fn grid(x: [B]) -> [B] { x + (arange(B) + 1) * STEP }
    fn back(x: [B, T]) -> ([B, T], [B, T]) { (x.roll(-SHIFT, 1), 2 ** (arange(T) % 3).float() * x) }
    fn down() -> (i64[5], i64[3], i64[0]) { (arange(5, 0, -1), arange(4, -4, -3), arange(2, 2, -1)) }
    fn padded(i: u32[B], scores: [B, 4], w: [8, 4]) -> ([B, 4], []) {
        (embedding(i, w, padding_idx = PAD), cross_entropy(scores, i, ignore_index = PAD))
    }
    fn padded_in_words(i: u32[B], scores: [B, 4], w: [8, 4]) -> ([B, 4], []) {
        (embedding(i, w, padding_idx = 2), cross_entropy(scores, i, ignore_index = 2))
    }
    fn lines(x: [LINES, 4]) -> [LINES, 4] { 2 * x }
    fn of_tables(i: u32[B]) -> [B, 4] { table(i) }
    /// Two sizes that a number divides, and a product of constants.
    fn grouped(x: [B, 3, 4 * H, 4 * W]) -> [B, CH * MULT[1], H, W] {
        let y = avg_pool2d(x[:, :1], 4).expand(B, CH * MULT[1], H, W);
        groups(y)
    }
}

network! {
    struct Averaged {
        norm: BatchNorm1d(4),
    }
    fn averaged(x: [B, 4]) -> [] {
        let mut sum = zeros(4);
        for row in norm(x) { sum = sum + row; }
        sum.sum()
    }
}

fn numbers(shape: &[usize]) -> Tensor {
    let len = shape.iter().product();
    let all = (0..len).map(|k| ((k * 37 % 23) as f64 - 11.0) / 7.0);
    Tensor::from_vec(shape, all.collect::<Vec<f64>>()).unwrap()
}

#[test]
fn loops_use_what_is_written() -> netform::Result<()> {
    let net = Net::new(Cpu::f64(), 1)?;
    let x = numbers(&[2, 4]);
    assert_eq!(
        net.ordered(&x, &[2, 0, 2])?.to_vec(),
        net.ordered_in_words(&x, &[2, 0, 2])?.to_vec()
    );
    assert_eq!(net.hidden(&x)?.to_vec(), net.hidden_in_words(&x)?.to_vec());
    let wanted: Vec<f64> = x.to_f64_vec().iter().map(|v| v + 1.0 + 1.0 + 1.0).collect();
    assert_eq!(net.rounds(&x)?.as_slice(), wanted);
    // The layer in a loop's head is called once.
    let mut net = Averaged::new(Cpu::f64(), 1)?;
    net.averaged_backward(&x)?;
    assert_eq!(
        net.parameter("norm.num_batches_tracked")?.to_f64_vec(),
        [1.0]
    );
    Ok(())
}

#[test]
fn constants_are_numbers_where_they_are_no_sizes() -> netform::Result<()> {
    let net = Net::new(Cpu::f64(), 1)?;
    let (a, b, c) = net.numbers(&[-1.0, 3.0])?;
    assert_eq!(
        (a.to_vec(), b.to_vec(), c.to_vec()),
        (vec![2.5, 3.0], vec![0.0, 2.5], vec![-2.5, 7.5])
    );
    let ids = [1i64 << 40, 3];
    let wanted: Vec<i64> = ids.iter().map(|i| (i + OFFSET as i64) % 7).collect();
    assert_eq!(net.words(&ids)?.to_vec(), wanted);
    assert_eq!(net.grid(&[1.0, 1.0, 1.0])?.to_vec(), [1.25, 1.5, 1.75]);
    let (a, b) = net.back(&numbers(&[1, 4]))?;
    let x = numbers(&[4]).to_f64_vec();
    assert_eq!(a.as_slice(), [x[1], x[2], x[3], x[0]]);
    assert_eq!(b.as_slice(), [x[0], 2.0 * x[1], 4.0 * x[2], x[3]]);
    let (a, b, c) = net.down()?;
    assert_eq!(
        (a.to_vec(), b.to_vec(), c.to_vec()),
        (vec![5, 4, 3, 2, 1], vec![4, 1, -2], vec![])
    );
    let (i, scores, w) = ([2u32, 0, 3, 2], numbers(&[4, 4]), numbers(&[8, 4]));
    let (a, b) = net.padded(&i, &scores, &w)?;
    let (c, d) = net.padded_in_words(&i, &scores, &w)?;
    assert_eq!((a.to_vec(), b.item()?), (c.to_vec(), d.item()?));
    // A constant of another type of integers.
    assert_eq!(net.lines(&numbers(&[LINES as usize, 4]))?.shape(), [3, 4]);
    assert!(net.lines(&numbers(&[4, 4])).is_err());
    assert_eq!(net.of_tables(&[0])?.as_slice(), [0.0; 4]);
    assert_eq!(net.grouped(&numbers(&[1, 3, 8, 12]))?.shape(), [1, 8, 2, 3]);
    Ok(())
}
