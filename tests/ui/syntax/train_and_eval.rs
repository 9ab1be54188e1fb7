use netform::prelude::*;

network! {
    pub struct Net { linear: Linear(8 -> 8) }
    #[train]
    #[eval]
    fn forward(x: [B, 8]) -> [B, 8] { linear(x) }
    #[train]
    fn any(x: [.., 8]) -> [.., 8] { linear(x) }
    #[train]
    fn forward_train(x: [B, 8]) -> [B, 8] { any(x) }
    fn loss(x: [B, 8]) -> [] { forward(x).sum() }
}

fn main() {}
