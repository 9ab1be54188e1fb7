//! PyTorch's attributes of a tensor, states in tuples of tuples, indices of constant arrays that are constants, and
//! constants that may be any number beside integers: each beside the same in other words.

use netform::prelude::*;

const V_MIN: f64 = -2.5;
const STEP: f64 = 0.5;
const WIDTHS: [usize; 4] = [3, 4, 6, 8];
const LAST: usize = 3;
const MEMORY: usize = 2;

network! {
    struct Net {
        w: Linear(4 -> 3),
        steps: [Linear(4 -> 4); LAST],
        head: Linear(WIDTHS[LAST] -> WIDTHS[LAST - 1]),
    }
    fn shapes(x: [B, T, 4]) -> [B, T, 3] {
        let (b, t, c) = x.shape;
        (x.view(-1, c) @ w.weight.T).view(b, t, 3) * x.ndim * x.dim() * len(x)
    }
    fn shapes_in_words(x: [B, T, 4]) -> [B, T, 3] { (x @ w.weight.t()) * 3 * 3 * B }

    fn pairs(x: [B, T, 4]) -> ([B, T], i64[B, T], [B, T, 4], [B, 4, T], []) {
        let (b, t) = (x.size(0), x.size()[1]);
        let best = x.max(dim = 2).values.view(b, t);
        (best, torch.max(x, dim = -1).indices, x / x.shape[-1], x.mT, x.sum() / x.numel())
    }
    fn pairs_in_words(x: [B, T, 4]) -> ([B, T], i64[B, T], [B, T, 4], [B, 4, T], []) {
        (x.amax(2), x.argmax(2), x / 4, x.transpose(1, 2), x.mean())
    }

    fn nested(x: [B, T, 4]) -> ([B, T, 4], [B, T], [B, 4]) {
        let init = ((zeros(B, 4), ones(B, 4)), zeros(B));
        let (((h, _), _), (all, (sums, _))) = scan(x, init, |((h, c), n), x_t| {
            let h = tanh(0.5 * h + c * x_t);
            let n = n + h.sum(1);
            (((h, 0.9 * c), n), (h, (n, c)))
        });
        (all, sums, h)
    }
    fn nested_in_words(x: [B, T, 4]) -> ([B, T, 4], [B, T], [B, 4]) {
        let ((h, _, _), (all, sums)) = scan(x, (zeros(B, 4), ones(B, 4), zeros(B)), |(h, c, n), x_t| {
            let h = tanh(0.5 * h + c * x_t);
            let n = n + h.sum(1);
            ((h, 0.9 * c, n), (h, n))
        });
        (all, sums, h)
    }

    fn support() -> [5] { V_MIN + arange(5) * STEP }
    fn by_list(x: [B, 2, 3]) -> [B, 2, 3] { x * [0.5, 2, -1][None, None, :] + [1, 3].view(2, 1) }
    fn mask() -> bool[3, 5] { triu(ones(3, 5), diagonal = 1 + MEMORY).bool() }
    fn counted(x: [B, 4]) -> [B, 4] {
        let mut x = x;
        for i in 1..LAST { x = steps[i](x) + steps[i - 1](x); }
        x
    }
    fn counted_in_words(x: [B, 4]) -> [B, 4] {
        let x = steps[1](x) + steps[0](x);
        steps[2](x) + steps[1](x)
    }
    fn wide(x: [B, WIDTHS[LAST]]) -> [B, WIDTHS[LAST - 1]] { head(x) }
}

fn numbers(shape: &[usize]) -> Tensor {
    let len = shape.iter().product();
    let all = (0..len).map(|k| ((k * 37 % 23) as f64 - 11.0) / 7.0);
    Tensor::from_vec(shape, all.collect::<Vec<f64>>()).unwrap()
}

#[test]
fn attributes_are_the_same_in_other_words() -> netform::Result<()> {
    let net = Net::new(Cpu::f64(), 1)?;
    let x = numbers(&[2, 5, 4]);
    assert_eq!(net.shapes(&x)?.to_vec(), net.shapes_in_words(&x)?.to_vec());
    let (a, b, c, d, e) = net.pairs(&x)?;
    let (p, q, r, s, t) = net.pairs_in_words(&x)?;
    assert_eq!((a.to_vec(), b.to_vec()), (p.to_vec(), q.to_vec()));
    assert_eq!((c.to_vec(), d.to_vec()), (r.to_vec(), s.to_vec()));
    assert!((e.item()? - t.item()?).abs() < 1e-15);
    let (a, b, c) = net.nested(&x)?;
    let (p, q, r) = net.nested_in_words(&x)?;
    assert_eq!(
        (a.to_vec(), b.to_vec(), c.to_vec()),
        (p.to_vec(), q.to_vec(), r.to_vec())
    );
    Ok(())
}

