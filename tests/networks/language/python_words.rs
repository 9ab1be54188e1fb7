//! Operators and slices as Python writes them: `**`, `@`, `+=`, `x[:, 0]`, `x[::2]`, `x[None]`.

use netform::Tensor;
use netform::prelude::*;

network! {
    struct Words {
        w: Param[4, 3],
        steps: Buffer<i64>[],
    }
    fn powers(x: [B, 4]) -> ([B, 4], [B, 4], [B, 4]) {
        (-x ** 2, 2 ** x ** 2, (x ** -1) * 3)
    }
    fn in_words(x: [B, 4]) -> ([B, 4], [B, 4], [B, 4]) {
        (-pow(x, 2), pow(2, pow(x, 2)), pow(x, -1) * 3)
    }
    fn products(x: [B, 4]) -> ([B, 3], [B]) {
        (x @ w * 2, (x @ w @ w.transpose(0, 1)).sum(1))
    }
    fn products_in_words(x: [B, 4]) -> ([B, 3], [B]) {
        (matmul(x, w) * 2, matmul(matmul(x, w), w.transpose(0, 1)).sum(1))
    }
    fn updated(x: [B, 4]) -> ([B, 4], bool[B, 4]) {
        let mut y = x;
        y += 1;
        y *= x - 2;
        y -= 0.5 * x;
        y /= 4;
        let mut small = y < 0;
        small &= x > 0;
        small |= x > 0.5;
        (y, small)
    }
    fn updated_in_words(x: [B, 4]) -> ([B, 4], bool[B, 4]) {
        let y = ((x + 1) * (x - 2) - 0.5 * x) / 4;
        (y, ((y < 0) & (x > 0)) | (x > 0.5))
    }
    fn lists(x: [B, 4]) -> ([B, 4], [B, 2], i64[3]) {
        (
            (x - [0.5, 1, -2, 0.25]) * [2, 0, 1, -1],
            x @ [[1.0, 2.0], [0.5, -1.0], [0.0, 1.0], [3.0, 0.0]],
            [3, 1, 2] + 1,
        )
    }
    fn slices(x: [B, 4]) -> ([B], [B, 2], [B, 2], [B, 2], [B, 3], [B, 4], [B, 1, 4], [1, B, 1]) {
        (x[:, 0], x[:, 1:3], x[:, ::2], x[:, 1:4:2], x[..., :-1], x[:, -9:12], x[:, None], x[None, :, 3:])
    }
    fn slices_in_words(x: [B, 4]) -> ([B], [B, 2], [B, 2], [B, 2], [B, 3], [B, 4], [B, 1, 4], [1, B, 1]) {
        (
            x.select(1, 0), x[.., 1..3], x.slice(1, 0, 4, 2), x.slice(1, 1, 4, 2), x[.., ..-1], x,
            x.unsqueeze(1), x[.., 3..].unsqueeze(0),
        )
    }
    fn parts(x: [B, 4], n: i64[3]) -> ([B, 4], [B, 4], [B, 4], i64[3], [B, 4]) {
        let mut a = x;
        a[:, 0] = 7;
        a[.., 1..3] += x[:, 2:];
        let mut b = x;
        b[..., ::2] *= [2.0, -1];
        b[:, -1] = b[:, 0] + 1;
        let mut c = x;
        c[:1] = x[1:2] ** 2;
        let mut n = n;
        n[1] -= 5;
        n[2] = 9;
        let mut d = x * 2;
        d[:] = x;
        (a, b, c, n, d)
    }
    fn sums(x: [B, 4], y: [2, B, 4, 3], z: [1, 3]) -> ([2, B, 3], [2, B, 4], [B, 4], [3, 2, B, 4], [3]) {
        (
            einsum("...i,...ij->...j", x, y),
            einsum("...ij,kj->...i", y, z),
            einsum("...", x),
            einsum("b...j->j...", y.unsqueeze(0)),
            einsum("kj,lj->j", z, w[:, :]),
        )
    }
    fn sums_in_words(x: [B, 4], y: [2, B, 4, 3], z: [1, 3]) -> ([2, B, 3], [2, B, 4], [B, 4], [3, 2, B, 4], [3]) {
        (
            (x[None, :, :, None] * y).sum(2),
            (y * z[0]).sum(3),
            x,
            y.permute([3, 0, 1, 2]),
            z[0] * w.sum(0),
        )
    }
    fn with_prefixes(x: [B, 4]) -> [B, 3] {
        let y = torch.matmul(x, self.w) + F.relu(x[:, :3]).mean();
        torch.nn.functional.softmax(y, dim = -1)
    }
    fn without_prefixes(x: [B, 4]) -> [B, 3] { softmax(matmul(x, w) + relu(x[:, :3]).mean(), dim = -1) }
    fn of_parts(x: [4]) -> [] {
        let mut y = w * x[:, None];
        y[:, 1] = 3 * w[:, 0] ** 2;
        y[0] *= y[1];
        y.sum()
    }
    /// What the compiler's help says for ops that other libraries have.
    fn helped(x: [4], m: bool[4]) -> (bool[], bool[], [4], [4, 4], [3, 3], [5], [4], [4], [4, 4]) {
        (
            m.int().amax(0) > 0,
            m.int().amin(0) > 0,
            x / norm(x, dim = -1, keepdim = true),
            x.unsqueeze(1) * x.unsqueeze(0),
            one_hot(arange(3), 3).float(),
            2.0 + 0.5 * arange(5),
            cat([x[-1..], x[..-1]], 0),
            logsumexp(stack([x, -x], 0), 0),
            ((x.unsqueeze(1).unsqueeze(1) - x.unsqueeze(1).unsqueeze(0)) ** 2).sum(-1),
        )
    }
    fn loss(x: [B, 4]) -> [] {
        steps += 1;
        let mut total = 0.0 * x.sum();
        total += (w ** 2).sum() * x[::2].mean();
        total -= (x @ w).tanh().mean();
        total
    }
}

