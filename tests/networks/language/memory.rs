//! The memory that a network states is the memory that its runs take.

use netform::prelude::*;

network! {
    struct Mlp {
        linear_1: Linear(16 -> 48),
        norm: LayerNorm(48),
        linear_2: Linear(48 -> 5),
        dropout: Dropout(p = 0.1),
    }
    fn forward(x: [B, 16]) -> [B, 5] { linear_2(dropout(norm(gelu(linear_1(x))))) }
    fn loss(x: [B, 16], y: u32[B]) -> [] { cross_entropy(forward(x), y) }
    fn pairs(x: [B, 16], z: [N, 16]) -> [B, N] { matmul(forward(x), forward(z).transpose(0, 1)) }
}

const SIDE: usize = 9;

network! {
    /// Just within its budgets, one counted by the macro and one by rustc.
    struct Budget {
        inner: Linear(5 -> 7),
        outer: Linear(7 -> SIDE),
    }

    #[memory(max = "704 B")]
    fn hidden(x: [9, 5]) -> [9, 7] { inner(x) }

    #[memory(max = "1.1875 KiB")]
    fn forward(x: [9, 5]) -> [9, SIDE] { outer(inner(x)) }
}

const _: () = assert!(Budget::hidden_memory() <= 704 && Budget::hidden_vjp_memory() == 704);
const _: () = assert!(Budget::forward_memory() <= 1216 && Budget::forward_vjp_memory() == 1216);

// Constants, so that a program can size itself when it is compiled.
const PARAMETERS: usize = Mlp::PARAMETERS;
const TRAINING: usize = Mlp::loss_backward_memory(128);
const _: () = assert!(Mlp::WEIGHT_BYTES == 4 * PARAMETERS);
const _: () = assert!(Mlp::forward_memory(1) <= Mlp::forward_memory(100));

fn net() -> Mlp {
    Mlp::new(Cpu::new(), 1).unwrap()
}

#[test]
fn parameters() {
    let net = net();
    let sizes = net
        .parameters()
        .map(|p| p.shape().iter().product::<usize>());
    assert_eq!(sizes.sum::<usize>(), PARAMETERS);
    assert_eq!(PARAMETERS, 16 * 48 + 48 + 2 * 48 + 48 * 5 + 5);
    assert_eq!(<Mlp as Network>::PARAMETERS, PARAMETERS);
    assert_eq!(<Mlp<Cpu<f64>> as Network>::WEIGHT_BYTES, Mlp::WEIGHT_BYTES);
    // In memory each parameter is padded to 64 bytes; in a file it is not.
    let held = net.core().parameter_bytes();
    let padding = net.parameters().count() * 60;
    assert!(
        (Mlp::WEIGHT_BYTES..=Mlp::WEIGHT_BYTES + padding).contains(&held),
        "{held}"
    );
    let folder = tempfile::tempdir().unwrap();
    net.save(folder.path().join("mlp.safetensors")).unwrap();
    let bytes = std::fs::read(folder.path().join("mlp.safetensors")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    assert_eq!(bytes.len() - 8 - header, Mlp::WEIGHT_BYTES);
}

#[test]
fn workspaces() {
    for b in [1, 2, 7, 64, 128, 1000] {
        let (x, y) = (vec![[0.5f32; 16]; b], vec![1u32; b]);

        let inference = net();
        assert_eq!(inference.core().workspace_bytes(), 0);
        inference.forward(&x).unwrap();
        assert_eq!(
            inference.core().workspace_bytes(),
            Mlp::forward_memory(b),
            "forward({b})"
        );
        let evaluation = net();
        evaluation.loss(&x, &y).unwrap();
        assert_eq!(
            evaluation.core().workspace_bytes(),
            Mlp::loss_memory(b),
            "loss({b})"
        );

        let mut training = net();
        let weights = training.core().parameter_bytes();
        training.loss_backward(&x, &y).unwrap();
        let stated = Mlp::loss_backward_memory(b);
        assert_eq!(
            training.core().workspace_bytes(),
            stated,
            "loss_backward({b})"
        );
        assert_eq!(training.core().parameter_bytes(), 2 * weights);
        assert!(b != 128 || stated == TRAINING);
        // A second run takes no more.
        training.loss_backward(&x, &y).unwrap();
        assert_eq!(training.core().workspace_bytes(), stated);

        let mut vjp = net();
        vjp.forward_vjp(&x, &vec![[1.0f32; 5]; b]).unwrap();
        assert_eq!(
            vjp.core().workspace_bytes(),
            Mlp::forward_vjp_memory(b),
            "forward_vjp({b})"
        );

        let pairs = net();
        pairs.pairs(&x, &x[..1]).unwrap();
        assert_eq!(
            pairs.core().workspace_bytes(),
            Mlp::pairs_memory(b, 1),
            "pairs({b}, 1)"
        );
    }
}

#[test]
fn several_at_a_time() {
    let net = net();
    let x = [[0.5f32; 16]; 3];
    let held: Vec<_> = (0..4).map(|_| net.forward(&x).unwrap()).collect();
    assert_eq!(net.core().workspace_bytes(), 4 * Mlp::forward_memory(3));
    drop(held);
    net.forward(&x).unwrap();
    assert_eq!(net.core().workspace_bytes(), 4 * Mlp::forward_memory(3));
}
