//! Custom ops: against the same function in the language, in blocks of other modules, in loops and scans, with several
//! results and integers, against finite differences.

use netform::prelude::*;
use netform_networks::near::near;
use netform_networks::values::wave;

pub(crate) mod ops {
    use netform::Float;
    use netform::custom::{Array, ArrayMut};

    /// `y = x^3 w`, a weight for each column.
    pub fn cubed<F: Float>(x: Array<'_, F>, w: Array<'_, F>, mut y: ArrayMut<'_, F>) {
        assert_eq!(x.shape(), y.shape());
        let n = w.shape()[0];
        for (k, y) in y.iter_mut().enumerate() {
            *y = x[k] * x[k] * x[k] * w[k % n];
        }
    }

    pub fn cubed_backward<F: Float>(
        x: Array<'_, F>,
        w: Array<'_, F>,
        y: Array<'_, F>,
        dy: Array<'_, F>,
        mut dx: ArrayMut<'_, F>,
        mut dw: ArrayMut<'_, F>,
    ) {
        assert_eq!(y.len(), x.len());
        let n = w.len();
        dw.fill(F::from_f64(0.0));
        for k in 0..x.len() {
            dx[k] = F::from_f64(3.0) * x[k] * x[k] * w[k % n] * dy[k];
            dw[k % n] += x[k] * x[k] * x[k] * dy[k];
        }
    }

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
        count: Array<'_, i64>,
        dy: Array<'_, F>,
        mut dx: ArrayMut<'_, F>,
    ) {
        assert_eq!(count.iter().sum::<i64>() as usize, at.len());
        let width = x.shape()[1];
        dx.fill(F::from_f64(0.0));
        for (dy, &at) in dy.chunks(width).zip(&*at) {
            for (k, dy) in dy.iter().enumerate() {
                let to = at as usize * width + k;
                dx[to] += *dy;
            }
        }
    }

    netform::network! {
        /// A block with an op whose functions only this module knows by these names.
        pub struct Cubed<const D: usize> {
            linear: Linear(D -> D),
            weight: Param[D] = ones,
        }

        #[custom(forward = cubed, backward = self::cubed_backward)]
        fn cubed(x: [B, N], w: [N]) -> [B, N];

        fn forward(x: [B, D]) -> [B, D] {
            cubed(tanh(linear(x)), weight)
        }
    }
}

network! {
    struct Mine {
        first: ops::Cubed<4>,
        blocks: [ops::Cubed<4>; 3],
    }

    #[custom(forward = ops::picked, backward = ops::picked_backward)]
    fn picked(x: [R, D], at: u32[B]) -> ([B, D], i32[R]);

    fn forward(x: [B, 4], at: u32[K]) -> [K, 4] {
        let mut x = first(x);
        for block in blocks {
            x = x + block(x);
        }
        let (rows, count) = picked(x, at);
        rows * count.float().sum()
    }

    fn loss(#[grad] x: [B, 4], at: u32[K]) -> [] {
        forward(x, at).square().mean()
    }

    fn steps(x: [B, T, 4]) -> [] {
        let (last, all) = scan(x, zeros([B, 4]), |h, x_t| {
            let h = first(h + x_t);
            (h, h)
        });
        (last * all.mean(1)).sum()
    }
}

network! {
    struct Given<const D: usize> {
        linear: Linear(D -> D),
        weight: Param[D] = ones,
    }

    fn forward(x: [B, D]) -> [B, D] {
        tanh(linear(x)).pow(3) * weight
    }
}

network! {
    /// The same without ops of one's own.
    struct Plain {
        first: Given<4>,
        blocks: [Given<4>; 3],
    }

    fn forward(x: [B, 4], at: u32[K]) -> [K, 4] {
        let mut x = first(x);
        for block in blocks {
            x = x + block(x);
        }
        index_select(x, 0, at) * K
    }

    fn loss(#[grad] x: [B, 4], at: u32[K]) -> [] {
        forward(x, at).square().mean()
    }

    fn steps(x: [B, T, 4]) -> [] {
        let (last, all) = scan(x, zeros([B, 4]), |h, x_t| {
            let h = first(h + x_t);
            (h, h)
        });
        (last * all.mean(1)).sum()
    }
}

#[test]
fn values_and_gradients_are_those_of_the_same_in_the_language() {
    let mut mine = Mine::new(Cpu::f64(), 1).unwrap();
    let mut plain = Plain::new(Cpu::f64(), 1).unwrap();
    for (rows, at) in [
        (5, vec![0u32, 4, 4, 2, 1, 4, 0]),
        (1, vec![0]),
        (2, vec![1, 1]),
    ] {
        let x = wave(&[rows, 4], 0.37);
        near(
            "forward",
            &mine.forward(&x, &at).unwrap().to_tensor(),
            &plain.forward(&x, &at).unwrap().to_tensor(),
            1e-12,
        );
        let (a, da) = mine.loss_backward(&x, &at).unwrap();
        let (b, db) = plain.loss_backward(&x, &at).unwrap();
        assert!((a.item().unwrap() - b.item().unwrap()).abs() < 1e-12);
        near("dx", &da.to_tensor(), &db.to_tensor(), 1e-12);
        drop((a, da, b, db));
        for p in plain.parameters() {
            let name = p.name();
            near(
                name,
                &mine.gradient(name).unwrap(),
                &plain.gradient(name).unwrap(),
                1e-12,
            );
        }
    }
    let x = wave(&[2, 5, 4], 0.37);
    mine.steps_backward(&x).unwrap();
    plain.steps_backward(&x).unwrap();
    for p in plain.parameters() {
        let name = p.name();
        near(
            name,
            &mine.gradient(name).unwrap(),
            &plain.gradient(name).unwrap(),
            1e-12,
        );
    }
}

#[test]
fn an_op_is_a_function_of_its_network() {
    let mut net = ops::Cubed::<3, Cpu>::new(Cpu::new(), 0).unwrap();
    let y = net.cubed(&[[1.0f32, 2.0]], &[1.0f32, 0.5]).unwrap();
    assert_eq!(y.to_tensor().to_f64_vec(), [1.0, 4.0]);
    drop(y);
    net.cubed_vjp(&[[1.0f32, 2.0]], &[1.0f32, 0.5], &[[1.0f32, 1.0]])
        .unwrap();
}