#[test]
fn they_mean_what_they_mean_in_python() {
    let mut net = Words::new(Cpu::f64(), 1).unwrap();
    let w: Vec<f64> = (0..12).map(|i| f64::from(i).sin()).collect();
    net.set_parameter("w", &Tensor::from_vec([4, 3], w).unwrap())
        .unwrap();
    let x: Vec<f64> = (1..=20).map(|i| f64::from(i).cos()).collect();
    let x = Tensor::from_vec([5, 4], x).unwrap();
    macro_rules! same {
        ($a:ident $b:ident: $($k:tt)*) => {
            let (a, b) = (net.$a(&x).unwrap(), net.$b(&x).unwrap());
            $(assert_eq!(a.$k.to_tensor(), b.$k.to_tensor(), "{} {}", stringify!($a), $k);)*
        };
    }
    same!(powers in_words: 0 1 2);
    same!(products products_in_words: 0 1);
    let (a, b) = (
        net.with_prefixes(&x).unwrap(),
        net.without_prefixes(&x).unwrap(),
    );
    assert_eq!(a.to_tensor(), b.to_tensor());
    same!(updated updated_in_words: 0 1);
    same!(slices slices_in_words: 0 1 2 3 4 5 6 7);
    let (a, b, c) = net.lists(&[[1.0f64, 2.0, 3.0, 4.0]]).unwrap();
    assert_eq!(a.to_tensor().to_f64_vec(), [1.0, 0.0, 5.0, -3.75]);
    assert_eq!(
        b.to_tensor().to_f64_vec(),
        [1.0 + 1.0 + 12.0, 2.0 - 2.0 + 3.0]
    );
    assert_eq!(c.to_tensor(), Tensor::from(vec![4i64, 2, 3]));
    let x4 = [1.0f64, 2.0, 3.0, 4.0];
    let y = net.helped(&x4, &[false, true, false, false]).unwrap();
    assert_eq!((y.0[0], y.1[0]), (true, false));
    assert_eq!(y.3.to_tensor().to_f64_vec()[6], 6.0);
    assert_eq!(y.5.to_tensor().to_f64_vec(), [2.0, 2.5, 3.0, 3.5, 4.0]);
    assert_eq!(y.6.to_tensor().to_f64_vec(), [4.0, 1.0, 2.0, 3.0]);
    assert_eq!(y.8.to_tensor().to_f64_vec()[..4], [0.0, 1.0, 4.0, 9.0]);
    let first = net.powers(&x).unwrap().0.to_tensor().to_f64_vec()[0];
    assert_eq!(first, -(1f64.cos().powi(2)));
    netform::check::gradients(&mut net, |net| net.loss_backward(&x)?.item()).unwrap();
    assert!(net.parameter("steps").unwrap().to_f64_vec()[0] > 1.0);
}

