//! Declarations in PyTorch's form: two sizes as two arguments or by name, `True` and `False`.

use netform::Network;
use netform::prelude::*;

network! {
    struct Arrows {
        token: Embedding(7 -> 4, padding_idx = 0),
        linear: Linear(4 -> 6, bias = false),
        conv: Conv1d(6 -> 3, 3, padding = 1),
        lstm: LSTM(3 -> 5, 2, bidirectional = true),
        cell: GRUCell(10 -> 5),
    }
    fn forward(ids: u32[B, 9]) -> [B, 5] {
        let x = conv(linear(token(ids)).transpose(1, 2)).transpose(1, 2);
        let (y, _) = lstm(x);
        cell(y.mean(1), zeros([B, 5]))
    }
    fn loss(ids: u32[B, 9]) -> [] { forward(ids).square().mean() }
}

network! {
    struct Words {
        token: Embedding(7, embedding_dim = 4, padding_idx = 0),
        linear: Linear(4, 6, False),
        conv: Conv1d(6, 3, 3, padding = 1),
        lstm: LSTM(hidden_size = 5, input_size = 3, num_layers = 2, bidirectional = True),
        cell: GRUCell(10, 5),
    }
    fn forward(ids: u32[B, 9]) -> [B, 5] {
        let x = conv(linear(token(ids)).transpose(1, 2)).transpose(1, 2);
        let (y, _) = lstm(x);
        cell(y.mean(1), zeros([B, 5]))
    }
    fn loss(ids: u32[B, 9]) -> [] { forward(ids).square().mean() }
}

#[test]
fn both_ways_declare_the_same_network() {
    let ids = [[1u32, 2, 3, 4, 5, 6, 0, 1, 2], [6; 9]];
    let mut arrows = Arrows::new(Cpu::new(), 3).unwrap();
    let mut words = Words::new(Cpu::new(), 3).unwrap();
    let all = |net: Vec<&str>| net.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let names = all(arrows.parameters().map(|p| p.name()).collect());
    assert_eq!(names, all(words.parameters().map(|p| p.name()).collect()));
    let (a, b) = (
        arrows.loss_backward(&ids).unwrap(),
        words.loss_backward(&ids).unwrap(),
    );
    assert_eq!(a.item().unwrap(), b.item().unwrap());
    for name in names {
        let (a, b) = (
            arrows.gradient(&name).unwrap(),
            words.gradient(&name).unwrap(),
        );
        assert_eq!(a, b, "{name}");
    }
}
