//! Networks inside networks: the same values and gradients as written out, PyTorch's names, one network in several
//! others, sizes as const parameters.

use netform::prelude::*;
use netform_networks::values::wave;

mod parts {
    const SLOPE: usize = 3;

    netform::network! {
        /// Two layers around a residual connection.
        pub struct Mlp<const D: usize, const WIDE: usize = 12>
        where
            D > 1,
            WIDE >= D,
        {
            norm: LayerNorm(D),
            up: Linear(D -> WIDE),
            down: Linear(WIDE -> D),
            scale: Param[SLOPE] = ones,
        }

        fn forward(x: [B, D]) -> [B, D] {
            x + inner(x) * sum(scale) / SLOPE
        }

        fn inner(x: [B, D]) -> [B, D] {
            down(tanh(up(norm(x))))
        }

        fn both(x: [B, D]) -> ([B, D], [B, D]) {
            (forward(x), inner(x))
        }
    }
}

mod others {
    //! Another network of the same name.

    netform::network! {
        pub(crate) struct Mlp {
            linear: Linear(6 -> 6),
        }

        fn forward(x: [B, 6]) -> [B, 6] {
            linear(x)
        }
    }

    pub(crate) mod deep {
        use super::Mlp;

        netform::network! {
            struct Hidden {
                mlp: Mlp,
            }

            fn forward(x: [B, 6]) -> [B, 6] {
                mlp(mlp(x))
            }
        }

        netform::network! {
            pub(crate) struct Twice {
                hidden: Hidden,
            }

            fn forward(x: [B, 6]) -> [B, 6] {
                hidden(x)
            }
        }
    }
}

use parts::Mlp;

network! {
    struct Nested {
        first: Linear(8 -> 6),
        blocks: [Mlp<6>; 3],
        wide: Mlp<6, 20>,
        grid: [[Mlp<6, 7>; 2]; 2],
        other: others::Mlp,
        twice: others::deep::Twice,
        last: Linear(6 -> 3),
    }

    fn forward(x: [B, 8]) -> [B, 3] {
        let mut h = first(x);
        for block in blocks {
            let (whole, inner) = block.both(h);
            h = whole + 0.5 * inner;
        }
        for row in grid {
            for block in row {
                h = block(h);
            }
        }
        let h = wide.inner(h) + blocks[-1].forward(h);
        let h = twice(other(h));
        last(h * mean(wide.up.weight))
    }

    fn loss(x: [B, 8], y: [B, 3]) -> [] {
        mse_loss(forward(x), y)
    }
}

network! {
    /// The same with all layers in fields of its own.
    struct Flat {
        first: Linear(8 -> 6),
        norm: [LayerNorm(6); 3],
        up: [Linear(6 -> 12); 3],
        down: [Linear(12 -> 6); 3],
        scale: Param[3, 3] = ones,
        wide_norm: LayerNorm(6),
        wide_up: Linear(6 -> 20),
        wide_down: Linear(20 -> 6),
        #[frozen]
        wide_scale: Param[3] = ones,
        g_norm: [LayerNorm(6); 4],
        g_up: [Linear(6 -> 7); 4],
        g_down: [Linear(7 -> 6); 4],
        g_scale: Param[4, 3] = ones,
        other: Linear(6 -> 6),
        twice: Linear(6 -> 6),
        last: Linear(6 -> 3),
    }

    fn forward(x: [B, 8]) -> [B, 3] {
        let h = first(x);
        let i = down[0](tanh(up[0](norm[0](h))));
        let h = h + i * sum(scale[0]) / 3 + 0.5 * i;
        let i = down[1](tanh(up[1](norm[1](h))));
        let h = h + i * sum(scale[1]) / 3 + 0.5 * i;
        let i = down[2](tanh(up[2](norm[2](h))));
        let h = h + i * sum(scale[2]) / 3 + 0.5 * i;
        let h = h + g_down[0](tanh(g_up[0](g_norm[0](h)))) * sum(g_scale[0]) / 3;
        let h = h + g_down[1](tanh(g_up[1](g_norm[1](h)))) * sum(g_scale[1]) / 3;
        let h = h + g_down[2](tanh(g_up[2](g_norm[2](h)))) * sum(g_scale[2]) / 3;
        let h = h + g_down[3](tanh(g_up[3](g_norm[3](h)))) * sum(g_scale[3]) / 3;
        let w = wide_down(tanh(wide_up(wide_norm(h))));
        let h = w + h + down[2](tanh(up[2](norm[2](h)))) * sum(scale[2]) / 3;
        let h = twice(twice(other(h)));
        last(h * mean(wide_up.weight) + 0 * sum(wide_scale))
    }

    fn loss(x: [B, 8], y: [B, 3]) -> [] {
        mse_loss(forward(x), y)
    }
}