#[test]
fn parts_are_assigned() -> netform::Result<()> {
    let mut net = Words::new(Cpu::f64(), 1)?;
    let x = [[1.0, 2.0, 3.0, 4.0], [-1.0, 0.5, 2.0, -3.0]];
    let (a, b, c, n, d) = net.parts(&x, &[1i64, 2, 3])?;
    let flat = |t: Tensor| t.to_f64_vec();
    assert_eq!(
        flat(a.to_tensor()),
        [7.0, 5.0, 7.0, 4.0, 7.0, 2.5, -1.0, -3.0]
    );
    assert_eq!(
        flat(b.to_tensor()),
        [2.0, 2.0, -3.0, 3.0, -2.0, 0.5, -2.0, -1.0]
    );
    assert_eq!(
        flat(c.to_tensor()),
        [1.0, 0.25, 4.0, 9.0, -1.0, 0.5, 2.0, -3.0]
    );
    assert_eq!(flat(n.to_tensor()), [1.0, -3.0, 9.0]);
    assert_eq!(flat(d.to_tensor()), x.concat());
    let w: Vec<f64> = (0..12).map(|i| f64::from(i).sin()).collect();
    net.set_parameter("w", &Tensor::from_vec([4, 3], w)?)?;
    netform::check::gradients(&mut net, |net| {
        net.of_parts_backward(&[1.0, -2.0, 3.0, 0.5])?.item()
    })?;
    Ok(())
}

#[test]
fn equations_have_rests_and_sizes_of_one() -> netform::Result<()> {
    let mut net = Words::new(Cpu::f64(), 1)?;
    let w: Vec<f64> = (0..12).map(|i| f64::from(i).sin()).collect();
    net.set_parameter("w", &Tensor::from_vec([4, 3], w)?)?;
    let of = |n: u32| (0..n).map(|i| f64::from(i).cos()).collect::<Vec<f64>>();
    let (x, y, z) = (
        Tensor::from_vec([5, 4], of(20))?,
        Tensor::from_vec([2, 5, 4, 3], of(120))?,
        Tensor::from_vec([1, 3], of(3))?,
    );
    let (a, b) = (net.sums(&x, &y, &z)?, net.sums_in_words(&x, &y, &z)?);
    for (a, b) in [
        (a.0.to_tensor(), b.0.to_tensor()),
        (a.1.to_tensor(), b.1.to_tensor()),
        (a.2.to_tensor(), b.2.to_tensor()),
        (a.3.to_tensor(), b.3.to_tensor()),
        (a.4.to_tensor(), b.4.to_tensor()),
    ] {
        assert_eq!(a.shape(), b.shape());
        for (a, b) in a.to_f64_vec().into_iter().zip(b.to_f64_vec()) {
            assert!((a - b).abs() < 1e-12, "{a} {b}");
        }
    }
    Ok(())
}

network! {
    struct Cells { cells: [GRUCell(4 -> 4); 2], lstm: LSTMCell(4 -> 4), seen: Buffer[4] = zeros }
    fn forward(x: [B, 4]) -> [B, 4] {
        let mut h = zeros([B, 4]);
        let mut c = zeros([B, 4]);
        let mut y = x;
        for cell in cells {
            (y, (h, _)) = (cell(y, h), (y, c));
        }
        (h, c) = lstm(y, (h, c));
        (h, c) = (c, h);
        (seen, _) = (h.mean(0), c);
        _ = c;
        h + 2 * c
    }
    fn plain(x: [B, 4]) -> [B, 4] {
        let mut h = zeros([B, 4]);
        let mut y = x;
        for cell in cells {
            let z = cell(y, h);
            h = y;
            y = z;
        }
        let (h2, c2) = lstm(y, (h, zeros([B, 4])));
        c2 + 2 * h2
    }
    fn loss(x: [B, 4]) -> [] { forward(x).square().mean() }
}

