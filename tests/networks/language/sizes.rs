//! Sizes whose products no machine can count or hold: errors that name the value, in debug builds, too, never a wrap or
//! a panic.

use netform::prelude::*;
use netform::{Error, Result, Tensor};

const SIDE: usize = 1 << 21;

network! {
    struct Large { weight: Param[1] = ones, side: Buffer[SIDE] }
    fn cube(x: [N]) -> [N, N, N] {
        let cube = x.reshape([N, 1, 1]) * x.reshape([N, 1]) * x;
        cube
    }
    /// Nothing of this size is stored: the map is part of the sum.
    fn folded(x: [N]) -> [] { (x.reshape([N, 1, 1]) * x.reshape([N, 1]) * x * weight).sum() }
    fn ordered(x: i32[N]) -> i32[N, N, N] { (arange(N) * x).expand([N, N, N]) }
    fn wide(x: [B, 0], y: [B, 0]) -> [2 * B, 3] { cat([x, y]).pad([0, 3]) }
    fn nothing(x: [B, 0]) -> [2 * B, 0] { cat([x, x]) }
    fn literal(x: [1, 1, 1]) -> [2097152, 2097152, 2097152] { x.expand([2097152, 2097152, 2097152]) + 1.0 }
    fn constant(x: [1]) -> [SIDE, SIDE, SIDE] { x.expand([SIDE, SIDE, SIDE]) + side }
    fn difference(x: [N]) -> [N] { x + (N - 10) }
    fn kept(x: [N], #[state] all: [N, N, N]) -> [] { all = all + 1.0; x.sum() }
}

fn told(found: Result<Tensor>, value: &str) {
    match found {
        Err(e @ Error::OutOfMemory { .. }) => {
            let text = e.to_string();
            assert!(text.contains("Large::") && text.contains(value), "{text}");
        }
        other => panic!("{value}: {:?}", other.map(|t| t.shape().to_vec())),
    }
}

#[test]
fn values_larger_than_memory_are_named() {
    let mut net = Large::new(Cpu::new(), 1).unwrap();
    // A cube has 2^63 elements; of sides of 3,000,000 it has more than 2^64.
    for side in [SIDE, 3_000_000] {
        let x = vec![1f32; side];
        told(net.cube(&x).map(|y| y.to_tensor()), "`cube`: [N, N, N]");
        let at = format!("N is {side}");
        told(net.cube(&x).map(|y| y.to_tensor()), &at);
        told(
            net.folded(&x).map(|y| Tensor::from(y.item().unwrap())),
            "[N, N, N]",
        );
        told(
            net.folded_backward(&x)
                .map(|y| Tensor::from(y.item().unwrap())),
            "[N, N, N]",
        );
        told(
            net.ordered(&vec![1i32; side]).map(|y| y.to_tensor()),
            "[N, N, N]",
        );
    }
    // There may be any number of empty rows.
    for rows in [usize::MAX, usize::MAX / 2, usize::MAX / 4] {
        let x = Tensor::from_vec([rows, 0], Vec::<f32>::new()).unwrap();
        told(net.wide(&x, &x).map(|y| y.to_tensor()), "[2*B, 3]");
    }
    let x = Tensor::from_vec([1 << 40, 0], Vec::<f32>::new()).unwrap();
    assert_eq!(net.nothing(&x).unwrap().shape(), [1 << 41, 0]);
    let x = Tensor::from_vec([1 << 48, 0], Vec::<f32>::new()).unwrap();
    let found = net.nothing(&x).map(|y| y.to_tensor());
    told(
        found,
        "no room for `B` elements, where B is 281474976710656",
    );
    told(
        net.literal(&Tensor::from_vec([1, 1, 1], vec![1f32]).unwrap())
            .map(|y| y.to_tensor()),
        "output: ",
    );
    told(
        net.constant(&[1f32]).map(|y| y.to_tensor()),
        "the result: [SIDE, SIDE, SIDE]",
    );
    // As a number, a difference of sizes may be below 0.
    assert_eq!(
        net.difference(&[0.5f32, 1.5]).unwrap().as_slice(),
        [-7.5, -6.5]
    );
    // Sizes that fit run after all these errors.
    assert_eq!(
        net.cube(&[1f32, 2.0]).unwrap().as_slice(),
        [1.0, 2.0, 2.0, 4.0, 2.0, 4.0, 4.0, 8.0]
    );
}

#[test]
fn states_and_constants() {
    let net = Large::new(Cpu::new(), 1).unwrap();
    for side in [SIDE, 3_000_000, usize::MAX] {
        let Err(error) = net.state(side) else {
            panic!("there is room for {side}");
        };
        assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
    }
    assert!(net.state(3).is_ok());
    // A size that cannot be counted is the largest number.
    assert_eq!(Large::<Cpu>::cube_memory(3_000_000), usize::MAX);
    assert_eq!(Large::<Cpu>::state_memory(3_000_000), usize::MAX);
    assert!(Tensor::zeros::<f32>([SIDE, SIDE, SIDE]).is_err());
    assert!(Tensor::zeros::<f64>([SIDE, SIDE]).is_err());
    assert!(Tensor::from_vec([SIDE, SIDE, SIDE, 2], vec![0f32; 4]).is_err());
    assert!(
        Tensor::from_vec([2, 2], vec![0f32; 4])
            .unwrap()
            .reshape([usize::MAX, 4])
            .is_err()
    );
}