/// The place of `Nested`'s parameter in `Flat`: its name there, and its part.
fn flat_name(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    match parts[..] {
        ["blocks", i, "scale"] => format!("scale {i}"),
        ["blocks", i, layer, p] => format!("{layer}.{i}.{p}"),
        ["grid", i, j, "scale"] => format!("g_scale {}", index(i) * 2 + index(j)),
        ["grid", i, j, layer, p] => format!("g_{layer}.{}.{p}", index(i) * 2 + index(j)),
        ["wide", layer, p] => format!("wide_{layer}.{p}"),
        ["wide", p] => format!("wide_{p}"),
        ["other", "linear", p] => format!("other.{p}"),
        ["twice", "hidden", "mlp", "linear", p] => format!("twice.{p}"),
        _ => name.to_owned(),
    }
}

fn index(text: &str) -> usize {
    text.parse().unwrap()
}

/// Part `k` of three elements, or the whole.
fn part(all: Tensor, k: Option<usize>) -> Vec<f64> {
    let all = all.to_f64_vec();
    match k {
        Some(k) => all[3 * k..3 * k + 3].to_vec(),
        None => all,
    }
}

#[test]
fn a_network_of_networks_equals_itself_written_out() {
    let mut net = Nested::new(Cpu::f64(), 5).unwrap();
    let mut flat = Flat::new(Cpu::f64(), 6).unwrap();
    let names: Vec<String> = net.parameters().map(|p| p.name().to_owned()).collect();
    let find = |name: &str| -> (String, Option<usize>) {
        match flat_name(name).split_once(' ') {
            Some((n, k)) => (n.to_owned(), Some(index(k))),
            None => (flat_name(name), None),
        }
    };
    for (i, name) in names.iter().enumerate() {
        let shape = net.parameter(name).unwrap().shape().to_vec();
        let values = wave(&shape, 0.3 + 0.01 * i as f64);
        net.set_parameter(name, &values).unwrap();
        let (name, k) = find(name);
        let mut all = flat.parameter(&name).unwrap().to_f64_vec();
        match k {
            Some(k) => all[3 * k..3 * k + 3].copy_from_slice(&values.to_f64_vec()),
            None => all = values.to_f64_vec(),
        }
        let shape = flat.parameter(&name).unwrap().shape().to_vec();
        let all = Tensor::from_vec(&shape[..], all).unwrap();
        flat.set_parameter(&name, &all).unwrap();
    }
    let (x, y) = (wave(&[5, 8], 0.7), wave(&[5, 3], 0.9));
    let close = |what: &str, a: Vec<f64>, b: Vec<f64>| {
        assert_eq!(a.len(), b.len(), "{what}");
        for (a, b) in a.iter().zip(&b) {
            let error = (a - b).abs();
            assert!(error <= 1e-11 * (1.0 + b.abs()), "{what}: {a} and {b}");
        }
    };
    close(
        "forward",
        net.forward(&x).unwrap().to_tensor().to_f64_vec(),
        flat.forward(&x).unwrap().to_tensor().to_f64_vec(),
    );
    net.loss_backward(&x, &y).unwrap();
    flat.loss_backward(&x, &y).unwrap();
    for name in names.iter().filter(|n| *n != "wide.scale") {
        let (there, k) = find(name);
        close(
            name,
            net.gradient(name).unwrap().to_f64_vec(),
            part(flat.gradient(&there).unwrap(), k),
        );
    }
}

#[test]
fn names_are_pytorchs_and_in_its_order() {
    let net = Nested::new(Cpu::new(), 0).unwrap();
    let names: Vec<&str> = net.parameters().map(|p| p.name()).collect();
    let begin = [
        "first.weight",
        "first.bias",
        "blocks.0.norm.weight",
        "blocks.0.norm.bias",
        "blocks.0.up.weight",
        "blocks.0.up.bias",
        "blocks.0.down.weight",
        "blocks.0.down.bias",
        "blocks.0.scale",
        "blocks.1.norm.weight",
    ];
    assert_eq!(names[..10], begin);
    assert!(names.contains(&"grid.1.0.up.weight"));
    assert!(names.contains(&"twice.hidden.mlp.linear.bias"));
}

#[test]
fn a_network_with_sizes_stands_alone_too() {
    assert_eq!(Mlp::<6>::PARAMETERS, 12 + 6 * 12 + 12 + 6 * 12 + 6 + 3);
    assert_eq!(Mlp::<4, 9>::PARAMETERS, 8 + 4 * 9 + 9 + 4 * 9 + 4 + 3);
    let net = Mlp::<6>::new(Cpu::new(), 3).unwrap();
    // Rows of a const parameter are typed.
    let y = net.forward(&[[0.5f32; 6]; 2]).unwrap();
    assert_eq!(y.len(), 2);
    let row: [f32; 6] = y[1];
    assert_eq!(row, y[0]);
    assert!(Mlp::<6>::forward_memory(2) < Mlp::<6>::forward_memory(200));
    println!("{}", Mlp::<6>::graph());
    // In generic code.
    fn sum<const N: usize>() -> f32 {
        let net = Mlp::<N>::new(Cpu::new(), 3).unwrap();
        net.forward(&[[1.0f32; N]]).unwrap()[0].iter().sum()
    }
    assert!((sum::<2>() + sum::<5>()).is_finite());
}