#[test]
fn several_variables_at_once() -> netform::Result<()> {
    let mut net = Cells::new(Cpu::f64(), 1)?;
    let x = [[0.5, -1.0, 2.0, 0.0], [1.5, 0.25, -0.5, 3.0]];
    assert_eq!(net.forward(&x)?.to_tensor(), net.plain(&x)?.to_tensor());
    assert_eq!(net.parameter("seen")?.to_f64_vec(), [0.0; 4]);
    net.loss_backward(&x)?;
    assert!(net.parameter("seen")?.to_f64_vec() != [0.0; 4]);
    Ok(())
}

network! {
    struct Spellings {}
    fn python(x: [B, 4], mask: bool[4]) -> ([B, 4], [B, 2], [B, 4], [B]) {
        let y = x.masked_fill(~mask, float("-inf")).masked_fill(mask, math.pi);
        (y, torch.zeros(B, 2), torch.ones([B, 4]) * np.sqrt(2.0), x.var(1, unbiased = False))
    }
    fn rust(x: [B, 4], mask: bool[4]) -> ([B, 4], [B, 2], [B, 4], [B]) {
        let y = where(mask, pi, -inf).expand([B, 4]);
        (y, zeros([B, 2]), ones(B, 4) * sqrt(2.0), x.var(1, correction = 0))
    }
}

#[test]
fn spellings_of_python() -> netform::Result<()> {
    let net = Spellings::new(Cpu::f64(), 1)?;
    let (x, mask) = ([[0.5, -1.0, 2.0, 0.0]], [true, false, true, false]);
    let (a, b) = (net.python(&x, &mask)?, net.rust(&x, &mask)?);
    assert_eq!(a.0.to_tensor(), b.0.to_tensor());
    assert_eq!(a.1.to_tensor(), b.1.to_tensor());
    assert_eq!(a.2.to_tensor(), b.2.to_tensor());
    assert_eq!(a.3.to_tensor(), b.3.to_tensor());
    Ok(())
}

network! {
    struct Scalars {
        w: Param[4],
    }
    fn scaled(x: [B, 4], by: f64) -> [B, 4] { x * by * w }
    fn chosen(#[grad] x: [B, 4], #[grad] by: f32, at: i64, on: bool) -> (f64, i64, bool) {
        let y = where(on, scaled(x, by), scaled(x, 0.5));
        (y[:, 1].sum(), at + 1, !on)
    }
    fn closed(x: [B, 4]) -> ([B, 3], [B, 2], [B, 4], [B, 1]) {
        (x[.., 0..=2], x[.., 1..=-2], x[.., ..=-1], x[.., -2..=-2])
    }
    fn sums(x: [B, 4]) -> [B, 4] {
        let mut y = zeros_like(x);
        for i in 0..=3 { y += x[.., ..=i].sum(1, keepdim = true); }
        y
    }
    fn filled(x: [B, 4], n: i64[3]) -> ([B, 4], [2, B], i64[3]) {
        (full_like(x, 2 * x.sum()), full([2, B], 1 / x[0, 0]), full_like(n, n[0]))
    }
}

#[test]
fn scalars_and_closed_ranges() -> netform::Result<()> {
    let mut net = Scalars::new(Cpu::f64(), 1)?;
    net.set_parameter("w", &Tensor::from_vec([4], vec![1.0, 3.0, 1.0, 1.0])?)?;
    let x = [[1.0, 2.0, 4.0, 8.0]];
    let (sum, next, off) = net.chosen(&x, 2.0, 6, true)?;
    assert_eq!((sum.item()?, next.to_vec()), (12.0, vec![7]));
    assert_eq!(off.to_vec(), [false]);
    let (sum, ..) = net.chosen(&x, 2.0, 6, false)?;
    assert_eq!(sum.item()?, 3.0);
    let (a, b, c, d) = net.closed(&x)?;
    assert_eq!(
        [a.as_slice(), b.as_slice(), d.as_slice()],
        [&[1.0, 2.0, 4.0][..], &[2.0, 4.0], &[4.0]]
    );
    assert_eq!(c.as_slice(), [1.0, 2.0, 4.0, 8.0]);
    assert_eq!(net.sums(&x)?.as_slice(), [25.0; 4].map(|v| v + 1.0));
    let (a, b, n) = net.filled(&x, &[5i64, 0, 0])?;
    assert_eq!(
        (a.as_slice(), b.as_slice()),
        (&[30.0; 4][..], &[1.0; 2][..])
    );
    assert_eq!(n.to_vec(), [5, 5, 5]);
    Ok(())
}
