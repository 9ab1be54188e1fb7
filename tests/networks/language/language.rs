//! The language from end to end: every construct, with values worked out by hand.

use netform::prelude::*;

const IN: usize = 3;
const OUT: usize = 2;

network! {
    /// Constants, own parameters, frozen layers, functions that call each other.
    pub struct Everything {
        linear: Linear(IN -> OUT),
        head: Linear(OUT -> 2 * OUT, bias = false),
        scale: Param[OUT] = ones,
        shift: Param[2, OUT] = 0.5,
        #[frozen]
        fixed: Linear(IN -> 1, bias = false),
    }

    fn forward(x: [B, IN]) -> [B, OUT] {
        linear(x) * scale
    }

    fn both(x: [B, IN], y: [B, IN]) -> ([B, OUT], [B]) {
        let (a, b) = (forward(x), forward(y));
        let a = a + b;
        (a, a.sum(1))
    }

    fn wide(x: [B, IN]) -> [B, 2 * OUT] {
        head(forward(x)) + shift.reshape([2 * OUT])
    }

    fn loss(x: [B, IN], y: [B, OUT]) -> [] {
        mse_loss(forward(x), y) + fixed(x).mean() * 0.0 + 0.0 * wide(x).sum()
    }

    /// The sum of squares of all weights.
    fn penalty() -> [] {
        square(linear.weight).sum() + square(head.weight).sum()
    }
}

fn tensor(shape: &[usize], data: &[f32]) -> Tensor {
    Tensor::from_vec(shape, data.to_vec()).unwrap()
}

fn filled() -> Everything {
    let mut net = Everything::new(Cpu::new(), 1).unwrap();
    net.set_parameter("linear.weight", &tensor(&[2, 3], &[1., 2., 3., 4., 5., 6.]))
        .unwrap();
    net.set_parameter("linear.bias", &tensor(&[2], &[0.5, -0.5]))
        .unwrap();
    net.set_parameter("head.weight", &tensor(&[4, 2], &[1.; 8]))
        .unwrap();
    net.set_parameter("scale", &tensor(&[2], &[1., 2.]))
        .unwrap();
    net
}

#[test]
fn functions_constants_and_parameters() {
    let net = filled();
    let x = [[1.0f32, 0.0, -1.0], [0.0, 1.0, 0.0]];
    assert_eq!(*net.forward(&x).unwrap(), [[-1.5, -5.0], [2.5, 9.0]]);
    let (a, sums) = net.both(&x, &x).unwrap();
    assert_eq!(*a, [[-3.0, -10.0], [5.0, 18.0]]);
    assert_eq!(*sums, [-13.0, 23.0]);
    let wide = net.wide(&x).unwrap();
    assert_eq!(
        (wide.shape(), wide.as_slice()),
        (
            &[2usize, 4][..],
            &[-6.0, -6.0, -6.0, -6.0, 12.0, 12.0, 12.0, 12.0][..]
        )
    );
    assert_eq!(net.penalty().unwrap().item().unwrap(), 91.0 + 8.0);
}

#[test]
fn gradients_are_overwritten_or_added() {
    let mut net = filled();
    net.penalty_backward().unwrap();
    let once = net.gradient("linear.weight").unwrap().to_f64_vec();
    assert_eq!(once, [2., 4., 6., 8., 10., 12.]);
    assert_eq!(
        net.gradient("scale").unwrap().to_f64_vec(),
        [0.0, 0.0],
        "not reached by this function"
    );
    net.penalty_backward().unwrap();
    assert_eq!(net.gradient("linear.weight").unwrap().to_f64_vec(), once);
    net.penalty_accumulate().unwrap();
    assert_eq!(
        net.gradient("linear.weight").unwrap().to_f64_vec(),
        [4., 8., 12., 16., 20., 24.]
    );
    net.zero_grad();
    assert_eq!(
        net.gradient("linear.weight").unwrap().to_f64_vec(),
        [0.0; 6]
    );
}

#[test]
fn frozen_layers_stay() {
    let mut net = filled();
    let before = net.parameter("fixed.weight").unwrap().to_f64_vec();
    let mut sgd = Sgd::new(0.1).weight_decay(0.1);
    let first = net
        .loss_step(&mut sgd, &[[1.0, 2.0, 3.0]], &[[0.0, 0.0]])
        .unwrap()
        .item()
        .unwrap();
    let then = net
        .loss(&[[1.0, 2.0, 3.0]], &[[0.0, 0.0]])
        .unwrap()
        .item()
        .unwrap();
    assert!(first.is_finite() && then != first);
    assert_eq!(net.parameter("fixed.weight").unwrap().to_f64_vec(), before);
}

