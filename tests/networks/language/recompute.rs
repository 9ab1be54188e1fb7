//! `#[recompute]`: the same gradients bit for bit in less memory; dropout draws the same bits again.

use netform::prelude::*;
use netform_networks::values::wave;

/// The same network twice, with and without the attribute.
macro_rules! twins {
    ($(#[$mark:meta])? $name:ident) => {
        mod $name {
            use super::*;
            network! {
                pub struct Block<const D: usize> {
                    norm: LayerNorm(D),
                    up: Linear(D -> 4 * D),
                    down: Linear(4 * D -> D),
                    drop: Dropout(0.25),
                }

                fn forward(x: [B, D]) -> [B, D] {
                    x + drop(down(gelu(up(norm(x)))))
                }

                fn both(x: [B, D]) -> ([B, D], u32[B]) {
                    (x * sigmoid(up(x)).mean(-1, keepdim = true), x.argmax(1))
                }
            }

            network! {
                pub struct Deep {
                    $(#[$mark])?
                    blocks: [Block<16>; 6],
                    $(#[$mark])?
                    single: Block<16>,
                    $(#[$mark])?
                    layer: Linear(16 -> 16),
                    table: Embedding(16 -> 16),
                    #[frozen]
                    $(#[$mark])?
                    still: Block<16>,
                }

                fn forward(#[grad] x: [B, 16]) -> [B, 16] {
                    let mut x = x;
                    for block in blocks {
                        x = block(x);
                    }
                    let (x, at) = single.both(tanh(layer(still(x))));
                    single(x) + table(at)
                }

                fn loss(#[grad] x: [B, 16]) -> [] {
                    forward(x).square().mean()
                }

                fn in_a_scan(x: [B, T, 16]) -> [] {
                    let (last, all) = scan(x, zeros([B, 16]), |h, x_t| {
                        let h = tanh(layer(single(h) + x_t));
                        (h, h)
                    });
                    (last * all.mean(1)).sum()
                }
            }
        }
    };
}

twins!(kept);
twins!(
    #[recompute]
    again
);

#[test]
fn gradients_are_the_same_bit_for_bit() {
    let mut a = kept::Deep::new(Cpu::new(), 5).unwrap();
    let mut b = again::Deep::new(Cpu::new(), 5).unwrap();
    let same = |what: &str, net_a: &kept::Deep, net_b: &again::Deep| {
        for p in net_a.parameters() {
            let (x, y) = (
                net_a.gradient(p.name()).unwrap(),
                net_b.gradient(p.name()).unwrap(),
            );
            assert_eq!(x, y, "{what}: {}", p.name());
        }
    };
    let x = wave(&[9, 16], 0.37);
    for _ in 0..2 {
        let (la, ga) = a.loss_backward(&x).unwrap();
        let (lb, gb) = b.loss_backward(&x).unwrap();
        assert_eq!(la.item().unwrap(), lb.item().unwrap());
        assert_eq!(ga.to_tensor(), gb.to_tensor());
        drop((la, lb, ga, gb));
        same("loss", &a, &b);
        let mut adam = (Adam::new(1e-2), Adam::new(1e-2));
        adam.0.step(&mut a).unwrap();
        adam.1.step(&mut b).unwrap();
    }
    let dy = wave(&[9, 16], 0.37);
    let (ga, gb) = (
        a.forward_vjp(&x, &dy).unwrap(),
        b.forward_vjp(&x, &dy).unwrap(),
    );
    assert_eq!(ga.to_tensor(), gb.to_tensor());
    drop((ga, gb));
    same("forward", &a, &b);
    let x = wave(&[3, 7, 16], 0.37);
    a.in_a_scan_backward(&x).unwrap();
    b.in_a_scan_backward(&x).unwrap();
    // Steps share their parameters: the sums over steps are taken in another order.
    for p in a.parameters() {
        let pair = (a.gradient(p.name()).unwrap(), b.gradient(p.name()).unwrap());
        for (x, y) in pair.0.to_f64_vec().iter().zip(pair.1.to_f64_vec()) {
            assert!(
                (x - y).abs() <= 1e-5 * (1.0 + y.abs()),
                "{}: {x} and {y}",
                p.name()
            );
        }
    }
}

#[test]
fn the_peak_is_lower() {
    let kept = kept::Deep::<Cpu>::loss_backward_memory(64);
    let again = again::Deep::<Cpu>::loss_backward_memory(64);
    println!("{kept} bytes kept, {again} bytes with #[recompute]");
    assert!(again * 2 < kept, "{again} against {kept}");
    let (kept, again) = (
        kept::Deep::<Cpu>::in_a_scan_backward_memory(4, 64),
        again::Deep::<Cpu>::in_a_scan_backward_memory(4, 64),
    );
    println!("in a scan: {kept} bytes kept, {again} bytes with #[recompute]");
    assert!(again * 2 < kept, "{again} against {kept}");
    assert_eq!(
        kept::Deep::<Cpu>::loss_memory(64),
        again::Deep::<Cpu>::loss_memory(64)
    );
}
