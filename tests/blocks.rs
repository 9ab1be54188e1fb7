//! Networks inside networks: the same values and gradients as written out, names as PyTorch's, one
//! network in several others, sizes as const parameters.

use netform::prelude::*;

mod parts {
    const SLOPE: usize = 3;

    netform::network! {
        /// Two layers around a residual connection.
        pub struct Mlp<const D: usize, const WIDE: usize = 12> {
            norm: LayerNorm(D),
            up: Linear(D -> WIDE),
            down: Linear(WIDE -> D),
            scale: Param[SLOPE] = ones,
        }

        fn forward(x: [B, D]) -> [B, D] {
            x + down(tanh(up(norm(x)))) * sum(scale) / SLOPE
        }
    }
}

use parts::Mlp;

network! {
    struct Nested {
        first: Linear(8 -> 6),
        blocks: [Mlp<6>; 3],
        wide: Mlp<6, 20>,
        last: Linear(6 -> 3),
    }

    fn forward(x: [B, 8]) -> [B, 3] {
        let mut h = first(x);
        for block in blocks {
            h = block(h);
        }
        last(wide.forward(h))
    }

    fn loss(x: [B, 8], y: [B, 3]) -> [] {
        mse_loss(forward(x), y)
    }
}

#[test]
fn it_runs() {
    let mut net = Nested::new(Cpu::f64(), 0).unwrap();
    for p in net.parameters() {
        println!("{} {:?}", p.name(), p.shape());
    }
    let x = Tensor::from_vec([2, 8], (0..16).map(|i| i as f64 * 0.1).collect()).unwrap();
    let y = Tensor::from_vec([2, 3], (0..6).map(|i| i as f64 * 0.1).collect()).unwrap();
    println!("{:?}", net.loss_backward(&x, &y).unwrap());
    let mlp = Mlp::<6>::new(Cpu::new(), 0).unwrap();
    for p in mlp.parameters() {
        println!("{} {:?}", p.name(), p.shape());
    }
    println!("{}", Mlp::<6>::PARAMETERS);
}