network! {
    struct Values {}

    fn lecture(#[grad] x: [], #[grad] y: []) -> [] { y * (x * x + x) }

    fn index(x: [B, 4, 3]) -> ([B, 3], [B, 4], [B, 2, 3], [B, 1, 3]) {
        (x[.., 1, ..], x[..., -1], x[.., 1..3], x[.., -1.., ..])
    }

    fn integers(ids: u32[B, T], k: i64[B]) -> (bool[B, T], i32[B, T], [B, T]) {
        let mut hit = ids == 2;
        hit = hit | (ids > k.unsqueeze(1).int());
        (hit, ids * 2 - 1, where(hit, ids / 4, 0.5))
    }

    fn masks(x: [B], keep: bool[B]) -> ([B], [B]) {
        (x.where(keep & !(x > 2), -1), masked_fill(x, keep, inf))
    }

    fn dims(x: [B, T]) -> ([T, B], [B / 2, 2 * T], [B, T - 1], []) {
        let t: [T, B] = x.t();
        (t, x.reshape([B / 2, -1]), x[.., 1..] - x[.., ..T - 1], x.sum() / (B * T))
    }

    fn orders(x: [B]) -> [B] { -x * 2.0 + 3.0 / (1.0 + x) - x / 2.0 - 1.0 }
}

#[test]
fn any_computation_graph() {
    let mut net = Values::new(Cpu::new(), 0).unwrap();
    let (f, (dx, dy)) = net.lecture_backward(2.0, 1.0).unwrap();
    assert_eq!(
        (f.item().unwrap(), dx.item().unwrap(), dy.item().unwrap()),
        (6.0, 5.0, 6.0)
    );
}

#[test]
fn indices_and_slices() {
    let net = Values::new(Cpu::new(), 0).unwrap();
    let x: [[[f32; 3]; 4]; 2] = std::array::from_fn(|b| {
        std::array::from_fn(|r| std::array::from_fn(|c| (b * 100 + r * 10 + c) as f32))
    });
    let (row, column, rows, last) = net.index(&x).unwrap();
    assert_eq!(*row, [[10., 11., 12.], [110., 111., 112.]]);
    assert_eq!(*column, [[2., 12., 22., 32.], [102., 112., 122., 132.]]);
    assert_eq!(
        *rows,
        [
            [[10., 11., 12.], [20., 21., 22.]],
            [[110., 111., 112.], [120., 121., 122.]]
        ]
    );
    assert_eq!(*last, [[[30., 31., 32.]], [[130., 131., 132.]]]);
}

#[test]
fn integers_and_booleans() {
    let net = Values::new(Cpu::new(), 0).unwrap();
    let (hit, twice, mixed) = net.integers(&[[1u32, 2], [3, 4]], &[5i64, 3]).unwrap();
    assert_eq!(hit.as_slice(), [false, true, false, true]);
    assert_eq!(twice.as_slice(), [1, 3, 5, 7]);
    assert_eq!(mixed.as_slice(), [0.5, 0.5, 0.5, 1.0]);
    let (a, b) = net.masks(&[1.0, 3.0, 5.0], &[true, true, false]).unwrap();
    assert_eq!(*a, [1.0, -1.0, -1.0]);
    assert_eq!(*b, [f32::INFINITY, f32::INFINITY, 5.0]);
}

#[test]
fn arithmetic_on_dimensions() {
    let net = Values::new(Cpu::new(), 0).unwrap();
    let x = [[1.0f32, 2.0, 4.0], [3.0, 6.0, 8.0]];
    let (t, pairs, steps, mean) = net.dims(&x).unwrap();
    assert_eq!(
        (t.shape(), t.as_slice()),
        (&[3usize, 2][..], &[1., 3., 2., 6., 4., 8.][..])
    );
    assert_eq!(
        (pairs.shape(), pairs.as_slice()),
        (&[1usize, 6][..], &[1., 2., 4., 3., 6., 8.][..])
    );
    assert_eq!(
        (steps.shape(), steps.as_slice()),
        (&[2usize, 2][..], &[1., 2., 3., 2.][..])
    );
    assert_eq!(mean.item().unwrap(), 4.0);
    let odd = net.dims(&[[1.0f32; 3]; 3]).unwrap_err().to_string();
    assert!(odd.contains("B must be a multiple of 2"), "{odd}");
    assert_eq!(*net.orders(&[1.0, 0.0]).unwrap(), [-2.0, 2.0]);
}

network! {
    struct Dropped {
        drop: Dropout(p = 0.25),
        weight: Param[1] = ones,
    }
    fn forward(x: [B]) -> [B] { drop(x * weight) }
    fn loss(x: [B]) -> [] { forward(x).sum() }

    #[eval]
    fn careful(x: [B]) -> [] { forward(x).sum() }
}

/// Evaluation keeps everything; training drops a quarter and scales the rest, differently in each step.
#[test]
fn dropout_differs_between_training_and_evaluation() {
    let mut net = Dropped::new(Cpu::new(), 3).unwrap();
    let x = vec![1.0f32; 4000];
    assert_eq!(net.loss(&x).unwrap().item().unwrap(), 4000.0);
    let a = net.loss_backward(&x).unwrap().item().unwrap();
    let b = net.loss_backward(&x).unwrap().item().unwrap();
    assert_ne!(a, b);
    let whole = net.careful_backward(&x).unwrap().item().unwrap();
    assert_eq!(
        (whole, net.gradient("weight").unwrap().to_f64_vec()),
        (4000.0, vec![4000.0])
    );
    for sum in [a, b] {
        let kept = sum * 0.75;
        assert!((2850.0..3150.0).contains(&kept), "{kept} of 4000 kept");
        assert!(
            (kept - kept.round()).abs() < 1e-2,
            "the rest is scaled by 4/3"
        );
    }
}

/// A single bound is enough for code that is generic over the device.
fn train<D: Device>(device: D) -> netform::Result<f64> {
    let mut net = Everything::new(device, 7)?;
    let mut adam = Adam::new(0.05);
    for _ in 0..200 {
        net.loss_step(
            &mut adam,
            &[[1.0, 0.5, -1.0], [0.0, 1.0, 2.0]],
            &[[1.0, -1.0], [0.5, 2.0]],
        )?;
    }
    let loss = net.loss(
        &[[1.0, 0.5, -1.0], [0.0, 1.0, 2.0]],
        &[[1.0, -1.0], [0.5, 2.0]],
    )?;
    loss.to_string().parse::<f64>().map_err(|_| unreachable!())
}

#[test]
fn both_float_types_train() {
    for loss in [train(Cpu::new()), train(Cpu::f64())] {
        assert!(loss.unwrap() < 1e-3);
    }
}

network! {
    /// Integers and booleans stay what they are.
    struct Shifted { table: Embedding(9 -> 2) }
    fn behind(t: u32[B, T]) -> u32[B, T + 1] { pad(t, [1, 0], value = 8) }
    fn around(t: u32[B, 3]) -> u32[B, 5] { pad(t, [1, 1], mode = "circular") }
    fn seen(m: bool[B, T]) -> bool[B, T + 2] { pad(m, [0, 2], value = 1) }
    fn looked_up(t: u32[B, T]) -> [B, T + 1, 2] { table(pad(t, [1, 0])) }
}

#[test]
fn padded_integers() {
    let net = Shifted::new(Cpu::new(), 1).unwrap();
    let t = [[1u32, 2, 3], [4, 5, 6]];
    let ints = |t: Tensor| t.as_slice::<u32>().unwrap().to_vec();
    let y = net.behind(&t).unwrap().to_tensor();
    assert_eq!(ints(y), [8, 1, 2, 3, 8, 4, 5, 6]);
    let y = net.around(&t).unwrap().to_tensor();
    assert_eq!(ints(y), [3, 1, 2, 3, 1, 6, 4, 5, 6, 4]);
    let y = net.seen(&[[false, true]]).unwrap().to_tensor();
    assert_eq!(
        y,
        Tensor::from_vec([1, 4], vec![false, true, true, true]).unwrap()
    );
    assert_eq!(net.looked_up(&t).unwrap().shape(), [2, 4, 2]);
}

network! {
    struct Classes {}
    fn classes(i: i32[B, T]) -> [B, T, 3] { one_hot(i, 3) }
    fn weighed(i: i32[B], #[grad] x: [B, 3]) -> [] { (one_hot(i, 3) * x).sum() }
}

/// An index out of range is an error here, too.
#[test]
fn one_hot_of_no_class() {
    let mut net = Classes::new(Cpu::new(), 1).unwrap();
    let y = net.classes(&[[2, 0]]).unwrap().to_tensor().to_f64_vec();
    assert_eq!(y, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    let dx = net
        .weighed_backward(&[1], &[[1f32, 2.0, 3.0]])
        .unwrap()
        .1
        .to_tensor()
        .to_f64_vec();
    assert_eq!(dx, [0.0, 1.0, 0.0]);
    for wrong in [3, -1] {
        let error = net.classes(&[[wrong, 0]]).unwrap_err().to_string();
        let wanted = format!("`one_hot`: `i` holds {wrong} at [0, 0], which is outside 0..3");
        assert!(error.contains(&wanted), "{error}");
    }
}

network! {
    struct Cube {
        linear: Linear(2 -> 2),
    }
    fn forward(x: [B, T, 2]) -> [B, T, 2] { linear(x) * 0 + x }
}

#[test]
fn a_part_of_a_result_has_indices() -> netform::Result<()> {
    let net = Cube::new(Cpu::new(), 1)?;
    let x: Vec<f32> = (0..12).map(|v| v as f32).collect();
    let y = net.forward(&Tensor::from_vec([2, 3, 2], x.clone())?)?;
    assert_eq!(y.at([])?, x);
    assert_eq!(y.at([1])?, &x[6..]);
    assert_eq!(y.at([1, 2])?, [10.0, 11.0]);
    assert_eq!(y.at([0, 1, 1])?, [3.0]);
    for index in [&[2][..], &[0, 3], &[0, 0, 0, 0]] {
        let error = y.at(index).map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("at: index {index:?} is outside shape [2, 3, 2]")
        );
    }
    Ok(())
}
