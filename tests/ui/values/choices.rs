use netform::prelude::*;

network! {
    struct Choices {
        no_value: Linear(4 -> if 1 > 2 { 3 }),
        statement: Linear(4 -> if 1 < 2 { let n = 3; n } else { 4 }),
        layers: [Linear(if i == 0 { 4 } else { 0 } -> 8); 2],
    }
    fn forward(x: [B, 4]) -> [B, 8] { layers[0](x) + no_value(x) + statement(x) }
}

fn main() {}
