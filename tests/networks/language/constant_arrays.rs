//! Elements of Rust constants that are arrays: sizes and numbers, in declarations, shapes and bodies.

use netform::prelude::*;

mod parts {
    use netform::prelude::*;

    pub const CATEGORIES: [usize; 3] = [3, 4, 5];
    pub const SCALES: [f64; 3] = [0.5, 2.0, -1.0];
    const SHIFTS: [i32; 2] = [-3, 4];
    const RATES: &[f32] = &[0.25, 0.5];

    network! {
        pub struct Block<const D: usize, const RATE: usize = { CATEGORIES[0] }> { l: Linear(D -> RATE) }
        fn forward(x: [B, D]) -> [B, RATE] { l(x) * SCALES[1] + SHIFTS[0] }
        fn any(x: [.., D]) -> [.., D] { x * SCALES[2] }
        fn turned(x: [B, D]) -> [B, D] { any(x) }
    }
    network! {
        pub struct Columns<const D: usize> {
            tables: [Embedding(CATEGORIES[i] -> D, init = normal(SCALES[i].exp())); 3],
            blocks: [Block<D, CATEGORIES[i]>; 2],
            drop: Dropout(RATES[1]),
        }
        fn forward(x: u32[B, 3]) -> [B, D] {
            let mut y = zeros(B, D);
            for i in 0..3 { y = y + tables[i](x[:, i]) * SCALES[i]; }
            drop(y)
        }
        fn ends(x: [B, D]) -> [B, CATEGORIES[1]] { blocks[1](x) }
        fn listed(x: [B, 3]) -> [B, 3] { x * [SCALES[0], SCALES[1], 1] + full([3], SCALES[2]) }
        fn chosen(x: [B, D]) -> [B, D] { if CATEGORIES[2] == 5 { x * RATES[0] } else { x } }
    }
}
use parts::{CATEGORIES, Columns};

network! {
    struct Outer { columns: Columns<2> }
    fn forward(x: u32[B, 3]) -> [B, 2] { columns(x) }
    fn in_words(x: u32[B, 3]) -> [B, 2] {
        columns.tables[0](x[:, 0]) * 0.5 + columns.tables[1](x[:, 1]) * 2 - columns.tables[2](x[:, 2])
    }
    fn ends(x: [CATEGORIES[0], 2]) -> [3, 4] { columns.ends(x) }
    fn listed(x: [B, 3]) -> [B, 3] { columns.listed(x) }
    fn chosen(x: [B, 2]) -> [B, 2] { columns.chosen(x) }
}

#[test]
fn elements_are_their_values() -> netform::Result<()> {
    let net = Outer::new(Cpu::f64(), 1)?;
    for (k, n) in CATEGORIES.into_iter().enumerate() {
        let table = format!("columns.tables.{k}.weight");
        assert_eq!(net.parameter(&table)?.shape(), [n, 2]);
    }
    let x = [[0u32, 1, 2], [2, 3, 4]];
    assert_eq!(net.forward(&x)?.to_tensor(), net.in_words(&x)?.to_tensor());
    assert_eq!(net.ends(&[[1.0, 2.0]; 3])?.shape(), [3, 4]);
    assert_eq!(
        net.chosen(&[[1.0, 2.0]])?.to_tensor().to_f64_vec(),
        [0.25, 0.5]
    );
    let listed = net.listed(&[[1.0, 2.0, 3.0]])?.to_tensor().to_f64_vec();
    assert_eq!(listed, [-0.5, 3.0, 2.0]);
    let block = parts::Block::<2>::new(Cpu::new(), 1)?;
    assert_eq!(block.forward(&[[1.0f32, 2.0]])?.shape(), [1, 3]);
    Ok(())
}
