//! Results as text.

use netform::prelude::*;

network! {
    struct Net { linear: Linear(2 -> 1) }
    fn loss(x: [B, 2]) -> ([], [], [B, 2], u32[B], bool[2, 0, 3]) {
        let y = linear(x) * 0.0;
        (y.sum() + 1.5, x.mean(), x / 2, x.argmax(1), full([2, 0, 3], true))
    }
}

#[test]
fn results_are_printed() -> netform::Result<()> {
    let mut net = Net::new(Cpu::new(), 1)?;
    let x = [[1.0f32, 2.0], [4.0, 3.0]];
    let (loss, mean, halves, places, empty) = net.loss_step(&mut Sgd::new(0.1), &x)?;
    let all = format!("{loss} {mean:.2} {halves} {halves:.1} {places} {empty}");
    assert_eq!(
        all,
        "1.5 2.50 [[0.5, 1], [2, 1.5]] [[0.5, 1.0], [2.0, 1.5]] [1, 0] [[], []]"
    );
    Ok(())
}
