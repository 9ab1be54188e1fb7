//! Defaults of const parameters: constants, earlier parameters, and arithmetic on them.

use netform::prelude::*;

mod parts {
    use netform::prelude::*;

    const WIDTH: usize = 3;

    network! {
        pub struct Convs<const I: usize, const O: usize, const MID: usize = O> {
            first: Linear(I -> MID),
            second: Linear(MID -> O),
        }
        fn forward(x: [B, I]) -> [B, O] { second(first(x)) }
    }
    network! {
        pub struct Mlp<const D: usize, const WIDE: usize = { 4 * D }, const HALF: usize = floor(WIDE / 2)> {
            up: Linear(D -> WIDE),
            down: Linear(WIDE -> HALF),
        }
        fn forward(x: [B, D]) -> [B, HALF] { down(up(x)) }
    }
    network! {
        pub struct Fixed<const I: usize, const O: usize = 2 * WIDTH + 1, const N: usize = WIDTH ** 2> {
            layers: [Linear(I -> I); N],
            out: Linear(I -> O),
        }
        fn forward(x: [B, I]) -> [B, O] {
            let mut x = x;
            for l in layers { x = l(x); }
            out(x)
        }
    }
    network! {
        pub struct Around<const D: usize, const E: usize = D * WIDTH> {
            mlp: Mlp<D>,
            convs: Convs<2 * D, E>,
        }
        fn forward(x: [B, D]) -> [B, E] { convs(mlp(x)) }
    }
}

network! {
    struct Net {
        first: parts::Convs<4, 5, 6>,
        second: parts::Convs<5, 3>,
        mlp: parts::Mlp<3>,
        wide: parts::Mlp<6, 8>,
        fixed: parts::Fixed<4>,
        around: parts::Around<7>,
        last: parts::Around<21, 2>,
    }
    fn forward(x: [B, 4]) -> [B, 2] { last(around(fixed(wide(mlp(second(first(x))))))) }
}

#[test]
fn defaults_follow_from_earlier_parameters() -> netform::Result<()> {
    let net = Net::new(Cpu::new(), 1)?;
    let shape = |name| net.parameter(name).map(|p| p.shape().to_vec());
    assert_eq!(shape("second.first.weight")?, [3, 5]);
    assert_eq!(shape("mlp.up.weight")?, [12, 3]);
    assert_eq!(shape("mlp.down.weight")?, [6, 12]);
    assert_eq!(shape("wide.down.weight")?, [4, 8]);
    assert_eq!(shape("fixed.layers.8.weight")?, [4, 4]);
    assert_eq!(shape("fixed.out.weight")?, [7, 4]);
    assert_eq!(shape("around.mlp.up.weight")?, [28, 7]);
    assert_eq!(shape("around.convs.second.weight")?, [21, 21]);
    assert_eq!(net.forward(&[[1.0f32; 4]])?.shape(), [1, 2]);
    Ok(())
}

#[test]
fn rust_has_the_defaults_that_it_can_express() -> netform::Result<()> {
    let convs = parts::Convs::<4, 5>::new(Cpu::new(), 1)?;
    assert_eq!(convs.parameter("first.weight")?.shape(), [5, 4]);
    let fixed: parts::Fixed<4> = parts::Fixed::new(Cpu::new(), 1)?;
    assert_eq!(fixed.forward(&[[1.0f32; 4]])?.shape(), [1, 7]);
    let mlp = parts::Mlp::<3, 12, 6>::new(Cpu::new(), 1)?;
    assert_eq!(mlp.forward(&[[1.0f32; 3]])?.shape(), [1, 6]);
    Ok(())
}