#[test]
fn constants_and_lists_are_numbers() -> netform::Result<()> {
    let mut net = Net::new(Cpu::f64(), 1)?;
    assert_eq!(net.support()?.to_vec(), [-2.5, -2.0, -1.5, -1.0, -0.5]);
    let y = net.by_list(&numbers(&[1, 2, 3]))?;
    let x = numbers(&[6]).to_f64_vec();
    let wanted: Vec<f64> = (0..6)
        .map(|k| x[k] * [0.5, 2.0, -1.0][k % 3] + [1.0, 3.0][k / 3])
        .collect();
    assert_eq!(y.as_slice(), wanted);
    let mask: Vec<bool> = net.mask()?.as_slice().to_vec();
    let wanted: Vec<bool> = (0..15).map(|k| k % 5 >= k / 5 + 3).collect();
    assert_eq!(mask, wanted);
    let (x, dy) = (numbers(&[2, 4]), numbers(&[2, 4]));
    assert_eq!(
        net.counted(&x)?.to_vec(),
        net.counted_in_words(&x)?.to_vec()
    );
    net.counted_vjp(&x, &dy)?;
    let gradients: Vec<f64> = net.gradient("steps.1.weight")?.to_f64_vec();
    net.counted_in_words_vjp(&x, &dy)?;
    for (a, b) in gradients
        .iter()
        .zip(net.gradient("steps.1.weight")?.to_f64_vec())
    {
        assert!((a - b).abs() < 1e-14, "{a} {b}");
    }
    assert_eq!(net.parameter("head.weight")?.shape(), [6, 8]);
    assert_eq!(net.wide(&numbers(&[3, 8]))?.shape(), [3, 6]);
    Ok(())
}

network! {
    /// `S` is 1 or more: the macro tries 0, too, where the last branch has no layers.
    pub struct Unit<const C: usize, const S: usize> {
        #[when(S > 1)]
        down: Linear(C -> C),
        keep: Linear(C -> C),
    }
    fn forward(x: [B, C]) -> [B, C] {
        if S == 1 { keep(x) } else { down(x) + keep(x) }
    }
}
network! {
    struct Units {
        a: Unit<4, 1>,
        b: Unit<4, 2>,
    }
    fn forward(x: [B, 4]) -> [B, 4] { b(a(x)) }
    fn loss(x: [B, 4]) -> [] { forward(x).mean() }
}

#[test]
fn errors_of_impossible_variants_are_none() -> netform::Result<()> {
    let net = Units::new(Cpu::new(), 1)?;
    assert_eq!(net.parameters().count(), 6);
    assert_eq!(Unit::<3, 2>::new(Cpu::new(), 1)?.parameters().count(), 4);
    Ok(())
}

const TIME: usize = 6;

network! {
    /// Only the signature has `TIME`: its size is checked when the function is called.
    struct Window {
        linear: Linear(2 -> 3),
    }
    fn forward(x: [B, TIME, 2]) -> [B, TIME, 3] { linear(x) }
    fn loss(x: [B, TIME, 2]) -> [] { forward(x).mean() }
}

#[test]
fn a_dimension_with_the_name_of_a_constant_has_its_value() -> netform::Result<()> {
    let mut net = Window::new(Cpu::new(), 1)?;
    let x = Tensor::zeros::<f32>([2, TIME, 2])?;
    assert_eq!(net.forward(&x)?.shape(), [2, 6, 3]);
    net.loss_step(&mut Adam::new(1e-3), &x)?;
    let error = net
        .forward(&Tensor::zeros::<f32>([2, 5, 2])?)
        .map(|_| ())
        .unwrap_err();
    assert!(
        matches!(
            error,
            netform::Error::Constant {
                name: "TIME",
                size: 5,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "Window::forward: the dimension TIME is 5, but the Rust constant `TIME` has another value"
    );
    Ok(())
}
