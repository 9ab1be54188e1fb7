//! Loops over tensors, tuples and lists, loops from the end, arrays that a loop's number indexes, and tensors as indices:
//! each beside the same in other words.

use netform::prelude::*;

const N: usize = 3;
const D: usize = 4;

network! {
    struct Net {
        layers: [Linear(D -> D); N],
        norms: [LayerNorm(D); N],
    }
    fn by_index(x: [B, D]) -> [B, D] {
        let mut x = x;
        for i in 0..N { x = norms[i](layers[i](x)) + i; }
        x
    }
    fn by_index_in_words(x: [B, D]) -> [B, D] {
        let mut x = x;
        for (i, (layer, norm)) in enumerate(zip(layers, norms)) { x = norm(layer(x)) + i; }
        x
    }

    fn from_the_end(x: [B, D]) -> [B, D] {
        let mut x = x;
        for layer in reversed(layers) { x = layer(x).tanh(); }
        for (i, layer) in zip(reversed(0..N), reversed(layers)) { x = layer(x) * i; }
        x
    }
    fn from_the_end_in_words(x: [B, D]) -> [B, D] {
        let x = layers[2](x).tanh();
        let x = layers[1](x).tanh();
        let x = layers[0](x).tanh();
        layers[0](layers[1](layers[2](x) * 2) * 1) * 0
    }

    fn over_a_tensor(x: [B, T, D]) -> [B, D] {
        let mut h = zeros(B, D);
        for x_t in x.transpose(0, 1) { h = tanh(0.5 * h + x_t); }
        h
    }
    fn over_positions(x: [B, T, D]) -> [B, D] {
        let mut h = zeros(B, D);
        for t in 0..T { h = tanh(0.5 * h + x[:, t]); }
        h
    }
    fn over_a_tensor_in_words(x: [B, T, D]) -> [B, D] {
        let (h, _) = scan(x, zeros(B, D), |h, x_t| {
            let h = tanh(0.5 * h + x_t);
            (h, h)
        }, dim = 1);
        h
    }

    fn over_parts(x: [B, D]) -> [B, 2] {
        let mut y = zeros(B, 2);
        for part in x.chunk(2, dim = 1) { y = 2 * y + part; }
        for (part, w) in zip((x[:, :2], x[:, 2:]), [0.5, 3]) { y = y + part * w; }
        y
    }
    fn over_parts_in_words(x: [B, D]) -> [B, 2] { 2.5 * x[:, :2] + x[:, 2:] + 3 * x[:, 2:] }

    fn stacked(x: [B, T, D]) -> [T, B, D] {
        let mut all = zeros(T, B, D);
        for t in 0..T { all[t] = x[:, t] * t; }
        all
    }
    fn stacked_in_words(x: [B, T, D]) -> [T, B, D] { x.transpose(0, 1) * arange(T)[:, None, None] }

    fn chosen(x: [B, D, E], i: u32[B], j: i64[2, 2]) -> ([B, E], [B], [B, 2, 2, E], [2, 2]) {
        (x[arange(B), i], x[arange(B), i, 0], x[:, j], x[0][j, j[0, 1]])
    }
    fn chosen_in_words(x: [B, D, E], i: u32[B], j: i64[2, 2]) -> ([B, E], [B], [B, 2, 2, E], [2, 2]) {
        let one = gather(x, 1, i[:, None, None].expand(B, 1, E)).squeeze(1);
        let x0 = x[0];
        let column = index_select(x0, 1, j[0, 1].reshape(1)).squeeze(1);
        (
            one,
            one[:, 0],
            index_select(x, 1, j.flatten()).view(B, 2, 2, E),
            index_select(column, 0, j.flatten()).view(2, 2),
        )
    }
}

fn image(rows: usize, width: usize) -> Vec<f64> {
    (0..rows * width).map(|k| (k as f64 * 1.7).sin()).collect()
}

#[test]
fn loops_give_the_same_in_other_words() -> netform::Result<()> {
    let net = Net::new(Cpu::f64(), 3)?;
    let flat = Tensor::from_vec([2, D], image(2, D))?;
    assert_eq!(
        net.by_index(&flat)?.to_vec(),
        net.by_index_in_words(&flat)?.to_vec()
    );
    assert_eq!(
        net.from_the_end(&flat)?.to_vec(),
        net.from_the_end_in_words(&flat)?.to_vec()
    );
    assert_eq!(
        net.over_parts(&flat)?.to_vec(),
        net.over_parts_in_words(&flat)?.to_vec()
    );
    for t in [0, 1, 5] {
        let x = Tensor::from_vec([2, t, D], image(2 * t, D))?;
        let wanted = net.over_a_tensor_in_words(&x)?.to_vec();
        assert_eq!(net.over_a_tensor(&x)?.to_vec(), wanted);
        assert_eq!(net.over_positions(&x)?.to_vec(), wanted);
        assert_eq!(
            net.stacked(&x)?.to_vec(),
            net.stacked_in_words(&x)?.to_vec()
        );
    }
    Ok(())
}

#[test]
fn gradients_pass_through_loops_as_in_other_words() -> netform::Result<()> {
    let mut net = Net::new(Cpu::f64(), 3)?;
    let x = Tensor::from_vec([2, D], image(2, D))?;
    let dy = Tensor::from_vec([2, D], image(4, 2))?;
    let gradients = |net: &Net<Cpu<f64>>| -> netform::Result<Vec<Vec<f64>>> {
        let names = net.parameters().map(|p| p.name().to_string());
        names
            .map(|name| Ok(net.gradient(&name)?.to_f64_vec()))
            .collect()
    };
    net.by_index_vjp(&x, &dy)?;
    let by_index = gradients(&net)?;
    net.by_index_in_words_vjp(&x, &dy)?;
    assert_eq!(by_index, gradients(&net)?);
    net.from_the_end_vjp(&x, &dy)?;
    let from_the_end = gradients(&net)?;
    net.from_the_end_in_words_vjp(&x, &dy)?;
    for (a, b) in from_the_end
        .iter()
        .flatten()
        .zip(gradients(&net)?.iter().flatten())
    {
        assert!((a - b).abs() < 1e-14, "{a} {b}");
    }
    Ok(())
}

#[test]
fn tensors_are_indices() -> netform::Result<()> {
    let net = Net::new(Cpu::f64(), 3)?;
    let x = Tensor::from_vec([2, D, 3], image(2 * D, 3))?;
    let j = [[0i64, 2], [1, 1]];
    let (a, b, c, d) = net.chosen(&x, &[3, 1], &j)?;
    let (e, f, g, h) = net.chosen_in_words(&x, &[3, 1], &j)?;
    assert_eq!((a.to_vec(), b.to_vec()), (e.to_vec(), f.to_vec()));
    assert_eq!((c.to_vec(), d.to_vec()), (g.to_vec(), h.to_vec()));
    // Each index is checked.
    assert!(net.chosen(&x, &[4, 1], &j).is_err());
    assert!(net.chosen(&x, &[3, 1], &[[0, 3], [1, 1]]).is_err());
    Ok(())
}
