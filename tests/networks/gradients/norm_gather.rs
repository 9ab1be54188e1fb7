//! `norm` of every order and `gather` with a smaller index: PyTorch's values and gradients
//! (`fixtures/norm.py`), on both devices.

#[cfg(feature = "cuda")]
use netform_networks::device;

use netform::prelude::*;
use netform::{Error, Float, Result};

network! {
    struct Norms {}
    fn p0(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, 0, dim = 1, keepdim = true) * w).sum() + norm(x, 0) }
    fn half(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, 0.5, dim = 1, keepdim = true) * w).sum() + norm(x, 0.5) }
    fn p1(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, 1, dim = 1, keepdim = true) * w).sum() + norm(x, 1) }
    fn p15(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, 1.5, dim = 1, keepdim = true) * w).sum() + norm(x, 1.5) }
    fn p2(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, dim = 1, keepdim = true) * w).sum() + norm(x) }
    fn p3(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, 3, dim = 1, keepdim = true) * w).sum() + norm(x, 3) }
    fn p4(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, 4.0, dim = 1, keepdim = true) * w).sum() + norm(x, 4) }
    fn minus(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, -1, dim = 1, keepdim = true) * w).sum() + norm(x, -1) }
    fn below(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, -2.5, dim = 1, keepdim = true) * w).sum() + vector_norm(x, -2.5) }
    fn most(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, inf, dim = 1, keepdim = true) * w).sum() + norm(x, inf) }
    fn least(#[grad] x: [3, 4], w: [3, 1]) -> [] { (norm(x, -inf, dim = 1, keepdim = true) * w).sum() + norm(x, -inf) }
    fn several(x: [A, B, C]) -> ([B], [A, 1, C]) { (norm(x, 3, dim = [0, 2]), norm(x, inf, 1, keepdim = true)) }

    fn gathered(#[grad] x: [A, B], i: u32[C, D]) -> [C, D] { gather(x, 1, i) }
    fn down(#[grad] x: [A, B], i: u32[C, D]) -> [C, D] { x.gather(0, i) }
    fn fixed(#[grad] x: [2, 3, 4], i: u32[1, 2, 5]) -> [1, 2, 5] { x.gather(dim = 2, index = i) }
    fn picked(x: i32[A, B], i: u32[C, 1]) -> i32[C, 1] { x.gather(1, i) }
}

const X: [[f64; 4]; 3] = [[0.0, -2.0, 2.0, 1.5], [0.5, -0.5, 3.0, -3.0], [0.0; 4]];
const W: [[f64; 1]; 3] = [[1.0], [-2.0], [0.5]];

/// The values and gradients of the functions above, in their order.
const WANTED: [(f64, [f64; 12]); 11] = [
    // 0
    (
        2.0,
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
    // 0.5
    (
        48.60374842106006,
        [
            0.0,
            -9.181540550352054,
            9.181540550352054,
            10.601929816642448,
            -1.1669286779974772,
            1.1669286779974772,
            -0.4763966378857267,
            0.4763966378857267,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    // 1
    (
        4.0,
        [
            0.0, -2.0, 2.0, 2.0, -1.0, 1.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0,
        ],
    ),
    // 1.5
    (
        0.8962218176471435,
        [
            0.0,
            -1.2564979812559858,
            1.2564979812559858,
            1.088159171571547,
            -0.3670785153824078,
            0.3670785153824078,
            -0.8991550582252852,
            0.8991550582252852,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    // 2
    (
        -0.038860500944398524,
        [
            0.0,
            -0.9976969708505499,
            0.9976969708505499,
            0.7482727281379123,
            -0.13924479666360717,
            0.13924479666360717,
            -0.8354687799816432,
            0.8354687799816432,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    // 3
    (
        -0.6940989446662309,
        [
            0.0,
            -0.7822035901091959,
            0.7822035901091959,
            0.4399895194364227,
            -0.020658514213168888,
            0.020658514213168888,
            -0.74370651167408,
            0.74370651167408,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    // 4
    (
        -0.9124742127296024,
        [
            0.0,
            -0.6834691111844393,
            0.6834691111844393,
            0.28833853128093534,
            -0.0031448407512635022,
            0.0031448407512635022,
            -0.6792856022729166,
            0.6792856022729166,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    // -1
    (
        -0.4285714285714286,
        [
            0.0,
            -0.0,
            0.0,
            0.0,
            -0.3673469387755103,
            0.3673469387755103,
            -0.010204081632653062,
            0.010204081632653062,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    // -2.5
    (
        -0.7544476121977474,
        [
            0.0,
            -0.0,
            0.0,
            0.0,
            -0.7459879371958892,
            0.7459879371958892,
            -0.0014099458336429879,
            0.0014099458336429879,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    // inf
    (
        -1.0,
        [0.0, -0.5, 0.5, 0.0, 0.0, 0.0, -0.5, 0.5, 0.0, 0.0, 0.0, 0.0],
    ),
    // -inf
    (
        -1.0,
        [0.0, -0.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ),
];

fn close(found: f64, want: f64, tolerance: f64, name: &str) {
    let fits = (found - want).abs() <= tolerance * (1.0 + want.abs());
    assert!(fits, "{name}: {found}, not {want}");
}

fn norms<D: Device>(device: D, tolerance: f64) -> Result<()> {
    let mut net = Norms::new(device, 1)?;
    macro_rules! check {
        ($($f:ident $backward:ident)*) => {{
            let mut wanted = WANTED.iter();
            $(
                let (value, gradient) = wanted.next().expect("a row");
                let name = stringify!($f);
                close(net.$f(&X, &W)?.item()?.to_f64(), *value, tolerance, name);
                let (loss, dx) = net.$backward(&X, &W)?;
                close(loss.item()?.to_f64(), *value, tolerance, name);
                let dx = dx.to_tensor().to_f64_vec();
                assert_eq!(dx.len(), 12);
                for (found, want) in dx.iter().zip(gradient) {
                    close(*found, *want, tolerance, name);
                }
            )*
        }};
    }
    check!(p0 p0_backward half half_backward p1 p1_backward p15 p15_backward p2 p2_backward p3 p3_backward
        p4 p4_backward minus minus_backward below below_backward most most_backward least least_backward);
    let x = Tensor::from_vec([2, 2, 2], vec![1f32, -2.0, 0.0, 3.0, -1.0, 2.0, 4.0, 0.0])?;
    let (a, b) = net.several(&x)?;
    for (found, want) in a
        .to_tensor()
        .to_f64_vec()
        .into_iter()
        .zip([18f64.cbrt(), 91f64.cbrt()])
    {
        close(found, want, tolerance, "several");
    }
    assert_eq!(b.to_tensor().to_f64_vec(), [1.0, 3.0, 4.0, 2.0]);
    assert_eq!(b.shape(), [2, 1, 2]);
    let nothing = Tensor::zeros::<f32>([2, 0, 2])?;
    assert!(matches!(
        net.several(&nothing),
        Err(Error::Requirement { .. })
    ));
    Ok(())
}

fn gathers<D: Device>(device: D) -> Result<()> {
    let mut net = Norms::new(device, 1)?;
    let x = [
        [1f64, 2.0, 3.0, 4.0],
        [5.0, 6.0, 7.0, 8.0],
        [9.0, 10.0, 11.0, 12.0],
    ];
    let i = [[3u32, 0, 0], [1, 2, 2]];
    assert_eq!(
        net.gathered(&x, &i)?.to_tensor().to_f64_vec(),
        [4.0, 1.0, 1.0, 6.0, 7.0, 7.0]
    );
    let dy = [[1f64, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let dx = net.gathered_vjp(&x, &i, &dy)?.to_tensor().to_f64_vec();
    assert_eq!(
        dx,
        [5.0, 0.0, 0.0, 1.0, 0.0, 4.0, 11.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    );
    // Longer along the dimension, and narrower than x.
    let i = [[2u32, 0], [1, 1], [0, 2], [2, 2]];
    let y = net.down(&x, &i)?.to_tensor();
    assert_eq!(y.to_f64_vec(), [9.0, 2.0, 5.0, 6.0, 1.0, 10.0, 9.0, 10.0]);
    let dy = [[1f64, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]];
    let dx = net.down_vjp(&x, &i, &dy)?.to_tensor().to_f64_vec();
    assert_eq!(
        dx,
        [3.0, 1.0, 0.0, 0.0, 2.0, 2.0, 0.0, 0.0, 5.0, 7.0, 0.0, 0.0]
    );
    let deep = Tensor::from_vec([2, 3, 4], (0..24).map(f64::from).collect())?;
    let i = [[[0u32, 3, 3, 1, 2], [2, 2, 0, 0, 1]]];
    let y = net.fixed(&deep, &i)?.to_tensor().to_f64_vec();
    assert_eq!(y, [0.0, 3.0, 3.0, 1.0, 2.0, 6.0, 6.0, 4.0, 4.0, 5.0]);
    let dy = Tensor::from_vec([1, 2, 5], vec![1f64; 10])?;
    let dx = net.fixed_vjp(&deep, &i, &dy)?.to_tensor().to_f64_vec();
    assert_eq!(dx[..8], [1.0, 1.0, 1.0, 2.0, 2.0, 1.0, 2.0, 0.0]);
    assert_eq!(dx[8..], [0.0; 16]);
    let whole = [[16777217, 3], [5, 16777219], [0, 0]];
    assert_eq!(
        net.picked(&whole, &[[0u32], [1]])?.as_slice(),
        [16777217, 16777219]
    );
    assert_eq!(
        net.picked(&whole, &Tensor::zeros::<u32>([0, 1])?)?.shape(),
        [0, 1]
    );
    // Larger than x, or out of its range.
    let error = net.gathered(&x, &[[0u32]; 4]).unwrap_err();
    assert!(matches!(error, Error::Requirement { .. }), "{error}");
    let error = net.gathered(&x, &[[4u32]]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::IndexOutOfRange {
                index: "i",
                limit: 4,
                ..
            }
        ),
        "{error}"
    );
    Ok(())
}

#[test]
fn norms_of_every_order() {
    norms(Cpu::new(), 1e-5).unwrap();
    norms(Cpu::f64(), 1e-12).unwrap();
    #[cfg(feature = "cuda")]
    norms(device::cuda(), 1e-5).unwrap();
}

#[test]
fn gather_with_a_smaller_index() {
    gathers(Cpu::new()).unwrap();
    gathers(Cpu::f64()).unwrap();
    #[cfg(feature = "cuda")]
    gathers(device::cuda()).unwrap();
}
