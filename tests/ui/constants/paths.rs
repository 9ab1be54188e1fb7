use netform::prelude::*;

mod config {
    pub const WIDTH: usize = 8;
}

network! {
    struct Differ { linear: Linear(config::WIDTH + 1 -> 3), eight: Linear(8 -> 3) }
    fn forward(x: [B, config::WIDTH]) -> [B, 3] { linear(x) }
    fn second(x: [B, config::WIDTH]) -> [B, 3] { eight(relu(x) + zeros(B, 7)) }
    fn third(x: [B, 8]) -> [B, 3] { torch::relu(x) }
}

network! {
    struct Missing { linear: Linear(8 -> 3) }
    fn forward(x: [B, config::MISSING]) -> [B, 3] { linear(x) }
}

fn main() {}
